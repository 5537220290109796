/* Miniscript in descriptors: text, refusals, inference, multipath keys, and spends of
 * P2WSH and tapscript with signatures, preimages and locks. */
#include "vectors.h"

#include "chain/script/descriptor.h"
#include "chain/script/sign.h"
#include "crypto/secp.h"
#include "crypto/sha256.h"

#define T                                                                              \
    "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ" \
    "2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
#define U                                                                              \
    "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstx" \
    "YSnhyswJ76uZPStJRJCTKvosUCJZL5B"
#define A "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
#define B "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
#define C "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
#define X "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
#define Y "c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
#define Z "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
/* SHA-256 of 32 zeros */
#define SHA "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"

static struct chain_params regtest(void)
{
    struct chain_params p;
    assert_true(chain_params_get(&p, BITCOIN, "regtest"));
    return p;
}

static void assert_begins(const char *text, const char *want)
{
    if (strncmp(text, want, strlen(want)) != 0)
        fail_msg("%s\nis not\n%s", text, want);
}

static void texts_read_back(void **state)
{
    static const struct {
        const char *desc, *canonical; /* NULL: the same */
    } cases[] = {
        {"wsh(or_d(pk(" A "),and_v(v:pkh([deadbeef/1h]" B "),older(144))))", NULL},
        {"sh(wsh(andor(pk(" U "/<0;1>/*),after(100),pk(" A "))))",
         "sh(wsh(andor(pk(" U "/0/*),after(100),pk(" A "))))"},
        {"wsh(c:pk_k(" A "))", "wsh(pk(" A "))"},
        {"wsh(t:or_c(pk(" A "),v:pkh(" B ")))", NULL},
        {"wsh(thresh(2,pk(" A "),s:pk(" B "),sln:older(12)))", NULL},
        {"wsh(and_v(v:sha256(" SHA "),multi(1," A "," B ")))", NULL},
        {"tr(" X ",pkh(" Y "))", NULL},
        {"tr(" X ",{and_v(v:pk(" Y "),older(5)),{multi_a(1," Y "," Z "),"
         "and_v(v:multi_a(2," Y "," Z "),after(7))}})",
         NULL},
        {"tr(" X ",c:pk_k(" Y "))", "tr(" X ",pk(" Y "))"},
    };
    struct chain_params p = regtest();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct descriptor_list list;
        char *error;
        if (!descriptor_parse(&list, &p, NULL, cases[i].desc, false, &error))
            fail_msg("%s: %s", cases[i].desc, error);
        char *text = descriptor_to_string(list.items[0], &p);
        const char *want = cases[i].canonical;
        assert_begins(text, want != NULL ? want : cases[i].desc);
        assert_true(descriptor_is_solvable(list.items[0]));
        free(text);
        descriptor_list_clear(&list);
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *desc, *error;
    } cases[] = {
        {"wsh(and_b(pk(" A "),pk(" B ")))", "and_b(pk(" A "),pk(" B ")) is invalid"},
        {"wsh(and_v(v:and_v(older(1),older(2)),pk(" A ")))",
         "and_v(older(1),older(2)) is invalid"},
        {"wsh(or_d(pk(" A "),and_v(v:sha256(" SHA "),older(1))))",
         "or_d(pk(" A "),and_v(v:sha256(" SHA "),older(1))) is not sane: witnesses "
         "without signature exist"},
        {"wsh(and_v(v:sha256(" SHA "),older(1)))",
         "and_v(v:sha256(" SHA "),older(1)) is not sane: witnesses without signature "
         "exist"},
        {"wsh(or_b(pk(" A "),a:sha256(" SHA ")))",
         "or_b(pk(" A "),a:sha256(" SHA ")) is not sane: malleable witnesses exist"},
        {"wsh(and_b(and_b(older(1),a:older(100000000)),s:pk(" A ")))",
         "and_b(older(1),a:older(100000000)) is not sane: contains mixes of timelocks "
         "expressed in blocks and seconds"},
        {"wsh(and_b(or_b(pk(" A "),s:pk(" A ")),s:pk(" B ")))",
         "or_b(pk(" A "),s:pk(" A ")) is not sane: contains duplicate public keys"},
        {"wsh(and_v(v:pk(" U "/0/*),pk(" U "/0/*)))",
         "and_v(v:pk(" U "/0/*),pk(" U "/0/*)) is not sane: contains duplicate public "
         "keys"},
        {"wsh(and_v(v:pk(" U "/0h/*),pk(" U "/0h/*)))",
         "and_v(v:pk(" U "/0h/*),pk(" U
         "/0h/*)) is not sane: contains duplicate public "
         "keys"},
        {"wsh(and_v(v:pk(" A "),0))", "and_v(v:pk(" A "),0) is not satisfiable"},
        {"wsh(0)", "0 is not satisfiable"},
        {"tr(" X ",1)", "1 is not sane: witnesses without signature exist"},
        {"sh(and_v(v:pk(" A "),older(1)))",
         "Miniscript expressions can only be used in wsh or tr."},
        {"and_v(v:pk(" A "),older(1))",
         "Miniscript expressions can only be used in wsh or tr."},
        {"wsh(and_v(v:pk(" X "),older(1)))", "Pubkey '" X "' is invalid"},
        {"wsh(and_v(v:pk(nokey),older(1)))", "key 'nokey' is not valid"},
        {"wsh(older(0))", "A function is needed within P2WSH"},
        {"wsh(and_v(v:multi_a(1," A "),older(1)))",
         "A function is needed within P2WSH"},
        {"tr(" X ",and_v(v:multi(1," X "),older(1)))",
         "'and_v(v:multi(1," X "),older(1))' is not a valid descriptor function"},
        {"wsh(and_v(v:pk(" U "/<0;1>/*),pk(" U "/<2;3;4>/*)))",
         "Miniscript: Multipath derivation paths have mismatched lengths"},
        {"pkh(pkh(" A "))", "pkh(): key 'pkh(" A ")' is not valid"},
    };
    struct chain_params p = regtest();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct descriptor_list list;
        char *error = NULL;
        if (descriptor_parse(&list, &p, NULL, cases[i].desc, false, &error))
            fail_msg("%s was read", cases[i].desc);
        if (strcmp(error, cases[i].error) != 0)
            fail_msg("%s: %s", cases[i].desc, error);
        free(error);
    }
}

/* Two hardened keys that differ are two keys, though nothing can be derived. */
static void hardened_keys_are_told_apart(void **state)
{
    struct chain_params p = regtest();
    struct descriptor_list list;
    char *error;
    (void)state;
    assert_true(descriptor_parse(
        &list, &p, NULL, "wsh(and_v(v:pk(" U "/0h/*),pk(" U "/1h/*)))", false, &error));
    descriptor_list_clear(&list);
}

static void multipath_stands_for_each_alternative(void **state)
{
    struct chain_params p = regtest();
    struct descriptor_list list;
    char *error;
    (void)state;
    assert_true(descriptor_parse(&list, &p, NULL,
                                 "wsh(or_d(pk(" U "/<0;1>/*),and_v(v:pkh(" U
                                 "/<2;3>/*),older(9))))",
                                 false, &error));
    assert_int_equal(list.n, 2);
    char *second = descriptor_to_string(list.items[1], &p);
    assert_begins(second, "wsh(or_d(pk(" U "/1/*),and_v(v:pkh(" U "/3/*),older(9))))");
    free(second);
    descriptor_list_clear(&list);
}

/* The one key without an origin is its own master: 9a1c78a5 begins its hash. */
static void expansion_can_be_inferred(void **state)
{
    static const char *const cases[] = {
        "wsh(or_d(pk([9a1c78a5]" A "),and_v(v:pkh([deadbeef/1h]" B "),older(144))))",
        "sh(wsh(andor(pk([01020304]" A "),after(100),pk([05060708/2]" B "))))",
        "tr([01020304]" X ",{and_v(v:pkh([05060708]" Y "),older(5)),"
        "pk([090a0b0c/3/4h]" Z ")})",
    };
    struct chain_params p = regtest();
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
        assert_begins(buf_cstr(&text), cases[i]);
        buf_clear(&text);
        script_list_clear(&scripts);
        descriptor_list_clear(&list);
        keystore_clear(&known);
    }
}

/* Nothing is limited by the depth of an expression but by the size of its script. */
static void depth_is_no_limit(void **state)
{
    struct chain_params p = regtest();
    struct buf text = {0}, inferred = {0};
    struct descriptor_list list;
    struct script_list scripts;
    struct keystore known;
    char *error;
    (void)state;
    keystore_init(&known);
    buf_append_str(&text, "tr(" X ",");
    memset(buf_extend(&text, 200000), 'n', 200000);
    buf_append_str(&text, ":pk(" Y "))");
    assert_true(descriptor_parse(&list, &p, NULL, buf_cstr(&text), false, &error));
    char *printed = descriptor_to_string(list.items[0], &p);
    assert_memory_equal(printed, text.data, text.len);
    assert_true(descriptor_expand(list.items[0], &p, 0, NULL, &scripts, &known));
    descriptor_infer(&inferred, &p, buf_view(&scripts.items[0]), &known);
    assert_non_null(strstr(buf_cstr(&inferred), "nnnn:pk("));
    assert_true(inferred.len > text.len);
    free(printed);
    buf_clear(&text);
    buf_clear(&inferred);
    script_list_clear(&scripts);
    descriptor_list_clear(&list);
    keystore_clear(&known);
}

static void sizes_are_of_the_worst_spend(void **state)
{
    struct chain_params p = regtest();
    struct descriptor_list list;
    struct spend_size s;
    char *error;
    (void)state;
    assert_true(descriptor_parse(&list, &p, NULL,
                                 "wsh(or_d(pk(" A "),and_v(v:pkh(" B "),older(9))))",
                                 false, &error));
    assert_true(descriptor_spend_size(list.items[0], SPEND_LOW_R, &s));
    /* nothing for A, key and signature of B, and the script of 35 + 2 + 27 + 3 bytes */
    assert_int_equal(s.weight, 1 + 34 + 73 + 1 + 65);
    assert_int_equal(s.items, 4);
    assert_int_equal(descriptor_output_type(list.items[0]), OUTPUT_BECH32);
    descriptor_list_clear(&list);
}

/* -- Spending -- */

struct spend {
    const char *desc;
    uint32_t sequence, locktime;
    bool with_preimage;
    size_t items; /* of the witness; 0: it cannot be spent */
};

struct fixture {
    struct chain_params params;
    struct keystore known;
    struct script_list scripts;
    struct tx *tx;
    struct txout spent;
    struct sighash_data data;
};

static void fixture_init(struct fixture *f, const struct spend *s)
{
    static const uint8_t out[] = {OP_RETURN};
    struct outpoint o = {.txid = {{1}}};
    struct descriptor_list list;
    struct keystore keys;
    struct mtx m;
    char *error;
    f->params = regtest();
    keystore_init(&keys);
    keystore_init(&f->known);
    if (!descriptor_parse(&list, &f->params, &keys, s->desc, false, &error))
        fail_msg("%s: %s", s->desc, error);
    assert_true(
        descriptor_expand(list.items[0], &f->params, 0, &keys, &f->scripts, &f->known));
    descriptor_list_clear(&list);
    keystore_clear(&keys);
    mtx_init(&m);
    mtx_add_in(&m, &o, s->sequence);
    mtx_add_out(&m, amount_of(1000), bytes_of(out, 1));
    m.locktime = s->locktime;
    f->tx = mtx_to_tx(&m);
    mtx_clear(&m);
    f->spent = (struct txout){amount_of(70000), buf_view(&f->scripts.items[0])};
    sighash_data_init(&f->data, f->tx, &f->spent, true);
}

static void fixture_clear(struct fixture *f)
{
    sighash_data_clear(&f->data);
    tx_unref(f->tx);
    script_list_clear(&f->scripts);
    keystore_clear(&f->known);
}

static void add_preimage(struct sig_data *d)
{
    static const uint8_t zeros[32];
    uint8_t hash[32];
    sha256(hash, zeros, 32);
    sig_data_add_preimage(d, PREIMAGE_SHA256, hash, bytes_of(zeros, 32));
}

static void check_spend(const struct spend *s)
{
    struct fixture f;
    struct sig_data d = {0};
    fixture_init(&f, s);
    struct sig_checker checker = {&f.data, 0, f.spent.value, NULL, false};
    if (s->with_preimage)
        add_preimage(&d);
    bool ok = sign_input(&d, &f.known, &checker, f.spent.script, SIGHASH_DEFAULT);
    if (ok != (s->items > 0))
        fail_msg("%s: %s", s->desc, ok ? "signed" : "not signed");
    if (ok && d.n_witness != s->items)
        fail_msg("%s: %u items", s->desc, d.n_witness);
    sig_data_clear(&d);
    fixture_clear(&f);
}

static void spends(void **state)
{
    static const struct spend cases[] = {
        {"wsh(or_d(pk(" T "/0),and_v(v:pkh(" B "),older(9))))", 0, 0, false, 2},
        {"wsh(or_d(pk(" A "),and_v(v:pkh(" T "/0),older(9))))", 9, 0, false, 4},
        {"wsh(or_d(pk(" A "),and_v(v:pkh(" T "/0),older(9))))", 8, 0, false, 0},
        {"sh(wsh(and_v(v:pk(" T "/0),after(50))))", 0, 50, false, 2},
        {"sh(wsh(and_v(v:pk(" T "/0),after(50))))", 0, 49, false, 0},
        {"sh(wsh(and_v(v:pk(" T "/0),after(50))))", SEQUENCE_FINAL, 50, false, 0},
        {"wsh(and_v(v:sha256(" SHA "),pk(" T "/0)))", 0, 0, true, 3},
        {"wsh(and_v(v:sha256(" SHA "),pk(" T "/0)))", 0, 0, false, 0},
        {"wsh(thresh(2,pk(" T "/0),s:pk(" A "),s:pk(" T "/2)))", 0, 0, false, 4},
        {"wsh(thresh(3,pk(" T "/0),s:pk(" T "/1),s:pk(" T "/2),sln:older(20)))", 20, 0,
         false, 5},
        /* one signature and its key are less than two signatures */
        {"wsh(andor(multi(2," T "/0," T "/1),older(4),pkh(" T "/2)))", 4, 0, false, 6},
        {"wsh(andor(multi(2," T "/0," T "/1),older(4),pkh(" T "/2)))", 3, 0, false, 6},
        {"tr(" X ",pkh(" T "/0))", 0, 0, false, 4},
        {"tr(" X ",{pk(" Y "),and_v(v:pk(" T "/0),older(3))})", 3, 0, false, 3},
        {"tr(" X ",{pk(" Y "),and_v(v:pk(" T "/0),older(3))})", 2, 0, false, 0},
        {"tr(" X ",and_v(v:multi_a(2," T "/0," Y "," T "/1),sha256(" SHA ")))", 0, 0,
         true, 6},
        {"tr(" X ",{and_v(v:multi_a(2," T "/0," T "/1),after(5)),pk(" T "/2)})", 0, 5,
         false, 3}, /* the smaller leaf */
        {"tr(" X ",sortedmulti_a(2," T "/0," Y "," T "/1))", 0, 0, false, 5},
        {"tr(" T "/0,pkh(" T "/1))", 0, 0, false, 1}, /* the key before the leaves */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_spend(&cases[i]);
}

/* What one signer makes is kept for the next one. */
static void signatures_are_gathered(void **state)
{
    static const char *const cases[] = {
        "wsh(and_v(v:pk(" T "/0),pk(" T "/1)))",
        "wsh(and_v(v:pkh(" T "/0),pkh(" T "/1)))",
        "tr(" X ",and_v(v:pk(" T "/0),pk(" T "/1)))",
        "tr(" X ",multi_a(2," T "/0," T "/1))",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        struct sig_data d = {0};
        fixture_init(&f, &(struct spend){.desc = cases[i]});
        struct sig_checker checker = {&f.data, 0, f.spent.value, NULL, false};
        assert_int_equal(f.known.n_keys - (i >= 2), 2);
        for (size_t k = 0; k < f.known.n_keys; k++) {
            bool is_last = k + 1 == f.known.n_keys;
            for (size_t j = 0; j < f.known.n_keys; j++)
                f.known.keys[j].has_secret = j == k && j >= (size_t)(i >= 2);
            assert_int_equal(
                sign_input(&d, &f.known, &checker, f.spent.script, SIGHASH_DEFAULT),
                is_last);
        }
        assert_int_equal(d.n_sigs + d.n_tap_sigs, 2);
        sig_data_clear(&d);
        fixture_clear(&f);
    }
}

/* Who finishes a spend may know nothing but signatures. */
static void signatures_alone_finish_a_spend(void **state)
{
    static const char *const cases[] = {
        "wsh(and_v(v:pkh(" T "/0),pkh(" T "/1)))",
        "tr(" X ",and_v(v:pkh(" T "/0),pk(" T "/1)))",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        struct sig_data made = {0}, d = {0};
        fixture_init(&f, &(struct spend){.desc = cases[i]});
        struct sig_checker checker = {&f.data, 0, f.spent.value, NULL, false};
        assert_true(
            sign_input(&made, &f.known, &checker, f.spent.script, SIGHASH_DEFAULT));
        made.complete = false;
        sig_data_merge(&d, &made);
        f.known.n_keys = 0; /* scripts stay */
        map_clear(&f.known.key_index);
        assert_true(
            sign_input(&d, &f.known, &checker, f.spent.script, SIGHASH_DEFAULT));
        sig_data_clear(&made);
        sig_data_clear(&d);
        fixture_clear(&f);
    }
}

static void what_is_missing_is_named(void **state)
{
    struct fixture f;
    struct sig_data d = {0};
    (void)state;
    fixture_init(&f, &(struct spend){.desc = "wsh(and_v(v:pk(" T "/0),pk(" B ")))"});
    struct sig_checker checker = {&f.data, 0, f.spent.value, NULL, false};
    assert_false(sign_input(&d, &f.known, &checker, f.spent.script, SIGHASH_ALL));
    assert_int_equal(d.missing.n_sigs, 1);
    assert_false(d.missing.witness_script);
    sig_data_clear(&d);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_read_back),
        cmocka_unit_test(refusals),
        cmocka_unit_test(hardened_keys_are_told_apart),
        cmocka_unit_test(multipath_stands_for_each_alternative),
        cmocka_unit_test(expansion_can_be_inferred),
        cmocka_unit_test(depth_is_no_limit),
        cmocka_unit_test(sizes_are_of_the_worst_spend),
        cmocka_unit_test(spends),
        cmocka_unit_test(signatures_are_gathered),
        cmocka_unit_test(signatures_alone_finish_a_spend),
        cmocka_unit_test(what_is_missing_is_named),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
