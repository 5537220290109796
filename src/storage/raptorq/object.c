/* Objects, block by block. */
#include <string.h>

#include "storage/raptorq/object.h"

/* ---- Lanes ---- */

static void free_lanes(struct rq_object *o)
{
    struct rq_mem *mem = &o->ctx->mem;

    for (unsigned i = 0; i < o->n_lanes; i++) {
        struct rq_lane *l = &o->lanes[i];

        rq_enc_free(l->enc);
        rq_dec_free(l->dec);
        rq_buf_free(mem, &l->source);
        rq_buf_free(mem, &l->symbols);
        rq_buf_free(mem, &l->ids);
        if (l->ctx != o->ctx)
            rq_ctx_free(l->ctx);
    }
    rq_mem_put(mem, o->lanes, o->n_lanes * sizeof(*o->lanes));
}

/* The context of lane @i: the caller's for the only one. Others count their memory
 * themselves, each against its share of what is left. */
static int lane_context(struct rq_object *o, struct rq_lane *l)
{
    struct rq_mem *mem = &o->ctx->mem;
    struct rq_config config = {
        .alloc = &mem->alloc, .kernel = o->ctx->kernels->name, .mode = o->ctx->mode};

    if (o->n_lanes == 1) {
        l->ctx = o->ctx;
        return RQ_OK;
    }
    if (mem->limit != SIZE_MAX)
        config.memory_limit = (mem->limit - mem->used) / (2 * o->n_lanes);
    return rq_ctx_new(&l->ctx, &config);
}

static int make_lanes(struct rq_object *o, unsigned n)
{
    int rc;

    o->lanes = rq_mem_get(&o->ctx->mem, n * sizeof(*o->lanes), &rc);
    if (!o->lanes)
        return rc;
    memset(o->lanes, 0, n * sizeof(*o->lanes));
    o->n_lanes = n;
    for (unsigned i = 0; i < n && rc == RQ_OK; i++) {
        rc = lane_context(o, &o->lanes[i]);
        if (rc == RQ_OK)
            rc = rq_enc_new(o->lanes[i].ctx, &o->lanes[i].enc);
        if (rc == RQ_OK)
            rc = rq_dec_new(o->lanes[i].ctx, &o->lanes[i].dec);
    }
    return rc;
}

int rq_object_progress(struct rq_object *o, uint64_t octets)
{
    o->done += octets;
    if (octets && o->io->progress && o->io->progress(o->io->self, o->done, o->oti->F))
        return RQ_ERR_IO;
    return RQ_OK;
}

/* Octets of symbol @m of a piece that does not lie in one run. */
static uint32_t row_length(const struct rq_object *o, const struct rq_lane *l,
                           uint32_t m)
{
    uint64_t at = l->offset + (uint64_t)m * l->stride;

    if (at >= o->oti->F)
        return 0;
    return o->oti->F - at < l->shape.T ? (uint32_t)(o->oti->F - at) : l->shape.T;
}

uint64_t rq_piece_length(const struct rq_object *o, const struct rq_lane *l)
{
    uint64_t n = (uint64_t)l->shape.K * l->shape.T, left;

    if (l->whole) {
        left = l->offset < o->oti->F ? o->oti->F - l->offset : 0;
        return n < left ? n : left;
    }
    n = 0;
    for (uint32_t m = 0; m < l->shape.K; m++)
        n += row_length(o, l, m);
    return n;
}

static void whole_block(const struct rq_object *o, struct rq_lane *l)
{
    l->shape = (struct rq_shape){l->block.K, o->oti->T, o->oti->N, o->oti->Al};
    l->col = 0;
    l->offset = l->block.offset;
    l->stride = o->oti->T;
    l->whole = true;
}

/* The piece of columns from @col on, at most @width of them: within one sub-block. */
static void some_columns(const struct rq_object *o, struct rq_lane *l, uint32_t col,
                         uint32_t width)
{
    const struct rq_oti *oti = o->oti;
    struct rq_partition p = rq_partition(oti->T / oti->Al, oti->N);
    uint32_t wide = p.IL * oti->Al, narrow = p.IS * oti->Al, all_wide = p.JL * wide;
    bool in_wide = col < all_wide;
    uint32_t size = in_wide ? wide : narrow;
    uint32_t within = in_wide ? col % wide : (col - all_wide) % narrow;
    uint32_t left = size - within;

    l->shape = (struct rq_shape){l->block.K, width < left ? width : left, 1, 1};
    l->col = col;
    l->offset = l->block.offset + (uint64_t)l->block.K * (col - within) + within;
    l->stride = size;
    l->whole = l->shape.T == size;
}

int rq_piece_place(struct rq_object *o, struct rq_lane *l)
{
    size_t n = (size_t)l->shape.K * l->shape.T, have = (size_t)rq_piece_length(o, l);
    int rc;

    if (o->io->memory && l->whole && n - have < (l->shape.N == 1 ? l->shape.T : 1)) {
        l->octets = (uint8_t *)o->io->memory + l->offset;
        l->length = have;
        return RQ_OK;
    }
    rc = rq_buf_need(&o->ctx->mem, &l->source, n);
    l->octets = l->source.p;
    l->length = n;
    return rc;
}

static bool in_place(const struct rq_lane *l)
{
    return l->octets != l->source.p;
}

static int get_octets(const struct rq_object *o, uint64_t offset, void *to, size_t n)
{
    if (n == 0)
        return RQ_OK;
    if (!o->io->memory)
        return o->io->read(o->io->self, offset, to, n) ? RQ_ERR_IO : RQ_OK;
    memcpy(to, (const uint8_t *)o->io->memory + offset, n);
    return RQ_OK;
}

static int put_octets(const struct rq_object *o, uint64_t offset, const void *from,
                      size_t n)
{
    if (n == 0)
        return RQ_OK;
    if (!o->io->memory)
        return o->io->write(o->io->self, offset, from, n) ? RQ_ERR_IO : RQ_OK;
    memcpy((uint8_t *)o->io->memory + offset, from, n);
    return RQ_OK;
}

int rq_piece_read(struct rq_object *o, struct rq_lane *l)
{
    size_t n = (size_t)l->shape.K * l->shape.T;
    int rc = rq_piece_place(o, l);
    uint8_t *to = l->octets;
    uint64_t have;

    if (rc < 0 || in_place(l))
        return rc;
    if (l->whole) {
        have = rq_piece_length(o, l);
        memset(to + have, 0, n - have);
        return get_octets(o, l->offset, to, have);
    }
    for (uint32_t m = 0; m < l->shape.K && rc == RQ_OK; m++, to += l->shape.T) {
        uint32_t row = row_length(o, l, m);

        memset(to + row, 0, l->shape.T - row);
        rc = get_octets(o, l->offset + (uint64_t)m * l->stride, to, row);
    }
    return rc;
}

int rq_piece_write(struct rq_object *o, struct rq_lane *l)
{
    const uint8_t *from = l->octets;
    uint64_t n = rq_piece_length(o, l);
    int rc = RQ_OK;

    if (l->whole && !in_place(l))
        rc = put_octets(o, l->offset, from, n);
    for (uint32_t m = 0; !l->whole && m < l->shape.K && rc == RQ_OK; m++) {
        rc = put_octets(o, l->offset + (uint64_t)m * l->stride, from,
                        row_length(o, l, m));
        from += l->shape.T;
    }
    return rc == RQ_OK ? rq_object_progress(o, n) : rc;
}

void rq_lanes_run(struct rq_object *o, void (*job)(void *object, unsigned lane),
                  unsigned n)
{
    const struct rq_workers *workers = o->ctx->workers;

    if (n > 1)
        workers->run(workers->self, job, o, n);
    else
        job(o, 0);
}

/* ---- Both ---- */

/* Octets that one lane's buffers take for a symbol octet of the largest block. */
static uint64_t rows_of(const struct rq_object *o, bool decode)
{
    uint32_t K = 0;
    struct rq_block b;

    if (rq_oti_block(o->oti, 0, &b) == RQ_OK)
        K = b.K; /* the first block is among the largest */
    return (uint64_t)K + (decode ? (uint64_t)K + SPARE_REPAIR : o->repair + 1);
}

/* The widest piece that fits: T for whole blocks. */
static uint32_t piece_width(const struct rq_object *o, uint64_t rows, size_t memory)
{
    uint64_t w = memory / rows;

    if (w >= o->oti->T)
        return o->oti->T;
    w -= w % RQ_SLICE_MIN;
    return w < RQ_SLICE_MIN ? RQ_SLICE_MIN : (uint32_t)w;
}

static int run_piece(struct rq_object *o, unsigned n, bool decode, uint32_t *sbn)
{
    return decode ? rq_decode_lanes(o, n, sbn) : rq_encode_lanes(o, n);
}

/* Blocks [from, from + n), one per lane. */
static int run_blocks(struct rq_object *o, uint32_t from, unsigned n, bool decode,
                      uint32_t *sbn)
{
    int rc;

    for (unsigned i = 0; i < n; i++) {
        struct rq_lane *l = &o->lanes[i];

        l->sbn = from + i;
        rc = rq_oti_block(o->oti, l->sbn, &l->block);
        whole_block(o, l);
        if (rc == RQ_OK && decode)
            rc = rq_decode_list(o, l);
        if (rc < 0)
            return rc;
    }
    return run_piece(o, n, decode, sbn);
}

static int run_columns(struct rq_object *o, uint32_t sbn, uint32_t width, bool decode,
                       uint32_t *failed)
{
    struct rq_lane *l = &o->lanes[0];
    int rc;

    l->sbn = sbn;
    rc = rq_oti_block(o->oti, sbn, &l->block);
    if (rc == RQ_OK && decode)
        rc = rq_decode_list(o, l);
    for (uint32_t col = 0; col < o->oti->T && rc == RQ_OK; col += l->shape.T) {
        some_columns(o, l, col, width);
        rc = run_piece(o, 1, decode, failed);
    }
    return rc;
}

static int run_object(struct rq_object *o, bool decode, uint32_t *failed)
{
    unsigned threads = rq_ctx_threads(o->ctx), lanes = 1;
    uint64_t rows = rows_of(o, decode);
    uint32_t Z = o->oti->Z, width;
    int rc;

    if (threads > 1 && Z >= threads &&
        piece_width(o, rows, o->memory / threads) == o->oti->T)
        lanes = threads;
    width = piece_width(o, rows, o->memory / lanes);
    rc = make_lanes(o, lanes);
    for (uint32_t sbn = 0; sbn < Z && rc == RQ_OK;) {
        unsigned n = Z - sbn < lanes ? Z - sbn : lanes;

        if (width == o->oti->T)
            rc = run_blocks(o, sbn, n, decode, failed);
        else
            rc = run_columns(o, sbn, width, decode, failed);
        sbn += n;
    }
    free_lanes(o);
    return rc;
}

int rq_object_encode(struct rq_ctx *ctx, const struct rq_oti *oti, uint32_t repair,
                     bool with_source, size_t memory, const struct rq_object_io *io)
{
    struct rq_object o = {.ctx = ctx,
                          .oti = oti,
                          .io = io,
                          .repair = repair,
                          .with_source = with_source,
                          .memory = memory ? memory : RQ_OBJECT_MEMORY};
    int rc = rq_oti_check(oti);
    uint32_t unused;

    if (rc < 0)
        return rc;
    if (repair > RQ_ESI_MAX + 1 - RQ_K_MAX)
        return RQ_ERR_ESI;
    return run_object(&o, false, &unused);
}

int rq_object_decode(struct rq_ctx *ctx, const struct rq_oti *oti, size_t memory,
                     const struct rq_object_io *io, uint32_t *sbn)
{
    struct rq_object o = {
        .ctx = ctx, .oti = oti, .io = io, .memory = memory ? memory : RQ_OBJECT_MEMORY};
    int rc = rq_oti_check(oti);

    return rc < 0 ? rc : run_object(&o, true, sbn);
}
