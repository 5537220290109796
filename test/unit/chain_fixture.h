/* A regtest chain in a temporary directory, and blocks to put on it. */
#ifndef OCHRE_TEST_CHAIN_FIXTURE_H
#define OCHRE_TEST_CHAIN_FIXTURE_H

#include <stdlib.h>

#include "chain/validation/chainman.h"
#include "crypto/secp.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/pool.h"

#include "chain_blocks.h"

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

static struct block *make_block(const struct fixture *f, const struct hash256 *prev,
                                int32_t height, uint32_t extra, struct tx *const *txs,
                                uint32_t n)
{
    return solve_block(&f->params, prev, height, extra, txs, n);
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
