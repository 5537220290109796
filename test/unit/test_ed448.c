/* Ed448: RFC 8032 section 7.4, and the edges that our rules draw more sharply. */
#include "vectors.h"

#include "crypto/ed448.h"

struct rfc_vector {
    const char *secret, *pub, *msg, *sig;
};

static const struct rfc_vector rfc[] = {
    {"6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e3"
     "9a3fc5b94492f8f"
     "032e7549a20098f95b",
     "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061"
     "bd6783df1e50f6c"
     "d1fa1abeafe8256180",
     "",
     "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f"
     "2fd7a22ddd47d78"
     "28c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdd"
     "a8530a113a0f4db"
     "b61149f05a7363268c71d95808ff2e652600"},
    {"c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5"
     "e3bc397a659949e"
     "f8021e954e0a12274e",
     "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b"
     "8438ea4cb82169c"
     "235160627b4c3a9480",
     "03",
     "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e"
     "18f62de8ccdf633"
     "fc1bf037ab7cd779805e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a647290"
     "5e799f1953d2a0f"
     "f3348ab21aa4adafd1d234441cf807c03a00"},
};

static void rfc_8032(void **st)
{
    (void)st;
    struct buf secret = {0}, msg = {0}, want = {0};
    for (size_t i = 0; i < ARRAY_LEN(rfc); i++) {
        uint8_t pub[57], sig[114];
        from_hex(&secret, rfc[i].secret);
        from_hex(&msg, rfc[i].msg);
        ed448_public(pub, secret.data);
        assert_hex(pub, 57, rfc[i].pub);
        ed448_sign(sig, secret.data, msg.data, msg.len);
        assert_hex(sig, 114, rfc[i].sig);
        assert_true(ed448_verify(pub, sig, msg.data, msg.len));
        assert_true(ed448_public_valid(pub));
        for (int bit = 0; bit < 114 * 8; bit += 41) {
            sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(ed448_verify(pub, sig, msg.data, msg.len));
            sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_false(ed448_verify(pub, sig, "x", 1));
    }
    buf_clear(&secret);
    buf_clear(&msg);
    buf_clear(&want);
}

/* y = v for small v, or p + v for small negative v (little-endian), with the sign bit.
 */
static void point(uint8_t out[57], int v, bool above_prime, int sign)
{
    memset(out, 0, 57);
    if (v < 0 || above_prime) {
        memset(out, 0xff, 56);
        out[28] = 0xfe;
        if (above_prime) { /* p + v, 0 <= v: the low half overflows into octet 28 */
            memset(out, 0, 28);
            out[0] = (uint8_t)(v - 1);
            if (v == 0)
                memset(out, 0xff, 28);
            out[28] = v == 0 ? 0xfe : 0xff;
        } else {
            out[0] = (uint8_t)(0xff + v);
        }
    } else {
        out[0] = (uint8_t)v;
    }
    out[56] = (uint8_t)(sign << 7);
}

static void small_order_keys(void **st)
{
    (void)st;
    uint8_t key[57];
    static const int ys[] = {1, -1, 0};
    for (size_t i = 0; i < ARRAY_LEN(ys); i++)
        for (int sign = 0; sign < 2; sign++) {
            point(key, ys[i], false, sign);
            assert_false(ed448_public_valid(key));
        }
    /* The neutral element as key verifies R = [S]B for anything: must not. */
    uint8_t sig[114] = {0};
    point(key, 1, false, 0);
    point(sig, 1, false, 0);
    assert_false(ed448_verify(key, sig, "any", 3));
}

static void encodings(void **st)
{
    (void)st;
    uint8_t key[57];
    /* p + v is v written twice as far up: never canonical, whether or not v is on the
     * curve */
    for (int v = 0; v < 20; v++)
        for (int sign = 0; sign < 2; sign++) {
            point(key, v, true, sign);
            assert_false(ed448_public_valid(key));
        }
    /* about half of all y are on the curve, with either sign */
    int on = 0;
    for (int v = 2; v < 60; v++) {
        point(key, v, false, 0);
        bool a = ed448_public_valid(key);
        point(key, v, false, 1);
        assert_int_equal(ed448_public_valid(key), a);
        point(key, -v, false, 0);
        assert_int_equal(ed448_public_valid(key), a);
        on += a;
        key[56] |= 1; /* bits between y and the sign */
        assert_false(ed448_public_valid(key));
    }
    assert_in_range(on, 15, 45);
}

/* S + L verifies the same equation; it must be refused. */
static void large_s(void **st)
{
    (void)st;
    static const uint8_t order[57] = {
        0xf3, 0x44, 0x58, 0xab, 0x92, 0xc2, 0x78, 0x23, 0x55, 0x8f, 0xc5, 0x8d,
        0x72, 0xc2, 0x6c, 0x21, 0x90, 0x36, 0xd6, 0xae, 0x49, 0xdb, 0x4e, 0xc4,
        0xe9, 0x23, 0xca, 0x7c, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0x00,
    };
    uint8_t secret[57] = {3}, pub[57], sig[114];
    ed448_public(pub, secret);
    ed448_sign(sig, secret, "m", 1);
    assert_true(ed448_verify(pub, sig, "m", 1));
    unsigned carry = 0;
    for (int i = 0; i < 57; i++) {
        carry += (unsigned)sig[57 + i] + order[i];
        sig[57 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_false(ed448_verify(pub, sig, "m", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_8032),
        cmocka_unit_test(small_order_keys),
        cmocka_unit_test(encodings),
        cmocka_unit_test(large_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
