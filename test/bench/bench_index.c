/* What the indexes do for a block, apart from the disk: building its filter, asking it
 * for scripts (scanblocks, rescans), and MuHash of coins (-coinstatsindex). Prints CPU
 * of the thread. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chain/store/block_filter.h"
#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "util/mem.h"

#define SCRIPTS 6000 /* of a full block, paid and spent together */
#define COINS   20000
#define ROUNDS  200

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void script_of(uint8_t script[22], uint32_t i)
{
    uint8_t hash[32];
    sha256(hash, &i, sizeof(i));
    script[0] = 0;
    script[1] = 20;
    memcpy(script + 2, hash, 20);
}

static struct block *make_block(void)
{
    struct mtx m;
    struct block_header h = {.version = 1};
    struct outpoint none = {.n = UINT32_MAX};
    mtx_init(&m);
    buf_append(&mtx_add_in(&m, &none, SEQUENCE_FINAL)->script_sig, "\x01\x01", 2);
    for (uint32_t i = 0; i < SCRIPTS; i++) {
        uint8_t script[22];
        script_of(script, i);
        mtx_add_out(&m, amount_of(1), bytes_of(script, sizeof(script)));
    }
    const struct tx *tx = mtx_to_tx(&m);
    struct block *b = block_assemble(&h, &tx, 1);
    tx_unref((struct tx *)tx);
    mtx_clear(&m);
    return b;
}

static void bench_match(const struct block *b, struct bytes filter, size_t n)
{
    struct bytes *wanted = xcalloc(n, sizeof(*wanted));
    size_t hits = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t *script = xmalloc(22);
        script_of(script, (uint32_t)(SCRIPTS + i));
        wanted[i] = bytes_of(script, 22);
    }
    double begin = cpu_us();
    for (int i = 0; i < ROUNDS; i++)
        hits += block_filter_match(filter, &b->hash, wanted, n) == FILTER_MATCH_YES;
    double us = (cpu_us() - begin) / ROUNDS;
    printf("filter asked for %4zu scripts   %7.1f us   %6.0f MB of filters a second\n",
           n, us, (double)filter.len / us);
    ASSERT(hits == 0 || n > 1);
    for (size_t i = 0; i < n; i++)
        free((void *)wanted[i].data);
    free(wanted);
}

static void bench_filter(void)
{
    struct block *b = make_block();
    struct buf filter = {0};
    double begin = cpu_us();
    for (int i = 0; i < ROUNDS / 10; i++) {
        buf_reset(&filter);
        block_filter_build(&filter, b, NULL);
    }
    printf("filter of %d scripts built    %7.1f us   %zu octets\n", SCRIPTS,
           (cpu_us() - begin) / (ROUNDS / 10.0), filter.len);
    bench_match(b, buf_view(&filter), 1);
    bench_match(b, buf_view(&filter), 100);
    bench_match(b, buf_view(&filter), 1000);
    buf_clear(&filter);
    block_unref(b);
}

static void bench_muhash(void)
{
    struct muhash m;
    uint8_t coin[70] = {0}, out[32];
    muhash_init(&m);
    double begin = cpu_us();
    for (uint32_t i = 0; i < COINS; i++) {
        memcpy(coin, &i, sizeof(i));
        muhash_remove(&m, coin, sizeof(coin));
    }
    printf("MuHash of a coin                %7.2f us\n", (cpu_us() - begin) / COINS);
    begin = cpu_us();
    muhash_final(&m, out);
    printf("MuHash settled                  %7.1f us\n", cpu_us() - begin);
}

int main(void)
{
    bench_filter();
    bench_muhash();
    return 0;
}
