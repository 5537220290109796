/* The descriptors of a wallet: the scripts that are its own, addresses to hand out, and
 * keys to sign with.
 *
 * A descriptor's scripts are derived ahead up to the key pool's size beyond the last
 * used one, and kept in the file, so that loading derives nothing. In memory a script
 * is a 64-bit keyed digest, for millions of them.
 *
 * All functions want the wallet's lock. */
#ifndef OCHRE_WALLET_SPKMAN_H
#define OCHRE_WALLET_SPKMAN_H

#include "chain/script/descriptor.h"
#include "wallet/wallet.h"

struct spkman;

/* One descriptor. Read by everybody, changed by spkman alone. */
struct wallet_desc {
    int64_t row;             /* in the file; stable */
    struct hash256 id;       /* sha256 of the text without checksum */
    struct descriptor *desc; /* owned */
    char *text;              /* owned; public form with checksum */
    struct descriptor_cache cache;
    enum output_type type; /* OUTPUT_NONE: combo, bare ones, ... */
    int64_t created;       /* unix seconds */
    uint32_t range_start;  /* positions [range_start, range_end) are known; a */
    uint32_t range_end;    /* descriptor without range has [0, 1) */
    uint32_t next_index;   /* next position to hand out */
    bool active[2];   /* hands out [0] receiving, [1] change addresses of its type */
    bool internal;    /* its scripts are change */
    bool has_private; /* some private key of it is in the wallet */
};

struct spkman *spkman_new(struct wallet *w);
void spkman_free(struct spkman *m); /* NULL is fine */
NODISCARD bool spkman_load(struct spkman *m, struct wallet_error *e);

/* -- Descriptors -- */
size_t spkman_count(const struct spkman *m);
const struct wallet_desc *spkman_at(const struct spkman *m, size_t i);
/* The one that hands out addresses of this kind; NULL: none. */
const struct wallet_desc *spkman_active(const struct spkman *m, enum output_type type,
                                        bool internal);
const struct wallet_desc *spkman_find_desc(const struct spkman *m,
                                           const struct hash256 *id);

struct spkman_import {
    struct descriptor *take_desc; /* consumed, also on failure */
    const struct keystore *keys;  /* private keys; may be empty */
    int64_t created;
    uint32_t range_start, range_end, next_index;
    bool active, internal;
    const char *label; /* NULL: none; for its address */
};
/* Adds @n descriptors with their key pools, or updates those that are there (wider
 * range, keys, activity), in one transaction, deriving on the worker pool. results[i]
 * tells about each; false when any failed (the others stand). */
bool spkman_import(struct spkman *m, struct spkman_import *items, size_t n,
                   struct wallet_error *results);
/* No longer hands out addresses of its kind. */
NODISCARD enum err spkman_deactivate(struct spkman *m, enum output_type type,
                                     bool internal);
/* Adds BIP 44, 49, 84 and 86 descriptors (account 0) of a master key, active. */
NODISCARD bool spkman_setup_defaults(struct spkman *m, const struct bip32_key *master,
                                     int64_t created, struct wallet_error *e);
/* Adds the default descriptor of one kind, active; @master as above. -36: it is there
 * already. */
NODISCARD bool spkman_add_default(struct spkman *m, const struct bip32_key *master,
                                  enum output_type type, bool internal, int64_t created,
                                  const struct wallet_desc **out,
                                  struct wallet_error *e);

/* -- Scripts -- */
struct spk_place {
    const struct wallet_desc *desc;
    uint32_t pos;
};
/* Whether the script is the wallet's; out may be NULL. The first of several
 * descriptors that have it. Costs one hash and one look-up. */
bool spkman_find(const struct spkman *m, struct bytes script, struct spk_place *out);
/* All descriptors that have it, at most @max; returns how many. */
size_t spkman_find_all(const struct spkman *m, struct bytes script,
                       struct spk_place *out, size_t max);
/* Grows when scripts are added, so that a scan knows when to ask again. */
uint64_t spkman_generation(const struct spkman *m);
size_t spkman_n_scripts(const struct spkman *m);
/* Every script of the wallet; return false to stop. Reads from the file. */
NODISCARD enum err spkman_each_script(struct spkman *m,
                                      bool (*fn)(void *ctx, struct bytes script),
                                      void *ctx);
/* A transaction pays to the script: the key pool moves on behind it. *moved (may be
 * NULL) becomes true when scripts were added. Failures to derive (locked, hardened) are
 * none; ERR_IO and the like are of the file. */
NODISCARD enum err spkman_mark_used(struct spkman *m, struct bytes script, bool *moved);

/* -- Addresses -- */
/* The next address of this kind, with its top-up. Errors as bitcoind's (-12, -4). */
NODISCARD bool spkman_new_address(struct spkman *m, enum output_type type,
                                  bool internal, struct destination *out,
                                  struct wallet_error *e);
/* The next address without taking it: for change that may not come to be. Take it with
 * spkman_take once the transaction is committed. */
NODISCARD bool spkman_peek_address(struct spkman *m, enum output_type type,
                                   bool internal, struct destination *out,
                                   struct wallet_error *e);
NODISCARD bool spkman_take(struct spkman *m, const struct destination *peeked,
                           struct wallet_error *e);
bool spkman_can_get_addresses(const struct spkman *m, bool internal);
/* Fills the key pool up to @size (0: -keypool) beyond the next index. False: private
 * keys are needed and the wallet is locked, or a write failed. */
NODISCARD bool spkman_top_up(struct spkman *m, uint32_t size, struct wallet_error *e);
/* Addresses ready to hand out, as getwalletinfo counts them. */
size_t spkman_keypool_size(const struct spkman *m, bool internal);

/* -- Keys -- */
/* What is needed to spend the script goes into out: public keys with origins, scripts,
 * and with @secrets the private keys. False: not ours, or @secrets and locked. */
NODISCARD bool spkman_keystore(struct spkman *m, struct bytes script, bool secrets,
                               struct keystore *out);
/* The same for a public key, wherever the wallet has it: PSBT inputs of scripts that
 * are not ours but hold our keys. @origin (may be NULL) finds keys that stand beside
 * others in a ranged descriptor. */
void spkman_keystore_for_pubkey(struct spkman *m, struct bytes pubkey,
                                const struct key_origin *origin, bool secrets,
                                struct keystore *out);
bool spkman_has_private_key(const struct spkman *m, struct bytes pubkey);
/* One private key by the public key that a descriptor names; false: the wallet has it
 * not, or is locked. */
NODISCARD bool spkman_private_key(struct spkman *m, struct bytes pubkey,
                                  struct keystore *out);
/* All private keys of a descriptor, as written in it (xprv's, WIF's). Locked: false. */
NODISCARD bool spkman_private_keys(struct spkman *m, const struct wallet_desc *d,
                                   struct keystore *out);
/* Whether the wallet has any private key (it cannot be blank then). */
bool spkman_has_private(const struct spkman *m);
/* Seals every private key with the wallet's fresh master key; inside store_begin. */
NODISCARD enum err spkman_encrypt(struct spkman *m);
/* After unlocking: whether the master key opens all of them. */
NODISCARD enum err spkman_check_keys(struct spkman *m);

#endif
