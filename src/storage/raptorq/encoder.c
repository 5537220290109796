#include <string.h>

#include "storage/raptorq/cost.h"
#include "storage/raptorq/ctx.h"

struct rq_enc {
    struct rq_ctx *ctx;
    bool open, prepared, staged;
    struct rq_params p;
    struct rq_view view;
    struct rq_plan *plan; /* owned reference, or NULL until needed */
    uint32_t njobs, nwhere;
    struct rq_buf jobs, where, lists, kept, tail;
    struct rq_buf isi, out; /* the repair symbols of one call */
};

int rq_enc_new(struct rq_ctx *ctx, struct rq_enc **out)
{
    struct rq_enc *enc;
    int rc;

    enc = rq_mem_get(&ctx->mem, sizeof(*enc), &rc);
    if (!enc)
        return rc;
    memset(enc, 0, sizeof(*enc));
    enc->ctx = ctx;
    *out = enc;
    return RQ_OK;
}

void rq_enc_free(struct rq_enc *enc)
{
    struct rq_mem *mem;

    if (!enc)
        return;
    mem = &enc->ctx->mem;
    rq_plan_unref(enc->plan);
    rq_buf_free(mem, &enc->jobs);
    rq_buf_free(mem, &enc->where);
    rq_buf_free(mem, &enc->lists);
    rq_buf_free(mem, &enc->kept);
    rq_buf_free(mem, &enc->tail);
    rq_buf_free(mem, &enc->isi);
    rq_buf_free(mem, &enc->out);
    rq_mem_put(mem, enc, sizeof(*enc));
}

/* A copy of the last symbol when its end is not in the caller's memory. */
static int copy_tail(struct rq_enc *enc, const uint8_t *src, size_t len)
{
    uint32_t T = enc->view.T, n = rq_view_last(&enc->view, len);
    int rc;

    if (n == T)
        return RQ_OK;
    rc = rq_buf_need(&enc->ctx->mem, &enc->tail, T);
    if (rc < 0)
        return rc;
    memcpy(enc->tail.p, src + len - n, n);
    memset((uint8_t *)enc->tail.p + n, 0, T - n);
    enc->view.tail = enc->tail.p;
    return RQ_OK;
}

int rq_enc_open(struct rq_enc *enc, const struct rq_shape *shape, const void *src,
                size_t len)
{
    int rc;

    enc->open = enc->prepared = false;
    enc->nwhere = enc->njobs = 0;
    rq_plan_unref(enc->plan);
    enc->plan = NULL;
    /* only ever read through this view */
    rc = rq_view_init(&enc->view, shape, (void *)(uintptr_t)src, len);
    if (rc == RQ_OK)
        rc = rq_params_init(&enc->p, shape->K);
    if (rc == RQ_OK)
        rc = copy_tail(enc, src, len);
    enc->open = rc == RQ_OK;
    return rc;
}

static int need_plan(struct rq_enc *enc)
{
    struct rq_plan *plan;
    int rc;

    if (enc->plan)
        return RQ_OK;
    rc = rq_ctx_plan(enc->ctx, &enc->p, &plan);
    if (rc == RQ_OK)
        enc->plan = rq_plan_ref(plan);
    return rc;
}

static int need_jobs(struct rq_enc *enc)
{
    uint32_t w = rq_slice_width(enc->ctx->kernels), n, slots;
    unsigned threads = rq_ctx_threads(enc->ctx);
    int rc;

    if (enc->njobs)
        return RQ_OK;
    rc = need_plan(enc);
    if (rc < 0)
        return rc;
    slots = enc->p.L;
    n = rq_cut_jobs(&enc->view, w, threads, slots, NULL, &enc->staged);
    rc = rq_buf_need(&enc->ctx->mem, &enc->jobs, n * sizeof(struct rq_job));
    if (rc < 0)
        return rc;
    enc->njobs = rq_cut_jobs(&enc->view, w, threads, slots, enc->jobs.p, &enc->staged);
    return RQ_OK;
}

static uint32_t where_symbol(const struct rq_enc *enc, uint32_t m)
{
    if (m >= enc->view.K)
        return rq_where(0, IN_ZERO);
    return enc->view.tail && m == enc->view.K - 1 ? rq_where(0, IN_TAIL)
                                                  : rq_where(m, IN_VIEW);
}

/* The symbols that go in: all K for a matrix, those of the plan's rows otherwise. */
static int need_where(struct rq_enc *enc, const struct rq_plan *plan)
{
    uint32_t n = plan ? rq_plan_rows(plan) : enc->view.K, *where;
    int rc;

    rc = rq_buf_need(&enc->ctx->mem, &enc->where, (n + RQ_WHERE_PAD) * sizeof(*where));
    if (rc < 0)
        return rc;
    where = enc->where.p;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = plan ? plan->row[k] : k + enc->p.S;

        where[k] =
            r < enc->p.S ? rq_where(0, IN_ZERO) : where_symbol(enc, r - enc->p.S);
    }
    for (uint32_t k = n; k < n + RQ_WHERE_PAD; k++)
        where[k] = rq_where(0, IN_ZERO);
    return RQ_OK;
}

/* The repair symbols of one call: isi[i] goes to out[i]. */
struct wanted {
    uint32_t n;
    const uint32_t *isi;
    uint8_t *const *out;
};

static int run_plan(struct rq_enc *enc, const struct wanted *want)
{
    struct rq_ctx *ctx = enc->ctx;
    struct rq_exec x = {.view = &enc->view, .nout = want->n, .out = want->out};
    struct rq_lists lists = {NULL, NULL};
    int rc;

    rc = need_plan(enc);
    if (rc == RQ_OK)
        rc = need_jobs(enc);
    if (rc == RQ_OK && !enc->prepared)
        rc = need_where(enc, enc->plan);
    if (rc == RQ_OK && want->n)
        rc = rq_lists_make(&ctx->mem, &enc->lists, enc->plan, want->isi, want->n,
                           &lists);
    if (rc < 0)
        return rc;
    x.plan = enc->plan;
    x.where = enc->where.p;
    x.kept = enc->kept.p;
    x.solved = enc->prepared;
    x.out_count = lists.count;
    x.out_idx = lists.idx;
    if (!enc->prepared && want->n)
        x.kept = NULL; /* fused: nothing is to stay */
    ctx->stats.mode = RQ_MODE_SLICES;
    ctx->stats.plan_size = enc->plan->size;
    ctx->stats.xors = enc->prepared ? 0 : enc->plan->xors;
    return rq_ctx_run(ctx, &x, enc->jobs.p, enc->njobs, enc->staged);
}

static int run_matrix(struct rq_enc *enc, const struct wanted *want, uint8_t *kept)
{
    struct rq_ctx *ctx = enc->ctx;
    struct rq_exec x = {.view = &enc->view,
                        .nout = want->n,
                        .out = want->out,
                        .ld = rq_round_up(want->n, 8),
                        .nin = enc->p.K,
                        .kept = kept};
    int rc;

    rc = need_jobs(enc);
    if (rc == RQ_OK)
        rc = need_where(enc, NULL);
    if (rc == RQ_OK)
        rc = rq_ctx_matrix(ctx, &enc->p, want->isi, want->n, &x.coef);
    if (rc < 0)
        return rc;
    x.where = enc->where.p;
    ctx->stats.mode = RQ_MODE_GENERATOR;
    ctx->stats.xors = 4 * (uint64_t)want->n * enc->p.K;
    return rq_ctx_run(ctx, &x, enc->jobs.p, enc->njobs, enc->staged);
}

/* ---- Intermediate symbols ---- */

/* So few of them that a product with the inverse of A is cheaper than any plan. */
static int prepare_small(struct rq_enc *enc)
{
    uint32_t isi[RQ_GENERATOR_MAX];
    struct wanted want = {enc->p.L, isi, NULL};

    for (uint32_t i = 0; i < enc->p.L; i++)
        isi[i] = RQ_ISI_SLOT | i;
    return run_matrix(enc, &want, enc->kept.p);
}

int rq_enc_prepare(struct rq_enc *enc)
{
    const struct wanted none = {0, NULL, NULL};
    const struct rq_job *last;
    int rc;

    if (!enc->open)
        return RQ_ERR_STATE;
    if (enc->prepared)
        return RQ_OK;
    rc = need_plan(enc);
    if (rc == RQ_OK)
        rc = need_jobs(enc);
    if (rc < 0)
        return rc;
    last = (const struct rq_job *)enc->jobs.p + enc->njobs - 1;
    rc = rq_buf_need(&enc->ctx->mem, &enc->kept,
                     last->kept + (size_t)enc->p.L * last->w);
    if (rc < 0)
        return rc;
    if (enc->p.L <= RQ_GENERATOR_MAX && enc->ctx->mode != RQ_MODE_SLICES)
        rc = prepare_small(enc);
    else
        rc = run_plan(enc, &none);
    enc->prepared = rc == RQ_OK;
    return rc;
}

int rq_enc_intermediate(struct rq_enc *enc, uint32_t i, void *out)
{
    const struct rq_job *job = enc->jobs.p;

    if (!enc->open || !enc->prepared)
        return RQ_ERR_STATE;
    if (i >= enc->p.L)
        return RQ_ERR_ESI;
    for (uint32_t k = 0; k < enc->njobs; k++, job++) {
        const uint8_t *slot = (const uint8_t *)enc->kept.p + job->kept +
                              (size_t)enc->plan->slot[i] * job->w;

        memcpy((uint8_t *)out + job->col + job->skip, slot + job->skip,
               job->n - job->skip);
    }
    return RQ_OK;
}

/* ---- Encoding symbols ---- */

static bool use_matrix(const struct rq_enc *enc, uint32_t n)
{
    const struct rq_ctx *ctx = enc->ctx;

    if (n > RQ_GENERATOR_MAX || ctx->mode == RQ_MODE_SLICES)
        return false;
    if (ctx->mode == RQ_MODE_GENERATOR)
        return true;
    return rq_cost_matrix(ctx->kernels, &enc->p, enc->view.T, n) <
           rq_cost_plan(ctx->kernels, &enc->p, n);
}

static int repair_symbols(struct rq_enc *enc, const struct wanted *want)
{
    if (want->n == 0)
        return RQ_OK;
    if (!enc->prepared && use_matrix(enc, want->n))
        return run_matrix(enc, want, NULL);
    return run_plan(enc, want);
}

static int check_ids(const struct rq_enc *enc, const uint32_t *esi, size_t n)
{
    if (!enc->open)
        return RQ_ERR_STATE;
    if (n > RQ_ESI_MAX + (size_t)1)
        return RQ_ERR_LIMIT;
    for (size_t i = 0; i < n; i++)
        if (esi[i] > RQ_ESI_MAX)
            return RQ_ERR_ESI;
    return RQ_OK;
}

int rq_enc_symbols(struct rq_enc *enc, const uint32_t *esi, size_t n, void *const *out)
{
    struct rq_mem *mem = &enc->ctx->mem;
    int rc = check_ids(enc, esi, n);
    struct wanted want = {0, NULL, NULL};
    uint8_t **to;
    uint32_t *isi;

    if (rc == RQ_OK)
        rc = rq_buf_need(mem, &enc->isi, n * sizeof(*isi));
    if (rc == RQ_OK)
        rc = rq_buf_need(mem, &enc->out, n * sizeof(*to));
    if (rc < 0)
        return rc;
    want.isi = isi = enc->isi.p;
    want.out = to = enc->out.p;
    for (size_t i = 0; i < n; i++) {
        if (esi[i] < enc->p.K)
            continue;
        isi[want.n] = rq_isi(&enc->p, esi[i]);
        to[want.n++] = out[i];
    }
    rc = repair_symbols(enc, &want);
    for (size_t i = 0; i < n && rc == RQ_OK; i++)
        if (esi[i] < enc->p.K)
            rq_view_load(&enc->view, esi[i], 0, enc->view.T, out[i]);
    return rc;
}

int rq_enc_run(struct rq_enc *enc, uint32_t esi, size_t n, void *out)
{
    struct rq_mem *mem = &enc->ctx->mem;
    struct wanted want = {0, NULL, NULL};
    uint8_t *to = out, **ptr;
    uint32_t *isi;
    int rc;

    if (!enc->open)
        return RQ_ERR_STATE;
    if (n > RQ_ESI_MAX + (size_t)1 || esi > RQ_ESI_MAX + (size_t)1 - n)
        return RQ_ERR_ESI;
    rc = rq_buf_need(mem, &enc->isi, n * sizeof(*isi));
    if (rc == RQ_OK)
        rc = rq_buf_need(mem, &enc->out, n * sizeof(*ptr));
    if (rc < 0)
        return rc;
    want.isi = isi = enc->isi.p;
    want.out = ptr = enc->out.p;
    for (size_t i = 0; i < n; i++) {
        if (esi + i < enc->p.K)
            continue;
        isi[want.n] = rq_isi(&enc->p, esi + (uint32_t)i);
        ptr[want.n++] = to + i * enc->view.T;
    }
    rc = repair_symbols(enc, &want);
    for (size_t i = 0; i < n && rc == RQ_OK && esi + i < enc->p.K; i++)
        rq_view_load(&enc->view, esi + (uint32_t)i, 0, enc->view.T,
                     to + i * enc->view.T);
    return rc;
}
