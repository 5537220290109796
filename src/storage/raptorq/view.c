#include "storage/raptorq/view.h"

int rq_view_init(struct rq_view *v, const struct rq_shape *shape, void *base,
                 size_t len)
{
    struct rq_partition p;
    size_t full;

    if (shape->K < RQ_K_MIN || shape->K > RQ_K_MAX)
        return RQ_ERR_K;
    if (shape->Al == 0 || shape->Al > 255)
        return RQ_ERR_AL;
    if (shape->T == 0 || shape->T > RQ_T_MAX || shape->T % shape->Al)
        return RQ_ERR_T;
    if (shape->N == 0 || shape->N > shape->T / shape->Al)
        return RQ_ERR_N;
    full = (size_t)shape->K * shape->T;
    if (len > full || (len < full && shape->N > 1) || full - len >= shape->T)
        return RQ_ERR_LENGTH;
    p = rq_partition(shape->T / shape->Al, shape->N);
    *v = (struct rq_view){.base = base,
                          .K = shape->K,
                          .T = shape->T,
                          .N = shape->N,
                          .wide = p.IL * shape->Al,
                          .narrow = p.IS * shape->Al,
                          .n_wide = p.JL};
    return RQ_OK;
}

/* The part of [col, col + n) that lies in the sub-block of @col. */
static uint32_t run_length(const struct rq_view *v, uint32_t sub, uint32_t col,
                           uint32_t n)
{
    uint32_t left = rq_view_column(v, sub) + rq_view_width(v, sub) - col;

    return n < left ? n : left;
}

void rq_view_load(const struct rq_view *v, uint32_t m, uint32_t col, uint32_t n,
                  uint8_t *out)
{
    while (n > 0) {
        uint32_t sub = rq_view_sub(v, col), run = run_length(v, sub, col, n);

        memcpy(out, rq_view_at(v, m, sub, col), run);
        out += run;
        col += run;
        n -= run;
    }
}

void rq_view_store(const struct rq_view *v, uint32_t m, uint32_t col, uint32_t n,
                   const uint8_t *in)
{
    while (n > 0) {
        uint32_t sub = rq_view_sub(v, col), run = run_length(v, sub, col, n);

        memcpy(rq_view_at(v, m, sub, col), in, run);
        in += run;
        col += run;
        n -= run;
    }
}
