/* ElligatorSwift and the packet encryption of BIP 324. */
#include "vectors.h"

#include "crypto/bip324.h"
#include "crypto/secp.h"
#include "util/rand.h"

/* Lines of a CSV file after its head; the caller fcloses. */
static FILE *open_csv(const char *name)
{
    char line[4096];
    FILE *f = fopen(shared_vector(name), "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    return f;
}

static void any_64_octets_stand_for_a_coordinate(void **st)
{
    (void)st;
    char line[4096];
    FILE *f = open_csv("bitcoin/ellswift_decode_test_vectors.csv");
    size_t n = 0;
    for (; fgets(line, sizeof(line), f) != NULL; n++) {
        uint8_t encoding[64], want[32], got[32];
        char *rest = line;
        hex_to_fixed(encoding, sizeof(encoding), strsep(&rest, ","));
        hex_to_fixed(want, sizeof(want), strsep(&rest, ","));
        ellswift_decode(got, encoding);
        assert_memory_equal(got, want, 32);
    }
    fclose(f);
    assert_int_equal(n, 76);
}

static void each_branch_inverts_or_has_no_solution(void **st)
{
    (void)st;
    char line[4096];
    FILE *f = open_csv("bitcoin/xswiftec_inv_test_vectors.csv");
    size_t n = 0;
    for (; fgets(line, sizeof(line), f) != NULL; n++) {
        uint8_t u[32], x[32], t[32];
        char *rest = line;
        hex_to_fixed(u, sizeof(u), strsep(&rest, ","));
        hex_to_fixed(x, sizeof(x), strsep(&rest, ","));
        for (unsigned branch = 0; branch < 8; branch++) {
            const char *want = strsep(&rest, ",");
            assert_int_equal(ellswift_inverse(t, x, u, branch), want[0] != 0);
            if (want[0] != 0)
                assert_hex(t, sizeof(t), want);
        }
    }
    fclose(f);
    assert_int_equal(n, 32);
}

static void a_key_encodes_anew_each_time(void **st)
{
    (void)st;
    struct bip324_key k;
    uint8_t pubkey[33], first[64], again[64], x[32];
    size_t len;
    bip324_key_new(&k);
    secp_pubkey_create(pubkey, &len, k.secret, true);
    ellswift_encode(first, pubkey + 1);
    ellswift_encode(again, pubkey + 1);
    assert_memory_not_equal(first, again, 64);
    ellswift_decode(x, first);
    assert_memory_equal(x, pubkey + 1, 32);
    ellswift_decode(x, again);
    assert_memory_equal(x, pubkey + 1, 32);
    ellswift_decode(x, k.public);
    assert_memory_equal(x, pubkey + 1, 32);
}

static const uint8_t magic[4] = {0xf9, 0xbe, 0xb4, 0xd9};

static void init_from_vector(struct bip324 *c, const json_t *v)
{
    struct bip324_key ours;
    uint8_t theirs[64];
    hex_to_fixed(ours.secret, 32, str_of(v, "in_priv_ours_hex"));
    hex_to_fixed(ours.public, 64, str_of(v, "in_ellswift_ours_hex"));
    hex_to_fixed(theirs, 64, str_of(v, "in_ellswift_theirs_hex"));
    bip324_init(c, &ours, theirs, json_is_true(json_object_get(v, "in_initiating")),
                magic);
}

static void seal_vector(struct bip324 *c, struct buf *out, const json_t *v)
{
    struct buf piece = {0}, contents = {0}, aad = {0};
    uint8_t skipped[BIP324_EXPANSION];
    json_int_t skip = json_integer_value(json_object_get(v, "in_idx"));
    json_int_t times = json_integer_value(json_object_get(v, "in_multiply"));
    from_hex(&piece, str_of(v, "in_contents_hex"));
    from_hex(&aad, str_of(v, "in_aad_hex"));
    while (times-- > 0)
        buf_append(&contents, piece.data, piece.len);
    while (skip-- > 0)
        bip324_seal(c, skipped, bytes_of(NULL, 0), bytes_of(NULL, 0), false);
    bip324_seal(c, buf_extend(out, contents.len + BIP324_EXPANSION),
                buf_view(&contents), buf_view(&aad),
                json_is_true(json_object_get(v, "in_ignore")));
    buf_clear(&piece);
    buf_clear(&contents);
    buf_clear(&aad);
}

static void packets_of_the_bip(void **st)
{
    (void)st;
    json_t *root = load_vectors("bitcoin/bip324_packet_vectors.json"), *v;
    size_t i;
    assert_int_equal(json_array_size(root), 7);
    json_array_foreach(root, i, v)
    {
        struct bip324 c;
        struct buf out = {0};
        const char *whole = str_of(v, "out_ciphertext_hex");
        const char *end = str_of(v, "out_ciphertext_endswith_hex");
        init_from_vector(&c, v);
        assert_hex(c.session_id, 32, str_of(v, "out_session_id_hex"));
        assert_hex(c.send_terminator, 16, str_of(v, "mid_send_garbage_hex"));
        assert_hex(c.recv_terminator, 16, str_of(v, "mid_recv_garbage_hex"));
        seal_vector(&c, &out, v);
        if (whole[0] != 0)
            assert_hex(out.data, out.len, whole);
        else
            assert_hex(out.data + out.len - strlen(end) / 2, strlen(end) / 2, end);
        buf_clear(&out);
        bip324_clear(&c);
    }
    json_decref(root);
}

struct pair {
    struct bip324 a, b;
};

static void pair_init(struct pair *p)
{
    struct bip324_key a, b;
    bip324_key_new(&a);
    bip324_key_new(&b);
    bip324_init(&p->a, &a, b.public, true, magic);
    bip324_init(&p->b, &b, a.public, false, magic);
}

static void two_sides_understand_each_other_past_many_rekeys(void **st)
{
    (void)st;
    struct pair p;
    pair_init(&p);
    assert_memory_equal(p.a.session_id, p.b.session_id, 32);
    assert_memory_equal(p.a.send_terminator, p.b.recv_terminator, 16);
    assert_memory_equal(p.b.send_terminator, p.a.recv_terminator, 16);
    struct bytes none = bytes_of(NULL, 0);
    for (size_t i = 0; i < 1000; i++) {
        uint8_t text[300], packet[sizeof(text) + BIP324_EXPANSION];
        size_t len = i % sizeof(text);
        struct bip324 *from = i % 3 ? &p.a : &p.b, *to = i % 3 ? &p.b : &p.a;
        struct bytes got;
        bool ignore;
        rand_bytes(text, sizeof(text));
        bip324_seal(from, packet, bytes_of(text, len), none, i % 5 == 0);
        assert_int_equal(bip324_open_length(to, packet), len);
        assert_true(bip324_open(to, &got, &ignore, packet + BIP324_LENGTH_SIZE,
                                len + BIP324_EXPANSION - BIP324_LENGTH_SIZE, none));
        assert_int_equal(got.len, len);
        assert_memory_equal(got.data, text, len);
        assert_int_equal(ignore, i % 5 == 0);
    }
}

static void a_changed_octet_is_noticed(void **st)
{
    (void)st;
    static const char text[] = "inv";
    struct bytes garbage = bytes_of("garbage", 7);
    for (size_t at = BIP324_LENGTH_SIZE; at < 3 + BIP324_EXPANSION + 1; at++) {
        struct pair p;
        struct bytes got;
        bool ignore;
        uint8_t packet[3 + BIP324_EXPANSION];
        pair_init(&p);
        bip324_seal(&p.a, packet, bytes_of(text, 3), garbage, false);
        if (at < sizeof(packet))
            packet[at] ^= 1;
        else /* the garbage was changed on the way */
            garbage = bytes_of("Garbage", 7);
        assert_int_equal(bip324_open_length(&p.b, packet), 3);
        assert_false(bip324_open(&p.b, &got, &ignore, packet + BIP324_LENGTH_SIZE,
                                 sizeof(packet) - BIP324_LENGTH_SIZE, garbage));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_64_octets_stand_for_a_coordinate),
        cmocka_unit_test(each_branch_inverts_or_has_no_solution),
        cmocka_unit_test(a_key_encodes_anew_each_time),
        cmocka_unit_test(packets_of_the_bip),
        cmocka_unit_test(two_sides_understand_each_other_past_many_rekeys),
        cmocka_unit_test(a_changed_octet_is_noticed),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
