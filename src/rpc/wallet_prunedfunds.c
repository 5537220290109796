/* importprunedfunds, removeprunedfunds */
#include <stdlib.h>

#include "chain/prim/merkleblock.h"
#include "rpc/raw.h"
#include "rpc/wallet_args.h"
#include "rpc/wallet_methods.h"
#include "wallet/follow.h"
#include "wallet/spkman.h"
#include "wallet/txstore.h"

/* -- importprunedfunds -- */

static bool read_proof(struct rpc_call *c, struct merkleblock *m)
{
    struct buf raw = {0};
    struct hash256 *ids;
    struct reader r;
    size_t n;
    bool ok = rpc_to_bytes(c, rpc_arg(c, 1), "proof", &raw);
    if (ok) {
        reader_init(&r, raw.data, raw.len);
        ok = merkleblock_read(m, &r);
        if (!ok)
            rpc_error(c, RPC_MISC_ERROR, "The proof is cut short or malformed");
    }
    buf_clear(&raw);
    if (!ok)
        return false;
    ok = merkleblock_extract(m, &ids, &n);
    free(ids);
    if (!ok)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Something wrong with merkleblock");
    return ok;
}

/* The proof's block on the chain that the wallet follows. */
static bool find_block(struct rpc_call *c, const struct wallet *w,
                       const struct merkleblock *m, struct chain_point *out)
{
    const struct chain_source *chain = w->opt->chain;
    struct chain_point best = follow_best(w), same;
    struct chain_block block;
    struct hash256 hash = header_hash(&m->header);
    bool found = chain->find(chain->ctx, &hash, &block) &&
                 chain->ancestor(chain->ctx, &best.hash, block.at.height, &same) &&
                 chain_point_equal(&same, &block.at);
    if (found)
        *out = block.at;
    else
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Block not found in chain");
    return found;
}

static bool pays_wallet(const struct wallet *w, const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (spkman_find(w->spkman, tx->out[i].script, NULL))
            return true;
    return false;
}

static void import_proved(struct rpc_call *c, struct wallet *w, const struct tx *tx,
                          const struct merkleblock *m)
{
    struct wallet_error e = {0};
    struct chain_point at;
    uint32_t place;
    if (!find_block(c, w, m, &at))
        return;
    if (!merkleblock_place(m, &tx->txid, &place))
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Transaction given doesn't exist in proof");
    else if (!pays_wallet(w, tx))
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "No addresses in wallet correspond to included transaction");
    else if (!txstore_import(w, tx, &at, (int32_t)place, &e))
        rpc_wallet_error(c, &e);
}

static void import(struct rpc_call *c, struct wallet *w)
{
    struct merkleblock m = {0};
    struct tx *tx = raw_decode_arg(
        c, rpc_arg(c, 0), "TX decode failed. Make sure the tx has at least one input.");
    if (tx != NULL && read_proof(c, &m)) {
        wallet_lock(w);
        import_proved(c, w, tx, &m);
        wallet_unlock(w);
    }
    merkleblock_clear(&m);
    tx_unref(tx);
}

void rpc_importprunedfunds(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    import(c, w);
    wallet_unref(w);
}

/* -- removeprunedfunds -- */

static void remove_tx(struct rpc_call *c, struct wallet *w, const struct hash256 *txid)
{
    char hex[65];
    struct wallet_error e = {0};
    struct wallet_tx *wtx = txstore_find(w, txid);
    if (wtx == NULL)
        rpc_error(c, RPC_WALLET_ERROR, "Transaction %s does not belong to this wallet",
                  hash256_to_hex(hex, txid));
    else if (!txstore_remove(w, &wtx, 1, &e))
        rpc_wallet_error(c, &e);
}

void rpc_removeprunedfunds(struct rpc_call *c)
{
    struct hash256 txid;
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    if (rpc_arg_hash(c, 0, "txid", &txid)) {
        wallet_lock(w);
        remove_tx(c, w, &txid);
        wallet_unlock(w);
    }
    wallet_unref(w);
}
