/* The cost model that picks a mode. Unit: 1/16 of the time that gathering one more slot
 * of 64 octets takes; costs are per 64 columns of a block, and what does not depend on
 * the columns is spread over them. */
#ifndef OCHRE_RAPTORQ_COST_H
#define OCHRE_RAPTORQ_COST_H
#include "storage/raptorq/kernels.h"
#include "storage/raptorq/raptorq.h"

#define RQ_PATCH_MAX 2048 /* losses the patch mode is offered */

/* Solving for all intermediate symbols with a kept plan and collecting @n symbols. */
uint64_t rq_cost_plan(const struct rq_kernels *k, const struct rq_params *p,
                      uint32_t n);

/* Finding the coefficients of @n <= 64 symbols and the product with them. */
uint64_t rq_cost_matrix(const struct rq_kernels *k, const struct rq_params *p,
                        uint32_t T, uint32_t n);

/* Three ways to find @e lost symbols; @n <= 64 repair symbols at hand. */
uint64_t rq_cost_matrix_decode(const struct rq_kernels *k, const struct rq_params *p,
                               uint32_t T, uint32_t n, uint32_t e);
uint64_t rq_cost_patch(const struct rq_kernels *k, const struct rq_params *p,
                       uint32_t T, uint32_t e);
uint64_t rq_cost_general(const struct rq_kernels *k, const struct rq_params *p,
                         uint32_t T, uint32_t e);

#endif
