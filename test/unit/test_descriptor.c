/* Descriptors: BIP 380 to 386 examples, bitcoind's refusals, printing, inference. */
#include "vectors.h"

#include "chain/script/descriptor.h"
#include "crypto/secp.h"

#define XPUB                                                                           \
    "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8ido" \
    "c"                                                                                \
    "4a6mr8BDzTJY47LJhkJ8UB7WEGuduB"
#define KEY   "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
#define XONLY "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
#define OWN   "[01020304]" XONLY
#define LONG_KEY                                                                       \
    "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa" \
    "8"                                                                                \
    "722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
#define TPRV                                                                           \
    "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ" \
    "2"                                                                                \
    "AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"

static struct chain_params params_of(const char *name)
{
    struct chain_params p;
    assert_true(chain_params_get(&p, BITCOIN, name));
    return p;
}

static void scripts_of_vectors(void **state)
{
    static const struct {
        const char *desc;
        uint32_t pos;
        const char *scripts[4];
    } cases[] = {
        {"pk(" KEY ")",
         0,
         {"2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac"}},
        {"pkh(L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1)",
         0,
         {"76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac"}},
        {"wpkh(" KEY ")", 0, {"00149a1c78a507689f6f54b847ad1cef1e614ee23f1e"}},
        {"sh(wpkh(" KEY "))", 0, {"a91484ab21b1b2fd065d4504ff693d832434b6108d7b87"}},
        {"combo(" KEY ")",
         0,
         {"2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac",
          "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac",
          "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e",
          "a91484ab21b1b2fd065d4504ff693d832434b6108d7b87"}},
        {"tr(" XONLY ")",
         0,
         {"512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"}},
        {"tr(L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1)",
         0,
         {"512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"}},
        {"tr(" XONLY
         ",pk(669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0))",
         0,
         {"512017cf18db381d836d8923b1bdb246cfcd818da1a9f0e6e7907f187f0b2f937754"}},
        {"tr(" XONLY ",{pk(" XONLY
         "),{{pk(669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a"
         "929adbec52421adbd0),pk("
         "02df12b7035bdac8e3bab862a3a83d06ea6b17b6753d52edecba9be46"
         "f5d09e076)},pk("
         "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)"
         "}})",
         0,
         {"51202981822827831a5e6fbb3ad458f33ca620edf8e045d18d39f14881035ff1af19"}},
        {"rawtr(" XONLY ")", 0, {"5120" XONLY}},
        {"raw(deadbeef)", 0, {"deadbeef"}},
        {"addr(1F1tAaz5x1HUXrCNLbtMDqcw6o5GNn4xqX)",
         0,
         {"76a91499bc78ba577a95a11f1a344d4d2ae55f2f857b9888ac"}},
        {"multi(1," KEY "," LONG_KEY ")", 0, {"5121" KEY "41" LONG_KEY "52ae"}},
        {"sortedmulti(1,"
         "03acd484e2f0c7f65309ad178a9f559abde09796974c57e714c35f110dfc27ccbe,"
         "022f01e5e15cca351daff3843fb70f3c2f0a1bdd05e5af888a67784ef3e10a2a01)",
         0,
         {"5121022f01e5e15cca351daff3843fb70f3c2f0a1bdd05e5af888a67784ef3e10a2a012103ac"
          "d484e2"
          "f0c7f65309ad178a9f559abde09796974c57e714c35f110dfc27ccbe52ae"}},
    };
    struct chain_params p = params_of("main");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct descriptor_list list;
        struct script_list scripts;
        char *error;
        if (!descriptor_parse(&list, &p, NULL, cases[i].desc, false, &error))
            fail_msg("%s: %s", cases[i].desc, error);
        assert_true(
            descriptor_expand(list.items[0], &p, cases[i].pos, NULL, &scripts, NULL));
        for (size_t k = 0; k < scripts.n; k++)
            assert_hex(scripts.items[k].data, scripts.items[k].len,
                       cases[i].scripts[k]);
        assert_true(scripts.n == 4 || cases[i].scripts[scripts.n] == NULL);
        script_list_clear(&scripts);
        descriptor_list_clear(&list);
    }
}

static void addresses_of_ranges(void **state)
{
    static const char *const expected[] = {
        "bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5",
        "bcrt1qhku5rq7jz8ulufe2y6fkcpnlvpsta7rq4442dy",
        "bcrt1qpgptk2gvshyl0s9lqshsmx932l9ccsv265tvaq",
    };
    struct chain_params p = params_of("regtest");
    struct descriptor_list list;
    struct keystore keys;
    char *error;
    (void)state;
    keystore_init(&keys);
    assert_true(descriptor_parse(&list, &p, &keys, "wpkh(" TPRV "/1/1/*)#kft60nuy",
                                 true, &error));
    assert_true(descriptor_is_range(list.items[0]));
    assert_int_equal(keys.n_keys, 1);
    for (uint32_t i = 0; i < 3; i++) {
        struct script_list scripts;
        struct destination d;
        char address[ADDRESS_MAX];
        assert_true(descriptor_expand(list.items[0], &p, i, &keys, &scripts, NULL));
        assert_true(destination_from_script(&d, buf_view(&scripts.items[0])));
        assert_string_equal(address_encode(address, &p, &d), expected[i]);
        script_list_clear(&scripts);
    }
    descriptor_list_clear(&list);
    keystore_clear(&keys);
}

static void hardened_steps_need_the_private_key(void **state)
{
    struct chain_params p = params_of("regtest");
    struct descriptor_list list;
    struct script_list scripts;
    struct keystore keys;
    char *error;
    (void)state;
    keystore_init(&keys);
    assert_true(
        descriptor_parse(&list, &p, &keys, "wpkh(" TPRV "/1'/*h)", false, &error));
    assert_false(descriptor_expand(list.items[0], &p, 0, NULL, &scripts, NULL));
    assert_true(descriptor_expand(list.items[0], &p, 0, &keys, &scripts, NULL));
    script_list_clear(&scripts);
    descriptor_list_clear(&list);
    keystore_clear(&keys);
}

static void printing_gives_the_same_back(void **state)
{
    static const char *const cases[] = {
        "pk(" KEY ")",
        "pkh([deadbeef/1/2h/3/4h]" XPUB "/0h/*)",
        "pkh([deadbeef/1/2'/3/4']" XPUB "/0'/*')",
        "wpkh([00000000]" XPUB "/*h)",
        "sh(wsh(sortedmulti(2," XPUB "/*," KEY ")))",
        "tr(" XONLY ",{pk(" XONLY "),{multi_a(1," XONLY "," KEY "),pk(" XPUB "/*)}})",
        "tr(" XONLY ",{{pk(" XONLY "),pk(" KEY ")},pk(" KEY ")})",
        "tr(" XONLY ",sortedmulti_a(2," XPUB "/1/*," XPUB "/2/*))",
        "rawtr(" XONLY ")",
        "raw(6a)",
        "addr(1F1tAaz5x1HUXrCNLbtMDqcw6o5GNn4xqX)",
    };
    struct chain_params p = params_of("main");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct descriptor_list list;
        char *error;
        if (!descriptor_parse(&list, &p, NULL, cases[i], false, &error))
            fail_msg("%s: %s", cases[i], error);
        char *text = descriptor_to_string(list.items[0], &p);
        assert_int_equal(strlen(text), strlen(cases[i]) + 9);
        assert_memory_equal(text, cases[i], strlen(cases[i]));
        struct descriptor_list again;
        assert_true(descriptor_parse(&again, &p, NULL, text, true, &error));
        descriptor_list_clear(&again);
        free(text);
        descriptor_list_clear(&list);
    }
}

static void multipath_expands(void **state)
{
    struct chain_params p = params_of("main");
    struct descriptor_list list;
    char *error;
    (void)state;
    assert_true(descriptor_parse(&list, &p, NULL,
                                 "wsh(multi(1," XPUB "/<0;1;7h>/*," KEY "))", false,
                                 &error) == true);
    assert_int_equal(list.n, 3);
    char *text = descriptor_to_string(list.items[2], &p);
    assert_non_null(strstr(text, "/7h/*,03a34b"));
    free(text);
    descriptor_list_clear(&list);
}

static void refusals(void **state)
{
    static const struct {
        const char *desc, *error;
    } cases[] = {
        {"", "'' is not a valid descriptor function"},
        {"foo(" KEY ")", "'foo(" KEY ")' is not a valid descriptor function"},
        {"pk()", "pk(): No key provided"},
        {"pk(abcd)", "pk(): Pubkey 'abcd' is invalid"},
        {"pk(zz)", "pk(): key 'zz' is not valid"},
        {"wpkh(" LONG_KEY ")", "wpkh(): Uncompressed keys are not allowed"},
        {"wsh(pk(" LONG_KEY "))", "pk(): Uncompressed keys are not allowed"},
        {"sh(" KEY ")", "A function is needed within P2SH"},
        {"wsh(" KEY ")", "A function is needed within P2WSH"},
        {"sh(sh(pk(" KEY ")))", "Can only have sh() at top level"},
        {"wsh(wpkh(" KEY "))", "Can only have wpkh() at top level or inside sh()"},
        {"sh(combo(" KEY "))", "Can only have combo() at top level"},
        {"multi(a," KEY ")", "Multi threshold 'a' is not valid"},
        {"multi(0," KEY ")", "Multisig threshold cannot be 0, must be at least 1"},
        {"multi(2," KEY ")", "Multisig threshold cannot be larger than the number of "
                             "keys; threshold is 2 but "
                             "only 1 keys specified"},
        {"multi(1," KEY "," KEY "," KEY "," KEY ")",
         "Cannot have 4 pubkeys in bare multisig; only at most 3 pubkeys"},
        {"multi_a(1," KEY ")", "Can only have multi_a/sortedmulti_a inside tr()"},
        {"pkh([12345678]" KEY "]" KEY ")",
         "pkh(): Multiple ']' characters found for a single pubkey"},
        {"pkh(12345678]" KEY ")", "pkh(): Key origin start '[ character expected but "
                                  "not found, got '1' instead"},
        {"pkh([123456]" KEY ")",
         "pkh(): Fingerprint is not 4 bytes (6 characters instead of 8 characters)"},
        {"pkh([zzzzzzzz]" KEY ")", "pkh(): Fingerprint 'zzzzzzzz' is not hex"},
        {"pkh(" XPUB "/a)", "pkh(): Key path value 'a' is not a valid uint32"},
        {"pkh(" XPUB "/2147483648)",
         "pkh(): Key path value 2147483648 is out of range"},
        {"pkh(" XPUB "//*)", "pkh(): Key path value '' is not a valid uint32"},
        {"pkh(" XPUB "/<0>/*)",
         "pkh(): Multipath key path specifiers must have at least two items"},
        {"pkh(" XPUB "/<0;0>/*)",
         "pkh(): Duplicated key path value 0 in multipath specifier"},
        {"pkh(" XPUB "/<0;1>/<0;1>)",
         "pkh(): Multiple multipath key path specifiers found"},
        {"multi(1," XPUB "/<0;1>," XPUB "/<0;1;2>)",
         "multi(): Multipath derivation paths have mismatched lengths"},
        {"addr(nothing)", "Address is not valid"},
        {"raw(xyz)", "Raw script is not hex"},
        {"tr(" XONLY ",{pk(" KEY ")})", "tr(): expected ',' after script expression"},
        {"pk(" KEY ")#", "Expected 8 character checksum, not 0 characters"},
        {"pk(" KEY ")##", "Multiple '#' symbols"},
        {"raw(deadbeef)#89f8spxn",
         "Provided checksum '89f8spxn' does not match computed checksum '89f8spxm'"},
        {"raw(\xc3\x84)", "Invalid characters in payload"},
    };
    struct chain_params p = params_of("main");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct descriptor_list list;
        char *error;
        assert_false(descriptor_parse(&list, &p, NULL, cases[i].desc, false, &error));
        assert_string_equal(error, cases[i].error);
        free(error);
    }
}

static void scripts_are_described(void **state)
{
    static const struct {
        const char *script, *desc;
    } cases[] = {
        {"76a91499bc78ba577a95a11f1a344d4d2ae55f2f857b9888ac",
         "addr(1F1tAaz5x1HUXrCNLbtMDqcw6o5GNn4xqX)"},
        {"21" KEY "ac", "pk(" KEY ")"},
        {"5121" KEY "51ae", "multi(1," KEY ")"},
        {"5120" XONLY, "rawtr(" XONLY ")"},
        {"6a02abcd", "raw(6a02abcd)"},
        {"", "raw()"},
    };
    struct chain_params p = params_of("main");
    struct buf script = {0}, text = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&text);
        descriptor_infer(&text, &p, hex_to(&script, cases[i].script), NULL);
        assert_int_equal(text.len, strlen(cases[i].desc) + 9);
        assert_memory_equal(text.data, cases[i].desc, strlen(cases[i].desc));
    }
    buf_clear(&script);
    buf_clear(&text);
}

/* What expansion learns is enough to find the descriptor again. A key without an origin
 * is its own master: 9a1c78a5 begins its hash. */
static void expansion_can_be_inferred(void **state)
{
    static const char *const cases[] = {
        "pkh([deadbeef/1h]" KEY ")",
        "sh(wsh(multi(1,[9a1c78a5]" KEY ")))",
        "wsh(pk([00112233/4]" KEY "))",
        "tr(" OWN ",{pk(" OWN "),{multi_a(1," OWN "),pk(" OWN ")}})",
    };
    struct chain_params p = params_of("main");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct descriptor_list list;
        struct script_list scripts;
        struct keystore known;
        struct buf text = {0};
        char *error;
        keystore_init(&known);
        assert_true(descriptor_parse(&list, &p, NULL, cases[i], false, &error));
        assert_true(descriptor_expand(list.items[0], &p, 0, NULL, &scripts, &known));
        descriptor_infer(&text, &p, buf_view(&scripts.items[0]), &known);
        assert_memory_equal(text.data, cases[i], strlen(cases[i]));
        buf_clear(&text);
        script_list_clear(&scripts);
        descriptor_list_clear(&list);
        keystore_clear(&known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_of_vectors),
        cmocka_unit_test(addresses_of_ranges),
        cmocka_unit_test(hardened_steps_need_the_private_key),
        cmocka_unit_test(printing_gives_the_same_back),
        cmocka_unit_test(multipath_expands),
        cmocka_unit_test(refusals),
        cmocka_unit_test(scripts_are_described),
        cmocka_unit_test(expansion_can_be_inferred),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
