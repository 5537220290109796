/* -maxuploadtarget: how much may still be sent in this cycle of a day. */
#include "net/internal.h"

#define CYCLE_S (24 * 60 * 60)

uint64_t net_octets_sent(const struct net *net)
{
    uint64_t sent = net->gone.sent;
    for (size_t i = 0; i < net->n_peers; i++)
        sent += net->peers[i]->link->count.sent;
    return sent;
}

struct upload_cycle net_upload_cycle(struct net *net)
{
    int64_t now = net_now_s(net);
    uint64_t sent = net_octets_sent(net);
    if (net->cycle_start_s + CYCLE_S < now) {
        net->cycle_start_s = now;
        net->cycle_base = sent;
    }
    int64_t left_s = net->cycle_start_s + CYCLE_S - now;
    return (struct upload_cycle){
        .sent = sent - net->cycle_base,
        .span_s = CYCLE_S,
        .left_s = left_s < CYCLE_S ? left_s : CYCLE_S,
    };
}

bool net_upload_exhausted(struct net *net, bool historical)
{
    uint64_t target = net->opt.max_upload_target;
    if (!target)
        return false;
    struct upload_cycle c = net_upload_cycle(net);
    if (!historical)
        return c.sent >= target;
    /* Keep room for every new block of the rest of the cycle. */
    uint64_t blocks = (uint64_t)(c.left_s / net->opt.params->spacing);
    uint64_t buffer = blocks * MAX_BLOCK_SERIALIZED_SIZE;
    return buffer >= target || c.sent >= target - buffer;
}
