/* Decoding when little is lost: only what repair symbols and known symbols differ in
 * needs solving. */
#include <string.h>

#include "storage/raptorq/cost.h"
#include "storage/raptorq/decoder.h"

/* ---- By the coefficients of the repair symbols ---- */

/* Solves the equations a (n rows of lda, unknown j in column j); RQ_NEED_MORE. */
static int invert(struct rq_dec *dec, const uint8_t *a, size_t lda, uint32_t n,
                  uint32_t e)
{
    struct rq_ctx *ctx = dec->ctx;
    int rc = rq_buf_need(&ctx->mem, &ctx->invert_work, rq_invert_work(n, e));

    if (rc == RQ_OK)
        rc = rq_buf_need(&ctx->mem, &dec->inverse, n * rq_round_up(e, 8));
    if (rc < 0)
        return rc;
    if (!rq_invert(ctx->kernels, ctx->invert_work.p, a, lda, n, e, dec->inverse.p))
        return RQ_NEED_MORE;
    return RQ_OK;
}

/* Coefficients of known symbols go to the rows of a compact matrix in lists, those of
 * the lost ones, transposed, to @lost_part. */
static int split_matrix(struct rq_dec *dec, const uint8_t *coef, uint32_t n,
                        uint8_t *lost_part, uint32_t e)
{
    size_t ld = rq_round_up(n, 8);
    uint32_t known = 0, j = 0, *where;
    uint8_t *out;
    int rc;

    rc = rq_buf_need(&dec->ctx->mem, &dec->lists, (size_t)dec->p.K * ld);
    if (rc == RQ_OK)
        rc = rq_dec_need_where(dec, dec->n_source, &where);
    if (rc != RQ_OK)
        return rc;
    out = dec->lists.p;
    for (uint32_t m = 0; m < dec->p.K; m++, coef += ld) {
        if (dec->have[m]) {
            memcpy(out + known * ld, coef, ld);
            where[known++] = rq_dec_where_source(dec, m);
            continue;
        }
        for (uint32_t i = 0; i < n; i++)
            lost_part[i * e + j] = coef[i];
        j++;
    }
    return RQ_OK;
}

int rq_dec_solve_matrix(struct rq_dec *dec, const uint32_t *lost, uint32_t e)
{
    uint32_t slot[RQ_GENERATOR_MAX], isi[RQ_GENERATOR_MAX];
    uint32_t n = rq_dec_list_repair(dec, RQ_GENERATOR_MAX, slot, isi);
    uint8_t lost_part[RQ_GENERATOR_MAX * RQ_GENERATOR_MAX];
    struct rq_exec x = {.nout = n,
                        .ld = rq_round_up(n, 8),
                        .nin = dec->n_source,
                        .compare = slot,
                        .inverse_ld = rq_round_up(e, 8),
                        .nlost = e,
                        .lost = lost};
    const uint8_t *coef;
    int rc;

    rc = rq_ctx_matrix(dec->ctx, &dec->p, isi, n, &coef);
    if (rc == RQ_OK)
        rc = split_matrix(dec, coef, n, lost_part, e);
    if (rc == RQ_OK)
        rc = invert(dec, lost_part, e, n, e);
    if (rc != RQ_OK)
        return rc;
    x.coef = dec->lists.p;
    x.inverse = dec->inverse.p;
    dec->ctx->stats.xors = 4 * (uint64_t)n * (dec->n_source + e);
    return rq_dec_run(dec, &x, RQ_MODE_GENERATOR);
}

/* ---- By the encoder's plan with zeros in their place ---- */

/* A block of the e lost symbols as unit vectors, and room for n outputs of it. */
static int make_units(struct rq_ctx *ctx, uint32_t e, uint32_t n, struct rq_view *units,
                      uint8_t ***out)
{
    uint32_t T = (uint32_t)rq_round_up(e, RQ_SLICE_MIN);
    struct rq_shape shape = {e, T, 1, 1};
    size_t in_size = (size_t)e * T, out_size = (size_t)n * T;
    int rc = rq_buf_need(&ctx->mem, &ctx->unit_view, in_size);

    if (rc == RQ_OK)
        rc = rq_buf_need(&ctx->mem, &ctx->unit_out, out_size + n * sizeof(**out));
    if (rc == RQ_OK)
        rc = rq_view_init(units, &shape, ctx->unit_view.p, in_size);
    if (rc < 0)
        return rc;
    memset(units->base, 0, in_size);
    for (uint32_t j = 0; j < e; j++)
        units->base[(size_t)j * T + j] = 1;
    *out = (uint8_t **)(void *)((uint8_t *)ctx->unit_out.p + out_size);
    for (uint32_t i = 0; i < n; i++)
        (*out)[i] = (uint8_t *)ctx->unit_out.p + (size_t)i * T;
    return RQ_OK;
}

/* Which of the lost symbols, in ascending order, @m is; @e if none. */
static uint32_t find_symbol(const uint32_t *lost, uint32_t e, uint32_t m)
{
    uint32_t lo = 0, hi = e;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;

        if (lost[mid] < m)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < e && lost[lo] == m ? lo : e;
}

/* Lets the plan's rows fetch the units in place of the lost symbols, and zeros
 * otherwise. */
static int where_units(struct rq_dec *dec, const struct rq_plan *plan,
                       const uint32_t *lost, uint32_t e)
{
    uint32_t rows = rq_plan_rows(plan), S = plan->p.S, *where;
    int rc = rq_dec_need_where(dec, rows, &where);

    if (rc < 0)
        return rc;
    for (uint32_t k = 0; k < rows; k++) {
        uint32_t m = plan->row[k] - S, at = e;

        if (plan->row[k] >= S && m < dec->p.K && !dec->have[m])
            at = find_symbol(lost, e, m);
        where[k] = at < e ? rq_where(at, IN_VIEW) : rq_where(0, IN_ZERO);
    }
    return RQ_OK;
}

/* The coefficients of the lost symbols in the repair symbols that the lists make:
 * encodes unit vectors of e octets. To ctx->unit_out, n rows of *lda octets. */
static int unit_coefficients(struct rq_dec *dec, const struct rq_plan *plan,
                             const struct rq_lists *lists, const uint32_t *lost,
                             uint32_t n, uint32_t e, size_t *lda)
{
    struct rq_ctx *ctx = dec->ctx;
    struct rq_job job[RQ_PATCH_MAX / RQ_SLICE_MIN + 1];
    struct rq_view units;
    struct rq_exec x = {.view = &units,
                        .plan = plan,
                        .nout = n,
                        .out_count = lists->count,
                        .out_idx = lists->idx};
    uint8_t **out;
    uint32_t njobs;
    bool staged;
    int rc = make_units(ctx, e, n, &units, &out);

    if (rc == RQ_OK)
        rc = where_units(dec, plan, lost, e);
    if (rc < 0)
        return rc;
    x.where = dec->where.p;
    x.out = out;
    njobs = rq_cut_jobs(&units, rq_slice_width(ctx->kernels), rq_ctx_threads(ctx), 0,
                        job, &staged);
    *lda = units.T;
    return rq_ctx_run(ctx, &x, job, njobs, staged);
}

int rq_dec_solve_patch(struct rq_dec *dec, const uint32_t *lost, uint32_t e)
{
    struct rq_ctx *ctx = dec->ctx;
    uint32_t n = dec->n_repair < e + 8 ? dec->n_repair : e + 8, rows, *where, *slot;
    struct rq_exec x = {.nout = n, .inverse_ld = rq_round_up(e, 8), .nlost = e};
    struct rq_lists lists;
    struct rq_plan *plan;
    size_t lda;
    int rc;

    rc = rq_ctx_plan(ctx, &dec->p, &plan);
    if (rc == RQ_OK)
        rc = rq_buf_need(&ctx->mem, &ctx->ids, 2 * n * sizeof(*slot));
    if (rc < 0)
        return rc;
    slot = ctx->ids.p;
    n = rq_dec_list_repair(dec, n, slot, slot + n);
    rc = rq_lists_make(&ctx->mem, &dec->lists, plan, slot + n, n, &lists);
    if (rc == RQ_OK)
        rc = unit_coefficients(dec, plan, &lists, lost, n, e, &lda);
    if (rc == RQ_OK)
        rc = invert(dec, ctx->unit_out.p, lda, n, e);
    rows = rq_plan_rows(plan);
    if (rc == RQ_OK)
        rc = rq_dec_need_where(dec, rows, &where);
    if (rc != RQ_OK)
        return rc;
    for (uint32_t k = 0; k < rows; k++) {
        uint32_t r = plan->row[k];

        where[k] = r < plan->p.S ? rq_where(0, IN_ZERO)
                                 : rq_dec_where_source(dec, r - plan->p.S);
    }
    x.plan = plan;
    x.out_count = lists.count;
    x.out_idx = lists.idx;
    x.compare = slot;
    x.inverse = dec->inverse.p;
    x.lost = lost;
    ctx->stats.plan_size = plan->size;
    ctx->stats.xors = plan->xors + 4 * (uint64_t)n * e;
    return rq_dec_run(dec, &x, RQ_MODE_PATCH);
}
