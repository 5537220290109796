/* ECDSA with lax DER, recovery, BIP 340 and tweaks. */
#include "vectors.h"

#include "crypto/secp.h"
#include "crypto/sha256.h"

static struct bytes view(const struct buf *b)
{
    return buf_view(b);
}

/* Wycheproof asks for strict DER and low S; we accept lax DER and high S, as consensus
 * does, so an "invalid" signature may pass only for being one of those. */
static void wycheproof(void **st)
{
    (void)st;
    json_t *root = load_vectors("bitcoin/ecdsa_secp256k1_sha256_bitcoin_test.json");
    json_t *group, *test;
    struct buf key = {0}, msg = {0}, sig = {0};
    size_t g, t, n = 0;
    json_array_foreach(json_object_get(root, "testGroups"), g, group)
    {
        json_t *pub = json_object_get(group, "publicKey");
        from_hex(&key, json_string_value(json_object_get(pub, "uncompressed")));
        json_array_foreach(json_object_get(group, "tests"), t, test)
        {
            uint8_t digest[32];
            const char *result = json_string_value(json_object_get(test, "result"));
            from_hex(&msg, json_string_value(json_object_get(test, "msg")));
            from_hex(&sig, json_string_value(json_object_get(test, "sig")));
            sha256(digest, msg.data, msg.len);
            bool ok = secp_ecdsa_verify(view(&key), view(&sig), digest);
            if (strcmp(result, "valid") == 0)
                assert_true(ok && secp_sig_has_low_s(view(&sig)));
            json_t *flag;
            size_t f;
            bool encoding = false, high_s = ok && !secp_sig_has_low_s(view(&sig));
            json_array_foreach(json_object_get(test, "flags"), f, flag)
            {
                const char *s = json_string_value(flag);
                encoding |= strcmp(s, "BerEncodedSignature") == 0 ||
                            strcmp(s, "InvalidEncoding") == 0 ||
                            strcmp(s, "ModifiedSignature") == 0;
            }
            if (strcmp(result, "invalid") == 0 && ok)
                if (!encoding && !high_s)
                    fail_msg("passes: %s",
                             json_string_value(json_object_get(test, "comment")));
            n++;
        }
    }
    assert_int_equal(n, json_integer_value(json_object_get(root, "numberOfTests")));
    buf_clear(&key);
    buf_clear(&msg);
    buf_clear(&sig);
    json_decref(root);
}

static char *field(char **line)
{
    char *f = strsep(line, ",");
    return f != NULL ? f : (char *)"";
}

static void bip340(void **st)
{
    (void)st;
    FILE *f = fopen(shared_vector("bitcoin/bip340_test_vectors.csv"), "r");
    char line[4096];
    struct buf sec = {0}, pub = {0}, aux = {0}, msg = {0}, sig = {0};
    int n = 0;
    assert_non_null(fgets(line, sizeof(line), f));
    while (fgets(line, sizeof(line), f) != NULL) {
        char *rest = line;
        field(&rest);
        from_hex(&sec, field(&rest));
        from_hex(&pub, field(&rest));
        from_hex(&aux, field(&rest));
        from_hex(&msg, field(&rest));
        from_hex(&sig, field(&rest));
        bool want = strcmp(field(&rest), "TRUE") == 0;
        assert_int_equal(secp_schnorr_verify(pub.data, sig.data, msg.data, msg.len),
                         want);
        if (sec.len == 32 && msg.len == 32) {
            uint8_t got[64];
            assert_true(secp_schnorr_sign(got, sec.data, msg.data, aux.data, NULL));
            assert_memory_equal(got, sig.data, 64);
        }
        n++;
    }
    fclose(f);
    assert_true(n >= 15);
    buf_clear(&sec);
    buf_clear(&pub);
    buf_clear(&aux);
    buf_clear(&msg);
    buf_clear(&sig);
}

static const uint8_t key1[32] = {[0] = 0x12, [31] = 0x34};

static void sign_and_verify(void **st)
{
    (void)st;
    for (int i = 0; i < 64; i++) {
        uint8_t msg[32] = {(uint8_t)i, 1}, sig[72], pub[65];
        size_t len, pub_len;
        secp_ecdsa_sign(sig, &len, key1, msg, true);
        assert_true(len <= 70); /* low R, low S */
        for (int compressed = 0; compressed < 2; compressed++) {
            secp_pubkey_create(pub, &pub_len, key1, compressed);
            assert_int_equal(pub_len, compressed ? 33 : 65);
            assert_true(
                secp_ecdsa_verify(bytes_of(pub, pub_len), bytes_of(sig, len), msg));
            uint8_t compact[65], rec[65];
            size_t rec_len;
            secp_ecdsa_sign_compact(compact, key1, msg, compressed);
            assert_true(secp_ecdsa_recover(rec, &rec_len, compact, msg));
            assert_int_equal(rec_len, pub_len);
            assert_memory_equal(rec, pub, pub_len);
        }
        msg[31] ^= 1;
        assert_false(
            secp_ecdsa_verify(bytes_of(pub, pub_len), bytes_of(sig, len), msg));
    }
}

/* BIP 66 made these invalid elsewhere; the parser itself must keep reading them. */
static void lax_der(void **st)
{
    (void)st;
    uint8_t msg[32] = {9}, sig[72], pub[65], lax[128];
    size_t len, pub_len;
    secp_ecdsa_sign(sig, &len, key1, msg, true);
    secp_pubkey_create(pub, &pub_len, key1, true);
    struct bytes key = bytes_of(pub, pub_len);
    size_t r_len = sig[3], s_len = sig[5 + r_len];
    const uint8_t *r = sig + 4, *s = sig + 6 + r_len;

    /* wrong outer length, long form of R's length with zeros, negative-looking numbers,
     * garbage at the end */
    size_t n = 0;
    lax[n++] = 0x30;
    lax[n++] = 0x83, lax[n++] = 0xff, lax[n++] = 0xff, lax[n++] = 0xff;
    lax[n++] = 0x02;
    lax[n++] = 0x82, lax[n++] = 0, lax[n++] = (uint8_t)(r_len + 2);
    lax[n++] = 0, lax[n++] = 0;
    memcpy(lax + n, r, r_len), n += r_len;
    lax[n++] = 0x02, lax[n++] = (uint8_t)s_len;
    memcpy(lax + n, s, s_len), n += s_len;
    assert_true(secp_ecdsa_verify(key, bytes_of(lax, n), msg));
    lax[n++] = 0xaa;
    assert_true(secp_ecdsa_verify(key, bytes_of(lax, n), msg));

    /* cut anywhere before S ends: no signature */
    for (size_t cut = 0; cut < len; cut++)
        assert_false(secp_ecdsa_verify(key, bytes_of(sig, cut), msg));
    assert_false(secp_sig_has_low_s(bytes_of(sig, 5)));

    /* 33 significant octets: reads as 0, which verifies nothing; still "low" */
    n = 0;
    lax[n++] = 0x30, lax[n++] = 0x40, lax[n++] = 0x02, lax[n++] = 33;
    memset(lax + n, 0x11, 33), n += 33;
    lax[n++] = 0x02, lax[n++] = (uint8_t)s_len;
    memcpy(lax + n, s, s_len), n += s_len;
    assert_false(secp_ecdsa_verify(key, bytes_of(lax, n), msg));
    assert_true(secp_sig_has_low_s(bytes_of(lax, n)));
}

static void public_keys(void **st)
{
    (void)st;
    uint8_t full[65], hybrid[65], out[65], small[33];
    size_t len;
    secp_pubkey_create(full, &len, key1, false);
    secp_pubkey_create(small, &len, key1, true);
    memcpy(hybrid, full, 65);
    hybrid[0] = 6 + (full[64] & 1);
    assert_true(secp_pubkey_valid(bytes_of(hybrid, 65)));
    assert_true(secp_pubkey_convert(out, &len, bytes_of(hybrid, 65), true));
    assert_memory_equal(out, small, 33);
    hybrid[0] ^= 1;
    assert_false(secp_pubkey_valid(bytes_of(hybrid, 65)));
    full[64] ^= 1;
    assert_false(secp_pubkey_valid(bytes_of(full, 65)));
    assert_false(secp_pubkey_valid(bytes_of(small, 32)));
    assert_false(secp_pubkey_valid(bytes_of(NULL, 0)));
    uint8_t zero[32] = {0}, ones[32];
    memset(ones, 0xff, 32);
    assert_false(secp_seckey_valid(zero));
    assert_false(secp_seckey_valid(ones));
    assert_true(secp_seckey_valid(key1));
    assert_false(secp_xonly_valid(ones));
}

static void tweaks_agree(void **st)
{
    (void)st;
    uint8_t pub[33], key[32], tweak[32] = {5, 6}, msg[32] = {7}, out[32], sig[64];
    size_t len;
    int parity;
    secp_pubkey_create(pub, &len, key1, true);
    assert_true(secp_xonly_tweak_add(out, &parity, pub + 1, tweak));
    assert_true(secp_xonly_tweak_check(out, parity, pub + 1, tweak));
    assert_false(secp_xonly_tweak_check(out, !parity, pub + 1, tweak));
    assert_true(secp_schnorr_sign(sig, key1, msg, NULL, tweak));
    assert_true(secp_schnorr_verify(out, sig, msg, 32));
    memcpy(key, key1, 32);
    uint8_t child[33];
    assert_true(secp_seckey_tweak_add(key, tweak));
    assert_true(secp_pubkey_tweak_add(pub, tweak));
    secp_pubkey_create(child, &len, key, true);
    assert_memory_equal(child, pub, 33);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof),      cmocka_unit_test(bip340),
        cmocka_unit_test(sign_and_verify), cmocka_unit_test(lax_der),
        cmocka_unit_test(public_keys),     cmocka_unit_test(tweaks_agree),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
