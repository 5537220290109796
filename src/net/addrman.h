/* The address manager: where nodes might be. Addresses heard of are "new", those we
 * connected to are "tried"; both live in keyed buckets chosen by network group, so one
 * source or one network can fill but a small part. Thread-safe. Kept in peers.dat. */
#ifndef OCHRE_NET_ADDRMAN_H
#define OCHRE_NET_ADDRMAN_H

#include "io/netaddr.h"

struct clock;
struct logger;
struct netgroups;

struct addrman;
struct addrman_options {
    struct clock *clock;
    struct logger *log;
    const struct netgroups *groups; /* borrowed */
    unsigned check_ratio;           /* -checkaddrman: one in so many changes; 0: none */
    bool known_key;                 /* -test=addrman: the same places in every run */
};
struct addrman *addrman_new(const struct addrman_options *opt);
void addrman_free(struct addrman *am);
/* Absent is fine, and so is a newer version, which is set aside. ERR_CORRUPT, ERR_IO:
 * *why says more. */
NODISCARD enum err addrman_load(struct addrman *am, const char *path, const char **why);
NODISCARD enum err addrman_save(struct addrman *am, const char *path);

/* Heard from @source; times are moved back by @penalty_s. True when at least one was
 * new. */
bool addrman_add(struct addrman *am, const struct netaddr_entry *e, size_t n,
                 const struct netaddr *source, int64_t penalty_s);
/* We connected and shook hands: moves it to tried. False: unknown, or its place is
 * taken by an address that will be tested first. */
bool addrman_good(struct addrman *am, const struct netaddr *a);
void addrman_attempt(struct addrman *am, const struct netaddr *a, bool count_failure);
void addrman_connected(struct addrman *am,
                       const struct netaddr *a); /* was in use until now */
void addrman_set_services(struct addrman *am, const struct netaddr *a,
                          uint64_t services);

/* A random address, likelier one that was not tried lately. @nets: bit n allows enum
 * network n. False: none. */
bool addrman_select(struct addrman *am, bool new_only, unsigned nets,
                    struct netaddr_entry *out, int64_t *last_try);
/* An address whose place in tried somebody else wants: the old one, to be tested. */
bool addrman_collision(struct addrman *am, struct netaddr_entry *out,
                       int64_t *last_try);
/* Settles the waits for places in tried whose tests are over. */
void addrman_resolve_collisions(struct addrman *am);

/* A random share: at most @max (0: any) and @percent (0: any) of all, not known to be
 * bad when
 * @filtered; @net NET_UNROUTABLE: all networks. Caller frees. */
struct netaddr_entry *addrman_get(struct addrman *am, size_t max, unsigned percent,
                                  enum network net, bool filtered, size_t *n);

struct addrman_counts {
    size_t n_new, n_tried;
};
void addrman_count(struct addrman *am, struct addrman_counts by_net[NET_COUNT]);
size_t addrman_size(struct addrman *am);

/* Every place in the tables (an address may stand in several buckets of new). */
struct addrman_place {
    bool tried;
    int bucket, position;
    struct netaddr_entry entry;
    struct netaddr source;
    uint32_t as, source_as; /* autonomous systems; 0: not known */
};
void addrman_each(struct addrman *am,
                  void (*fn)(void *ctx, const struct addrman_place *p), void *ctx);

#endif
