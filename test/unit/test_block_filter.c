/* Block filters (BIP 158): the published vectors, matching, damaged filters. */
#include "vectors.h"

#include "chain/store/block_filter.h"
#include "util/rand.h"

static struct hash256 displayed_hash(const char *hex)
{
    struct hash256 h;
    assert_true(hash256_from_hex(&h, hex));
    return h;
}

/* The coins a block spent, as far as a filter asks: their scripts. */
static struct block_undo undo_of(const json_t *scripts, struct arena *mem)
{
    struct block_undo u = {.n_tx = 1};
    struct buf raw = {0};
    size_t i;
    json_t *s;
    u.txs = arena_alloc(mem, sizeof(*u.txs));
    *u.txs = (struct tx_undo){.n = (uint32_t)json_array_size(scripts)};
    u.txs->coins = arena_alloc(mem, (u.txs->n + 1) * sizeof(struct coin));
    json_array_foreach(scripts, i, s)
    {
        from_hex(&raw, json_string_value(s));
        u.txs->coins[i] = (struct coin){
            .script = bytes_of(arena_dup(mem, raw.data, raw.len), raw.len)};
    }
    buf_clear(&raw);
    return u;
}

static struct block *parse_block(const char *hex)
{
    struct buf raw = {0};
    from_hex(&raw, hex);
    struct block *b = block_from_buf(&raw);
    assert_non_null(b);
    return b;
}

/* Every script of the block must match, and others hardly ever. */
static void check_matches(struct bytes filter, const struct block *b,
                          const struct block_undo *u)
{
    struct rng rng;
    size_t wrong = 0;
    rng_seed(&rng, 158);
    for (uint32_t i = 0; i < b->n_tx; i++)
        for (uint32_t k = 0; k < b->txs[i].n_out; k++) {
            struct bytes s = b->txs[i].out[k].script;
            if (s.len > 0 && s.data[0] != 0x6a)
                assert_int_equal(block_filter_match(filter, &b->hash, &s, 1),
                                 FILTER_MATCH_YES);
        }
    for (uint32_t i = 0; i < u->txs->n; i++)
        if (u->txs->coins[i].script.len > 0)
            assert_int_equal(
                block_filter_match(filter, &b->hash, &u->txs->coins[i].script, 1),
                FILTER_MATCH_YES);
    for (int i = 0; i < 300; i++) {
        uint8_t script[22] = {0, 20};
        for (size_t k = 2; k < sizeof(script); k++)
            script[k] = (uint8_t)rng_u64(&rng);
        struct bytes s = bytes_of(script, sizeof(script));
        wrong += block_filter_match(filter, &b->hash, &s, 1) == FILTER_MATCH_YES;
    }
    assert_true(wrong <= 1);
}

static void the_published_vectors(void **state)
{
    (void)state;
    json_t *root = load_vectors("bitcoin/blockfilters.json"), *v;
    size_t i, n = 0;
    json_array_foreach(root, i, v)
    {
        struct buf filter = {0};
        struct arena mem;
        if (json_array_size(v) < 8)
            continue; /* the column names */
        arena_init(&mem, 4096);
        struct block *b = parse_block(str_at(v, 2));
        struct block_undo u = undo_of(json_array_get(v, 3), &mem);
        struct hash256 prev = displayed_hash(str_at(v, 4));
        block_filter_build(&filter, b, &u);
        assert_hex(filter.data, filter.len, str_at(v, 5));
        struct hash256 hash = block_filter_hash(buf_view(&filter));
        struct hash256 header = block_filter_header(&hash, &prev);
        struct hash256 want = displayed_hash(str_at(v, 6));
        assert_true(hash256_equal(&header, &want));
        check_matches(buf_view(&filter), b, &u);
        block_unref(b);
        buf_clear(&filter);
        arena_clear(&mem);
        n++;
    }
    assert_int_equal(n, 10);
    json_decref(root);
}

static void damaged_filters_are_told_apart(void **state)
{
    static const uint8_t script_octets[] = {0x51};
    static const struct {
        const char *hex;
        enum filter_match match;
    } cases[] = {
        {"", FILTER_MALFORMED},             /* not even a count */
        {"00", FILTER_MATCH_NO},            /* of an empty block */
        {"01", FILTER_MALFORMED},           /* one element, no bits */
        {"0200000000", FILTER_MALFORMED},   /* two elements in 32 bits */
        {"01ffffffffff", FILTER_MALFORMED}, /* a quotient without end */
        {"ffffffffffffffffff", FILTER_MALFORMED},
        {"fd010000000000", FILTER_MALFORMED}, /* the count is not minimal */
    };
    struct bytes script = bytes_of(script_octets, 1);
    struct hash256 block = {{1}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf f = {0};
        from_hex(&f, cases[i].hex);
        assert_int_equal(block_filter_match(buf_view(&f), &block, &script, 1),
                         cases[i].match);
        buf_clear(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors),
        cmocka_unit_test(damaged_filters_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
