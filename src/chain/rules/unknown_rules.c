#include "chain/rules/unknown_rules.h"

static uint32_t known_bits(const struct chain_params *p)
{
    uint32_t known = 0;
    for (unsigned i = 0; i < p->n_bip9; i++)
        known |= bip9_mask(p, i);
    return known;
}

static uint32_t signalled(const struct block_index *b)
{
    uint32_t version = (uint32_t)b->version;
    bool bits = (version & VERSIONBITS_TOP_MASK) == VERSIONBITS_TOP_BITS;
    return bits ? version & ~VERSIONBITS_TOP_MASK : 0;
}

/* Unknown bits that reached the threshold in the window that ends at @last. */
static uint32_t locked_in(const struct chain_params *p, const struct block_index *last)
{
    int32_t count[VERSIONBITS_NUM_BITS] = {0};
    uint32_t known = known_bits(p), reached = 0;
    const struct block_index *b = last;
    for (int32_t n = 0; n < p->bip9_window && b != NULL; n++, b = b->prev)
        for (uint32_t bits = signalled(b) & ~known; bits != 0; bits &= bits - 1)
            count[__builtin_ctz(bits)]++;
    for (unsigned bit = 0; bit < VERSIONBITS_NUM_BITS; bit++)
        if (count[bit] >= p->bip9_threshold)
            reached |= UINT32_C(1) << bit;
    return reached;
}

static bool ends_window(const struct chain_params *p, const struct block_index *b)
{
    return (b->height + 1) % p->bip9_window == 0;
}

uint32_t unknown_rules_added(const struct chain_params *p,
                             const struct block_index *tip)
{
    if (!ends_window(p, tip))
        return 0;
    const struct block_index *before =
        block_index_ancestor(tip, tip->height - p->bip9_window);
    return before ? locked_in(p, before) : 0;
}

uint32_t unknown_rules_active(const struct chain_params *p,
                              const struct block_index *tip)
{
    uint32_t active = 0;
    int32_t last = (tip->height + 1) / p->bip9_window * p->bip9_window - 1;
    const struct block_index *b = last >= 0 ? block_index_ancestor(tip, last) : NULL;
    for (; b != NULL; b = block_index_ancestor(b, b->height - p->bip9_window))
        active |= unknown_rules_added(p, b);
    return active;
}
