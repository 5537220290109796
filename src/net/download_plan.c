/* Which blocks to ask a peer for next: those that lead to its best block, within a
 * moving window, then those of the history below a UTXO snapshot. */
#include "net/internal.h"

#define DOWNLOAD_WINDOW 1024

struct planner {
    struct peer *p;
    struct fetch_plan plan;
    size_t max;
    int32_t window_end;
    int64_t waiting_for; /* who was asked for the first block on its way; -1: nobody */
    bool history;
};

/* Nobody looks back past it, so what lies below need not be looked at again. */
static bool is_had(struct planner *pl, struct block_index *bi)
{
    if (pl->history)
        return bi->status & BLOCK_HAVE_DATA;
    if (!(bi->status & BLOCK_HAVE_DATA) && !chain_contains(pl->p->net->cm, bi))
        return false;
    if (bi->chain_tx)
        pl->p->sync.last_common = bi;
    return true;
}

/* The peer keeps its last blocks only; two less, for races. */
static bool is_out_of_reach(const struct peer *p, const struct block_index *bi)
{
    return is_limited_peer(p) &&
           p->sync.best_known->height - bi->height >= LIMITED_PEER_BLOCKS - 2;
}

/* False: nothing further along this chain can be fetched from the peer. */
static bool plan_block(struct planner *pl, struct block_index *bi)
{
    struct net *net = pl->p->net;
    struct fetch_plan *plan = &pl->plan;
    if (!block_index_is_valid(bi, BLOCK_VALID_TREE))
        return false;
    if (!can_serve_witnesses(pl->p) && segwit_at(net, bi->height))
        return false;
    if (is_had(pl, bi))
        return true;
    const struct block_fetch *f = map_get(&net->inflight, &bi->hash);
    if (f) {
        if (pl->waiting_for < 0)
            pl->waiting_for = f->first;
        return true;
    }
    if (bi->height > pl->window_end) {
        if (!pl->history && !plan->n && pl->waiting_for != pl->p->id)
            plan->staller = pl->waiting_for;
        return false;
    }
    if (!is_out_of_reach(pl->p, bi))
        plan->blocks[plan->n++] = bi;
    return plan->n < pl->max;
}

/* Goes from above @from towards @to, one block beyond the window to see whether its end
 * is what keeps us. */
static void plan_chain(struct planner *pl, const struct block_index *from,
                       struct block_index *to)
{
    struct block_index *batch[128];
    int32_t height = from->height, max = height + DOWNLOAD_WINDOW + 1;
    pl->window_end = height + DOWNLOAD_WINDOW;
    if (to->height < max)
        max = to->height;
    while (height < max) {
        int32_t n = max - height;
        n = n < (int32_t)ARRAY_LEN(batch) ? n : (int32_t)ARRAY_LEN(batch);
        height += n;
        batch[n - 1] = block_index_ancestor(to, height);
        for (int32_t i = n - 1; i > 0; i--)
            batch[i - 1] = batch[i]->prev;
        for (int32_t i = 0; i < n; i++)
            if (!plan_block(pl, batch[i]))
                return;
    }
}

/* A chain that does not hold our snapshot's block leads nowhere for us. */
static bool leads_past_snapshot(struct peer *p, const struct block_index *base)
{
    if (!base || block_index_ancestor(p->sync.best_known, base->height) == base)
        return true;
    log_debug(p->net->log, LOG_NET,
              "Not downloading blocks from peer=%lld, which doesn't have the snapshot "
              "block in its best chain.",
              (long long)p->id);
    return false;
}

/* False: the peer has nothing of interest. Else last_common is where to begin. */
static bool find_start(struct peer *p)
{
    struct net *net = p->net;
    struct peer_sync *s = &p->sync;
    const struct block_index *tip = chain_tip(net->cm);
    const struct block_index *base = chainman_snapshot_base(net->cm);
    process_availability(p);
    if (!s->best_known || u256_cmp(&s->best_known->chain_work, &tip->chain_work) < 0 ||
        u256_cmp(&s->best_known->chain_work, &net->opt.params->minimum_chain_work) < 0)
        return false;
    if (!leads_past_snapshot(p, base))
        return false;
    /* A guess, which may be wrong either way. What was common before a snapshot was
     * loaded lies below the blocks that are wanted now. */
    if (!s->last_common || (base && s->last_common->height < base->height)) {
        int32_t h =
            s->best_known->height < tip->height ? s->best_known->height : tip->height;
        s->last_common = chain_at(net->cm, h);
    }
    /* The peer may have reorganised away from what we had in common. */
    const struct block_index *c = block_index_common(s->last_common, s->best_known);
    s->last_common = block_index_ancestor(s->best_known, c->height);
    return s->last_common != s->best_known;
}

static void plan_history(struct planner *pl)
{
    const struct peer *p = pl->p;
    const struct block_index *best = p->sync.best_known;
    struct block_index *from, *to;
    if (pl->plan.n == pl->max || !best || is_limited_peer(p) ||
        !chainman_history_wanted(p->net->cm, &from, &to) ||
        block_index_ancestor(best, to->height) != to)
        return;
    pl->history = true;
    plan_chain(pl, from, to);
}

struct fetch_plan download_plan(struct peer *p, size_t max)
{
    struct planner pl = {.p = p, .plan.staller = -1, .max = max, .waiting_for = -1};
    if (find_start(p))
        plan_chain(&pl, p->sync.last_common, p->sync.best_known);
    plan_history(&pl);
    return pl.plan;
}
