/* Which transactions go into a block: packages of a transaction and its ancestors, the
 * best fee rate first. */
#include <stdlib.h>

#include "chain/mining/miner.h"
#include "chain/params/params.h"
#include "chain/rules/block_index.h"
#include "chain/rules/locks.h"
#include "chain/rules/policy.h"
#include "chain/state/state.h"
#include "chain/store/coins_cache.h"
#include "util/heap.h"
#include "util/log.h"

/* A pooled transaction while the block fills: its package is what is still missing of
 * its ancestors, and itself. entry->scratch is the node's number. */
struct node {
    struct mempool_entry *entry;
    int64_t vsize, fees, sigops; /* of the package */
    uint32_t heap_pos;
    bool in_heap, in_block;
    uint64_t mark;
};

struct selection {
    struct block_template *t;
    struct mempool *mp;
    const struct miner_options *opt;
    struct rule_env *tickets; /* NULL: no ticket rules */
    int64_t lock_time;
    struct node *nodes; /* owned */
    size_t n_nodes;
    struct heap heap; /* of pointers; first: the best package */
    uint64_t mark;
    struct node **package; /* owned scratch list */
    size_t n_package, cap_package;
    size_t at;         /* which of the package its ticket rules are run for */
    struct arena *mem; /* of coins that they ask for */
};

/* ---- order ---- */

/* A package counts with the lower of its own and its last transaction's fee rate: a
 * rich parent needs no child to carry it. */
static void score(const struct node *n, __int128 *fee, __int128 *vsize)
{
    int64_t own = entry_modified_fee(n->entry);
    bool alone = (__int128)own * n->vsize <= (__int128)n->fees * n->entry->vsize;
    *fee = alone ? own : n->fees;
    *vsize = alone ? n->entry->vsize : n->vsize;
}

static bool is_better(const void *x, const void *y)
{
    const struct node *a = *(struct node *const *)x, *b = *(struct node *const *)y;
    __int128 fa, sa, fb, sb;
    score(a, &fa, &sa);
    score(b, &fb, &sb);
    if (fa * sb != fb * sa)
        return fa * sb > fb * sa;
    return memcmp(a->entry->tx->txid.b, b->entry->tx->txid.b, 32) < 0;
}

static void on_moved(void *item, size_t pos)
{
    (*(struct node **)item)->heap_pos = (uint32_t)pos;
}

static const struct heap_kind best_first = {sizeof(struct node *), is_better, on_moved};

static bool add_node(void *ctx, const struct mempool_entry *e)
{
    struct selection *s = ctx;
    struct node *n = &s->nodes[s->n_nodes];
    *n = (struct node){.entry = (struct mempool_entry *)e,
                       .vsize = e->ancestor_vsize,
                       .fees = e->ancestor_fees,
                       .sigops = e->ancestor_sigops,
                       .in_heap = true};
    n->entry->scratch = s->n_nodes++;
    heap_append(&s->heap, &best_first, &n);
    return true;
}

static void leave_heap(struct selection *s, struct node *n)
{
    heap_del(&s->heap, &best_first, n->heap_pos);
    n->in_heap = false;
}

/* ---- packages ---- */

static void package_add(struct selection *s, struct node *n)
{
    if (n->mark == s->mark)
        return;
    n->mark = s->mark;
    if (s->n_package == s->cap_package) {
        s->cap_package = s->cap_package ? 2 * s->cap_package : 64;
        s->package = xrealloc_array(s->package, s->cap_package, sizeof(struct node *));
    }
    s->package[s->n_package++] = n;
}

static struct node *node_of(struct selection *s, const struct mempool_entry *e)
{
    return &s->nodes[e->scratch];
}

static int compare_order(const void *a, const void *b)
{
    const struct mempool_entry *x = (*(struct node *const *)a)->entry;
    const struct mempool_entry *y = (*(struct node *const *)b)->entry;
    if (x->n_ancestors != y->n_ancestors)
        return x->n_ancestors < y->n_ancestors ? -1 : 1;
    return memcmp(x->tx->txid.b, y->tx->txid.b, 32);
}

/* The transaction and its ancestors that are not in the block yet, parents first. */
static void collect_package(struct selection *s, struct node *n)
{
    s->mark++;
    s->n_package = 0;
    package_add(s, n);
    for (size_t i = 0; i < s->n_package; i++) {
        const struct mempool_entry *e = s->package[i]->entry;
        for (uint32_t j = 0; j < e->n_parents; j++)
            if (!node_of(s, e->parents[j])->in_block)
                package_add(s, node_of(s, e->parents[j]));
    }
    qsort(s->package, s->n_package, sizeof(struct node *), compare_order);
}

static bool package_fits(const struct selection *s, const struct node *n)
{
    return s->t->weight + n->vsize * WITNESS_SCALE_FACTOR < s->opt->max_weight &&
           s->t->sigops + n->sigops < MAX_BLOCK_SIGOPS_COST;
}

static bool package_is_final(const struct selection *s)
{
    for (size_t i = 0; i < s->n_package; i++)
        if (!tx_is_final(s->package[i]->entry->tx, s->t->height, s->lock_time))
            return false;
    return true;
}

/* Whether the coin will have been spent when the block gets to the transaction that is
 * being looked at. */
static bool spent_before(struct selection *s, const struct outpoint *o)
{
    const struct mempool_entry *spender = mempool_spender(s->mp, o);
    if (spender == NULL)
        return false;
    for (size_t i = 0; i <= s->at && i < s->n_package; i++)
        if (s->package[i]->entry == spender)
            return true;
    return node_of(s, spender)->in_block;
}

static bool coin_here(void *ctx, const struct outpoint *o, struct coin *out)
{
    struct selection *s = ctx;
    return !spent_before(s, o) &&
           coins_peek(chainman_coins(mempool_chainman(s->mp)), o, out, s->mem);
}

/* Signatures were checked when the ticket entered the pool, but the state says which
 * key some of them need; those that still hold are in the cache. */
static bool ticket_fits(struct selection *s, const struct tx *tx, struct rule_env *env)
{
    struct arena mem;
    struct reject rej = {0};
    bool ok = true;

    arena_init(&mem, 4096);
    s->mem = &mem;
    struct coin *coins = arena_alloc(&mem, tx->n_in * sizeof(*coins));
    const struct coin **spent = arena_alloc(&mem, tx->n_in * sizeof(*spent));
    for (uint32_t i = 0; i < tx->n_in && ok; i++) {
        spent[i] = &coins[i];
        ok = mempool_any_coin(s->mp, &tx->in[i].prevout, &coins[i], &mem);
    }
    ok = ok && s->opt->hooks->tx(s->opt->hooks->ctx, env, tx, spent, NULL, &rej);
    arena_clear(&mem);
    return ok;
}

/* Runs the ticket rules over the package on top of what the block holds already. */
static bool package_fits_state(struct selection *s)
{
    if (!s->tickets)
        return true;
    struct rule_env env = *s->tickets;
    bool ok = true;
    env.state = state_begin_nested(s->tickets->state);
    env.coin = coin_here;
    env.coin_ctx = s;
    for (s->at = 0; s->at < s->n_package && ok; s->at++)
        ok = ticket_fits(s, s->package[s->at]->entry->tx, &env);
    if (!ok) {
        state_discard(env.state);
        return false;
    }
    state_commit(env.state);
    s->tickets->sigops = env.sigops;
    s->tickets->penalties = env.penalties;
    return true;
}

/* Packages of everything that depends on n need it no more. */
static void relieve_descendants(struct selection *s, const struct node *n)
{
    size_t keep = s->n_package; /* the walk uses the end of the same list */
    const struct mempool_entry *e = n->entry;

    s->mark++;
    for (uint32_t i = 0; i < e->n_children; i++)
        package_add(s, node_of(s, e->children[i]));
    for (size_t i = keep; i < s->n_package; i++) {
        const struct mempool_entry *d = s->package[i]->entry;
        for (uint32_t j = 0; j < d->n_children; j++)
            package_add(s, node_of(s, d->children[j]));
    }
    for (size_t i = keep; i < s->n_package; i++) {
        struct node *d = s->package[i];
        if (d->in_block)
            continue;
        d->vsize -= e->vsize;
        d->fees -= entry_modified_fee(e);
        d->sigops -= e->sigop_cost;
        if (d->in_heap)
            heap_fix(&s->heap, &best_first, d->heap_pos);
    }
    s->n_package = keep;
}

/* -printpriority */
static void print_rate(const struct selection *s, const struct mempool_entry *e)
{
    char rate[32], txid[65];
    const struct chain_params *p = chainman_params(mempool_chainman(s->mp));
    if (!s->opt->log)
        return;
    struct amount per_kvb = amount_of(entry_modified_fee(e) * 1000 / e->vsize);
    log_info(s->opt->log, "fee rate %s %s/kvB txid %s",
             amount_format(rate, per_kvb, p->decimals), p->unit,
             hash256_to_hex(txid, &e->tx->txid));
}

static void include_package(struct selection *s)
{
    for (size_t i = 0; i < s->n_package; i++) {
        struct node *n = s->package[i];
        const struct mempool_entry *e = n->entry;
        template_add_tx(s->t, e->tx, e->fee, e->sigop_cost);
        print_rate(s, e);
        n->in_block = true;
        if (n->in_heap)
            leave_heap(s, n);
    }
    for (size_t i = 0; i < s->n_package; i++)
        relieve_descendants(s, s->package[i]);
}

/* Once the block is nearly full, stop after this many packages that did not fit. */
#define MAX_FAILURES 1000

static void fill(struct selection *s)
{
    int failures = 0;
    while (s->heap.n) {
        struct node *n = *(struct node **)heap_at(&s->heap, &best_first, 0);
        if (n->fees < feerate_fee(s->opt->min_feerate, n->vsize))
            return;
        leave_heap(s, n);
        bool fits = package_fits(s, n);
        if (fits) {
            collect_package(s, n);
            fits = package_is_final(s) && package_fits_state(s);
        }
        if (fits) {
            include_package(s);
            failures = 0;
        } else if (++failures > MAX_FAILURES &&
                   s->t->weight > s->opt->max_weight - COINBASE_WEIGHT_RESERVE) {
            return;
        }
    }
}

void select_transactions(struct block_template *t, struct mempool *mp,
                         const struct miner_options *opt, struct rule_env *tickets)
{
    size_t n = mempool_count(mp);
    struct selection s = {.t = t, .mp = mp, .opt = opt, .tickets = tickets};
    if (n == 0)
        return;
    s.lock_time = block_index_mtp(t->prev);
    s.nodes = xrealloc_array(NULL, n, sizeof(*s.nodes));
    mempool_each(mp, add_node, &s);
    heap_build(&s.heap, &best_first);
    fill(&s);
    free(s.nodes);
    heap_clear(&s.heap);
    free(s.package);
}
