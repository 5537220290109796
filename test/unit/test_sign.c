/* Every form of output that can be signed, with every hash type; partial signatures
 * combined. */
#include "vectors.h"

#include "chain/script/descriptor.h"
#include "chain/script/sign.h"
#include "chain/script/taproot_sign.h"
#include "crypto/secp.h"

#define T                                                                              \
    "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ" \
    "2"                                                                                \
    "AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
#define OTHER "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"

struct fixture {
    struct chain_params params;
    struct keystore known; /* what the descriptor's expansion told */
    struct script_list scripts;
    struct tx *tx;
    struct txout spent[2];
    struct sighash_data data;
};

/* A transaction of two inputs, both spending the descriptor's script. */
static void make_tx(struct fixture *f)
{
    static const uint8_t out[] = {OP_RETURN};
    struct outpoint o = {.txid = {{1}}};
    struct mtx m;
    mtx_init(&m);
    for (o.n = 0; o.n < 2; o.n++) {
        mtx_add_in(&m, &o, SEQUENCE_FINAL);
        f->spent[o.n] =
            (struct txout){amount_of(70000), buf_view(&f->scripts.items[0])};
        mtx_add_out(&m, amount_of(1000), bytes_of(out, 1));
    }
    f->tx = mtx_to_tx(&m);
    sighash_data_init(&f->data, f->tx, f->spent, true);
    mtx_clear(&m);
}

static void fixture_init(struct fixture *f, const char *desc)
{
    struct descriptor_list list;
    struct keystore keys;
    char *error;
    assert_true(chain_params_get(&f->params, BITCOIN, "regtest"));
    keystore_init(&keys);
    keystore_init(&f->known);
    if (!descriptor_parse(&list, &f->params, &keys, desc, false, &error))
        fail_msg("%s: %s", desc, error);
    assert_true(descriptor_expand(list.items[0], &f->params, 0, &keys, &f->scripts,
                                  &f->known));
    descriptor_list_clear(&list);
    keystore_clear(&keys);
    make_tx(f);
}

static void fixture_clear(struct fixture *f)
{
    sighash_data_clear(&f->data);
    tx_unref(f->tx);
    script_list_clear(&f->scripts);
    keystore_clear(&f->known);
}

static struct sig_checker checker_of(const struct fixture *f)
{
    return (struct sig_checker){&f->data, 1, f->spent[1].value, NULL, false};
}

static void sign_one(const char *desc, int hash_type)
{
    struct fixture f;
    struct sig_data d = {0};
    fixture_init(&f, desc);
    struct sig_checker checker = checker_of(&f);
    if (!sign_input(&d, &f.known, &checker, f.spent[1].script, hash_type))
        fail_msg("%s, type %d: not signed", desc, hash_type);
    sig_data_clear(&d);
    fixture_clear(&f);
}

static void every_form_is_signed(void **state)
{
    static const char *const descs[] = {
        "pk(" T "/0)",
        "pkh(" T "/0)",
        "wpkh(" T "/0)",
        "sh(wpkh(" T "/0))",
        "multi(1," T "/0," T "/1)",
        "sh(pkh(" T "/0))",
        "sh(multi(2," T "/0," T "/1," T "/2))",
        "wsh(pk(" T "/0))",
        "wsh(pkh(" T "/0))",
        "wsh(multi(3," T "/0," T "/1," T "/2))",
        "sh(wsh(sortedmulti(2," T "/0," T "/1," T "/2)))",
        "tr(" T "/0)",
        "tr(" T "/0,pk(" OTHER "))",
        "tr(" OTHER ",pk(" T "/0))",
        "tr(" OTHER ",{pk(" OTHER "),{pk(" T "/0),pk(" OTHER ")}})",
        "tr(" OTHER ",multi_a(2," T "/0," OTHER "," T "/1))",
        "rawtr(" T "/0)",
    };
    static const int types[] = {
        SIGHASH_DEFAULT,
        SIGHASH_ALL,
        SIGHASH_NONE,
        SIGHASH_SINGLE,
        SIGHASH_ALL | SIGHASH_ANYONECANPAY,
        SIGHASH_NONE | SIGHASH_ANYONECANPAY,
        SIGHASH_SINGLE | SIGHASH_ANYONECANPAY,
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(descs); i++) {
        for (size_t k = 0; k < ARRAY_LEN(types); k++)
            sign_one(descs[i], types[k]);
    }
}

/* A store that has the scripts but only one of the private keys. */
static void keep_secret(struct keystore *out, const struct keystore *all, size_t which)
{
    keystore_init(out);
    for (size_t i = 0; i < all->n_scripts; i++)
        keystore_add_script(out, buf_view(&all->scripts[i]));
    const struct key_entry *e = &all->keys[which];
    keystore_add_key(out, bytes_of(e->pubkey, e->pubkey_len), keystore_secret(all, e),
                     NULL);
}

/* What a signer of one key hands on: the input with what it made. */
static struct tx *signed_by(const struct fixture *f, const struct keystore *keys)
{
    struct sig_data d = {0};
    struct sig_checker checker = checker_of(f);
    struct mtx m;
    assert_false(sign_input(&d, keys, &checker, f->spent[1].script, SIGHASH_ALL));
    assert_int_equal(d.n_sigs, 1);
    mtx_from_tx(&m, f->tx);
    sig_data_store(&d, &m.in[1]);
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    sig_data_clear(&d);
    return tx;
}

static void combine_one(const char *desc)
{
    static const size_t signers[] = {2, 0};
    struct fixture f;
    struct sig_data all = {0};
    struct keystore none;
    keystore_init(&none);
    fixture_init(&f, desc);
    for (size_t i = 0; i < ARRAY_LEN(signers); i++) {
        struct keystore one;
        struct sig_data part;
        struct sighash_data data;
        keep_secret(&one, &f.known, signers[i]);
        struct tx *tx = signed_by(&f, &one);
        sighash_data_init(&data, tx, f.spent, true);
        struct sig_checker checker = {&data, 1, f.spent[1].value, NULL, false};
        sig_data_from_input(&part, &checker, f.spent[1].script);
        assert_int_equal(part.n_sigs, 1);
        sig_data_merge(&all, &part);
        sig_data_clear(&part);
        sighash_data_clear(&data);
        tx_unref(tx);
        keystore_clear(&one);
    }
    struct sig_checker checker = checker_of(&f);
    assert_true(sign_input(&all, &none, &checker, f.spent[1].script, SIGHASH_ALL));
    sig_data_clear(&all);
    fixture_clear(&f);
}

static void partial_signatures_combine(void **state)
{
    (void)state;
    combine_one("multi(2," T "/0," T "/1," T "/2)");
    combine_one("sh(multi(2," T "/0," T "/1," T "/2))");
    combine_one("wsh(multi(2," T "/0," T "/1," T "/2))");
    combine_one("sh(wsh(multi(2," T "/0," T "/1," T "/2)))");
}

static void a_lone_key_spends_its_taproot_output(void **state)
{
    struct fixture f;
    struct keystore keys;
    struct sig_data d = {0};
    (void)state;
    fixture_init(&f, "tr(" T "/0)");
    keystore_init(&keys);
    keystore_add_secret(&keys, f.known.secrets[0], true);
    struct sig_checker checker = checker_of(&f);
    assert_false(sign_input(&d, &keys, &checker, f.spent[1].script, SIGHASH_DEFAULT));
    keystore_add_bip86(&keys);
    assert_true(sign_input(&d, &keys, &checker, f.spent[1].script, SIGHASH_DEFAULT));
    assert_int_equal(d.witness[0].len, 64);
    sig_data_clear(&d);
    keystore_clear(&keys);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_signed),
        cmocka_unit_test(partial_signatures_combine),
        cmocka_unit_test(a_lone_key_spends_its_taproot_output),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
