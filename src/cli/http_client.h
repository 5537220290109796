/* One HTTP/1.1 request over a fresh TCP connection, for the command-line client. */
#ifndef OCHRE_CLI_HTTP_CLIENT_H
#define OCHRE_CLI_HTTP_CLIENT_H

#include "util/bytes.h"

struct http_answer {
    int status;      /* of HTTP; 0: no answer */
    struct buf body; /* owned */
};

/* POSTs a JSON body. @timeout_s: for connecting and for each wait; 0: none.
 * ERR_NOT_FOUND: no such host; ERR_CLOSED: nobody listens, or the connection broke off;
 * ERR_TIMEOUT; ERR_CORRUPT: that was no HTTP. The answer's body is freed by the caller.
 */
NODISCARD enum err http_post(struct http_answer *out, const char *host, uint16_t port,
                             const char *path, const char *user_password,
                             struct bytes body, int timeout_s);

#endif
