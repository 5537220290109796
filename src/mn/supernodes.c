#include "mn/supernodes.h"

#include <stdlib.h>

#include "chain/params/params.h"
#include "crypto/hash.h"
#include "tickets/committee.h"
#include "tickets/supernode.h"
#include "util/map.h"
#include "util/mem.h"

#define HASH_BATCH 64

struct entry {
    uint32_t registered;
    uint32_t turn; /* the lowest is paid next */
    bool banned;
    bool gone; /* in a view of changes: deleted */
};

/* What stands in one state. */
struct list {
    struct state *state; /* the one it follows; NULL: none */
    struct map entries;  /* sn -> struct entry */
};

/* A node that validates the history behind a UTXO snapshot has two states. */
#define MAX_STATES 2

struct supernodes {
    struct supernode_view view;
    uint32_t activation_depth;
    struct list lists[MAX_STATES];
};

/* The list of a state; NULL: it is not followed. */
static struct list *list_of(struct supernodes *l, const struct state *s)
{
    for (size_t i = 0; i < MAX_STATES; i++)
        if (l->lists[i].state == s)
            return &l->lists[i];
    return NULL;
}

/* --- following the state --- */

static struct entry entry_of(const uint8_t sn[32], struct bytes value)
{
    struct supernode s = {.banned = 0};
    ASSERT(supernode_read(&s, sn, value));
    return (struct entry){
        .registered = s.registered, .turn = supernode_turn(&s), .banned = s.banned};
}

static void on_change(void *ctx, struct bytes key, const struct bytes *value)
{
    struct list *l = ctx;
    const uint8_t *sn = key.data + 1;
    if (value == NULL)
        map_del(&l->entries, sn);
    else
        *(struct entry *)map_put(&l->entries, sn, NULL) = entry_of(sn, *value);
}

static bool on_record(void *ctx, struct bytes key, struct bytes value)
{
    on_change(ctx, key, &value);
    return true;
}

#define SUPERNODE_KEYS bytes_of("s", 1)

static void attach(void *ctx, struct state *s, const struct chain_params *params)
{
    struct supernodes *all = ctx;
    struct list *l = list_of(all, s);
    if (l == NULL)
        l = list_of(all, NULL);
    ASSERT(l != NULL);
    struct state_txn *t = state_begin(s);
    l->state = s;
    map_clear(&l->entries);
    all->activation_depth = params->sn.activation_depth;
    state_each(t, SUPERNODE_KEYS, on_record, l);
    state_discard(t);
    state_watch(s, SUPERNODE_PREFIX, on_change, l);
}

static void detach(void *ctx, struct state *s)
{
    struct list *l = list_of(ctx, s);
    if (l == NULL)
        return;
    state_watch(s, SUPERNODE_PREFIX, NULL, NULL);
    map_clear(&l->entries);
    l->state = NULL;
}

/* --- the list as a transaction of state sees it --- */

struct sight {
    const struct list *list;
    uint32_t activation_depth;
    struct map changed; /* sn -> struct entry */
};

static void note_change(void *ctx, struct bytes key, const struct bytes *value)
{
    const uint8_t *sn = key.data + 1;
    struct entry *e = map_put(ctx, sn, NULL);
    if (value == NULL)
        e->gone = true;
    else
        *e = entry_of(sn, *value);
}

static void sight_begin(struct sight *v, struct supernodes *l, struct state_txn *st)
{
    v->list = list_of(l, state_of(st));
    ASSERT(v->list != NULL);
    v->activation_depth = l->activation_depth;
    map_init(&v->changed, 32, sizeof(struct entry));
    state_each_change(st, SUPERNODE_KEYS, note_change, &v->changed);
}

static void sight_end(struct sight *v)
{
    map_clear(&v->changed);
}

/* What each_active tells of: the record of a supernode, unless @newer (may be NULL) has
 * another one. To ask it is left to the callee, who seldom needs to. */
struct sighting {
    const uint8_t *sn;
    const struct entry *entry;
    const struct map *newer;
};

static bool is_stale(const struct map *newer, const void *sn)
{
    return newer != NULL && map_get(newer, sn) != NULL;
}

/* Every record that is active in the state after the block of this height. */
static void each_active(const struct sight *v, uint32_t height,
                        void (*fn)(void *ctx, const struct sighting *s), void *ctx)
{
    const struct map *maps[2] = {&v->list->entries, &v->changed};
    const void *sn;
    void *value;
    for (int m = 0; m < 2; m++)
        for (size_t i = 0; map_next(maps[m], &i, &sn, &value);) {
            const struct entry *e = value;
            if (e->gone || e->banned || height < e->registered ||
                height - e->registered < v->activation_depth)
                continue;
            bool below = m == 0 && v->changed.len > 0;
            fn(ctx, &(struct sighting){sn, e, below ? &v->changed : NULL});
        }
}

/* --- the payee, and the queue behind --- */

struct place {
    uint32_t turn;
    struct hash256 sn;
};

struct queue {
    struct place *places; /* sorted */
    size_t n, max;
};

static bool goes_before(const struct place *a, const struct place *b)
{
    return a->turn != b->turn ? a->turn < b->turn : memcmp(a->sn.b, b->sn.b, 32) < 0;
}

/* Keeps the first @max places. */
static void enqueue(void *ctx, const struct sighting *s)
{
    struct queue *q = ctx;
    struct place p = {.turn = s->entry->turn};
    memcpy(p.sn.b, s->sn, 32);
    if ((q->n == q->max && !goes_before(&p, &q->places[q->n - 1])) ||
        is_stale(s->newer, s->sn))
        return;
    size_t i = q->n < q->max ? q->n++ : q->n - 1;
    for (; i > 0 && goes_before(&p, &q->places[i - 1]); i--)
        q->places[i] = q->places[i - 1];
    q->places[i] = p;
}

size_t supernodes_queue(struct supernodes *l, struct state_txn *st, uint32_t height,
                        struct hash256 *out, size_t n)
{
    struct sight v;
    struct queue q = {.places = xcalloc(n, sizeof(*q.places)), .max = n};
    sight_begin(&v, l, st);
    each_active(&v, height, enqueue, &q);
    sight_end(&v);
    for (size_t i = 0; i < q.n; i++)
        out[i] = q.places[i].sn;
    free(q.places);
    return q.n;
}

static bool payee(void *ctx, struct state_txn *st, uint32_t height, struct hash256 *sn)
{
    return supernodes_queue(ctx, st, height, sn, 1) == 1;
}

/* --- the committee --- */

struct candidate {
    struct hash256 score, sn;
};

struct election {
    uint8_t in[HASH_BATCH][64]; /* block hash, sn */
    size_t n_in;
    const struct map *newer; /* of all in the batch, see struct sighting */
    struct candidate best[COMMITTEE_SIZE]; /* sorted */
    size_t n;
};

static bool wins(const struct candidate *a, const struct candidate *b)
{
    int cmp = memcmp(a->score.b, b->score.b, 32);
    return cmp != 0 ? cmp < 0 : memcmp(a->sn.b, b->sn.b, 32) < 0;
}

static void consider(struct election *x, const struct candidate *c)
{
    if ((x->n == COMMITTEE_SIZE && !wins(c, &x->best[x->n - 1])) ||
        is_stale(x->newer, c->sn.b))
        return;
    size_t i = x->n < COMMITTEE_SIZE ? x->n++ : x->n - 1;
    for (; i > 0 && wins(c, &x->best[i - 1]); i--)
        x->best[i] = x->best[i - 1];
    x->best[i] = *c;
}

/* Hashes what has gathered, several side by side. */
static void count_votes(struct election *x)
{
    uint8_t scores[HASH_BATCH][32];
    sha3_256_many(scores[0], x->in[0], 64, x->n_in);
    for (size_t i = 0; i < x->n_in; i++) {
        struct candidate c;
        memcpy(c.score.b, scores[i], 32);
        memcpy(c.sn.b, x->in[i] + 32, 32);
        consider(x, &c);
    }
    x->n_in = 0;
}

static void stand(void *ctx, const struct sighting *s)
{
    struct election *x = ctx;
    if (x->n_in == HASH_BATCH || x->newer != s->newer)
        count_votes(x);
    x->newer = s->newer;
    memcpy(x->in[x->n_in++] + 32, s->sn, 32);
}

static size_t choose(void *ctx, struct state_txn *st, uint32_t height,
                     const struct hash256 *block, struct hash256 *sns)
{
    struct sight v;
    struct election x = {.n_in = 0};
    for (size_t i = 0; i < HASH_BATCH; i++)
        memcpy(x.in[i], block->b, 32);
    sight_begin(&v, ctx, st);
    each_active(&v, height, stand, &x);
    count_votes(&x);
    sight_end(&v);
    for (size_t i = 0; i < x.n; i++)
        sns[i] = x.best[i].sn;
    return x.n;
}

/* --- counts --- */

static size_t count(void *ctx, struct state_txn *st)
{
    struct sight v;
    const void *sn;
    void *value;
    sight_begin(&v, ctx, st);
    size_t n = v.list->entries.len;
    for (size_t i = 0; map_next(&v.changed, &i, &sn, &value);) {
        bool was = map_get(&v.list->entries, sn) != NULL;
        bool is = !((const struct entry *)value)->gone;
        n = n + (size_t)is - (size_t)was;
    }
    sight_end(&v);
    return n;
}

static void add_one(void *ctx, const struct sighting *s)
{
    *(size_t *)ctx += !is_stale(s->newer, s->sn);
}

size_t supernodes_active(struct supernodes *l, struct state_txn *st, uint32_t height)
{
    struct sight v;
    size_t n = 0;
    sight_begin(&v, l, st);
    each_active(&v, height, add_one, &n);
    sight_end(&v);
    return n;
}

/* --- life --- */

struct supernodes *supernodes_new(void)
{
    struct supernodes *l = xcalloc(1, sizeof(*l));
    for (size_t i = 0; i < MAX_STATES; i++)
        map_init(&l->lists[i].entries, 32, sizeof(struct entry));
    l->view = (struct supernode_view){
        .ctx = l,
        .attach = attach,
        .detach = detach,
        .count = count,
        .payee = payee,
        .choose = choose,
    };
    return l;
}

void supernodes_free(struct supernodes *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < MAX_STATES; i++)
        map_clear(&l->lists[i].entries);
    free(l);
}

const struct supernode_view *supernodes_view(struct supernodes *l)
{
    return &l->view;
}
