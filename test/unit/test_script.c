/* script_tests.json, and the parts of a script that have no vectors. */
#include "vectors.h"

#include <math.h>

#include "chain/script/interpreter.h"
#include "chain/script/solver.h"
#include "crypto/secp.h"

/* The vectors' names for errors are bitcoind's, of which one is short. */
static const char *error_name(enum script_error e)
{
    return e == SCRIPT_ERR_SIG_NULLFAIL ? "NULLFAIL" : script_error_name(e);
}

static struct bytes text_to(struct buf *out, const char *text)
{
    const char *error;
    buf_reset(out);
    if (!script_from_text(out, text, &error))
        fail_msg("%s: %s", text, error);
    return buf_view(out);
}

/* The transaction that creates the coin, and the one that spends it. */
static struct tx *credit(struct bytes script, struct amount value)
{
    static const uint8_t two_zeros[] = {OP_0, OP_0};
    struct outpoint null = {.n = UINT32_MAX};
    struct mtx m;
    mtx_init(&m);
    m.version = 1;
    struct mtxin *in = mtx_add_in(&m, &null, SEQUENCE_FINAL);
    buf_append(&in->script_sig, two_zeros, 2);
    mtx_add_out(&m, value, script);
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static struct tx *spend(const struct tx *from, struct bytes script_sig,
                        const struct bytes *witness, uint32_t n_witness)
{
    struct outpoint o = {.txid = from->txid, .n = 0};
    struct mtx m;
    mtx_init(&m);
    m.version = 1;
    struct mtxin *in = mtx_add_in(&m, &o, SEQUENCE_FINAL);
    buf_append(&in->script_sig, script_sig.data, script_sig.len);
    mtxin_set_witness(in, witness, n_witness);
    mtx_add_out(&m, from->out[0].value, bytes_of(NULL, 0));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

#define MAX_WITNESS 200

static void check_script(const json_t *row)
{
    struct buf items[MAX_WITNESS] = {{0}}, sig = {0}, key = {0};
    struct bytes witness[MAX_WITNESS];
    uint32_t n_witness = 0, flags;
    struct amount value = amount_of(0);
    size_t at = 0;

    if (json_is_array(json_array_get(row, 0))) {
        const json_t *w = json_array_get(row, at++);
        n_witness = (uint32_t)json_array_size(w) - 1;
        for (uint32_t i = 0; i < n_witness; i++)
            witness[i] = hex_to(&items[i], str_at(w, i));
        value =
            amount_of(llround(json_number_value(json_array_get(w, n_witness)) * 1e8));
    }
    struct bytes script_sig = text_to(&sig, str_at(row, at));
    struct bytes script_pubkey = text_to(&key, str_at(row, at + 1));
    assert_true(script_flags_parse(&flags, str_at(row, at + 2)));
    if (flags & SCRIPT_VERIFY_CLEANSTACK)
        flags |= SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS;

    struct tx *from = credit(script_pubkey, value);
    struct tx *tx = spend(from, script_sig, witness, n_witness);
    struct sighash_data data;
    enum script_error e;
    sighash_data_init(&data, tx, from->out, true);
    struct sig_checker checker = {&data, 0, value, NULL, false};
    bool ok = script_verify(script_sig, script_pubkey, witness, n_witness, flags,
                            &checker, &e);
    if (strcmp(error_name(e), str_at(row, at + 3)) != 0 || ok != (e == SCRIPT_ERR_OK))
        fail_msg("%s | %s | %s: %s, not %s", str_at(row, at), str_at(row, at + 1),
                 str_at(row, at + 2), error_name(e), str_at(row, at + 3));
    sighash_data_clear(&data);
    tx_unref(tx);
    tx_unref(from);
    for (uint32_t i = 0; i < n_witness; i++)
        buf_clear(&items[i]);
    buf_clear(&sig);
    buf_clear(&key);
}

static void script_tests(void **state)
{
    json_t *rows = load_vectors("bitcoin/script_tests.json"), *row;
    size_t i, n = 0;
    (void)state;
    json_array_foreach(rows, i, row)
    {
        if (json_array_size(row) > 1) {
            check_script(row);
            n++;
        }
    }
    assert_int_equal(n, 1207);
    json_decref(rows);
}

static void numbers_round_trip(void **state)
{
    static const struct {
        int64_t value;
        const char *hex;
    } cases[] = {
        {0, ""},          {1, "01"},        {-1, "81"},       {127, "7f"},
        {128, "8000"},    {-128, "8080"},   {255, "ff00"},    {-255, "ff80"},
        {256, "0001"},    {-256, "0081"},   {32767, "ff7f"},  {32768, "008000"},
        {-32768, "008080"}, {2147483647, "ffffff7f"}, {-2147483647, "ffffffff"},
        {2147483648, "0000008000"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t num[9];
        char hex[19];
        int64_t back;
        size_t len = script_num_encode(num, cases[i].value);
        assert_string_equal(hex_encode(hex, num, len), cases[i].hex);
        assert_true(script_num_decode(&back, bytes_of(num, len), true, 5));
        assert_int_equal(back, cases[i].value);
    }
    int64_t v;
    assert_false(script_num_decode(&v, bytes_of("\x01\x00", 2), true, 4));
    assert_true(script_num_decode(&v, bytes_of("\x01\x00", 2), false, 4));
    assert_int_equal(v, 1);
    assert_false(script_num_decode(&v, bytes_of("\x01\x02\x03\x04\x05", 5), false, 4));
}

static void sigops_are_counted(void **state)
{
    static const struct {
        const char *script;
        unsigned accurate, rough;
    } cases[] = {
        {"", 0, 0},
        {"CHECKSIG", 1, 1},
        {"1 0x21 0x020202020202020202020202020202020202020202020202020202020202020202 "
         "1 "
         "CHECKMULTISIG",
         1, 20},
        {"16 CHECKMULTISIGVERIFY CHECKSIGVERIFY", 17, 21},
        {"17 CHECKMULTISIG", 20, 20},
        {"CHECKSIG 0x4b", 1, 1},
    };
    struct buf script = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes s = text_to(&script, cases[i].script);
        assert_int_equal(script_sigops(s, true), cases[i].accurate);
        assert_int_equal(script_sigops(s, false), cases[i].rough);
    }
    buf_clear(&script);
}

static void asm_shows_what_rpc_shows(void **state)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        {"", ""},
        {"0051604f61", "0 1 16 -1 OP_NOP"},
        {"04ffffffff", "-2147483647"},
        {"050000000080", "0000000080"},
        {"4c", "[error]"},
        {"5102ff", "1 [error]"},
        {"ba", "OP_CHECKSIGADD"},
        {"fe", "OP_UNKNOWN"},
    };
    struct buf script = {0}, text = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&text);
        script_to_asm(&text, hex_to(&script, cases[i].hex), false);
        assert_string_equal(buf_cstr(&text), cases[i].text);
    }
    buf_clear(&script);
    buf_clear(&text);
}

static void text_is_refused(void **state)
{
    static const char *const cases[] = {
        "NOSUCH", "4294967296", "-4294967296", "0xf", "0x", "OP_1", "CHECKSIGADD", "'",
    };
    struct buf script = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *error;
        assert_false(script_from_text(&script, cases[i], &error));
        assert_non_null(error);
    }
    buf_clear(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(script_tests),
        cmocka_unit_test(numbers_round_trip),
        cmocka_unit_test(sigops_are_counted),
        cmocka_unit_test(asm_shows_what_rpc_shows),
        cmocka_unit_test(text_is_refused),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
