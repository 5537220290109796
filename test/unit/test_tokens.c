/* Fees of supernodes, and tokens: their records and how they move with coins. */
#include "unit.h"

#include "chain/params/params.h"
#include "chain/prim/coin.h"
#include "tickets/fee.h"
#include "tickets/tokens.h"
#include "util/fs.h"
#include "util/mem.h"

/* --- fees --- */

static void test_factor(void **st)
{
    static const struct {
        uint32_t ratio, redundancy;
        uint64_t factor;
    } rows[] = {
        {12000, 6, 1000000}, {1200, 1, 50000},   {3600, 1, 50000},
        {3601, 1, 50013},    {12000, 1, 166666}, {64000, 20, 17777777},
        {11999, 6, 999916},  {1200, 20, 333333},
    };
    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(fee_factor(rows[i].ratio, rows[i].redundancy), rows[i].factor);
}

static void test_price(void **st)
{
    static const uint64_t mb = 1 << 20;
    static const struct {
        uint64_t fee, factor, octets, price;
    } rows[] = {
        {5000, 1000000, mb, 5000},
        {5000, 1000000, mb + 1, 5001}, /* rounded up */
        {5000, 1000000, 1, 1000},      /* never less */
        {1000, 1000000, mb, 1000},
        {1001, 1000000, mb, 1001},
        {3000, 333333, mb, 1000}, /* 999.999 up */
        {FEE_MOST, 1000000, 2100 * mb, MAX_MONEY},
        {FEE_MOST, 1000000, 2100 * mb + 1, MAX_MONEY + 1},
        {FEE_MOST, 17777777, FILE_SIZE_MOST, MAX_MONEY + 1},
    };
    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(fee_price(rows[i].fee, rows[i].factor, rows[i].octets),
                         rows[i].price);
}

static void test_burn(void **st)
{
    (void)st;
    assert_int_equal(fee_burn(0, 0), 100000);
    assert_int_equal(fee_burn(500000, 1), 100000);
    assert_int_equal(fee_burn(500001, 1), 100001);
    assert_int_equal(fee_burn(1, 500006), 100002);
    assert_int_equal(fee_burn(MAX_MONEY, MAX_MONEY), MAX_MONEY / 5);
}

static void test_lower_median(void **st)
{
    uint64_t odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2}, one[] = {7};
    (void)st;
    assert_int_equal(fee_lower_median(odd, 3), 5);
    assert_int_equal(fee_lower_median(even, 4), 2);
    assert_int_equal(fee_lower_median(one, 1), 7);
}

/* --- tokens --- */

struct world {
    char *dir;
    struct db *db;
    struct state *state;
    struct map marks;
    struct rule_env env;
};

static int begin(void **st)
{
    struct world *w = xcalloc(1, sizeof(*w));
    static const struct db_options opt = {.name = "chain state", .version = 1};
    char *message;
    w->dir = xstrdup("/tmp/ochre-test-tokens-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    if (db_open(&w->db, w->dir, &opt, &message) != ERR_OK)
        return -1;
    w->state = state_new(w->db, 1 << 20);
    coin_marks_init(&w->marks);
    w->env = (struct rule_env){
        .height = 7, .state = state_begin(w->state), .marks = &w->marks};
    *st = w;
    return 0;
}

static int end(void **st)
{
    struct world *w = *st;
    state_discard(w->env.state);
    map_clear(&w->marks);
    state_free(w->state);
    db_close(w->db);
    (void)!fs_remove_tree(w->dir);
    free(w->dir);
    free(w);
    return 0;
}

static struct outpoint place(uint8_t tx, uint32_t n)
{
    struct outpoint o = {.n = n};
    memset(o.txid.b, tx, 32);
    return o;
}

static struct hash256 token_id(uint8_t n)
{
    struct hash256 id;
    memset(id.b, n, 32);
    return id;
}

static void mint(struct world *w, uint8_t id, struct outpoint anchor, const char *key)
{
    struct hash256 token = token_id(id);
    struct token t = {.anchor = anchor,
                      .name = bytes_of("name", 4),
                      .quota = 1 << 20,
                      .minted = 7,
                      .last_sync = 7};
    if (key != NULL)
        t.btns_key = bytes_of(key, BTNS_KEY_SIZE);
    token_mint(&w->env, &token, &t);
}

/* Spends the coins {1,0}, {2,0}, ... ; outputs by letter: 's'pendable, 'r' OP_RETURN,
 * 'l' a script that is too long, 'e' an empty one. */
static struct tx *spend(size_t n_in, const char *outputs)
{
    static const uint8_t op_true = 0x51, op_return = 0x6a;
    static const uint8_t longest[MAX_SCRIPT_SIZE + 1];
    struct mtx m;
    mtx_init(&m);
    for (size_t i = 0; i < n_in; i++) {
        struct outpoint o = place((uint8_t)(i + 1), 0);
        mtx_add_in(&m, &o, SEQUENCE_FINAL);
    }
    for (const char *c = outputs; *c != '\0'; c++)
        mtx_add_out(&m, amount_of(1),
                    *c == 's'   ? bytes_of(&op_true, 1)
                    : *c == 'r' ? bytes_of(&op_return, 1)
                    : *c == 'l' ? bytes_of(longest, sizeof(longest))
                                : bytes_of(NULL, 0));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static void run_moves(struct world *w, const struct tx *tx, uint8_t marks)
{
    struct coin coin = {.script = bytes_of("\x51", 1), .marks = marks};
    const struct coin *spent[4] = {&coin, &coin, &coin, &coin};
    tokens_move(&w->env, tx, spent);
}

/* Where the token is: an output of tx, or -1: it ended. */
static int where(struct world *w, uint8_t id, const struct tx *tx)
{
    struct hash256 token = token_id(id), at;
    struct buf mem = {0};
    struct token t;
    int n = -1;
    if (token_get(w->env.state, &token, &mem, &t)) {
        assert_true(hash256_equal(&t.anchor.txid, &tx->txid));
        assert_true(token_at(w->env.state, &t.anchor, &at));
        assert_true(hash256_equal(&at, &token));
        n = (int)t.anchor.n;
    }
    buf_clear(&mem);
    return n;
}

static void test_moves(void **st)
{
    static const struct {
        const char *outputs;
        size_t n_in;
        int tokens[2]; /* of inputs 0 and 1 */
    } rows[] = {
        {"s", 1, {0, -2}},   {"ss", 2, {0, 1}},  {"s", 2, {0, -1}},  {"rs", 1, {1, -2}},
        {"rsrs", 2, {1, 3}}, {"r", 2, {-1, -1}}, {"ls", 1, {1, -2}}, {"es", 2, {0, 1}},
        {"rrs", 2, {2, -1}}, {"l", 1, {-1, -2}},
    };
    struct world *w = *st;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct state_txn *outer = w->env.state;
        struct tx *tx = spend(rows[i].n_in, rows[i].outputs);
        struct outpoint old = place(1, 0);
        struct hash256 id;
        w->env.state = state_begin_nested(outer);
        for (size_t k = 0; k < rows[i].n_in; k++)
            mint(w, (uint8_t)(0x81 + k), place((uint8_t)(k + 1), 0), NULL);
        run_moves(w, tx, 0);
        for (size_t k = 0; k < rows[i].n_in; k++)
            assert_int_equal(where(w, (uint8_t)(0x81 + k), tx), rows[i].tokens[k]);
        assert_false(token_at(w->env.state, &old, &id));
        state_discard(w->env.state);
        w->env.state = outer;
        map_clear(&w->marks);
        tx_unref(tx);
    }
}

/* A token that ends frees its key. */
static void test_key_of_ended_token(void **st)
{
    static const char key[BTNS_KEY_SIZE] = "a key";
    struct world *w = *st;
    struct tx *tx = spend(1, "r");
    struct hash256 id;
    mint(w, 0x81, place(1, 0), key);
    assert_true(token_of_key(w->env.state, bytes_of(key, sizeof(key)), &id));
    run_moves(w, tx, COIN_MARK_ANCHOR);
    assert_false(token_of_key(w->env.state, bytes_of(key, sizeof(key)), &id));
    tx_unref(tx);
}

/* A coin without mark is no anchor: nothing is looked up for it. */
static void test_ordinary_inputs(void **st)
{
    struct world *w = *st;
    struct tx *tx = spend(1, "s");
    mint(w, 0x81, place(1, 0), NULL);
    map_clear(&w->marks); /* as if the coin came from the set, where it has none */
    run_moves(w, tx, COIN_MARK_COLLATERAL);
    struct hash256 id;
    struct outpoint old = place(1, 0);
    assert_true(token_at(w->env.state, &old, &id));
    run_moves(w, tx, COIN_MARK_ANCHOR);
    assert_false(token_at(w->env.state, &old, &id));
    assert_int_equal(where(w, 0x81, tx), 0);
    tx_unref(tx);
}

/* A new key begins the reports anew; the rest stays. */
static void test_set_key(void **st)
{
    static const char key[BTNS_KEY_SIZE] = "old", next[BTNS_KEY_SIZE] = "new";
    struct world *w = *st;
    struct hash256 token = token_id(0x81), id;
    struct buf mem = {0};
    struct token t;
    mint(w, 0x81, place(1, 0), key);
    assert_true(token_get(w->env.state, &token, &mem, &t));
    t.sequence = 5;
    t.used = 99;
    t.cid = bytes_of("cid", 3);
    token_update(w->env.state, &token, &t);
    token_set_key(w->env.state, &token, bytes_of(next, sizeof(next)));
    assert_true(token_get(w->env.state, &token, &mem, &t));
    assert_int_equal(t.sequence, 0);
    assert_int_equal(t.cid.len, 0);
    assert_int_equal(t.used, 99);
    assert_true(bytes_equal(t.name, bytes_of("name", 4)));
    assert_false(token_of_key(w->env.state, bytes_of(key, sizeof(key)), &id));
    assert_true(token_of_key(w->env.state, bytes_of(next, sizeof(next)), &id));
    assert_true(hash256_equal(&id, &token));
    buf_clear(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factor),
        cmocka_unit_test(test_price),
        cmocka_unit_test(test_burn),
        cmocka_unit_test(test_lower_median),
        cmocka_unit_test_setup_teardown(test_moves, begin, end),
        cmocka_unit_test_setup_teardown(test_key_of_ended_token, begin, end),
        cmocka_unit_test_setup_teardown(test_ordinary_inputs, begin, end),
        cmocka_unit_test_setup_teardown(test_set_key, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
