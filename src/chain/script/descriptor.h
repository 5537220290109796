/* Output descriptors (BIP 380 to 386, 379 and 389): pk pkh wpkh combo multi sortedmulti
 * sh wsh tr rawtr addr raw and miniscript in wsh and tr, with checksums, key origins,
 * BIP 32 derivation, ranges and multipath keys. */
#ifndef OCHRE_CHAIN_SCRIPT_DESCRIPTOR_H
#define OCHRE_CHAIN_SCRIPT_DESCRIPTOR_H

#include "chain/script/address.h"
#include "chain/script/keystore.h"
#include "crypto/bip32.h"

struct descriptor;
struct descriptor_cache;
struct reader;
struct sink;

struct descriptor_list {
    struct descriptor **items; /* owned */
    size_t n;                  /* more than one for <0;1> keys */
};

/* Private keys met on the way go into @keys (may be NULL: then they are dropped). On
 * failure *error (caller frees) is bitcoind's sentence. */
NODISCARD bool descriptor_parse(struct descriptor_list *out,
                                const struct chain_params *p, struct keystore *keys,
                                const char *text, bool require_checksum, char **error);
void descriptor_list_clear(struct descriptor_list *l);

bool descriptor_is_range(const struct descriptor *d);
bool descriptor_is_solvable(const struct descriptor *d);
bool descriptor_is_single_type(const struct descriptor *d);
/* OUTPUT_NONE: combo(), pk(), bare multi() and what has no address. */
enum output_type descriptor_output_type(const struct descriptor *d);

/* Public form with checksum; caller frees. */
char *descriptor_to_string(const struct descriptor *d, const struct chain_params *p);
/* With the private keys of @keys in place of the public ones. NULL when one of them is
 * missing. Secret memory: free with secret_free. */
char *descriptor_to_string_private(const struct descriptor *d,
                                   const struct chain_params *p,
                                   const struct keystore *keys);
/* The form that wallets show: extended keys stand after their last hardened step, with
 * that way as their origin, so that no private key is needed to derive from them.
 * cache or keys (either may be NULL) must know the step. NULL when neither does;
 * caller frees. */
char *descriptor_to_string_normalized(const struct descriptor *d,
                                      const struct chain_params *p,
                                      const struct descriptor_cache *cache,
                                      const struct keystore *keys);

/* -- Keys -- */

/* A key as it is written: an extended key's root, or a single public key. */
struct descriptor_key {
    bool is_extended;
    struct bip32_key root; /* is_extended: public form */
    uint8_t pubkey[65];    /* the root's or the single one */
    uint8_t pubkey_len;
    bool is_range;      /* ends in a star */
    bool needs_private; /* has hardened steps */
};
size_t descriptor_n_keys(const struct descriptor *d);
/* @i below descriptor_n_keys, in the order of the text. */
void descriptor_get_key(struct descriptor_key *out, const struct descriptor *d,
                        size_t i);
/* How many of the keys @keys has the private key of. */
size_t descriptor_count_private(const struct descriptor *d,
                                const struct keystore *keys);

/* -- Cache -- */

/* What private keys were needed for: the public keys behind hardened steps. With it a
 * wallet that is locked, or has no private keys, expands all the same. Filled by one
 * thread, then read by any number of them. */
struct descriptor_cache {
    struct cached_key *keys; /* owned; [i]: of descriptor_get_key's key i */
    size_t n_keys;
    struct map children; /* {u32 key, u32 position} -> public key; of keys whose final
                            star is hardened */
};
void descriptor_cache_init(struct descriptor_cache *c);
void descriptor_cache_clear(struct descriptor_cache *c);
/* Adds what positions [begin, end) need and @keys can tell; at once done when no key
 * has hardened steps. False when a private key is missing. */
NODISCARD bool descriptor_cache_fill(struct descriptor_cache *c,
                                     const struct descriptor *d,
                                     const struct keystore *keys, uint32_t begin,
                                     uint32_t end);
/* Everything that does not depend on the position, and of the rest what positions
 * [begin, end) need; several such pieces may be read one after the other. Writes
 * nothing when there is nothing to say. */
void descriptor_cache_write(const struct descriptor_cache *c,
                            const struct descriptor *d, struct sink *s, uint32_t begin,
                            uint32_t end);
/* Adds what was written. False: damaged, or of a descriptor with fewer keys. */
NODISCARD bool descriptor_cache_read(struct descriptor_cache *c,
                                     const struct descriptor *d, struct reader *r);

/* -- Expansion -- */

struct script_list {
    struct buf *items; /* owned */
    size_t n;
};
void script_list_clear(struct script_list *l);
/* Scripts at position @pos (one, or up to four for combo); keys and scripts needed to
 * spend them go into @known (may be NULL). @keys: private keys for hardened steps, may
 * be NULL. False when a private key is missing. */
NODISCARD bool descriptor_expand(const struct descriptor *d,
                                 const struct chain_params *p, uint32_t pos,
                                 const struct keystore *keys, struct script_list *out,
                                 struct keystore *known);

/* The same with a cache (may be NULL) in the place of private keys. Thread-safe as long
 * as nobody changes what is passed; each thread needs its own out and known. */
NODISCARD bool descriptor_expand_cached(const struct descriptor *d,
                                        const struct chain_params *p, uint32_t pos,
                                        const struct keystore *keys,
                                        const struct descriptor_cache *cache,
                                        struct script_list *out,
                                        struct keystore *known);

/* -- Sizes -- */

/* Upper bounds of what spending adds to an input. */
struct spend_size {
    int64_t weight; /* of the items of script_sig and witness with their own lengths,
                       without the counts in front of them */
    int64_t items;  /* stack elements, redeem and witness script included */
    bool is_witness;
};
enum {
    SPEND_LOW_R = 1 << 0,     /* ECDSA signatures are at most 71 bytes, not 72 */
    SPEND_BY_SCRIPT = 1 << 1, /* tr() by its largest leaf, not by its key */
};
/* @flags: what is known of the signer. A tr() with BIP 341's key of nobody is always
 * spent by a leaf. False for what nothing can be said about (combo, addr, raw). */
NODISCARD bool descriptor_spend_size(const struct descriptor *d, unsigned flags,
                                     struct spend_size *out);
/* Of a whole input in a transaction that has (or has not) witnesses; -1: not known. */
int64_t descriptor_input_weight(const struct descriptor *d, unsigned flags,
                                bool tx_has_witness);

/* -- Inference and checksum -- */

/* The descriptor of a script as far as @known (may be NULL) tells, with checksum.
 * Appends. */
void descriptor_infer(struct buf *out, const struct chain_params *p,
                      struct bytes script, const struct keystore *known);

/* Eight characters and a NUL; false: a character no descriptor may hold. */
NODISCARD bool descriptor_checksum(char out[9], const char *text, size_t len);

#endif
