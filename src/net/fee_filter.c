/* BIP 133: telling peers below which fee rate we take no transactions. */
#include "chain/rules/policy.h"
#include "net/internal.h"

#define FEEFILTER_INTERVAL_US  (10 * 60 * US)
#define FEEFILTER_MAX_DELAY_US (5 * 60 * US)
#define FEEFILTER_MAX_RATE     1e7
#define FEEFILTER_STEP         1.1

/* Rounded to one of few values, mostly down, so that it tells little about our mempool.
 */
static int64_t round_fee(struct net *net, double rate)
{
    double below = 0, at = DEFAULT_MIN_RELAY_FEERATE / 2;
    while (at < rate && at * FEEFILTER_STEP <= FEEFILTER_MAX_RATE) {
        below = at;
        at *= FEEFILTER_STEP;
    }
    bool past_end = at < rate;
    if (rate <= 0)
        return 0;
    return (int64_t)(past_end || rng_below(&net->rng, 3) == 0 ? at : below);
}

static int64_t max_filter(void)
{
    double at = DEFAULT_MIN_RELAY_FEERATE / 2;
    while (at * FEEFILTER_STEP <= FEEFILTER_MAX_RATE)
        at *= FEEFILTER_STEP;
    return (int64_t)at;
}

static void send_filter(struct peer *p, int64_t rate)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    write_i64(&s, rate);
    peer_send(p, "feefilter", &b);
    buf_clear(&b);
    p->txs.fee_filter_sent = rate;
}

/* Whether it is, or may be, of any use to tell this peer. */
static bool has_filter(const struct peer *p)
{
    return !p->net->opt.blocks_only && p->common_version >= FEEFILTER_VERSION &&
           !peer_has_perm(p, PERM_FORCE_RELAY) && p->type != CONN_BLOCK_RELAY;
}

static void tell_filter(struct peer *p, bool ibd, int64_t current, int64_t now_us)
{
    struct net *net = p->net;
    int64_t least = mempool_get_options(net->mp)->min_relay_feerate;
    int64_t rate = ibd ? max_filter() : round_fee(net, (double)current);
    rate = rate > least ? rate : least;
    if (rate != p->txs.fee_filter_sent)
        send_filter(p, rate);
    p->txs.fee_filter_all = ibd;
    p->txs.next_fee_filter_us = now_us + net_random_delay(net, FEEFILTER_INTERVAL_US);
}

void txs_send_feefilter(struct peer *p, int64_t now_us)
{
    struct peer_txs *t = &p->txs;
    if (!has_filter(p))
        return;
    bool ibd = chainman_ibd(p->net->cm);
    /* Until then we do not want any. */
    int64_t current = ibd ? MAX_MONEY : mempool_min_feerate(p->net->mp);
    if (now_us > t->next_fee_filter_us || (t->fee_filter_all && !ibd))
        tell_filter(p, ibd, current, now_us);
    else if (now_us + FEEFILTER_MAX_DELAY_US < t->next_fee_filter_us &&
             (current < 3 * t->fee_filter_sent / 4 ||
              current > 4 * t->fee_filter_sent / 3))
        t->next_fee_filter_us =
            now_us + (int64_t)rng_below(&p->net->rng, FEEFILTER_MAX_DELAY_US);
}
