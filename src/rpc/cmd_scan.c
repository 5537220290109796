#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/prim/coin.h"
#include "chain/rules/block_index.h"
#include "chain/validation/chainman.h"
#include "crypto/sha256.h"
#include "rpc/descriptor_args.h"
#include "util/map.h"
#include "util/mem.h"

/* A script looked for, and what it means. */
struct needle {
    char *desc; /* owned */
};

struct hit {
    struct outpoint outpoint;
    struct coin coin; /* its script in the call's memory */
    const struct needle *needle;
};

struct utxo_search {
    struct rpc_call *c;
    struct map index;       /* SHA-256 of the script -> size_t */
    struct needle *needles; /* owned */
    size_t n_needles;
    struct hit *hits; /* owned */
    size_t n_hits;
    uint64_t seen; /* coins walked over */
};

static void search_init(struct utxo_search *s, struct rpc_call *c)
{
    *s = (struct utxo_search){.c = c};
    map_init(&s->index, 32, sizeof(size_t));
}

static void search_clear(struct utxo_search *s)
{
    for (size_t i = 0; i < s->n_needles; i++)
        free(s->needles[i].desc);
    free(s->needles);
    free(s->hits);
    map_clear(&s->index);
}

static bool add_needle(void *ctx, struct bytes script, const struct keystore *known)
{
    struct utxo_search *s = ctx;
    uint8_t id[32];
    bool is_new;
    struct buf desc = {0};
    sha256(id, script.data, script.len);
    size_t *at = map_put(&s->index, id, &is_new);
    if (!is_new)
        return true;
    *at = s->n_needles;
    descriptor_infer(&desc, s->c->node->params, script, known);
    s->needles = xrealloc_array(s->needles, s->n_needles + 1, sizeof(*s->needles));
    s->needles[s->n_needles++].desc = xstrdup(buf_cstr(&desc));
    buf_clear(&desc);
    return true;
}

static bool add_needles(struct utxo_search *s)
{
    const struct json *objects = rpc_arg(s->c, 1);
    if (objects == NULL) {
        rpc_error(s->c, RPC_MISC_ERROR,
                  "scanobjects argument is required for the start action");
        return false;
    }
    for (size_t i = 0; i < objects->len; i++) {
        if (!rpc_each_scan_script(s->c, &objects->items[i], add_needle, s))
            return false;
    }
    return true;
}

static void add_hit(struct utxo_search *s, const struct outpoint *o,
                    const struct coin *coin, size_t needle)
{
    s->hits = xrealloc_array(s->hits, s->n_hits + 1, sizeof(*s->hits));
    struct hit *h = &s->hits[s->n_hits++];
    h->outpoint = *o;
    h->coin = *coin;
    h->coin.script.data = arena_dup(s->c->mem, coin->script.data, coin->script.len);
    h->needle = &s->needles[needle];
}

/* Keys come in the order of txids, which are evenly spread. */
static void note_progress(struct utxo_search *s, const struct outpoint *o)
{
    uint32_t high = (uint32_t)o->txid.b[0] << 8 | o->txid.b[1];
    atomic_store(&s->c->node->utxo_scan.progress, (int)(high * 100.0 / 65536.0 + 0.5));
}

static bool look_at(void *ctx, const struct outpoint *o, const struct coin *coin)
{
    struct utxo_search *s = ctx;
    struct scan_state *scan = &s->c->node->utxo_scan;
    uint8_t id[32];
    if (s->seen++ % 256 == 0)
        note_progress(s, o);
    if (s->seen % 8192 == 0 && (atomic_load(&scan->abort) || rpc_cancelled(s->c)))
        return false;
    sha256(id, coin->script.data, coin->script.len);
    const size_t *at = map_get(&s->index, id);
    if (at != NULL)
        add_hit(s, o, coin, *at);
    return true;
}

static void put_hit(struct rpc_call *c, const struct hit *h,
                    const struct block_index *tip)
{
    const struct block_index *home = block_index_ancestor(tip, (int32_t)h->coin.height);
    json_begin_object(c->w);
    json_kv_hash(c->w, "txid", &h->outpoint.txid);
    json_kv_uint(c->w, "vout", h->outpoint.n);
    json_kv_hex(c->w, "scriptPubKey", h->coin.script.data, h->coin.script.len);
    json_kv_str(c->w, "desc", h->needle->desc);
    rpc_write_amount(c, "amount", h->coin.value);
    json_kv_bool(c->w, "coinbase", h->coin.coinbase);
    json_kv_uint(c->w, "height", h->coin.height);
    if (home != NULL)
        json_kv_hash(c->w, "blockhash", &home->hash);
    json_kv_int(c->w, "confirmations", tip->height - (int32_t)h->coin.height + 1);
    json_end_object(c->w);
}

static void put_result(struct utxo_search *s, bool complete,
                       const struct block_index *tip)
{
    struct rpc_call *c = s->c;
    struct amount total = amount_of(0);
    json_begin_object(c->w);
    json_kv_bool(c->w, "success", complete);
    json_kv_uint(c->w, "txouts", s->seen);
    json_kv_int(c->w, "height", tip->height);
    json_kv_hash(c->w, "bestblock", &tip->hash);
    json_key(c->w, "unspents");
    json_begin_array(c->w);
    for (size_t i = 0; i < s->n_hits; i++) {
        put_hit(c, &s->hits[i], tip);
        total.v += s->hits[i].coin.value.v;
    }
    json_end_array(c->w);
    rpc_write_amount(c, "total_amount", total);
    json_end_object(c->w);
}

static void search(struct utxo_search *s)
{
    struct scan_state *scan = &s->c->node->utxo_scan;
    const struct block_index *tip = NULL;
    if (!add_needles(s))
        return;
    enum err e = chainman_utxo_walk(s->c->node->chainman, look_at, s, &tip);
    if (e != ERR_OK)
        rpc_error(s->c, RPC_INTERNAL_ERROR, "Unable to read UTXO set: %s", err_text(e));
    else
        put_result(s, !atomic_load(&scan->abort), tip);
}

static void start_scan(struct rpc_call *c)
{
    struct scan_state *scan = &c->node->utxo_scan;
    struct utxo_search s;
    if (atomic_exchange(&scan->running, true)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Scan already in progress, use action \"abort\" or \"status\"");
        return;
    }
    atomic_store(&scan->abort, false);
    atomic_store(&scan->progress, 0);
    search_init(&s, c);
    search(&s);
    search_clear(&s);
    atomic_store(&scan->running, false);
}

static void scantxoutset(struct rpc_call *c)
{
    struct scan_state *scan = &c->node->utxo_scan;
    const char *action = rpc_arg_str(c, 0, "");
    bool running = atomic_load(&scan->running);
    if (strcmp(action, "start") == 0) {
        start_scan(c);
    } else if (strcmp(action, "abort") == 0) {
        atomic_store(&scan->abort, running);
        json_bool(c->w, running);
    } else if (strcmp(action, "status") == 0 && running) {
        json_begin_object(c->w);
        json_kv_int(c->w, "progress", atomic_load(&scan->progress));
        json_end_object(c->w);
    } else if (strcmp(action, "status") == 0) {
        json_null(c->w);
    } else {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid action '%s'", action);
    }
}

static const struct rpc_method methods[] = {
    {
        .name = "scantxoutset",
        .help =
            "Finds the unspent outputs of descriptors by walking over all of them.\n"
            "One scan runs at a time; \"abort\" and \"status\" are about that one.",
        .params = PARAMS({"action", P_STR, .help = "start, abort or status"},
                         SCAN_OBJECTS_PARAM),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_BOOL, "success", "Whether the scan reached the end"},
                     {R_NUM, "txouts", "Outputs looked at"},
                     {R_NUM, "height", "Height of the block scanned at"},
                     {R_HEX, "bestblock", "Its hash"},
                     {R_ARR, "unspents", "What was found",
                      RESULTS({R_OBJ, "", "",
                               RESULTS({R_HEX, "txid", "Transaction"},
                                       {R_NUM, "vout", "Its output"},
                                       {R_HEX, "scriptPubKey", "Output script"},
                                       {R_STR, "desc", "Descriptor of that script"},
                                       {R_AMOUNT, "amount", "Amount"},
                                       {R_BOOL, "coinbase", "Whether it is mined"},
                                       {R_NUM, "height", "Height of its block"},
                                       {R_HEX, "blockhash", "Its block"},
                                       {R_NUM, "confirmations", "How deep it is"})})},
                     {R_AMOUNT, "total_amount", "Sum of all found"}),
             .when = "for action = start"},
            {R_BOOL, "", "Whether there was a scan to abort",
             .when = "for action = abort"},
            {R_OBJ, "", "", RESULTS({R_NUM, "progress", "Percent done"}),
             .when = "for action = status while one runs"},
            {R_NONE, "", "", .when = "for action = status otherwise"}),
        .examples =
            EXAMPLES("start '[\"raw(76a91411b366edfc0a8b66feebae5c2e25a7b6a5d1cf3188"
                     "ac)#fm24fxxy\"]'",
                     "status", "abort"),
        .fn = scantxoutset,
    },
};

const struct rpc_table rpc_scan_table = {"Blockchain", methods, ARRAY_LEN(methods)};
