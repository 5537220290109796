/* Objects, block by block.
 *
 * A piece of work is a whole block if it fits the memory, else some columns of one of
 * its sub-blocks: columns are independent of each other, so these are a block with
 * smaller symbols. Whole blocks are worked on by as many lanes at once as there are
 * threads, each with a context of its own; a block alone, or columns, by all threads
 * together. */
#include <string.h>

#include "storage/raptorq/ctx.h"

#define SPARE_REPAIR 64 /* repair symbols a decoder has room for beyond the losses */

/* One piece of work and what it needs. */
struct lane {
    struct rq_ctx *ctx;
    struct rq_enc *enc;
    struct rq_dec *dec;
    uint32_t sbn;
    struct rq_block block;
    struct rq_shape shape;
    uint32_t col;    /* first column of the block */
    uint64_t offset; /* of the piece in the object, where its first octet is */
    uint32_t stride; /* octets from symbol to symbol there */
    bool whole;      /* the piece lies in one run of octets */
    uint8_t *octets; /* its source symbols: in the caller's memory or in source */
    size_t length;   /* octets of them that are in the object or padded with zeros */
    struct rq_buf source, symbols;
    struct rq_buf ids; /* decoder: what list_symbols said */
    size_t n_ids, next_id;
    bool sources_done;
    int rc;
};

struct object {
    struct rq_ctx *ctx;
    const struct rq_oti *oti;
    const struct rq_object_io *io;
    uint32_t repair;
    bool with_source;
    size_t memory;
    uint64_t done;
    struct lane *lanes;
    unsigned n_lanes;
};

/* ---- Lanes ---- */

static void free_lanes(struct object *o)
{
    struct rq_mem *mem = &o->ctx->mem;

    for (unsigned i = 0; i < o->n_lanes; i++) {
        struct lane *l = &o->lanes[i];

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
static int lane_context(struct object *o, struct lane *l)
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

static int make_lanes(struct object *o, unsigned n)
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

/* Lanes share the plans of encoders: the first to need one makes it for all. */
static int share_plan(struct object *o, struct lane *l)
{
    struct rq_params p;
    struct rq_plan *plan;
    int rc = rq_params_init(&p, l->block.K);

    if (l->ctx == o->ctx || rc < 0)
        return rc;
    rc = rq_ctx_plan(o->ctx, &p, &plan);
    if (rc == RQ_OK)
        rq_ctx_keep_plan(l->ctx, plan);
    return rc;
}

static int progress(struct object *o, uint64_t octets)
{
    o->done += octets;
    if (octets && o->io->progress && o->io->progress(o->io->self, o->done, o->oti->F))
        return RQ_ERR_IO;
    return RQ_OK;
}

/* Octets of symbol @m of a piece that does not lie in one run. */
static uint32_t row_length(const struct object *o, const struct lane *l, uint32_t m)
{
    uint64_t at = l->offset + (uint64_t)m * l->stride;

    if (at >= o->oti->F)
        return 0;
    return o->oti->F - at < l->shape.T ? (uint32_t)(o->oti->F - at) : l->shape.T;
}

/* Octets of the piece that are in the object, not padding. */
static uint64_t piece_length(const struct object *o, const struct lane *l)
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

static void whole_block(const struct object *o, struct lane *l)
{
    l->shape = (struct rq_shape){l->block.K, o->oti->T, o->oti->N, o->oti->Al};
    l->col = 0;
    l->offset = l->block.offset;
    l->stride = o->oti->T;
    l->whole = true;
}

/* The piece of columns from @col on, at most @width of them: within one sub-block. */
static void some_columns(const struct object *o, struct lane *l, uint32_t col,
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

/* Where the piece's source symbols go: to their place in the caller's memory if they
 * can be worked on there, else to a buffer. */
static int place_piece(struct object *o, struct lane *l)
{
    size_t n = (size_t)l->shape.K * l->shape.T, have = (size_t)piece_length(o, l);
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

static bool in_place(const struct lane *l)
{
    return l->octets != l->source.p;
}

static int get_octets(const struct object *o, uint64_t offset, void *to, size_t n)
{
    if (n == 0)
        return RQ_OK;
    if (!o->io->memory)
        return o->io->read(o->io->self, offset, to, n) ? RQ_ERR_IO : RQ_OK;
    memcpy(to, (const uint8_t *)o->io->memory + offset, n);
    return RQ_OK;
}

static int put_octets(const struct object *o, uint64_t offset, const void *from,
                      size_t n)
{
    if (n == 0)
        return RQ_OK;
    if (!o->io->memory)
        return o->io->write(o->io->self, offset, from, n) ? RQ_ERR_IO : RQ_OK;
    memcpy((uint8_t *)o->io->memory + offset, from, n);
    return RQ_OK;
}

/* ---- Encoding ---- */

static int read_piece(struct object *o, struct lane *l)
{
    size_t n = (size_t)l->shape.K * l->shape.T;
    int rc = place_piece(o, l);
    uint8_t *to = l->octets;
    uint64_t have;

    if (rc < 0 || in_place(l))
        return rc;
    if (l->whole) {
        have = piece_length(o, l);
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

static void encode_lane(void *arg, unsigned i)
{
    struct object *o = arg;
    struct lane *l = &o->lanes[i];

    l->rc = rq_enc_open(l->enc, &l->shape, l->octets, l->length);
    if (l->rc == RQ_OK)
        l->rc = rq_enc_run(l->enc, l->shape.K, o->repair, l->symbols.p);
}

static int put_one(struct object *o, const struct lane *l, uint32_t esi,
                   const uint8_t *symbol)
{
    struct rq_payload_id id = {(uint8_t)l->sbn, esi};

    return o->io->put_symbol(o->io->self, &id, l->col, symbol, l->shape.T) ? RQ_ERR_IO
                                                                           : RQ_OK;
}

static int put_sources(struct object *o, struct lane *l)
{
    int rc = RQ_OK;

    if (!o->with_source)
        return RQ_OK;
    for (uint32_t m = 0; m < l->shape.K && rc == RQ_OK; m++) {
        const uint8_t *symbol = l->octets + (size_t)m * l->shape.T;
        uint8_t *gathered = (uint8_t *)l->symbols.p + (size_t)o->repair * l->shape.T;

        if (l->shape.N > 1 || (size_t)(m + 1) * l->shape.T > l->length) {
            rc = rq_enc_run(l->enc, m, 1, gathered);
            symbol = gathered;
        }
        if (rc == RQ_OK)
            rc = put_one(o, l, m, symbol);
    }
    return rc;
}

static int put_piece(struct object *o, struct lane *l)
{
    int rc = l->rc == RQ_OK ? put_sources(o, l) : l->rc;

    for (uint32_t i = 0; i < o->repair && rc == RQ_OK; i++)
        rc = put_one(o, l, l->shape.K + i,
                     (uint8_t *)l->symbols.p + (size_t)i * l->shape.T);
    return rc == RQ_OK ? progress(o, piece_length(o, l)) : rc;
}

static int encode_lanes(struct object *o, unsigned n)
{
    const struct rq_workers *workers = o->ctx->workers;
    int rc = RQ_OK;

    for (unsigned i = 0; i < n && rc == RQ_OK; i++) {
        struct lane *l = &o->lanes[i];

        rc = rq_buf_need(&o->ctx->mem, &l->symbols,
                         ((size_t)o->repair + 1) * l->shape.T);
        if (rc == RQ_OK)
            rc = share_plan(o, l);
        if (rc == RQ_OK)
            rc = read_piece(o, l);
    }
    if (rc < 0)
        return rc;
    if (n > 1)
        workers->run(workers->self, encode_lane, o, n);
    else
        encode_lane(o, 0);
    for (unsigned i = 0; i < n && rc == RQ_OK; i++)
        rc = put_piece(o, &o->lanes[i]);
    return rc;
}

/* ---- Decoding ---- */

static int list_ids(struct object *o, struct lane *l)
{
    size_t max = 2 * (size_t)l->block.K + 1024;
    int rc = rq_buf_need(&o->ctx->mem, &l->ids, max * sizeof(uint32_t));

    if (rc < 0)
        return rc;
    l->n_ids = o->io->list_symbols(o->io->self, l->sbn, l->ids.p, max);
    if (l->n_ids > max)
        l->n_ids = max;
    return RQ_OK;
}

/* Gets one symbol; RQ_DUPLICATE if it is of no use. */
static int get_one(struct object *o, struct lane *l, uint32_t esi)
{
    struct rq_payload_id id = {(uint8_t)l->sbn, esi};
    void *slot = rq_dec_slot(l->dec, esi);
    int rc;

    if (!slot)
        return RQ_DUPLICATE;
    rc = o->io->get_symbol(o->io->self, &id, l->col, slot, l->shape.T);
    if (rc == 0)
        return rq_dec_have(l->dec, esi);
    rq_dec_give_up(l->dec, esi);
    return rc < 0 ? RQ_ERR_IO : RQ_DUPLICATE;
}

/* Gets symbols until there are enough to try, all source symbols first; one more than
 * before if that was not enough. RQ_NEED_MORE when there are none left. */
static int get_more(struct object *o, struct lane *l)
{
    const uint32_t *ids = l->ids.p;
    int rc = RQ_NEED_MORE;

    while (rc == RQ_NEED_MORE || rc == RQ_DUPLICATE ||
           (rc == RQ_OK && !l->sources_done)) {
        uint32_t esi;

        if (l->next_id == l->n_ids) {
            if (l->sources_done)
                return RQ_NEED_MORE;
            l->sources_done = true;
            l->next_id = 0;
            continue;
        }
        esi = ids[l->next_id++];
        if ((esi < l->shape.K) == l->sources_done || esi > RQ_ESI_MAX)
            continue;
        rc = get_one(o, l, esi);
    }
    return rc;
}

static uint32_t count_sources(const struct lane *l)
{
    const uint32_t *ids = l->ids.p;
    uint32_t n = 0;

    for (size_t i = 0; i < l->n_ids; i++)
        n += ids[i] < l->shape.K;
    return n < l->shape.K ? n : l->shape.K;
}

static int open_piece(struct object *o, struct lane *l)
{
    int rc = place_piece(o, l);

    if (rc == RQ_OK)
        rc = rq_dec_open(l->dec, &l->shape, l->octets, l->length,
                         l->shape.K - count_sources(l) + SPARE_REPAIR);
    l->next_id = 0;
    l->sources_done = false;
    return rc;
}

static void decode_lane(void *arg, unsigned i)
{
    struct object *o = arg;
    struct lane *l = &o->lanes[i];

    if (l->rc == RQ_OK)
        l->rc = rq_dec_solve(l->dec);
}

static int write_piece(struct object *o, struct lane *l)
{
    const uint8_t *from = l->octets;
    uint64_t n = piece_length(o, l);
    int rc = RQ_OK;

    if (l->whole && !in_place(l))
        rc = put_octets(o, l->offset, from, n);
    for (uint32_t m = 0; !l->whole && m < l->shape.K && rc == RQ_OK; m++) {
        rc = put_octets(o, l->offset + (uint64_t)m * l->stride, from,
                        row_length(o, l, m));
        from += l->shape.T;
    }
    return rc == RQ_OK ? progress(o, n) : rc;
}

/* Symbols for all lanes are got on this thread, then all solve; those that need more go
 * round again. */
static int decode_lanes(struct object *o, unsigned n, uint32_t *sbn)
{
    const struct rq_workers *workers = o->ctx->workers;
    bool again = true;
    int rc;

    for (unsigned i = 0; i < n; i++) {
        rc = open_piece(o, &o->lanes[i]);
        if (rc < 0)
            return rc;
        o->lanes[i].rc = RQ_NEED_MORE;
    }
    while (again) {
        again = false;
        for (unsigned i = 0; i < n; i++) {
            struct lane *l = &o->lanes[i];

            if (l->rc != RQ_NEED_MORE)
                continue;
            l->rc = get_more(o, l);
            if (l->rc == RQ_NEED_MORE)
                *sbn = l->sbn;
            if (l->rc != RQ_OK && l->rc != RQ_DECODED)
                return l->rc == RQ_FULL ? RQ_NEED_MORE : l->rc;
        }
        if (n > 1)
            workers->run(workers->self, decode_lane, o, n);
        else
            decode_lane(o, 0);
        for (unsigned i = 0; i < n; i++)
            again = again || o->lanes[i].rc == RQ_NEED_MORE;
    }
    rc = RQ_OK;
    for (unsigned i = 0; i < n && rc == RQ_OK; i++)
        rc = o->lanes[i].rc < 0 ? o->lanes[i].rc : write_piece(o, &o->lanes[i]);
    return rc;
}

/* ---- Both ---- */

/* Octets that one lane's buffers take for a symbol octet of the largest block. */
static uint64_t rows_of(const struct object *o, bool decode)
{
    uint32_t K = 0;
    struct rq_block b;

    if (rq_oti_block(o->oti, 0, &b) == RQ_OK)
        K = b.K; /* the first block is among the largest */
    return (uint64_t)K + (decode ? (uint64_t)K + SPARE_REPAIR : o->repair + 1);
}

/* The widest piece that fits: T for whole blocks. */
static uint32_t piece_width(const struct object *o, uint64_t rows, size_t memory)
{
    uint64_t w = memory / rows;

    if (w >= o->oti->T)
        return o->oti->T;
    w -= w % RQ_SLICE_MIN;
    return w < RQ_SLICE_MIN ? RQ_SLICE_MIN : (uint32_t)w;
}

static int run_piece(struct object *o, unsigned n, bool decode, uint32_t *sbn)
{
    return decode ? decode_lanes(o, n, sbn) : encode_lanes(o, n);
}

/* Blocks [from, from + n), one per lane. */
static int run_blocks(struct object *o, uint32_t from, unsigned n, bool decode,
                      uint32_t *sbn)
{
    int rc;

    for (unsigned i = 0; i < n; i++) {
        struct lane *l = &o->lanes[i];

        l->sbn = from + i;
        rc = rq_oti_block(o->oti, l->sbn, &l->block);
        whole_block(o, l);
        if (rc == RQ_OK && decode)
            rc = list_ids(o, l);
        if (rc < 0)
            return rc;
    }
    return run_piece(o, n, decode, sbn);
}

static int run_columns(struct object *o, uint32_t sbn, uint32_t width, bool decode,
                       uint32_t *failed)
{
    struct lane *l = &o->lanes[0];
    int rc;

    l->sbn = sbn;
    rc = rq_oti_block(o->oti, sbn, &l->block);
    if (rc == RQ_OK && decode)
        rc = list_ids(o, l);
    for (uint32_t col = 0; col < o->oti->T && rc == RQ_OK; col += l->shape.T) {
        some_columns(o, l, col, width);
        rc = run_piece(o, 1, decode, failed);
    }
    return rc;
}

static int run_object(struct object *o, bool decode, uint32_t *failed)
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
    struct object o = {.ctx = ctx,
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
    struct object o = {
        .ctx = ctx, .oti = oti, .io = io, .memory = memory ? memory : RQ_OBJECT_MEMORY};
    int rc = rq_oti_check(oti);

    return rc < 0 ? rc : run_object(&o, true, sbn);
}
