#include "net/banman.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/recent.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/json.h"
#include "util/log.h"

#define DISCOURAGED_MAX   50000
#define BANLIST_MAX_BYTES (64u << 20)

struct banman {
    pthread_mutex_t lock;
    char *path; /* owned */
    struct clock *clock;
    struct logger *log;
    struct ban *bans; /* owned, sorted */
    size_t n;
    bool dirty;
    struct recent discouraged;
};

/* Position of the range, or where it belongs. */
static size_t find(const struct banman *bm, const struct netrange *net, bool *found)
{
    size_t lo = 0, hi = bm->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (memcmp(&bm->bans[mid].net, net, sizeof(*net)) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *found = lo < bm->n && memcmp(&bm->bans[lo].net, net, sizeof(*net)) == 0;
    return lo;
}

static void insert(struct banman *bm, const struct ban *ban)
{
    bool found;
    size_t at = find(bm, &ban->net, &found);
    if (found) {
        if (ban->until > bm->bans[at].until)
            bm->bans[at] = *ban;
        return;
    }
    bm->bans = xrealloc_array(bm->bans, bm->n + 1, sizeof(*bm->bans));
    memmove(&bm->bans[at + 1], &bm->bans[at], (bm->n - at) * sizeof(*bm->bans));
    bm->bans[at] = *ban;
    bm->n++;
}

static void sweep(struct banman *bm)
{
    int64_t now = clock_now(bm->clock);
    size_t kept = 0;
    char text[SUBNET_TEXT];
    for (size_t i = 0; i < bm->n; i++)
        if (bm->bans[i].until > now)
            bm->bans[kept++] = bm->bans[i];
        else
            log_debug(bm->log, LOG_NET, "Removed banned node address/subnet: %s",
                      netrange_format(text, &bm->bans[i].net));
    bm->dirty |= kept != bm->n;
    bm->n = kept;
}

/* -- File ----------------------------------------------------------------- */

/* What a later version may write is left out; false: it is no ban at all. */
static bool load_entry(struct banman *bm, const struct json *j)
{
    struct ban ban;
    int64_t version;
    const struct json *address = json_get(j, "address");
    if (!json_to_i64(json_get(j, "version"), &version) || !address ||
        address->type != JSON_STRING ||
        !json_to_i64(json_get(j, "ban_created"), &ban.created) ||
        !json_to_i64(json_get(j, "banned_until"), &ban.until))
        return false;
    if (version != 1)
        log_info(bm->log, "Dropping entry with unknown version (%lld) from ban list",
                 (long long)version);
    else if (!netrange_parse(&ban.net, address->str))
        log_info(bm->log,
                 "Dropping entry with unparseable address or subnet (%s) from ban list",
                 address->str);
    else
        insert(bm, &ban);
    return true;
}

static bool load_list(struct banman *bm, const struct buf *text)
{
    struct arena mem;
    struct json *doc;
    const char *why;
    arena_init(&mem, 1 << 14);
    bool ok = json_parse(&doc, &mem, (const char *)text->data, text->len, &why);
    const struct json *list = ok ? json_get(doc, "banned_nets") : NULL;
    ok = list && list->type == JSON_ARRAY;
    for (size_t i = 0; ok && i < list->len; i++)
        ok = load_entry(bm, json_at(list, i));
    arena_clear(&mem);
    return ok;
}

/* A damaged list is not worth more than the node: it is kept aside for the user. */
static void set_aside(struct banman *bm)
{
    char *aside = xasprintf("%s.bak", bm->path);
    bool moved = rename(bm->path, aside) == 0;
    log_warning(bm->log, "Cannot parse banlist %s; %s%s", bm->path,
                moved ? "it is kept as " : "it will be overwritten",
                moved ? aside : "");
    free(aside);
    bm->n = 0;
}

static void load(struct banman *bm)
{
    struct buf text = {0};
    bool exists = path_exists(bm->path);
    bool ok = exists && fs_read_file(bm->path, BANLIST_MAX_BYTES, &text) == ERR_OK &&
              load_list(bm, &text);
    if (exists && !ok)
        set_aside(bm);
    buf_clear(&text);
    bm->dirty = !ok;
    if (ok)
        log_debug(bm->log, LOG_NET, "Loaded %zu banned node addresses/subnets", bm->n);
    else
        log_info(bm->log, "Recreating the banlist database");
    sweep(bm);
}

static void save(struct banman *bm)
{
    struct buf text = {0};
    struct json_writer w;
    char net[SUBNET_TEXT];
    sweep(bm);
    if (!bm->dirty)
        return;
    json_writer_init(&w, &text, 4);
    json_begin_object(&w);
    json_key(&w, "banned_nets");
    json_begin_array(&w);
    for (size_t i = 0; i < bm->n; i++) {
        json_begin_object(&w);
        json_kv_int(&w, "version", 1);
        json_kv_int(&w, "ban_created", bm->bans[i].created);
        json_kv_int(&w, "banned_until", bm->bans[i].until);
        json_kv_str(&w, "address", netrange_format(net, &bm->bans[i].net));
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    buf_append_byte(&text, '\n');
    if (fs_write_atomic(bm->path, text.data, text.len, 0600) == ERR_OK)
        bm->dirty = false;
    if (!bm->dirty)
        log_debug(bm->log, LOG_NET, "Flushed %zu banned node addresses/subnets to disk",
                  bm->n);
    else
        log_error(bm->log, "Cannot write %s; bans will be lost at the end", bm->path);
    buf_clear(&text);
}

struct banman *banman_open(const char *path, struct clock *clock, struct logger *log)
{
    struct banman *bm = xcalloc(1, sizeof(*bm));
    pthread_mutex_init(&bm->lock, NULL);
    bm->path = xstrdup(path);
    bm->clock = clock;
    bm->log = log;
    recent_init(&bm->discouraged, DISCOURAGED_MAX);
    load(bm);
    return bm;
}

void banman_close(struct banman *bm)
{
    if (bm->dirty)
        save(bm);
    recent_clear(&bm->discouraged);
    pthread_mutex_destroy(&bm->lock);
    free(bm->bans);
    free(bm->path);
    free(bm);
}

/* -- Bans ----------------------------------------------------------------- */

void banman_ban(struct banman *bm, const struct netrange *net, int64_t until)
{
    struct ban ban = {.net = *net, .created = clock_now(bm->clock), .until = until};
    pthread_mutex_lock(&bm->lock);
    insert(bm, &ban);
    bm->dirty = true;
    save(bm);
    pthread_mutex_unlock(&bm->lock);
}

bool banman_unban(struct banman *bm, const struct netrange *net)
{
    bool found;
    pthread_mutex_lock(&bm->lock);
    size_t at = find(bm, net, &found);
    if (found) {
        bm->n--;
        memmove(&bm->bans[at], &bm->bans[at + 1], (bm->n - at) * sizeof(*bm->bans));
        bm->dirty = true;
        save(bm);
    }
    pthread_mutex_unlock(&bm->lock);
    return found;
}

void banman_clear(struct banman *bm)
{
    pthread_mutex_lock(&bm->lock);
    bm->n = 0;
    bm->dirty = true;
    save(bm);
    pthread_mutex_unlock(&bm->lock);
}

bool banman_is_banned(struct banman *bm, const struct netaddr *a)
{
    bool hit = false;
    pthread_mutex_lock(&bm->lock);
    int64_t now = clock_now(bm->clock);
    for (size_t i = 0; i < bm->n && !hit; i++)
        hit = now < bm->bans[i].until && netrange_contains(&bm->bans[i].net, a);
    pthread_mutex_unlock(&bm->lock);
    return hit;
}

bool banman_is_banned_net(struct banman *bm, const struct netrange *net)
{
    bool found;
    pthread_mutex_lock(&bm->lock);
    size_t at = find(bm, net, &found);
    found = found && clock_now(bm->clock) < bm->bans[at].until;
    pthread_mutex_unlock(&bm->lock);
    return found;
}

struct ban *banman_list(struct banman *bm, size_t *n)
{
    pthread_mutex_lock(&bm->lock);
    sweep(bm);
    *n = bm->n;
    struct ban *copy = xmalloc((bm->n + 1) * sizeof(*copy));
    if (bm->n)
        memcpy(copy, bm->bans, bm->n * sizeof(*copy));
    pthread_mutex_unlock(&bm->lock);
    return copy;
}

/* -- Discouragement ------------------------------------------------------- */

void banman_discourage(struct banman *bm, const struct netaddr *a)
{
    pthread_mutex_lock(&bm->lock);
    recent_add(&bm->discouraged, a->addr, a->len);
    pthread_mutex_unlock(&bm->lock);
}

bool banman_is_discouraged(struct banman *bm, const struct netaddr *a)
{
    pthread_mutex_lock(&bm->lock);
    bool hit = recent_has(&bm->discouraged, a->addr, a->len);
    pthread_mutex_unlock(&bm->lock);
    return hit;
}

bool banman_shuns(struct banman *bm, const struct netaddr *a)
{
    return banman_is_discouraged(bm, a) || banman_is_banned(bm, a);
}
