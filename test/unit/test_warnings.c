/* Warnings to the user: several at once, one of a kind, withdrawn and raised again. */
#include "node/warnings.h"

#include "unit.h"

static void one_of_a_kind_holds(void **state)
{
    struct warnings w;
    const char *out[8];
    (void)state;
    warnings_init(&w);
    assert_int_equal(warnings_list(&w, out, 8), 0);
    assert_true(warnings_raise(&w, WARN_CLOCK, "clock"));
    assert_false(warnings_raise(&w, WARN_CLOCK, "clock"));
    assert_true(warnings_raise(&w, WARN_RULES, "bit 1"));
    assert_true(warnings_raise(&w, WARN_RULES, "bit 2"));
    assert_int_equal(warnings_list(&w, out, 8), 2);
    assert_string_equal(out[0], "bit 2");
    assert_string_equal(out[1], "clock");
    assert_int_equal(warnings_list(&w, out, 1), 1);
    warnings_withdraw(&w, WARN_CLOCK);
    warnings_withdraw(&w, WARN_INVALID_CHAIN);
    assert_int_equal(warnings_list(&w, out, 8), 1);
    assert_true(warnings_raise(&w, WARN_CLOCK, "clock"));
    assert_int_equal(w.n, 3); /* no text twice */
    warnings_clear(&w);
}

static void parts_fail_independently(void **state)
{
    struct warnings w;
    const char *out[8];
    (void)state;
    warnings_init(&w);
    assert_true(warnings_raise(&w, WARN_PART, "a"));
    assert_true(warnings_raise(&w, WARN_PART, "b"));
    assert_false(warnings_raise(&w, WARN_PART, "a"));
    assert_int_equal(warnings_list(&w, out, 8), 2);
    assert_string_equal(out[0], "a");
    assert_string_equal(out[1], "b");
    warnings_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_a_kind_holds),
        cmocka_unit_test(parts_fail_independently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
