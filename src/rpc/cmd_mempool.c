/* RPC: the mempool. */
#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "rpc/method.h"

/* ---- entries ---- */

static int compare_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Unconfirmed parents, in the order of their texts. */
static void write_depends(struct json_writer *w, const struct mempool_entry *e)
{
    char(*ids)[65] = xrealloc_array(NULL, e->n_parents + 1, sizeof(*ids));
    for (uint32_t i = 0; i < e->n_parents; i++)
        hash256_to_hex(ids[i], &e->parents[i]->tx->txid);
    qsort(ids, e->n_parents, sizeof(*ids), compare_text);
    json_key(w, "depends");
    json_begin_array(w);
    for (uint32_t i = 0; i < e->n_parents; i++)
        json_str(w, ids[i]);
    json_end_array(w);
    free(ids);
}

static void write_spentby(struct json_writer *w, const struct mempool_entry *e)
{
    const struct mempool_entry **children =
        xrealloc_array(NULL, e->n_children + 1, sizeof(*children));
    for (uint32_t i = 0; i < e->n_children; i++)
        children[i] = e->children[i];
    qsort(children, e->n_children, sizeof(*children), mempool_compare_txid);
    json_key(w, "spentby");
    json_begin_array(w);
    for (uint32_t i = 0; i < e->n_children; i++)
        json_hash(w, &children[i]->tx->txid);
    json_end_array(w);
    free(children);
}

static void write_entry(struct rpc_call *c, const struct mempool_entry *e)
{
    const struct mempool *mp = c->node->mempool;
    struct json_writer *w = c->w;

    json_begin_object(w);
    json_kv_int(w, "vsize", e->vsize);
    json_kv_int(w, "weight", e->weight);
    json_kv_int(w, "time", e->time);
    json_kv_int(w, "height", e->entry_height);
    json_kv_uint(w, "descendantcount", e->n_descendants);
    json_kv_int(w, "descendantsize", e->descendant_vsize);
    json_kv_uint(w, "ancestorcount", e->n_ancestors);
    json_kv_int(w, "ancestorsize", e->ancestor_vsize);
    json_kv_hash(w, "wtxid", &e->tx->wtxid);
    json_key(w, "fees");
    json_begin_object(w);
    rpc_write_amount(c, "base", e->fee);
    rpc_write_amount(c, "modified", amount_of(entry_modified_fee(e)));
    rpc_write_amount(c, "ancestor", amount_of(e->ancestor_fees));
    rpc_write_amount(c, "descendant", amount_of(e->descendant_fees));
    json_end_object(w);
    write_depends(w, e);
    write_spentby(w, e);
    json_kv_bool(w, "bip125-replaceable", mempool_signals_rbf(mp, e));
    json_kv_bool(w, "unbroadcast", mempool_is_unbroadcast(mp, &e->tx->txid));
    json_end_object(w);
}

/* An object of entries by txid, or an array of txids. */
static void write_entries(struct rpc_call *c, const struct mempool_entry *const *all,
                          size_t n, bool verbose)
{
    struct json_writer *w = c->w;
    char hex[65];
    verbose ? json_begin_object(w) : json_begin_array(w);
    for (size_t i = 0; i < n; i++) {
        if (verbose) {
            json_key(w, hash256_to_hex(hex, &all[i]->tx->txid));
            write_entry(c, all[i]);
        } else {
            json_hash(w, &all[i]->tx->txid);
        }
    }
    verbose ? json_end_object(w) : json_end_array(w);
}

static void getrawmempool(struct rpc_call *c)
{
    struct mempool *mp = c->node->mempool;
    bool verbose = rpc_arg_bool(c, 0, false), with_sequence = rpc_arg_bool(c, 1, false);
    size_t n;

    if (verbose && with_sequence) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Verbose results cannot contain mempool sequence values.");
        return;
    }
    chainman_read_lock(c->node->chainman);
    const struct mempool_entry **all = mempool_sorted(mp, &n);
    if (with_sequence) {
        json_begin_object(c->w);
        json_key(c->w, "txids");
    }
    write_entries(c, all, n, verbose);
    if (with_sequence) {
        json_kv_uint(c->w, "mempool_sequence", mempool_sequence(mp));
        json_end_object(c->w);
    }
    chainman_read_unlock(c->node->chainman);
    free(all);
}

/* The entry that argument 0 names. NULL: the call has failed. Under the read lock. */
static const struct mempool_entry *entry_arg(struct rpc_call *c,
                                             const struct hash256 *txid)
{
    const struct mempool_entry *e = mempool_find(c->node->mempool, txid);
    if (!e)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Transaction not in mempool");
    return e;
}

typedef const struct mempool_entry **
family_fn(const struct mempool *mp, const struct mempool_entry *e, size_t *n);

static void write_family(struct rpc_call *c, family_fn *family)
{
    struct hash256 txid;
    size_t n;

    if (!rpc_arg_hash(c, 0, "parameter 1", &txid))
        return;
    chainman_read_lock(c->node->chainman);
    const struct mempool_entry *e = entry_arg(c, &txid);
    if (e) {
        const struct mempool_entry **all = family(c->node->mempool, e, &n);
        if (n)
            qsort(all, n, sizeof(*all), mempool_compare_txid);
        write_entries(c, all, n, rpc_arg_bool(c, 1, false));
        free(all);
    }
    chainman_read_unlock(c->node->chainman);
}

static void getmempoolancestors(struct rpc_call *c)
{
    write_family(c, mempool_ancestors);
}

static void getmempooldescendants(struct rpc_call *c)
{
    write_family(c, mempool_descendants);
}

static void getmempoolentry(struct rpc_call *c)
{
    struct hash256 txid;
    if (!rpc_arg_hash(c, 0, "parameter 1", &txid))
        return;
    chainman_read_lock(c->node->chainman);
    const struct mempool_entry *e = entry_arg(c, &txid);
    if (e)
        write_entry(c, e);
    chainman_read_unlock(c->node->chainman);
}

/* ---- the pool ---- */

static void getmempoolinfo(struct rpc_call *c)
{
    struct mempool *mp = c->node->mempool;
    const struct mempool_options *o = mempool_get_options(mp);
    struct json_writer *w = c->w;

    chainman_read_lock(c->node->chainman);
    int64_t least = mempool_min_feerate(mp);
    if (least < o->min_relay_feerate)
        least = o->min_relay_feerate;
    json_begin_object(w);
    json_kv_bool(w, "loaded", mempool_loaded(mp));
    json_kv_uint(w, "size", mempool_count(mp));
    json_kv_int(w, "bytes", mempool_total_vsize(mp));
    json_kv_uint(w, "usage", mempool_memory(mp));
    rpc_write_amount(c, "total_fee", mempool_total_fee(mp));
    json_kv_int(w, "maxmempool", o->max_bytes);
    rpc_write_amount(c, "mempoolminfee", amount_of(least));
    rpc_write_amount(c, "minrelaytxfee", amount_of(o->min_relay_feerate));
    rpc_write_amount(c, "incrementalrelayfee", amount_of(o->incremental_feerate));
    json_kv_uint(w, "unbroadcastcount", mempool_unbroadcast_count(mp));
    json_kv_bool(w, "fullrbf", o->full_rbf);
    json_end_object(w);
    chainman_read_unlock(c->node->chainman);
}

static void savemempool(struct rpc_call *c)
{
    struct mempool *mp = c->node->mempool;
    if (!mempool_loaded(mp)) {
        rpc_error(c, RPC_MISC_ERROR, "The mempool was not loaded yet");
        return;
    }
    char *path = xasprintf("%s/mempool.dat", c->node->datadir);
    if (mempool_save(mp, path) != ERR_OK) {
        rpc_error(c, RPC_MISC_ERROR, "Unable to dump mempool to disk");
    } else {
        json_begin_object(c->w);
        json_kv_str(c->w, "filename", path);
        json_end_object(c->w);
    }
    free(path);
}

static void importmempool(struct rpc_call *c)
{
    static const struct rpc_field fields[] = {
        {"use_current_time", JSON_BOOL, .optional = true},
        {"apply_fee_delta_priority", JSON_BOOL, .optional = true},
        {"apply_unbroadcast_set", JSON_BOOL, .optional = true},
        {NULL},
    };
    const struct json *options = rpc_arg(c, 1);
    bool value[3] = {true, false, false};

    chainman_read_lock(c->node->chainman);
    bool ibd = chainman_ibd(c->node->chainman);
    chainman_read_unlock(c->node->chainman);
    if (ibd) {
        rpc_error(
            c, RPC_CLIENT_IN_INITIAL_DOWNLOAD,
            "Can only import the mempool after the block download and sync is done.");
        return;
    }
    if (options && !rpc_check_fields(c, options, fields, true))
        return;
    for (size_t i = 0; i < ARRAY_LEN(value); i++) {
        const struct json *v = json_get(options, fields[i].name);
        if (v && v->type == JSON_BOOL)
            value[i] = v->boolean;
    }
    if (mempool_load(c->node->mempool, rpc_arg_str(c, 0, ""), value[0], value[1],
                     value[2]) != ERR_OK) {
        rpc_error(c, RPC_MISC_ERROR,
                  "Unable to import mempool file, see debug.log for details.");
        return;
    }
    json_begin_object(c->w);
    json_end_object(c->w);
}

/* ---- who spends an output ---- */

static bool read_outpoint(struct rpc_call *c, const struct json *v,
                          struct outpoint *out)
{
    static const struct rpc_field fields[] = {
        {"txid", JSON_STRING},
        {"vout", JSON_NUMBER},
        {NULL},
    };
    return rpc_want(c, v, JSON_OBJECT) && rpc_check_fields(c, v, fields, true) &&
           rpc_to_outpoint(c, v, out);
}

static void gettxspendingprevout(struct rpc_call *c)
{
    const struct json *list = rpc_arg(c, 0);
    struct json_writer *w = c->w;

    if (list->len == 0) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid parameter, outputs are missing");
        return;
    }
    struct outpoint *outs = arena_alloc(c->mem, list->len * sizeof(*outs));
    for (size_t i = 0; i < list->len; i++)
        if (!read_outpoint(c, json_at(list, i), &outs[i]))
            return;
    chainman_read_lock(c->node->chainman);
    json_begin_array(w);
    for (size_t i = 0; i < list->len; i++) {
        const struct mempool_entry *e = mempool_spender(c->node->mempool, &outs[i]);
        json_begin_object(w);
        json_kv_hash(w, "txid", &outs[i].txid);
        json_kv_uint(w, "vout", outs[i].n);
        if (e)
            json_kv_hash(w, "spendingtxid", &e->tx->txid);
        json_end_object(w);
    }
    json_end_array(w);
    chainman_read_unlock(c->node->chainman);
}

/* ---- the table ---- */

#define TXID_PARAM                                                                     \
    {                                                                                  \
        "txid", P_STR, .help = "A transaction of the mempool"                          \
    }
#define VERBOSE_PARAM                                                                  \
    {                                                                                  \
        "verbose", P_BOOL, .def = "false", .help = "true: entries, false: txids"       \
    }

static const struct rpc_result entry_fields[] = {
    {R_NUM, "vsize", "Virtual size (BIP 141), at least what sigops are charged for"},
    {R_NUM, "weight", "Weight (BIP 141)"},
    {R_TIME, "time", "When it came"},
    {R_NUM, "height", "Height of the tip when it came"},
    {R_NUM, "descendantcount", "Unconfirmed descendants, itself included"},
    {R_NUM, "descendantsize", "Their virtual size"},
    {R_NUM, "ancestorcount", "Unconfirmed ancestors, itself included"},
    {R_NUM, "ancestorsize", "Their virtual size"},
    {R_STR, "wtxid", "Hash with witness"},
    {R_OBJ, "fees", "",
     RESULTS({R_AMOUNT, "base", "What it pays"},
             {R_AMOUNT, "modified", "The same with prioritisetransaction's changes"},
             {R_AMOUNT, "ancestor", "Modified fees of all ancestors, itself included"},
             {R_AMOUNT, "descendant",
              "Modified fees of all descendants, itself included"})},
    {R_ARR, "depends", "Unconfirmed parents", RESULTS({R_HEX, "", "A txid"})},
    {R_ARR, "spentby", "Unconfirmed children", RESULTS({R_HEX, "", "A txid"})},
    {R_BOOL, "bip125-replaceable", "Whether it or an ancestor signals replaceability"},
    {R_BOOL, "unbroadcast", "Whether no peer has asked for it yet"},
    {.name = NULL},
};

#define TXIDS_RESULT(when_)                                                            \
    {                                                                                  \
        R_ARR, "", "", RESULTS({R_HEX, "", "A txid"}), .when = when_                   \
    }
#define ENTRIES_RESULT(when_)                                                          \
    {                                                                                  \
        R_OBJ_DYN, "", "", RESULTS({R_OBJ, "txid", "", entry_fields}), .when = when_   \
    }

static const struct rpc_method methods[] = {
    {
        .name = "getmempoolancestors",
        .help = "Everything unconfirmed that a transaction of the mempool stands on.",
        .params = PARAMS(TXID_PARAM, VERBOSE_PARAM),
        .results = RESULTS(TXIDS_RESULT("for verbose = false"),
                           ENTRIES_RESULT("for verbose = true")),
        .examples = EXAMPLES("\"mytxid\""),
        .fn = getmempoolancestors,
    },
    {
        .name = "getmempooldescendants",
        .help = "Everything unconfirmed that stands on a transaction of the mempool.",
        .params = PARAMS(TXID_PARAM, VERBOSE_PARAM),
        .results = RESULTS(TXIDS_RESULT("for verbose = false"),
                           ENTRIES_RESULT("for verbose = true")),
        .examples = EXAMPLES("\"mytxid\""),
        .fn = getmempooldescendants,
    },
    {
        .name = "getmempoolentry",
        .help = "What the mempool knows of one transaction.",
        .params = PARAMS(TXID_PARAM),
        .results = RESULTS({R_OBJ, "", "", entry_fields}),
        .examples = EXAMPLES("\"mytxid\""),
        .fn = getmempoolentry,
    },
    {
        .name = "gettxspendingprevout",
        .help = "Finds the mempool's transactions that spend given outputs.",
        .params =
            PARAMS({"outputs", P_ARR, .help = "The outputs",
                    .inner = PARAMS(
                        {"", P_OBJ, P_OPTIONAL,
                         .inner = PARAMS({"txid", P_HEX, .help = "The transaction"},
                                         {"vout", P_NUM, .help = "The output"})})}),
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS({R_OBJ, "", "",
                      RESULTS({R_HEX, "txid", "As given"}, {R_NUM, "vout", "As given"},
                              {R_HEX, "spendingtxid", "Who spends it",
                               .optional = true})})}),
        .examples =
            EXAMPLES("\"[{\\\"txid\\\":\\\"a08e6907dbbd3d809776dbfc5d82e371b764ed83"
                     "8b5655e72f463568df1aadf0\\\",\\\"vout\\\":3}]\""),
        .fn = gettxspendingprevout,
    },
    {
        .name = "getmempoolinfo",
        .help = "State and limits of the mempool.",
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_BOOL, "loaded", "Whether the saved mempool has been loaded"},
                 {R_NUM, "size", "Transactions"},
                 {R_NUM, "bytes", "Sum of their virtual sizes"},
                 {R_NUM, "usage", "Bytes of memory"},
                 {R_AMOUNT, "total_fee", "Sum of all fees, without changes"},
                 {R_NUM, "maxmempool", "Most bytes of memory"},
                 {R_AMOUNT, "mempoolminfee", "Lowest fee rate per kvB to be let in"},
                 {R_AMOUNT, "minrelaytxfee", "Lowest fee rate per kvB to be relayed"},
                 {R_AMOUNT, "incrementalrelayfee",
                  "Fee rate per kvB that a replacement must add"},
                 {R_NUM, "unbroadcastcount", "Transactions no peer has asked for yet"},
                 {R_BOOL, "fullrbf", "Whether replaceability need not be signalled"})}),
        .examples = EXAMPLES(""),
        .fn = getmempoolinfo,
    },
    {
        .name = "getrawmempool",
        .help = "All transactions of the mempool.",
        .params = PARAMS(
            VERBOSE_PARAM,
            {"mempool_sequence", P_BOOL, .def = "false",
             .help = "true (with verbose false): an object with the txids and the "
                     "sequence number"}),
        .results = RESULTS(
            TXIDS_RESULT("for verbose = false"), ENTRIES_RESULT("for verbose = true"),
            {R_OBJ, "", "", .when = "for verbose = false and mempool_sequence = true",
             .inner =
                 RESULTS({R_ARR, "txids", "", RESULTS({R_HEX, "", "A txid"})},
                         {R_NUM, "mempool_sequence",
                          "Number of the next change (see ZMQ's sequence topic)"})}),
        .examples = EXAMPLES("true"),
        .fn = getrawmempool,
    },
    {
        .name = "importmempool",
        .help = "Tries to accept every transaction of a mempool.dat. Do not import "
                "files of "
                "others unless you trust them with your priorities.",
        .params =
            PARAMS({"filepath", P_STR, .help = "The file"},
                   {"options", P_OBJ, P_OPTIONAL, .help = "",
                    .inner = PARAMS(
                        {"use_current_time", P_BOOL, P_NAMED_ONLY, .def = "true",
                         .help = "Take them as just arrived"},
                        {"apply_fee_delta_priority", P_BOOL, P_NAMED_ONLY,
                         .def = "false", .help = "Add the file's fee changes"},
                        {"apply_unbroadcast_set", P_BOOL, P_NAMED_ONLY, .def = "false",
                         .help = "Broadcast what the file says was not"})}),
        .results = RESULTS({R_OBJ, "", "Empty"}),
        .examples = EXAMPLES("/path/to/mempool.dat"),
        .fn = importmempool,
    },
    {
        .name = "savemempool",
        .help = "Writes the mempool to disk.",
        .results =
            RESULTS({R_OBJ, "", "", RESULTS({R_STR, "filename", "Where it stands"})}),
        .examples = EXAMPLES(""),
        .fn = savemempool,
    },
};

const struct rpc_table rpc_mempool_table = {"Blockchain", methods, ARRAY_LEN(methods),
                                            .public_replies = true};
