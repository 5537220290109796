/* SHA-256 with the CPU's own instructions where it has them (SHA-NI; else AVX2
 * eight-way for many short messages; else portable), chosen once at start. */
#ifndef OCHRE_CRYPTO_SHA256_H
#define OCHRE_CRYPTO_SHA256_H

#include "util/bytes.h"
#include "util/sink.h"

struct sha256 {
    uint32_t state[8];
    uint64_t count;
    uint8_t block[64];
};

void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *data, size_t len);
void sha256_final(struct sha256 *h, uint8_t out[32]);
void sha256(uint8_t out[32], const void *data, size_t len);
void sha256d(uint8_t out[32], const void *data, size_t len); /* twice */
void sha256d_final(struct sha256 *h, uint8_t out[32]);
/* out[32 * i] = SHA256(SHA256(in[64 * i .. +64])): the step of a Merkle tree. out may
 * be in. */
void sha256d_64(uint8_t *out, const uint8_t *in, size_t blocks);
/* BIP 340 tagged hash: starts a context that already holds SHA256(tag) twice. */
void sha256_init_tagged(struct sha256 *h, const char *tag);
struct sink sha256_sink(struct sha256 *h);
const char *sha256_implementation(void); /* in bitcoind's words, for the log */
/* Tests and benchmarks only, before threads start: the i-th implementation (0 is
 * portable); false when there is none or this processor lacks it. */
bool sha256_force(size_t i);

#endif
