/* The network's own data structures: bans, recent ids, compact blocks. */
#include <stdlib.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "chain/prim/merkle.h"
#include "net/banman.h"
#include "net/bloom.h"
#include "net/compact.h"
#include "net/recent.h"
#include "net/relay_queue.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/rand.h"

#include "unit.h"

static struct hash256 hash(uint32_t n)
{
    struct hash256 h = {{0}};
    put_le32(h.b, n);
    return h;
}

static struct tx *make_tx(const struct hash256 *parent, uint32_t n)
{
    struct mtx m;
    struct outpoint o = {*parent, n};
    mtx_init(&m);
    mtx_add_in(&m, &o, SEQUENCE_FINAL);
    mtx_add_out(&m, amount_of(1000 + n), bytes_of("\x51", 1));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

/* -- Announcements ------------------------------------------------------------------------------------ */

static bool is_even(void *ctx, const struct relay_item *item)
{
    (void)ctx;
    return item->hash.b[0] % 2 == 0;
}

/* Takes all; returns how many. Parents first, then the better fee rate. */
static size_t take_in_order(struct relay_queue *q)
{
    struct relay_item last = {0}, item;
    size_t n = 0;
    for (; relay_queue_take(q, &item); n++, last = item) {
        assert_true(item.n_ancestors >= last.n_ancestors);
        if (n && item.n_ancestors == last.n_ancestors)
            assert_true(item.fee * last.vsize <= last.fee * item.vsize);
    }
    return n;
}

static void announcements_come_out_in_order(void **state)
{
    struct relay_queue q = {0};
    struct rng rng;
    (void)state;
    rng_seed(&rng, 1);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            struct relay_item item = {hash(i), 1 + rng_below(&rng, 5),
                                      (int64_t)rng_below(&rng, 100),
                                      100 + (int64_t)rng_below(&rng, 10)};
            relay_queue_add(&q, &item);
        }
        if (round)
            relay_queue_sift(&q, is_even, NULL);
        assert_int_equal(take_in_order(&q), round ? 500 : 1000);
    }
    relay_queue_clear(&q);
}

/* -- Recent ids --------------------------------------------------------------------------------------- */

static void recent_ids_are_kept(void **state)
{
    struct recent r;
    (void)state;
    recent_init(&r, 100);
    for (uint32_t i = 0; i < 1000; i++) {
        struct hash256 h = hash(i);
        recent_add_hash(&r, &h);
        for (uint32_t k = i > 99 ? i - 99 : 0; k <= i; k++) {
            struct hash256 old = hash(k);
            assert_true(recent_has_hash(&r, &old));
        }
    }
    for (uint32_t i = 0; i < 850; i++) { /* older than three generations of 50 */
        struct hash256 old = hash(i);
        assert_false(recent_has_hash(&r, &old));
    }
    recent_reset(&r);
    struct hash256 last = hash(999);
    assert_false(recent_has_hash(&r, &last));
    recent_add_hash(&r, &last);
    recent_add_hash(&r, &last);
    assert_true(recent_has_hash(&r, &last));
    assert_int_equal(r.n, 1); /* twice is once */
    recent_clear(&r);
}

/* -- Bans ----------------------------------------------------------------------------------------------- */

static const char onion[] =
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";

static struct netaddr addr(const char *text)
{
    struct netaddr a;
    assert_true(netaddr_parse(&a, text, 8333));
    return a;
}

static void ranges_to_ban(void **state)
{
    static const char i2p[] =
        "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p";
    static const struct {
        const char *in, *out; /* NULL: refused */
        const char *holds, *not;
    } cases[] = {
        {"10.1.2.3/8", "10.0.0.0/8", "10.255.0.1", "11.0.0.1"},
        {"1.2.3.4", "1.2.3.4/32", "1.2.3.4", onion},
        {"fc00::/8", "fc00::/8", "fc00::1", "2a02::1"},
        {onion, onion, onion, i2p},
        {i2p, i2p, i2p, "1.2.3.4"},
        {"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryc.onion", NULL, NULL,
         NULL},
        {"example.com", NULL, NULL, NULL},
        {"1.2.3.4:80", NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct netrange r;
        char text[SUBNET_TEXT];
        assert_int_equal(netrange_parse(&r, cases[i].in), cases[i].out != NULL);
        if (!cases[i].out)
            continue;
        struct netaddr in = addr(cases[i].holds), out = addr(cases[i].not);
        assert_string_equal(netrange_format(text, &r), cases[i].out);
        assert_true(netrange_contains(&r, &in));
        assert_false(netrange_contains(&r, &out));
    }
}

static void bans_hold_until_their_time(void **state)
{
    struct clock clock;
    struct netrange net, host;
    struct netaddr in = addr("10.9.9.9"), out = addr("11.0.0.1"), hidden = addr(onion);
    char dir[] = "/tmp/ochre-bans-XXXXXX";
    (void)state;
    clock_init(&clock);
    clock_set_mock(&clock, 1000);
    assert_non_null(mkdtemp(dir));
    char *path = path_join(dir, "banlist.json");
    struct banman *bm = banman_open(path, &clock, NULL);
    assert_true(netrange_parse(&net, "10.0.0.0/8") && netrange_parse(&host, onion));
    banman_ban(bm, &host, 2000);
    banman_ban(bm, &net, 2000);
    assert_true(banman_is_banned(bm, &in));
    assert_false(banman_is_banned(bm, &out));
    assert_true(banman_is_banned(bm, &hidden));
    hidden.addr[0] ^= 1;
    assert_false(banman_is_banned(bm, &hidden));
    banman_close(bm);
    bm = banman_open(path, &clock, NULL); /* kept */
    assert_true(banman_is_banned_net(bm, &net) && banman_is_banned_net(bm, &host));
    clock_set_mock(&clock, 2000);
    assert_false(banman_is_banned(bm, &in));
    size_t n;
    free(banman_list(bm, &n));
    assert_int_equal(n, 0);
    banman_close(bm);
    free(path);
    assert_int_equal(fs_remove_tree(dir), ERR_OK);
}

/* -- Compact blocks ---------------------------------------------------------------------------------------- */

/* Genesis' coinbase and n - 1 others, under the right Merkle root. */
static struct block *make_block(unsigned n)
{
    struct chain_params params;
    struct hash256 root = hash(5), leaves[64];
    const struct tx *txs[64];
    assert_true(n <= 64 && chain_params_get(&params, BITCOIN, "regtest"));
    struct block *genesis = chain_params_genesis(&params);
    struct block_header h = genesis->header;
    txs[0] = &genesis->txs[0];
    for (unsigned i = 1; i < n; i++)
        txs[i] = make_tx(&root, i);
    for (unsigned i = 0; i < n; i++)
        leaves[i] = txs[i]->txid;
    h.merkle_root = merkle_root(leaves, n, NULL);
    struct block *b = block_assemble(&h, txs, n);
    for (unsigned i = 1; i < n; i++)
        tx_unref((struct tx *)txs[i]);
    block_unref(genesis);
    return b;
}

static struct msg_cmpctblock compact_of(const struct block *b)
{
    struct buf bytes = {0};
    struct sink s = sink_to_buf(&bytes);
    struct reader r;
    compact_write_block(&s, b, 42);
    reader_init(&r, bytes.data, bytes.len);
    struct msg_cmpctblock m = msg_cmpctblock_read(&r);
    assert_true(reader_done(&r));
    buf_clear(&bytes);
    return m;
}

static void blocks_are_rebuilt_from_short_ids(void **state)
{
    struct block *b = make_block(20), *again = NULL;
    struct msg_cmpctblock m = compact_of(b);
    struct tx *have[20];
    struct compact_partial *p;
    (void)state;
    for (unsigned i = 1; i < 18; i++)
        have[i - 1] = tx_ref(&b->txs[i]);
    assert_int_equal(compact_partial_new(&p, &m, NULL, have, 17), COMPACT_OK);
    assert_int_equal(p->n_missing, 2);
    struct tx *rest[2] = {&b->txs[18], &b->txs[19]}, *wrong[2] = {rest[1], rest[0]};
    assert_int_equal(compact_partial_fill(p, rest, 1, &again), COMPACT_INVALID);
    assert_int_equal(compact_partial_fill(p, rest, 2, &again), COMPACT_OK);
    assert_true(hash256_equal(&again->hash, &b->hash));
    assert_true(bytes_equal(again->raw, b->raw));
    block_unref(again);
    compact_partial_free(p);
    assert_int_equal(compact_partial_new(&p, &m, NULL, have, 17), COMPACT_OK);
    assert_int_equal(compact_partial_fill(p, wrong, 2, &again), COMPACT_FAILED);
    compact_partial_free(p);
    for (unsigned i = 1; i < 18; i++)
        tx_unref(have[i - 1]);
    msg_cmpctblock_clear(&m);
    block_unref(b);
}

static void impossible_compact_blocks(void **state)
{
    struct block *b = make_block(5);
    struct compact_partial *p;
    (void)state;
    struct msg_cmpctblock m = compact_of(b);
    m.prefilled[0].index = 9; /* beyond the end */
    assert_int_equal(compact_partial_new(&p, &m, NULL, NULL, 0), COMPACT_INVALID);
    m.prefilled[0].index = 0;
    m.short_ids[1] = m.short_ids[2];
    assert_int_equal(compact_partial_new(&p, &m, NULL, NULL, 0), COMPACT_FAILED);
    msg_cmpctblock_clear(&m);
    block_unref(b);
}

/* -- Bloom filters ------------------------------------------------------------------------------------------ */

static void bloom_filters_as_bip37_has_them(void **state)
{
    static const char *const items[] = {"99108ad8ed9bb6274d3980bab5a85c048f0950c8",
                                        "b5a2c786d9ef4658287ced5914b37a1b4aa32eee",
                                        "b9300670b4c5366e95b2699e8b18bc75e5f729c5"};
    struct bloom b = {.len = 3, .n_hashes = 5, .flags = BLOOM_UPDATE_ALL};
    struct buf item = {0}, out = {0};
    struct sink s = sink_to_buf(&out);
    char hex[64];
    (void)state;
    b.data = xcalloc(3, 1);
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        buf_reset(&item);
        assert_true(hex_decode(&item, items[i], strlen(items[i])));
        bloom_insert(&b, buf_view(&item));
        assert_true(bloom_contains(&b, buf_view(&item)));
    }
    item.data[0] ^= 1;
    assert_false(bloom_contains(&b, buf_view(&item)));
    bloom_write(&s, &b);
    assert_string_equal(hex_encode(hex, out.data, out.len), "03614e9b050000000000000001");
    buf_clear(&item);
    buf_clear(&out);
    free(b.data);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(announcements_come_out_in_order),
        cmocka_unit_test(recent_ids_are_kept),
        cmocka_unit_test(ranges_to_ban),
        cmocka_unit_test(bans_hold_until_their_time),
        cmocka_unit_test(blocks_are_rebuilt_from_short_ids),
        cmocka_unit_test(impossible_compact_blocks),
        cmocka_unit_test(bloom_filters_as_bip37_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
