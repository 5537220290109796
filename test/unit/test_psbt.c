/* PSBTs of both versions: bitcoind's vectors for every role, and BIP 370's rules. */
#include "vectors.h"

#include "chain/script/address.h"
#include "crypto/secp.h"
#include "wallet/psbt.h"

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
        print_message("signer %zu\n", i);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rejects_invalid), cmocka_unit_test(reads_valid),
        cmocka_unit_test(signs),           cmocka_unit_test(combines),
        cmocka_unit_test(finalizes),       cmocka_unit_test(extracts),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
