/* RPC: mining. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/mining/miner.h"
#include "chain/params/params.h"
#include "chain/prim/merkle.h"
#include "chain/rules/block_index.h"
#include "chain/rules/pow.h"
#include "chain/rules/versionbits.h"
#include "chain/script/address.h"
#include "chain/script/descriptor.h"
#include "chain/script/tx_decode.h"
#include "net/net.h"
#include "rpc/method.h"
#include "util/clock.h"
#include "util/hex.h"

/* Runs fn(arg) on the validation thread. False: the node is stopping, the call has
 * failed. */
static bool on_chain(struct rpc_call *c, void (*fn)(void *arg), void *arg)
{
    if (chainman_call(c->node->chainman, fn, arg) == ERR_OK)
        return true;
    rpc_error(c, RPC_CLIENT_NOT_CONNECTED, "Shutting down");
    return false;
}

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
    if (on_chain(c, prioritise_job, &j))
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

/* ---- generate ---- */

#define DEFAULT_MAX_TRIES 1000000

struct generate_job {
    struct node *node;
    struct bytes script;
    const struct tx *const *txs; /* exactly these; NULL: the best of the pool */
    size_t n_txs;
    struct block_template *t;
    struct block *block;
    bool accepted;
    struct reject rej;
};

static void make_template_job(void *arg)
{
    struct generate_job *j = arg;
    j->t = j->txs
               ? miner_create_with(j->node->miner, j->script, j->txs, j->n_txs, &j->rej)
               : miner_create(j->node->miner, j->script, &j->rej);
}

static void process_block_job(void *arg)
{
    struct generate_job *j = arg;
    bool is_new;
    j->accepted = chainman_process_block(j->node->chainman, j->block, true, true,
                                         &is_new, &j->rej);
}

/* One block on top of the tip. False: the call has failed, or nothing was found in
 * *tries (then j->block is NULL and the call goes on). */
static bool make_block(struct rpc_call *c, struct generate_job *j, uint64_t *tries,
                       enum rpc_code on_reject, const char *text)
{
    char why[512];
    j->block = NULL;
    if (!on_chain(c, make_template_job, j))
        return false;
    if (!j->t) {
        rpc_error(c, on_reject, "%sTestBlockValidity failed: %s", text,
                  reject_text(&j->rej, why));
        return false;
    }
    j->block = mine_block(j->t->block, c->node->params, tries, &c->node->stopping);
    block_template_unref(j->t);
    return j->block != NULL;
}

static bool submit_made_block(struct rpc_call *c, struct generate_job *j)
{
    if (!on_chain(c, process_block_job, j))
        return false;
    if (!j->accepted)
        rpc_error(c, RPC_INTERNAL_ERROR, "ProcessNewBlock, block not accepted");
    return j->accepted;
}

static void generate_blocks(struct rpc_call *c, struct bytes script, int32_t count,
                            uint64_t tries)
{
    json_begin_array(c->w);
    for (; count > 0 && !c->node->stopping; count--) {
        struct generate_job j = {.node = c->node, .script = script};
        if (!make_block(c, &j, &tries, RPC_MISC_ERROR, "CreateNewBlock: ")) {
            if (c->failed)
                return;
            break;
        }
        bool ok = submit_made_block(c, &j);
        if (ok)
            json_hash(c->w, &j.block->hash);
        block_unref(j.block);
        if (!ok)
            return;
    }
    json_end_array(c->w);
}

static bool generate_args(struct rpc_call *c, int32_t *count, uint64_t *tries)
{
    int64_t max = DEFAULT_MAX_TRIES;
    if (!rpc_arg_i32(c, 0, count) || !rpc_arg_i64(c, 2, &max))
        return false;
    *tries = max < 0 ? UINT64_MAX : (uint64_t)max;
    return true;
}

static void generatetoaddress(struct rpc_call *c)
{
    struct destination dest;
    struct buf script = {0};
    uint64_t tries;
    int32_t count = 0;

    if (!generate_args(c, &count, &tries))
        return;
    if (!address_decode(&dest, c->node->params, rpc_arg_str(c, 1, ""), NULL)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Error: Invalid address");
        return;
    }
    destination_to_script(&script, &dest);
    generate_blocks(c, buf_view(&script), count, tries);
    buf_clear(&script);
}

/* The script of a descriptor without a range; of a combo() the one in use where there
 * is a choice: P2WPKH for a compressed key, else P2PKH. False: the call has failed, or,
 * with *parse_error set, the text is no descriptor and the call goes on. */
static bool descriptor_script(struct rpc_call *c, const char *text, struct buf *script,
                              char **parse_error)
{
    const struct chain_params *p = c->node->params;
    struct descriptor_list list = {0};
    struct script_list scripts = {0};
    struct keystore keys;
    bool ok = false;

    keystore_init(&keys);
    if (!descriptor_parse(&list, p, &keys, text, false, parse_error))
        goto out;
    if (list.n != 1) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Multipath descriptor not accepted");
        goto out;
    }
    if (descriptor_is_range(list.items[0])) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Ranged descriptor not accepted. Maybe pass through deriveaddresses "
                  "first?");
        goto out;
    }
    if (!descriptor_expand(list.items[0], p, 0, &keys, &scripts, NULL) ||
        scripts.n == 0) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Cannot derive script without private keys");
        goto out;
    }
    size_t pick = scripts.n == 4 ? 2 : scripts.n > 1 ? 1 : 0;
    buf_append(script, scripts.items[pick].data, scripts.items[pick].len);
    ok = true;
out:
    script_list_clear(&scripts);
    descriptor_list_clear(&list);
    keystore_clear(&keys);
    return ok;
}

static void generatetodescriptor(struct rpc_call *c)
{
    struct buf script = {0};
    char *error = NULL;
    uint64_t tries;
    int32_t count = 0;

    if (!generate_args(c, &count, &tries))
        return;
    if (descriptor_script(c, rpc_arg_str(c, 1, ""), &script, &error))
        generate_blocks(c, buf_view(&script), count, tries);
    else if (!c->failed)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "%s", error);
    free(error);
    buf_clear(&script);
}

/* "output" of generateblock: a descriptor or an address. */
static bool output_script(struct rpc_call *c, const char *text, struct buf *script)
{
    struct destination dest;
    char *error = NULL;
    bool ok = descriptor_script(c, text, script, &error);
    free(error);
    if (ok || c->failed)
        return ok;
    if (!address_decode(&dest, c->node->params, text, NULL)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Error: Invalid address or descriptor");
        return false;
    }
    destination_to_script(script, &dest);
    return true;
}

static struct tx *tx_of_text(struct rpc_call *c, const char *text)
{
    struct hash256 txid;
    struct tx *tx = NULL;
    if (strlen(text) == 64 && hash256_from_hex(&txid, text)) {
        chainman_read_lock(c->node->chainman);
        const struct mempool_entry *e = mempool_find(c->node->mempool, &txid);
        if (e)
            tx = tx_ref(e->tx);
        chainman_read_unlock(c->node->chainman);
        if (!tx)
            rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Transaction %s not in mempool.",
                      text);
        return tx;
    }
    tx = tx_decode_hex(text, strlen(text), false, true);
    if (!tx)
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "Transaction decode failed for %s. Make sure the tx has at least one "
                  "input.",
                  text);
    return tx;
}

static void generate_one(struct rpc_call *c, struct bytes script,
                         const struct tx *const *txs, size_t n, bool submit)
{
    struct generate_job j = {.node = c->node, .script = script, .txs = txs, .n_txs = n};
    uint64_t tries = DEFAULT_MAX_TRIES;

    if (!make_block(c, &j, &tries, RPC_VERIFY_ERROR, "")) {
        if (!c->failed)
            rpc_error(c, RPC_MISC_ERROR, "Failed to make block.");
        return;
    }
    if (!submit || submit_made_block(c, &j)) {
        json_begin_object(c->w);
        json_kv_hash(c->w, "hash", &j.block->hash);
        if (!submit)
            json_kv_hex(c->w, "hex", j.block->raw.data, j.block->raw.len);
        json_end_object(c->w);
    }
    block_unref(j.block);
}

static void generateblock(struct rpc_call *c)
{
    const struct json *list = rpc_arg(c, 1);
    struct buf script = {0};
    size_t n = 0;

    if (!output_script(c, rpc_arg_str(c, 0, ""), &script))
        return;
    struct tx **txs = xcalloc(list->len + 1, sizeof(struct tx *));
    for (; n < list->len; n++) {
        const struct json *item = json_at(list, n);
        if (!rpc_want(c, item, JSON_STRING) || !(txs[n] = tx_of_text(c, item->str)))
            break;
    }
    if (!c->failed)
        generate_one(c, buf_view(&script), (const struct tx *const *)txs, n,
                     rpc_arg_bool(c, 2, true));
    for (size_t i = 0; i < n; i++)
        tx_unref(txs[i]);
    free(txs);
    buf_clear(&script);
}

/* ---- submitting ---- */

/* Hex of a block. NULL: not one. */
static struct block *decode_block(const char *hex)
{
    struct buf raw = {0};
    struct block *b = NULL;
    if (hex_decode(&raw, hex, strlen(hex)))
        b = block_from_buf(&raw);
    buf_clear(&raw);
    return b;
}

/* BIP 22: null for a valid block, else the reason. */
static void write_verdict(struct rpc_call *c, const struct reject *rej)
{
    char reason[192];
    if (rej->code == REJECT_NONE)
        json_null(c->w);
    else
        json_str(c->w, reject_reason(rej, reason));
}

/* What is known about a block of that hash; NULL: nothing that decides. */
static const char *known_verdict(const struct chainman *cm, const struct hash256 *hash,
                                 const char *otherwise)
{
    const struct block_index *bi = block_tree_find(cm, hash);
    if (!bi)
        return NULL;
    if (block_index_is_valid(bi, BLOCK_VALID_SCRIPTS))
        return "duplicate";
    return bi->status & BLOCK_FAILED_MASK ? "duplicate-invalid" : otherwise;
}

struct submit_job {
    struct node *node;
    const struct block *block;
    const char *verdict; /* decided without a reject */
    struct reject rej;
};

static void submit_job(void *arg)
{
    struct submit_job *j = arg;
    struct chainman *cm = j->node->chainman;
    bool is_new = false;

    j->verdict = known_verdict(cm, &j->block->hash, NULL);
    if (j->verdict)
        return;
    const struct block_index *prev = block_tree_find(cm, &j->block->header.prev);
    struct block *full =
        prev ? block_complete_witness(j->block, j->node->params, prev->height + 1)
             : block_ref(j->block);
    bool accepted = chainman_process_block(cm, full, true, true, &is_new, &j->rej);
    if (!is_new && accepted)
        j->verdict = "duplicate";
    else if (j->rej.code == REJECT_NONE) {
        const struct block_index *bi = block_tree_find(cm, &full->hash);
        if (!bi || !chain_contains(cm, bi))
            j->verdict = "inconclusive";
    }
    block_unref(full);
}

static void submitblock(struct rpc_call *c)
{
    struct block *b = decode_block(rpc_arg_str(c, 0, ""));
    if (!b) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Block decode failed");
        return;
    }
    struct submit_job j = {.node = c->node, .block = b};
    if (b->n_tx == 0 || !tx_is_coinbase(&b->txs[0]))
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Block does not start with a coinbase");
    else if (!on_chain(c, submit_job, &j))
        ;
    else if (j.verdict)
        json_str(c->w, j.verdict);
    else
        write_verdict(c, &j.rej);
    block_unref(b);
}

struct header_job {
    struct node *node;
    struct block_header header;
    bool has_parent, accepted;
    struct reject rej;
};

static void header_job(void *arg)
{
    struct header_job *j = arg;
    struct block_index *last;
    j->has_parent = block_tree_find(j->node->chainman, &j->header.prev) != NULL;
    if (j->has_parent)
        j->accepted = chainman_accept_headers(j->node->chainman, &j->header, 1, false,
                                              &last, &j->rej);
}

static void submitheader(struct rpc_call *c)
{
    struct header_job j = {.node = c->node};
    const char *hex = rpc_arg_str(c, 0, "");
    uint8_t raw[BLOCK_HEADER_SIZE];
    char text[192];
    struct reader r;

    /* Whatever follows the header is not looked at. */
    if (strlen(hex) < 2 * sizeof(raw) || !hex_is(hex, strlen(hex)) ||
        !hex_decode_fixed(raw, sizeof(raw), hex, 2 * sizeof(raw))) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Block header decode failed");
        return;
    }
    reader_init(&r, raw, sizeof(raw));
    j.header = header_read(&r);
    if (!on_chain(c, header_job, &j))
        return;
    if (!j.has_parent)
        rpc_error(c, RPC_VERIFY_ERROR, "Must submit previous header (%s) first",
                  hash256_to_hex(text, &j.header.prev));
    else if (!j.accepted)
        rpc_error(c, RPC_VERIFY_ERROR, "%s", reject_reason(&j.rej, text));
    else
        json_null(c->w);
}

/* ---- getblocktemplate ---- */

struct gbt_request {
    const char *mode;
    const struct json *longpollid; /* NULL: none */
    const struct json *rules;      /* array or NULL */
    const struct json *data;       /* of a proposal */
};

static bool read_request(struct rpc_call *c, struct gbt_request *rq)
{
    const struct json *o = rpc_arg(c, 0);
    *rq = (struct gbt_request){.mode = "template"};
    const struct json *mode = json_get(o, "mode");
    if (mode && mode->type == JSON_STRING) {
        rq->mode = mode->str;
    } else if (mode && mode->type != JSON_NULL) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid mode");
        return false;
    }
    rq->longpollid = json_get(o, "longpollid");
    if (rq->longpollid && rq->longpollid->type == JSON_NULL)
        rq->longpollid = NULL;
    rq->data = json_get(o, "data");
    rq->rules = json_get(o, "rules");
    if (rq->rules && rq->rules->type != JSON_ARRAY)
        rq->rules = NULL;
    return true;
}

static bool client_knows(const struct gbt_request *rq, const char *rule)
{
    for (size_t i = 0; rq->rules && i < rq->rules->len; i++) {
        const struct json *r = &rq->rules->items[i];
        if (r->type == JSON_STRING && !strcmp(r->str, rule))
            return true;
    }
    return false;
}

static void proposal_job(void *arg)
{
    struct submit_job *j = arg;
    struct chainman *cm = j->node->chainman;
    j->verdict = known_verdict(cm, &j->block->hash, "duplicate-inconclusive");
    if (j->verdict)
        return;
    if (!hash256_equal(&j->block->header.prev, &chain_tip(cm)->hash))
        j->verdict = "inconclusive-not-best-prevblk";
    else
        chainman_test_block(cm, j->block, false, true, &j->rej);
}

static void propose(struct rpc_call *c, const struct gbt_request *rq)
{
    if (!rq->data || rq->data->type != JSON_STRING) {
        rpc_error(c, RPC_TYPE_ERROR, "Missing data String key for proposal");
        return;
    }
    struct block *b = decode_block(rq->data->str);
    if (!b) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Block decode failed");
        return;
    }
    struct submit_job j = {.node = c->node, .block = b};
    if (!on_chain(c, proposal_job, &j))
        ;
    else if (j.verdict)
        json_str(c->w, j.verdict);
    else
        write_verdict(c, &j.rej);
    block_unref(b);
}

/* Waits until the tip is no longer the watched one, or, after a minute and then every
 * ten seconds, the pool has changed. */
static bool long_poll(struct rpc_call *c, const struct json *id)
{
    struct node *n = c->node;
    struct hash256 watched;
    uint32_t updates = miner_updates(n->miner);

    if (id->type == JSON_STRING) {
        char hash[65] = "";
        snprintf(hash, sizeof(hash), "%s", id->str);
        if (strlen(hash) != 64 || !hash256_from_hex(&watched, hash)) {
            rpc_error(c, RPC_INVALID_PARAMETER,
                      "longpollid must be of length 64 (not %zu, for '%s')",
                      strlen(hash), hash);
            return false;
        }
        updates = (uint32_t)strtoull(id->str + 64, NULL, 10);
    } else {
        chainman_read_lock(n->chainman);
        watched = chain_tip(n->chainman)->hash;
        chainman_read_unlock(n->chainman);
    }
    int64_t check_at = clock_steady_us() + 60 * INT64_C(1000000);
    for (;;) {
        chainman_wait_tip(n->chainman, &watched, 1000);
        chainman_read_lock(n->chainman);
        bool moved = !hash256_equal(&watched, &chain_tip(n->chainman)->hash);
        chainman_read_unlock(n->chainman);
        if (rpc_cancelled(c)) {
            rpc_error(c, RPC_CLIENT_NOT_CONNECTED, "Shutting down");
            return false;
        }
        if (moved)
            return true;
        if (clock_steady_us() < check_at)
            continue;
        if (mempool_updates(n->mempool) != updates)
            return true;
        check_at += 10 * INT64_C(1000000);
    }
}

struct template_job {
    struct node *node;
    struct block_template *t;
    uint32_t updates;
    struct reject rej;
};

static void template_job(void *arg)
{
    struct template_job *j = arg;
    j->t = miner_current(j->node->miner, &j->rej);
    j->updates = miner_updates(j->node->miner);
}

/* Position (from 1) in the block of every transaction, for "depends". */
static void map_positions(struct map *at, const struct block_template *t)
{
    map_init(at, sizeof(struct hash256), sizeof(uint32_t));
    for (uint32_t i = 0; i < t->n_txs; i++)
        *(uint32_t *)map_put(at, &t->txs[i].tx->txid, NULL) = i + 1;
}

static void write_depends(struct json_writer *w, const struct tx *tx,
                          const struct map *at)
{
    json_key(w, "depends");
    json_begin_array(w);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const uint32_t *pos = map_get(at, &tx->in[i].prevout.txid);
        if (pos)
            json_uint(w, *pos);
    }
    json_end_array(w);
}

static void write_transactions(struct json_writer *w, const struct block_template *t,
                               bool segwit)
{
    struct map at;
    map_positions(&at, t);
    json_key(w, "transactions");
    json_begin_array(w);
    for (uint32_t i = 0; i < t->n_txs; i++) {
        const struct template_tx *x = &t->txs[i];
        json_begin_object(w);
        json_kv_hex(w, "data", x->tx->raw.data, x->tx->raw.len);
        json_kv_hash(w, "txid", &x->tx->txid);
        json_kv_hash(w, "hash", &x->tx->wtxid);
        write_depends(w, x->tx, &at);
        json_kv_int(w, "fee", x->fee.v);
        json_kv_int(w, "sigops",
                    segwit ? x->sigop_cost : x->sigop_cost / WITNESS_SCALE_FACTOR);
        json_kv_int(w, "weight", tx_weight(x->tx));
        json_end_object(w);
    }
    json_end_array(w);
    map_clear(&at);
}

struct gbt_rules {
    const char *active[BIP9_MAX];
    const char *available[BIP9_MAX];
    int bits[BIP9_MAX];
    unsigned n_active, n_available;
    int32_t version;
};

/* BIP 9: what is in force, what is voted on, and the version that follows. False: the
 * call has failed. */
static bool collect_rules(struct rpc_call *c, const struct gbt_request *rq,
                          const struct block_template *t, struct gbt_rules *out)
{
    const struct chain_params *p = c->node->params;
    struct versionbits *vb = chainman_versionbits(c->node->chainman);
    for (unsigned i = 0; i < p->n_bip9; i++) {
        const struct bip9 *d = &p->bip9[i];
        bool known = client_knows(rq, d->name);
        switch (bip9_state_after(vb, i, t->prev)) {
        case BIP9_DEFINED:
        case BIP9_FAILED:
            break;
        case BIP9_LOCKED_IN:
            out->version |= (int32_t)bip9_mask(p, i);
            /* fall through */
        case BIP9_STARTED:
            out->available[out->n_available] = d->name;
            out->bits[out->n_available++] = d->bit;
            if (!known && !d->gbt_force)
                out->version &= ~(int32_t)bip9_mask(p, i);
            break;
        case BIP9_ACTIVE:
            out->active[out->n_active++] = d->name;
            if (known || d->gbt_force)
                break;
            rpc_error(c, RPC_INVALID_PARAMETER,
                      "Support for '%s' rule requires explicit client support",
                      d->name);
            return false;
        }
    }
    return true;
}

static void write_rules(struct json_writer *w, const struct chain_params *p,
                        int32_t height, const struct gbt_rules *r)
{
    json_kv_int(w, "version", r->version);
    json_key(w, "rules");
    json_begin_array(w);
    json_str(w, "csv");
    if (buried_active_at(p, BURIED_SEGWIT, height))
        json_str(w, "!segwit");
    if (buried_active_at(p, BURIED_TAPROOT, height))
        json_str(w, "taproot");
    for (unsigned i = 0; i < r->n_active; i++)
        json_str(w, r->active[i]);
    json_end_array(w);
    json_key(w, "vbavailable");
    json_begin_object(w);
    for (unsigned i = 0; i < r->n_available; i++)
        json_kv_int(w, r->available[i], r->bits[i]);
    json_end_object(w);
    json_kv_int(w, "vbrequired", 0);
}

static void write_limits(struct json_writer *w, bool segwit)
{
    int scale = segwit ? 1 : WITNESS_SCALE_FACTOR;
    json_key(w, "mutable");
    json_begin_array(w);
    json_str(w, "time");
    json_str(w, "transactions");
    json_str(w, "prevblock");
    json_end_array(w);
    json_kv_str(w, "noncerange", "00000000ffffffff");
    json_kv_int(w, "sigoplimit", MAX_BLOCK_SIGOPS_COST / scale);
    json_kv_int(w, "sizelimit", MAX_BLOCK_SERIALIZED_SIZE / scale);
    if (segwit)
        json_kv_int(w, "weightlimit", MAX_BLOCK_WEIGHT);
}

/* Ours: what the rules of tickets and supernodes want in the coinbase. */
static void write_required(struct json_writer *w, const struct block_template *t)
{
    json_key(w, "coinbase_required_outputs");
    json_begin_array(w);
    for (size_t i = 0; i < t->n_required; i++) {
        const struct required_output *o = &t->required[i];
        json_begin_object(w);
        json_kv_hex(w, "script", o->script.data, o->script.len);
        json_kv_int(w, "amount", o->amount.v);
        json_kv_str(w, "reason", o->reason);
        json_end_object(w);
    }
    json_end_array(w);
    for (size_t i = 0; i < t->n_required; i++) {
        const struct required_output *o = &t->required[i];
        if (!strcmp(o->reason, "state-root") && o->script.len >= 32)
            json_kv_hex(w, "state_root", o->script.data + o->script.len - 32, 32);
    }
}

/* The same as pools know it from chains with masternodes: whom to pay, or nobody. */
static void write_payees(struct rpc_call *c, const char *key,
                         const struct block_template *t)
{
    char text[ADDRESS_MAX];
    struct destination d;
    json_key(c->w, key);
    json_begin_array(c->w);
    for (size_t i = 0; i < t->n_required; i++) {
        const struct required_output *o = &t->required[i];
        if (strcmp(o->reason, "supernode-payment") != 0)
            continue;
        json_begin_object(c->w);
        if (destination_from_script(&d, o->script))
            json_kv_str(c->w, "payee", address_encode(text, c->node->params, &d));
        json_kv_hex(c->w, "script", o->script.data, o->script.len);
        json_kv_int(c->w, "amount", o->amount.v);
        json_end_object(c->w);
    }
    json_end_array(c->w);
}

static void write_supernode(struct rpc_call *c, const struct block_template *t)
{
    write_payees(c, "supernode", t);
    write_payees(c, "masternode", t);
    json_kv_bool(c->w, "masternode_payments_started", true);
    json_kv_bool(c->w, "masternode_payments_enforced", true);
}

static void write_template(struct rpc_call *c, const struct template_job *j,
                           const struct gbt_rules *rules)
{
    const struct block_template *t = j->t;
    const struct chain_params *p = c->node->params;
    struct json_writer *w = c->w;
    bool segwit = buried_active_at(p, BURIED_SEGWIT, t->height);
    int64_t time = template_time(t->prev, clock_now(c->node->clock));
    uint32_t bits = pow_next_bits(t->prev, time, p);
    bool negative, overflow;
    struct u256 target = compact_to_target(bits, &negative, &overflow);
    char hex[65], id[96];

    json_begin_object(w);
    json_key(w, "capabilities");
    json_begin_array(w);
    json_str(w, "proposal");
    json_end_array(w);
    write_rules(w, p, t->height, rules);
    json_kv_hash(w, "previousblockhash", &t->prev->hash);
    write_transactions(w, t, segwit);
    json_key(w, "coinbaseaux");
    json_begin_object(w);
    json_end_object(w);
    json_kv_int(w, "coinbasevalue", t->coinbase_value.v);
    snprintf(id, sizeof(id), "%s%" PRIu32, hash256_to_hex(hex, &t->prev->hash),
             j->updates);
    json_kv_str(w, "longpollid", id);
    json_kv_str(w, "target", u256_to_hex(hex, &target));
    json_kv_int(w, "mintime", block_index_mtp(t->prev) + 1);
    write_limits(w, segwit);
    json_kv_int(w, "curtime", time);
    snprintf(hex, sizeof(hex), "%08x", bits);
    json_kv_str(w, "bits", hex);
    json_kv_int(w, "height", t->height);
    if (t->commitment_len)
        json_kv_hex(w, "default_witness_commitment", t->commitment, t->commitment_len);
    if (tickets_active_at(p, t->height)) {
        write_required(w, t);
        write_supernode(c, t);
    }
    json_end_object(w);
}

/* A network with coins of value wants the miner to see it. */
static bool is_connected(struct rpc_call *c)
{
    struct node *n = c->node;
    if (n->params->is_test_chain)
        return true;
    if (n->net && net_count_connections(n->net).total == 0) {
        rpc_error(c, RPC_CLIENT_NOT_CONNECTED, "Ochre is not connected!");
        return false;
    }
    chainman_read_lock(n->chainman);
    bool ibd = chainman_ibd(n->chainman);
    chainman_read_unlock(n->chainman);
    if (ibd)
        rpc_error(c, RPC_CLIENT_IN_INITIAL_DOWNLOAD,
                  "Ochre is in initial sync and waiting for blocks...");
    return !ibd;
}

static void give_template(struct rpc_call *c, const struct gbt_request *rq)
{
    struct template_job j = {.node = c->node};
    struct gbt_rules rules = {0};
    char why[512];

    if (!on_chain(c, template_job, &j))
        return;
    if (!j.t) {
        rpc_error(c, RPC_MISC_ERROR, "CreateNewBlock: TestBlockValidity failed: %s",
                  reject_text(&j.rej, why));
        return;
    }
    rules.version = j.t->block->header.version;
    if (collect_rules(c, rq, j.t, &rules))
        write_template(c, &j, &rules);
    block_template_unref(j.t);
}

static void getblocktemplate(struct rpc_call *c)
{
    struct gbt_request rq;
    if (!read_request(c, &rq))
        return;
    if (!strcmp(rq.mode, "proposal")) {
        propose(c, &rq);
        return;
    }
    if (strcmp(rq.mode, "template")) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid mode");
        return;
    }
    if (!is_connected(c) || (rq.longpollid && !long_poll(c, rq.longpollid)))
        return;
    if (!client_knows(&rq, "segwit")) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "getblocktemplate must be called with the segwit rule set (call with "
                  "{\"rules\": [\"segwit\"]})");
        return;
    }
    give_template(c, &rq);
}

/* ---- the table ---- */

#define MAXTRIES_PARAM                                                                 \
    {                                                                                  \
        "maxtries", P_NUM, .def = "1000000", .help = "How many nonces to try in all"   \
    }
#define BLOCK_HASHES                                                                   \
    RESULTS({R_ARR, "", "Hashes of the blocks made",                                   \
             RESULTS({R_HEX, "", "A block hash"})})

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
                     {R_STR, "chain", "Name of the network"},
                     {R_ARR, "warnings", "What is wrong, if anything",
                      RESULTS({R_STR, "", "A warning"})})}),
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
    {
        .name = "getblocktemplate",
        .help =
            "What a miner outside needs to make the next block (BIPs 9, 22, 23, 145), "
            "or, with mode \"proposal\", whether a block he made would be valid but "
            "for its proof of work. Networks with tickets add "
            "coinbase_required_outputs, whose amounts are part of coinbasevalue, "
            "state_root, and supernode (also as masternode): [{payee, script, "
            "amount}], "
            "empty when nobody is to be paid.",
        .params = PARAMS(
            {"template_request", P_OBJ, .def = "{}", .help = "The request",
             .inner = PARAMS(
                 {"mode", P_STR, P_OPTIONAL,
                  .help = "\"template\", \"proposal\" or nothing"},
                 {"capabilities", P_ARR, P_OPTIONAL, .help = "What the client can do",
                  .inner = PARAMS({"str", P_STR, P_OPTIONAL, .help = "A capability"})},
                 {"rules", P_ARR, .help = "Soft forks the client knows",
                  .inner = PARAMS({"segwit", P_STR, .help = "Must be among them"})},
                 {"longpollid", P_STR, P_OPTIONAL,
                  .help = "Wait until this template is out of date"},
                 {"data", P_HEX, P_OPTIONAL, .help = "The proposed block"})}),
        .results = RESULTS(
            {R_NONE, "", "", .when = "If the proposal would be accepted"},
            {R_STR, "", "BIP 22's reason", .when = "If it would not"},
            {R_OBJ, "", "", .when = "Otherwise",
             .inner = RESULTS(
                 {R_ARR, "capabilities", "", RESULTS({R_STR, "value", "\"proposal\""})},
                 {R_NUM, "version", "Block version to use"},
                 {R_ARR, "rules", "Rules in force",
                  RESULTS(
                      {R_STR, "name", "A rule; ! in front: the miner must know it"})},
                 {R_OBJ_DYN, "vbavailable", "Deployments being voted on",
                  RESULTS({R_NUM, "rulename", "Its bit"})},
                 {R_NUM, "vbrequired", "Bits that must be set: none"},
                 {R_STR, "previousblockhash", "The parent"},
                 {R_ARR, "transactions", "All but the coinbase, in order",
                  RESULTS(
                      {R_OBJ, "", "",
                       RESULTS({R_HEX, "data", "Serialised, with witness"},
                               {R_HEX, "txid", "Hash without witness"},
                               {R_HEX, "hash", "Hash with witness"},
                               {R_ARR, "depends", "What must stand before it",
                                RESULTS({R_NUM, "", "Position in this list, from 1"})},
                               {R_NUM, "fee", "Inputs less outputs, smallest unit"},
                               {R_NUM, "sigops", "Signature operations cost"},
                               {R_NUM, "weight", "Weight"})})},
                 {R_OBJ_DYN, "coinbaseaux", "Data for the coinbase's scriptSig",
                  RESULTS({R_HEX, "key", "Nothing at present"})},
                 {R_NUM, "coinbasevalue", "Most the coinbase may pay, smallest unit"},
                 {R_STR, "longpollid", "For the next long poll"},
                 {R_STR, "target", "Highest hash allowed"},
                 {R_TIME, "mintime", "Earliest time allowed"},
                 {R_ARR, "mutable", "What the miner may change",
                  RESULTS({R_STR, "value", "time, transactions, prevblock"})},
                 {R_HEX, "noncerange", "Nonces allowed"},
                 {R_NUM, "sigoplimit", "Most signature operations cost"},
                 {R_NUM, "sizelimit", "Most bytes"},
                 {R_NUM, "weightlimit", "Most weight", .optional = true},
                 {R_TIME, "curtime", "The node's time"},
                 {R_STR, "bits", "Compact target"},
                 {R_NUM, "height", "Height of the block"},
                 {R_STR, "default_witness_commitment",
                  "Script of the commitment for exactly these transactions",
                  .optional = true},
                 {R_ARR, "coinbase_required_outputs",
                  "Outputs without which the block is invalid", .optional = true,
                  .inner =
                      RESULTS({R_OBJ, "", "",
                               RESULTS({R_HEX, "script", "scriptPubKey"},
                                       {R_NUM, "amount", "At least, smallest unit"},
                                       {R_STR, "reason",
                                        "state-root, "
                                        "supernode-payment"})})},
                 {R_HEX, "state_root", "Ticket state the coinbase commits to",
                  .optional = true})}),
        .examples = EXAMPLES("'{\"rules\": [\"segwit\"]}'"),
        .fn = getblocktemplate,
    },
    {
        .name = "submitblock",
        .help = "Hands a block to the node (BIP 22).",
        .params =
            PARAMS({"hexdata", P_HEX, .help = "The serialised block"},
                   {"dummy", P_STR, .def = "ignored", .help = "For compatibility"}),
        .results = RESULTS({R_NONE, "", "", .when = "If the block was accepted"},
                           {R_STR, "", "BIP 22's reason", .when = "Otherwise"}),
        .examples = EXAMPLES("\"mydata\""),
        .fn = submitblock,
    },
    {
        .name = "submitheader",
        .help = "Hands a block header to the node, whose parent must be known.",
        .params = PARAMS({"hexdata", P_HEX, .help = "The serialised header"}),
        .results = RESULTS({R_NONE, "", "If the header is valid"}),
        .examples = EXAMPLES("\"aabbcc\""),
        .fn = submitheader,
    },
    {
        .name = "generatetodescriptor",
        .help = "Mines blocks to a descriptor's script, at once.",
        .params = PARAMS({"num_blocks", P_NUM, .help = "How many"},
                         {"descriptor", P_STR, .help = "Where the reward goes"},
                         MAXTRIES_PARAM),
        .results = BLOCK_HASHES,
        .examples = EXAMPLES("11 \"mydesc\""),
        .fn = generatetodescriptor,
        .hidden = true,
    },
    {
        .name = "generatetoaddress",
        .help = "Mines blocks to an address, at once.",
        .params =
            PARAMS({"nblocks", P_NUM, .help = "How many"},
                   {"address", P_STR, .help = "Where the reward goes"}, MAXTRIES_PARAM),
        .results = BLOCK_HASHES,
        .examples = EXAMPLES("11 \"myaddress\""),
        .fn = generatetoaddress,
        .hidden = true,
    },
    {
        .name = "generateblock",
        .help = "Mines a block of exactly these transactions, at once.",
        .params = PARAMS(
            {"output", P_STR, .help = "Address or descriptor that the reward goes to"},
            {"transactions", P_ARR,
             .help = "In the order of the block; txids must be of the mempool",
             .inner = PARAMS({"rawtx/txid", P_STR, .help = "A transaction"})},
            {"submit", P_BOOL, .def = "true", .help = "false: only return the block"}),
        .results = RESULTS({R_OBJ, "", "",
                            RESULTS({R_HEX, "hash", "The block's hash"},
                                    {R_HEX, "hex", "The block; only if not submitted",
                                     .optional = true})}),
        .examples = EXAMPLES("\"myaddress\" '[\"rawtx\", \"mempool_txid\"]'"),
        .fn = generateblock,
        .hidden = true,
    },
};

const struct rpc_table rpc_mining_table = {"Mining", methods, ARRAY_LEN(methods),
                                           .public_replies = true};
