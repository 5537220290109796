/* The test vectors of BIPs 380 (checksums, key expressions), 381 and 382 (scripts), and
 * the rule of 389: a multipath descriptor stands for the ones that it abbreviates. */
#include "vectors.h"

#include "chain/script/descriptor.h"
#include "crypto/secp.h"

#define PUB "0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600"
#define LONG                                                                           \
    "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa" \
    "8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
#define WIF  "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
#define WIFU "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"
#define XPUB                                                                           \
    "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4" \
    "ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
#define XPRV                                                                           \
    "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU" \
    "6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"

static bool parses(const char *text)
{
    struct chain_params p;
    struct descriptor_list list;
    char *error = NULL;
    assert_true(chain_params_get(&p, BITCOIN, "main"));
    bool ok = descriptor_parse(&list, &p, NULL, text, false, &error);
    if (ok)
        descriptor_list_clear(&list);
    assert_int_equal(ok, error == NULL);
    free(error);
    return ok;
}

static bool key_parses(const char *key)
{
    char text[512];
    snprintf(text, sizeof(text), "pk(%s)", key);
    return parses(text);
}

static void checksums(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"raw(deadbeef)#89f8spxm", true},  {"raw(deadbeef)", true},
        {"raw(deadbeef)#", false},         {"raw(deadbeef)#89f8spxmx", false},
        {"raw(deadbeef)#89f8spx", false},  {"raw(dedbeef)#89f8spxm", false},
        {"raw(deadbeef)##9f8spxm", false}, {"raw(\xc3\x9c)#00000000", false},
        {"raw(deedbeef)#89f8spxm", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (parses(cases[i].text) != cases[i].valid)
            fail_msg("%s", cases[i].text);
    }
}

static void valid_key_expressions(void **state)
{
    static const char *const keys[] = {
        PUB,
        LONG,
        "[deadbeef/0h/0h/0h]" PUB,
        "[deadbeef/0'/0'/0']" PUB,
        "[deadbeef/0'/0h/0']" PUB,
        "[deadbeef]" PUB,
        WIFU,
        WIF,
        XPUB,
        "[deadbeef/0h/1h/2h]" XPUB,
        "[deadbeef/0h/1h/2h]" XPUB "/3/4/5",
        "[deadbeef/0h/1h/2h]" XPUB "/3/4/5/*",
        XPUB "/3h/4h/5h/*",
        XPUB "/3h/4h/5h/*h",
        XPUB "/2147483647'/0",
        XPRV,
        XPRV "/3/4/5",
        XPRV "/3h/4h/5h/*'",
        "[01234567/10/20]" XPRV "/2147483647'/0",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!key_parses(keys[i]))
            fail_msg("%s", keys[i]);
    }
}

static void invalid_key_expressions(void **state)
{
    static const char *const keys[] = {
        "[deadbeef/0h/0h/0h/*]" PUB, /* a range in the origin */
        "[deadbeef/0h/0h/0h/]" PUB,  /* a slash too many */
        "[deadbef/0h/0h/0h]" PUB,    /* fingerprints have eight digits */
        "[deadbeeef/0h/0h/0h]" PUB,
        "[deadbeef/0f/0f/0f]" PUB, /* not how hardened steps are marked */
        "[deadbeef/-0/-0/-0]" PUB, /* negative */
        WIF "/0",                  /* a single key has no children */
        PUB "/0",
        XPRV "/2147483648", /* too large */
        XPRV "/1aa",
        XPRV "/0'h",
        "[aaaaaaaa][aaaaaaaa]" XPRV, /* two origins */
        "aaaaaaaa]" XPRV,
        "[gaaaaaaa]" XPRV, /* not hex */
        "[aaaaaaaa" XPRV,
        XPRV "/**",
        "",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (key_parses(keys[i]))
            fail_msg("%s", keys[i]);
    }
}

/* The script at a position, in hex. */
static void script_at(struct buf *hex, const char *text, size_t which, uint32_t pos)
{
    struct chain_params p;
    struct descriptor_list list;
    struct script_list scripts;
    struct keystore keys;
    char *error;
    keystore_init(&keys);
    assert_true(chain_params_get(&p, BITCOIN, "main"));
    if (!descriptor_parse(&list, &p, &keys, text, false, &error))
        fail_msg("%s: %s", text, error);
    assert_true(which < list.n);
    assert_true(descriptor_expand(list.items[which], &p, pos, &keys, &scripts, NULL));
    buf_reset(hex);
    hex_append(hex, scripts.items[0].data, scripts.items[0].len);
    script_list_clear(&scripts);
    descriptor_list_clear(&list);
    keystore_clear(&keys);
}

static void scripts(void **state)
{
    static const struct {
        const char *text, *script;
    } cases[] = {
        {"pk(" WIF ")",
         "2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac"},
        {"pkh(" WIFU ")", "76a914b5bd079c4d57cc7fc28ecf8213a6b791625b818388ac"},
        {"sh(pk(" WIF "))", "a9141857af51a5e516552b3086430fd8ce55f7c1a52487"},
        {"sh(pkh(" WIF "))", "a9141a31ad23bf49c247dd531a623c2ef57da3c400c587"},
        {"wsh(pk(" WIF "))",
         "00202e271faa2325c199d25d22e1ead982e45b64eeb4f31e73dbdf41bd4b5fec23fa"},
        {"wsh(pkh(" WIF "))",
         "0020338e023079b91c58571b20e602d7805fb808c22473cbc391a41b1bd3a192e75b"},
        {"sh(wsh(pk(" WIF ")))", "a91472d0c5a3bfad8c3e7bd5303a72b94240e80b6f1787"},
        {"sh(wsh(pkh(" WIF ")))", "a914b61b92e2ca21bac1e72a3ab859a742982bea960a87"},
    };
    struct buf hex = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        script_at(&hex, cases[i].text, 0, 0);
        if (strcmp(buf_cstr(&hex), cases[i].script) != 0)
            fail_msg("%s: %s", cases[i].text, buf_cstr(&hex));
    }
    buf_clear(&hex);
}

static void multipath_abbreviates(void **state)
{
    static const struct {
        const char *multi, *single[3];
    } cases[] = {
        {"pk(" XPRV "/<0;1>)", {"pk(" XPRV "/0)", "pk(" XPRV "/1)"}},
        {"pkh(" XPRV "/<2147483647'h;0>/0)", {NULL}}, /* not a step */
        {"wpkh(" XPRV "/<0h;1h>/*)", {"wpkh(" XPRV "/0h/*)", "wpkh(" XPRV "/1h/*)"}},
        {"multi(2," XPUB "/<1;2;3>/0/*," XPRV "/0'/<0;7;9>/*)",
         {"multi(2," XPUB "/1/0/*," XPRV "/0'/0/*)",
          "multi(2," XPUB "/2/0/*," XPRV "/0'/7/*)",
          "multi(2," XPUB "/3/0/*," XPRV "/0'/9/*)"}},
        {"sh(wsh(pkh(" XPUB "/<4;5>/*)))",
         {"sh(wsh(pkh(" XPUB "/4/*)))", "sh(wsh(pkh(" XPUB "/5/*)))"}},
        {"tr(" XPUB "/<0;1>/*,{pk(" PUB "),pk(" XPRV "/<6;7>/*)})",
         {"tr(" XPUB "/0/*,{pk(" PUB "),pk(" XPRV "/6/*)})",
          "tr(" XPUB "/1/*,{pk(" PUB "),pk(" XPRV "/7/*)})"}},
    };
    struct buf got = {0}, want = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(parses(cases[i].multi), cases[i].single[0] != NULL);
        for (size_t k = 0; k < 3 && cases[i].single[k] != NULL; k++) {
            script_at(&got, cases[i].multi, k, 5);
            script_at(&want, cases[i].single[k], 0, 5);
            assert_string_equal(buf_cstr(&got), buf_cstr(&want));
        }
    }
    buf_clear(&got);
    buf_clear(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums),
        cmocka_unit_test(valid_key_expressions),
        cmocka_unit_test(invalid_key_expressions),
        cmocka_unit_test(scripts),
        cmocka_unit_test(multipath_abbreviates),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
