/* One block on top of what coins and ticket state stand at. */
#include <stdlib.h>

#include "chain/rules/locks.h"
#include "chain/rules/tx_check.h"
#include "chain/script/interpreter.h"
#include "chain/validation/internal.h"

#define CHECK_BATCH 64

/* A pure check that a hook put off. */
struct deferred {
    bool (*run)(void *arg);
    void (*drop)(void *arg);
    void *arg; /* owned by run or drop */
};

/* One block being connected. */
struct connection {
    struct chainstate *cs;
    struct chainman *cm; /* of cs */
    const struct block *b;
    struct block_index *bi;
    struct reject *rej;
    uint32_t flags; /* script rules in force */
    bool check_scripts;
    bool relative_locks; /* BIP 68 */
    bool store_sigs;     /* a test: what is verified will be wanted again */
    struct arena mem;
    struct block_undo undo;
    uint32_t txs_added;           /* transactions whose outputs are in the coins */
    struct sighash_data *sighash; /* per transaction; tx NULL: not begun */
    struct script_check batch[CHECK_BATCH];
    size_t n_batch;
    int64_t fees, sigop_cost;
    /* hooks */
    const struct consensus_hooks *hooks; /* NULL: none for this block */
    struct rule_env env;
    struct map marks;          /* of env */
    struct deferred *deferred; /* owned */
    size_t n_deferred, cap_deferred;
};

/* -- Taking back -- */

/* All the coins' changes so far, backwards. */
static void take_back(struct connection *c)
{
    for (uint32_t i = c->b->n_tx; i-- > 0;) {
        const struct tx *tx = &c->b->txs[i];
        if (i < c->txs_added)
            undo_outputs(c->cs, tx, (uint32_t)c->bi->height);
        if (i > 0)
            undo_inputs(c->cs, tx, &c->undo.txs[i - 1]);
    }
}

/* -- Script checks -- */

/* Whether the scripts of this block may be taken for granted: it is an ancestor of
 * -assumevalid's block on the best known chain, that chain has the least work asked
 * for, and the block lies two weeks' worth of work below, so that nobody can put a
 * false chain before us cheaply. */
static bool scripts_assumed_valid(const struct chainman *cm,
                                  const struct block_index *bi)
{
    if (hash256_is_zero(&cm->params->assume_valid))
        return false;
    const struct block_index *av = block_tree_find(cm, &cm->params->assume_valid);
    const struct block_index *best = cm->best_header;
    if (!av || !best || block_index_ancestor(av, bi->height) != bi ||
        block_index_ancestor(best, bi->height) != bi ||
        u256_cmp(&best->chain_work, &cm->params->minimum_chain_work) < 0)
        return false;
    return block_index_equivalent_time(best, bi, best, cm->params->spacing) >
           INT64_C(60) * 60 * 24 * 7 * 2;
}

static void flush_checks(struct connection *c)
{
    if (c->n_batch > 0)
        check_queue_add(c->cm->scripts, c->batch, c->n_batch);
    c->n_batch = 0;
}

static void queue_scripts(struct connection *c, uint32_t i, const struct txout *spent)
{
    const struct tx *tx = &c->b->txs[i];
    struct sigcache *cache = c->cm->sigcache;
    if (sigcache_is_empty(cache) && !c->store_sigs)
        cache = NULL;
    else if (sigcache_has_tx(cache, &tx->wtxid, c->flags, !c->store_sigs))
        return;
    sighash_data_init(&c->sighash[i], tx, spent, false);
    for (uint32_t k = 0; k < tx->n_in; k++) {
        if (c->n_batch == CHECK_BATCH)
            flush_checks(c);
        c->batch[c->n_batch++] = (struct script_check){
            .data = &c->sighash[i],
            .input = k,
            .flags = c->flags,
            .cache = cache,
            .store = c->store_sigs,
        };
    }
}

/* Waits for all checks. A failed script outranks what was found wrong behind it, as
 * if scripts had been run in order. */
static bool finish_scripts(struct connection *c)
{
    struct script_check failed;
    flush_checks(c);
    if (!c->check_scripts || check_queue_wait(c->cm->scripts, &failed))
        return true;
    reject_suffix(c->rej, REJECT_SCRIPT_MANDATORY, " (%s)",
                  script_error_text(failed.error));
    return reject_as_block(c->rej);
}

static void clear_scripts(struct connection *c)
{
    for (uint32_t i = 0; c->sighash && i < c->b->n_tx; i++)
        if (c->sighash[i].tx)
            sighash_data_clear(&c->sighash[i]);
}

/* -- Hooks -- */

static void defer_check(void *ctx, bool (*run)(void *arg), void (*drop)(void *arg),
                        void *arg)
{
    struct connection *c = ctx;
    if (c->n_deferred == c->cap_deferred) {
        c->cap_deferred = c->cap_deferred ? c->cap_deferred * 2 : 16;
        c->deferred =
            xrealloc_array(c->deferred, c->cap_deferred, sizeof(*c->deferred));
    }
    c->deferred[c->n_deferred++] = (struct deferred){run, drop, arg};
}

static bool run_deferred_one(void *ctx, size_t i)
{
    struct connection *c = ctx;
    struct deferred *d = &c->deferred[i];
    void *arg = d->arg;
    d->arg = NULL;
    return d->run(arg);
}

static bool run_deferred(struct connection *c)
{
    if (pool_for(c->cm->opt.workers, c->n_deferred, 1, run_deferred_one, c))
        return true;
    reject(c->rej, REJECT_TICKET_SIGNATURE, NULL);
    return reject_as_block(c->rej);
}

static void drop_deferred(struct connection *c)
{
    for (size_t i = 0; i < c->n_deferred; i++)
        if (c->deferred[i].arg)
            c->deferred[i].drop(c->deferred[i].arg);
    free(c->deferred);
}

static bool coin_here(void *ctx, const struct outpoint *o, struct coin *out)
{
    struct connection *c = ctx;
    return coins_fetch(c->cs->coins, o, out);
}

static void hooks_begin(struct connection *c)
{
    const struct consensus_hooks *h = c->cm->opt.hooks;
    if (!h || !h->active(h->ctx, c->cm->params, c->bi->height))
        return;
    c->hooks = h;
    coin_marks_init(&c->marks);
    c->env = (struct rule_env){
        .params = c->cm->params,
        .height = c->bi->height,
        .state = state_begin(c->cs->state),
        .defer = defer_check,
        .defer_ctx = c,
        .coin = coin_here,
        .coin_ctx = c,
        .marks = &c->marks,
    };
}

static void mark_coins(struct connection *c)
{
    const void *outpoint;
    void *marks;
    for (size_t i = 0; map_next(&c->marks, &i, &outpoint, &marks);)
        coins_mark(c->cs->coins, outpoint, *(const uint8_t *)marks);
}

/* -- Connecting -- */

static bool bad_block(struct connection *c, enum reject_code code, const char *detail)
{
    reject(c->rej, code, detail);
    return reject_as_block(c->rej);
}

/* BIP 30: no transaction may have the id of one that is not fully spent. Once the
 * height stands in every coinbase (BIP 34) that cannot be, so only chains that begin
 * without it are searched. */
static bool check_bip30(struct connection *c)
{
    if (buried_active_at(c->cm->params, BURIED_BIP34, 1))
        return true;
    for (uint32_t i = 0; i < c->b->n_tx; i++) {
        struct outpoint o = {.txid = c->b->txs[i].txid};
        for (o.n = 0; o.n < c->b->txs[i].n_out; o.n++)
            if (coins_have(c->cs->coins, &o))
                return bad_block(c, REJECT_BAD_TXNS_BIP30,
                                 "tried to overwrite transaction");
    }
    return true;
}

static bool check_relative_locks(struct connection *c, const struct tx *tx,
                                 const struct tx_undo *u)
{
    if (!c->relative_locks || tx->version < 2)
        return true;
    uint32_t heights_here[16];
    uint32_t *heights = tx->n_in <= ARRAY_LEN(heights_here)
                            ? heights_here
                            : arena_alloc(&c->mem, tx->n_in * sizeof(*heights));
    for (uint32_t i = 0; i < tx->n_in; i++)
        heights[i] = u->coins[i].height;
    struct sequence_lock lock = sequence_lock_of(tx, heights, c->bi->prev, NULL);
    if (sequence_lock_passed(lock, c->bi->prev))
        return true;
    return bad_block(c, REJECT_BAD_TXNS_NONFINAL,
                     "contains a non-BIP68-final transaction");
}

static bool add_fee(struct connection *c, struct amount fee)
{
    c->fees += fee.v;
    if (money_range(amount_of(c->fees)))
        return true;
    return bad_block(c, REJECT_BAD_TXNS_ACCUMULATED_FEE,
                     "accumulated fee in the block out of range");
}

static bool add_sigops(struct connection *c, const struct tx *tx,
                       const struct coin *const *spent)
{
    c->sigop_cost += tx_sigop_cost(tx, spent, c->flags);
    return c->sigop_cost <= MAX_BLOCK_SIGOPS_COST ||
           bad_block(c, REJECT_BAD_BLK_SIGOPS, "too many sigops");
}

/* Takes the inputs' coins out of the set and into the undo. */
static bool spend_inputs(struct connection *c, const struct tx *tx, struct tx_undo *u)
{
    u->coins = arena_alloc(&c->mem, tx->n_in * sizeof(*u->coins));
    for (u->n = 0; u->n < tx->n_in; u->n++)
        if (!coins_spend(c->cs->coins, &tx->in[u->n].prevout, &u->coins[u->n], &c->mem))
            return bad_block(c, REJECT_BAD_TXNS_INPUTS_MISSINGORSPENT,
                             "CheckTxInputs: inputs missing/spent");
    return true;
}

/* Transaction i > 0: everything but its scripts, which are queued. */
static bool connect_tx(struct connection *c, uint32_t i)
{
    const struct tx *tx = &c->b->txs[i];
    struct tx_undo *u = &c->undo.txs[i - 1];
    if (!spend_inputs(c, tx, u))
        return false;
    const struct coin **spent = arena_alloc(&c->mem, tx->n_in * sizeof(*spent));
    struct txout *outs = arena_alloc(&c->mem, tx->n_in * sizeof(*outs));
    for (uint32_t k = 0; k < tx->n_in; k++) {
        spent[k] = &u->coins[k];
        outs[k] = (struct txout){.value = spent[k]->value, .script = spent[k]->script};
    }
    struct amount fee;
    if (!tx_check_inputs(tx, spent, c->bi->height, &fee, c->rej))
        return reject_as_block(c->rej);
    if (!add_fee(c, fee) || !check_relative_locks(c, tx, u) ||
        !add_sigops(c, tx, spent))
        return false;
    if (c->hooks && !c->hooks->tx(c->hooks->ctx, &c->env, tx, spent, NULL, c->rej))
        return reject_as_block(c->rej);
    if (c->check_scripts)
        queue_scripts(c, i, outs);
    return true;
}

static bool connect_txs(struct connection *c)
{
    for (uint32_t i = 0; i < c->b->n_tx; i++) {
        bool ok = i == 0 ? add_sigops(c, &c->b->txs[0], NULL) : connect_tx(c, i);
        if (!ok)
            return false;
        coins_add_tx(c->cs->coins, &c->b->txs[i], (uint32_t)c->bi->height, false);
        c->txs_added = i + 1;
    }
    return true;
}

static bool check_coinbase_value(struct connection *c, struct amount max_value)
{
    int64_t value = tx_value_out(&c->b->txs[0]).v;
    if (value <= max_value.v + c->fees)
        return true;
    reject_detail(c->rej, REJECT_BAD_CB_AMOUNT,
                  "coinbase pays too much (actual=%lld vs limit=%lld)",
                  (long long)value, (long long)(max_value.v + c->fees));
    return reject_as_block(c->rej);
}

/* The rules of one block, in order. */
static bool connect_all(struct connection *c)
{
    const struct consensus_hooks *h = c->hooks;
    struct amount subsidy = block_subsidy(c->cm->params, c->bi->height);
    struct amount max_value = subsidy;
    if (!check_bip30(c))
        return false;
    if (h && !h->block_begin(h->ctx, &c->env, c->b, subsidy, &max_value, c->rej))
        return reject_as_block(c->rej);
    if (!connect_txs(c) || !check_coinbase_value(c, max_value))
        return false;
    if (h && !h->block_end(h->ctx, &c->env, c->b, c->rej))
        return reject_as_block(c->rej);
    return run_deferred(c);
}

/* A disk failure makes coins or state look absent: then no verdict on the block is
 * worth anything. */
static bool check_disk(struct connection *c)
{
    enum err e = coins_cache_error(c->cs->coins);
    if (e == ERR_OK)
        e = state_error(c->cs->state);
    if (e == ERR_OK)
        return true;
    *c->rej = (struct reject){0};
    return chainman_fatal_err(c->cm, "Error reading from the chain state database", e);
}

/* Writes the undo data, unless it is there. */
static bool store_undo(struct connection *c)
{
    struct block_index *bi = c->bi;
    if (bi->status & BLOCK_HAVE_UNDO)
        return true;
    struct buf data = {0};
    struct sink s = sink_to_buf(&data);
    block_undo_write(&s, &c->undo);
    struct filepos pos;
    enum err e = undo_files_write(c->cm->files, &pos, bi->file, &bi->prev->hash,
                                  buf_view(&data));
    buf_clear(&data);
    if (e != ERR_OK)
        return chainman_fatal_err(c->cm, "Failed to write undo data", e);
    bi->undo_pos = pos.pos;
    bi->status |= BLOCK_HAVE_UNDO;
    block_tree_mark_dirty(c->cm, bi);
    return true;
}

static bool keep(struct connection *c, enum connect_mode mode)
{
    struct buf state_undo = {0};
    if (c->hooks)
        state_txn_undo(c->env.state, &state_undo);
    c->undo.state = buf_view(&state_undo);
    bool ok = mode != CONNECT_FULL || store_undo(c);
    buf_clear(&state_undo);
    if (!ok)
        return false;
    if (c->hooks) {
        mark_coins(c);
        tell_state_changes(c->cs, c->env.state, &c->marks);
        state_commit(c->env.state);
        c->env.state = NULL;
    }
    if (mode == CONNECT_FULL && block_index_raise(c->bi, BLOCK_VALID_SCRIPTS))
        block_tree_mark_dirty(c->cm, c->bi);
    coins_set_best_block(c->cs->coins, &c->bi->hash);
    return true;
}

static void connection_init(struct connection *c, enum connect_mode mode)
{
    const struct chain_params *p = c->cm->params;
    uint32_t n = c->b->n_tx;
    arena_init(&c->mem, 256 << 10);
    c->flags = block_script_flags(p, c->bi->height);
    c->relative_locks = buried_active_at(p, BURIED_CSV, c->bi->height);
    c->check_scripts = mode != CONNECT_AGAIN && !scripts_assumed_valid(c->cm, c->bi);
    c->store_sigs = mode == CONNECT_TEST;
    c->undo.n_tx = n - 1;
    c->undo.txs = arena_alloc(&c->mem, n * sizeof(*c->undo.txs));
    memset(c->undo.txs, 0, n * sizeof(*c->undo.txs));
    if (c->check_scripts) {
        c->sighash = arena_alloc(&c->mem, n * sizeof(*c->sighash));
        memset(c->sighash, 0, n * sizeof(*c->sighash));
    }
    hooks_begin(c);
}

/* The genesis block creates nothing: the set begins empty and stands at it. */
static bool connect_genesis(struct chainstate *cs, const struct block_index *bi)
{
    coins_set_best_block(cs->coins, &bi->hash);
    return true;
}

bool block_connect(struct chainstate *cs, const struct block *b, struct block_index *bi,
                   enum connect_mode mode, struct reject *rej)
{
    struct chainman *cm = cs->cm;
    if (mode != CONNECT_TEST && !block_check(b, cm->params, true, true, rej))
        return false;
    if (!bi->prev)
        return connect_genesis(cs, bi);
    struct connection c = {.cs = cs, .cm = cm, .b = b, .bi = bi, .rej = rej};
    connection_init(&c, mode);
    bool ok = connect_all(&c);
    ok = finish_scripts(&c) && ok;
    ok = check_disk(&c) && ok;
    if (ok && mode != CONNECT_TEST)
        ok = keep(&c, mode);
    if (!ok || mode == CONNECT_TEST)
        take_back(&c);
    state_discard(c.env.state);
    map_clear(&c.marks);
    drop_deferred(&c);
    clear_scripts(&c);
    arena_clear(&c.mem);
    cm->scripts_skipped = !c.check_scripts;
    return ok;
}
