/* Signing with a wallet: messages, transactions, PSBTs. */
#include "chain/script/address.h"
#include "rpc/psbt_args.h"
#include "rpc/raw.h"
#include "rpc/util_methods.h"
#include "rpc/wallet_args.h"
#include "wallet/psbt_wallet.h"
#include "wallet/spkman.h"

/* -- signmessage */

/* With the wallet's lock. */
static void sign_message(struct rpc_call *c, struct wallet *w,
                         const struct destination *d)
{
    struct keystore keys;
    struct buf script = {0};
    keystore_init(&keys);
    destination_to_script(&script, d);
    (void)!spkman_keystore(w->spkman, buf_view(&script), true, &keys);
    const struct key_entry *e = keystore_find_key(&keys, d->data);
    if (e != NULL && e->has_secret)
        rpc_put_signed_message(c, keystore_secret(&keys, e), e->pubkey_len == 33,
                               rpc_arg(c, 1));
    else
        rpc_error(c, RPC_WALLET_ERROR, "Private key not available");
    buf_clear(&script);
    keystore_clear(&keys);
}

static void signmessage(struct rpc_call *c)
{
    struct destination d;
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    if (rpc_need_unlocked(c, w)) {
        if (!address_decode(&d, c->node->params, rpc_arg_str(c, 0, ""), NULL))
            rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid address");
        else if (d.type != DEST_PKH)
            rpc_error(c, RPC_TYPE_ERROR, "Address does not refer to key");
        else
            sign_message(c, w, &d);
    }
    wallet_unlock(w);
    wallet_unref(w);
}

/* -- signrawtransactionwithwallet */

/* With the wallet's lock. */
static void sign_tx(struct rpc_call *c, struct wallet *w, const struct tx *tx,
                    const struct prevouts *p, int hash_type)
{
    struct keystore keys;
    if (!rpc_need_unlocked(c, w))
        return;
    keystore_init(&keys);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (p->spent[i].script.data != NULL)
            (void)!spkman_keystore(w->spkman, p->spent[i].script, true, &keys);
    }
    raw_sign(c, tx, p, &keys, hash_type);
    keystore_clear(&keys);
}

static void sign_decoded(struct rpc_call *c, struct wallet *w, const struct tx *tx)
{
    int hash_type;
    struct prevouts p;
    prevouts_find(&p, c, tx);
    if (prevouts_parse(&p, c, tx, rpc_arg(c, 1), NULL) &&
        raw_sighash_arg(c, 2, &hash_type)) {
        wallet_lock(w);
        sign_tx(c, w, tx, &p, hash_type);
        wallet_unlock(w);
    }
    prevouts_clear(&p);
}

static void signrawtransactionwithwallet(struct rpc_call *c)
{
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    struct tx *tx = raw_decode_arg(
        c, rpc_arg(c, 0), "TX decode failed. Make sure the tx has at least one input.");
    if (tx != NULL)
        sign_decoded(c, w, tx);
    tx_unref(tx);
    wallet_unref(w);
}

/* -- walletprocesspsbt */

/* With the wallet's lock. */
static void process_psbt(struct rpc_call *c, struct wallet *w, struct psbt *p,
                         int hash_type)
{
    bool complete;
    struct wallet_error e = {0};
    const struct wallet_psbt_options opt = {
        .sign = rpc_arg_bool(c, 1, true),
        .hash_type = hash_type,
        .origins = rpc_arg_bool(c, 3, true),
        .finalize = rpc_arg_bool(c, 4, true),
    };
    if (opt.sign && !rpc_need_unlocked(c, w))
        return;
    if (wallet_fill_psbt(w, p, &opt, &complete, &e))
        rpc_put_processed_psbt(c, p, complete);
    else
        rpc_wallet_error(c, &e);
}

static void walletprocesspsbt(struct rpc_call *c)
{
    int hash_type;
    struct psbt p;
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    if (rpc_to_psbt(c, rpc_arg(c, 0), &p)) {
        if (raw_sighash_arg(c, 2, &hash_type)) {
            wallet_lock(w);
            process_psbt(c, w, &p, hash_type);
            wallet_unlock(w);
        }
        psbt_clear(&p);
    }
    wallet_unref(w);
}

/* -- Table */

static const struct rpc_method methods[] = {
    {
        .name = "signmessage",
        .help = "Signs a message with the private key of a P2PKH address.",
        .params = PARAMS({"address", P_STR, .help = "Address of the wallet"},
                         {"message", P_STR, P_ANY_TEXT, .help = "What to sign"}),
        .results = RESULTS({R_STR, "", "The signature in base64"}),
        .examples = EXAMPLES("\"address\" \"my message\""),
        .fn = signmessage,
    },
    {
        .name = "signrawtransactionwithwallet",
        .help =
            "Signs the inputs of a transaction that the wallet can sign.\n"
            "Outputs spent are looked up in chain and mempool, or given by prevtxs.",
        .params = PARAMS(
            {"hexstring", P_HEX, .help = "The transaction"},
            {"prevtxs", P_ARR, P_OPTIONAL, .help = "Outputs that it spends",
             .inner = PARAMS({"", P_OBJ, P_OPTIONAL, .inner = raw_prevtx_fields})},
            RAW_SIGHASH_PARAM),
        .results = RESULTS({R_OBJ, "", "", raw_sign_results}),
        .examples = EXAMPLES("hexstring"),
        .fn = signrawtransactionwithwallet,
    },
    {
        .name = "walletprocesspsbt",
        .help = "Fills in what the wallet knows about a PSBT, and signs what it can.",
        .params = PARAMS({"psbt", P_STR, .help = "The PSBT in base64"},
                         {"sign", P_BOOL, .def = "true", .help = "Sign, too"},
                         RAW_SIGHASH_PARAM, PSBT_BIP32_PARAM, PSBT_FINALIZE_PARAM),
        .results = RESULTS({R_OBJ, "", "", rpc_processed_psbt_results}),
        .examples = EXAMPLES("psbt"),
        .fn = walletprocesspsbt,
    },
};

const struct rpc_table rpc_wallet_sign_table = {"Wallet", methods, ARRAY_LEN(methods),
                                                .needs_wallets = true};
