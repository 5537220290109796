/* Records of the ticket state that more than one kind reads (doc/spec/state.md). */
#ifndef OCHRE_TICKETS_STATE_KEYS_H
#define OCHRE_TICKETS_STATE_KEYS_H

#include "chain/rules/reject.h"
#include "chain/state/state.h"
#include "util/amount.h"

/* "i" pastelid -> u32 height, var owner_script, u8 flags */
#define IDENTITY_REVOKED       1u
#define IDENTITY_HAD_SUPERNODE 2u

struct identity {
    uint32_t height;
    struct bytes owner_script; /* borrowed from the buffer that was read into */
    uint8_t flags;
};

/* False: never registered. mem holds the record. */
bool identity_get(struct state_txn *st, const uint8_t pastelid[57], struct buf *mem,
                  struct identity *out);
/* It is registered and not revoked: else ticket-state-id-... */
bool identity_get_active(struct state_txn *st, const uint8_t pastelid[57],
                         struct buf *mem, struct identity *out, struct reject *rej);
bool identity_check_active(struct state_txn *st, const uint8_t pastelid[57],
                           struct reject *rej);
void identity_put(struct state_txn *st, const uint8_t pastelid[57],
                  const struct identity *id);

/* "B" -> u64 total burned, u8 n, n x { u8 kind, u64 }; absent while 0 */
#define BURN_KINDS 32
struct burn_totals {
    uint64_t total;
    size_t n;
    struct {
        uint8_t kind;
        uint64_t amount;
    } kinds[BURN_KINDS]; /* kinds rising */
};
void burn_get(struct state_txn *st, struct burn_totals *out);
void burn_add(struct state_txn *st, uint8_t kind, struct amount burned);

#endif
