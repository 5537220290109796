/* What becomes of a transaction that has its inputs: signed and sent, or handed back.
 */
#include "rpc/psbt_args.h"
#include "rpc/raw.h"
#include "rpc/wallet_spend.h"
#include "wallet/crypt.h"
#include "wallet/psbt_wallet.h"

static bool fill(struct rpc_call *c, struct wallet *w, struct psbt *p, bool sign,
                 bool origins, bool *complete)
{
    struct wallet_error e = {0};
    struct wallet_psbt_options opt = {.sign = sign,
                                      .hash_type = SIGHASH_DEFAULT,
                                      .origins = origins,
                                      .finalize = true};
    if (wallet_fill_psbt(w, p, &opt, complete, &e))
        return true;
    rpc_wallet_error(c, &e);
    return false;
}

bool rpc_put_psbt(struct rpc_call *c, struct wallet *w, const struct tx *tx,
                  uint32_t version, bool origins)
{
    struct psbt p;
    bool complete;
    psbt_create(&p, tx, version);
    bool ok = fill(c, w, &p, false, origins, &complete);
    if (ok)
        rpc_write_psbt(c, "psbt", &p);
    psbt_clear(&p);
    return ok;
}

static bool option(const struct json *options, const char *name, bool def)
{
    const struct json *v = json_get(options, name);
    return json_given(v) ? v->boolean : def;
}

static bool send_it(struct rpc_call *c, struct wallet *w, struct tx *tx)
{
    struct wallet_error e = {0};
    struct funded_tx done = {.tx = tx};
    if (wallet_commit(w, &done, NULL, &e))
        return true;
    rpc_wallet_error(c, &e);
    return false;
}

static void put_hex(struct rpc_call *c, const struct tx *tx)
{
    json_kv_hex(c->w, "hex", tx->raw.data, tx->raw.len);
}

static void put_result(struct rpc_call *c, struct wallet *w, const struct psbt *p,
                       const struct json *options, bool complete)
{
    bool as_psbt = option(options, "psbt", false);
    bool keep = option(options, "add_to_wallet", true);
    struct tx *tx = complete ? psbt_extract(p) : NULL;
    json_begin_object(c->w);
    if (as_psbt || !complete || !keep)
        rpc_write_psbt(c, "psbt", p);
    if (complete) {
        json_kv_hash(c->w, "txid", &tx->txid);
        if (as_psbt || !keep)
            put_hex(c, tx);
        else
            send_it(c, w, tx);
    }
    json_kv_bool(c->w, "complete", complete);
    json_end_object(c->w);
    tx_unref(tx);
}

/* A locked wallet, or one without keys, hands out what it can: a PSBT for others. */
static bool can_sign(const struct wallet *w)
{
    return !crypt_locked(w->crypt) && !wallet_has_flag(w, WALLET_DISABLE_PRIVATE_KEYS);
}

void rpc_finish_spend(struct rpc_call *c, struct wallet *w, const struct tx *tx,
                      const struct json *options)
{
    struct psbt p;
    bool complete = false;
    psbt_create(&p, tx, 0);
    if (fill(c, w, &p, false, true, &complete) &&
        (!can_sign(w) || fill(c, w, &p, true, false, &complete)))
        put_result(c, w, &p, options, complete);
    psbt_clear(&p);
}
