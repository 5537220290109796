/* What the chain, the mempool and descriptors add to a PSBT. */
#include "chain/mempool/mempool.h"
#include "chain/store/coins_cache.h"
#include "rpc/descriptor_args.h"
#include "rpc/psbt_args.h"
#include "rpc/raw.h"

/* -- What inputs spend -- */

static void add_prev_txs(struct rpc_call *c, struct psbt *p)
{
    for (uint32_t i = 0; i < p->tx->n_in; i++) {
        if (psbt_value(&p->in[i], PSBT_IN_NON_WITNESS_UTXO).data != NULL)
            continue;
        struct tx *prev = raw_find_tx(c, &p->tx->in[i].prevout.txid);
        if (prev != NULL)
            (void)!psbt_set_prev_tx(p, i, prev);
        tx_unref(prev);
    }
}

/* An output by itself is enough for witness programs only. */
static void add_prev_outs(struct rpc_call *c, struct psbt *p,
                          const struct keystore *keys)
{
    struct prevouts found;
    prevouts_find(&found, c, p->tx);
    for (uint32_t i = 0; i < p->tx->n_in; i++) {
        const struct txout *out = &found.spent[i];
        if (psbt_value(&p->in[i], PSBT_IN_NON_WITNESS_UTXO).data == NULL &&
            out->script.data != NULL && psbt_spends_witness(p, i, out->script, keys))
            psbt_set_prev_out(p, i, out);
    }
    prevouts_clear(&found);
}

/* -- Descriptors -- */

static bool read_descriptors(struct rpc_call *c, size_t i, struct keystore *keys)
{
    const struct json *list = rpc_arg(c, i);
    for (size_t k = 0; list != NULL && k < list->len; k++) {
        if (!rpc_scan_keys(c, &list->items[k], keys))
            return false;
    }
    return true;
}

static void forget_secrets(struct keystore *keys)
{
    for (size_t i = 0; i < keys->n_keys; i++)
        keys->keys[i].has_secret = false;
}

/* -- Methods -- */

static void process(struct rpc_call *c, struct psbt *p, const struct psbt_signer *how)
{
    struct sighash_data hashes;
    add_prev_txs(c, p);
    add_prev_outs(c, p, how->keys);
    psbt_hashes_init(&hashes, p);
    for (uint32_t i = 0; i < p->tx->n_in; i++)
        psbt_sign_input(p, i, &hashes, how, NULL);
    for (uint32_t i = 0; i < p->tx->n_out; i++)
        psbt_update_output(p, i, how->keys, how->origins);
    psbt_drop_prev_txs(p, SIGHASH_ALL);
    sighash_data_clear(&hashes);
}

void rpc_utxoupdatepsbt(struct rpc_call *c)
{
    struct psbt p;
    struct keystore keys;
    keystore_init(&keys);
    const struct psbt_signer how = {&keys, SIGHASH_ALL, false, true};
    if (read_descriptors(c, 1, &keys) && rpc_to_psbt(c, rpc_arg(c, 0), &p)) {
        forget_secrets(&keys);
        process(c, &p, &how);
        rpc_write_psbt(c, NULL, &p);
        psbt_clear(&p);
    }
    keystore_clear(&keys);
}

void rpc_descriptorprocesspsbt(struct rpc_call *c)
{
    struct psbt p;
    struct keystore keys;
    keystore_init(&keys);
    struct psbt_signer how = {&keys, SIGHASH_DEFAULT, rpc_arg_bool(c, 4, true),
                              rpc_arg_bool(c, 3, true)};
    if (read_descriptors(c, 1, &keys) && raw_sighash_arg(c, 2, &how.hash_type) &&
        rpc_to_psbt(c, rpc_arg(c, 0), &p)) {
        process(c, &p, &how);
        rpc_put_processed_psbt(c, &p, psbt_is_complete(&p));
        psbt_clear(&p);
    }
    keystore_clear(&keys);
}
