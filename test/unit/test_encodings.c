/* Base58, Bech32 and Bech32m. */
#include "vectors.h"

#include "crypto/base58.h"
#include "crypto/bech32.h"

static void base58_vectors(void **st)
{
    (void)st;
    json_t *root = load_vectors("bitcoin/base58_encode_decode.json"), *row;
    struct buf raw = {0}, back = {0};
    size_t i;
    json_array_foreach(root, i, row)
    {
        const char *text = json_string_value(json_array_get(row, 1));
        from_hex(&raw, json_string_value(json_array_get(row, 0)));
        char *got = base58_encode(raw.data, raw.len);
        assert_string_equal(got, text);
        buf_reset(&back);
        assert_true(base58_decode(&back, text, 256));
        assert_true(bytes_equal(buf_view(&raw), buf_view(&back)));
        buf_reset(&back);
        assert_true(base58_decode(&back, text, raw.len));
        if (raw.len > 0)
            assert_false(base58_decode(&back, text, raw.len - 1));
        free(got);
    }
    buf_clear(&raw);
    buf_clear(&back);
    json_decref(root);
}

static void base58_texts(void **st)
{
    (void)st;
    struct buf out = {0};
    static const char *const bad[] = {
        "invalid", "0", "I", "O", "l", "bad0IOl", " \t\n\v\f\r skip \r\f\v\n\t a",
        "\xc3\xa9"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(base58_decode(&out, bad[i], 100));
        assert_int_equal(out.len, 0);
    }
    assert_true(base58_decode(&out, " \t\n\v\f\r good \r\f\v\n\t ", 100));
    assert_hex(out.data, out.len, "768320");
    buf_reset(&out);
    char *text = base58check_encode("\0abc", 4);
    assert_true(base58check_decode(&out, text, 4));
    assert_memory_equal(out.data, "\0abc", 4);
    buf_reset(&out);
    assert_false(base58check_decode(&out, text, 3));
    text[4] = text[4] == '2' ? '3' : '2';
    assert_false(base58check_decode(&out, text, 4));
    assert_false(base58check_decode(&out, "3vQB7B6MrGQZaxCuFg4og", 100));
    assert_false(base58check_decode(&out, "", 100));
    free(text);
    buf_clear(&out);
}

static const char *vector_text(json_t *v, struct buf *mem)
{
    if (json_is_string(v))
        return json_string_value(v);
    from_hex(mem, json_string_value(json_object_get(v, "hex")));
    return buf_cstr(mem);
}

static void check_valid(json_t *rows, enum bech32_encoding want)
{
    json_t *row;
    size_t i;
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, i, row)
    {
        struct bech32 b;
        const char *text = json_string_value(row);
        char again[128];
        assert_int_equal(bech32_decode(&b, text, 90), want);
        bech32_encode(again, want, b.hrp, b.values, b.len);
        assert_true(strcasecmp(again, text) == 0);
        int pos[90];
        size_t n;
        assert_string_equal(bech32_locate_errors(text, 90, pos, &n), "");
    }
}

static void check_invalid(json_t *rows)
{
    json_t *row;
    size_t i;
    struct buf mem = {0};
    assert_true(json_array_size(rows) > 0);
    json_array_foreach(rows, i, row)
    {
        struct bech32 b;
        int pos[90];
        size_t n;
        const char *text = vector_text(row, &mem);
        assert_int_equal(bech32_decode(&b, text, 90), BECH32_INVALID);
        assert_string_not_equal(bech32_locate_errors(text, 90, pos, &n), "");
    }
    buf_clear(&mem);
}

static void bech32_vectors(void **st)
{
    (void)st;
    json_t *root = load_vectors("bitcoin/bech32_vectors.json"), *rows;
    const char *key;
    json_object_foreach(root, key, rows)
    {
        if (strstr(key, "invalid") != NULL)
            check_invalid(rows);
        else
            check_valid(rows, strncmp(key, "bech32m", 7) == 0 ? BECH32M : BECH32);
    }
    json_decref(root);
}

/* Messages and positions as bitcoind's validateaddress gives them for these strings. */
static void error_locations(void **st)
{
    (void)st;
    static const struct {
        const char *text, *message;
        size_t n;
        int pos[2];
    } rows[] = {
        {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "", 0, {0}},
        {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
         "Invalid Bech32 checksum",
         1,
         {41}},
        {"bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
         "Invalid Bech32 checksum",
         1,
         {3}},
        {"bc1qw508x6qejxtdg4y5r3zarvary0q5xw7kv8f3t4",
         "Invalid Bech32 checksum",
         2,
         {8, 30}},
        {"bc1q0", "Invalid separator position", 1, {2}},
        {"bcq049", "Missing separator", 0, {0}},
        {"bc1qw508dQqejxtdg4y5r3zarvary0c5xw7kv8f3t4",
         "Invalid character or mixed case",
         1,
         {9}},
        {"bc1qw508d6qebxtdg4y5r3zarvary0c5xw7kv8f3t4",
         "Invalid Base 32 character",
         1,
         {12}},
        {"1qqqqqqqqqqqqqqqqqqqq", "Invalid separator position", 1, {0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int pos[90];
        size_t n;
        assert_string_equal(bech32_locate_errors(rows[i].text, 90, pos, &n),
                            rows[i].message);
        assert_int_equal(n, rows[i].n);
        for (size_t j = 0; j < n; j++)
            assert_int_equal(pos[j], rows[i].pos[j]);
    }
}

/* One or two wrong characters anywhere are found. */
static void errors_are_found(void **st)
{
    (void)st;
    static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    char text[128], valid[128];
    uint8_t values[33] = {0};
    for (int i = 1; i < 33; i++)
        values[i] = (uint8_t)(i * 5 % 32);
    bech32_encode(valid, BECH32, "tpsl", values, 33);
    size_t len = strlen(valid);
    for (size_t i = 5; i < len; i++)
        for (size_t j = i; j < len; j += 3) {
            int pos[90];
            size_t n;
            strcpy(text, valid);
            text[i] = charset[(strchr(charset, text[i]) - charset + 3) % 32];
            if (j != i)
                text[j] = charset[(strchr(charset, text[j]) - charset + 9) % 32];
            assert_string_equal(bech32_locate_errors(text, 90, pos, &n),
                                "Invalid Bech32 checksum");
            assert_int_equal(n, i == j ? 1 : 2);
            assert_int_equal(pos[0], i);
            if (i != j)
                assert_int_equal(pos[1], j);
        }
}

static void convert_bits(void **st)
{
    (void)st;
    struct buf five = {0}, eight = {0};
    uint8_t raw[20];
    for (int i = 0; i < 20; i++)
        raw[i] = (uint8_t)(i * 13);
    for (size_t n = 0; n <= 20; n++) {
        buf_reset(&five);
        buf_reset(&eight);
        assert_true(bech32_convert_bits(&five, 5, raw, n, 8, true));
        assert_true(bech32_convert_bits(&eight, 8, five.data, five.len, 5, false));
        assert_int_equal(eight.len, n);
        if (n > 0)
            assert_memory_equal(eight.data, raw, n);
    }
    uint8_t padding[2] = {0, 1};
    assert_false(bech32_convert_bits(&eight, 8, padding, 2, 5, false));
    buf_clear(&five);
    buf_clear(&eight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base58_vectors),   cmocka_unit_test(base58_texts),
        cmocka_unit_test(bech32_vectors),   cmocka_unit_test(error_locations),
        cmocka_unit_test(errors_are_found), cmocka_unit_test(convert_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
