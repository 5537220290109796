/* Wallets: their options, and what of them is loaded when the node starts. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "chain/mempool/mempool.h"
#include "crypto/secret.h"
#include "node/wallet_chain.h"
#include "util/fs.h"
#include "wallet/fee.h"
#include "wallet/fee.h"
#include "wallet/manager.h"
#include "wallet/wallet_dir.h"

/* -- Options */

static bool output_type(const struct args *a, const char *name, const char *what,
                        enum output_type *out, char **error)
{
    const char *text = args_str(a, name, NULL);
    if (text == NULL || text[0] == '\0' || output_type_parse(out, text))
        return true;
    *error = xasprintf("Unknown %s type '%s'", what, text);
    return false;
}

static bool fees(struct daemon *d, struct wallet_options *opt, char **error)
{
    char *warning = NULL;
    int64_t relayed = mempool_get_options(d->node.mempool)->min_relay_feerate;
    if (!fee_options_read(opt, d->node.args, d->node.params, relayed, error, &warning))
        return false;
    if (warning != NULL)
        daemon_init_warning(d, warning);
    free(warning);
    return true;
}

/* Caller frees; NULL: it cannot be used. */
static char *wallet_dir(const struct daemon *d, char **error)
{
    const char *set = args_str(d->node.args, "walletdir", "");
    if (set[0] == '\0' || args_is_negated(d->node.args, "walletdir")) {
        char *dir = path_join(d->node.datadir, "wallets");
        if (path_is_dir(dir))
            return dir;
        free(dir);
        return xstrdup(d->node.datadir);
    }
    if (!path_exists(set))
        *error = xasprintf("Specified -walletdir \"%s\" does not exist", set);
    else if (!path_is_dir(set))
        *error = xasprintf("Specified -walletdir \"%s\" is not a directory", set);
    else if (set[0] != '/')
        *error = xasprintf("Specified -walletdir \"%s\" is a relative path", set);
    return *error == NULL ? xstrdup(set) : NULL;
}

static bool read_options(struct daemon *d, struct wallet_options *opt, char **error)
{
    const struct args *a = d->node.args;
    *opt = (struct wallet_options){
        .params = d->node.params,
        .log = d->node.log,
        .clock = d->node.clock,
        .workers = d->node.workers,
        .keypool = (uint32_t)args_int(a, "keypool", 1000),
        .address_type = OUTPUT_BECH32,
        .change_type = OUTPUT_NONE,
        .kdf_memory = daemon_kdf_memory(d),
        .notify = args_str(a, "walletnotify", ""),
        .broadcast =
            args_bool(a, "walletbroadcast", !args_bool(a, "blocksonly", false)),
        .spend_zeroconf_change = args_bool(a, "spendzeroconfchange", true),
        .signal_rbf = args_bool(a, "walletrbf", true),
        .avoid_partial_spends = args_bool(a, "avoidpartialspends", false),
        .reject_long_chains = args_bool(a, "walletrejectlongchains", true),
        .cross_chain = args_bool(a, "walletcrosschain", false),
        .unsafe_sync = args_bool(a, "unsafesqlitesync", false),
        .confirm_target = (uint32_t)args_int(a, "txconfirmtarget", 6),
    };
    return output_type(a, "addresstype", "address", &opt->address_type, error) &&
           output_type(a, "changetype", "change", &opt->change_type, error) &&
           fees(d, opt, error);
}

/* -- Secrets */

/* A core dump would hold what the arena of secrets does not: pages of the wallet files,
 * keys on their way. */
static void no_core_dumps(struct daemon *d)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        log_warning(d->node.log,
                    "Core dumps could not be switched off; use ulimit -c 0");
}

static void check_locked_memory(struct daemon *d)
{
    struct rlimit most;
    secret_free(secret_alloc(1)); /* now there is an arena */
    if (secret_unlocked_bytes() == 0)
        return;
    if (getrlimit(RLIMIT_MEMLOCK, &most) != 0)
        most.rlim_cur = 0;
    log_warning(
        d->node.log,
        "Memory for keys and passphrases could not be locked: they may get into "
        "the swap space. The limit is %llu KiB; allow at least 8192 (ulimit -l, "
        "LimitMEMLOCK= in a systemd unit), or encrypt the swap space.",
        (unsigned long long)most.rlim_cur / 1024);
}

/* -- Start */

/* Without -wallet a wallet without name is loaded when there is one. */
static bool load_wallets(struct daemon *d, char **error)
{
    static const char *const unnamed[] = {""};
    const struct args *a = d->node.args;
    size_t n;
    daemon_init_message(d, "Loading wallet…");
    if (args_is_negated(a, "wallet"))
        return true;
    const char *const *names = args_list(a, "wallet", &n);
    if (args_is_set(a, "wallet"))
        return wallet_manager_load_all(d->node.wallets, names, n, error);
    char *file = wallet_file_of(wallet_manager_options(d->node.wallets), "");
    bool there = path_exists(file);
    free(file);
    return wallet_manager_load_all(d->node.wallets, unnamed, there, error);
}

static bool open_manager(struct daemon *d, struct wallet_options *opt, char **error)
{
    char *dir = wallet_dir(d, error);
    char *settings =
        args_is_negated(d->node.args, "settings")
            ? NULL
            : setup_path(d->node.datadir,
                         args_str(d->node.args, "settings", "settings.json"));
    opt->chain = dir != NULL ? wallet_link_open(d, error) : NULL;
    if (opt->chain != NULL) {
        opt->walletdir = dir;
        opt->settings_path = settings;
        log_info(d->node.log, "Using wallet directory %s", dir);
        d->node.wallets = wallet_manager_new(opt);
        wallet_link_join(d);
    }
    free(dir);
    free(settings);
    return d->node.wallets != NULL;
}

bool wallet_part_open(struct daemon *d, char **error)
{
    struct wallet_options opt;
    if (args_bool(d->node.args, "disablewallet", false)) {
        log_info(d->node.log, "Wallet disabled!");
        return true;
    }
    no_core_dumps(d);
    check_locked_memory(d);
    if (read_options(d, &opt, error) && open_manager(d, &opt, error) &&
        load_wallets(d, error))
        return true;
    wallet_part_close(d);
    return false;
}

void wallet_part_close(struct daemon *d)
{
    wallet_manager_free(d->node.wallets);
    d->node.wallets = NULL;
    wallet_link_stop(d);
}
