/* The file of a UTXO set: every kind of script and number survives it, and what is not
 * such a file is told apart. */
#include "unit.h"

#include "chain/params/params.h"
#include "chain/store/utxo_file.h"
#include "chain/store/utxo_hash.h"
#include "crypto/secp.h"
#include "util/hex.h"

#define HEIGHT 1000

static const uint8_t magic[4] = {1, 2, 3, 4};

/* The generator, uncompressed: a point; the other one is none. */
#define POINT                                                                          \
    "41"                                                                               \
    "04"                                                                               \
    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"                 \
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"                 \
    "ac"
#define NO_POINT                                                                       \
    "41"                                                                               \
    "04"                                                                               \
    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"                 \
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b9"                 \
    "ac"
#define HASH20 "00112233445566778899aabbccddeeff00112233"
#define HASH32 HASH20 "445566778899aabbccddeeff"

/* Scripts, and what stands for each in the file: the form is Bitcoin Core's. */
static const struct {
    const char *script, *octets;
} scripts[] = {
    {"76a914" HASH20 "88ac", "00" HASH20},
    {"a914" HASH20 "87", "01" HASH20},
    {"2102" HASH32 "ac", "02" HASH32},
    {"2103" HASH32 "ac", "03" HASH32},
    {POINT, "04"
            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"},
    {NO_POINT, "49" NO_POINT},
    {"2104" HASH32 "ac", "29"
                         "2104" HASH32 "ac"},
    {"0014" HASH20, "1c"
                    "0014" HASH20},
    {"5120" HASH32, "28"
                    "5120" HASH32},
    {"", "06"},
    {"51", "07"
           "51"},
};

static struct buf of_hex(const char *hex)
{
    struct buf b = {0};
    assert_true(hex_decode(&b, hex, strlen(hex)));
    return b;
}

static FILE *new_file(void)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    return f;
}

static struct outpoint outpoint_no(uint8_t tx, uint32_t n)
{
    struct outpoint o = {.n = n};
    memset(o.txid.b, tx, sizeof(o.txid.b));
    return o;
}

static struct buf octets_of(FILE *f)
{
    struct buf b = {0};
    rewind(f);
    for (int c; (c = getc(f)) != EOF;)
        buf_append_byte(&b, (uint8_t)c);
    return b;
}

static struct utxo_reader *reader_of(FILE *f, struct utxo_file_header *h)
{
    uint16_t version;
    rewind(f);
    struct utxo_reader *r = utxo_reader_new(f);
    assert_null(utxo_reader_header(r, h, &version));
    return r;
}

static void scripts_are_packed_as_in_bitcoin_core(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct utxo_file_header h = {.base = outpoint_no(9, 0).txid};
        struct buf script = of_hex(scripts[i].script),
                   packed = of_hex(scripts[i].octets);
        struct outpoint o = outpoint_no(1, 3), got_o;
        struct coin c = {.value = {50}, .height = 7, .script = buf_view(&script)}, got;
        FILE *f = new_file();
        uint64_t n;
        struct utxo_writer *w = utxo_writer_new(f, &h);
        utxo_writer_coin(w, &o, &c);
        assert_int_equal(utxo_writer_finish(w, &n), ERR_OK);
        assert_int_equal(n, 1);
        struct buf all = octets_of(f);
        /* header, txid, 1 coin, number, code, amount */
        size_t at = 51 + 32 + 1 + 1 + 1 + 1;
        assert_int_equal(all.len, at + packed.len);
        assert_memory_equal(all.data + at, packed.data, packed.len);
        struct utxo_reader *r = reader_of(f, &h);
        assert_int_equal(h.n_coins, 1);
        assert_int_equal(utxo_reader_coin(r, HEIGHT, &got_o, &got), UTXO_READ_OK);
        assert_memory_equal(&got_o, &o, sizeof(o));
        assert_true(bytes_equal(got.script, c.script));
        assert_int_equal(got.value.v, 50);
        assert_int_equal(got.height, 7);
        assert_false(got.coinbase);
        assert_int_equal(utxo_reader_coin(r, HEIGHT, &got_o, &got), UTXO_READ_END);
        assert_true(utxo_reader_at_end(r));
        utxo_reader_free(r);
        buf_clear(&all);
        buf_clear(&packed);
        buf_clear(&script);
        fclose(f);
    }
}

/* More than the reader's window holds, with the longest scripts in between. */
static void long_files_survive(void **state)
{
    (void)state;
    enum { N = 3000 };
    static uint8_t script[MAX_SCRIPT_SIZE];
    struct utxo_file_header h = {.n_coins = 0};
    memcpy(h.magic, magic, sizeof(magic));
    FILE *f = new_file();
    struct utxo_writer *w = utxo_writer_new(f, &h);
    memset(script, 0x51, sizeof(script));
    for (uint32_t i = 0; i < N; i++) {
        struct outpoint o = outpoint_no((uint8_t)(i / 100), i % 100 * 1000);
        struct coin c = {.value = {(int64_t)i * 700000000},
                         .height = i % HEIGHT,
                         .coinbase = i % 3 == 0,
                         .script =
                             bytes_of(script, i % 50 == 0 ? sizeof(script) : i % 90)};
        utxo_writer_coin(w, &o, &c);
    }
    for (uint32_t i = 1; i < 300; i++)
        utxo_writer_entry(w, bytes_of(script, i % UTXO_FILE_MAX_KEY + 1),
                          bytes_of(script, i * 30));
    utxo_writer_end_entries(w);
    uint64_t n;
    assert_int_equal(utxo_writer_finish(w, &n), ERR_OK);
    assert_int_equal(n, N);
    struct utxo_reader *r = reader_of(f, &h);
    assert_int_equal(h.n_coins, N);
    assert_memory_equal(h.magic, magic, sizeof(magic));
    for (uint32_t i = 0; i < N; i++) {
        struct outpoint o;
        struct coin c;
        assert_int_equal(utxo_reader_coin(r, HEIGHT, &o, &c), UTXO_READ_OK);
        assert_int_equal(o.n, i % 100 * 1000);
        assert_int_equal(o.txid.b[31], i / 100);
        assert_int_equal(c.value.v, (int64_t)i * 700000000);
        assert_int_equal(c.height, i % HEIGHT);
        assert_int_equal(c.coinbase, i % 3 == 0);
        assert_int_equal(c.script.len, i % 50 == 0 ? sizeof(script) : i % 90);
    }
    for (uint32_t i = 1; i < 300; i++) {
        struct bytes key, value;
        assert_int_equal(utxo_reader_entry(r, &key, &value), UTXO_READ_OK);
        assert_int_equal(key.len, i % UTXO_FILE_MAX_KEY + 1);
        assert_int_equal(value.len, i * 30);
    }
    struct bytes key, value;
    assert_false(utxo_reader_at_end(r));
    assert_int_equal(utxo_reader_entry(r, &key, &value), UTXO_READ_END);
    assert_true(utxo_reader_at_end(r));
    utxo_reader_free(r);
    fclose(f);
}

#define TXID "1111111111111111111111111111111111111111111111111111111111111111"

/* What stands behind a header that promises 2 coins, and how far reading comes. */
static const struct {
    const char *what, *octets;
    unsigned n_good;
    enum utxo_read end;
} bodies[] = {
    {"both",
     TXID "02"
          "00"
          "02"
          "01"
          "06"
          "01"
          "02"
          "01"
          "06",
     2, UTXO_READ_END},
    {"transactions without coins",
     TXID "00" TXID "02"
          "00020106"
          "01020106",
     2, UTXO_READ_END},
    {"one is missing",
     TXID "01"
          "00020106",
     1, UTXO_READ_MALFORMED},
    {"nothing", "", 0, UTXO_READ_MALFORMED},
    {"half a txid", "1111", 0, UTXO_READ_MALFORMED},
    {"too many in a transaction",
     TXID "03"
          "00020106",
     0, UTXO_READ_TOO_MANY},
    {"too many in the second one",
     TXID "01"
          "00020106" TXID "02",
     1, UTXO_READ_TOO_MANY},
    {"a count that is not minimal",
     TXID "fd0200"
          "00020106",
     0, UTXO_READ_MALFORMED},
    {"a count beyond all bounds", TXID "ffffffffffffffffff", 0, UTXO_READ_MALFORMED},
    {"an output number beyond all bounds",
     TXID "01"
          "feffffffff"
          "020106",
     0, UTXO_READ_MALFORMED},
    {"the height of the base",
     TXID "02"
          "00"
          "8e50"
          "0106"
          "01020106",
     2, UTXO_READ_END},
    {"one above it",
     TXID "02"
          "00"
          "8e52"
          "0106",
     0, UTXO_READ_BAD_COIN},
    {"a height of 33 bits",
     TXID "02"
          "00"
          "9effffff00"
          "0106",
     0, UTXO_READ_MALFORMED},
    {"all money",
     TXID "02"
          "00"
          "02"
          "14"
          "06"
          "01020106",
     2, UTXO_READ_END},
    {"more than all money",
     TXID "02"
          "00"
          "02"
          "cad28f5a"
          "06",
     0, UTXO_READ_BAD_VALUE},
    {"a script that is too long",
     TXID "02"
          "00"
          "02"
          "01"
          "cd17",
     0, UTXO_READ_MALFORMED},
    {"a key that is no point",
     TXID "02"
          "00"
          "02"
          "01"
          "04" TXID,
     0, UTXO_READ_MALFORMED},
    {"a script that ends early",
     TXID "02"
          "00"
          "02"
          "01"
          "08"
          "51",
     0, UTXO_READ_MALFORMED},
};

static void bodies_are_read_with_care(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct utxo_file_header h = {.n_coins = 2};
        FILE *f = new_file();
        uint64_t none;
        assert_int_equal(utxo_writer_finish(utxo_writer_new(f, &h), &none), ERR_OK);
        struct buf head = octets_of(f), body = of_hex(bodies[i].octets);
        head.data[43] = 2;
        rewind(f);
        fwrite(head.data, 1, head.len, f);
        fwrite(body.data, 1, body.len, f);
        fflush(f);
        struct utxo_reader *r = reader_of(f, &h);
        struct outpoint o;
        struct coin c;
        unsigned n = 0;
        enum utxo_read status;
        while ((status = utxo_reader_coin(r, HEIGHT, &o, &c)) == UTXO_READ_OK)
            n++;
        if (status != bodies[i].end || n != bodies[i].n_good)
            fail_msg("%s: %d after %u coins", bodies[i].what, (int)status, n);
        assert_int_equal(utxo_reader_coins_read(r), n);
        utxo_reader_free(r);
        buf_clear(&head);
        buf_clear(&body);
        fclose(f);
    }
}

/* The hash does not depend on the order in which a transaction's coins come. */
static void the_hash_goes_by_numbers(void **state)
{
    (void)state;
    static const uint32_t orders[][4] = {
        {0, 1, 2, 200}, {200, 2, 1, 0}, {2, 0, 200, 1}};
    struct hash256 first = {{0}}, got;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct utxo_hash h;
        utxo_hash_init(&h);
        for (uint8_t tx = 0; tx < 2; tx++)
            for (size_t k = 0; k < 4; k++) {
                struct outpoint o = outpoint_no(tx, orders[i][k]);
                struct coin c = {.value = {(int64_t)orders[i][k]}, .height = 1};
                utxo_hash_add(&h, &o, &c);
            }
        utxo_hash_final(&h, i == 0 ? &first : &got);
        if (i > 0)
            assert_memory_equal(first.b, got.b, 32);
    }
    struct utxo_hash none;
    utxo_hash_init(&none);
    utxo_hash_final(&none, &got);
    char hex[65];
    assert_string_equal(
        hash256_to_hex(hex, &got),
        "56944c5d3f98413ef45cf54545538103cc9f298e0575820ad3591376e2e0f65d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_are_packed_as_in_bitcoin_core),
        cmocka_unit_test(long_files_survive),
        cmocka_unit_test(bodies_are_read_with_care),
        cmocka_unit_test(the_hash_goes_by_numbers),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
