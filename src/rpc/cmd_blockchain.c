/* The blockchain group: its table, and the methods that just look at the tree. */
#include "rpc/cmd_blockchain.h"

#include <stdio.h>
#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/rules/pow.h"
#include "chain/store/blockfile.h"

/* -- The tip -- */

static void getbestblockhash(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    chainman_read_lock(cm);
    json_hash(c->w, &chain_tip(cm)->hash);
    chainman_read_unlock(cm);
}

static void getblockcount(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    chainman_read_lock(cm);
    json_int(c->w, chain_height(cm));
    chainman_read_unlock(cm);
}

static void getdifficulty(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    chainman_read_lock(cm);
    json_double(c->w, difficulty_of_bits(chain_tip(cm)->bits));
    chainman_read_unlock(cm);
}

static void getblockhash(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    int32_t height = 0;
    if (!rpc_arg_i32(c, 0, &height))
        return;
    chainman_read_lock(cm);
    const struct block_index *bi = chain_at(cm, height);
    if (bi)
        json_hash(c->w, &bi->hash);
    else
        rpc_error(c, RPC_INVALID_PARAMETER, "Block height out of range");
    chainman_read_unlock(cm);
}

/* -- getblockchaininfo -- */

static void write_pruning(struct rpc_call *c)
{
    const struct chainman *cm = c->node->chainman;
    uint64_t target = chainman_prune_target(cm);
    json_kv_bool(c->w, "pruned", target > 0);
    if (target == 0)
        return;
    json_kv_int(c->w, "pruneheight", chainman_prune_height(cm));
    json_kv_bool(c->w, "automatic_pruning", target > 1);
    if (target > 1)
        json_kv_uint(c->w, "prune_target_size", target);
}

static void getblockchaininfo(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    char hex[65];
    chainman_read_lock(cm);
    const struct block_index *tip = chain_tip(cm);
    json_begin_object(c->w);
    json_kv_str(c->w, "chain", c->node->params->name);
    json_kv_int(c->w, "blocks", tip->height);
    json_kv_int(c->w, "headers", best_header(cm)->height);
    json_kv_hash(c->w, "bestblockhash", &tip->hash);
    json_kv_double(c->w, "difficulty", difficulty_of_bits(tip->bits));
    json_kv_uint(c->w, "time", tip->time);
    json_kv_int(c->w, "mediantime", block_index_mtp(tip));
    json_kv_double(c->w, "verificationprogress", chainman_progress(cm, tip));
    json_kv_bool(c->w, "initialblockdownload", chainman_ibd(cm));
    json_kv_str(c->w, "chainwork", u256_to_hex(hex, &tip->chain_work));
    json_kv_uint(c->w, "size_on_disk", block_files_disk_usage(chainman_files(cm)));
    write_pruning(c);
    rpc_write_warnings(c);
    json_end_object(c->w);
    chainman_read_unlock(cm);
}

/* -- getchaintips -- */

struct tips {
    const struct chainman *cm;
    const struct block_index **v; /* owned: blocks off the active chain, later tips */
    size_t n, cap;
};

static bool collect_branch(void *ctx, struct block_index *bi)
{
    struct tips *t = ctx;
    if (chain_contains(t->cm, bi))
        return true;
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->v = xrealloc_array(t->v, t->cap, sizeof(*t->v));
    }
    t->v[t->n++] = bi;
    return true;
}

static int by_parent(const void *a, const void *b)
{
    const struct block_index *x = *(const struct block_index *const *)a;
    const struct block_index *y = *(const struct block_index *const *)b;
    return (x->prev > y->prev) - (x->prev < y->prev);
}

static int highest_first(const void *a, const void *b)
{
    const struct block_index *x = *(const struct block_index *const *)a;
    const struct block_index *y = *(const struct block_index *const *)b;
    if (x->height != y->height)
        return x->height < y->height ? 1 : -1;
    return memcmp(x->hash.b, y->hash.b, sizeof(x->hash.b));
}

static bool is_parent(const struct tips *t, const struct block_index *bi)
{
    struct block_index key = {.prev = (struct block_index *)bi};
    const struct block_index *k = &key;
    return t->n > 0 && bsearch(&k, t->v, t->n, sizeof(*t->v), by_parent);
}

/* Blocks of branches that nothing builds on, and the active tip, highest first. */
static void find_tips(struct tips *t)
{
    const struct block_index **all = NULL;
    size_t n = 0;
    block_tree_each(t->cm, collect_branch, t);
    if (t->n > 0)
        qsort(t->v, t->n, sizeof(*t->v), by_parent);
    all = xcalloc(t->n + 1, sizeof(*all));
    for (size_t i = 0; i < t->n; i++)
        if (!is_parent(t, t->v[i]))
            all[n++] = t->v[i];
    all[n++] = chain_tip(t->cm);
    qsort(all, n, sizeof(*all), highest_first);
    free(t->v);
    t->v = all;
    t->n = n;
}

static const char *tip_status(const struct chainman *cm, const struct block_index *bi)
{
    if (chain_contains(cm, bi))
        return "active";
    if (bi->status & BLOCK_FAILED_MASK)
        return "invalid";
    if (bi->chain_tx == 0)
        return "headers-only";
    if (block_index_is_valid(bi, BLOCK_VALID_SCRIPTS))
        return "valid-fork";
    return "valid-headers";
}

static void getchaintips(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    struct tips t = {.cm = cm};
    chainman_read_lock(cm);
    find_tips(&t);
    json_begin_array(c->w);
    for (size_t i = 0; i < t.n; i++) {
        json_begin_object(c->w);
        json_kv_int(c->w, "height", t.v[i]->height);
        json_kv_hash(c->w, "hash", &t.v[i]->hash);
        json_kv_int(c->w, "branchlen",
                    t.v[i]->height - chain_fork_point(cm, t.v[i])->height);
        json_kv_str(c->w, "status", tip_status(cm, t.v[i]));
        json_end_object(c->w);
    }
    json_end_array(c->w);
    chainman_read_unlock(cm);
    free(t.v);
}

/* -- Table -- */

#define BLOCKHASH_RESULT RESULTS({R_HEX, "", "The block hash"})
#define TIP_RESULT                                                                     \
    RESULTS({R_OBJ, "", "",                                                            \
             RESULTS({R_HEX, "hash", "Hash of the tip"},                               \
                     {R_NUM, "height", "Height of the tip"})})

#define HEADER_FIELDS                                                                  \
    {R_HEX, "hash", "The block hash"},                                                 \
        {R_NUM, "confirmations",                                                       \
         "Blocks from this one to the tip, or -1 off the active chain"},               \
        {R_NUM, "height", "The block's height"}, {R_NUM, "version", "The version"},    \
        {R_HEX, "versionHex", "The version in hexadecimal"},                           \
        {R_HEX, "merkleroot", "Merkle root of the transactions"},                      \
        {R_TIME, "time", "The block's own time"},                                      \
        {R_TIME, "mediantime", "Median time of the last eleven blocks"},               \
        {R_NUM, "nonce", "The nonce"}, {R_HEX, "bits", "The target in compact form"},  \
        {R_NUM, "difficulty", "The difficulty"},                                       \
        {R_HEX, "chainwork",                                                           \
         "Expected number of hashes to make the chain up to here"},                    \
        {R_NUM, "nTx", "Number of transactions"},                                      \
        {R_HEX, "previousblockhash", "Hash of the parent", .optional = true},          \
    {                                                                                  \
        R_HEX, "nextblockhash", "Hash of the next block of the active chain",          \
            .optional = true                                                           \
    }

#define BLOCK_FIELDS                                                                   \
    HEADER_FIELDS, {R_NUM, "strippedsize", "Size without witness data"},               \
        {R_NUM, "size", "Size in bytes"},                                              \
    {                                                                                  \
        R_NUM, "weight", "Weight as in BIP 141"                                        \
    }

static const struct rpc_method methods[] = {
    {
        .name = "getbestblockhash",
        .help = "The hash of the tip of the chain with the most work.",
        .results = BLOCKHASH_RESULT,
        .examples = EXAMPLES(""),
        .fn = getbestblockhash,
    },
    {
        .name = "getblock",
        .help = "A block: serialised (verbosity 0), described (1), with its "
                "transactions described "
                "too (2), or also with the outputs that they spend (3).",
        .params =
            PARAMS({"blockhash", P_HEX, .help = "The block hash"},
                   {"verbosity|verbose", P_NUM, P_NO_TYPE_CHECK, .def = "1",
                    .help = "0 hex, 1 object, 2 with transactions, 3 with prevouts"}),
        .results = RESULTS(
            {R_HEX, "", "The serialised block", .when = "for verbosity = 0"},
            {R_OBJ, "", "",
             RESULTS(BLOCK_FIELDS, {R_ARR, "tx", "Transaction ids",
                                    RESULTS({R_HEX, "", "A transaction id"})}),
             .when = "for verbosity = 1"},
            {R_OBJ, "", "",
             RESULTS(BLOCK_FIELDS,
                     {R_ARR, "tx", "Transactions",
                      RESULTS({R_OBJ, "", "As getrawtransaction shows it, with the fee",
                               RESULTS({R_MORE, "", ""},
                                       {R_AMOUNT, "fee",
                                        "The fee, where undo data is there",
                                        .optional = true})})}),
             .when =
                 "for verbosity = 2 and, with the outputs spent under \"prevout\", 3"}),
        .examples = EXAMPLES(
            "\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\""),
        .fn = rpc_getblock,
    },
    {
        .name = "getblockchaininfo",
        .help = "The state of the chain and of its processing.",
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_STR, "chain", "Name of the network"},
                     {R_NUM, "blocks", "Height of the tip"},
                     {R_NUM, "headers", "Height of the best header"},
                     {R_STR, "bestblockhash", "Hash of the tip"},
                     {R_NUM, "difficulty", "Difficulty of the tip"},
                     {R_TIME, "time", "Time of the tip"},
                     {R_TIME, "mediantime", "Median time of the last eleven blocks"},
                     {R_NUM, "verificationprogress", "Estimate from 0 to 1"},
                     {R_BOOL, "initialblockdownload",
                      "Whether the chain is still far behind"},
                     {R_HEX, "chainwork", "Work of the active chain"},
                     {R_NUM, "size_on_disk", "Size of block and undo files in bytes"},
                     {R_BOOL, "pruned", "Whether old blocks are deleted"},
                     {R_NUM, "pruneheight",
                      "Lowest height from which on all blocks are there",
                      .optional = true},
                     {R_BOOL, "automatic_pruning", "Whether that happens by itself",
                      .optional = true},
                     {R_NUM, "prune_target_size", "Size aimed at in bytes",
                      .optional = true},
                     R_WARNINGS)}),
        .examples = EXAMPLES(""),
        .fn = getblockchaininfo,
    },
    {
        .name = "getblockcount",
        .help = "The height of the chain with the most work; the genesis block has "
                "height 0.",
        .results = RESULTS({R_NUM, "", "The height"}),
        .examples = EXAMPLES(""),
        .fn = getblockcount,
    },
    {
        .name = "getblockhash",
        .help = "The hash of the block at a height of the active chain.",
        .params = PARAMS({"height", P_NUM, .help = "The height"}),
        .results = BLOCKHASH_RESULT,
        .examples = EXAMPLES("1000"),
        .fn = getblockhash,
    },
    {
        .name = "getblockheader",
        .help = "A block header, described or serialised.",
        .params = PARAMS({"blockhash", P_HEX, .help = "The block hash"},
                         {"verbose", P_BOOL, .def = "true",
                          .help = "false for the serialised header in hexadecimal"}),
        .results = RESULTS(
            {R_OBJ, "", "", RESULTS(HEADER_FIELDS), .when = "for verbose = true"},
            {R_HEX, "", "The serialised header", .when = "for verbose = false"}),
        .examples = EXAMPLES(
            "\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\""),
        .fn = rpc_getblockheader,
    },
    {
        .name = "getblockstats",
        .help = "Statistics of one block. Amounts are in the smallest unit, sizes in "
                "bytes, and the "
                "coinbase is left out where it pays or weighs.",
        .params = PARAMS(
            {"hash_or_height", P_NUM, P_NO_TYPE_CHECK | P_CLI_JSON,
             .help = "The block's hash or height", .type_text = "string or numeric"},
            {"stats", P_ARR, .def = "all values", .help = "Names of the values wanted",
             .inner = PARAMS({"stat", P_STR, P_OPTIONAL, .help = "Name of a value"})}),
        .results = rpc_getblockstats_results,
        .examples = EXAMPLES("1000 '[\"minfeerate\",\"avgfeerate\"]'"),
        .fn = rpc_getblockstats,
    },
    {
        .name = "getchaintips",
        .help = "Every known end of a chain: the active tip and those of branches. A "
                "branch is "
                "\"invalid\", \"headers-only\" (blocks are missing), \"valid-headers\" "
                "(never "
                "fully checked) or \"valid-fork\".",
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS({R_OBJ, "", "",
                      RESULTS({R_NUM, "height", "Height of the tip"},
                              {R_HEX, "hash", "Hash of the tip"},
                              {R_NUM, "branchlen", "Blocks since the active chain"},
                              {R_STR, "status", "\"active\" or as above"})})}),
        .examples = EXAMPLES(""),
        .fn = getchaintips,
    },
    {
        .name = "getchaintxstats",
        .help = "How many transactions a window of blocks holds, and at what rate they "
                "came.",
        .params =
            PARAMS({"nblocks", P_NUM, .def = "one month", .help = "Size of the window"},
                   {"blockhash", P_HEX, .def = "chain tip",
                    .help = "The block that ends the window"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_TIME, "time", "Time of the last block"},
                     {R_NUM, "txcount", "Transactions of the chain up to it",
                      .optional = true},
                     {R_HEX, "window_final_block_hash", "Hash of the last block"},
                     {R_NUM, "window_final_block_height", "Height of the last block"},
                     {R_NUM, "window_block_count", "Size of the window in blocks"},
                     {R_NUM, "window_interval", "Seconds of median time in the window",
                      .optional = true},
                     {R_NUM, "window_tx_count", "Transactions in the window",
                      .optional = true},
                     {R_NUM, "txrate", "Transactions per second", .optional = true})}),
        .examples = EXAMPLES("", "2016"),
        .fn = rpc_getchaintxstats,
    },
    {
        .name = "getdeploymentinfo",
        .help = "The state of soft forks as of the block after one (by default after "
                "the tip).",
        .params = PARAMS({"blockhash", P_HEX, .def = "hash of current chain tip",
                          .help = "The block to ask about"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_STR, "hash", "The block"}, {R_NUM, "height", "Its height"},
                 {R_OBJ_DYN, "deployments", "",
                  RESULTS({R_OBJ, "name", "A soft fork",
                           RESULTS({R_STR, "type", "\"buried\" or \"bip9\""},
                                   {R_NUM, "height", "First block with it",
                                    .optional = true},
                                   {R_BOOL, "active", "Whether it is in force"},
                                   {R_OBJ, "bip9", "Signalling",
                                    RESULTS({R_MORE, "", ""}), .optional = true})})})}),
        .examples = EXAMPLES(""),
        .fn = rpc_getdeploymentinfo,
    },
    {
        .name = "getdifficulty",
        .help = "How many times harder than the easiest target the tip's is.",
        .results = RESULTS({R_NUM, "", "The difficulty"}),
        .examples = EXAMPLES(""),
        .fn = getdifficulty,
    },
    {
        .name = "gettxout",
        .help = "An unspent output.",
        .params = PARAMS({"txid", P_HEX, .help = "The transaction id"},
                         {"n", P_NUM, .help = "The output's index"},
                         {"include_mempool", P_BOOL, .def = "true",
                          .help = "Whether unconfirmed transactions count"}),
        .results = RESULTS(
            {R_NONE, "", "", .when = "If the output is spent or was never there"},
            {R_OBJ, "", "",
             RESULTS({R_HEX, "bestblock", "Hash of the tip"},
                     {R_NUM, "confirmations", "Confirmations, 0 in the mempool"},
                     {R_AMOUNT, "value", "Its value"},
                     {R_OBJ, "scriptPubKey", "",
                      RESULTS({R_STR, "asm", "Its script, disassembled"},
                              {R_STR, "desc", "Descriptor of the script"},
                              {R_HEX, "hex", "Its script"},
                              {R_STR, "type", "Kind of script"},
                              {R_STR, "address", "The address, if there is one",
                               .optional = true})},
                     {R_BOOL, "coinbase", "Whether a coinbase made it"})}),
        .examples = EXAMPLES(
            "\"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b\" 0"),
        .fn = rpc_gettxout,
    },
    {
        .name = "gettxoutsetinfo",
        .help =
            "Statistics of all unspent outputs, and a hash of them. It takes a while "
            "unless -coinstatsindex knows them.",
        .params =
            PARAMS({"hash_type", P_STR, .def = "hash_serialized_3",
                    .help = "hash_serialized_3, muhash or none"},
                   {"hash_or_height", P_NUM, P_NO_TYPE_CHECK | P_CLI_JSON,
                    .def = "the current best block", .type_text = "string or numeric",
                    .help = "The block to ask about (needs -coinstatsindex)"},
                   {"use_index", P_BOOL, .def = "true",
                    .help = "Whether -coinstatsindex may answer"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_NUM, "height", "Height of the set"},
                 {R_HEX, "bestblock", "The block it stands at"},
                 {R_NUM, "txouts", "Number of outputs"},
                 {R_NUM, "bogosize", "A measure of size that no database changes"},
                 {R_HEX, "hash_serialized_3", "The hash, if asked for",
                  .optional = true},
                 {R_HEX, "muhash", "The hash, if asked for", .optional = true},
                 {R_AMOUNT, "total_amount", "Sum of all values"},
                 {R_NUM, "transactions",
                  "Transactions with unspent outputs (not by the index)",
                  .optional = true},
                 {R_NUM, "disk_size", "Rough size on disk in bytes (not by the index)",
                  .optional = true},
                 {R_AMOUNT, "total_unspendable_amount",
                  "What blocks were allowed to create and nobody can spend (by the "
                  "index)",
                  .optional = true},
                 {R_OBJ, "block_info", "What the block did (by the index)",
                  RESULTS(
                      {R_AMOUNT, "prevout_spent", "Sum of the coins it spent"},
                      {R_AMOUNT, "coinbase", "Outputs of its coinbase"},
                      {R_AMOUNT, "new_outputs_ex_coinbase", "All other outputs"},
                      {R_AMOUNT, "unspendable", "Sum of the following"},
                      {R_OBJ, "unspendables", "What nobody can spend, by reason",
                       RESULTS(
                           {R_AMOUNT, "genesis_block", "Outputs of the genesis block"},
                           {R_AMOUNT, "bip30",
                            "Coinbases that a later one of the same id replaced"},
                           {R_AMOUNT, "scripts",
                            "In outputs with scripts that nobody can satisfy, "
                            "burns of tickets among them"},
                           {R_AMOUNT, "unclaimed_rewards",
                            "What the coinbase left, the share withheld for "
                            "want of supernodes included"})}),
                  .optional = true})}),
        .examples = EXAMPLES("", "\"none\"", "\"none\" 1000"),
        .fn = rpc_gettxoutsetinfo,
    },
    {
        .name = "invalidateblock",
        .help = "Treats a block as if it broke a rule, until reconsiderblock.",
        .params = PARAMS({"blockhash", P_HEX, .help = "The block hash"}),
        .examples = EXAMPLES("\"blockhash\""),
        .fn = rpc_invalidateblock,
        .hidden = true,
    },
    {
        .name = "preciousblock",
        .help = "Treats a block as if it had come before all others of equal work. A "
                "later call "
                "overrides an earlier one; a restart forgets them.",
        .params = PARAMS({"blockhash", P_HEX, .help = "The block hash"}),
        .examples = EXAMPLES("\"blockhash\""),
        .fn = rpc_preciousblock,
    },
    {
        .name = "pruneblockchain",
        .help = "Deletes block data up to a height or a time, on a node started with "
                "-prune.",
        .params =
            PARAMS({"height", P_NUM,
                    .help = "The height, or a UNIX time (blocks two hours older go)"}),
        .results = RESULTS({R_NUM, "", "Height of the last block deleted"}),
        .examples = EXAMPLES("1000"),
        .fn = rpc_pruneblockchain,
    },
    {
        .name = "reconsiderblock",
        .help =
            "Takes back invalidateblock, for a block, its ancestors and descendants.",
        .params = PARAMS({"blockhash", P_HEX, .help = "The block hash"}),
        .examples = EXAMPLES("\"blockhash\""),
        .fn = rpc_reconsiderblock,
        .hidden = true,
    },
    {
        .name = "verifychain",
        .help = "Checks the last blocks again. The level says how: 0 reads them, 1 "
                "checks each by "
                "itself, 2 reads undo data, 3 disconnects them in memory, 4 connects "
                "them again "
                "with all scripts.",
        .params = PARAMS({"checklevel", P_NUM, .def = "3", .help = "The level, 0 to 4"},
                         {"nblocks", P_NUM, .def = "6", .help = "How many; 0 for all"}),
        .results = RESULTS({R_BOOL, "", "Whether all was well"}),
        .examples = EXAMPLES(""),
        .fn = rpc_verifychain,
    },
    {
        .name = "waitforblock",
        .help = "Waits until a block is the tip, and returns the tip.",
        .params = PARAMS(
            {"blockhash", P_HEX, .help = "The block to wait for"},
            {"timeout", P_NUM, .def = "0", .help = "Milliseconds to wait; 0 for ever"}),
        .results = TIP_RESULT,
        .examples = EXAMPLES("\"blockhash\" 1000"),
        .fn = rpc_waitforblock,
        .hidden = true,
    },
    {
        .name = "waitforblockheight",
        .help = "Waits until the chain has at least a height, and returns the tip.",
        .params = PARAMS(
            {"height", P_NUM, .help = "The height to wait for"},
            {"timeout", P_NUM, .def = "0", .help = "Milliseconds to wait; 0 for ever"}),
        .results = TIP_RESULT,
        .examples = EXAMPLES("100 1000"),
        .fn = rpc_waitforblockheight,
        .hidden = true,
    },
    {
        .name = "waitfornewblock",
        .help = "Waits until the tip changes, and returns the tip.",
        .params = PARAMS(
            {"timeout", P_NUM, .def = "0", .help = "Milliseconds to wait; 0 for ever"}),
        .results = TIP_RESULT,
        .examples = EXAMPLES("1000"),
        .fn = rpc_waitfornewblock,
        .hidden = true,
    },
};

const struct rpc_table rpc_blockchain_table = {
    "Blockchain", methods, ARRAY_LEN(methods), .public_replies = true};
