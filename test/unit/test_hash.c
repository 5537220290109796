/* Hashes against the published vectors, and every implementation against the portable
 * one. */
#include "vectors.h"

#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "util/rand.h"

typedef void hash_fn(uint8_t *out, const void *data, size_t len);

/* Rows of [text or hex, digest]; entries that are no literals ({"expr": ...}) are left
 * out. */
static void check_rows(const char *name, bool hex, hash_fn *fn, size_t size,
                       size_t at_least)
{
    json_t *root = load_vectors("bitcoin/crypto_vectors.json"), *row;
    struct buf msg = {0};
    size_t i, n = 0;
    json_array_foreach(json_object_get(root, name), i, row)
    {
        uint8_t out[64];
        const char *text = json_string_value(json_array_get(row, 0));
        const char *want = json_string_value(json_array_get(row, 1));
        if (text == NULL || want == NULL)
            continue;
        if (hex)
            from_hex(&msg, text);
        else
            buf_reset(&msg), buf_append_str(&msg, text);
        fn(out, msg.data, msg.len);
        assert_hex(out, size, want);
        n++;
    }
    assert_true(n >= at_least);
    buf_clear(&msg);
    json_decref(root);
}

static void plain_hashes(void **st)
{
    (void)st;
    check_rows("TestRIPEMD160", false, ripemd160, 20, 7);
    check_rows("TestSHA1", false, sha1, 20, 7);
    check_rows("TestSHA256", false, sha256, 32, 7);
    check_rows("TestSHA512", false, sha512, 64, 7);
    check_rows("TestSHA3_256", true, sha3_256, 32, 50);
}

static void hmac(void **st)
{
    (void)st;
    json_t *root = load_vectors("bitcoin/crypto_vectors.json"), *row;
    struct buf key = {0}, msg = {0};
    uint8_t out[64];
    size_t i;
    json_array_foreach(json_object_get(root, "TestHMACSHA256"), i, row)
    {
        from_hex(&key, json_string_value(json_array_get(row, 0)));
        from_hex(&msg, json_string_value(json_array_get(row, 1)));
        hmac_sha256(out, key.data, key.len, msg.data, msg.len);
        assert_hex(out, 32, json_string_value(json_array_get(row, 2)));
    }
    json_array_foreach(json_object_get(root, "TestHMACSHA512"), i, row)
    {
        from_hex(&key, json_string_value(json_array_get(row, 0)));
        from_hex(&msg, json_string_value(json_array_get(row, 1)));
        hmac_sha512(out, key.data, key.len, msg.data, msg.len);
        assert_hex(out, 64, json_string_value(json_array_get(row, 2)));
    }
    buf_clear(&key);
    buf_clear(&msg);
    json_decref(root);
}

static void table_hashes(void **st)
{
    (void)st;
    json_t *root = load_vectors("bitcoin/hash_vectors.json"), *row, *rows;
    struct buf msg = {0};
    size_t i;
    json_array_foreach(json_object_get(root, "murmur3"), i, row)
    {
        from_hex(&msg, json_string_value(json_object_get(row, "data")));
        uint32_t seed = (uint32_t)json_integer_value(json_object_get(row, "seed"));
        assert_int_equal(murmur3(seed, msg.data, msg.len),
                         json_integer_value(json_object_get(row, "expect")));
    }
    const char *key;
    json_object_foreach(root, key, rows)
    {
        uint8_t data[64];
        if (strncmp(key, "siphash", 7) != 0)
            continue;
        assert_int_equal(json_array_size(rows), 64);
        for (int j = 0; j < 64; j++)
            data[j] = (uint8_t)j;
        json_array_foreach(rows, i, row)
        {
            char want[24], got[24];
            snprintf(got, sizeof(got), "%016llx",
                     (unsigned long long)siphash(0x0706050403020100, 0x0f0e0d0c0b0a0908,
                                                 data, i));
            if (json_is_integer(row))
                snprintf(want, sizeof(want), "%016llx",
                         (unsigned long long)json_integer_value(row));
            else
                snprintf(want, sizeof(want), "%s",
                         json_string_value(row) +
                             (strncmp(json_string_value(row), "0x", 2) == 0 ? 2 : 0));
            assert_string_equal(got, want);
        }
    }
    buf_clear(&msg);
    json_decref(root);
}

static void siphash_of_outpoints(void **st)
{
    (void)st;
    uint8_t data[36];
    for (int i = 0; i < 36; i++)
        data[i] = (uint8_t)(i * 7);
    assert_true(siphash(1, 2, data, 32) == siphash_32(1, 2, data));
    uint32_t extra = (uint32_t)data[32] | (uint32_t)data[33] << 8 |
                     (uint32_t)data[34] << 16 | (uint32_t)data[35] << 24;
    assert_true(siphash(1, 2, data, 36) == siphash_36(1, 2, data, extra));
}

/* Every length around block edges, in one piece and in pieces. */
static void streaming(void **st)
{
    (void)st;
    uint8_t data[400], whole[32], parts[32];
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)rng_u64(&rng);
    for (size_t len = 0; len <= sizeof(data); len++) {
        struct sha256 h;
        struct sha3 k;
        sha256_init(&h);
        sha3_init(&k);
        for (size_t at = 0; at < len;) {
            size_t n = 1 + rng_below(&rng, len - at);
            sha256_update(&h, data + at, n);
            sha3_update(&k, data + at, n);
            at += n;
        }
        sha256_final(&h, parts);
        sha256(whole, data, len);
        assert_memory_equal(whole, parts, 32);
        sha3_final(&k, parts);
        sha3_256(whole, data, len);
        assert_memory_equal(whole, parts, 32);
    }
}

static void sha256_implementations_agree(void **st)
{
    (void)st;
    enum { BLOCKS = 37 };
    uint8_t in[64 * BLOCKS], want[32 * BLOCKS], out[64 * BLOCKS], long_want[32],
        got[32];
    struct rng rng;
    rng_seed(&rng, 2);
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)rng_u64(&rng);
    assert_true(sha256_force(0));
    for (size_t i = 0; i < BLOCKS; i++)
        sha256d(want + 32 * i, in + 64 * i, 64);
    sha256(long_want, in, sizeof(in));
    assert_false(sha256_force(99));
    for (size_t impl = 0; impl < 3; impl++) {
        if (!sha256_force(impl))
            continue;
        sha256(got, in, sizeof(in));
        assert_memory_equal(got, long_want, 32);
        for (size_t n = 0; n <= BLOCKS; n++) {
            memcpy(out, in, sizeof(in));
            sha256d_64(out, out, n);
            assert_memory_equal(out, want, 32 * n);
        }
    }
}

static void sha3_side_by_side(void **st)
{
    (void)st;
    uint8_t in[135 * 21], out[32 * 21], want[32];
    struct rng rng;
    rng_seed(&rng, 3);
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)rng_u64(&rng);
    static const size_t lens[] = {1, 32, 64, 65, 134, 135};
    for (size_t l = 0; l < ARRAY_LEN(lens); l++) {
        sha3_256_many(out, in, lens[l], 21);
        for (size_t i = 0; i < 21; i++) {
            sha3_256(want, in + lens[l] * i, lens[l]);
            assert_memory_equal(out + 32 * i, want, 32);
        }
    }
}

static void tagged(void **st)
{
    (void)st;
    struct sha256 a, b;
    uint8_t tag[32], x[32], y[32];
    sha256(tag, "BIP0340/challenge", 17);
    sha256_init(&a);
    sha256_update(&a, tag, 32);
    sha256_update(&a, tag, 32);
    sha256_update(&a, "m", 1);
    sha256_final(&a, x);
    sha256_init_tagged(&b, "BIP0340/challenge");
    sha256_update(&b, "m", 1);
    sha256_final(&b, y);
    assert_memory_equal(x, y, 32);
}

static void insert_int(struct muhash *m, int i)
{
    uint8_t data[32] = {(uint8_t)i};
    muhash_insert(m, data, 32);
}

static void muhash_known(void **st)
{
    (void)st;
    struct muhash m, other;
    uint8_t out[32], two[32] = {2}, again[32];
    struct hash256 h;
    char hex[65];
    muhash_init(&m);
    insert_int(&m, 0);
    insert_int(&m, 1);
    muhash_remove(&m, two, 32);
    muhash_final(&m, h.b);
    assert_string_equal(
        hash256_to_hex(hex, &h),
        "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863");
    /* any order, any split, and removal takes insertion back */
    muhash_init(&m);
    muhash_init(&other);
    insert_int(&other, 1);
    insert_int(&m, 7);
    muhash_combine(&m, &other);
    insert_int(&m, 2);
    muhash_final(&m, out);
    muhash_init(&m);
    for (int i = 0; i < 8; i++)
        insert_int(&m, i);
    for (int i = 0; i < 8; i++) {
        uint8_t data[32] = {(uint8_t)i};
        if (i != 1 && i != 2 && i != 7)
            muhash_remove(&m, data, 32);
    }
    muhash_final(&m, again);
    assert_memory_equal(out, again, 32);
}

/* Carries through all limbs, and values between the prime and 2^3072. */
static void muhash_of_extreme_values(void **st)
{
    static const uint8_t fills[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    uint8_t octets[MUHASH_SIZE], want[32], got[32];
    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(fills); i++)
        for (size_t k = 0; k < ARRAY_LEN(fills); k++) {
            struct muhash a, b, both;
            memset(octets, fills[i], sizeof(octets));
            octets[0] |= 2; /* not zero */
            muhash_load(&a, octets);
            memset(octets, fills[k], sizeof(octets) / 2);
            octets[0] |= 2;
            muhash_load(&b, octets);
            both = a;
            muhash_combine(&both, &b);
            memcpy(both.den, b.num, sizeof(both.den)); /* a * b / b */
            muhash_final(&both, got);
            muhash_final(&a, want);
            assert_memory_equal(got, want, 32);
        }
}

static void muhash_is_saved_and_goes_on(void **st)
{
    struct muhash m, restored;
    uint8_t saved[MUHASH_SIZE], again[MUHASH_SIZE], want[32], got[32];
    uint8_t two[32] = {2};
    (void)st;
    muhash_init(&m);
    insert_int(&m, 1);
    muhash_remove(&m, two, 32);
    muhash_final(&m, want);
    muhash_settle(&m);
    muhash_save(&m, saved);
    muhash_load(&restored, saved);
    muhash_final(&restored, got);
    assert_memory_equal(got, want, 32);
    insert_int(&restored, 2); /* takes the removal back */
    muhash_settle(&restored);
    muhash_save(&restored, saved);
    muhash_init(&m);
    insert_int(&m, 1);
    muhash_settle(&m);
    muhash_save(&m, again);
    assert_memory_equal(saved, again, sizeof(saved));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_hashes),
        cmocka_unit_test(hmac),
        cmocka_unit_test(table_hashes),
        cmocka_unit_test(siphash_of_outpoints),
        cmocka_unit_test(streaming),
        cmocka_unit_test(sha256_implementations_agree),
        cmocka_unit_test(sha3_side_by_side),
        cmocka_unit_test(tagged),
        cmocka_unit_test(muhash_known),
        cmocka_unit_test(muhash_of_extreme_values),
        cmocka_unit_test(muhash_is_saved_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
