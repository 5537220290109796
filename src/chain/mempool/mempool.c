#include "chain/mempool/mempool.h"

#include <stdlib.h>

#include "chain/mempool/pool.h"

struct mempool_options mempool_default_options(void)
{
    return (struct mempool_options){
        .max_bytes = DEFAULT_MEMPOOL_MB * INT64_C(1000000),
        .expiry_s = DEFAULT_MEMPOOL_EXPIRY_HOURS * INT64_C(3600),
        .min_relay_feerate = DEFAULT_MIN_RELAY_FEERATE,
        .incremental_feerate = DEFAULT_INCREMENTAL_FEERATE,
        .dust_feerate = DEFAULT_DUST_FEERATE,
        .max_ancestors = DEFAULT_ANCESTOR_LIMIT,
        .max_descendants = DEFAULT_DESCENDANT_LIMIT,
        .max_ancestor_bytes = DEFAULT_ANCESTOR_SIZE_LIMIT_KVB * INT64_C(1000),
        .max_descendant_bytes = DEFAULT_DESCENDANT_SIZE_LIMIT_KVB * INT64_C(1000),
        .max_datacarrier = DEFAULT_MAX_DATACARRIER,
        .bytes_per_sigop = DEFAULT_BYTES_PER_SIGOP,
        .permit_bare_multisig = true,
        .require_standard = true,
        .full_rbf = true,
        .persist = true,
    };
}

/* ---- life ---- */

static void link_connected(void *ctx, const struct block *b, int32_t height)
{
    mempool_block_connected(ctx, b, height);
}

static void link_disconnected(void *ctx, const struct block *b, bool give_back)
{
    mempool_block_disconnected(ctx, b, give_back);
}

static void link_settled(void *ctx, bool reorged)
{
    mempool_tip_settled(ctx, reorged);
}

static void link_state_changes(void *ctx, const struct state_txn *st,
                               const struct map *marks)
{
    grounds_state(ctx, st, marks);
}

static bool link_is_empty(void *ctx)
{
    return mempool_count(ctx) == 0;
}

static enum carrier_relay_policy carrier_policy(void *ctx, struct bytes script)
{
    const struct mempool *mp = ctx;
    const struct consensus_hooks *h = mp->opt.hooks;
    if (!pool_tickets_active(mp) || !h->carrier_relay)
        return CARRIER_DEFAULT;
    switch (h->carrier_relay(h->ctx, script)) {
    case RELAY_CARRIER:
        return CARRIER_EXEMPT;
    case RELAY_REFUSE:
        return CARRIER_REFUSE;
    case RELAY_DEFAULT:
        break;
    }
    return CARRIER_DEFAULT;
}

struct mempool *mempool_new(struct chainman *cm, const struct mempool_options *opt)
{
    struct mempool *mp = xcalloc(1, sizeof(*mp));
    mp->cm = cm;
    mp->opt = *opt;
    mp->policy = (struct policy){
        .dust_feerate = opt->dust_feerate,
        .max_datacarrier = opt->max_datacarrier,
        .permit_bare_multisig = opt->permit_bare_multisig,
        .refuse_unmatched_single = cm && chainman_params(cm)->refuse_unmatched_single,
        .carrier = carrier_policy,
        .carrier_ctx = mp,
    };
    map_init(&mp->by_txid, sizeof(struct hash256), sizeof(struct mempool_entry *));
    map_init(&mp->by_wtxid, sizeof(struct hash256), sizeof(struct mempool_entry *));
    map_init(&mp->by_spend, sizeof(struct outpoint), sizeof(struct mempool_entry *));
    map_init(&mp->by_claim, sizeof(struct hash256), sizeof(struct mempool_entry *));
    map_init(&mp->grounds, sizeof(struct hash256), sizeof(struct ground *));
    map_init(&mp->deltas, sizeof(struct hash256), sizeof(int64_t));
    map_init(&mp->unbroadcast, sizeof(struct hash256), 0);
    disconnected_init(&mp->disconnected);
    arena_init(&mp->arena, 16384);
    mp->sequence = 1;
    mp->oldest_time = INT64_MAX;
    if (cm) {
        struct mempool_link link = {.ctx = mp,
                                    .block_connected = link_connected,
                                    .block_disconnected = link_disconnected,
                                    .state_changes = link_state_changes,
                                    .tip_settled = link_settled,
                                    .is_empty = link_is_empty};
        chainman_set_mempool(cm, &link);
    }
    return mp;
}

void mempool_free(struct mempool *mp)
{
    if (!mp)
        return;
    for (struct mempool_entry *e = mp->oldest, *next; e; e = next) {
        next = e->newer;
        pool_entry_free(e);
    }
    disconnected_clear(&mp->disconnected);
    grounds_clear(mp);
    map_clear(&mp->by_txid);
    map_clear(&mp->by_wtxid);
    map_clear(&mp->by_spend);
    map_clear(&mp->by_claim);
    map_clear(&mp->deltas);
    map_clear(&mp->unbroadcast);
    arena_clear(&mp->arena);
    heap_clear(&mp->eviction);
    free(mp);
}

const struct mempool_options *mempool_get_options(const struct mempool *mp)
{
    return &mp->opt;
}

void pool_lock(struct mempool *mp)
{
    if (mp->cm)
        chainman_write_lock(mp->cm);
}

void pool_unlock(struct mempool *mp)
{
    if (mp->cm)
        chainman_write_unlock(mp->cm);
}

/* ---- lists and maps of entries ---- */

void entry_list_add(struct entry_list *l, struct mempool_entry *e)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->v = xrealloc_array(l->v, l->cap, sizeof(*l->v));
    }
    l->v[l->n++] = e;
}

void entry_list_clear(struct entry_list *l)
{
    free(l->v);
    *l = (struct entry_list){0};
}

bool entry_list_has(const struct entry_list *l, const struct mempool_entry *e)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] == e)
            return true;
    return false;
}

static struct mempool_entry *entry_at(const struct map *m, const void *key)
{
    struct mempool_entry **slot = map_get(m, key);
    return slot ? *slot : NULL;
}

static void entry_put(struct map *m, const void *key, struct mempool_entry *e)
{
    *(struct mempool_entry **)map_put(m, key, NULL) = e;
}

struct mempool_entry *pool_find(const struct mempool *mp, const struct hash256 *txid)
{
    return entry_at(&mp->by_txid, txid);
}

struct mempool_entry *pool_spender(const struct mempool *mp, const struct outpoint *o)
{
    return entry_at(&mp->by_spend, o);
}

struct mempool_entry *pool_claimer(const struct mempool *mp,
                                   const struct hash256 *claim)
{
    return entry_at(&mp->by_claim, claim);
}

const struct mempool_entry *mempool_find(const struct mempool *mp,
                                         const struct hash256 *txid)
{
    return pool_find(mp, txid);
}

const struct mempool_entry *mempool_find_wtxid(const struct mempool *mp,
                                               const struct hash256 *wtxid)
{
    return entry_at(&mp->by_wtxid, wtxid);
}

const struct mempool_entry *mempool_spender(const struct mempool *mp,
                                            const struct outpoint *o)
{
    return pool_spender(mp, o);
}

/* ---- adding and removing ---- */

struct mempool_entry *pool_entry_new(const struct tx *tx)
{
    struct mempool_entry *e = xcalloc(1, sizeof(*e));
    e->tx = tx_ref(tx);
    e->weight = tx_weight(tx);
    return e;
}

void pool_entry_free(struct mempool_entry *e)
{
    tx_unref(e->tx);
    free(e->parents);
    free(e->children);
    free(e->claims);
    free(e->reliances);
    free(e);
}

size_t pool_tx_usage(const struct tx *tx)
{
    size_t n = sizeof(*tx) + tx->total_size + tx->n_in * sizeof(struct txin) +
               tx->n_out * sizeof(struct txout);
    for (uint32_t i = 0; i < tx->n_in; i++)
        n += tx->in[i].n_witness * sizeof(struct bytes);
    return n;
}

/* Without what relatives and grounds take. */
static size_t entry_usage(const struct mempool_entry *e)
{
    size_t by_id = SLOT_USAGE(sizeof(struct hash256), sizeof(void *));
    size_t by_spend = SLOT_USAGE(sizeof(struct outpoint), sizeof(void *));
    return sizeof(*e) + pool_tx_usage(e->tx) + sizeof(void *) + 2 * by_id +
           e->tx->n_in * by_spend + e->n_claims * (sizeof(struct hash256) + by_id);
}

static void append_newest(struct mempool *mp, struct mempool_entry *e)
{
    e->older = mp->newest;
    if (mp->newest)
        mp->newest->newer = e;
    else
        mp->oldest = e;
    mp->newest = e;
}

static void unlink_arrival(struct mempool *mp, struct mempool_entry *e)
{
    *(e->older ? &e->older->newer : &mp->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &mp->newest) = e->older;
}

void pool_add(struct mempool *mp, struct mempool_entry *take_e)
{
    struct mempool_entry *e = take_e;
    const struct tx *tx = e->tx;

    ASSERT(!pool_find(mp, &tx->txid));
    e->delta.v = pool_delta(mp, &tx->txid);
    e->usage = entry_usage(e);
    entry_put(&mp->by_txid, &tx->txid, e);
    entry_put(&mp->by_wtxid, &tx->wtxid, e);
    for (uint32_t i = 0; i < tx->n_in; i++)
        entry_put(&mp->by_spend, &tx->in[i].prevout, e);
    for (uint32_t i = 0; i < e->n_claims; i++)
        entry_put(&mp->by_claim, &e->claims[i], e);
    append_newest(mp, e);
    mp->total_vsize += e->vsize;
    mp->total_fee += e->fee.v;
    mp->usage += e->usage;
    if (e->time < mp->oldest_time)
        mp->oldest_time = e->time;
    eviction_add(mp, e);
    family_join(mp, e);
    uint64_t sequence = mp->sequence++;
    e->sequence = e->from_block ? 0 : sequence;
    mp->updates++;
    if (mp->cm)
        chainman_tx_added(mp->cm, tx, sequence);
}

void pool_remove(struct mempool *mp, struct mempool_entry *e, enum tx_removal why)
{
    const struct tx *tx = e->tx;

    family_leave(mp, e);
    grounds_leave(mp, e);
    doubt_end(mp, e);
    eviction_del(mp, e);
    unlink_arrival(mp, e);
    map_del(&mp->by_txid, &tx->txid);
    map_del(&mp->by_wtxid, &tx->wtxid);
    for (uint32_t i = 0; i < tx->n_in; i++)
        map_del(&mp->by_spend, &tx->in[i].prevout);
    for (uint32_t i = 0; i < e->n_claims; i++)
        map_del(&mp->by_claim, &e->claims[i]);
    map_del(&mp->unbroadcast, &tx->txid);
    mp->total_vsize -= e->vsize;
    mp->total_fee -= e->fee.v;
    mp->usage -= e->usage;
    uint64_t sequence = mp->sequence++;
    mp->updates++;
    /* Whoever follows blocks learns of confirmed ones from these. */
    if (mp->cm && why != TX_REMOVED_BLOCK)
        chainman_tx_removed(mp->cm, tx, why, sequence);
    pool_entry_free(e);
}

/* A descendant has more ancestors than any ancestor of it, so this order takes children
 * first. */
static int compare_depth(const void *a, const void *b)
{
    const struct mempool_entry *x = *(struct mempool_entry *const *)a;
    const struct mempool_entry *y = *(struct mempool_entry *const *)b;
    if (x->n_ancestors != y->n_ancestors)
        return x->n_ancestors < y->n_ancestors ? 1 : -1;
    return memcmp(x->tx->txid.b, y->tx->txid.b, sizeof(x->tx->txid.b));
}

void pool_remove_all(struct mempool *mp, struct entry_list *l, enum tx_removal why)
{
    if (l->n > 1)
        qsort(l->v, l->n, sizeof(*l->v), compare_depth);
    for (size_t i = 0; i < l->n; i++)
        pool_remove(mp, l->v[i], why);
    l->n = 0;
}

void pool_remove_family(struct mempool *mp, struct mempool_entry *e,
                        enum tx_removal why)
{
    struct entry_list l = {0};
    walk_begin(mp);
    walk_visit(mp, e);
    entry_list_add(&l, e);
    walk_descendants(mp, &l, e);
    pool_remove_all(mp, &l, why);
    entry_list_clear(&l);
}

/* ---- reading ---- */

int64_t pool_now(const struct mempool *mp)
{
    return mp->opt.clock ? clock_now(mp->opt.clock) : 0;
}

bool mempool_claimed(const struct mempool *mp, const struct hash256 *claim)
{
    return pool_claimer(mp, claim) != NULL;
}

struct chainman *mempool_chainman(const struct mempool *mp)
{
    return mp->cm;
}

size_t mempool_count(const struct mempool *mp)
{
    return mp->by_txid.len;
}

int64_t mempool_total_vsize(const struct mempool *mp)
{
    return mp->total_vsize;
}

size_t mempool_memory(const struct mempool *mp)
{
    return mp->usage;
}

struct amount mempool_total_fee(const struct mempool *mp)
{
    return amount_of(mp->total_fee);
}

uint64_t mempool_sequence(const struct mempool *mp)
{
    return mp->sequence;
}

uint32_t mempool_updates(const struct mempool *mp)
{
    return mp->updates;
}

bool mempool_loaded(const struct mempool *mp)
{
    return mp->loaded;
}

void mempool_set_loaded(struct mempool *mp)
{
    mp->loaded = true;
}

void mempool_each(const struct mempool *mp,
                  bool (*fn)(void *ctx, const struct mempool_entry *e), void *ctx)
{
    for (const struct mempool_entry *e = mp->oldest; e; e = e->newer)
        if (!fn(ctx, e))
            return;
}

int mempool_compare_txid(const void *a, const void *b)
{
    const struct mempool_entry *x = *(const struct mempool_entry *const *)a;
    const struct mempool_entry *y = *(const struct mempool_entry *const *)b;
    return memcmp(x->tx->txid.b, y->tx->txid.b, sizeof(x->tx->txid.b));
}

static int compare_sorted(const void *a, const void *b)
{
    const struct mempool_entry *x = *(const struct mempool_entry *const *)a;
    const struct mempool_entry *y = *(const struct mempool_entry *const *)b;
    if (x->n_ancestors != y->n_ancestors)
        return x->n_ancestors < y->n_ancestors ? -1 : 1;
    __int128 fx = (__int128)x->fee.v * y->vsize, fy = (__int128)y->fee.v * x->vsize;
    if (fx != fy)
        return fx > fy ? -1 : 1;
    return memcmp(y->tx->txid.b, x->tx->txid.b, sizeof(x->tx->txid.b));
}

const struct mempool_entry **mempool_sorted(const struct mempool *mp, size_t *n)
{
    *n = mp->by_txid.len;
    const struct mempool_entry **all = xrealloc_array(NULL, *n + 1, sizeof(*all));
    size_t i = 0;
    for (const struct mempool_entry *e = mp->oldest; e; e = e->newer)
        all[i++] = e;
    qsort(all, *n, sizeof(*all), compare_sorted);
    return all;
}

bool mempool_coin(const struct mempool *mp, const struct outpoint *o, struct coin *out)
{
    const struct mempool_entry *e = pool_find(mp, &o->txid);
    if (!e || o->n >= e->tx->n_out)
        return false;
    *out = (struct coin){
        .value = e->tx->out[o->n].value,
        .height = mp->cm ? (uint32_t)chain_height(mp->cm) + 1 : 0,
        .script = e->tx->out[o->n].script,
    };
    return true;
}
