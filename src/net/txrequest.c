#include "net/txrequest.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "util/map.h"
#include "util/mem.h"
#include "util/rand.h"

enum state {
    CANDIDATE, /* announced, to be asked for */
    REQUESTED,
    DONE, /* answered, timed out: kept so that it is not announced again */
};

struct announcement {
    int64_t peer;
    int64_t at_us; /* CANDIDATE: ask not before; REQUESTED: given up at */
    uint64_t priority;
    enum state state;
    bool preferred;
};

/* All announcements of one id. */
struct wanted {
    struct gtxid id;
    struct announcement *items; /* owned */
    size_t n;
};

struct peer_wants {
    struct wanted **items; /* owned list of borrowed entries, oldest first */
    size_t n, cap, in_flight, candidates;
};

struct txrequest {
    struct map ids;   /* hash -> struct wanted * (owned) */
    struct map peers; /* int64 -> struct peer_wants * (owned) */
    uint64_t key[2];
};

struct txrequest *txrequest_new(void)
{
    struct txrequest *t = xcalloc(1, sizeof(*t));
    map_init(&t->ids, sizeof(struct hash256), sizeof(struct wanted *));
    map_init(&t->peers, sizeof(int64_t), sizeof(struct peer_wants *));
    rand_bytes(t->key, sizeof(t->key));
    return t;
}

void txrequest_free(struct txrequest *t)
{
    const void *k;
    void *v;
    for (size_t i = 0; map_next(&t->ids, &i, &k, &v);) {
        struct wanted *w = *(struct wanted **)v;
        free(w->items);
        free(w);
    }
    for (size_t i = 0; map_next(&t->peers, &i, &k, &v);) {
        struct peer_wants *p = *(struct peer_wants **)v;
        free(p->items);
        free(p);
    }
    map_clear(&t->ids);
    map_clear(&t->peers);
    free(t);
}

static struct peer_wants *find_peer(const struct txrequest *t, int64_t peer)
{
    struct peer_wants **p = map_get(&t->peers, &peer);
    return p ? *p : NULL;
}

static struct peer_wants *peer_wants(struct txrequest *t, int64_t peer)
{
    bool is_new;
    struct peer_wants **p = map_put(&t->peers, &peer, &is_new);
    if (is_new)
        *p = xcalloc(1, sizeof(**p));
    return *p;
}

static struct wanted *find_wanted(const struct txrequest *t, const struct hash256 *hash)
{
    struct wanted **w = map_get(&t->ids, hash);
    return w ? *w : NULL;
}

static struct announcement *find_in(const struct wanted *w, int64_t peer)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->items[i].peer == peer)
            return &w->items[i];
    return NULL;
}

static void count(struct peer_wants *p, enum state s, int by)
{
    if (s == REQUESTED)
        p->in_flight += (size_t)by;
    else if (s == CANDIDATE)
        p->candidates += (size_t)by;
}

static void set_state(struct txrequest *t, struct announcement *a, enum state s)
{
    struct peer_wants *p = find_peer(t, a->peer);
    count(p, a->state, -1);
    count(p, s, 1);
    a->state = s;
}

static void list_del(struct peer_wants *p, const struct wanted *w)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->items[i] == w) {
            p->n--;
            memmove(&p->items[i], &p->items[i + 1], (p->n - i) * sizeof(*p->items));
            return;
        }
}

/* Forgets the id altogether. */
static void drop(struct txrequest *t, struct wanted *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct peer_wants *p = find_peer(t, w->items[i].peer);
        count(p, w->items[i].state, -1);
        list_del(p, w);
    }
    struct hash256 hash = w->id.hash;
    map_del(&t->ids, &hash);
    free(w->items);
    free(w);
}

/* Nobody is left to ask: the next announcement starts anew. */
static bool drop_if_done(struct txrequest *t, struct wanted *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->items[i].state != DONE)
            return false;
    drop(t, w);
    return true;
}

void txrequest_announce(struct txrequest *t, int64_t peer, const struct gtxid *id,
                        bool preferred, int64_t at_us)
{
    bool is_new;
    struct wanted **slot = map_put(&t->ids, &id->hash, &is_new);
    if (is_new) {
        *slot = xcalloc(1, sizeof(**slot));
        (*slot)->id = *id;
    }
    struct wanted *w = *slot;
    if (find_in(w, peer))
        return;
    struct {
        struct hash256 hash;
        int64_t peer;
    } in = {id->hash, peer};
    w->items = xrealloc_array(w->items, w->n + 1, sizeof(*w->items));
    w->items[w->n++] = (struct announcement){
        .peer = peer,
        .at_us = at_us,
        .preferred = preferred,
        .priority = siphash(t->key[0], t->key[1], &in, sizeof(in)),
    };
    struct peer_wants *p = peer_wants(t, peer);
    p->candidates++;
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->items = xrealloc_array(p->items, p->cap, sizeof(*p->items));
    }
    p->items[p->n++] = w;
}

/* Whether it is this announcement's turn: nobody is being asked, and no candidate that
 * is due comes before it. A request that ran out of time is given up; *expired_peer is
 * its peer. */
static bool is_turn(struct txrequest *t, struct wanted *w,
                    const struct announcement *mine, int64_t now_us,
                    int64_t *expired_peer)
{
    bool best = mine->state == CANDIDATE && mine->at_us <= now_us;
    for (size_t i = 0; i < w->n; i++) {
        struct announcement *a = &w->items[i];
        if (a->state == REQUESTED && a->at_us <= now_us) {
            *expired_peer = a->peer;
            set_state(t, a, DONE);
        }
        if (a->state == REQUESTED)
            best = false;
        if (a->state != CANDIDATE || a->at_us > now_us || a == mine)
            continue;
        if (a->preferred != mine->preferred ? a->preferred
                                            : a->priority > mine->priority)
            best = false;
    }
    return best;
}

size_t txrequest_due(struct txrequest *t, int64_t peer, int64_t now_us,
                     struct gtxid *out, size_t max, size_t *expired)
{
    struct peer_wants *p = find_peer(t, peer);
    size_t n = 0;
    *expired = 0;
    if (!p || !(p->candidates + p->in_flight))
        return 0;
    for (size_t i = 0; i < p->n && n < max;) {
        struct wanted *w = p->items[i];
        int64_t expired_peer = -1;
        if (is_turn(t, w, find_in(w, peer), now_us, &expired_peer))
            out[n++] = w->id;
        *expired += expired_peer == peer;
        if (expired_peer < 0 || !drop_if_done(t, w))
            i++;
    }
    return n;
}

void txrequest_requested(struct txrequest *t, int64_t peer, const struct hash256 *hash,
                         int64_t expires_us)
{
    struct wanted *w = find_wanted(t, hash);
    struct announcement *a = w ? find_in(w, peer) : NULL;
    if (!a || a->state != CANDIDATE)
        return;
    set_state(t, a, REQUESTED);
    a->at_us = expires_us;
}

void txrequest_answered(struct txrequest *t, int64_t peer, const struct hash256 *hash)
{
    struct wanted *w = find_wanted(t, hash);
    struct announcement *a = w ? find_in(w, peer) : NULL;
    if (!a)
        return;
    set_state(t, a, DONE);
    drop_if_done(t, w);
}

void txrequest_forget(struct txrequest *t, const struct hash256 *hash)
{
    struct wanted *w = find_wanted(t, hash);
    if (w)
        drop(t, w);
}

void txrequest_drop_peer(struct txrequest *t, int64_t peer)
{
    struct peer_wants *p = find_peer(t, peer);
    if (!p)
        return;
    while (p->n) {
        struct wanted *w = p->items[p->n - 1];
        struct announcement *a = find_in(w, peer);
        count(p, a->state, -1);
        p->n--;
        *a = w->items[--w->n];
        drop_if_done(t, w);
    }
    free(p->items);
    free(p);
    map_del(&t->peers, &peer);
}

size_t txrequest_in_flight(const struct txrequest *t, int64_t peer)
{
    const struct peer_wants *p = find_peer(t, peer);
    return p ? p->in_flight : 0;
}

size_t txrequest_candidates(const struct txrequest *t, int64_t peer)
{
    const struct peer_wants *p = find_peer(t, peer);
    return p ? p->candidates : 0;
}

size_t txrequest_count(const struct txrequest *t, int64_t peer)
{
    const struct peer_wants *p = find_peer(t, peer);
    return p ? p->n : 0;
}

size_t txrequest_size(const struct txrequest *t)
{
    size_t n = 0;
    const void *k;
    void *v;
    for (size_t i = 0; map_next(&t->ids, &i, &k, &v);)
        n += (*(struct wanted **)v)->n;
    return n;
}
