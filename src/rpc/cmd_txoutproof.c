#include <stdlib.h>

#include "chain/prim/coin.h"
#include "chain/prim/merkleblock.h"
#include "chain/store/coins_cache.h"
#include "chain/store/txindex.h"
#include "chain/validation/chainman.h"
#include "rpc/method.h"
#include "util/map.h"
#include "util/mem.h"

/* No block has room for more outputs. */
#define MAX_OUTPUTS (MAX_BLOCK_WEIGHT / (9 * WITNESS_SCALE_FACTOR))

/* -- gettxoutproof -- */

struct wanted {
    struct map ids; /* txid -> uint8_t */
    struct hash256 first;
};

static bool read_txids(struct rpc_call *c, struct wanted *w)
{
    const struct json *list = rpc_arg(c, 0);
    if (list->len == 0)
        rpc_error(c, RPC_INVALID_PARAMETER, "Parameter 'txids' cannot be empty");
    for (size_t i = 0; i < list->len && !c->failed; i++) {
        struct hash256 id;
        bool is_new;
        if (!rpc_to_hash(c, &list->items[i], "txid", &id))
            return false;
        map_put(&w->ids, &id, &is_new);
        if (!is_new)
            rpc_error(c, RPC_INVALID_PARAMETER,
                      "Invalid parameter, duplicated txid: %s", list->items[i].str);
        if (i == 0)
            w->first = id;
    }
    return !c->failed;
}

static const struct block_index *block_of_arg(struct rpc_call *c)
{
    struct hash256 hash;
    if (!rpc_arg_hash(c, 1, "blockhash", &hash))
        return NULL;
    chainman_read_lock(c->node->chainman);
    const struct block_index *bi = block_tree_find(c->node->chainman, &hash);
    chainman_read_unlock(c->node->chainman);
    if (bi == NULL)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Block not found");
    return bi;
}

/* An unspent output tells the height of its transaction's block. */
static const struct block_index *block_by_coin(struct rpc_call *c,
                                               const struct hash256 *txid)
{
    struct chainman *cm = c->node->chainman;
    for (uint32_t n = 0; n < MAX_OUTPUTS; n++) {
        struct outpoint o = {.txid = *txid, .n = n};
        struct coin coin;
        if (coins_peek(chainman_coins(cm), &o, &coin, NULL))
            return chain_at(cm, (int32_t)coin.height);
    }
    return NULL;
}

static const struct block_index *block_by_coins(struct rpc_call *c,
                                                const struct wanted *w)
{
    const struct block_index *found = NULL;
    const void *id;
    void *unused;
    chainman_read_lock(c->node->chainman);
    for (size_t i = 0; found == NULL && map_next(&w->ids, &i, &id, &unused);)
        found = block_by_coin(c, id);
    chainman_read_unlock(c->node->chainman);
    return found;
}

static const struct block_index *block_by_index(struct rpc_call *c,
                                                const struct hash256 *txid)
{
    struct chainman *cm = c->node->chainman;
    struct txindex *index = chainman_txindex(cm);
    struct tx *tx;
    struct hash256 block;
    if (index == NULL ||
        txindex_find(index, chainman_files(cm), txid, &tx, &block) != ERR_OK)
        return NULL;
    tx_unref(tx);
    chainman_read_lock(cm);
    const struct block_index *bi = block_tree_find(cm, &block);
    chainman_read_unlock(cm);
    return bi;
}

static const struct block_index *find_block(struct rpc_call *c, const struct wanted *w)
{
    if (rpc_arg(c, 1) != NULL)
        return block_of_arg(c);
    const struct block_index *bi = block_by_coins(c, w);
    if (bi == NULL)
        bi = block_by_index(c, &w->first);
    if (bi == NULL)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Transaction not yet in block");
    return bi;
}

static struct block *read_block(struct rpc_call *c, const struct block_index *bi)
{
    struct chainman *cm = c->node->chainman;
    struct block *b;
    enum err e = chainman_read_block(cm, &b, bi);
    if (e == ERR_OK)
        return b;
    if (e != ERR_NOT_FOUND)
        rpc_error(c, RPC_INTERNAL_ERROR, "Can't read block from disk");
    else if (bi->n_tx > 0)
        rpc_error(c, RPC_MISC_ERROR, "Block not available (pruned data)");
    else
        rpc_error(c, RPC_MISC_ERROR, "Block not available (not fully downloaded)");
    return NULL;
}

static void put_proof(struct rpc_call *c, const struct block *b, const bool *match)
{
    struct merkleblock m;
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    merkleblock_build(&m, b, match);
    merkleblock_write(&s, &m);
    json_hex(c->w, raw.data, raw.len);
    buf_clear(&raw);
    merkleblock_clear(&m);
}

static void prove(struct rpc_call *c, const struct block *b, const struct wanted *w)
{
    bool *match = xcalloc(b->n_tx + 1, sizeof(*match));
    size_t found = 0;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        match[i] = map_get(&w->ids, &b->txs[i].txid) != NULL;
        found += match[i];
    }
    if (found == w->ids.len)
        put_proof(c, b, match);
    else
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Not all transactions found in specified or retrieved block");
    free(match);
}

static void gettxoutproof(struct rpc_call *c)
{
    struct wanted w;
    const struct block_index *bi = NULL;
    struct block *b = NULL;
    map_init(&w.ids, sizeof(struct hash256), 1);
    if (read_txids(c, &w))
        bi = find_block(c, &w);
    if (bi != NULL)
        b = read_block(c, bi);
    if (b != NULL)
        prove(c, b, &w);
    block_unref(b);
    map_clear(&w.ids);
}

/* -- verifytxoutproof -- */

static bool read_proof(struct rpc_call *c, struct merkleblock *m)
{
    struct buf raw = {0};
    struct reader r;
    bool ok = rpc_to_bytes(c, rpc_arg(c, 0), "proof", &raw);
    if (ok) {
        reader_init(&r, raw.data, raw.len);
        ok = merkleblock_read(m, &r);
        if (!ok)
            rpc_error(c, RPC_MISC_ERROR, "The proof is cut short or malformed");
    }
    buf_clear(&raw);
    return ok;
}

/* Whether the proof's block is in the active chain and has as many transactions as it
 * says. */
static bool check_block(struct rpc_call *c, const struct merkleblock *m)
{
    struct chainman *cm = c->node->chainman;
    struct hash256 hash = header_hash(&m->header);
    chainman_read_lock(cm);
    const struct block_index *bi = block_tree_find(cm, &hash);
    bool in_chain = bi != NULL && chain_contains(cm, bi) && bi->n_tx > 0;
    uint32_t n_tx = in_chain ? bi->n_tx : 0;
    chainman_read_unlock(cm);
    if (!in_chain)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Block not found in chain");
    return in_chain && n_tx == m->n_tx;
}

static void verifytxoutproof(struct rpc_call *c)
{
    struct merkleblock m;
    struct hash256 *ids;
    size_t n;
    if (!read_proof(c, &m))
        return;
    bool fits = merkleblock_extract(&m, &ids, &n);
    bool proved = fits && check_block(c, &m);
    if (!c->failed) {
        json_begin_array(c->w);
        for (size_t i = 0; proved && i < n; i++)
            json_hash(c->w, &ids[i]);
        json_end_array(c->w);
    }
    free(ids);
    merkleblock_clear(&m);
}

static const struct rpc_method methods[] = {
    {
        .name = "gettxoutproof",
        .help =
            "Proof that transactions are in a block: its header and a part of its "
            "Merkle\ntree. Without blockhash, one of them must have an unspent output, "
            "or -txindex be on.",
        .params =
            PARAMS({"txids", P_ARR, .help = "The transactions, all of one block",
                    .inner = PARAMS({"txid", P_HEX, .help = "One of them"})},
                   {"blockhash", P_HEX, P_OPTIONAL, .help = "The block they are in"}),
        .results = RESULTS({R_HEX, "data", "The proof"}),
        .examples = EXAMPLES("'[\"txid\"]'", "'[\"txid\"]' blockhash"),
        .fn = gettxoutproof,
    },
    {
        .name = "verifytxoutproof",
        .help =
            "The transactions that a proof proves to be in the active chain; none when "
            "it\nproves nothing.",
        .params = PARAMS({"proof", P_HEX, .help = "What gettxoutproof made"}),
        .results =
            RESULTS({R_ARR, "", "", RESULTS({R_HEX, "txid", "One transaction"})}),
        .examples = EXAMPLES("proof"),
        .fn = verifytxoutproof,
    },
};

const struct rpc_table rpc_txoutproof_table = {"Blockchain", methods,
                                               ARRAY_LEN(methods)};
