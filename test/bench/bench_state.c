/* Cost of the state commitment: blocks of 1,000 changed keys on a state of 1,000,000
 * keys. usage: bench_state [keys] [cache MiB]   prints CPU microseconds per changed
 * key, and the memory of a process that works on such a state (another one made it). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chain/state/state.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/sink.h"

#define BLOCK_CHANGES 1000

/* Of this thread: LevelDB compacts in another one. */
static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static long resident_kib(const char *field)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtol(line + strlen(field) + 1, NULL, 10);
    fclose(f);
    return kib;
}

static void put(struct state_txn *t, struct rng *rng, uint64_t i)
{
    uint8_t key[58] = {'i'}, value[31];
    put_le64(key + 1, i);
    for (size_t j = 0; j < sizeof(value); j++)
        value[j] = (uint8_t)rng_u64(rng);
    state_put(t, bytes_of(key, sizeof(key)), bytes_of(value, sizeof(value)));
}

static void flush(struct db *db, struct state *s)
{
    struct db_batch b;
    db_batch_init(&b);
    state_flush_into(s, &b);
    if (db_write(db, &b, false) != ERR_OK)
        exit(1);
    state_flush_done(s);
    db_batch_clear(&b);
}

static void fill(struct db *db, struct state *s, struct rng *rng, uint64_t keys)
{
    for (uint64_t i = 0; i < keys;) {
        struct state_txn *t = state_begin(s);
        for (uint64_t n = 0; n < 20000 && i < keys; n++)
            put(t, rng, i++);
        state_commit(t);
        (void)state_root(s);
        if (state_dirty_memory(s) > 8u << 20)
            flush(db, s);
    }
    flush(db, s);
}

struct cost {
    double txn, root, flush;
};

static struct cost blocks(struct db *db, struct state *s, struct rng *rng,
                          uint64_t keys, int n)
{
    struct cost c = {0, 0, 0};
    for (int b = 0; b < n; b++) {
        struct buf undo = {0};
        double t0 = cpu_us();
        struct state_txn *t = state_begin(s);
        for (int i = 0; i < BLOCK_CHANGES; i++)
            put(t, rng, rng_below(rng, keys));
        state_txn_undo(t, &undo);
        state_commit(t);
        double t1 = cpu_us();
        (void)state_root(s);
        double t2 = cpu_us();
        if (b % 4 == 3)
            flush(db, s);
        double t3 = cpu_us();
        c.txn += t1 - t0;
        c.root += t2 - t1;
        c.flush += t3 - t2;
        buf_clear(&undo);
    }
    double per = 1.0 / ((double)n * BLOCK_CHANGES);
    return (struct cost){c.txn * per, c.root * per, c.flush * per};
}

static void report(const char *what, struct cost c)
{
    printf(
        "%-22s root %6.2f  values and undo %6.2f  flush %6.2f  sum %6.2f us per key\n",
        what, c.root, c.txn, c.flush, c.root + c.txn + c.flush);
}

static struct db *open_db(const char *dir)
{
    struct db_options opt = {
        .name = "state",
        .version = 1,
        .bloom = true,
        .cache_bytes = 8 << 20,
        .write_buffer_bytes = 2 << 20,
        .max_open_files = 24,
    };
    struct db *db;
    char *message;
    if (db_open(&db, dir, &opt, &message) != ERR_OK) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
    return db;
}

static void make(const char *dir, size_t cache, uint64_t keys)
{
    struct rng rng;
    struct db *db = open_db(dir);
    struct state *s = state_new(db, cache);
    double t0 = cpu_us();
    rng_seed(&rng, 1);
    fill(db, s, &rng, keys);
    printf("fill: %.2f us per key, %llu keys\n", (cpu_us() - t0) / (double)keys,
           (unsigned long long)keys);
    state_free(s);
    db_close(db);
}

static void work(const char *dir, size_t cache, uint64_t keys)
{
    struct rng rng;
    struct db *db = open_db(dir);
    struct state *s = state_new(db, cache);
    rng_seed(&rng, 2);
    report("cold (first 10 blocks)", blocks(db, s, &rng, keys, 10));
    blocks(db, s, &rng, keys, 300);
    report("warm (100 blocks)", blocks(db, s, &rng, keys, 100));
    printf(
        "state memory %.1f MiB; resident %.1f MiB (of it files %.1f), peak %.1f MiB\n",
        (double)state_memory(s) / (1 << 20), (double)resident_kib("VmRSS:") / 1024,
        (double)resident_kib("RssFile:") / 1024, (double)resident_kib("VmHWM:") / 1024);
    state_free(s);
    db_close(db);
}

int main(int argc, char **argv)
{
    uint64_t keys = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    size_t cache = (argc > 2 ? strtoull(argv[2], NULL, 10) : 72) << 20;
    char dir[] = "/tmp/ochre-bench-state-XXXXXX";
    int status = 1;
    if (mkdtemp(dir) == NULL)
        return 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        make(dir, cache, keys);
        exit(0);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
        work(dir, cache, keys);
    return fs_remove_tree(dir) == ERR_OK && status == 0 ? 0 : 1;
}
