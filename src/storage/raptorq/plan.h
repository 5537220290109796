/* Plans: what the symbolic phase hands to the data phase (doc/raptorq.md).
 *
 * Slots hold slices of the L intermediate symbols: slot k < M the k-th peeled column,
 * then the u inactive ones, of which nb have a binary pivot and nh are free; slots from
 * L on hold sums of four pivots that several rows need. To execute:
 *   1. fetch rows 0 .. M-1 into their slots without their inactive part, then the
 *      residual program, which leaves nb reduced residual rows in their pivots' slots;
 *   2. if nh > 0: HDPC rows by recurrence, free columns = Q (pivots, HDPC rows);
 *   3. the fold program, which turns the reduced rows into the pivots' columns;
 *   4. fetch rows 0 .. M-1 as a whole. */
#ifndef OCHRE_RAPTORQ_PLAN_H
#define OCHRE_RAPTORQ_PLAN_H
#include <stdatomic.h>

#include "storage/raptorq/symbolic.h"

struct rq_plan_head {
    uint32_t Kp;
    uint32_t nrows; /* binary rows the row numbers refer to: S LDPC, then LT rows */
    uint32_t M, nb, nh;
    uint32_t n_slots;                            /* L and the sums */
    uint32_t n_residual, n_fold;                 /* rows of the two programs */
    uint32_t idx_peeled, idx_residual, idx_fold; /* entries of their lists */
};

struct rq_plan {
    atomic_uint refs;
    struct rq_alloc alloc; /* of the plan itself, when counted */
    struct rq_params p;
    struct rq_plan_head h;
    uint64_t xors;          /* XOR equivalents of steps 1 to 4 */
    size_t size;            /* octets of body */
    uint8_t *body;          /* the arrays below lie in it */
    uint16_t *row;          /* [M + n_residual] the row that is fetched; LDPC: none */
    struct rq_fetch *fetch; /* [M + n_residual] */
    uint16_t *idx;          /* [idx_peeled + idx_residual] */
    uint16_t *residual_dst; /* [n_residual] slots */
    uint16_t *fold_dst;     /* [n_fold] */
    struct rq_fetch *fold;  /* [n_fold], each with its own slot among the others */
    uint16_t *fold_idx;     /* [idx_fold] */
    uint16_t *inactive;     /* [nb + nh] slots: those of the pivots, then the free */
    uint32_t *pivot_where;  /* [nb] their slots as numbers in region 0 */
    uint16_t *slot;         /* [L] slot of a column */
    uint8_t *pair;          /* [K'+S] */
    uint8_t *Q;             /* [nb + H][RQ_Q_STRIDE] if nh > 0 */
};

/* Octets of the arrays. With @body they are placed there. */
size_t rq_plan_place(struct rq_plan *plan, uint8_t *body);

/* XOR equivalents of executing @plan: a slot into another 1; a multiply-add of the
 * recurrence 4, one of a product, which keeps its operands in registers, 1. A list that
 * starts from zero copies its first entry. */
uint64_t rq_plan_count(const struct rq_plan *plan);

/* Writes the outcome of @z as a plan whose arrays lie in @buf. */
RQ_NODISCARD int rq_plan_emit(struct rq_symbolic *z, struct rq_buf *buf,
                              struct rq_plan *plan);

/* The same into a new counted plan. */
RQ_NODISCARD int rq_plan_take(struct rq_symbolic *z, struct rq_plan **out);

/* The whole symbolic phase for the LT rows of isi[0..n); RQ_NEED_MORE. */
RQ_NODISCARD int rq_plan_solve(struct rq_symbolic *z, const struct rq_params *p,
                               const uint32_t *isi, uint32_t n);

#endif
