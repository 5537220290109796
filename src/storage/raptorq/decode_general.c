/* Decoding in general: inactivation on the received symbols. */
#include <string.h>

#include "storage/raptorq/decoder.h"

static void append_row(struct rq_dec *dec, uint32_t isi, uint32_t where)
{
    dec->row_isi[dec->nrows] = isi;
    dec->row_where[dec->nrows++] = where;
}

/* Appends the symbols that came since; @anew starts over, in an order that depends on
 * the ids alone for source symbols. */
static int list_rows(struct rq_dec *dec, bool anew)
{
    uint32_t room = dec->p.Kp + dec->max_repair, cap = RQ_ROWS_MAX - dec->p.S - 64;
    int rc;

    if (anew) {
        rc = rq_buf_need(&dec->ctx->mem, &dec->b_rows, 2 * room * sizeof(uint32_t));
        if (rc < 0)
            return rc;
        dec->row_isi = dec->b_rows.p;
        dec->row_where = dec->row_isi + room;
        dec->nrows = 0;
        for (uint32_t m = dec->p.K; m < dec->p.Kp; m++)
            append_row(dec, m, rq_where(0, IN_ZERO));
    }
    for (uint32_t m = 0; m < dec->p.K; m++)
        if (dec->have[m] == HERE || (anew && dec->have[m])) {
            append_row(dec, m, rq_dec_where_source(dec, m));
            dec->have[m] = LISTED;
        }
    for (uint32_t i = 0; i < dec->n_slots && dec->nrows < cap; i++)
        if (dec->slot_had[i] == HERE || (anew && dec->slot_had[i])) {
            append_row(dec, rq_isi(&dec->p, dec->slot_esi[i]), rq_where(i, IN_REPAIR));
            dec->slot_had[i] = LISTED;
        }
    return RQ_OK;
}

/* The symbolic phase on all rows; those from @before on are new to a peel that @resume
 * takes up again. */
static int symbolic(struct rq_dec *dec, bool resume, uint32_t before)
{
    struct rq_ctx *ctx = dec->ctx;
    int rc = RQ_FULL;

    if (resume)
        rc = rq_matrix_add(&ctx->z, dec->row_isi + before, dec->nrows - before);
    if (rc == RQ_OK)
        rc = rq_peel_extend(&ctx->z);
    if (rc == RQ_FULL) {
        ctx->z_owner = NULL;
        rc = rq_matrix_build(&ctx->z, &dec->p, dec->row_isi, dec->nrows);
        if (rc == RQ_OK)
            rc = rq_peel(&ctx->z);
    }
    if (rc < 0)
        return rc;
    ctx->z_owner = dec;
    ctx->stats.inactive = ctx->z.u;
    return rq_dense(&ctx->z);
}

static struct rq_decoding *find_decoding(struct rq_ctx *ctx, const struct rq_dec *dec)
{
    for (unsigned i = 0; i < RQ_DECODINGS; i++) {
        struct rq_decoding *d = &ctx->decodings[i];

        if (d->Kp == dec->p.Kp && d->n == dec->nrows &&
            !memcmp(d->isi.p, dec->row_isi, dec->nrows * sizeof(*dec->row_isi)))
            return d;
    }
    return NULL;
}

static struct rq_decoding *oldest_decoding(struct rq_ctx *ctx)
{
    struct rq_decoding *d = &ctx->decodings[0];

    for (unsigned i = 1; i < RQ_DECODINGS; i++)
        if (ctx->decodings[i].used < d->used)
            d = &ctx->decodings[i];
    return d;
}

static int make_decoding(struct rq_dec *dec, struct rq_decoding *d)
{
    struct rq_ctx *ctx = dec->ctx;
    int rc;

    d->Kp = 0;
    rc = rq_buf_need(&ctx->mem, &d->isi, dec->nrows * sizeof(*dec->row_isi));
    if (rc == RQ_OK)
        rc = rq_plan_emit(&ctx->z, &d->body, &d->plan);
    if (rc < 0)
        return rc;
    memcpy(d->isi.p, dec->row_isi, dec->nrows * sizeof(*dec->row_isi));
    d->Kp = dec->p.Kp;
    d->n = dec->nrows;
    return RQ_OK;
}

int rq_dec_general_plan(struct rq_dec *dec, const struct rq_plan **plan)
{
    struct rq_ctx *ctx = dec->ctx;
    bool resume = ctx->z_owner == dec;
    uint32_t before = dec->nrows;
    struct rq_decoding *d;
    int rc = list_rows(dec, !resume);

    if (rc < 0)
        return rc;
    d = find_decoding(ctx, dec);
    if (!d) {
        if (resume && dec->nrows == before)
            return RQ_NEED_MORE;
        rc = symbolic(dec, resume, before);
        if (rc != RQ_OK)
            return rc;
        d = oldest_decoding(ctx);
        rc = make_decoding(dec, d);
        if (rc < 0)
            return rc;
    }
    d->used = ++ctx->clock;
    *plan = &d->plan;
    return RQ_OK;
}

int rq_dec_solve_general(struct rq_dec *dec, const uint32_t *lost, uint32_t e)
{
    struct rq_ctx *ctx = dec->ctx;
    struct rq_exec x = {.nout = e, .lost = lost};
    const struct rq_plan *plan;
    struct rq_lists lists;
    uint32_t rows, *where;
    int rc = rq_dec_general_plan(dec, &plan);

    if (rc != RQ_OK)
        return rc;
    rc = rq_lists_make(&ctx->mem, &dec->lists, plan, lost, e, &lists);
    rows = rq_plan_rows(plan);
    if (rc == RQ_OK)
        rc = rq_dec_need_where(dec, rows, &where);
    if (rc != RQ_OK)
        return rc;
    for (uint32_t k = 0; k < rows; k++) {
        uint32_t r = plan->row[k];

        where[k] = r < plan->p.S ? rq_where(0, IN_ZERO) : dec->row_where[r - plan->p.S];
    }
    x.plan = plan;
    x.out_count = lists.count;
    x.out_idx = lists.idx;
    ctx->stats.plan_size = plan->size;
    ctx->stats.xors = plan->xors;
    return rq_dec_run(dec, &x, RQ_MODE_SLICES);
}
