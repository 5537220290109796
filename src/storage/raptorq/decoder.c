#include <string.h>

#include "storage/raptorq/cost.h"
#include "storage/raptorq/decoder.h"

#define SPARE_REPAIR 64 /* default room beyond K repair symbols */

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

uint32_t rq_dec_where_source(const struct rq_dec *dec, uint32_t m)
{
    if (m >= dec->p.K || !dec->have[m])
        return rq_where(0, IN_ZERO);
    return dec->view.tail && m == dec->p.K - 1 ? rq_where(0, IN_TAIL)
                                               : rq_where(m, IN_VIEW);
}

uint32_t rq_dec_list_repair(const struct rq_dec *dec, uint32_t max, uint32_t *slot,
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
    uint32_t w = rq_slice_width(dec->ctx->kernels), n;
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

int rq_dec_need_where(struct rq_dec *dec, uint32_t n, uint32_t **out)
{
    size_t room = dec->p.L + RQ_WHERE_PAD; /* for any list */
    int rc = rq_buf_need(&dec->ctx->mem, &dec->where, room * sizeof(**out));

    *out = dec->where.p;
    if (rc < 0)
        return rc;
    for (uint32_t i = n; i < n + RQ_WHERE_PAD; i++)
        (*out)[i] = rq_where(0, IN_ZERO);
    return RQ_OK;
}

int rq_dec_run(struct rq_dec *dec, struct rq_exec *x, enum rq_mode mode)
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
        rc = rq_dec_solve_matrix(dec, lost, e);
        break;
    case RQ_MODE_PATCH:
        rc = rq_dec_solve_patch(dec, lost, e);
        break;
    case RQ_MODE_AUTO:
    case RQ_MODE_SLICES:
        return rq_dec_solve_general(dec, lost, e);
    }
    /* these two look at some of the repair symbols only: all of them may suffice */
    return rc == RQ_NEED_MORE ? rq_dec_solve_general(dec, lost, e) : rc;
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
    return rq_dec_general_plan(dec, &plan);
}
