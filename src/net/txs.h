/* What the files that relay transactions share with each other. */
#ifndef OCHRE_NET_TXS_H
#define OCHRE_NET_TXS_H

#include "net/internal.h"

/* tx_download.c */
/* False: the peer broke the protocol and is disconnected. */
bool txs_heard_of(struct peer *p, const struct inv *inv);
/* The peer has it: it may be asked for it. */
void txs_announced(struct peer *p, const struct gtxid *id);
/* What we will not ask for: known, confirmed lately, or refused lately. */
bool txs_have(struct net *net, const struct gtxid *id, bool with_reconsiderable);
/* It came, or nobody needs to be asked any more. */
void txs_forget(struct net *net, const struct tx *tx);

/* tx_announce.c */
/* Sends and empties the list; nothing when it is empty. */
void txs_send_invs(struct peer *p, const char *type, struct msg_inv *m);

#endif
