#include "storage/raptorq/ctx.h"

#include <string.h>

/* ---- Life ---- */

static int init_tables(struct rq_ctx *ctx, const struct rq_config *config)
{
    unsigned threads = rq_ctx_threads(ctx);
    int status;

    ctx->plan_cache = config->plan_cache ? config->plan_cache : 8;
    ctx->scratch = rq_mem_get(&ctx->mem, threads * sizeof(*ctx->scratch), &status);
    if (!ctx->scratch)
        return status;
    memset(ctx->scratch, 0, threads * sizeof(*ctx->scratch));
    ctx->plans = rq_mem_get(&ctx->mem, ctx->plan_cache * sizeof(*ctx->plans), &status);
    return status;
}

int rq_ctx_new(struct rq_ctx **out, const struct rq_config *config)
{
    static const struct rq_config defaults;
    const struct rq_kernels *kernels;
    struct rq_ctx *ctx;
    struct rq_mem mem;
    int rc;

    config = config ? config : &defaults;
    kernels = rq_kernels_find(config->kernel);
    if (!kernels)
        return RQ_ERR_KERNEL;
    rq_mem_init(&mem, config->alloc, config->memory_limit);
    ctx = rq_mem_get(&mem, sizeof(*ctx), &rc);
    if (!ctx)
        return rc;
    memset(ctx, 0, sizeof(*ctx));
    ctx->mem = mem;
    ctx->kernels = kernels;
    ctx->mode = config->mode;
    if (config->workers && config->workers->threads > 1) {
        ctx->workers_copy = *config->workers;
        ctx->workers = &ctx->workers_copy;
    }
    ctx->z.mem = &ctx->mem;
    ctx->z.kernels = kernels;
    rc = init_tables(ctx, config);
    if (rc < 0) {
        rq_ctx_free(ctx);
        return rc;
    }
    *out = ctx;
    return RQ_OK;
}

void rq_ctx_free(struct rq_ctx *ctx)
{
    struct rq_mem mem;

    if (!ctx)
        return;
    if (ctx->plans)
        rq_ctx_drop_plans(ctx);
    rq_symbolic_free(&ctx->z);
    rq_buf_free(&ctx->mem, &ctx->ids);
    rq_buf_free(&ctx->mem, &ctx->generator_work);
    rq_buf_free(&ctx->mem, &ctx->invert_work);
    rq_buf_free(&ctx->mem, &ctx->unit_view);
    rq_buf_free(&ctx->mem, &ctx->unit_out);
    for (unsigned i = 0; ctx->scratch && i < rq_ctx_threads(ctx); i++)
        rq_buf_free(&ctx->mem, &ctx->scratch[i]);
    rq_mem_put(&ctx->mem, ctx->scratch, rq_ctx_threads(ctx) * sizeof(*ctx->scratch));
    rq_mem_put(&ctx->mem, ctx->plans, ctx->plan_cache * sizeof(*ctx->plans));
    mem = ctx->mem;
    rq_mem_put(&mem, ctx, sizeof(*ctx));
}

const char *rq_ctx_kernel(const struct rq_ctx *ctx)
{
    return ctx->kernels->name;
}

void rq_ctx_stats(const struct rq_ctx *ctx, struct rq_stats *out)
{
    *out = ctx->stats;
    out->memory = ctx->mem.used;
    out->allocations = ctx->mem.calls;
}

/* ---- Encoder plans ---- */

static size_t counted_size(const struct rq_plan *plan)
{
    return sizeof(*plan) + plan->size;
}

static void forget_plan(struct rq_ctx *ctx, unsigned i)
{
    ctx->mem.used -= counted_size(ctx->plans[i]);
    rq_plan_unref(ctx->plans[i]);
    ctx->nplans--;
    memmove(&ctx->plans[i], &ctx->plans[i + 1],
            (ctx->nplans - i) * sizeof(*ctx->plans));
}

static void plan_to_front(struct rq_ctx *ctx, unsigned i)
{
    struct rq_plan *plan = ctx->plans[i];

    memmove(&ctx->plans[1], &ctx->plans[0], i * sizeof(*ctx->plans));
    ctx->plans[0] = plan;
}

void rq_ctx_keep_plan(struct rq_ctx *ctx, struct rq_plan *plan)
{
    for (unsigned i = 0; i < ctx->nplans; i++)
        if (ctx->plans[i]->p.Kp == plan->p.Kp) {
            rq_plan_ref(plan);
            forget_plan(ctx, i);
            ctx->plans[ctx->nplans] = plan;
            ctx->mem.used += counted_size(plan);
            plan_to_front(ctx, ctx->nplans++);
            return;
        }
    if (ctx->nplans == ctx->plan_cache)
        forget_plan(ctx, ctx->nplans - 1);
    ctx->plans[ctx->nplans] = rq_plan_ref(plan);
    ctx->mem.used += counted_size(plan);
    plan_to_front(ctx, ctx->nplans++);
}

void rq_ctx_drop_plans(struct rq_ctx *ctx)
{
    while (ctx->nplans)
        forget_plan(ctx, ctx->nplans - 1);
    for (unsigned i = 0; i < RQ_MATRICES; i++) {
        rq_buf_free(&ctx->mem, &ctx->matrices[i].coef);
        ctx->matrices[i] = (struct rq_matrix){0};
    }
    for (unsigned i = 0; i < RQ_DECODINGS; i++) {
        rq_buf_free(&ctx->mem, &ctx->decodings[i].isi);
        rq_buf_free(&ctx->mem, &ctx->decodings[i].body);
        memset(&ctx->decodings[i], 0, sizeof(ctx->decodings[i]));
    }
}

/* The plan is the same for every K with this K'. */
static int make_plan(struct rq_ctx *ctx, const struct rq_params *p,
                     struct rq_plan **out)
{
    struct rq_params full = *p;
    uint32_t *isi;
    int rc;

    full.K = p->Kp;
    ctx->z_owner = NULL;
    rc = rq_buf_need(&ctx->mem, &ctx->ids, p->Kp * sizeof(*isi));
    if (rc < 0)
        return rc;
    isi = ctx->ids.p;
    for (uint32_t i = 0; i < p->Kp; i++)
        isi[i] = i;
    rc = rq_plan_solve(&ctx->z, &full, isi, p->Kp);
    ctx->stats.inactive = ctx->z.u;
    return rc == RQ_OK ? rq_plan_take(&ctx->z, out) : rc;
}

int rq_plan_new(struct rq_ctx *ctx, struct rq_plan **out, uint32_t K)
{
    struct rq_params p;
    int rc = rq_params_init(&p, K);

    return rc < 0 ? rc : make_plan(ctx, &p, out);
}

int rq_ctx_plan(struct rq_ctx *ctx, const struct rq_params *p, struct rq_plan **out)
{
    struct rq_plan *plan;
    int rc;

    for (unsigned i = 0; i < ctx->nplans; i++)
        if (ctx->plans[i]->p.Kp == p->Kp) {
            plan_to_front(ctx, i);
            *out = ctx->plans[0];
            return RQ_OK;
        }
    rc = make_plan(ctx, p, &plan);
    if (rc < 0)
        return rc;
    rq_ctx_keep_plan(ctx, plan);
    rq_plan_unref(plan);
    *out = plan;
    return RQ_OK;
}

/* ---- Generator matrices ---- */

int rq_ctx_matrix(struct rq_ctx *ctx, const struct rq_params *p, const uint32_t *isi,
                  uint32_t n, const uint8_t **out)
{
    struct rq_matrix *m = &ctx->matrices[0];
    struct rq_plan *plan;
    int rc;

    for (unsigned i = 0; i < RQ_MATRICES; i++) {
        struct rq_matrix *x = &ctx->matrices[i];

        if (x->Kp == p->Kp && x->n == n && !memcmp(x->isi, isi, n * sizeof(*isi))) {
            x->used = ++ctx->clock;
            *out = x->coef.p;
            return RQ_OK;
        }
        if (x->used < m->used)
            m = x;
    }
    rc = rq_ctx_plan(ctx, p, &plan);
    if (rc < 0)
        return rc;
    m->Kp = 0;
    rc = rq_buf_need(&ctx->mem, &m->coef, p->Kp * rq_round_up(n, 8));
    if (rc == RQ_OK)
        rc = rq_generator(&ctx->mem, &ctx->generator_work, ctx->kernels, plan, isi, n,
                          m->coef.p);
    if (rc < 0)
        return rc;
    m->Kp = p->Kp;
    m->n = n;
    memcpy(m->isi, isi, n * sizeof(*isi));
    m->used = ++ctx->clock;
    *out = m->coef.p;
    return RQ_OK;
}

int rq_coefficients(struct rq_ctx *ctx, uint32_t K, const uint32_t *esi, size_t n,
                    uint8_t *out)
{
    uint32_t isi[RQ_GENERATOR_MAX];
    struct rq_params p;
    const uint8_t *coef;
    int rc = rq_params_init(&p, K);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        if (esi[i] > RQ_ESI_MAX)
            return RQ_ERR_ESI;
    for (size_t at = 0; at < n; at += RQ_GENERATOR_MAX) {
        uint32_t m = (uint32_t)(n - at < RQ_GENERATOR_MAX ? n - at : RQ_GENERATOR_MAX);
        size_t ld = rq_round_up(m, 8);

        for (uint32_t i = 0; i < m; i++)
            isi[i] = rq_isi(&p, esi[at + i]);
        rc = rq_ctx_matrix(ctx, &p, isi, m, &coef);
        if (rc < 0)
            return rc;
        for (uint32_t i = 0; i < m; i++)
            for (uint32_t k = 0; k < K; k++)
                out[(at + i) * K + k] = coef[k * ld + i];
    }
    return RQ_OK;
}

/* ---- Runs ---- */

int rq_ctx_run(struct rq_ctx *ctx, struct rq_exec *x, const struct rq_job *jobs,
               uint32_t njobs, bool staged)
{
    x->kernels = ctx->kernels;
    x->jobs = jobs;
    x->njobs = njobs;
    x->staged = staged;
    x->scratch = ctx->scratch;
    return rq_exec_run(x, &ctx->mem, ctx->workers);
}

int rq_lists_make(struct rq_mem *mem, struct rq_buf *buf, const struct rq_plan *plan,
                  const uint32_t *isi, uint32_t n, struct rq_lists *out)
{
    struct rq_tupler t;
    uint16_t *idx;
    size_t total = 0;
    int rc;

    rq_tupler_init(&t, &plan->p);
    for (uint32_t i = 0; i < n; i++)
        total += rq_lt_weight(&t, isi[i]);
    total = rq_round_up(total * sizeof(*idx), RQ_ALIGN);
    rc = rq_buf_need_spare(mem, buf, total + n, total / 4);
    if (rc < 0)
        return rc;
    out->idx = idx = buf->p;
    out->count = (uint8_t *)buf->p + total;
    for (uint32_t i = 0; i < n; i++) {
        struct rq_tuple tuple = rq_tupler_get(&t, isi[i]);
        uint32_t m = rq_lt_columns(&t, &tuple, idx);

        out->count[i] = (uint8_t)m;
        for (; m > 0; m--, idx++)
            *idx = plan->slot[*idx];
    }
    return RQ_OK;
}
