/* Replies of Tor's control port: lines, words, pairs with quotes and escapes. */
#include "unit.h"

#include "net/tor_reply.h"
#include "util/mem.h"

static void lines_make_replies(void **state)
{
    static const struct {
        const char *line;
        enum tor_progress progress;
    } cases[] = {
        {"250-first", TOR_MORE},  {"", TOR_MORE},  {"250", TOR_MORE},
        {"250+second", TOR_MORE}, {"2", TOR_MORE}, {"551 last", TOR_WHOLE},
    };
    struct tor_reply r = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(tor_reply_add(&r, cases[i].line), cases[i].progress);
    assert_int_equal(r.code, 551);
    assert_int_equal(r.n, 3);
    assert_string_equal(r.lines[0], "first");
    assert_string_equal(r.lines[2], "last");
    tor_reply_clear(&r);
    assert_int_equal(tor_reply_add(&r, "250 "), TOR_WHOLE);
    assert_string_equal(r.lines[0], "");
    tor_reply_clear(&r);
}

static void a_reply_is_bounded(void **state)
{
    struct tor_reply r = {0};
    size_t n = 0;
    (void)state;
    while (tor_reply_add(&r, "250-x") == TOR_MORE)
        n++;
    assert_in_range(n, 1000, TOR_MAX_REPLY);
    tor_reply_clear(&r);
}

static void words(void **state)
{
    (void)state;
    assert_string_equal(tor_arguments("AUTH METHODS=NULL", "AUTH"), "METHODS=NULL");
    assert_string_equal(tor_arguments("OK", "OK"), "");
    assert_null(tor_arguments("AUTHCHALLENGE X=1", "AUTH"));
    assert_null(tor_arguments("", "AUTH"));
}

static void values(void **state)
{
    static const struct {
        const char *text, *key;
        const char *value; /* NULL: not there, or malformed */
        size_t len;        /* 0: of the string */
    } cases[] = {
        {"METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"/home/x/.tor/control_auth_cookie\"",
         "METHODS", "COOKIE,SAFECOOKIE", 0},
        {"METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"/home/x/.tor/control_auth_cookie\"",
         "COOKIEFILE", "/home/x/.tor/control_auth_cookie", 0},
        {"Foo=Bar=Baz Spam=Eggs", "Foo", "Bar=Baz", 0},
        {"Foo=Bar Foo=Baz", "Foo", "Baz", 0},
        {"Foo=", "Foo", "", 0},
        {"Foo=\"\"", "Foo", "", 0},
        {"=x", "", "x", 0},
        {"Foo=\"Bar Baz\" Spam=1", "Spam", "1", 0},
        {"Foo=\"Bar\\ Baz\"", "Foo", "Bar Baz", 0},
        {"Foo=\"Bar\\\"Baz\"", "Foo", "Bar\"Baz", 0},
        {"Foo=\"Bar\\\\\"", "Foo", "Bar\\", 0},
        {"Foo=\"a\\nb\\tc\\rd\\@\"", "Foo", "a\nb\tc\rd@", 0},
        {"Foo=\"\\1a\\11b\\1111\"", "Foo", "\1a\11b\1111", 0},
        {"Foo=\"\\377\\378\\400\"", "Foo",
         "\377\37"
         "8\40"
         "0",
         0},
        {"Foo=\"\\18\\81\"", "Foo",
         "\1"
         "881",
         0},
        {"Foo=\"\\0\"", "Foo", "\0", 1},
        {"SOME=args,here MORE optional=arguments  here", "SOME", "args,here", 0},
        {"SOME=args,here MORE optional=arguments  here", "optional", NULL, 0},
        {"Foo OptArguments", "Foo", NULL, 0},
        {"Foo=Bar Spam", "Foo", NULL, 0},
        {"Foo", "Foo", NULL, 0},
        {"Foo=\"Bar", "Foo", NULL, 0},
        {"Foo=\"Bar\\\"", "Foo", NULL, 0},
        {"Foo=\"Bar\\", "Foo", NULL, 0},
        {"Foo=Bar", "Spam", NULL, 0},
        {"foo=Bar", "Foo", NULL, 0},
        {"", "Foo", NULL, 0},
        {" Foo=Bar", "Foo", NULL, 0},
    };
    struct buf v = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *want = cases[i].value;
        bool found = tor_value(&v, cases[i].text, cases[i].key);
        if (found != (want != NULL))
            fail_msg("%s: %s", cases[i].text, found ? "found" : "not found");
        size_t n = cases[i].len ? cases[i].len : want ? strlen(want) : 0;
        if (!bytes_equal(buf_view(&v), bytes_of(want ? want : "", n)))
            fail_msg("%s: '%s'", cases[i].text, buf_cstr(&v));
    }
    buf_clear(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_make_replies),
        cmocka_unit_test(a_reply_is_bounded),
        cmocka_unit_test(words),
        cmocka_unit_test(values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
