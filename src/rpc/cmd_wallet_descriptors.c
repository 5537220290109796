#include <stdlib.h>

#include "chain/script/descriptor.h"
#include "crypto/secret.h"
#include "rpc/wallet_args.h"
#include "rpc/wallet_methods.h"
#include "util/clock.h"
#include "wallet/crypt.h"
#include "wallet/spkman.h"

/* -- listdescriptors */

/* A descriptor with the text that is shown of it. */
struct shown {
    const struct wallet_desc *d;
    char *text; /* owned, secret memory */
};

static char *public_text(struct rpc_call *c, struct wallet *w,
                         const struct wallet_desc *d)
{
    struct keystore keys;
    keystore_init(&keys);
    (void)!spkman_private_keys(w->spkman, d, &keys);
    char *text =
        descriptor_to_string_normalized(d->desc, c->node->params, &d->cache, &keys);
    keystore_clear(&keys);
    char *out = text != NULL ? secret_strdup(bytes_of(text, strlen(text))) : NULL;
    free(text);
    return out;
}

static char *private_text(struct rpc_call *c, struct wallet *w,
                          const struct wallet_desc *d)
{
    struct keystore keys;
    keystore_init(&keys);
    char *text = spkman_private_keys(w->spkman, d, &keys)
                     ? descriptor_to_string_private(d->desc, c->node->params, &keys)
                     : NULL;
    keystore_clear(&keys);
    return text;
}

static int compare_shown(const void *a, const void *b)
{
    return strcmp(((const struct shown *)a)->text, ((const struct shown *)b)->text);
}

static void put_shown(struct rpc_call *c, const struct shown *s)
{
    const struct wallet_desc *d = s->d;
    bool active = d->active[0] || d->active[1];
    json_begin_object(c->w);
    json_kv_str(c->w, "desc", s->text);
    json_kv_int(c->w, "timestamp", d->created);
    json_kv_bool(c->w, "active", active);
    if (active)
        json_kv_bool(c->w, "internal", d->active[1]);
    if (descriptor_is_range(d->desc)) {
        json_key(c->w, "range");
        json_begin_array(c->w);
        json_uint(c->w, d->range_start);
        json_uint(c->w, d->range_end - 1);
        json_end_array(c->w);
        json_kv_uint(c->w, "next", d->next_index);
        json_kv_uint(c->w, "next_index", d->next_index);
    }
    json_end_object(c->w);
}

static void put_all_shown(struct rpc_call *c, const struct wallet *w,
                          const struct shown *all, size_t n)
{
    json_begin_object(c->w);
    json_kv_str(c->w, "wallet_name", w->name);
    json_key(c->w, "descriptors");
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++)
        put_shown(c, &all[i]);
    json_end_array(c->w);
    json_end_object(c->w);
}

static void list_descriptors(struct rpc_call *c, struct wallet *w, bool private)
{
    size_t n = spkman_count(w->spkman);
    struct shown *all = xcalloc(n + 1, sizeof(*all));
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        all[i].d = spkman_at(w->spkman, i);
        all[i].text =
            private ? private_text(c, w, all[i].d) : public_text(c, w, all[i].d);
        ok = all[i].text != NULL;
    }
    if (ok && n > 0)
        qsort(all, n, sizeof(*all), compare_shown);
    if (ok)
        put_all_shown(c, w, all, n);
    else
        rpc_error(c, RPC_WALLET_ERROR, "Can't get descriptor string.");
    for (size_t i = 0; i < n; i++)
        secret_free(all[i].text);
    free(all);
}

static void listdescriptors(struct rpc_call *c)
{
    bool private = rpc_arg_bool(c, 0, false);
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    if (!private || rpc_need_unlocked(c, w))
        list_descriptors(c, w, private);
    wallet_unlock(w);
    wallet_unref(w);
}

/* -- gethdkeys */

/* An extended key at the root of some descriptor. */
struct hd_use {
    char xpub[112];
    struct bip32_key root;
    const struct wallet_desc *d;
};

struct hd_uses {
    struct hd_use *items; /* owned */
    size_t n;
};

static int compare_uses(const void *a, const void *b)
{
    const struct hd_use *x = a, *y = b;
    int c = strcmp(x->xpub, y->xpub);
    return c != 0 ? c : strcmp(x->d->text, y->d->text);
}

static void add_uses(struct hd_uses *u, const struct chain_params *p,
                     const struct wallet_desc *d)
{
    for (size_t i = 0; i < descriptor_n_keys(d->desc); i++) {
        struct descriptor_key k;
        descriptor_get_key(&k, d->desc, i);
        if (!k.is_extended)
            continue;
        u->items = xrealloc_array(u->items, u->n + 1, sizeof(*u->items));
        struct hd_use *use = &u->items[u->n++];
        *use = (struct hd_use){.root = k.root, .d = d};
        bip32_format(use->xpub, &k.root, p->prefixes.xpub, false);
    }
}

static bool is_active(const struct wallet_desc *d)
{
    return d->active[0] || d->active[1];
}

static struct hd_uses find_uses(const struct wallet *w, bool active_only)
{
    struct hd_uses u = {0};
    for (size_t i = 0; i < spkman_count(w->spkman); i++) {
        const struct wallet_desc *d = spkman_at(w->spkman, i);
        if (!active_only || is_active(d))
            add_uses(&u, w->opt->params, d);
    }
    if (u.n > 0)
        qsort(u.items, u.n, sizeof(*u.items), compare_uses);
    return u;
}

/* Fills in the secret; @master is secret memory. False: it is not in the wallet. */
static bool master_of(struct wallet *w, const struct bip32_key *root,
                      struct bip32_key *master)
{
    struct keystore keys;
    keystore_init(&keys);
    bool ok = spkman_private_key(w->spkman, bytes_of(root->pubkey, 33), &keys);
    if (ok) {
        *master = *root;
        master->is_private = true;
        memcpy(master->secret, keystore_secret(&keys, &keys.keys[0]), 32);
    }
    keystore_clear(&keys);
    return ok;
}

static void put_xprv(struct rpc_call *c, struct wallet *w, const struct bip32_key *root)
{
    struct bip32_key *master = secret_alloc(sizeof(*master));
    char *xprv = secret_alloc(112);
    if (master_of(w, root, master)) {
        bip32_format(xprv, master, c->node->params->prefixes.xprv, true);
        json_kv_str(c->w, "xprv", xprv);
    }
    secret_free(xprv);
    secret_free(master);
}

static void put_use_descs(struct rpc_call *c, struct wallet *w, const struct hd_use *u,
                          size_t n)
{
    json_key(c->w, "descriptors");
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && u[i].d == u[i - 1].d)
            continue;
        char *text = public_text(c, w, u[i].d);
        json_begin_object(c->w);
        json_kv_str(c->w, "desc", text != NULL ? text : u[i].d->text);
        json_kv_bool(c->w, "active", is_active(u[i].d));
        json_end_object(c->w);
        secret_free(text);
    }
    json_end_array(c->w);
}

/* @n uses of the same key. */
static void put_hd_key(struct rpc_call *c, struct wallet *w, const struct hd_use *u,
                       size_t n, bool private)
{
    json_begin_object(c->w);
    json_kv_str(c->w, "xpub", u->xpub);
    json_kv_bool(c->w, "has_private",
                 spkman_has_private_key(w->spkman, bytes_of(u->root.pubkey, 33)));
    if (private)
        put_xprv(c, w, &u->root);
    put_use_descs(c, w, u, n);
    json_end_object(c->w);
}

static void put_hd_keys(struct rpc_call *c, struct wallet *w, bool active_only,
                        bool private)
{
    struct hd_uses u = find_uses(w, active_only);
    json_begin_array(c->w);
    for (size_t i = 0, end; i < u.n; i = end) {
        for (end = i + 1; end < u.n && strcmp(u.items[end].xpub, u.items[i].xpub) == 0;)
            end++;
        put_hd_key(c, w, &u.items[i], end - i, private);
    }
    json_end_array(c->w);
    free(u.items);
}

static bool option(const struct rpc_call *c, size_t i, const char *name)
{
    const struct json *v = json_get(rpc_arg(c, i), name);
    return v != NULL && v->type == JSON_BOOL && v->boolean;
}

static const struct rpc_field hd_key_options[] = {
    {"active_only", JSON_BOOL, .optional = true},
    {"private", JSON_BOOL, .optional = true},
    {NULL},
};

static bool check_options(struct rpc_call *c, size_t i, const struct rpc_field *fields)
{
    return rpc_arg(c, i) == NULL || rpc_check_fields(c, rpc_arg(c, i), fields, true);
}

static void gethdkeys(struct rpc_call *c)
{
    if (!check_options(c, 0, hd_key_options))
        return;
    bool private = option(c, 0, "private");
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    if (!private || rpc_need_unlocked(c, w))
        put_hd_keys(c, w, option(c, 0, "active_only"), private);
    wallet_unlock(w);
    wallet_unref(w);
}

/* -- createwalletdescriptor */

/* The key that all active descriptors begin with, if it is one. */
static bool active_root(struct rpc_call *c, struct wallet *w, struct bip32_key *out)
{
    struct hd_uses u = find_uses(w, true);
    bool ok = u.n > 0 && strcmp(u.items[0].xpub, u.items[u.n - 1].xpub) == 0;
    if (ok)
        *out = u.items[0].root;
    else
        rpc_error(c, RPC_WALLET_ERROR,
                  "Unable to determine which HD key to use from active descriptors. "
                  "Please specify with 'hdkey'");
    free(u.items);
    return ok;
}

static bool chosen_root(struct rpc_call *c, struct wallet *w, struct bip32_key *out)
{
    const struct address_prefixes *p = &c->node->params->prefixes;
    const struct json *v = json_get(rpc_arg(c, 1), "hdkey");
    if (v == NULL || v->type == JSON_NULL)
        return active_root(c, w, out);
    if (bip32_parse(out, v->str, p->xprv, p->xpub) && !out->is_private)
        return true;
    rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
              "Unable to parse HD key. Please provide a valid xpub");
    return false;
}

/* -1: both kinds. */
static int chosen_side(const struct rpc_call *c)
{
    const struct json *v = json_get(rpc_arg(c, 1), "internal");
    return v == NULL || v->type != JSON_BOOL ? -1 : v->boolean;
}

static void put_created(struct rpc_call *c, struct wallet *w,
                        const struct wallet_desc *const made[2])
{
    json_begin_object(c->w);
    json_key(c->w, "descs");
    json_begin_array(c->w);
    for (int i = 0; i < 2; i++) {
        char *text = made[i] != NULL ? public_text(c, w, made[i]) : NULL;
        if (text != NULL)
            json_str(c->w, text);
        secret_free(text);
    }
    json_end_array(c->w);
    json_end_object(c->w);
}

static void create_with(struct rpc_call *c, struct wallet *w, enum output_type type,
                        const struct bip32_key *master)
{
    const struct wallet_desc *made[2] = {NULL, NULL};
    int side = chosen_side(c), n = 0;
    struct wallet_error e = {0};
    for (int internal = 0; internal < 2 && !c->failed; internal++) {
        if (side == !internal)
            continue;
        if (spkman_add_default(w->spkman, master, type, internal,
                               clock_now(c->node->clock), &made[n], &e))
            n++;
        else if (e.code == WALLET_ALREADY_EXISTS)
            wallet_error_clear(&e);
        else
            rpc_wallet_error(c, &e);
    }
    if (!c->failed && n == 0)
        rpc_error(c, RPC_WALLET_ERROR, "Descriptor already exists");
    if (!c->failed)
        put_created(c, w, made);
}

static void create_descriptor(struct rpc_call *c, struct wallet *w,
                              enum output_type type)
{
    struct bip32_key root;
    char xpub[112];
    if (!rpc_need_unlocked(c, w) || !chosen_root(c, w, &root))
        return;
    struct bip32_key *master = secret_alloc(sizeof(*master));
    if (master_of(w, &root, master)) {
        create_with(c, w, type, master);
    } else {
        bip32_format(xpub, &root, c->node->params->prefixes.xpub, false);
        rpc_error(c, RPC_WALLET_ERROR, "Private key for %s is not known", xpub);
    }
    secret_free(master);
}

static const struct rpc_field create_options[] = {
    {"internal", JSON_BOOL, .optional = true},
    {"hdkey", JSON_STRING, .optional = true},
    {NULL},
};

static void createwalletdescriptor(struct rpc_call *c)
{
    enum output_type type;
    const char *name = rpc_arg_str(c, 0, "");
    if (!output_type_parse(&type, name)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Unknown address type '%s'", name);
        return;
    }
    struct wallet *w = check_options(c, 1, create_options) ? rpc_wallet(c) : NULL;
    if (w == NULL)
        return;
    wallet_lock(w);
    create_descriptor(c, w, type);
    wallet_unlock(w);
    wallet_unref(w);
}

/* -- Table */

static const struct rpc_method methods[] = {
    {
        .name = "createwalletdescriptor",
        .help = "Adds the standard descriptor of one kind of addresses, made of a key "
                "of the wallet, and hands out its addresses from then on.",
        .params = PARAMS(
            {"type", P_STR, .help = "legacy, p2sh-segwit, bech32 or bech32m"},
            {"options", P_OBJ, P_OPTIONAL, .help = "",
             .inner = PARAMS(
                 {"internal", P_BOOL, P_NAMED_ONLY,
                  .def = "both, external and internal",
                  .help = "Only the one for change (true) or for receiving (false)"},
                 {"hdkey", P_STR, P_NAMED_ONLY,
                  .def = "the key that all active descriptors use",
                  .help = "Extended public key (xpub) whose private key the wallet "
                          "has, see gethdkeys"})}),
        .results = RESULTS({R_OBJ, "", "",
                            RESULTS({R_ARR, "descs", "What was added",
                                     RESULTS({R_STR, "", "A descriptor"})})}),
        .examples = EXAMPLES("bech32m"),
        .fn = createwalletdescriptor,
    },
    {
        .name = "getaddressinfo",
        .help = "What the wallet knows of an address. Much of it only when the address "
                "is its own.",
        .params = PARAMS({"address", P_STR, .help = "The address"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_STR, "address", "The address"},
                 {R_HEX, "scriptPubKey", "Its output script"},
                 {R_BOOL, "ismine", "It is the wallet's"},
                 {R_BOOL, "solvable", "The wallet knows how to spend it, keys aside"},
                 {R_STR, "desc", "Descriptor of this address", .optional = true},
                 {R_STR, "parent_desc", "The wallet's descriptor that it comes from",
                  .optional = true},
                 {R_BOOL, "iswatchonly", "Always false"},
                 {R_BOOL, "isscript", "It stands for a script", .optional = true},
                 {R_BOOL, "iswitness", "It is a witness address"},
                 {R_NUM, "witness_version", "Version of its program", .optional = true},
                 {R_HEX, "witness_program", "Its program", .optional = true},
                 {R_STR, "script", "Kind of the script behind it", .optional = true},
                 {R_HEX, "hex", "The script behind it", .optional = true},
                 {R_ARR, "pubkeys", "Keys of a multisig script",
                  RESULTS({R_STR, "pubkey", ""}), .optional = true},
                 {R_NUM, "sigsrequired", "Signatures that it needs", .optional = true},
                 {R_HEX, "pubkey", "Its public key", .optional = true},
                 {R_OBJ, "embedded",
                  "The same about the address that its script stands for",
                  RESULTS({R_MORE, "", ""}), .optional = true},
                 {R_BOOL, "iscompressed", "Form of the public key", .optional = true},
                 {R_BOOL, "ischange", "It was made for change"},
                 {R_TIME, "timestamp", "When its key was made", .optional = true},
                 {R_STR, "hdkeypath", "Way to its key from the master key",
                  .optional = true},
                 {R_HEX, "hdseedid", "Always zero", .optional = true},
                 {R_HEX, "hdmasterfingerprint", "Fingerprint of the master key",
                  .optional = true},
                 {R_ARR, "labels", "Its label, if it has one",
                  RESULTS({R_STR, "label name", ""})})}),
        .examples = EXAMPLES("\"address\""),
        .fn = rpc_getaddressinfo,
    },
    {
        .name = "gethdkeys",
        .help = "The extended keys that the wallet's descriptors begin with.",
        .params = PARAMS(
            {"options", P_OBJ, P_OPTIONAL, .help = "",
             .inner = PARAMS({"active_only", P_BOOL, P_NAMED_ONLY, .def = "false",
                              .help = "Only of descriptors that hand out addresses"},
                             {"private", P_BOOL, P_NAMED_ONLY, .def = "false",
                              .help = "Show private keys"})}),
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS({R_OBJ, "", "",
                      RESULTS({R_STR, "xpub", "The public key"},
                              {R_BOOL, "has_private", "The wallet has its private key"},
                              {R_STR, "xprv", "The private key", .optional = true},
                              {R_ARR, "descriptors", "Where it is used",
                               RESULTS({R_OBJ, "", "",
                                        RESULTS({R_STR, "desc", "A descriptor"},
                                                {R_BOOL, "active",
                                                 "It hands out addresses"})})})})}),
        .examples = EXAMPLES("", "'{\"active_only\":true}'"),
        .fn = gethdkeys,
    },
    {
        .name = "importdescriptors",
        .help = "Adds descriptors to the wallet, then searches the chain for their "
                "transactions from the oldest time stamp on (\"now\" is the quickest). "
                "A descriptor that is there already gets the new range and state.",
        .params = PARAMS(
            {"requests", P_ARR, .help = "What to add",
             .inner = PARAMS(
                 {"", P_OBJ, .help = "",
                  .inner = PARAMS(
                      {"desc", P_STR, .help = "Descriptor, with checksum"},
                      {"active", P_BOOL, .def = "false",
                       .help = "Hand out addresses of it"},
                      {"range", P_RANGE, P_OPTIONAL,
                       .help = "For a descriptor with *: its last index, or [first, "
                               "last]"},
                      {"next_index", P_NUM, P_OPTIONAL,
                       .help = "First index to hand out"},
                      {"timestamp", P_NUM,
                       .help = "When its keys were made: unix seconds, or \"now\"",
                       .type_text = "integer / string"},
                      {"internal", P_BOOL, .def = "false",
                       .help = "Its addresses are for change"},
                      {"label", P_STR, .def = "\"\"",
                       .help = "Label; not for ranges and change"})})}),
        .results = RESULTS(
            {R_ARR, "", "One answer for each, in the same order",
             RESULTS({R_OBJ, "", "",
                      RESULTS({R_BOOL, "success", "It was added"},
                              {R_ARR, "warnings", "What the caller should know",
                               RESULTS({R_STR, "", "A sentence"}), .optional = true},
                              {R_OBJ, "error", "JSON-RPC error",
                               RESULTS({R_MORE, "", ""}), .optional = true})})}),
        .examples = EXAMPLES("'[{\"desc\":\"descriptor\",\"timestamp\":\"now\"}]'"),
        .fn = rpc_importdescriptors,
    },
    {
        .name = "listdescriptors",
        .help = "The wallet's descriptors.",
        .params = PARAMS(
            {"private", P_BOOL, .def = "false", .help = "Show private keys in them"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_STR, "wallet_name", "Name of the wallet"},
                 {R_ARR, "descriptors", "In the order of their texts",
                  RESULTS(
                      {R_OBJ, "", "",
                       RESULTS(
                           {R_STR, "desc", "The descriptor"},
                           {R_TIME, "timestamp", "When its keys were made"},
                           {R_BOOL, "active", "It hands out addresses"},
                           {R_BOOL, "internal", "For change; only of active ones",
                            .optional = true},
                           {R_ARR_FIXED, "range", "First and last index that are known",
                            RESULTS({R_NUM, "", "First"}, {R_NUM, "", "Last"}),
                            .optional = true},
                           {R_NUM, "next", "The same as next_index", .optional = true},
                           {R_NUM, "next_index", "Next index to hand out",
                            .optional = true})})})}),
        .examples = EXAMPLES(""),
        .fn = listdescriptors,
    },
};

const struct rpc_table rpc_wallet_descriptors_table = {
    "Wallet", methods, ARRAY_LEN(methods), .needs_wallets = true};
