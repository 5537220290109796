/* key_io_valid.json, key_io_invalid.json, and bitcoind's sentences about bad addresses.
 */
#include "vectors.h"

#include <ctype.h>

#include "chain/script/address.h"
#include "crypto/secp.h"

static const char *const networks[] = {"main", "test", "signet", "regtest"};

static void params_of(struct chain_params *p, const char *name)
{
    if (!chain_params_get(p, BITCOIN, name))
        fail_msg("no network %s", name);
}

static void check_key(const struct chain_params *p, const char *text,
                      struct bytes payload, bool compressed)
{
    struct privkey key;
    struct destination d;
    char again[64];
    assert_true(wif_decode(&key, p, text));
    assert_true(bytes_equal(bytes_of(key.secret, 32), payload));
    assert_int_equal(key.compressed, compressed);
    wif_encode(again, p, &key);
    assert_string_equal(again, text);
    assert_false(address_decode(&d, p, text, NULL));
}

static void check_address(const struct chain_params *p, const char *text,
                          struct bytes script)
{
    struct destination d;
    struct privkey key;
    struct buf back = {0};
    char again[ADDRESS_MAX];
    assert_true(address_decode(&d, p, text, NULL));
    destination_to_script(&back, &d);
    assert_true(bytes_equal(buf_view(&back), script));
    assert_true(destination_from_script(&d, script));
    assert_int_equal(strcasecmp(address_encode(again, p, &d), text), 0);
    assert_false(wif_decode(&key, p, text));
    buf_clear(&back);
}

static void flip_case(char *s)
{
    for (; *s != '\0'; s++)
        *s = (char)(islower((unsigned char)*s) ? toupper((unsigned char)*s)
                                               : tolower((unsigned char)*s));
}

static void valid(void **state)
{
    json_t *rows = load_vectors("bitcoin/key_io_valid.json"), *row;
    struct buf payload = {0};
    size_t i;
    (void)state;
    json_array_foreach(rows, i, row)
    {
        const json_t *meta = json_array_get(row, 2);
        struct chain_params p;
        struct destination d;
        char flipped[ADDRESS_MAX];
        params_of(&p, str_of(meta, "chain"));
        hex_to(&payload, str_at(row, 1));
        if (json_is_true(json_object_get(meta, "isPrivkey"))) {
            check_key(&p, str_at(row, 0), buf_view(&payload),
                      json_is_true(json_object_get(meta, "isCompressed")));
            continue;
        }
        check_address(&p, str_at(row, 0), buf_view(&payload));
        snprintf(flipped, sizeof(flipped), "%s", str_at(row, 0));
        flip_case(flipped);
        assert_int_equal(address_decode(&d, &p, flipped, NULL),
                         json_is_true(json_object_get(meta, "tryCaseFlip")));
    }
    assert_int_equal(i, 70);
    buf_clear(&payload);
    json_decref(rows);
}

static void invalid(void **state)
{
    json_t *rows = load_vectors("bitcoin/key_io_invalid.json"), *row;
    size_t i;
    (void)state;
    json_array_foreach(rows, i, row)
    {
        for (size_t n = 0; n < ARRAY_LEN(networks); n++) {
            struct chain_params p;
            struct destination d;
            struct privkey key;
            params_of(&p, networks[n]);
            assert_false(address_decode(&d, &p, str_at(row, 0), NULL));
            assert_false(wif_decode(&key, &p, str_at(row, 0)));
        }
    }
    assert_int_equal(i, 70);
    json_decref(rows);
}

static void messages(void **state)
{
    static const struct {
        const char *address, *message;
    } cases[] = {
        {"bcrt1sw50qgdz25j", "Invalid Bech32 address program size (2 bytes)"},
        {"bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqdmchcc",
         "Version 1+ witness address must use Bech32m checksum"},
        {"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7k35mrzd",
         "Version 0 witness address must use Bech32 checksum"},
        {"bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
         "Invalid or unsupported Segwit (Bech32) or Base58 encoding."},
        {"17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem",
         "Invalid or unsupported Base58-encoded address."},
        {"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJJfn",
         "Invalid checksum or length of Base58 address (P2PKH or P2SH)"},
        {"asfah14i8fajz0123f",
         "Invalid or unsupported Segwit (Bech32) or Base58 encoding."},
    };
    struct chain_params p;
    (void)state;
    params_of(&p, "regtest");
    for (size_t i = 1; i < ARRAY_LEN(cases); i++) {
        struct destination d;
        struct address_error e;
        assert_false(address_decode(&d, &p, cases[i].address, &e));
        assert_string_equal(e.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid),
        cmocka_unit_test(invalid),
        cmocka_unit_test(messages),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
