/* Plans: what the symbolic phase hands to the data phase (doc/raptorq.md).
 *
 * Slots hold slices of the L intermediate symbols: slot k < M the k-th peeled column,
 * then the nb inactive columns with a binary pivot, then the nh free ones. To execute:
 *   1. fetch rows 0 .. M+nb-1 without their inactive part;
 *   2. if nh > 0: HDPC rows by recurrence, free columns = Q (slots M.., HDPC rows);
 *   3. fold the pivots M+nb-1 .. M;
 *   4. fetch rows 0 .. M-1 as a whole. */
#ifndef OCHRE_RAPTORQ_PLAN_H
#define OCHRE_RAPTORQ_PLAN_H
#include <stdatomic.h>

#include "storage/raptorq/symbolic.h"

struct rq_plan_head {
    uint32_t Kp;
    uint32_t nrows; /* binary rows the row numbers refer to: S LDPC, then LT rows */
    uint32_t M, nb, nh;
    uint32_t n_idx, n_fold;
};

struct rq_plan {
    atomic_uint refs;
    struct rq_alloc alloc; /* of the plan itself, when counted */
    struct rq_params p;
    struct rq_plan_head h;
    uint64_t xors; /* XOR equivalents of steps 1 to 4 */
    size_t size;   /* octets of body */
    uint8_t *body; /* the arrays below lie in it */
    uint16_t *row;          /* [M + nb] the row a slot is fetched from */
    struct rq_fetch *fetch; /* [M + nb] */
    uint16_t *idx;          /* [n_idx] */
    uint16_t *fold_count;   /* [nb] from the last pivot to the first */
    uint16_t *fold_idx;     /* [n_fold] */
    uint16_t *slot;         /* [L] slot of a column */
    uint8_t *pair;          /* [K'+S] */
    uint8_t *Q;             /* [nb + H][RQ_Q_STRIDE] if nh > 0 */
};

/* Octets of the arrays. With @body they are placed there. */
size_t rq_plan_place(struct rq_plan *plan, uint8_t *body);

/* Writes the outcome of @z as a plan whose arrays lie in @buf; *plan is valid until the
 * buffer is used again. */
RQ_NODISCARD int rq_plan_emit(struct rq_symbolic *z, struct rq_buf *buf,
                              struct rq_plan *plan);

/* Symbolic phase for the encoder of K' = p->Kp. */
RQ_NODISCARD int rq_plan_encoder(struct rq_symbolic *z, const struct rq_params *p,
                                 struct rq_buf *ids, struct rq_buf *buf,
                                 struct rq_plan *plan);

/* A counted copy of @plan. */
RQ_NODISCARD int rq_plan_copy(struct rq_mem *mem, const struct rq_plan *plan,
                              struct rq_plan **out);

#endif
