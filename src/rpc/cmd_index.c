/* What indexes there are and how far each has come. */
#include <string.h>

#include "chain/store/filter_index.h"
#include "rpc/cmd_blockchain.h"
#include "util/mem.h"

static void getindexinfo(struct rpc_call *c)
{
    const char *wanted = rpc_arg_str(c, 0, "");
    struct chainman *cm = c->node->chainman;
    struct index_status list[MAX_INDEXES];
    chainman_read_lock(cm);
    size_t n = chainman_indexes(cm, list);
    chainman_read_unlock(cm);
    json_begin_object(c->w);
    for (size_t i = 0; i < n; i++) {
        if (wanted[0] != '\0' && strcmp(wanted, list[i].name) != 0)
            continue;
        json_key(c->w, list[i].name);
        json_begin_object(c->w);
        json_kv_bool(c->w, "synced", list[i].synced);
        json_kv_int(c->w, "best_block_height", list[i].height);
        json_end_object(c->w);
    }
    json_end_object(c->w);
}

/* Why a block has no filter here. */
static void filter_missing(struct rpc_call *c, const struct block_index *bi)
{
    struct index_status list[MAX_INDEXES];
    bool synced = true, connected = bi->status & BLOCK_HAVE_UNDO;
    chainman_read_lock(c->node->chainman);
    size_t n = chainman_indexes(c->node->chainman, list);
    chainman_read_unlock(c->node->chainman);
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, "basic block filter index") == 0)
            synced = list[i].synced;
    if (!connected)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Filter not found. Block was not connected to active chain.");
    else if (!synced)
        rpc_error(c, RPC_MISC_ERROR,
                  "Filter not found. Block filters are still in the process of being "
                  "indexed.");
    else
        rpc_error(c, RPC_INTERNAL_ERROR,
                  "Filter not found. This error is unexpected and indicates index "
                  "corruption.");
}

static void getblockfilter(struct rpc_call *c)
{
    struct filter_index *fi = chainman_filters(c->node->chainman);
    struct hash256 hash;
    struct filter_entry f;
    if (!rpc_arg_hash(c, 0, "blockhash", &hash))
        return;
    if (strcmp(rpc_arg_str(c, 1, "basic"), "basic") != 0) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Unknown filtertype");
        return;
    }
    if (!fi) {
        rpc_error(c, RPC_MISC_ERROR, "Index is not enabled for filtertype basic");
        return;
    }
    chainman_read_lock(c->node->chainman);
    const struct block_index *bi = blockchain_find(c, &hash);
    chainman_read_unlock(c->node->chainman);
    if (!bi)
        return;
    if (filter_index_find(fi, &hash, &f) == ERR_OK) {
        json_begin_object(c->w);
        json_kv_hex(c->w, "filter", f.filter.data, f.filter.len);
        json_kv_hash(c->w, "header", &f.header);
        json_end_object(c->w);
    } else {
        filter_missing(c, bi);
    }
    buf_clear(&f.filter);
}

static const struct rpc_method methods[] = {
    {
        .name = "getindexinfo",
        .help = "The state of one or all of the indexes that are switched on.",
        .params = PARAMS({"index_name", P_STR, P_OPTIONAL, .help = "Only this index"}),
        .results = RESULTS(
            {R_OBJ_DYN, "", "",
             RESULTS(
                 {R_OBJ, "name", "An index",
                  RESULTS({R_BOOL, "synced", "Whether it stands at the tip"},
                          {R_NUM, "best_block_height", "The height it stands at"})})}),
        .examples = EXAMPLES("", "txindex"),
        .fn = getindexinfo,
    },
    {
        .name = "getblockfilter",
        .help = "The BIP 158 filter of a block (needs -blockfilterindex).",
        .params = PARAMS(
            {"blockhash", P_HEX, .help = "The block's hash"},
            {"filtertype", P_STR, .def = "\"basic\"", .help = "The kind of filter"}),
        .results = RESULTS({R_OBJ, "", "",
                            RESULTS({R_HEX, "filter", "The filter"},
                                    {R_HEX, "header", "Its header"})}),
        .examples = EXAMPLES(
            "\"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09\" "
            "\"basic\""),
        .fn = getblockfilter,
    },
};

const struct rpc_table rpc_index_table = {"Util", methods, ARRAY_LEN(methods),
                                          .public_replies = true};
