/* gettxoutsetinfo: by a walk over the set, or out of the index of its statistics. */
#include "chain/store/coinstats_index.h"
#include "chain/store/utxo_hash.h"
#include "rpc/cmd_blockchain.h"

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
    s->bogosize += coin_bogosize(coin->script);
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

static void walk_set(struct rpc_call *c, enum set_hash kind)
{
    struct utxo_set s = {.c = c, .kind = kind};
    const struct block_index *tip;
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

/* -- By the index ---------------------------------------------------------- */

static void nothing(void *arg UNUSED)
{
}

/* How far the index has come; *synced: to the tip. */
static int32_t index_height(struct chainman *cm, bool *synced)
{
    struct index_status list[MAX_INDEXES];
    int32_t height = 0;
    chainman_read_lock(cm);
    size_t n = chainman_indexes(cm, list);
    chainman_read_unlock(cm);
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, "coinstatsindex") == 0) {
            height = list[i].height;
            *synced = list[i].synced;
        }
    return height;
}

/* The tip may be a moment ahead of what follows it. */
static bool index_has(struct rpc_call *c, const struct block_index *bi)
{
    struct chainman *cm = c->node->chainman;
    bool synced = false;
    int32_t height = index_height(cm, &synced);
    if (!synced && chainman_call(cm, nothing, NULL) == ERR_OK)
        height = index_height(cm, &synced);
    if (synced || bi->height <= height)
        return true;
    rpc_error(c, RPC_INTERNAL_ERROR,
              "Unable to get data because coinstatsindex is still syncing. Current "
              "height: %d",
              height);
    return false;
}

static void reply_block(struct rpc_call *c, const struct coin_stats *s)
{
    int64_t lost = s->lost_genesis + s->lost_scripts + s->lost_unclaimed;
    json_key(c->w, "block_info");
    json_begin_object(c->w);
    rpc_write_amount(c, "prevout_spent", amount_of((int64_t)s->prevouts));
    rpc_write_amount(c, "coinbase", amount_of(s->coinbase));
    rpc_write_amount(c, "new_outputs_ex_coinbase", amount_of((int64_t)s->new_outputs));
    rpc_write_amount(c, "unspendable", amount_of(lost));
    json_key(c->w, "unspendables");
    json_begin_object(c->w);
    rpc_write_amount(c, "genesis_block", amount_of(s->lost_genesis));
    rpc_write_amount(c, "bip30", amount_of(0)); /* no network here has such blocks */
    rpc_write_amount(c, "scripts", amount_of(s->lost_scripts));
    rpc_write_amount(c, "unclaimed_rewards", amount_of(s->lost_unclaimed));
    json_end_object(c->w);
    json_end_object(c->w);
}

static void reply_stats(struct rpc_call *c, enum set_hash kind,
                        const struct block_index *bi, const struct coin_stats *s)
{
    struct hash256 hash;
    json_begin_object(c->w);
    json_kv_int(c->w, "height", bi->height);
    json_kv_hash(c->w, "bestblock", &bi->hash);
    json_kv_uint(c->w, "txouts", s->txouts);
    json_kv_uint(c->w, "bogosize", s->bogosize);
    if (kind == SET_HASH_MUHASH) {
        muhash_final(&s->set, hash.b);
        json_kv_hash(c->w, set_hash_names[kind], &hash);
    }
    rpc_write_amount(c, "total_amount", amount_of(s->total));
    rpc_write_amount(c, "total_unspendable_amount", amount_of(s->unspendable));
    reply_block(c, s);
    json_end_object(c->w);
}

/* A block is named: only the index knows of others than the tip. */
static bool check_block_asked(struct rpc_call *c, enum set_hash kind, bool use_index)
{
    const char *why = NULL;
    if (!rpc_arg(c, 1))
        return true;
    if (!chainman_coinstats(c->node->chainman))
        why = "Querying specific block heights requires coinstatsindex";
    else if (kind == SET_HASH_SERIALIZED)
        why = "hash_serialized_3 hash type cannot be queried for a specific block";
    else if (!use_index)
        why = "Cannot set use_index to false when querying for a specific block";
    if (why)
        rpc_error(c, RPC_INVALID_PARAMETER, "%s", why);
    return !why;
}

static const struct block_index *block_asked(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    chainman_read_lock(cm);
    const struct block_index *bi = rpc_arg(c, 1) ? blockchain_at(c, 1) : chain_tip(cm);
    chainman_read_unlock(cm);
    return bi;
}

static void look_up(struct rpc_call *c, enum set_hash kind,
                    const struct block_index *bi)
{
    struct coin_stats s;
    if (coinstats_index_find(chainman_coinstats(c->node->chainman), &bi->hash, &s) ==
        ERR_OK)
        reply_stats(c, kind, bi, &s);
    else
        rpc_error(c, RPC_INTERNAL_ERROR, "Unable to read UTXO set");
}

void rpc_gettxoutsetinfo(struct rpc_call *c)
{
    enum set_hash kind;
    bool use_index = rpc_arg_bool(c, 2, true);
    if (!read_kind(c, &kind) || !check_block_asked(c, kind, use_index))
        return;
    if (!use_index || !chainman_coinstats(c->node->chainman)) {
        walk_set(c, kind);
        return;
    }
    const struct block_index *bi = block_asked(c);
    if (!bi || !index_has(c, bi))
        return;
    if (kind == SET_HASH_SERIALIZED)
        walk_set(c, kind);
    else
        look_up(c, kind, bi);
}
