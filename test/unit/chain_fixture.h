/* A regtest chain in a temporary directory, and blocks to put on it. */
#ifndef OCHRE_TEST_CHAIN_FIXTURE_H
#define OCHRE_TEST_CHAIN_FIXTURE_H

#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/prim/merkle.h"
#include "chain/rules/block_check.h"
#include "chain/rules/pow.h"
#include "chain/validation/chainman.h"
#include "crypto/secp.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/pool.h"

struct fixture {
    char dir[64];
    struct chain_params params;
    struct clock clock;
    struct pool *workers;
    struct chainman_options opt;
    struct chainman *cm;
    int stops;
};

static void fixture_stop(void *ctx, const char *fatal)
{
    (void)fatal;
    ((struct fixture *)ctx)->stops++;
}

static bool fixture_open(struct fixture *f)
{
    char *error = NULL;
    enum err e = chainman_open(&f->cm, &f->opt, &error);
    if (e != ERR_OK) {
        f->cm = NULL;
        print_message("chainman_open: %s\n", error ? error : err_text(e));
    } else {
        chainman_start_import(f->cm);
    }
    free(error);
    return e == ERR_OK;
}

static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    secp_init();
    strcpy(f->dir, "/tmp/ochre-chain-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_true(chain_params_get(&f->params, BITCOIN, "regtest"));
    clock_init(&f->clock);
    clock_set_mock(&f->clock, 1600000000);
    f->workers = pool_new(2, "test");
    static char blocks[96];
    snprintf(blocks, sizeof(blocks), "%s/blocks", f->dir);
    f->opt = (struct chainman_options){
        .params = &f->params,
        .clock = &f->clock,
        .workers = f->workers,
        .datadir = f->dir,
        .blocksdir = blocks,
        .dbcache = 16 << 20,
        .max_tip_age = 24 * 60 * 60,
        .check_blocks = 6,
        .check_level = 4,
        .check_block_index = true,
        .sigcache_bytes = 1 << 20,
        .request_stop = fixture_stop,
        .stop_ctx = f,
    };
}

static void fixture_close(struct fixture *f)
{
    chainman_close(f->cm);
    f->cm = NULL;
}

static void fixture_clear(struct fixture *f)
{
    fixture_close(f);
    pool_free(f->workers);
    assert_int_equal(fs_remove_tree(f->dir), ERR_OK);
}

/* -- Blocks -- */

/* Pays @value to OP_TRUE; @extra tells blocks of equal height apart. */
static struct tx *make_coinbase(int32_t height, int64_t value, uint32_t extra)
{
    struct mtx m;
    uint8_t script[16];
    size_t n = bip34_height_script(script, height);
    script[n++] = 4;
    memcpy(script + n, &extra, 4);
    mtx_init(&m);
    struct outpoint none = {.n = UINT32_MAX};
    struct mtxin *in = mtx_add_in(&m, &none, SEQUENCE_FINAL);
    buf_append(&in->script_sig, script, n + 4);
    mtx_add_out(&m, amount_of(value), bytes_of("\x51", 1));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

/* Spends outpoint n of @txid to OP_TRUE, or to what nobody can spend. */
UNUSED static struct tx *make_spend(const struct hash256 *txid, uint32_t n,
                                    int64_t value)
{
    struct mtx m;
    mtx_init(&m);
    struct outpoint o = {.txid = *txid, .n = n};
    mtx_add_in(&m, &o, SEQUENCE_FINAL);
    mtx_add_out(&m, amount_of(value), bytes_of("\x51", 1));
    /* Padded beyond 64 octets. */
    mtx_add_out(&m, amount_of(0), bytes_of("\x6a\x08paddings", 10));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

/* A block with proof of work on top of prev, of which it takes no reference. */
static struct block *make_block(const struct fixture *f, const struct hash256 *prev,
                                int32_t height, uint32_t extra, struct tx *const *txs,
                                uint32_t n)
{
    const struct tx *all[16];
    all[0] = make_coinbase(height, block_subsidy(&f->params, height).v, extra);
    for (uint32_t i = 0; i < n; i++)
        all[i + 1] = txs[i];
    struct block_header h = {
        .version = 0x20000000,
        .prev = *prev,
        .time = 1500000000u + (uint32_t)height * 600,
        .bits = f->params.pow_limit_bits,
    };
    struct block *b = block_assemble(&h, all, n + 1);
    h.merkle_root = block_merkle_root(b, NULL);
    for (;; h.nonce++) {
        struct hash256 hash = header_hash(&h);
        if (pow_check(&hash, h.bits, &f->params))
            break;
    }
    block_unref(b);
    b = block_assemble(&h, all, n + 1);
    tx_unref((struct tx *)all[0]);
    return b;
}

struct submit {
    struct chainman *cm;
    const struct block *b;
    struct reject rej;
    bool accepted, is_new;
};

static void submit_job(void *arg)
{
    struct submit *s = arg;
    s->accepted = chainman_process_block(s->cm, s->b, true, true, &s->is_new, &s->rej);
}

UNUSED static struct submit submit(struct fixture *f, const struct block *b)
{
    struct submit s = {.cm = f->cm, .b = b};
    char text[512];
    assert_int_equal(chainman_call(f->cm, submit_job, &s), ERR_OK);
    if (!s.accepted)
        print_message("refused: %s\n", reject_text(&s.rej, text));
    return s;
}

/* Mines n blocks on prev; hashes (may be NULL) gets them all. Returns the last. */
UNUSED static struct hash256 mine_on(struct fixture *f, struct hash256 prev,
                                     int32_t height, int n, uint32_t extra,
                                     struct hash256 *hashes)
{
    for (int i = 0; i < n; i++) {
        struct block *b = make_block(f, &prev, height + 1 + i, extra, NULL, 0);
        struct submit s = submit(f, b);
        assert_true(s.accepted);
        prev = b->hash;
        if (hashes)
            hashes[i] = prev;
        block_unref(b);
    }
    return prev;
}

#endif
