/* Both versions of the transport, told apart and cut into any pieces; what a hostile
 * side may send. */
#include "unit.h"

#include "crypto/secp.h"
#include "net/transport.h"
#include "util/rand.h"

static const uint8_t magic[4] = {0xfa, 0xbf, 0xb5, 0xda};

/* One side of a connection: its transport, and what it sent and was told. */
struct side {
    struct transport t;
    struct buf out;      /* not delivered yet */
    struct message *got; /* the last one */
    size_t n_got, n_dropped;
    char note[FRAME_NOTE];
    bool failed;
};

static void side_init(struct side *s, bool v2, bool initiator)
{
    *s = (struct side){0};
    transport_init(&s->t, magic, v2, initiator);
    transport_begin(&s->t, &s->out);
}

static void side_clear(struct side *s)
{
    transport_clear(&s->t);
    buf_clear(&s->out);
    message_free(s->got);
}

static void receive(struct side *s, struct bytes in)
{
    while (in.len > 0 && !s->failed) {
        struct message *m;
        enum frame_result r = transport_read(&s->t, &in, &m, &s->out, s->note);
        s->failed = r == FRAME_FATAL;
        s->n_dropped += r == FRAME_DROPPED;
        s->n_got += r == FRAME_MESSAGE;
        if (m) {
            message_free(s->got);
            s->got = m;
        }
    }
}

/* In pieces of @piece octets. */
static void deliver(struct side *from, struct side *to, size_t piece)
{
    struct buf wire = from->out;
    from->out = (struct buf){0};
    for (size_t at = 0; at < wire.len; at += piece) {
        size_t n = wire.len - at < piece ? wire.len - at : piece;
        receive(to, bytes_of(wire.data + at, n));
    }
    buf_clear(&wire);
}

static void shake_hands(struct side *a, struct side *b, size_t piece)
{
    side_init(a, true, true);
    side_init(b, true, false);
    for (int i = 0; i < 3; i++) {
        deliver(a, b, piece);
        deliver(b, a, piece);
    }
}

static void assert_message(const struct side *s, const char *name, const void *payload,
                           size_t len)
{
    assert_non_null(s->got);
    assert_string_equal(s->got->name, name);
    assert_int_equal(s->got->payload.len, len);
    if (len > 0)
        assert_memory_equal(s->got->payload.data, payload, len);
}

static void version_2_in_any_pieces(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 16, 63, 64, 65, 1000, SIZE_MAX / 2};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct side a, b;
        shake_hands(&a, &b, pieces[i]);
        assert_int_equal(a.t.kind, TRANSPORT_V2);
        assert_int_equal(b.t.kind, TRANSPORT_V2);
        assert_memory_equal(a.t.cipher.session_id, b.t.cipher.session_id, 32);
        /* a short id, a long name, and no payload */
        size_t n = transport_write(&a.t, &a.out, "ping", bytes_of("12345678", 8));
        assert_int_equal(n, 8 + 1 + BIP324_EXPANSION);
        deliver(&a, &b, pieces[i]);
        assert_message(&b, "ping", "12345678", 8);
        assert_int_equal(b.got->type, MSG_PING);
        assert_int_equal(b.got->wire_size, n);
        n = transport_write(&b.t, &b.out, "verack", bytes_of(NULL, 0));
        assert_int_equal(n, 13 + BIP324_EXPANSION);
        deliver(&b, &a, pieces[i]);
        assert_message(&a, "verack", NULL, 0);
        assert_int_equal(a.got->type, MSG_VERACK);
        side_clear(&a);
        side_clear(&b);
    }
}

static void every_short_id_and_name_arrives_as_it_was_sent(void **state)
{
    static const char *const names[] = {
        "addr",         "block",       "blocktxn",   "cmpctblock",   "feefilter",
        "filteradd",    "filterclear", "filterload", "getblocks",    "getblocktxn",
        "getdata",      "getheaders",  "headers",    "inv",          "mempool",
        "merkleblock",  "notfound",    "ping",       "pong",         "sendcmpct",
        "tx",           "getcfilters", "cfilter",    "getcfheaders", "cfheaders",
        "getcfcheckpt", "cfcheckpt",   "addrv2",     "version",      "wtxidrelay",
        "sendheaders",  "abcdefghijkl"};
    struct side a, b;
    (void)state;
    shake_hands(&a, &b, 500);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = transport_write(&a.t, &a.out, names[i], bytes_of("x", 1));
        assert_int_equal(n, 1 + (i < 28 ? 1 : 13) + BIP324_EXPANSION);
        deliver(&a, &b, 7);
        assert_message(&b, names[i], "x", 1);
    }
    side_clear(&a);
    side_clear(&b);
}

static void a_called_side_understands_version_1(void **state)
{
    struct buf wire = {0};
    (void)state;
    frame_write(&wire, magic, "version", bytes_of("v", 1));
    frame_write(&wire, magic, "ping", bytes_of("12345678", 8));
    for (size_t piece = 1; piece <= wire.len; piece++) {
        struct side b;
        side_init(&b, true, false);
        for (size_t at = 0; at < wire.len; at += piece) {
            size_t left = wire.len - at;
            receive(&b, bytes_of(wire.data + at, left < piece ? left : piece));
        }
        assert_int_equal(b.t.kind, TRANSPORT_V1);
        assert_int_equal(b.n_got, 2);
        assert_message(&b, "ping", "12345678", 8);
        assert_int_equal(b.out.len, 0); /* no key was sent */
        side_clear(&b);
    }
    buf_clear(&wire);
}

static void the_first_other_octet_makes_it_version_2(void **state)
{
    uint8_t prefix[16] = {0};
    (void)state;
    memcpy(prefix, magic, 4);
    memcpy(prefix + 4, "version", 7);
    for (size_t i = 0; i < sizeof(prefix); i++) {
        struct side b;
        side_init(&b, true, false);
        receive(&b, bytes_of(prefix, i));
        assert_int_equal(b.out.len, 0);
        prefix[i] ^= 1;
        receive(&b, bytes_of(prefix + i, 1));
        prefix[i] ^= 1;
        assert_true(b.out.len >= ELLSWIFT_SIZE);
        assert_int_equal(b.t.kind, TRANSPORT_DETECTING);
        side_clear(&b);
    }
}

static void version_1_of_another_network_is_named(void **state)
{
    static const uint8_t other[4] = {0xf9, 0xbe, 0xb4, 0xd9};
    struct buf wire = {0};
    struct side b;
    (void)state;
    frame_write(&wire, other, "version", bytes_of(wire.data, 0));
    buf_append(&wire, magic, 4); /* more is needed than a bare header */
    for (int i = 0; i < 60; i++)
        buf_append_byte(&wire, 0);
    side_init(&b, true, false);
    receive(&b, buf_view(&wire));
    assert_true(b.failed);
    assert_string_equal(b.note,
                        "V2 transport error: V1 peer with wrong MessageStart f9beb4d9");
    side_clear(&b);
    buf_clear(&wire);
}

/* A side played by hand, which has agreed on keys with @s (the called one). */
struct hand {
    struct bip324 c;
};

static void hand_init(struct hand *h, struct side *s)
{
    struct bip324_key key;
    do
        bip324_key_new(&key);
    while (key.public[0] == magic[0]);
    side_init(s, true, false);
    receive(s, bytes_of(key.public, sizeof(key.public)));
    assert_true(s->out.len >= ELLSWIFT_SIZE);
    bip324_init(&h->c, &key, s->out.data, true, magic);
}

static void say(struct hand *h, struct side *s, const char *contents, size_t len,
                struct bytes aad, bool ignore)
{
    uint8_t packet[128];
    bip324_seal(&h->c, packet, bytes_of(contents, len), aad, ignore);
    receive(s, bytes_of(packet, len + BIP324_EXPANSION));
}

static const struct bytes none = {NULL, 0};

static void garbage_up_to_the_limit(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4094, 4095, 4096};
    uint8_t garbage[4096];
    (void)state;
    rand_bytes(garbage, sizeof(garbage));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct side s;
        struct hand h;
        struct bytes aad = bytes_of(garbage, sizes[i]);
        hand_init(&h, &s);
        receive(&s, aad);
        receive(&s, bytes_of(h.c.send_terminator, BIP324_TERMINATOR_SIZE));
        if (sizes[i] > 4095) {
            assert_true(s.failed);
            assert_string_equal(s.note,
                                "V2 transport error: missing garbage terminator");
        } else {
            say(&h, &s, "", 0, aad, true); /* a decoy comes before the version */
            say(&h, &s, "future", 6, none, false);
            say(&h, &s, "\x12pay", 4, none, false);
            assert_false(s.failed);
            assert_message(&s, "ping", "pay", 3);
            assert_int_equal(s.n_got, 1);
        }
        side_clear(&s);
    }
}

static void hand_ready(struct hand *h, struct side *s)
{
    hand_init(h, s);
    receive(s, bytes_of(h->c.send_terminator, BIP324_TERMINATOR_SIZE));
    say(h, s, "", 0, none, false);
}

static void decoys_are_skipped_and_bad_types_dropped(void **state)
{
    static const struct {
        const char *contents;
        size_t len;
    } bad[] = {
        {"", 0},                       /* no type at all */
        {"\x1d", 1},                   /* an id that is not given out */
        {"\xff", 1},                   /**/
        {"\0verack", 7},               /* a long type cut short */
        {"\0ver\1ck\0\0\0\0\0\0", 13}, /* not printable */
        {"\0ver\0ck\0\0\0\0\0\0", 13}, /* goes on after a zero */
    };
    struct side s;
    struct hand h;
    (void)state;
    hand_ready(&h, &s);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        say(&h, &s, bad[i].contents, bad[i].len, none, true);
        assert_int_equal(s.n_dropped, i);
        say(&h, &s, bad[i].contents, bad[i].len, none, false);
        assert_int_equal(s.n_dropped, i + 1);
    }
    assert_int_equal(s.n_got, 0);
    say(&h, &s, "\x12!", 2, none, false);
    assert_message(&s, "ping", "!", 1);
    side_clear(&s);
}

static void forged_and_oversized_packets_end_it(void **state)
{
    (void)state;
    for (int oversized = 0; oversized <= 1; oversized++) {
        struct side s;
        struct hand h;
        uint8_t packet[1 + BIP324_EXPANSION];
        hand_ready(&h, &s);
        bip324_seal(&h.c, packet, bytes_of("\x12", 1), none, false);
        if (oversized)
            packet[2] ^= 0x80; /* of the length: 8 MiB more */
        else
            packet[sizeof(packet) - 1] ^= 1;
        receive(&s, bytes_of(packet, sizeof(packet)));
        assert_true(s.failed);
        assert_string_equal(
            s.note, oversized
                        ? "V2 transport error: packet too large (8388609 bytes)"
                        : "V2 transport error: packet decryption failure (1 bytes)");
        side_clear(&s);
    }
}

static void a_caller_whose_key_was_refused_may_retry_version_1(void **state)
{
    struct side a, b;
    (void)state;
    side_init(&a, true, true);
    assert_true(transport_should_retry_v1(&a.t, 64, 0));
    assert_false(transport_should_retry_v1(&a.t, 10, 0)); /* the key never got there */
    assert_false(transport_should_retry_v1(&a.t, 64, 1)); /* it did answer */
    side_clear(&a);
    side_init(&b, true, false);
    assert_false(
        transport_should_retry_v1(&b.t, 64, 0)); /* it is the other's to call */
    side_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_in_any_pieces),
        cmocka_unit_test(every_short_id_and_name_arrives_as_it_was_sent),
        cmocka_unit_test(a_called_side_understands_version_1),
        cmocka_unit_test(the_first_other_octet_makes_it_version_2),
        cmocka_unit_test(version_1_of_another_network_is_named),
        cmocka_unit_test(garbage_up_to_the_limit),
        cmocka_unit_test(decoys_are_skipped_and_bad_types_dropped),
        cmocka_unit_test(forged_and_oversized_packets_end_it),
        cmocka_unit_test(a_caller_whose_key_was_refused_may_retry_version_1),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
