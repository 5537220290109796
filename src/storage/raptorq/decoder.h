/* The decoder's state, for its ways to solve. */
#ifndef OCHRE_RAPTORQ_DECODER_H
#define OCHRE_RAPTORQ_DECODER_H
#include "storage/raptorq/ctx.h"

/* have[] and slot_had[] when not 0: here, and among the rows of the matrix. */
enum { HERE = 1, LISTED = 2 };

struct rq_dec {
    struct rq_ctx *ctx;
    bool open, decoded, staged;
    struct rq_params p;
    struct rq_view view;
    uint32_t tail_length; /* octets of symbol K-1 in the caller's memory if partial */

    uint8_t *have; /* [K] source symbols: 0 not here, HERE, LISTED */
    uint32_t n_source;
    uint32_t max_repair, n_slots, n_repair;
    uint32_t *slot_esi; /* [max_repair] of each slot handed out */
    uint8_t *slot_had;
    uint32_t *hash; /* slot + 1 by ESI, open addressing */
    uint32_t hash_mask;
    uint8_t *repair;     /* [max_repair] of T octets */
    uint32_t bounce_esi; /* source symbol the bounce buffer is for, or UINT32_MAX */
    struct rq_buf b_ids, b_repair, b_tail, b_bounce;

    /* rows of the matrix behind the LDPC rows, in order */
    uint32_t nrows;
    uint32_t *row_isi, *row_where;
    uint32_t njobs;
    struct rq_buf b_rows, jobs, where, lists, lost, inverse;
};

/* Where the octets of source symbol @m are: zeros if it is lost or padding. */
uint32_t rq_dec_where_source(const struct rq_dec *dec, uint32_t m);

/* Room for a list of @n <= L symbols and the padding behind it. */
RQ_NODISCARD int rq_dec_need_where(struct rq_dec *dec, uint32_t n, uint32_t **out);

/* The first repair symbols at hand, up to @max: their slots and internal ids. */
uint32_t rq_dec_list_repair(const struct rq_dec *dec, uint32_t max, uint32_t *slot,
                            uint32_t *isi);

/* Runs @x with dec->where over the columns of the block: RQ_DECODED. */
RQ_NODISCARD int rq_dec_run(struct rq_dec *dec, struct rq_exec *x, enum rq_mode mode);

/* Solve for lost[0..e): RQ_DECODED; RQ_NEED_MORE if what they look at does not suffice,
 * which are all symbols in general, but some repair symbols for the other two. */
RQ_NODISCARD int rq_dec_solve_matrix(struct rq_dec *dec, const uint32_t *lost,
                                     uint32_t e);
RQ_NODISCARD int rq_dec_solve_patch(struct rq_dec *dec, const uint32_t *lost,
                                    uint32_t e);
RQ_NODISCARD int rq_dec_solve_general(struct rq_dec *dec, const uint32_t *lost,
                                      uint32_t e);
/* The plan for all symbols at hand: found, or made; RQ_NEED_MORE. */
RQ_NODISCARD int rq_dec_general_plan(struct rq_dec *dec, const struct rq_plan **plan);

#endif
