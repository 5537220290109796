/* Headers: asking for them, taking them in, and letting go of outgoing peers whose
 * chain does not keep up. */
#include <stdlib.h>

#include "chain/rules/pow.h"
#include "net/internal.h"

#define HEADERS_RESPONSE_US           (120 * US)
#define HEADERS_TIMEOUT_BASE_US       (15 * 60 * US)
#define HEADERS_TIMEOUT_PER_HEADER_US 1000
#define DAY_S                         (24 * 60 * 60)
#define BEHIND_TIMEOUT_S              (20 * 60)
#define BEHIND_RESPONSE_S             120
#define MAX_PROTECTED                 4
#define ANTI_DOS_BLOCKS               144

/* -- Locators ------------------------------------------------------------- */

/* Ten blocks one by one, then in steps that double, and genesis. */
static struct msg_locator locator_of(const struct block_index *bi)
{
    struct msg_locator m = {.version = PROTOCOL_VERSION};
    int32_t step = 1;
    m.have = xcalloc(65, sizeof(*m.have)); /* one more for the caller */
    while (bi) {
        m.have[m.n++] = bi->hash;
        if (bi->height == 0)
            break;
        int32_t height = bi->height > step ? bi->height - step : 0;
        bi = block_index_ancestor(bi, height);
        if (m.n > 10)
            step *= 2;
    }
    return m;
}

/* Not while an earlier question may still be answered. @front (may be NULL) stands
 * before the locator of @from. */
static bool ask_headers(struct peer *p, const struct block_index *from,
                        const struct hash256 *front)
{
    int64_t now = net_now_us(p->net);
    if (p->sync.last_getheaders_us &&
        now - p->sync.last_getheaders_us <= HEADERS_RESPONSE_US)
        return false;
    struct msg_locator m = locator_of(from);
    if (front) {
        memmove(&m.have[1], &m.have[0], m.n * sizeof(*m.have));
        m.have[0] = *front;
        m.n++;
    }
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    msg_locator_write(&s, &m);
    peer_send(p, "getheaders", &b);
    buf_clear(&b);
    msg_locator_clear(&m);
    p->sync.last_getheaders_us = now;
    return true;
}

bool getheaders_maybe(struct peer *p, const struct block_index *from)
{
    return ask_headers(p, from, NULL);
}

/* -- What a peer has ------------------------------------------------------ */

void process_availability(struct peer *p)
{
    if (hash256_is_zero(&p->sync.last_unknown))
        return;
    struct block_index *bi = block_tree_find(p->net->cm, &p->sync.last_unknown);
    if (!bi || u256_is_zero(&bi->chain_work))
        return;
    if (!p->sync.best_known ||
        u256_cmp(&bi->chain_work, &p->sync.best_known->chain_work) >= 0)
        p->sync.best_known = bi;
    p->sync.last_unknown = (struct hash256){0};
}

void update_availability(struct peer *p, const struct hash256 *hash)
{
    process_availability(p);
    struct block_index *bi = block_tree_find(p->net->cm, hash);
    if (!bi) {
        p->sync.last_unknown = *hash;
    } else if (!p->sync.best_known ||
               u256_cmp(&bi->chain_work, &p->sync.best_known->chain_work) >= 0) {
        p->sync.best_known = bi;
    }
}

/* -- Taking headers in ---------------------------------------------------- */

/* Chains with less work than this are not worth memory. */
struct u256 anti_dos_work(struct net *net)
{
    const struct block_index *tip = chain_tip(net->cm);
    const struct u256 *min = &net->opt.params->minimum_chain_work;
    struct u256 buffer = u256_mul_u32(work_of_bits(tip->bits), ANTI_DOS_BLOCKS);
    if (u256_cmp(&buffer, &tip->chain_work) > 0)
        buffer = tip->chain_work;
    struct u256 near_tip = u256_sub(tip->chain_work, buffer);
    return u256_cmp(&near_tip, min) > 0 ? near_tip : *min;
}

static bool headers_sane(struct peer *p, const struct block_header *h, size_t n)
{
    bool work = true, continuous = true;
    struct hash256 hash;
    for (size_t i = 0; work && i < n; i++) {
        if (i)
            continuous &= hash256_equal(&h[i].prev, &hash);
        hash = header_hash(&h[i]);
        work = pow_check(&hash, h[i].bits, p->net->opt.params);
    }
    if (!work)
        peer_misbehaving(p, "header with invalid proof of work");
    else if (!continuous)
        peer_misbehaving(p, "non-continuous headers sequence");
    return work && continuous;
}

/* Probably an announcement (BIP 130) after blocks we have not heard of: ask for what
 * lies between. */
static void headers_unconnected(struct peer *p, const struct block_header *h, size_t n)
{
    struct net *net = p->net;
    char a[65], b[65];
    struct hash256 first = header_hash(&h[0]), last = header_hash(&h[n - 1]);
    const struct block_index *best = best_header(net->cm);
    if (getheaders_maybe(p, best))
        log_debug(
            net->log, LOG_NET,
            "received header %s: missing prev block %s, sending getheaders (%d) to end "
            "(peer=%lld)",
            hash256_to_hex(a, &first), hash256_to_hex(b, &h[0].prev), best->height,
            (long long)p->id);
    update_availability(p, &last);
}

static bool is_ancestor_of_best(struct net *net, const struct block_index *bi)
{
    const struct block_index *best = best_header(net->cm);
    return bi && (block_index_ancestor(best, bi->height) == bi ||
                  chain_contains(net->cm, bi));
}

static bool is_outbound_relay(const struct peer *p)
{
    return p->type == CONN_OUTBOUND_FULL || p->type == CONN_BLOCK_RELAY;
}

static void note_progress(struct peer *p, const struct block_index *last, bool was_new,
                          bool may_have_more)
{
    struct net *net = p->net;
    struct peer_sync *s = &p->sync;
    const struct u256 *tip_work = &chain_tip(net->cm)->chain_work;
    update_availability(p, &last->hash);
    if (was_new && u256_cmp(&last->chain_work, tip_work) > 0)
        s->last_announcement_s = net_now_s(net);
    if (chainman_ibd(net->cm) && !may_have_more && is_outbound_relay(p) &&
        u256_cmp(&s->best_known->chain_work, &net->opt.params->minimum_chain_work) <
            0) {
        log_info(
            net->log,
            "Disconnecting outbound peer %lld -- headers chain has insufficient work",
            (long long)p->id);
        peer_disconnect(p);
    }
    if (!p->disconnect && p->type == CONN_OUTBOUND_FULL && !s->behind_protected &&
        net->n_protected < MAX_PROTECTED &&
        u256_cmp(&s->best_known->chain_work, tip_work) >= 0) {
        log_debug(net->log, LOG_NET, "Protecting outbound peer=%lld from eviction",
                  (long long)p->id);
        s->behind_protected = true;
        net->n_protected++;
    }
}

/* @what is done to headers; how many there will be follows from the time of the last.
 */
static void log_progress(struct net *net, const char *what, int32_t height,
                         int64_t time)
{
    if (!chainman_ibd(net->cm))
        return;
    int64_t left = (net_now_s(net) - time) / net->opt.params->spacing;
    double all = (double)height + (left > 0 ? (double)left : 0);
    log_info(net->log, "%s blockheaders, height: %d (~%.2f%%)", what, height,
             all > 0 ? 100.0 * height / all : 100.0);
}

/* Stores headers that connect and whose chain has enough work. @more: the message was
 * full. */
static void accept_headers(struct peer *p, const struct block_header *h, size_t n,
                           bool more, bool via_compact)
{
    struct net *net = p->net;
    struct hash256 last_hash = header_hash(&h[n - 1]);
    struct block_index *last = block_tree_find(net->cm, &last_hash);
    bool was_new = !last;
    const struct block_index *best = best_header(net->cm);
    struct reject rej = {0};
    net_release(net);
    bool ok = chainman_accept_headers(net->cm, h, n, false, &last, &rej);
    net_resume(net);
    if (!ok) {
        punish_for_block(net, p->id, &rej, via_compact, "invalid header received");
        return;
    }
    if (best_header(net->cm) != best)
        log_progress(net, "Synchronizing", last->height, last->time);
    if (more && !p->sync.presync && getheaders_maybe(p, last))
        log_debug(net->log, LOG_NET,
                  "more getheaders (%d) to end to peer=%lld (startheight:%d)",
                  last->height, (long long)p->id, p->starting_height);
    note_progress(p, last, was_new, more);
    if (!p->disconnect)
        download_direct(p, last);
}

static void end_presync(struct peer *p)
{
    presync_free(p->sync.presync);
    p->sync.presync = NULL;
}

/* Hands headers to the two-pass sync. False: they are not its business. *ready gets
 * what may be stored now; with @ready NULL there can be none. */
static bool continue_presync(struct peer *p, const struct block_header *h, size_t n,
                             struct presync_result *ready)
{
    bool full = n == MAX_HEADERS_RESULTS;
    struct presync_result r = presync_take(p->sync.presync, h, n, full);
    if (r.counted_on)
        p->sync.last_getheaders_us = 0;
    if (r.go_on && presync_height(p->sync.presync) >= 0)
        log_progress(p->net, "Pre-synchronizing", presync_height(p->sync.presync),
                     h[n - 1].time);
    if (r.go_on) {
        struct hash256 next = presync_next(p->sync.presync);
        ask_headers(p, presync_start(p->sync.presync), &next);
    } else {
        log_debug(p->net->log, LOG_NET, "Initial headers sync %s with peer=%lld",
                  r.counted_on ? "complete" : "aborted", (long long)p->id);
        end_presync(p);
    }
    if (ready)
        *ready = r;
    return r.counted_on;
}

/* True: all was said about these headers. */
static bool presync_headers(struct peer *p, const struct block_header *h, size_t n)
{
    struct presync_result r;
    bool full = n == MAX_HEADERS_RESULTS;
    if (!p->sync.presync || !continue_presync(p, h, n, &r))
        return false;
    if (r.n_ready)
        accept_headers(p, r.ready, r.n_ready, full, false);
    free(r.ready);
    return true;
}

/* True: taken care of. A short message ends a chain of too little work; a full one may
 * be the beginning of one with enough, which is first only counted. */
static bool low_work_sync(struct peer *p, const struct block_index *start,
                          const struct block_header *h, size_t n)
{
    struct net *net = p->net;
    struct u256 work = start->chain_work, least = anti_dos_work(net);
    for (size_t i = 0; i < n; i++)
        work = u256_add(work, work_of_bits(h[i].bits));
    if (u256_cmp(&work, &least) >= 0)
        return false;
    if (n < MAX_HEADERS_RESULTS) {
        log_debug(net->log, LOG_NET,
                  "Ignoring low-work chain (height=%zu) from peer=%lld",
                  (size_t)start->height + n, (long long)p->id);
        return true;
    }
    p->sync.presync = presync_new(net->opt.params, start, &least, net_now_s(net));
    log_debug(net->log, LOG_NET,
              "Initial headers sync started with peer=%lld: height=%d, "
              "presync phase",
              (long long)p->id, start->height);
    continue_presync(p, h, n, NULL);
    return true;
}

void headers_process(struct peer *p, const struct block_header *h, size_t n,
                     bool via_compact)
{
    struct net *net = p->net;
    if (!n) {
        end_presync(p);
        p->sync.last_getheaders_us = 0; /* an answer: it has nothing for us */
        return;
    }
    if (!headers_sane(p, h, n) || presync_headers(p, h, n))
        return;
    struct block_index *start = block_tree_find(net->cm, &h[0].prev);
    if (!start) {
        headers_unconnected(p, h, n);
        return;
    }
    p->sync.last_getheaders_us = 0;
    struct hash256 last_hash = header_hash(&h[n - 1]);
    const struct block_index *last = block_tree_find(net->cm, &last_hash);
    if (!is_ancestor_of_best(net, last) && !peer_has_perm(p, PERM_NOBAN) &&
        low_work_sync(p, start, h, n))
        return;
    accept_headers(p, h, n, n == MAX_HEADERS_RESULTS, via_compact);
}

void on_headers(struct handler_args *a)
{
    if (chainman_importing(a->net->cm)) {
        log_debug(a->net->log, LOG_NET,
                  "Unexpected headers message received from peer %lld",
                  (long long)a->peer->id);
        return;
    }
    struct msg_headers m = msg_headers_read(&a->r);
    if (m.n > MAX_HEADERS_RESULTS)
        peer_misbehaving(a->peer, "headers message size = %zu", m.n);
    else if (!a->r.bad)
        headers_process(a->peer, m.items, m.n, false);
    msg_headers_clear(&m);
}

/* -- Starting and keeping up ---------------------------------------------- */

void headers_start(struct peer *p, int64_t now_us)
{
    struct net *net = p->net;
    struct block_index *best = best_header(net->cm);
    if (p->sync.started || !can_serve_blocks(p) || chainman_importing(net->cm))
        return;
    bool near_now = best->time > now_us / US - DAY_S;
    if (!near_now && (net->n_started || !download_wanted_from(p)))
        return;
    /* From one below our best, so that the answer of a peer at the same tip is not
     * empty. */
    const struct block_index *from = best->prev ? best->prev : best;
    if (!getheaders_maybe(p, from))
        return;
    log_debug(net->log, LOG_NET,
              "initial getheaders (%d) to peer=%lld (startheight:%d)", from->height,
              (long long)p->id, p->starting_height);
    p->sync.started = true;
    net->n_started++;
    int64_t missing = (now_us / US - best->time) / net->opt.params->spacing;
    p->sync.headers_timeout_us =
        now_us + HEADERS_TIMEOUT_BASE_US + HEADERS_TIMEOUT_PER_HEADER_US * missing;
}

void headers_check_timeout(struct peer *p, int64_t now_us)
{
    struct net *net = p->net;
    struct peer_sync *s = &p->sync;
    if (!s->started || !s->headers_timeout_us)
        return;
    if (best_header(net->cm)->time > now_us / US - DAY_S) {
        s->headers_timeout_us = 0; /* caught up once: never again */
        return;
    }
    if (now_us <= s->headers_timeout_us || net->n_started != 1 ||
        net->n_preferred <= (size_t)s->preferred)
        return;
    if (!peer_has_perm(p, PERM_NOBAN)) {
        log_info(net->log, "Timeout downloading headers from peer=%lld, disconnecting",
                 (long long)p->id);
        peer_disconnect(p);
        return;
    }
    log_info(net->log,
             "Timeout downloading headers from noban peer=%lld, not disconnecting",
             (long long)p->id);
    s->started = false;
    net->n_started--;
    s->headers_timeout_us = 0;
}

static const char *hash_or_none(char out[65], const struct block_index *bi)
{
    return bi ? hash256_to_hex(out, &bi->hash) : "<none>";
}

/* A last chance to show the work that we had when its time began. */
static void ask_to_catch_up(struct peer *p, int64_t now_s)
{
    struct peer_sync *s = &p->sync;
    const struct block_index *goal = s->behind_work;
    char known[65], hex[65];
    getheaders_maybe(p, goal->prev ? goal->prev : goal);
    log_debug(p->net->log, LOG_NET,
              "sending getheaders to outbound peer=%lld to verify chain work (current "
              "best known block:%s, benchmark blockhash: %s)",
              (long long)p->id, hash_or_none(known, s->best_known),
              hash256_to_hex(hex, &goal->hash));
    s->behind_asked = true;
    s->behind_timeout_s = now_s + BEHIND_RESPONSE_S;
}

void headers_consider_eviction(struct peer *p, int64_t now_s)
{
    struct net *net = p->net;
    struct peer_sync *s = &p->sync;
    struct block_index *tip = chain_tip(net->cm);
    char hex[65];
    if (s->behind_protected || !is_outbound_relay(p) || !s->started)
        return;
    if (s->best_known && u256_cmp(&s->best_known->chain_work, &tip->chain_work) >= 0) {
        s->behind_timeout_s = 0;
        s->behind_work = NULL;
        s->behind_asked = false;
    } else if (!s->behind_timeout_s || (s->behind_work && s->best_known &&
                                        u256_cmp(&s->best_known->chain_work,
                                                 &s->behind_work->chain_work) >= 0)) {
        s->behind_timeout_s = now_s + BEHIND_TIMEOUT_S;
        s->behind_work = tip;
        s->behind_asked = false;
    } else if (now_s > s->behind_timeout_s && s->behind_asked) {
        log_info(net->log,
                 "Disconnecting outbound peer %lld for old chain, best known block "
                 "= %s",
                 (long long)p->id, hash_or_none(hex, s->best_known));
        peer_disconnect(p);
    } else if (now_s > s->behind_timeout_s) {
        ask_to_catch_up(p, now_s);
    }
}
