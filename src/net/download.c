/* Asking for blocks, from several peers in parallel, and what to do with those who keep
 * them back. */
#include <stdlib.h>

#include "net/internal.h"

#define STALLING_TIMEOUT_MAX_US (64 * US)

bool is_limited_peer(const struct peer *p)
{
    return !(p->services & NODE_NETWORK) && p->services & NODE_NETWORK_LIMITED;
}

bool can_serve_blocks(const struct peer *p)
{
    return p->services & (NODE_NETWORK | NODE_NETWORK_LIMITED);
}

bool can_serve_witnesses(const struct peer *p)
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

/* -- Requests under way --------------------------------------------------- */

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
    if (block_request_of(p, &bi->hash)) {
        compact_partial_free(take);
        return false;
    }
    if (s->n_inflight == s->inflight_cap) {
        s->inflight_cap = s->inflight_cap ? 2 * s->inflight_cap : 4;
        s->inflight =
            xrealloc_array(s->inflight, s->inflight_cap, sizeof(*s->inflight));
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

void block_requests_forget(struct peer *p)
{
    while (p->sync.n_inflight)
        forget_request(p, p->sync.n_inflight - 1);
}

void download_drop_peer(struct peer *p)
{
    struct net *net = p->net;
    block_requests_forget(p);
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
    if (!can_serve_blocks(p) || s->n_inflight >= PEER_INFLIGHT_MAX || p->disconnect ||
        chainman_importing(net->cm))
        return;
    if (ibd && (!download_wanted_from(p) || is_limited_peer(p)))
        return;
    struct inv items[PEER_INFLIGHT_MAX];
    struct msg_inv m = {.items = items};
    struct fetch_plan plan = download_plan(p, PEER_INFLIGHT_MAX - s->n_inflight);
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
    if (m.n > 1)
        log_debug(net->log, LOG_NET,
                  "Downloading blocks toward %s (%d) via headers direct fetch",
                  hash256_to_hex(hex, &last->hash), last->height);
    if (m.n == 1 && !net->opt.blocks_only && p->sync.provides_cmpct &&
        net->inflight.len == 1 && last->prev &&
        block_index_is_valid(last->prev, BLOCK_VALID_CHAIN))
        m.items[0].type = INV_CMPCT_BLOCK;
    send_getdata(p, &m);
}
