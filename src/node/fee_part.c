/* Fee estimation: hears of transactions and blocks, and keeps fee_estimates.dat. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "chain/mempool/fee_estimator.h"
#include "chain/mempool/mempool.h"
#include "chain/rules/policy.h"
#include "chain/validation/chainman.h"
#include "node/daemon.h"
#include "util/fs.h"

#define FILE_NAME     "fee_estimates.dat"
#define MAX_FILE_AGE  60            /* hours */
#define MAX_TIP_AGE   (3 * 60 * 60) /* seconds */
#define SAVE_INTERVAL (60 * 60)     /* seconds */

/* -- Events: on the validation thread -- */

/* Else it would seem that blocks were slow to take what was there. */
static bool up_to_date(const struct daemon *d)
{
    const struct chainman *cm = d->node.chainman;
    return !chainman_ibd(cm) &&
           chain_tip(cm)->time >= clock_now(d->node.clock) - MAX_TIP_AGE &&
           chain_height(cm) >= best_header(cm)->height - 1;
}

static void on_tx_added(void *ctx, const struct tx *tx, uint64_t sequence UNUSED)
{
    struct daemon *d = ctx;
    const struct mempool_entry *e = mempool_find(d->node.mempool, &tx->txid);
    if (e != NULL && e->fee_sample && e->n_parents == 0 && up_to_date(d))
        fee_estimator_added(d->node.fees, &tx->txid, e->entry_height,
                            feerate_of(e->fee.v, e->vsize));
}

static void on_tx_removed(void *ctx, const struct tx *tx, enum tx_removal why UNUSED,
                          uint64_t sequence UNUSED)
{
    fee_estimator_removed(((struct daemon *)ctx)->node.fees, &tx->txid);
}

static void on_block(void *ctx, const struct block *b, const struct block_index *bi)
{
    fee_estimator_block(((struct daemon *)ctx)->node.fees, bi->height, b->txs, b->n_tx);
}

static void subscribe(struct daemon *d)
{
    const struct chain_events ev = {
        .ctx = d,
        .block_connected = on_block,
        .tx_added = on_tx_added,
        .tx_removed = on_tx_removed,
    };
    chainman_subscribe(d->node.chainman, &ev);
}

/* -- The file -- */

static bool too_old(struct daemon *d, const char *path, const struct stat *st)
{
    int64_t hours = (clock_now(d->node.clock) - st->st_mtime) / (60 * 60);
    if (hours <= MAX_FILE_AGE ||
        args_bool(d->node.args, "acceptstalefeeestimates", false))
        return false;
    log_info(d->node.log,
             "Fee estimation file %s too old (age=%" PRId64 " > %d hours) and will not "
             "be used to avoid serving stale estimates.",
             path, hours, MAX_FILE_AGE);
    return true;
}

static void load(struct daemon *d, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        log_info(d->node.log, "%s is not found. Continue anyway.", path);
        return;
    }
    if (too_old(d, path, &st))
        return;
    enum err e = fee_estimator_load(d->node.fees, path);
    if (e != ERR_OK)
        log_warning(d->node.log,
                    "Failed to read fee estimates from %s: %s. Continue anyway.", path,
                    err_text(e));
}

static void save(struct daemon *d)
{
    char *path = path_join(d->node.datadir, FILE_NAME);
    enum err e = fee_estimator_save(d->node.fees, path);
    if (e == ERR_OK)
        log_info(d->node.log, "Flushed fee estimates to %s.", FILE_NAME);
    else
        log_error(d->node.log,
                  "Failed to write fee estimates to %s: %s. Continue anyway.", path,
                  err_text(e));
    free(path);
}

static int64_t scheduler_now(struct daemon *d)
{
    return clock_steady_us() / 1000000 + atomic_load(&d->scheduler_ahead);
}

void fee_part_tick(struct daemon *d)
{
    pthread_mutex_lock(&d->lock);
    bool due = d->fees_save_at != 0 && scheduler_now(d) >= d->fees_save_at;
    if (due)
        d->fees_save_at = scheduler_now(d) + SAVE_INTERVAL;
    pthread_mutex_unlock(&d->lock);
    if (due)
        save(d);
}

/* -- Life -- */

static bool check_options(const struct daemon *d, char **error)
{
    const char *chain = d->node.params->name;
    if (strcmp(chain, "regtest") == 0 ||
        !args_bool(d->node.args, "acceptstalefeeestimates", false))
        return true;
    *error = xasprintf("acceptstalefeeestimates is not supported on %s chain.", chain);
    return false;
}

/* Whoever takes no transactions from peers would learn nothing. */
bool fee_part_open(struct daemon *d, char **error)
{
    if (!check_options(d, error))
        return false;
    if (args_bool(d->node.args, "blocksonly", false))
        return true;
    d->node.fees = fee_estimator_new();
    char *path = path_join(d->node.datadir, FILE_NAME);
    load(d, path);
    free(path);
    subscribe(d);
    pthread_mutex_lock(&d->lock);
    d->fees_save_at = scheduler_now(d) + SAVE_INTERVAL;
    pthread_mutex_unlock(&d->lock);
    return true;
}

void fee_part_close(struct daemon *d)
{
    if (d->node.fees == NULL)
        return;
    fee_estimator_give_up(d->node.fees);
    save(d);
}
