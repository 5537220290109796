#include "rpc/json_tx.h"
#include "rpc/wallet_args.h"
#include "rpc/wallet_json.h"
#include "rpc/wallet_methods.h"
#include "wallet/balance.h"

/* -- listtransactions -- */

/* The newest entries, newest first, until there are @wanted. */
static void gather_newest(struct rpc_call *c, const struct wallet *w,
                          const struct list_filter *f, int64_t wanted,
                          struct entry_list *out)
{
    for (size_t i = txstore_count(w); i-- > 0 && (int64_t)out->n < wanted;)
        wallet_json_entries(c, w, txstore_at(w, i), f, out);
}

/* Oldest first, without the @skip newest. */
static void put_slice(struct rpc_call *c, const struct wallet *w,
                      const struct entry_list *l, size_t skip, size_t count)
{
    skip = skip < l->n ? skip : l->n;
    count = count < l->n - skip ? count : l->n - skip;
    json_begin_array(c->w);
    for (size_t i = skip + count; i-- > skip;)
        wallet_json_entry(c, w, &l->v[i], true);
    json_end_array(c->w);
}

/* "*" (the default): all; else a label that is not empty. */
static bool label_filter(struct rpc_call *c, const char **out)
{
    *out = rpc_arg_str(c, 0, "*");
    if (strcmp(*out, "*") == 0)
        *out = NULL;
    if (*out == NULL || (*out)[0] != '\0')
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER,
              "Label argument must be a valid label name or \"*\".");
    return false;
}

static bool range_args(struct rpc_call *c, int32_t *count, int32_t *skip)
{
    if (!rpc_arg_i32(c, 1, count) || !rpc_arg_i32(c, 2, skip))
        return false;
    if (*count < 0)
        rpc_error(c, RPC_INVALID_PARAMETER, "Negative count");
    else if (*skip < 0)
        rpc_error(c, RPC_INVALID_PARAMETER, "Negative from");
    return !c->failed;
}

static void listtransactions(struct rpc_call *c)
{
    struct list_filter f = {0};
    struct entry_list l = {0};
    int32_t count = 10, skip = 0;
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    if (label_filter(c, &f.label) && range_args(c, &count, &skip)) {
        wallet_lock(w);
        gather_newest(c, w, &f, (int64_t)count + skip, &l);
        put_slice(c, w, &l, (size_t)skip, (size_t)count);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

/* -- gettransaction, abandontransaction -- */

/* Argument 0; NULL: -5. */
static struct wallet_tx *tx_arg(struct rpc_call *c, const struct wallet *w)
{
    struct hash256 txid;
    if (!rpc_arg_hash(c, 0, "txid", &txid))
        return NULL;
    struct wallet_tx *wtx = txstore_find(w, &txid);
    if (wtx == NULL)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Invalid or non-wallet transaction id");
    return wtx;
}

static void put_amount_and_fee(struct rpc_call *c, const struct wallet *w,
                               const struct wallet_tx *wtx)
{
    struct amount debit = balance_debit(w, wtx->tx), credit = {0}, fee = {0};
    if (!wallet_tx_immature(w, wtx))
        credit = balance_credit(w, wtx->tx);
    if (debit.v > 0)
        fee.v = tx_value_out(wtx->tx).v - debit.v;
    rpc_write_amount(c, "amount", amount_of(credit.v - debit.v - fee.v));
    if (debit.v > 0)
        rpc_write_amount(c, "fee", fee);
}

static void put_details(struct rpc_call *c, const struct wallet *w,
                        const struct wallet_tx *wtx)
{
    const struct list_filter all = {0};
    struct entry_list l = {0};
    wallet_json_entries(c, w, wtx, &all, &l);
    json_key(c->w, "details");
    json_begin_array(c->w);
    for (size_t i = 0; i < l.n; i++)
        wallet_json_entry(c, w, &l.v[i], false);
    json_end_array(c->w);
}

static void put_transaction(struct rpc_call *c, const struct wallet *w,
                            const struct wallet_tx *wtx)
{
    const struct json_tx_options opt = {.params = c->node->params};
    json_begin_object(c->w);
    put_amount_and_fee(c, w, wtx);
    wallet_json_tx(c, w, wtx);
    put_details(c, w, wtx);
    json_kv_hex(c->w, "hex", wtx->tx->raw.data, wtx->tx->raw.len);
    if (rpc_arg_bool(c, 2, false)) {
        json_key(c->w, "decoded");
        json_tx(c->w, wtx->tx, &opt);
    }
    rpc_put_last_processed(c, w);
    json_end_object(c->w);
}

static void gettransaction(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    const struct wallet_tx *wtx = tx_arg(c, w);
    if (wtx != NULL)
        put_transaction(c, w, wtx);
    wallet_unlock(w);
    wallet_unref(w);
}

static void abandon(struct rpc_call *c, struct wallet *w)
{
    struct wallet_error e = {0};
    struct wallet_tx *wtx = tx_arg(c, w);
    if (wtx == NULL || wtx->state == WTX_ABANDONED)
        return;
    if (!wallet_tx_can_abandon(wtx))
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Transaction not eligible for abandonment");
    else if (!wallet_tx_abandon(w, wtx, &e))
        rpc_wallet_error(c, &e);
}

static void abandontransaction(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    abandon(c, w);
    wallet_unlock(w);
    wallet_unref(w);
}

/* -- Table -- */

#define WATCH_ONLY                                                                     \
    {                                                                                  \
        "include_watchonly", P_BOOL, .def = "false", .help = "Without effect"          \
    }

static const struct rpc_method methods[] = {
    {
        .name = "abandontransaction",
        .help =
            "Gives up a transaction that is in no block and not in the mempool, and "
            "what spends\nit: its inputs can be spent again. Others may still have "
            "it.",
        .params = PARAMS({"txid", P_HEX, .help = "The transaction"}),
        .examples = EXAMPLES("txid"),
        .fn = abandontransaction,
    },
    {
        .name = "gettransaction",
        .help = "A transaction of the wallet.",
        .params =
            PARAMS({"txid", P_HEX, .help = "The transaction"}, WATCH_ONLY,
                   {"verbose", P_BOOL, .def = "false", .help = "Show it decoded, too"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_AMOUNT, "amount", "What it brings the wallet, without the fee"},
                     {R_AMOUNT, "fee", "Negative; only when the wallet paid it",
                      .optional = true},
                     {R_MORE, "", "As in listtransactions: from confirmations to to"},
                     {R_ARR, "details", "Its payments",
                      RESULTS({R_OBJ, "", "As in listtransactions",
                               RESULTS({R_MORE, "", ""})})},
                     {R_HEX, "hex", "The transaction"},
                     {R_OBJ, "decoded", "As decoderawtransaction shows it",
                      RESULTS({R_MORE, "", ""}), .optional = true},
                     RPC_LAST_PROCESSED)}),
        .examples = EXAMPLES("txid", "txid false true"),
        .fn = gettransaction,
    },
    {
        .name = "listsinceblock",
        .help = "Everything that happened since a block, also when it was "
                "reorganised away.",
        .params = PARAMS(
            {"blockhash", P_STR, P_OPTIONAL, .help = "The block; absent: list all"},
            {"target_confirmations", P_NUM, .def = "1",
             .help = "\"lastblock\" is the block with so many confirmations"},
            WATCH_ONLY,
            {"include_removed", P_BOOL, .def = "true",
             .help = "Show what was in blocks that are gone"},
            {"include_change", P_BOOL, .def = "false", .help = "Show change, too"},
            {"label", P_STR, P_OPTIONAL, .help = "Only payments to this label"}),
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_ARR, "transactions", "",
                              RESULTS({R_OBJ, "", "As in listtransactions",
                                       RESULTS({R_MORE, "", ""})})},
                             {R_ARR, "removed", "Payments of blocks that are gone",
                              RESULTS({R_OBJ, "", "As in listtransactions",
                                       RESULTS({R_MORE, "", ""})}),
                              .optional = true},
                             {R_HEX, "lastblock", "To be given to the next call"})}),
        .examples = EXAMPLES("", "blockhash 6"),
        .fn = rpc_listsinceblock,
    },
    {
        .name = "listtransactions",
        .help = "The newest payments of the wallet, the oldest of them first.",
        .params = PARAMS({"label|dummy", P_STR, P_OPTIONAL,
                          .help = "Only payments to this label; *: all"},
                         {"count", P_NUM, .def = "10", .help = "How many"},
                         {"skip", P_NUM, .def = "0", .help = "Leave out the newest"},
                         WATCH_ONLY),
        .results =
            RESULTS({R_ARR, "", "", RESULTS({R_OBJ, "", "", wallet_json_tx_fields})}),
        .examples = EXAMPLES("", "\"*\" 20 100"),
        .fn = listtransactions,
    },
    {
        .name = "simulaterawtransaction",
        .help = "What transactions would do to the balance of the wallet.",
        .params = PARAMS({"rawtxs", P_ARR, P_OPTIONAL,
                          .help = "The transactions, one after another",
                          .inner = PARAMS({"rawtx", P_HEX, .help = "A transaction"})},
                         {"options", P_OBJ, P_OPTIONAL, .help = "",
                          .inner = PARAMS({"include_watchonly", P_BOOL, .def = "false",
                                           .help = "Without effect"})}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_AMOUNT, "balance_change", "The change; negative for a loss"})}),
        .examples = EXAMPLES("'[\"hex\"]'"),
        .fn = rpc_simulaterawtransaction,
    },
};

const struct rpc_table rpc_wallet_history_table = {
    "Wallet", methods, ARRAY_LEN(methods), .needs_wallets = true};
