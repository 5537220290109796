/* Methods that change the chain's course, check it, or wait for it. */
#include "chain/params/params.h"
#include "rpc/cmd_blockchain.h"
#include "util/clock.h"

#define MIN_BLOCKS_KEPT 288

/* -- invalidateblock, reconsiderblock, preciousblock -- */

struct steer {
    struct rpc_call *c;
    struct hash256 hash;
    bool (*act)(struct chainman *cm, struct block_index *bi);
    bool known, ok;
};

static void steer_job(void *arg)
{
    struct steer *s = arg;
    struct chainman *cm = s->c->node->chainman;
    struct block_index *bi = block_tree_find(cm, &s->hash);
    s->known = bi != NULL;
    s->ok = bi && s->act(cm, bi);
}

static void steer(struct rpc_call *c,
                  bool (*act)(struct chainman *cm, struct block_index *bi))
{
    struct steer s = {.c = c, .act = act};
    if (!rpc_arg_hash(c, 0, "blockhash", &s.hash))
        return;
    if (chainman_call(c->node->chainman, steer_job, &s) != ERR_OK)
        rpc_error(c, RPC_CLIENT_NOT_CONNECTED, "Shutting down");
    else if (!s.known)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Block not found");
    else if (!s.ok)
        rpc_error(c, RPC_DATABASE_ERROR,
                  "The block cannot be changed, or the node is stopping");
    else
        json_null(c->w);
}

void rpc_invalidateblock(struct rpc_call *c)
{
    steer(c, chainman_invalidate);
}

void rpc_reconsiderblock(struct rpc_call *c)
{
    steer(c, chainman_reconsider);
}

void rpc_preciousblock(struct rpc_call *c)
{
    steer(c, chainman_precious);
}

/* -- pruneblockchain -- */

struct prune_call {
    struct rpc_call *c;
    int32_t height;
};

static void prune_job(void *arg)
{
    struct prune_call *p = arg;
    chainman_prune_to(p->c->node->chainman, p->height);
}

/* Height of the first block at least as late as @time. */
static bool height_at_time(struct rpc_call *c, int64_t time, int32_t *out)
{
    const struct chainman *cm = c->node->chainman;
    int32_t lo = 0, hi = chain_height(cm) + 1;
    while (lo < hi) { /* time_max never falls along the chain */
        int32_t mid = lo + (hi - lo) / 2;
        if (chain_at(cm, mid)->time_max < time)
            lo = mid + 1;
        else
            hi = mid;
    }
    *out = lo;
    if (lo <= chain_height(cm))
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER,
              "Could not find block with at least the specified timestamp.");
    return false;
}

/* What the argument asks for, limited to what may go. Under the read lock. */
static bool prune_target(struct rpc_call *c, int32_t *height)
{
    const struct chainman *cm = c->node->chainman;
    int32_t tip = chain_height(cm);
    if (*height < 0) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Negative block height.");
        return false;
    }
    /* Numbers above a billion are times; two hours allow for clocks that disagree. */
    if (*height > 1000000000 && !height_at_time(c, *height - 7200, height))
        return false;
    if (tip < c->node->params->prune_after_height) {
        rpc_error(c, RPC_MISC_ERROR, "Blockchain is too short for pruning.");
        return false;
    }
    if (*height > tip) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Blockchain is shorter than the attempted prune height.");
        return false;
    }
    if (*height > tip - MIN_BLOCKS_KEPT)
        *height = tip - MIN_BLOCKS_KEPT;
    return true;
}

void rpc_pruneblockchain(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    struct prune_call p = {.c = c};
    if (chainman_prune_target(cm) == 0) {
        rpc_error(c, RPC_MISC_ERROR,
                  "Cannot prune blocks because node is not in prune mode.");
        return;
    }
    if (!rpc_arg_i32(c, 0, &p.height))
        return;
    chainman_read_lock(cm);
    bool ok = prune_target(c, &p.height);
    chainman_read_unlock(cm);
    if (!ok)
        return;
    if (chainman_call(cm, prune_job, &p) != ERR_OK) {
        rpc_error(c, RPC_CLIENT_NOT_CONNECTED, "Shutting down");
        return;
    }
    chainman_read_lock(cm);
    json_int(c->w, chainman_prune_height(cm) - 1);
    chainman_read_unlock(cm);
}

/* -- verifychain -- */

struct verify_call {
    struct chainman *cm;
    int32_t level, blocks;
    bool ok;
};

static void verify_job(void *arg)
{
    struct verify_call *v = arg;
    v->ok = chainman_verify(v->cm, v->level, v->blocks);
}

void rpc_verifychain(struct rpc_call *c)
{
    struct verify_call v = {.cm = c->node->chainman, .level = 3, .blocks = 6};
    if (!rpc_arg_i32(c, 0, &v.level) || !rpc_arg_i32(c, 1, &v.blocks))
        return;
    if (chainman_call(v.cm, verify_job, &v) != ERR_OK)
        rpc_error(c, RPC_CLIENT_NOT_CONNECTED, "Shutting down");
    else
        json_bool(c->w, v.ok);
}

/* -- waitfor... -- */

struct tip {
    struct hash256 hash;
    int32_t height;
};

static struct tip current_tip(struct chainman *cm)
{
    chainman_read_lock(cm);
    const struct block_index *bi = chain_tip(cm);
    struct tip t = {bi->hash, bi->height};
    chainman_read_unlock(cm);
    return t;
}

/* Waits until the tip is as asked for, the time is over, or the node stops; then
 * tells the tip. */
static void wait_until(struct rpc_call *c, size_t timeout_arg,
                       bool (*reached)(const struct tip *t, const void *want),
                       const void *want)
{
    struct chainman *cm = c->node->chainman;
    int32_t timeout = 0;
    if (!rpc_arg_i32(c, timeout_arg, &timeout))
        return;
    if (timeout < 0) {
        rpc_error(c, RPC_MISC_ERROR, "Negative timeout");
        return;
    }
    int64_t end = clock_steady_us() + (int64_t)timeout * 1000;
    struct tip t = current_tip(cm);
    while (!reached(&t, want) && !rpc_cancelled(c)) {
        int64_t left = timeout > 0 ? (end - clock_steady_us()) / 1000 : 1000;
        if (left <= 0)
            break;
        chainman_wait_tip(cm, &t.hash, left < 1000 ? left : 1000);
        t = current_tip(cm);
    }
    json_begin_object(c->w);
    json_kv_hash(c->w, "hash", &t.hash);
    json_kv_int(c->w, "height", t.height);
    json_end_object(c->w);
}

static bool is_other(const struct tip *t, const void *want)
{
    return !hash256_equal(&t->hash, want);
}

static bool is_that(const struct tip *t, const void *want)
{
    return hash256_equal(&t->hash, want);
}

static bool is_as_high(const struct tip *t, const void *want)
{
    return t->height >= *(const int32_t *)want;
}

void rpc_waitfornewblock(struct rpc_call *c)
{
    struct tip now = current_tip(c->node->chainman);
    wait_until(c, 0, is_other, &now.hash);
}

void rpc_waitforblock(struct rpc_call *c)
{
    struct hash256 hash;
    if (rpc_arg_hash(c, 0, "blockhash", &hash))
        wait_until(c, 1, is_that, &hash);
}

void rpc_waitforblockheight(struct rpc_call *c)
{
    int32_t height = 0;
    if (rpc_arg_i32(c, 0, &height))
        wait_until(c, 1, is_as_high, &height);
}
