/* The fuzzers of the network in the small: their seeds, and random sessions. */
#include <dirent.h>

#include "util/fs.h"
#include "util/rand.h"

#include "unit.h"

#define LLVMFuzzerTestOneInput fuzz_handler
#include "../fuzz/fuzz_net_handler.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_session
int fuzz_session(const uint8_t *data, size_t size);
#define input session_input
#define run   session_run
#include "../fuzz/fuzz_net_session.c"

#define SESSIONS 40
#define STEPS    60

static unsigned replay(const char *target,
                       int (*fuzz)(const uint8_t *data, size_t size))
{
    const char *top = getenv("srcdir");
    char *dir = xasprintf("%s/test/fuzz/corpus/%s", top ? top : ".", target);
    DIR *d = opendir(dir);
    struct dirent *e;
    unsigned n = 0;
    assert_non_null(d);
    while ((e = readdir(d))) {
        struct buf b = {0};
        char *path = path_join(dir, e->d_name);
        if (e->d_name[0] != '.') {
            assert_int_equal(fs_read_file(path, 1 << 20, &b), ERR_OK);
            fuzz(b.data, b.len);
            n++;
        }
        buf_clear(&b);
        free(path);
    }
    closedir(d);
    free(dir);
    return n;
}

static void every_sample_by_every_kind_of_peer(void **state)
{
    (void)state;
    assert_true(replay("net_handler", fuzz_handler) > 80);
}

static void sessions_that_were_thought_of(void **state)
{
    (void)state;
    assert_true(replay("net_session", fuzz_session) > 50);
}

static void put_octet(struct buf *b, uint64_t octet)
{
    buf_append_byte(b, (uint8_t)octet);
}

/* Samples mostly, since random octets do not get far. */
static void put_step(struct buf *b, struct rng *r)
{
    static const uint8_t likely[] = {1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7};
    uint8_t what = likely[rng_below(r, sizeof(likely))];
    put_octet(b, what | rng_below(r, 32) << 3);
    if (what == 1 || what == 3 || what == 7)
        put_octet(b, rng_u64(r));
    if (what == 4) {
        put_octet(b, rng_u64(r));
        put_octet(b, rng_u64(r) | 4); /* with a handshake */
    }
    if (what == 5) {
        put_octet(b, rng_u64(r));
        put_octet(b, 8);
        put_octet(b, 0);
        for (int i = 0; i < 8; i++)
            put_octet(b, rng_u64(r));
    }
}

static void sessions_that_nobody_thought_of(void **state)
{
    struct rng r;
    (void)state;
    for (uint64_t seed = 0; seed < SESSIONS; seed++) {
        struct buf b = {0};
        rng_seed(&r, seed);
        for (unsigned at = 0; at < LAB_MAX_PEERS; at++) {
            put_octet(&b, 4 | at << 3);
            put_octet(&b, rng_u64(&r));
            put_octet(&b, 4);
        }
        for (int i = 0; i < STEPS; i++)
            put_step(&b, &r);
        fuzz_session(b.data, b.len);
        buf_clear(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_by_every_kind_of_peer),
        cmocka_unit_test(sessions_that_were_thought_of),
        cmocka_unit_test(sessions_that_nobody_thought_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
