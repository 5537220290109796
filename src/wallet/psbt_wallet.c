#include "wallet/psbt_wallet.h"

#include "util/reader.h"
#include "wallet/psbt_fields.h"
#include "wallet/spkman.h"
#include "wallet/txstore.h"

/* -- Keys -- */

static bool read_origin(struct key_origin *out, struct bytes path)
{
    struct reader r;
    reader_init(&r, path.data, path.len);
    read_copy(&r, out->fingerprint, sizeof(out->fingerprint));
    out->n_path = (uint32_t)(reader_left(&r) / 4);
    if (r.bad || out->n_path > ARRAY_LEN(out->path))
        return false;
    for (uint32_t i = 0; i < out->n_path; i++)
        out->path[i] = read_u32(&r);
    return true;
}

/* The wallet's part of what the PSBT says about its keys: scripts of others may hold
 * some of ours. */
static void add_listed_key(struct wallet *w, const struct psbt_record *r, bool secrets,
                           struct keystore *keys)
{
    struct key_origin origin;
    struct psbt_tap_origin tap;
    uint8_t full[33] = {2};
    struct bytes pubkey = r->key, path = r->value;
    if (r->type == PSBT_IN_TAP_BIP32) {
        if (!psbt_tap_origin_read(&tap, r->value))
            return;
        memcpy(full + 1, r->key.data, 32);
        pubkey = bytes_of(full, sizeof(full));
        path = tap.origin;
    }
    if (read_origin(&origin, path))
        spkman_keystore_for_pubkey(w->spkman, pubkey, &origin, secrets, keys);
}

static void add_listed_keys(struct wallet *w, const struct psbt_map *m, bool secrets,
                            struct keystore *keys)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->items[i].type == PSBT_IN_BIP32 || m->items[i].type == PSBT_IN_TAP_BIP32)
            add_listed_key(w, &m->items[i], secrets, keys);
    }
}

/* -- Inputs and outputs -- */

static void fill_prev_txs(struct wallet *w, struct psbt *p)
{
    for (uint32_t i = 0; i < p->tx->n_in; i++) {
        const struct hash256 *txid = &p->tx->in[i].prevout.txid;
        if (psbt_is_final(p, i) ||
            psbt_value(&p->in[i], PSBT_IN_NON_WITNESS_UTXO).data != NULL)
            continue;
        const struct wallet_tx *wtx = txstore_find(w, txid);
        if (wtx != NULL)
            (void)!psbt_set_prev_tx(p, i, wtx->tx);
    }
}

static bool check_hash_type(const struct psbt *p, uint32_t i,
                            const struct wallet_psbt_options *opt,
                            struct wallet_error *e)
{
    int wanted;
    if (!opt->sign || !psbt_hash_type(p, i, &wanted) || wanted == opt->hash_type)
        return true;
    return wallet_fail(e, WALLET_DESERIALIZATION,
                       "Specified sighash value does not match value stored in PSBT");
}

static void fill_input(struct wallet *w, struct psbt *p, uint32_t i,
                       const struct sighash_data *hashes,
                       const struct wallet_psbt_options *opt)
{
    struct keystore keys;
    keystore_init(&keys);
    const struct psbt_signer how = {&keys, opt->hash_type, opt->finalize, opt->origins};
    if (!spkman_keystore(w->spkman, p->spent[i].script, opt->sign, &keys))
        add_listed_keys(w, &p->in[i], opt->sign, &keys);
    psbt_sign_input(p, i, hashes, &how, NULL);
    keystore_clear(&keys);
}

static bool fill_inputs(struct wallet *w, struct psbt *p,
                        const struct wallet_psbt_options *opt, struct wallet_error *e)
{
    struct sighash_data hashes;
    bool ok = true;
    psbt_hashes_init(&hashes, p);
    for (uint32_t i = 0; ok && i < p->tx->n_in; i++) {
        if (psbt_is_final(p, i))
            continue;
        ok = check_hash_type(p, i, opt, e);
        if (ok && p->spent[i].script.data != NULL)
            fill_input(w, p, i, &hashes, opt);
    }
    sighash_data_clear(&hashes);
    return ok;
}

static void fill_outputs(struct wallet *w, struct psbt *p, bool origins)
{
    for (uint32_t i = 0; i < p->tx->n_out; i++) {
        struct keystore keys;
        keystore_init(&keys);
        if (spkman_keystore(w->spkman, p->tx->out[i].script, false, &keys))
            psbt_update_output(p, i, &keys, origins);
        keystore_clear(&keys);
    }
}

bool wallet_fill_psbt(struct wallet *w, struct psbt *p,
                      const struct wallet_psbt_options *opt, bool *complete,
                      struct wallet_error *e)
{
    fill_prev_txs(w, p);
    if (!fill_inputs(w, p, opt, e))
        return false;
    fill_outputs(w, p, opt->origins);
    psbt_drop_prev_txs(p, opt->hash_type);
    *complete = psbt_is_complete(p);
    return true;
}
