#include "storage/raptorq/generator.h"

#include <string.h>

/* Adds to the 64 octets of each slot what the outputs need of it: output i is octet i.
 */
static void seed(const struct rq_plan *plan, const uint32_t *isi, uint32_t n,
                 uint8_t *slots)
{
    uint16_t cols[RQ_LT_MAX];
    struct rq_tupler t;

    rq_tupler_init(&t, &plan->p);
    for (uint32_t i = 0; i < n; i++) {
        struct rq_tuple tuple;
        uint32_t m;

        if (isi[i] & RQ_ISI_SLOT) {
            slots[(size_t)(isi[i] ^ RQ_ISI_SLOT) * 64 + i] ^= 1;
            continue;
        }
        tuple = rq_tupler_get(&t, isi[i]);
        m = rq_lt_columns(&t, &tuple, cols);
        for (uint32_t k = 0; k < m; k++)
            slots[(size_t)plan->slot[cols[k]] * 64 + i] ^= 1;
    }
}

/* Step 4 of the plan, transposed: to the pivots, the HDPC rows and the carry. */
static void unsolve_free(const struct rq_kernels *k, const struct rq_plan *plan,
                         uint8_t *slots, uint8_t rows[][64])
{
    uint32_t nb = plan->h.nb, nh = plan->h.nh;
    uint8_t *pivots = slots + (size_t)plan->h.M * 64;

    for (uint32_t f = 0; f < nh; f++) {
        const uint8_t *x = pivots + (size_t)(nb + f) * 64;

        for (uint32_t p = 0; p < nb; p++)
            k->mul_add(pivots + (size_t)p * 64, x, plan->Q[(size_t)p * nh + f], 64);
        for (uint32_t i = 0; i <= plan->p.H; i++)
            k->mul_add(rows[i], x, plan->Q[(size_t)(nb + i) * nh + f], 64);
    }
}

/* Step 2 of the plan, transposed; @acc has a slice for each pair and two more. */
static void unsolve_hdpc(const struct rq_kernels *k, const struct rq_plan *plan,
                         uint8_t *slots, uint8_t rows[][64], uint8_t *acc)
{
    struct rq_hdpc h = rq_plan_hdpc(plan);

    memset(acc, 0, (size_t)h.carry * 64);
    for (uint32_t i = 0; i < rq_pairs(plan->p.H); i++)
        for (int e = 0; e < 2; e++)
            k->xor_add(acc + (size_t)i * 64, rows[rq_pair_rows[i][e]], 64);
    memcpy(acc + (size_t)h.carry * 64, rows[plan->p.H], 64);
    k->hdpc_transposed(&h, slots, acc);
}

/* All of the plan backwards, from outputs in @slots to @symbols. */
static void run_backwards(const struct rq_kernels *k, const struct rq_plan *plan,
                          const uint32_t *where, uint8_t *slots, uint8_t *symbols,
                          uint8_t *acc)
{
    const struct rq_plan_head *h = &plan->h;
    struct rq_gather first = rq_plan_gather(plan, false),
                     last = rq_plan_gather(plan, true), reduce = rq_plan_reduce(plan),
                     fold = rq_plan_fold(plan);
    _Alignas(64) uint8_t rows[RQ_Q_STRIDE + 1][64] = {{0}};

    first.where = last.where = where;
    k->scatter(&last, slots, symbols, h->idx_peeled);
    k->scatter(&fold, slots, NULL, h->idx_fold);
    unsolve_free(k, plan, slots, rows);
    k->scatter(&reduce, slots, NULL, h->idx_reduce);
    if (h->nh)
        unsolve_hdpc(k, plan, slots, rows, acc);
    k->scatter(&first, slots, symbols, h->idx_peeled + h->idx_residual);
}

int rq_generator(struct rq_mem *mem, struct rq_buf *work,
                 const struct rq_kernels *kernels, const struct rq_plan *plan,
                 const uint32_t *isi, uint32_t n, uint8_t *out)
{
    uint32_t rows = rq_plan_rows(plan), Kp = plan->p.Kp, S = plan->p.S, L = plan->p.L;
    uint32_t ld = (uint32_t)rq_round_up(n, 8);
    struct rq_carver c = {NULL, 0};
    uint8_t *slots, *symbols, *acc;
    uint32_t *where;
    int rc;

    rc = rq_buf_need(mem, work,
                     ((size_t)L + Kp + RQ_PAIRS_MAX + 2) * 64 + rows * sizeof(*where) +
                         4 * RQ_ALIGN);
    if (rc < 0)
        return rc;
    c.base = work->p;
    slots = rq_carve(&c, (size_t)L * 64);
    symbols = rq_carve(&c, (size_t)Kp * 64);
    acc = rq_carve(&c, (RQ_PAIRS_MAX + 2) * 64);
    where = rq_carve(&c, rows * sizeof(*where));
    memset(slots, 0, (size_t)L * 64);
    memset(symbols, 0, (size_t)Kp * 64);
    for (uint32_t k = 0; k < rows; k++)
        where[k] =
            plan->row[k] < S ? RQ_REGION_ZERO : (uint32_t)(plan->row[k] - S) << 2;
    seed(plan, isi, n, slots);
    run_backwards(kernels, plan, where, slots, symbols, acc);
    for (uint32_t k = 0; k < Kp; k++)
        memcpy(out + (size_t)k * ld, symbols + (size_t)k * 64, ld);
    return RQ_OK;
}

size_t rq_invert_work(uint32_t n, uint32_t e)
{
    return n * (rq_round_up(e, 64) + rq_round_up(n, 64));
}

static void swap_rows(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t t = a[i];

        a[i] = b[i];
        b[i] = t;
    }
}

bool rq_invert(const struct rq_kernels *kernels, uint8_t *work, const uint8_t *a,
               size_t lda, uint32_t n, uint32_t e, uint8_t *inverse)
{
    size_t left = rq_round_up(e, 64), stride = left + rq_round_up(n, 64);
    size_t ld = rq_round_up(e, 8);

    memset(work, 0, n * stride);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(work + i * stride, a + i * lda, e);
        work[i * stride + left + i] = 1;
    }
    for (uint32_t j = 0; j < e; j++) {
        uint8_t *pivot = work + j * stride;
        size_t from = j / 64 * 64; /* zero before */
        uint32_t i = j;

        while (i < n && work[i * stride + j] == 0)
            i++;
        if (i == n)
            return false;
        if (i != j)
            swap_rows(work + i * stride, pivot, stride);
        /* c p ^ p = (c + 1) p scales in place */
        kernels->mul_add(pivot + from, pivot + from, rq_inv(pivot[j]) ^ 1,
                         stride - from);
        for (i = 0; i < n; i++)
            if (i != j && work[i * stride + j])
                kernels->mul_add(work + i * stride + from, pivot + from,
                                 work[i * stride + j], stride - from);
    }
    memset(inverse, 0, n * ld);
    for (uint32_t j = 0; j < e; j++)
        for (uint32_t i = 0; i < n; i++)
            inverse[i * ld + j] = work[j * stride + left + i];
    return true;
}
