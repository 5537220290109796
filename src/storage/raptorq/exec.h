/* The data phase: runs a plan or a coefficient matrix over the columns of a block.
 *
 * The columns are cut into jobs, which are independent of each other. A job sees w
 * columns of every symbol, w a multiple of 64. Columns that do not fill such a job at
 * the end of a sub-block are done together with some before them once more; sub-blocks
 * narrower than 64 octets are copied into rows of 64 first ("staged"). */
#ifndef OCHRE_RAPTORQ_EXEC_H
#define OCHRE_RAPTORQ_EXEC_H
#include <stdatomic.h>

#include "storage/raptorq/plan.h"
#include "storage/raptorq/view.h"

/* Regions of a where list. */
enum { IN_VIEW = 0, IN_REPAIR = 1, IN_ZERO = RQ_REGION_ZERO, IN_TAIL = 3 };

static inline uint32_t rq_where(uint32_t number, uint32_t region)
{
    return number << 2 | region;
}

struct rq_job {
    uint32_t col, sub;
    uint32_t w;    /* octets computed */
    uint32_t skip; /* of them, those that an earlier job writes */
    uint32_t n;    /* columns of the block among them: w, less if staged */
    size_t kept;   /* offset of its slots in a kept arena */
};

struct rq_exec {
    const struct rq_kernels *kernels;
    const struct rq_view *view;
    const uint8_t *repair; /* received repair symbols, T octets each */
    uint32_t n_repair;

    /* the symbols that go in: those of the rows a plan fetches (with padding behind),
     * or those the rows of a matrix belong to */
    const uint32_t *where;

    /* by a plan */
    const struct rq_plan *plan;
    bool solved; /* kept holds the intermediate symbols already */

    /* by a matrix: nin rows of ld coefficients */
    const uint8_t *coef;
    size_t ld;
    uint32_t nin;

    uint8_t *kept; /* all slots of all jobs, or NULL; with a matrix its outputs */

    /* outputs: lists of slots for a plan, columns of coef for a matrix */
    uint32_t nout;
    const uint8_t *out_count;
    const uint16_t *out_idx;
    uint8_t *const *out; /* where each goes, T octets; or, if NULL ... */

    /* ... outputs are compared with the repair symbols compare[i] and the differences
     * multiplied: view symbol lost[i] = sum inverse[j * inverse_ld + i] difference[j]
     */
    const uint32_t *compare;
    const uint8_t *inverse;
    size_t inverse_ld;
    uint32_t nlost;
    const uint32_t *lost; /* without compare: the outputs are these view symbols */

    const struct rq_job *jobs;
    uint32_t njobs;
    bool staged;

    struct rq_buf *scratch; /* one for each worker */
    atomic_uint next;
};

/* Octets of a slice. */
uint32_t rq_slice_width(const struct rq_kernels *k);

/* Cuts the columns of @view into jobs of at most @width octets for @threads; L slots
 * each are kept. Returns their number; writes them if @jobs is not NULL. */
uint32_t rq_cut_jobs(const struct rq_view *view, uint32_t width, unsigned threads,
                     uint32_t L, struct rq_job *jobs, bool *staged);

/* Runs all jobs on @workers (NULL: this thread); scratch has one buffer per worker. */
RQ_NODISCARD int rq_exec_run(struct rq_exec *x, struct rq_mem *mem,
                             const struct rq_workers *workers);

#endif
