/* What indexes there are and how far each has come. */
#include <string.h>

#include "chain/store/txindex.h"
#include "chain/validation/chainman.h"
#include "rpc/method.h"

static void write_index(struct rpc_call *c, const char *name,
                        const struct hash256 *best)
{
    const struct chainman *cm = c->node->chainman;
    const struct block_index *at = block_tree_find(cm, best);
    json_key(c->w, name);
    json_begin_object(c->w);
    json_kv_bool(c->w, "synced", at != NULL && at == chain_tip(cm));
    json_kv_int(c->w, "best_block_height", at != NULL ? at->height : 0);
    json_end_object(c->w);
}

static void getindexinfo(struct rpc_call *c)
{
    const char *wanted = rpc_arg_str(c, 0, "");
    struct txindex *txs = chainman_txindex(c->node->chainman);
    chainman_read_lock(c->node->chainman);
    json_begin_object(c->w);
    if (txs != NULL && (wanted[0] == '\0' || strcmp(wanted, "txindex") == 0)) {
        struct hash256 best = txindex_best(txs);
        write_index(c, "txindex", &best);
    }
    json_end_object(c->w);
    chainman_read_unlock(c->node->chainman);
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
};

const struct rpc_table rpc_index_table = {"Util", methods, ARRAY_LEN(methods)};
