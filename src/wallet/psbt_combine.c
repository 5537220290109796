/* Several PSBTs into one: of the same transaction, or of its parts. */
#include <stdlib.h>

#include "util/rand.h"
#include "wallet/psbt_fields.h"

/* @from in the version of @p: *copy when it had to be made, which the caller clears. */
static const struct psbt *same_version(const struct psbt *p, const struct psbt *from,
                                       struct psbt *copy)
{
    *copy = (struct psbt){0};
    if (from->version == p->version)
        return from;
    psbt_copy(copy, from);
    psbt_convert(copy, p->version);
    return copy;
}

/* -- Combining -- */

static bool same_tx(const struct psbt *a, const struct psbt *b)
{
    struct hash256 x = psbt_unique_id(a), y = psbt_unique_id(b);
    return hash256_equal(&x, &y);
}

static void merge_input(struct psbt *p, uint32_t i, const struct psbt_map *from)
{
    psbt_map_merge(p, &p->in[i], from);
    if (psbt_is_final(p, i))
        psbt_drop_unfinished(&p->in[i]);
    psbt_refresh_spent(p, i);
}

bool psbt_combine(struct psbt *p, const struct psbt *from)
{
    struct psbt copy;
    from = same_version(p, from, &copy);
    bool same = same_tx(p, from);
    if (same) {
        psbt_v2_merge_flags(p, from);
        psbt_map_merge(p, &p->global, &from->global);
        for (uint32_t i = 0; i < p->tx->n_in; i++)
            merge_input(p, i, &from->in[i]);
        for (uint32_t i = 0; i < p->tx->n_out; i++)
            psbt_map_merge(p, &p->out[i], &from->out[i]);
    }
    psbt_clear(&copy);
    return same;
}

/* -- Joining -- */

static bool spends(const struct tx *tx, const struct outpoint *o)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (outpoint_equal(&tx->in[i].prevout, o))
            return true;
    }
    return false;
}

/* Room for @more maps behind @n; the new ones are copies. */
static struct psbt_map *append_maps(struct psbt *p, struct psbt_map *maps, uint32_t n,
                                    const struct psbt_map *more, uint32_t n_more)
{
    maps = xrealloc_array(maps, (size_t)n + n_more + 1, sizeof(*maps));
    for (uint32_t i = 0; i < n_more; i++) {
        maps[n + i] = (struct psbt_map){0};
        for (size_t k = 0; k < more[i].n; k++) {
            struct psbt_record r = more[i].items[k];
            r.key = psbt_keep(p, r.key);
            r.value = psbt_keep(p, r.value);
            psbt_map_append(&maps[n + i], &r);
        }
    }
    return maps;
}

static struct tx *joined_tx(const struct tx *a, const struct tx *b)
{
    struct mtx m;
    mtx_from_tx(&m, a);
    if ((uint32_t)b->version > (uint32_t)m.version)
        m.version = b->version;
    if (b->locktime < m.locktime)
        m.locktime = b->locktime;
    for (uint32_t i = 0; i < b->n_in; i++)
        mtx_add_in(&m, &b->in[i].prevout, b->in[i].sequence);
    for (uint32_t i = 0; i < b->n_out; i++)
        mtx_add_out(&m, b->out[i].value, b->out[i].script);
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static void append(struct psbt *p, const struct psbt *from, struct tx *take_tx)
{
    uint32_t n_in = p->tx->n_in, n_out = p->tx->n_out;
    p->in = append_maps(p, p->in, n_in, from->in, from->tx->n_in);
    p->out = append_maps(p, p->out, n_out, from->out, from->tx->n_out);
    p->spent = xrealloc_array(p->spent, (size_t)take_tx->n_in + 1, sizeof(*p->spent));
    tx_unref(p->tx);
    p->tx = take_tx;
    for (uint32_t i = n_in; i < take_tx->n_in; i++)
        psbt_refresh_spent(p, i);
    psbt_write_tx(p);
    psbt_map_merge(p, &p->global, &from->global);
}

/* In version 2 inputs may ask for lock times. */
static bool settle_locktime(struct psbt *p)
{
    const char *error;
    if (p->version != 2)
        return true;
    struct tx *tx = psbt_v2_tx(p, p->tx->n_in, p->tx->n_out, &error);
    if (tx == NULL)
        return false;
    tx_unref(p->tx);
    p->tx = tx;
    return true;
}

/* Signatures are of one transaction alone. */
static void drop_signatures(struct psbt_map *m)
{
    static const uint64_t types[] = {
        PSBT_IN_PARTIAL_SIG,      PSBT_IN_TAP_KEY_SIG,   PSBT_IN_TAP_SCRIPT_SIG,
        PSBT_IN_FINAL_SCRIPT_SIG, PSBT_IN_FINAL_WITNESS,
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        psbt_remove(m, types[i]);
}

bool psbt_join(struct psbt *p, const struct psbt *from, uint32_t *twice)
{
    struct psbt copy;
    for (*twice = 0; *twice < from->tx->n_in; ++*twice) {
        if (spends(p->tx, &from->tx->in[*twice].prevout))
            return false;
    }
    from = same_version(p, from, &copy);
    append(p, from, joined_tx(p->tx, from->tx));
    psbt_clear(&copy);
    for (uint32_t i = 0; i < p->tx->n_in; i++)
        drop_signatures(&p->in[i]);
    return settle_locktime(p);
}

/* -- Shuffling -- */

/* order[i]: a permutation of 0 .. n - 1; caller frees. */
static uint32_t *random_order(uint32_t n)
{
    struct rng rng;
    uint32_t *order = xcalloc((size_t)n + 1, sizeof(*order));
    rng_seed_random(&rng);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = (uint32_t)rng_below(&rng, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    return order;
}

static struct psbt_map *permuted(struct psbt_map *take_maps, const uint32_t *order,
                                 uint32_t n)
{
    struct psbt_map *maps = xcalloc((size_t)n + 1, sizeof(*maps));
    for (uint32_t i = 0; i < n; i++)
        maps[i] = take_maps[order[i]];
    free(take_maps);
    return maps;
}

static struct tx *permuted_tx(const struct tx *tx, const uint32_t *ins,
                              const uint32_t *outs)
{
    struct mtx m;
    mtx_init(&m);
    m.version = tx->version;
    m.locktime = tx->locktime;
    for (uint32_t i = 0; i < tx->n_in; i++)
        mtx_add_in(&m, &tx->in[ins[i]].prevout, tx->in[ins[i]].sequence);
    for (uint32_t i = 0; i < tx->n_out; i++)
        mtx_add_out(&m, tx->out[outs[i]].value, tx->out[outs[i]].script);
    struct tx *out = mtx_to_tx(&m);
    mtx_clear(&m);
    return out;
}

void psbt_shuffle(struct psbt *p)
{
    uint32_t *ins = random_order(p->tx->n_in), *outs = random_order(p->tx->n_out);
    struct tx *tx = permuted_tx(p->tx, ins, outs);
    p->in = permuted(p->in, ins, tx->n_in);
    p->out = permuted(p->out, outs, tx->n_out);
    tx_unref(p->tx);
    p->tx = tx;
    for (uint32_t i = 0; i < tx->n_in; i++)
        psbt_refresh_spent(p, i);
    psbt_write_tx(p);
    free(ins);
    free(outs);
}
