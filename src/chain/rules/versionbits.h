/* BIP 9 signalling: the state of each deployment of chain_params.bip9. */
#ifndef OCHRE_CHAIN_RULES_VERSIONBITS_H
#define OCHRE_CHAIN_RULES_VERSIONBITS_H

#include <pthread.h>

#include "chain/params/params.h"
#include "chain/rules/block_index.h"
#include "util/map.h"

#define VERSIONBITS_TOP_BITS 0x20000000u
#define VERSIONBITS_TOP_MASK 0xe0000000u
#define VERSIONBITS_NUM_BITS 29

enum bip9_state {
    BIP9_DEFINED,
    BIP9_STARTED,
    BIP9_LOCKED_IN,
    BIP9_ACTIVE,
    BIP9_FAILED,
};
const char *bip9_state_name(enum bip9_state s); /* "defined", ... */

/* States already computed, per deployment and last block of a window. Thread-safe. The
 * tree's entries must outlive it. */
struct versionbits {
    const struct chain_params *params; /* borrowed */
    pthread_mutex_t lock;
    struct map states[BIP9_MAX];
};
void versionbits_init(struct versionbits *vb, const struct chain_params *params);
void versionbits_clear(struct versionbits *vb);

/* State for the block after @prev (NULL: genesis). @dep: index into params->bip9. */
enum bip9_state bip9_state_after(struct versionbits *vb, unsigned dep,
                                 const struct block_index *prev);
/* Height of the first block of the current state. */
int32_t bip9_since(struct versionbits *vb, unsigned dep,
                   const struct block_index *prev);

/* Signalling in the window that holds block @bi, up to and with it. */
struct bip9_stats {
    int32_t period, threshold, elapsed, count;
    bool possible;
};
/* signals (may be NULL) gets one bool per elapsed block; room for period. */
struct bip9_stats bip9_stats(const struct chain_params *p, unsigned dep,
                             const struct block_index *bi, bool *signals);
static inline uint32_t bip9_mask(const struct chain_params *p, unsigned dep)
{
    return UINT32_C(1) << p->bip9[dep].bit;
}
/* nVersion for the block after @prev: top bits, and a bit per deployment that is
 * started or locked in. */
int32_t bip9_block_version(struct versionbits *vb, const struct block_index *prev);

#endif
