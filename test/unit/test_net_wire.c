/* Addresses, frames and payloads of the P2P protocol. */
#include "net/compact.h"
#include "net/frame.h"
#include "net/protocol.h"
#include "util/hex.h"
#include "util/mem.h"

#include "unit.h"

static const uint8_t magic[4] = {0xfa, 0xbf, 0xb5, 0xda};

/* -- Addresses ------------------------------------------------------------------------------------ */

struct text_case {
    const char *in, *out; /* out NULL: refused */
    enum network class;
};

static void addresses_as_text(void **state)
{
    static const char onion[] =
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333";
    static const struct text_case cases[] = {
        {"1.2.3.4", "1.2.3.4:8333", NET_IPV4},
        {"1.2.3.4:80", "1.2.3.4:80", NET_IPV4},
        {"127.0.0.1", "127.0.0.1:8333", NET_UNROUTABLE},
        {"10.1.1.1", "10.1.1.1:8333", NET_UNROUTABLE},
        {"[2a02::1]:5", "[2a02::1]:5", NET_IPV6},
        {"2001:db8::1", "[2001:db8::1]:8333", NET_UNROUTABLE},
        {onion, onion, NET_ONION},
        {"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryc.onion", NULL, 0},
        {"ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:1",
         "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:1", NET_I2P},
        {"ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p",
         "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:0", NET_I2P},
        {"ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:0",
         "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:0", NET_I2P},
        {"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:0", NULL, 0},
        {"1.2.3.4:0", NULL, 0},
        {"1.2.3.4:99999", NULL, 0},
        {"example.com", NULL, 0},
        {"", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct netaddr a;
        char text[NETADDR_TEXT];
        bool ok = netaddr_parse(&a, cases[i].in, 8333);
        assert_int_equal(ok, cases[i].out != NULL);
        if (!ok)
            continue;
        assert_string_equal(netaddr_format(text, &a, true), cases[i].out);
        assert_int_equal(netaddr_class(&a), cases[i].class);
    }
}

static struct netaddr addr(const char *text)
{
    struct netaddr a;
    assert_true(netaddr_parse(&a, text, 8333));
    return a;
}

static void groups_hold_what_one_owner_has(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"1.2.3.4", "1.2.200.1", true},
        {"1.2.3.4", "1.3.3.4", false},
        {"[2a02:1234::1]", "[2a02:1234:5::9]", true},
        {"[2a02:1234::1]", "[2a02:1235::1]", false},
        {"[2002:102:304::1]", "1.2.9.9", true},  /* 6to4 */
        {"[2001:470:a000::]", "[2001:470:afff::]", true},
        {"[2001:470:a000::]", "[2001:470:b000::]", false}, /* 36 bits */
        {"127.0.0.1", "10.0.0.1", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t x[16], y[16];
        struct netaddr a = addr(cases[i].a), b = addr(cases[i].b);
        size_t n = netaddr_group(&a, x), m = netaddr_group(&b, y);
        assert_int_equal(n == m && memcmp(x, y, n) == 0, cases[i].same);
    }
}

struct v2_case {
    const char *hex;
    const char *text;  /* NULL: unroutable */
    const char *error; /* NULL: none */
};

static void addrv2_reads(void **state)
{
    static const struct v2_case cases[] = {
        {"010401020304208d", "1.2.3.4:8333", NULL},
        {"01040102", NULL, ""},
        {"010501020304050000", NULL, "BIP155 IPv4 address with length 5 (should be 4)"},
        {"0210" "2a020000000000000000000000000001" "0001", "[2a02::1]:1", NULL},
        {"0210" "00000000000000000000ffff01020304" "0001", NULL, NULL}, /* tunnelled */
        {"0210" "fd87d87eeb430102030405060708090a" "0001", NULL, NULL}, /* OnionCat */
        {"0204" "01020304" "0001", NULL, "BIP155 IPv6 address with length 4 (should be 16)"},
        {"03" "0a" "f1f2f3f4f5f6f7f8f9fa" "0001", NULL, NULL}, /* Tor v2: unknown now */
        {"04" "00" "0001", NULL, "BIP155 TORv3 address with length 0 (should be 32)"},
        {"0610" "fc000001000200030004000500060007" "0001", "[fc00:1:2:3:4:5:6:7]:1", NULL},
        {"0610" "aa000001000200030004000500060007" "0001", NULL, NULL},
        {"aa" "04" "01020304" "0001", NULL, NULL},
        {"aa" "fd0102" "", NULL, "Address too long: 513 > 512"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = {0};
        struct reader r;
        struct wire_error why = {""};
        char text[NETADDR_TEXT];
        assert_true(hex_decode(&b, cases[i].hex, strlen(cases[i].hex)));
        reader_init(&r, b.data, b.len);
        struct netaddr a = netaddr_read_v2(&r, &why);
        assert_int_equal(r.bad, cases[i].error != NULL);
        if (cases[i].error)
            assert_string_equal(why.text, cases[i].error);
        else if (cases[i].text)
            assert_string_equal(netaddr_format(text, &a, true), cases[i].text);
        else
            assert_int_equal(a.network, NET_UNROUTABLE);
        buf_clear(&b);
    }
}

/* Which of two own addresses a peer is told, by where it is. */
static void the_address_a_peer_reaches_best(void **state)
{
    static const char onion[] =
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
    static const char i2p[] =
        "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p";
    static const struct {
        const char *from, *better, *worse;
    } cases[] = {
        {"1.2.3.4", "9.9.9.9", "2a02::1"},
        {"1.2.3.4", "9.9.9.9", onion},
        {"2a02::5", "2a02::1", "9.9.9.9"},
        {"2a02::5", "9.9.9.9", "2002:909:909::1"}, /* 6to4 */
        {"2a02::5", "2002:909:909::1", "2001:0:1::1"}, /* Teredo */
        {"2a02::5", "2001:0:1::1", onion},
        {"2001:0:2::1", "9.9.9.9", "2a02::1"},
        {"2001:0:2::1", "2a02::1", "2001:0:1::1"},
        {onion, onion, "9.9.9.9"},
        {onion, "9.9.9.9", "2a02::1"},
        {i2p, i2p, "9.9.9.9"},
        {"127.0.0.1", onion, "9.9.9.9"},
        {"127.0.0.1", "9.9.9.9", "2a02::1"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct netaddr from = addr(cases[i].from), a = addr(cases[i].better),
                       b = addr(cases[i].worse);
        if (netaddr_reach(&a, &from) <= netaddr_reach(&b, &from))
            fail_msg("%s from %s", cases[i].better, cases[i].from);
    }
}

/* fc00::/8 is the network's own, and travels in addrv2 only. */
static void addresses_of_cjdns(void **state)
{
    struct netaddr a = addr("fc00:1:2:3:4:5:6:7");
    (void)state;
    assert_int_equal(netaddr_class(&a), NET_UNROUTABLE);
    assert_true(netaddr_fits_v1(&a));
    a.network = NET_CJDNS;
    assert_int_equal(netaddr_class(&a), NET_CJDNS);
    assert_false(netaddr_fits_v1(&a));
    a.addr[0] = 0xfd;
    assert_false(netaddr_valid(&a));
}

static void addresses_survive_both_forms(void **state)
{
    static const char *const texts[] = {"1.2.3.4:8333", "[2a02::1]:1",
                                        "[fc00:1:2:3:4:5:6:7]:9"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        for (int v2 = 0; v2 < 2; v2++) {
            struct netaddr_entry in = {addr(texts[i]), 1033, 1700000000};
            struct buf b = {0};
            struct sink s = sink_to_buf(&b);
            struct reader r;
            struct wire_error why = {""};
            netaddr_entry_write(&s, &in, v2);
            reader_init(&r, b.data, b.len);
            struct netaddr_entry out = netaddr_entry_read(&r, v2, &why);
            assert_true(reader_done(&r));
            assert_true(netaddr_equal(&in.addr, &out.addr));
            assert_int_equal(in.services, out.services);
            assert_int_equal(in.time, out.time);
            buf_clear(&b);
        }
}

/* -- Frames ---------------------------------------------------------------------------------------- */

static void frames_in_any_pieces(void **state)
{
    struct buf wire = {0};
    (void)state;
    frame_write(&wire, magic, "ping", bytes_of("12345678", 8));
    frame_write(&wire, magic, "verack", bytes_of(NULL, 0));
    frame_write(&wire, magic, "novelty", bytes_of("x", 1));
    for (size_t piece = 1; piece <= wire.len; piece++) {
        struct frame_reader f;
        struct message *m;
        char note[FRAME_NOTE];
        enum msg_type seen[3];
        size_t n = 0;
        frame_reader_init(&f, magic);
        for (size_t at = 0; at < wire.len; at += piece) {
            size_t len = wire.len - at < piece ? wire.len - at : piece;
            struct bytes in = bytes_of(wire.data + at, len);
            while (in.len)
                if (frame_read(&f, &in, &m, note) == FRAME_MESSAGE) {
                    seen[n++] = m->type;
                    message_free(m);
                }
        }
        assert_int_equal(n, 3);
        assert_int_equal(seen[0], MSG_PING);
        assert_int_equal(seen[1], MSG_VERACK);
        assert_int_equal(seen[2], MSG_COUNT);
        frame_reader_clear(&f);
    }
    buf_clear(&wire);
}

/* What is wrong with one frame after octet @at was set to @to. */
static enum frame_result damaged(const char *type, size_t at, uint8_t to,
                                 char note[FRAME_NOTE])
{
    struct buf wire = {0};
    struct frame_reader f;
    struct message *m;
    frame_write(&wire, magic, type, bytes_of("d", 1));
    wire.data[at] = to;
    struct bytes in = buf_view(&wire);
    frame_reader_init(&f, magic);
    enum frame_result r = frame_read(&f, &in, &m, note);
    message_free(m);
    frame_reader_clear(&f);
    buf_clear(&wire);
    return r;
}

static void frames_that_are_wrong(void **state)
{
    char note[FRAME_NOTE];
    (void)state;
    assert_int_equal(damaged("badmsg", 0, 0xff, note), FRAME_FATAL);
    assert_string_equal(note, "Header error: Wrong MessageStart ffbfb5da received");
    assert_int_equal(damaged("badmsg", 19, 1, note), FRAME_FATAL);
    assert_string_equal(note, "Header error: Size too large (badmsg, 16777217 bytes)");
    assert_int_equal(damaged("badmsg", 20, 0, note), FRAME_DROPPED);
    assert_non_null(strstr(note, "Header error: Wrong checksum (badmsg, 1 bytes), expected"));
    assert_int_equal(damaged("badmsg", 15, 'x', note), FRAME_DROPPED);
    assert_string_equal(note, "Header error: Invalid message type (badmsg, 1 bytes)");
    assert_int_equal(damaged("badmsg", 5, 0x80, note), FRAME_DROPPED);
}

/* -- Payloads -------------------------------------------------------------------------------------- */

static void version_fields_are_optional_from_behind(void **state)
{
    struct msg_version m = {
        .version = PROTOCOL_VERSION, .services = 9, .time = 1700000000,
        .addr_recv = addr("1.2.3.4"), .addr_from = addr("[2a02::1]"), .nonce = 77,
        .subver = "/Test:1/", .start_height = 5, .relay = false,
    };
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    (void)state;
    msg_version_write(&s, &m);
    static const struct {
        size_t cut;
        uint64_t nonce;
        int32_t height;
        bool relay;
    } cases[] = {{0, 77, 5, false}, {1, 77, 5, true}, {5, 77, -1, true},
                 {14, 77, -1, true}, {48, 1, -1, true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reader r;
        reader_init(&r, b.data, b.len - cases[i].cut);
        struct msg_version got = msg_version_read(&r);
        assert_true(reader_done(&r));
        assert_int_equal(got.version, PROTOCOL_VERSION);
        assert_int_equal(got.nonce, cases[i].nonce);
        assert_int_equal(got.start_height, cases[i].height);
        assert_int_equal(got.relay, cases[i].relay);
    }
    struct reader r;
    reader_init(&r, b.data, b.len - 2); /* inside the height */
    (void)msg_version_read(&r);
    assert_true(r.bad);
    buf_clear(&b);
}

static void counts_beyond_the_payload_are_refused(void **state)
{
    static const uint8_t inv[] = {0xfe, 0xff, 0xff, 0xff, 0x00};
    struct reader r;
    (void)state;
    reader_init(&r, inv, sizeof(inv));
    struct msg_inv m = msg_inv_read(&r);
    assert_true(r.bad);
    assert_int_equal(m.n, 0);
    msg_inv_clear(&m);
    reader_init(&r, inv, sizeof(inv));
    struct msg_headers h = msg_headers_read(&r);
    assert_int_equal(h.n, 0xffffff); /* the handler names the number */
    assert_null(h.items);
    msg_headers_clear(&h);
}

static void text_for_logs_is_safe(void **state)
{
    char out[16];
    (void)state;
    sanitize(out, sizeof(out), "a\x01\"b<%s>\n/", 10);
    assert_string_equal(out, "abs/");
    sanitize(out, 3, "abcdef", 6);
    assert_string_equal(out, "ab");
}

static void inv_types_have_names(void **state)
{
    char text[INV_TEXT];
    struct inv i = {INV_WITNESS_TX, {{0}}};
    (void)state;
    assert_memory_equal(inv_format(text, &i), "witness-tx 00", 13);
    i.type = INV_WTX;
    assert_memory_equal(inv_format(text, &i), "wtx 00", 6);
    i.type = 77;
    assert_memory_equal(inv_format(text, &i), "0x0000004d 00", 13);
}

static void indexes_travel_as_distances(void **state)
{
    uint32_t at[] = {0, 1, 5, 65535};
    struct msg_getblocktxn m = {.indexes = at, .n = ARRAY_LEN(at)};
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    struct reader r;
    (void)state;
    msg_getblocktxn_write(&s, &m);
    assert_memory_equal(b.data + 32, "\x04\x00\x00\x03\xfd\xf9\xff", 7);
    reader_init(&r, b.data, b.len);
    struct msg_getblocktxn got = msg_getblocktxn_read(&r);
    assert_true(reader_done(&r));
    assert_memory_equal(got.indexes, at, sizeof(at));
    msg_getblocktxn_clear(&got);
    b.data[33] = 1; /* now the last index passes 65535 */
    reader_init(&r, b.data, b.len);
    got = msg_getblocktxn_read(&r);
    assert_true(r.bad);
    msg_getblocktxn_clear(&got);
    buf_clear(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_as_text),
        cmocka_unit_test(groups_hold_what_one_owner_has),
        cmocka_unit_test(addrv2_reads),
        cmocka_unit_test(the_address_a_peer_reaches_best),
        cmocka_unit_test(addresses_of_cjdns),
        cmocka_unit_test(addresses_survive_both_forms),
        cmocka_unit_test(frames_in_any_pieces),
        cmocka_unit_test(frames_that_are_wrong),
        cmocka_unit_test(version_fields_are_optional_from_behind),
        cmocka_unit_test(counts_beyond_the_payload_are_refused),
        cmocka_unit_test(text_for_logs_is_safe),
        cmocka_unit_test(inv_types_have_names),
        cmocka_unit_test(indexes_travel_as_distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
