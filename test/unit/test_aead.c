/* Key derivation and sealed boxes. */
#include "unit.h"

#include "crypto/aead.h"
#include "crypto/secret.h"

static void seal_and_open(void **st)
{
    (void)st;
    uint8_t key[32] = {1}, nonce[24] = {2}, sealed[5 + AEAD_TAG_SIZE], out[5];
    aead_seal(sealed, key, nonce, "ad", 2, "hello", 5);
    assert_true(aead_open(out, key, nonce, "ad", 2, sealed, sizeof(sealed)));
    assert_memory_equal(out, "hello", 5);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 1;
        assert_false(aead_open(out, key, nonce, "ad", 2, sealed, sizeof(sealed)));
        sealed[i] ^= 1;
    }
    assert_false(aead_open(out, key, nonce, "aD", 2, sealed, sizeof(sealed)));
    assert_memory_equal(out, "\0\0\0\0\0", 5);
    assert_false(aead_open(out, key, nonce, "ad", 2, sealed, AEAD_TAG_SIZE - 1));
    nonce[0] ^= 1;
    assert_false(aead_open(out, key, nonce, "ad", 2, sealed, sizeof(sealed)));
}

static void derive(void **st)
{
    (void)st;
    struct kdf_params p, q;
    uint8_t *a = secret_alloc(32), *b = secret_alloc(32);
    kdf_params_init(&p, 1 << 20);
    kdf_params_init(&q, 1 << 20);
    assert_memory_not_equal(p.salt, q.salt, 16);
    assert_int_equal(kdf_derive(a, &p, "pass", 4), ERR_OK);
    assert_int_equal(kdf_derive(b, &p, "pass", 4), ERR_OK);
    assert_true(secret_equal(a, b, 32));
    assert_int_equal(kdf_derive(b, &p, "pasS", 4), ERR_OK);
    assert_false(secret_equal(a, b, 32));
    assert_int_equal(kdf_derive(b, &q, "pass", 4), ERR_OK);
    assert_false(secret_equal(a, b, 32));
    p.memory = 1;
    assert_int_equal(kdf_derive(b, &p, "pass", 4), ERR_RANGE);
    p.memory = (uint64_t)1 << 50;
    assert_int_equal(kdf_derive(b, &p, "pass", 4), ERR_RANGE);
    q.ops = 0;
    assert_int_equal(kdf_derive(b, &q, "pass", 4), ERR_RANGE);
    q.ops = 1 << 30;
    assert_int_equal(kdf_derive(b, &q, "pass", 4), ERR_RANGE);
    secret_free(a);
    secret_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seal_and_open),
        cmocka_unit_test(derive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
