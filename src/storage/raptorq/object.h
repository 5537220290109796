/* What the encoding and the decoding of objects share.
 *
 * A piece of work is a whole block if it fits the memory, else some columns of one of
 * its sub-blocks: columns are independent of each other, so these are a block with
 * smaller symbols. Whole blocks are worked on by as many lanes at once as there are
 * threads, each with a context of its own; a block alone, or columns, by all threads
 * together. */
#ifndef OCHRE_RAPTORQ_OBJECT_H
#define OCHRE_RAPTORQ_OBJECT_H
#include "storage/raptorq/ctx.h"

#define SPARE_REPAIR 64 /* repair symbols a decoder has room for beyond the losses */

/* One piece of work and what it needs. */
struct rq_lane {
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
    struct rq_buf ids; /* decoder: what list_symbols said, in ascending order */
    size_t n_ids, n_sources, next_id;
    bool starved; /* no id is left */
    int rc;
};

struct rq_object {
    struct rq_ctx *ctx;
    const struct rq_oti *oti;
    const struct rq_object_io *io;
    uint32_t repair;
    bool with_source;
    size_t memory;
    uint64_t done;
    struct rq_lane *lanes;
    unsigned n_lanes;
};

/* Where the piece's source symbols go: to their place in the caller's memory if they
 * can be worked on there, else to a buffer. */
RQ_NODISCARD int rq_piece_place(struct rq_object *o, struct rq_lane *l);

/* From the object to such a buffer, and back, which is progress. */
RQ_NODISCARD int rq_piece_read(struct rq_object *o, struct rq_lane *l);
RQ_NODISCARD int rq_piece_write(struct rq_object *o, struct rq_lane *l);

/* Octets of the piece that are in the object, not padding. */
uint64_t rq_piece_length(const struct rq_object *o, const struct rq_lane *l);

RQ_NODISCARD int rq_object_progress(struct rq_object *o, uint64_t octets);

/* Runs @job for lanes 0 .. n-1, each on a thread of its own. */
void rq_lanes_run(struct rq_object *o, void (*job)(void *object, unsigned lane),
                  unsigned n);

/* The pieces of lanes 0 .. n-1. */
RQ_NODISCARD int rq_encode_lanes(struct rq_object *o, unsigned n);
RQ_NODISCARD int rq_decode_lanes(struct rq_object *o, unsigned n, uint32_t *sbn);
/* The ids at hand for a lane's block. */
RQ_NODISCARD int rq_decode_list(struct rq_object *o, struct rq_lane *l);

#endif
