/* Plans as octets. */
#include <string.h>

#include "storage/raptorq/ctx.h"

/* Octets: magic 0..7, check 8..15 (of all that follows), head 16..59, then the arrays.
 */
#define MAGIC "ochrqp2\n"
enum { AT_MAGIC = 0, AT_CHECK = 8, AT_HEAD = 16, AT_BODY = 64 };

_Static_assert(AT_HEAD + sizeof(struct rq_plan_head) <= AT_BODY, "head fits");

/* Octet order of this CPU enters through the multi-octet loads. */
static uint64_t checksum(const uint8_t *p, size_t n)
{
    uint64_t h = n;

    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;

        memcpy(&v, p, 8);
        h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h;
}

size_t rq_plan_size(const struct rq_plan *plan)
{
    return AT_BODY + plan->size;
}

void rq_plan_write(const struct rq_plan *plan, uint8_t *out)
{
    uint64_t check;

    memset(out, 0, AT_BODY);
    memcpy(out + AT_MAGIC, MAGIC, 8);
    memcpy(out + AT_HEAD, &plan->h, sizeof(plan->h));
    memcpy(out + AT_BODY, plan->body, plan->size);
    check = checksum(out + AT_HEAD, AT_BODY - AT_HEAD + plan->size);
    memcpy(out + AT_CHECK, &check, 8);
}

static bool below(const uint16_t *p, uint32_t n, uint32_t limit)
{
    for (uint32_t i = 0; i < n; i++)
        if (p[i] >= limit)
            return false;
    return true;
}

static uint64_t sum_lists(const struct rq_fetch *f, uint32_t n, bool inactive)
{
    uint64_t sum = 0;

    for (uint32_t k = 0; k < n; k++) {
        sum += f[k].nact + f[k].nin;
        if (f[k].nin && !inactive)
            return UINT64_MAX;
    }
    return sum;
}

static bool lists_add_up(const struct rq_plan *plan)
{
    const struct rq_plan_head *h = &plan->h;

    return sum_lists(plan->fetch, h->M, true) == h->idx_peeled &&
           sum_lists(plan->fetch + h->M, h->nb, false) == h->idx_residual &&
           sum_lists(plan->step, h->n_reduce, false) == h->idx_reduce &&
           sum_lists(plan->step + h->n_reduce, h->n_fold, false) == h->idx_fold;
}

static bool indexes_fit(const struct rq_plan *plan)
{
    const struct rq_plan_head *h = &plan->h;
    uint32_t L = plan->p.L, last = plan->p.Kp + plan->p.S - 1;

    for (uint32_t j = 0; j <= last; j++)
        if (plan->pair[j] >= rq_pairs(plan->p.H) + (j == last))
            return false;
    return below(plan->row, rq_plan_rows(plan), h->nrows) &&
           below(plan->idx, h->idx_peeled + h->idx_residual, L) &&
           below(plan->step_dst, h->n_reduce + h->n_fold, L) &&
           below(plan->step_idx, h->idx_reduce + h->idx_fold, L) &&
           below(plan->slot, L, L);
}

/* Every count is bounded before any two are added or multiplied. */
static bool head_fits(struct rq_plan *plan, size_t n)
{
    const struct rq_plan_head *h = &plan->h;
    const uint32_t counts[] = {h->n_reduce,     h->n_fold,     h->idx_peeled,
                               h->idx_residual, h->idx_reduce, h->idx_fold};

    if (rq_params_init(&plan->p, h->Kp) != RQ_OK || plan->p.Kp != h->Kp)
        return false;
    if (h->nrows != plan->p.S + h->Kp || h->M > plan->p.L || h->nb > plan->p.L ||
        h->nh > plan->p.H || h->M + h->nb + h->nh != plan->p.L)
        return false;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (counts[i] > n || counts[i] > INT32_MAX / 2)
            return false;
    return rq_plan_place(plan, NULL) == n - AT_BODY;
}

int rq_plan_read(struct rq_ctx *ctx, struct rq_plan **out, const uint8_t *in, size_t n)
{
    size_t head = rq_round_up(sizeof(struct rq_plan), RQ_ALIGN);
    struct rq_plan probe, *plan;
    uint64_t check;
    int status;

    if (n < AT_BODY || memcmp(in + AT_MAGIC, MAGIC, 8) != 0)
        return RQ_ERR_DATA;
    memcpy(&check, in + AT_CHECK, 8);
    if (check != checksum(in + AT_HEAD, n - AT_HEAD))
        return RQ_ERR_DATA;
    memset(&probe, 0, sizeof(probe));
    memcpy(&probe.h, in + AT_HEAD, sizeof(probe.h));
    if (!head_fits(&probe, n))
        return RQ_ERR_DATA;
    plan = rq_mem_get(&ctx->mem, head + probe.size, &status);
    if (!plan)
        return status;
    ctx->mem.used -= head + probe.size;
    *plan = probe;
    atomic_init(&plan->refs, 1);
    plan->alloc = ctx->mem.alloc;
    rq_plan_place(plan, (uint8_t *)plan + head);
    memcpy(plan->body, in + AT_BODY, plan->size);
    if (!lists_add_up(plan) || !indexes_fit(plan)) {
        rq_plan_unref(plan);
        return RQ_ERR_DATA;
    }
    plan->xors = rq_plan_count(plan);
    *out = plan;
    return RQ_OK;
}
