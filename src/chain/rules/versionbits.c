#include "chain/rules/versionbits.h"

#include <stdlib.h>

#include "util/mem.h"

const char *bip9_state_name(enum bip9_state s)
{
    static const char *const names[] = {
        [BIP9_DEFINED] = "defined",     [BIP9_STARTED] = "started",
        [BIP9_LOCKED_IN] = "locked_in", [BIP9_ACTIVE] = "active",
        [BIP9_FAILED] = "failed",
    };
    return names[s];
}

void versionbits_init(struct versionbits *vb, const struct chain_params *params)
{
    vb->params = params;
    pthread_mutex_init(&vb->lock, NULL);
    for (unsigned i = 0; i < BIP9_MAX; i++)
        map_init(&vb->states[i], sizeof(struct block_index *), sizeof(uint32_t));
}

void versionbits_clear(struct versionbits *vb)
{
    for (unsigned i = 0; i < BIP9_MAX; i++)
        map_clear(&vb->states[i]);
    pthread_mutex_destroy(&vb->lock);
}

static bool signals(const struct bip9 *d, const struct block_index *bi)
{
    uint32_t v = (uint32_t)bi->version;
    return (v & VERSIONBITS_TOP_MASK) == VERSIONBITS_TOP_BITS && (v >> d->bit & 1);
}

/* The last block of the window before the one that holds the block after @prev. */
static const struct block_index *window_parent(const struct chain_params *p,
                                               const struct block_index *prev)
{
    if (!prev)
        return NULL;
    return block_index_ancestor(prev,
                                prev->height - (prev->height + 1) % p->bip9_window);
}

static const struct block_index *window_before(const struct chain_params *p,
                                               const struct block_index *parent)
{
    return block_index_ancestor(parent, parent->height - p->bip9_window);
}

/* State of the window after @end, whose own state is @s. */
static enum bip9_state next_state(const struct chain_params *p, const struct bip9 *d,
                                  const struct block_index *end, enum bip9_state s)
{
    int32_t count = 0;

    switch (s) {
    case BIP9_DEFINED:
        return block_index_mtp(end) >= d->start_time ? BIP9_STARTED : BIP9_DEFINED;
    case BIP9_STARTED: {
        const struct block_index *b = end;
        for (int32_t i = 0; i < p->bip9_window; i++, b = b->prev)
            count += signals(d, b);
        if (count >= p->bip9_threshold)
            return BIP9_LOCKED_IN;
        return block_index_mtp(end) >= d->timeout ? BIP9_FAILED : BIP9_STARTED;
    }
    case BIP9_LOCKED_IN:
        return end->height + 1 >= d->min_activation_height ? BIP9_ACTIVE
                                                           : BIP9_LOCKED_IN;
    case BIP9_ACTIVE:
    case BIP9_FAILED:
        return s;
    }
    return s;
}

static bool known_state(const struct map *states, const struct block_index *parent,
                        enum bip9_state *out)
{
    const uint32_t *s = map_get(states, &parent);
    if (s)
        *out = (enum bip9_state) * s;
    return s != NULL;
}

static void remember_state(struct map *states, const struct block_index *parent,
                           enum bip9_state s)
{
    *(uint32_t *)map_put(states, &parent, NULL) = s;
}

/* Walks back to a window whose state is known, then forward again. */
static enum bip9_state compute_state(const struct chain_params *p, const struct bip9 *d,
                                     struct map *states,
                                     const struct block_index *parent)
{
    const struct block_index **todo = NULL;
    size_t n = 0, cap = 0;
    enum bip9_state s = BIP9_DEFINED;

    while (!known_state(states, parent, &s)) {
        if (!parent || block_index_mtp(parent) < d->start_time) {
            s = BIP9_DEFINED;
            remember_state(states, parent, s);
            break;
        }
        if (n == cap) {
            cap = cap ? 2 * cap : 16;
            todo = xrealloc_array(todo, cap, sizeof(*todo));
        }
        todo[n++] = parent;
        parent = window_before(p, parent);
    }
    while (n-- > 0) {
        s = next_state(p, d, todo[n], s);
        remember_state(states, todo[n], s);
    }
    free(todo);
    return s;
}

enum bip9_state bip9_state_after(struct versionbits *vb, unsigned dep,
                                 const struct block_index *prev)
{
    const struct bip9 *d = &vb->params->bip9[dep];
    if (d->start_time == BIP9_ALWAYS_ACTIVE)
        return BIP9_ACTIVE;
    if (d->start_time == BIP9_NEVER_ACTIVE)
        return BIP9_FAILED;
    pthread_mutex_lock(&vb->lock);
    enum bip9_state s =
        compute_state(vb->params, d, &vb->states[dep], window_parent(vb->params, prev));
    pthread_mutex_unlock(&vb->lock);
    return s;
}

int32_t bip9_since(struct versionbits *vb, unsigned dep, const struct block_index *prev)
{
    const struct bip9 *d = &vb->params->bip9[dep];
    if (d->start_time == BIP9_ALWAYS_ACTIVE || d->start_time == BIP9_NEVER_ACTIVE)
        return 0;
    enum bip9_state s = bip9_state_after(vb, dep, prev);
    if (s == BIP9_DEFINED)
        return 0;
    const struct block_index *parent = window_parent(vb->params, prev);
    const struct block_index *before = window_before(vb->params, parent);
    while (before && bip9_state_after(vb, dep, before) == s) {
        parent = before;
        before = window_before(vb->params, parent);
    }
    return parent->height + 1;
}

struct bip9_stats bip9_stats(const struct chain_params *p, unsigned dep,
                             const struct block_index *bi, bool *out)
{
    struct bip9_stats st = {.period = p->bip9_window, .threshold = p->bip9_threshold};
    if (!bi)
        return st;
    st.elapsed = 1 + bi->height % st.period;
    for (int32_t i = st.elapsed - 1; i >= 0; i--, bi = bi->prev) {
        bool s = signals(&p->bip9[dep], bi);
        st.count += s;
        if (out)
            out[i] = s;
    }
    st.possible = st.period - st.threshold >= st.elapsed - st.count;
    return st;
}

int32_t bip9_block_version(struct versionbits *vb, const struct block_index *prev)
{
    uint32_t version = VERSIONBITS_TOP_BITS;
    for (unsigned i = 0; i < vb->params->n_bip9; i++) {
        enum bip9_state s = bip9_state_after(vb, i, prev);
        if (s == BIP9_STARTED || s == BIP9_LOCKED_IN)
            version |= bip9_mask(vb->params, i);
    }
    return (int32_t)version;
}
