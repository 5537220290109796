/* Keys and scripts at hand while signing or describing: found by the hashes that
 * outputs carry. */
#ifndef OCHRE_CHAIN_SCRIPT_KEYSTORE_H
#define OCHRE_CHAIN_SCRIPT_KEYSTORE_H

#include "chain/script/script.h"
#include "util/map.h"

/* Where a key comes from: master key and path. */
struct key_origin {
    uint8_t fingerprint[4];
    uint32_t n_path;
    uint32_t path[32];
};

/* "m/84h/0h/0". Appends. */
void key_origin_path(struct buf *out, const struct key_origin *o);

struct key_entry {
    uint8_t pubkey[65];
    uint8_t pubkey_len;
    bool has_secret;
    bool has_origin;
    struct key_origin origin;
};

/* A leaf of a taproot output's tree, with the way up to the root. */
struct tap_leaf {
    uint8_t version;
    struct buf script;  /* owned */
    struct buf control; /* owned: control block */
};

struct tap_entry {
    uint8_t output[32], internal[32];
    bool has_root;
    struct hash256 root;
    struct tap_leaf *leaves; /* owned */
    size_t n_leaves;
};

struct keystore {
    struct key_entry *keys; /* owned */
    uint8_t (*secrets)[32]; /* owned, secret memory; same index as keys */
    size_t n_keys, cap_keys;
    struct map key_index; /* hash160 of the public key -> size_t */
    struct buf *scripts;  /* owned */
    size_t n_scripts;
    struct map script_index;   /* hash160 of the script -> size_t */
    struct tap_entry *taproot; /* owned */
    size_t n_taproot;
};

void keystore_init(struct keystore *k);
void keystore_clear(struct keystore *k); /* wipes secrets */
/* Adds or completes; secret and origin may be NULL. */
void keystore_add_key(struct keystore *k, struct bytes pubkey, const uint8_t *secret,
                      const struct key_origin *origin);
void keystore_add_secret(struct keystore *k, const uint8_t secret[32], bool compressed);
void keystore_add_script(struct keystore *k, struct bytes script);
/* An empty entry to fill; owned by the store. */
struct tap_entry *keystore_add_taproot(struct keystore *k);
void keystore_merge(struct keystore *k, const struct keystore *from);

/* NULL: not known. */
const struct key_entry *keystore_find_key(const struct keystore *k,
                                          const uint8_t hash[20]);
const struct key_entry *keystore_find_xonly(const struct keystore *k,
                                            const uint8_t xonly[32]);
/* By the hash160 of the x-only form; looks at every key. */
const struct key_entry *keystore_find_xonly_hash(const struct keystore *k,
                                                 const uint8_t hash[20]);
const uint8_t *keystore_secret(const struct keystore *k, const struct key_entry *e);
/* Redeem script by its hash160; witness script by its sha256. False: not known. */
bool keystore_find_script(const struct keystore *k, const uint8_t hash[20],
                          struct bytes *out);
bool keystore_find_witness_script(const struct keystore *k, const uint8_t sha[32],
                                  struct bytes *out);
const struct tap_entry *keystore_find_taproot(const struct keystore *k,
                                              const uint8_t output[32]);

#endif
