#include "unit.h"

#include <unistd.h>

#include "chain/params/params.h"
#include "chain/prim/coin.h"
#include "chain/store/coins_cache.h"
#include "chain/store/undo.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/rand.h"

/* -- Compact forms -- */

static void amounts_pack_and_unpack(void **state)
{
    (void)state;
    /* Values that Bitcoin's own packing is known by. */
    static const struct {
        uint64_t amount, packed;
    } known[] = {
        {0, 0x0},         {1, 0x1},           {1000000, 0x7},
        {100000000, 0x9}, {5000000000, 0x32}, {2100000000000000, 0x1406f40},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        assert_int_equal(amount_compress(known[i].amount), known[i].packed);
        assert_int_equal(amount_decompress(known[i].packed), known[i].amount);
    }
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 100000; i++) {
        uint64_t v = rng_below(&rng, MAX_MONEY + 1) >> rng_below(&rng, 51);
        assert_int_equal(amount_decompress(amount_compress(v)), v);
    }
}

static void coins_of_every_kind_survive_writing(void **state)
{
    (void)state;
    static const struct {
        const char *name, *script;
        size_t size; /* with two octets of height and one of amount */
    } cases[] = {
        {"P2PKH", "76a914000102030405060708090a0b0c0d0e0f1011121388ac", 24},
        {"P2SH", "a914000102030405060708090a0b0c0d0e0f1011121387", 24},
        {"P2WPKH", "0014000102030405060708090a0b0c0d0e0f10111213", 24},
        {"P2WSH",
         "00200000000000000000000000000000000000000000000000000000000000000001", 36},
        {"P2TR", "51200000000000000000000000000000000000000000000000000000000000000001",
         36},
        {"P2PK even",
         "21020000000000000000000000000000000000000000000000000000000000000001ac", 36},
        {"P2PK odd",
         "21030000000000000000000000000000000000000000000000000000000000000001ac", 36},
        {"no known kind", "5151", 6},
        {"almost P2SH", "a914000102030405060708090a0b0c0d0e0f1011121388", 27},
        {"empty", "", 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf script = {0}, out = {0};
        assert_true(hex_decode(&script, cases[i].script, strlen(cases[i].script)));
        struct coin c = {.value = {100000000},
                         .height = 2000,
                         .coinbase = i & 1,
                         .marks = i & COIN_MARKS,
                         .script = buf_view(&script)};
        struct coin back;
        uint8_t scratch[COIN_SCRATCH];
        struct sink s = sink_to_buf(&out);
        struct reader r;
        coin_write(&s, &c);
        assert_int_equal(out.len, cases[i].size);
        reader_init(&r, out.data, out.len);
        assert_true(coin_read(&back, &r, scratch) && reader_done(&r));
        assert_int_equal(back.value.v, c.value.v);
        assert_int_equal(back.height, c.height);
        assert_int_equal(back.coinbase, c.coinbase);
        assert_int_equal(back.marks, c.marks);
        assert_true(bytes_equal(back.script, c.script));
        /* Cut anywhere, it is malformed. */
        for (size_t n = 0; n < out.len; n++) {
            reader_init(&r, out.data, n);
            assert_false(coin_read(&back, &r, scratch));
        }
        buf_clear(&script);
        buf_clear(&out);
    }
}

static void undo_data_survives_writing(void **state)
{
    (void)state;
    uint8_t long_script[300];
    memset(long_script, 0x61, sizeof(long_script));
    struct coin a[] = {
        {.value = {1}, .height = 1, .coinbase = true, .script = bytes_of("\x51", 1)},
        {.value = {MAX_MONEY}, .height = 500000, .script = bytes_of(long_script, 300)},
    };
    struct tx_undo txs[] = {{2, a}, {1, a + 1}, {0, NULL}};
    struct block_undo u = {3, txs, bytes_of("state", 5)}, back;
    struct buf out = {0};
    struct sink s = sink_to_buf(&out);
    struct reader r;
    struct arena mem;
    block_undo_write(&s, &u);
    for (size_t n = 0; n <= out.len; n++) {
        arena_init(&mem, 0);
        reader_init(&r, out.data, n);
        assert_int_equal(block_undo_read(&back, &r, &mem), n == out.len);
        if (n == out.len) {
            assert_int_equal(back.n_tx, 3);
            assert_int_equal(back.txs[0].n, 2);
            assert_true(bytes_equal(back.txs[1].coins[0].script, a[1].script));
            assert_true(bytes_equal(back.state, u.state));
        }
        arena_clear(&mem);
    }
    buf_clear(&out);
}

/* -- The cache against a model -- */

#define N_OUTPOINTS 400
#define N_STEPS     60000

struct world {
    char dir[64];
    struct db *db;
    struct coins_cache *cc;
    struct rng rng;
    struct {
        bool there;
        int64_t value;
        size_t script_len;
    } model[N_OUTPOINTS];
};

static struct outpoint outpoint_no(uint32_t i)
{
    struct outpoint o = {.n = i % 300};
    memset(o.txid.b, (int)(i / 7), sizeof(o.txid.b));
    memcpy(o.txid.b, &i, sizeof(i));
    return o;
}

static void open_cache(struct world *w)
{
    struct db_options opt = {.name = "coins", .version = 1};
    char *error = NULL;
    assert_int_equal(db_open(&w->db, w->dir, &opt, &error), ERR_OK);
    w->cc = coins_cache_new(w->db);
}

static void close_cache(struct world *w)
{
    coins_cache_free(w->cc);
    db_close(w->db);
}

static void flush(struct world *w, bool drop)
{
    struct coins_flush f = {0};
    struct db_batch batch;
    db_batch_init(&batch);
    assert_false(coins_flush_into(w->cc, &f, &batch, SIZE_MAX));
    assert_int_equal(db_write(w->db, &batch, false), ERR_OK);
    db_batch_clear(&batch);
    coins_flush_done(w->cc, drop);
    assert_false(coins_cache_dirty(w->cc));
}

static void check_one(struct world *w, uint32_t i)
{
    struct outpoint o = outpoint_no(i);
    struct arena mem;
    struct coin c;
    arena_init(&mem, 0);
    bool there = rng_below(&w->rng, 2) ? coins_peek(w->cc, &o, &c, &mem)
                                       : coins_fetch(w->cc, &o, &c);
    assert_int_equal(there, w->model[i].there);
    if (there) {
        assert_int_equal(c.value.v, w->model[i].value);
        assert_int_equal(c.script.len, w->model[i].script_len);
    }
    arena_clear(&mem);
}

static void change_one(struct world *w, uint32_t i)
{
    static const uint8_t script[200] = {0x51};
    struct outpoint o = outpoint_no(i);
    if (w->model[i].there) {
        assert_true(coins_spend(w->cc, &o, NULL, NULL));
        assert_false(coins_spend(w->cc, &o, NULL, NULL));
        w->model[i].there = false;
        return;
    }
    struct coin c = {.value = {(int64_t)rng_below(&w->rng, MAX_MONEY)},
                     .height = i,
                     .script = bytes_of(script, rng_below(&w->rng, 4) ? 22 : 120)};
    coins_add(w->cc, &o, &c, rng_below(&w->rng, 2));
    w->model[i].there = true;
    w->model[i].value = c.value.v;
    w->model[i].script_len = c.script.len;
}

static void the_cache_behaves_like_a_plain_set(void **state)
{
    (void)state;
    static struct world w;
    strcpy(w.dir, "/tmp/ochre-coins-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    rng_seed(&w.rng, 11);
    open_cache(&w);
    struct hash256 best = {{7}};
    coins_set_best_block(w.cc, &best);
    for (int step = 0; step < N_STEPS; step++) {
        uint32_t i = (uint32_t)rng_below(&w.rng, N_OUTPOINTS);
        uint64_t what = rng_below(&w.rng, 1000);
        if (what < 1) {
            flush(&w, true);
            close_cache(&w);
            open_cache(&w);
        } else if (what < 6) {
            flush(&w, rng_below(&w.rng, 2));
        } else if (what < 500) {
            change_one(&w, i);
        } else {
            check_one(&w, i);
        }
    }
    for (uint32_t i = 0; i < N_OUTPOINTS; i++)
        check_one(&w, i);
    flush(&w, true);
    assert_int_equal(coins_cache_count(w.cc), 0);
    struct hash256 back = coins_best_block(w.cc);
    assert_true(hash256_equal(&back, &best));
    assert_int_equal(coins_cache_error(w.cc), ERR_OK);
    close_cache(&w);
    assert_int_equal(fs_remove_tree(w.dir), ERR_OK);
}

/* A flush in parts of which the last @lost are not written. */
static void flush_parts(struct world *w, size_t batch_bytes, unsigned lost)
{
    struct coins_flush f = {0};
    struct db_batch parts[64];
    unsigned n = 0;
    for (bool more = true; more; n++) {
        assert_true(n < ARRAY_LEN(parts));
        db_batch_init(&parts[n]);
        more = coins_flush_into(w->cc, &f, &parts[n], batch_bytes);
    }
    assert_true(n > lost);
    for (unsigned i = 0; i < n; i++) {
        if (i + lost < n)
            assert_int_equal(db_write(w->db, &parts[i], false), ERR_OK);
        db_batch_clear(&parts[i]);
    }
}

static void reopen(struct world *w)
{
    close_cache(w);
    open_cache(w);
}

static void assert_torn(struct world *w, uint8_t to, uint8_t from)
{
    struct coins_heads h;
    struct hash256 best = coins_best_block(w->cc);
    assert_true(coins_torn(w->cc, &h));
    assert_int_equal(h.to.b[0], to);
    assert_int_equal(h.from.b[0], from);
    assert_true(hash256_is_zero(&best));
    assert_int_equal(coins_cache_error(w->cc), ERR_OK);
}

static void half_a_flush_says_between_which_blocks(void **state)
{
    (void)state;
    static struct world w;
    struct hash256 one = {{1}}, two = {{2}}, best;
    struct coins_heads h;
    strcpy(w.dir, "/tmp/ochre-coins-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    rng_seed(&w.rng, 12);
    open_cache(&w);
    for (uint32_t i = 0; i < 100; i++)
        change_one(&w, i);
    coins_set_best_block(w.cc, &one);
    flush_parts(&w, 500, 1);
    reopen(&w);
    assert_torn(&w, 1, 0);
    /* Mended: all that lacks is there, and a part of that on disk, too. */
    memset(w.model, 0, sizeof(w.model));
    for (uint32_t i = 0; i < 100; i++) {
        struct outpoint o = outpoint_no(i);
        coins_spend(w.cc, &o, NULL, NULL);
        change_one(&w, i);
    }
    flush_parts(&w, 500, 2);
    reopen(&w);
    assert_torn(&w, 1, 0);
    for (uint32_t i = 0; i < 100; i++) {
        struct outpoint o = outpoint_no(i);
        coins_spend(w.cc, &o, NULL, NULL);
        w.model[i].there = false;
        change_one(&w, i);
    }
    flush_parts(&w, 500, 0); /* it stands at no block: the heads stay */
    coins_flush_done(w.cc, true);
    reopen(&w);
    assert_torn(&w, 1, 0);
    coins_set_best_block(w.cc, &one);
    flush(&w, false);
    assert_false(coins_torn(w.cc, &h));
    reopen(&w);
    best = coins_best_block(w.cc);
    assert_true(hash256_equal(&best, &one));
    assert_false(coins_torn(w.cc, &h));
    /* The next one begins there. */
    for (uint32_t i = 0; i < 50; i++)
        change_one(&w, i);
    coins_set_best_block(w.cc, &two);
    flush_parts(&w, 1, 49);
    reopen(&w);
    assert_torn(&w, 2, 1);
    for (uint32_t i = 50; i < 100; i++)
        check_one(&w, i);
    close_cache(&w);
    assert_int_equal(fs_remove_tree(w.dir), ERR_OK);
}

static void a_coin_made_and_spent_leaves_nothing_to_write(void **state)
{
    (void)state;
    static struct world w;
    strcpy(w.dir, "/tmp/ochre-coins-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    open_cache(&w);
    struct outpoint o = outpoint_no(1);
    struct coin c = {.value = {5}, .height = 1, .script = bytes_of("\x51", 1)};
    coins_add(w.cc, &o, &c, false);
    assert_int_equal(coins_cache_count(w.cc), 1);
    coins_spend(w.cc, &o, NULL, NULL);
    assert_int_equal(coins_cache_count(w.cc), 0);
    assert_false(coins_cache_dirty(w.cc));
    /* Marks are kept, and nobody's business but the ticket rules'. */
    coins_add(w.cc, &o, &c, false);
    flush(&w, false);
    coins_mark(w.cc, &o, COIN_MARK_ANCHOR);
    assert_true(coins_cache_dirty(w.cc));
    flush(&w, true);
    assert_true(coins_fetch(w.cc, &o, &c));
    assert_int_equal(c.marks, COIN_MARK_ANCHOR);
    /* What can never be spent never enters. */
    struct outpoint p = outpoint_no(2);
    struct coin data = {
        .value = {0}, .height = 1, .script = bytes_of("\x6a\x01\x00", 3)};
    coins_add(w.cc, &p, &data, false);
    assert_false(coins_have(w.cc, &p));
    close_cache(&w);
    assert_int_equal(fs_remove_tree(w.dir), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_pack_and_unpack),
        cmocka_unit_test(coins_of_every_kind_survive_writing),
        cmocka_unit_test(undo_data_survives_writing),
        cmocka_unit_test(the_cache_behaves_like_a_plain_set),
        cmocka_unit_test(half_a_flush_says_between_which_blocks),
        cmocka_unit_test(a_coin_made_and_spent_leaves_nothing_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
