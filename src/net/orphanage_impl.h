/* The orphanage's inside, shared by orphanage.c and orphan_children.c only. */
#ifndef OCHRE_NET_ORPHANAGE_IMPL_H
#define OCHRE_NET_ORPHANAGE_IMPL_H

#include "net/orphanage.h"
#include "util/log.h"
#include "util/map.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/ring.h"

/* That one peer has one orphan. */
struct holding {
    struct orphan *orphan;
    struct holder *peer;
    struct holding *next; /* of the orphan */
    struct ring in_peer;  /* of the peer, oldest first */
    uint64_t sequence;
};

struct holder {
    int64_t id;
    struct ring holdings;
    struct ring work; /* its orphans to be tried again */
    size_t n;
    int64_t weight;
};

/* An input: those that spend the same output hang together. */
struct spend {
    struct orphan *orphan;
    struct spend *prev, *next;
};

struct orphan {
    struct tx *tx;         /* owned reference */
    struct ring by_age;    /* of the orphanage */
    struct ring in_work;   /* of the holder that is to try it */
    struct holder *worker; /* NULL: no news of its parents */
    struct holding *first; /* owned list */
    struct spend *spends;  /* owned, one for each input */
    int64_t expires_s;
    uint64_t mark; /* of the walk that met it last */
};

struct orphanage {
    struct logger *log;
    struct rng *rng;
    size_t max;
    struct ring all;     /* oldest first */
    struct map by_wtxid; /* wtxid -> struct orphan * (owned) */
    struct map by_spend; /* outpoint -> struct spend *, the first of its list */
    struct map holders;  /* int64 -> struct holder * (owned), who hold something */
    int64_t weight;
    uint64_t next_sequence, walk;
};

/* orphanage.c */
struct holder *orphanage_holder(const struct orphanage *o, int64_t peer);
struct holding *orphan_holding(const struct orphan *x, int64_t peer);
/* Without looking after the bounds. */
void orphan_erase(struct orphanage *o, struct orphan *x);
/* After every change that may have broken a bound. */
void orphanage_limit(struct orphanage *o);

/* orphan_children.c */
void orphan_link_spends(struct orphanage *o, struct orphan *x);
void orphan_unlink_spends(struct orphanage *o, struct orphan *x);
void orphan_set_worker(struct orphan *x, struct holder *h); /* NULL: nobody */
/* Has one of its holders try it again, unless that is on its way. */
void orphan_give_work(struct orphanage *o, struct orphan *x);

#endif
