/* Answering getheaders and getblocks, and what of old forks may be told at all. */
#include <stdlib.h>

#include "net/internal.h"

#define GETBLOCKS_LIMIT   500
#define STALE_RELAY_AGE_S (30 * 24 * 60 * 60)
/* Who asks for blocks needs an hour to fetch them before they are pruned. */
#define PRUNED_SLACK_S 3600

const struct block_index *find_fork(struct net *net, const struct msg_locator *m)
{
    const struct block_index *tip = chain_tip(net->cm);
    for (size_t i = 0; i < m->n; i++) {
        const struct block_index *bi = block_tree_find(net->cm, &m->have[i]);
        if (!bi)
            continue;
        if (chain_contains(net->cm, bi))
            return bi;
        if (block_index_ancestor(bi, tip->height) == tip)
            return tip;
    }
    return chain_at(net->cm, 0);
}

/* Old forks would tell who we are: only recent ones, of about the same work, are
 * served. */
bool fork_allowed(struct net *net, const struct block_index *bi)
{
    if (chain_contains(net->cm, bi))
        return true;
    const struct block_index *best = best_header(net->cm);
    return block_index_is_valid(bi, BLOCK_VALID_SCRIPTS) &&
           (int64_t)best->time - bi->time < STALE_RELAY_AGE_S &&
           block_index_equivalent_time(best, bi, best, net->opt.params->spacing) <
               STALE_RELAY_AGE_S;
}

static bool locator_too_long(struct peer *p, const char *type,
                             const struct msg_locator *m)
{
    if (m->n <= MAX_LOCATOR_SIZE)
        return false;
    log_debug(p->net->log, LOG_NET, "%s locator size %zu > %d, disconnect peer=%lld",
              type, m->n, MAX_LOCATOR_SIZE, (long long)p->id);
    peer_disconnect(p);
    return true;
}

static void send_headers_from(struct peer *p, const struct block_index *bi,
                              const struct hash256 *stop)
{
    struct net *net = p->net;
    struct msg_headers m = {.items = xcalloc(MAX_HEADERS_RESULTS, sizeof(*m.items))};
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    while (bi) {
        m.items[m.n++] = block_index_header(bi);
        if (m.n == MAX_HEADERS_RESULTS || hash256_equal(&bi->hash, stop))
            break;
        bi = chain_next(net->cm, bi);
    }
    /* Nothing left to send means that it is where we are. */
    p->sync.best_header_sent =
        bi ? block_tree_find(net->cm, &bi->hash) : chain_tip(net->cm);
    msg_headers_write(&s, &m);
    peer_send(p, "headers", &b);
    buf_clear(&b);
    msg_headers_clear(&m);
}

static void answer_getheaders(struct peer *p, const struct msg_locator *m)
{
    struct net *net = p->net;
    const struct block_index *bi;
    if (m->n) {
        bi = chain_next(net->cm, find_fork(net, m));
    } else {
        bi = block_tree_find(net->cm, &m->stop);
        if (!bi)
            return;
        if (!fork_allowed(net, bi)) {
            log_debug(net->log, LOG_NET,
                      "ProcessMessage: ignoring request from peer=%lld for "
                      "old block header that isn't in the main chain",
                      (long long)p->id);
            return;
        }
    }
    char hex[65];
    log_debug(net->log, LOG_NET, "getheaders %d to %s from peer=%lld",
              bi ? bi->height : -1,
              hash256_is_zero(&m->stop) ? "end" : hash256_to_hex(hex, &m->stop),
              (long long)p->id);
    send_headers_from(p, bi, &m->stop);
}

void on_getheaders(struct handler_args *a)
{
    struct peer *p = a->peer;
    struct net *net = a->net;
    struct msg_locator m = msg_locator_read(&a->r);
    const struct u256 *least = &net->opt.params->minimum_chain_work;
    if (a->r.bad || locator_too_long(p, "getheaders", &m)) {
        /* nothing to answer */
    } else if (chainman_importing(net->cm)) {
        log_debug(net->log, LOG_NET,
                  "Ignoring getheaders from peer=%lld while importing/reindexing",
                  (long long)p->id);
    } else if (u256_cmp(&chain_tip(net->cm)->chain_work, least) < 0 &&
               !peer_has_perm(p, PERM_DOWNLOAD)) {
        log_debug(
            net->log, LOG_NET,
            "Ignoring getheaders from peer=%lld because active chain has too little "
            "work; sending empty response",
            (long long)p->id);
        struct buf b = {0};
        buf_append_byte(&b, 0);
        peer_send(p, "headers", &b);
        buf_clear(&b);
    } else {
        answer_getheaders(p, &m);
    }
    msg_locator_clear(&m);
}

/* The hashes go out as an inv; with the last of a full batch the peer is told to go on.
 */
static void answer_getblocks(struct peer *p, const struct msg_locator *m)
{
    struct net *net = p->net;
    const struct block_index *bi = chain_next(net->cm, find_fork(net, m));
    int32_t pruned_below = chain_height(net->cm) - LIMITED_PEER_BLOCKS +
                           PRUNED_SLACK_S / net->opt.params->spacing;
    char hex[65];
    log_debug(net->log, LOG_NET, "getblocks %d to %s limit %d from peer=%lld",
              bi ? bi->height : -1,
              hash256_is_zero(&m->stop) ? "end" : hash256_to_hex(hex, &m->stop),
              GETBLOCKS_LIMIT, (long long)p->id);
    for (int n = 0; bi; bi = chain_next(net->cm, bi)) {
        if (hash256_equal(&bi->hash, &m->stop))
            break;
        if (net->opt.pruned &&
            (!(bi->status & BLOCK_HAVE_DATA) || bi->height <= pruned_below))
            break;
        hash_list_add(&p->sync.blocks_by_inv, &bi->hash);
        if (++n < GETBLOCKS_LIMIT)
            continue;
        p->sync.continuation = bi->hash;
        break;
    }
}

void on_getblocks(struct handler_args *a)
{
    struct msg_locator m = msg_locator_read(&a->r);
    if (!a->r.bad && !locator_too_long(a->peer, "getblocks", &m))
        answer_getblocks(a->peer, &m);
    msg_locator_clear(&m);
}
