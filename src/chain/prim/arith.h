/* Unsigned 256-bit arithmetic for targets and chain work (little-endian 64-bit limbs),
 * and the compact form of header bits. */
#ifndef OCHRE_CHAIN_PRIM_ARITH_H
#define OCHRE_CHAIN_PRIM_ARITH_H

#include "util/bytes.h"

struct u256 {
    uint64_t w[4]; /* w[0] is the lowest */
};

int u256_cmp(const struct u256 *a, const struct u256 *b);
bool u256_is_zero(const struct u256 *a);
struct u256 u256_from_u64(uint64_t v);
struct u256 u256_add(struct u256 a, struct u256 b); /* all modulo 2^256 */
struct u256 u256_sub(struct u256 a, struct u256 b);
struct u256 u256_mul_u32(struct u256 a, uint32_t m);
struct u256 u256_div(struct u256 a, struct u256 b); /* b != 0 */
struct u256 u256_shl(struct u256 a, unsigned n);
struct u256 u256_shr(struct u256 a, unsigned n);
unsigned u256_bits(const struct u256 *a);
struct u256 u256_from_hash(const struct hash256 *h); /* little-endian */
struct hash256 u256_to_hash(const struct u256 *a);
double u256_to_double(const struct u256 *a);
char *u256_to_hex(char out[65], const struct u256 *a);           /* big-endian digits */
NODISCARD bool u256_from_hex(struct u256 *out, const char *hex); /* up to 64 digits */

struct u256 compact_to_target(uint32_t bits, bool *negative, bool *overflow);
uint32_t target_to_compact(const struct u256 *target);
/* 2^256 / (target + 1); 0 for invalid bits. */
struct u256 work_of_bits(uint32_t bits);

#endif
