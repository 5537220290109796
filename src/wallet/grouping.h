/* Addresses that belong together in the eyes of anybody who reads the chain: they were
 * spent in one transaction, or got the change of one. */
#ifndef OCHRE_WALLET_GROUPING_H
#define OCHRE_WALLET_GROUPING_H

#include "chain/script/address.h"
#include "wallet/txstore.h"

struct grouped_address {
    struct destination dest;
    struct amount value; /* unspent coins that may be spent */
};

struct address_group {
    const struct grouped_address *items; /* in @addresses */
    size_t n;
};

struct address_groups {
    struct grouped_address *addresses; /* owned, group by group */
    struct address_group *groups;      /* owned */
    size_t n;
};

/* Wallet's lock held. */
void address_groups_build(struct address_groups *out, const struct wallet *w);
void address_groups_clear(struct address_groups *g);

#endif
