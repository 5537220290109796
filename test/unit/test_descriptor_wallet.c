/* What wallets need of descriptors: private and normalised text, the cache behind
 * hardened steps, output types and sizes. */
#include "unit.h"

#include <stdlib.h>

#include "chain/script/descriptor.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "util/hex.h"
#include "util/reader.h"
#include "util/sink.h"

/* BIP 32, test vector 1: the master key, m/0h and m/0h/1. */
#define XPRV                                                                           \
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF" \
    "5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
#define XPUB                                                                           \
    "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8Y" \
    "tGqsefD265TMg7usUDFdp6W1EGMcet8"
#define XPUB_0H                                                                        \
    "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCd" \
    "rfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw"
#define NOBODY      "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"
#define FINGERPRINT "3442193e"
#define WIF         "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
#define KEY         "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
#define XONLY       "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"

struct fixture {
    struct chain_params p;
    struct keystore keys;
    struct descriptor_list list;
    const struct descriptor *d;
};

static void open_fixture(struct fixture *f, const char *text)
{
    char *error;
    assert_true(chain_params_get(&f->p, BITCOIN, "main"));
    keystore_init(&f->keys);
    if (!descriptor_parse(&f->list, &f->p, &f->keys, text, false, &error))
        fail_msg("%s: %s", text, error);
    f->d = f->list.items[0];
}

static void close_fixture(struct fixture *f)
{
    descriptor_list_clear(&f->list);
    keystore_clear(&f->keys);
}

static void assert_text(const char *got, const char *want)
{
    assert_non_null(got);
    assert_int_equal(strlen(got), strlen(want) + 9);
    assert_memory_equal(got, want, strlen(want));
}

static void private_text_is_what_was_read(void **state)
{
    static const char *const cases[] = {
        "wpkh(" XPRV "/0h/1/*)",
        "pkh([deadbeef/44']" XPRV "/0'/*')",
        "sh(wsh(multi(1," WIF "," XPRV "/7)))",
        "tr(" WIF ",{pk(" XPRV "/*),pk(" WIF ")})",
        "addr(1F1tAaz5x1HUXrCNLbtMDqcw6o5GNn4xqX)",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        open_fixture(&f, cases[i]);
        char *text = descriptor_to_string_private(f.d, &f.p, &f.keys);
        assert_text(text, cases[i]);
        secret_free(text);
        assert_int_equal(descriptor_count_private(f.d, &f.keys),
                         descriptor_n_keys(f.d));
        close_fixture(&f);
    }
}

static void private_text_needs_every_key(void **state)
{
    struct fixture f;
    (void)state;
    open_fixture(&f, "wsh(multi(1," WIF "," XPUB "/7))");
    assert_int_equal(descriptor_n_keys(f.d), 2);
    assert_int_equal(descriptor_count_private(f.d, &f.keys), 1);
    assert_null(descriptor_to_string_private(f.d, &f.p, &f.keys));
    close_fixture(&f);
}

static void normalised_text_moves_hardened_steps_into_the_origin(void **state)
{
    static const struct {
        const char *desc, *want;
    } cases[] = {
        {"wpkh(" XPRV "/0'/1/*)", "wpkh([" FINGERPRINT "/0h]" XPUB_0H "/1/*)"},
        {"wpkh([deadbeef/9']" XPRV "/0h)", "wpkh([deadbeef/9h/0h]" XPUB_0H ")"},
        {"wpkh(" XPRV "/0/*)", "wpkh(" XPUB "/0/*)"},
        {"wpkh(" XPRV "/0'/*')", "wpkh(" XPUB "/0h/*h)"},
        {"pkh(" WIF ")", "pkh(" KEY ")"},
        {"tr(" WIF ")", "tr(" XONLY ")"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        open_fixture(&f, cases[i].desc);
        char *text = descriptor_to_string_normalized(f.d, &f.p, NULL, &f.keys);
        assert_text(text, cases[i].want);
        free(text);
        close_fixture(&f);
    }
}

static void copy_cache(struct descriptor_cache *to, const struct descriptor_cache *from,
                       const struct descriptor *d, uint32_t begin, uint32_t end)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    struct reader r;
    descriptor_cache_write(from, d, &s, begin, end);
    reader_init(&r, raw.data, raw.len);
    assert_true(descriptor_cache_read(to, d, &r));
    for (size_t cut = 1; cut < 30 && cut < raw.len; cut++) {
        struct descriptor_cache other;
        descriptor_cache_init(&other);
        reader_init(&r, raw.data, raw.len - cut);
        assert_false(descriptor_cache_read(&other, d, &r));
        descriptor_cache_clear(&other);
    }
    buf_clear(&raw);
}

static void assert_same_expansion(const struct fixture *f,
                                  const struct descriptor_cache *cache, uint32_t pos)
{
    struct script_list with_keys, with_cache;
    struct keystore known;
    keystore_init(&known);
    assert_true(descriptor_expand(f->d, &f->p, pos, &f->keys, &with_keys, NULL));
    assert_true(
        descriptor_expand_cached(f->d, &f->p, pos, NULL, cache, &with_cache, &known));
    assert_int_equal(with_keys.n, with_cache.n);
    for (size_t i = 0; i < with_keys.n; i++)
        assert_true(
            bytes_equal(buf_view(&with_keys.items[i]), buf_view(&with_cache.items[i])));
    for (size_t i = 0; i < known.n_keys; i++)
        assert_false(known.keys[i].has_secret);
    script_list_clear(&with_keys);
    script_list_clear(&with_cache);
    keystore_clear(&known);
}

static void the_cache_stands_in_for_private_keys(void **state)
{
    static const char *const cases[] = {
        "wpkh(" XPRV "/84h/0h/0h/0/*)",
        "wpkh(" XPRV "/0h/*h)",
        "pkh(" XPRV "/*h)",
        "wsh(sortedmulti(2," XPRV "/0h/*," XPUB "/1/*," XPRV "/3/*h))",
        "tr(" XPRV "/86h/*,{pk(" XPRV "/1h/2),pk(" XPRV "/*h)})",
        "combo(" XPRV "/1h/2/3)",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        struct descriptor_cache cache, copy;
        struct script_list scripts;
        open_fixture(&f, cases[i]);
        descriptor_cache_init(&cache);
        descriptor_cache_init(&copy);
        assert_false(descriptor_cache_fill(&cache, f.d, NULL, 0, 4));
        assert_false(
            descriptor_expand_cached(f.d, &f.p, 1, NULL, &cache, &scripts, NULL));
        assert_true(descriptor_cache_fill(&cache, f.d, &f.keys, 0, 4));
        assert_true(descriptor_cache_fill(&cache, f.d, NULL, 1, 3));
        copy_cache(&copy, &cache, f.d, 0, 2);
        copy_cache(&copy, &cache, f.d, 2, 4);
        for (uint32_t pos = 0; pos < 4; pos++) {
            assert_same_expansion(&f, &cache, pos);
            assert_same_expansion(&f, &copy, pos);
        }
        char *a = descriptor_to_string_normalized(f.d, &f.p, &copy, NULL);
        char *b = descriptor_to_string_normalized(f.d, &f.p, NULL, &f.keys);
        assert_string_equal(a, b);
        free(a);
        free(b);
        descriptor_cache_clear(&cache);
        descriptor_cache_clear(&copy);
        close_fixture(&f);
    }
}

static void output_types_and_weights(void **state)
{
    /* Weights of whole inputs with signatures of low R, in a transaction that has
     * witnesses. */
    static const struct {
        const char *desc;
        enum output_type type;
        int64_t weight;
    } cases[] = {
        {"pk(" KEY ")", OUTPUT_NONE, (41 + 72) * 4 + 1},
        {"pkh(" KEY ")", OUTPUT_LEGACY, (41 + 72 + 34) * 4 + 1},
        {"wpkh(" KEY ")", OUTPUT_BECH32, 41 * 4 + 1 + 72 + 34},
        {"sh(wpkh(" KEY "))", OUTPUT_P2SH_SEGWIT, (41 + 23) * 4 + 1 + 72 + 34},
        {"sh(pkh(" KEY "))", OUTPUT_LEGACY, (41 + 72 + 34 + 26) * 4 + 1},
        {"wsh(multi(1," KEY "," KEY "))", OUTPUT_BECH32,
         41 * 4 + 1 + 1 + 72 + 1 + 3 + 2 * 34},
        {"sh(wsh(pk(" KEY ")))", OUTPUT_P2SH_SEGWIT, (41 + 35) * 4 + 1 + 72 + 1 + 35},
        {"tr(" XONLY ")", OUTPUT_BECH32M, 41 * 4 + 1 + 66},
        {"rawtr(" XONLY ")", OUTPUT_BECH32M, 41 * 4 + 1 + 66},
        {"tr(" XONLY ",pk(" XONLY "))", OUTPUT_BECH32M, 41 * 4 + 1 + 66},
        /* by its leaf: signature, script of 34 bytes, control block */
        {"tr(" NOBODY ",pk(" XONLY "))", OUTPUT_BECH32M, 41 * 4 + 1 + 66 + 35 + 34},
        {"tr(" NOBODY ",{pk(" XONLY "),multi_a(1," XONLY "," XONLY ")})",
         OUTPUT_BECH32M, 41 * 4 + 1 + 66 + 1 + 1 + 70 + 1 + 65},
        {"combo(" KEY ")", OUTPUT_NONE, -1},
        {"multi(1," KEY ")", OUTPUT_NONE, (41 + 1 + 72) * 4 + 1},
        {"addr(1F1tAaz5x1HUXrCNLbtMDqcw6o5GNn4xqX)", OUTPUT_LEGACY, -1},
        {"raw(5120" XONLY ")", OUTPUT_BECH32M, -1},
        {"raw(6a)", OUTPUT_NONE, -1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        open_fixture(&f, cases[i].desc);
        assert_int_equal(descriptor_output_type(f.d), cases[i].type);
        int64_t weight = descriptor_input_weight(f.d, SPEND_LOW_R, true);
        if (weight != cases[i].weight)
            fail_msg("%s: %lld", cases[i].desc, (long long)weight);
        close_fixture(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_text_is_what_was_read),
        cmocka_unit_test(private_text_needs_every_key),
        cmocka_unit_test(normalised_text_moves_hardened_steps_into_the_origin),
        cmocka_unit_test(the_cache_stands_in_for_private_keys),
        cmocka_unit_test(output_types_and_weights),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
