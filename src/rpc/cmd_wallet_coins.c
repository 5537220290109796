/* Coins of the wallet: what there is to spend, and what is kept from it. */
#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/script/descriptor.h"
#include "rpc/wallet_json.h"
#include "rpc/wallet_spend.h"
#include "wallet/addressbook.h"
#include "wallet/chain_source.h"
#include "wallet/coins.h"
#include "wallet/input_size.h"
#include "wallet/spkman.h"

static bool fail(struct rpc_call *c, const char *text)
{
    rpc_error(c, RPC_INVALID_PARAMETER, "%s", text);
    return false;
}

/* -- listunspent -- */

struct listing {
    struct rpc_call *c;
    struct wallet *w;
    struct input_sizes sizes;
    struct coin_filter filter;
    struct destination *addresses; /* in the call's memory; none: all */
    size_t n_addresses;
    int64_t max_count; /* 0: any */
    int64_t min_sum;
    int64_t count, sum;
};

static bool is_wanted(const struct listing *l, const struct destination *d)
{
    for (size_t i = 0; i < l->n_addresses; i++) {
        if (destination_equal(&l->addresses[i], d))
            return true;
    }
    return false;
}

static bool add_address(struct listing *l, struct rpc_call *c, const struct json *v)
{
    struct destination d;
    if (!rpc_want(c, v, JSON_STRING))
        return false;
    if (!address_decode(&d, c->node->params, v->str, NULL)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid Bitcoin address: %s", v->str);
        return false;
    }
    if (is_wanted(l, &d)) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid parameter, duplicated address: %s",
                  v->str);
        return false;
    }
    l->addresses[l->n_addresses++] = d;
    return true;
}

static bool read_addresses(struct listing *l, struct rpc_call *c)
{
    const struct json *list = rpc_arg(c, 2);
    if (list == NULL)
        return true;
    l->addresses = arena_alloc(c->mem, (list->len + 1) * sizeof(*l->addresses));
    for (size_t i = 0; i < list->len; i++) {
        if (!add_address(l, c, &list->items[i]))
            return false;
    }
    return true;
}

static bool read_amount(struct rpc_call *c, const struct json *o, const char *name,
                        int64_t *out)
{
    struct amount v;
    const struct json *given = json_get(o, name);
    if (!json_given(given))
        return true;
    if (!rpc_to_amount(c, given, &v))
        return false;
    *out = v.v;
    return true;
}

static bool read_query(struct listing *l, struct rpc_call *c)
{
    static const struct rpc_field fields[] = {
        {"minimumAmount", JSON_NUMBER, true, true},
        {"maximumAmount", JSON_NUMBER, true, true},
        {"minimumSumAmount", JSON_NUMBER, true, true},
        {"maximumCount", JSON_NUMBER, false, true},
        {"include_immature_coinbase", JSON_BOOL, false, true},
        {NULL, JSON_NULL, false, false},
    };
    const struct json *o = rpc_arg(c, 4);
    const struct json *count = json_get(o, "maximumCount");
    const struct json *immature = json_get(o, "include_immature_coinbase");
    if (o == NULL)
        return true;
    if (json_given(immature))
        l->filter.immature = immature->boolean;
    return rpc_check_fields(c, o, fields, true) &&
           read_amount(c, o, "minimumAmount", &l->filter.min_amount) &&
           read_amount(c, o, "maximumAmount", &l->filter.max_amount) &&
           read_amount(c, o, "minimumSumAmount", &l->min_sum) &&
           (!json_given(count) || rpc_to_i64(c, count, &l->max_count));
}

static bool read_listing(struct listing *l, struct rpc_call *c)
{
    l->filter.min_depth = 1;
    l->filter.max_depth = 9999999;
    l->filter.used = true;
    l->filter.unsafe = rpc_arg_bool(c, 3, true);
    return rpc_arg_i32(c, 0, &l->filter.min_depth) &&
           rpc_arg_i32(c, 1, &l->filter.max_depth) && read_addresses(l, c) &&
           read_query(l, c);
}

static void put_label(struct listing *l, const struct destination *d)
{
    char text[ADDRESS_MAX];
    const struct address_entry *entry = addressbook_find(l->w->book, d);
    json_kv_str(l->c->w, "address", address_encode(text, l->c->node->params, d));
    if (entry != NULL && entry->label != NULL)
        json_kv_str(l->c->w, "label", entry->label);
}

/* The scripts behind the address, as far as the wallet knows them. */
static void put_scripts(struct listing *l, const struct destination *d,
                        const struct keystore *known)
{
    struct bytes redeem, witness;
    bool nested = d->type == DEST_SH && keystore_find_script(known, d->data, &redeem);
    const uint8_t *program = d->type == DEST_WSH ? d->data : NULL;
    if (nested) {
        json_kv_hex(l->c->w, "redeemScript", redeem.data, redeem.len);
        if (script_is_p2wsh(redeem))
            program = redeem.data + 2;
    }
    if (program != NULL && keystore_find_witness_script(known, program, &witness))
        json_kv_hex(l->c->w, "witnessScript", witness.data, witness.len);
}

static void put_ancestry(struct listing *l, const struct wallet_tx *wtx)
{
    struct chain_ancestry family;
    const struct chain_source *chain = l->w->opt->chain;
    chain->ancestry(chain->ctx, &wtx->tx->txid, &family);
    if (family.n_ancestors == 0)
        return;
    json_kv_uint(l->c->w, "ancestorcount", family.n_ancestors);
    json_kv_int(l->c->w, "ancestorsize", family.ancestor_vsize);
    json_kv_int(l->c->w, "ancestorfees", family.ancestor_fees.v);
}

static void put_descriptor(struct listing *l, struct bytes script,
                           const struct keystore *known)
{
    struct buf text = {0};
    descriptor_infer(&text, l->c->node->params, script, known);
    json_kv_str(l->c->w, "desc", buf_cstr(&text));
    buf_clear(&text);
}

static void put_coin(struct listing *l, const struct coin_view *v,
                     const struct destination *d)
{
    struct json_writer *w = l->c->w;
    struct keystore known;
    struct bytes script = coin_view_output(v)->script;
    bool solvable = input_size(&l->sizes, script, false).weight >= 0;
    keystore_init(&known);
    (void)!spkman_keystore(l->w->spkman, script, false, &known);
    json_begin_object(w);
    json_kv_hash(w, "txid", &v->wtx->tx->txid);
    json_kv_uint(w, "vout", v->n);
    if (d->type != DEST_NONE) {
        put_label(l, d);
        put_scripts(l, d, &known);
    }
    json_kv_hex(w, "scriptPubKey", script.data, script.len);
    rpc_write_amount(l->c, "amount", amount_of(v->value));
    json_kv_int(w, "confirmations", v->depth);
    if (v->depth == 0)
        put_ancestry(l, v->wtx);
    json_kv_bool(w, "spendable", true);
    json_kv_bool(w, "solvable", solvable);
    if (solvable)
        put_descriptor(l, script, &known);
    wallet_json_parents(l->c, l->w, script);
    if (wallet_has_flag(l->w, WALLET_AVOID_REUSE))
        json_kv_bool(w, "reused", v->used);
    json_kv_bool(w, "safe", v->safe);
    json_end_object(w);
    keystore_clear(&known);
}

static bool list_coin(void *ctx, const struct coin_view *v)
{
    struct listing *l = ctx;
    struct destination d;
    if (!destination_from_script(&d, coin_view_output(v)->script))
        d.type = DEST_NONE;
    if (l->n_addresses > 0 && !is_wanted(l, &d))
        return true;
    l->sum += v->value;
    l->count++;
    put_coin(l, v, &d);
    if (l->min_sum > 0 && l->sum >= l->min_sum)
        return false;
    return (l->max_count == 0 || l->count < l->max_count) && !rpc_cancelled(l->c);
}

static void list_all(struct listing *l)
{
    wallet_lock(l->w);
    json_begin_array(l->c->w);
    coins_each(l->w, &l->filter, list_coin, l);
    json_end_array(l->c->w);
    wallet_unlock(l->w);
}

static void listunspent(struct rpc_call *c)
{
    struct listing l = {.c = c, .w = rpc_synced_wallet(c)};
    if (l.w == NULL)
        return;
    l.sizes.w = l.w;
    coin_filter_init(&l.filter);
    if (read_listing(&l, c))
        list_all(&l);
    wallet_unref(l.w);
}

/* -- lockunspent, listlockunspent -- */

struct locking {
    struct outpoint *outs; /* in the call's memory */
    size_t n;
    bool unlock, persistent;
};

static bool read_outpoint(struct rpc_call *c, const struct json *v,
                          struct outpoint *out)
{
    static const struct rpc_field fields[] = {
        {"txid", JSON_STRING, false, false},
        {"vout", JSON_NUMBER, false, false},
        {NULL, JSON_NULL, false, false},
    };
    return rpc_want(c, v, JSON_OBJECT) && rpc_check_fields(c, v, fields, false) &&
           rpc_to_outpoint(c, v, out);
}

static bool check_outpoint(struct rpc_call *c, const struct wallet *w,
                           const struct locking *l, const struct outpoint *o)
{
    const struct wallet_tx *wtx = txstore_find(w, &o->txid);
    if (wtx == NULL)
        return fail(c, "Invalid parameter, unknown transaction");
    if (o->n >= wtx->tx->n_out)
        return fail(c, "Invalid parameter, vout index out of bounds");
    if (txstore_is_spent(w, o))
        return fail(c, "Invalid parameter, expected unspent output");
    bool locked = coin_is_locked(w, o);
    if (l->unlock && !locked)
        return fail(c, "Invalid parameter, expected locked output");
    if (!l->unlock && locked && !l->persistent)
        return fail(c, "Invalid parameter, output already locked");
    return true;
}

static bool read_locking(struct rpc_call *c, const struct wallet *w, struct locking *l)
{
    const struct json *list = rpc_arg(c, 1);
    l->unlock = rpc_arg_bool(c, 0, false);
    l->persistent = rpc_arg_bool(c, 2, false);
    l->outs = arena_alloc(c->mem, ((list ? list->len : 0) + 1) * sizeof(*l->outs));
    for (; list != NULL && l->n < list->len; l->n++) {
        struct outpoint *o = &l->outs[l->n];
        if (!read_outpoint(c, &list->items[l->n], o) || !check_outpoint(c, w, l, o))
            return false;
    }
    return true;
}

static enum err apply(struct wallet *w, const struct locking *l)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < l->n && e == ERR_OK; i++)
        e = l->unlock ? coin_unlock(w, &l->outs[i])
                      : coin_lock(w, &l->outs[i], l->persistent);
    return e;
}

static void lock_coins(struct rpc_call *c, struct wallet *w)
{
    struct locking l = {0};
    struct wallet_error e = {0};
    if (!read_locking(c, w, &l))
        return;
    bool all = l.unlock && rpc_arg(c, 1) == NULL;
    if (wallet_wrote(w, all ? coin_unlock_all(w) : apply(w, &l), &e))
        json_bool(c->w, true);
    else
        rpc_wallet_error(c, &e);
}

static void lockunspent(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    lock_coins(c, w);
    wallet_unlock(w);
    wallet_unref(w);
}

static void listlockunspent(struct rpc_call *c)
{
    size_t n;
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    struct outpoint *locked = coins_locked(w, &n);
    wallet_unlock(w);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(c->w);
        json_kv_hash(c->w, "txid", &locked[i].txid);
        json_kv_uint(c->w, "vout", locked[i].n);
        json_end_object(c->w);
    }
    json_end_array(c->w);
    free(locked);
    wallet_unref(w);
}

static const struct rpc_method methods[] = {
    {
        .name = "listlockunspent",
        .help = "Coins that lockunspent keeps from being spent.",
        .results = RESULTS({R_ARR, "", "",
                            RESULTS({R_OBJ, "", "",
                                     RESULTS({R_HEX, "txid", "Its transaction"},
                                             {R_NUM, "vout", "Its output"})})}),
        .examples = EXAMPLES(""),
        .fn = listlockunspent,
    },
    {
        .name = "listunspent",
        .help = "Coins of the wallet that are not locked.",
        .params = PARAMS(
            {"minconf", P_NUM, .def = "1", .help = "Least confirmations"},
            {"maxconf", P_NUM, .def = "9999999", .help = "Most confirmations"},
            {"addresses", P_ARR, .def = "[]", .help = "Only coins of these",
             PARAMS({"address", P_STR, .help = "An address"})},
            {"include_unsafe", P_BOOL, .def = "true",
             .help = "Also coins that are not safe to spend"},
            {"query_options", P_OBJ, P_OPTIONAL, .help = "",
             PARAMS({"minimumAmount", P_AMOUNT, P_NAMED_ONLY, .def = "0",
                     .help = "Least value of a coin"},
                    {"maximumAmount", P_AMOUNT, P_NAMED_ONLY, .def = "unlimited",
                     .help = "Highest value of a coin"},
                    {"maximumCount", P_NUM, P_NAMED_ONLY, .def = "unlimited",
                     .help = "At most so many coins"},
                    {"minimumSumAmount", P_AMOUNT, P_NAMED_ONLY, .def = "unlimited",
                     .help = "Stop once the coins have this value"},
                    {"include_immature_coinbase", P_BOOL, P_NAMED_ONLY, .def = "false",
                     .help = "Also young coinbase outputs"})}),
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS(
                 {R_OBJ, "", "",
                  RESULTS(
                      {R_HEX, "txid", "Its transaction"}, {R_NUM, "vout", "Its output"},
                      {R_STR, "address", "Its address", .optional = true},
                      {R_STR, "label", "The address' label", .optional = true},
                      {R_HEX, "redeemScript", "Behind P2SH", .optional = true},
                      {R_HEX, "witnessScript", "Behind P2WSH", .optional = true},
                      {R_HEX, "scriptPubKey", "Its script"},
                      {R_AMOUNT, "amount", "Its value"},
                      {R_NUM, "confirmations", "Its depth"},
                      {R_NUM, "ancestorcount",
                       "Unconfirmed ancestors, with its own "
                       "transaction",
                       .optional = true},
                      {R_NUM, "ancestorsize", "Their vsize", .optional = true},
                      {R_NUM, "ancestorfees", "Their fees in the smallest unit",
                       .optional = true},
                      {R_BOOL, "spendable", "true"},
                      {R_BOOL, "solvable", "The wallet knows how to spend it"},
                      {R_STR, "desc", "How, when solvable", .optional = true},
                      {R_ARR, "parent_descs", "Descriptors of the wallet that have it",
                       RESULTS({R_STR, "desc", "One"})},
                      {R_BOOL, "reused",
                       "Its address was spent from (wallets "
                       "with avoid_reuse)",
                       .optional = true},
                      {R_BOOL, "safe", "Confirmed, or the wallet's own"})})}),
        .examples = EXAMPLES("", "6 9999999 '[\"address\"]'"),
        .fn = listunspent,
    },
    {
        .name = "lockunspent",
        .help = "Keeps coins from being chosen for payments, or lets them go again.",
        .params = PARAMS(
            {"unlock", P_BOOL, .help = "true lets them go"},
            {"transactions", P_ARR, .def = "[]",
             .help = "The coins; without, unlocking means all",
             PARAMS({"", P_OBJ, .help = "",
                     PARAMS({"txid", P_HEX, .help = "Its transaction"},
                            {"vout", P_NUM, .help = "Its output"})})},
            {"persistent", P_BOOL, .def = "false",
             .help = "Write it to the wallet file, so that it outlives the node"}),
        .results = RESULTS({R_BOOL, "", "Whether it worked"}),
        .examples = EXAMPLES("false '[{\"txid\":\"<txid>\",\"vout\":0}]'", "true"),
        .fn = lockunspent,
    },
};

const struct rpc_table rpc_wallet_coins_table = {"Wallet", methods, ARRAY_LEN(methods),
                                                 .needs_wallets = true};
