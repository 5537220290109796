/* Rules that several kinds of supernode tickets share (doc/spec/supernodes.md). */
#ifndef OCHRE_TICKETS_SN_RULES_H
#define OCHRE_TICKETS_SN_RULES_H

#include "tickets/supernode.h"
#include "tickets/ticket.h"

/* Both fees, 8 octets each, are what a supernode may ask: else ticket-fee-range. */
bool sn_fees_check(struct bytes storage_fee, struct bytes sense_fee,
                   struct reject *rej);
/* The name belongs to no supernode but @self (NULL: to none); @what names it in the
 * reason. */
bool sn_name_free(struct state_txn *st, char name, struct bytes value,
                  const struct hash256 *self, const char *what, struct reject *rej);
/* The coin is there at this point, not spent by the ticket's own transaction, and good
 * for a new supernode. */
bool sn_collateral_check(const struct ticket_env *env, struct bytes outpoint,
                         struct reject *rej);
/* Script of the collateral coin, copied into key; empty when the coin is not there. */
struct bytes sn_collateral_script(const struct ticket_env *env, struct bytes outpoint,
                                  uint8_t key[57]);
/* Reads the supernode that the ticket is about: else -sn-unknown. */
bool sn_find(const struct ticket_env *env, struct bytes sn, struct supernode *out,
             struct reject *rej);
/* Height of the committee that may punish in the block of @height: the greatest
 * multiple of 12 that is at least 6 below; 0: none. */
uint32_t sn_penalty_committee(int32_t height);
/* The PastelID of a supernode, copied into key; empty when there is none. */
struct bytes sn_pastelid(const struct ticket_env *env, struct bytes sn,
                         uint8_t key[57]);

#endif
