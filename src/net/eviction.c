#include "net/eviction.h"

#include <stdlib.h>

#include "crypto/hash.h"

typedef int comparison(const void *, const void *);

/* Every comparison puts the most worthy of protection last. */
static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_group(const void *x, const void *y)
{
    const struct evict_candidate *a = x, *b = y;
    return (a->keyed_group > b->keyed_group) - (a->keyed_group < b->keyed_group);
}

static int by_ping(const void *x, const void *y)
{
    const struct evict_candidate *a = x, *b = y;
    return compare(b->min_ping_us, a->min_ping_us);
}

static int by_age(const void *x, const void *y)
{
    const struct evict_candidate *a = x, *b = y;
    return compare(b->connected_s, a->connected_s);
}

static int by_tx(const void *x, const void *y)
{
    const struct evict_candidate *a = x, *b = y;
    int c = compare(a->last_tx_s, b->last_tx_s);
    if (!c)
        c = a->relays_txs - b->relays_txs;
    if (!c)
        c = b->has_filter - a->has_filter;
    return c ? c : by_age(x, y);
}

static int by_block(const void *x, const void *y)
{
    const struct evict_candidate *a = x, *b = y;
    int c = compare(a->last_block_s, b->last_block_s);
    if (!c)
        c = a->relevant_services - b->relevant_services;
    return c ? c : by_age(x, y);
}

static bool is_block_relay(const struct evict_candidate *c)
{
    return !c->relays_txs && c->relevant_services;
}

static int by_block_relay(const void *x, const void *y)
{
    const struct evict_candidate *a = x, *b = y;
    int c = is_block_relay(a) - is_block_relay(b);
    return c ? c : by_block(x, y);
}

static size_t protect(struct evict_candidate *c, size_t n, comparison *order,
                      size_t count)
{
    qsort(c, n, sizeof(*c), order);
    return n - (count < n ? count : n);
}

/* As protect(), but only of those that match, which the order puts last. */
static size_t protect_block_relay(struct evict_candidate *c, size_t n, size_t count)
{
    qsort(c, n, sizeof(*c), by_block_relay);
    while (n && count-- && is_block_relay(&c[n - 1]))
        n--;
    return n;
}

static int by_rare_network(const void *x, const void *y)
{
    const struct evict_candidate *a = x, *b = y;
    bool ra = a->local || a->network == NET_ONION || a->network == NET_I2P ||
              a->network == NET_CJDNS;
    bool rb = b->local || b->network == NET_ONION || b->network == NET_I2P ||
              b->network == NET_CJDNS;
    return ra != rb ? ra - rb : by_age(x, y);
}

/* Half of what is left, by age; a quarter of that is held for the networks that have
 * fewer peers. */
static size_t protect_by_age(struct evict_candidate *c, size_t n)
{
    size_t total = n / 2, rare = total / 2, taken = 0;
    qsort(c, n, sizeof(*c), by_rare_network);
    while (n && taken < rare) {
        const struct evict_candidate *last = &c[n - 1];
        if (!last->local && last->network != NET_ONION && last->network != NET_I2P &&
            last->network != NET_CJDNS)
            break;
        n--;
        taken++;
    }
    return protect(c, n, by_age, total - taken);
}

static int64_t choose_from_groups(struct evict_candidate *c, size_t n)
{
    const struct evict_candidate *best = NULL;
    size_t best_size = 0;
    bool only_preferred = false;
    for (size_t i = 0; i < n; i++)
        only_preferred |= c[i].prefer_evict;
    for (size_t i = 0; i < n; i++) {
        size_t size = 0;
        const struct evict_candidate *youngest = NULL;
        if (only_preferred && !c[i].prefer_evict)
            continue;
        for (size_t k = 0; k < n; k++) {
            if (c[k].keyed_group != c[i].keyed_group ||
                (only_preferred && !c[k].prefer_evict))
                continue;
            size++;
            if (!youngest || c[k].connected_s > youngest->connected_s)
                youngest = &c[k];
        }
        if (size > best_size ||
            (size == best_size && best && youngest->connected_s > best->connected_s)) {
            best = youngest;
            best_size = size;
        }
    }
    return best ? best->id : -1;
}

int64_t evict_choose(struct evict_candidate *c, size_t n, const uint64_t key[2])
{
    for (size_t i = 0; i < n; i++)
        c[i].keyed_group = siphash(key[0], key[1], c[i].group, c[i].n_group);
    n = protect(c, n, by_group, 4);
    n = protect(c, n, by_ping, 8);
    n = protect(c, n, by_tx, 4);
    n = protect_block_relay(c, n, 8);
    n = protect(c, n, by_block, 4);
    n = protect_by_age(c, n);
    return choose_from_groups(c, n);
}
