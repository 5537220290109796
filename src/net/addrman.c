/* peers.dat (all little-endian):
 *   0   8   "OCHADDR\0"
 *   8   4   format version (1)
 *   12  16  key of the buckets
 *   28  4   number of addresses
 *   32  ..  per address: entry (as in addrv2), source (network id, length, address,
 * port), i64 last success, i64 last attempt, u32 failed attempts, u8 1 when tried
 *   ..  32  SHA256d of all before */
#include "net/addrman.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/map.h"
#include "util/mem.h"
#include "util/rand.h"

#define NEW_BUCKETS     1024
#define TRIED_BUCKETS   256
#define BUCKET_SIZE     64
#define NEW_PER_SOURCE  64
#define TRIED_PER_GROUP 8
#define NEW_PER_ADDRESS 8 /* places that one address may have */
#define MAX_COLLISIONS  10
#define HORIZON_S       (30 * 24 * 60 * 60)
#define MAX_RETRIES     3
#define MAX_FAILURES    10
#define MIN_FAIL_S      (7 * 24 * 60 * 60)
#define REPLACEMENT_S   (4 * 60 * 60)
#define TEST_WINDOW_S   (40 * 60)
#define TIME_UPDATE_S   (20 * 60)
#define FILE_VERSION    1
#define MAX_FILE        (64u << 20)

static const char file_magic[8] = "OCHADDR";

struct info {
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
    struct rng rng;
    uint64_t key[2];
    struct info **infos; /* owned, dense */
    size_t n, n_tried;
    struct map by_addr; /* struct netaddr -> uint32 index */
    struct info *new_table[NEW_BUCKETS][BUCKET_SIZE];     /* borrowed */
    struct info *tried_table[TRIED_BUCKETS][BUCKET_SIZE]; /* borrowed */
    struct netaddr collisions[MAX_COLLISIONS];
    size_t n_collisions;
    int64_t last_good;
};

struct addrman *addrman_new(struct clock *clock, struct logger *log)
{
    struct addrman *am = xcalloc(1, sizeof(*am));
    pthread_mutex_init(&am->lock, NULL);
    am->clock = clock;
    am->log = log;
    am->last_good = 1;
    rng_seed_random(&am->rng);
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

static void add_group(struct buf *b, const struct netaddr *a)
{
    uint8_t group[16];
    size_t n = netaddr_group(a, group);
    buf_append_byte(b, (uint8_t)n);
    buf_append(b, group, n);
}

static void add_number(struct buf *b, uint64_t v)
{
    put_le64(buf_extend(b, 8), v);
}

/* The address's own position among 64 times that of its group. */
static unsigned tried_bucket(const struct addrman *am, const struct netaddr *a)
{
    struct buf b = {0};
    buf_append(&b, a, sizeof(*a));
    uint64_t h = keyed(am, &b) % TRIED_PER_GROUP;
    buf_reset(&b);
    add_group(&b, a);
    add_number(&b, h);
    h = keyed(am, &b);
    buf_clear(&b);
    return (unsigned)(h % TRIED_BUCKETS);
}

static unsigned new_bucket(const struct addrman *am, const struct netaddr *a,
                           const struct netaddr *source)
{
    struct buf b = {0};
    add_group(&b, a);
    add_group(&b, source);
    uint64_t h = keyed(am, &b) % NEW_PER_SOURCE;
    buf_reset(&b);
    add_group(&b, source);
    add_number(&b, h);
    h = keyed(am, &b);
    buf_clear(&b);
    return (unsigned)(h % NEW_BUCKETS);
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

/* -- Entries -------------------------------------------------------------- */

static struct info *find(const struct addrman *am, const struct netaddr *a)
{
    const uint32_t *i = map_get(&am->by_addr, a);
    return i ? am->infos[*i] : NULL;
}

static struct info *create(struct addrman *am, const struct netaddr_entry *e,
                           const struct netaddr *source)
{
    bool is_new;
    struct info *i = xcalloc(1, sizeof(*i));
    i->e = *e;
    i->source = *source;
    am->infos = xrealloc_array(am->infos, am->n + 1, sizeof(*am->infos));
    *(uint32_t *)map_put(&am->by_addr, &e->addr, &is_new) = (uint32_t)am->n;
    am->infos[am->n++] = i;
    return i;
}

static void destroy(struct addrman *am, struct info *i)
{
    uint32_t at = *(uint32_t *)map_get(&am->by_addr, &i->e.addr);
    map_del(&am->by_addr, &i->e.addr);
    am->infos[at] = am->infos[--am->n];
    if (at < am->n)
        *(uint32_t *)map_get(&am->by_addr, &am->infos[at]->e.addr) = at;
    free(i);
}

/* Not seen for long, or failing again and again: not worth a place. */
static bool is_terrible(const struct info *i, int64_t now)
{
    if (now - i->last_try <= 60)
        return false; /* being tried */
    if (i->e.time > now + 10 * 60 || now - i->e.time > HORIZON_S)
        return true;
    if (!i->last_success && i->attempts >= MAX_RETRIES)
        return true;
    return now - i->last_success > MIN_FAIL_S && i->attempts >= MAX_FAILURES;
}

/* How likely it is to be chosen, relative to others. */
static double chance(const struct info *i, int64_t now)
{
    double c = now - i->last_try < 10 * 60 ? 0.01 : 1;
    return c * pow(0.66, i->attempts < 8 ? i->attempts : 8);
}

static void clear_new_place(struct addrman *am, unsigned bucket, unsigned pos)
{
    struct info *i = am->new_table[bucket][pos];
    if (!i)
        return;
    am->new_table[bucket][pos] = NULL;
    if (--i->refs == 0 && !i->tried)
        destroy(am, i);
}

static bool put_new(struct addrman *am, struct info *i, const struct netaddr *source)
{
    unsigned bucket = new_bucket(am, &i->e.addr, source);
    unsigned pos = position(am, &i->e.addr, false, bucket);
    struct info *old = am->new_table[bucket][pos];
    if (old == i)
        return false;
    if (old && !is_terrible(old, clock_now(am->clock)) &&
        !(old->refs > 1 && i->refs == 0)) {
        if (i->refs == 0)
            destroy(am, i);
        return false;
    }
    char text[NETADDR_TEXT];
    i->refs++; /* before the place is cleared: it may be its own other place */
    clear_new_place(am, bucket, pos);
    am->new_table[bucket][pos] = i;
    log_debug(am->log, LOG_ADDRMAN, "Added %s mapped to AS0 to new[%u][%u]",
              netaddr_format(text, &i->e.addr, true), bucket, pos);
    return true;
}

static bool add_one(struct addrman *am, const struct netaddr_entry *e,
                    const struct netaddr *source, int64_t penalty_s)
{
    if (!netaddr_routable(&e->addr))
        return false;
    struct info *i = find(am, &e->addr);
    if (netaddr_same_host(&e->addr, source))
        penalty_s = 0; /* it speaks of itself */
    if (!i) {
        struct netaddr_entry fresh = *e;
        fresh.time = e->time > penalty_s ? e->time - penalty_s : 0;
        return put_new(am, create(am, &fresh, source), source);
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
                  netaddr_format(text, source, false), am->n_tried,
                  am->n - am->n_tried);
    pthread_mutex_unlock(&am->lock);
    return added > 0;
}

/* -- Tried ---------------------------------------------------------------- */

static void leave_new(struct addrman *am, struct info *i)
{
    for (unsigned b = 0; b < NEW_BUCKETS && i->refs; b++) {
        unsigned pos = position(am, &i->e.addr, false, b);
        if (am->new_table[b][pos] == i) {
            am->new_table[b][pos] = NULL;
            i->refs--;
        }
    }
}

static void make_tried(struct addrman *am, struct info *i)
{
    unsigned bucket = tried_bucket(am, &i->e.addr);
    unsigned pos = position(am, &i->e.addr, true, bucket);
    struct info *old = am->tried_table[bucket][pos];
    leave_new(am, i);
    i->tried = true;
    am->tried_table[bucket][pos] = i;
    if (!old) {
        am->n_tried++;
        return;
    }
    /* The one before goes back to new. */
    old->tried = false;
    old->refs = 0;
    put_new(am, old, &old->source);
}

static bool good(struct addrman *am, const struct netaddr *a, bool test_first)
{
    struct info *i = find(am, a);
    int64_t now = clock_now(am->clock);
    am->last_good = now;
    if (!i)
        return false;
    i->last_success = i->last_try = now;
    i->attempts = 0;
    if (i->tried || !i->refs)
        return false;
    unsigned bucket = tried_bucket(am, a);
    struct info *old = am->tried_table[bucket][position(am, a, true, bucket)];
    if (old && test_first) {
        if (am->n_collisions < MAX_COLLISIONS)
            am->collisions[am->n_collisions++] = *a;
        return false;
    }
    make_tried(am, i);
    return true;
}

bool addrman_good(struct addrman *am, const struct netaddr *a)
{
    pthread_mutex_lock(&am->lock);
    bool ok = good(am, a, true);
    pthread_mutex_unlock(&am->lock);
    return ok;
}

void addrman_attempt(struct addrman *am, const struct netaddr *a, bool count_failure)
{
    pthread_mutex_lock(&am->lock);
    struct info *i = find(am, a);
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
    struct info *i = find(am, a);
    int64_t now = clock_now(am->clock);
    if (i && now - i->e.time > TIME_UPDATE_S)
        i->e.time = now;
    pthread_mutex_unlock(&am->lock);
}

void addrman_set_services(struct addrman *am, const struct netaddr *a,
                          uint64_t services)
{
    pthread_mutex_lock(&am->lock);
    struct info *i = find(am, a);
    if (i)
        i->e.services = services;
    pthread_mutex_unlock(&am->lock);
}

/* True: the wait is over. */
static bool settle_collision(struct addrman *am, const struct netaddr *a)
{
    struct info *i = find(am, a);
    int64_t now = clock_now(am->clock);
    if (!i || i->tried)
        return true;
    unsigned bucket = tried_bucket(am, a);
    struct info *old = am->tried_table[bucket][position(am, a, true, bucket)];
    if (!old) {
        good(am, a, false);
        return true;
    }
    if (now - old->last_success < REPLACEMENT_S)
        return true; /* the old one works */
    if (now - old->last_try < REPLACEMENT_S) {
        if (now - old->last_try <= 60)
            return false; /* its test is under way */
        good(am, a, false);
        return true;
    }
    if (now - i->last_success <= TEST_WINDOW_S)
        return false;
    good(am, a, false); /* nobody got to test the old one */
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
    bool found = false;
    pthread_mutex_lock(&am->lock);
    if (am->n_collisions) {
        size_t at = (size_t)rng_below(&am->rng, am->n_collisions);
        const struct netaddr *a = &am->collisions[at];
        unsigned bucket = tried_bucket(am, a);
        const struct info *old = am->tried_table[bucket][position(am, a, true, bucket)];
        if (old) {
            *out = old->e;
            *last_try = old->last_try;
            found = true;
        }
    }
    pthread_mutex_unlock(&am->lock);
    return found;
}

/* -- Choosing ------------------------------------------------------------- */

static size_t count_usable(const struct addrman *am, bool tried, unsigned nets)
{
    size_t n = 0;
    for (size_t i = 0; i < am->n; i++)
        n += am->infos[i]->tried == tried && nets >> am->infos[i]->e.addr.network & 1;
    return n;
}

/* A random place, then on from there until one fits: buckets, not addresses, are
 * equally likely, so a source with many addresses gains nothing. */
static const struct info *pick(struct addrman *am, bool tried, unsigned nets)
{
    int64_t now = clock_now(am->clock);
    double factor = 1;
    for (;;) {
        unsigned buckets = tried ? TRIED_BUCKETS : NEW_BUCKETS;
        unsigned bucket = (unsigned)rng_below(&am->rng, buckets);
        unsigned first = (unsigned)rng_below(&am->rng, BUCKET_SIZE);
        for (unsigned k = 0; k < BUCKET_SIZE; k++) {
            unsigned pos = (first + k) % BUCKET_SIZE;
            const struct info *i =
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
        const struct info *i = pick(am, tried, nets);
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
        const struct info *info = am->infos[order[k]];
        order[k] = order[i];
        if (net != NET_UNROUTABLE && info->e.addr.network != net)
            continue;
        if (!filtered || !is_terrible(info, now))
            out[(*n)++] = info->e;
    }
    free(order);
    pthread_mutex_unlock(&am->lock);
    return out;
}

void addrman_count(struct addrman *am, struct addrman_counts by_net[NET_COUNT])
{
    memset(by_net, 0, NET_COUNT * sizeof(*by_net));
    pthread_mutex_lock(&am->lock);
    for (size_t i = 0; i < am->n; i++) {
        struct addrman_counts *c = &by_net[am->infos[i]->e.addr.network];
        if (am->infos[i]->tried)
            c->n_tried++;
        else
            c->n_new++;
    }
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
            const struct info *i =
                tried ? am->tried_table[b][pos] : am->new_table[b][pos];
            if (i)
                fn(ctx, &(struct addrman_place){tried, b, pos, i->e, i->source});
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

/* -- peers.dat ------------------------------------------------------------ */

static void write_info(struct sink *s, const struct info *i)
{
    netaddr_entry_write(s, &i->e, true);
    netaddr_write_v2(s, &i->source);
    write_i64(s, i->last_success);
    write_i64(s, i->last_try);
    write_u32(s, i->attempts);
    write_u8(s, i->tried);
}

enum err addrman_save(struct addrman *am, const char *path)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    uint8_t sum[32];
    pthread_mutex_lock(&am->lock);
    write_bytes(&s, file_magic, sizeof(file_magic));
    write_u32(&s, FILE_VERSION);
    write_u64(&s, am->key[0]);
    write_u64(&s, am->key[1]);
    write_u32(&s, (uint32_t)am->n);
    for (size_t i = 0; i < am->n; i++)
        write_info(&s, am->infos[i]);
    pthread_mutex_unlock(&am->lock);
    sha256d(sum, b.data, b.len);
    buf_append(&b, sum, sizeof(sum));
    enum err e = fs_write_atomic(path, b.data, b.len, 0600);
    buf_clear(&b);
    return e;
}

static void read_info(struct addrman *am, struct reader *r, struct wire_error *why)
{
    struct netaddr_entry e = netaddr_entry_read(r, true, why);
    struct netaddr source = netaddr_read_v2(r, why);
    struct info saved = {.last_success = read_i64(r), .last_try = read_i64(r)};
    saved.attempts = read_u32(r);
    bool tried = read_u8(r) != 0;
    if (r->bad || !netaddr_routable(&e.addr) || find(am, &e.addr))
        return;
    struct info *i = create(am, &e, &source);
    i->last_success = saved.last_success;
    i->last_try = saved.last_try;
    i->attempts = saved.attempts;
    unsigned bucket = tried_bucket(am, &e.addr);
    if (tried && !am->tried_table[bucket][position(am, &e.addr, true, bucket)])
        make_tried(am, i);
    else
        put_new(am, i, &i->source);
}

static enum err load_bytes(struct addrman *am, struct bytes in)
{
    struct reader r;
    struct wire_error why = {""};
    uint8_t sum[32];
    if (in.len < 64 || memcmp(in.data, file_magic, sizeof(file_magic)) != 0)
        return ERR_CORRUPT;
    sha256d(sum, in.data, in.len - 32);
    if (memcmp(sum, in.data + in.len - 32, 32) != 0)
        return ERR_CORRUPT;
    reader_init(&r, in.data + 8, in.len - 40);
    if (read_u32(&r) > FILE_VERSION)
        return ERR_VERSION;
    am->key[0] = read_u64(&r);
    am->key[1] = read_u64(&r);
    uint32_t n = read_u32(&r);
    for (uint32_t i = 0; i < n && !r.bad; i++)
        read_info(am, &r, &why);
    return reader_done(&r) ? ERR_OK : ERR_CORRUPT;
}

enum err addrman_load(struct addrman *am, const char *path)
{
    struct buf b = {0};
    if (!path_exists(path))
        return ERR_OK;
    enum err e = fs_read_file(path, MAX_FILE, &b);
    if (e == ERR_OK)
        e = load_bytes(am, buf_view(&b));
    buf_clear(&b);
    if (e == ERR_OK)
        log_info(am->log, "Loaded %zu addresses from peers.dat", am->n);
    return e;
}
