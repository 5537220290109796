/* Inside of PSBTs: what is known of each type of record, and of v2's transaction. */
#ifndef OCHRE_WALLET_PSBT_FIELDS_H
#define OCHRE_WALLET_PSBT_FIELDS_H

#include "wallet/psbt.h"

enum psbt_place {
    PSBT_AT_GLOBAL,
    PSBT_AT_IN,
    PSBT_AT_OUT,
};

/* In which order records of one type stand: as bitcoind's containers have them. */
enum psbt_order {
    BY_KEY,
    BY_KEY_HASH, /* of the key's hash160 */
    BY_VALUE,    /* then by key, shorter first */
};

enum psbt_version {
    ANY_VERSION,
    ONLY_V0,
    ONLY_V2,
};

struct psbt_field {
    uint64_t type;
    const char *twice_error; /* the key is there already */
    const char *key_error;   /* it is not of the size that it must have */
    int key_size;            /* octets behind the type; -1: check looks at it */
    enum psbt_version version;
    bool spent_by_final; /* of no use once the input has its final scripts */
    enum psbt_order order;
    /* NULL, or what is wrong (static text); may be NULL itself. */
    const char *(*check)(struct bytes key, struct bytes value);
};

/* NULL: nobody here knows the type; the record is kept as it is. */
const struct psbt_field *psbt_field_of(enum psbt_place at, uint64_t type,
                                       struct bytes key, uint32_t version);
enum psbt_place psbt_place_of(const struct psbt *p, const struct psbt_map *m);

/* -- Maps (psbt.c) -- */
void psbt_map_append(struct psbt_map *m, const struct psbt_record *r);
/* Into the order of writing. False: a key was there twice, *twice is its type, and the
 * first of them was kept. */
bool psbt_map_sort(struct psbt_map *m, enum psbt_place at, uint32_t version,
                   uint64_t *twice);
/* Adds the records of @from that m has no key for. */
void psbt_map_merge(struct psbt *p, struct psbt_map *m, const struct psbt_map *from);
/* Looks again at what input @i spends. NULL, or what is wrong with its previous
 * transaction: static text. */
const char *psbt_refresh_spent(struct psbt *p, uint32_t i);
/* What the PSBT itself says of input @i goes to the keys at hand. */
void psbt_learn(struct keystore *keys, const struct psbt *p, uint32_t i);
/* Removes what a final input has no use for. */
void psbt_drop_unfinished(struct psbt_map *m);
struct bytes psbt_keep(struct psbt *p, struct bytes b); /* a copy that lives as long */

/* -- Version 2 (psbt_v2.c) -- */
/* The transaction that the records of version 2 describe; NULL and *error. */
struct tx *psbt_v2_tx(const struct psbt *p, uint32_t n_in, uint32_t n_out,
                      const char **error);
/* Records of version 2 for p->tx, which they then replace. */
void psbt_v2_describe(struct psbt *p);
/* Removes what only version 2 has. */
void psbt_v2_strip(struct psbt *p);
/* Makes the global map say what p->tx is: itself, or its version and counts. */
void psbt_write_tx(struct psbt *p);
/* The transaction's id without what updaters may change: whether two PSBTs are of the
 * same. */
struct hash256 psbt_unique_id(const struct psbt *p);
/* A signature of this type was added: what may still change (version 2). */
void psbt_v2_signed(struct psbt *p, int hash_type);
/* Only what both leave open may still change. */
void psbt_v2_merge_flags(struct psbt *p, const struct psbt *from);

/* A taproot derivation: leaf hashes and origin of a key. False: malformed. */
struct psbt_tap_origin {
    const uint8_t *leaves; /* n_leaves * 32 octets */
    size_t n_leaves;
    struct bytes origin; /* fingerprint and path */
};
bool psbt_tap_origin_read(struct psbt_tap_origin *out, struct bytes value);
/* A witness output as a value: amount and script. */
bool psbt_read_txout(struct txout *out, struct bytes value);

#endif
