/* getblock and getblockheader. */
#include <inttypes.h>
#include <stdio.h>

#include "chain/rules/pow.h"
#include "chain/store/blockfile.h"
#include "chain/store/undo.h"
#include "rpc/cmd_blockchain.h"
#include "rpc/json_tx.h"

struct block_index *blockchain_find(struct rpc_call *c, const struct hash256 *hash)
{
    struct block_index *bi = block_tree_find(c->node->chainman, hash);
    if (!bi)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Block not found");
    return bi;
}

const struct block_index *blockchain_at_height(struct rpc_call *c, int32_t height)
{
    struct chainman *cm = c->node->chainman;
    if (height < 0)
        rpc_error(c, RPC_INVALID_PARAMETER, "Target block height %d is negative",
                  height);
    else if (height > chain_height(cm))
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Target block height %d after current tip %d", height,
                  chain_height(cm));
    else
        return chain_at(cm, height);
    return NULL;
}

const struct block_index *blockchain_named(struct rpc_call *c, const struct json *v)
{
    struct hash256 hash;
    int32_t height;
    if (v != NULL && v->type == JSON_NUMBER)
        return rpc_to_i32(c, v, &height) ? blockchain_at_height(c, height) : NULL;
    return rpc_to_hash(c, v, "hash_or_height", &hash) ? blockchain_find(c, &hash)
                                                      : NULL;
}

const struct block_index *blockchain_at(struct rpc_call *c, size_t i)
{
    return blockchain_named(c, rpc_arg(c, i));
}

bool blockchain_is_pruned(const struct chainman *cm, const struct block_index *bi)
{
    return chainman_has_pruned(cm) && !(bi->status & BLOCK_HAVE_DATA) && bi->n_tx > 0;
}

/* A header without its block, or a block that was pruned a moment ago. */
static void block_missing(struct rpc_call *c, const struct block_index *bi)
{
    rpc_error(c, RPC_MISC_ERROR,
              bi->status & BLOCK_HAVE_DATA
                  ? "Block not found on disk"
                  : "Block not available (not fully downloaded)");
}

struct block *blockchain_read(struct rpc_call *c, const struct block_index *bi,
                              bool pruned)
{
    struct block *b;
    if (pruned) {
        rpc_error(c, RPC_MISC_ERROR, "Block not available (pruned data)");
        return NULL;
    }
    if (chainman_read_block(c->node->chainman, &b, bi) == ERR_OK)
        return b;
    block_missing(c, bi);
    return NULL;
}

/* What the tree says of a block: taken under the lock, shown without it. */
struct block_view {
    struct block_index *bi;
    const struct block_index *next; /* on the active chain, or NULL */
    int32_t confirmations;          /* -1: not on the active chain */
    int64_t mtp;
    bool pruned;
};

static bool view_block(struct rpc_call *c, const struct hash256 *hash,
                       struct block_view *v)
{
    struct chainman *cm = c->node->chainman;
    chainman_read_lock(cm);
    v->bi = blockchain_find(c, hash);
    if (v->bi) {
        v->next = chain_next(cm, v->bi);
        v->confirmations =
            chain_contains(cm, v->bi) ? chain_height(cm) - v->bi->height + 1 : -1;
        v->mtp = block_index_mtp(v->bi);
        v->pruned = blockchain_is_pruned(cm, v->bi);
    }
    chainman_read_unlock(cm);
    return v->bi != NULL;
}

static void write_header(struct json_writer *w, const struct block_view *v)
{
    const struct block_index *bi = v->bi;
    char hex[65];
    json_kv_hash(w, "hash", &bi->hash);
    json_kv_int(w, "confirmations", v->confirmations);
    json_kv_int(w, "height", bi->height);
    json_kv_int(w, "version", bi->version);
    snprintf(hex, sizeof(hex), "%08" PRIx32, (uint32_t)bi->version);
    json_kv_str(w, "versionHex", hex);
    json_kv_hash(w, "merkleroot", &bi->merkle_root);
    json_kv_uint(w, "time", bi->time);
    json_kv_int(w, "mediantime", v->mtp);
    json_kv_uint(w, "nonce", bi->nonce);
    snprintf(hex, sizeof(hex), "%08" PRIx32, bi->bits);
    json_kv_str(w, "bits", hex);
    json_kv_double(w, "difficulty", difficulty_of_bits(bi->bits));
    json_kv_str(w, "chainwork", u256_to_hex(hex, &bi->chain_work));
    json_kv_uint(w, "nTx", bi->n_tx);
    if (bi->prev)
        json_kv_hash(w, "previousblockhash", &bi->prev->hash);
    if (v->next)
        json_kv_hash(w, "nextblockhash", &v->next->hash);
}

void rpc_getblockheader(struct rpc_call *c)
{
    struct hash256 hash;
    struct block_view v;
    if (!rpc_arg_hash(c, 0, "hash", &hash) || !view_block(c, &hash, &v))
        return;
    if (rpc_arg_bool(c, 1, true)) {
        json_begin_object(c->w);
        write_header(c->w, &v);
        json_end_object(c->w);
        return;
    }
    struct block_header h = block_index_header(v.bi);
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    header_write(&s, &h);
    json_hex(c->w, raw.data, raw.len);
    buf_clear(&raw);
}

/* -- getblock -- */

/* true is 1, false is 0. False: not a number. */
static bool read_verbosity(struct rpc_call *c, size_t i, int32_t *out)
{
    const struct json *v = rpc_arg(c, i);
    *out = 1;
    if (v && v->type == JSON_BOOL) {
        *out = v->boolean;
        return true;
    }
    if (v && !rpc_want(c, v, JSON_NUMBER))
        return false;
    return rpc_arg_i32(c, i, out);
}

static void write_raw(struct rpc_call *c, const struct block_view *v)
{
    struct filepos pos = {v->bi->file, v->bi->data_pos};
    struct buf raw = {0};
    if (v->pruned)
        rpc_error(c, RPC_MISC_ERROR, "Block not available (pruned data)");
    else if (!(v->bi->status & BLOCK_HAVE_DATA) ||
             block_files_read_raw(chainman_files(c->node->chainman), &raw, &pos) !=
                 ERR_OK)
        block_missing(c, v->bi);
    else
        json_hex(c->w, raw.data, raw.len);
    buf_clear(&raw);
}

static void write_tx(struct rpc_call *c, const struct tx *tx,
                     const struct tx_undo *undo, bool prevouts)
{
    struct json_tx_options opt = {
        .params = c->node->params,
        .hex = true,
        .spent = undo ? undo->coins : NULL,
        .prevouts = prevouts && undo,
    };
    json_tx(c->w, tx, &opt);
}

static void write_txs(struct rpc_call *c, const struct block *b,
                      const struct block_view *v, int verbosity)
{
    struct arena mem;
    struct block_undo undo;
    arena_init(&mem, 256 << 10);
    /* Fees need the coins spent; without undo data (a branch never connected) there
     * are none. */
    bool have_undo =
        verbosity >= 2 &&
        chainman_read_undo(c->node->chainman, &undo, v->bi, &mem) == ERR_OK &&
        undo.n_tx + 1 == b->n_tx;
    json_key(c->w, "tx");
    json_begin_array(c->w);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (verbosity == 1)
            json_hash(c->w, &b->txs[i].txid);
        else
            write_tx(c, &b->txs[i], have_undo && i > 0 ? &undo.txs[i - 1] : NULL,
                     verbosity >= 3);
    }
    json_end_array(c->w);
    arena_clear(&mem);
}

void rpc_getblock(struct rpc_call *c)
{
    struct hash256 hash;
    struct block_view v;
    int32_t verbosity;
    if (!rpc_arg_hash(c, 0, "blockhash", &hash) || !read_verbosity(c, 1, &verbosity) ||
        !view_block(c, &hash, &v))
        return;
    if (verbosity <= 0) {
        write_raw(c, &v);
        return;
    }
    struct block *b = blockchain_read(c, v.bi, v.pruned);
    if (!b)
        return;
    json_begin_object(c->w);
    write_header(c->w, &v);
    json_kv_uint(c->w, "strippedsize", b->base_size);
    json_kv_uint(c->w, "size", b->raw.len);
    json_kv_int(c->w, "weight", block_weight(b));
    write_txs(c, b, &v, verbosity);
    json_end_object(c->w);
    block_unref(b);
}
