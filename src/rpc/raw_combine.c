#include <stdlib.h>

#include "chain/script/sign.h"
#include "rpc/raw.h"
#include "util/mem.h"

static void merge_variant(struct sig_data *all, const struct tx *variant, uint32_t i,
                          const struct prevouts *p)
{
    struct sighash_data data;
    struct sig_data one;
    if (i >= variant->n_in)
        return;
    /* hashes cover the variant's own inputs: there must be as many outputs known */
    struct txout *spent = xcalloc(variant->n_in, sizeof(*spent));
    for (uint32_t k = 0; k < variant->n_in && k < p->n; k++)
        spent[k] = p->spent[k];
    sighash_data_init_partial(&data, variant, spent);
    struct sig_checker checker = {&data, i, p->spent[i].value, NULL, false};
    sig_data_from_input(&one, &checker, p->spent[i].script);
    sig_data_merge(all, &one);
    sig_data_clear(&one);
    sighash_data_clear(&data);
    free(spent);
}

static void combine_input(struct mtx *out, uint32_t i, struct tx *const *variants,
                          size_t n, const struct prevouts *p)
{
    struct sig_data all = {0};
    struct keystore none;
    struct sighash_data data;
    for (size_t k = 0; k < n; k++)
        merge_variant(&all, variants[k], i, p);
    keystore_init(&none);
    sighash_data_init_partial(&data, variants[0], p->spent);
    struct sig_checker checker = {&data, i, p->spent[i].value, NULL, false};
    sign_input(&all, &none, &checker, p->spent[i].script, SIGHASH_ALL);
    sig_data_store(&all, &out->in[i]);
    sighash_data_clear(&data);
    keystore_clear(&none);
    sig_data_clear(&all);
}

static void combine(struct rpc_call *c, struct tx *const *variants, size_t n)
{
    struct prevouts p = {0};
    struct mtx out;
    prevouts_find(&p, c, variants[0]);
    mtx_from_tx(&out, variants[0]);
    for (uint32_t i = 0; i < out.n_in && !c->failed; i++) {
        if (p.spent[i].script.data == NULL)
            rpc_error(c, RPC_VERIFY_ERROR, "Input not found or already spent");
        else
            combine_input(&out, i, variants, n, &p);
    }
    if (!c->failed)
        raw_put_mtx(c, &out);
    mtx_clear(&out);
    prevouts_clear(&p);
}

void rpc_combinerawtransaction(struct rpc_call *c)
{
    const struct json *list = rpc_arg(c, 0);
    struct tx **variants = xcalloc(list->len + 1, sizeof(struct tx *));
    for (size_t i = 0; i < list->len && !c->failed; i++) {
        char *message = arena_printf(
            c->mem,
            "TX decode failed for tx %zu. Make sure the tx has at least one input.", i);
        variants[i] = raw_decode_arg(c, &list->items[i], message);
    }
    if (list->len == 0)
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Missing transactions");
    if (!c->failed)
        combine(c, variants, list->len);
    for (size_t i = 0; i < list->len; i++)
        tx_unref(variants[i]);
    free(variants);
}
