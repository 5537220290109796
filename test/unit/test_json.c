#include "unit.h"

#include <math.h>

#include "util/fs.h"
#include "util/json.h"

static const char *parse_error(const char *text, size_t len)
{
    struct arena a;
    struct json *v;
    const char *error = NULL;
    arena_init(&a, 0);
    bool ok = json_parse(&v, &a, text, len, &error);
    assert_int_equal(ok, error == NULL);
    arena_clear(&a);
    return error;
}

/* Compact text of what @text parses to; the caller frees. */
static char *rewrite(const char *text, size_t len, int indent)
{
    struct arena a;
    struct json *v;
    struct buf out = {0};
    struct json_writer w;
    const char *error = NULL;
    arena_init(&a, 0);
    if (!json_parse(&v, &a, text, len, &error))
        fail_msg("%s: %.60s", error, text);
    json_writer_init(&w, &out, indent);
    json_value(&w, v);
    arena_clear(&a);
    return (char *)buf_take(&out, NULL);
}

static void values_are_written_as_they_were_read(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"null", NULL},
        {" [ 1 , 2.50 , -0 , 1e+5 ] ", "[1,2.50,-0,1e+5]"},
        {"{\"a\":{},\"b\":[],\"a\":true}", NULL},
        {"\"\\u0041\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "\"A/\\b\\f\\n\\r\\t\\\"\\\\\""},
        {"\"\\u0000\\u001f\\u007f\"", NULL},
        {"\"\\ud834\\udd1e\\u20ac\\u00e9\"", "\"\xf0\x9d\x84\x9e\xe2\x82\xac\xc3\xa9\""},
        {"\"\xf4\x8f\xbf\xbf\"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *s = rewrite(cases[i].in, strlen(cases[i].in), 0);
        assert_string_equal(s, cases[i].out ? cases[i].out : cases[i].in);
        free(s);
    }
}

static void malformed_text_is_refused(void **state)
{
    static const char *const cases[] = {
        "", " ", "nul", "nulll", "true false", "01", "-", "-a", "1.", ".1", "1e", "1e+",
        "+1", "0x10", "[", "[1", "[1,", "[1,]", "[1 2]", "[,1]", "{", "{\"a\"", "{\"a\":",
        "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{1:1}", "]", "}",
        "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "\"\x80\"", "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\xc3\"", "'a'",
        "NaN", "Infinity", "[1]x", "1 //c",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!parse_error(cases[i], strlen(cases[i])))
            fail_msg("accepted: %s", cases[i]);
    assert_non_null(parse_error("1\0", 2));
    assert_non_null(parse_error("\"a\0b\"", 5));
}

static void depth_is_capped(void **state)
{
    char text[2 * JSON_MAX_DEPTH + 2];
    (void)state;
    for (int depth = JSON_MAX_DEPTH; depth <= JSON_MAX_DEPTH + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        if (depth == JSON_MAX_DEPTH)
            free(rewrite(text, 2 * (size_t)depth, 1));
        else
            assert_non_null(parse_error(text, 2 * (size_t)depth));
    }
}

static void indented_text_has_the_usual_shape(void **state)
{
    static const char in[] = "{\"a\":[],\"b\":{\"c\":[1,\"x\"]},\"d\":{}}";
    static const char out[] = "{\n  \"a\": [\n  ],\n  \"b\": {\n    \"c\": [\n      1,\n"
                              "      \"x\"\n    ]\n  },\n  \"d\": {\n  }\n}";
    (void)state;
    char *s = rewrite(in, strlen(in), 2);
    assert_string_equal(s, out);
    free(s);
}

static void whole_numbers(void **state)
{
    static const struct {
        const char *text;
        bool i64, u64;
        int64_t value;
    } cases[] = {
        {"0", true, true, 0},
        {"-0", true, false, 0},
        {"-5", true, false, -5},
        {"9223372036854775807", true, true, INT64_MAX},
        {"9223372036854775808", false, true, INT64_MIN},
        {"-9223372036854775808", true, false, INT64_MIN},
        {"-9223372036854775809", false, false, 0},
        {"18446744073709551615", false, true, -1},
        {"18446744073709551616", false, false, 0},
        {"1.0", false, false, 0},
        {"1e3", false, false, 0},
        {"\"1\"", false, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct json *v;
        int64_t s = 0;
        uint64_t u = 0;
        arena_init(&a, 0);
        assert_true(json_parse(&v, &a, cases[i].text, strlen(cases[i].text), NULL));
        assert_int_equal(json_to_i64(v, &s), cases[i].i64);
        assert_int_equal(json_to_u64(v, &u), cases[i].u64);
        if (cases[i].i64)
            assert_int_equal(s, cases[i].value);
        if (cases[i].u64)
            assert_int_equal(u, (uint64_t)cases[i].value);
        arena_clear(&a);
    }
}

static void doubles_print_16_digits(void **state)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {4.656542373906925e-10, "4.656542373906925e-10"},
        {0, "0"},
        {1, "1"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {1e21, "1e+21"},
        {-2.5, "-2.5"},
        {110007.5, "110007.5"},
        {INFINITY, "null"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        struct json_writer w;
        json_writer_init(&w, &out, 0);
        json_double(&w, cases[i].v);
        assert_string_equal(buf_cstr(&out), cases[i].text);
        buf_clear(&out);
    }
}

static void writer_streams(void **state)
{
    static const uint8_t bytes[] = {0xde, 0xad};
    struct hash256 h = {{1}};
    struct buf out = {0};
    struct json_writer w;
    (void)state;
    json_writer_init(&w, &out, 0);
    json_begin_object(&w);
    json_kv_int(&w, "i", INT64_MIN);
    json_kv_uint(&w, "u", UINT64_MAX);
    json_kv_amount(&w, "a", amount_of(-150000000), 8);
    json_kv_bool(&w, "b", true);
    json_kv_null(&w, "n");
    json_kv_hex(&w, "x", bytes, 2);
    json_kv_hash(&w, "h", &h);
    json_kv_str(&w, "s\n", "q\"");
    json_key(&w, "l");
    json_begin_array(&w);
    json_raw(&w, "{}", 2);
    json_int(&w, 7);
    json_end_array(&w);
    json_end_object(&w);
    assert_string_equal(
        buf_cstr(&out),
        "{\"i\":-9223372036854775808,\"u\":18446744073709551615,\"a\":-1.50000000,"
        "\"b\":true,\"n\":null,\"x\":\"dead\",\"h\":"
        "\"0000000000000000000000000000000000000000000000000000000000000001\","
        "\"s\\n\":\"q\\\"\",\"l\":[{},7]}");
    buf_clear(&out);
}

static void members_are_found_and_trees_copied(void **state)
{
    static const char text[] = "{\"a\":1,\"b\":[true,\"x\"],\"a\":2}";
    struct arena a, b;
    struct json *v;
    (void)state;
    arena_init(&a, 0);
    arena_init(&b, 0);
    assert_true(json_parse(&v, &a, text, strlen(text), NULL));
    v = json_dup(&b, v);
    arena_clear(&a);
    assert_string_equal(json_get(v, "a")->str, "1");
    assert_null(json_get(v, "c"));
    assert_null(json_get(json_get(v, "b"), "a"));
    assert_string_equal(json_at(json_get(v, "b"), 1)->str, "x");
    assert_null(json_at(json_get(v, "b"), 2));
    arena_clear(&b);
}

static void univalue_vectors(void **state)
{
    static const struct {
        const char *kind;
        int last;
    } sets[] = {{"fail", 45}, {"pass", 4}, {"round", 7}};
    int seen = 0;
    char name[256];
    (void)state;
    shared_vector("bitcoin/univalue_json/fail1.json");
    for (size_t s = 0; s < ARRAY_LEN(sets); s++) {
        for (int i = 1; i <= sets[s].last; i++) {
            struct buf text = {0};
            if (s == 0 && i == 43)
                continue; /* no such file */
            snprintf(name, sizeof(name), "bitcoin/univalue_json/%s%d.json", sets[s].kind, i);
            assert_int_equal(fs_read_file(shared_vector(name), 1 << 20, &text), 0);
            const char *error = parse_error((char *)text.data, text.len);
            /* fail18 only nests 20 deep, which univalue (and we) accept: the cap is 512 */
            if ((error != NULL) != (s == 0 && i != 18))
                fail_msg("%s: %s", name, error ? error : "accepted");
            if (s == 2) {
                char *again = rewrite((char *)text.data, text.len, 0);
                while (text.len && text.data[text.len - 1] == '\n')
                    text.len--;
                assert_string_equal(again, buf_cstr(&text));
                free(again);
            }
            buf_clear(&text);
            seen++;
        }
    }
    assert_int_equal(seen, 55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_they_were_read),
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(depth_is_capped),
        cmocka_unit_test(indented_text_has_the_usual_shape),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(doubles_print_16_digits),
        cmocka_unit_test(writer_streams),
        cmocka_unit_test(members_are_found_and_trees_copied),
        cmocka_unit_test(univalue_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
