/* The coins that a transaction may spend. */
#include <stdlib.h>

#include "chain/rules/policy.h"
#include "util/mem.h"
#include "wallet/coins.h"
#include "wallet/fund.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

static int64_t fee_at(int64_t feerate, const struct sel_coin *c)
{
    return feerate_fee(feerate, c->weight / 4);
}

/* Sizes count in whole vbytes, as the mempool will see them. */
static struct sel_coin candidate_of(const struct fund *f, const struct fund_coin *coin)
{
    struct sel_coin c = {.value = coin->out->value.v,
                         .weight = (uint32_t)((coin->size.weight + 3) / 4 * 4)};
    c.fee = fee_at(f->rate.feerate, &c);
    c.long_term_fee = fee_at(f->sel.long_term_feerate, &c);
    return c;
}

static void add_coin(struct fund *f, const struct fund_coin *coin,
                     const struct sel_coin *candidate)
{
    if (f->n == f->cap) {
        f->cap = f->cap * 2 + 64;
        f->coins = xrealloc_array(f->coins, f->cap, sizeof(*f->coins));
        f->candidates = xrealloc_array(f->candidates, f->cap, sizeof(*f->candidates));
    }
    f->coins[f->n] = *coin;
    f->candidates[f->n++] = *candidate;
}

void fund_drop_coin(struct fund *f, size_t i)
{
    f->n--;
    f->coins[i] = f->coins[f->n];
    f->candidates[i] = f->candidates[f->n];
}

/* What unconfirmed ancestors lack, for the coins from @first on that are unconfirmed.
 */
static void add_bump_fees(struct fund *f, size_t first)
{
    const struct chain_source *chain = f->w->opt->chain;
    struct outpoint *outs = xmalloc((f->n + 1) * sizeof(*outs));
    struct amount *fees = xcalloc(f->n + 1, sizeof(*fees));
    size_t n = 0, k = 0;
    for (size_t i = first; i < f->n; i++) {
        if (f->candidates[i].depth == 0)
            outs[n++] = f->coins[i].prevout;
    }
    if (n > 0)
        chain->bump_fees(chain->ctx, outs, n, f->rate.feerate, fees);
    for (size_t i = first; i < f->n && k < n; i++) {
        struct sel_coin *c = &f->candidates[i];
        if (c->depth != 0)
            continue;
        c->bump_fee = fees[k++].v;
        c->fee += c->bump_fee;
    }
    free(fees);
    free(outs);
}

/* -- Named coins -- */

static bool fail_named(struct wallet_error *e, const struct named_coin *n,
                       const char *what)
{
    char hex[65];
    hash256_to_hex(hex, &n->prevout.txid);
    return wallet_fail(e, WALLET_INSUFFICIENT_FUNDS,
                       "%s pre-selected input COutPoint(%.10s, %u)", what, hex,
                       n->prevout.n);
}

/* The output behind it; *own: a transaction of the wallet has it. */
static bool find_named(const struct fund *f, const struct named_coin *n,
                       struct txout *out, bool *own, struct wallet_error *e)
{
    const struct wallet_tx *wtx = txstore_find(f->w, &n->prevout.txid);
    *own = wtx != NULL;
    if (wtx != NULL) {
        if (n->prevout.n >= wtx->tx->n_out)
            return fail_named(e, n, "Invalid");
        *out = wtx->tx->out[n->prevout.n];
        return true;
    }
    if (!n->has_output)
        return fail_named(e, n, "Not found");
    *out = (struct txout){n->value, buf_view(&n->script)};
    return true;
}

static bool name_coin(struct fund *f, const struct named_coin *n, struct txout *out,
                      struct wallet_error *e)
{
    bool own;
    if (!find_named(f, n, out, &own, e))
        return false;
    bool foreign = !spkman_find(f->w->spkman, out->script, NULL);
    struct fund_coin coin = {n->prevout, out,
                             input_size(&f->sizes, out->script, foreign)};
    if (n->weight > 0) {
        coin.size.weight = n->weight;
        coin.size.given = true;
    }
    if (coin.size.weight < 0)
        return fail_named(e, n, "Not solvable");
    struct sel_coin candidate = candidate_of(f, &coin);
    add_coin(f, &coin, &candidate);
    return true;
}

bool fund_name_coins(struct fund *f, struct wallet_error *e)
{
    f->n_named = f->cc->n_named;
    f->named_out = xcalloc(f->n_named + 1, sizeof(*f->named_out));
    for (size_t i = 0; i < f->n_named; i++) {
        if (!name_coin(f, &f->cc->named[i], &f->named_out[i], e))
            return false;
    }
    add_bump_fees(f, 0);
    return true;
}

/* -- The wallet's own -- */

/* A wallet with more deep coins than this chooses among a random part of them: the
 * choice is as good, and costs no more than in a small wallet. */
#define SAMPLE_ABOVE 4000
#define SAMPLE_COINS 2000
#define SAMPLE_DEPTH 6 /* spent before all others, see coin selection */
#define SAMPLE_TIMES 8 /* how much more the part is worth than what is needed */

struct gathering {
    struct fund *f;
    struct coin_view *all; /* owned */
    size_t n, cap, n_deep;
};

static bool is_deep(const struct coin_view *v)
{
    return v->depth >= SAMPLE_DEPTH;
}

static bool gather(void *ctx, const struct coin_view *c)
{
    struct gathering *g = ctx;
    if (g->n == g->cap) {
        g->cap = g->cap * 2 + 256;
        g->all = xrealloc_array(g->all, g->cap, sizeof(*g->all));
    }
    g->n_deep += is_deep(c);
    g->all[g->n++] = *c;
    return true;
}

static struct coin_filter filter_of(const struct fund *f)
{
    struct coin_filter filter;
    coin_filter_init(&filter);
    filter.min_depth = f->cc->min_depth;
    filter.max_depth = f->cc->max_depth;
    filter.min_amount = 1;
    filter.unsafe = f->cc->include_unsafe;
    filter.used = !f->cc->avoid_reuse || !wallet_has_flag(f->w, WALLET_AVOID_REUSE);
    return filter;
}

static void set_unconfirmed(const struct fund *f, const struct coin_view *v,
                            struct sel_coin *c)
{
    struct chain_ancestry family;
    const struct chain_source *chain = f->w->opt->chain;
    chain->ancestry(chain->ctx, &v->wtx->tx->txid, &family);
    c->ancestors = (uint32_t)family.n_ancestors;
    c->descendants = (uint32_t)family.n_descendants;
}

static void add_view(struct fund *f, const struct coin_view *v)
{
    struct spk_place at;
    struct fund_coin coin = {coin_view_outpoint(v), coin_view_output(v), {0}};
    if (coin_control_find(f->cc, &coin.prevout) != NULL)
        return;
    coin.size = input_size(&f->sizes, coin.out->script, false);
    if (coin.size.weight < 0 || !spkman_find(f->w->spkman, coin.out->script, &at))
        return;
    struct sel_coin c = candidate_of(f, &coin);
    c.depth = v->depth;
    c.from_me = v->depth < SAMPLE_DEPTH && wallet_tx_from_me(f->w, v->wtx);
    c.type = (uint32_t)at.desc->type;
    c.script_key = (uint64_t)at.desc->row << 32 | at.pos;
    if (v->depth == 0)
        set_unconfirmed(f, v, &c);
    add_coin(f, &coin, &c);
}

static void swap_views(struct coin_view *a, struct coin_view *b)
{
    struct coin_view t = *a;
    *a = *b;
    *b = t;
}

/* The smallest coin that pays for everything by itself comes to the front. */
static size_t sample_single(struct gathering *g, int64_t target)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < g->n; i++) {
        const struct coin_view *v = &g->all[i];
        if (is_deep(v) && v->value / 2 >= target &&
            (found == SIZE_MAX || v->value < g->all[found].value))
            found = i;
    }
    if (found == SIZE_MAX)
        return 0;
    swap_views(&g->all[0], &g->all[found]);
    return 1;
}

/* Random ones follow, until they are enough to choose among. */
static size_t sample_random(struct gathering *g, size_t n, int64_t target)
{
    struct coin_view *v = g->all;
    int64_t sum = 0;
    while (n < g->n && (n < SAMPLE_COINS || sum / SAMPLE_TIMES < target)) {
        swap_views(&v[n], &v[n + rng_below(&g->f->rng, g->n - n)]);
        if (is_deep(&v[n]))
            sum += v[n++].value;
        else
            swap_views(&v[n], &v[--g->n]);
    }
    return n;
}

/* Coins of the same scripts go with them, so that none is spent in part: a set of
 * script tags, which may take a few too many. */
#define TAG_BITS (UINT32_C(1) << 20)

static uint64_t *tags_of(const struct coin_view *v, size_t n)
{
    uint64_t *tags = xcalloc(TAG_BITS / 64, 8);
    for (size_t i = 0; i < n; i++) {
        uint32_t tag = v[i].script_tag % TAG_BITS;
        tags[tag / 64] |= UINT64_C(1) << (tag % 64);
    }
    return tags;
}

static bool has_tag(const uint64_t *tags, const struct coin_view *v)
{
    uint32_t tag = v->script_tag % TAG_BITS;
    return (tags[tag / 64] >> (tag % 64) & 1) != 0;
}

/* How many coins the first @n bring with them, and what all of these are worth. */
static size_t count_relatives(const struct gathering *g, size_t n, int64_t *sum)
{
    uint64_t *tags = tags_of(g->all, n);
    size_t count = 0;
    *sum = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (!has_tag(tags, &g->all[i]))
            continue;
        count++;
        *sum += g->all[i].value;
    }
    free(tags);
    return count;
}

/* Where many coins share a script fewer scripts will do. */
static size_t limit_relatives(const struct gathering *g, size_t n, int64_t target)
{
    int64_t sum;
    size_t count = count_relatives(g, n, &sum);
    while (count > SAMPLE_ABOVE && n > 1) {
        size_t fewer = n * SAMPLE_COINS / count + 1;
        count = count_relatives(g, fewer, &sum);
        if (fewer == n || sum / SAMPLE_TIMES < target)
            break;
        n = fewer;
    }
    return n;
}

static size_t take_relatives(struct gathering *g, size_t n)
{
    uint64_t *tags = tags_of(g->all, n);
    for (size_t i = n; i < g->n; i++) {
        if (has_tag(tags, &g->all[i]))
            swap_views(&g->all[n++], &g->all[i]);
    }
    free(tags);
    return n;
}

static size_t sample(struct gathering *g, int64_t target)
{
    size_t all = g->n;
    size_t n = sample_random(g, sample_single(g, target), target);
    g->n = all;
    return take_relatives(g, limit_relatives(g, n, target));
}

void fund_gather_coins(struct fund *f, int64_t target, bool all)
{
    struct gathering g = {.f = f};
    struct coin_filter filter = filter_of(f);
    size_t n;
    f->n = f->n_named;
    f->bound = 0;
    coins_each(f->w, &filter, gather, &g);
    f->sampled = !all && g.n_deep > SAMPLE_ABOVE;
    n = f->sampled ? sample(&g, target) : g.n;
    for (size_t i = 0; i < n; i++)
        add_view(f, &g.all[i]);
    add_bump_fees(f, f->n_named);
    free(g.all);
}

/* -- Why it is not enough -- */

enum reason {
    REASON_LOCKED,
    REASON_IMMATURE,
    REASON_USED,
    REASON_UNCONFIRMED,
    REASONS,
};

struct left_out {
    const struct fund *f;
    int64_t sum[REASONS];
};

static bool leave_out(void *ctx, const struct coin_view *c)
{
    struct left_out *l = ctx;
    const struct wallet *w = l->f->w;
    struct coin_filter taken = filter_of(l->f);
    struct outpoint o = coin_view_outpoint(c);
    if (coin_control_find(l->f->cc, &o) != NULL)
        return true;
    if (coin_is_locked(w, &o))
        l->sum[REASON_LOCKED] += c->value;
    else if (wallet_tx_immature(w, c->wtx))
        l->sum[REASON_IMMATURE] += c->value;
    else if (c->used && !taken.used)
        l->sum[REASON_USED] += c->value;
    else if (!c->safe && !taken.unsafe)
        l->sum[REASON_UNCONFIRMED] += c->value;
    return true;
}

static void add_reason(const struct fund *f, struct buf *text, int64_t sum,
                       const char *why)
{
    char amount[32];
    const struct chain_params *p = f->w->opt->params;
    if (sum == 0)
        return;
    amount_format(amount, amount_of(sum), p->decimals);
    buf_printf(text, "%s%s %s %s", text->len > 0 ? ", " : "", amount, p->unit, why);
}

void fund_explain(const struct fund *f, struct buf *text)
{
    static const char *const why[] = {
        [REASON_LOCKED] = "locked",
        [REASON_IMMATURE] = "immature",
        [REASON_USED] = "on used addresses",
        [REASON_UNCONFIRMED] = "unconfirmed",
    };
    struct left_out l = {.f = f};
    struct coin_filter all = filter_of(f);
    all.unsafe = all.immature = all.locked = all.used = true;
    coins_each(f->w, &all, leave_out, &l);
    for (size_t i = 0; i < REASONS; i++)
        add_reason(f, text, l.sum[i], why[i]);
    add_reason(f, text, f->bound, "bound to tokens or supernodes");
}
