/* Imports public ranged descriptors into a new wallet, as one importdescriptors call
 * does, and loads the wallet again:
 *
 *     bench_wallet_import [kind] [descriptors] [range] [workers]
 *
 * kind: wpkh (default), tr, pkh. Prints wall and CPU seconds and memory. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "crypto/secp.h"
#include "crypto/sha256.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/pool.h"
#include "wallet/spkman.h"

struct bench {
    struct chain_params params;
    struct clock clock;
    struct wallet_options opt;
    char dir[64];
    const char *kind;
    size_t n;
    uint32_t range;
};

static double seconds(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report(const char *what, double wall, double cpu)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("%-8s %6.2f s wall  %6.2f s CPU  at most %ld MiB resident\n", what,
           seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
           use.ru_maxrss / 1024);
}

/* The i-th of a family of keys that nobody else uses. */
static char *descriptor_text(const struct bench *b, size_t i)
{
    struct bip32_key key;
    char xpub[112];
    uint8_t seed[32];
    sha256(seed, &i, sizeof(i));
    bool ok = bip32_from_seed(&key, seed, sizeof(seed));
    ASSERT(ok);
    bip32_neuter(&key, &key);
    bip32_format(xpub, &key, b->params.prefixes.xpub, false);
    return xasprintf("%s(%s/0/*)", b->kind, xpub);
}

static struct spkman_import *make_items(const struct bench *b,
                                        const struct keystore *none)
{
    struct spkman_import *items = xcalloc(b->n, sizeof(*items));
    for (size_t i = 0; i < b->n; i++) {
        struct descriptor_list list;
        char *error = NULL, *text = descriptor_text(b, i);
        bool ok = descriptor_parse(&list, &b->params, NULL, text, false, &error);
        ASSERT(ok);
        items[i] = (struct spkman_import){
            .take_desc = list.items[0],
            .keys = none,
            .created = 1,
            .range_end = b->range,
        };
        free(list.items);
        free(text);
    }
    return items;
}

static void import(const struct bench *b, struct wallet *w)
{
    struct keystore none;
    keystore_init(&none);
    struct wallet_error *results = xcalloc(b->n, sizeof(*results));
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    struct spkman_import *items = make_items(b, &none);
    bool ok = spkman_import(w->spkman, items, b->n, results);
    ASSERT(ok);
    report("import", wall, cpu);
    printf("%zu scripts\n", spkman_n_scripts(w->spkman));
    free(items);
    free(results);
    keystore_clear(&none);
}

static void run(struct bench *b)
{
    struct wallet_error e = {0};
    struct wallet *w;
    const struct wallet_create how = {.flags = UINT64_C(1)
                                               << WALLET_DISABLE_PRIVATE_KEYS};
    char *path = path_join(b->dir, "wallet.dat");
    bool ok = wallet_create(&w, &b->opt, "", path, &how, NULL, &e);
    ASSERT(ok);
    import(b, w);
    wallet_unref(w);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    ok = wallet_open(&w, &b->opt, "", path, &e);
    ASSERT(ok);
    report("load", wall, cpu);
    wallet_unref(w);
    free(path);
}

int main(int argc, char **argv)
{
    struct bench b = {
        .dir = "/tmp/ochre-bench-XXXXXX",
        .kind = argc > 1 ? argv[1] : "wpkh",
        .n = argc > 2 ? (size_t)atoi(argv[2]) : 1000,
        .range = argc > 3 ? (uint32_t)atoi(argv[3]) : 1000,
    };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = argc > 4 ? (unsigned)atoi(argv[4]) : (unsigned)(cores - 1);
    secp_init();
    clock_init(&b.clock);
    bool ok = chain_params_get(&b.params, BITCOIN, "regtest") && mkdtemp(b.dir) != NULL;
    ASSERT(ok);
    b.opt = (struct wallet_options){
        .params = &b.params,
        .clock = &b.clock,
        .workers = pool_new(workers, "worker"),
        .walletdir = b.dir,
        .keypool = 1,
        .change_type = OUTPUT_NONE,
    };
    run(&b);
    pool_free(b.opt.workers);
    return fs_remove_tree(b.dir) == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
