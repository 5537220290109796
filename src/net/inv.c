/* What peers announce: blocks, and transactions for tx_download.c. */
#include "net/txs.h"

/* A peer that announces by inv: ask for headers up to there. While we wait for our
 * first headers from somebody else, one more peer per new block is let in on it. */
static void heard_of_block(struct peer *p, const struct hash256 *hash)
{
    struct net *net = p->net;
    struct peer_sync *s = &p->sync;
    char hex[65];
    struct block_index *best = best_header(net->cm);
    if (!s->started && (s->inv_triggered_getheaders ||
                        hash256_equal(hash, &net->last_inv_headers_sync)))
        return;
    if (getheaders_maybe(p, best))
        log_debug(net->log, LOG_NET, "getheaders (%d) %s to peer=%lld", best->height,
                  hash256_to_hex(hex, hash), (long long)p->id);
    if (!s->started) {
        s->inv_triggered_getheaders = true;
        net->last_inv_headers_sync = *hash;
    }
}

static void take_inv(struct peer *p, const struct msg_inv *m)
{
    struct net *net = p->net;
    const struct hash256 *best = NULL;
    char text[INV_TEXT];
    for (size_t i = 0; i < m->n; i++) {
        const struct inv *inv = &m->items[i];
        if (inv->type == (p->wtxid_relay ? INV_TX : INV_WTX))
            continue; /* not what was agreed on */
        if (inv->type == INV_BLOCK) {
            bool have = block_tree_find(net->cm, &inv->hash) != NULL;
            log_debug(net->log, LOG_NET, "got inv: %s  %s peer=%lld",
                      inv_format(text, inv), have ? "have" : "new", (long long)p->id);
            update_availability(p, &inv->hash);
            if (!have && !chainman_importing(net->cm) &&
                !block_requested(net, &inv->hash))
                best = &inv->hash;
        } else if (inv_is_tx(inv)) {
            if (!txs_heard_of(p, inv))
                return;
        } else {
            log_debug(net->log, LOG_NET,
                      "Unknown inv type \"%s\" received from peer=%lld",
                      inv_format(text, inv), (long long)p->id);
        }
    }
    if (best)
        heard_of_block(p, best);
}

void on_inv(struct handler_args *a)
{
    struct msg_inv m = msg_inv_read(&a->r);
    if (m.n > MAX_INV_SIZE)
        peer_misbehaving(a->peer, "inv message size = %zu", m.n);
    else if (!a->r.bad)
        take_inv(a->peer, &m);
    msg_inv_clear(&m);
}
