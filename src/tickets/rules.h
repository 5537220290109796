/* Ticket rules inside block validation, the mempool and templates: consensus_hooks over
 * the kinds of kinds.def (doc/spec/tickets.md, "Order of work"). */
#ifndef OCHRE_TICKETS_RULES_H
#define OCHRE_TICKETS_RULES_H

#include "chain/script/sigcache.h"
#include "chain/validation/hooks.h"
#include "tickets/supernode_view.h"

struct ticket_rules {
    struct sigcache
        *cache; /* ticket signatures that passed, shared by mempool and blocks */
    uint8_t salt[32];
    const struct supernode_view *supernodes;
};

/* Fills in the table; rules is its context. */
void ticket_rules_hooks(struct consensus_hooks *out, struct ticket_rules *rules);

/* What the payee of a block gets of its subsidy. */
struct amount supernode_share(struct amount subsidy);
/* What a coinbase may take, without fees, while there is no supernode to get the share.
 */
struct amount subsidy_without_share(struct amount subsidy);

/* 6a 24 "OCST" root: the script of the coinbase output that commits to the state. */
#define STATE_COMMITMENT_SIZE 38
void state_commitment_script(uint8_t out[STATE_COMMITMENT_SIZE],
                             const struct hash256 *root);
/* The root that a coinbase commits to; false when it has none or several commitments.
 */
NODISCARD bool state_commitment_find(struct hash256 *root, const struct tx *coinbase);

#endif
