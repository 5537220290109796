/* -i2psam and -i2pacceptincoming: our sessions, and the callers of the persistent one.
 * On the event loop. */
#ifndef OCHRE_NET_I2P_H
#define OCHRE_NET_I2P_H

#include "net/i2p_stream.h"

/* Begins to listen, if that was asked for. */
void i2p_start(struct net *net);
void i2p_stop(struct net *net);
void i2p_free(struct net *net); /* when nothing of it is under way any more */

/* For an outgoing connection: the persistent session when there is one; else one of its
 * own, so that peers cannot tell that both their callers are we. */
struct i2p_session *i2p_borrow(struct net *net);
/* It was of no use; a transient one is kept for the next caller. */
void i2p_give_back(struct net *net, struct i2p_session *take);

#endif
