#include "wallet/balance.h"

#include "wallet/addressbook.h"
#include "wallet/follow.h"
#include "wallet/spkman.h"
#include "wallet/txstore_impl.h"
#include "wallet/wallet.h"

/* -- The balance -- */

struct summing {
    const struct wallet *w;
    int32_t tip; /* height that the wallet has seen */
    int32_t min_depth;
    bool avoid_reuse;
    struct wallet_balance *out;
};

static void add_unconfirmed(struct summing *s, const struct unspent *u)
{
    if (u->wtx->state != WTX_MEMPOOL)
        return;
    if (!wallet_tx_trusted(s->w, u->wtx))
        s->out->untrusted.v += u->value.v;
    else if (s->min_depth <= 0)
        s->out->trusted.v += u->value.v;
}

static void add_coin(struct summing *s, const struct unspent *u)
{
    int32_t depth = s->tip - u->height + 1;
    bool counts = !s->avoid_reuse || !u->used;
    if (u->height < 0) {
        if (counts)
            add_unconfirmed(s, u);
    } else if (u->coinbase && depth <= COINBASE_MATURITY) {
        s->out->immature.v += u->value.v;
    } else if (counts && depth >= s->min_depth) {
        s->out->trusted.v += u->value.v;
    }
}

void balance_get(const struct wallet *w, int32_t min_depth, bool avoid_reuse,
                 struct wallet_balance *out)
{
    size_t n;
    const struct unspent *u = txstore_unspent(w, &n);
    struct summing s = {w, follow_best(w).height, min_depth, avoid_reuse, out};
    *out = (struct wallet_balance){0};
    for (size_t i = 0; i < n; i++)
        add_coin(&s, &u[i]);
}

/* -- One transaction -- */

struct amount balance_txin_debit(const struct wallet *w, const struct txin *in)
{
    const struct txout *out = txstore_my_output(w, &in->prevout);
    return out != NULL ? out->value : amount_of(0);
}

struct amount balance_debit(const struct wallet *w, const struct tx *tx)
{
    struct amount sum = {0};
    for (uint32_t i = 0; i < tx->n_in; i++)
        sum.v += balance_txin_debit(w, &tx->in[i]).v;
    return sum;
}

struct amount balance_credit(const struct wallet *w, const struct tx *tx)
{
    struct amount sum = {0};
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (spkman_find(w->spkman, tx->out[i].script, NULL))
            sum.v += tx->out[i].value.v;
    return sum;
}

struct amount balance_change(const struct wallet *w, const struct tx *tx)
{
    struct amount sum = {0};
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (balance_is_change(w, tx->out[i].script))
            sum.v += tx->out[i].value.v;
    return sum;
}

/* The wallet hands out every receiving address through its address book; a script that
 * is its own but not in there was made for change. */
bool balance_is_change(const struct wallet *w, struct bytes script)
{
    struct destination d;
    if (!spkman_find(w->spkman, script, NULL))
        return false;
    if (!destination_from_script(&d, script))
        return true;
    const struct address_entry *e = addressbook_find(w->book, &d);
    return e == NULL || e->label == NULL;
}

bool balance_all_from_me(const struct wallet *w, const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (txstore_my_output(w, &tx->in[i].prevout) == NULL)
            return false;
    return true;
}
