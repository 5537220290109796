/* What RPC handlers can reach: the node's parts. src/node owns and fills it. A pointer
 * is NULL when the part is switched off (net with -connect=0 is not: it exists without
 * peers). */
#ifndef OCHRE_RPC_CONTEXT_H
#define OCHRE_RPC_CONTEXT_H

#include <stdatomic.h>

#include "util/bytes.h"

struct args;
struct chain_params;
struct chainman;
struct clock;
struct fee_estimator;
struct logger;
struct loop;
struct mempool;
struct miner;
struct net;
struct pool;
struct rpc_server;
struct sn_operator;
struct supernodes;
struct tickets;
struct wallet_manager;
struct zmq_outlet;

/* A scan that is under way (scantxoutset, scanblocks). */
struct scan_state {
    _Atomic bool running, abort;
    _Atomic int progress; /* percent */
    _Atomic int height;   /* of the last block looked at (scanblocks) */
};

struct node {
    struct args *args;
    struct logger *log;
    struct clock *clock;
    struct loop *loop;
    struct pool *workers;
    const struct chain_params *params;
    struct chainman *chainman;
    struct mempool *mempool;
    struct fee_estimator *fees; /* NULL: -blocksonly */
    struct miner *miner;
    struct net *net;
    struct tickets *tickets;
    struct supernodes *supernodes;
    struct wallet_manager *wallets;  /* NULL: -disablewallet */
    struct sn_operator *sn_operator; /* -supernode; NULL: this node is none */
    struct zmq_outlet *zmq;          /* NULL: built without */
    struct rpc_server *rpc;
    const char *datadir; /* of the network: <datadir>/regtest */
    const char *base_datadir;
    const char *blocksdir; /* of the network */
    int64_t start_time;    /* steady microseconds, for uptime */
    _Atomic bool stopping; /* long work ends early */
    bool warnings_as_text; /* -deprecatedrpc=warnings */
    struct scan_state utxo_scan, block_scan;
    /* Asks for a clean stop; from any thread, at once. */
    void (*request_stop)(struct node *n);
    /* Moves every scheduled task @seconds nearer (mockscheduler). */
    void (*forward_scheduler)(struct node *n, int64_t seconds);
    /* Announces a transaction of the mempool to all peers; NULL: there is no network.
     */
    void (*relay_tx)(struct node *n, const struct hash256 *txid,
                     const struct hash256 *wtxid);
    /* Sentences for getnetworkinfo/getblockchaininfo "warnings"; n_max at most; returns
     * count. */
    size_t (*warnings)(struct node *n, const char **out, size_t n_max);
};

#endif
