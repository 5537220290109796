/* What the implementations of SHA-256 share; only sha256*.c include it. */
#ifndef OCHRE_CRYPTO_SHA256_IMPL_H
#define OCHRE_CRYPTO_SHA256_IMPL_H

#include "util/err.h"

struct sha256_impl {
    const char *name;
    /* Works n 64-octet blocks into the state. */
    void (*blocks)(uint32_t state[8], const uint8_t *data, size_t n);
    /* Double hashes of exactly `lanes` messages of 64 octets; out may be in. */
    void (*double_64)(uint8_t *out, const uint8_t *in);
    size_t lanes;
};

extern const uint32_t sha256_iv[8];
/* Round constants, and the same plus the schedule of the block that pads 64 octets. */
extern const uint32_t sha256_k[64];
extern const uint32_t sha256_kw_pad64[64];

void sha256_portable_blocks(uint32_t state[8], const uint8_t *data, size_t n);
void sha256_portable_double_64(uint8_t *out, const uint8_t *in);
#ifdef __x86_64__
void sha256_shani_blocks(uint32_t state[8], const uint8_t *data, size_t n);
void sha256_shani_double_64(uint8_t *out, const uint8_t *in); /* 2 lanes */
void sha256_avx2_double_64(uint8_t *out, const uint8_t *in);  /* 8 lanes */
#endif

#endif
