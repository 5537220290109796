/* taproot_script_assets.json (each success and its failing twin) and
 * bip341_wallet_vectors.json. */
#include "vectors.h"

#include "chain/script/address.h"
#include "chain/script/interpreter.h"
#include "crypto/secp.h"


static struct bytes *read_witness(const json_t *w, struct buf **items, uint32_t *n)
{
    *n = (uint32_t)json_array_size(w);
    struct bytes *out = calloc(*n + 1, sizeof(*out));
    *items = calloc(*n + 1, sizeof(**items));
    for (uint32_t i = 0; i < *n; i++)
        out[i] = hex_to(&(*items)[i], str_at(w, i));
    return out;
}

static struct tx *with_input(const struct tx *tx, uint32_t at, const json_t *how)
{
    struct mtx m;
    struct buf sig = {0}, *items;
    uint32_t n;
    struct bytes *witness = read_witness(json_object_get(how, "witness"), &items, &n);
    mtx_from_tx(&m, tx);
    hex_to(&sig, str_of(how, "scriptSig"));
    buf_reset(&m.in[at].script_sig);
    buf_append(&m.in[at].script_sig, sig.data, sig.len);
    mtxin_set_witness(&m.in[at], witness, n);
    struct tx *out = mtx_to_tx(&m);
    mtx_clear(&m);
    for (uint32_t i = 0; i < n; i++)
        buf_clear(&items[i]);
    free(items);
    free(witness);
    buf_clear(&sig);
    return out;
}

static bool verify(const struct tx *tx, const struct txout *spent, uint32_t at,
                   uint32_t flags)
{
    struct sighash_data data;
    sighash_data_init(&data, tx, spent, false);
    struct script_check check = {.data = &data, .input = at, .flags = flags};
    bool ok = script_check_run(NULL, &check);
    sighash_data_clear(&data);
    return ok;
}

static struct txout *read_spent(const json_t *prevouts, struct buf **raw)
{
    size_t n = json_array_size(prevouts);
    struct txout *out = calloc(n + 1, sizeof(*out));
    *raw = calloc(n + 1, sizeof(**raw));
    for (size_t i = 0; i < n; i++) {
        struct reader r;
        hex_to(&(*raw)[i], str_at(prevouts, i));
        reader_init(&r, (*raw)[i].data, (*raw)[i].len);
        out[i].value = amount_of(read_i64(&r));
        out[i].script = read_var(&r, MAX_SCRIPT_SIZE);
        assert_true(reader_done(&r));
    }
    return out;
}

static void check_asset(const json_t *a)
{
    struct buf hex = {0}, *raw;
    uint32_t flags, at = (uint32_t)json_integer_value(json_object_get(a, "index"));
    const json_t *success = json_object_get(a, "success");
    const json_t *failure = json_object_get(a, "failure");

    hex_to(&hex, str_of(a, "tx"));
    struct tx *tx = tx_from_bytes(hex.data, hex.len, true);
    assert_non_null(tx);
    assert_true(script_flags_parse(&flags, str_of(a, "flags")));
    struct txout *spent = read_spent(json_object_get(a, "prevouts"), &raw);
    if (success != NULL) {
        struct tx *good = with_input(tx, at, success);
        if (!verify(good, spent, at, flags))
            fail_msg("%s: refused", str_of(a, "comment"));
        if (json_is_true(json_object_get(a, "final")) &&
            !verify(good, spent, at, SCRIPT_VERIFY_CONSENSUS))
            fail_msg("%s: refused under all consensus flags", str_of(a, "comment"));
        tx_unref(good);
    }
    if (failure != NULL) {
        struct tx *bad = with_input(tx, at, failure);
        if (verify(bad, spent, at, flags))
            fail_msg("%s: the failing twin was accepted", str_of(a, "comment"));
        tx_unref(bad);
    }
    for (uint32_t i = 0; i < tx->n_in; i++)
        buf_clear(&raw[i]);
    free(raw);
    free(spent);
    tx_unref(tx);
    buf_clear(&hex);
}

static void script_assets(void **state)
{
    json_t *rows = load_vectors("bitcoin/taproot_script_assets.json"), *row;
    size_t i;
    (void)state;
    json_array_foreach(rows, i, row)
        check_asset(row);
    assert_int_equal(i, 731);
    json_decref(rows);
}

/* -- BIP 341 wallet vectors ----------------------------------------------- */

static struct hash256 tree_root(const json_t *tree)
{
    if (json_is_array(tree)) {
        struct hash256 left = tree_root(json_array_get(tree, 0));
        struct hash256 right = tree_root(json_array_get(tree, 1));
        return tapbranch_hash(&left, &right);
    }
    struct buf script = {0};
    uint8_t version = (uint8_t)json_integer_value(json_object_get(tree, "leafVersion"));
    struct hash256 leaf =
        tapleaf_hash(version, hex_to(&script, str_of(tree, "script")));
    buf_clear(&script);
    return leaf;
}

static void assert_hash(const struct hash256 *h, const char *hex)
{
    char text[65];
    assert_string_equal(hex_encode(text, h->b, 32), hex);
}

static void check_output(const json_t *v)
{
    const json_t *given = json_object_get(v, "given");
    const json_t *mid = json_object_get(v, "intermediary");
    const json_t *expected = json_object_get(v, "expected");
    const json_t *tree = json_object_get(given, "scriptTree");
    uint8_t internal[32], output[34] = {OP_1, 32};
    char hex[69], address[ADDRESS_MAX];
    struct hash256 root;
    struct destination d;
    struct chain_params params;
    int parity;

    hex_to_fixed(internal, 32, str_of(given, "internalPubkey"));
    if (!json_is_null(tree)) {
        root = tree_root(tree);
        assert_hash(&root, str_of(mid, "merkleRoot"));
    }
    struct hash256 tweak = taptweak_hash(internal, json_is_null(tree) ? NULL : &root);
    assert_hash(&tweak, str_of(mid, "tweak"));
    assert_true(secp_xonly_tweak_add(output + 2, &parity, internal, tweak.b));
    assert_string_equal(hex_encode(hex, output, 34), str_of(expected, "scriptPubKey"));
    assert_true(destination_from_script(&d, bytes_of(output, 34)));
    assert_true(chain_params_get(&params, BITCOIN, "main"));
    assert_string_equal(address_encode(address, &params, &d),
                        str_of(expected, "bip350Address"));
}

static void wallet_outputs(void **state)
{
    json_t *all = load_vectors("bitcoin/bip341_wallet_vectors.json"), *v;
    size_t i;
    (void)state;
    json_array_foreach(json_object_get(all, "scriptPubKey"), i, v)
        check_output(v);
    assert_int_equal(i, 7);
    json_decref(all);
}

static void check_key_spend(const struct sighash_data *data, const json_t *v)
{
    const json_t *given = json_object_get(v, "given");
    const json_t *mid = json_object_get(v, "intermediary");
    const char *root_hex = str_of(given, "merkleRoot");
    uint32_t at = (uint32_t)json_integer_value(json_object_get(given, "txinIndex"));
    uint8_t type = (uint8_t)json_integer_value(json_object_get(given, "hashType"));
    struct sighash_taproot t = {.codeseparator = UINT32_MAX};
    struct hash256 hash, root, tweak;
    uint8_t key[32], internal[32], sig[65];
    char hex[131];

    hex_to_fixed(key, 32, str_of(given, "internalPrivkey"));
    hex_to_fixed(internal, 32, str_of(mid, "internalPubkey"));
    if (*root_hex != '\0')
        hex_to_fixed(root.b, 32, root_hex);
    tweak = taptweak_hash(internal, *root_hex != '\0' ? &root : NULL);
    assert_hash(&tweak, str_of(mid, "tweak"));
    assert_true(sighash_v1(&hash, data, at, type, &t));
    assert_hash(&hash, str_of(mid, "sigHash"));
    assert_true(secp_schnorr_sign(sig, key, hash.b, NULL, tweak.b));
    sig[64] = type;
    hex_encode(hex, sig, type == SIGHASH_DEFAULT ? 64 : 65);
    const json_t *witness =
        json_object_get(json_object_get(v, "expected"), "witness");
    assert_string_equal(hex, str_at(witness, 0));
}

static void wallet_key_spends(void **state)
{
    json_t *all = load_vectors("bitcoin/bip341_wallet_vectors.json"), *v;
    const json_t *spend = json_array_get(json_object_get(all, "keyPathSpending"), 0);
    const json_t *given = json_object_get(spend, "given"), *utxos;
    struct txout spent[16];
    struct buf raw = {0}, scripts[16] = {{0}};
    struct sighash_data data;
    size_t i;
    (void)state;

    hex_to(&raw, str_of(given, "rawUnsignedTx"));
    struct tx *tx = tx_from_bytes(raw.data, raw.len, true);
    utxos = json_object_get(given, "utxosSpent");
    json_array_foreach(utxos, i, v)
    {
        spent[i].script = hex_to(&scripts[i], str_of(v, "scriptPubKey"));
        spent[i].value =
            amount_of(json_integer_value(json_object_get(v, "amountSats")));
    }
    sighash_data_init(&data, tx, spent, true);
    json_array_foreach(json_object_get(spend, "inputSpending"), i, v)
        check_key_spend(&data, v);
    assert_int_equal(i, 7);
    sighash_data_clear(&data);
    for (i = 0; i < ARRAY_LEN(scripts); i++)
        buf_clear(&scripts[i]);
    tx_unref(tx);
    buf_clear(&raw);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(script_assets),
        cmocka_unit_test(wallet_outputs),
        cmocka_unit_test(wallet_key_spends),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
