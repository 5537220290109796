#include <string.h>

#include "storage/raptorq/cost.h"
#include "storage/raptorq/ctx.h"

#define SPARE_REPAIR 64 /* default room beyond K repair symbols */

/* have[] and slot_had[] when not 0: here, and among the rows of the matrix. */
enum { HERE = 1, LISTED = 2 };

struct rq_dec {
    struct rq_ctx *ctx;
    bool open, decoded, staged;
    struct rq_params p;
    struct rq_view view;
    uint32_t tail_length; /* octets of symbol K-1 in the caller's memory if partial */

    uint8_t *have; /* [K] source symbols: 0 not here, HERE, LISTED */
    uint32_t n_source;
    uint32_t max_repair, n_slots, n_repair;
    uint32_t *slot_esi; /* [max_repair] of each slot handed out */
    uint8_t *slot_had;
    uint32_t *hash; /* slot + 1 by ESI, open addressing */
    uint32_t hash_mask;
    uint8_t *repair;     /* [max_repair] of T octets */
    uint32_t bounce_esi; /* source symbol the bounce buffer is for, or UINT32_MAX */
    struct rq_buf b_ids, b_repair, b_tail, b_bounce;

    /* rows of the matrix behind the LDPC rows, in order */
    uint32_t nrows;
    uint32_t *row_isi, *row_where;
    uint32_t njobs;
    struct rq_buf b_rows, jobs, where, lists, lost, inverse;
};

int rq_dec_new(struct rq_ctx *ctx, struct rq_dec **out)
{
    struct rq_dec *dec;
    int rc;

    dec = rq_mem_get(&ctx->mem, sizeof(*dec), &rc);
    if (!dec)
        return rc;
    memset(dec, 0, sizeof(*dec));
    dec->ctx = ctx;
    *out = dec;
    return RQ_OK;
}

void rq_dec_free(struct rq_dec *dec)
{
    struct rq_mem *mem;

    if (!dec)
        return;
    mem = &dec->ctx->mem;
    if (dec->ctx->z_owner == dec)
        dec->ctx->z_owner = NULL;
    rq_buf_free(mem, &dec->b_ids);
    rq_buf_free(mem, &dec->b_repair);
    rq_buf_free(mem, &dec->b_tail);
    rq_buf_free(mem, &dec->b_bounce);
    rq_buf_free(mem, &dec->b_rows);
    rq_buf_free(mem, &dec->jobs);
    rq_buf_free(mem, &dec->where);
    rq_buf_free(mem, &dec->lists);
    rq_buf_free(mem, &dec->lost);
    rq_buf_free(mem, &dec->inverse);
    rq_mem_put(mem, dec, sizeof(*dec));
}

/* ---- Symbols ---- */

static void carve_ids(struct rq_dec *dec, struct rq_carver *c)
{
    uint32_t n = dec->max_repair, size = 4;

    while (size < 2 * n)
        size *= 2;
    dec->hash_mask = size - 1;
    dec->hash = rq_carve(c, size * sizeof(*dec->hash));
    dec->have = rq_carve(c, dec->p.K);
    dec->slot_had = rq_carve(c, n);
    dec->slot_esi = rq_carve(c, n * sizeof(*dec->slot_esi));
}

static int alloc_symbols(struct rq_dec *dec, size_t len)
{
    struct rq_mem *mem = &dec->ctx->mem;
    struct rq_carver c = {NULL, 0};
    uint32_t T = dec->view.T;
    int rc;

    carve_ids(dec, &c);
    rc = rq_buf_need(mem, &dec->b_ids, c.used);
    if (rc < 0)
        return rc;
    c = (struct rq_carver){dec->b_ids.p, 0};
    carve_ids(dec, &c);
    memset(dec->hash, 0, (dec->hash_mask + (size_t)1) * sizeof(*dec->hash));
    memset(dec->have, 0, dec->p.K);
    rc = rq_buf_need(mem, &dec->b_repair, (size_t)dec->max_repair * T);
    dec->repair = dec->b_repair.p;
    dec->tail_length = rq_view_last(&dec->view, len);
    if (rc == RQ_OK && dec->tail_length < T) {
        rc = rq_buf_need(mem, &dec->b_tail, T);
        dec->view.tail = dec->b_tail.p;
    }
    if (rc == RQ_OK && dec->view.N > 1)
        rc = rq_buf_need(mem, &dec->b_bounce, T);
    return rc;
}

int rq_dec_open(struct rq_dec *dec, const struct rq_shape *shape, void *dst, size_t len,
                uint32_t max_repair)
{
    int rc;

    dec->open = dec->decoded = false;
    dec->n_source = dec->n_slots = dec->n_repair = 0;
    dec->nrows = dec->njobs = 0;
    if (dec->ctx->z_owner == dec)
        dec->ctx->z_owner = NULL;
    dec->bounce_esi = UINT32_MAX;
    rc = rq_view_init(&dec->view, shape, dst, len);
    if (rc == RQ_OK)
        rc = rq_params_init(&dec->p, shape->K);
    if (rc < 0)
        return rc;
    dec->max_repair = max_repair ? max_repair : shape->K + SPARE_REPAIR;
    if (dec->max_repair > RQ_ROWS_MAX)
        dec->max_repair = RQ_ROWS_MAX;
    rc = alloc_symbols(dec, len);
    dec->open = rc == RQ_OK;
    return rc;
}

/* The entry of @esi, or the empty one where it belongs. */
static uint32_t *hash_entry(const struct rq_dec *dec, uint32_t esi)
{
    uint32_t i = esi * 0x9e3779b1u >> 7;

    for (;; i++) {
        uint32_t *entry = &dec->hash[i & dec->hash_mask];

        if (*entry == 0 || dec->slot_esi[*entry - 1] == esi)
            return entry;
    }
}

static void *source_slot(struct rq_dec *dec, uint32_t esi)
{
    if (dec->have[esi])
        return NULL;
    if (dec->view.N == 1)
        return rq_view_at(&dec->view, esi, 0, 0);
    if (dec->bounce_esi != UINT32_MAX && dec->bounce_esi != esi)
        return NULL;
    dec->bounce_esi = esi;
    return dec->b_bounce.p;
}

static void *repair_slot(struct rq_dec *dec, uint32_t esi)
{
    uint32_t *entry = hash_entry(dec, esi), slot;

    if (*entry == 0) {
        if (dec->n_slots == dec->max_repair)
            return NULL;
        dec->slot_esi[dec->n_slots] = esi;
        dec->slot_had[dec->n_slots] = 0;
        *entry = ++dec->n_slots;
    }
    slot = *entry - 1;
    return dec->slot_had[slot] ? NULL : dec->repair + (size_t)slot * dec->view.T;
}

void *rq_dec_slot(struct rq_dec *dec, uint32_t esi)
{
    if (!dec->open || dec->decoded || esi > RQ_ESI_MAX)
        return NULL;
    return esi < dec->p.K ? source_slot(dec, esi) : repair_slot(dec, esi);
}

void rq_dec_give_up(struct rq_dec *dec, uint32_t esi)
{
    if (dec->bounce_esi == esi)
        dec->bounce_esi = UINT32_MAX;
}

static void take_source(struct rq_dec *dec, uint32_t esi)
{
    dec->have[esi] = HERE;
    dec->n_source++;
}

static int have_source(struct rq_dec *dec, uint32_t esi)
{
    bool bounced = dec->bounce_esi == esi;

    if (bounced)
        dec->bounce_esi = UINT32_MAX;
    if (dec->have[esi])
        return RQ_DUPLICATE;
    if (dec->view.N > 1) {
        if (!bounced)
            return RQ_ERR_STATE;
        rq_view_store(&dec->view, esi, 0, dec->view.T, dec->b_bounce.p);
    }
    take_source(dec, esi);
    return RQ_OK;
}

static int have_repair(struct rq_dec *dec, uint32_t esi)
{
    uint32_t slot = *hash_entry(dec, esi);

    if (slot == 0)
        return dec->n_slots == dec->max_repair ? RQ_FULL : RQ_ERR_STATE;
    if (dec->slot_had[slot - 1])
        return RQ_DUPLICATE;
    dec->slot_had[slot - 1] = HERE;
    dec->n_repair++;
    return RQ_OK;
}

/* All source symbols are here: what is left is the end of a partial one. */
static int finish(struct rq_dec *dec)
{
    uint32_t K = dec->p.K;

    if (dec->view.tail)
        memcpy(dec->view.base + (size_t)(K - 1) * dec->view.T, dec->view.tail,
               dec->tail_length);
    dec->decoded = true;
    if (dec->ctx->z_owner == dec)
        dec->ctx->z_owner = NULL;
    return RQ_DECODED;
}

static int count_symbols(struct rq_dec *dec)
{
    if (dec->n_source == dec->p.K)
        return finish(dec);
    return dec->n_source + dec->n_repair < dec->p.K ? RQ_NEED_MORE : RQ_OK;
}

int rq_dec_have(struct rq_dec *dec, uint32_t esi)
{
    int rc;

    if (!dec->open)
        return RQ_ERR_STATE;
    if (esi > RQ_ESI_MAX)
        return RQ_ERR_ESI;
    if (dec->decoded)
        return RQ_DECODED;
    rc = esi < dec->p.K ? have_source(dec, esi) : have_repair(dec, esi);
    return rc == RQ_OK ? count_symbols(dec) : rc;
}

int rq_dec_add(struct rq_dec *dec, uint32_t esi, const void *symbol)
{
    void *slot;

    if (dec->open && !dec->decoded && dec->view.N > 1 && esi < dec->p.K &&
        !dec->have[esi]) { /* straight to its place: the bounce buffer may be in use */
        rq_view_store(&dec->view, esi, 0, dec->view.T, symbol);
        take_source(dec, esi);
        return count_symbols(dec);
    }
    slot = rq_dec_slot(dec, esi);
    if (slot)
        memcpy(slot, symbol, dec->view.T);
    return rq_dec_have(dec, esi);
}

/* ---- What is lost, what is at hand ---- */

static int find_lost(struct rq_dec *dec, uint32_t **lost, uint32_t *n)
{
    int rc = rq_buf_need(&dec->ctx->mem, &dec->lost,
                         (dec->p.K - dec->n_source) * sizeof(**lost));

    if (rc < 0)
        return rc;
    *lost = dec->lost.p;
    *n = 0;
    for (uint32_t m = 0; m < dec->p.K; m++)
        if (!dec->have[m])
            (*lost)[(*n)++] = m;
    return RQ_OK;
}

static uint32_t where_source(const struct rq_dec *dec, uint32_t m)
{
    if (m >= dec->p.K || !dec->have[m])
        return rq_where(0, IN_ZERO);
    return dec->view.tail && m == dec->p.K - 1 ? rq_where(0, IN_TAIL)
                                               : rq_where(m, IN_VIEW);
}

/* The first repair symbols, up to @max: their slots and internal ids. */
static uint32_t list_repair(const struct rq_dec *dec, uint32_t max, uint32_t *slot,
                            uint32_t *isi)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < dec->n_slots && n < max; i++) {
        if (!dec->slot_had[i])
            continue;
        slot[n] = i;
        isi[n++] = rq_isi(&dec->p, dec->slot_esi[i]);
    }
    return n;
}

static int need_jobs(struct rq_dec *dec)
{
    uint32_t w = rq_slice_width(dec->ctx->kernels, dec->p.L), n;
    unsigned threads = rq_ctx_threads(dec->ctx);
    int rc;

    if (dec->njobs)
        return RQ_OK;
    n = rq_cut_jobs(&dec->view, w, threads, 0, NULL, &dec->staged);
    rc = rq_buf_need(&dec->ctx->mem, &dec->jobs, n * sizeof(struct rq_job));
    if (rc < 0)
        return rc;
    dec->njobs = rq_cut_jobs(&dec->view, w, threads, 0, dec->jobs.p, &dec->staged);
    return RQ_OK;
}

static int need_where(struct rq_dec *dec, uint32_t n, uint32_t **out)
{
    int rc =
        rq_buf_need(&dec->ctx->mem, &dec->where, (n + RQ_WHERE_PAD) * sizeof(**out));

    *out = dec->where.p;
    if (rc < 0)
        return rc;
    for (uint32_t i = n; i < n + RQ_WHERE_PAD; i++)
        (*out)[i] = rq_where(0, IN_ZERO);
    return RQ_OK;
}

static int run(struct rq_dec *dec, struct rq_exec *x, enum rq_mode mode)
{
    int rc = need_jobs(dec);

    if (rc < 0)
        return rc;
    x->view = &dec->view;
    x->repair = dec->repair;
    x->n_repair = dec->staged ? dec->n_slots : 0;
    x->where = dec->where.p;
    dec->ctx->stats.mode = mode;
    rc = rq_ctx_run(dec->ctx, x, dec->jobs.p, dec->njobs, dec->staged);
    return rc < 0 ? rc : finish(dec);
}

/* ---- Few losses: by the coefficients of the repair symbols ---- */

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
        rc = need_where(dec, dec->n_source, &where);
    if (rc != RQ_OK)
        return rc;
    out = dec->lists.p;
    for (uint32_t m = 0; m < dec->p.K; m++, coef += ld) {
        if (dec->have[m]) {
            memcpy(out + known * ld, coef, ld);
            where[known++] = where_source(dec, m);
            continue;
        }
        for (uint32_t i = 0; i < n; i++)
            lost_part[i * e + j] = coef[i];
        j++;
    }
    return RQ_OK;
}

static int solve_matrix(struct rq_dec *dec, const uint32_t *lost, uint32_t e)
{
    uint32_t slot[RQ_GENERATOR_MAX], isi[RQ_GENERATOR_MAX];
    uint32_t n = list_repair(dec, RQ_GENERATOR_MAX, slot, isi);
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
    return run(dec, &x, RQ_MODE_GENERATOR);
}

/* ---- Some losses: the encoder's plan with zeros in their place ---- */

/* The coefficients of the lost symbols in the repair symbols isi[0..n): encodes unit
 * vectors of e octets. a is n rows of *lda octets. */
static int unit_coefficients(struct rq_dec *dec, const struct rq_plan *plan,
                             const struct rq_lists *lists, const uint32_t *lost,
                             uint32_t n, uint32_t e, size_t *lda)
{
    struct rq_ctx *ctx = dec->ctx;
    uint32_t T = (uint32_t)rq_round_up(e, RQ_SLICE_MIN), rows, *where;
    struct rq_shape shape = {e, T, 1, 1};
    struct rq_view units;
    struct rq_job job[RQ_ROWS_MAX / RQ_SLICE_MIN + 1];
    uint8_t **out;
    bool staged;
    uint32_t njobs;
    struct rq_exec x = {.view = &units,
                        .plan = plan,
                        .nout = n,
                        .out_count = lists->count,
                        .out_idx = lists->idx};
    size_t a_size = (size_t)n * T;
    int rc;

    if (T > RQ_ROWS_MAX)
        return RQ_ERR_LIMIT;
    rc = rq_buf_need(&ctx->mem, &ctx->unit_view, (size_t)e * T);
    if (rc == RQ_OK)
        rc = rq_buf_need(&ctx->mem, &ctx->unit_out, a_size + n * sizeof(*out));
    if (rc == RQ_OK)
        rc = rq_view_init(&units, &shape, ctx->unit_view.p, (size_t)e * T);
    rows = rq_plan_rows(plan);
    if (rc == RQ_OK)
        rc = need_where(dec, rows, &where);
    if (rc != RQ_OK)
        return rc;
    memset(units.base, 0, (size_t)e * T);
    for (uint32_t j = 0; j < e; j++)
        units.base[(size_t)j * T + j] = 1;
    out = (uint8_t **)(void *)((uint8_t *)ctx->unit_out.p + a_size);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (uint8_t *)ctx->unit_out.p + (size_t)i * T;
    for (uint32_t k = 0; k < rows; k++)
        where[k] = rq_where(0, IN_ZERO);
    /* rows of lost symbols, by binary search: lost is ascending */
    for (uint32_t k = 0; k < rows; k++) {
        uint32_t m = plan->row[k] - plan->p.S, lo = 0, hi = e;

        if (plan->row[k] < plan->p.S || m >= dec->p.K || dec->have[m])
            continue;
        while (lo < hi) {
            uint32_t mid = (lo + hi) / 2;

            if (lost[mid] < m)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (lo < e && lost[lo] == m)
            where[k] = rq_where(lo, IN_VIEW);
    }
    x.where = where;
    x.out = out;
    njobs = rq_cut_jobs(&units, rq_slice_width(ctx->kernels, plan->p.L),
                        rq_ctx_threads(ctx), 0, job, &staged);
    *lda = T;
    return rq_ctx_run(ctx, &x, job, njobs, staged);
}

static int solve_patch(struct rq_dec *dec, const uint32_t *lost, uint32_t e)
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
    n = list_repair(dec, n, slot, slot + n);
    rc = rq_lists_make(&ctx->mem, &dec->lists, plan, slot + n, n, &lists);
    if (rc == RQ_OK)
        rc = unit_coefficients(dec, plan, &lists, lost, n, e, &lda);
    if (rc == RQ_OK)
        rc = invert(dec, ctx->unit_out.p, lda, n, e);
    rows = rq_plan_rows(plan);
    if (rc == RQ_OK)
        rc = need_where(dec, rows, &where);
    if (rc != RQ_OK)
        return rc;
    for (uint32_t k = 0; k < rows; k++) {
        uint32_t r = plan->row[k];

        where[k] =
            r < plan->p.S ? rq_where(0, IN_ZERO) : where_source(dec, r - plan->p.S);
    }
    x.plan = plan;
    x.out_count = lists.count;
    x.out_idx = lists.idx;
    x.compare = slot;
    x.inverse = dec->inverse.p;
    x.lost = lost;
    ctx->stats.plan_size = plan->size;
    ctx->stats.xors = plan->xors + 4 * (uint64_t)n * e;
    return run(dec, &x, RQ_MODE_PATCH);
}

/* ---- In general: inactivation on the received symbols ---- */

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
            append_row(dec, m, where_source(dec, m));
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

/* The plan for all symbols at hand: found, or made; RQ_NEED_MORE. */
static int general_plan(struct rq_dec *dec, const struct rq_plan **plan)
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

static int solve_general(struct rq_dec *dec, const uint32_t *lost, uint32_t e)
{
    struct rq_ctx *ctx = dec->ctx;
    struct rq_exec x = {.nout = e, .lost = lost};
    const struct rq_plan *plan;
    struct rq_lists lists;
    uint32_t rows, *where;
    int rc = general_plan(dec, &plan);

    if (rc != RQ_OK)
        return rc;
    rc = rq_lists_make(&ctx->mem, &dec->lists, plan, lost, e, &lists);
    rows = rq_plan_rows(plan);
    if (rc == RQ_OK)
        rc = need_where(dec, rows, &where);
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
    return run(dec, &x, RQ_MODE_SLICES);
}

/* ---- Choice ---- */

static enum rq_mode pick_mode(const struct rq_dec *dec, uint32_t e)
{
    const struct rq_ctx *ctx = dec->ctx;
    uint64_t matrix, patch, general;
    uint32_t n = dec->n_repair < RQ_GENERATOR_MAX ? dec->n_repair : RQ_GENERATOR_MAX;
    bool can_matrix = e <= RQ_GENERATOR_MAX, can_patch = e <= RQ_PATCH_MAX;

    if (ctx->mode == RQ_MODE_GENERATOR && can_matrix)
        return RQ_MODE_GENERATOR;
    if (ctx->mode == RQ_MODE_PATCH && can_patch)
        return RQ_MODE_PATCH;
    if (ctx->mode != RQ_MODE_AUTO)
        return RQ_MODE_SLICES;
    general = rq_cost_general(ctx->kernels, &dec->p, dec->view.T, e);
    matrix = can_matrix
                 ? rq_cost_matrix_decode(ctx->kernels, &dec->p, dec->view.T, n, e)
                 : UINT64_MAX;
    patch =
        can_patch ? rq_cost_patch(ctx->kernels, &dec->p, dec->view.T, e) : UINT64_MAX;
    if (matrix <= patch && matrix <= general)
        return RQ_MODE_GENERATOR;
    return patch <= general ? RQ_MODE_PATCH : RQ_MODE_SLICES;
}

int rq_dec_solve(struct rq_dec *dec)
{
    uint32_t *lost, e;
    int rc;

    if (!dec->open)
        return RQ_ERR_STATE;
    if (dec->decoded)
        return RQ_DECODED;
    if (dec->n_source + dec->n_repair < dec->p.K)
        return RQ_NEED_MORE;
    rc = find_lost(dec, &lost, &e);
    if (rc < 0)
        return rc;
    rc = RQ_NEED_MORE;
    switch (pick_mode(dec, e)) {
    case RQ_MODE_GENERATOR:
        rc = solve_matrix(dec, lost, e);
        break;
    case RQ_MODE_PATCH:
        rc = solve_patch(dec, lost, e);
        break;
    case RQ_MODE_AUTO:
    case RQ_MODE_SLICES:
        return solve_general(dec, lost, e);
    }
    /* these two look at some of the repair symbols only: all of them may suffice */
    return rc == RQ_NEED_MORE ? solve_general(dec, lost, e) : rc;
}

int rq_dec_check(struct rq_dec *dec)
{
    const struct rq_plan *plan;

    if (!dec->open)
        return RQ_ERR_STATE;
    if (dec->decoded)
        return RQ_OK;
    if (dec->n_source + dec->n_repair < dec->p.K)
        return RQ_NEED_MORE;
    return general_plan(dec, &plan);
}
