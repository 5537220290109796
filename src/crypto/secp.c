#include "crypto/secp.h"

#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>

#include "crypto/secret.h"
#include "util/rand.h"
#include "util/sink.h"

/* Written once by secp_init, before any thread. Verification needs no tables of its own
 * and uses the library's constant context. */
static secp256k1_context *signing;

#define verifying secp256k1_context_static

void secp_init(void)
{
    uint8_t seed[32];
    if (signing != NULL)
        return;
    ASSERT(sodium_init() >= 0);
    signing = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    ASSERT(signing != NULL);
    rand_bytes(seed, sizeof(seed));
    ASSERT(secp256k1_context_randomize(signing, seed));
    secret_wipe(seed, sizeof(seed));
}

static secp256k1_context *signing_context(void)
{
    ASSERT(signing != NULL); /* secp_init was not called */
    return signing;
}

/* --- lax DER --- */

/* Octet after the tag: a short length, or the count of octets of a long one. */
static bool der_length_octet(struct bytes *in, uint8_t *out)
{
    if (in->len == 0)
        return false;
    *out = in->data[0];
    *in = bytes_of(in->data + 1, in->len - 1);
    return true;
}

static bool der_skip(struct bytes *in, size_t n)
{
    if (n > in->len)
        return false;
    *in = bytes_of(in->data + n, in->len - n);
    return true;
}

/* The outer SEQUENCE: its length is not looked at. */
static bool der_sequence(struct bytes *in)
{
    uint8_t octet;
    if (in->len == 0 || in->data[0] != 0x30 || !der_skip(in, 1) ||
        !der_length_octet(in, &octet))
        return false;
    return !(octet & 0x80) || der_skip(in, octet & 0x7f);
}

/* Value of a long length of n octets; leading zeros are fine, more than 24 bits are
 * not. */
static bool der_long_length(struct bytes *in, size_t n, size_t *out)
{
    if (n > in->len)
        return false;
    for (; n > 0 && in->data[0] == 0; n--)
        if (!der_skip(in, 1))
            return false;
    if (n >= 4)
        return false;
    *out = 0;
    for (; n > 0; n--) {
        *out = *out << 8 | in->data[0];
        if (!der_skip(in, 1))
            return false;
    }
    return true;
}

/* An INTEGER without its leading zeros, as the network has accepted it since its first
 * day. */
static bool der_integer(struct bytes *in, struct bytes *out)
{
    uint8_t octet;
    size_t len;
    if (in->len == 0 || in->data[0] != 0x02 || !der_skip(in, 1) ||
        !der_length_octet(in, &octet))
        return false;
    len = octet;
    if ((octet & 0x80) && !der_long_length(in, octet & 0x7f, &len))
        return false;
    *out = bytes_of(in->data, len);
    if (!der_skip(in, len))
        return false;
    while (out->len > 0 && out->data[0] == 0)
        *out = bytes_of(out->data + 1, out->len - 1);
    return true;
}

/* False: not even a lax signature. Numbers that are too large give a signature that no
 * key and message verify (r = s = 0). */
static bool parse_lax(secp256k1_ecdsa_signature *sig, struct bytes in)
{
    uint8_t compact[64] = {0};
    struct bytes r, s;
    if (!der_sequence(&in) || !der_integer(&in, &r) || !der_integer(&in, &s))
        return false;
    if (r.len <= 32 && s.len <= 32) {
        memcpy(compact + 32 - r.len, r.data, r.len);
        memcpy(compact + 64 - s.len, s.data, s.len);
        if (secp256k1_ecdsa_signature_parse_compact(verifying, sig, compact))
            return true;
    }
    memset(compact, 0, sizeof(compact));
    return secp256k1_ecdsa_signature_parse_compact(verifying, sig, compact);
}

/* --- ECDSA --- */

static bool parse_pubkey(secp256k1_pubkey *out, struct bytes key)
{
    return secp256k1_ec_pubkey_parse(verifying, out, key.data, key.len);
}

bool secp_ecdsa_verify(struct bytes pubkey, struct bytes der_sig, const uint8_t msg[32])
{
    secp256k1_pubkey key;
    secp256k1_ecdsa_signature sig;
    if (pubkey.len == 0 || !parse_pubkey(&key, pubkey) || !parse_lax(&sig, der_sig))
        return false;
    secp256k1_ecdsa_signature_normalize(verifying, &sig, &sig);
    return secp256k1_ecdsa_verify(verifying, &sig, msg, &key);
}

bool secp_sig_has_low_s(struct bytes der_sig)
{
    secp256k1_ecdsa_signature sig;
    return parse_lax(&sig, der_sig) &&
           !secp256k1_ecdsa_signature_normalize(verifying, NULL, &sig);
}

bool secp_pubkey_valid(struct bytes pubkey)
{
    secp256k1_pubkey key;
    return pubkey.len > 0 && parse_pubkey(&key, pubkey);
}

static void serialize(uint8_t *out, size_t *out_len, const secp256k1_pubkey *key,
                      bool compressed)
{
    size_t len = compressed ? 33 : 65;
    secp256k1_ec_pubkey_serialize(verifying, out, &len, key,
                                  compressed ? SECP256K1_EC_COMPRESSED
                                             : SECP256K1_EC_UNCOMPRESSED);
    if (out_len != NULL)
        *out_len = len;
}

bool secp_pubkey_convert(uint8_t *out, size_t *out_len, struct bytes pubkey,
                         bool compressed)
{
    secp256k1_pubkey key;
    if (pubkey.len == 0 || !parse_pubkey(&key, pubkey))
        return false;
    serialize(out, out_len, &key, compressed);
    return true;
}

bool secp_seckey_valid(const uint8_t key[32])
{
    return secp256k1_ec_seckey_verify(verifying, key);
}

void secp_pubkey_create(uint8_t *out, size_t *out_len, const uint8_t key[32],
                        bool compressed)
{
    secp256k1_pubkey pub;
    ASSERT(secp256k1_ec_pubkey_create(signing_context(), &pub, key));
    serialize(out, out_len, &pub, compressed);
}

void secp_ecdsa_sign(uint8_t out[72], size_t *len, const uint8_t key[32],
                     const uint8_t msg[32], bool grind_low_r)
{
    secp256k1_ecdsa_signature sig;
    uint8_t extra[32] = {0}, compact[64];
    for (uint32_t counter = 0;; counter++) {
        put_le32(extra, counter);
        ASSERT(secp256k1_ecdsa_sign(signing_context(), &sig, msg, key,
                                    secp256k1_nonce_function_rfc6979,
                                    counter > 0 ? extra : NULL));
        secp256k1_ecdsa_signature_serialize_compact(verifying, compact, &sig);
        if (!grind_low_r || compact[0] < 0x80)
            break;
    }
    *len = 72;
    ASSERT(secp256k1_ecdsa_signature_serialize_der(verifying, out, len, &sig));
}

void secp_ecdsa_sign_compact(uint8_t out[65], const uint8_t key[32],
                             const uint8_t msg[32], bool compressed)
{
    secp256k1_ecdsa_recoverable_signature sig;
    int recid;
    ASSERT(secp256k1_ecdsa_sign_recoverable(signing_context(), &sig, msg, key,
                                            secp256k1_nonce_function_rfc6979, NULL));
    secp256k1_ecdsa_recoverable_signature_serialize_compact(verifying, out + 1, &recid,
                                                            &sig);
    out[0] = (uint8_t)(27 + recid + (compressed ? 4 : 0));
}

bool secp_compact_has_low_s(const uint8_t rs[64])
{
    secp256k1_ecdsa_signature sig;
    return secp256k1_ecdsa_signature_parse_compact(verifying, &sig, rs) &&
           !secp256k1_ecdsa_signature_normalize(verifying, NULL, &sig);
}

bool secp_ecdsa_recover(uint8_t out[65], size_t *out_len, const uint8_t sig[65],
                        const uint8_t msg[32])
{
    secp256k1_ecdsa_recoverable_signature rsig;
    secp256k1_pubkey key;
    unsigned header =
        (sig[0] - 27u) & 7; /* as bitcoind reads it: only three bits count */
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(verifying, &rsig, sig + 1,
                                                             (int)(header & 3)) ||
        !secp256k1_ecdsa_recover(verifying, &key, &rsig, msg))
        return false;
    serialize(out, out_len, &key, header & 4);
    return true;
}

/* --- BIP 340, 341 --- */

bool secp_schnorr_verify(const uint8_t xonly[32], const uint8_t sig[64],
                         const void *msg, size_t msg_len)
{
    secp256k1_xonly_pubkey key;
    return secp256k1_xonly_pubkey_parse(verifying, &key, xonly) &&
           secp256k1_schnorrsig_verify(verifying, sig, msg, msg_len, &key);
}

bool secp_schnorr_sign(uint8_t sig[64], const uint8_t key[32], const uint8_t msg[32],
                       const uint8_t *aux, const uint8_t *tweak)
{
    static const uint8_t no_aux[32];
    secp256k1_keypair pair;
    bool ok = secp256k1_keypair_create(signing_context(), &pair, key) &&
              (tweak == NULL ||
               secp256k1_keypair_xonly_tweak_add(signing_context(), &pair, tweak)) &&
              secp256k1_schnorrsig_sign32(signing_context(), sig, msg, &pair,
                                          aux != NULL ? aux : no_aux);
    secret_wipe(&pair, sizeof(pair));
    return ok;
}

bool secp_xonly_valid(const uint8_t xonly[32])
{
    secp256k1_xonly_pubkey key;
    return secp256k1_xonly_pubkey_parse(verifying, &key, xonly);
}

bool secp_xonly_tweak_add(uint8_t out[32], int *parity, const uint8_t xonly[32],
                          const uint8_t tweak[32])
{
    secp256k1_xonly_pubkey in, result;
    secp256k1_pubkey sum;
    if (!secp256k1_xonly_pubkey_parse(verifying, &in, xonly) ||
        !secp256k1_xonly_pubkey_tweak_add(verifying, &sum, &in, tweak) ||
        !secp256k1_xonly_pubkey_from_pubkey(verifying, &result, parity, &sum))
        return false;
    return secp256k1_xonly_pubkey_serialize(verifying, out, &result);
}

bool secp_xonly_tweak_check(const uint8_t out[32], int parity, const uint8_t xonly[32],
                            const uint8_t tweak[32])
{
    secp256k1_xonly_pubkey in;
    return secp256k1_xonly_pubkey_parse(verifying, &in, xonly) &&
           secp256k1_xonly_pubkey_tweak_add_check(verifying, out, parity, &in, tweak);
}

/* --- BIP 32 --- */

bool secp_seckey_tweak_add(uint8_t key[32], const uint8_t tweak[32])
{
    return secp256k1_ec_seckey_tweak_add(verifying, key, tweak);
}

bool secp_pubkey_tweak_add(uint8_t pubkey33[33], const uint8_t tweak[32])
{
    secp256k1_pubkey key;
    if (!parse_pubkey(&key, bytes_of(pubkey33, 33)) ||
        !secp256k1_ec_pubkey_tweak_add(verifying, &key, tweak))
        return false;
    serialize(pubkey33, NULL, &key, true);
    return true;
}

static int keep_x(unsigned char *out, const unsigned char *x, const unsigned char *y,
                  void *data)
{
    (void)y, (void)data;
    memcpy(out, x, 32);
    return 1;
}

void secp_ecdh_x(uint8_t out[32], const uint8_t key[32], const uint8_t xonly[32])
{
    secp256k1_pubkey point;
    uint8_t compressed[33] = {2};
    memcpy(compressed + 1, xonly, 32);
    ASSERT(secp256k1_ec_pubkey_parse(verifying, &point, compressed, 33) == 1);
    ASSERT(secp256k1_ecdh(verifying, out, &point, key, keep_x, NULL) == 1);
}
