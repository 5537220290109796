/* A chain state from a file. It is built beside the one in use, by the caller's thread;
 * only the first look at the chain and the last step run on the validation thread. What
 * is written counts from the moment the base block's hash stands in its directory. */
#include <stdlib.h>

#include "chain/store/utxo_file.h"
#include "chain/store/utxo_hash.h"
#include "chain/validation/internal.h"
#include "chain/validation/snapshot.h"

#define BATCH_BYTES    (8u << 20)
#define ENTRIES_A_STEP 4096 /* of the ticket state, before they go to disk */

_Static_assert(UTXO_FILE_MAX_KEY == STATE_MAX_KEY &&
                   UTXO_FILE_MAX_VALUE == STATE_MAX_VALUE,
               "the file holds what the state can");

struct load {
    struct chainman *cm;
    struct utxo_reader *r;
    const struct utxo_file_header *h;
    const struct assumeutxo *au;
    struct block_index *base;
    struct chainstate *cs; /* being built; owned until it is active */
    char *error;           /* owned */
};

static bool fail(struct load *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool fail(struct load *l, const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    free(l->error);
    buf_append_byte(&b, '\0');
    l->error = (char *)buf_take(&b, NULL);
    return false;
}

/* -- Does the chain want it? On the validation thread -- */

static bool check_known(struct load *l)
{
    char hex[65];
    l->au = assumeutxo_at_block(l->cm->params, &l->h->base);
    if (l->au)
        return true;
    char *heights = assumeutxo_heights(l->cm->params);
    fail(l,
         "assumeutxo block hash in snapshot metadata not recognized (hash: %s). The "
         "following snapshot heights are available: %s",
         hash256_to_hex(hex, &l->h->base), heights);
    free(heights);
    return false;
}

static bool check_base(struct load *l)
{
    const struct chainman *cm = l->cm;
    char hex[65];
    hash256_to_hex(hex, &l->h->base);
    l->base = block_tree_find(cm, &l->h->base);
    if (!l->base)
        return fail(l,
                    "The base block header (%s) must appear in the headers chain. Make "
                    "sure all headers are syncing, and call loadtxoutset again",
                    hex);
    if (l->base->status & BLOCK_FAILED_MASK)
        return fail(l, "The base block header (%s) is part of an invalid chain", hex);
    if (block_index_ancestor(cm->best_header, l->base->height) != l->base)
        return fail(l, "A forked headers-chain with more work than the chain with the "
                       "snapshot base block header exists. Please proceed to sync "
                       "without AssumeUtxo.");
    if (l->base->height != l->au->height)
        return fail(l,
                    "Assumeutxo height in snapshot metadata not recognized (%d) - "
                    "refusing to load snapshot",
                    l->base->height);
    return true;
}

/* What must hold before the work and again after it. */
static bool check_chain(struct load *l)
{
    struct chainman *cm = l->cm;
    if (cm->from_snapshot)
        return fail(l, "Can't activate a snapshot-based chainstate more than once");
    if (!check_known(l) || !check_base(l))
        return false;
    if (cm->mempool.is_empty && !cm->mempool.is_empty(cm->mempool.ctx))
        return fail(l, "Can't activate a snapshot when mempool not empty");
    if (u256_cmp(&chain_tip(cm)->chain_work, &l->base->chain_work) >= 0)
        return fail(l, "Work does not exceed active chainstate");
    return true;
}

static void begin(void *arg)
{
    struct load *l = arg;
    if (atomic_exchange(&l->cm->loading_snapshot, true)) {
        fail(l, "Can't activate a snapshot-based chainstate more than once");
        return;
    }
    if (!check_chain(l))
        l->cm->loading_snapshot = false;
}

/* -- Coins -- */

static bool bad_coin(struct load *l, enum utxo_read status)
{
    unsigned long long n = utxo_reader_coins_read(l->r);
    switch (status) {
    case UTXO_READ_TOO_MANY:
        return fail(l, "Mismatch in coins count in snapshot metadata and actual "
                       "snapshot data");
    case UTXO_READ_BAD_COIN:
        return fail(l, "Bad snapshot data after deserializing %llu coins", n);
    case UTXO_READ_BAD_VALUE:
        return fail(l,
                    "Bad snapshot data after deserializing %llu coins - bad tx out "
                    "value",
                    n);
    case UTXO_READ_OK:
    case UTXO_READ_END:
    case UTXO_READ_MALFORMED:
        break;
    }
    return fail(l,
                "Bad snapshot format or truncated snapshot after deserializing %llu "
                "coins",
                n);
}

static void put_coin(struct db_batch *batch, struct buf *value,
                     const struct outpoint *o, const struct coin *c)
{
    uint8_t key[40];
    struct sink s = sink_to_buf(value);
    buf_reset(value);
    coin_write(&s, c);
    db_batch_put(batch, coin_key(key, o), buf_view(value));
}

static bool write_batch(struct load *l, struct db_batch *batch)
{
    enum err e = batch->count > 0 ? db_write(l->cs->db, batch, false) : ERR_OK;
    db_batch_reset(batch);
    if (chainman_stopping(l->cm))
        return fail(l, "Aborting after an interrupt was requested");
    return e == ERR_OK || fail(l, "Cannot write the snapshot: %s", err_text(e));
}

static void log_coins(struct load *l, const char *what)
{
    log_info(l->cm->log, "[snapshot] %s %llu coins", what,
             (unsigned long long)utxo_reader_coins_read(l->r));
}

static bool copy_coins(struct load *l, struct db_batch *batch, struct utxo_hash *hash)
{
    struct buf value = {0};
    struct outpoint o;
    struct coin c;
    enum utxo_read status;
    bool ok = true;
    while (ok && (status = utxo_reader_coin(l->r, (uint32_t)l->base->height, &o, &c)) ==
                     UTXO_READ_OK) {
        utxo_hash_add(hash, &o, &c);
        /* What cannot be spent is in no set; the hash will tell. */
        if (!script_is_unspendable(c.script))
            put_coin(batch, &value, &o, &c);
        if (batch->bytes >= BATCH_BYTES)
            ok = write_batch(l, batch);
        if (utxo_reader_coins_read(l->r) % 1000000 == 0)
            log_coins(l, "loaded");
    }
    buf_clear(&value);
    if (ok && status != UTXO_READ_END)
        ok = bad_coin(l, status);
    return ok && write_batch(l, batch);
}

static bool check_hash(struct load *l, const struct hash256 *got)
{
    char want_hex[65], got_hex[65];
    if (hash256_equal(got, &l->au->txoutset))
        return true;
    return fail(l, "Bad snapshot content hash: expected %s, got %s",
                hash256_to_hex(want_hex, &l->au->txoutset),
                hash256_to_hex(got_hex, got));
}

/* A set with the right hash is the right set: the hash covers every octet of every coin
 * in order. So what was written need not be read again. */
static bool load_coins(struct load *l)
{
    struct db_batch batch;
    struct utxo_hash hash;
    struct hash256 got;
    db_batch_init(&batch);
    utxo_hash_init(&hash);
    bool ok = copy_coins(l, &batch, &hash);
    utxo_hash_final(&hash, &got);
    db_batch_clear(&batch);
    if (!ok)
        return false;
    log_coins(l, "loaded all of");
    bool has_state = l->cm->params->tickets_height != TICKETS_NEVER;
    if (!has_state && !utxo_reader_at_end(l->r))
        return fail(l, "Bad snapshot - coins left over after deserializing %llu coins",
                    (unsigned long long)utxo_reader_coins_read(l->r));
    return check_hash(l, &got);
}

/* -- Ticket state -- */

static bool flush_state(struct load *l)
{
    struct db_batch batch;
    db_batch_init(&batch);
    state_flush_into(l->cs->state, &batch);
    enum err e = db_write(l->cs->db, &batch, false);
    db_batch_clear(&batch);
    if (e == ERR_OK)
        state_flush_done(l->cs->state);
    if (chainman_stopping(l->cm))
        return fail(l, "Aborting after an interrupt was requested");
    return e == ERR_OK || fail(l, "Cannot write the snapshot: %s", err_text(e));
}

static enum utxo_read copy_entries(struct load *l)
{
    struct state_txn *t = state_begin(l->cs->state);
    struct bytes key, value;
    enum utxo_read status = UTXO_READ_OK;
    for (int i = 0; i < ENTRIES_A_STEP && status == UTXO_READ_OK; i++) {
        status = utxo_reader_entry(l->r, &key, &value);
        if (status == UTXO_READ_OK)
            state_put(t, key, value);
    }
    state_commit(t);
    return status;
}

static bool check_root(struct load *l)
{
    struct hash256 root = state_root(l->cs->state);
    if (state_error(l->cs->state) != ERR_OK)
        return fail(l, "Cannot read the snapshot's ticket state: %s",
                    err_text(state_error(l->cs->state)));
    return hash256_equal(&root, &l->au->state_root) ||
           fail(l, "Bad snapshot: its ticket state is not that of the block");
}

static bool load_state(struct load *l)
{
    enum utxo_read status = UTXO_READ_OK;
    if (l->cm->params->tickets_height == TICKETS_NEVER)
        return true;
    while (status == UTXO_READ_OK) {
        status = copy_entries(l);
        if (!flush_state(l))
            return false;
    }
    if (status != UTXO_READ_END || !utxo_reader_at_end(l->r))
        return fail(l, "Bad snapshot format or truncated snapshot in the ticket state");
    return check_root(l);
}

/* -- The rest -- */

/* The best block, and before it everything else, reaches the disk. */
static bool save(struct load *l)
{
    coins_set_best_block(l->cs->coins, &l->base->hash);
    db_settle(l->cs->db);
    enum err e = chainstate_write(l->cs, false);
    return e == ERR_OK || fail(l, "Cannot write the snapshot: %s", err_text(e));
}

static bool populate(struct load *l)
{
    char *error = NULL;
    if (chainstate_open(&l->cs, l->cm, SNAPSHOT_DIR, true, &error) != ERR_OK) {
        fail(l, "%s", error);
        free(error);
        return false;
    }
    if (load_coins(l) && load_state(l)) {
        chainstate_mark_coins(l->cs);
        if (save(l))
            return true;
    }
    char *why = l->error;
    l->error = NULL;
    fail(l, "Population failed: %s", why);
    free(why);
    return false;
}

/* -- The last step: on the validation thread -- */

void snapshot_activate(struct chainman *cm, struct chainstate *cs,
                       struct block_index *base)
{
    const struct block_index *start = chain_tip(cm);
    block_files_split(cm->files, (uint32_t)base->height);
    chainman_write_lock(cm);
    base->chain_tx = cm->snapshot->chain_tx;
    cs->base = base;
    chainstate_set_tip(cs, base);
    chainstate_attach(cs);
    cm->background = cm->active;
    cm->active = cs;
    cm->from_snapshot = true;
    cm->background->candidates.n = 0;
    candidates_refill(cm->background);
    candidates_refill(cm->active);
    candidates_prune(cm->active);
    chainstates_share_cache(cm);
    chainman_write_unlock(cm);
    event_snapshot(cm, base, false);
    settle_mempool(cm, false);
    event_tip_changed(cm, start);
}

static void finish(void *arg)
{
    struct load *l = arg;
    struct chainman *cm = l->cm;
    char hex[65];
    if (!check_chain(l))
        return;
    /* The next start must know the header of the base. */
    enum err e = chainman_flush(cm);
    if (e == ERR_OK)
        e = snapshot_dir_complete(cm, &l->base->hash);
    if (e != ERR_OK) {
        fail(l, "Cannot write the snapshot: %s", err_text(e));
        return;
    }
    cm->snapshot = l->au;
    snapshot_activate(cm, l->cs, l->base);
    l->cs = NULL;
    log_info(cm->log, "[snapshot] successfully activated snapshot %s",
             hash256_to_hex(hex, &l->base->hash));
    chainman_activate_best(cm);
}

char *snapshot_load(struct chainman *cm, struct utxo_reader *r,
                    const struct utxo_file_header *h, const struct block_index **base)
{
    struct load l = {.cm = cm, .r = r, .h = h};
    if (chainman_call(cm, begin, &l) != ERR_OK)
        fail(&l, "Aborting after an interrupt was requested");
    if (l.error)
        return l.error;
    if (populate(&l) && chainman_call(cm, finish, &l) != ERR_OK)
        fail(&l, "Aborting after an interrupt was requested");
    if (l.error) {
        chainstate_free(l.cs);
        snapshot_dir_remove(cm);
    }
    *base = l.base;
    cm->loading_snapshot = false;
    return l.error;
}
