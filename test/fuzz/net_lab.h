/* A node without sockets for the fuzzers of the network: a regtest chain with filters,
 * some transactions in the mempool, and peers whose connection is a transport without a
 * socket. Chain and mempool are the same at the start of every input, so what is in the
 * corpus goes on meaning the same. */
#ifndef OCHRE_TEST_NET_LAB_H
#define OCHRE_TEST_NET_LAB_H

#include "net/internal.h"

#define LAB_BLOCKS    102 /* coinbases of the first three can be spent */
#define LAB_MAX_PEERS 6

/* The other side of a peer. */
struct lab_peer {
    struct peer *peer;      /* NULL: none */
    struct transport other; /* what it writes with */
};

struct net_lab {
    struct chain_params params;
    struct clock clock;
    struct loop *loop;
    struct pool *workers;
    struct chainman *cm;
    struct mempool *mp;
    struct net *net;
    struct lab_peer peers[LAB_MAX_PEERS];
    unsigned n_added; /* peers of this input */
};

/* A message that fits this chain. */
struct lab_sample {
    const char *name; /* of the thing: "next-block" */
    enum msg_type type;
    struct buf payload; /* owned */
};

/* The lab in its first state; opened when need be. Not on the validation thread. */
struct net_lab *net_lab_ready(void);
/* The samples, in an order that never changes. Not on the validation thread at first.
 */
const struct lab_sample *net_lab_samples(size_t *n);
/* Calls fn on the validation thread and puts everything away after it. */
void net_lab_run(struct net_lab *lab, void (*fn)(void *arg), void *arg);

/* -- Inside net_lab_run --------------------------------------------------- */

/* Connects one more; an old one in that place leaves. A caller in version 2 has agreed
 * on its keys when this returns. */
struct peer *net_lab_connect(struct net_lab *lab, unsigned at, enum conn_type type,
                             bool v2, unsigned perms);
/* Version and verack, with what is usual between them. */
void net_lab_handshake(struct net_lab *lab, unsigned at);
/* A message, whole, in the peer's transport; then the node has its turn. */
void net_lab_send(struct net_lab *lab, unsigned at, const char *type,
                  struct bytes payload);
/* Octets as they come, in pieces. */
void net_lab_feed(struct net_lab *lab, unsigned at, struct bytes octets, size_t piece);
void net_lab_hang_up(struct net_lab *lab, unsigned at);
/* Takes everything that the node has sent. */
void net_lab_read(struct net_lab *lab, unsigned at);
/* The node's timer. */
void net_lab_tick(struct net_lab *lab);
/* What must hold between any two messages. */
void net_lab_check(struct net_lab *lab);

#endif
