/* Transactions and coins of a wallet on a chain that the test makes up. */
#include "unit.h"

#include "wallet/balance.h"
#include "wallet/tx_notify.h"
#include "wallet/tx_row.h"
#include "wallet_fixture.h"

static const uint8_t foreign_script[] = {0x51};
#define FOREIGN bytes_of(foreign_script, sizeof(foreign_script))

/* -- Making transactions -- */

static struct outpoint somebody(uint8_t tag)
{
    return (struct outpoint){.txid = {{tag, 0xee}}, .n = 0};
}

static struct tx *pay(const struct outpoint *from, struct bytes script, int64_t value)
{
    struct mtx m;
    mtx_init(&m);
    mtx_add_in(&m, from, SEQUENCE_FINAL);
    mtx_add_out(&m, amount_of(value), script);
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static struct outpoint out0(const struct tx *tx)
{
    return (struct outpoint){.txid = tx->txid, .n = 0};
}

/* -- Asking the wallet -- */

struct expected {
    int64_t trusted, untrusted, immature;
};

static void expect_balance(struct wallet_fixture *f, struct expected want)
{
    struct wallet_balance b;
    wallet_sync(f->w);
    wallet_lock(f->w);
    balance_get(f->w, 0, false, &b);
    wallet_unlock(f->w);
    assert_int_equal(b.trusted.v, want.trusted);
    assert_int_equal(b.untrusted.v, want.untrusted);
    assert_int_equal(b.immature.v, want.immature);
}

static void expect_state(struct wallet_fixture *f, const struct tx *tx,
                         enum wtx_state state, int32_t depth)
{
    wallet_sync(f->w);
    wallet_lock(f->w);
    const struct wallet_tx *wtx = txstore_find(f->w, &tx->txid);
    assert_non_null(wtx);
    assert_int_equal(wtx->state, state);
    assert_int_equal(wallet_tx_depth(f->w, wtx), depth);
    wallet_unlock(f->w);
}

static struct chain_point mine(struct wallet_fixture *f, uint8_t branch,
                               const struct tx *const *txs, uint32_t n)
{
    struct chain_point at = fake_mine(&f->chain, branch, txs, n);
    if (branch == f->chain.active)
        wallet_fixture_connect(f, &at);
    return at;
}

static void disconnect(struct wallet_fixture *f, const struct chain_point *at)
{
    struct block *b;
    assert_int_equal(fake_read_block(&f->chain, &at->hash, &b), ERR_OK);
    chain_feed_disconnected(f->feed, b, at);
    block_unref(b);
}

static void reload(struct wallet_fixture *f)
{
    wallet_fixture_unload(f);
    wallet_fixture_load(f);
}

/* -- Cases -- */

static void a_payment_from_mempool_to_block_and_back(struct wallet_fixture *f,
                                                     struct bytes ours)
{
    struct outpoint from = somebody(1);
    struct tx *tx = pay(&from, ours, 1000);
    const struct tx *list[] = {tx};
    chain_feed_tx_added(f->feed, tx);
    expect_balance(f, (struct expected){0, 1000, 0});
    struct chain_point at = mine(f, 0, list, 1);
    chain_feed_tx_removed(f->feed, tx, FEED_REMOVED_BLOCK);
    expect_state(f, tx, WTX_CONFIRMED, 1);
    expect_balance(f, (struct expected){1000, 0, 0});
    reload(f);
    expect_balance(f, (struct expected){1000, 0, 0});
    f->chain.tip[0]--;
    disconnect(f, &at);
    expect_state(f, tx, WTX_INACTIVE, 0);
    expect_balance(f, (struct expected){0, 0, 0});
    tx_unref(tx);
}

static void a_rival_in_a_block_takes_a_family_along(struct wallet_fixture *f,
                                                    struct bytes ours)
{
    struct outpoint from = somebody(1), o;
    struct tx *parent = pay(&from, ours, 1000);
    struct tx *loser = pay((o = out0(parent), &o), ours, 900);
    struct tx *child = pay((o = out0(loser), &o), ours, 800);
    struct tx *winner = pay((o = out0(parent), &o), ours, 700);
    const struct tx *first[] = {parent}, *second[] = {winner};
    mine(f, 0, first, 1);
    chain_feed_tx_added(f->feed, loser);
    chain_feed_tx_added(f->feed, child);
    expect_balance(f, (struct expected){800, 0, 0});
    struct chain_point at = mine(f, 0, second, 1);
    expect_state(f, loser, WTX_CONFLICTED, -1);
    expect_state(f, child, WTX_CONFLICTED, -1);
    expect_balance(f, (struct expected){700, 0, 0});
    reload(f);
    expect_state(f, child, WTX_CONFLICTED, -1);
    f->chain.tip[0]--;
    disconnect(f, &at);
    expect_state(f, loser, WTX_INACTIVE, 0);
    expect_state(f, child, WTX_INACTIVE, 0);
    tx_unref(parent);
    tx_unref(loser);
    tx_unref(child);
    tx_unref(winner);
}

static void rivals_in_the_mempool_come_and_go(struct wallet_fixture *f,
                                              struct bytes ours)
{
    struct outpoint from = somebody(1), o;
    struct tx *parent = pay(&from, ours, 1000);
    o = out0(parent);
    struct tx *a = pay(&o, ours, 900), *b = pay(&o, FOREIGN, 950);
    const struct tx *list[] = {parent};
    mine(f, 0, list, 1);
    chain_feed_tx_added(f->feed, a);
    chain_feed_tx_removed(f->feed, a, FEED_REMOVED_OTHER);
    expect_state(f, a, WTX_INACTIVE, 0);
    expect_balance(f, (struct expected){0, 0, 0}); /* it may still come */
    chain_feed_tx_added(f->feed, b);
    expect_balance(f, (struct expected){0, 0, 0});
    wallet_lock(f->w);
    assert_int_equal(txstore_find(f->w, &a->txid)->n_rivals, 1);
    wallet_unlock(f->w);
    chain_feed_tx_removed(f->feed, b, FEED_REMOVED_OTHER);
    chain_feed_tx_added(f->feed, a);
    expect_balance(f, (struct expected){900, 0, 0});
    tx_unref(parent);
    tx_unref(a);
    tx_unref(b);
}

static void missed_blocks_are_made_good(struct wallet_fixture *f, struct bytes ours)
{
    struct outpoint from = somebody(1);
    struct tx *tx = pay(&from, ours, 1000);
    const struct tx *list[] = {tx};
    fake_mine(&f->chain, 0, list, 1); /* nobody tells the wallet */
    fake_mine(&f->chain, 0, NULL, 0);
    struct chain_point at = fake_mine(&f->chain, 0, NULL, 0);
    wallet_fixture_connect(f, &at);
    expect_state(f, tx, WTX_CONFIRMED, 3);
    tx_unref(tx);
}

static void a_branch_that_was_left_unseen(struct wallet_fixture *f, struct bytes ours)
{
    struct outpoint from = somebody(1);
    struct tx *tx = pay(&from, ours, 1000), *other = pay(&from, ours, 400);
    const struct tx *list[] = {tx}, *rival[] = {other};
    mine(f, 0, list, 1);
    expect_balance(f, (struct expected){1000, 0, 0});
    fake_mine(&f->chain, 1, NULL, 0);
    fake_mine(&f->chain, 1, rival, 1);
    f->chain.active = 1;
    struct chain_point at = fake_mine(&f->chain, 1, NULL, 0);
    wallet_fixture_connect(f, &at);
    expect_state(f, tx, WTX_CONFLICTED, -2);
    expect_state(f, other, WTX_CONFIRMED, 2);
    expect_balance(f, (struct expected){400, 0, 0});
    /* the same while the wallet is away */
    wallet_fixture_unload(f);
    f->chain.active = 0;
    f->chain.tip[0] += 5;
    at = fake_tip(&f->chain);
    fake_announce(f, &at);
    wallet_fixture_load(f);
    expect_state(f, tx, WTX_CONFIRMED, 6);
    expect_balance(f, (struct expected){1000, 0, 0});
    tx_unref(tx);
    tx_unref(other);
}

static void children_that_come_before_their_parents(struct wallet_fixture *f,
                                                    struct bytes ours)
{
    struct outpoint from = somebody(1), o;
    struct tx *parent = pay(&from, ours, 1000);
    struct tx *child = pay((o = out0(parent), &o), ours, 900);
    const struct tx *list[] = {child}, *late[] = {parent};
    struct chain_point at = mine(f, 0, list, 1);
    expect_balance(f, (struct expected){900, 0, 0});
    mine(f, 0, late, 1);
    expect_balance(f, (struct expected){900, 0, 0});
    assert_int_equal(at.height, 11);
    tx_unref(parent);
    tx_unref(child);
}

static void abandoned_ones_free_their_inputs(struct wallet_fixture *f,
                                             struct bytes ours)
{
    struct outpoint from = somebody(1), o;
    struct tx *parent = pay(&from, ours, 1000);
    struct tx *spend = pay((o = out0(parent), &o), FOREIGN, 900);
    const struct tx *list[] = {parent}, *late[] = {spend};
    const struct wallet_tx_notes notes = {.comment = "rent", .comment_to = "Ann"};
    struct wallet_error e = {0};
    struct wallet_tx *wtx;
    mine(f, 0, list, 1);
    wallet_lock(f->w);
    assert_true(txstore_add_own(f->w, spend, &notes, &wtx, &e));
    wallet_unlock(f->w);
    expect_balance(f, (struct expected){0, 0, 0});
    reload(f);
    expect_balance(f, (struct expected){0, 0, 0});
    wallet_lock(f->w);
    wtx = txstore_find(f->w, &spend->txid);
    assert_string_equal(wtx->comment, "rent");
    assert_string_equal(wtx->comment_to, "Ann");
    assert_true(wallet_tx_can_abandon(wtx) && wallet_tx_abandon(f->w, wtx, &e));
    wallet_unlock(f->w);
    expect_balance(f, (struct expected){1000, 0, 0});
    reload(f);
    expect_balance(f, (struct expected){1000, 0, 0});
    mine(f, 0, late, 1);
    expect_state(f, spend, WTX_CONFIRMED, 1);
    expect_balance(f, (struct expected){0, 0, 0});
    tx_unref(parent);
    tx_unref(spend);
}

static const struct {
    const char *name;
    void (*run)(struct wallet_fixture *f, struct bytes ours);
} cases[] = {
    {"mempool, block, reload, disconnect", a_payment_from_mempool_to_block_and_back},
    {"block rival", a_rival_in_a_block_takes_a_family_along},
    {"mempool rivals", rivals_in_the_mempool_come_and_go},
    {"gap", missed_blocks_are_made_good},
    {"unseen reorg", a_branch_that_was_left_unseen},
    {"child first", children_that_come_before_their_parents},
    {"abandon", abandoned_ones_free_their_inputs},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wallet_fixture *f = xcalloc(1, sizeof(*f));
        wallet_fixture_init(f, 5);
        struct buf ours = wallet_fixture_script(f);
        print_message("%s\n", cases[i].name);
        cases[i].run(f, buf_view(&ours));
        buf_clear(&ours);
        wallet_fixture_clear(f);
        free(f);
    }
}

/* -- Commands -- */

static void test_notify_command(void **state)
{
    (void)state;
    struct outpoint from = somebody(1);
    struct wallet_tx wtx = {.tx = pay(&from, FOREIGN, 1), .block = CHAIN_POINT_NONE};
    struct buf out = {0};
    char hex[65], want[256];
    hash256_to_hex(hex, &wtx.tx->txid);
    wtx.state = WTX_MEMPOOL;
    tx_notify_expand(&out, "x %s %b %h %w 100%% %q%", "it's", &wtx);
    snprintf(want, sizeof(want), "x %s unconfirmed -1 'it'\"'\"'s' 100%%%% %%q%%", hex);
    assert_string_equal(buf_cstr(&out), want);
    buf_clear(&out);
    tx_unref(wtx.tx);
}

/* -- Damaged rows -- */

static bool decodes(const struct tx_row *row)
{
    struct wallet_tx wtx = {0};
    bool ok = tx_row_decode(row, &wtx);
    tx_unref(wtx.tx);
    free(wtx.comment);
    free(wtx.comment_to);
    return ok;
}

static void test_damaged_rows(void **state)
{
    (void)state;
    struct outpoint from = somebody(1);
    struct tx *tx = pay(&from, FOREIGN, 1);
    const struct hash256 hash = {{7}};
    const struct tx_row good = {.tx = tx->raw,
                                .state = 1,
                                .block = bytes_of(hash.b, 32),
                                .height = 5,
                                .block_index = 2};
    struct tx_row bad;
    assert_true(decodes(&good));
#define BROKEN(change)                                                                 \
    bad = good;                                                                        \
    bad.change;                                                                        \
    assert_false(decodes(&bad))
    BROKEN(place = -1);
    BROKEN(state = 4);
    BROKEN(state = -1);
    BROKEN(tx.len--);
    BROKEN(tx.len = 0);
    BROKEN(block.len = 31);
    BROKEN(block.len = 0);
    BROKEN(height = -1);
    BROKEN(height = INT64_C(1) << 31);
    BROKEN(block_index = -1);
    BROKEN(replaces = bytes_of("x", 1));
    BROKEN(replaced_by = bytes_of("x", 1));
    tx_unref(tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_notify_command),
        cmocka_unit_test(test_damaged_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
