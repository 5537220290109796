#include "chain/rules/pow.h"

bool pow_check(const struct hash256 *hash, uint32_t bits, const struct chain_params *p)
{
    bool negative, overflow;
    struct u256 target = compact_to_target(bits, &negative, &overflow);
    struct u256 limit = chain_params_pow_limit(p), h = u256_from_hash(hash);
    if (negative || overflow || u256_is_zero(&target) || u256_cmp(&target, &limit) > 0)
        return false;
    return u256_cmp(&h, &target) <= 0;
}

/* Seconds of lag after which the target doubles. */
#define ASERT_HALF_LIFE 43200

uint32_t asert_bits(const struct u256 *pow_limit, int32_t spacing, int64_t time_diff,
                    int64_t height_diff)
{
    /* Exponent of two in 1/65536: whole part s, fraction f. */
    int64_t e = ((time_diff - spacing * height_diff) * 65536) / ASERT_HALF_LIFE;
    int64_t s = e >> 16;
    uint64_t f = (uint64_t)(e - s * 65536);
    /* 2^(f/65536) in 1/65536, by a cubic that errs less than 0.013 %. */
    uint64_t k = 65536 + ((195766423245049u * f + 971821376u * f * f +
                           5127u * f * f * f + (UINT64_C(1) << 47)) >>
                          48);
    struct u256 target = u256_mul_u32(*pow_limit, (uint32_t)k);
    int64_t shift = s - 16;
    if (shift < 0)
        target = shift > -256 ? u256_shr(target, (unsigned)-shift) : u256_from_u64(0);
    else if (shift + u256_bits(&target) > 256)
        target = *pow_limit;
    else
        target = u256_shl(target, (unsigned)shift);
    if (u256_is_zero(&target))
        target = u256_from_u64(1);
    if (u256_cmp(&target, pow_limit) > 0)
        target = *pow_limit;
    return target_to_compact(&target);
}

static uint32_t asert_next(const struct block_index *prev, const struct chain_params *p)
{
    if (prev->height == 0)
        return p->pow_limit_bits;
    const struct block_index *anchor = block_index_ancestor(prev, 1);
    struct u256 limit = chain_params_pow_limit(p);
    return asert_bits(&limit, p->spacing, (int64_t)prev->time - anchor->time,
                      prev->height - anchor->height);
}

/* On the test chain a block this late may be as easy as any. */
#define LATE_BLOCK (20 * 60)

uint32_t pow_next_bits(const struct block_index *prev, int64_t time,
                       const struct chain_params *p)
{
    switch (p->retarget) {
    case RETARGET_NONE:
        return prev->bits;
    case RETARGET_ASERT_20:
        if (time > (int64_t)prev->time + LATE_BLOCK)
            return p->pow_limit_bits;
        return asert_next(prev, p);
    case RETARGET_ASERT:
        return asert_next(prev, p);
    }
    return p->pow_limit_bits;
}

double difficulty_of_bits(uint32_t bits)
{
    int shift = (int)(bits >> 24);
    double d = (double)0x0000ffff / (double)(bits & 0x00ffffff);
    for (; shift < 29; shift++)
        d *= 256.0;
    for (; shift > 29; shift--)
        d /= 256.0;
    return d;
}
