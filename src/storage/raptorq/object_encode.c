/* Objects to symbols. */
#include "storage/raptorq/object.h"

/* Lanes share the plans of encoders: the first to need one makes it for all. */
static int share_plan(struct rq_object *o, struct rq_lane *l)
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

static void encode_lane(void *arg, unsigned i)
{
    struct rq_object *o = arg;
    struct rq_lane *l = &o->lanes[i];

    l->rc = rq_enc_open(l->enc, &l->shape, l->octets, l->length);
    if (l->rc == RQ_OK)
        l->rc = rq_enc_run(l->enc, l->shape.K, o->repair, l->symbols.p);
}

static int put_one(struct rq_object *o, const struct rq_lane *l, uint32_t esi,
                   const uint8_t *symbol)
{
    struct rq_payload_id id = {(uint8_t)l->sbn, esi};

    return o->io->put_symbol(o->io->self, &id, l->col, symbol, l->shape.T) ? RQ_ERR_IO
                                                                           : RQ_OK;
}

static int put_sources(struct rq_object *o, struct rq_lane *l)
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

static int put_piece(struct rq_object *o, struct rq_lane *l)
{
    int rc = l->rc == RQ_OK ? put_sources(o, l) : l->rc;

    for (uint32_t i = 0; i < o->repair && rc == RQ_OK; i++)
        rc = put_one(o, l, l->shape.K + i,
                     (uint8_t *)l->symbols.p + (size_t)i * l->shape.T);
    return rc == RQ_OK ? rq_object_progress(o, rq_piece_length(o, l)) : rc;
}

int rq_encode_lanes(struct rq_object *o, unsigned n)
{
    int rc = RQ_OK;

    for (unsigned i = 0; i < n && rc == RQ_OK; i++) {
        struct rq_lane *l = &o->lanes[i];

        rc = rq_buf_need(&o->ctx->mem, &l->symbols,
                         ((size_t)o->repair + 1) * l->shape.T);
        if (rc == RQ_OK)
            rc = share_plan(o, l);
        if (rc == RQ_OK)
            rc = rq_piece_read(o, l);
    }
    if (rc < 0)
        return rc;
    rq_lanes_run(o, encode_lane, n);
    for (unsigned i = 0; i < n && rc == RQ_OK; i++)
        rc = put_piece(o, &o->lanes[i]);
    return rc;
}
