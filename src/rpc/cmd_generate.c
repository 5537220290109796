/* Blocks made here, for test networks. */
#include <stdlib.h>

#include "chain/mining/miner.h"
#include "chain/script/descriptor.h"
#include "chain/script/tx_decode.h"
#include "rpc/method.h"

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
    if (!rpc_on_chain(c, make_template_job, j))
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
    if (!rpc_on_chain(c, process_block_job, j))
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

#define MAXTRIES_PARAM                                                                 \
    {                                                                                  \
        "maxtries", P_NUM, .def = "1000000", .help = "How many nonces to try in all"   \
    }
#define BLOCK_HASHES                                                                   \
    RESULTS({R_ARR, "", "Hashes of the blocks made",                                   \
             RESULTS({R_HEX, "", "A block hash"})})

/* The oldest of them is kept to say where it went. */
static void generate(struct rpc_call *c)
{
    rpc_usage_error(c, RPC_METHOD_NOT_FOUND);
}

static const struct rpc_method methods[] = {
    {
        .name = "generate",
        .help = "has been replaced by the -generate cli option. Refer to -help for "
                "more information.",
        .results = NO_RESULTS,
        .fn = generate,
        .hidden = true,
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

const struct rpc_table rpc_generate_table = {"Mining", methods, ARRAY_LEN(methods),
                                             .public_replies = true};
