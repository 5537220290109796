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

/* The block that targets are anchored at. */
#define ANCHOR_HEIGHT 1

struct pow_tip pow_tip_of(const struct block_index *bi)
{
    struct pow_tip tip = {.height = bi->height, .bits = bi->bits, .time = bi->time};
    if (bi->height >= ANCHOR_HEIGHT)
        tip.anchor_time = block_index_ancestor(bi, ANCHOR_HEIGHT)->time;
    return tip;
}

struct pow_tip pow_tip_add(const struct pow_tip *tip, const struct block_header *h)
{
    struct pow_tip next = *tip;
    next.height++;
    next.bits = h->bits;
    next.time = h->time;
    if (next.height == ANCHOR_HEIGHT)
        next.anchor_time = h->time;
    return next;
}

static uint32_t asert_next(const struct pow_tip *tip, const struct chain_params *p)
{
    if (tip->height < ANCHOR_HEIGHT)
        return p->pow_limit_bits;
    struct u256 limit = chain_params_pow_limit(p);
    return asert_bits(&limit, p->spacing, tip->time - tip->anchor_time,
                      tip->height - ANCHOR_HEIGHT);
}

/* On the test chain a block this late may be as easy as any. */
#define LATE_BLOCK (20 * 60)

uint32_t pow_tip_next_bits(const struct pow_tip *tip, int64_t time,
                           const struct chain_params *p)
{
    switch (p->retarget) {
    case RETARGET_NONE:
        return tip->bits;
    case RETARGET_ASERT_20:
        if (time > tip->time + LATE_BLOCK)
            return p->pow_limit_bits;
        return asert_next(tip, p);
    case RETARGET_ASERT:
        return asert_next(tip, p);
    }
    return p->pow_limit_bits;
}

uint32_t pow_next_bits(const struct block_index *prev, int64_t time,
                       const struct chain_params *p)
{
    struct pow_tip tip = pow_tip_of(prev);
    return pow_tip_next_bits(&tip, time, p);
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
