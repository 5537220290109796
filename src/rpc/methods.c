/* Every RPC method, by table. To add a group: its extern and its line. */
#include "config.h"

#include <string.h>

#include "rpc/method.h"

extern const struct rpc_table rpc_addrman_table;
extern const struct rpc_table rpc_bans_table;
extern const struct rpc_table rpc_blockchain_table;
extern const struct rpc_table rpc_control_table;
extern const struct rpc_table rpc_fees_table;
extern const struct rpc_table rpc_generate_table;
extern const struct rpc_table rpc_mempool_table;
extern const struct rpc_table rpc_mining_table;
extern const struct rpc_table rpc_pastelid_table;
extern const struct rpc_table rpc_state_table;
extern const struct rpc_table rpc_supernode_table;
extern const struct rpc_table rpc_snft_table;
extern const struct rpc_table rpc_submit_table;
extern const struct rpc_table rpc_template_table;
extern const struct rpc_table rpc_tickets_table;
extern const struct rpc_table rpc_rawtransaction_table;
extern const struct rpc_table rpc_accept_table;
extern const struct rpc_table rpc_connections_table;
extern const struct rpc_table rpc_network_table;
extern const struct rpc_table rpc_peers_table;
extern const struct rpc_table rpc_orphans_table;
extern const struct rpc_table rpc_scan_table;
extern const struct rpc_table rpc_scanblocks_table;
extern const struct rpc_table rpc_snapshot_table;
extern const struct rpc_table rpc_txoutproof_table;
extern const struct rpc_table rpc_index_table;
extern const struct rpc_table rpc_util_table;
extern const struct rpc_table rpc_wallet_address_table;
extern const struct rpc_table rpc_wallet_descriptors_table;
extern const struct rpc_table rpc_wallet_encrypt_table;
extern const struct rpc_table rpc_wallet_balance_table;
extern const struct rpc_table rpc_wallet_history_table;
extern const struct rpc_table rpc_wallet_manage_table;
extern const struct rpc_table rpc_wallet_scan_table;
extern const struct rpc_table rpc_wallet_coins_table;
extern const struct rpc_table rpc_wallet_spend_table;
extern const struct rpc_table rpc_psbt_table;
extern const struct rpc_table rpc_wallet_sign_table;

#ifdef HAVE_ZMQ
extern const struct rpc_table rpc_zmq_table;
#endif

const struct rpc_table *const rpc_tables[] = {
    &rpc_blockchain_table,
    &rpc_mempool_table,
    &rpc_control_table,
    &rpc_mining_table,
    &rpc_template_table,
    &rpc_submit_table,
    &rpc_generate_table,
    &rpc_pastelid_table,
    &rpc_supernode_table,
    &rpc_tickets_table,
    &rpc_snft_table,
    &rpc_state_table,
    &rpc_rawtransaction_table,
    &rpc_psbt_table,
    &rpc_accept_table,
    &rpc_peers_table,
    &rpc_connections_table,
    &rpc_network_table,
    &rpc_addrman_table,
    &rpc_bans_table,
    &rpc_orphans_table,
    &rpc_scan_table,
    &rpc_scanblocks_table,
    &rpc_snapshot_table,
    &rpc_txoutproof_table,
    &rpc_util_table,
    &rpc_fees_table,
#ifdef HAVE_ZMQ
    &rpc_zmq_table,
#endif
    &rpc_index_table,
    &rpc_wallet_manage_table,
    &rpc_wallet_address_table,
    &rpc_wallet_descriptors_table,
    &rpc_wallet_encrypt_table,
    &rpc_wallet_balance_table,
    &rpc_wallet_history_table,
    &rpc_wallet_scan_table,
    &rpc_wallet_coins_table,
    &rpc_wallet_spend_table,
    &rpc_wallet_sign_table,
    NULL,
};

static const struct rpc_table *find(const char *name, size_t *at)
{
    for (size_t t = 0; rpc_tables[t]; t++)
        for (*at = 0; *at < rpc_tables[t]->n; ++*at)
            if (strcmp(rpc_tables[t]->methods[*at].name, name) == 0)
                return rpc_tables[t];
    return NULL;
}

const char *const RPC_UNKNOWN_METHOD = "unknown";

const struct rpc_method *rpc_find_method(const char *name)
{
    size_t at;
    const struct rpc_table *t = find(name, &at);
    return t != NULL ? &t->methods[at] : NULL;
}

const struct rpc_method *rpc_find_method_of(const struct node *n, const char *name,
                                            bool *public_reply)
{
    size_t at;
    const struct rpc_table *t = find(name, &at);
    *public_reply = t != NULL && t->public_replies;
    return t != NULL && (n->wallets != NULL || !t->needs_wallets) ? &t->methods[at]
                                                                  : NULL;
}
