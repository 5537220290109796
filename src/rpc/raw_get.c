#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "chain/store/txindex.h"
#include "chain/store/undo.h"
#include "chain/validation/chainman.h"
#include "rpc/json_tx.h"
#include "rpc/raw.h"

/* Where a transaction was found. */
struct found {
    struct tx *tx;                  /* owned reference */
    const struct block_index *home; /* NULL: in the mempool, or unknown */
    bool has_block;
    struct hash256 block;
};

struct asked {
    struct hash256 txid;
    const struct block_index *in; /* the block named by the caller, or NULL */
    bool in_active;
    int32_t verbosity;
};

/* 0, 1, 2, or the booleans of old. */
static bool read_verbosity(struct rpc_call *c, size_t i, int32_t *out)
{
    const struct json *v = rpc_arg(c, i);
    if (v == NULL)
        return true;
    if (v->type == JSON_BOOL) {
        *out = v->boolean;
        return true;
    }
    return rpc_to_i32(c, v, out);
}

static bool read_block_arg(struct rpc_call *c, struct asked *a)
{
    struct chainman *cm = c->node->chainman;
    struct hash256 hash;
    if (rpc_arg(c, 2) == NULL)
        return true;
    if (!rpc_arg_hash(c, 2, "parameter 3", &hash))
        return false;
    chainman_read_lock(cm);
    a->in = block_tree_find(cm, &hash);
    a->in_active = a->in != NULL && chain_contains(cm, a->in);
    chainman_read_unlock(cm);
    if (a->in == NULL)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Block hash not found");
    return a->in != NULL;
}

static struct tx *find_in_block(const struct block *b, const struct hash256 *txid)
{
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (hash256_equal(&b->txs[i].txid, txid))
            return tx_ref(&b->txs[i]);
    }
    return NULL;
}

static void look_in_block(struct rpc_call *c, const struct asked *a, struct found *f)
{
    struct block *b;
    if (chainman_read_block(c->node->chainman, &b, a->in) != ERR_OK)
        return;
    f->tx = find_in_block(b, &a->txid);
    f->home = a->in;
    f->has_block = true;
    f->block = a->in->hash;
    block_unref(b);
}

static void look_in_mempool(struct rpc_call *c, const struct asked *a, struct found *f)
{
    struct chainman *cm = c->node->chainman;
    if (c->node->mempool == NULL)
        return;
    chainman_read_lock(cm);
    const struct mempool_entry *e = mempool_find(c->node->mempool, &a->txid);
    if (e != NULL)
        f->tx = tx_ref(e->tx);
    chainman_read_unlock(cm);
}

static void look_in_index(struct rpc_call *c, const struct asked *a, struct found *f)
{
    struct chainman *cm = c->node->chainman;
    struct txindex *index = chainman_txindex(cm);
    if (index == NULL ||
        txindex_find(index, chainman_files(cm), &a->txid, &f->tx, &f->block) != ERR_OK)
        return;
    f->has_block = true;
    chainman_read_lock(cm);
    f->home = block_tree_find(cm, &f->block);
    chainman_read_unlock(cm);
}

static bool block_is_stored(struct rpc_call *c, const struct block_index *bi)
{
    chainman_read_lock(c->node->chainman);
    bool stored = (bi->status & BLOCK_HAVE_DATA) != 0;
    chainman_read_unlock(c->node->chainman);
    return stored;
}

static void not_found(struct rpc_call *c, const struct asked *a)
{
    const char *why = "No such mempool or blockchain transaction";
    if (a->in != NULL && !block_is_stored(c, a->in)) {
        rpc_error(c, RPC_MISC_ERROR, "Block not available");
        return;
    }
    if (a->in != NULL)
        why = "No such transaction found in the provided block";
    else if (chainman_txindex(c->node->chainman) == NULL)
        why = "No such mempool transaction. Use -txindex or provide a block hash to "
              "enable "
              "blockchain transaction queries";
    rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
              "%s. Use gettransaction for wallet transactions.", why);
}

static void put_place(struct rpc_call *c, const struct found *f)
{
    struct chainman *cm = c->node->chainman;
    if (!f->has_block)
        return;
    json_kv_hash(c->w, "blockhash", &f->block);
    if (f->home == NULL)
        return;
    chainman_read_lock(cm);
    bool active = chain_contains(cm, f->home);
    int32_t confirmations = active ? 1 + chain_height(cm) - f->home->height : 0;
    chainman_read_unlock(cm);
    json_kv_int(c->w, "confirmations", confirmations);
    if (active) {
        json_kv_uint(c->w, "time", f->home->time);
        json_kv_uint(c->w, "blocktime", f->home->time);
    }
}

/* The coins it spent, from the block's undo record; NULL with an error given when it
 * cannot be read. */
static const struct coin *read_spent(struct rpc_call *c, const struct found *f)
{
    static const char corrupt[] =
        "data expected but can't be read. This could be due to "
        "disk corruption or a conflict with a pruning event.";
    struct chainman *cm = c->node->chainman;
    struct block_undo undo;
    struct block *b;
    const struct coin *spent = NULL;
    if (chainman_read_undo(cm, &undo, f->home, c->mem) != ERR_OK) {
        rpc_error(c, RPC_INTERNAL_ERROR, "Undo %s", corrupt);
        return NULL;
    }
    if (chainman_read_block(cm, &b, f->home) != ERR_OK) {
        rpc_error(c, RPC_INTERNAL_ERROR, "Block %s", corrupt);
        return NULL;
    }
    for (uint32_t i = 1; i < b->n_tx && i <= undo.n_tx; i++) {
        if (hash256_equal(&b->txs[i].txid, &f->tx->txid))
            spent = undo.txs[i - 1].coins;
    }
    block_unref(b);
    return spent;
}

static bool has_undo(struct rpc_call *c, const struct found *f)
{
    if (f->home == NULL || tx_is_coinbase(f->tx))
        return false;
    chainman_read_lock(c->node->chainman);
    uint32_t status = f->home->status;
    chainman_read_unlock(c->node->chainman);
    return (status & BLOCK_HAVE_DATA) && (status & BLOCK_HAVE_UNDO);
}

static void put_found(struct rpc_call *c, const struct asked *a, const struct found *f)
{
    struct json_tx_options opt = {.params = c->node->params, .hex = true};
    if (a->verbosity <= 0) {
        json_hex(c->w, f->tx->raw.data, f->tx->raw.len);
        return;
    }
    if (a->verbosity >= 2 && has_undo(c, f)) {
        opt.spent = read_spent(c, f);
        opt.prevouts = true;
        if (c->failed)
            return;
    }
    json_begin_object(c->w);
    if (a->in != NULL)
        json_kv_bool(c->w, "in_active_chain", a->in_active);
    json_tx_members(c->w, f->tx, &opt);
    put_place(c, f);
    json_end_object(c->w);
}

void rpc_getrawtransaction(struct rpc_call *c)
{
    struct asked a = {.in = NULL};
    struct found f = {.tx = NULL};
    if (!rpc_arg_hash(c, 0, "parameter 1", &a.txid))
        return;
    if (hash256_equal(&a.txid, &c->node->params->genesis.merkle_root)) {
        rpc_error(
            c, RPC_INVALID_ADDRESS_OR_KEY,
            "The genesis block coinbase is not considered an ordinary transaction "
            "and cannot be retrieved");
        return;
    }
    if (!read_verbosity(c, 1, &a.verbosity) || !read_block_arg(c, &a))
        return;
    if (a.in != NULL) {
        look_in_block(c, &a, &f);
    } else {
        look_in_mempool(c, &a, &f);
        if (f.tx == NULL)
            look_in_index(c, &a, &f);
    }
    if (f.tx == NULL)
        not_found(c, &a);
    else
        put_found(c, &a, &f);
    tx_unref(f.tx);
}

struct tx *raw_find_tx(struct rpc_call *c, const struct hash256 *txid)
{
    const struct asked a = {.txid = *txid};
    struct found f = {.tx = NULL};
    look_in_mempool(c, &a, &f);
    if (f.tx == NULL)
        look_in_index(c, &a, &f);
    return f.tx;
}
