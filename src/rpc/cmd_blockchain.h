/* Handlers of the blockchain group; cmd_blockchain.c lists them. */
#ifndef OCHRE_RPC_CMD_BLOCKCHAIN_H
#define OCHRE_RPC_CMD_BLOCKCHAIN_H

#include "chain/prim/coin.h"
#include "chain/rules/block_index.h"
#include "chain/validation/chainman.h"
#include "rpc/method.h"

/* The block an argument names, or -5 "Block not found". Under the read lock. */
struct block_index *blockchain_find(struct rpc_call *c, const struct hash256 *hash);
/* The block of an argument hash_or_height, or of a value of that kind: -8 for a height
 * out of range. Under the read lock. */
const struct block_index *blockchain_at(struct rpc_call *c, size_t i);
const struct block_index *blockchain_named(struct rpc_call *c, const struct json *v);
const struct block_index *blockchain_at_height(struct rpc_call *c, int32_t height);
/* Reads a block: -1 when it was pruned or is not there. Takes no lock. NULL: failed. */
struct block *blockchain_read(struct rpc_call *c, const struct block_index *bi,
                              bool pruned);
/* Whether its data was there once and is gone. */
bool blockchain_is_pruned(const struct chainman *cm, const struct block_index *bi);

/* cmd_blocks.c */
void rpc_getblock(struct rpc_call *c);
void rpc_getblockheader(struct rpc_call *c);

/* cmd_blockstats.c */
extern const struct rpc_result rpc_getblockstats_results[];
void rpc_getblockstats(struct rpc_call *c);
void rpc_getchaintxstats(struct rpc_call *c);

/* cmd_deployments.c */
void rpc_getdeploymentinfo(struct rpc_call *c);

/* cmd_utxo.c */
struct found_coin {
    struct coin coin;
    bool in_mempool;
    int32_t confirmations; /* 0: in the mempool */
    int32_t tip_height;
    struct hash256 best; /* the tip */
};
/* An unspent output, of the chain or also of the mempool (and not spent there). Its
 * script lives in @mem. The tip is set also when nothing was found. */
bool utxo_find(struct node *n, struct arena *mem, const struct outpoint *o,
               bool with_mempool, struct found_coin *out);
void rpc_gettxout(struct rpc_call *c);

/* cmd_txoutset.c */
void rpc_gettxoutsetinfo(struct rpc_call *c);

/* cmd_chain_control.c */
void rpc_invalidateblock(struct rpc_call *c);
void rpc_reconsiderblock(struct rpc_call *c);
void rpc_preciousblock(struct rpc_call *c);
void rpc_pruneblockchain(struct rpc_call *c);
void rpc_verifychain(struct rpc_call *c);
void rpc_waitfornewblock(struct rpc_call *c);
void rpc_waitforblock(struct rpc_call *c);
void rpc_waitforblockheight(struct rpc_call *c);

#endif
