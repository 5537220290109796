/* getblockstats and getchaintxstats. */
#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/store/undo.h"
#include "rpc/cmd_blockchain.h"

#define N_PERCENTILES 5
/* What an entry of the UTXO set takes besides its output: outpoint, height, coinbase
 * flag. */
#define PER_UTXO_OVERHEAD (36 + 4 + 1)

/* -- getblockstats: what is counted -- */

struct rated {
    int64_t feerate, weight;
};

struct block_stats {
    int64_t avgfee, avgfeerate, avgtxsize, height, ins, maxfee, maxfeerate, maxtxsize,
        medianfee, mediantime, mediantxsize, minfee, minfeerate, mintxsize, outs,
        subsidy, swtotal_size, swtotal_weight, swtxs, time, total_out, total_size,
        total_weight, totalfee, txs, utxo_increase, utxo_size_inc, utxo_increase_actual,
        utxo_size_inc_actual;
    int64_t percentiles[N_PERCENTILES];
    int64_t utxos;         /* outputs that enter the UTXO set */
    size_t n;              /* transactions without the coinbase */
    int64_t *fees, *sizes; /* in the call's arena: n of them */
    struct rated *rates;
};

/* Members in the order of the reply; the two that are no plain numbers have offset
 * NOT_PLAIN. */
#define NOT_PLAIN SIZE_MAX
#define STAT(member)                                                                   \
    {                                                                                  \
#member, offsetof(struct block_stats, member)                                  \
    }
static const struct stat {
    const char *name;
    size_t offset;
} stats[] = {
    STAT(avgfee),
    STAT(avgfeerate),
    STAT(avgtxsize),
    {"blockhash", NOT_PLAIN},
    {"feerate_percentiles", NOT_PLAIN},
    STAT(height),
    STAT(ins),
    STAT(maxfee),
    STAT(maxfeerate),
    STAT(maxtxsize),
    STAT(medianfee),
    STAT(mediantime),
    STAT(mediantxsize),
    STAT(minfee),
    STAT(minfeerate),
    STAT(mintxsize),
    STAT(outs),
    STAT(subsidy),
    STAT(swtotal_size),
    STAT(swtotal_weight),
    STAT(swtxs),
    STAT(time),
    STAT(total_out),
    STAT(total_size),
    STAT(total_weight),
    STAT(totalfee),
    STAT(txs),
    STAT(utxo_increase),
    STAT(utxo_size_inc),
    STAT(utxo_increase_actual),
    STAT(utxo_size_inc_actual),
};

static int64_t utxo_size(size_t script_len)
{
    return (int64_t)(8 + varint_size(script_len) + script_len + PER_UTXO_OVERHEAD);
}

static int compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_rated(const void *a, const void *b)
{
    const struct rated *x = a, *y = b;
    if (x->feerate != y->feerate)
        return x->feerate > y->feerate ? 1 : -1;
    return (x->weight > y->weight) - (x->weight < y->weight);
}

static int64_t median(int64_t *v, size_t n)
{
    if (n == 0)
        return 0;
    qsort(v, n, sizeof(*v), compare_i64);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Feerates below which 10, 25, 50, 75 and 90 percent of the block's weight lie. */
static void percentiles(struct block_stats *s)
{
    double weight = (double)s->total_weight;
    const double marks[N_PERCENTILES] = {weight / 10.0, weight / 4.0, weight / 2.0,
                                         weight * 3.0 / 4.0, weight * 9.0 / 10.0};
    size_t next = 0;
    int64_t sum = 0;
    if (s->n == 0)
        return;
    qsort(s->rates, s->n, sizeof(*s->rates), compare_rated);
    for (size_t i = 0; i < s->n; i++) {
        sum += s->rates[i].weight;
        for (; next < N_PERCENTILES && (double)sum >= marks[next]; next++)
            s->percentiles[next] = s->rates[i].feerate;
    }
    for (; next < N_PERCENTILES; next++)
        s->percentiles[next] = s->rates[s->n - 1].feerate;
}

/* Outputs of any transaction, the coinbase too. Returns their value. */
static int64_t count_outputs(struct block_stats *s, const struct tx *tx)
{
    int64_t value = 0;
    s->outs += tx->n_out;
    for (uint32_t i = 0; i < tx->n_out; i++) {
        int64_t size = utxo_size(tx->out[i].script.len);
        value += tx->out[i].value.v;
        s->utxo_size_inc += size;
        if (s->height == 0 || script_is_unspendable(tx->out[i].script))
            continue;
        s->utxos++;
        s->utxo_size_inc_actual += size;
    }
    return value;
}

static int64_t count_inputs(struct block_stats *s, const struct tx_undo *u)
{
    int64_t value = 0;
    s->ins += u->n;
    for (uint32_t i = 0; i < u->n; i++) {
        value += u->coins[i].value.v;
        s->utxo_size_inc -= utxo_size(u->coins[i].script.len);
        s->utxo_size_inc_actual -= utxo_size(u->coins[i].script.len);
    }
    return value;
}

static void raise(int64_t *max, int64_t v)
{
    if (v > *max)
        *max = v;
}

/* @first: nothing stands there yet. */
static void lower(int64_t *min, int64_t v, bool first)
{
    if (first || v < *min)
        *min = v;
}

static void count_tx(struct block_stats *s, size_t i, const struct tx *tx,
                     const struct tx_undo *u)
{
    int64_t out = count_outputs(s, tx);
    int64_t fee = count_inputs(s, u) - out;
    int64_t size = tx->total_size, weight = tx_weight(tx);
    int64_t feerate = fee * WITNESS_SCALE_FACTOR / weight;
    s->total_out += out;
    s->total_size += size;
    s->total_weight += weight;
    s->totalfee += fee;
    if (tx->has_witness) {
        s->swtxs++;
        s->swtotal_size += size;
        s->swtotal_weight += weight;
    }
    raise(&s->maxtxsize, size);
    raise(&s->maxfee, fee);
    raise(&s->maxfeerate, feerate);
    lower(&s->mintxsize, size, i == 0);
    lower(&s->minfee, fee, i == 0);
    lower(&s->minfeerate, feerate, i == 0);
    s->fees[i] = fee;
    s->sizes[i] = size;
    s->rates[i] = (struct rated){feerate, weight};
}

static void count_block(struct block_stats *s, const struct block *b,
                        const struct block_undo *u, struct arena *mem)
{
    s->n = b->n_tx - 1;
    s->fees = arena_alloc(mem, s->n * sizeof(*s->fees));
    s->sizes = arena_alloc(mem, s->n * sizeof(*s->sizes));
    s->rates = arena_alloc(mem, s->n * sizeof(*s->rates));
    count_outputs(s, &b->txs[0]);
    for (size_t i = 0; i < s->n; i++)
        count_tx(s, i, &b->txs[i + 1], &u->txs[i]);
    s->txs = b->n_tx;
    s->utxo_increase = s->outs - s->ins;
    s->utxo_increase_actual = s->utxos - s->ins;
    if (s->n > 0) {
        s->avgfee = s->totalfee / (int64_t)s->n;
        s->avgtxsize = s->total_size / (int64_t)s->n;
        s->avgfeerate = s->totalfee * WITNESS_SCALE_FACTOR / s->total_weight;
    }
    percentiles(s);
    s->medianfee = median(s->fees, s->n);
    s->mediantxsize = median(s->sizes, s->n);
}

/* -- getblockstats: the call -- */

static void write_stat(struct rpc_call *c, const struct stat *st,
                       const struct block_stats *s, const struct block_index *bi)
{
    json_key(c->w, st->name);
    if (st->offset != NOT_PLAIN) {
        json_int(c->w, *(const int64_t *)((const char *)s + st->offset));
    } else if (strcmp(st->name, "blockhash") == 0) {
        json_hash(c->w, &bi->hash);
    } else {
        json_begin_array(c->w);
        for (size_t i = 0; i < N_PERCENTILES; i++)
            json_int(c->w, s->percentiles[i]);
        json_end_array(c->w);
    }
}

static bool is_wanted(const struct json *names, const struct stat *st)
{
    if (!names || names->len == 0)
        return true;
    for (size_t i = 0; i < names->len; i++)
        if (strcmp(names->items[i].str, st->name) == 0)
            return true;
    return false;
}

static bool check_names(struct rpc_call *c, const struct json *names)
{
    for (size_t i = 0; names && i < names->len; i++) {
        if (!rpc_want(c, &names->items[i], JSON_STRING))
            return false;
        const char *name = names->items[i].str;
        size_t k = 0;
        while (k < ARRAY_LEN(stats) && strcmp(stats[k].name, name) != 0)
            k++;
        if (k == ARRAY_LEN(stats)) {
            rpc_error(c, RPC_INVALID_PARAMETER, "Invalid selected statistic '%s'",
                      name);
            return false;
        }
    }
    return true;
}

static bool read_undo(struct rpc_call *c, const struct block_index *bi,
                      const struct block *b, struct block_undo *u)
{
    *u = (struct block_undo){0};
    if (!bi->prev)
        return true;
    if (chainman_read_undo(c->node->chainman, u, bi, c->mem) == ERR_OK &&
        u->n_tx + 1 == b->n_tx)
        return true;
    rpc_error(c, RPC_MISC_ERROR, "Can't read undo data from disk");
    return false;
}

static void reply_stats(struct rpc_call *c, const struct block_index *bi,
                        const struct block_stats *s, const struct json *names)
{
    json_begin_object(c->w);
    for (size_t i = 0; i < ARRAY_LEN(stats); i++)
        if (is_wanted(names, &stats[i]))
            write_stat(c, &stats[i], s, bi);
    json_end_object(c->w);
}

void rpc_getblockstats(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    const struct json *names = rpc_arg(c, 1);
    struct block_stats s = {0};
    struct block_undo undo;
    chainman_read_lock(cm);
    const struct block_index *bi = blockchain_at(c, 0);
    bool pruned = bi && blockchain_is_pruned(cm, bi);
    if (bi)
        s.mediantime = block_index_mtp(bi);
    chainman_read_unlock(cm);
    struct block *b =
        bi && check_names(c, names) ? blockchain_read(c, bi, pruned) : NULL;
    if (!b)
        return;
    s.height = bi->height;
    s.time = bi->time;
    s.subsidy = block_subsidy(c->node->params, bi->height).v;
    if (read_undo(c, bi, b, &undo)) {
        count_block(&s, b, &undo, c->mem);
        reply_stats(c, bi, &s, names);
    }
    block_unref(b);
}

/* -- getchaintxstats -- */

static void write_tx_stats(struct rpc_call *c, const struct block_index *last,
                           int32_t blocks)
{
    const struct block_index *first = block_index_ancestor(last, last->height - blocks);
    int64_t interval = block_index_mtp(last) - block_index_mtp(first);
    json_begin_object(c->w);
    json_kv_uint(c->w, "time", last->time);
    if (last->chain_tx > 0)
        json_kv_uint(c->w, "txcount", last->chain_tx);
    json_kv_hash(c->w, "window_final_block_hash", &last->hash);
    json_kv_int(c->w, "window_final_block_height", last->height);
    json_kv_int(c->w, "window_block_count", blocks);
    if (blocks > 0) {
        json_kv_int(c->w, "window_interval", interval);
        if (last->chain_tx > 0 && first->chain_tx > 0) {
            uint64_t n = last->chain_tx - first->chain_tx;
            json_kv_uint(c->w, "window_tx_count", n);
            if (interval > 0)
                json_kv_double(c->w, "txrate", (double)n / (double)interval);
        }
    }
    json_end_object(c->w);
}

/* The block the window ends with: the tip, or one of the active chain. */
static const struct block_index *window_end(struct rpc_call *c, size_t i)
{
    struct chainman *cm = c->node->chainman;
    struct hash256 hash;
    if (!rpc_arg(c, i))
        return chain_tip(cm);
    if (!rpc_arg_hash(c, i, "blockhash", &hash))
        return NULL;
    const struct block_index *bi = blockchain_find(c, &hash);
    if (bi && !chain_contains(cm, bi)) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Block is not in main chain");
        return NULL;
    }
    return bi;
}

static bool window_size(struct rpc_call *c, size_t i, const struct block_index *last,
                        int32_t *out)
{
    int32_t month = 30 * 24 * 60 * 60 / c->node->params->spacing;
    *out = month < last->height - 1 ? month : last->height - 1;
    if (*out < 0)
        *out = 0;
    if (!rpc_arg(c, i))
        return true;
    if (!rpc_arg_i32(c, i, out))
        return false;
    if (*out >= 0 && (*out == 0 || *out < last->height))
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER,
              "Invalid block count: should be between 0 and the block's height - 1");
    return false;
}

void rpc_getchaintxstats(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    int32_t blocks;
    chainman_read_lock(cm);
    const struct block_index *last = window_end(c, 1);
    if (last && window_size(c, 0, last, &blocks))
        write_tx_stats(c, last, blocks);
    chainman_read_unlock(cm);
}

const struct rpc_result rpc_getblockstats_results[] = {
    {R_OBJ, "", "",
     RESULTS(
         {R_NUM, "avgfee", "Average fee", .optional = true},
         {R_NUM, "avgfeerate", "Average fee rate, per virtual byte", .optional = true},
         {R_NUM, "avgtxsize", "Average size", .optional = true},
         {R_HEX, "blockhash", "The block's hash", .optional = true},
         {R_ARR_FIXED, "feerate_percentiles",
          "Fee rates at the 10th, 25th, 50th, 75th and 90th percentile of weight, per "
          "virtual byte",
          RESULTS({R_NUM, "", "A fee rate"}), .optional = true},
         {R_NUM, "height", "The block's height", .optional = true},
         {R_NUM, "ins", "Inputs", .optional = true},
         {R_NUM, "maxfee", "Highest fee", .optional = true},
         {R_NUM, "maxfeerate", "Highest fee rate, per virtual byte", .optional = true},
         {R_NUM, "maxtxsize", "Largest size", .optional = true},
         {R_NUM, "medianfee", "Median fee", .optional = true},
         {R_TIME, "mediantime", "The block's median time past", .optional = true},
         {R_NUM, "mediantxsize", "Median size", .optional = true},
         {R_NUM, "minfee", "Lowest fee", .optional = true},
         {R_NUM, "minfeerate", "Lowest fee rate, per virtual byte", .optional = true},
         {R_NUM, "mintxsize", "Smallest size", .optional = true},
         {R_NUM, "outs", "Outputs", .optional = true},
         {R_NUM, "subsidy", "What the block may create", .optional = true},
         {R_NUM, "swtotal_size", "Size of all transactions with witness",
          .optional = true},
         {R_NUM, "swtotal_weight", "Weight of all transactions with witness",
          .optional = true},
         {R_NUM, "swtxs", "Transactions with witness", .optional = true},
         {R_TIME, "time", "The block's time", .optional = true},
         {R_NUM, "total_out", "Sum of all outputs", .optional = true},
         {R_NUM, "total_size", "Size of all transactions", .optional = true},
         {R_NUM, "total_weight", "Weight of all transactions", .optional = true},
         {R_NUM, "totalfee", "Sum of all fees", .optional = true},
         {R_NUM, "txs", "Transactions, with the coinbase", .optional = true},
         {R_NUM, "utxo_increase", "Outputs less inputs", .optional = true},
         {R_NUM, "utxo_size_inc", "Octets by which the index of unspent outputs grows",
          .optional = true},
         {R_NUM, "utxo_increase_actual",
          "The same as utxo_increase without outputs that nobody can spend",
          .optional = true},
         {R_NUM, "utxo_size_inc_actual",
          "The same as utxo_size_inc without outputs that nobody can spend",
          .optional = true})},
    {.name = NULL},
};
