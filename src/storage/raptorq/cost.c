#include "storage/raptorq/cost.h"

/* Gathers of a plan per symbol and the average length of an output's list. */
#define PLAN_GATHERS 20
#define LIST_LENGTH  7

/* A backward run reads, adds and writes back where a forward one reads. */
#define BACKWARD 2

/* The symbolic phase of one row in gathers. */
#define SYMBOLIC 250

static uint64_t columns(uint32_t T)
{
    return (T + 63) / 64;
}

uint64_t rq_cost_plan(const struct rq_kernels *k, const struct rq_params *p, uint32_t n)
{
    uint64_t dense = (uint64_t)p->H * (p->P + p->H) * k->product_cost;

    return dense + 16 * (PLAN_GATHERS * (uint64_t)p->L + LIST_LENGTH * (uint64_t)n);
}

static uint64_t backward(const struct rq_params *p)
{
    return BACKWARD * 16 * PLAN_GATHERS * (uint64_t)p->L;
}

/* Inverting an e x e matrix. */
static uint64_t inversion(const struct rq_kernels *k, uint64_t e)
{
    return e * e * (2 * e / 64 + 1) * k->product_cost;
}

uint64_t rq_cost_matrix(const struct rq_kernels *k, const struct rq_params *p,
                        uint32_t T, uint32_t n)
{
    return backward(p) / columns(T) + (uint64_t)n * p->K * k->product_cost;
}

uint64_t rq_cost_matrix_decode(const struct rq_kernels *k, const struct rq_params *p,
                               uint32_t T, uint32_t n, uint32_t e)
{
    return (backward(p) + inversion(k, e)) / columns(T) +
           (uint64_t)n * p->K * k->product_cost;
}

uint64_t rq_cost_patch(const struct rq_kernels *k, const struct rq_params *p,
                       uint32_t T, uint32_t e)
{
    uint64_t units = rq_cost_plan(k, p, e) * columns(e);

    return rq_cost_plan(k, p, e) + (units + inversion(k, e)) / columns(T) +
           (uint64_t)e * e * k->product_cost;
}

uint64_t rq_cost_general(const struct rq_kernels *k, const struct rq_params *p,
                         uint32_t T, uint32_t e)
{
    return rq_cost_plan(k, p, e) + 16 * SYMBOLIC * (uint64_t)p->L / columns(T);
}
