/* Transactions: taking them in, and orphans again once their parents came. */
#include <stdio.h>

#include "net/txs.h"

#define EXTRA_TX_MAX_BYTES 100000

void txs_remember_extra(struct net *net, const struct tx *tx)
{
    if (!net->opt.extra_txn || tx->total_size > EXTRA_TX_MAX_BYTES)
        return;
    if (!net->extra_txn)
        net->extra_txn = xcalloc(net->opt.extra_txn, sizeof(*net->extra_txn));
    if (net->n_extra_txn < net->opt.extra_txn)
        net->n_extra_txn++;
    tx_unref(net->extra_txn[net->extra_txn_at]);
    net->extra_txn[net->extra_txn_at] = tx_ref(tx);
    net->extra_txn_at = (net->extra_txn_at + 1) % net->opt.extra_txn;
}

static void accepted(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    char a[65], b[65];
    txs_forget(net, tx);
    log_debug(net->log, LOG_MEMPOOL,
              "AcceptToMemoryPool: peer=%lld: accepted %s (wtxid=%s) "
              "(poolsz %zu txn, %zu kB)",
              (long long)p->id, hash256_to_hex(a, &tx->txid),
              hash256_to_hex(b, &tx->wtxid), mempool_count(net->mp),
              mempool_memory(net->mp) / 1000);
    orphanage_add_children(net->orphans, tx);
    orphanage_erase(net->orphans, &tx->wtxid);
    txs_relay(net, &tx->txid, &tx->wtxid);
}

static void refused(struct peer *p, const struct tx *tx, const struct accept_result *r,
                    bool extra)
{
    struct net *net = p->net;
    char a[65], b[65], text[512];
    log_debug(net->log, LOG_MEMPOOLREJ,
              "%s (wtxid=%s) from peer=%lld was not accepted: %s",
              hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid),
              (long long)p->id, reject_text(&r->rej, text));
    if (r->rej.class == TX_MISSING_INPUTS)
        return;
    bool stripped = r->witness_stripped || r->rej.class == TX_WITNESS_STRIPPED;
    if (!stripped) {
        recent_add_hash(r->rej.class == TX_RECONSIDERABLE ? &net->reconsiderable
                                                          : &net->rejects,
                        &tx->wtxid);
        txrequest_forget(net->txreq, &tx->wtxid);
        /* Another witness would not help. */
        if (r->rej.class == TX_INPUTS_NOT_STANDARD) {
            recent_add_hash(&net->rejects, &tx->txid);
            txrequest_forget(net->txreq, &tx->txid);
        }
        if (extra)
            txs_remember_extra(net, tx);
    }
    if (r->rej.class == TX_CONSENSUS && !stripped)
        peer_misbehaving(p, "%s", reject_text(&r->rej, text));
    orphanage_erase(net->orphans, &tx->wtxid);
}

static bool try_accept(struct net *net, const struct tx *tx, struct accept_result *r)
{
    *r = (struct accept_result){0};
    net_release(net);
    bool ok = mempool_accept(net->mp, tx, false, false, 0, r);
    net_resume(net);
    return ok;
}

/* Its parents are unknown: ask the one who sent it for them, unless they were refused.
 */
static void keep_orphan(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    char a[65], b[65];
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (!recent_has_hash(&net->rejects, &tx->in[i].prevout.txid))
            continue;
        log_debug(net->log, LOG_MEMPOOL,
                  "not keeping orphan with rejected parents %s "
                  "(wtxid=%s)",
                  hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid));
        recent_add_hash(&net->rejects, &tx->txid);
        recent_add_hash(&net->rejects, &tx->wtxid);
        txs_forget(net, tx);
        return;
    }
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct gtxid id = {tx->in[i].prevout.txid, false};
        recent_add_hash(&p->txs.known, &id.hash);
        if (!txs_have(net, &id, false))
            txs_announced(p, &id);
    }
    if (orphanage_add(net->orphans, tx, p->id, net_now_s(net)))
        txs_remember_extra(net, tx);
    txs_forget(net, tx);
    orphanage_limit(net->orphans, net->opt.max_orphans, net_now_s(net), &net->rng);
}

static void force_relay(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    char a[65], b[65];
    hash256_to_hex(a, &tx->txid);
    hash256_to_hex(b, &tx->wtxid);
    if (!peer_has_perm(p, PERM_FORCE_RELAY))
        return;
    if (!mempool_find(net->mp, &tx->txid)) {
        log_info(net->log,
                 "Not relaying non-mempool transaction %s (wtxid=%s) from "
                 "forcerelay peer=%lld",
                 a, b, (long long)p->id);
        return;
    }
    log_info(net->log, "Force relaying tx %s (wtxid=%s) from peer=%lld", a, b,
             (long long)p->id);
    txs_relay(net, &tx->txid, &tx->wtxid);
}

static void take_tx(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    struct accept_result r;
    recent_add_hash(&p->txs.known, p->wtxid_relay ? &tx->wtxid : &tx->txid);
    txrequest_answered(net->txreq, p->id, &tx->txid);
    if (tx->has_witness)
        txrequest_answered(net->txreq, p->id, &tx->wtxid);
    if (txs_have(net, &(struct gtxid){tx->wtxid, true}, true)) {
        force_relay(p, tx);
        return;
    }
    if (try_accept(net, tx, &r)) {
        accepted(p, tx);
        p->txs.last_tx_s = net_now_s(net);
    } else {
        if (r.rej.class == TX_MISSING_INPUTS)
            keep_orphan(p, tx);
        refused(p, tx, &r, true);
    }
    accept_result_clear(&r);
}

/* Whether the transaction is fine but for its witnesses, all of which are empty. */
static bool has_superfluous_witness(struct bytes raw)
{
    struct reader r;
    struct buf plain = {0};
    reader_init(&r, raw.data + 6, raw.len - 6); /* behind version, marker and flag */
    uint64_t n_in = read_varint(&r, raw.len);
    if (r.bad || n_in + 4 > reader_left(&r))
        return false;
    const uint8_t *witness = r.end - 4 - n_in;
    buf_append(&plain, raw.data, 4);
    buf_append(&plain, raw.data + 6, (size_t)(witness - raw.data) - 6);
    buf_append(&plain, r.end - 4, 4);
    struct tx *tx = tx_from_bytes(plain.data, plain.len, false);
    bool found = tx != NULL;
    for (size_t i = 0; i < n_in && found; i++)
        found = witness[i] == 0;
    tx_unref(tx);
    buf_clear(&plain);
    return found;
}

/* The malformations of a transaction that have names of their own. */
static const char *tx_malformation(struct bytes raw)
{
    bool extended = raw.len > 6 && raw.data[4] == 0 && raw.data[5] != 0;
    if (extended && raw.data[5] != 1)
        return "Unknown transaction optional data";
    if (extended && has_superfluous_witness(raw))
        return "Superfluous witness record";
    return "end of data";
}

void on_tx(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (txs_reject_incoming(p)) {
        log_debug(a->net->log, LOG_NET,
                  "transaction sent in violation of protocol peer=%lld",
                  (long long)p->id);
        peer_disconnect(p);
        return;
    }
    if (chainman_ibd(a->net->cm))
        return;
    struct tx *tx = tx_read(&a->r, true);
    if (tx)
        take_tx(p, tx);
    else
        snprintf(a->error.text, sizeof(a->error.text), "%s",
                 tx_malformation(buf_view(&a->msg->payload)));
    tx_unref(tx);
}

bool txs_process_orphans(struct peer *p)
{
    struct net *net = p->net;
    struct tx *tx;
    struct accept_result r;
    char a[65], b[65];
    while ((tx = orphanage_next(net->orphans, p->id))) {
        bool settled = true;
        if (try_accept(net, tx, &r)) {
            log_debug(net->log, LOG_TXPACKAGES, "   accepted orphan tx %s (wtxid=%s)",
                      hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid));
            accepted(p, tx);
        } else if (r.rej.class != TX_MISSING_INPUTS) {
            log_debug(net->log, LOG_TXPACKAGES,
                      "   invalid orphan tx %s (wtxid=%s) from peer=%lld",
                      hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid),
                      (long long)p->id);
            refused(p, tx, &r, false);
        } else {
            settled = false;
        }
        accept_result_clear(&r);
        tx_unref(tx);
        if (settled)
            return true;
    }
    return false;
}
