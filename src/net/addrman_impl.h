/* The address manager's insides, for the files that make it up. */
#ifndef OCHRE_NET_ADDRMAN_IMPL_H
#define OCHRE_NET_ADDRMAN_IMPL_H

#include <pthread.h>

#include "net/addrman.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/map.h"
#include "util/rand.h"

#define NEW_BUCKETS     1024
#define TRIED_BUCKETS   256
#define BUCKET_SIZE     64
#define NEW_PER_ADDRESS 8 /* places that one address may have */
#define MAX_COLLISIONS  10

struct addrman_info {
    struct netaddr_entry e;
    struct netaddr source;
    int64_t last_try, last_counted, last_success; /* unix seconds */
    uint32_t attempts;                            /* failed, since the last success */
    uint32_t refs;                                /* places in the new table */
    bool tried;
};

struct addrman {
    pthread_mutex_t lock;
    struct clock *clock;
    struct logger *log;
    const struct netgroups *groups;
    struct rng rng;
    uint64_t key[2];
    struct addrman_info **infos; /* owned, dense */
    size_t n;
    struct addrman_counts by_net[NET_COUNT];
    struct map by_addr; /* struct netaddr -> uint32 index */
    struct addrman_info *new_table[NEW_BUCKETS][BUCKET_SIZE];     /* borrowed */
    struct addrman_info *tried_table[TRIED_BUCKETS][BUCKET_SIZE]; /* borrowed */
    struct netaddr collisions[MAX_COLLISIONS];
    size_t n_collisions;
    int64_t last_good;
    unsigned check_ratio; /* one in so many changes is checked; 0: none */
};

struct addrman_place_at {
    unsigned bucket, position;
};

/* All with the lock. */
struct addrman_info *addrman_find(const struct addrman *am, const struct netaddr *a);
struct addrman_info *addrman_create(struct addrman *am, const struct netaddr_entry *e,
                                    const struct netaddr *source);
void addrman_destroy(struct addrman *am, struct addrman_info *i);
struct addrman_place_at addrman_tried_place(const struct addrman *am,
                                            const struct netaddr *a);
struct addrman_place_at addrman_new_place(const struct addrman *am,
                                          const struct netaddr *a,
                                          const struct netaddr *source);
/* The place of @a in this bucket of new. */
struct addrman_place_at addrman_new_place_in(const struct addrman *am,
                                             const struct netaddr *a, unsigned bucket);
void addrman_set_tried(struct addrman *am, struct addrman_info *i, bool tried);
struct addrman_counts addrman_total(const struct addrman *am);
bool addrman_is_terrible(const struct addrman_info *i, int64_t now);
void addrman_check(struct addrman *am); /* now and then, as -checkaddrman says */
/* NULL, or what is wrong with the tables. */
const char *addrman_inconsistency(const struct addrman *am);

#endif
