/* Inside of spkman. */
#ifndef OCHRE_WALLET_SPKMAN_IMPL_H
#define OCHRE_WALLET_SPKMAN_IMPL_H

#include "wallet/crypt.h"
#include "wallet/spkman.h"
#include "wallet/store.h"

/* Where a digest leads. */
struct script_place {
    uint32_t desc, pos;
};

/* The same script in another descriptor. */
struct extra_key {
    uint64_t digest;
    uint64_t desc;
};

struct spkman {
    struct wallet *w;
    struct wallet_desc **items; /* owned */
    size_t n, cap;
    struct map by_id;   /* hash256 -> u32 */
    struct map scripts; /* u64 digest -> struct script_place */
    struct map extra;   /* struct extra_key -> u32 position; of scripts that several
                           descriptors have */
    struct map private; /* hash160 of the public key -> u8 */
    uint64_t sip[2];    /* random, so that nobody can aim at a digest */
};

static inline const struct chain_params *spkman_params(const struct spkman *m)
{
    return m->w->opt->params;
}
static inline struct sqlite *spkman_db(const struct spkman *m)
{
    return store_db(m->w->store);
}
uint32_t desc_number(const struct spkman *m, const struct wallet_desc *d);
uint64_t script_digest(const struct spkman *m, struct bytes script);
void index_script(struct spkman *m, uint32_t desc, uint32_t pos, struct bytes script);

/* spkman_desc.c: descriptors in memory and in the file. */
/* Takes @take_desc; the new one is in no list yet. */
struct wallet_desc *wallet_desc_new(const struct spkman *m,
                                    struct descriptor *take_desc);
void wallet_desc_free(struct wallet_desc *d);
/* Into the list; consumed. */
void desc_add(struct spkman *m, struct wallet_desc *take_d);
NODISCARD enum err desc_insert(struct spkman *m, struct wallet_desc *d);
NODISCARD enum err desc_update(struct spkman *m, const struct wallet_desc *d);
/* Makes it the one that hands out addresses of its type. */
NODISCARD enum err desc_activate(struct spkman *m, struct wallet_desc *d,
                                 bool internal);
void desc_look_for_private(const struct spkman *m, struct wallet_desc *d);

/* spkman_derive.c: positions become scripts. */
/* What private keys must tell is put into d->cache and the file. False: a private key
 * is missing; *e is an error of the file, or ERR_OK. */
NODISCARD bool derive_prepare(struct spkman *m, struct wallet_desc *d, uint32_t begin,
                              uint32_t end, const struct keystore *keys, enum err *e);
struct derive_range {
    struct wallet_desc *d;
    uint32_t begin, end;
};
/* Derives on the worker pool, writes and indexes. ERR_RANGE: some position cannot be
 * derived. */
NODISCARD enum err derive_ranges(struct spkman *m, const struct derive_range *r,
                                 size_t n);

/* spkman_keys.c: private keys in the file. */
/* The keys of @keys that belong to the descriptor. */
NODISCARD enum err private_keys_put(struct spkman *m, const struct wallet_desc *d,
                                    const struct keystore *keys);
NODISCARD enum err private_keys_load(struct spkman *m);

#endif
