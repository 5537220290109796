/* tx_valid.json, tx_invalid.json, sighash.json, and the forms a transaction can be read
 * in. */
#include "vectors.h"

#include "chain/rules/tx_check.h"
#include "chain/script/interpreter.h"
#include "chain/script/solver.h"
#include "crypto/secp.h"

#define ALL_FLAGS ((1u << 21) - 1)

static uint32_t flag_needs(uint32_t flags)
{
    if (!(flags & SCRIPT_VERIFY_P2SH))
        flags &= ~(uint32_t)SCRIPT_VERIFY_WITNESS;
    if (!(flags & SCRIPT_VERIFY_WITNESS))
        flags &= ~(uint32_t)SCRIPT_VERIFY_CLEANSTACK;
    return flags;
}

static uint32_t flag_fill(uint32_t flags)
{
    if (flags & SCRIPT_VERIFY_CLEANSTACK)
        flags |= SCRIPT_VERIFY_WITNESS;
    if (flags & SCRIPT_VERIFY_WITNESS)
        flags |= SCRIPT_VERIFY_P2SH;
    return flags;
}

struct vector {
    struct tx *tx;
    struct txout *spent;
    struct buf *scripts;
    struct sighash_data data;
};

static void find_spent(struct vector *v, const json_t *prevouts, uint32_t i)
{
    const char *error;
    const json_t *p;
    size_t k;
    json_array_foreach(prevouts, k, p)
    {
        struct outpoint o;
        assert_true(hash256_from_hex(&o.txid, str_at(p, 0)));
        o.n = (uint32_t)json_integer_value(json_array_get(p, 1));
        if (!outpoint_equal(&o, &v->tx->in[i].prevout))
            continue;
        assert_true(script_from_text(&v->scripts[i], str_at(p, 2), &error));
        v->spent[i].script = buf_view(&v->scripts[i]);
        v->spent[i].value = amount_of(json_integer_value(json_array_get(p, 3)));
        return;
    }
}

/* False: the bytes are no transaction. */
static bool vector_init(struct vector *v, const json_t *row)
{
    struct buf raw = {0};
    hex_to(&raw, str_at(row, 1));
    v->tx = tx_from_bytes(raw.data, raw.len, true);
    buf_clear(&raw);
    if (v->tx == NULL)
        return false;
    v->spent = calloc(v->tx->n_in + 1, sizeof(*v->spent));
    v->scripts = calloc(v->tx->n_in + 1, sizeof(*v->scripts));
    for (uint32_t i = 0; i < v->tx->n_in; i++)
        find_spent(v, json_array_get(row, 0), i);
    sighash_data_init(&v->data, v->tx, v->spent, true);
    return true;
}

static void vector_clear(struct vector *v)
{
    sighash_data_clear(&v->data);
    for (uint32_t i = 0; i < v->tx->n_in; i++)
        buf_clear(&v->scripts[i]);
    free(v->scripts);
    free(v->spent);
    tx_unref(v->tx);
}

static bool scripts_valid(const struct vector *v, uint32_t flags)
{
    for (uint32_t i = 0; i < v->tx->n_in; i++) {
        struct script_check check = {.data = &v->data, .input = i, .flags = flags};
        if (!script_check_run(NULL, &check))
            return false;
    }
    return true;
}

static bool passes_tx_check(const struct tx *tx)
{
    struct chain_params params;
    struct reject rej;
    assert_true(chain_params_get(&params, BITCOIN, "regtest"));
    return tx_check(tx, &params, &rej);
}

static void check_valid(const struct vector *v, const char *row, uint32_t excluded)
{
    if (!passes_tx_check(v->tx))
        fail_msg("tx_check: %s", row);
    if (!scripts_valid(v, flag_needs(ALL_FLAGS & ~excluded)))
        fail_msg("not valid: %s", row);
    for (unsigned bit = 0; bit < 21; bit++) {
        uint32_t flag = 1u << bit;
        if (!scripts_valid(v, flag_needs(ALL_FLAGS & ~(excluded | flag))))
            fail_msg("not valid without flag %u: %s", bit, row);
        if ((excluded & flag) &&
            scripts_valid(v, flag_fill(ALL_FLAGS & ~(excluded & ~flag))))
            fail_msg("flag %u is excluded without need: %s", bit, row);
    }
}

static void check_invalid(const struct vector *v, const char *row, uint32_t minimal)
{
    if (!passes_tx_check(v->tx))
        fail_msg("tx_check: %s", row);
    if (scripts_valid(v, minimal))
        fail_msg("valid: %s", row);
    for (unsigned bit = 0; bit < 21; bit++) {
        uint32_t flag = 1u << bit;
        if (scripts_valid(v, flag_fill(minimal | flag)))
            fail_msg("valid with flag %u: %s", bit, row);
        if ((minimal & flag) && !scripts_valid(v, flag_needs(minimal & ~flag)))
            fail_msg("flag %u is given without need: %s", bit, row);
    }
}

static void tx_valid(void **state)
{
    json_t *rows = load_vectors("bitcoin/tx_valid.json"), *row;
    size_t i, n = 0;
    (void)state;
    json_array_foreach(rows, i, row)
    {
        struct vector v;
        uint32_t flags;
        if (!json_is_array(json_array_get(row, 0)))
            continue;
        assert_true(vector_init(&v, row));
        assert_true(script_flags_parse(&flags, str_at(row, 2)));
        check_valid(&v, str_at(row, 1), flags);
        vector_clear(&v);
        n++;
    }
    assert_int_equal(n, 120);
    json_decref(rows);
}

static void tx_invalid(void **state)
{
    json_t *rows = load_vectors("bitcoin/tx_invalid.json"), *row;
    size_t i, n = 0;
    (void)state;
    json_array_foreach(rows, i, row)
    {
        struct vector v;
        uint32_t flags;
        if (!json_is_array(json_array_get(row, 0)))
            continue;
        assert_true(vector_init(&v, row));
        if (strcmp(str_at(row, 2), "BADTX") == 0) {
            assert_false(passes_tx_check(v.tx));
        } else {
            assert_true(script_flags_parse(&flags, str_at(row, 2)));
            check_invalid(&v, str_at(row, 1), flags);
        }
        vector_clear(&v);
        n++;
    }
    assert_int_equal(n, 93);
    json_decref(rows);
}

static void check_sighash(const json_t *row)
{
    struct buf raw = {0}, script = {0};
    struct sighash_data data;
    char hex[65];
    hex_to(&raw, str_at(row, 0));
    struct tx *tx = tx_from_bytes(raw.data, raw.len, true);
    assert_non_null(tx);
    sighash_data_init(&data, tx, NULL, false);
    struct hash256 h = sighash_legacy(
        &data, (uint32_t)json_integer_value(json_array_get(row, 2)),
        hex_to(&script, str_at(row, 1)),
        (int32_t)json_integer_value(json_array_get(row, 3)));
    assert_string_equal(hash256_to_hex(hex, &h), str_at(row, 4));
    sighash_data_clear(&data);
    tx_unref(tx);
    buf_clear(&raw);
    buf_clear(&script);
}

static void sighash_legacy_vectors(void **state)
{
    json_t *rows = load_vectors("bitcoin/sighash.json"), *row;
    size_t i, n = 0;
    (void)state;
    json_array_foreach(rows, i, row)
    {
        if (json_array_size(row) > 1) {
            check_sighash(row);
            n++;
        }
    }
    assert_int_equal(n, 500);
    json_decref(rows);
}

/* The shared prefix of many inputs gives the hash that the plain way gives. */
static void sighash_of_many_inputs(void **state)
{
    static const uint8_t code[] = {OP_1, OP_CODESEPARATOR, OP_CHECKSIG};
    struct mtx m;
    struct sighash_data plain, shared;
    (void)state;
    mtx_init(&m);
    for (uint32_t i = 0; i < 50; i++) {
        struct outpoint o = {.txid = {{(uint8_t)i}}, .n = i};
        mtx_add_in(&m, &o, i * 7);
    }
    mtx_add_out(&m, amount_of(5), bytes_of(code, 3));
    struct tx *tx = mtx_to_tx(&m);
    sighash_data_init(&shared, tx, NULL, false);
    plain = shared;
    plain.midstates = NULL;
    assert_non_null(shared.midstates);
    for (uint32_t i = 0; i < 50; i++) {
        struct hash256 a = sighash_legacy(&plain, i, bytes_of(code, 3), SIGHASH_ALL);
        struct hash256 b = sighash_legacy(&shared, i, bytes_of(code, 3), SIGHASH_ALL);
        assert_true(hash256_equal(&a, &b));
    }
    sighash_data_clear(&shared);
    tx_unref(tx);
    mtx_clear(&m);
}

#define IN "0000000000000000000000000000000000000000000000000000000000000000" "00000000"

static void malformed_transactions_are_refused(void **state)
{
    static const struct {
        const char *name, *hex;
        bool with_witness, without;
    } cases[] = {
        {"plain",
         "0200000001" IN "00ffffffff01010000000000000000"
         "00000000",
         true, true},
        {"nothing", "", false, false},
        {"cut short",
         "0200000001" IN "00ffffffff0101000000000000000000000000"
         "000000",
         false, false},
        {"left over",
         "0200000001" IN "00ffffffff01010000000000000000"
         "0000000000",
         false, false},
        {"count not minimal",
         "02000000fd0100" IN "00ffffffff01010000000000000000"
         "00000000",
         false, false},
        {"empty but extended marker",
         "020000000000"
         "00000000",
         true, true},
        {"no inputs, one output",
         "020000000001010000000000000000"
         "00000000",
         false, true},
        {"superfluous witness",
         "02000000000101" IN "00ffffffff01010000000000000000"
         "00"
         "00000000",
         false, false},
        {"witness",
         "02000000000101" IN "00ffffffff01010000000000000000"
         "0101aa"
         "00000000",
         true, false},
        {"unknown flag",
         "02000000000201" IN "00ffffffff01010000000000000000"
         "0101aa"
         "00000000",
         false, false},
        {"script longer than all", "0200000001" IN "feffffff01ffffffff", false, false},
    };
    struct buf raw = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        hex_to(&raw, cases[i].hex);
        for (int witness = 0; witness < 2; witness++) {
            struct tx *tx = tx_from_bytes(raw.data, raw.len, witness);
            if ((tx != NULL) != (witness ? cases[i].with_witness : cases[i].without))
                fail_msg("%s (witness %d)", cases[i].name, witness);
            if (tx != NULL) {
                struct mtx m;
                struct buf again = {0};
                struct sink s = sink_to_buf(&again);
                mtx_from_tx(&m, tx);
                mtx_write(&m, &s, true);
                assert_true(bytes_equal(buf_view(&again), buf_view(&raw)));
                buf_clear(&again);
                mtx_clear(&m);
            }
            tx_unref(tx);
        }
    }
    buf_clear(&raw);
}

static void sizes_and_ids_leave_the_witness_out(void **state)
{
    struct buf raw = {0}, base = {0};
    struct hash256 id;
    (void)state;
    hex_to(&raw, "02000000000101" IN "00ffffffff01010000000000000000"
                 "0102abcd"
                 "07000000");
    struct tx *tx = tx_from_bytes(raw.data, raw.len, true);
    hex_to(&base, "0200000001" IN "00ffffffff01010000000000000000" "07000000");
    struct tx *stripped = tx_from_bytes(base.data, base.len, true);
    id = tx->txid;
    assert_true(hash256_equal(&id, &stripped->txid));
    assert_false(hash256_equal(&tx->wtxid, &stripped->wtxid));
    assert_int_equal(tx->base_size, base.len);
    assert_int_equal(tx->total_size, raw.len);
    assert_int_equal(tx_weight(tx), 3 * (int64_t)base.len + (int64_t)raw.len);
    assert_int_equal(tx->locktime, 7);
    assert_int_equal(tx->in[0].n_witness, 1);
    tx_unref(tx);
    tx_unref(stripped);
    buf_clear(&raw);
    buf_clear(&base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_transactions_are_refused),
        cmocka_unit_test(sizes_and_ids_leave_the_witness_out),
        cmocka_unit_test(tx_valid),
        cmocka_unit_test(tx_invalid),
        cmocka_unit_test(sighash_legacy_vectors),
        cmocka_unit_test(sighash_of_many_inputs),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
