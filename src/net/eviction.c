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

typedef bool condition(const struct evict_candidate *);

/* Sorts, and spares up to @count of the last ones, of those that match. */
static size_t protect_matching(struct evict_candidate *c, size_t n, comparison *order,
                               size_t count, condition *matches)
{
    qsort(c, n, sizeof(*c), order);
    while (n && count-- && matches(&c[n - 1]))
        n--;
    return n;
}

static bool anybody(const struct evict_candidate *c)
{
    (void)c;
    return true;
}

static size_t protect(struct evict_candidate *c, size_t n, comparison *order,
                      size_t count)
{
    return protect_matching(c, n, order, count, anybody);
}

/* -- Networks that lose by the other criteria ----------------------------- */

static bool is_cjdns(const struct evict_candidate *c)
{
    return c->network == NET_CJDNS;
}

static bool is_i2p(const struct evict_candidate *c)
{
    return c->network == NET_I2P;
}

static bool is_local(const struct evict_candidate *c)
{
    return c->local;
}

static bool is_onion(const struct evict_candidate *c)
{
    return c->network == NET_ONION;
}

/* Those that match last, the oldest of them at the end. */
static int by_match(const void *x, const void *y, condition *matches)
{
    int c = matches(x) - matches(y);
    return c ? c : by_age(x, y);
}

static int by_cjdns(const void *x, const void *y)
{
    return by_match(x, y, is_cjdns);
}

static int by_i2p(const void *x, const void *y)
{
    return by_match(x, y, is_i2p);
}

static int by_local(const void *x, const void *y)
{
    return by_match(x, y, is_local);
}

static int by_onion(const void *x, const void *y)
{
    return by_match(x, y, is_onion);
}

struct rare_network {
    condition *matches;
    comparison *order;
    size_t count;
};
#define RARE_NETWORKS 4

static size_t present(const struct rare_network *nets)
{
    size_t n = 0;
    for (size_t i = 0; i < RARE_NETWORKS; i++)
        n += nets[i].count > 0;
    return n;
}

/* Fewest candidates first, equal ones as in the table: who has few gets the chance to
 * use what others leave over. */
static void count_rare(struct rare_network *nets, const struct evict_candidate *c,
                       size_t n)
{
    for (size_t i = 0; i < RARE_NETWORKS; i++)
        for (size_t k = 0; k < n; k++)
            nets[i].count += nets[i].matches(&c[k]);
    for (size_t i = 1; i < RARE_NETWORKS; i++)
        for (size_t k = i; k && nets[k].count < nets[k - 1].count; k--) {
            struct rare_network t = nets[k];
            nets[k] = nets[k - 1];
            nets[k - 1] = t;
        }
}

/* Spares up to @room candidates, as many of each network as can be. */
static size_t protect_rare(struct evict_candidate *c, size_t n, size_t room)
{
    struct rare_network nets[RARE_NETWORKS] = {{is_cjdns, by_cjdns, 0},
                                               {is_i2p, by_i2p, 0},
                                               {is_local, by_local, 0},
                                               {is_onion, by_onion, 0}};
    count_rare(nets, c, n);
    for (bool some = true; some && room && present(nets);) {
        size_t each = room / present(nets);
        some = false;
        for (size_t i = 0; i < RARE_NETWORKS && room; i++) {
            size_t before = n;
            if (!nets[i].count)
                continue;
            n = protect_matching(c, n, nets[i].order, each ? each : 1, nets[i].matches);
            size_t spared = before - n;
            nets[i].count -= spared;
            room = spared < room ? room - spared : 0;
            some |= spared > 0;
        }
    }
    return n;
}

/* Half of what is left, by age; half of these places are held for networks whose peers
 * are slower or fewer. */
size_t evict_protect_by_age(struct evict_candidate *c, size_t n)
{
    size_t places = n / 2, left = protect_rare(c, n, places / 2);
    return protect(c, left, by_age, places - (n - left));
}

/* -- Choosing ------------------------------------------------------------- */

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
    n = protect_matching(c, n, by_block_relay, 8, is_block_relay);
    n = protect(c, n, by_block, 4);
    n = evict_protect_by_age(c, n);
    return choose_from_groups(c, n);
}

/* -- Outgoing ------------------------------------------------------------- */

/* The youngest is the one we connected to for a try; it stays when it was of more use
 * than the one before. */
const struct outbound_candidate *evict_block_relay(const struct outbound_candidate *c,
                                                   size_t n)
{
    const struct outbound_candidate *youngest = NULL, *second = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!youngest || c[i].id > youngest->id) {
            second = youngest;
            youngest = &c[i];
        } else if (!second || c[i].id > second->id) {
            second = &c[i];
        }
    }
    return second && youngest->last_block_s > second->last_block_s ? second : youngest;
}

const struct outbound_candidate *evict_full_relay(const struct outbound_candidate *c,
                                                  size_t n)
{
    const struct outbound_candidate *worst = NULL;
    for (size_t i = 0; i < n; i++) {
        if (c[i].protected)
            continue;
        if (!worst || c[i].last_announcement_s < worst->last_announcement_s ||
            (c[i].last_announcement_s == worst->last_announcement_s &&
             c[i].id > worst->id))
            worst = &c[i];
    }
    return worst;
}
