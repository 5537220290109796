#include "unit.h"

#include "util/map.h"
#include "util/rand.h"

static void absent_from_an_empty_map(void **state)
{
    struct map m;
    uint32_t k = 1;
    (void)state;
    map_init(&m, 4, 4);
    assert_null(map_get(&m, &k));
    assert_false(map_del(&m, &k));
    map_clear(&m);
}

static void put_zeroes_a_new_value_and_finds_an_old_one(void **state)
{
    struct map m;
    uint32_t k = 7;
    bool is_new;
    (void)state;
    map_init(&m, 4, 8);
    uint64_t *v = map_put(&m, &k, &is_new);
    assert_true(is_new);
    assert_int_equal(*v, 0);
    *v = 42;
    v = map_put(&m, &k, &is_new);
    assert_false(is_new);
    assert_int_equal(*v, 42);
    assert_int_equal(m.len, 1);
    map_clear(&m);
}

static void behaves_as_a_plain_array_does(void **state)
{
    enum { KEYS = 3000, STEPS = 200000 };
    static uint64_t model[KEYS]; /* 0: absent */
    struct map m;
    struct rng r;
    size_t len = 0;
    (void)state;
    map_init(&m, 36, 8);
    rng_seed(&r, 1);
    for (int i = 0; i < STEPS; i++) {
        uint64_t n = rng_below(&r, KEYS), v = rng_u64(&r) | 1;
        uint8_t key[36] = {0};
        memcpy(key + 20, &n, 8);
        if (rng_below(&r, 5) < 3) {
            *(uint64_t *)map_put(&m, key, NULL) = v;
            len += model[n] == 0;
            model[n] = v;
        } else {
            assert_int_equal(map_del(&m, key), model[n] != 0);
            len -= model[n] != 0;
            model[n] = 0;
        }
        assert_int_equal(m.len, len);
    }
    for (uint64_t n = 0; n < KEYS; n++) {
        uint8_t key[36] = {0};
        memcpy(key + 20, &n, 8);
        uint64_t *v = map_get(&m, key);
        assert_int_equal(v ? *v : 0, model[n]);
    }
    size_t cursor = 0, seen = 0;
    const void *k;
    void *v;
    while (map_next(&m, &cursor, &k, &v)) {
        uint64_t n;
        memcpy(&n, (const uint8_t *)k + 20, 8);
        assert_int_equal(*(uint64_t *)v, model[n]);
        seen++;
    }
    assert_int_equal(seen, len);
    map_clear(&m);
    assert_int_equal(map_memory(&m), 0);
}

static void values_that_may_hold_pointers_are_aligned(void **state)
{
    static const uint8_t key_sizes[] = {4, 8, 20, 32, 33, 36};
    (void)state;
    for (size_t i = 0; i < sizeof(key_sizes); i++) {
        struct map m;
        uint8_t key[64] = {0};
        map_init(&m, key_sizes[i], 16);
        for (int j = 0; j < 100; j++) {
            key[0] = (uint8_t)j;
            assert_int_equal((uintptr_t)map_put(&m, key, NULL) % 8, 0);
        }
        map_clear(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_from_an_empty_map),
        cmocka_unit_test(put_zeroes_a_new_value_and_finds_an_old_one),
        cmocka_unit_test(behaves_as_a_plain_array_does),
        cmocka_unit_test(values_that_may_hold_pointers_are_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
