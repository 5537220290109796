/* How the symbols of a source block lie in the caller's memory (RFC 6330 4.4.1.2). */
#ifndef OCHRE_RAPTORQ_VIEW_H
#define OCHRE_RAPTORQ_VIEW_H
#include <stdint.h>
#include <string.h>

#include "storage/raptorq/raptorq.h"

struct rq_view {
    uint8_t *base;
    uint8_t
        *tail; /* T octets: symbol K-1 if the block's memory ends inside it, or NULL */
    uint32_t K, T, N;
    uint32_t wide, narrow,
        n_wide; /* octets of sub-symbols; the first n_wide are wide */
};

/* RQ_ERR_K, _T, _N, _AL, _LENGTH. The caller sets tail if rq_view_partial. */
RQ_NODISCARD int rq_view_init(struct rq_view *v, const struct rq_shape *shape,
                              void *base, size_t len);

/* Octets of symbol K-1 in the block's memory: T, or less if it is partial. */
static inline uint32_t rq_view_last(const struct rq_view *v, size_t len)
{
    return (uint32_t)(len - (size_t)(v->K - 1) * v->T);
}

static inline uint32_t rq_view_width(const struct rq_view *v, uint32_t sub)
{
    return sub < v->n_wide ? v->wide : v->narrow;
}

/* First column of a sub-block. */
static inline uint32_t rq_view_column(const struct rq_view *v, uint32_t sub)
{
    return sub < v->n_wide ? sub * v->wide
                           : v->n_wide * v->wide + (sub - v->n_wide) * v->narrow;
}

static inline uint32_t rq_view_sub(const struct rq_view *v, uint32_t col)
{
    uint32_t wide = v->n_wide * v->wide;

    return col < wide ? col / v->wide : v->n_wide + (col - wide) / v->narrow;
}

/* Octet @col of symbol @m, which lies in sub-block @sub. */
static inline uint8_t *rq_view_at(const struct rq_view *v, uint32_t m, uint32_t sub,
                                  uint32_t col)
{
    uint32_t start = rq_view_column(v, sub);

    if (v->tail && m == v->K - 1)
        return v->tail + col;
    return v->base + (size_t)v->K * start + (size_t)m * rq_view_width(v, sub) +
           (col - start);
}

/* Octets [col, col + n) of symbol @m, across sub-blocks. */
void rq_view_load(const struct rq_view *v, uint32_t m, uint32_t col, uint32_t n,
                  uint8_t *out);
void rq_view_store(const struct rq_view *v, uint32_t m, uint32_t col, uint32_t n,
                   const uint8_t *in);

#endif
