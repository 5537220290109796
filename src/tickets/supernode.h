/* Records of supernodes in the ticket state (doc/spec/supernodes.md).
 *
 * "s" sn -> pastelid, collateral outpoint, operator_key, payout_script var, endpoint,
 *           storage_fee u64, sense_fee u64, registered u32, last_paid u32, queued u32,
 *           penalty u16, penalty_height u32, penalty_H u32, banned u8
 * "c" collateral outpoint, "o" pastelid, "k" operator_key, "e" endpoint -> sn
 * "x" -> u32 height of the last ban */
#ifndef OCHRE_TICKETS_SUPERNODE_H
#define OCHRE_TICKETS_SUPERNODE_H

#include "chain/prim/tx.h"
#include "chain/state/state.h"
#include "tickets/sn_endpoint.h"

#define SUPERNODE_PREFIX 's'

struct supernode {
    struct hash256 sn; /* txid of its registration */
    uint8_t pastelid[57];
    uint8_t collateral[36]; /* outpoint */
    uint8_t operator_key[32];
    struct bytes payout_script; /* this and endpoint: borrowed from mem, or as put */
    struct bytes endpoint;
    uint64_t storage_fee, sense_fee;
    uint32_t registered;
    uint32_t last_paid; /* 0: never */
    uint32_t queued;    /* height at which it last went to the end of the queue */
    uint16_t penalty;
    uint32_t penalty_height; /* of the block that last raised it */
    uint32_t penalty_H;      /* of the committee that did */
    uint8_t banned;
    struct buf mem; /* owned: the record */
};

/* Zero-initialise; supernode_clear frees. False: there is none of that name. */
NODISCARD bool supernode_get(struct state_txn *st, const uint8_t sn[32],
                             struct supernode *out);
/* Writes the record and its four names. */
void supernode_add(struct state_txn *st, const struct supernode *s);
/* Writes the record alone: its names stay. */
void supernode_put(struct state_txn *st, const struct supernode *s);
/* Removes the record and its names. */
void supernode_remove(struct state_txn *st, const struct supernode *s);
void supernode_clear(struct supernode *s);
/* Reads the value of an "s" record that state_each gave; false: malformed. */
NODISCARD bool supernode_read(struct supernode *out, const uint8_t sn[32],
                              struct bytes value);

struct outpoint supernode_collateral(const struct supernode *s);
/* The coin is spent: the supernode that stands on it, if any, leaves. */
void supernode_collateral_spent(struct state_txn *st, const struct outpoint *o);

/* The PastelID is revoked: the supernode that it operates, if any, leaves. */
void supernode_pastelid_revoked(struct state_txn *st, struct bytes pastelid);

/* By one of its names: a 36-octet outpoint, a PastelID, an operator key, an endpoint.
 */
NODISCARD bool supernode_by(struct state_txn *st, char name, struct bytes value,
                            struct hash256 *sn);

/* In the state after a block of @height. */
bool supernode_active(const struct supernode *s, uint32_t height,
                      uint32_t activation_depth);
/* Its place in the queue for payment: the lowest is paid next. */
uint32_t supernode_turn(const struct supernode *s);
/* What is left of the penalty at a height: one point less for every 12 blocks. */
uint32_t supernode_penalty_at(const struct supernode *s, uint32_t height);

/* Height of the last ban; false: there was none. */
bool last_ban_get(struct state_txn *st, uint32_t *height);
void last_ban_put(struct state_txn *st, uint32_t height);

#endif
