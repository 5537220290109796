/* SAM: replies, base64, destinations and their addresses. */
#include "unit.h"

#include "net/sam.h"
#include "util/mem.h"

static void values_of_replies(void **state)
{
    static const struct {
        const char *reply, *key, *value; /* NULL: not there */
    } cases[] = {
        {"HELLO REPLY RESULT=OK VERSION=3.1", "RESULT", "OK"},
        {"HELLO REPLY RESULT=OK VERSION=3.1", "VERSION", "3.1"},
        {"HELLO REPLY RESULT=OK VERSION=3.1", "REPLY", NULL},
        {"HELLO REPLY RESULT=OK VERSION=3.1", "RES", NULL},
        {"A KEY=a=b==", "KEY", "a=b=="},
        {"A KEY= B=1", "KEY", ""},
        {"A KEY=1 KEY=2", "KEY", "1"},
        {"A XKEY=1", "KEY", NULL},
        {"  KEY=1", "KEY", "1"},
        {"", "KEY", NULL},
    };
    struct buf v = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool found = sam_value(&v, cases[i].reply, cases[i].key);
        if (found != (cases[i].value != NULL))
            fail_msg("%s: %s", cases[i].reply, cases[i].key);
        assert_string_equal(buf_cstr(&v), found ? cases[i].value : "");
    }
    buf_clear(&v);
    assert_true(sam_result_is("X RESULT=OK", "OK"));
    assert_false(sam_result_is("X RESULT=OKAY", "OK"));
    assert_false(sam_result_is("X", "OK"));
}

static void base64_of_its_own(void **state)
{
    static const uint8_t octets[] = {0xfb, 0xff, 0xfe, 0x00};
    struct buf text = {0}, back = {0};
    (void)state;
    sam_base64_append(&text, octets, sizeof(octets));
    assert_string_equal(buf_cstr(&text), "-~~-AA==");
    assert_true(sam_base64_decode(&back, "-~~-AA==", 8));
    assert_memory_equal(back.data, octets, sizeof(octets));
    assert_false(sam_base64_decode(&back, "+//+AA==", 8));
    assert_int_equal(back.len, sizeof(octets));
    buf_clear(&text);
    buf_clear(&back);
}

static void sizes_of_destinations(void **state)
{
    static const struct {
        size_t len, cert, size;
    } cases[] = {
        {386, 0, 0},   {387, 0, 387}, {388, 0, 387},   {390, 4, 0},
        {391, 4, 391}, {679, 4, 391}, {387, 65535, 0}, {65922, 65535, 65922},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t *key = xcalloc(1, cases[i].len);
        key[385] = (uint8_t)(cases[i].cert >> 8);
        if (cases[i].len > 386)
            key[386] = (uint8_t)cases[i].cert;
        assert_int_equal(sam_destination_size(bytes_of(key, cases[i].len)),
                         cases[i].size);
        free(key);
    }
}

static void addresses_of_destinations(void **state)
{
    uint8_t destination[391] = {[386] = 4};
    struct buf text = {0};
    struct netaddr a, b = sam_address(bytes_of(destination, sizeof(destination)));
    (void)state;
    sam_base64_append(&text, destination, sizeof(destination));
    assert_true(sam_address_parse(&a, buf_cstr(&text)));
    assert_true(netaddr_equal(&a, &b));
    assert_int_equal(a.network, NET_I2P);
    assert_int_equal(a.port, 0);
    buf_append_str(&text, " FROM_PORT=0 TO_PORT=0");
    assert_true(sam_address_parse(&a, buf_cstr(&text)));
    assert_false(sam_address_parse(&a, "STREAM STATUS RESULT=I2P_ERROR"));
    assert_false(sam_address_parse(&a, ""));
    assert_false(sam_address_parse(&a, "AAAA"));
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_replies),
        cmocka_unit_test(base64_of_its_own),
        cmocka_unit_test(sizes_of_destinations),
        cmocka_unit_test(addresses_of_destinations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
