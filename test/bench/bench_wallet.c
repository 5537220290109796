/* A wallet of 100,000 transactions and 200,000 coins: what balance, loading, a full
 * block of foreign transactions, and a rescan cost.
 * usage: bench_wallet [transactions]   prints CPU milliseconds, and MB/s of blocks */
#include <sys/resource.h>
#include <time.h>

#include "../unit/wallet_fixture.h"
#include "util/pool.h"
#include "util/rand.h"
#include "wallet/balance.h"
#include "wallet/scan.h"
#include "wallet/store.h"

#define FOREIGN_TXS 6500 /* fill a block */
#define SCAN_BLOCKS 200

static double seconds(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static double wall(void)
{
    return seconds(CLOCK_MONOTONIC);
}

static long peak_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss / 1024;
}

/* -- The wallet -- */

struct scripts {
    struct buf *v; /* owned */
    size_t n;
};

static bool add_script(void *ctx, struct bytes script)
{
    struct scripts *s = ctx;
    s->v = xrealloc_array(s->v, s->n + 1, sizeof(*s->v));
    s->v[s->n] = (struct buf){0};
    buf_append(&s->v[s->n++], script.data, script.len);
    return true;
}

static struct tx *random_tx(struct rng *rng, struct bytes a, struct bytes b)
{
    static const uint8_t sig[72], key[33];
    const struct bytes witness[] = {bytes_of(sig, sizeof(sig)),
                                    bytes_of(key, sizeof(key))};
    struct outpoint from = {.n = 1};
    struct mtx m;
    for (size_t i = 0; i < 32; i += 8)
        put_le64(from.txid.b + i, rng_u64(rng));
    mtx_init(&m);
    mtxin_set_witness(mtx_add_in(&m, &from, SEQUENCE_FINAL), witness, 2);
    mtx_add_out(&m, amount_of(10000), a);
    mtx_add_out(&m, amount_of(20000), b);
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static void add_transactions(struct wallet_fixture *f, size_t n)
{
    struct scripts s = {0};
    struct rng rng;
    rng_seed(&rng, 1);
    wallet_lock(f->w);
    ASSERT(spkman_each_script(f->w->spkman, add_script, &s) == ERR_OK);
    for (size_t i = 0; i < n; i++) {
        const struct sighting where = {.state = WTX_CONFIRMED,
                                       .block = fake_point(0, 1 + (int32_t)(i % 9)),
                                       .index = (int32_t)i};
        struct tx *tx = random_tx(&rng, buf_view(&s.v[rng_below(&rng, s.n)]),
                                  buf_view(&s.v[rng_below(&rng, s.n)]));
        if (i % 1000 == 0)
            store_begin(f->w->store);
        ASSERT(txstore_see(f->w, tx, &where, true, NULL) == ERR_OK);
        if (i % 1000 == 999 || i == n - 1)
            ASSERT(store_commit(f->w->store) == ERR_OK);
        tx_unref(tx);
    }
    wallet_unlock(f->w);
    for (size_t i = 0; i < s.n; i++)
        buf_clear(&s.v[i]);
    free(s.v);
}

/* -- Measuring -- */

static void measure_balance(struct wallet_fixture *f)
{
    struct wallet_balance b;
    size_t n;
    wallet_lock(f->w);
    double start = cpu();
    for (int i = 0; i < 20; i++)
        balance_get(f->w, 0, true, &b);
    double each = (cpu() - start) / 20;
    txstore_unspent(f->w, &n);
    wallet_unlock(f->w);
    printf("balance            %8.3f ms CPU   (%zu coins)\n", each * 1e3, n);
}

static void measure_load(struct wallet_fixture *f)
{
    wallet_fixture_unload(f);
    double start = cpu(), start_wall = wall();
    wallet_fixture_load(f);
    printf("loading            %8.3f s wall, %.3f s CPU\n", wall() - start_wall,
           cpu() - start);
}

static struct chain_point mine_foreign_block(struct wallet_fixture *f)
{
    static struct tx *txs[FOREIGN_TXS];
    uint8_t script[22] = {0, 20};
    struct rng rng;
    rng_seed(&rng, 2);
    for (size_t i = 0; i < FOREIGN_TXS; i++) {
        put_le64(script + 2, rng_u64(&rng));
        struct bytes code = bytes_of(script, sizeof(script));
        txs[i] = random_tx(&rng, code, code);
    }
    struct chain_point at =
        fake_mine(&f->chain, 0, (const struct tx *const *)txs, FOREIGN_TXS);
    for (size_t i = 0; i < FOREIGN_TXS; i++)
        tx_unref(txs[i]);
    return at;
}

static void measure_block(struct wallet_fixture *f, const struct chain_point *at)
{
    struct block *b;
    ASSERT(fake_read_block(&f->chain, &at->hash, &b) == ERR_OK);
    wallet_lock(f->w);
    double start = cpu();
    follow_block_connected(f->w->follower, b, at);
    double took = cpu() - start;
    wallet_unlock(f->w);
    printf("full foreign block %8.3f ms CPU   (%u transactions, %.1f MB)\n", took * 1e3,
           b->n_tx, (double)b->raw.len / 1e6);
    block_unref(b);
}

static void measure_scan(struct wallet_fixture *f, int32_t from, const char *what)
{
    const struct scan_options opt = {.from = from, .to = -1, .update = true};
    struct scan_report report;
    double mb = SCAN_BLOCKS * (double)f->chain.raw[0][from].len / 1e6;
    ASSERT(scan_begin(f->w, false));
    double start = cpu(), start_wall = wall();
    wallet_scan(f->w, &opt, &report);
    double took = wall() - start_wall;
    scan_end(f->w);
    ASSERT(report.result == SCAN_DONE);
    printf("%s %8.1f MB/s          (%.0f MB in %.2f s wall, %.2f s CPU)\n", what,
           mb / took, mb, took, cpu() - start);
}

/* The same block again and again. */
static void measure_scans(struct wallet_fixture *f, const struct chain_point *at)
{
    struct bytes raw = f->chain.raw[0][at->height];
    f->chain.tip[0] = at->height + SCAN_BLOCKS - 1;
    for (int32_t h = at->height; h <= f->chain.tip[0]; h++)
        f->chain.raw[0][h] = raw;
    struct chain_point tip = fake_tip(&f->chain);
    wallet_lock(f->w);
    follow_set_best(f->w->follower, &tip);
    wallet_unlock(f->w);
    measure_scan(f, at->height, "rescan            ");
    for (int32_t h = at->height + 1; h <= f->chain.tip[0]; h++)
        f->chain.raw[0][h] = bytes_of(NULL, 0);
}

int main(int argc, char **argv)
{
    struct wallet_fixture *f = xcalloc(1, sizeof(*f));
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    wallet_fixture_init(f, 1000);
    add_transactions(f, n);
    measure_balance(f);
    measure_load(f);
    printf("peak memory        %8ld MiB\n", peak_mib());
    struct chain_point at = mine_foreign_block(f);
    measure_block(f, &at);
    f->chain.source.workers = pool_new(1, "worker");
    measure_scans(f, &at);
    fake_announce(f, &at);
    wallet_fixture_clear(f);
    pool_free(f->chain.source.workers);
    free(f);
    return 0;
}
