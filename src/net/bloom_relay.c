/* BIP 35 and BIP 37: light clients ask for the mempool and load their filters. */
#include "net/internal.h"

void on_mempool(struct handler_args *a)
{
    struct peer *p = a->peer;
    const char *why = NULL;
    bool allowed = peer_has_perm(p, PERM_MEMPOOL);
    if (!(p->our_services & NODE_BLOOM) && !allowed)
        why = "mempool request with bloom filters disabled";
    else if (net_upload_exhausted(a->net, false) && !allowed)
        why = "mempool request with bandwidth limit reached";
    if (!why) {
        p->txs.answer_mempool = p->txs.relay;
    } else if (!peer_has_perm(p, PERM_NOBAN)) {
        log_debug(a->net->log, LOG_NET, "%s, disconnect peer=%lld", why,
                  (long long)p->id);
        peer_disconnect(p);
    }
}

static bool offers_bloom(struct peer *p, const char *type)
{
    if (p->our_services & NODE_BLOOM)
        return true;
    log_debug(p->net->log, LOG_NET,
              "%s received despite not offering bloom services from "
              "peer=%lld; disconnecting",
              type, (long long)p->id);
    peer_disconnect(p);
    return false;
}

void on_filterload(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (!offers_bloom(p, "filterload"))
        return;
    struct bloom *filter = bloom_read(&a->r);
    if (!filter)
        return;
    if (!bloom_within_limits(filter)) {
        peer_misbehaving(p, "too-large bloom filter");
        bloom_free(filter);
    } else if (!p->txs.relay) {
        bloom_free(filter);
    } else {
        bloom_free(p->txs.filter);
        p->txs.filter = filter;
        p->txs.wants = true;
    }
}

void on_filteradd(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (!offers_bloom(p, "filteradd"))
        return;
    struct bytes item = read_var(&a->r, MAX_PROTOCOL_MESSAGE_LENGTH);
    if (a->r.bad)
        return;
    if (item.len > BLOOM_MAX_ITEM || (p->txs.relay && !p->txs.filter))
        peer_misbehaving(p, "bad filteradd message");
    else if (p->txs.relay)
        bloom_insert(p->txs.filter, item);
}

void on_filterclear(struct handler_args *a)
{
    struct peer *p = a->peer;
    if (!offers_bloom(p, "filterclear") || !p->txs.relay)
        return;
    bloom_free(p->txs.filter);
    p->txs.filter = NULL;
    p->txs.wants = true;
}
