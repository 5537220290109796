/* Witnesses for miniscripts. For each part, the best way to satisfy and to dissatisfy
 * it; the rules by which the better of two ways is chosen make sure that a third party
 * cannot turn the chosen witness into another one (BIP 379, "Malleability"). */
#include <stdlib.h>

#include "chain/script/miniscript_impl.h"
#include "util/mem.h"

/* A way: elements of the stack, bottom first; in pieces that several ways share. NULL
 * stands for a way that is not there. */
struct way {
    const struct way *below, *above; /* NULL: an item, or nothing */
    struct bytes item;
    uint32_t n;     /* elements */
    uint64_t size;  /* bytes, each element with one for its length */
    bool has_sig;   /* nobody can make it without a private key */
    bool malleable; /* a third party can change it */
};

struct ways {
    const struct way *dissat, *sat;
};

struct search {
    const struct miniscript *ms;
    const struct ms_source *source;
    struct arena arena;
};

static struct way *new_way(struct search *s)
{
    struct way *w = arena_alloc(&s->arena, sizeof(*w));
    *w = (struct way){0};
    return w;
}

static const struct way *empty(struct search *s)
{
    return new_way(s);
}

static struct way *element(struct search *s, struct bytes item)
{
    struct way *w = new_way(s);
    w->item = item;
    w->n = 1;
    w->size = item.len + 1;
    return w;
}

static const struct way *zero(struct search *s)
{
    return element(s, bytes_of(NULL, 0));
}

static const struct way *one(struct search *s)
{
    static const uint8_t byte = 1;
    return element(s, bytes_of(&byte, 1));
}

static const struct way *stack(struct search *s, const struct way *below,
                               const struct way *above)
{
    if (below == NULL || above == NULL)
        return NULL;
    struct way *w = new_way(s);
    *w = (struct way){.below = below,
                      .above = above,
                      .n = below->n + above->n,
                      .size = below->size + above->size,
                      .has_sig = below->has_sig || above->has_sig,
                      .malleable = below->malleable || above->malleable};
    return w;
}

static const struct way *as_malleable(struct search *s, const struct way *w)
{
    if (w == NULL || w->malleable)
        return w;
    struct way *copy = new_way(s);
    *copy = *w;
    copy->malleable = true;
    return copy;
}

static const struct way *smaller(const struct way *a, const struct way *b)
{
    return a->size <= b->size ? a : b;
}

static const struct way *choose(struct search *s, const struct way *a,
                                const struct way *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    /* A third party can always use the one without a signature: so we must. */
    if (a->has_sig != b->has_sig)
        return a->has_sig ? b : a;
    if (!a->has_sig)
        return as_malleable(s, smaller(a, b));
    if (a->malleable != b->malleable)
        return a->malleable ? b : a;
    return smaller(a, b);
}

/* -- Leaves -- */

static const struct way *signature(struct search *s, uint32_t key)
{
    struct bytes sig;
    if (!s->source->sign(s->source->ctx, key, &sig))
        return NULL;
    struct way *w = element(s, sig);
    w->has_sig = true;
    return w;
}

static struct ways key_hash(struct search *s, uint32_t number)
{
    const struct ms_key *key = &s->source->keys[number];
    if (key->len == 0)
        return (struct ways){NULL, NULL};
    const struct way *pubkey = element(s, bytes_of(key->data, key->len));
    return (struct ways){stack(s, zero(s), pubkey),
                         stack(s, signature(s, number), pubkey)};
}

static struct ways hash(struct search *s, const struct ms_node *n)
{
    static const uint8_t zeros[32];
    struct bytes preimage;
    struct ways w = {as_malleable(s, element(s, bytes_of(zeros, 32))), NULL};
    if (s->source->preimage(s->source->ctx, ms_fragments[n->kind].preimage, n->hash,
                            &preimage) &&
        preimage.len == 32)
        w.sat = element(s, preimage);
    return w;
}

/* -- Thresholds -- */

/* The best ways to satisfy 0, 1, ... of the parts seen so far. The first part is the
 * topmost on the stack, so they are put on from the last one. */
struct counts {
    const struct way **best; /* owned */
    uint32_t n;              /* parts seen */
};

static void counts_add(struct search *s, struct counts *c, struct ways part)
{
    for (uint32_t j = ++c->n; j > 0; j--)
        c->best[j] = choose(s, stack(s, c->best[j], part.dissat),
                            stack(s, c->best[j - 1], part.sat));
    c->best[0] = stack(s, c->best[0], part.dissat);
}

static void counts_init(struct search *s, struct counts *c, uint32_t parts)
{
    c->best = xcalloc(parts + 1, sizeof(struct way *));
    c->best[0] = empty(s);
    c->n = 0;
}

/* The keys of CHECKMULTISIG that do not sign leave no gap. */
static struct ways multi(struct search *s, const struct ms_node *n)
{
    struct counts c;
    const struct way *dissat = zero(s);
    counts_init(s, &c, n->n_keys);
    for (uint32_t i = 0; i < n->n_keys; i++)
        counts_add(s, &c, (struct ways){empty(s), signature(s, n->first_key + i)});
    for (uint32_t i = 0; i < n->k; i++)
        dissat = stack(s, dissat, zero(s));
    struct ways w = {dissat, stack(s, zero(s), c.best[n->k])};
    free(c.best);
    return w;
}

static struct ways multi_a(struct search *s, const struct ms_node *n)
{
    struct counts c;
    counts_init(s, &c, n->n_keys);
    for (uint32_t i = n->n_keys; i-- > 0;)
        counts_add(s, &c, (struct ways){zero(s), signature(s, n->first_key + i)});
    struct ways w = {c.best[0], c.best[n->k]};
    free(c.best);
    return w;
}

static struct ways thresh(struct search *s, const struct ms_node *n,
                          const struct ways *done)
{
    struct counts c;
    counts_init(s, &c, n->n_subs);
    for (uint32_t i = n->n_subs; i-- > 0;)
        counts_add(s, &c, done[s->ms->subs[n->first_sub + i]]);
    struct ways w = {c.best[0], c.best[n->k]};
    /* Any other number of satisfied parts dissatisfies it too, in ways of which a third
     * party may choose. */
    for (uint32_t j = 1; j <= n->n_subs; j++) {
        if (j != n->k)
            w.dissat = choose(s, w.dissat, as_malleable(s, c.best[j]));
    }
    free(c.best);
    return w;
}

/* -- Combinations -- */

static struct ways wrapper(struct search *s, const struct ms_node *n, struct ways x)
{
    switch (n->kind) {
    case MS_D:
        return (struct ways){zero(s), stack(s, x.sat, one(s))};
    case MS_V:
        return (struct ways){NULL, x.sat};
    case MS_J: /* a dissatisfaction of x whose top is not zero may be there too */
        return (struct ways){
            x.dissat != NULL && !x.dissat->has_sig ? as_malleable(s, zero(s)) : zero(s),
            x.sat};
    default:
        return x;
    }
}

static struct ways and_b(struct search *s, struct ways x, struct ways y)
{
    const struct way *half = choose(s, as_malleable(s, stack(s, y.sat, x.dissat)),
                                    as_malleable(s, stack(s, y.dissat, x.sat)));
    return (struct ways){choose(s, stack(s, y.dissat, x.dissat), half),
                         stack(s, y.sat, x.sat)};
}

static struct ways or_b(struct search *s, struct ways x, struct ways y)
{
    const struct way *one_of =
        choose(s, stack(s, y.dissat, x.sat), stack(s, y.sat, x.dissat));
    return (struct ways){stack(s, y.dissat, x.dissat),
                         choose(s, one_of, as_malleable(s, stack(s, y.sat, x.sat)))};
}

static struct ways or_i(struct search *s, struct ways x, struct ways y)
{
    return (struct ways){
        choose(s, stack(s, x.dissat, one(s)), stack(s, y.dissat, zero(s))),
        choose(s, stack(s, x.sat, one(s)), stack(s, y.sat, zero(s)))};
}

static struct ways pair(struct search *s, const struct ms_node *n, struct ways x,
                        struct ways y)
{
    const struct way *by_y = stack(s, y.sat, x.dissat);
    switch (n->kind) {
    case MS_AND_V:
        return (struct ways){stack(s, y.dissat, x.sat), stack(s, y.sat, x.sat)};
    case MS_AND_B:
        return and_b(s, x, y);
    case MS_OR_B:
        return or_b(s, x, y);
    case MS_OR_C:
        return (struct ways){NULL, choose(s, x.sat, by_y)};
    case MS_OR_D:
        return (struct ways){stack(s, y.dissat, x.dissat), choose(s, x.sat, by_y)};
    default:
        return or_i(s, x, y);
    }
}

static struct ways andor(struct search *s, struct ways x, struct ways y, struct ways z)
{
    return (struct ways){
        choose(s, stack(s, y.dissat, x.sat), stack(s, z.dissat, x.dissat)),
        choose(s, stack(s, y.sat, x.sat), stack(s, z.sat, x.dissat))};
}

static struct ways leaf(struct search *s, const struct ms_node *n)
{
    const struct ms_source *source = s->source;
    switch (n->kind) {
    case MS_0:
        return (struct ways){empty(s), NULL};
    case MS_1:
        return (struct ways){NULL, empty(s)};
    case MS_PK_K:
        return (struct ways){zero(s), signature(s, n->first_key)};
    case MS_PK_H:
        return key_hash(s, n->first_key);
    case MS_OLDER:
        return (struct ways){NULL, source->older(source->ctx, n->k) ? empty(s) : NULL};
    case MS_AFTER:
        return (struct ways){NULL, source->after(source->ctx, n->k) ? empty(s) : NULL};
    case MS_MULTI:
        return multi(s, n);
    case MS_MULTI_A:
        return multi_a(s, n);
    default:
        return hash(s, n);
    }
}

static struct ways ways_of(struct search *s, const struct ms_node *n,
                           const struct ways *done)
{
    if (n->kind == MS_THRESH)
        return thresh(s, n, done);
    if (n->n_subs == 0)
        return leaf(s, n);
    const uint32_t *subs = s->ms->subs + n->first_sub;
    if (n->n_subs == 1)
        return wrapper(s, n, done[subs[0]]);
    if (n->n_subs == 2)
        return pair(s, n, done[subs[0]], done[subs[1]]);
    return andor(s, done[subs[0]], done[subs[1]], done[subs[2]]);
}

/* -- The whole -- */

static struct bytes *flatten(const struct way *w)
{
    size_t cap = 32, depth = 0, at = w->n;
    struct bytes *items = xcalloc(w->n + 1u, sizeof(*items));
    const struct way **open = xmalloc(cap * sizeof(*open));
    open[depth++] = w;
    while (depth > 0) { /* from the top of the stack down */
        const struct way *next = open[--depth];
        if (next->below == NULL) {
            if (next->n == 1)
                items[--at] = next->item;
            continue;
        }
        if (depth + 2 > cap) {
            cap *= 2;
            open = xrealloc_array(open, cap, sizeof(*open));
        }
        open[depth++] = next->below;
        open[depth++] = next->above;
    }
    free(open);
    return items;
}

bool miniscript_satisfy(const struct miniscript *ms, const struct ms_source *source,
                        bool any, struct bytes **items, size_t *n)
{
    struct search s = {ms, source, {0}};
    struct ways *done = xcalloc(ms->n_nodes, sizeof(*done));
    arena_init(&s.arena, 1 << 14);
    for (size_t i = 0; i < ms->n_nodes; i++)
        done[i] = ways_of(&s, &ms->nodes[i], done);
    const struct way *w = done[ms->n_nodes - 1].sat;
    bool ok = w != NULL && (any || (w->has_sig && !w->malleable));
    if (ok) {
        *items = flatten(w);
        *n = w->n;
    }
    arena_clear(&s.arena);
    free(done);
    return ok;
}
