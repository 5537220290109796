/* secp256k1: ECDSA as Bitcoin uses it, BIP 340 Schnorr, BIP 341 tweaks, recovery, ECDH.
 * One immutable process-wide context per purpose lives in this door; every call is
 * thread-safe. Call secp_init once at start (it also randomises the signing context).
 */
#ifndef OCHRE_CRYPTO_SECP_H
#define OCHRE_CRYPTO_SECP_H

#include "util/bytes.h"

void secp_init(void);

/* Verifies a lax-DER ECDSA signature (BIP 66 rules are the script layer's business;
 * high S is normalised first, as consensus demands). pubkey: 33 or 65 bytes (hybrid
 * accepted). */
bool secp_ecdsa_verify(struct bytes pubkey, struct bytes der_sig,
                       const uint8_t msg[32]);
bool secp_sig_has_low_s(struct bytes der_sig); /* false also when it does not parse */
bool secp_pubkey_valid(struct bytes pubkey);   /* fully on the curve */
/* Compressed and uncompressed serialisation; false when not a point. */
NODISCARD bool secp_pubkey_convert(uint8_t *out, size_t *out_len, struct bytes pubkey,
                                   bool compressed);

bool secp_seckey_valid(const uint8_t key[32]);
void secp_pubkey_create(uint8_t *out, size_t *out_len, const uint8_t key[32],
                        bool compressed);
/* RFC 6979; grind_low_r repeats with a counter until R fits 32 bytes (as bitcoind). out
 * holds 72 bytes; *len is set. extra: 32 bytes of entropy or NULL. */
void secp_ecdsa_sign(uint8_t out[72], size_t *len, const uint8_t key[32],
                     const uint8_t msg[32], bool grind_low_r);
/* 65 bytes: header 27 + recid + (compressed ? 4 : 0), r, s. */
void secp_ecdsa_sign_compact(uint8_t out[65], const uint8_t key[32],
                             const uint8_t msg[32], bool compressed);
/* Of the 64 bytes r, s: there is no second signature with the negated s. */
bool secp_compact_has_low_s(const uint8_t rs[64]);
/* Writes 33 or 65 bytes as the header says. */
NODISCARD bool secp_ecdsa_recover(uint8_t out[65], size_t *out_len,
                                  const uint8_t sig[65], const uint8_t msg[32]);

bool secp_schnorr_verify(const uint8_t xonly[32], const uint8_t sig[64],
                         const void *msg, size_t msg_len);
/* aux: 32 bytes or NULL (zeros). tweak: NULL, or the 32-byte TapTweak to add first. */
NODISCARD bool secp_schnorr_sign(uint8_t sig[64], const uint8_t key[32],
                                 const uint8_t msg[32], const uint8_t *aux,
                                 const uint8_t *tweak);
bool secp_xonly_valid(const uint8_t xonly[32]);
/* out = xonly + tweak * G, *parity its Y parity. */
NODISCARD bool secp_xonly_tweak_add(uint8_t out[32], int *parity,
                                    const uint8_t xonly[32], const uint8_t tweak[32]);
bool secp_xonly_tweak_check(const uint8_t out[32], int parity, const uint8_t xonly[32],
                            const uint8_t tweak[32]);
/* The x coordinate of key * P for the points P with this x coordinate (BIP 324); xonly
 * must be on the curve. */
void secp_ecdh_x(uint8_t out[32], const uint8_t key[32], const uint8_t xonly[32]);
/* BIP 32 steps. */
NODISCARD bool secp_seckey_tweak_add(uint8_t key[32], const uint8_t tweak[32]);
NODISCARD bool secp_pubkey_tweak_add(uint8_t pubkey33[33], const uint8_t tweak[32]);

#endif
