/* A session with I2P's SAM bridge: a destination of ours, which lasts as long as the
 * connection that made it. On the event loop. */
#ifndef OCHRE_NET_I2P_SESSION_H
#define OCHRE_NET_I2P_SESSION_H

#include "net/internal.h"

#define I2P_REPLY_MS 180000 /* building tunnels and finding peers take their time */

struct i2p_session;
/* Persistent: with the key of the file i2p_private_key, which is made when there is
 * none; else with a new one. Nothing is asked of the bridge yet. */
struct i2p_session *i2p_session_new(struct net *net, bool persistent);
void i2p_session_stop(struct i2p_session *s); /* ends it; nobody waits for it now */
void i2p_session_free(struct i2p_session *s); /* NULL is fine */

/* Somebody who needs it to stand. */
struct i2p_waiter {
    struct i2p_waiter *next;
    void (*ready)(struct i2p_waiter *w);
    void (*failed)(struct i2p_waiter *w, const char *why); /* may free the session */
};
/* Calls one of both, at once or later. */
void i2p_session_wait(struct i2p_session *s, struct i2p_waiter *w);
void i2p_session_forget(struct i2p_session *s, struct i2p_waiter *w);

/* When it stands. */
const char *i2p_session_id(const struct i2p_session *s);
const struct netaddr *i2p_session_me(const struct i2p_session *s);
/* The bridge says it does not: the next who waits makes it anew. */
void i2p_session_break(struct i2p_session *s);
bool i2p_session_persistent(const struct i2p_session *s);
struct net *i2p_session_net(const struct i2p_session *s);

/* A new connection to the bridge. */
struct line_conn;
struct line_events;
struct line_conn *i2p_dial_bridge(struct net *net, const struct line_events *ev,
                                  void *ctx);
/* Sends a line of the bridge's; the answer has to come in time. */
void i2p_ask(struct line_conn *lc, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
