#include <stdlib.h>

#include "chain/script/address.h"
#include "rpc/wallet_args.h"
#include "wallet/addressbook.h"
#include "wallet/spkman.h"
#include "wallet/store.h"

/* -- getnewaddress, getrawchangeaddress */

/* -5 with bitcoind's sentences. */
static bool arg_type(struct rpc_call *c, size_t i, enum output_type *out)
{
    const char *text = rpc_arg_str(c, i, NULL);
    if (text == NULL || output_type_parse(out, text))
        return true;
    rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Unknown address type '%s'", text);
    return false;
}

static bool can_get_addresses(struct rpc_call *c, const struct wallet *w, bool internal)
{
    if (spkman_can_get_addresses(w->spkman, internal))
        return true;
    rpc_error(c, RPC_WALLET_ERROR, "Error: This wallet has no available keys");
    return false;
}

static void put_address(struct rpc_call *c, const struct destination *d)
{
    char text[ADDRESS_MAX];
    json_str(c->w, address_encode(text, c->node->params, d));
}

static void new_address(struct rpc_call *c, struct wallet *w, enum output_type type,
                        const char *label)
{
    struct destination d;
    struct wallet_error e = {0};
    if (!can_get_addresses(c, w, false))
        return;
    store_begin(w->store);
    bool ok = spkman_new_address(w->spkman, type, false, &d, &e) &&
              wallet_wrote(w, addressbook_set(w->book, &d, label, PURPOSE_RECEIVE), &e);
    if (wallet_wrote(w, store_commit(w->store), &e) && ok)
        put_address(c, &d);
    else
        rpc_wallet_error(c, &e);
}

static void getnewaddress(struct rpc_call *c)
{
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    const char *label = rpc_arg_label(c, 0, "");
    enum output_type type = w->opt->address_type;
    if (label != NULL && arg_type(c, 1, &type)) {
        wallet_lock(w);
        new_address(c, w, type, label);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

static void change_address(struct rpc_call *c, struct wallet *w, enum output_type type)
{
    struct destination d;
    struct wallet_error e = {0};
    if (!can_get_addresses(c, w, true))
        return;
    if (spkman_new_address(w->spkman, type, true, &d, &e))
        put_address(c, &d);
    else
        rpc_wallet_error(c, &e);
}

static void getrawchangeaddress(struct rpc_call *c)
{
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    enum output_type type =
        w->opt->change_type != OUTPUT_NONE ? w->opt->change_type : w->opt->address_type;
    if (arg_type(c, 0, &type)) {
        wallet_lock(w);
        change_address(c, w, type);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

/* -- keypoolrefill */

static void refill(struct rpc_call *c, struct wallet *w, uint32_t size)
{
    struct wallet_error e = {0};
    if (rpc_need_unlocked(c, w) && !spkman_top_up(w->spkman, size, &e))
        rpc_wallet_error(c, &e);
}

static void keypoolrefill(struct rpc_call *c)
{
    int32_t size = 0;
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    if (rpc_arg_i32(c, 0, &size) && size < 0)
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid parameter, expected valid size.");
    if (!c->failed) {
        wallet_lock(w);
        refill(c, w, (uint32_t)size);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

/* -- Labels */

static void set_label(struct rpc_call *c, struct wallet *w, const struct destination *d,
                      const char *label)
{
    struct wallet_error e = {0};
    struct buf script = {0};
    destination_to_script(&script, d);
    bool mine = spkman_find(w->spkman, buf_view(&script), NULL);
    buf_clear(&script);
    enum err r =
        addressbook_set(w->book, d, label, mine ? PURPOSE_RECEIVE : PURPOSE_SEND);
    if (!wallet_wrote(w, r, &e))
        rpc_wallet_error(c, &e);
}

static void setlabel(struct rpc_call *c)
{
    struct destination d;
    struct address_error bad;
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    const char *label = NULL;
    if (!address_decode(&d, c->node->params, rpc_arg_str(c, 0, ""), &bad))
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid Bitcoin address");
    else
        label = rpc_arg_label(c, 1, "");
    if (label != NULL) {
        wallet_lock(w);
        set_label(c, w, &d, label);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

static bool purpose_from_name(const char *name, enum address_purpose *out)
{
    for (*out = PURPOSE_RECEIVE; *out <= PURPOSE_REFUND; ++*out)
        if (strcmp(address_purpose_name(*out), name) == 0)
            return true;
    return false;
}

struct label_list {
    const char **items; /* in the call's memory */
    size_t n;
    bool any;
    enum address_purpose purpose;
};

static bool gather_label(void *ctx, const struct address_entry *e)
{
    struct label_list *l = ctx;
    if (e->label != NULL && (l->any || e->purpose == l->purpose))
        l->items[l->n++] = e->label;
    return true;
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_labels(struct rpc_call *c, struct label_list *l)
{
    if (l->n > 0)
        qsort(l->items, l->n, sizeof(*l->items), compare_labels);
    json_begin_array(c->w);
    for (size_t i = 0; i < l->n; i++)
        if (i == 0 || strcmp(l->items[i], l->items[i - 1]) != 0)
            json_str(c->w, l->items[i]);
    json_end_array(c->w);
}

static void listlabels(struct rpc_call *c)
{
    const char *purpose = rpc_arg_str(c, 0, "");
    struct label_list l = {.any = purpose[0] == '\0'};
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    if (!l.any && !purpose_from_name(purpose, &l.purpose)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Invalid 'purpose' argument, must be a known purpose string, "
                  "typically 'send', or 'receive'.");
    } else {
        wallet_lock(w);
        l.items =
            arena_alloc(c->mem, (addressbook_count(w->book) + 1) * sizeof(char *));
        addressbook_each(w->book, gather_label, &l);
        put_labels(c, &l);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

struct by_label {
    struct rpc_call *c;
    const char *label;
    bool any;
};

static bool put_if_labelled(void *ctx, const struct address_entry *e)
{
    struct by_label *b = ctx;
    char text[ADDRESS_MAX];
    if (e->label == NULL || strcmp(e->label, b->label) != 0)
        return true;
    address_encode(text, b->c->node->params, &e->dest);
    if (text[0] == '\0') /* a bare public key has no address */
        return true;
    json_key(b->c->w, text);
    json_begin_object(b->c->w);
    json_kv_str(b->c->w, "purpose",
                e->purpose != PURPOSE_NONE ? address_purpose_name(e->purpose)
                                           : "unknown");
    json_end_object(b->c->w);
    b->any = true;
    return true;
}

static void getaddressesbylabel(struct rpc_call *c)
{
    struct by_label b = {.c = c, .label = rpc_arg_label(c, 0, "")};
    struct wallet *w = b.label != NULL ? rpc_wallet(c) : NULL;
    if (w == NULL)
        return;
    wallet_lock(w);
    json_begin_object(c->w);
    addressbook_each(w->book, put_if_labelled, &b);
    json_end_object(c->w);
    wallet_unlock(w);
    wallet_unref(w);
    if (!b.any)
        rpc_error(c, RPC_WALLET_INVALID_LABEL_NAME, "No addresses with label %s",
                  b.label);
}

/* -- Table */

#define ADDRESS_TYPE                                                                   \
    {                                                                                  \
        "address_type", P_STR, .def = "set by -addresstype",                           \
                               .help = "legacy, p2sh-segwit, bech32 or bech32m"        \
    }

static const struct rpc_method methods[] = {
    {
        .name = "getaddressesbylabel",
        .help = "The addresses that have a label.",
        .params = PARAMS({"label", P_STR, .help = "The label"}),
        .results = RESULTS({R_OBJ_DYN, "", "",
                            RESULTS({R_OBJ, "address", "One of them",
                                     RESULTS({R_STR, "purpose", "receive or send"})})}),
        .examples = EXAMPLES("\"tabby\""),
        .fn = getaddressesbylabel,
    },
    {
        .name = "getnewaddress",
        .help = "A new address to receive with.",
        .params = PARAMS(
            {"label", P_STR, .def = "\"\"", .help = "Label to give it; may be new"},
            ADDRESS_TYPE),
        .results = RESULTS({R_STR, "", "The address"}),
        .examples = EXAMPLES(""),
        .fn = getnewaddress,
    },
    {
        .name = "getrawchangeaddress",
        .help = "A new address for change, for transactions built by hand.",
        .params = PARAMS({"address_type", P_STR, .def = "set by -changetype",
                          .help = "legacy, p2sh-segwit, bech32 or bech32m"}),
        .results = RESULTS({R_STR, "", "The address"}),
        .examples = EXAMPLES(""),
        .fn = getrawchangeaddress,
    },
    {
        .name = "keypoolrefill",
        .help = "Derives addresses ahead.",
        .params = PARAMS({"newsize", P_NUM, .def = "1000, or as set by -keypool",
                          .help = "How many per descriptor"}),
        .examples = EXAMPLES(""),
        .fn = keypoolrefill,
    },
    {
        .name = "listlabels",
        .help = "All labels, or those of addresses with a purpose.",
        .params = PARAMS({"purpose", P_STR, P_OPTIONAL, .help = "receive or send"}),
        .results = RESULTS({R_ARR, "", "", RESULTS({R_STR, "label", "A label"})}),
        .examples = EXAMPLES("", "receive"),
        .fn = listlabels,
    },
    {
        .name = "setlabel",
        .help = "Labels an address.",
        .params = PARAMS({"address", P_STR, .help = "The address"},
                         {"label", P_STR, .help = "Its new label"}),
        .examples = EXAMPLES("\"address\" \"tabby\""),
        .fn = setlabel,
    },
};

const struct rpc_table rpc_wallet_address_table = {
    "Wallet", methods, ARRAY_LEN(methods), .needs_wallets = true};
