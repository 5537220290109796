/* getdeploymentinfo: the state of soft forks. */
#include "chain/rules/versionbits.h"
#include "rpc/cmd_blockchain.h"

static void write_buried(struct rpc_call *c, enum buried b,
                         const struct block_index *bi)
{
    const struct chain_params *p = c->node->params;
    if (p->buried[b] == BURIED_ABSENT || !buried_names[b].rpc)
        return;
    json_key(c->w, buried_names[b].rpc);
    json_begin_object(c->w);
    json_kv_str(c->w, "type", "buried");
    /* As of the next block, like everything here. */
    json_kv_bool(c->w, "active", buried_active_at(p, b, bi->height + 1));
    json_kv_int(c->w, "height", p->buried[b]);
    json_end_object(c->w);
}

static void write_statistics(struct rpc_call *c, unsigned dep,
                             const struct block_index *bi, enum bip9_state state)
{
    const struct chain_params *p = c->node->params;
    bool *signals = arena_alloc(c->mem, (size_t)p->bip9_window * sizeof(*signals));
    struct bip9_stats stats = bip9_stats(p, dep, bi, signals);
    json_key(c->w, "statistics");
    json_begin_object(c->w);
    json_kv_int(c->w, "period", stats.period);
    json_kv_int(c->w, "elapsed", stats.elapsed);
    json_kv_int(c->w, "count", stats.count);
    if (state != BIP9_LOCKED_IN) {
        json_kv_int(c->w, "threshold", stats.threshold);
        json_kv_bool(c->w, "possible", stats.possible);
    }
    json_end_object(c->w);
    char *text = arena_alloc(c->mem, (size_t)stats.elapsed + 1);
    for (int32_t i = 0; i < stats.elapsed; i++)
        text[i] = signals[i] ? '#' : '-';
    text[stats.elapsed] = '\0';
    json_kv_str(c->w, "signalling", text);
}

static void write_bip9(struct rpc_call *c, unsigned dep, const struct block_index *bi)
{
    const struct bip9 *d = &c->node->params->bip9[dep];
    struct versionbits *vb = chainman_versionbits(c->node->chainman);
    if (d->start_time == BIP9_NEVER_ACTIVE)
        return;
    enum bip9_state now = bip9_state_after(vb, dep, bi->prev);
    enum bip9_state next = bip9_state_after(vb, dep, bi);
    bool signalling = now == BIP9_STARTED || now == BIP9_LOCKED_IN;
    json_key(c->w, d->name);
    json_begin_object(c->w);
    json_kv_str(c->w, "type", "bip9");
    if (next == BIP9_ACTIVE)
        json_kv_int(c->w, "height", bip9_since(vb, dep, bi));
    json_kv_bool(c->w, "active", next == BIP9_ACTIVE);
    json_key(c->w, "bip9");
    json_begin_object(c->w);
    if (signalling)
        json_kv_int(c->w, "bit", d->bit);
    json_kv_int(c->w, "start_time", d->start_time);
    json_kv_int(c->w, "timeout", d->timeout);
    json_kv_int(c->w, "min_activation_height", d->min_activation_height);
    json_kv_str(c->w, "status", bip9_state_name(now));
    json_kv_int(c->w, "since", bip9_since(vb, dep, bi->prev));
    json_kv_str(c->w, "status_next", bip9_state_name(next));
    if (signalling)
        write_statistics(c, dep, bi, now);
    json_end_object(c->w);
    json_end_object(c->w);
}

static void write_deployments(struct rpc_call *c, const struct block_index *bi)
{
    json_begin_object(c->w);
    json_kv_hash(c->w, "hash", &bi->hash);
    json_kv_int(c->w, "height", bi->height);
    json_key(c->w, "deployments");
    json_begin_object(c->w);
    for (enum buried b = 0; b < BURIED_COUNT; b++)
        write_buried(c, b, bi);
    for (unsigned i = 0; i < c->node->params->n_bip9; i++)
        write_bip9(c, i, bi);
    json_end_object(c->w);
    json_end_object(c->w);
}

void rpc_getdeploymentinfo(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    struct hash256 hash;
    bool given = rpc_arg(c, 0) != NULL;
    if (given && !rpc_arg_hash(c, 0, "blockhash", &hash))
        return;
    chainman_read_lock(cm);
    const struct block_index *bi = given ? blockchain_find(c, &hash) : chain_tip(cm);
    if (bi)
        write_deployments(c, bi);
    chainman_read_unlock(cm);
}
