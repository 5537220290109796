/* The arena of secrets: zeroed, aligned, wiped, merged, counted. */
#include "unit.h"

#include "crypto/secret.h"

static bool all_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static void pieces_are_zeroed_and_apart(void **st)
{
    (void)st;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 32, 4096, 300000};
    uint8_t *p[ARRAY_LEN(sizes)];
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        p[i] = secret_alloc(sizes[i]);
        assert_int_equal((uintptr_t)p[i] % 16, 0);
        assert_true(all_zero(p[i], sizes[i]));
        memset(p[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(p[i][j], i + 1);
        secret_free(p[i]);
    }
    secret_free(NULL);
}

static void freed_pieces_are_wiped_and_used_again(void **st)
{
    (void)st;
    uint8_t *a = secret_alloc(64), *b = secret_alloc(64), *c = secret_alloc(64);
    memset(a, 0xaa, 64);
    memset(b, 0xbb, 64);
    secret_free(a);
    assert_true(all_zero(a, 64));
    secret_free(b); /* joins the free piece before it at the next search */
    uint8_t *both = secret_alloc(128);
    assert_ptr_equal(both, a);
    assert_true(all_zero(both, 128));
    secret_free(both);
    secret_free(c);
}

static void usage_is_counted(void **st)
{
    (void)st;
    struct secret_usage before = secret_get_usage();
    void *p = secret_alloc(100);
    struct secret_usage with = secret_get_usage();
    assert_int_equal(with.pieces, before.pieces + 1);
    assert_true(with.used >= before.used + 100);
    assert_true(with.total >= with.used);
    assert_int_equal(with.locked, with.total - secret_unlocked_bytes());
    secret_free(p);
    assert_int_equal(secret_get_usage().used, before.used);
}

static void many_pieces(void **st)
{
    (void)st;
    enum { N = 2000 };
    static uint8_t *p[N];
    for (size_t i = 0; i < N; i++)
        p[i] = secret_alloc(i % 700);
    for (size_t i = 0; i < N; i += 2)
        secret_free(p[i]);
    for (size_t i = 0; i < N; i += 2)
        p[i] = secret_alloc(i % 500);
    for (size_t i = 0; i < N; i++)
        secret_free(p[i]);
    assert_int_equal(secret_get_usage().pieces, 0);
}

static void text_is_copied(void **st)
{
    (void)st;
    char *s = secret_strdup(bytes_of("words", 5));
    assert_string_equal(s, "words");
    assert_true(secret_equal(s, "words", 5));
    assert_false(secret_equal(s, "Words", 5));
    secret_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_and_apart),
        cmocka_unit_test(freed_pieces_are_wiped_and_used_again),
        cmocka_unit_test(usage_is_counted),
        cmocka_unit_test(many_pieces),
        cmocka_unit_test(text_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
