/* Whether a peer and we could reconcile transactions instead of announcing them all
 * (BIP 330). Both sides say so with sendtxrcncl between version and verack. As in
 * bitcoind 28 it ends there: announcements stay what they are.
 *
 *   sendtxrcncl   u32 version, u64 salt */
#include "net/internal.h"

#define TXRECONCILIATION_VERSION 1

/* Only to peers that want our transactions and whose ones we take. */
void reconciliation_offer(struct peer *p)
{
    struct net *net = p->net;
    if (!net->opt.tx_reconciliation || !p->txs.relay || !p->txs.wants ||
        p->type == CONN_ADDR_FETCH || net->opt.blocks_only)
        return;
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    write_u32(&s, TXRECONCILIATION_VERSION);
    write_u64(&s, rand_u64());
    log_debug(net->log, LOG_TXRECONCILIATION, "Pre-register peer=%lld",
              (long long)p->id);
    p->reconciliation = RECONCILIATION_OFFERED;
    peer_send(p, "sendtxrcncl", &b);
    buf_clear(&b);
}

void reconciliation_forget(struct peer *p)
{
    if (p->reconciliation != RECONCILIATION_NONE)
        log_debug(p->net->log, LOG_TXRECONCILIATION,
                  "Forget txreconciliation state of peer=%lld", (long long)p->id);
    p->reconciliation = RECONCILIATION_NONE;
}

/* Transactions are told apart by wtxid, and only before verack can that be agreed. */
void reconciliation_settle(struct peer *p)
{
    if (!p->wtxid_relay || p->reconciliation != RECONCILIATION_AGREED)
        reconciliation_forget(p);
}

static bool hang_up(struct peer *p, const char *when, const char *whom)
{
    log_debug(p->net->log, LOG_NET,
              "sendtxrcncl received %sfrom peer=%lld%s; disconnecting", when,
              (long long)p->id, whom);
    peer_disconnect(p);
    return false;
}

/* Who does not exchange transactions with us has nothing to reconcile. */
static bool may_offer(struct peer *p)
{
    if (p->ready)
        return hang_up(p, "after verack ", "");
    if (txs_reject_incoming(p))
        return hang_up(p, "", " to which we indicated no tx relay");
    if (!p->txs.relay || !p->txs.wants)
        return hang_up(p, "", " which indicated no tx relay to us");
    return true;
}

/* What is wrong with the offer; NULL: nothing. Of two versions the lower one counts. */
static const char *violation(const struct peer *p, uint32_t version)
{
    if (p->reconciliation == RECONCILIATION_AGREED)
        return " (sendtxrcncl received from already registered peer)";
    return version < TXRECONCILIATION_VERSION ? "" : NULL;
}

static void agree(struct peer *p, uint32_t version)
{
    struct net *net = p->net;
    const char *wrong = violation(p, version);
    if (p->reconciliation == RECONCILIATION_NONE) {
        log_debug(net->log, LOG_NET,
                  "Ignore unexpected txreconciliation signal from peer=%lld",
                  (long long)p->id);
    } else if (wrong) {
        log_debug(net->log, LOG_NET,
                  "txreconciliation protocol violation from peer=%lld%s; disconnecting",
                  (long long)p->id, wrong);
        peer_disconnect(p);
    } else {
        log_debug(net->log, LOG_TXRECONCILIATION, "Register peer=%lld (inbound=%d)",
                  (long long)p->id, peer_inbound(p));
        p->reconciliation = RECONCILIATION_AGREED;
    }
}

void on_sendtxrcncl(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (!a->net->opt.tx_reconciliation) {
        log_debug(a->net->log, LOG_NET,
                  "sendtxrcncl from peer=%lld ignored, as our node does not have "
                  "txreconciliation enabled",
                  (long long)p->id);
        return;
    }
    if (!may_offer(p))
        return;
    uint32_t version = read_u32(&a->r);
    (void)read_u64(&a->r); /* salt */
    if (!a->r.bad)
        agree(p, version);
}
