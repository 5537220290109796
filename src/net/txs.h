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
/* Whether the peer may announce @n more. */
bool txs_may_announce(const struct peer *p, size_t n);
/* It came, or nobody needs to be asked any more. */
void txs_forget(struct net *net, const struct tx *tx);

/* tx_receive.c */
/* Offers it to the mempool; the net's lock is released meanwhile. */
NODISCARD bool txs_try(struct net *net, const struct tx *tx, struct accept_result *r);
/* What follows from the mempool's word on a transaction that the peer gave us. @blame:
 * the peer is punished for an invalid one. */
void txs_accepted(struct peer *p, const struct tx *tx);
void txs_refused(struct peer *p, const struct tx *tx, const struct accept_result *r,
                 bool blame);

/* tx_orphans.c */
/* Its parents are unknown: ask all who have it for them, unless they were refused. */
void txs_keep_orphan(struct peer *p, const struct tx *tx);
/* One more peer has the orphan. */
void txs_orphan_announced(struct peer *p, const struct tx *orphan);

/* tx_packages.c */
/* The parent's fee was too low: looks for a child that pays for both. @why is for the
 * log. */
void txs_try_package(struct peer *p, const struct tx *parent, const char *why);

/* tx_announce.c */
/* Sends and empties the list; nothing when it is empty. */
void txs_send_invs(struct peer *p, const char *type, struct msg_inv *m);

#endif
