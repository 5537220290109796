#include "rpc/wallet_json.h"

#include <stdlib.h>

#include "chain/script/address.h"
#include "wallet/addressbook.h"
#include "wallet/history.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

/* -- The transaction as a whole -- */

static void put_place(struct rpc_call *c, const struct wallet *w,
                      const struct wallet_tx *wtx)
{
    const struct chain_source *chain = w->opt->chain;
    struct chain_block block = {0};
    if (wtx->state != WTX_CONFIRMED) {
        json_kv_bool(c->w, "trusted", wallet_tx_trusted(w, wtx));
        return;
    }
    chain->find(chain->ctx, &wtx->block.hash, &block);
    json_kv_hash(c->w, "blockhash", &wtx->block.hash);
    json_kv_int(c->w, "blockheight", wtx->block.height);
    json_kv_int(c->w, "blockindex", wtx->index);
    json_kv_int(c->w, "blocktime", block.time);
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash256));
}

static void put_hashes(struct rpc_call *c, const char *key, struct hash256 *list,
                       size_t n)
{
    if (n > 0)
        qsort(list, n, sizeof(*list), compare_hashes);
    json_key(c->w, key);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !hash256_equal(&list[i], &list[i - 1]))
            json_hash(c->w, &list[i]);
    json_end_array(c->w);
}

#define MAX_RIVALS 64 /* of one coin; nobody signs more by accident */

/* Other transactions of the wallet that spend the same. */
static void put_wallet_conflicts(struct rpc_call *c, const struct wallet *w,
                                 const struct wallet_tx *wtx)
{
    struct wallet_tx *others[MAX_RIVALS];
    struct hash256 *list = NULL;
    size_t n = 0;
    for (uint32_t i = 0; i < wtx->tx->n_in; i++) {
        size_t found = txstore_spenders(w, &wtx->tx->in[i].prevout, others, MAX_RIVALS);
        found = found < MAX_RIVALS ? found : MAX_RIVALS;
        if (found > 1)
            list = xrealloc_array(list, n + found, sizeof(*list));
        for (size_t k = 0; found > 1 && k < found; k++)
            if (others[k] != wtx)
                list[n++] = others[k]->tx->txid;
    }
    put_hashes(c, "walletconflicts", list, n);
    free(list);
}

static const char *rbf_status(const struct wallet *w, const struct wallet_tx *wtx)
{
    static const char *const names[] = {
        [CHAIN_RBF_UNKNOWN] = "unknown",
        [CHAIN_RBF_FINAL] = "no",
        [CHAIN_RBF_REPLACEABLE] = "yes",
    };
    const struct chain_source *chain = w->opt->chain;
    return wallet_tx_depth(w, wtx) > 0 ? "no" : names[chain->rbf(chain->ctx, wtx->tx)];
}

static void put_remarks(struct rpc_call *c, const struct wallet_tx *wtx)
{
    if (wtx->comment != NULL)
        json_kv_str(c->w, "comment", wtx->comment);
    if (!hash256_is_zero(&wtx->replaced_by))
        json_kv_hash(c->w, "replaced_by_txid", &wtx->replaced_by);
    if (!hash256_is_zero(&wtx->replaces))
        json_kv_hash(c->w, "replaces_txid", &wtx->replaces);
    if (wtx->comment_to != NULL)
        json_kv_str(c->w, "to", wtx->comment_to);
}

void wallet_json_tx(struct rpc_call *c, const struct wallet *w,
                    const struct wallet_tx *wtx)
{
    json_kv_int(c->w, "confirmations", wallet_tx_depth(w, wtx));
    if (tx_is_coinbase(wtx->tx))
        json_kv_bool(c->w, "generated", true);
    put_place(c, w, wtx);
    json_kv_hash(c->w, "txid", &wtx->tx->txid);
    json_kv_hash(c->w, "wtxid", &wtx->tx->wtxid);
    put_wallet_conflicts(c, w, wtx);
    put_hashes(c, "mempoolconflicts", wtx->rivals, wtx->n_rivals);
    json_kv_int(c->w, "time", wtx->time_smart);
    json_kv_int(c->w, "timereceived", wtx->time_received);
    json_kv_str(c->w, "bip125-replaceable", rbf_status(w, wtx));
    put_remarks(c, wtx);
}

/* -- Payments -- */

static void append(struct rpc_call *c, struct entry_list *l, const struct list_entry *e)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 32;
        struct list_entry *v = arena_alloc(c->mem, cap * sizeof(*v));
        if (l->n > 0)
            memcpy(v, l->v, l->n * sizeof(*v));
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = *e;
}

/* NULL: the address book does not have it. */
static const char *label_of(const struct wallet *w, struct bytes script)
{
    struct destination d;
    if (!destination_from_script(&d, script))
        return NULL;
    const struct address_entry *e = addressbook_find(w->book, &d);
    return e != NULL ? e->label : NULL;
}

static bool label_fits(const struct wallet *w, struct bytes script, const char *wanted)
{
    if (wanted == NULL)
        return true;
    const char *label = label_of(w, script);
    return strcmp(label != NULL ? label : "", wanted) == 0;
}

void wallet_json_entries(struct rpc_call *c, const struct wallet *w,
                         const struct wallet_tx *wtx, const struct list_filter *f,
                         struct entry_list *out)
{
    struct history_view v;
    history_view(w, wtx, f->with_change, &v);
    for (size_t i = 0; f->label == NULL && i < v.n_sent; i++)
        append(c, out,
               &(struct list_entry){.wtx = wtx,
                                    .script = v.sent[i].script,
                                    .value = v.sent[i].value,
                                    .n = v.sent[i].n,
                                    .sent = true,
                                    .fee = v.fee});
    bool deep = wallet_tx_depth(w, wtx) >= f->min_depth;
    for (size_t i = 0; deep && i < v.n_received; i++)
        if (label_fits(w, v.received[i].script, f->label))
            append(c, out,
                   &(struct list_entry){.wtx = wtx,
                                        .script = v.received[i].script,
                                        .value = v.received[i].value,
                                        .n = v.received[i].n});
    history_view_clear(&v);
}

static void put_address(struct rpc_call *c, struct bytes script)
{
    struct destination d;
    char text[ADDRESS_MAX];
    if (destination_from_script(&d, script) &&
        address_encode(text, c->node->params, &d)[0] != '\0')
        json_kv_str(c->w, "address", text);
}

#define MAX_PARENTS 16

/* With the way to hardened steps behind them, as getaddressinfo has it. */
static void put_parent(struct rpc_call *c, const struct wallet_desc *d)
{
    char *text =
        descriptor_to_string_normalized(d->desc, c->node->params, &d->cache, NULL);
    json_str(c->w, text != NULL ? text : d->text);
    free(text);
}

void wallet_json_parents(struct rpc_call *c, const struct wallet *w,
                         struct bytes script)
{
    struct spk_place at[MAX_PARENTS];
    size_t n = spkman_find_all(w->spkman, script, at, MAX_PARENTS);
    json_key(c->w, "parent_descs");
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++)
        put_parent(c, at[i].desc);
    json_end_array(c->w);
}

static const char *category(const struct wallet *w, const struct list_entry *e)
{
    if (e->sent)
        return "send";
    if (!tx_is_coinbase(e->wtx->tx))
        return "receive";
    if (wallet_tx_depth(w, e->wtx) < 1)
        return "orphan";
    return wallet_tx_immature(w, e->wtx) ? "immature" : "generate";
}

void wallet_json_entry(struct rpc_call *c, const struct wallet *w,
                       const struct list_entry *e, bool with_tx)
{
    const char *label = label_of(w, e->script);
    json_begin_object(c->w);
    put_address(c, e->script);
    if (!e->sent)
        wallet_json_parents(c, w, e->script);
    json_kv_str(c->w, "category", category(w, e));
    rpc_write_amount(c, "amount", amount_of(e->sent ? -e->value.v : e->value.v));
    if (label != NULL)
        json_kv_str(c->w, "label", label);
    json_kv_uint(c->w, "vout", e->n);
    if (e->sent)
        rpc_write_amount(c, "fee", amount_of(-e->fee.v));
    if (!e->sent)
        json_kv_bool(c->w, "abandoned", e->wtx->state == WTX_ABANDONED);
    if (with_tx)
        wallet_json_tx(c, w, e->wtx);
    if (e->sent)
        json_kv_bool(c->w, "abandoned", e->wtx->state == WTX_ABANDONED);
    json_end_object(c->w);
}

const struct rpc_result wallet_json_tx_fields[] = {
    {R_STR, "address", "Address of the payment", .optional = true},
    {R_ARR, "parent_descs", "Descriptors of the wallet that have it (received only)",
     RESULTS({R_STR, "desc", "A descriptor"}), .optional = true},
    {R_STR, "category", "send, receive, generate, immature or orphan"},
    {R_AMOUNT, "amount", "The payment; negative for send"},
    {R_STR, "label", "Its label in the address book", .optional = true},
    {R_NUM, "vout", "The output"},
    {R_AMOUNT, "fee", "What the transaction paid, negative (send only)",
     .optional = true},
    {R_NUM, "confirmations", "Negative: a rival was confirmed so long ago"},
    {R_BOOL, "generated", "It is a coinbase", .optional = true},
    {R_BOOL, "trusted", "Not confirmed, but may be relied upon", .optional = true},
    {R_HEX, "blockhash", "Its block", .optional = true},
    {R_NUM, "blockheight", "That block's height", .optional = true},
    {R_NUM, "blockindex", "Its place in the block", .optional = true},
    {R_TIME, "blocktime", "Time of the block", .optional = true},
    {R_HEX, "txid", "Its id"},
    {R_HEX, "wtxid", "The id with witness"},
    {R_ARR, "walletconflicts", "Transactions of the wallet that spend the same",
     RESULTS({R_HEX, "txid", "One of them"})},
    {R_ARR, "mempoolconflicts", "Transactions of the mempool that do",
     RESULTS({R_HEX, "txid", "One of them"})},
    {R_TIME, "time", "When it happened, as far as the wallet knows"},
    {R_TIME, "timereceived", "When the wallet first saw it"},
    {R_STR, "bip125-replaceable", "yes, no or unknown"},
    {R_STR, "comment", "A remark", .optional = true},
    {R_HEX, "replaced_by_txid", "The transaction that took its place",
     .optional = true},
    {R_HEX, "replaces_txid", "The transaction whose place it took", .optional = true},
    {R_STR, "to", "A remark about the receiver", .optional = true},
    {R_BOOL, "abandoned", "It was given up: its inputs are free again"},
    {.name = NULL},
};
