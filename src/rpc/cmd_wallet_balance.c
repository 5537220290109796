#include "chain/script/address.h"
#include "rpc/wallet_args.h"
#include "rpc/wallet_methods.h"
#include "wallet/addressbook.h"
#include "wallet/balance.h"
#include "wallet/grouping.h"

/* -- getbalance, getunconfirmedbalance, getbalances -- */

/* Argument @i; absent: what the wallet is set to. */
static bool avoid_reuse_arg(struct rpc_call *c, const struct wallet *w, size_t i,
                            bool *out)
{
    bool can = wallet_has_flag(w, WALLET_AVOID_REUSE);
    *out = rpc_arg_bool(c, i, can);
    if (can || !*out)
        return true;
    rpc_error(c, RPC_WALLET_ERROR,
              "wallet does not have the \"avoid reuse\" feature enabled");
    return false;
}

static void put_balance(struct rpc_call *c, const struct wallet *w)
{
    struct wallet_balance b;
    int32_t min_depth = 0;
    bool avoid_reuse;
    if (!rpc_arg_i32(c, 1, &min_depth) || !avoid_reuse_arg(c, w, 3, &avoid_reuse))
        return;
    balance_get(w, min_depth, avoid_reuse, &b);
    rpc_write_amount(c, NULL, b.trusted);
}

static void getbalance(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    if (strcmp(rpc_arg_str(c, 0, "*"), "*") != 0) {
        rpc_error(c, RPC_METHOD_DEPRECATED,
                  "dummy first argument must be excluded or set to \"*\".");
    } else {
        wallet_lock(w);
        put_balance(c, w);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

static void getunconfirmedbalance(struct rpc_call *c)
{
    struct wallet_balance b;
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    balance_get(w, 0, true, &b);
    wallet_unlock(w);
    rpc_write_amount(c, NULL, b.untrusted);
    wallet_unref(w);
}

static void put_balances(struct rpc_call *c, const struct wallet *w)
{
    struct wallet_balance b, all;
    balance_get(w, 0, true, &b);
    json_key(c->w, "mine");
    json_begin_object(c->w);
    rpc_write_amount(c, "trusted", b.trusted);
    rpc_write_amount(c, "untrusted_pending", b.untrusted);
    rpc_write_amount(c, "immature", b.immature);
    if (wallet_has_flag(w, WALLET_AVOID_REUSE)) {
        balance_get(w, 0, false, &all);
        rpc_write_amount(
            c, "used",
            amount_of(all.trusted.v + all.untrusted.v - b.trusted.v - b.untrusted.v));
    }
    json_end_object(c->w);
    rpc_put_last_processed(c, w);
}

static void getbalances(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    json_begin_object(c->w);
    put_balances(c, w);
    json_end_object(c->w);
    wallet_unlock(w);
    wallet_unref(w);
}

/* -- listaddressgroupings -- */

static void put_grouped(struct rpc_call *c, const struct wallet *w,
                        const struct grouped_address *a)
{
    char text[ADDRESS_MAX];
    const struct address_entry *e = addressbook_find(w->book, &a->dest);
    json_begin_array(c->w);
    json_str(c->w, address_encode(text, c->node->params, &a->dest));
    rpc_write_amount(c, NULL, a->value);
    if (e != NULL && e->label != NULL)
        json_str(c->w, e->label);
    json_end_array(c->w);
}

static void put_groups(struct rpc_call *c, const struct wallet *w,
                       const struct address_groups *g)
{
    json_begin_array(c->w);
    for (size_t i = 0; i < g->n; i++) {
        json_begin_array(c->w);
        for (size_t k = 0; k < g->groups[i].n; k++)
            put_grouped(c, w, &g->groups[i].items[k]);
        json_end_array(c->w);
    }
    json_end_array(c->w);
}

static void listaddressgroupings(struct rpc_call *c)
{
    struct address_groups g;
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    address_groups_build(&g, w);
    put_groups(c, w, &g);
    wallet_unlock(w);
    address_groups_clear(&g);
    wallet_unref(w);
}

/* -- Table -- */

#define WATCH_ONLY                                                                     \
    {                                                                                  \
        "include_watchonly", P_BOOL, .def = "false", .help = "Without effect"          \
    }
#define IMMATURE                                                                       \
    {                                                                                  \
        "include_immature_coinbase", P_BOOL,                                           \
            .def = "false", .help = "Count coinbase outputs that are too young"        \
    }

static const struct rpc_method methods[] = {
    {
        .name = "getbalance",
        .help = "What the wallet can spend. Its own unconfirmed change counts.",
        .params = PARAMS(
            {"dummy", P_STR, P_OPTIONAL, .help = "Only * or nothing"},
            {"minconf", P_NUM, .def = "0", .help = "Confirmations that coins need"},
            WATCH_ONLY,
            {"avoid_reuse", P_BOOL, .def = "true, if the wallet avoids reuse",
             .help = "Leave out coins of addresses that were spent from"}),
        .results = RESULTS({R_AMOUNT, "amount", "The balance"}),
        .examples = EXAMPLES("", "\"*\" 6"),
        .fn = getbalance,
    },
    {
        .name = "getbalances",
        .help = "All balances of the wallet.",
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_OBJ, "mine", "",
                  RESULTS({R_AMOUNT, "trusted", "Can be spent"},
                          {R_AMOUNT, "untrusted_pending",
                           "Unconfirmed payments from others"},
                          {R_AMOUNT, "immature", "Coinbase outputs that are too young"},
                          {R_AMOUNT, "used",
                           "Coins of addresses that were spent from, when the "
                           "wallet avoids reuse",
                           .optional = true})},
                 RPC_LAST_PROCESSED)}),
        .examples = EXAMPLES(""),
        .fn = getbalances,
    },
    {
        .name = "getreceivedbyaddress",
        .help = "What an address has received.",
        .params = PARAMS(
            {"address", P_STR, .help = "An address of the wallet"},
            {"minconf", P_NUM, .def = "1", .help = "Confirmations that payments need"},
            IMMATURE),
        .results = RESULTS({R_AMOUNT, "amount", "The sum"}),
        .examples = EXAMPLES("\"address\"", "\"address\" 6"),
        .fn = rpc_getreceivedbyaddress,
    },
    {
        .name = "getreceivedbylabel",
        .help = "What the addresses of a label have received.",
        .params = PARAMS(
            {"label", P_STR, .help = "The label"},
            {"minconf", P_NUM, .def = "1", .help = "Confirmations that payments need"},
            IMMATURE),
        .results = RESULTS({R_AMOUNT, "amount", "The sum"}),
        .examples = EXAMPLES("\"tabby\""),
        .fn = rpc_getreceivedbylabel,
    },
    {
        .name = "getunconfirmedbalance",
        .help = "Unconfirmed payments from others. Deprecated: see getbalances.",
        .results = RESULTS({R_AMOUNT, "amount", "The sum"}),
        .examples = EXAMPLES(""),
        .fn = getunconfirmedbalance,
    },
    {
        .name = "listaddressgroupings",
        .help = "Addresses that anybody can see to belong together, because they were "
                "spent from\nin one transaction or got its change.",
        .results =
            RESULTS({R_ARR, "", "",
                     RESULTS({R_ARR, "", "A group",
                              RESULTS({R_ARR_FIXED, "", "An address",
                                       RESULTS({R_STR, "address", "The address"},
                                               {R_AMOUNT, "amount", "What it holds"},
                                               {R_STR, "label", "Its label",
                                                .optional = true})})})}),
        .examples = EXAMPLES(""),
        .fn = listaddressgroupings,
    },
    {
        .name = "listreceivedbyaddress",
        .help = "What each receiving address has received.",
        .params = PARAMS(
            {"minconf", P_NUM, .def = "1", .help = "Confirmations that payments need"},
            {"include_empty", P_BOOL, .def = "false",
             .help = "Also addresses without payments"},
            WATCH_ONLY,
            {"address_filter", P_STR, P_OPTIONAL, .help = "Only this address"},
            IMMATURE),
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS({R_OBJ, "", "",
                      RESULTS({R_STR, "address", "The address"},
                              {R_AMOUNT, "amount", "The sum"},
                              {R_NUM, "confirmations", "Of the youngest payment"},
                              {R_STR, "label", "Its label"},
                              {R_ARR, "txids", "The transactions",
                               RESULTS({R_HEX, "txid", "One of them"})})})}),
        .examples = EXAMPLES("", "6 true"),
        .fn = rpc_listreceivedbyaddress,
    },
    {
        .name = "listreceivedbylabel",
        .help = "What the addresses of each label have received.",
        .params = PARAMS(
            {"minconf", P_NUM, .def = "1", .help = "Confirmations that payments need"},
            {"include_empty", P_BOOL, .def = "false",
             .help = "Also labels without payments"},
            WATCH_ONLY, IMMATURE),
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS({R_OBJ, "", "",
                      RESULTS({R_AMOUNT, "amount", "The sum"},
                              {R_NUM, "confirmations", "Of the youngest payment"},
                              {R_STR, "label", "The label"})})}),
        .examples = EXAMPLES("", "6 true"),
        .fn = rpc_listreceivedbylabel,
    },
};

const struct rpc_table rpc_wallet_balance_table = {
    "Wallet", methods, ARRAY_LEN(methods), .needs_wallets = true};
