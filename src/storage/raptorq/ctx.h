/* What encoders and decoders of one context share. */
#ifndef OCHRE_RAPTORQ_CTX_H
#define OCHRE_RAPTORQ_CTX_H
#include "storage/raptorq/exec.h"
#include "storage/raptorq/generator.h"

#define RQ_MATRICES  4 /* generator matrices kept */
#define RQ_DECODINGS 4 /* decoder plans kept */

/* Coefficients of some encoding symbols of blocks with this K'. */
struct rq_matrix {
    uint32_t Kp, n;
    uint32_t isi[RQ_GENERATOR_MAX];
    struct rq_buf coef; /* K' x (n rounded up to 8) */
    uint64_t used;
};

/* The plan for one set of received symbols, found again by the ids. */
struct rq_decoding {
    uint32_t Kp, n;
    struct rq_buf isi, body;
    struct rq_plan plan;
    uint64_t used;
};

struct rq_ctx {
    struct rq_mem mem;
    const struct rq_kernels *kernels;
    const struct rq_workers *workers;
    struct rq_workers workers_copy;
    enum rq_mode mode;

    struct rq_symbolic z;
    const void *z_owner; /* decoder whose unfinished peel z holds, or NULL */
    struct rq_buf ids;

    struct rq_plan **plans; /* encoder plans, the one used last first */
    unsigned plan_cache, nplans;
    struct rq_matrix matrices[RQ_MATRICES];
    struct rq_decoding decodings[RQ_DECODINGS];
    uint64_t clock; /* for the caches' ages */

    struct rq_buf *scratch; /* one per worker */
    struct rq_buf generator_work, invert_work;
    struct rq_buf unit_view, unit_out; /* see decoder.c, patch mode */
    struct rq_stats stats;
};

/* The encoder plan for @p: cached, or made and kept. The reference is the cache's. */
RQ_NODISCARD int rq_ctx_plan(struct rq_ctx *ctx, const struct rq_params *p,
                             struct rq_plan **out);

/* Coefficients of the encoding symbols isi[0..n), n <= 64; made if not cached. */
RQ_NODISCARD int rq_ctx_matrix(struct rq_ctx *ctx, const struct rq_params *p,
                               const uint32_t *isi, uint32_t n, const uint8_t **out);

static inline unsigned rq_ctx_threads(const struct rq_ctx *ctx)
{
    return ctx->workers ? ctx->workers->threads : 1;
}

/* Fills in what every run has and runs it; the jobs lie in @jobs. */
RQ_NODISCARD int rq_ctx_run(struct rq_ctx *ctx, struct rq_exec *x,
                            const struct rq_job *jobs, uint32_t njobs, bool staged);

/* The internal symbol id of an ESI (RFC 6330 5.3.1). */
static inline uint32_t rq_isi(const struct rq_params *p, uint32_t esi)
{
    return esi < p->K ? esi : esi + (p->Kp - p->K);
}

/* Lists of the slots that make up encoding symbols. */
struct rq_lists {
    uint8_t *count;
    uint16_t *idx;
};
RQ_NODISCARD int rq_lists_make(struct rq_mem *mem, struct rq_buf *buf,
                               const struct rq_plan *plan, const uint32_t *isi,
                               uint32_t n, struct rq_lists *out);

#endif
