/* listsinceblock */
#include "rpc/wallet_args.h"
#include "rpc/wallet_json.h"
#include "rpc/wallet_methods.h"
#include "wallet/follow.h"

struct since {
    struct chain_point given; /* the caller's block; height -1: none */
    int32_t fork;             /* height up to which it shares the wallet's chain */
    int32_t target;           /* confirmations of the block named in the reply */
    bool with_removed;
    struct list_filter filter;
};

static bool find_given(struct rpc_call *c, const struct wallet *w, struct since *s)
{
    const struct chain_source *chain = w->opt->chain;
    struct chain_block block;
    struct chain_point best = follow_best(w), a, b;
    if (!chain->find(chain->ctx, &s->given.hash, &block)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Block not found");
        return false;
    }
    s->given = block.at;
    s->fork = block.at.height < best.height ? block.at.height : best.height;
    while (chain->ancestor(chain->ctx, &best.hash, s->fork, &a) &&
           chain->ancestor(chain->ctx, &s->given.hash, s->fork, &b) &&
           !chain_point_equal(&a, &b))
        s->fork--;
    return true;
}

static bool since_args(struct rpc_call *c, const struct wallet *w, struct since *s)
{
    s->given = CHAIN_POINT_NONE;
    s->target = 1;
    s->with_removed = rpc_arg_bool(c, 3, true);
    s->filter.with_change = rpc_arg_bool(c, 4, false);
    if (rpc_arg(c, 5) != NULL && (s->filter.label = rpc_arg_label(c, 5, NULL)) == NULL)
        return false;
    if (rpc_arg_str(c, 0, "")[0] != '\0' &&
        (!rpc_arg_hash(c, 0, "blockhash", &s->given.hash) || !find_given(c, w, s)))
        return false;
    if (!rpc_arg_i32(c, 1, &s->target))
        return false;
    if (s->target < 1)
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid parameter");
    return !c->failed;
}

static void put_entries(struct rpc_call *c, const struct wallet *w,
                        const struct wallet_tx *wtx, const struct list_filter *f)
{
    struct entry_list l = {0};
    wallet_json_entries(c, w, wtx, f, &l);
    for (size_t i = 0; i < l.n; i++)
        wallet_json_entry(c, w, &l.v[i], true);
}

static void put_since(struct rpc_call *c, const struct wallet *w, const struct since *s)
{
    int32_t depth = follow_best(w).height + 1 - s->fork;
    json_key(c->w, "transactions");
    json_begin_array(c->w);
    for (size_t i = 0; i < txstore_count(w); i++) {
        const struct wallet_tx *wtx = txstore_at(w, i);
        int32_t d = wallet_tx_depth(w, wtx);
        if (s->given.height < 0 || (d < 0 ? -d : d) < depth)
            put_entries(c, w, wtx, &s->filter);
    }
    json_end_array(c->w);
}

static void put_removed_block(struct rpc_call *c, const struct wallet *w,
                              const struct block *b, const struct list_filter *f)
{
    struct list_filter any_depth = *f;
    any_depth.min_depth = INT32_MIN;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        const struct wallet_tx *wtx = txstore_find(w, &b->txs[i].txid);
        if (wtx != NULL)
            put_entries(c, w, wtx, &any_depth);
    }
}

/* What stood in the blocks between the caller's and the fork. */
static void put_removed(struct rpc_call *c, const struct wallet *w,
                        const struct since *s)
{
    const struct chain_source *chain = w->opt->chain;
    struct hash256 hash = s->given.hash;
    json_key(c->w, "removed");
    json_begin_array(c->w);
    for (int32_t h = s->given.height; h > s->fork; h--) {
        struct block *b;
        if (chain->read_block(chain->ctx, &hash, &b) != ERR_OK) {
            rpc_error(c, RPC_INTERNAL_ERROR, "Can't read block from disk");
            break;
        }
        put_removed_block(c, w, b, &s->filter);
        hash = b->header.prev;
        block_unref(b);
    }
    json_end_array(c->w);
}

static void put_last_block(struct rpc_call *c, const struct wallet *w, int32_t target)
{
    const struct chain_source *chain = w->opt->chain;
    struct chain_point best = follow_best(w), last = best;
    int32_t height = best.height + 1 - target;
    chain->ancestor(chain->ctx, &best.hash, height < 0 ? 0 : height, &last);
    json_kv_hash(c->w, "lastblock", &last.hash);
}

static void list_since(struct rpc_call *c, const struct wallet *w)
{
    struct since s = {0};
    if (!since_args(c, w, &s))
        return;
    json_begin_object(c->w);
    put_since(c, w, &s);
    if (s.with_removed)
        put_removed(c, w, &s);
    put_last_block(c, w, s.target);
    json_end_object(c->w);
}

void rpc_listsinceblock(struct rpc_call *c)
{
    struct wallet *w = rpc_synced_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    list_since(c, w);
    wallet_unlock(w);
    wallet_unref(w);
}
