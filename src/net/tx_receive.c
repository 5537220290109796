/* Transactions: taking them in, or refusing them. */
#include <stdio.h>

#include "net/txs.h"

void txs_remember_extra(struct net *net, const struct tx *tx)
{
    extra_txs_add(&net->extra, tx);
}

void txs_accepted(struct peer *p, const struct tx *tx)
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

/* What we will not look at again, or only with a child that pays for it. A witness that
 * was stripped says nothing about the transaction with its true one. */
static void remember_refused(struct net *net, const struct tx *tx,
                             const struct reject *rej)
{
    recent_add_hash(rej->class == TX_RECONSIDERABLE ? &net->reconsiderable
                                                    : &net->rejects,
                    &tx->wtxid);
    txrequest_forget(net->txreq, &tx->wtxid);
    if (rej->class != TX_INPUTS_NOT_STANDARD)
        return;
    /* Another witness would not help. */
    recent_add_hash(&net->rejects, &tx->txid);
    txrequest_forget(net->txreq, &tx->txid);
}

static bool is_stripped(const struct accept_result *r)
{
    return r->witness_stripped || r->rej.class == TX_WITNESS_STRIPPED;
}

void txs_refused(struct peer *p, const struct tx *tx, const struct accept_result *r,
                 bool blame)
{
    struct net *net = p->net;
    bool stripped = is_stripped(r);
    char a[65], b[65], text[512];
    log_debug(net->log, LOG_MEMPOOLREJ,
              "%s (wtxid=%s) from peer=%lld was not accepted: %s",
              hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &tx->wtxid),
              (long long)p->id, reject_text(&r->rej, text));
    if (r->rej.class == TX_MISSING_INPUTS)
        return;
    if (!stripped)
        remember_refused(net, tx, &r->rej);
    if (r->rej.class == TX_CONSENSUS && !stripped && blame)
        peer_misbehaving(p, "%s", reject_text(&r->rej, text));
    orphanage_erase(net->orphans, &tx->wtxid);
}

bool txs_try(struct net *net, const struct tx *tx, struct accept_result *r)
{
    *r = (struct accept_result){0};
    net_release(net);
    bool ok = mempool_accept(net->mp, tx, false, false, 0, r);
    net_resume(net);
    return ok;
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

/* It is in the mempool, an orphan, confirmed, or was refused before. */
static void take_known(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    force_relay(p, tx);
    if (orphanage_has(net->orphans, &tx->wtxid))
        txs_orphan_announced(p, tx);
    else if (recent_has_hash(&net->reconsiderable, &tx->wtxid))
        txs_try_package(p, tx, "in reconsiderable rejects");
}

static void take_new(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    struct accept_result r;
    if (txs_try(net, tx, &r)) {
        txs_accepted(p, tx);
        p->txs.last_tx_s = net_now_s(net);
    } else if (r.rej.class == TX_MISSING_INPUTS) {
        txs_refused(p, tx, &r, true);
        txs_keep_orphan(p, tx);
    } else {
        txs_refused(p, tx, &r, true);
        if (!is_stripped(&r))
            txs_remember_extra(net, tx);
        if (r.rej.class == TX_RECONSIDERABLE)
            txs_try_package(p, tx, "failed but reconsiderable");
    }
    accept_result_clear(&r);
}

static void take_tx(struct peer *p, const struct tx *tx)
{
    struct net *net = p->net;
    recent_add_hash(&p->txs.known, p->wtxid_relay ? &tx->wtxid : &tx->txid);
    txrequest_answered(net->txreq, p->id, &tx->txid);
    if (tx->has_witness)
        txrequest_answered(net->txreq, p->id, &tx->wtxid);
    if (txs_have(net, &(struct gtxid){tx->wtxid, true}, true))
        take_known(p, tx);
    else
        take_new(p, tx);
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
