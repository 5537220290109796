/* -maxuploadtarget: how much of old blocks may still be served in this cycle. */
#include "net/internal.h"

#define UPLOAD_CYCLE_S (24 * 60 * 60)

static void roll_cycle(struct net *net)
{
    int64_t now = net_now_s(net);
    if (net->cycle_start_s + UPLOAD_CYCLE_S < now) {
        net->cycle_start_s = now;
        net->cycle_sent = 0;
    }
}

void net_count_upload(struct net *net, size_t octets)
{
    roll_cycle(net);
    net->cycle_sent += octets;
}

bool net_upload_exhausted(struct net *net, bool historical)
{
    uint64_t target = net->opt.max_upload_target;
    if (!target)
        return false;
    roll_cycle(net);
    if (!historical)
        return net->cycle_sent >= target;
    /* Keep room for every new block of the rest of the cycle. */
    int64_t left_s = net->cycle_start_s + UPLOAD_CYCLE_S - net_now_s(net);
    uint64_t blocks = (uint64_t)(left_s > 0 ? left_s : 0) / 600;
    uint64_t buffer = blocks * MAX_BLOCK_SERIALIZED_SIZE;
    return buffer >= target || net->cycle_sent >= target - buffer;
}
