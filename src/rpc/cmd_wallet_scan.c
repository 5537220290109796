#include "rpc/wallet_args.h"
#include "rpc/wallet_methods.h"
#include "wallet/follow.h"
#include "wallet/scan.h"

/* -- rescanblockchain -- */

static bool check_range(struct rpc_call *c, const struct wallet *w,
                        struct scan_options *o)
{
    int32_t tip = follow_best(w).height;
    if (!rpc_arg_i32(c, 0, &o->from) || !rpc_arg_i32(c, 1, &o->to))
        return false;
    bool has_end = rpc_arg(c, 1) != NULL;
    if (o->from < 0 || o->from > tip)
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid start_height");
    else if (has_end && (o->to < 0 || o->to > tip))
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid stop_height");
    else if (has_end && o->to < o->from)
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "stop_height must be greater than start_height");
    return !c->failed;
}

static bool check_stored(struct rpc_call *c, const struct wallet *w, int32_t from)
{
    const struct chain_source *chain = w->opt->chain;
    int32_t snapshot = chain->snapshot_height(chain->ctx);
    if (snapshot > 0 && from <= snapshot)
        rpc_error(c, RPC_MISC_ERROR,
                  "Failed to rescan unavailable blocks likely due to an in-progress "
                  "assumeutxo background sync. Check logs or getchainstates RPC for "
                  "assumeutxo background sync progress and try again later.");
    else if (from < chain->prune_height(chain->ctx))
        rpc_error(c, RPC_MISC_ERROR,
                  "Can't rescan beyond pruned data. Use RPC call getblockchaininfo to "
                  "determine your pruned height.");
    return !c->failed;
}

static bool may_scan(struct rpc_call *c, struct wallet *w, struct scan_options *o)
{
    wallet_lock(w);
    bool ok =
        rpc_need_unlocked(c, w) && check_range(c, w, o) && check_stored(c, w, o->from);
    wallet_unlock(w);
    return ok;
}

static void put_report(struct rpc_call *c, const struct scan_options *o,
                       const struct scan_report *r)
{
    if (r->result == SCAN_FAILED) {
        rpc_error(c, RPC_MISC_ERROR,
                  "Rescan failed. Potentially corrupted data files.");
        return;
    }
    if (r->result == SCAN_ABORTED) {
        rpc_error(c, RPC_MISC_ERROR, "Rescan aborted.");
        return;
    }
    json_begin_object(c->w);
    json_kv_int(c->w, "start_height", o->from);
    if (r->last.height >= 0)
        json_kv_int(c->w, "stop_height", r->last.height);
    else
        json_kv_null(c->w, "stop_height");
    json_end_object(c->w);
}

static void rescan(struct rpc_call *c, struct wallet *w)
{
    struct scan_options o = {.from = 0, .to = -1, .update = true};
    struct scan_report r;
    if (!scan_begin(w, true)) {
        rpc_error(c, RPC_WALLET_ERROR,
                  "Wallet is currently rescanning. Abort existing rescan or wait.");
        return;
    }
    bool ok = may_scan(c, w, &o);
    if (ok)
        wallet_scan(w, &o, &r);
    scan_end(w);
    if (ok)
        put_report(c, &o, &r);
}

static void rescanblockchain(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    rescan(c, w);
    wallet_unref(w);
}

static void abortrescan(struct rpc_call *c)
{
    int64_t seconds;
    double progress;
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    bool can = scan_status(w, &seconds, &progress) && !scan_aborting(w);
    if (can)
        scan_abort(w);
    json_bool(c->w, can);
    wallet_unref(w);
}

/* -- Table -- */

static const struct rpc_method methods[] = {
    {
        .name = "abortrescan",
        .help = "Ends the rescan that is under way.",
        .results = RESULTS({R_BOOL, "", "False: there was none"}),
        .examples = EXAMPLES(""),
        .fn = abortrescan,
    },
    {
        .name = "importprunedfunds",
        .help = "Adds a payment to the wallet that a proof shows to be in a block, "
                "without a rescan.",
        .params = PARAMS({"rawtransaction", P_HEX, .help = "The transaction"},
                         {"txoutproof", P_HEX, .help = "What gettxoutproof gave"}),
        .examples = EXAMPLES("hex proof"),
        .fn = rpc_importprunedfunds,
    },
    {
        .name = "removeprunedfunds",
        .help = "Forgets a transaction. It comes back when a scan meets it.",
        .params = PARAMS({"txid", P_HEX, .help = "The transaction"}),
        .examples = EXAMPLES("txid"),
        .fn = rpc_removeprunedfunds,
    },
    {
        .name = "rescanblockchain",
        .help = "Reads blocks again for transactions of the wallet.",
        .params = PARAMS({"start_height", P_NUM, .def = "0", .help = "The first block"},
                         {"stop_height", P_NUM, P_OPTIONAL,
                          .help = "The last block; absent: to the tip"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_NUM, "start_height", "Where it began"},
                     {R_NUM, "stop_height", "The last block; null: none was read"})}),
        .examples = EXAMPLES("", "100000 120000"),
        .fn = rescanblockchain,
    },
};

const struct rpc_table rpc_wallet_scan_table = {"Wallet", methods, ARRAY_LEN(methods),
                                                .needs_wallets = true};
