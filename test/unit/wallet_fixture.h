/* A wallet in a temporary directory, on a chain that exists in memory only: branch 0,
 * and branches that leave it. */
#ifndef OCHRE_TEST_WALLET_FIXTURE_H
#define OCHRE_TEST_WALLET_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "chain/script/address.h"
#include "crypto/secp.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/sink.h"
#include "wallet/chain_source.h"
#include "wallet/follow_impl.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

#define FAKE_BLOCKS   4096
#define FAKE_BRANCHES 4

struct fake_chain {
    struct chain_source source;
    struct chain_params params;
    struct clock clock;
    /* Of each branch: where it leaves branch 0, its tip, its blocks above the fork. */
    int32_t fork[FAKE_BRANCHES], tip[FAKE_BRANCHES];
    struct bytes raw[FAKE_BRANCHES][FAKE_BLOCKS]; /* owned; NULL: an empty block */
    uint8_t active;
};

/* A block's hash tells its height and branch. */
static inline struct chain_point fake_point(uint8_t branch, int32_t height)
{
    struct chain_point p = {.height = height};
    put_le32(p.hash.b, (uint32_t)height);
    p.hash.b[4] = branch;
    p.hash.b[31] = 1;
    return p;
}

static inline bool fake_find_at(const struct fake_chain *c, uint8_t branch,
                                int32_t height, struct chain_point *out)
{
    if (branch >= FAKE_BRANCHES || height < 0 || height > c->tip[branch])
        return false;
    *out = fake_point(height <= c->fork[branch] ? 0 : branch, height);
    return true;
}

static inline struct chain_point fake_tip(void *ctx)
{
    const struct fake_chain *c = ctx;
    struct chain_point p = CHAIN_POINT_NONE;
    fake_find_at(c, c->active, c->tip[c->active], &p);
    return p;
}

static inline bool fake_ancestor(void *ctx, const struct hash256 *hash, int32_t height,
                                 struct chain_point *out)
{
    return height <= (int32_t)get_le32(hash->b) &&
           fake_find_at(ctx, hash->b[4], height, out);
}

static inline bool fake_find(void *ctx, const struct hash256 *hash,
                             struct chain_block *out)
{
    const struct fake_chain *c = ctx;
    struct chain_point at, active;
    int32_t height = (int32_t)get_le32(hash->b);
    if (!fake_ancestor(ctx, hash, height, &at) || !hash256_equal(&at.hash, hash))
        return false;
    *out = (struct chain_block){
        .at = at, .time = height * 600, .time_max = height * 600, .has_data = true};
    out->active =
        fake_find_at(c, c->active, height, &active) && chain_point_equal(&active, &at);
    return true;
}

static inline bool fake_at(void *ctx, int32_t height, struct chain_block *out)
{
    const struct fake_chain *c = ctx;
    struct chain_point p;
    return fake_find_at(c, c->active, height, &p) && fake_find(ctx, &p.hash, out);
}

static inline bool fake_fork(void *ctx, const struct hash256 *hash,
                             struct chain_point *out)
{
    struct chain_block b;
    if (!fake_find(ctx, hash, &b))
        return false;
    for (*out = b.at; !b.active; fake_find(ctx, &out->hash, &b))
        fake_ancestor(ctx, hash, out->height - 1, out);
    return true;
}

static inline bool fake_first_since(void *ctx, int64_t time, int32_t min_height,
                                    struct chain_block *out)
{
    for (int32_t h = min_height; fake_at(ctx, h, out); h++)
        if (out->time_max >= time)
            return true;
    return false;
}

static inline struct block *fake_empty_block(void)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    const struct block_header h = {.time = 1};
    header_write(&s, &h);
    write_varint(&s, 0);
    return block_from_buf(&raw);
}

static inline enum err fake_read_block(void *ctx, const struct hash256 *hash,
                                       struct block **out)
{
    const struct fake_chain *c = ctx;
    struct bytes raw = c->raw[hash->b[4]][get_le32(hash->b)];
    *out = raw.data != NULL ? block_from_bytes(raw.data, raw.len) : fake_empty_block();
    return *out != NULL ? ERR_OK : ERR_CORRUPT;
}

static inline int32_t fake_zero(void *ctx)
{
    (void)ctx;
    return 0;
}

static inline double fake_progress(void *ctx, const struct hash256 *hash)
{
    (void)ctx;
    return get_le32(hash->b) / 1000.0;
}

static inline bool fake_true(void *ctx)
{
    (void)ctx;
    return true;
}

static inline bool fake_false(void *ctx)
{
    (void)ctx;
    return false;
}

static inline void
fake_each_mempool(void *ctx, void (*fn)(void *arg, const struct tx *tx), void *arg)
{
    (void)ctx, (void)fn, (void)arg;
}

static inline bool fake_submit(void *ctx, const struct tx *tx, struct amount max_fee,
                               bool relay, char **error)
{
    (void)ctx, (void)tx, (void)max_fee, (void)relay;
    *error = xstrdup("there is no mempool");
    return false;
}

static inline void fake_chain_init(struct fake_chain *c, int32_t height)
{
    memset(c, 0, sizeof(*c));
    clock_init(&c->clock);
    ASSERT(chain_params_get(&c->params, BITCOIN, "regtest"));
    for (int i = 0; i < FAKE_BRANCHES; i++)
        c->tip[i] = c->fork[i] = height;
    c->source = (struct chain_source){
        .ctx = c,
        .params = &c->params,
        .clock = &c->clock,
        .tip = fake_tip,
        .find = fake_find,
        .at = fake_at,
        .ancestor = fake_ancestor,
        .fork = fake_fork,
        .first_since = fake_first_since,
        .read_block = fake_read_block,
        .prune_height = fake_zero,
        .snapshot_height = fake_zero,
        .progress = fake_progress,
        .ready = fake_true,
        .stopping = fake_false,
        .each_mempool = fake_each_mempool,
        .submit = fake_submit,
    };
}

static inline void fake_chain_clear(struct fake_chain *c)
{
    for (int b = 0; b < FAKE_BRANCHES; b++)
        for (int32_t h = 0; h < FAKE_BLOCKS; h++)
            free((void *)c->raw[b][h].data);
}

/* A block of these transactions on top of a branch, which grows. */
static inline struct chain_point fake_mine(struct fake_chain *c, uint8_t branch,
                                           const struct tx *const *txs, uint32_t n)
{
    int32_t height = ++c->tip[branch];
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    const struct block_header h = {.prev = fake_point(branch, height - 1).hash};
    if (height - 1 <= c->fork[branch])
        ((struct block_header *)&h)->prev = fake_point(0, height - 1).hash;
    header_write(&s, &h);
    write_varint(&s, n);
    for (uint32_t i = 0; i < n; i++)
        tx_write(txs[i], &s, true);
    c->raw[branch][height].data = buf_take(&raw, &c->raw[branch][height].len);
    return fake_point(branch, height);
}

struct wallet_fixture {
    char dir[64], path[96];
    struct fake_chain chain;
    struct wallet_options opt;
    struct wallet *w;
    struct chain_feed *feed;
};

static inline void wallet_fixture_load(struct wallet_fixture *f)
{
    struct wallet_error e = {0};
    ASSERT(wallet_open(&f->w, &f->opt, "w", f->path, &e));
    ASSERT(follow_join(f->w, f->feed, &e));
}

static inline void wallet_fixture_unload(struct wallet_fixture *f)
{
    follow_leave(f->w);
    wallet_unref(f->w);
}

static inline void wallet_fixture_init(struct wallet_fixture *f, uint32_t keypool)
{
    const struct wallet_create how = {.flags = 0};
    struct wallet_error e = {0};
    secp_init();
    fake_chain_init(&f->chain, 10);
    snprintf(f->dir, sizeof(f->dir), "/tmp/ochre-wallet-XXXXXX");
    ASSERT(mkdtemp(f->dir) != NULL);
    snprintf(f->path, sizeof(f->path), "%s/wallet.dat", f->dir);
    f->opt = (struct wallet_options){
        .params = &f->chain.params,
        .clock = &f->chain.clock,
        .chain = &f->chain.source,
        .walletdir = f->dir,
        .keypool = keypool,
        .address_type = OUTPUT_BECH32,
        .change_type = OUTPUT_NONE,
        .broadcast = true,
        .spend_zeroconf_change = true,
    };
    f->feed = chain_feed_new(&f->chain.source);
    ASSERT(wallet_create(&f->w, &f->opt, "w", f->path, &how, NULL, &e));
    ASSERT(follow_join(f->w, f->feed, &e));
}

static inline void wallet_fixture_clear(struct wallet_fixture *f)
{
    wallet_fixture_unload(f);
    chain_feed_stop(f->feed);
    chain_feed_free(f->feed);
    fake_chain_clear(&f->chain);
    ASSERT(fs_remove_tree(f->dir) == ERR_OK);
}

/* The script of a new address; caller clears. */
static inline struct buf wallet_fixture_script(struct wallet_fixture *f)
{
    struct destination d;
    struct buf script = {0};
    struct wallet_error e = {0};
    wallet_lock(f->w);
    ASSERT(spkman_new_address(f->w->spkman, OUTPUT_BECH32, false, &d, &e));
    wallet_unlock(f->w);
    destination_to_script(&script, &d);
    return script;
}

/* The chain tells of a block. */
static inline void fake_announce(struct wallet_fixture *f, const struct chain_point *at)
{
    struct block *b;
    ASSERT(fake_read_block(&f->chain, &at->hash, &b) == ERR_OK);
    chain_feed_connected(f->feed, b, at);
    block_unref(b);
}

/* And the wallet hears it. */
static inline void wallet_fixture_connect(struct wallet_fixture *f,
                                          const struct chain_point *at)
{
    fake_announce(f, at);
    wallet_sync(f->w);
}

#endif
