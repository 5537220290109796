/* Whose turn it is. Messages differ in what they cost: a ping takes some microseconds,
 * a transaction with thousands of signatures half a second. So turns go round among
 * peers who have used up to a common line of the message thread's time; who has used
 * more waits until nobody below has anything to do, then the line moves up. Whoever
 * comes with something after a pause has not used much and waits for a turn or two, not
 * for a turn of everybody who keeps the node busy. */
#include "net/internal.h"

#define SLACK_US        (US / 20) /* below the line at most: pauses are not saved up */
#define OUTBOUND_WEIGHT 8         /* peers that we chose may use as much more */

/* Who called begins above the line, behind all who are well-behaved: else hanging up
 * and calling again would pay off. */
void turn_newcomer(struct peer *p)
{
    p->used_us = p->net->turns.line_us + (peer_inbound(p) ? SLACK_US : 0);
}

void turn_spare(struct net *net, int64_t us)
{
    net->turns.spared_us += us;
}

static void charge(struct peer *p, int64_t us)
{
    struct turns *t = &p->net->turns;
    us -= t->spared_us;
    if (us < 0)
        us = 0;
    if (p->used_us < t->line_us - SLACK_US)
        p->used_us = t->line_us - SLACK_US;
    p->used_us += peer_inbound(p) ? us : us / OUTBOUND_WEIGHT;
}

static void take_turn(struct peer *p)
{
    struct net *net = p->net;
    int64_t begin = clock_steady_us();
    net->turns.spared_us = 0;
    if (process_peer(net, p))
        send_messages(net, p);
    charge(p, clock_steady_us() - begin);
}

bool serve_next(struct net *net)
{
    struct turns *t = &net->turns;
    struct peer *least = NULL;
    for (size_t i = 0; i < net->n_peers; i++) {
        struct peer *p = net->peers[t->cursor++ % net->n_peers];
        if (!has_work(p))
            continue;
        if (p->used_us <= t->line_us) {
            take_turn(p);
            return true;
        }
        if (!least || p->used_us < least->used_us)
            least = p;
    }
    if (!least)
        return false;
    t->line_us = least->used_us;
    take_turn(least);
    return true;
}
