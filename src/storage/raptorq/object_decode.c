/* Symbols to objects. */
#include <stdatomic.h>
#include <stdlib.h>

#include "storage/raptorq/object.h"

#define GONE UINT32_MAX /* in place of an id whose symbol is not to be had */

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Sorts, which puts source symbols first, and drops what occurs twice or cannot be;
 * returns how many are left. */
static size_t tidy_ids(uint32_t *ids, size_t n)
{
    size_t i = 1, kept = 0;

    while (i < n && ids[i - 1] < ids[i])
        i++;
    if (i < n)
        qsort(ids, n, sizeof(*ids), by_id);
    for (i = 0; i < n && ids[i] <= RQ_ESI_MAX; i++)
        if (kept == 0 || ids[i] != ids[kept - 1])
            ids[kept++] = ids[i];
    return kept;
}

int rq_decode_list(struct rq_object *o, struct rq_lane *l)
{
    size_t max = 2 * (size_t)l->block.K + 1024, n;
    int rc = rq_buf_need(&o->ctx->mem, &l->ids, max * sizeof(uint32_t));
    const uint32_t *ids = l->ids.p;

    if (rc < 0)
        return rc;
    n = o->io->list_symbols(o->io->self, l->sbn, l->ids.p, max);
    l->n_ids = tidy_ids(l->ids.p, n < max ? n : max);
    l->n_sources = 0;
    while (l->n_sources < l->n_ids && ids[l->n_sources] < l->block.K)
        l->n_sources++;
    return RQ_OK;
}

/* Room for repair symbols: enough for the source symbols that are not listed, and for
 * those that turn out not to be had while more repair symbols are listed. */
static uint32_t repair_room(const struct rq_lane *l)
{
    size_t missing = l->shape.K - l->n_sources, listed = l->n_ids - l->n_sources;
    size_t most = listed < l->shape.K ? listed : l->shape.K;

    return (uint32_t)(missing > most ? missing : most) + SPARE_REPAIR;
}

static int open_piece(struct rq_object *o, struct rq_lane *l)
{
    int rc = rq_piece_place(o, l);

    if (rc == RQ_OK)
        rc = rq_dec_open(l->dec, &l->shape, l->octets, l->length, repair_room(l));
    l->next_id = 0;
    l->starved = false;
    l->rc = RQ_NEED_MORE;
    return rc;
}

/* Puts symbol @esi into its slot; 1 if it is not to be had. */
static int get_one(const struct rq_object *o, const struct rq_lane *l, uint32_t esi)
{
    struct rq_payload_id id = {(uint8_t)l->sbn, esi};
    void *slot = rq_dec_slot(l->dec, esi);

    return slot ? o->io->get_symbol(o->io->self, &id, l->col, slot, l->shape.T) : 1;
}

/* ---- Symbols by all threads ---- */

struct share {
    const struct rq_object *o;
    const struct rq_lane *l;
    uint32_t *ids;
    size_t n;
    unsigned shares;
    atomic_bool failed;
};

static void get_share(void *arg, unsigned i)
{
    struct share *s = arg;
    size_t end = s->n * (i + 1) / s->shares;

    for (size_t k = s->n * i / s->shares; k < end; k++) {
        int rc = get_one(s->o, s->l, s->ids[k]);

        if (rc != 0)
            s->ids[k] = GONE;
        if (rc < 0)
            atomic_store(&s->failed, true);
    }
}

/* As many symbols as the block has, if there are. Slots are assigned beforehand and
 * symbols counted in afterwards, so the decoder does not change in between. */
static int get_at_once(struct rq_object *o, struct rq_lane *l)
{
    const struct rq_workers *workers = o->ctx->workers;
    size_t n = l->n_ids < l->shape.K ? l->n_ids : l->shape.K;
    struct share s = {o, l, l->ids.p, n, 4 * workers->threads, false};
    int rc = RQ_NEED_MORE;

    for (size_t k = l->n_sources; k < n; k++)
        (void)rq_dec_slot(l->dec, s.ids[k]);
    workers->run(workers->self, get_share, &s, s.shares);
    if (atomic_load(&s.failed))
        return RQ_ERR_IO;
    for (size_t k = 0; k < n && rc >= 0; k++)
        if (s.ids[k] != GONE)
            rc = rq_dec_have(l->dec, s.ids[k]);
    l->next_id = n;
    l->rc = rc;
    return rc < 0 ? rc : RQ_OK;
}

/* ---- Symbols one by one ---- */

/* All source symbols, and then until there are enough to try; one more than before if
 * that was not enough. RQ_NEED_MORE when there are none left. */
static int get_more(struct rq_object *o, struct rq_lane *l)
{
    const uint32_t *ids = l->ids.p;
    int rc = RQ_NEED_MORE;

    while (rc == RQ_NEED_MORE || (rc == RQ_OK && l->next_id < l->n_sources)) {
        int got;

        if (l->next_id == l->n_ids)
            return RQ_NEED_MORE;
        got = get_one(o, l, ids[l->next_id]);
        if (got < 0)
            return RQ_ERR_IO;
        if (got == 0)
            rc = rq_dec_have(l->dec, ids[l->next_id]);
        else
            rq_dec_give_up(l->dec, ids[l->next_id]);
        l->next_id++;
    }
    return rc;
}

static void get_symbols(struct rq_object *o, struct rq_lane *l)
{
    if (l->rc != RQ_NEED_MORE)
        return;
    l->rc = get_more(o, l);
    l->starved = l->rc == RQ_NEED_MORE;
}

static void solve_lane(void *arg, unsigned i)
{
    struct rq_object *o = arg;
    struct rq_lane *l = &o->lanes[i];

    if (l->rc == RQ_OK)
        l->rc = rq_dec_solve(l->dec);
}

static bool unfinished(const struct rq_lane *l)
{
    return l->rc == RQ_NEED_MORE && !l->starved;
}

static void decode_lane(void *arg, unsigned i)
{
    struct rq_object *o = arg;

    do {
        get_symbols(o, &o->lanes[i]);
        solve_lane(o, i);
    } while (unfinished(&o->lanes[i]));
}

/* Symbols for all lanes are got on this thread, then all solve; those that need more go
 * round again. */
static void decode_by_turns(struct rq_object *o, unsigned n)
{
    bool again = true;

    while (again) {
        again = false;
        for (unsigned i = 0; i < n; i++)
            if (unfinished(&o->lanes[i]))
                get_symbols(o, &o->lanes[i]);
        rq_lanes_run(o, solve_lane, n);
        for (unsigned i = 0; i < n; i++)
            again = again || unfinished(&o->lanes[i]);
    }
}

int rq_decode_lanes(struct rq_object *o, unsigned n, uint32_t *sbn)
{
    bool concurrent = o->io->concurrent && o->ctx->workers;
    int rc = RQ_OK;

    for (unsigned i = 0; i < n && rc == RQ_OK; i++)
        rc = open_piece(o, &o->lanes[i]);
    if (rc == RQ_OK && n == 1 && concurrent && o->lanes[0].shape.N == 1)
        rc = get_at_once(o, &o->lanes[0]);
    if (rc < 0)
        return rc;
    if (n == 1 || concurrent)
        rq_lanes_run(o, decode_lane, n);
    else
        decode_by_turns(o, n);
    for (unsigned i = 0; i < n && rc == RQ_OK; i++) {
        *sbn = o->lanes[i].sbn;
        rc = o->lanes[i].rc == RQ_DECODED ? rq_piece_write(o, &o->lanes[i])
                                          : o->lanes[i].rc;
    }
    return rc;
}
