/* Buffers, reader, sink, hex, amounts, arena, clock, random numbers. */
#include "unit.h"

#include "util/amount.h"
#include "util/clock.h"
#include "util/hex.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/reader.h"
#include "util/sink.h"

static void compact_size_is_minimal_and_round_trips(void **state)
{
    static const struct {
        const char *hex;
        uint64_t value, max;
        bool ok;
    } cases[] = {
        {"00", 0, 1, true},
        {"fc", 252, 1000, true},
        {"fdfd00", 253, 1000, true},
        {"fdfc00", 0, 1000, false},
        {"fdffff", 65535, 65535, true},
        {"feffff0000", 0, UINT64_MAX, false},
        {"fe00000100", 65536, UINT64_MAX, true},
        {"ffffffffff00000000", 0, UINT64_MAX, false},
        {"ff0000000001000000", 0x100000000, UINT64_MAX, true},
        {"ff0000000001000000", 0, 0x2000000, false},
        {"fd00", 0, 1000, false},
        {"", 0, 1000, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf in = {0}, out = {0};
        struct reader r;
        assert_true(hex_decode(&in, cases[i].hex, strlen(cases[i].hex)));
        reader_init(&r, in.data, in.len);
        assert_int_equal(read_varint(&r, cases[i].max), cases[i].ok ? cases[i].value : 0);
        assert_int_equal(reader_done(&r), cases[i].ok);
        if (cases[i].ok) {
            struct sink s = sink_to_buf(&out);
            write_varint(&s, cases[i].value);
            assert_true(bytes_equal(buf_view(&in), buf_view(&out)));
            assert_int_equal(s.count, varint_size(cases[i].value));
        }
        buf_clear(&in);
        buf_clear(&out);
    }
}

static void base128_round_trips(void **state)
{
    static const struct {
        uint64_t value;
        const char *hex;
    } cases[] = {
        {0, "00"},         {127, "7f"},       {128, "8000"},
        {255, "807f"},     {256, "8100"},     {16383, "fe7f"},
        {16384, "ff00"},   {16511, "ff7f"},   {65535, "82fe7f"},
        {1ULL << 32, "8efefeff00"},
        {UINT64_MAX, "80fefefefefefefefe7f"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0}, text = {0};
        struct sink s = sink_to_buf(&out);
        struct reader r;
        write_base128(&s, cases[i].value);
        hex_append(&text, out.data, out.len);
        assert_string_equal(buf_cstr(&text), cases[i].hex);
        reader_init(&r, out.data, out.len);
        assert_int_equal(read_base128(&r), cases[i].value);
        assert_true(reader_done(&r));
        buf_clear(&out);
        buf_clear(&text);
    }
}

static void base128_that_overflows_is_bad(void **state)
{
    static const char *const cases[] = {"80fefefefefefefeff00", "ffffffffffffffffffff7f",
                                        "80"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf in = {0};
        struct reader r;
        assert_true(hex_decode(&in, cases[i], strlen(cases[i])));
        reader_init(&r, in.data, in.len);
        read_base128(&r);
        assert_true(r.bad);
        buf_clear(&in);
    }
}

static void fields_are_written_as_they_are_read(void **state)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    struct reader r;
    (void)state;
    write_u8(&s, 0x12);
    write_u16(&s, 0x1234);
    write_u16be(&s, 0x1234);
    write_u32(&s, 0x12345678);
    write_u32be(&s, 0x12345678);
    write_u64(&s, 0x123456789abcdef0);
    write_i64(&s, -2);
    write_var(&s, bytes_of("abc", 3));
    reader_init(&r, b.data, b.len);
    assert_int_equal(read_u8(&r), 0x12);
    assert_int_equal(read_u16(&r), 0x1234);
    assert_int_equal(read_u16be(&r), 0x1234);
    assert_int_equal(read_u32(&r), 0x12345678);
    assert_int_equal(read_u32be(&r), 0x12345678);
    assert_int_equal(read_u64(&r), 0x123456789abcdef0);
    assert_int_equal(read_i64(&r), -2);
    assert_true(bytes_equal(read_var(&r, 3), bytes_of("abc", 3)));
    assert_true(reader_done(&r));
    assert_int_equal(s.count, b.len);
    buf_clear(&b);
}

static void a_read_past_the_end_latches(void **state)
{
    static const uint8_t three[3] = {1, 2, 3};
    struct reader r;
    (void)state;
    reader_init(&r, three, 3);
    assert_int_equal(read_u32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(read_u8(&r), 0);
    assert_false(reader_done(&r));
    reader_init(&r, three, 3);
    assert_int_equal(read_var(&r, 100).len, 1);
    assert_null(read_var(&r, 100).data);
    assert_true(r.bad);
    reader_init(&r, NULL, 0);
    assert_true(reader_done(&r));
}

static void hex_text(void **state)
{
    static const struct {
        const char *hex;
        bool ok;
    } cases[] = {{"", true},   {"00", true},  {"aBcD", true}, {"0", false},
                 {"0g", false}, {" 00", false}, {"0x00", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = {0};
        size_t n = strlen(cases[i].hex);
        buf_append_byte(&b, 'x');
        assert_int_equal(hex_decode(&b, cases[i].hex, n), cases[i].ok);
        assert_int_equal(b.len, cases[i].ok ? 1 + n / 2 : 1);
        assert_int_equal(hex_is(cases[i].hex, n), cases[i].ok && n > 0);
        buf_clear(&b);
    }
}

static void a_hash_is_displayed_reversed(void **state)
{
    struct hash256 h = {{0x01}}, back;
    char hex[65];
    (void)state;
    hash256_to_hex(hex, &h);
    assert_string_equal(
        hex, "0000000000000000000000000000000000000000000000000000000000000001");
    assert_true(hash256_from_hex(&back, hex));
    assert_true(hash256_equal(&h, &back));
    assert_false(hash256_from_hex(&back, hex + 1));
}

static void amounts_as_text(void **state)
{
    static const struct {
        const char *text;
        unsigned decimals;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", 8, true, 0},
        {"-0", 8, true, 0},
        {"0.00000001", 8, true, 1},
        {"0.17622195", 8, true, 17622195},
        {"0.5", 8, true, 50000000},
        {"0.89898989", 8, true, 89898989},
        {"20999999.9999999800", 8, true, 2099999999999998},
        {"-1.5", 8, true, -150000000},
        {"1e-8", 8, true, 1},
        {"0.1e-7", 8, true, 1},
        {"1E-8", 8, true, 1},
        {"0.01e+1", 8, true, 10000000},
        {"0.0000000000000000000000000000000000000000000000000001e+44", 8, true, 1},
        {"10000000000000000000000000e-33", 8, true, 1},
        {"100000000000000000000000000000000000000e-46", 8, true, 1},
        {"12.34567", 5, true, 1234567},
        {"7", 0, true, 7},
        {"1e-9", 8, false, 0},
        {"0.000000019", 8, false, 0},
        {"0.000000010000000", 8, true, 1},
        {"12.345678", 5, false, 0},
        {"1e1000", 8, false, 0},
        {"92233720368.54775808", 8, false, 0},
        {"9999999999.99999999", 8, true, 999999999999999999},
        {"10000000000.00000000", 8, false, 0},
        {"01", 8, false, 0},
        {".5", 8, false, 0},
        {"5.", 8, false, 0},
        {"1e", 8, false, 0},
        {"+1", 8, false, 0},
        {"", 8, false, 0},
        {" 1", 8, false, 0},
        {"1 ", 8, false, 0},
        {"1.1.", 8, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct amount a = {-77};
        bool ok = amount_parse(&a, cases[i].text, strlen(cases[i].text),
                               cases[i].decimals);
        if (ok != cases[i].ok)
            fail_msg("%s", cases[i].text);
        assert_int_equal(a.v, ok ? cases[i].value : -77);
    }
}

static void amounts_are_formatted_with_all_decimals(void **state)
{
    static const struct {
        int64_t v;
        unsigned decimals;
        const char *text;
    } cases[] = {
        {0, 8, "0.00000000"},
        {1, 8, "0.00000001"},
        {-1, 8, "-0.00000001"},
        {5000000000, 8, "50.00000000"},
        {1234567, 5, "12.34567"},
        {-12, 0, "-12"},
        {INT64_MAX, 8, "92233720368.54775807"},
        {INT64_MIN, 8, "-92233720368.54775808"},
    };
    char out[32];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(
            amount_format(out, amount_of(cases[i].v), cases[i].decimals), cases[i].text);
}

static void extending_an_empty_buffer_by_nothing_gives_an_address(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_non_null(buf_extend(&b, 0)); /* memset and arithmetic want one */
    assert_int_equal(b.len, 0);
    buf_clear(&b);
}

static void buffers_grow_and_print(void **state)
{
    struct buf b = {0};
    size_t len;
    (void)state;
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%d,", i);
    assert_int_equal(b.len, 290);
    assert_memory_equal(buf_cstr(&b), "0,1,2,", 6);
    assert_int_equal(strlen(buf_cstr(&b)), b.len);
    char *s = (char *)buf_take(&b, &len);
    assert_int_equal(len, 290);
    assert_int_equal(strlen(s), 290);
    assert_null(b.data);
    free(s);
    buf_clear(&b);
}

static void byte_order_puts_a_prefix_first(void **state)
{
    (void)state;
    assert_true(bytes_compare(bytes_of("ab", 2), bytes_of("abc", 3)) < 0);
    assert_true(bytes_compare(bytes_of("b", 1), bytes_of("abc", 3)) > 0);
    assert_int_equal(bytes_compare(bytes_of(NULL, 0), bytes_of(NULL, 0)), 0);
}

static void arena_pieces_are_aligned_and_survive(void **state)
{
    struct arena a;
    char *s[200];
    (void)state;
    arena_init(&a, 256);
    for (int i = 0; i < 200; i++) {
        s[i] = arena_printf(&a, "%d", i);
        assert_int_equal((uintptr_t)s[i] % 16, 0);
        if (i % 50 == 0)
            memset(arena_alloc(&a, 5000), 0xff, 5000);
    }
    for (int i = 0; i < 200; i++)
        assert_int_equal(atoi(s[i]), i);
    arena_reset(&a);
    arena_alloc(&a, 10);
    arena_clear(&a);
    arena_clear(&a);
}

static void mock_time_is_followed(void **state)
{
    struct clock c;
    char text[32];
    (void)state;
    clock_init(&c);
    assert_true(clock_now(&c) > 1600000000);
    clock_set_mock(&c, 1296688602);
    assert_int_equal(clock_now(&c), 1296688602);
    assert_int_equal(clock_now_us(&c), 1296688602000000);
    assert_string_equal(clock_format_utc(text, 1296688602), "2011-02-02T23:16:42Z");
    assert_string_equal(clock_format_utc(text, INT64_MAX), "");
    clock_set_mock(&c, 0);
    assert_true(clock_now(&c) > 1600000000);
}

static void seeded_numbers_repeat_and_stay_below(void **state)
{
    struct rng a, b;
    (void)state;
    rng_seed(&a, 5);
    rng_seed(&b, 5);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rng_u64(&a), rng_u64(&b));
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&a, 3) < 3);
}

static void every_order_comes_up(void **state)
{
    struct rng r;
    unsigned seen[3][3] = {{0}}; /* item, place */
    (void)state;
    rng_seed(&r, 5);
    for (int i = 0; i < 3000; i++) {
        struct {
            uint32_t item;
            char pad[200];
        } v[3] = {{.item = 0}, {.item = 1}, {.item = 2}};
        rng_shuffle(&r, v, ARRAY_LEN(v), sizeof(v[0]));
        for (size_t k = 0; k < ARRAY_LEN(v); k++)
            seen[v[k].item][k]++;
    }
    for (int i = 0; i < 9; i++)
        assert_in_range(seen[i / 3][i % 3], 900, 1100);
    rng_shuffle(&r, NULL, 0, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact_size_is_minimal_and_round_trips),
        cmocka_unit_test(base128_round_trips),
        cmocka_unit_test(base128_that_overflows_is_bad),
        cmocka_unit_test(fields_are_written_as_they_are_read),
        cmocka_unit_test(a_read_past_the_end_latches),
        cmocka_unit_test(hex_text),
        cmocka_unit_test(a_hash_is_displayed_reversed),
        cmocka_unit_test(amounts_as_text),
        cmocka_unit_test(amounts_are_formatted_with_all_decimals),
        cmocka_unit_test(buffers_grow_and_print),
        cmocka_unit_test(extending_an_empty_buffer_by_nothing_gives_an_address),
        cmocka_unit_test(byte_order_puts_a_prefix_first),
        cmocka_unit_test(arena_pieces_are_aligned_and_survive),
        cmocka_unit_test(mock_time_is_followed),
        cmocka_unit_test(seeded_numbers_repeat_and_stay_below),
        cmocka_unit_test(every_order_comes_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
