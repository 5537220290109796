/* The loops that touch octets, once per instruction set.
 *
 * All work on slices: the same w octets of every symbol, w = 64, 128, 256 or 512 up to
 * the kernel's own limit. Slots (slices of intermediate symbols) lie one after the
 * other and are aligned to 64; memory of the caller may have any alignment. Nothing
 * outside the w octets of a symbol is read or written. */
#ifndef OCHRE_RAPTORQ_KERNELS_H
#define OCHRE_RAPTORQ_KERNELS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RQ_SLICE_MIN 64
#define RQ_SLICE_MAX 512

struct rq_fetch;

/* A symbol in the caller's memory is (number << 2 | region): octet 0 of its slice is at
 * base[region] + number * stride[region]. */
#define RQ_REGIONS     4
#define RQ_REGION_ZERO 2u /* by convention stride 0 over zeros */
#define RQ_WHERE_PAD   16 /* entries that may be read past the end of a where list */

struct rq_regions {
    const uint8_t *base[RQ_REGIONS];
    size_t stride[RQ_REGIONS];
};

/* slot[dst[k]] = symbol where[k] ^ the slots fetch[k] lists, for k in [0, n). Without
 * dst, slot[first + k]. The lists lie one after the other in idx; with @all false the
 * last nin of each are passed over. where = NULL starts from zero. */
struct rq_gather {
    uint32_t first, n;
    bool all;
    const uint16_t *dst;
    const struct rq_fetch *fetch;
    const uint16_t *idx;
    const uint32_t *where;
    const struct rq_regions *regions;
};

/* HDPC rows by recurrence over the columns j (RFC 6330 5.3.3.3): g = alpha g + v_j,
 * acc[pair[j]] ^= g. v_j is slot[j] below M and zero otherwise. What g is in the end
 * goes to acc[carry]. */
struct rq_hdpc {
    uint32_t ncol, M, carry;
    const uint16_t *slot;
    const uint8_t *pair;
};

/* out[i] (=, or ^= with add) sum over k of coef[k * ldc + i] * in[k]. in[k] is symbol
 * where[k] of the regions, or without where at in + k * stride; out[i] at out[i]. */
struct rq_product {
    uint8_t *const *out;
    uint32_t nout, nin;
    const uint32_t *where;
    const struct rq_regions *regions;
    const uint8_t *in;
    size_t stride;
    const uint8_t *coef; /* rows of ldc octets */
    size_t ldc;
    bool add;
};

struct rq_kernels {
    const char *name;
    uint32_t slice_max;
    uint32_t
        product_cost; /* of one multiply-add in a product, in 1/16 of a gather's XOR */

    void (*gather)(const struct rq_gather *g, uint8_t *slots, uint32_t w);
    /* out = XOR of @n > 0 slots; out may have any alignment */
    void (*collect)(uint8_t *out, const uint8_t *slots, uint32_t w, const uint16_t *idx,
                    uint32_t n);
    void (*hdpc)(const struct rq_hdpc *h, const uint8_t *slots, uint8_t *acc,
                 uint32_t w);
    void (*product)(const struct rq_product *p, uint32_t w);

    /* dst ^= c * src, n a multiple of 64; aligned to 64 */
    void (*mul_add)(uint8_t *dst, const uint8_t *src, uint8_t c, size_t n);
    /* dst ^= src, n a multiple of 64; any alignment */
    void (*xor_add)(uint8_t *dst, const uint8_t *src, size_t n);

    /* hdpc on bits, without carry: v_j is the 512 bit row at rows + 64 slot[j], a bit
     * counting as an octet 0 or 1; the first 64 @groups octets of 512 are computed. */
    void (*hdpc_bits)(const struct rq_hdpc *h, const uint8_t *rows, uint8_t *acc,
                      uint32_t groups);
    /* dst ^= c * (bits as octets 0 or 1), 64 @groups of them */
    void (*mul_add_bits)(uint8_t *dst, const uint8_t *bits, uint8_t c, uint32_t groups);
    /* rows i < n of @stride octets, multiple of 64: if bit @bit of row i is set, row i
     * ^= pivot and bit @mark of mark_rows + i * mark_stride is set */
    void (*eliminate)(uint8_t *rows, size_t stride, uint32_t n, const uint8_t *pivot,
                      uint32_t bit, uint8_t *marks, size_t mark_stride, uint32_t mark);

    /* The transpose of gather on slices of 64 octets: for k from n - 1 down, x = the
     * slot gather would write, which becomes 0; out[where[k] >> 2] ^= x if its region
     * is 0; every slot of its list ^= x. The lists are @total entries of idx. */
    void (*scatter)(const struct rq_gather *g, uint8_t *slots, uint8_t *out,
                    uint32_t total);
    /* The transpose of hdpc on slices of 64 octets: slot[j] ^= g_j where g_j = alpha
     * g_(j+1) ^ acc[pair[j]], and acc[carry] in place of alpha g for the last j. */
    void (*hdpc_transposed)(const struct rq_hdpc *h, uint8_t *slots,
                            const uint8_t *acc);
};

/* Kernels of this build that this CPU can run, best first, NULL past the end. */
const struct rq_kernels *rq_kernels_at(unsigned i);
/* By name, or the best for NULL; NULL if there is none. */
const struct rq_kernels *rq_kernels_find(const char *name);

#endif
