/* Between struct endpoint and what the system calls take. For src/io only. */
#ifndef OCHRE_IO_SOCKADDR_H
#define OCHRE_IO_SOCKADDR_H

#include <sys/socket.h>

#include "io/conn.h"

socklen_t endpoint_to_sockaddr(struct sockaddr_storage *out, const struct endpoint *e);
/* False: neither IPv4 nor IPv6. */
bool endpoint_from_sockaddr(struct endpoint *out, const struct sockaddr *sa);
/* A listening socket, or -1 with errno. */
int socket_listen(const struct endpoint *at);

#endif
