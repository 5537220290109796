/* Tickets, chain and mempool: their options, from the command line to their structs. */
#include <stdlib.h>

#include "chain/mempool/fee_estimator.h"
#include "chain/mempool/mempool.h"
#include "chain/rules/unknown_rules.h"
#include "chain/mining/miner.h"
#include "chain/validation/chainman.h"
#include "mn/sn_operator.h"
#include "mn/supernodes.h"
#include "node/daemon.h"
#include "tickets/tickets.h"
#include "util/fs.h"

#define MIB                (1024 * 1024)
#define MEMPOOL_FILE       "mempool.dat"
#define TICKET_INDEX_CACHE (2 * MIB)
#define REGTEST_KDF_MEMORY (8 * MIB)

static void on_init_message(void *ctx, const char *text)
{
    daemon_init_message(ctx, text);
}

static void on_request_stop(void *ctx, const char *fatal)
{
    daemon_stop(ctx, fatal);
}

/* --- tickets ------------------------------------------------------------- */

uint64_t daemon_kdf_memory(const struct daemon *d)
{
    bool regtest = strcmp(d->node.params->name, "regtest") == 0;
    uint64_t kdf = (uint64_t)args_int(d->node.args, "kdfmemory", 0) * MIB;
    return kdf == 0 && regtest ? REGTEST_KDF_MEMORY : kdf;
}

/* -supernode */
static bool open_operator(struct daemon *d, char **error)
{
    const char *name = args_str(d->node.args, "supernode", NULL);
    if (name == NULL)
        return true;
    if (d->node.params->tickets_height == TICKETS_NEVER) {
        *error = xstrdup("-supernode: this network has no supernodes.");
        return false;
    }
    enum err e = sn_operator_open(&d->node.sn_operator, d->node.datadir, name);
    if (e == ERR_NOT_FOUND)
        *error =
            xasprintf("-supernode=%s: there is no such key in %s/supernodes. Start "
                      "without the option and make one: supernode genkey \"%s\"",
                      name, d->node.datadir, name);
    else if (e != ERR_OK)
        *error =
            xasprintf("-supernode=%s: %s/supernodes/%s cannot be used: %s. Restore "
                      "it from a backup.",
                      name, d->node.datadir, name, err_text(e));
    return e == ERR_OK;
}

bool tickets_part_open(struct daemon *d, char **error)
{
    if (!open_operator(d, error))
        return false;
    const struct args *a = d->node.args;
    d->node.supernodes = supernodes_new();
    const struct tickets_options opt = {
        .supernodes = supernodes_view(d->node.supernodes),
        .params = d->node.params,
        .log = d->node.log,
        .datadir = d->node.datadir,
        .kdf_memory = daemon_kdf_memory(d),
        .index_cache_bytes = TICKET_INDEX_CACHE,
        .reindex =
            args_bool(a, "reindex", false) || args_bool(a, "reindex-chainstate", false),
        .request_stop = on_request_stop,
        .stop_ctx = d,
    };
    d->node.tickets = tickets_new(&opt);
    return true;
}

void tickets_part_close(struct daemon *d)
{
    tickets_free(d->node.tickets);
    supernodes_free(d->node.supernodes);
    sn_operator_free(d->node.sn_operator);
}

bool index_part_open(struct daemon *d, char **error)
{
    return tickets_attach(d->node.tickets, d->node.chainman, error) == ERR_OK;
}

/* --- chain --------------------------------------------------------------- */

/* Miners enforce what this program does not know: the user should look for a newer one.
 */
static void watch_rules(struct daemon *d, const struct block_index *tip)
{
    char text[80];
    uint32_t bits = d->rules_watched ? unknown_rules_added(d->node.params, tip)
                                     : unknown_rules_active(d->node.params, tip);
    d->rules_watched = true;
    if (bits == 0)
        return;
    snprintf(text, sizeof(text), "Unknown new rules activated (versionbit %d)",
             __builtin_ctz(bits));
    daemon_warn(d, WARN_RULES, text);
}

static void on_tip_changed(void *ctx, const struct block_index *tip,
                           const struct block_index *fork UNUSED, bool initial)
{
    struct daemon *d = ctx;
    char hex[65];
    const char *command = args_str(d->node.args, "blocknotify", "");
    if (initial)
        return;
    watch_rules(d, tip);
    if (command[0] != '\0')
        notifier_run(d->notifier, command, hash256_to_hex(hex, &tip->hash));
}

static void on_invalid_chain(void *ctx, const char *text)
{
    struct daemon *d = ctx;
    if (text)
        daemon_warn(d, WARN_INVALID_CHAIN, text);
    else
        warnings_withdraw(&d->warnings, WARN_INVALID_CHAIN);
}

/* bitcoind's unit is MiB, 1 means "by hand only". */
static uint64_t prune_target(const struct args *a)
{
    int64_t prune = args_int(a, "prune", 0);
    return prune <= 1 ? (uint64_t)prune : (uint64_t)prune * MIB;
}

bool chain_part_open(struct daemon *d, char **error)
{
    const struct args *a = d->node.args;
    size_t n;
    const struct chainman_options opt = {
        .params = d->node.params,
        .hooks = tickets_hooks(d->node.tickets),
        .clock = d->node.clock,
        .log = d->node.log,
        .workers = d->node.workers,
        .datadir = d->node.datadir,
        .blocksdir = d->node.blocksdir,
        .dbcache = (size_t)args_int(a, "dbcache", 450) * MIB,
        .db_batch_bytes = (size_t)args_int(a, "dbbatchsize", 16 << 20),
        .db_crash_ratio = (uint64_t)args_int(a, "dbcrashratio", 0),
        .reindex = args_bool(a, "reindex", false),
        .reindex_chainstate = args_bool(a, "reindex-chainstate", false),
        .compact = args_bool(a, "forcecompactdb", false),
        .blocks_xor = args_bool(a, "blocksxor", true),
        .small_block_files = args_bool(a, "fastprune", false),
        .prune_target = prune_target(a),
        .txindex = args_bool(a, "txindex", false),
        .filter_index = d->setup->filter_index,
        .coinstats_index = args_bool(a, "coinstatsindex", false),
        .stop_at_height = (int32_t)args_int(a, "stopatheight", 0),
        .max_tip_age = args_int(a, "maxtipage", 24 * 60 * 60),
        .check_blocks = (int)args_int(a, "checkblocks", 6),
        .check_level = (int)args_int(a, "checklevel", 3),
        .check_block_index =
            args_bool(a, "checkblockindex", d->node.params->default_consistency_checks),
        .sigcache_bytes = (uint64_t)args_int(a, "maxsigcachesize", 32) * MIB,
        .load_blocks = args_list(a, "loadblock", &n),
        .init_message = on_init_message,
        .init_ctx = d,
        .request_stop = on_request_stop,
        .stop_ctx = d,
    };
    struct chainman *cm;
    if (chainman_open(&cm, &opt, error) != ERR_OK)
        return false;
    const struct chain_events ev = {
        .ctx = d,
        .tip_changed = on_tip_changed,
        .invalid_chain = on_invalid_chain,
    };
    chainman_subscribe(cm, &ev);
    pthread_mutex_lock(&d->lock);
    d->node.chainman = cm;
    pthread_mutex_unlock(&d->lock);
#ifdef HAVE_ZMQ
    zmq_part_subscribe(d);
#endif
    return true;
}

void chain_part_interrupt(struct daemon *d)
{
    pthread_mutex_lock(&d->lock);
    if (d->node.chainman != NULL)
        chainman_interrupt(d->node.chainman);
    pthread_mutex_unlock(&d->lock);
}

void chain_part_close(struct daemon *d)
{
    chainman_close(d->node.chainman);
    d->node.chainman = NULL;
    miner_free(d->node.miner);
    if (d->node.mempool != NULL)
        mempool_free(d->node.mempool);
    fee_estimator_free(d->node.fees);
    net_part_close(d);
    wallet_link_free(d);
}

/* --- mempool ------------------------------------------------------------- */

static bool fee_rates(const struct daemon *d, struct mempool_options *opt, char **error)
{
    const struct {
        const char *name;
        int64_t *rate;
    } rates[] = {
        {"minrelaytxfee", &opt->min_relay_feerate},
        {"incrementalrelayfee", &opt->incremental_feerate},
        {"dustrelayfee", &opt->dust_feerate},
    };
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct amount v = {*rates[i].rate};
        if (!setup_amount(d->setup, rates[i].name, &v, error))
            return false;
        *rates[i].rate = v.v;
    }
    return true;
}

static bool miner_open(struct daemon *d, char **error)
{
    const struct args *a = d->node.args;
    struct miner_options opt = miner_default_options(d->node.mempool);
    struct amount rate = {opt.min_feerate};
    if (!setup_amount(d->setup, "blockmintxfee", &rate, error))
        return false;
    opt.min_feerate = rate.v;
    opt.max_weight = args_int(a, "blockmaxweight", opt.max_weight);
    opt.log = args_bool(a, "printpriority", false) ? d->node.log : NULL;
    if (d->node.params->is_test_chain)
        opt.version = (int32_t)args_int(a, "blockversion", 0);
    d->node.miner = miner_new(d->node.chainman, d->node.mempool, &opt);
    return true;
}

bool mempool_part_open(struct daemon *d, char **error)
{
    const struct args *a = d->node.args;
    const struct chain_params *p = d->node.params;
    struct mempool_options opt = mempool_default_options();
    opt.hooks = tickets_hooks(d->node.tickets);
    opt.clock = d->node.clock;
    opt.log = d->node.log;
    opt.max_bytes = args_int(a, "maxmempool", 300) * 1000000;
    opt.expiry_s = args_int(a, "mempoolexpiry", 336) * 60 * 60;
    opt.max_ancestors = (uint32_t)args_int(a, "limitancestorcount", 25);
    opt.max_ancestor_bytes = args_int(a, "limitancestorsize", 101) * 1000;
    opt.max_descendants = (uint32_t)args_int(a, "limitdescendantcount", 25);
    opt.max_descendant_bytes = args_int(a, "limitdescendantsize", 101) * 1000;
    opt.max_datacarrier = args_bool(a, "datacarrier", true)
                              ? (uint32_t)args_int(a, "datacarriersize", 83)
                              : 0;
    opt.bytes_per_sigop = (uint32_t)args_int(a, "bytespersigop", 20);
    opt.permit_bare_multisig = args_bool(a, "permitbaremultisig", true);
    opt.require_standard = !args_bool(a, "acceptnonstdtxn", false);
    opt.full_rbf = args_bool(a, "mempoolfullrbf", true);
    opt.persist = args_bool(a, "persistmempool", true);
    opt.persist_v1 = args_bool(a, "persistmempoolv1", false);
    opt.check_ratio = (int)args_int(a, "checkmempool", p->default_consistency_checks);
    if (!fee_rates(d, &opt, error))
        return false;
    d->node.mempool = mempool_new(d->node.chainman, &opt);
    return miner_open(d, error);
}

/* --- import -------------------------------------------------------------- */

static void nothing(void *arg UNUSED)
{
}

static void load_mempool(struct daemon *d)
{
    struct mempool *mp = d->node.mempool;
    char *path = path_join(d->node.datadir, MEMPOOL_FILE);
    if (mempool_get_options(mp)->persist && path_exists(path)) {
        enum err e = mempool_load(mp, path, false, true, true);
        if (e != ERR_OK && e != ERR_CLOSED)
            log_info(d->node.log,
                     "Failed to deserialize mempool data on file: %s. "
                     "Continuing anyway.",
                     err_text(e));
    }
    free(path);
    mempool_set_loaded(mp);
}

/* What may take long and what RPC callers need not wait for. */
static void *loader_thread(void *arg)
{
    struct daemon *d = arg;
    log_thread_name("initload");
    struct chainman *cm = d->node.chainman;
    /* The import is a chain of jobs; each round waits for one of them. */
    do {
        if (chainman_call(cm, nothing, NULL) != ERR_OK)
            return NULL;
    } while (chainman_importing(cm));
    if (args_bool(d->node.args, "stopafterblockimport", false)) {
        log_info(d->node.log, "Stopping after block import");
        daemon_stop(d, NULL);
        return NULL;
    }
    load_mempool(d);
    return NULL;
}

bool import_part_open(struct daemon *d, char **error)
{
    chainman_start_import(d->node.chainman); /* first: peers are told to wait for it */
    net_part_start(d);
    if (pthread_create(&d->loader, NULL, loader_thread, d) == 0)
        return true;
    *error = xstrdup("Could not start a thread.");
    return false;
}

void import_part_close(struct daemon *d)
{
    pthread_join(d->loader, NULL);
    struct mempool *mp = d->node.mempool;
    if (!mempool_get_options(mp)->persist || !mempool_loaded(mp))
        return;
    char *path = path_join(d->node.datadir, MEMPOOL_FILE);
    enum err e = mempool_save(mp, path);
    if (e != ERR_OK)
        log_error(d->node.log, "Failed to dump mempool: %s. Continuing anyway.",
                  err_text(e));
    free(path);
}
