/* From signatures to the scripts of a transaction, and out. */
#include <stdlib.h>

#include "chain/params/params.h"
#include "wallet/psbt.h"

bool psbt_is_final(const struct psbt *p, uint32_t i)
{
    return psbt_value(&p->in[i], PSBT_IN_FINAL_SCRIPT_SIG).len > 0 ||
           psbt_value(&p->in[i], PSBT_IN_FINAL_WITNESS).data != NULL;
}

bool psbt_finalize(struct psbt *p)
{
    struct sighash_data hashes;
    bool all = true;
    psbt_hashes_init(&hashes, p);
    for (uint32_t i = 0; i < p->tx->n_in; i++) {
        struct keystore none;
        keystore_init(&none);
        const struct psbt_signer how = {&none, SIGHASH_ALL, true, false};
        all = psbt_sign_input(p, i, &hashes, &how, NULL) && all;
        keystore_clear(&none);
    }
    sighash_data_clear(&hashes);
    return all;
}

/* The stack of a final witness; caller frees. */
static struct bytes *final_witness(const struct psbt_map *m, uint32_t *n)
{
    struct reader r;
    struct bytes v = psbt_value(m, PSBT_IN_FINAL_WITNESS);
    *n = 0;
    if (v.data == NULL)
        return xcalloc(1, sizeof(struct bytes));
    reader_init(&r, v.data, v.len);
    *n = (uint32_t)read_varint(&r, v.len);
    struct bytes *items = xcalloc((size_t)*n + 1, sizeof(*items));
    for (uint32_t i = 0; i < *n; i++)
        items[i] = read_var(&r, v.len);
    return items;
}

bool psbt_is_satisfied(const struct psbt *p, uint32_t i,
                       const struct sighash_data *hashes)
{
    uint32_t n;
    const struct txout *spent = &p->spent[i];
    struct sig_checker checker = {hashes, i, spent->value, NULL, false};
    if (spent->script.data == NULL)
        return false;
    struct bytes *items = final_witness(&p->in[i], &n);
    bool ok =
        script_verify(psbt_value(&p->in[i], PSBT_IN_FINAL_SCRIPT_SIG), spent->script,
                      items, n, SCRIPT_VERIFY_STANDARD, &checker, NULL);
    free(items);
    return ok;
}

bool psbt_is_complete(const struct psbt *p)
{
    struct sighash_data hashes;
    bool all = true;
    psbt_hashes_init(&hashes, p);
    for (uint32_t i = 0; all && i < p->tx->n_in; i++)
        all = psbt_is_satisfied(p, i, &hashes);
    sighash_data_clear(&hashes);
    return all;
}

struct tx *psbt_extract(const struct psbt *p)
{
    struct mtx m;
    mtx_from_tx(&m, p->tx);
    for (uint32_t i = 0; i < m.n_in; i++) {
        uint32_t n;
        struct bytes script_sig = psbt_value(&p->in[i], PSBT_IN_FINAL_SCRIPT_SIG);
        struct bytes *items = final_witness(&p->in[i], &n);
        buf_append(&m.in[i].script_sig, script_sig.data, script_sig.len);
        mtxin_set_witness(&m.in[i], items, n);
        free(items);
    }
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}
