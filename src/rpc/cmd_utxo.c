/* gettxout. */
#include "chain/mempool/mempool.h"
#include "chain/store/coins_cache.h"
#include "rpc/cmd_blockchain.h"
#include "rpc/json_tx.h"

static bool find_in_mempool(struct node *n, struct arena *mem, const struct outpoint *o,
                            struct found_coin *out)
{
    const struct mempool_entry *e = mempool_find(n->mempool, &o->txid);
    if (!e || o->n >= e->tx->n_out)
        return false;
    const struct txout *to = &e->tx->out[o->n];
    out->coin = (struct coin){.value = to->value};
    out->coin.script =
        bytes_of(arena_dup(mem, to->script.data, to->script.len), to->script.len);
    out->in_mempool = true;
    return true;
}

bool utxo_find(struct node *n, struct arena *mem, const struct outpoint *o,
               bool with_mempool, struct found_coin *out)
{
    struct chainman *cm = n->chainman;
    bool found = false;
    memset(out, 0, sizeof(*out));
    chainman_read_lock(cm);
    out->best = chain_tip(cm)->hash;
    out->tip_height = chain_height(cm);
    with_mempool = with_mempool && n->mempool;
    if (!with_mempool || !mempool_spender(n->mempool, o)) {
        found = with_mempool && find_in_mempool(n, mem, o, out);
        if (!found && coins_peek(chainman_coins(cm), o, &out->coin, mem)) {
            out->confirmations = out->tip_height - (int32_t)out->coin.height + 1;
            found = true;
        }
    }
    chainman_read_unlock(cm);
    return found;
}

void rpc_gettxout(struct rpc_call *c)
{
    struct outpoint o;
    int64_t n = 0;
    struct found_coin f;
    if (!rpc_arg_hash(c, 0, "txid", &o.txid) || !rpc_arg_i64(c, 1, &n))
        return;
    if (n < 0 || n > UINT32_MAX) {
        rpc_error(c, RPC_MISC_ERROR, "JSON integer out of range");
        return;
    }
    o.n = (uint32_t)n;
    if (!utxo_find(c->node, c->mem, &o, rpc_arg_bool(c, 2, true), &f)) {
        json_null(c->w);
        return;
    }
    json_begin_object(c->w);
    json_kv_hash(c->w, "bestblock", &f.best);
    json_kv_int(c->w, "confirmations", f.confirmations);
    rpc_write_amount(c, "value", f.coin.value);
    json_key(c->w, "scriptPubKey");
    json_script(c->w, c->node->params, f.coin.script, true, true);
    json_kv_bool(c->w, "coinbase", f.coin.coinbase);
    json_end_object(c->w);
}
