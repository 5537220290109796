#include "node/setup.h"

#include <limits.h>
#include <stdlib.h>

#include "chain/params/assumeutxo.h"
#include "util/fs.h"
#include "util/hex.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#define MAX_SUBVERSION_LENGTH 256
#define FASTPRUNE_HEIGHT      100
#define MIN_PRUNE_MIB         550
/* -maxmempool must hold this many full ancestor packages. */
#define MIN_MEMPOOL_DESCENDANT_SETS 40

const char *client_name(void)
{
    return "Ochre";
}

const char *client_version(void)
{
    return PACKAGE_VERSION;
}

int client_version_number(void)
{
    int major = 0, minor = 0, patch = 0;
    sscanf(PACKAGE_VERSION, "%d.%d.%d", &major, &minor, &patch);
    return 10000 * major + 100 * minor + patch;
}

static bool is_bitcoin(const struct args *a)
{
    return args_bool(a, "bitcoin", false);
}

char *setup_path(const char *dir, const char *path)
{
    return path[0] == '/' ? xstrdup(path) : path_join(dir, path);
}

/* The personality has a data directory of its own, so that neither touches the other's.
 */
static char *default_datadir(const struct args *a)
{
    const char *home = getenv("HOME");
    return path_join(home != NULL && home[0] ? home : "/",
                     is_bitcoin(a) ? ".ochre-bitcoin" : ".ochre");
}

static bool find_datadir(struct setup *s, char **error)
{
    free(s->base_datadir);
    s->base_datadir = NULL;
    const char *given = args_str(s->args, "datadir", "");
    if (given[0] == '\0') {
        s->base_datadir = default_datadir(s->args);
        return true;
    }
    char absolute[PATH_MAX];
    if (realpath(given, absolute) == NULL || !path_is_dir(absolute)) {
        *error = xasprintf("Specified data directory \"%s\" does not exist.", given);
        return false;
    }
    s->base_datadir = xstrdup(absolute);
    return true;
}

static bool read_config_file(struct setup *s, bool strict, char **error)
{
    const char *name =
        args_str(s->args, "conf", is_bitcoin(s->args) ? "bitcoin.conf" : "ochre.conf");
    s->config_path = setup_path(s->base_datadir, name);
    if (args_is_negated(s->args, "conf"))
        return true;
    if (!path_exists(s->config_path)) {
        if (!args_is_set(s->args, "conf"))
            return true;
        *error = xasprintf("Error reading configuration file: specified config file "
                           "\"%s\" could not be opened.",
                           s->config_path);
        return false;
    }
    char *why = NULL;
    if (path_is_dir(s->config_path))
        why = xasprintf("Config file \"%s\" is a directory.", s->config_path);
    else if (args_read_config(s->args, s->config_path, strict && !is_bitcoin(s->args),
                              &why))
        s->config_read = true;
    if (why != NULL)
        *error = xasprintf("Error reading configuration file: %s", why);
    free(why);
    return *error == NULL;
}

/* A configuration file in the directory that datadir= points to would silently be
 * passed over: most likely its owner expects it to be read. */
static bool check_ignored_config(struct setup *s, const char *old_datadir, char **error)
{
    if (strcmp(old_datadir, s->base_datadir) == 0)
        return true;
    const char *name = is_bitcoin(s->args) ? "bitcoin.conf" : "ochre.conf";
    char *other = path_join(s->base_datadir, name);
    if (path_exists(other) && !args_bool(s->args, "allowignoredconf", false))
        *error = xasprintf(
            "Data directory \"%s\" contains a \"%s\" file which is ignored, because a "
            "different configuration file \"%s\" from data directory \"%s\" is being "
            "used "
            "instead. Move the options into one file, remove the other, or set "
            "allowignoredconf=1 to go on.",
            s->base_datadir, name, s->config_path, old_datadir);
    free(other);
    return *error == NULL;
}

static bool select_chain(struct setup *s, char **error)
{
    const struct args *a = s->args;
    bool regtest = args_bool(a, "regtest", false),
         test = args_bool(a, "testnet", false);
    if (regtest + test + args_is_set(a, "chain") > 1) {
        *error =
            xstrdup("Invalid combination of -regtest, -signet, -testnet, -testnet4 "
                    "and -chain. Can use at most one.");
        return false;
    }
    const char *name = regtest ? "regtest"
                       : test  ? "test"
                               : args_str(a, "chain", "main");
    enum personality p = is_bitcoin(a) ? BITCOIN : OCHRE;
    if (chain_params_get(&s->params, p, name) && !s->params.offline_only) {
        args_select_network(s->args, s->params.name);
        return true;
    }
    if (p == BITCOIN)
        *error = xasprintf("-bitcoin runs Bitcoin's regression test network only: add "
                           "-regtest (the chosen network was '%s').",
                           name);
    else
        *error =
            xasprintf("Unknown chain %s. Known are %s.", name, chain_params_names(p));
    return false;
}

bool setup_config(struct setup *s, struct args *args, bool strict, char **error)
{
    *s = (struct setup){.args = args, .lock_fd = -1, .blocks_lock_fd = -1};
    if (!find_datadir(s, error) || !read_config_file(s, strict, error))
        return false;
    char *before = xstrdup(s->base_datadir);
    bool ok = find_datadir(s, error) && check_ignored_config(s, before, error) &&
              select_chain(s, error);
    free(before);
    return ok;
}

static bool make_directory(const char *path, char **error)
{
    enum err e = fs_mkdirs(path, 0700);
    if (e == ERR_OK)
        return true;
    *error = xasprintf("Cannot create directory \"%s\": %s", path, err_text(e));
    return false;
}

bool setup_directories(struct setup *s, char **error)
{
    s->datadir = path_join(s->base_datadir, s->params.name);
    const char *blocks = args_str(s->args, "blocksdir", "");
    if (blocks[0] != '\0' && !path_is_dir(blocks)) {
        *error = xasprintf("Specified blocks directory \"%s\" does not exist.", blocks);
        return false;
    }
    char *net =
        blocks[0] != '\0' ? path_join(blocks, s->params.name) : xstrdup(s->datadir);
    s->blocksdir = path_join(net, "blocks");
    free(net);
    char *wallets = path_join(s->datadir, "wallets");
    bool ok = make_directory(s->datadir, error) &&
              make_directory(s->blocksdir, error) && make_directory(wallets, error);
    free(wallets);
    return ok;
}

static bool lock_directory(const char *dir, int *fd, char **error)
{
    char *path = path_join(dir, ".lock");
    enum err e = fs_lock(path, fd);
    if (e == ERR_LOCKED)
        *error =
            xasprintf("Cannot obtain a lock on directory %s. %s is probably already "
                      "running.",
                      dir, client_name());
    else if (e != ERR_OK)
        *error = xasprintf("Cannot write to directory '%s'; check permissions.", dir);
    free(path);
    return e == ERR_OK;
}

bool setup_lock(struct setup *s, char **error)
{
    return lock_directory(s->datadir, &s->lock_fd, error) &&
           lock_directory(s->blocksdir, &s->blocks_lock_fd, error);
}

bool setup_settings(struct setup *s, char **error)
{
    if (args_is_negated(s->args, "settings"))
        return true;
    char *path = setup_path(s->datadir, args_str(s->args, "settings", "settings.json"));
    bool ok;
    if (path_exists(path)) {
        ok = args_read_settings(s->args, path, error);
    } else {
        static const char empty[] =
            "{\n    \"_warning_\": \"This file is written by the "
            "running node; change it only while none runs.\"\n}\n";
        enum err e = fs_write_atomic(path, empty, sizeof(empty) - 1, 0600);
        ok = e == ERR_OK;
        if (!ok)
            *error = xasprintf("Settings file could not be written: %s: %s", path,
                               err_text(e));
    }
    free(path);
    return ok;
}

void setup_imply(struct setup *s, struct logger *log, const char *because,
                 const char *name, const char *value)
{
    if (args_soft_set(s->args, name, value))
        log_info(log, "parameter interaction: %s -> setting -%s=%s", because, name,
                 value);
}

void setup_interactions(struct setup *s, struct logger *log)
{
    const struct args *a = s->args;
    setup_net_interactions(s, log);
    if (args_bool(a, "blocksonly", false)) {
        setup_imply(s, log, "-blocksonly=1", "whitelistrelay", "0");
        setup_imply(s, log, "-blocksonly=1", "maxmempool", "5");
    }
    if (args_bool(a, "whitelistforcerelay", false))
        setup_imply(s, log, "-whitelistforcerelay=1", "whitelistrelay", "1");
}

static bool check_prune(const struct args *a, char **error)
{
    int64_t prune = args_int(a, "prune", 0);
    const char *why = NULL;
    if (prune < 0)
        why = "Prune cannot be configured with a negative value.";
    else if (prune > 1 && prune < MIN_PRUNE_MIB && !args_bool(a, "fastprune", false))
        why = "Prune configured below the minimum of 550 MiB.  Please use a higher "
              "number.";
    else if (prune > 0 && args_bool(a, "txindex", false))
        why = "Prune mode is incompatible with -txindex.";
    else if (prune > 0 && args_bool(a, "reindex-chainstate", false))
        why = "Prune mode is incompatible with -reindex-chainstate. Use full -reindex "
              "instead.";
    if (why != NULL)
        *error = xstrdup(why);
    return why == NULL;
}

/* -blockfilterindex: the kinds that exist are one. */
static bool check_filter_index(struct setup *s, char **error)
{
    size_t n;
    const char *const *kinds = args_list(s->args, "blockfilterindex", &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(kinds[i], "0") == 0) {
            s->filter_index = false;
        } else if (strcmp(kinds[i], "") == 0 || strcmp(kinds[i], "1") == 0 ||
                   strcmp(kinds[i], "basic") == 0) {
            s->filter_index = true;
        } else {
            *error = xasprintf("Unknown -blockfilterindex value %s.", kinds[i]);
            return false;
        }
    }
    if (!s->filter_index && args_bool(s->args, "peerblockfilters", false)) {
        *error = xstrdup("Cannot set -peerblockfilters without -blockfilterindex.");
        return false;
    }
    return true;
}

static const char *skip_0x(const char *hex)
{
    return hex[0] == '0' && (hex[1] == 'x' || hex[1] == 'X') ? hex + 2 : hex;
}

static bool check_work(struct setup *s, char **error)
{
    const char *work = args_str(s->args, "minimumchainwork", NULL);
    if (work != NULL && !u256_from_hex(&s->params.minimum_chain_work, skip_0x(work))) {
        *error = xasprintf(
            "Invalid minimum work specified (%s), must be up to 64 hex digits", work);
        return false;
    }
    const char *valid = args_str(s->args, "assumevalid", NULL);
    struct u256 hash = {{0}};
    if (valid != NULL && !u256_from_hex(&hash, skip_0x(valid))) {
        *error =
            xasprintf("Invalid assumevalid block hash specified (%s), must be up to 64 "
                      "hex digits (or 0 to disable)",
                      valid);
        return false;
    }
    if (valid != NULL)
        s->params.assume_valid = u256_to_hash(&hash);
    return true;
}

static bool check_forks(struct setup *s, char **error)
{
    size_t n;
    if (args_bool(s->args, "fastprune", false))
        s->params.prune_after_height = FASTPRUNE_HEIGHT;
    const char *const *list = args_list(s->args, "testactivationheight", &n);
    for (size_t i = 0; i < n; i++)
        if (!chain_params_test_activation(&s->params, list[i], error))
            return false;
    list = args_list(s->args, "vbparams", &n);
    for (size_t i = 0; i < n; i++)
        if (!chain_params_vbparams(&s->params, list[i], error))
            return false;
    list = args_list(s->args, "assumeutxo", &n);
    for (size_t i = 0; i < n; i++)
        if (!chain_params_assumeutxo(&s->params, list[i], error))
            return false;
    if (!args_is_set(s->args, "ticketsheight"))
        return true;
    int64_t height = args_int(s->args, "ticketsheight", 1);
    if (strcmp(s->params.name, "regtest") != 0 ||
        s->params.tickets_height == TICKETS_NEVER) {
        *error = xstrdup("-ticketsheight is for Ochre's regtest only.");
        return false;
    }
    if (height < 1 || height > INT32_MAX) {
        *error = xstrdup("-ticketsheight must be at least 1.");
        return false;
    }
    s->params.tickets_height = (uint32_t)height;
    return true;
}

static bool safe_comment(const char *c)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789 .,;-_?@";
    return c[strspn(c, safe)] == '\0';
}

static bool check_comments(struct setup *s, char **error)
{
    size_t n;
    const char *const *list = args_list(s->args, "uacomment", &n);
    struct buf all = {0};
    for (size_t i = 0; i < n; i++) {
        if (!safe_comment(list[i])) {
            *error = xasprintf("User Agent comment (%s) contains unsafe characters.",
                               list[i]);
            buf_clear(&all);
            return false;
        }
        buf_printf(&all, "%s%s", i > 0 ? "; " : "", list[i]);
    }
    s->user_agent_comments = xstrdup(buf_cstr(&all));
    buf_clear(&all);
    size_t length = strlen("//:()") + strlen(client_name()) + strlen(client_version()) +
                    strlen(s->user_agent_comments);
    if (n > 0 && length > MAX_SUBVERSION_LENGTH) {
        *error =
            xasprintf("Total length of network version string (%zu) exceeds maximum "
                      "length (%d). Reduce the number or size of uacomments.",
                      length, MAX_SUBVERSION_LENGTH);
        return false;
    }
    return true;
}

static bool check_policy(struct setup *s, char **error)
{
    const struct args *a = s->args;
    int64_t least =
        args_int(a, "limitdescendantsize", 101) * MIN_MEMPOOL_DESCENDANT_SETS;
    if (args_int(a, "maxmempool", 300) * 1000 < least) {
        *error = xasprintf("-maxmempool must be at least %lld MB",
                           (long long)((least + 999) / 1000));
        return false;
    }
    if (args_bool(a, "acceptnonstdtxn", false) && !s->params.is_test_chain) {
        *error = xasprintf("acceptnonstdtxn is not currently supported for %s chain",
                           s->params.name);
        return false;
    }
    if (args_int(a, "peertimeout", 60) <= 0) {
        *error = xstrdup("peertimeout must be a positive integer.");
        return false;
    }
    return true;
}

bool setup_check(struct setup *s, char **error)
{
    return args_check_sections(s->args, error) && setup_net_check(s, error) &&
           check_prune(s->args, error) && check_filter_index(s, error) &&
           check_work(s, error) && check_forks(s, error) && check_policy(s, error) &&
           check_comments(s, error);
}

bool setup_amount(const struct setup *s, const char *name, struct amount *out,
                  char **error)
{
    if (!args_is_set(s->args, name))
        return true;
    const char *text = args_str(s->args, name, "");
    if (amount_parse(out, text, strlen(text), s->params.decimals) && out->v >= 0)
        return true;
    *error = xasprintf("Invalid amount for -%s=<amount>: '%s'", name, text);
    return false;
}

static bool all_categories(const char *name)
{
    return name[0] == '\0' || strcmp(name, "1") == 0 || strcmp(name, "all") == 0;
}

static bool no_categories(const char *name)
{
    return strcmp(name, "0") == 0 || strcmp(name, "none") == 0;
}

static bool set_categories(const struct args *a, struct logger *log, const char *option,
                           bool on, char **error)
{
    size_t n, first = 0;
    const char *const *list = args_list(a, option, &n);
    /* -debug=0 cancels what stands before it. */
    for (size_t i = 0; on && i < n; i++)
        if (no_categories(list[i]))
            first = i + 1;
    for (size_t i = first; i < n; i++) {
        const char *name = all_categories(list[i]) ? "all" : list[i];
        if (!logger_set_category(log, name, on)) {
            *error = xasprintf("Unsupported logging category -%s=%s.", option, list[i]);
            return false;
        }
    }
    return true;
}

static bool set_levels(const struct args *a, struct logger *log, char **error)
{
    size_t n;
    const char *const *list = args_list(a, "loglevel", &n);
    for (size_t i = 0; i < n; i++) {
        if (logger_set_level(log, list[i]))
            continue;
        *error =
            strchr(list[i], ':') == NULL
                ? xasprintf("Unsupported global logging level -loglevel=%s. Valid "
                            "values: info, debug, trace.",
                            list[i])
                : xasprintf("Unsupported category-specific logging level "
                            "-loglevel=%s. Expected -loglevel=<category>:<loglevel>. "
                            "Valid loglevels: info, debug, trace.",
                            list[i]);
        return false;
    }
    return true;
}

bool setup_logging(struct setup *s, struct logger *log, char **error)
{
    const struct args *a = s->args;
    if (!set_categories(a, log, "debug", true, error) ||
        !set_categories(a, log, "debugexclude", false, error) ||
        !set_levels(a, log, error))
        return false;
    bool background =
        args_bool(a, "daemon", false) || args_bool(a, "daemonwait", false);
    char *path = args_is_negated(a, "debuglogfile")
                     ? NULL
                     : setup_path(s->datadir, args_str(a, "debuglogfile", "debug.log"));
    const struct log_options opt = {
        .path = path,
        .print_to_console = args_bool(a, "printtoconsole", !background),
        .time_micros = args_bool(a, "logtimemicros", false),
        .timestamps = args_bool(a, "logtimestamps", true),
        .thread_names = args_bool(a, "logthreadnames", false),
        .source_locations = args_bool(a, "logsourcelocations", false),
        .level_always = args_bool(a, "loglevelalways", false),
        .shrink = args_bool(a, "shrinkdebugfile", !args_is_set(a, "debug")),
    };
    enum err e = logger_open(log, &opt);
    if (e != ERR_OK)
        *error = xasprintf("Could not open debug log file %s", path);
    free(path);
    return e == ERR_OK;
}

void setup_clear(struct setup *s)
{
    if (s->blocks_lock_fd >= 0)
        fs_unlock(s->blocks_lock_fd);
    if (s->lock_fd >= 0)
        fs_unlock(s->lock_fd);
    free(s->base_datadir);
    free(s->datadir);
    free(s->blocksdir);
    free(s->config_path);
    free(s->user_agent_comments);
    *s = (struct setup){0};
}
