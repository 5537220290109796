#include "wallet/sign.h"

#include "chain/script/sign.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

/* Everything the wallet knows about what the inputs spend. */
static void gather_keys(struct wallet *w, struct keystore *keys,
                        const struct txout *spent, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (spent[i].script.data != NULL)
            (void)!spkman_keystore(w->spkman, spent[i].script, true, keys);
    }
}

static bool sign_one(struct mtx *m, const struct keystore *keys,
                     const struct sighash_data *data, uint32_t i,
                     const struct txout *spent, int hash_type)
{
    struct sig_checker checker = {.data = data, .input = i, .value = spent->value};
    struct sig_data d;
    if (spent->script.data == NULL)
        return false;
    sig_data_from_input(&d, &checker, spent->script);
    if (!d.complete && !sighash_covers_nothing(hash_type, i, m->n_out))
        sign_input(&d, keys, &checker, spent->script, hash_type);
    sig_data_store(&d, &m->in[i]);
    bool complete = d.complete;
    sig_data_clear(&d);
    return complete;
}

bool wallet_sign_tx(struct wallet *w, struct mtx *m, const struct txout *spent,
                    int hash_type)
{
    struct tx *tx = mtx_to_tx(m);
    struct keystore keys;
    struct sighash_data data;
    bool all = true;
    keystore_init(&keys);
    gather_keys(w, &keys, spent, m->n_in);
    sighash_data_init_partial(&data, tx, spent);
    for (uint32_t i = 0; i < m->n_in; i++)
        all = sign_one(m, &keys, &data, i, &spent[i], hash_type) && all;
    sighash_data_clear(&data);
    keystore_clear(&keys);
    tx_unref(tx);
    return all;
}
