/* Blocks coming in: whom to ask for which, in parallel within a moving window, and what
 * to do with those who stall or send rubbish. */
#include <stdlib.h>

#include "chain/rules/block_check.h"
#include "net/internal.h"

#define DOWNLOAD_WINDOW         1024
#define STALLING_TIMEOUT_MAX_US (64 * US)

bool is_limited_peer(const struct peer *p)
{
    return !(p->services & NODE_NETWORK) && p->services & NODE_NETWORK_LIMITED;
}

bool can_serve_blocks(const struct peer *p)
{
    return p->services & (NODE_NETWORK | NODE_NETWORK_LIMITED);
}

static bool can_serve_witnesses(const struct peer *p)
{
    return p->services & NODE_WITNESS;
}

bool segwit_at(const struct net *net, int32_t height)
{
    return buried_active_at(net->opt.params, BURIED_SEGWIT, height);
}

bool download_wanted_from(struct peer *p)
{
    struct net *net = p->net;
    if (p->sync.preferred)
        return true;
    return can_serve_blocks(p) && p->type != CONN_ADDR_FETCH &&
           (!net->n_preferred || !net->inflight.len);
}

/* -- Requests under way
 * --------------------------------------------------------------------------- */

bool block_requested(struct net *net, const struct hash256 *hash)
{
    return map_get(&net->inflight, hash) != NULL;
}

struct inflight *block_request_of(struct peer *p, const struct hash256 *hash)
{
    for (size_t i = 0; i < p->sync.n_inflight; i++)
        if (hash256_equal(&p->sync.inflight[i].hash, hash))
            return &p->sync.inflight[i];
    return NULL;
}

bool block_request(struct peer *p, struct block_index *bi, struct compact_partial *take)
{
    struct peer_sync *s = &p->sync;
    bool is_new;
    if (s->n_inflight == PEER_INFLIGHT_MAX || block_request_of(p, &bi->hash)) {
        compact_partial_free(take);
        return false;
    }
    s->inflight[s->n_inflight++] =
        (struct inflight){.hash = bi->hash, .index = bi, .partial = take};
    struct block_fetch *f = map_put(&p->net->inflight, &bi->hash, &is_new);
    if (is_new)
        f->first = p->id;
    f->n++;
    if (s->n_inflight == 1) {
        s->downloading_since_us = net_now_us(p->net);
        p->net->n_downloading++;
    }
    return true;
}

static void forget_request(struct peer *p, size_t i)
{
    struct peer_sync *s = &p->sync;
    struct net *net = p->net;
    struct block_fetch *f = map_get(&net->inflight, &s->inflight[i].hash);
    int64_t now = net_now_us(net);
    if (--f->n == 0)
        map_del(&net->inflight, &s->inflight[i].hash);
    if (i == 0 && s->downloading_since_us < now)
        s->downloading_since_us = now; /* the next one's time begins */
    compact_partial_free(s->inflight[i].partial);
    s->n_inflight--;
    memmove(&s->inflight[i], &s->inflight[i + 1],
            (s->n_inflight - i) * sizeof(*s->inflight));
    if (!s->n_inflight)
        net->n_downloading--;
    s->stalling_since_us = 0;
}

static void forget_request_of(struct peer *p, const struct hash256 *hash)
{
    struct inflight *f = block_request_of(p, hash);
    if (f)
        forget_request(p, (size_t)(f - p->sync.inflight));
}

void block_request_done(struct net *net, const struct hash256 *hash, struct peer *from)
{
    struct hash256 copy = *hash; /* it may be the request's own */
    if (from)
        forget_request_of(from, &copy);
    for (size_t i = 0; !from && i < net->n_peers; i++)
        forget_request_of(net->peers[i], &copy);
    for (size_t i = 0; !from && i < net->n_removed; i++)
        forget_request_of(net->removed[i], &copy);
}

void download_drop_peer(struct peer *p)
{
    struct net *net = p->net;
    while (p->sync.n_inflight)
        forget_request(p, p->sync.n_inflight - 1);
    net->n_preferred -= p->sync.preferred;
    net->n_started -= p->sync.started;
    net->n_protected -= p->sync.behind_protected;
    net->n_wtxid_peers -= p->wtxid_relay;
    for (size_t i = 0; i < net->n_hb_peers; i++)
        if (net->hb_peers[i] == p->id) {
            net->n_hb_peers--;
            memmove(&net->hb_peers[i], &net->hb_peers[i + 1],
                    (net->n_hb_peers - i) * sizeof(*net->hb_peers));
        }
}

/* -- What to fetch next
 * ---------------------------------------------------------------------------- */

struct fetch_plan {
    struct block_index *blocks[PEER_INFLIGHT_MAX];
    size_t n, max;
    int64_t staller; /* who keeps the window from moving; -1: nobody */
    int32_t window_end;
    int64_t waiting_for;
};

/* False: nothing further along this chain can be fetched from the peer. */
static bool plan_block(struct peer *p, struct fetch_plan *plan, struct block_index *bi)
{
    struct net *net = p->net;
    if (!block_index_is_valid(bi, BLOCK_VALID_TREE))
        return false;
    if (!can_serve_witnesses(p) && segwit_at(net, bi->height))
        return false;
    if (bi->status & BLOCK_HAVE_DATA || chain_contains(net->cm, bi)) {
        if (bi->chain_tx)
            p->sync.last_common = bi;
        return true;
    }
    const struct block_fetch *f = map_get(&net->inflight, &bi->hash);
    if (f) {
        if (plan->waiting_for < 0)
            plan->waiting_for = f->first;
        return true;
    }
    if (bi->height > plan->window_end) {
        if (!plan->n && plan->waiting_for != p->id)
            plan->staller = plan->waiting_for;
        return false;
    }
    if (is_limited_peer(p) &&
        p->sync.best_known->height - bi->height >= LIMITED_PEER_BLOCKS - 2)
        return true;
    plan->blocks[plan->n++] = bi;
    return plan->n < plan->max;
}

/* False: the peer has nothing of interest. Else last_common is where to begin. */
static bool find_start(struct peer *p)
{
    struct net *net = p->net;
    struct peer_sync *s = &p->sync;
    struct block_index *tip = chain_tip(net->cm);
    process_availability(p);
    if (!s->best_known || u256_cmp(&s->best_known->chain_work, &tip->chain_work) < 0 ||
        u256_cmp(&s->best_known->chain_work, &net->opt.params->minimum_chain_work) < 0)
        return false;
    if (!s->last_common) {
        int32_t h =
            s->best_known->height < tip->height ? s->best_known->height : tip->height;
        s->last_common = chain_at(net->cm, h);
    }
    /* A chain that does not hold our snapshot's block leads nowhere for us. */
    const struct block_index *base = chainman_snapshot_base(net->cm);
    if (base && block_index_ancestor(s->best_known, base->height) != base) {
        log_debug(net->log, LOG_NET,
                  "Not downloading blocks from peer=%lld, which doesn't have the "
                  "snapshot block in its best chain.",
                  (long long)p->id);
        return false;
    }
    /* The peer may have reorganised away from what we had in common. */
    const struct block_index *c = block_index_common(s->last_common, s->best_known);
    s->last_common = block_index_ancestor(s->best_known, c->height);
    return s->last_common != s->best_known;
}

static void plan_download(struct peer *p, struct fetch_plan *plan)
{
    if (!find_start(p))
        return;
    struct block_index *batch[128], *walk = p->sync.last_common;
    plan->window_end = walk->height + DOWNLOAD_WINDOW;
    int32_t max = plan->window_end + 1;
    if (p->sync.best_known->height < max)
        max = p->sync.best_known->height;
    while (walk->height < max) {
        int32_t n = max - walk->height;
        n = n < (int32_t)ARRAY_LEN(batch) ? n : (int32_t)ARRAY_LEN(batch);
        walk = block_index_ancestor(p->sync.best_known, walk->height + n);
        batch[n - 1] = walk;
        for (int32_t i = n - 1; i > 0; i--)
            batch[i - 1] = batch[i]->prev;
        for (int32_t i = 0; i < n; i++)
            if (!plan_block(p, plan, batch[i]))
                return;
    }
}

/* Blocks of the history below a UTXO snapshot, which come after those that lead to the
 * tip. */
static void plan_history(struct peer *p, struct fetch_plan *plan)
{
    struct net *net = p->net;
    const struct block_index *best = p->sync.best_known;
    struct block_index *from, *to;
    if (plan->n >= plan->max || !best || is_limited_peer(p) ||
        !chainman_history_wanted(net->cm, &from, &to) ||
        block_index_ancestor(best, to->height) != to)
        return;
    int32_t end = from->height + DOWNLOAD_WINDOW;
    end = end < to->height ? end : to->height;
    for (int32_t h = from->height + 1; h <= end && plan->n < plan->max; h++) {
        struct block_index *bi = block_index_ancestor(to, h);
        if (!(bi->status & BLOCK_HAVE_DATA) && !block_requested(net, &bi->hash) &&
            (can_serve_witnesses(p) || !segwit_at(net, h)))
            plan->blocks[plan->n++] = bi;
    }
}

/* -- Asking --------------------------------------------------------------- */

static uint32_t block_inv_type(const struct peer *p)
{
    return can_serve_witnesses(p) ? INV_WITNESS_BLOCK : INV_BLOCK;
}

static void send_getdata(struct peer *p, const struct msg_inv *m)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    if (!m->n)
        return;
    msg_inv_write(&s, m);
    peer_send(p, "getdata", &b);
    buf_clear(&b);
}

void block_ask_whole(struct peer *p, const struct hash256 *hash)
{
    struct inv inv = {block_inv_type(p), *hash};
    send_getdata(p, &(struct msg_inv){&inv, 1});
}

static void add_request(struct peer *p, struct msg_inv *m, struct block_index *bi)
{
    char hex[65];
    if (!block_request(p, bi, NULL))
        return;
    m->items[m->n++] = (struct inv){block_inv_type(p), bi->hash};
    log_debug(p->net->log, LOG_NET, "Requesting block %s (%d) peer=%lld",
              hash256_to_hex(hex, &bi->hash), bi->height, (long long)p->id);
}

static void note_staller(struct net *net, int64_t id, int64_t now_us)
{
    struct peer *p = net_find_peer(net, id);
    if (!p || p->sync.stalling_since_us)
        return;
    p->sync.stalling_since_us = now_us;
    log_debug(net->log, LOG_NET, "Stall started peer=%lld", (long long)id);
}

static bool is_stalling(struct peer *p, int64_t now_us)
{
    struct net *net = p->net;
    struct peer_sync *s = &p->sync;
    if (s->stalling_since_us &&
        s->stalling_since_us < now_us - net->stalling_timeout_us) {
        log_info(net->log, "Peer=%lld is stalling block download, disconnecting",
                 (long long)p->id);
        int64_t twice = net->stalling_timeout_us * 2;
        if (twice > STALLING_TIMEOUT_MAX_US)
            twice = STALLING_TIMEOUT_MAX_US;
        if (twice != net->stalling_timeout_us)
            log_debug(net->log, LOG_NET,
                      "Increased stalling timeout temporarily to %lld seconds",
                      (long long)(twice / US));
        net->stalling_timeout_us = twice;
        return true;
    }
    if (!s->n_inflight)
        return false;
    /* One block interval, and half of one for each other peer that shares our line. */
    int64_t others = (int64_t)net->n_downloading - 1;
    int64_t limit_us = net->opt.params->spacing * US * (2 + others) / 2;
    if (now_us <= s->downloading_since_us + limit_us)
        return false;
    char hex[65];
    log_info(net->log, "Timeout downloading block %s from peer=%lld, disconnecting",
             hash256_to_hex(hex, &s->inflight[0].hash), (long long)p->id);
    return true;
}

void download_send(struct peer *p, int64_t now_us)
{
    struct net *net = p->net;
    struct peer_sync *s = &p->sync;
    if (is_stalling(p, now_us)) {
        peer_disconnect(p);
        return;
    }
    bool ibd = chainman_ibd(net->cm);
    if (!can_serve_blocks(p) || s->n_inflight == PEER_INFLIGHT_MAX || p->disconnect ||
        chainman_importing(net->cm))
        return;
    if (ibd && (!download_wanted_from(p) || is_limited_peer(p)))
        return;
    struct inv items[PEER_INFLIGHT_MAX];
    struct msg_inv m = {.items = items};
    struct fetch_plan plan = {
        .max = PEER_INFLIGHT_MAX - s->n_inflight, .staller = -1, .waiting_for = -1};
    plan_download(p, &plan);
    plan_history(p, &plan);
    for (size_t i = 0; i < plan.n; i++)
        add_request(p, &m, plan.blocks[i]);
    if (!s->n_inflight && plan.staller >= 0)
        note_staller(net, plan.staller, now_us);
    send_getdata(p, &m);
}

bool download_direct_allowed(struct net *net)
{
    return chain_tip(net->cm)->time > net_now_s(net) - net->opt.params->spacing * 20;
}

/* A new tip was announced and we are nearly there: fetch it from who told us. */
void download_direct(struct peer *p, struct block_index *last)
{
    struct net *net = p->net;
    struct block_index *fetch[PEER_INFLIGHT_MAX + 1], *walk = last;
    struct inv items[PEER_INFLIGHT_MAX];
    struct msg_inv m = {.items = items};
    size_t n = 0;
    char hex[65];
    if (!download_direct_allowed(net) ||
        !block_index_is_valid(last, BLOCK_VALID_TREE) ||
        u256_cmp(&chain_tip(net->cm)->chain_work, &last->chain_work) > 0)
        return;
    while (walk && !chain_contains(net->cm, walk) && n <= PEER_INFLIGHT_MAX) {
        if (!(walk->status & BLOCK_HAVE_DATA) && !block_requested(net, &walk->hash) &&
            (!segwit_at(net, walk->height) || can_serve_witnesses(p)) &&
            n < ARRAY_LEN(fetch))
            fetch[n++] = walk;
        walk = walk->prev;
    }
    if (!walk || !chain_contains(net->cm, walk)) {
        log_debug(net->log, LOG_NET, "Large reorg, won't direct fetch to %s (%d)",
                  hash256_to_hex(hex, &last->hash), last->height);
        return;
    }
    while (n && p->sync.n_inflight < PEER_INFLIGHT_MAX)
        add_request(p, &m, fetch[--n]);
    if (m.n == 1 && !net->opt.blocks_only && p->sync.provides_cmpct &&
        net->inflight.len == 1 && last->prev &&
        block_index_is_valid(last->prev, BLOCK_VALID_CHAIN))
        m.items[0].type = INV_CMPCT_BLOCK;
    send_getdata(p, &m);
}

/* -- Blocks that arrive
 * ------------------------------------------------------------------------------ */

void punish_for_block(struct net *net, int64_t id, const struct reject *rej,
                      bool via_compact, const char *what)
{
    struct peer *p = net_find_peer(net, id);
    char reason[192];
    if (!p || rej->code == REJECT_NONE)
        return;
    reject_reason(rej, reason);
    switch (rej->class) {
    case BLOCK_CONSENSUS:
    case BLOCK_MUTATED:
    case TX_CONSENSUS:
        if (!via_compact)
            peer_misbehaving(p, "%s", what[0] ? what : reason);
        return;
    case BLOCK_CACHED_INVALID:
        if (!via_compact && !peer_inbound(p))
            peer_misbehaving(p, "%s", what);
        return;
    case BLOCK_INVALID_HEADER:
    case BLOCK_INVALID_PREV:
    case BLOCK_MISSING_PREV:
        peer_misbehaving(p, "%s", what[0] ? what : reason);
        return;
    default:
        log_debug(net->log, LOG_NET, "peer=%lld: %s", (long long)id,
                  what[0] ? what : reason);
        return;
    }
}

void process_block(struct peer *p, struct block *b, bool force, bool min_pow_checked)
{
    struct net *net = p->net;
    bool is_new = false;
    struct reject rej = {0};
    net_release(net);
    chainman_process_block(net->cm, b, force, min_pow_checked, &is_new, &rej);
    net_resume(net);
    if (is_new) {
        p->sync.last_block_s = net_now_s(net);
        block_request_done(net, &b->hash, NULL);
        return;
    }
    struct block_source *src = map_get(&net->block_sources, &b->hash);
    if (src)
        punish_for_block(net, src->peer, &rej, !src->may_punish, "");
    map_del(&net->block_sources, &b->hash);
}

/* Says in the log what a mutated block's mistake is. */
static void log_mutation(struct net *net, const struct block *b,
                         const struct block_index *prev)
{
    struct reject rej = {0};
    char text[512];
    if (!logger_enabled(net->log, LOG_VALIDATION, LOG_DEBUG))
        return;
    if (block_check(b, net->opt.params, false, true, &rej))
        (void)block_check_contextual(b, prev, net->opt.params, &rej);
    log_debug(net->log, LOG_VALIDATION, "Block mutated: %s", reject_text(&rej, text));
}

void on_block(struct handler_args *a)
{
    struct peer *p = a->peer;
    struct net *net = a->net;
    char hex[65];
    if (chainman_importing(net->cm)) {
        log_debug(net->log, LOG_NET, "Unexpected block message received from peer %lld",
                  (long long)p->id);
        while (p->sync.n_inflight) /* asked again when the import is over */
            forget_request(p, p->sync.n_inflight - 1);
        return;
    }
    struct block *b = block_from_buf(&a->msg->payload);
    if (!b) {
        reader_fail(&a->r);
        return;
    }
    log_debug(net->log, LOG_NET, "received block %s peer=%lld",
              hash256_to_hex(hex, &b->hash), (long long)p->id);
    const struct block_index *prev = block_tree_find(net->cm, &b->header.prev);
    if (prev && block_is_mutated(b, segwit_at(net, prev->height + 1))) {
        log_mutation(net, b, prev);
        log_debug(net->log, LOG_NET, "Received mutated block from peer=%lld",
                  (long long)p->id);
        peer_misbehaving(p, "mutated block");
        block_request_done(net, &b->hash, p);
        block_unref(b);
        return;
    }
    bool force = block_requested(net, &b->hash), is_new, enough = false;
    block_request_done(net, &b->hash, p);
    struct block_source *src = map_put(&net->block_sources, &b->hash, &is_new);
    if (is_new)
        *src = (struct block_source){.peer = p->id, .may_punish = true};
    if (prev) {
        struct u256 work = u256_add(prev->chain_work, work_of_bits(b->header.bits));
        struct u256 least = anti_dos_work(net);
        enough = u256_cmp(&work, &least) >= 0;
    }
    process_block(p, b, force, enough);
    block_unref(b);
}
