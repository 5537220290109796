/* Plans: what the symbolic phase hands to the data phase (doc/raptorq.md).
 *
 * Slots hold slices of the L intermediate symbols: slot k < M the k-th peeled column,
 * then the u inactive ones, first the nb that have a binary pivot, then the nh free
 * ones. To execute:
 *   1. fetch rows 0 .. M+nb-1 into their slots without their inactive part; those from
 *      M on are the residual rows, each in its pivot's slot;
 *   2. if nh > 0: HDPC rows by recurrence over the columns below W, plus a last value
 *      that is carried into the rest, all of which is inactive;
 *   3. the reduce program: residual rows become triangular;
 *   4. if nh > 0: free columns = Q (pivots, HDPC rows, carry);
 *   5. the fold program turns the reduced rows into the pivots' columns;
 *   6. fetch rows 0 .. M-1 as a whole.
 * Rows of programs list their own slot too. From step 3 to 5 nobody needs the peeled
 * slots, and the first of them hold sums of pivots. */
#ifndef OCHRE_RAPTORQ_PLAN_H
#define OCHRE_RAPTORQ_PLAN_H
#include <stdatomic.h>

#include "storage/raptorq/symbolic.h"

struct rq_plan_head {
    uint32_t Kp;
    uint32_t nrows; /* binary rows the row numbers refer to: S LDPC, then LT rows */
    uint32_t M, nb, nh;
    uint32_t n_reduce, n_fold;         /* rows of the two programs */
    uint32_t idx_peeled, idx_residual; /* entries of the rows' lists */
    uint32_t idx_reduce, idx_fold;     /* and of the programs' */
};

struct rq_plan {
    atomic_uint refs;
    struct rq_alloc alloc; /* of the plan itself, when counted */
    struct rq_params p;
    struct rq_plan_head h;
    uint64_t xors;          /* XOR equivalents of steps 1 to 6 */
    size_t size;            /* octets of body */
    uint8_t *body;          /* the arrays below lie in it */
    uint16_t *row;          /* [M + nb] the row that is fetched */
    struct rq_fetch *fetch; /* [M + nb] */
    uint16_t *idx;          /* [idx_peeled + idx_residual] */
    uint16_t *step_dst;     /* [n_reduce + n_fold] slots */
    struct rq_fetch *step;  /* [n_reduce + n_fold] */
    uint16_t *step_idx;     /* [idx_reduce + idx_fold] */
    uint16_t *slot;         /* [L] slot of a column */
    uint8_t *pair;          /* [K'+S] */
    uint8_t *Q;             /* [nb + H + 1][nh] */
};

/* Rows that fetch a symbol. */
static inline uint32_t rq_plan_rows(const struct rq_plan *plan)
{
    return plan->h.M + plan->h.nb;
}

/* How the kernels see steps 1 and 6 and the two programs; where and regions are for
 * the caller to set. */
struct rq_gather rq_plan_gather(const struct rq_plan *plan, bool last);
struct rq_gather rq_plan_reduce(const struct rq_plan *plan);
struct rq_gather rq_plan_fold(const struct rq_plan *plan);

/* The recurrence of step 2: into slices for each pair of HDPC rows, then one for the
 * matrix's last column, which is seen only if U = 0, then the carry. */
struct rq_hdpc rq_plan_hdpc(const struct rq_plan *plan);

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
