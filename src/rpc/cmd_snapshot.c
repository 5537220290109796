/* UTXO snapshots: dumptxoutset, loadtxoutset, getchainstates (doc/assumeutxo.md). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/params/assumeutxo.h"
#include "chain/rules/pow.h"
#include "chain/store/utxo_file.h"
#include "chain/validation/snapshot.h"
#include "rpc/cmd_blockchain.h"
#include "util/fs.h"
#include "util/mem.h"

/* Relative paths begin at the network's directory. */
static char *path_arg(const struct rpc_call *c)
{
    return path_join(c->node->datadir, rpc_arg_str(c, 0, ""));
}

/* -- dumptxoutset -- */

static const struct block_index *highest_known(struct rpc_call *c)
{
    const struct assumeutxo *au = assumeutxo_highest(c->node->params);
    if (!au) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "No snapshot is known for this network: name a block with rollback");
        return NULL;
    }
    return blockchain_at_height(c, au->height);
}

/* The block whose chain state is asked for. Under the read lock. */
static const struct block_index *dump_target(struct rpc_call *c)
{
    const char *type = rpc_arg_str(c, 1, "");
    const struct json *rollback = json_get(rpc_arg(c, 2), "rollback");
    if (rollback && rollback->type != JSON_NULL) {
        if (type[0] == '\0' || strcmp(type, "rollback") == 0)
            return blockchain_named(c, rollback);
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Invalid snapshot type \"%s\" specified with rollback option", type);
        return NULL;
    }
    if (strcmp(type, "rollback") == 0)
        return highest_known(c);
    if (strcmp(type, "latest") == 0)
        return chain_tip(c->node->chainman);
    rpc_error(c, RPC_INVALID_PARAMETER,
              "Invalid snapshot type \"%s\" specified. Please specify \"rollback\" or "
              "\"latest\"",
              type);
    return NULL;
}

static void reply_dump(struct rpc_call *c, const struct snapshot_written *s,
                       const char *path)
{
    json_begin_object(c->w);
    json_kv_uint(c->w, "coins_written", s->n_coins);
    json_kv_hash(c->w, "base_hash", &s->base->hash);
    json_kv_int(c->w, "base_height", s->base->height);
    json_kv_str(c->w, "path", path);
    json_kv_hash(c->w, "txoutset_hash", &s->txoutset);
    json_kv_uint(c->w, "nchaintx", s->base->chain_tx);
    if (c->node->params->tickets_height != TICKETS_NEVER)
        json_kv_hex(c->w, "state_root", s->state_root.b, 32);
    json_end_object(c->w);
}

static bool goes_on(void *ctx)
{
    return !rpc_cancelled(ctx);
}

static bool dump_failed(struct rpc_call *c, enum err e)
{
    if (e == ERR_NOT_FOUND)
        rpc_error(c, RPC_MISC_ERROR,
                  "Could not roll back to requested height since necessary block data "
                  "is already pruned.");
    else if (e == ERR_CLOSED)
        rpc_error(c, RPC_MISC_ERROR, "The dump was interrupted");
    else if (e != ERR_OK)
        rpc_error(c, RPC_INTERNAL_ERROR, "Unable to write the UTXO snapshot: %s",
                  err_text(e));
    return e != ERR_OK;
}

/* The file itself is synced; so becomes its name. */
static enum err put_in_place(const char *incomplete, const char *path)
{
    if (rename(incomplete, path) != 0)
        return ERR_IO;
    char *dir = path_dir(path);
    enum err e = fs_sync_dir(dir);
    free(dir);
    return e;
}

/* To @incomplete first: whatever stands at @path is whole. */
static void dump_to(struct rpc_call *c, const struct block_index *at, const char *path,
                    const char *incomplete)
{
    struct snapshot_written s;
    FILE *f = fopen(incomplete, "wb");
    if (!f) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Couldn't open file %s for writing.",
                  incomplete);
        return;
    }
    enum err e = snapshot_dump(c->node->chainman, f, at, goes_on, c, &s);
    if (fclose(f) != 0 && e == ERR_OK)
        e = ERR_IO;
    if (e == ERR_OK)
        e = put_in_place(incomplete, path);
    if (e != ERR_OK)
        unlink(incomplete);
    if (!dump_failed(c, e))
        reply_dump(c, &s, path);
}

static void dumptxoutset(struct rpc_call *c)
{
    chainman_read_lock(c->node->chainman);
    const struct block_index *at = dump_target(c);
    chainman_read_unlock(c->node->chainman);
    if (!at)
        return;
    char *path = path_arg(c);
    char *incomplete = xasprintf("%s.incomplete", path);
    if (path_exists(path))
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "%s already exists. If you are sure this is what you want, move it "
                  "out of the way first",
                  path);
    else
        dump_to(c, at, path, incomplete);
    free(incomplete);
    free(path);
}

/* -- loadtxoutset -- */

/* NULL: no network that is known. */
static const char *network_of(const uint8_t magic[4])
{
    static const char *const names[] = {"main", "test", "testnet4", "signet",
                                        "regtest"};
    struct chain_params p;
    for (int who = OCHRE; who <= BITCOIN; who++)
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (chain_params_get(&p, (enum personality)who, names[i]) &&
                memcmp(p.magic, magic, sizeof(p.magic)) == 0)
                return names[i];
    return NULL;
}

static bool read_metadata(struct rpc_call *c, struct utxo_reader *r,
                          struct utxo_file_header *h)
{
    uint16_t version = 0;
    const char *bad = utxo_reader_header(r, h, &version);
    const struct chain_params *p = c->node->params;
    if (bad && version != 0)
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "Unable to parse metadata: Version of snapshot %u does not match any "
                  "of the supported versions.",
                  version);
    else if (bad)
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Unable to parse metadata: %s", bad);
    else if (memcmp(h->magic, p->magic, sizeof(h->magic)) == 0)
        return true;
    else if (network_of(h->magic))
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "Unable to parse metadata: The network of the snapshot (%s) does not "
                  "match the network of this node (%s).",
                  network_of(h->magic), p->name);
    else
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "Unable to parse metadata: This snapshot has been created for an "
                  "unrecognized network. This could be a custom signet, a new testnet "
                  "or possibly caused by data corruption.");
    return false;
}

static void load_from(struct rpc_call *c, FILE *f, const char *path)
{
    struct utxo_reader *r = utxo_reader_new(f);
    struct utxo_file_header h;
    const struct block_index *base;
    if (read_metadata(c, r, &h)) {
        char *bad = snapshot_load(c->node->chainman, r, &h, &base);
        if (bad) {
            rpc_error(c, RPC_INTERNAL_ERROR, "Unable to load UTXO snapshot: %s. (%s)",
                      bad, path);
            free(bad);
        } else {
            json_begin_object(c->w);
            json_kv_uint(c->w, "coins_loaded", h.n_coins);
            json_kv_hash(c->w, "tip_hash", &base->hash);
            json_kv_int(c->w, "base_height", base->height);
            json_kv_str(c->w, "path", path);
            json_end_object(c->w);
        }
    }
    utxo_reader_free(r);
}

static void loadtxoutset(struct rpc_call *c)
{
    char *path = path_arg(c);
    FILE *f = fopen(path, "rb");
    if (f) {
        load_from(c, f, path);
        fclose(f);
    } else {
        rpc_error(c, RPC_INVALID_PARAMETER, "Couldn't open file %s for reading.", path);
    }
    free(path);
}

/* -- getchainstates -- */

static void write_chainstate(struct rpc_call *c, const struct chainstate_info *s)
{
    json_begin_object(c->w);
    json_kv_int(c->w, "blocks", s->tip->height);
    json_kv_hash(c->w, "bestblockhash", &s->tip->hash);
    json_kv_double(c->w, "difficulty", difficulty_of_bits(s->tip->bits));
    json_kv_double(c->w, "verificationprogress",
                   chainman_progress(c->node->chainman, s->tip));
    json_kv_uint(c->w, "coins_db_cache_bytes", s->coins_db_cache);
    json_kv_uint(c->w, "coins_tip_cache_bytes", s->coins_cache);
    if (s->from_snapshot)
        json_kv_hash(c->w, "snapshot_blockhash", &s->snapshot_base);
    json_kv_bool(c->w, "validated", s->validated);
    json_end_object(c->w);
}

static void getchainstates(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    struct chainstate_info list[MAX_CHAINSTATES];
    chainman_read_lock(cm);
    size_t n = chainman_chainstates(cm, list);
    json_begin_object(c->w);
    json_kv_int(c->w, "headers", best_header(cm)->height);
    json_key(c->w, "chainstates");
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++)
        write_chainstate(c, &list[i]);
    json_end_array(c->w);
    json_end_object(c->w);
    chainman_read_unlock(cm);
}

/* -- The table -- */

static const struct rpc_method methods[] = {
    {
        .name = "dumptxoutset",
        .help = "Writes the unspent outputs, and on networks with tickets the ticket "
                "state, to a file for loadtxoutset. The state at an earlier block is "
                "made by taking blocks off for a moment; nothing else happens to the "
                "chain meanwhile.",
        .params =
            PARAMS({"path", P_STR,
                    .help = "The file to write, relative to the network's directory; "
                            "it must not exist"},
                   {"type", P_STR, .def = "\"\"",
                    .help = "\"latest\": the state at the tip; \"rollback\": at the "
                            "highest snapshot that the program knows, or where the "
                            "option rollback says"},
                   {"options", P_OBJ, P_OPTIONAL, .help = "",
                    .inner = PARAMS({"rollback", P_NUM,
                                     P_NAMED_ONLY | P_NO_TYPE_CHECK | P_OPTIONAL,
                                     .type_text = "string or numeric",
                                     .help = "Height or hash of a block"})}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_NUM, "coins_written", "Number of outputs in the file"},
                 {R_HEX, "base_hash", "The block whose state it is"},
                 {R_NUM, "base_height", "Its height"},
                 {R_STR, "path", "Where the file stands"},
                 {R_HEX, "txoutset_hash", "hash_serialized_3 of the outputs"},
                 {R_NUM, "nchaintx", "Transactions up to and with the block"},
                 {R_HEX, "state_root", "Root of the ticket state", .optional = true})}),
        .examples = EXAMPLES("utxo.dat latest", "utxo.dat rollback",
                             "-named utxo.dat rollback '{\"rollback\": 853456}'"),
        .fn = dumptxoutset,
    },
    {
        .name = "loadtxoutset",
        .help = "Begins the chain with a file that dumptxoutset wrote at a block which "
                "the program knows. The node can be used once it has the blocks above; "
                "those below are fetched and checked in the background "
                "(getchainstates), after which it has checked everything.",
        .params = PARAMS(
            {"path", P_STR, .help = "The file, relative to the network's directory"}),
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_NUM, "coins_loaded", "Number of outputs in the file"},
                             {R_HEX, "tip_hash", "The block whose state it is"},
                             {R_NUM, "base_height", "Its height"},
                             {R_STR, "path", "Where the file stands"})}),
        .examples = EXAMPLES("utxo.dat"),
        .fn = loadtxoutset,
    },
    {
        .name = "getchainstates",
        .help = "The chain states this node keeps, the one in use last.",
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_NUM, "headers", "Height of the best header"},
                     {R_ARR, "chainstates", "",
                      RESULTS({R_OBJ, "", "",
                               RESULTS({R_NUM, "blocks", "Height of the tip"},
                                       {R_HEX, "bestblockhash", "Hash of the tip"},
                                       {R_NUM, "difficulty", "Difficulty of the tip"},
                                       {R_NUM, "verificationprogress",
                                        "Estimate from 0 to 1"},
                                       {R_NUM, "coins_db_cache_bytes",
                                        "Cache of the coin database"},
                                       {R_NUM, "coins_tip_cache_bytes",
                                        "Cache of coins and state"},
                                       {R_HEX, "snapshot_blockhash",
                                        "The block of the snapshot that it began with",
                                        .optional = true},
                                       {R_BOOL, "validated",
                                        "Whether every block was checked"})})})}),
        .examples = EXAMPLES(""),
        .fn = getchainstates,
    },
};

const struct rpc_table rpc_snapshot_table = {"Blockchain", methods, ARRAY_LEN(methods),
                                             .public_replies = true};
