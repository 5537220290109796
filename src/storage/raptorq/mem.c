#include "storage/raptorq/mem.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define HUGE_FROM (HUGE_PAGE / 2) /* smaller ones would waste most of it */

/* Large buffers are read and written from end to end many times: huge pages save most
 * of the page faults and TLB misses. Advice only; a system without them ignores it. */
static void *system_alloc(void *self, size_t size)
{
    size_t align = size >= HUGE_FROM ? HUGE_PAGE : RQ_ALIGN;
    void *p = aligned_alloc(align, rq_round_up(size, align));

    (void)self;
#ifdef MADV_HUGEPAGE
    if (p && size >= HUGE_FROM)
        (void)madvise(p, rq_round_up(size, align), MADV_HUGEPAGE);
#endif
    return p;
}

static void system_free(void *self, void *p, size_t size)
{
    (void)self;
    (void)size;
    free(p);
}

void rq_mem_init(struct rq_mem *mem, const struct rq_alloc *alloc, size_t limit)
{
    *mem = (struct rq_mem){.limit = limit ? limit : SIZE_MAX};
    mem->alloc = alloc ? *alloc : (struct rq_alloc){system_alloc, system_free, NULL};
}

void *rq_mem_get(struct rq_mem *mem, size_t n, int *status)
{
    void *p;

    *status = RQ_ERR_LIMIT;
    if (n > mem->limit - mem->used)
        return NULL;
    *status = RQ_ERR_MEMORY;
    p = mem->alloc.alloc(mem->alloc.self, n);
    if (!p)
        return NULL;
    mem->calls++;
    mem->used += n;
    *status = RQ_OK;
    return p;
}

void rq_mem_put(struct rq_mem *mem, void *p, size_t n)
{
    if (!p)
        return;
    mem->alloc.free(mem->alloc.self, p, n);
    mem->used -= n;
}

int rq_buf_need_spare(struct rq_mem *mem, struct rq_buf *buf, size_t n, size_t spare)
{
    size_t want = rq_round_up(n ? n : 1, RQ_ALIGN);
    int status;

    if (buf->size >= want)
        return RQ_OK;
    spare = rq_round_up(spare, RQ_ALIGN);
    rq_buf_free(mem, buf);
    if (mem->limit - mem->used > want && mem->limit - mem->used - want >= spare)
        want += spare;
    buf->p = rq_mem_get(mem, want, &status);
    if (buf->p)
        buf->size = want;
    return status;
}

int rq_buf_need(struct rq_mem *mem, struct rq_buf *buf, size_t n)
{
    return rq_buf_need_spare(mem, buf, n, buf->size ? n / 8 : 0);
}

void rq_buf_free(struct rq_mem *mem, struct rq_buf *buf)
{
    rq_mem_put(mem, buf->p, buf->size);
    *buf = (struct rq_buf){NULL, 0};
}
