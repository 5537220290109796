#include "net/txrequest.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "util/heap.h"
#include "util/map.h"
#include "util/mem.h"
#include "util/rand.h"

enum state {
    DELAYED,   /* not to be asked for before at_us */
    READY,     /* may be asked for, but another one of the id comes first */
    BEST,      /* the one to be asked next */
    REQUESTED, /* until at_us */
    DONE,      /* answered, timed out: kept so that it is not announced again */
};

#define NOWHERE SIZE_MAX

struct announcement {
    struct wanted *id;
    struct announcement *next; /* of the same id */
    struct peer_wants *peer;
    int64_t at_us;
    uint64_t priority, sequence;
    size_t heap_pos; /* NOWHERE unless the clock will change its state */
    size_t peer_pos;
    enum state state;
    bool preferred, is_wtxid;
};

/* An id: exists while an announcement of it is not DONE. */
struct wanted {
    struct hash256 hash;
    struct announcement *first; /* owned list, newest first */
};

struct peer_wants {
    int64_t id;
    struct announcement **items; /* owned array; the first n_best are BEST */
    size_t n, cap, n_best;
    size_t n_in_flight, n_done;
    size_t expired; /* since it was last asked about */
};

struct txrequest {
    struct map ids;    /* hash -> struct wanted * (owned) */
    struct map peers;  /* int64 -> struct peer_wants * (owned) */
    struct heap clock; /* of pointers to DELAYED and REQUESTED ones */
    size_t n;          /* announcements */
    uint64_t next_sequence;
    uint64_t key[2];
};

/* ---- the clock's heap ---- */

static bool is_sooner(const void *x, const void *y)
{
    const struct announcement *a = *(struct announcement *const *)x;
    const struct announcement *b = *(struct announcement *const *)y;
    return a->at_us < b->at_us;
}

static void on_moved(void *item, size_t pos)
{
    (*(struct announcement **)item)->heap_pos = pos;
}

static const struct heap_kind by_time = {sizeof(struct announcement *), is_sooner,
                                         on_moved};

static struct announcement *clock_at(const struct txrequest *t, size_t pos)
{
    return *(struct announcement **)heap_at(&t->clock, &by_time, pos);
}

static void clock_del(struct txrequest *t, struct announcement *a)
{
    if (a->heap_pos == NOWHERE)
        return;
    heap_del(&t->clock, &by_time, a->heap_pos);
    a->heap_pos = NOWHERE;
}

/* ---- a peer's announcements ---- */

static struct peer_wants *find_peer(const struct txrequest *t, int64_t peer)
{
    struct peer_wants **p = map_get(&t->peers, &peer);
    return p ? *p : NULL;
}

static struct peer_wants *make_peer(struct txrequest *t, int64_t peer)
{
    bool is_new;
    struct peer_wants **p = map_put(&t->peers, &peer, &is_new);
    if (is_new) {
        *p = xcalloc(1, sizeof(**p));
        (*p)->id = peer;
    }
    return *p;
}

static void peer_swap(struct peer_wants *p, size_t i, size_t j)
{
    struct announcement *a = p->items[i];
    p->items[i] = p->items[j];
    p->items[j] = a;
    p->items[i]->peer_pos = i;
    p->items[j]->peer_pos = j;
}

static void peer_add(struct peer_wants *p, struct announcement *a)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->items = xrealloc_array(p->items, p->cap, sizeof(struct announcement *));
    }
    a->peer = p;
    a->peer_pos = p->n;
    p->items[p->n++] = a;
}

/* What is BEST has left that state before. */
static void peer_del(struct peer_wants *p, struct announcement *a)
{
    peer_swap(p, a->peer_pos, p->n - 1);
    p->n--;
}

/* Counts for what a state means to the peer; by is 1 or -1. */
static void count(struct announcement *a, int by)
{
    struct peer_wants *p = a->peer;
    if (a->state == REQUESTED)
        p->n_in_flight += (size_t)by;
    else if (a->state == DONE)
        p->n_done += (size_t)by;
}

/* The one place where states change; the id's best is the caller's business. */
static void set_state(struct txrequest *t, struct announcement *a, enum state s)
{
    struct peer_wants *p = a->peer;
    if (a->state == BEST)
        peer_swap(p, a->peer_pos, --p->n_best);
    count(a, -1);
    clock_del(t, a);
    a->state = s;
    count(a, 1);
    if (s == BEST)
        peer_swap(p, a->peer_pos, p->n_best++);
    else if (s == DELAYED || s == REQUESTED)
        heap_add(&t->clock, &by_time, &a);
}

/* ---- ids ---- */

static struct wanted *find_wanted(const struct txrequest *t, const struct hash256 *hash)
{
    struct wanted **w = map_get(&t->ids, hash);
    return w ? *w : NULL;
}

static struct wanted *make_wanted(struct txrequest *t, const struct hash256 *hash)
{
    bool is_new;
    struct wanted **w = map_put(&t->ids, hash, &is_new);
    if (is_new) {
        *w = xcalloc(1, sizeof(**w));
        (*w)->hash = *hash;
    }
    return *w;
}

static struct announcement *find_in(const struct wanted *w, int64_t peer)
{
    struct announcement *a = w ? w->first : NULL;
    while (a && a->peer->id != peer)
        a = a->next;
    return a;
}

static bool comes_before(const struct announcement *a, const struct announcement *b)
{
    return a->preferred != b->preferred ? a->preferred : a->priority > b->priority;
}

/* While nobody is being asked, the best of those that are ready is next. */
static void choose(struct txrequest *t, struct wanted *w)
{
    struct announcement *best = NULL, *old = NULL;
    bool asked = false;
    for (struct announcement *a = w->first; a; a = a->next) {
        asked = asked || a->state == REQUESTED;
        if (a->state == BEST)
            old = a;
        if ((a->state == READY || a->state == BEST) && (!best || comes_before(a, best)))
            best = a;
    }
    if (asked)
        best = NULL;
    if (old == best)
        return;
    if (old)
        set_state(t, old, READY);
    if (best)
        set_state(t, best, BEST);
}

static void free_announcement(struct txrequest *t, struct announcement *a)
{
    if (a->state != DONE)
        set_state(t, a, DONE); /* off the heap and the best ones */
    count(a, -1);
    peer_del(a->peer, a);
    free(a);
    t->n--;
}

static void drop(struct txrequest *t, struct wanted *w)
{
    for (struct announcement *a = w->first, *next; a; a = next) {
        next = a->next;
        free_announcement(t, a);
    }
    map_del(&t->ids, &w->hash);
    free(w);
}

static bool is_done(const struct wanted *w)
{
    for (const struct announcement *a = w->first; a; a = a->next)
        if (a->state != DONE)
            return false;
    return true;
}

/* After one of its announcements changed: nobody left to ask, or somebody else. */
static void settle(struct txrequest *t, struct wanted *w)
{
    if (is_done(w))
        drop(t, w);
    else
        choose(t, w);
}

/* ---- in and out ---- */

struct txrequest *txrequest_new(void)
{
    struct txrequest *t = xcalloc(1, sizeof(*t));
    map_init(&t->ids, sizeof(struct hash256), sizeof(struct wanted *));
    map_init(&t->peers, sizeof(int64_t), sizeof(struct peer_wants *));
    rand_bytes(t->key, sizeof(t->key));
    return t;
}

static void free_wanted(struct wanted *w)
{
    for (struct announcement *a = w->first, *next; a; a = next) {
        next = a->next;
        free(a);
    }
    free(w);
}

static void free_peer(struct peer_wants *p)
{
    free(p->items);
    free(p);
}

void txrequest_free(struct txrequest *t)
{
    const void *k;
    void *v;
    for (size_t i = 0; map_next(&t->ids, &i, &k, &v);)
        free_wanted(*(struct wanted **)v);
    for (size_t i = 0; map_next(&t->peers, &i, &k, &v);)
        free_peer(*(struct peer_wants **)v);
    map_clear(&t->ids);
    map_clear(&t->peers);
    heap_clear(&t->clock);
    free(t);
}

static uint64_t priority_of(const struct txrequest *t, const struct hash256 *hash,
                            int64_t peer)
{
    struct {
        struct hash256 hash;
        int64_t peer;
    } in = {*hash, peer};
    return siphash(t->key[0], t->key[1], &in, sizeof(in));
}

void txrequest_announce(struct txrequest *t, int64_t peer, const struct gtxid *id,
                        bool preferred, int64_t at_us)
{
    struct wanted *w = make_wanted(t, &id->hash);
    if (find_in(w, peer))
        return;
    struct announcement *a = xmalloc(sizeof(*a));
    *a = (struct announcement){
        .id = w,
        .next = w->first,
        .at_us = at_us,
        .priority = priority_of(t, &id->hash, peer),
        .sequence = t->next_sequence++,
        .heap_pos = NOWHERE,
        .state = READY,
        .preferred = preferred,
        .is_wtxid = id->is_wtxid,
    };
    w->first = a;
    t->n++;
    peer_add(make_peer(t, peer), a);
    set_state(t, a, DELAYED);
}

/* Everything whose time has come. */
static void advance(struct txrequest *t, int64_t now_us)
{
    while (t->clock.n && clock_at(t, 0)->at_us <= now_us) {
        struct announcement *a = clock_at(t, 0);
        a->peer->expired += a->state == REQUESTED;
        set_state(t, a, a->state == DELAYED ? READY : DONE);
        settle(t, a->id);
    }
}

static int by_sequence(const void *x, const void *y)
{
    const struct announcement *a = *(const struct announcement *const *)x;
    const struct announcement *b = *(const struct announcement *const *)y;
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

size_t txrequest_due(struct txrequest *t, int64_t peer, int64_t now_us,
                     struct gtxid *out, size_t max, size_t *expired)
{
    advance(t, now_us);
    struct peer_wants *p = find_peer(t, peer);
    *expired = p ? p->expired : 0;
    if (!p)
        return 0;
    p->expired = 0;
    if (p->n_best > 1)
        qsort(p->items, p->n_best, sizeof(struct announcement *), by_sequence);
    for (size_t i = 0; i < p->n_best; i++)
        p->items[i]->peer_pos = i;
    size_t n = p->n_best < max ? p->n_best : max;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct gtxid){p->items[i]->id->hash, p->items[i]->is_wtxid};
    return n;
}

void txrequest_requested(struct txrequest *t, int64_t peer, const struct hash256 *hash,
                         int64_t expires_us)
{
    struct announcement *a = find_in(find_wanted(t, hash), peer);
    if (!a || a->state != BEST)
        return;
    a->at_us = expires_us;
    set_state(t, a, REQUESTED);
}

void txrequest_answered(struct txrequest *t, int64_t peer, const struct hash256 *hash)
{
    struct wanted *w = find_wanted(t, hash);
    struct announcement *a = find_in(w, peer);
    if (!a || a->state == DONE)
        return;
    set_state(t, a, DONE);
    settle(t, w);
}

void txrequest_forget(struct txrequest *t, const struct hash256 *hash)
{
    struct wanted *w = find_wanted(t, hash);
    if (w)
        drop(t, w);
}

static void unlink_from_id(struct announcement *a)
{
    struct announcement **link = &a->id->first;
    while (*link != a)
        link = &(*link)->next;
    *link = a->next;
}

void txrequest_drop_peer(struct txrequest *t, int64_t peer)
{
    struct peer_wants *p = find_peer(t, peer);
    if (!p)
        return;
    while (p->n) {
        struct announcement *a = p->items[p->n - 1];
        struct wanted *w = a->id;
        unlink_from_id(a);
        free_announcement(t, a);
        settle(t, w);
    }
    map_del(&t->peers, &peer);
    free_peer(p);
}

/* ---- reading ---- */

size_t txrequest_peers(const struct txrequest *t, const struct hash256 *hash,
                       int64_t *out, size_t max)
{
    const struct wanted *w = find_wanted(t, hash);
    size_t n = 0;
    for (const struct announcement *a = w ? w->first : NULL; a && n < max; a = a->next)
        if (a->state != DONE)
            out[n++] = a->peer->id;
    return n;
}

size_t txrequest_in_flight(const struct txrequest *t, int64_t peer)
{
    const struct peer_wants *p = find_peer(t, peer);
    return p ? p->n_in_flight : 0;
}

size_t txrequest_candidates(const struct txrequest *t, int64_t peer)
{
    const struct peer_wants *p = find_peer(t, peer);
    return p ? p->n - p->n_in_flight - p->n_done : 0;
}

size_t txrequest_count(const struct txrequest *t, int64_t peer)
{
    const struct peer_wants *p = find_peer(t, peer);
    return p ? p->n : 0;
}

size_t txrequest_size(const struct txrequest *t)
{
    return t->n;
}

/* ---- checking ---- */

static bool on_clock(const struct announcement *a)
{
    return a->state == DELAYED || a->state == REQUESTED;
}

/* One is asked or next whenever one is ready, never two. Returns how many there are. */
static size_t check_id(const struct txrequest *t, const struct wanted *w)
{
    size_t n = 0, live = 0, ready = 0, chosen = 0;
    for (const struct announcement *a = w->first; a; a = a->next, n++) {
        ASSERT(a->id == w && a->peer->items[a->peer_pos] == a);
        ASSERT(on_clock(a) ? clock_at(t, a->heap_pos) == a : a->heap_pos == NOWHERE);
        ASSERT((a->peer_pos < a->peer->n_best) == (a->state == BEST));
        live += a->state != DONE;
        ready += a->state == READY;
        chosen += a->state == BEST || a->state == REQUESTED;
        for (const struct announcement *b = a->next; b; b = b->next)
            ASSERT(a->peer != b->peer);
    }
    ASSERT(live && chosen <= 1 && (chosen || !ready));
    return n;
}

static size_t check_peer(const struct peer_wants *p)
{
    size_t in_flight = 0, done = 0;
    for (size_t i = 0; i < p->n; i++) {
        in_flight += p->items[i]->state == REQUESTED;
        done += p->items[i]->state == DONE;
    }
    ASSERT(in_flight == p->n_in_flight && done == p->n_done);
    return p->n;
}

void txrequest_check(const struct txrequest *t)
{
    size_t by_id = 0, by_peer = 0;
    const void *k;
    void *v;
    for (size_t i = 0; map_next(&t->ids, &i, &k, &v);)
        by_id += check_id(t, *(struct wanted **)v);
    for (size_t i = 0; map_next(&t->peers, &i, &k, &v);)
        by_peer += check_peer(*(struct peer_wants **)v);
    ASSERT(heap_is_ordered(&t->clock, &by_time));
    ASSERT(by_id == t->n && by_peer == t->n);
}
