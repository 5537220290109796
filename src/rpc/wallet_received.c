/* What addresses and labels have received. */
#include <stdlib.h>

#include "chain/script/address.h"
#include "rpc/wallet_args.h"
#include "rpc/wallet_methods.h"
#include "util/map.h"
#include "wallet/addressbook.h"
#include "wallet/spkman.h"
#include "wallet/txstore.h"

/* -- Tallies by address -- */

struct tally {
    struct amount value;
    int32_t depth;                /* of the youngest payment */
    const struct hash256 **txids; /* owned array of borrowed */
    size_t n_txids;
};

struct tallies {
    const struct wallet *w;
    struct map index; /* struct destination_key -> struct tally * (owned) */
    int32_t min_depth;
    bool with_immature;
    bool only_known; /* what was added before is asked for; else all of the wallet's */
};

static void tallies_init(struct tallies *t, const struct wallet *w)
{
    *t = (struct tallies){.w = w, .min_depth = 1};
    map_init(&t->index, sizeof(struct destination_key), sizeof(struct tally *));
}

static void tallies_clear(struct tallies *t)
{
    const void *key;
    void *value;
    for (size_t i = 0; map_next(&t->index, &i, &key, &value);) {
        struct tally *tally = *(struct tally **)value;
        free(tally->txids);
        free(tally);
    }
    map_clear(&t->index);
}

static struct tally *tally_find(const struct tallies *t, const struct destination *d)
{
    struct destination_key k = destination_key(d);
    struct tally **at = map_get(&t->index, &k);
    return at != NULL ? *at : NULL;
}

static struct tally *tally_add(struct tallies *t, const struct destination *d)
{
    struct destination_key k = destination_key(d);
    struct tally **at = map_put(&t->index, &k, NULL);
    if (*at == NULL) {
        *at = xcalloc(1, sizeof(**at));
        (*at)->depth = INT32_MAX;
    }
    return *at;
}

static void count_payment(struct tally *to, const struct wallet_tx *wtx,
                          const struct txout *out, int32_t depth)
{
    to->value.v += out->value.v;
    to->depth = depth < to->depth ? depth : to->depth;
    if ((to->n_txids & (to->n_txids - 1)) == 0) /* a power of two: full */
        to->txids = xrealloc_array(to->txids, to->n_txids ? 2 * to->n_txids : 1,
                                   sizeof(*to->txids));
    to->txids[to->n_txids++] = &wtx->tx->txid;
}

static void count_tx(struct tallies *t, const struct wallet_tx *wtx)
{
    int32_t depth = wallet_tx_depth(t->w, wtx);
    if (depth < t->min_depth || (tx_is_coinbase(wtx->tx) && depth < 1) ||
        (wallet_tx_immature(t->w, wtx) && !t->with_immature))
        return;
    for (uint32_t i = 0; i < wtx->n_coins; i++) {
        const struct txout *out = &wtx->tx->out[wtx->coins[i].n];
        struct destination d;
        if (!destination_from_script(&d, out->script))
            continue;
        struct tally *to = t->only_known ? tally_find(t, &d) : tally_add(t, &d);
        if (to != NULL)
            count_payment(to, wtx, out, depth);
    }
}

static void count_all(struct tallies *t)
{
    for (size_t i = 0; i < txstore_count(t->w); i++)
        count_tx(t, txstore_at(t->w, i));
}

/* -- getreceivedbyaddress, getreceivedbylabel -- */

static bool is_mine(const struct wallet *w, const struct destination *d)
{
    struct buf script = {0};
    destination_to_script(&script, d);
    bool mine = spkman_find(w->spkman, buf_view(&script), NULL);
    buf_clear(&script);
    return mine;
}

static struct amount sum_of(const struct tallies *t)
{
    struct amount sum = {0};
    const void *key;
    void *value;
    for (size_t i = 0; map_next(&t->index, &i, &key, &value);)
        sum.v += (*(struct tally **)value)->value.v;
    return sum;
}

/* Counts for the addresses in @t, and replies. */
static void put_received(struct rpc_call *c, struct tallies *t)
{
    if (t->index.len == 0) {
        rpc_error(c, RPC_WALLET_ERROR, "Address not found in wallet");
        return;
    }
    t->only_known = true;
    t->with_immature = rpc_arg_bool(c, 2, false);
    if (!rpc_arg_i32(c, 1, &t->min_depth))
        return;
    count_all(t);
    rpc_write_amount(c, NULL, sum_of(t));
}

static void received_by_address(struct rpc_call *c, const struct wallet *w,
                                const struct destination *d)
{
    struct tallies t;
    tallies_init(&t, w);
    if (is_mine(w, d))
        tally_add(&t, d);
    put_received(c, &t);
    tallies_clear(&t);
}

void rpc_getreceivedbyaddress(struct rpc_call *c)
{
    struct destination d;
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    if (!address_decode(&d, c->node->params, rpc_arg_str(c, 0, ""), NULL)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid Bitcoin address");
    } else {
        wallet_lock(w);
        received_by_address(c, w, &d);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

struct label_search {
    struct tallies *t;
    const char *label;
    bool found;
};

static bool add_if_labelled(void *ctx, const struct address_entry *e)
{
    struct label_search *s = ctx;
    if (e->label == NULL || strcmp(e->label, s->label) != 0)
        return true;
    s->found = true;
    if (is_mine(s->t->w, &e->dest))
        tally_add(s->t, &e->dest);
    return true;
}

static void received_by_label(struct rpc_call *c, const struct wallet *w,
                              const char *label)
{
    struct tallies t;
    struct label_search s = {.t = &t, .label = label};
    tallies_init(&t, w);
    addressbook_each(w->book, add_if_labelled, &s);
    if (s.found)
        put_received(c, &t);
    else
        rpc_error(c, RPC_WALLET_ERROR, "Label not found in wallet");
    tallies_clear(&t);
}

void rpc_getreceivedbylabel(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    const char *label = rpc_arg_label(c, 0, "");
    if (label != NULL) {
        wallet_lock(w);
        received_by_label(c, w, label);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

/* -- listreceivedbyaddress, listreceivedbylabel -- */

struct listing {
    struct rpc_call *c;
    struct tallies t;
    bool with_empty;
    const struct destination *only; /* NULL: all */
    /* By label: entries that are to be summed up. */
    struct label_sum {
        const char *label;
        struct amount value;
        int32_t depth;
    } * sums; /* in the call's memory */
    size_t n_sums;
};

static int32_t shown_depth(int32_t depth)
{
    return depth == INT32_MAX ? 0 : depth;
}

/* NULL: the entry is not to be shown. */
static const struct tally *tally_of_entry(const struct listing *l,
                                          const struct address_entry *e)
{
    static const struct tally empty = {.depth = INT32_MAX};
    if (e->label == NULL || (l->only != NULL && !destination_equal(l->only, &e->dest)))
        return NULL;
    const struct tally *t = tally_find(&l->t, &e->dest);
    return t == NULL && l->with_empty ? &empty : t;
}

static bool put_address_entry(void *ctx, const struct address_entry *e)
{
    struct listing *l = ctx;
    struct rpc_call *c = l->c;
    char text[ADDRESS_MAX];
    const struct tally *t = tally_of_entry(l, e);
    if (t == NULL)
        return true;
    json_begin_object(c->w);
    json_kv_str(c->w, "address", address_encode(text, c->node->params, &e->dest));
    rpc_write_amount(c, "amount", t->value);
    json_kv_int(c->w, "confirmations", shown_depth(t->depth));
    json_kv_str(c->w, "label", e->label);
    json_key(c->w, "txids");
    json_begin_array(c->w);
    for (size_t i = 0; i < t->n_txids; i++)
        json_hash(c->w, t->txids[i]);
    json_end_array(c->w);
    json_end_object(c->w);
    return true;
}

static bool gather_label_entry(void *ctx, const struct address_entry *e)
{
    struct listing *l = ctx;
    const struct tally *t = tally_of_entry(l, e);
    if (t != NULL)
        l->sums[l->n_sums++] = (struct label_sum){e->label, t->value, t->depth};
    return true;
}

static int compare_sums(const void *a, const void *b)
{
    return strcmp(((const struct label_sum *)a)->label,
                  ((const struct label_sum *)b)->label);
}

static void put_label_sum(struct rpc_call *c, const struct label_sum *s)
{
    json_begin_object(c->w);
    rpc_write_amount(c, "amount", s->value);
    json_kv_int(c->w, "confirmations", shown_depth(s->depth));
    json_kv_str(c->w, "label", s->label);
    json_end_object(c->w);
}

static void put_label_sums(struct listing *l)
{
    size_t size = (addressbook_count(l->t.w->book) + 1) * sizeof(*l->sums);
    l->sums = arena_alloc(l->c->mem, size);
    addressbook_each(l->t.w->book, gather_label_entry, l);
    qsort(l->sums, l->n_sums, sizeof(*l->sums), compare_sums);
    for (size_t i = 0; i < l->n_sums;) {
        struct label_sum sum = l->sums[i++];
        for (; i < l->n_sums && strcmp(l->sums[i].label, sum.label) == 0; i++) {
            sum.value.v += l->sums[i].value.v;
            sum.depth = l->sums[i].depth < sum.depth ? l->sums[i].depth : sum.depth;
        }
        put_label_sum(l->c, &sum);
    }
}

static void list_received(struct rpc_call *c, const struct wallet *w, bool by_label,
                          const struct destination *only)
{
    struct listing l = {.c = c, .only = only};
    tallies_init(&l.t, w);
    l.with_empty = rpc_arg_bool(c, 1, false);
    l.t.with_immature = rpc_arg_bool(c, by_label ? 3 : 4, false);
    if (rpc_arg_i32(c, 0, &l.t.min_depth)) {
        count_all(&l.t);
        json_begin_array(c->w);
        if (by_label)
            put_label_sums(&l);
        else
            addressbook_each(w->book, put_address_entry, &l);
        json_end_array(c->w);
    }
    tallies_clear(&l.t);
}

void rpc_listreceivedbyaddress(struct rpc_call *c)
{
    struct destination only;
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    const char *filter = rpc_arg_str(c, 3, "");
    if (filter[0] != '\0' && !address_decode(&only, c->node->params, filter, NULL)) {
        rpc_error(c, RPC_WALLET_ERROR, "address_filter parameter was invalid");
    } else {
        wallet_lock(w);
        list_received(c, w, false, filter[0] != '\0' ? &only : NULL);
        wallet_unlock(w);
    }
    wallet_unref(w);
}

void rpc_listreceivedbylabel(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    list_received(c, w, true, NULL);
    wallet_unlock(w);
    wallet_unref(w);
}
