/* Reading the tables: who to connect to, what to tell others, what RPC shows. */
#include <math.h>
#include <stdlib.h>

#include "net/addrman_impl.h"
#include "net/netgroups.h"
#include "util/mem.h"

/* How likely it is to be chosen, relative to others. */
static double chance(const struct addrman_info *i, int64_t now)
{
    double c = now - i->last_try < 10 * 60 ? 0.01 : 1;
    return c * pow(0.66, i->attempts < 8 ? i->attempts : 8);
}

static size_t count_usable(const struct addrman *am, bool tried, unsigned nets)
{
    size_t n = 0;
    for (unsigned k = 0; k < NET_COUNT; k++)
        if (nets >> k & 1)
            n += tried ? am->by_net[k].n_tried : am->by_net[k].n_new;
    return n;
}

/* A random place, then on from there until one fits: buckets, not addresses, are
 * equally likely, so a source with many addresses gains nothing. */
static const struct addrman_info *pick(struct addrman *am, bool tried, unsigned nets)
{
    int64_t now = clock_now(am->clock);
    double factor = 1;
    for (;;) {
        unsigned buckets = tried ? TRIED_BUCKETS : NEW_BUCKETS;
        unsigned bucket = (unsigned)rng_below(&am->rng, buckets);
        unsigned first = (unsigned)rng_below(&am->rng, BUCKET_SIZE);
        for (unsigned k = 0; k < BUCKET_SIZE; k++) {
            unsigned pos = (first + k) % BUCKET_SIZE;
            const struct addrman_info *i =
                tried ? am->tried_table[bucket][pos] : am->new_table[bucket][pos];
            if (!i || !(nets >> i->e.addr.network & 1))
                continue;
            if ((double)rng_below(&am->rng, 1 << 30) <
                factor * chance(i, now) * (1 << 30))
                return i;
            factor *= 1.2;
            break;
        }
    }
}

bool addrman_select(struct addrman *am, bool new_only, unsigned nets,
                    struct netaddr_entry *out, int64_t *last_try)
{
    pthread_mutex_lock(&am->lock);
    size_t n_new = count_usable(am, false, nets);
    size_t n_tried = new_only ? 0 : count_usable(am, true, nets);
    bool found = n_new + n_tried > 0;
    if (found) {
        bool tried = n_tried && (!n_new || rng_below(&am->rng, 2));
        const struct addrman_info *i = pick(am, tried, nets);
        *out = i->e;
        *last_try = i->last_try;
    }
    pthread_mutex_unlock(&am->lock);
    return found;
}

struct netaddr_entry *addrman_get(struct addrman *am, size_t max, unsigned percent,
                                  enum network net, bool filtered, size_t *n)
{
    pthread_mutex_lock(&am->lock);
    addrman_check(am);
    size_t want = percent ? am->n * percent / 100 : am->n;
    if (max && want > max)
        want = max;
    struct netaddr_entry *out = xmalloc((want + 1) * sizeof(*out));
    uint32_t *order = xmalloc((am->n + 1) * sizeof(*order));
    int64_t now = clock_now(am->clock);
    *n = 0;
    for (size_t i = 0; i < am->n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = 0; i < am->n && *n < want; i++) {
        size_t k = i + (size_t)rng_below(&am->rng, am->n - i);
        const struct addrman_info *info = am->infos[order[k]];
        order[k] = order[i];
        if (net != NET_UNROUTABLE && info->e.addr.network != net)
            continue;
        if (!filtered || !addrman_is_terrible(info, now))
            out[(*n)++] = info->e;
    }
    free(order);
    pthread_mutex_unlock(&am->lock);
    return out;
}

void addrman_count(struct addrman *am, struct addrman_counts by_net[NET_COUNT])
{
    pthread_mutex_lock(&am->lock);
    memcpy(by_net, am->by_net, sizeof(am->by_net));
    pthread_mutex_unlock(&am->lock);
}

size_t addrman_size(struct addrman *am)
{
    pthread_mutex_lock(&am->lock);
    size_t n = am->n;
    pthread_mutex_unlock(&am->lock);
    return n;
}

static void each_place(struct addrman *am, bool tried,
                       void (*fn)(void *ctx, const struct addrman_place *p), void *ctx)
{
    for (int b = 0; b < (tried ? TRIED_BUCKETS : NEW_BUCKETS); b++)
        for (int pos = 0; pos < BUCKET_SIZE; pos++) {
            const struct addrman_info *i =
                tried ? am->tried_table[b][pos] : am->new_table[b][pos];
            if (i)
                fn(ctx, &(struct addrman_place){tried, b, pos, i->e, i->source,
                                                netgroups_as(am->groups, &i->e.addr),
                                                netgroups_as(am->groups, &i->source)});
        }
}

void addrman_each(struct addrman *am,
                  void (*fn)(void *ctx, const struct addrman_place *p), void *ctx)
{
    pthread_mutex_lock(&am->lock);
    each_place(am, false, fn, ctx);
    each_place(am, true, fn, ctx);
    pthread_mutex_unlock(&am->lock);
}

/* -- Consistency ---------------------------------------------------------- */

static const char *check_place(const struct addrman *am, const struct addrman_info *i,
                               bool tried, unsigned bucket, unsigned position)
{
    const struct netaddr *a = &i->e.addr;
    if (addrman_find(am, a) != i)
        return "a place belongs to an address that is not known";
    if (i->tried != tried)
        return "an address is in the wrong table";
    struct addrman_place_at at =
        tried ? addrman_tried_place(am, a) : addrman_new_place_in(am, a, bucket);
    return at.bucket == bucket && at.position == position
               ? NULL
               : "an address is not in its place";
}

static const char *check_table(const struct addrman *am, bool tried, size_t *places)
{
    const char *why = NULL;
    for (unsigned b = 0; b < (tried ? TRIED_BUCKETS : NEW_BUCKETS) && !why; b++)
        for (unsigned p = 0; p < BUCKET_SIZE && !why; p++) {
            const struct addrman_info *i =
                tried ? am->tried_table[b][p] : am->new_table[b][p];
            if (!i)
                continue;
            (*places)++;
            why = check_place(am, i, tried, b, p);
        }
    return why;
}

const char *addrman_inconsistency(const struct addrman *am)
{
    size_t in_tried = 0, in_new = 0, refs = 0, tried = 0;
    const char *why = check_table(am, true, &in_tried);
    if (!why)
        why = check_table(am, false, &in_new);
    for (size_t i = 0; i < am->n && !why; i++) {
        const struct addrman_info *info = am->infos[i];
        refs += info->refs;
        tried += info->tried;
        if (info->tried ? info->refs != 0
                        : info->refs == 0 || info->refs > NEW_PER_ADDRESS)
            why = "an address has a wrong number of places";
    }
    if (!why && (refs != in_new || tried != in_tried))
        why = "places and addresses differ in number";
    return why;
}
