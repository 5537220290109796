/* Notifications over ZeroMQ: PUB sockets, one an address, and topics on them. A message
 * has three parts: topic, body, and a u32 that counts the messages of that topic at
 * that address. A subscriber who is too slow loses messages; nobody waits for one.
 *
 * Publications are added before the first message; messages are sent by one thread at a
 * time. */
#ifndef OCHRE_IO_ZMQ_OUTLET_H
#define OCHRE_IO_ZMQ_OUTLET_H

#include "util/bytes.h"

struct zmq_outlet;

struct zmq_publication {
    const char *topic;
    char *address; /* owned; as the user gave it */
    int hwm;       /* messages kept for a slow subscriber */
    /* private */
    void *socket;
    uint32_t sequence;
};

struct zmq_outlet *zmq_outlet_new(void);
void zmq_outlet_free(struct zmq_outlet *o); /* NULL is fine */
/* Binds, unless another topic is at that address already. @topic is static text;
 * "unix:PATH" is ipc://PATH. On failure *error (caller frees) says why. */
NODISCARD bool zmq_outlet_add(struct zmq_outlet *o, const char *topic,
                              const char *address, int hwm, char **error);
bool zmq_outlet_has(const struct zmq_outlet *o, const char *topic); /* o may be NULL */
void zmq_outlet_send(struct zmq_outlet *o, const char *topic, struct bytes body);
const struct zmq_publication *zmq_outlet_list(const struct zmq_outlet *o, size_t *n);

#endif
