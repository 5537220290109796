/* scanblocks: blocks that concern given scripts, found by the filters of all blocks. */
#include <stdlib.h>

#include "chain/prim/coin.h"
#include "chain/rules/block_index.h"
#include "chain/store/filter_index.h"
#include "chain/validation/chainman.h"
#include "rpc/cmd_blockchain.h"
#include "rpc/descriptor_args.h"
#include "util/mem.h"
#include "util/pool.h"

#define BATCH 512 /* blocks between two looks at the clock of others */
#define CHUNK 8

enum verdict {
    NOT_THERE,
    MAYBE_THERE,
    NO_FILTER,
    BAD_FILTER,
};

struct block_search {
    struct rpc_call *c;
    struct filter_index *filters;
    const struct block_index *from, *to;
    struct bytes *scripts; /* owned; their octets in the call's memory */
    size_t n_scripts, cap_scripts;
    bool verify;           /* leave out what filters match by chance */
    struct hash256 *found; /* owned */
    size_t n_found;
    /* the batch under way */
    const struct block_index *batch[BATCH];
    enum verdict verdicts[BATCH];
    size_t n_batch;
};

/* -- Arguments ------------------------------------------------------------- */

static bool add_script(void *ctx, struct bytes script,
                       const struct keystore *known UNUSED)
{
    struct block_search *s = ctx;
    if (s->n_scripts == s->cap_scripts) {
        s->cap_scripts = s->cap_scripts ? 2 * s->cap_scripts : 64;
        s->scripts = xrealloc_array(s->scripts, s->cap_scripts, sizeof(*s->scripts));
    }
    s->scripts[s->n_scripts++] =
        bytes_of(arena_dup(s->c->mem, script.data, script.len), script.len);
    return true;
}

static bool read_scripts(struct block_search *s)
{
    const struct json *objects = rpc_arg(s->c, 1);
    if (!rpc_want(s->c, objects, JSON_ARRAY))
        return false;
    for (size_t i = 0; i < objects->len; i++)
        if (!rpc_each_scan_script(s->c, &objects->items[i], add_script, s))
            return false;
    return true;
}

static bool read_filter_type(struct block_search *s)
{
    struct rpc_call *c = s->c;
    if (strcmp(rpc_arg_str(c, 4, "basic"), "basic") != 0) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Unknown filtertype");
        return false;
    }
    s->filters = chainman_filters(c->node->chainman);
    if (!s->filters)
        rpc_error(c, RPC_MISC_ERROR, "Index is not enabled for filtertype basic");
    return s->filters != NULL;
}

static bool read_options(struct block_search *s)
{
    static const struct rpc_field fields[] = {
        {"filter_false_positives", JSON_BOOL, .optional = true},
        {0},
    };
    const struct json *options = rpc_arg(s->c, 5);
    if (!options)
        return true;
    if (!rpc_check_fields(s->c, options, fields, true))
        return false;
    const struct json *v = json_get(options, "filter_false_positives");
    s->verify = v && v->type == JSON_BOOL && v->boolean;
    return true;
}

/* A block of the active chain by an argument; @def when that is absent. */
static const struct block_index *block_arg(struct rpc_call *c, size_t i,
                                           const struct block_index *def)
{
    int32_t height = 0;
    if (!rpc_arg(c, i))
        return def;
    return rpc_arg_i32(c, i, &height) ? chain_at(c->node->chainman, height) : NULL;
}

static bool read_range(struct block_search *s)
{
    struct chainman *cm = s->c->node->chainman;
    chainman_read_lock(cm);
    s->from = block_arg(s->c, 2, chain_at(cm, 0));
    s->to = block_arg(s->c, 3, chain_tip(cm));
    chainman_read_unlock(cm);
    if (!s->from)
        rpc_error(s->c, RPC_MISC_ERROR, "Invalid start_height");
    else if (!s->to || s->to->height < s->from->height)
        rpc_error(s->c, RPC_MISC_ERROR, "Invalid stop_height");
    return !s->c->failed;
}

/* -- Filters ---------------------------------------------------------------- */

static bool aborted(const struct block_search *s)
{
    return atomic_load(&s->c->node->block_scan.abort) || rpc_cancelled(s->c);
}

static bool look_at(void *ctx, size_t i)
{
    struct block_search *s = ctx;
    const struct block_index *bi = s->batch[i];
    struct filter_entry f;
    if (aborted(s))
        return false;
    enum err e = filter_index_find(s->filters, &bi->hash, &f);
    s->verdicts[i] = e == ERR_NOT_FOUND ? NO_FILTER : BAD_FILTER;
    if (e == ERR_OK) {
        static const enum verdict verdict_of[] = {
            [FILTER_MATCH_NO] = NOT_THERE,
            [FILTER_MATCH_YES] = MAYBE_THERE,
            [FILTER_MALFORMED] = BAD_FILTER,
        };
        s->verdicts[i] = verdict_of[block_filter_match(buf_view(&f.filter), &bi->hash,
                                                       s->scripts, s->n_scripts)];
    }
    buf_clear(&f.filter);
    return s->verdicts[i] == NOT_THERE || s->verdicts[i] == MAYBE_THERE;
}

static bool is_wanted(const struct block_search *s, struct bytes script)
{
    for (size_t i = 0; i < s->n_scripts; i++)
        if (bytes_equal(s->scripts[i], script))
            return true;
    return false;
}

static bool pays(const struct block_search *s, const struct block *b)
{
    for (uint32_t i = 0; i < b->n_tx; i++)
        for (uint32_t k = 0; k < b->txs[i].n_out; k++)
            if (is_wanted(s, b->txs[i].out[k].script))
                return true;
    return false;
}

static bool spends(const struct block_search *s, const struct block_undo *u)
{
    for (uint32_t i = 0; i < u->n_tx; i++)
        for (uint32_t k = 0; k < u->txs[i].n; k++)
            if (is_wanted(s, u->txs[i].coins[k].script))
                return true;
    return false;
}

/* Whether the block itself has one of the scripts. False on an error of the call, too.
 */
static bool really_there(struct block_search *s, const struct block_index *bi)
{
    struct chainman *cm = s->c->node->chainman;
    struct block_undo undo = {0};
    struct arena mem;
    struct block *b = blockchain_read(s->c, bi, blockchain_is_pruned(cm, bi));
    if (!b)
        return false;
    arena_init(&mem, 64 << 10);
    bool there = pays(s, b);
    if (!there && bi->prev) {
        if (chainman_read_undo(cm, &undo, bi, &mem) == ERR_OK)
            there = spends(s, &undo);
        else
            rpc_error(s->c, RPC_MISC_ERROR, "Can't read undo data from disk");
    }
    arena_clear(&mem);
    block_unref(b);
    return there;
}

/* False: the call has failed. */
static bool take_verdict(struct block_search *s, size_t i)
{
    const struct block_index *bi = s->batch[i];
    if (s->verdicts[i] == NO_FILTER)
        rpc_error(s->c, RPC_MISC_ERROR,
                  "Filter not found. Block filters are still in the process of being "
                  "indexed.");
    else if (s->verdicts[i] == BAD_FILTER)
        rpc_error(s->c, RPC_INTERNAL_ERROR,
                  "Filter not found. This error is unexpected and indicates index "
                  "corruption.");
    else if (s->verdicts[i] == MAYBE_THERE && (!s->verify || really_there(s, bi))) {
        s->found = xrealloc_array(s->found, s->n_found + 1, sizeof(*s->found));
        s->found[s->n_found++] = bi->hash;
    }
    return !s->c->failed;
}

/* -- The scan --------------------------------------------------------------- */

/* The blocks from @height on, as many as go into a batch. */
static void fill_batch(struct block_search *s, int32_t height)
{
    s->n_batch = (size_t)(s->to->height - height) + 1;
    if (s->n_batch > BATCH)
        s->n_batch = BATCH;
    const struct block_index *bi =
        block_index_ancestor(s->to, height + (int32_t)s->n_batch - 1);
    for (size_t i = s->n_batch; i-- > 0; bi = bi->prev)
        s->batch[i] = bi;
}

/* False: the call has failed, or the batch was not finished. */
static bool run_batch(struct block_search *s)
{
    bool all = pool_for(s->c->node->workers, s->n_batch, CHUNK, look_at, s);
    if (!all && aborted(s))
        return false;
    for (size_t i = 0; i < s->n_batch; i++)
        if (!take_verdict(s, i))
            return false;
    return true;
}

static void note_progress(struct block_search *s, int32_t height)
{
    struct scan_state *scan = &s->c->node->block_scan;
    double all = s->to->height - s->from->height, done = height - s->from->height;
    atomic_store(&scan->progress, all > 0 ? (int)(100.0 * done / all) : 100);
    atomic_store(&scan->height, height);
}

static void reply(struct block_search *s, int32_t to_height, bool completed)
{
    struct json_writer *w = s->c->w;
    json_begin_object(w);
    json_kv_int(w, "from_height", s->from->height);
    json_kv_int(w, "to_height", to_height);
    json_key(w, "relevant_blocks");
    json_begin_array(w);
    for (size_t i = 0; i < s->n_found; i++)
        json_hash(w, &s->found[i]);
    json_end_array(w);
    json_kv_bool(w, "completed", completed);
    json_end_object(w);
}

static void run_scan(struct block_search *s)
{
    int32_t done = s->from->height, next = done;
    bool completed = true;
    note_progress(s, done);
    while (completed && next <= s->to->height) {
        fill_batch(s, next);
        completed = !aborted(s) && run_batch(s);
        if (!completed)
            break;
        done = s->batch[s->n_batch - 1]->height;
        next = done + 1;
        note_progress(s, done);
    }
    if (!s->c->failed)
        reply(s, done, completed);
}

static void start(struct rpc_call *c)
{
    struct scan_state *scan = &c->node->block_scan;
    if (atomic_exchange(&scan->running, true)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Scan already in progress, use action \"abort\" or \"status\"");
        return;
    }
    atomic_store(&scan->abort, false);
    struct block_search *s = xcalloc(1, sizeof(*s));
    s->c = c;
    if (read_filter_type(s) && read_options(s) && read_range(s) && read_scripts(s))
        run_scan(s);
    free(s->scripts);
    free(s->found);
    free(s);
    atomic_store(&scan->running, false);
}

static void status(struct rpc_call *c)
{
    struct scan_state *scan = &c->node->block_scan;
    if (!atomic_load(&scan->running)) {
        json_null(c->w);
        return;
    }
    json_begin_object(c->w);
    json_kv_int(c->w, "progress", atomic_load(&scan->progress));
    json_kv_int(c->w, "current_height", atomic_load(&scan->height));
    json_end_object(c->w);
}

static void scanblocks(struct rpc_call *c)
{
    struct scan_state *scan = &c->node->block_scan;
    const char *action = rpc_arg_str(c, 0, "");
    if (strcmp(action, "start") == 0) {
        start(c);
    } else if (strcmp(action, "status") == 0) {
        status(c);
    } else if (strcmp(action, "abort") == 0) {
        bool running = atomic_load(&scan->running);
        atomic_store(&scan->abort, running);
        json_bool(c->w, running);
    } else {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid action '%s'", action);
    }
}

static const struct rpc_method methods[] = {
    {
        .name = "scanblocks",
        .help =
            "Finds the blocks that pay or spend given descriptors by the filters of "
            "-blockfilterindex.\n"
            "One scan runs at a time; \"abort\" and \"status\" are about that one.",
        .params = PARAMS(
            {"action", P_STR, .help = "start, abort or status"}, SCAN_OBJECTS_PARAM,
            {"start_height", P_NUM, .def = "0", .help = "First block to look at"},
            {"stop_height", P_NUM, .def = "chain tip", .help = "Last block to look at"},
            {"filtertype", P_STR, .def = "\"basic\"", .help = "The kind of filter"},
            {"options", P_OBJ, P_OPTIONAL, .help = "More wishes",
             .inner = PARAMS(
                 {"filter_false_positives", P_BOOL, P_NAMED_ONLY, .def = "false",
                  .help = "Read the blocks that filters name, and leave out those that "
                          "match by chance (fails on pruned blocks)"})}),
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_NUM, "from_height", "The first block looked at"},
                             {R_NUM, "to_height", "The last block looked at"},
                             {R_ARR, "relevant_blocks", "Blocks that the filters name",
                              RESULTS({R_HEX, "blockhash", "A block"})},
                             {R_BOOL, "completed", "Whether the scan was not aborted"}),
                     .when = "for action = start"},
                    {R_BOOL, "", "Whether there was a scan to abort",
                     .when = "for action = abort"},
                    {R_OBJ, "", "",
                     RESULTS({R_NUM, "progress", "Percent done"},
                             {R_NUM, "current_height", "The last block looked at"}),
                     .when = "for action = status while one runs"},
                    {R_NONE, "", "", .when = "for action = status otherwise"}),
        .examples = EXAMPLES(
            "start '[\"addr(bcrt1q4u4nsgk6ug0sqz7r3rj9tykjxrsl0yy4d0wwte)\"]' 300000",
            "start '[\"addr(bcrt1q4u4nsgk6ug0sqz7r3rj9tykjxrsl0yy4d0wwte)\"]' 100 150 "
            "basic",
            "status", "abort"),
        .fn = scanblocks,
    },
};

const struct rpc_table rpc_scanblocks_table = {"Blockchain", methods,
                                               ARRAY_LEN(methods)};
