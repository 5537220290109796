/* How far the clocks of outgoing peers are from ours. Those of incoming ones are not
 * asked: anybody could make a false alarm with them. */
#include <stdlib.h>

#include "net/internal.h"

#define OFFSETS_MIN 5
#define ALARM_S     (10 * 60)

static int by_value(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

int64_t time_offset_median(const struct net *net)
{
    const struct time_offsets *o = &net->time_offsets;
    int64_t sorted[TIME_OFFSETS_MAX];
    if (o->n < OFFSETS_MIN)
        return 0;
    memcpy(sorted, o->seconds, o->n * sizeof(*sorted));
    qsort(sorted, o->n, sizeof(*sorted), by_value);
    return sorted[o->n / 2];
}

static const char alarm_text[] =
    "Your computer's date and time appear to be more than 10 minutes out of sync with "
    "the network, this may lead to consensus failure. After you've confirmed your "
    "computer's clock, this message should no longer appear when you restart your "
    "node. Without a restart, it should stop showing automatically after you've "
    "connected to a sufficient number of new outbound peers, which may take some time. "
    "You can inspect the `timeoffset` field of the `getpeerinfo` and `getnetworkinfo` "
    "RPC methods to get more info.";

void time_offset_add(struct net *net, int64_t seconds)
{
    struct time_offsets *o = &net->time_offsets;
    o->seconds[o->next] = seconds;
    o->next = (o->next + 1) % TIME_OFFSETS_MAX;
    if (o->n < TIME_OFFSETS_MAX)
        o->n++;
    log_debug(net->log, LOG_NET, "Added time offset %+llds, total samples %zu",
              (long long)seconds, o->n);
    int64_t median = time_offset_median(net);
    bool fine = median <= ALARM_S && median >= -ALARM_S;
    if (!fine)
        log_warning(net->log, "%s", alarm_text);
    if (net->opt.clock_warning)
        net->opt.clock_warning(net->opt.warning_ctx, fine ? NULL : alarm_text);
}
