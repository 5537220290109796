/* Two caches of checks already passed: single signatures, and whole transactions under
 * given flags. Both are salted, of fixed size, and read without locks. */
#ifndef OCHRE_CHAIN_SCRIPT_SIGCACHE_H
#define OCHRE_CHAIN_SCRIPT_SIGCACHE_H

#include "util/bytes.h"

struct sigcache;

/* @bytes of memory in all, half of it for each cache. */
struct sigcache *sigcache_new(size_t bytes);
void sigcache_free(struct sigcache *c);

/* One verified signature. Thread-safe. consume: the entry is wanted no more (its block
 * is being connected), so a later one may take its place. c may be NULL: nothing is
 * known. */
struct hash256 sigcache_ecdsa_key(const struct sigcache *c,
                                  const struct hash256 *sighash, struct bytes pubkey,
                                  struct bytes sig);
struct hash256 sigcache_schnorr_key(const struct sigcache *c,
                                    const struct hash256 *sighash,
                                    const uint8_t xonly[32], const uint8_t sig[64]);
bool sigcache_has_signature(struct sigcache *c, const struct hash256 *key,
                            bool consume);
void sigcache_add_signature(struct sigcache *c, const struct hash256 *key);
/* How often a look-up found what it asked for, and how often not. Any thread. */
struct sigcache_lookups {
    uint64_t signature_hits, signature_misses, tx_hits, tx_misses;
};
struct sigcache_lookups sigcache_lookups(const struct sigcache *c);
/* No signature was ever added: a lookup would be in vain. */
bool sigcache_is_empty(const struct sigcache *c);

/* All scripts of the transaction verified under @flags. wtxid commits to the witness,
 * and the outputs it spends are committed by their outpoints. */
bool sigcache_has_tx(struct sigcache *c, const struct hash256 *wtxid, uint32_t flags,
                     bool consume);
void sigcache_add_tx(struct sigcache *c, const struct hash256 *wtxid, uint32_t flags);

#endif
