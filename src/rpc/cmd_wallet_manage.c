#include <stdlib.h>

#include "crypto/secret.h"
#include "rpc/wallet_args.h"
#include "util/clock.h"
#include "wallet/balance.h"
#include "wallet/coins.h"
#include "wallet/crypt.h"
#include "wallet/scan.h"
#include "wallet/spkman.h"
#include "wallet/store.h"
#include "wallet/wallet_dir.h"

/* -- createwallet, loadwallet, restorewallet, unloadwallet */

/* The reply of a call that loaded a wallet. */
static void put_loaded(struct rpc_call *c, struct wallet *take_w,
                       struct buf *take_warnings, char *take_mnemonic)
{
    json_begin_object(c->w);
    json_kv_str(c->w, "name", take_w->name);
    if (take_mnemonic != NULL)
        json_kv_str(c->w, "mnemonic", take_mnemonic);
    rpc_put_wallet_warnings(c, take_warnings);
    json_end_object(c->w);
    secret_free(take_mnemonic);
    wallet_unref(take_w);
}

enum create_arg {
    ARG_NAME,
    ARG_NO_PRIVATE,
    ARG_BLANK,
    ARG_PASSPHRASE,
    ARG_AVOID_REUSE,
    ARG_DESCRIPTORS,
    ARG_LOAD,
    ARG_SIGNER,
    ARG_MNEMONIC,
};

static bool fail(struct rpc_call *c, enum rpc_code code, const char *message)
{
    rpc_error(c, code, "%s", message);
    return false;
}

/* What descriptor wallets cannot be, and what contradicts itself. */
static bool check_create(struct rpc_call *c, bool no_private)
{
    if (!rpc_arg_bool(c, ARG_DESCRIPTORS, true))
        return fail(c, RPC_WALLET_ERROR,
                    "Compiled without bdb support (required for legacy wallets)");
    if (rpc_arg_bool(c, ARG_SIGNER, false))
        return fail(c, RPC_WALLET_ERROR,
                    "Compiled without external signing support (required for external "
                    "signing)");
    if (rpc_arg_passphrase(c, ARG_PASSPHRASE).len > 0 && no_private)
        return fail(c, RPC_WALLET_ERROR,
                    "Passphrase provided but private keys are disabled. A passphrase "
                    "is only used to encrypt private keys, so cannot be used for "
                    "wallets with private keys disabled.");
    if (rpc_arg(c, ARG_MNEMONIC) != NULL &&
        (no_private || rpc_arg_bool(c, ARG_BLANK, false)))
        return fail(c, RPC_INVALID_PARAMETER,
                    "A mnemonic makes private keys: it goes with neither "
                    "disable_private_keys nor blank");
    return true;
}

static uint64_t flag_if(bool on, enum wallet_flag f)
{
    return on ? UINT64_C(1) << f : 0;
}

static void createwallet(struct rpc_call *c)
{
    bool no_private = rpc_arg_bool(c, ARG_NO_PRIVATE, false);
    const struct wallet_create how = {
        .flags = flag_if(no_private, WALLET_DISABLE_PRIVATE_KEYS) |
                 flag_if(rpc_arg_bool(c, ARG_BLANK, false), WALLET_BLANK) |
                 flag_if(rpc_arg_bool(c, ARG_AVOID_REUSE, false), WALLET_AVOID_REUSE),
        .passphrase = rpc_arg_passphrase(c, ARG_PASSPHRASE),
        .mnemonic = rpc_arg_str(c, ARG_MNEMONIC, NULL),
    };
    struct wallet_error e = {0};
    struct buf warnings = {0};
    struct wallet *w;
    char *mnemonic = NULL;
    if (!check_create(c, no_private))
        return;
    if (rpc_arg(c, ARG_PASSPHRASE) != NULL && how.passphrase.len == 0)
        buf_append_str(&warnings, "Empty string given as passphrase, wallet will not "
                                  "be encrypted.\n");
    if (wallet_manager_create(c->node->wallets, rpc_arg_str(c, ARG_NAME, ""), &how,
                              rpc_arg_load_on_start(c, ARG_LOAD), &w, &mnemonic,
                              &warnings, &e))
        put_loaded(c, w, &warnings, mnemonic);
    else
        rpc_wallet_error(c, &e);
    buf_clear(&warnings);
}

static void loadwallet(struct rpc_call *c)
{
    struct wallet_error e = {0};
    struct buf warnings = {0};
    struct wallet *w;
    if (wallet_manager_load(c->node->wallets, rpc_arg_str(c, 0, ""),
                            rpc_arg_load_on_start(c, 1), &w, &warnings, &e))
        put_loaded(c, w, &warnings, NULL);
    else
        rpc_wallet_error(c, &e);
    buf_clear(&warnings);
}

static void restorewallet(struct rpc_call *c)
{
    struct wallet_error e = {0};
    struct buf warnings = {0};
    struct wallet *w;
    if (wallet_manager_restore(c->node->wallets, rpc_arg_str(c, 0, ""),
                               rpc_arg_str(c, 1, ""), rpc_arg_load_on_start(c, 2), &w,
                               &warnings, &e))
        put_loaded(c, w, &warnings, NULL);
    else
        rpc_wallet_error(c, &e);
    buf_clear(&warnings);
}

/* The name in the path and the one in the argument must not differ. */
static const char *name_to_unload(struct rpc_call *c)
{
    const char *in_path, *given = rpc_arg_str(c, 0, NULL);
    if (!rpc_wallet_name(c, &in_path)) {
        if (given == NULL)
            fail(c, RPC_INVALID_PARAMETER,
                 "Either the RPC endpoint wallet or the wallet name parameter must be "
                 "provided");
        return given;
    }
    if (given != NULL && strcmp(given, in_path) != 0)
        fail(c, RPC_INVALID_PARAMETER,
             "The RPC endpoint wallet and the wallet name parameter specify different "
             "wallets");
    return c->failed ? NULL : in_path;
}

static void unloadwallet(struct rpc_call *c)
{
    struct wallet_error e = {0};
    struct buf warnings = {0};
    const char *name = name_to_unload(c);
    if (name == NULL)
        return;
    struct wallet *w = wallet_manager_find(c->node->wallets, name);
    if (w == NULL) {
        fail(c, RPC_WALLET_NOT_FOUND,
             "Requested wallet does not exist or is not loaded");
        return;
    }
    if (!scan_begin(w, false)) {
        fail(c, RPC_WALLET_ERROR,
             "Wallet is currently rescanning. Abort existing rescan or wait.");
        wallet_unref(w);
        return;
    }
    if (wallet_manager_unload(c->node->wallets, w, rpc_arg_load_on_start(c, 1),
                              &warnings, &e)) {
        json_begin_object(c->w);
        rpc_put_wallet_warnings(c, &warnings);
        json_end_object(c->w);
    } else {
        rpc_wallet_error(c, &e);
    }
    buf_clear(&warnings);
}

/* -- Lists */

static void listwallets(struct rpc_call *c)
{
    size_t n;
    struct wallet **all = wallet_manager_all(c->node->wallets, &n);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++) {
        json_str(c->w, all[i]->name);
        wallet_unref(all[i]);
    }
    json_end_array(c->w);
    free(all);
}

static void listwalletdir(struct rpc_call *c)
{
    size_t n;
    const char **names = wallet_manager_list_dir(c->node->wallets, c->mem, &n);
    json_begin_object(c->w);
    json_key(c->w, "wallets");
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(c->w);
        json_kv_str(c->w, "name", names[i]);
        json_end_object(c->w);
    }
    json_end_array(c->w);
    json_end_object(c->w);
}

/* -- getwalletinfo */

#define WALLET_VERSION 169900 /* of bitcoind's newest feature; scripts ask for it */

static void put_balances(struct rpc_call *c, const struct wallet *w)
{
    struct wallet_balance b;
    balance_get(w, 0, true, &b);
    rpc_write_amount(c, "balance", b.trusted);
    rpc_write_amount(c, "unconfirmed_balance", b.untrusted);
    rpc_write_amount(c, "immature_balance", b.immature);
}

static void put_scanning(struct rpc_call *c, const struct wallet *w)
{
    int64_t seconds;
    double progress;
    if (!scan_status(w, &seconds, &progress)) {
        json_kv_bool(c->w, "scanning", false);
        return;
    }
    json_key(c->w, "scanning");
    json_begin_object(c->w);
    json_kv_int(c->w, "duration", seconds);
    json_kv_double(c->w, "progress", progress);
    json_end_object(c->w);
}

static void put_info(struct rpc_call *c, struct wallet *w)
{
    bool private = !wallet_has_flag(w, WALLET_DISABLE_PRIVATE_KEYS);
    json_begin_object(c->w);
    json_kv_str(c->w, "walletname", w->name);
    json_kv_int(c->w, "walletversion", WALLET_VERSION);
    json_kv_str(c->w, "format", "sqlite");
    put_balances(c, w);
    json_kv_uint(c->w, "txcount", txstore_count(w));
    json_kv_uint(c->w, "keypoolsize", spkman_keypool_size(w->spkman, false));
    json_kv_uint(c->w, "keypoolsize_hd_internal", spkman_keypool_size(w->spkman, true));
    if (crypt_enabled(w->crypt))
        json_kv_int(c->w, "unlocked_until", crypt_unlocked_until(w->crypt));
    rpc_write_amount(c, "paytxfee", (struct amount){spending_pay_feerate(w)});
    json_kv_bool(c->w, "private_keys_enabled", private);
    json_kv_bool(c->w, "avoid_reuse", wallet_has_flag(w, WALLET_AVOID_REUSE));
    put_scanning(c, w);
    json_kv_bool(c->w, "descriptors", true);
    json_kv_bool(c->w, "external_signer", false);
    json_kv_bool(c->w, "blank", wallet_has_flag(w, WALLET_BLANK));
    json_kv_int(c->w, "birthtime", w->birth_time);
    rpc_put_last_processed(c, w);
    json_end_object(c->w);
}

static void getwalletinfo(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    put_info(c, w);
    wallet_unlock(w);
    wallet_unref(w);
}

/* -- backupwallet, setwalletflag */

static void backupwallet(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    if (!wallet_backup(w, rpc_arg_str(c, 0, "")))
        rpc_error(c, RPC_WALLET_ERROR, "Error: Wallet backup failed!");
    wallet_unlock(w);
    wallet_unref(w);
}

/* -- setwalletflag */

static bool find_flag(struct rpc_call *c, const char *name, enum wallet_flag *out)
{
    static const enum wallet_flag all[] = {
        WALLET_AVOID_REUSE,
        WALLET_KEY_ORIGIN_METADATA,
        WALLET_DISABLE_PRIVATE_KEYS,
        WALLET_LAST_HARDENED_XPUB_CACHED,
        WALLET_BLANK,
        WALLET_DESCRIPTORS,
        WALLET_EXTERNAL_SIGNER,
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        *out = all[i];
        if (strcmp(wallet_flag_name(*out), name) == 0)
            return true;
    }
    rpc_error(c, RPC_INVALID_PARAMETER, "Unknown wallet flag: %s", name);
    return false;
}

static void set_flag(struct rpc_call *c, struct wallet *w, enum wallet_flag f, bool on)
{
    struct wallet_error e = {0};
    const char *name = wallet_flag_name(f);
    if (f != WALLET_AVOID_REUSE) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Wallet flag is immutable: %s", name);
    } else if (wallet_has_flag(w, f) == on) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Wallet flag is already set to %s: %s",
                  on ? "true" : "false", name);
    } else if (!wallet_wrote(w, wallet_set_flag(w, f, on), &e)) {
        rpc_wallet_error(c, &e);
    } else {
        json_begin_object(c->w);
        json_kv_str(c->w, "flag_name", name);
        json_kv_bool(c->w, "flag_state", on);
        if (on)
            json_kv_str(c->w, "warnings",
                        "You need to rescan the blockchain in order to correctly mark "
                        "used destinations in the past. Until this is done, some "
                        "destinations may be considered unused, even if the opposite "
                        "is the case.");
        json_end_object(c->w);
    }
}

static void setwalletflag(struct rpc_call *c)
{
    enum wallet_flag f;
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    if (find_flag(c, rpc_arg_str(c, 0, ""), &f)) {
        wallet_lock(w);
        set_flag(c, w, f, rpc_arg_bool(c, 1, true));
        wallet_unlock(w);
    }
    wallet_unref(w);
}

/* -- Table */

#define LOAD_ON_STARTUP                                                                \
    {                                                                                  \
        "load_on_startup", P_BOOL,                                                     \
            .def = "null",                                                             \
            .help =                                                                    \
                "Whether the wallet is loaded when the node starts: true, false, or "  \
                "null to leave it as it is"                                            \
    }
#define WARNINGS_RESULT                                                                \
    {                                                                                  \
        R_ARR, "warnings", "What the caller should know",                              \
            RESULTS({R_STR, "", "A sentence"}), .optional = true                       \
    }

static const struct rpc_method methods[] = {
    {
        .name = "backupwallet",
        .help = "Writes a copy of the wallet's file, which may be in use meanwhile.",
        .params = PARAMS({"destination", P_STR, .help = "A file or a directory"}),
        .examples = EXAMPLES("\"backup.dat\""),
        .fn = backupwallet,
    },
    {
        .name = "createwallet",
        .help = "Creates a wallet and loads it. Its keys begin with 24 words, which "
                "are shown now and never again: write them down.",
        .params = PARAMS(
            {"wallet_name", P_STR, .help = "Name, or path of its directory"},
            {"disable_private_keys", P_BOOL, .def = "false",
             .help = "It will only watch"},
            {"blank", P_BOOL, .def = "false", .help = "It begins without any key"},
            {"passphrase", P_STR, P_OPTIONAL | P_ANY_TEXT,
             .help = "Encrypts the private keys with it"},
            {"avoid_reuse", P_BOOL, .def = "false",
             .help = "Keep coins of addresses that were spent from apart"},
            {"descriptors", P_BOOL, .def = "true", .help = "Must be true"},
            LOAD_ON_STARTUP,
            {"external_signer", P_BOOL, .def = "false", .help = "Must be false"},
            {"mnemonic", P_STR, P_OPTIONAL,
             .help = "Words (BIP 39) of a wallet to restore; the whole chain is then "
                     "searched for its transactions"}),
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_STR, "name", "Name of the wallet"},
                             {R_STR, "mnemonic", "The words of a new wallet's seed",
                              .optional = true},
                             WARNINGS_RESULT)}),
        .examples = EXAMPLES("\"testwallet\""),
        .fn = createwallet,
    },
    {
        .name = "getwalletinfo",
        .help = "State of the wallet.",
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_STR, "walletname", "Name of the wallet"},
                 {R_NUM, "walletversion", "Version of its features"},
                 {R_STR, "format", "Format of its file: sqlite"},
                 {R_AMOUNT, "balance", "As getbalance tells"},
                 {R_AMOUNT, "unconfirmed_balance", "Pending, from others"},
                 {R_AMOUNT, "immature_balance", "Coinbase outputs that are too young"},
                 {R_NUM, "txcount", "Transactions of the wallet"},
                 {R_NUM, "keypoolsize", "Receiving addresses that are derived ahead"},
                 {R_NUM, "keypoolsize_hd_internal",
                  "Change addresses that are derived ahead"},
                 {R_TIME, "unlocked_until",
                  "When it locks itself, 0 when locked; only with a passphrase",
                  .optional = true},
                 {R_AMOUNT, "paytxfee", "Fee rate per kvB; 0: as estimated"},
                 {R_BOOL, "private_keys_enabled", "False: it only watches"},
                 {R_BOOL, "avoid_reuse",
                  "Coins of addresses that were spent from are kept apart"},
                 {R_ANY, "scanning",
                  "False, or an object: seconds of duration, and progress from 0 to 1"},
                 {R_BOOL, "descriptors", "Always true"},
                 {R_BOOL, "external_signer", "Always false"},
                 {R_BOOL, "blank", "It was made without keys"},
                 {R_TIME, "birthtime", "Nothing of it is older"}, RPC_LAST_PROCESSED)}),
        .examples = EXAMPLES(""),
        .fn = getwalletinfo,
    },
    {
        .name = "listwalletdir",
        .help = "The wallets in the wallet directory.",
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_ARR, "wallets", "",
                      RESULTS({R_OBJ, "", "",
                               RESULTS({R_STR, "name", "Name of the wallet"})})})}),
        .examples = EXAMPLES(""),
        .fn = listwalletdir,
    },
    {
        .name = "listwallets",
        .help = "The wallets that are loaded now.",
        .results = RESULTS({R_ARR, "", "", RESULTS({R_STR, "walletname", "A name"})}),
        .examples = EXAMPLES(""),
        .fn = listwallets,
    },
    {
        .name = "loadwallet",
        .help = "Loads a wallet from the wallet directory or a directory elsewhere.",
        .params = PARAMS({"filename", P_STR, .help = "Name, or path of its directory"},
                         LOAD_ON_STARTUP),
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_STR, "name", "Name of the wallet"}, WARNINGS_RESULT)}),
        .examples = EXAMPLES("\"testwallet\""),
        .fn = loadwallet,
    },
    {
        .name = "restorewallet",
        .help = "Makes a wallet of a backup and loads it.",
        .params = PARAMS(
            {"wallet_name", P_STR, .help = "Name of the wallet; must be free"},
            {"backup_file", P_STR, .help = "What backupwallet wrote"}, LOAD_ON_STARTUP),
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_STR, "name", "Name of the wallet"}, WARNINGS_RESULT)}),
        .examples = EXAMPLES("\"testwallet\" \"/home/me/backup.dat\""),
        .fn = restorewallet,
    },
    {
        .name = "setwalletflag",
        .help = "Changes a property of the wallet.",
        .params = PARAMS({"flag", P_STR, .help = "Only avoid_reuse can be changed"},
                         {"value", P_BOOL, .def = "true", .help = "The new state"}),
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_STR, "flag_name", "The flag"},
                             {R_BOOL, "flag_state", "Its new state"},
                             {R_STR, "warnings", "What to do now", .optional = true})}),
        .examples = EXAMPLES("avoid_reuse"),
        .fn = setwalletflag,
    },
    {
        .name = "unloadwallet",
        .help = "Unloads a wallet: the one in the path of the request, or the named "
                "one.",
        .params = PARAMS({"wallet_name", P_STR,
                          .def = "the wallet name from the RPC endpoint",
                          .help = "Name of the wallet"},
                         LOAD_ON_STARTUP),
        .results = RESULTS({R_OBJ, "", "", RESULTS(WARNINGS_RESULT)}),
        .examples = EXAMPLES("wallet_name"),
        .fn = unloadwallet,
    },
};

const struct rpc_table rpc_wallet_manage_table = {"Wallet", methods, ARRAY_LEN(methods),
                                                  .needs_wallets = true};
