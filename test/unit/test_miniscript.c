/* Miniscript (BIP 379): types, text, scripts and back, what makes an expression insane,
 * and witnesses: of random expressions, compared with what their policy says. */
#include "unit.h"

#include "miniscript_tools.h"
#include "util/hex.h"

#define H32 "0000000000000000000000000000000000000000000000000000000000000001"
#define H20 "0000000000000000000000000000000000000001"

static bool parse(struct miniscript *ms, struct mt_names *names,
                  enum ms_context context, const char *text)
{
    miniscript_init(ms, context);
    names->n = 0;
    if (!miniscript_parse(ms, text, strlen(text), mt_read_key, names))
        return false;
    miniscript_find_duplicates(ms, mt_compare_keys, names);
    return true;
}

/* The letters of BIP 379's tables. */
static void type_letters(char out[24], uint32_t type)
{
    static const char letters[] = "BVKWzondfeumsxghijk";
    size_t n = 0;
    for (size_t i = 0; letters[i] != '\0'; i++) {
        if (type >> i & 1)
            out[n++] = letters[i];
    }
    out[n] = '\0';
}

static void types_of_fragments(void **state)
{
    static const struct {
        const char *text, *type; /* "": no type: not valid */
        enum ms_context context;
    } cases[] = {
        {"0", "Bzdeumsxk", MS_WSH},
        {"1", "Bzfumxk", MS_WSH},
        {"pk_k(A)", "Kondeumsxk", MS_WSH},
        {"pk_h(A)", "Kndeumsxk", MS_WSH},
        {"pk(A)", "Bondeumsk", MS_WSH},
        {"older(1)", "Bzfmxhk", MS_WSH},
        {"older(4194305)", "Bzfmxgk", MS_WSH},
        {"after(499999999)", "Bzfmxjk", MS_WSH},
        {"after(500000000)", "Bzfmxik", MS_WSH},
        {"sha256(" H32 ")", "Bondumk", MS_WSH},
        {"hash160(" H20 ")", "Bondumk", MS_WSH},
        {"multi(1,A,B)", "Bndeumsk", MS_WSH},
        {"multi_a(1,A,B)", "Bdeumsk", MS_TAPSCRIPT},
        {"a:pk(A)", "Wdeumsxk", MS_WSH},
        {"s:pk(A)", "Wdeumsk", MS_WSH},
        {"s:pkh(A)", "", MS_WSH},             /* pkh is not o */
        {"c:pk(A)", "", MS_WSH},              /* not K */
        {"dv:older(1)", "Bondemxhk", MS_WSH}, /* not u */
        {"dv:older(1)", "Bondeumxhk", MS_TAPSCRIPT},
        {"d:pk(A)", "", MS_WSH},
        {"v:pk(A)", "Vonfmsxk", MS_WSH},
        {"vv:pk(A)", NULL, MS_WSH},
        {"j:pk(A)", "Bondumsxk", MS_WSH},
        {"j:1", "", MS_WSH},
        {"n:pk(A)", "Bondeumsxk", MS_WSH},
        {"t:v:1", NULL, MS_WSH},
        {"tv:1", "Bzfumxk", MS_WSH},
        {"l:1", "Bodeumxk", MS_WSH},
        {"u:1", "Bodeumxk", MS_WSH},
        {"and_v(v:pk(A),pk(B))", "Bnfumsk", MS_WSH},
        {"and_v(pk(A),pk(B))", "", MS_WSH},
        {"and_b(pk(A),s:pk(B))", "Bndeumsxk", MS_WSH},
        {"and_b(pk(A),pk(B))", "", MS_WSH},
        {"and_n(pk(A),pk(B))", "Bdeumsxk", MS_WSH},
        {"or_b(pk(A),s:pk(B))", "Bdeumsxk", MS_WSH},
        {"or_b(pk(A),a:1)", "", MS_WSH},
        {"or_c(pk(A),v:pk(B))", "Vfmsxk", MS_WSH},
        {"or_d(pk(A),pk(B))", "Bdeumsxk", MS_WSH},
        {"or_d(pk(A),v:pk(B))", "", MS_WSH},
        {"or_i(pk(A),pk(B))", "Bdumsxk", MS_WSH},
        {"or_i(pk(A),v:pk(B))", "", MS_WSH},
        {"andor(pk(A),pk(B),pk(C))", "Bdeumsxk", MS_WSH},
        {"andor(1,pk(B),pk(C))", "", MS_WSH},
        {"thresh(2,pk(A),s:pk(B),s:pk(C))", "Bdeumsk", MS_WSH},
        {"thresh(1,pk(A),pk(B))", "", MS_WSH},
        {"and_v(v:older(1),older(4194305))", "Bzfmxgh", MS_WSH},
        {"and_v(v:after(1),after(500000000))", "Bzfmxij", MS_WSH},
        {"and_v(v:after(1),older(4194305))", "Bzfmxgjk", MS_WSH},
        {"or_i(older(1),older(4194305))", "Bofxghk", MS_WSH},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct miniscript ms;
        struct mt_names names;
        char letters[24] = "";
        bool ok = parse(&ms, &names, cases[i].context, cases[i].text);
        if (ok != (cases[i].type != NULL))
            fail_msg("%s: %s", cases[i].text, ok ? "was read" : "was not read");
        if (ok)
            type_letters(letters, miniscript_root(&ms)->type);
        if (ok && strcmp(letters, cases[i].type) != 0)
            fail_msg("%s: %s", cases[i].text, letters);
        miniscript_clear(&ms);
    }
}

static void texts_that_are_no_miniscript(void **state)
{
    static const struct {
        const char *text;
        enum ms_context context;
    } cases[] = {
        {"", MS_WSH},
        {"2", MS_WSH},
        {"pk", MS_WSH},
        {"pk()", MS_WSH},
        {"pk(A", MS_WSH},
        {"pk(A))", MS_WSH},
        {"pk(A)pk(B)", MS_WSH},
        {"pk(A,B)", MS_WSH},
        {"0()", MS_WSH},
        {":pk(A)", MS_WSH},
        {"b:pk(A)", MS_WSH},
        {"older()", MS_WSH},
        {"older(0)", MS_WSH},
        {"older(-1)", MS_WSH},
        {"older(2147483648)", MS_WSH},
        {"after(0)", MS_WSH},
        {"after(99999999999999999999)", MS_WSH},
        {"sha256(" H20 ")", MS_WSH},
        {"ripemd160(" H32 ")", MS_WSH},
        {"multi(0,A)", MS_WSH},
        {"multi(2,A)", MS_WSH},
        {"multi(1)", MS_WSH},
        {"multi(1,A)", MS_TAPSCRIPT},
        {"multi_a(1,A)", MS_WSH},
        {"multi(1,A,A,A,A,A,A,A,A,A,A,A,A,A,A,A,A,A,A,A,A,A)", MS_WSH},
        {"thresh(0,pk(A))", MS_WSH},
        {"thresh(2,pk(A))", MS_WSH},
        {"thresh(1)", MS_WSH},
        {"and_v(v:pk(A))", MS_WSH},
        {"and_v(v:pk(A),pk(B),pk(C))", MS_WSH},
        {"and_n(pk(A))", MS_WSH},
        {"andor(pk(A),pk(B))", MS_WSH},
        {"and_n(pk(A),pk(B),pk(C))", MS_WSH},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct miniscript ms;
        struct mt_names names;
        if (parse(&ms, &names, cases[i].context, cases[i].text))
            fail_msg("%s", cases[i].text);
        miniscript_clear(&ms);
    }
}

static void canonical_texts(void **state)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"c:pk_k(A)", "pk(A)"},
        {"c:pk_h(A)", "pkh(A)"},
        {"andor(pk(A),pk(B),0)", "and_n(pk(A),pk(B))"},
        {"and_v(v:pk(A),1)", "tv:pk(A)"},
        {"or_i(0,pk(A))", "l:pk(A)"},
        {"or_i(pk(A),0)", "u:pk(A)"},
        {"thresh(2,pk(A),sc:pk_k(B),sln:older(5))",
         "thresh(2,pk(A),s:pk(B),sln:older(5))"},
        {"or_d(multi(1,A,B),and_v(v:pkh(C),older(010)))",
         "or_d(multi(1,A,B),and_v(v:pkh(C),older(10)))"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct miniscript ms;
        struct mt_names names;
        struct buf out = {0};
        assert_true(parse(&ms, &names, MS_WSH, cases[i].text));
        assert_true(
            miniscript_print(&out, &ms, miniscript_root(&ms), mt_print_key, &names));
        assert_string_equal(buf_cstr(&out), cases[i].canonical);
        buf_clear(&out);
        miniscript_clear(&ms);
    }
}

/* Scripts as BIP 379's table of fragments gives them. */
static void scripts_of_fragments(void **state)
{
#define A_WSH "210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define B_WSH "2102c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
#define A_TAP "2079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define B_TAP "20c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
    static const struct {
        const char *text, *script;
        enum ms_context context;
    } cases[] = {
        {"pk(A)", A_WSH "ac", MS_WSH},
        {"pk(A)", A_TAP "ac", MS_TAPSCRIPT},
        {"pkh(A)", "76a914751e76e8199196d454941c45d1b3a323f1433bd688ac", MS_WSH},
        {"and_v(v:pk(A),older(144))", A_WSH "ad029000b2", MS_WSH},
        {"and_v(v:pk(A),after(16))", A_WSH "ad60b1", MS_WSH},
        {"t:or_c(pk(A),v:pkh(B))",
         A_WSH "ac6476a91406afd46bcdfd22ef94ac122aa11f241244a37ecc88ad6851", MS_WSH},
        {"or_d(pk(A),pk(B))", A_WSH "ac7364" B_WSH "ac68", MS_WSH},
        {"or_i(pk(A),pk(B))", "63" A_WSH "ac67" B_WSH "ac68", MS_WSH},
        {"or_b(pk(A),s:pk(B))", A_WSH "ac7c" B_WSH "ac9b", MS_WSH},
        {"and_b(pk(A),a:pk(B))", A_WSH "ac6b" B_WSH "ac6c9a", MS_WSH},
        {"andor(pk(A),older(1),pk(B))", A_WSH "ac64" B_WSH "ac6751b268", MS_WSH},
        {"and_v(v:multi(1,A,B),1)", "51" A_WSH B_WSH "52af51", MS_WSH},
        {"and_v(v:multi_a(1,A,B),1)", A_TAP "ac" B_TAP "ba519d51", MS_TAPSCRIPT},
        {"thresh(2,pk(A),s:pk(B))", A_WSH "ac7c" B_WSH "ac935287", MS_WSH},
        {"and_v(v:thresh(1,pk(A)),1)", A_WSH "ac518851", MS_WSH},
        {"and_v(v:sha256(" H32 "),pk(A))", "82012088a820" H32 "88" A_WSH "ac", MS_WSH},
        {"and_v(v:hash160(" H20 "),pk(A))", "82012088a914" H20 "88" A_WSH "ac", MS_WSH},
        {"j:and_v(v:pk(A),1)", "829263" A_WSH "ad5168", MS_WSH},
        {"or_i(dv:older(1),pk(A))",
         "637663"
         "51b269"
         "6867" A_WSH "ac68",
         MS_WSH},
        {"n:pk(A)", A_WSH "ac92", MS_WSH},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct miniscript ms;
        struct mt_names names;
        struct buf script = {0}, hex = {0};
        assert_true(parse(&ms, &names, cases[i].context, cases[i].text));
        struct ms_key *keys = mt_keys_of(&names, cases[i].context);
        miniscript_to_script(&script, &ms, keys);
        hex_append(&hex, script.data, script.len);
        if (strcmp(buf_cstr(&hex), cases[i].script) != 0)
            fail_msg("%s: %s", cases[i].text, buf_cstr(&hex));
        mt_check_script(&ms, buf_view(&script));
        free(keys);
        buf_clear(&script);
        buf_clear(&hex);
        miniscript_clear(&ms);
    }
}

static void scripts_that_are_no_miniscript(void **state)
{
    static const char *const cases[] = {
        "",
        "51ac",       /* no key */
        "5168",       /* ENDIF without IF */
        A_WSH,        /* of type K */
        A_WSH "ac69", /* CHECKSIG VERIFY is written CHECKSIGVERIFY */
        A_WSH "ac6951",
        "4c" A_WSH "ac", /* not the shortest push */
        "4c21"
        "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        "ac",
        "210079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac",
        "00b2",              /* older(0) */
        "5552" A_WSH "51ae", /* more than one expression */
        "52" A_WSH "51ae",   /* two of one */
        "6351",              /* IF left open */
        "61",                /* NOP */
        "82012088a8"
        "20" H32 "ac",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct miniscript ms;
        struct ms_key *keys;
        struct buf script = {0};
        assert_true(hex_decode(&script, cases[i], strlen(cases[i])));
        miniscript_init(&ms, MS_WSH);
        if (miniscript_decode(&ms, buf_view(&script), &keys))
            fail_msg("%s", cases[i]);
        buf_clear(&script);
        miniscript_clear(&ms);
    }
}

static void faults_are_named(void **state)
{
    static const struct {
        const char *text, *fault; /* NULL: sane */
        enum ms_context context;
    } cases[] = {
        {"pk(A)", NULL, MS_WSH},
        {"or_d(pk(A),and_v(v:pkh(B),older(12960)))", NULL, MS_WSH},
        {"and_b(pk(A),pk(B))", " is invalid", MS_WSH},
        {"1", " is not sane: witnesses without signature exist", MS_WSH},
        {"and_v(v:sha256(" H32 "),older(1))",
         " is not sane: witnesses without signature exist", MS_WSH},
        {"or_b(pk(A),a:sha256(" H32 "))", " is not sane: malleable witnesses exist",
         MS_WSH},
        {"and_v(v:and_v(older(1),older(2)),pk(A))", " is invalid", MS_WSH},
        {"and_v(v:older(1),and_v(v:older(4194305),pk(A)))",
         " is not sane: contains mixes of timelocks expressed in blocks and seconds",
         MS_WSH},
        {"and_v(v:pk(A),pk(A))", " is not sane: contains duplicate public keys",
         MS_WSH},
        {"and_v(v:pk(A),or_i(pk(B),pkh(A)))",
         " is not sane: contains duplicate public keys", MS_WSH},
        {"and_v(v:pk(A),0)", " is not satisfiable", MS_WSH},
        {"0", " is not satisfiable", MS_WSH},
        {"andor(pk(A),multi_a(1,B,C),pk(D))", NULL, MS_TAPSCRIPT},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct miniscript ms;
        struct mt_names names;
        const struct ms_node *part;
        assert_true(parse(&ms, &names, cases[i].context, cases[i].text));
        const char *fault = miniscript_fault(&ms, &part);
        if ((fault == NULL) != (cases[i].fault == NULL) ||
            (fault != NULL && strcmp(fault, cases[i].fault) != 0))
            fail_msg("%s:%s", cases[i].text, fault != NULL ? fault : " fine");
        miniscript_clear(&ms);
    }
}

/* P2WSH allows 201 opcodes and 3600 bytes, tapscript neither. */
static void resource_limits(void **state)
{
    struct buf text = {0};
    struct miniscript ms;
    struct mt_names names;
    const struct ms_node *part;
    (void)state;
    for (int i = 0; i < 202; i++)
        buf_append_byte(&text, 'n');
    buf_append_str(&text, ":pk(A)");
    assert_true(parse(&ms, &names, MS_WSH, buf_cstr(&text)));
    assert_string_equal(
        miniscript_fault(&ms, &part),
        " is not sane: needs witnesses that may exceed resource limits");
    miniscript_clear(&ms);
    assert_true(parse(&ms, &names, MS_TAPSCRIPT, buf_cstr(&text)));
    assert_null(miniscript_fault(&ms, &part));
    miniscript_clear(&ms);

    buf_reset(&text);
    for (int i = 0; i < 100000; i++)
        buf_append_byte(&text, 'n');
    buf_append_str(&text, ":pk(A)");
    assert_false(parse(&ms, &names, MS_WSH, buf_cstr(&text)));
    miniscript_clear(&ms);
    assert_true(parse(&ms, &names, MS_TAPSCRIPT, buf_cstr(&text)));
    miniscript_clear(&ms);
    buf_clear(&text);
}

static void costs_are_upper_bounds(void **state)
{
    static const struct {
        const char *text;
        enum ms_context context;
        uint32_t ops, witness_size;
        int64_t stack;
    } cases[] = {
        {"pk(A)", MS_WSH, 1, 73, 1},
        {"pkh(A)", MS_WSH, 4, 107, 2},
        {"multi(2,A,B,C)", MS_WSH, 4, 1 + 146, 3},
        {"multi_a(2,A,B,C)", MS_TAPSCRIPT, 4, 2 * 66 + 1, 3},
        {"or_i(pk(A),pkh(B))", MS_WSH, 8, 108, 3},
        {"or_d(pk(A),and_v(v:pkh(B),older(9)))", MS_WSH, 9, 108, 3},
        {"and_v(v:sha256(" H32 "),pk(A))", MS_TAPSCRIPT, 5, 33 + 66, 2},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct miniscript ms;
        struct mt_names names;
        assert_true(parse(&ms, &names, cases[i].context, cases[i].text));
        const struct ms_node *root = miniscript_root(&ms);
        if (root->ops + root->sat.ops != cases[i].ops ||
            root->sat.witness_size != cases[i].witness_size ||
            root->sat.taken + 1 != cases[i].stack)
            fail_msg("%s: %u ops, %u bytes, %lld elements", cases[i].text,
                     root->ops + root->sat.ops, root->sat.witness_size,
                     (long long)root->sat.taken + 1);
        miniscript_clear(&ms);
    }
}

/* -- Random expressions -- */

struct tally {
    unsigned sane, spent, unspent;
};

static void check_spends(const struct miniscript *ms, const struct mt_names *names,
                         struct mt_rng *rng, struct bytes script,
                         const struct ms_key *keys, struct tally *t)
{
    for (int i = 0; i < 4; i++) {
        struct mt_world w;
        uint32_t bits = mt_random(rng, 1u << 31) << 1 ^ mt_random(rng, 1u << 31);
        mt_world_init(&w, ms->context, script, names, keys, i == 0 ? UINT32_MAX : bits);
        bool spent = mt_check_spend(ms, &w);
        t->spent += spent;
        t->unspent += !spent;
        mt_world_clear(&w);
    }
}

static void check_random(enum ms_context context, struct mt_rng *rng, struct tally *t)
{
    struct miniscript ms;
    struct mt_names names;
    struct buf script = {0};
    if (!mt_generate(&ms, &names, context, rng, mt_random(rng, 8) == 0))
        return;
    struct ms_key *keys = mt_keys_of(&names, context);
    mt_check_text(&ms, &names);
    miniscript_to_script(&script, &ms, keys);
    mt_check_script(&ms, buf_view(&script));
    if (miniscript_is_sane(&ms)) {
        t->sane++;
        check_spends(&ms, &names, rng, buf_view(&script), keys, t);
    }
    free(keys);
    buf_clear(&script);
    miniscript_clear(&ms);
}

static void witnesses_agree_with_the_policy(void **state)
{
    struct mt_rng rng = {20240101};
    struct tally t = {0};
    (void)state;
    for (int i = 0; i < 5000; i++)
        check_random(i % 2 ? MS_WSH : MS_TAPSCRIPT, &rng, &t);
    print_message("%u sane, %u spent, %u could not be\n", t.sane, t.spent, t.unspent);
    assert_true(t.sane > 300 && t.spent > 300 && t.unspent > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_of_fragments),
        cmocka_unit_test(texts_that_are_no_miniscript),
        cmocka_unit_test(canonical_texts),
        cmocka_unit_test(scripts_of_fragments),
        cmocka_unit_test(scripts_that_are_no_miniscript),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(resource_limits),
        cmocka_unit_test(costs_are_upper_bounds),
        cmocka_unit_test(witnesses_agree_with_the_policy),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
