#include "crypto/bip324.h"

#include <sodium.h>

#include "crypto/hash.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"
#include "util/rand.h"

#define REKEY_INTERVAL 224
#define IGNORE_BIT     0x80
#define TAG_SIZE       16

/* --- ciphers --- */

static void stream_nonce(uint8_t nonce[12], uint32_t low, uint64_t rekeys)
{
    put_le32(nonce, low);
    put_le64(nonce + 4, rekeys);
}

static void fs_stream_init(struct fs_stream *s, const uint8_t key[32])
{
    *s = (struct fs_stream){.used = sizeof(s->block)};
    memcpy(s->key, key, 32);
}

static void fs_stream_xor(struct fs_stream *s, uint8_t *out, const uint8_t *in,
                          size_t len)
{
    static const uint8_t zero[sizeof(s->block)];
    uint8_t nonce[12];
    stream_nonce(nonce, 0, s->rekeys);
    for (size_t i = 0; i < len; i++) {
        if (s->used == sizeof(s->block)) {
            crypto_stream_chacha20_ietf_xor_ic(s->block, zero, sizeof(zero), nonce,
                                               s->blocks++, s->key);
            s->used = 0;
        }
        out[i] = in[i] ^ s->block[s->used++];
    }
}

static void fs_stream_crypt(struct fs_stream *s, uint8_t *out, const uint8_t *in,
                            size_t len)
{
    static const uint8_t zero[32];
    fs_stream_xor(s, out, in, len);
    if (++s->chunks < REKEY_INTERVAL)
        return;
    uint8_t key[32];
    uint64_t rekeys = s->rekeys + 1;
    fs_stream_xor(s, key, zero, sizeof(key));
    fs_stream_init(s, key);
    s->rekeys = rekeys;
    secret_wipe(key, sizeof(key));
}

/* After each packet. */
static void fs_aead_next(struct fs_aead *a)
{
    static const uint8_t zero[32];
    uint8_t nonce[12];
    if (++a->packets < REKEY_INTERVAL)
        return;
    stream_nonce(nonce, UINT32_MAX, a->rekeys);
    crypto_stream_chacha20_ietf_xor_ic(a->key, zero, sizeof(zero), nonce, 1, a->key);
    a->packets = 0;
    a->rekeys++;
}

/* --- key agreement --- */

void bip324_key_new(struct bip324_key *k)
{
    uint8_t pubkey[33];
    size_t len;
    do
        rand_bytes(k->secret, sizeof(k->secret));
    while (!secp_seckey_valid(k->secret));
    secp_pubkey_create(pubkey, &len, k->secret, true);
    ellswift_encode(k->public, pubkey + 1);
}

/* The x coordinate both sides find, bound to what was sent. */
static void shared_secret(uint8_t out[32], const struct bip324_key *ours,
                          const uint8_t theirs[ELLSWIFT_SIZE], bool initiator)
{
    static const char tag[] = "bip324_ellswift_xonly_ecdh";
    uint8_t their_x[32], x[32], tag_hash[32];
    struct sha256 h;
    ellswift_decode(their_x, theirs);
    secp_ecdh_x(x, ours->secret, their_x);
    sha256(tag_hash, tag, sizeof(tag) - 1);
    sha256_init(&h);
    sha256_update(&h, tag_hash, sizeof(tag_hash));
    sha256_update(&h, tag_hash, sizeof(tag_hash));
    sha256_update(&h, initiator ? ours->public : theirs, ELLSWIFT_SIZE);
    sha256_update(&h, initiator ? theirs : ours->public, ELLSWIFT_SIZE);
    sha256_update(&h, x, sizeof(x));
    sha256_final(&h, out);
    secret_wipe(x, sizeof(x));
}

/* HKDF-SHA256's expansion to one block (RFC 5869). */
static void expand(uint8_t out[32], const uint8_t prk[32], const char *info)
{
    uint8_t text[64];
    size_t n = strlen(info);
    ASSERT(n < sizeof(text));
    memcpy(text, info, n);
    text[n] = 1;
    hmac_sha256(out, prk, 32, text, n + 1);
}

static void init_direction(struct fs_stream *length, struct fs_aead *contents,
                           const uint8_t prk[32], const char *length_info,
                           const char *contents_info)
{
    uint8_t key[32];
    expand(key, prk, length_info);
    fs_stream_init(length, key);
    *contents = (struct fs_aead){0};
    expand(contents->key, prk, contents_info);
    secret_wipe(key, sizeof(key));
}

void bip324_init(struct bip324 *c, const struct bip324_key *ours,
                 const uint8_t theirs[ELLSWIFT_SIZE], bool initiator,
                 const uint8_t magic[4])
{
    static const char label[] = "bitcoin_v2_shared_secret";
    uint8_t secret[32], prk[32], terminators[32], salt[sizeof(label) - 1 + 4];
    memcpy(salt, label, sizeof(label) - 1);
    memcpy(salt + sizeof(label) - 1, magic, 4);
    shared_secret(secret, ours, theirs, initiator);
    hmac_sha256(prk, salt, sizeof(salt), secret, sizeof(secret));
    init_direction(initiator ? &c->send_length : &c->recv_length,
                   initiator ? &c->send_contents : &c->recv_contents, prk,
                   "initiator_L", "initiator_P");
    init_direction(initiator ? &c->recv_length : &c->send_length,
                   initiator ? &c->recv_contents : &c->send_contents, prk,
                   "responder_L", "responder_P");
    expand(terminators, prk, "garbage_terminators");
    expand(c->session_id, prk, "session_id");
    size_t half = BIP324_TERMINATOR_SIZE;
    memcpy(c->send_terminator, terminators + (initiator ? 0 : half), half);
    memcpy(c->recv_terminator, terminators + (initiator ? half : 0), half);
    secret_wipe(secret, sizeof(secret));
    secret_wipe(prk, sizeof(prk));
    secret_wipe(terminators, sizeof(terminators));
}

void bip324_clear(struct bip324 *c)
{
    secret_wipe(c, sizeof(*c));
}

/* --- packets --- */

void bip324_seal(struct bip324 *c, uint8_t *out, struct bytes contents,
                 struct bytes aad, bool ignore)
{
    uint8_t nonce[12], length[BIP324_LENGTH_SIZE];
    ASSERT(contents.len <= BIP324_MAX_CONTENTS);
    for (size_t i = 0; i < sizeof(length); i++)
        length[i] = (uint8_t)(contents.len >> (8 * i));
    fs_stream_crypt(&c->send_length, out, length, sizeof(length));
    out += sizeof(length);
    if (contents.len > 0)
        memmove(out + 1, contents.data, contents.len);
    out[0] = ignore ? IGNORE_BIT : 0;
    stream_nonce(nonce, c->send_contents.packets, c->send_contents.rekeys);
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, out, contents.len + 1,
                                              aad.data, aad.len, NULL, nonce,
                                              c->send_contents.key);
    fs_aead_next(&c->send_contents);
}

uint32_t bip324_open_length(struct bip324 *c, const uint8_t in[BIP324_LENGTH_SIZE])
{
    uint8_t length[BIP324_LENGTH_SIZE];
    fs_stream_crypt(&c->recv_length, length, in, sizeof(length));
    return (uint32_t)length[0] | (uint32_t)length[1] << 8 | (uint32_t)length[2] << 16;
}

bool bip324_open(struct bip324 *c, struct bytes *contents, bool *ignore,
                 uint8_t *sealed, size_t len, struct bytes aad)
{
    uint8_t nonce[12];
    ASSERT(len >= 1 + TAG_SIZE);
    stream_nonce(nonce, c->recv_contents.packets, c->recv_contents.rekeys);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(sealed, NULL, NULL, sealed, len,
                                                  aad.data, aad.len, nonce,
                                                  c->recv_contents.key) != 0)
        return false;
    fs_aead_next(&c->recv_contents);
    *ignore = sealed[0] & IGNORE_BIT;
    *contents = bytes_of(sealed + 1, len - 1 - TAG_SIZE);
    return true;
}
