/* simulaterawtransaction */
#include "rpc/raw.h"
#include "rpc/wallet_args.h"
#include "rpc/wallet_methods.h"
#include "util/map.h"
#include "wallet/balance.h"
#include "wallet/spkman.h"

/* What the transactions so far have done. */
struct simulation {
    struct rpc_call *c;
    const struct wallet *w;
    struct map made;  /* outpoint -> int64_t: what it is worth to the wallet */
    struct map spent; /* set of outpoints */
    int64_t change;
};

static bool exists(const struct simulation *s, const struct outpoint *o)
{
    const struct chain_source *chain = s->w->opt->chain;
    struct buf script = {0};
    struct coin coin;
    bool found = chain->coin(chain->ctx, o, &coin, &script);
    buf_clear(&script);
    return found;
}

static bool fail(struct simulation *s, const char *why)
{
    rpc_error(s->c, RPC_INVALID_PARAMETER, "%s", why);
    return false;
}

static bool spend(struct simulation *s, const struct txin *in)
{
    bool is_new;
    map_put(&s->spent, &in->prevout, &is_new);
    if (!is_new)
        return fail(s, "Transaction(s) are spending the same output more than once");
    const int64_t *made = map_get(&s->made, &in->prevout);
    if (made == NULL && !exists(s, &in->prevout))
        return fail(
            s, "One or more transaction inputs are missing or have been spent already");
    s->change -= made != NULL ? *made : balance_txin_debit(s->w, in).v;
    return true;
}

static void receive(struct simulation *s, const struct tx *tx)
{
    struct outpoint o = {.txid = tx->txid};
    for (; o.n < tx->n_out; o.n++) {
        const struct txout *out = &tx->out[o.n];
        bool mine = spkman_find(s->w->spkman, out->script, NULL);
        int64_t *made = map_put(&s->made, &o, NULL);
        *made = mine ? out->value.v : 0;
        s->change += *made;
    }
}

static bool run(struct simulation *s, const struct json *hex)
{
    struct tx *tx =
        raw_decode_arg(s->c, hex, "Transaction hex string decoding failure.");
    bool ok = tx != NULL;
    for (uint32_t i = 0; ok && i < tx->n_in; i++)
        ok = spend(s, &tx->in[i]);
    if (ok)
        receive(s, tx);
    tx_unref(tx);
    return ok;
}

static bool check_args(struct rpc_call *c)
{
    static const struct rpc_field fields[] = {
        {.name = "include_watchonly", .type = JSON_BOOL, .optional = true},
        {.name = NULL},
    };
    const struct json *txs = rpc_arg(c, 0), *options = rpc_arg(c, 1);
    for (size_t i = 0; txs != NULL && i < txs->len; i++)
        if (!rpc_want(c, &txs->items[i], JSON_STRING))
            return false;
    return options == NULL || rpc_check_fields(c, options, fields, true);
}

static void simulate(struct rpc_call *c, const struct wallet *w)
{
    struct simulation s = {.c = c, .w = w};
    const struct json *txs = rpc_arg(c, 0);
    map_init(&s.made, sizeof(struct outpoint), sizeof(int64_t));
    map_init(&s.spent, sizeof(struct outpoint), 0);
    for (size_t i = 0; txs != NULL && i < txs->len && run(&s, &txs->items[i]); i++)
        ;
    map_clear(&s.made);
    map_clear(&s.spent);
    json_begin_object(c->w);
    rpc_write_amount(c, "balance_change", amount_of(s.change));
    json_end_object(c->w);
}

void rpc_simulaterawtransaction(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    if (check_args(c)) {
        wallet_lock(w);
        simulate(c, w);
        wallet_unlock(w);
    }
    wallet_unref(w);
}
