/* PSBTs of both versions: bitcoind's vectors for every role, and BIP 370's rules. */
#include "vectors.h"

#include "chain/script/address.h"
#include "crypto/secp.h"
#include "util/sink.h"
#include "wallet/psbt.h"
#include "wallet/psbt_tree.h"

static json_t *vectors(void)
{
    return load_vectors("bitcoin/rpc_psbt.json");
}

static bool try_read(struct psbt *p, const char *text, const char **error)
{
    return psbt_from_base64(p, text, strlen(text), error);
}

static void read_ok(struct psbt *p, const char *text)
{
    const char *error;
    if (!try_read(p, text, &error))
        fail_msg("%s: %s", error, text);
}

static void assert_psbt(const struct psbt *p, const char *want)
{
    struct buf text = {0};
    psbt_to_base64(p, &text);
    assert_string_equal(buf_cstr(&text), want);
    buf_clear(&text);
}

static void assert_bad(const char *text, const char *want)
{
    struct psbt p;
    const char *error;
    if (try_read(&p, text, &error))
        fail_msg("accepted: %s", text);
    assert_non_null(error);
    if (want != NULL)
        assert_string_equal(error, want);
}

static void rejects_invalid(void **state UNUSED)
{
    size_t i;
    const json_t *v;
    json_t *root = vectors();
    json_array_foreach(json_object_get(root, "invalid"), i, v)
        assert_bad(json_string_value(v), NULL);
    json_array_foreach(json_object_get(root, "invalid_with_msg"), i, v)
        assert_bad(str_at(v, 0), str_at(v, 1));
    json_decref(root);
}

static void reads_valid(void **state UNUSED)
{
    size_t i;
    const json_t *v;
    json_t *root = vectors();
    json_array_foreach(json_object_get(root, "valid"), i, v)
    {
        struct psbt p, again;
        struct buf text = {0};
        read_ok(&p, json_string_value(v));
        psbt_to_base64(&p, &text);
        read_ok(&again, buf_cstr(&text));
        assert_psbt(&again, buf_cstr(&text));
        buf_clear(&text);
        psbt_clear(&again);
        psbt_clear(&p);
    }
    json_decref(root);
}

/* -- Roles -- */

static void add_key(struct keystore *keys, const char *wif)
{
    struct chain_params params;
    struct privkey key;
    assert_true(chain_params_get(&params, BITCOIN, "regtest"));
    assert_true(wif_decode(&key, &params, wif));
    keystore_add_secret(keys, key.secret, key.compressed);
}

static void sign_all(struct psbt *p, struct keystore *keys, int hash_type)
{
    struct sighash_data hashes;
    const struct psbt_signer how = {keys, hash_type, true, true};
    psbt_hashes_init(&hashes, p);
    for (uint32_t i = 0; i < p->tx->n_in; i++)
        psbt_sign_input(p, i, &hashes, &how, NULL);
    sighash_data_clear(&hashes);
}

static void signs(void **state UNUSED)
{
    size_t i, k;
    const json_t *v, *key;
    json_t *root = vectors();
    json_array_foreach(json_object_get(root, "signer"), i, v)
    {
        struct psbt p;
        struct keystore keys;
        keystore_init(&keys);
        json_array_foreach(json_object_get(v, "privkeys"), k, key)
            add_key(&keys, json_string_value(key));
        read_ok(&p, str_of(v, "psbt"));
        sign_all(&p, &keys, SIGHASH_ALL);
        assert_psbt(&p, str_of(v, "result"));
        psbt_clear(&p);
        keystore_clear(&keys);
    }
    json_decref(root);
}

static void combines(void **state UNUSED)
{
    size_t i;
    const json_t *v;
    json_t *root = vectors();
    json_array_foreach(json_object_get(root, "combiner"), i, v)
    {
        struct psbt p, other;
        const json_t *list = json_object_get(v, "combine");
        read_ok(&p, str_at(list, 0));
        for (size_t k = 1; k < json_array_size(list); k++) {
            read_ok(&other, str_at(list, k));
            assert_true(psbt_combine(&p, &other));
            psbt_clear(&other);
        }
        assert_psbt(&p, str_of(v, "result"));
        psbt_clear(&p);
    }
    json_decref(root);
}

static void finalizes(void **state UNUSED)
{
    size_t i;
    const json_t *v;
    json_t *root = vectors();
    json_array_foreach(json_object_get(root, "finalizer"), i, v)
    {
        struct psbt p;
        read_ok(&p, str_of(v, "finalize"));
        assert_true(psbt_finalize(&p));
        assert_psbt(&p, str_of(v, "result"));
        assert_true(psbt_is_complete(&p));
        psbt_clear(&p);
    }
    json_decref(root);
}

static void extracts(void **state UNUSED)
{
    size_t i;
    const json_t *v;
    json_t *root = vectors();
    json_array_foreach(json_object_get(root, "extractor"), i, v)
    {
        struct psbt p;
        read_ok(&p, str_of(v, "extract"));
        assert_true(psbt_is_complete(&p));
        struct tx *tx = psbt_extract(&p);
        assert_hex(tx->raw.data, tx->raw.len, str_of(v, "result"));
        tx_unref(tx);
        psbt_clear(&p);
    }
    json_decref(root);
}

/* -- Taproot: BIP 341's vectors, by way of PSBT_IN_TAP_* -- */

static void put_hex(struct psbt *p, uint32_t i, uint64_t type, const char *hex)
{
    struct buf b = {0};
    if (*hex != '\0')
        psbt_put(p, &p->in[i], type, psbt_no_key(), hex_to(&b, hex));
    buf_clear(&b);
}

static void sign_key_path(struct psbt *p, const struct sighash_data *hashes,
                          const json_t *v)
{
    const json_t *given = json_object_get(v, "given");
    const json_t *mid = json_object_get(v, "intermediary");
    const json_t *want = json_object_get(json_object_get(v, "expected"), "witness");
    uint32_t at = (uint32_t)json_integer_value(json_object_get(given, "txinIndex"));
    int type = (int)json_integer_value(json_object_get(given, "hashType"));
    struct keystore keys;
    uint8_t secret[32];
    hex_to_fixed(secret, 32, str_of(given, "internalPrivkey"));
    keystore_init(&keys);
    keystore_add_secret(&keys, secret, true);
    put_hex(p, at, PSBT_IN_TAP_INTERNAL_KEY, str_of(mid, "internalPubkey"));
    put_hex(p, at, PSBT_IN_TAP_MERKLE_ROOT, str_of(given, "merkleRoot"));
    const struct psbt_signer how = {&keys, type, false, false};
    assert_true(psbt_sign_input(p, at, hashes, &how, NULL));
    struct bytes sig = psbt_value(&p->in[at], PSBT_IN_TAP_KEY_SIG);
    assert_hex(sig.data, sig.len, str_at(want, 0));
    keystore_clear(&keys);
}

static void signs_key_paths(void **state UNUSED)
{
    json_t *all = load_vectors("bitcoin/bip341_wallet_vectors.json");
    const json_t *spend = json_array_get(json_object_get(all, "keyPathSpending"), 0);
    const json_t *given = json_object_get(spend, "given"), *v;
    struct buf raw = {0};
    struct sighash_data hashes;
    struct psbt p;
    size_t i;
    hex_to(&raw, str_of(given, "rawUnsignedTx"));
    struct tx *tx = tx_from_bytes(raw.data, raw.len, true);
    psbt_create(&p, tx, 2);
    json_array_foreach(json_object_get(given, "utxosSpent"), i, v)
    {
        struct txout spent = {.script = hex_to(&raw, str_of(v, "scriptPubKey"))};
        spent.value = amount_of(json_integer_value(json_object_get(v, "amountSats")));
        psbt_set_prev_out(&p, (uint32_t)i, &spent);
    }
    psbt_hashes_init(&hashes, &p);
    json_array_foreach(json_object_get(spend, "inputSpending"), i, v)
        sign_key_path(&p, &hashes, v);
    assert_false(psbt_finalize(&p)); /* two inputs are of other kinds */
    sighash_data_clear(&hashes);
    psbt_clear(&p);
    tx_unref(tx);
    buf_clear(&raw);
    json_decref(all);
}

/* -- Trees -- */

static void trees_must_be_whole(void **state UNUSED)
{
    static const struct {
        const char *tree, *error;
    } cases[] = {
        {"", "Output Taproot tree must not be empty"},
        {"00c00151", NULL},
        {"01c00151"
         "01c00152",
         NULL},
        {"01c00151"
         "02c00152"
         "02c00153",
         NULL},
        {"02c00151"
         "02c00152"
         "01c00153",
         NULL},
        {"03c00151"
         "03c00152"
         "02c00153"
         "01c00154",
         NULL},
        {"01c00151", "Output Taproot tree is malformed"},
        {"00c00151"
         "00c00152",
         "Output Taproot tree is malformed"},
        {"02c00151"
         "01c00152"
         "02c00153",
         "Output Taproot tree is malformed"},
        {"01c00151"
         "01c00152"
         "01c00153",
         "Output Taproot tree is malformed"},
        {"00c002", "Output Taproot tree is malformed"},
        {"00c10151", "Output Taproot tree has a leaf with an invalid leaf version"},
        {"81c00151",
         "Output Taproot tree has as leaf greater than Taproot maximum depth"},
    };
    struct buf b = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *error = tap_tree_check(hex_to(&b, cases[i].tree));
        if (cases[i].error == NULL)
            assert_null(error);
        else
            assert_string_equal(error, cases[i].error);
    }
    buf_clear(&b);
}

/* -- Version 2: BIP 370 -- */

/* One record in hex: its type with key, and its value. */
struct rec {
    const char *key, *value;
};

#define MAX_RECS 8
struct v2 {
    struct rec global[MAX_RECS], in[2][MAX_RECS], out[MAX_RECS];
};

static void put_map(struct sink *s, const struct rec *recs)
{
    struct buf b = {0};
    for (size_t i = 0; i < MAX_RECS && recs[i].key != NULL; i++) {
        write_var(s, hex_to(&b, recs[i].key));
        write_var(s, hex_to(&b, recs[i].value));
    }
    write_u8(s, 0);
    buf_clear(&b);
}

static const char *read_recs(struct psbt *p, const struct v2 *v, size_t n_in)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    const char *error = NULL;
    write_bytes(&s, "psbt\xff", 5);
    put_map(&s, v->global);
    for (size_t i = 0; i < n_in; i++)
        put_map(&s, v->in[i]);
    put_map(&s, v->out);
    if (psbt_read(p, buf_view(&raw), &error))
        error = NULL;
    buf_clear(&raw);
    return error;
}

#define TXID                                                                           \
    "0f", "00000000"                                                                   \
    }                                                                                  \
    ,                                                                                  \
    {                                                                                  \
        "0e", "0b0ad921419c1c8719735d72dc739f9ea9e0638d1fe4c1eef0f9"                   \
              "944084815fc8"
#define GLOBALS                                                                        \
    {"02", "02000000"}, {"04", "02"}, {"05", "01"},                                    \
    {                                                                                  \
        "fb", "02000000"                                                               \
    }
#define OUTPUT                                                                         \
    {"03", "0008af2f00000000"},                                                        \
    {                                                                                  \
        "04", "0014c430f64c4756da310dbd1a085572ef29"                                   \
    }

/* Heights and times that two inputs ask for, and what comes of it. */
static void locktime_is_determined(void **state UNUSED)
{
    static const struct {
        const char *height[2], *time[2], *fallback;
        uint32_t want;
        bool bad;
    } cases[] = {
        {{NULL, NULL}, {NULL, NULL}, NULL, 0, false},
        {{NULL, NULL}, {NULL, NULL}, "e8030000", 1000, false},
        {{"10270000", NULL}, {NULL, NULL}, "e8030000", 10000, false},
        {{"10270000", "28230000"}, {NULL, NULL}, NULL, 10000, false},
        {{"10270000", "28230000"}, {"8c8dc462", NULL}, NULL, 10000, false},
        {{"10270000", "28230000"}, {"8c8dc462", "8c8dc462"}, NULL, 10000, false},
        {{NULL, "10270000"}, {"8b8dc462", "8c8dc462"}, NULL, 1657048460, false},
        {{NULL, NULL}, {"8b8dc462", NULL}, NULL, 1657048459, false},
        {{"10270000", NULL}, {NULL, "8c8dc462"}, NULL, 0, true},
        {{"10270000", NULL}, {NULL, "8c8dc462"}, "e8030000", 0, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct psbt p;
        struct v2 v = {{GLOBALS}, {{{TXID}}, {{TXID}}}, {OUTPUT}};
        v.in[1][0].value = "01000000";
        if (cases[i].fallback != NULL)
            v.global[4] = (struct rec){"03", cases[i].fallback};
        for (size_t k = 0; k < 2; k++) {
            struct rec *r = &v.in[k][2];
            if (cases[i].time[k] != NULL)
                *r++ = (struct rec){"11", cases[i].time[k]};
            if (cases[i].height[k] != NULL)
                *r = (struct rec){"12", cases[i].height[k]};
        }
        const char *error = read_recs(&p, &v, 2);
        if (cases[i].bad) {
            assert_string_equal(error, "Inputs require lock times of different kinds");
            continue;
        }
        assert_null(error);
        assert_int_equal(p.tx->locktime, cases[i].want);
        psbt_clear(&p);
    }
}

static void v2_rules(void **state UNUSED)
{
    static const struct {
        const char *why;
        struct v2 v;
    } cases[] = {
        {"Transaction version is required in PSBTv2",
         {{{"04", "02"}, {"05", "01"}, {"fb", "02000000"}},
          {{{TXID}}, {{TXID}}},
          {OUTPUT}}},
        {"Input count is required in PSBTv2",
         {{{"02", "02000000"}, {"05", "01"}, {"fb", "02000000"}},
          {{{TXID}}, {{TXID}}},
          {OUTPUT}}},
        {"Output count is required in PSBTv2",
         {{{"02", "02000000"}, {"04", "02"}, {"fb", "02000000"}},
          {{{TXID}}, {{TXID}}},
          {OUTPUT}}},
        {"Previous output's index is required in PSBTv2",
         {{GLOBALS},
          {{{TXID}},
           {{"0e", "0b0ad921419c1c8719735d72dc739f9ea9e0638d1fe4c1"
                   "eef0f9944084815fc8"}}},
          {OUTPUT}}},
        {"Previous TXID is required in PSBTv2",
         {{GLOBALS}, {{{"0f", "00000000"}}, {{TXID}}}, {OUTPUT}}},
        {"Output amount is required in PSBTv2",
         {{GLOBALS}, {{{TXID}}, {{TXID}}}, {{"04", "51"}}}},
        {"Output script is required in PSBTv2",
         {{GLOBALS}, {{{TXID}}, {{TXID}}}, {{"03", "0008af2f00000000"}}}},
        {"PSBT_GLOBAL_UNSIGNED_TX is not allowed in PSBTv2",
         {{GLOBALS, {"00", "02000000000000000000"}}, {{{TXID}}, {{TXID}}}, {OUTPUT}}},
        {"Required time locktime is not a time",
         {{GLOBALS}, {{{TXID}, {"11", "ff64cd1d"}}, {{TXID}}}, {OUTPUT}}},
        {"Required height locktime is not a height",
         {{GLOBALS}, {{{TXID}, {"12", "0065cd1d"}}, {{TXID}}}, {OUTPUT}}},
        {"Required height locktime is not a height",
         {{GLOBALS}, {{{TXID}, {"12", "00000000"}}, {{TXID}}}, {OUTPUT}}},
        {"Unsupported version number",
         {{{"fb", "01000000"}}, {{{TXID}}, {{TXID}}}, {OUTPUT}}},
        {"DataStream::read(): end of data",
         {{{"02", "02000000"}, {"04", "feffffffff"}, {"05", "01"}, {"fb", "02000000"}},
          {{{TXID}}, {{TXID}}},
          {OUTPUT}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct psbt p;
        const char *error = read_recs(&p, &cases[i].v, 2);
        assert_non_null(error);
        assert_string_equal(error, cases[i].why);
    }
}

#define UNSIGNED                                                                       \
    "02000000010b0ad921419c1c8719735d72dc739f9ea9e0638d1fe4c1eef0f9944084815fc80000"   \
    "000000ffffffff010008af2f000000000151"                                             \
    "00000000"

/* What version 2 brought stays out of version 0, unless it is somebody else's. */
static void v2_fields_are_not_of_v0(void **state UNUSED)
{
    static const struct {
        struct rec global, in, out;
        bool fine;
    } cases[] = {
        {.fine = true},
        {.global = {"02", "02000000"}},
        {.global = {"03", "02000000"}},
        {.global = {"04", "01"}},
        {.global = {"05", "01"}},
        {.global = {"06", "00"}},
        {.in = {"0e",
                "0b0ad921419c1c8719735d72dc739f9ea9e0638d1fe4c1eef0f9944084815fc8"}},
        {.in = {"0f", "00000000"}},
        {.in = {"10", "ffffffff"}},
        {.in = {"11", "8c8dc462"}},
        {.in = {"12", "10270000"}},
        {.out = {"03", "0008af2f00000000"}},
        {.out = {"04", "51"}},
        {.in = {"0fabcd", "00"}, .fine = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct psbt p;
        struct v2 v = {
            {{"00", UNSIGNED}, cases[i].global}, {{cases[i].in}}, {cases[i].out}};
        const char *error = read_recs(&p, &v, 1);
        assert_int_equal(error == NULL, cases[i].fine);
        if (error == NULL)
            psbt_clear(&p);
    }
}

static void versions_convert(void **state UNUSED)
{
    struct psbt p, copy;
    struct v2 v = {{{"00", UNSIGNED}}, {{{"0fabcd", "00"}, {"f0", "01"}}}, {{NULL}}};
    assert_null(read_recs(&p, &v, 1));
    psbt_copy(&copy, &p);
    psbt_convert(&copy, 2);
    assert_null(psbt_value(&copy.global, PSBT_GLOBAL_UNSIGNED_TX).data);
    assert_true(psbt_combine(&p, &copy)); /* the same transaction */
    psbt_convert(&copy, 0);
    assert_true(hash256_equal(&copy.tx->txid, &p.tx->txid));
    assert_non_null(psbt_value(&copy.in[0], 0xf0).data);
    psbt_clear(&copy);
    psbt_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rejects_invalid),
        cmocka_unit_test(reads_valid),
        cmocka_unit_test(signs),
        cmocka_unit_test(combines),
        cmocka_unit_test(finalizes),
        cmocka_unit_test(extracts),
        cmocka_unit_test(signs_key_paths),
        cmocka_unit_test(trees_must_be_whole),
        cmocka_unit_test(locktime_is_determined),
        cmocka_unit_test(v2_rules),
        cmocka_unit_test(v2_fields_are_not_of_v0),
        cmocka_unit_test(versions_convert),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
