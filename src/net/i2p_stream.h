/* Connections through I2P, outgoing and incoming, as streams of a session. On the event
 * loop. */
#ifndef OCHRE_NET_I2P_STREAM_H
#define OCHRE_NET_I2P_STREAM_H

#include "net/i2p_session.h"

struct i2p_stream_events {
    /* Incoming: peers can call from now on. May be NULL. */
    void (*listening)(void *ctx);
    void (*connected)(void *ctx, struct conn *take, const struct netaddr *peer);
    /* @peers_fault: the bridge works, the peer cannot be reached. */
    void (*failed)(void *ctx, bool peers_fault);
};

/* A stream on its way; gone before its last event is called. The session outlives it.
 */
struct i2p_stream;
struct i2p_stream *i2p_connect(struct i2p_session *s, const struct netaddr *to,
                               const struct i2p_stream_events *ev, void *ctx);
/* Waits for one caller, for as long as it takes. */
struct i2p_stream *i2p_accept(struct i2p_session *s, const struct i2p_stream_events *ev,
                              void *ctx);
void i2p_cancel(struct i2p_stream *st); /* no event follows; NULL is fine */

#endif
