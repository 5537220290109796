/* RPC: mining. */

#include "chain/mining/miner.h"
#include "chain/rules/pow.h"
#include "rpc/method.h"

/* ---- getnetworkhashps, getmininginfo ---- */

static double hashes_per_second(const struct chainman *cm, int32_t lookup,
                                int32_t height)
{
    const struct block_index *last = height >= 0 ? chain_at(cm, height) : chain_tip(cm);
    if (!last || last->height == 0)
        return 0;
    if (lookup == -1)
        lookup = last->height % chainman_params(cm)->bip9_window + 1;
    if (lookup > last->height)
        lookup = last->height;
    int64_t min = last->time, max = last->time;
    const struct block_index *first = last;
    for (int32_t i = 0; i < lookup; i++) {
        first = first->prev;
        min = first->time < min ? first->time : min;
        max = first->time > max ? first->time : max;
    }
    if (min == max)
        return 0;
    struct u256 work = u256_sub(last->chain_work, first->chain_work);
    return u256_to_double(&work) / (double)(max - min);
}

static void getnetworkhashps(struct rpc_call *c)
{
    const struct chainman *cm = c->node->chainman;
    int32_t lookup = 120, height = -1;
    if (!rpc_arg_i32(c, 0, &lookup) || !rpc_arg_i32(c, 1, &height))
        return;
    if (lookup < -1 || lookup == 0) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Invalid nblocks. Must be a positive number or -1.");
        return;
    }
    chainman_read_lock(c->node->chainman);
    bool known = height >= -1 && height <= chain_height(cm);
    double rate = known ? hashes_per_second(cm, lookup, height) : 0;
    chainman_read_unlock(c->node->chainman);
    if (!known)
        rpc_error(c, RPC_INVALID_PARAMETER, "Block does not exist at specified height");
    else
        json_double(c->w, rate);
}

static void getmininginfo(struct rpc_call *c)
{
    struct node *n = c->node;
    struct json_writer *w = c->w;
    int64_t weight, n_txs;

    chainman_read_lock(n->chainman);
    json_begin_object(w);
    json_kv_int(w, "blocks", chain_height(n->chainman));
    if (miner_last(n->miner, &weight, &n_txs)) {
        json_kv_int(w, "currentblockweight", weight);
        json_kv_int(w, "currentblocktx", n_txs);
    }
    json_kv_double(w, "difficulty", difficulty_of_bits(chain_tip(n->chainman)->bits));
    json_kv_double(w, "networkhashps", hashes_per_second(n->chainman, 120, -1));
    json_kv_uint(w, "pooledtx", mempool_count(n->mempool));
    json_kv_str(w, "chain", n->params->name);
    rpc_write_warnings(c);
    json_end_object(w);
    chainman_read_unlock(n->chainman);
}

/* ---- priorities ---- */

struct prioritise_job {
    struct mempool *mp;
    struct hash256 txid;
    struct amount delta;
};

static void prioritise_job(void *arg)
{
    struct prioritise_job *j = arg;
    mempool_prioritise(j->mp, &j->txid, j->delta);
}

static void prioritisetransaction(struct rpc_call *c)
{
    struct prioritise_job j = {.mp = c->node->mempool};
    const struct json *dummy = rpc_arg(c, 1);
    double zero = 0;

    if (!rpc_arg_hash(c, 0, "txid", &j.txid) || !rpc_arg_i64(c, 2, &j.delta.v))
        return;
    if (dummy && (!json_to_double(dummy, &zero) || zero != 0)) {
        rpc_error(
            c, RPC_INVALID_PARAMETER,
            "Priority is no longer supported, dummy argument to prioritisetransaction "
            "must be 0.");
        return;
    }
    if (rpc_on_chain(c, prioritise_job, &j))
        json_bool(c->w, true);
}

static void write_delta(void *ctx, const struct hash256 *txid, struct amount delta)
{
    struct rpc_call *c = ctx;
    const struct mempool_entry *e = mempool_find(c->node->mempool, txid);
    char hex[65];
    json_key(c->w, hash256_to_hex(hex, txid));
    json_begin_object(c->w);
    json_kv_int(c->w, "fee_delta", delta.v);
    json_kv_bool(c->w, "in_mempool", e != NULL);
    if (e)
        json_kv_int(c->w, "modified_fee", entry_modified_fee(e));
    json_end_object(c->w);
}

static void getprioritisedtransactions(struct rpc_call *c)
{
    chainman_read_lock(c->node->chainman);
    json_begin_object(c->w);
    mempool_each_delta(c->node->mempool, write_delta, c);
    json_end_object(c->w);
    chainman_read_unlock(c->node->chainman);
}

/* ---- the table ---- */

static const struct rpc_method methods[] = {
    {
        .name = "getnetworkhashps",
        .help =
            "Estimates the network's hashes per second from the work and the times of "
            "the last blocks.",
        .params =
            PARAMS({"nblocks", P_NUM, .def = "120",
                    .help = "How many blocks to look at; -1: since the last change of "
                            "difficulty"},
                   {"height", P_NUM, .def = "-1",
                    .help = "The last of these blocks; -1: the tip"}),
        .results = RESULTS({R_NUM, "", "Hashes per second"}),
        .examples = EXAMPLES("", "120 1000"),
        .fn = getnetworkhashps,
    },
    {
        .name = "getmininginfo",
        .help = "What a miner wants to know at a glance.",
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_NUM, "blocks", "Height of the tip"},
                     {R_NUM, "currentblockweight", "Weight of the last template made",
                      .optional = true},
                     {R_NUM, "currentblocktx",
                      "Transactions in it, without the coinbase", .optional = true},
                     {R_NUM, "difficulty", "Difficulty of the tip"},
                     {R_NUM, "networkhashps", "The network's hashes per second"},
                     {R_NUM, "pooledtx", "Transactions in the mempool"},
                     {R_STR, "chain", "Name of the network"}, R_WARNINGS)}),
        .examples = EXAMPLES(""),
        .fn = getmininginfo,
    },
    {
        .name = "prioritisetransaction",
        .help =
            "Makes the miner (and the mempool's limits) see a transaction with another "
            "fee than it pays. Changes add up.",
        .params =
            PARAMS({"txid", P_STR, .help = "The transaction"},
                   {"dummy", P_NUM, P_OPTIONAL,
                    .help = "For compatibility: must be zero or null"},
                   {"fee_delta", P_NUM,
                    .help = "What to add to the fee, in the smallest unit; may be "
                            "negative"}),
        .results = RESULTS({R_BOOL, "", "true"}),
        .examples = EXAMPLES("\"txid\" 0.0 10000"),
        .fn = prioritisetransaction,
    },
    {
        .name = "getprioritisedtransactions",
        .help = "All changes made by prioritisetransaction that still hold.",
        .results = RESULTS(
            {R_OBJ_DYN, "", "By txid",
             RESULTS({R_OBJ, "txid", "",
                      RESULTS({R_NUM, "fee_delta", "Sum of all changes, smallest unit"},
                              {R_BOOL, "in_mempool", "Whether the pool has it"},
                              {R_NUM, "modified_fee",
                               "Its fee with the change; if the pool has it",
                               .optional = true})})}),
        .examples = EXAMPLES(""),
        .fn = getprioritisedtransactions,
    },
};

const struct rpc_table rpc_mining_table = {"Mining", methods, ARRAY_LEN(methods),
                                           .public_replies = true};
