/* Buffers that only grow, counted against one limit. */
#ifndef OCHRE_RAPTORQ_MEM_H
#define OCHRE_RAPTORQ_MEM_H
#include <stddef.h>
#include <stdint.h>

#include "storage/raptorq/raptorq.h"

#define RQ_ALIGN 64

struct rq_mem {
    struct rq_alloc alloc;
    size_t limit; /* SIZE_MAX: none */
    size_t used;
    uint64_t calls;
};

struct rq_buf {
    void *p; /* owned */
    size_t size;
};

void rq_mem_init(struct rq_mem *mem, const struct rq_alloc *alloc, size_t limit);

/* @n octets aligned to 64, or NULL with *status set. */
void *rq_mem_get(struct rq_mem *mem, size_t n, int *status);
void rq_mem_put(struct rq_mem *mem, void *p, size_t n);

/* Makes @buf hold at least @n octets; its content is lost when it grows. A buffer that
 * grows again gets some slack, so that sizes that vary a little settle soon. */
RQ_NODISCARD int rq_buf_need(struct rq_mem *mem, struct rq_buf *buf, size_t n);
/* For sizes that depend on which symbols a block has: if it must grow and memory
 * allows, it holds @spare more, so that no like block makes it grow again. */
RQ_NODISCARD int rq_buf_need_spare(struct rq_mem *mem, struct rq_buf *buf, size_t n,
                                   size_t spare);
void rq_buf_free(struct rq_mem *mem, struct rq_buf *buf);

static inline size_t rq_round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Carves pieces out of a buffer, all of one alignment; with base NULL only measures. */
struct rq_carver {
    uint8_t *base;
    size_t used;
};

static inline void *rq_carve_aligned(struct rq_carver *c, size_t n, size_t align)
{
    size_t at = c->used;

    c->used += rq_round_up(n, align);
    return c->base ? c->base + at : NULL;
}

static inline void *rq_carve(struct rq_carver *c, size_t n)
{
    return rq_carve_aligned(c, n, RQ_ALIGN);
}

#endif
