/* What the verdicts on pending tickets rest on, so that after a block only those are
 * judged again that it may have overturned.
 *
 * A verdict is a function of the transaction and its coins, of the values that the
 * ticket rules have read from the state, of the height of the next block within bounds,
 * and, if the rules say so, of more than that. Each of these is a ground: a name of 32
 * octets with all entries that rely on it. A block shakes the grounds that it changes;
 * whatever relies on one is in doubt until it has been judged again. */
#include <stdlib.h>

#include "chain/mempool/pool.h"
#include "chain/state/state.h"

struct ground_name {
    uint8_t b[32]; /* of a value of the state: SHA3 of its key */
};
struct ground {
    struct ground_name name;
    struct reliance *first;
};
struct reliance {
    struct ground *ground;
    struct mempool_entry *entry;
    struct reliance *next, **link; /* others on the same ground; what points here */
};

#define GROUND_USAGE                                                                   \
    (sizeof(struct ground) + MALLOC_USAGE +                                            \
     SLOT_USAGE(sizeof(struct ground_name), sizeof(void *)))

size_t grounds_usage(const struct mempool *mp)
{
    return mp->grounds.len * GROUND_USAGE;
}

/* ---- names ---- */

/* No SHA3 looks like this. */
static struct ground_name name_of_height(int64_t height)
{
    struct ground_name n = {{'h'}};
    put_le64(n.b + 24, (uint64_t)height);
    return n;
}

static const struct ground_name any_block = {{'b'}};

static void add_name(void *ctx, const uint8_t name[32])
{
    buf_append(ctx, name, sizeof(struct ground_name));
}

void grounds_of(struct buf *names, const struct rule_env *env)
{
    struct ground_name below = name_of_height(env->first - INT64_C(1));
    struct ground_name above = name_of_height(env->last + INT64_C(1));

    state_each_read(env->state, add_name, names);
    if (env->first != INT32_MIN)
        add_name(names, below.b);
    if (env->last != INT32_MAX)
        add_name(names, above.b);
    if (env->unsteady)
        add_name(names, any_block.b);
}

/* ---- who relies on what ---- */

static struct ground *ground_get(struct mempool *mp, const uint8_t *name)
{
    bool is_new;
    struct ground **slot = map_put(&mp->grounds, name, &is_new);
    if (is_new) {
        *slot = xcalloc(1, sizeof(**slot));
        memcpy((*slot)->name.b, name, sizeof((*slot)->name.b));
        mp->usage += GROUND_USAGE;
    }
    return *slot;
}

static void ground_drop(struct mempool *mp, struct ground *g)
{
    mp->usage -= GROUND_USAGE;
    map_del(&mp->grounds, g->name.b);
    free(g);
}

static void rely(struct reliance *r, struct mempool_entry *e, struct ground *g)
{
    *r = (struct reliance){.ground = g, .entry = e, .next = g->first, .link = &g->first};
    if (r->next)
        r->next->link = &r->next;
    g->first = r;
}

static void charge(struct mempool *mp, struct mempool_entry *e, int sign)
{
    size_t n = e->n_reliances * sizeof(struct reliance) + MALLOC_USAGE;
    e->usage += sign > 0 ? n : -n;
    mp->usage += sign > 0 ? n : -n;
}

void grounds_leave(struct mempool *mp, struct mempool_entry *e)
{
    if (e->n_reliances == 0)
        return;
    for (uint32_t i = 0; i < e->n_reliances; i++) {
        struct reliance *r = &e->reliances[i];
        *r->link = r->next;
        if (r->next)
            r->next->link = r->link;
        if (!r->ground->first)
            ground_drop(mp, r->ground);
    }
    charge(mp, e, -1);
    free(e->reliances);
    e->reliances = NULL;
    e->n_reliances = 0;
}

void grounds_rely(struct mempool *mp, struct mempool_entry *e, struct bytes names)
{
    grounds_leave(mp, e);
    e->n_reliances = (uint32_t)(names.len / sizeof(struct ground_name));
    if (e->n_reliances == 0)
        return;
    e->reliances = xrealloc_array(NULL, e->n_reliances, sizeof(*e->reliances));
    for (uint32_t i = 0; i < e->n_reliances; i++)
        rely(&e->reliances[i], e,
             ground_get(mp, names.data + i * sizeof(struct ground_name)));
    charge(mp, e, 1);
}

void grounds_clear(struct mempool *mp)
{
    void *value;
    for (size_t i = 0; map_next(&mp->grounds, &i, NULL, &value);)
        free(*(struct ground **)value);
    map_clear(&mp->grounds);
    entry_list_clear(&mp->doubtful);
}

/* ---- doubts ---- */

void doubt_begin(struct mempool *mp, struct mempool_entry *e)
{
    if (e->doubt != 0)
        return;
    entry_list_add(&mp->doubtful, e);
    e->doubt = (uint32_t)mp->doubtful.n;
}

void doubt_end(struct mempool *mp, struct mempool_entry *e)
{
    if (e->doubt == 0)
        return;
    struct mempool_entry *last = mp->doubtful.v[--mp->doubtful.n];
    mp->doubtful.v[e->doubt - 1] = last;
    last->doubt = e->doubt;
    e->doubt = 0;
}

static void shake(void *ctx, const uint8_t name[32])
{
    struct mempool *mp = ctx;
    struct ground **slot = map_get(&mp->grounds, name);
    for (struct reliance *r = slot ? (*slot)->first : NULL; r; r = r->next)
        doubt_begin(mp, r->entry);
}

void grounds_height(struct mempool *mp, int32_t next)
{
    struct ground_name name = name_of_height(next);
    shake(mp, name.b);
}

void grounds_settle(struct mempool *mp)
{
    shake(mp, any_block.b);
}

/* A mark makes the rules look at records that they did not look at before. */
void grounds_state(struct mempool *mp, const struct state_txn *st,
                   const struct map *marks)
{
    const void *outpoint;
    if (mp->grounds.len > 0)
        state_each_changed(st, shake, mp);
    for (size_t i = 0; marks && map_next(marks, &i, &outpoint, NULL);) {
        struct mempool_entry *e = pool_spender(mp, outpoint);
        if (e)
            doubt_begin(mp, e);
    }
}
