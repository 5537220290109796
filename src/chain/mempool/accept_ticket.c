/* Ticket rules for what comes into the pool, and for what stays when the tip moves. */
#include "chain/mempool/accept.h"
#include "chain/state/state.h"
#include "chain/store/coins_cache.h"
#include "util/pool.h"

bool pool_tickets_active(const struct mempool *mp)
{
    const struct consensus_hooks *h = mp->opt.hooks;
    return h && h->active && h->tx && mp->cm &&
           h->active(h->ctx, chainman_params(mp->cm), pool_next_height(mp));
}

static void defer(void *ctx, bool (*run)(void *arg), void (*drop)(void *arg), void *arg)
{
    struct acceptance *a = ctx;
    struct deferred_check *d = arena_alloc(&a->mp->arena, sizeof(*d));
    *d = (struct deferred_check){run, drop, arg, a->deferred};
    a->deferred = d;
}

static bool spent_by_earlier(const struct acceptance *a, const struct outpoint *o)
{
    for (size_t i = 0; i < a->n_earlier; i++)
        for (uint32_t j = 0; j < a->earlier[i].tx->n_in; j++)
            if (outpoint_equal(&a->earlier[i].tx->in[j].prevout, o))
                return true;
    return false;
}

/* A coin that a pooled transaction spends, or one that comes with this, will not be
 * there for long. So it is a matter of the pool, too, and few tickets ask: each such
 * verdict needs a coin of its own. */
static bool coin_at_tip(void *ctx, const struct outpoint *o, struct coin *out)
{
    struct acceptance *a = ctx;
    a->asks_for_coins = true;
    return mempool_spender(a->mp, o) == NULL && !spent_by_earlier(a, o) &&
           coins_peek(chainman_coins(a->mp->cm), o, out, &a->mp->arena);
}

static struct rule_env ticket_env(struct acceptance *a)
{
    struct mempool *mp = a->mp;
    return (struct rule_env){
        .coin = coin_at_tip,
        .coin_ctx = a,
        .params = chainman_params(mp->cm),
        .height = pool_next_height(mp),
        .state = state_begin(chainman_state(mp->cm)),
        .verdict_only = true,
        .first = INT32_MIN,
        .last = INT32_MAX,
    };
}

static void note_grounds(struct buf *names, const struct acceptance *a,
                         struct rule_env *env)
{
    env->unsteady |= a->asks_for_coins;
    grounds_of(names, env);
}

/* The whole of the ticket rules on a scratch state, but for signatures. */
bool acceptance_ticket(struct acceptance *a)
{
    if (!pool_tickets_active(a->mp))
        return true;
    const struct consensus_hooks *h = a->mp->opt.hooks;
    struct rule_env env = ticket_env(a);
    env.defer = defer;
    env.defer_ctx = a;
    bool ok = h->tx(h->ctx, &env, a->tx, a->spent, &a->claims, a->rej);
    a->keys_may_change = env.keys_may_change;
    note_grounds(&a->grounds, a, &env);
    state_discard(env.state);
    return ok;
}

/* Signatures are checked again, since a block may have changed the key that one of them
 * needs; those that still hold are in the cache. */
bool pool_ticket_judge(struct mempool *mp, const struct mempool_entry *e,
                       struct buf *names)
{
    const struct consensus_hooks *h = mp->opt.hooks;
    const struct coin *const *spent = pool_entry_coins(mp, e->tx);
    if (!spent)
        return false;
    struct acceptance a = {.mp = mp, .tx = e->tx};
    struct rule_env env = ticket_env(&a);
    struct reject rej = {0};
    bool ok = h->tx(h->ctx, &env, e->tx, spent, NULL, &rej);
    if (ok && names)
        note_grounds(names, &a, &env);
    state_discard(env.state);
    return ok;
}

static bool run_one(void *ctx, size_t i)
{
    struct deferred_check *d = ((struct deferred_check **)ctx)[i];
    void *arg = d->arg;
    d->arg = NULL;
    return d->run(arg);
}

/* By the workers, like those of a block. */
bool acceptance_ticket_signatures(struct acceptance *a)
{
    size_t n = 0;
    for (struct deferred_check *d = a->deferred; d; d = d->next)
        n++;
    if (n == 0)
        return true;
    struct deferred_check **all = arena_alloc(&a->mp->arena, n * sizeof(*all));
    n = 0;
    for (struct deferred_check *d = a->deferred; d; d = d->next)
        all[n++] = d;
    if (pool_for(chainman_workers(a->mp->cm), n, 1, run_one, all))
        return true;
    return a->keys_may_change ? reject_by_state(a->rej, REJECT_TICKET_SIGNATURE, NULL)
                              : reject(a->rej, REJECT_TICKET_SIGNATURE, NULL);
}
