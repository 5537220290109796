/* gettxout and gettxoutsetinfo. */
#include "chain/mempool/mempool.h"
#include "chain/store/coins_cache.h"
#include "chain/store/utxo_hash.h"
#include "crypto/hash.h"
#include "rpc/cmd_blockchain.h"
#include "rpc/json_tx.h"

/* -- gettxout -- */

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

/* -- gettxoutsetinfo -- */

enum set_hash {
    SET_HASH_SERIALIZED,
    SET_HASH_MUHASH,
    SET_HASH_NONE,
};

static const char *const set_hash_names[] = {
    [SET_HASH_SERIALIZED] = "hash_serialized_3",
    [SET_HASH_MUHASH] = "muhash",
    [SET_HASH_NONE] = "none",
};

struct utxo_set {
    struct rpc_call *c;
    enum set_hash kind;
    uint64_t txouts, transactions, bogosize;
    int64_t total;
    struct utxo_hash serialized;
    struct muhash muhash;
    struct hash256 txid; /* of the last coin */
    struct buf octets;
};

static void hash_coin(struct utxo_set *s, const struct outpoint *o,
                      const struct coin *coin)
{
    if (s->kind == SET_HASH_SERIALIZED)
        utxo_hash_add(&s->serialized, o, coin);
    if (s->kind == SET_HASH_MUHASH) {
        buf_reset(&s->octets);
        utxo_octets(&s->octets, o, coin);
        muhash_insert(&s->muhash, s->octets.data, s->octets.len);
    }
}

static bool add_coin(void *ctx, const struct outpoint *o, const struct coin *coin)
{
    struct utxo_set *s = ctx;
    s->transactions += s->txouts == 0 || !hash256_equal(&s->txid, &o->txid);
    s->txid = o->txid;
    s->txouts++;
    s->total += coin->value.v;
    s->bogosize += 32 + 4 + 4 + 8 + 2 + coin->script.len;
    hash_coin(s, o, coin);
    return (s->txouts & 0x3ff) != 0 || !rpc_cancelled(s->c);
}

static bool read_kind(struct rpc_call *c, enum set_hash *out)
{
    const char *name = rpc_arg_str(c, 0, set_hash_names[SET_HASH_SERIALIZED]);
    for (size_t i = 0; i < ARRAY_LEN(set_hash_names); i++) {
        if (strcmp(name, set_hash_names[i]) == 0) {
            *out = (enum set_hash)i;
            return true;
        }
    }
    rpc_error(c, RPC_INVALID_PARAMETER, "'%s' is not a valid hash_type", name);
    return false;
}

static void reply_set(struct utxo_set *s, const struct block_index *tip,
                      const struct hash256 *serialized)
{
    struct rpc_call *c = s->c;
    struct hash256 hash = *serialized;
    json_begin_object(c->w);
    json_kv_int(c->w, "height", tip->height);
    json_kv_hash(c->w, "bestblock", &tip->hash);
    json_kv_uint(c->w, "txouts", s->txouts);
    json_kv_uint(c->w, "bogosize", s->bogosize);
    if (s->kind == SET_HASH_MUHASH)
        muhash_final(&s->muhash, hash.b);
    if (s->kind != SET_HASH_NONE)
        json_kv_hash(c->w, set_hash_names[s->kind], &hash);
    rpc_write_amount(c, "total_amount", amount_of(s->total));
    json_kv_uint(c->w, "transactions", s->transactions);
    json_kv_uint(c->w, "disk_size", chainman_utxo_disk_size(c->node->chainman));
    json_end_object(c->w);
}

void rpc_gettxoutsetinfo(struct rpc_call *c)
{
    struct utxo_set s = {.c = c};
    const struct block_index *tip;
    if (!read_kind(c, &s.kind))
        return;
    if (rpc_arg(c, 1)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Querying specific block heights requires coinstatsindex");
        return;
    }
    struct hash256 serialized;
    utxo_hash_init(&s.serialized);
    muhash_init(&s.muhash);
    enum err e = chainman_utxo_walk(c->node->chainman, add_coin, &s, &tip);
    utxo_hash_final(&s.serialized, &serialized);
    if (e != ERR_OK || rpc_cancelled(c))
        rpc_error(c, RPC_INTERNAL_ERROR, "Unable to read UTXO set");
    else
        reply_set(&s, tip, &serialized);
    buf_clear(&s.octets);
}
