/* gettxout and gettxoutsetinfo. */
#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/store/coins_cache.h"
#include "crypto/hash.h"
#include "crypto/sha256.h"
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

/* A coin as the hashes see it, kept until all of its transaction's are there. */
struct hashed_coin {
    uint32_t n;
    size_t begin, end; /* of its octets in utxo_set.octets */
};

struct utxo_set {
    struct rpc_call *c;
    enum set_hash kind;
    uint64_t txouts, transactions, bogosize;
    int64_t total;
    struct sha256 serialized;
    struct muhash muhash;
    /* the transaction whose coins come now */
    struct hash256 txid;
    struct buf octets;
    struct hashed_coin *coins; /* owned */
    size_t n_coins, cap_coins;
};

static int by_output(const void *a, const void *b)
{
    const struct hashed_coin *x = a, *y = b;
    return (x->n > y->n) - (x->n < y->n);
}

/* The database's order of outputs is not their number's. */
static void finish_tx(struct utxo_set *s)
{
    if (s->n_coins == 0)
        return;
    s->transactions++;
    if (s->kind == SET_HASH_SERIALIZED) {
        qsort(s->coins, s->n_coins, sizeof(*s->coins), by_output);
        for (size_t i = 0; i < s->n_coins; i++)
            sha256_update(&s->serialized, s->octets.data + s->coins[i].begin,
                          s->coins[i].end - s->coins[i].begin);
    }
    s->n_coins = 0;
    buf_reset(&s->octets);
}

static void write_coin(struct buf *out, const struct outpoint *o,
                       const struct coin *coin)
{
    struct sink s = sink_to_buf(out);
    outpoint_write(&s, o);
    write_u32(&s, coin->height << 1 | coin->coinbase);
    write_i64(&s, coin->value.v);
    write_var(&s, coin->script);
}

static void hash_coin(struct utxo_set *s, const struct outpoint *o,
                      const struct coin *coin)
{
    size_t begin = s->octets.len;
    if (s->kind != SET_HASH_NONE)
        write_coin(&s->octets, o, coin);
    if (s->kind == SET_HASH_MUHASH) {
        muhash_insert(&s->muhash, s->octets.data, s->octets.len);
        buf_reset(&s->octets);
    }
    if (s->n_coins == s->cap_coins) {
        s->cap_coins = s->cap_coins ? s->cap_coins * 2 : 64;
        s->coins = xrealloc_array(s->coins, s->cap_coins, sizeof(*s->coins));
    }
    s->coins[s->n_coins++] = (struct hashed_coin){o->n, begin, s->octets.len};
}

static bool add_coin(void *ctx, const struct outpoint *o, const struct coin *coin)
{
    struct utxo_set *s = ctx;
    if (!hash256_equal(&s->txid, &o->txid))
        finish_tx(s);
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

static void reply_set(struct utxo_set *s, const struct block_index *tip)
{
    struct rpc_call *c = s->c;
    struct hash256 hash;
    json_begin_object(c->w);
    json_kv_int(c->w, "height", tip->height);
    json_kv_hash(c->w, "bestblock", &tip->hash);
    json_kv_uint(c->w, "txouts", s->txouts);
    json_kv_uint(c->w, "bogosize", s->bogosize);
    if (s->kind == SET_HASH_SERIALIZED)
        sha256d_final(&s->serialized, hash.b);
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
    sha256_init(&s.serialized);
    muhash_init(&s.muhash);
    enum err e = chainman_utxo_walk(c->node->chainman, add_coin, &s, &tip);
    finish_tx(&s);
    if (e != ERR_OK || rpc_cancelled(c))
        rpc_error(c, RPC_INTERNAL_ERROR, "Unable to read UTXO set");
    else
        reply_set(&s, tip);
    free(s.coins);
    buf_clear(&s.octets);
}
