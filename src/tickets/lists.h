/* Fields that hold several records: quorums and the list of snft-sync. */
#ifndef OCHRE_TICKETS_LISTS_H
#define OCHRE_TICKETS_LISTS_H

#include "tickets/ticket.h"
#include "util/reader.h"
#include "util/sink.h"

#define QUORUM_MAX    10
#define SYNC_LIST_MAX 64
#define TRIO          3 /* supernodes that a ticket names */

struct quorum_entry {
    uint8_t rank;
    const uint8_t *sig; /* 64 octets */
};

/* All borrowed from the octets that were read. */
struct sync_item {
    const uint8_t *token; /* 32 octets */
    uint64_t sequence, used;
    struct bytes cid;
    const uint8_t *sig; /* 64 octets */
    struct bytes body;  /* what the record's key signs: all before sig */
};

/* Octets of the field, borrowed; latches r->bad. */
struct bytes quorum_read(struct reader *r);
struct bytes sync_list_read(struct reader *r);

/* Entries of a field that was read; returns how many. */
size_t quorum_entries(struct quorum_entry out[QUORUM_MAX], struct bytes raw);
size_t sync_items(struct sync_item out[SYNC_LIST_MAX], struct bytes raw);

void quorum_write(struct buf *out, const struct quorum_entry *entries, size_t n);
void sync_list_write(struct buf *out, const struct sync_item *items, size_t n);

/* What the key of a record signs: TH("ochre/snft-sync/record", body). */
struct hash256 sync_item_hash(const struct chain_params *params,
                              const struct sync_item *item);

#endif
