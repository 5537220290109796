/* The index of tickets in the active chain: found by txid, by kind, by the fields that
 * their kinds mark as indexed, in order of height. A database of its own,
 * <datadir>/indexes/tickets, which follows the chain; it holds the payloads, so no
 * transaction index is needed.
 *
 *   'B'                          hash and u32 height of the block it stands at
 *   't' txid                     record: u32 height, u32 position of the transaction in
 *                                its block, block hash, i64 burned, payload
 *   'h' height position          txid
 *   'k' kind height position     txid
 *   'w' height                   u64: shares of supernodes up to this block that were
 *                                not created, since there was nobody to get them
 *   'n'                          n x { u8 kind, u64 tickets of it }
 *   'f' field height position    txid; field is 16 octets of
 *                                SHA3(kind, name of the field, 00, value); of a list
 *                                of reports, one for each token
 *
 * Height and position inside keys are big-endian u32, so that keys sort by them. */
#ifndef OCHRE_TICKETS_INDEX_H
#define OCHRE_TICKETS_INDEX_H

#include "db/db.h"
#include "tickets/ticket.h"

struct ticket_index;

struct ticket_record {
    struct hash256 txid, block;
    int32_t height;
    uint32_t position;
    struct amount burned;
    struct ticket ticket;
    struct buf payload; /* owned: what the ticket points into */
};
void ticket_record_clear(struct ticket_record *r);

NODISCARD enum err
ticket_index_open(struct ticket_index **out, const char *datadir, size_t cache_bytes,
                  bool wipe, void (*on_error)(void *ctx, enum err e, const char *msg),
                  void *ctx, char **message);
void ticket_index_close(struct ticket_index *ix);

/* The block it stands at; height -1 when it is new. */
void ticket_index_best(struct ticket_index *ix, struct hash256 *hash, int32_t *height);
/* b must follow the block it stands at; @withheld: the share of its subsidy that nobody
 * was there to get. */
NODISCARD enum err ticket_index_connect(struct ticket_index *ix, const struct block *b,
                                        int32_t height, struct amount withheld);
/* The sum of all shares withheld up to the block it stands at. */
struct amount ticket_index_withheld(struct ticket_index *ix);
/* How many tickets of a kind there are up to that block. Any thread. */
uint64_t ticket_index_count(struct ticket_index *ix, const struct ticket_kind *kind);
/* Forgets everything above the height, whose block has this hash. */
NODISCARD enum err ticket_index_rewind(struct ticket_index *ix, int32_t height,
                                       const struct hash256 *hash);
NODISCARD enum err ticket_index_sync(struct ticket_index *ix); /* to disk, for good */

/* Queries, from any thread. ERR_NOT_FOUND. */
NODISCARD enum err ticket_index_get(struct ticket_index *ix, const struct hash256 *txid,
                                    struct ticket_record *out);
struct ticket_query {
    const struct ticket_kind *kind; /* NULL: all kinds; must be set for a field */
    const char *field;              /* NULL: not by field */
    struct bytes value;             /* raw octets of the field */
    int32_t min_height, max_height; /* max 0: no bound */
    size_t skip, count;             /* a page; count 0: no bound */
};
/* Calls fn for each match in chain order, until it returns false. */
NODISCARD enum err
ticket_index_find(struct ticket_index *ix, const struct ticket_query *q,
                  bool (*fn)(void *ctx, const struct ticket_record *r), void *ctx);

#endif
