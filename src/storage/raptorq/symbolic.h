/* The symbolic phase: from the ids of the known symbols to a plan (doc/raptorq.md).
 *
 * Steps, each in its own file: matrix.c writes the binary rows of the constraint matrix
 * A; peel.c orders them so that all but u columns follow one after the other; dense.c
 * expresses what is left in the u inactive columns and solves it; plan.c writes the
 * outcome down. HDPC rows never enter before dense.c, so everything up to there is
 * binary.
 *
 * All of it lives in one workspace that is reused from block to block. */
#ifndef OCHRE_RAPTORQ_SYMBOLIC_H
#define OCHRE_RAPTORQ_SYMBOLIC_H
#include <stdint.h>

#include "storage/raptorq/kernels.h"
#include "storage/raptorq/mem.h"
#include "storage/raptorq/tuple.h"

#define RQ_NONE       0xffff
#define RQ_ROWS_MAX   65000 /* binary rows: their numbers must fit 16 bits */
#define RQ_SPARE_ROWS 64    /* rows that rq_matrix_add may add */

/* A binary row: its columns below W are cols[at .. at + n), and it has npi PI columns.
 */
struct rq_row {
    uint32_t at;
    uint16_t n, npi;
    uint16_t pi[3];
    uint16_t sum; /* XOR of the columns below W */
};

/* How one intermediate symbol or residual row is gathered: nact slots of peeled
 * columns, then nin slots of inactive ones. Rows are far shorter: an LDPC row of the
 * largest block has 190 columns (ldpc_capacity), an LT row 33 at most. */
struct rq_fetch {
    uint8_t nact, nin;
};
#define RQ_FETCH_MAX 255

struct rq_symbolic {
    struct rq_mem *mem;
    const struct rq_kernels *kernels;
    struct rq_params p;
    struct rq_tupler tupler;

    /* matrix.c: rows 0..S-1 are LDPC, S..S+N-1 the LT rows in the order given */
    uint32_t nrows;
    uint32_t
        nrows_peeled; /* rows that took part in the peel; later ones are residual */
    struct rq_row *row;
    uint16_t *cols, *entry_row; /* by entry: its column; its row if that is an LT row */
    uint32_t cols_end;
    uint32_t *col_at;  /* W + 1 */
    uint16_t *col_row; /* rows of column c: col_row[col_at[c] .. col_at[c+1]) */
    struct rq_buf b_rows, b_cols;

    /* peel.c */
    uint32_t *heads;        /* scratch, one for each row at least */
    uint32_t M;             /* peeled columns; slot k < M holds the k-th of them */
    uint32_t u;             /* inactive columns: slots M .. L-1 */
    uint16_t *slot;         /* [L] slot of a column */
    uint16_t *order;        /* [nrows] row of slot k; from M on the residual rows */
    uint16_t *inactive;     /* [L] the inactive columns, PI first */
    struct rq_fetch *fetch; /* [nrows] in that order */
    uint16_t *idx;          /* the slots they fetch */
    uint16_t *idx_residual; /* where those of order[M] begin */
    struct rq_buf b_peel, b_list;

    /* dense.c */
    uint32_t nb;         /* binary pivots */
    uint32_t nh;         /* columns left for HDPC rows: u - nb */
    uint16_t *pivot_row; /* [R] from nb on without meaning; 0 is row order[M] */
    uint16_t *pivot_col; /* [u] inactive column of pivot p; from nb on the free ones */
    uint8_t *bits;       /* [R] reduced rows in terms of inactive columns */
    uint8_t *lower;      /* [R] bit q: reduced row q was added to this one */
    size_t bits_stride, lower_stride;
    uint8_t *Q; /* [nb + H + 1][RQ_Q_STRIDE] the free columns from the pivots, as they
                   are before folding, the HDPC rows and the carry (plan.h) */
    uint8_t *pair; /* [K'+S] which two HDPC rows a column is in */
    struct rq_buf b_bits, b_dense;

    struct rq_buf b_program; /* plan.c */
};

#define RQ_Q_STRIDE 16 /* H <= 16 */

/* The two rows of pair number x are rq_pair_rows[x]; numbers go by second row, so the
 * first H(H-1)/2 of them serve every H. */
#define RQ_PAIRS_MAX 120
extern const uint8_t rq_pair_rows[RQ_PAIRS_MAX][2];

static inline uint32_t rq_pairs(uint32_t H)
{
    return H * (H - 1) / 2;
}

/* The number of the pair of rows @a and @b, which differ. */
static inline uint32_t rq_pair(uint32_t a, uint32_t b)
{
    return a < b ? rq_pairs(b) + a : rq_pairs(a) + b;
}

/* Sets up for a block and writes its rows: LT rows of the @n ids isi[]. */
RQ_NODISCARD int rq_matrix_build(struct rq_symbolic *z, const struct rq_params *p,
                                 const uint32_t *isi, uint32_t n);
/* Adds LT rows behind the peel. */
RQ_NODISCARD int rq_matrix_add(struct rq_symbolic *z, const uint32_t *isi, uint32_t n);

/* Numbers of the HDPC rows of each column but the last, as pairs. */
void rq_hdpc_pairs(const struct rq_params *p, uint8_t *pair);

RQ_NODISCARD int rq_peel(struct rq_symbolic *z);
/* Lists for rows nrows_peeled.. that were added later. */
RQ_NODISCARD int rq_peel_extend(struct rq_symbolic *z);

/* RQ_NEED_MORE if the rows do not have full rank. */
RQ_NODISCARD int rq_dense(struct rq_symbolic *z);

void rq_symbolic_free(struct rq_symbolic *z);

#endif
