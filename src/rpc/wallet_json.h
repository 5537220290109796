/* Transactions of a wallet as JSON. All functions want the wallet's lock. */
#ifndef OCHRE_RPC_WALLET_JSON_H
#define OCHRE_RPC_WALLET_JSON_H

#include "rpc/method.h"
#include "wallet/txstore.h"

/* What gettransaction and the lists tell of a transaction as a whole: members of an
 * object that the caller has begun. */
void wallet_json_tx(struct rpc_call *c, const struct wallet *w,
                    const struct wallet_tx *wtx);

/* One payment in or out, as the lists show it. */
struct list_entry {
    const struct wallet_tx *wtx;
    struct bytes script;
    struct amount value;
    uint32_t n;
    bool sent;
    struct amount fee; /* sent */
};
struct entry_list {
    struct list_entry *v; /* in the call's memory */
    size_t n, cap;
};

struct list_filter {
    const char *label; /* only payments to it; NULL: all */
    int32_t min_depth; /* of what is received */
    bool with_change;
};
/* Appends the transaction's payments: sent ones, then received ones. */
void wallet_json_entries(struct rpc_call *c, const struct wallet *w,
                         const struct wallet_tx *wtx, const struct list_filter *f,
                         struct entry_list *out);
/* Writes one as an object; @with_tx: also what wallet_json_tx tells. */
void wallet_json_entry(struct rpc_call *c, const struct wallet *w,
                       const struct list_entry *e, bool with_tx);

/* "parent_descs": descriptors of the wallet that have the script. */
void wallet_json_parents(struct rpc_call *c, const struct wallet *w,
                         struct bytes script);

/* Fields of an entry, in results. */
extern const struct rpc_result wallet_json_tx_fields[];

#endif
