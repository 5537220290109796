/* The tables and how they change. Every address of new has up to 8 places, one for each
 * of some of its sources; an address of tried has one. */
#include "net/addrman_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "net/netgroups.h"
#include "util/mem.h"

#define NEW_PER_SOURCE  64
#define TRIED_PER_GROUP 8
#define HORIZON_S       (30 * 24 * 60 * 60)
#define MAX_RETRIES     3
#define MAX_FAILURES    10
#define MIN_FAIL_S      (7 * 24 * 60 * 60)
#define REPLACEMENT_S   (4 * 60 * 60)
#define TEST_WINDOW_S   (40 * 60)
#define TIME_UPDATE_S   (20 * 60)

struct addrman *addrman_new(const struct addrman_options *opt)
{
    struct addrman *am = xcalloc(1, sizeof(*am));
    pthread_mutex_init(&am->lock, NULL);
    am->clock = opt->clock;
    am->log = opt->log;
    am->groups = opt->groups;
    am->check_ratio = opt->check_ratio;
    am->last_good = 1;
    rng_seed_random(&am->rng);
    if (opt->known_key)
        am->key[0] = 1;
    else
        rand_bytes(am->key, sizeof(am->key));
    map_init(&am->by_addr, sizeof(struct netaddr), sizeof(uint32_t));
    return am;
}

void addrman_free(struct addrman *am)
{
    for (size_t i = 0; i < am->n; i++)
        free(am->infos[i]);
    free(am->infos);
    map_clear(&am->by_addr);
    pthread_mutex_destroy(&am->lock);
    free(am);
}

/* -- Places --------------------------------------------------------------- */

static uint64_t keyed(const struct addrman *am, const struct buf *b)
{
    return siphash(am->key[0], am->key[1], b->data, b->len);
}

static void add_group(const struct addrman *am, struct buf *b, const struct netaddr *a)
{
    uint8_t group[16];
    size_t n = netgroups_group(am->groups, a, group);
    buf_append_byte(b, (uint8_t)n);
    buf_append(b, group, n);
}

static void add_number(struct buf *b, uint64_t v)
{
    put_le64(buf_extend(b, 8), v);
}

static unsigned position(const struct addrman *am, const struct netaddr *a, bool tried,
                         unsigned bucket)
{
    struct buf b = {0};
    buf_append_byte(&b, tried ? 'K' : 'N');
    add_number(&b, bucket);
    buf_append(&b, a, sizeof(*a));
    uint64_t h = keyed(am, &b);
    buf_clear(&b);
    return (unsigned)(h % BUCKET_SIZE);
}

/* The buckets of a group are 8; the address chooses among them. */
struct addrman_place_at addrman_tried_place(const struct addrman *am,
                                            const struct netaddr *a)
{
    struct buf b = {0};
    buf_append(&b, a, sizeof(*a));
    uint64_t h = keyed(am, &b) % TRIED_PER_GROUP;
    buf_reset(&b);
    add_group(am, &b, a);
    add_number(&b, h);
    unsigned bucket = (unsigned)(keyed(am, &b) % TRIED_BUCKETS);
    buf_clear(&b);
    return (struct addrman_place_at){bucket, position(am, a, true, bucket)};
}

struct addrman_place_at addrman_new_place_in(const struct addrman *am,
                                             const struct netaddr *a, unsigned bucket)
{
    return (struct addrman_place_at){bucket, position(am, a, false, bucket)};
}

/* The buckets of a source's group are 64; the address's group chooses among them. */
struct addrman_place_at addrman_new_place(const struct addrman *am,
                                          const struct netaddr *a,
                                          const struct netaddr *source)
{
    struct buf b = {0};
    add_group(am, &b, a);
    add_group(am, &b, source);
    uint64_t h = keyed(am, &b) % NEW_PER_SOURCE;
    buf_reset(&b);
    add_group(am, &b, source);
    add_number(&b, h);
    unsigned bucket = (unsigned)(keyed(am, &b) % NEW_BUCKETS);
    buf_clear(&b);
    return addrman_new_place_in(am, a, bucket);
}

/* -- Entries -------------------------------------------------------------- */

struct addrman_info *addrman_find(const struct addrman *am, const struct netaddr *a)
{
    const uint32_t *i = map_get(&am->by_addr, a);
    return i ? am->infos[*i] : NULL;
}

struct addrman_info *addrman_create(struct addrman *am, const struct netaddr_entry *e,
                                    const struct netaddr *source)
{
    bool is_new;
    struct addrman_info *i = xcalloc(1, sizeof(*i));
    i->e = *e;
    i->source = *source;
    am->infos = xrealloc_array(am->infos, am->n + 1, sizeof(*am->infos));
    *(uint32_t *)map_put(&am->by_addr, &e->addr, &is_new) = (uint32_t)am->n;
    am->infos[am->n++] = i;
    am->by_net[e->addr.network].n_new++;
    return i;
}

void addrman_set_tried(struct addrman *am, struct addrman_info *i, bool tried)
{
    struct addrman_counts *c = &am->by_net[i->e.addr.network];
    if (i->tried == tried)
        return;
    i->tried = tried;
    c->n_new += tried ? -1 : 1;
    c->n_tried += tried ? 1 : -1;
}

void addrman_destroy(struct addrman *am, struct addrman_info *i)
{
    uint32_t at = *(uint32_t *)map_get(&am->by_addr, &i->e.addr);
    addrman_set_tried(am, i, false);
    am->by_net[i->e.addr.network].n_new--;
    map_del(&am->by_addr, &i->e.addr);
    am->infos[at] = am->infos[--am->n];
    if (at < am->n)
        *(uint32_t *)map_get(&am->by_addr, &am->infos[at]->e.addr) = at;
    free(i);
}

/* Not seen for long, or failing again and again: not worth a place. */
bool addrman_is_terrible(const struct addrman_info *i, int64_t now)
{
    if (now - i->last_try <= 60)
        return false; /* being tried */
    if (i->e.time > now + 10 * 60 || now - i->e.time > HORIZON_S)
        return true;
    if (!i->last_success && i->attempts >= MAX_RETRIES)
        return true;
    return now - i->last_success > MIN_FAIL_S && i->attempts >= MAX_FAILURES;
}

static void clear_new_place(struct addrman *am, struct addrman_place_at at)
{
    struct addrman_info *i = am->new_table[at.bucket][at.position];
    if (!i)
        return;
    am->new_table[at.bucket][at.position] = NULL;
    if (--i->refs == 0 && !i->tried)
        addrman_destroy(am, i);
}

static void take_new_place(struct addrman *am, struct addrman_info *i,
                           struct addrman_place_at at)
{
    i->refs++; /* before the place is cleared: it may be its own */
    clear_new_place(am, at);
    am->new_table[at.bucket][at.position] = i;
}

/* " mapped to AS..." where there is a map. */
static const char *as_text(const struct addrman *am, char out[32],
                           const struct netaddr *a)
{
    uint32_t as = netgroups_as(am->groups, a);
    out[0] = '\0';
    if (as)
        snprintf(out, 32, " mapped to AS%u", as);
    return out;
}

static bool put_new(struct addrman *am, struct addrman_info *i,
                    const struct netaddr *source)
{
    struct addrman_place_at at = addrman_new_place(am, &i->e.addr, source);
    struct addrman_info *old = am->new_table[at.bucket][at.position];
    if (old == i)
        return false;
    if (old && !addrman_is_terrible(old, clock_now(am->clock)) &&
        !(old->refs > 1 && i->refs == 0)) {
        if (i->refs == 0)
            addrman_destroy(am, i);
        return false;
    }
    char text[NETADDR_TEXT], as[32];
    take_new_place(am, i, at);
    log_debug(am->log, LOG_ADDRMAN, "Added %s%s to new[%u][%u]",
              netaddr_format(text, &i->e.addr, true), as_text(am, as, &i->e.addr),
              at.bucket, at.position);
    return true;
}

static bool add_one(struct addrman *am, const struct netaddr_entry *e,
                    const struct netaddr *source, int64_t penalty_s)
{
    if (!netaddr_routable(&e->addr))
        return false;
    struct addrman_info *i = addrman_find(am, &e->addr);
    if (netaddr_same_host(&e->addr, source))
        penalty_s = 0; /* it speaks of itself */
    if (!i) {
        struct netaddr_entry fresh = *e;
        fresh.time = e->time > penalty_s ? e->time - penalty_s : 0;
        return put_new(am, addrman_create(am, &fresh, source), source);
    }
    int64_t now = clock_now(am->clock);
    int64_t interval = now - e->time < 24 * 60 * 60 ? 60 * 60 : 24 * 60 * 60;
    if (i->e.time < e->time - interval - penalty_s)
        i->e.time = e->time > penalty_s ? e->time - penalty_s : 0;
    i->e.services |= e->services;
    if (e->time <= i->e.time || i->tried || i->refs == NEW_PER_ADDRESS)
        return false;
    /* Each further place is half as likely as the one before. */
    if (i->refs && rng_below(&am->rng, UINT64_C(1) << i->refs) != 0)
        return false;
    return put_new(am, i, source);
}

struct addrman_counts addrman_total(const struct addrman *am)
{
    struct addrman_counts all = {0};
    for (unsigned n = 0; n < NET_COUNT; n++) {
        all.n_new += am->by_net[n].n_new;
        all.n_tried += am->by_net[n].n_tried;
    }
    return all;
}

/* -checkaddrman: tables that contradict themselves are a bug, not bad luck. */
void addrman_check(struct addrman *am)
{
    if (!am->check_ratio || rng_below(&am->rng, am->check_ratio) != 0)
        return;
    struct addrman_counts all = addrman_total(am);
    log_debug(am->log, LOG_ADDRMAN,
              "CheckAddrman: new %zu, tried %zu, total %zu started", all.n_new,
              all.n_tried, am->n);
    const char *why = addrman_inconsistency(am);
    if (why)
        log_error(am->log, "ADDRMAN CONSISTENCY CHECK FAILED!!! %s", why);
    ASSERT(!why);
    log_debug(am->log, LOG_ADDRMAN, "CheckAddrman: completed");
}

bool addrman_add(struct addrman *am, const struct netaddr_entry *e, size_t n,
                 const struct netaddr *source, int64_t penalty_s)
{
    size_t added = 0;
    char text[NETADDR_TEXT];
    pthread_mutex_lock(&am->lock);
    for (size_t i = 0; i < n; i++)
        added += add_one(am, &e[i], source, penalty_s);
    if (added)
        log_debug(am->log, LOG_ADDRMAN,
                  "Added %zu addresses (of %zu) from %s: %zu tried, %zu new", added, n,
                  netaddr_format(text, source, false), addrman_total(am).n_tried,
                  addrman_total(am).n_new);
    addrman_check(am);
    pthread_mutex_unlock(&am->lock);
    return added > 0;
}

/* -- Tried ---------------------------------------------------------------- */

static void leave_new(struct addrman *am, struct addrman_info *i)
{
    for (unsigned b = 0; b < NEW_BUCKETS && i->refs; b++) {
        struct addrman_place_at at = addrman_new_place_in(am, &i->e.addr, b);
        if (am->new_table[at.bucket][at.position] == i) {
            am->new_table[at.bucket][at.position] = NULL;
            i->refs--;
        }
    }
}

static void make_tried(struct addrman *am, struct addrman_info *i)
{
    struct addrman_place_at at = addrman_tried_place(am, &i->e.addr);
    struct addrman_info *old = am->tried_table[at.bucket][at.position];
    char text[NETADDR_TEXT], as[32];
    leave_new(am, i);
    addrman_set_tried(am, i, true);
    am->tried_table[at.bucket][at.position] = i;
    log_debug(am->log, LOG_ADDRMAN, "Moved %s%s to tried[%u][%u]",
              netaddr_format(text, &i->e.addr, true), as_text(am, as, &i->e.addr),
              at.bucket, at.position);
    if (!old)
        return;
    /* The one before goes back to new, whoever is in its place there. */
    addrman_set_tried(am, old, false);
    take_new_place(am, old, addrman_new_place(am, &old->e.addr, &old->source));
}

static struct addrman_info *rival(const struct addrman *am, const struct netaddr *a)
{
    struct addrman_place_at at = addrman_tried_place(am, a);
    return am->tried_table[at.bucket][at.position];
}

static void note_collision(struct addrman *am, const struct netaddr *a,
                           const struct addrman_info *old)
{
    char have[NETADDR_TEXT], want[NETADDR_TEXT];
    bool known = false;
    for (size_t i = 0; i < am->n_collisions && !known; i++)
        known = netaddr_equal(&am->collisions[i], a);
    if (!known && am->n_collisions < MAX_COLLISIONS)
        am->collisions[am->n_collisions++] = *a;
    log_debug(am->log, LOG_ADDRMAN,
              "Collision with %s while attempting to move %s to tried table. "
              "Collisions=%zu",
              netaddr_format(have, &old->e.addr, true), netaddr_format(want, a, true),
              am->n_collisions);
}

static bool good(struct addrman *am, const struct netaddr *a, bool test_first)
{
    struct addrman_info *i = addrman_find(am, a);
    int64_t now = clock_now(am->clock);
    am->last_good = now;
    if (!i)
        return false;
    i->last_success = i->last_try = now;
    i->attempts = 0;
    if (i->tried || !i->refs)
        return false;
    const struct addrman_info *old = rival(am, a);
    if (old && test_first) {
        note_collision(am, a, old);
        return false;
    }
    make_tried(am, i);
    return true;
}

bool addrman_good(struct addrman *am, const struct netaddr *a)
{
    pthread_mutex_lock(&am->lock);
    bool ok = good(am, a, true);
    addrman_check(am);
    pthread_mutex_unlock(&am->lock);
    return ok;
}

void addrman_attempt(struct addrman *am, const struct netaddr *a, bool count_failure)
{
    pthread_mutex_lock(&am->lock);
    struct addrman_info *i = addrman_find(am, a);
    if (i) {
        i->last_try = clock_now(am->clock);
        if (count_failure && i->last_counted < am->last_good) {
            i->last_counted = i->last_try;
            i->attempts++;
        }
    }
    pthread_mutex_unlock(&am->lock);
}

void addrman_connected(struct addrman *am, const struct netaddr *a)
{
    pthread_mutex_lock(&am->lock);
    struct addrman_info *i = addrman_find(am, a);
    int64_t now = clock_now(am->clock);
    if (i && now - i->e.time > TIME_UPDATE_S)
        i->e.time = now;
    pthread_mutex_unlock(&am->lock);
}

void addrman_set_services(struct addrman *am, const struct netaddr *a,
                          uint64_t services)
{
    pthread_mutex_lock(&am->lock);
    struct addrman_info *i = addrman_find(am, a);
    if (i)
        i->e.services = services;
    pthread_mutex_unlock(&am->lock);
}

static void replace(struct addrman *am, const struct addrman_info *old,
                    const struct netaddr *by, const char *how)
{
    char have[NETADDR_TEXT], want[NETADDR_TEXT];
    log_debug(am->log, LOG_ADDRMAN, how, netaddr_format(have, &old->e.addr, true),
              netaddr_format(want, by, true));
    good(am, by, false);
}

/* True: the wait is over. */
static bool settle_collision(struct addrman *am, const struct netaddr *a)
{
    const struct addrman_info *i = addrman_find(am, a), *old = rival(am, a);
    int64_t now = clock_now(am->clock);
    if (!i || i->tried)
        return true;
    if (!old) {
        good(am, a, false);
        return true;
    }
    if (now - old->last_success < REPLACEMENT_S)
        return true; /* the old one works */
    if (now - old->last_try < REPLACEMENT_S) {
        if (now - old->last_try <= 60)
            return false; /* its test is under way */
        replace(am, old, a, "Replacing %s with %s in tried table");
        return true;
    }
    if (now - i->last_success <= TEST_WINDOW_S)
        return false;
    replace(am, old, a, "Unable to test; replacing %s with %s in tried table anyway");
    return true;
}

void addrman_resolve_collisions(struct addrman *am)
{
    pthread_mutex_lock(&am->lock);
    for (size_t i = am->n_collisions; i > 0; i--)
        if (settle_collision(am, &am->collisions[i - 1]))
            am->collisions[i - 1] = am->collisions[--am->n_collisions];
    pthread_mutex_unlock(&am->lock);
}

bool addrman_collision(struct addrman *am, struct netaddr_entry *out, int64_t *last_try)
{
    pthread_mutex_lock(&am->lock);
    const struct addrman_info *old = NULL;
    if (am->n_collisions)
        old = rival(am, &am->collisions[rng_below(&am->rng, am->n_collisions)]);
    if (old) {
        *out = old->e;
        *last_try = old->last_try;
    }
    pthread_mutex_unlock(&am->lock);
    return old != NULL;
}
