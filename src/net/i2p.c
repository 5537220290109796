#include "net/i2p.h"

#include <stdlib.h>

#define MAX_SPARE        10
#define FIRST_PAUSE_MS   1000
#define LONGER_BY_MS     1000
#define LONGEST_PAUSE_MS 300000

struct i2p {
    struct net *net;
    struct i2p_session *session;          /* owned; the persistent one, or NULL */
    struct i2p_session *spare[MAX_SPARE]; /* owned; transient, not in use */
    size_t n_spare;
    struct i2p_stream *caller; /* owned; the next one, NULL: nobody can call now */
    struct loop_timer *again;  /* owned */
    int64_t pause_ms;
    struct netaddr me; /* network 0: not announced */
};

/* -- Callers -------------------------------------------------------------- */

static void on_listening(void *ctx)
{
    struct i2p *i = ctx;
    if (i->me.network != NET_UNROUTABLE)
        return;
    i->me = *i2p_session_me(i->session);
    net_resume(i->net);
    net_add_local(i->net, &i->me, LOCAL_MANUAL);
    net_release(i->net);
}

static void listen_later(struct i2p *i, int64_t pause_ms)
{
    i->caller = NULL;
    loop_timer_set(i->again, pause_ms);
}

static void on_caller(void *ctx, struct conn *take, const struct netaddr *peer)
{
    struct i2p *i = ctx;
    struct incoming in = {.from = *peer, .to = *i2p_session_me(i->session)};
    i->pause_ms = FIRST_PAUSE_MS;
    listen_later(i, 0);
    listen_accept(i->net, take, &in);
}

static void on_failed(void *ctx, bool peers_fault)
{
    struct i2p *i = ctx;
    (void)peers_fault;
    net_withdraw_local(i->net, &i->me);
    listen_later(i, i->pause_ms);
    if (i->pause_ms < LONGEST_PAUSE_MS)
        i->pause_ms += LONGER_BY_MS;
}

static void listen_again(void *arg)
{
    static const struct i2p_stream_events events = {
        .listening = on_listening,
        .connected = on_caller,
        .failed = on_failed,
    };
    struct i2p *i = arg;
    if (!i->net->stopping)
        i->caller = i2p_accept(i->session, &events, i);
}

/* -- Sessions ------------------------------------------------------------- */

struct i2p_session *i2p_borrow(struct net *net)
{
    struct i2p *i = net->i2p;
    if (i->session)
        return i->session;
    return i->n_spare ? i->spare[--i->n_spare] : i2p_session_new(net, false);
}

void i2p_give_back(struct net *net, struct i2p_session *take)
{
    struct i2p *i = net->i2p;
    if (take == NULL || take == i->session)
        return;
    if (i->n_spare < MAX_SPARE)
        i->spare[i->n_spare++] = take;
    else
        i2p_session_free(take);
}

void i2p_start(struct net *net)
{
    struct i2p *i = xcalloc(1, sizeof(*i));
    i->net = net;
    net->i2p = i;
    if (!net->proxies[NET_I2P].set || !net->opt.i2p_accept_incoming)
        return;
    i->pause_ms = FIRST_PAUSE_MS;
    i->session = i2p_session_new(net, true);
    i->again = loop_timer_new(net->loop, listen_again, i);
    loop_timer_set(i->again, 0);
}

void i2p_stop(struct net *net)
{
    struct i2p *i = net->i2p;
    if (!i)
        return;
    i2p_cancel(i->caller);
    i->caller = NULL;
    loop_timer_free(i->again);
    i->again = NULL;
    if (i->session)
        i2p_session_stop(i->session);
    while (i->n_spare)
        i2p_session_free(i->spare[--i->n_spare]);
}

void i2p_free(struct net *net)
{
    if (!net->i2p)
        return;
    i2p_session_free(net->i2p->session);
    free(net->i2p);
    net->i2p = NULL;
}
