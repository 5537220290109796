/* The caches of checks passed: they forget, but never invent. */
#include "unit.h"

#include <pthread.h>

#include "chain/script/sigcache.h"
#include "crypto/sha256.h"

static struct hash256 key_of(uint32_t i)
{
    struct hash256 h;
    sha256(h.b, &i, sizeof(i));
    return h;
}

static void keys_depend_on_every_part(void **state)
{
    struct sigcache *c = sigcache_new(1 << 16), *other = sigcache_new(1 << 16);
    struct hash256 hash = key_of(1), hash2 = key_of(2);
    struct bytes pub = bytes_of("\x02" "key", 4), sig = bytes_of("sig", 3);
    (void)state;
    struct hash256 a = sigcache_ecdsa_key(c, &hash, pub, sig);
    struct hash256 same = sigcache_ecdsa_key(c, &hash, pub, sig);
    struct hash256 b = sigcache_ecdsa_key(c, &hash2, pub, sig);
    struct hash256 d = sigcache_ecdsa_key(c, &hash, pub, bytes_of("sih", 3));
    struct hash256 salted = sigcache_ecdsa_key(other, &hash, pub, sig);
    assert_true(hash256_equal(&a, &same));
    assert_false(hash256_equal(&a, &b));
    assert_false(hash256_equal(&a, &d));
    assert_false(hash256_equal(&a, &salted));
    sigcache_free(c);
    sigcache_free(other);
}

static void what_was_added_is_found(void **state)
{
    struct sigcache *c = sigcache_new(1 << 20);
    size_t found = 0;
    (void)state;
    assert_true(sigcache_is_empty(c));
    for (uint32_t i = 0; i < 4000; i++) {
        struct hash256 k = key_of(i);
        assert_false(sigcache_has_signature(c, &k, false));
        sigcache_add_signature(c, &k);
        assert_true(sigcache_has_signature(c, &k, false));
    }
    assert_false(sigcache_is_empty(c));
    for (uint32_t i = 0; i < 4000; i++) {
        struct hash256 k = key_of(i);
        found += sigcache_has_signature(c, &k, false);
    }
    assert_true(found > 3900); /* a quarter full: hardly a bucket overflows */
    sigcache_free(c);
}

static void consumed_entries_give_way_first(void **state)
{
    struct sigcache *c = sigcache_new(2 * 257); /* one bucket each */
    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        struct hash256 k = key_of(i);
        sigcache_add_signature(c, &k);
    }
    struct hash256 three = key_of(3), extra = key_of(100);
    assert_true(sigcache_has_signature(c, &three, true));
    assert_true(
        sigcache_has_signature(c, &three, false)); /* still there until needed */
    sigcache_add_signature(c, &extra);
    for (uint32_t i = 0; i < 8; i++) {
        struct hash256 k = key_of(i);
        assert_int_equal(sigcache_has_signature(c, &k, false), i != 3);
    }
    assert_true(sigcache_has_signature(c, &extra, false));
    sigcache_free(c);
}

static void transactions_are_known_by_their_flags(void **state)
{
    struct sigcache *c = sigcache_new(1 << 16);
    struct hash256 id = key_of(7);
    (void)state;
    assert_false(sigcache_has_tx(c, &id, 1, false));
    sigcache_add_tx(c, &id, 1);
    assert_true(sigcache_has_tx(c, &id, 1, false));
    assert_false(sigcache_has_tx(c, &id, 3, false));
    assert_false(sigcache_has_tx(NULL, &id, 1, false));
    sigcache_free(c);
}

static void *hammer(void *arg)
{
    struct sigcache *c = arg;
    for (uint32_t i = 0; i < 20000; i++) {
        struct hash256 k = key_of(i % 512), never = key_of(1000000 + i);
        sigcache_add_signature(c, &k);
        sigcache_has_signature(c, &k, i % 3 == 0);
        if (sigcache_has_signature(c, &never, false))
            return c;
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    struct sigcache *c = sigcache_new(8192);
    pthread_t threads[4];
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, c), 0);
    for (size_t i = 0; i < 4; i++) {
        void *invented;
        pthread_join(threads[i], &invented);
        assert_null(invented);
    }
    sigcache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_depend_on_every_part),
        cmocka_unit_test(what_was_added_is_found),
        cmocka_unit_test(consumed_entries_give_way_first),
        cmocka_unit_test(transactions_are_known_by_their_flags),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
