/* Committees: who answers for a block's tickets (doc/spec/supernodes.md). The ten of a
 * block are chosen when it connects and stay in the state for a thousand blocks, so a
 * ticket needs no supernode that still exists, only one that did.
 *
 * "t" u32be height -> block hash, u8 n, n x { sn, pastelid, operator_key,
 *                     payout_script var, storage_fee u64, sense_fee u64 } */
#ifndef OCHRE_TICKETS_COMMITTEE_H
#define OCHRE_TICKETS_COMMITTEE_H

#include "chain/rules/reject.h"
#include "chain/state/state.h"
#include "tickets/ticket.h"

#define COMMITTEE_SIZE   10
#define COMMITTEE_WINDOW 144  /* blocks that a ticket may look back */
#define COMMITTEES_KEPT  1000 /* blocks */

struct committee_member {
    struct hash256 sn;
    uint8_t pastelid[57];
    uint8_t operator_key[32];
    struct bytes payout_script; /* borrowed from the committee's mem, or as put */
    uint64_t storage_fee, sense_fee;
};

/* Zero-initialise; committee_clear frees. */
struct committee {
    uint32_t height;
    struct hash256 block;
    size_t n; /* members; the index is the rank */
    struct committee_member members[COMMITTEE_SIZE];
    struct buf mem; /* owned: the record */
};

/* False: no committee of that height is kept. */
NODISCARD bool committee_get(struct state_txn *st, uint32_t height,
                             struct committee *out);
void committee_put(struct state_txn *st, const struct committee *c);
void committee_del(struct state_txn *st, uint32_t height);
void committee_clear(struct committee *c);

/* Reads the committee that a ticket's committee field (36 octets) names. The block must
 * be an ancestor, ticketsheight or higher, at most COMMITTEE_WINDOW below @height, and
 * have enough members: else ticket-committee. */
bool committee_find(struct committee *out, struct bytes ref, struct state_txn *st,
                    const struct chain_params *params, int32_t height,
                    struct reject *rej);

/* The member's rank, -1: none of it. */
int committee_rank(const struct committee *c, const uint8_t sn[32]);
/* floor((k-1)/2)-th of the k sorted fees; the committee has members. */
uint64_t committee_median_storage_fee(const struct committee *c);
uint64_t committee_median_sense_fee(const struct committee *c);

/* Ranks strictly rising and of members; n at least @least and at most all: else
 * ticket-quorum. The signatures are checked with the others of the ticket. */
bool quorum_check(struct bytes raw, const struct committee *c, size_t least,
                  struct reject *rej);
/* ceil(2k/3), and ceil(4k/5) for penalties. */
size_t quorum_least(const struct committee *c);
size_t quorum_least_penalty(const struct committee *c);

#endif
