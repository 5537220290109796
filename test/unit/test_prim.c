/* Blocks, Merkle trees and proofs, 256-bit arithmetic, changed transactions. */
#include "vectors.h"

#include "chain/params/params.h"
#include "chain/prim/arith.h"
#include "chain/prim/merkle.h"
#include "chain/prim/merkleblock.h"
#include "crypto/sha256.h"

static struct hash256 leaf(uint32_t i)
{
    struct hash256 h;
    sha256(h.b, &i, sizeof(i));
    return h;
}

/* The definition, written down: pairs are hashed, an odd last one with itself. */
static struct hash256 plain_root(const struct hash256 *leaves, size_t n)
{
    struct hash256 level[64];
    memcpy(level, leaves, n * sizeof(*leaves));
    for (; n > 1; n = (n + 1) / 2) {
        for (size_t i = 0; i < n; i += 2) {
            struct hash256 pair[2] = {level[i], level[i + 1 < n ? i + 1 : i]};
            sha256d(level[i / 2].b, pair, sizeof(pair));
        }
    }
    return level[0];
}

static void merkle_roots_and_branches(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n++) {
        struct hash256 leaves[40], copy[40], branch[32];
        bool mutated;
        for (size_t i = 0; i < n; i++)
            copy[i] = leaves[i] = leaf((uint32_t)i);
        struct hash256 want = plain_root(leaves, n);
        struct hash256 got = merkle_root(copy, n, &mutated);
        assert_true(hash256_equal(&want, &got));
        assert_false(mutated);
        for (size_t i = 0; i < n; i++) {
            size_t depth = merkle_branch(branch, leaves, n, i);
            got = merkle_root_from_branch(&leaves[i], branch, depth, i);
            assert_true(hash256_equal(&want, &got));
        }
    }
}

/* CVE-2012-2459: repeating the last transactions gives the same root and must be
 * noticed. */
static void repeated_leaves_are_noticed(void **state)
{
    static const size_t odd[] = {3, 5, 6, 7, 11};
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(odd); k++) {
        struct hash256 once[16], twice[16];
        size_t n = odd[k], tail = n % 2 ? 1 : 2;
        bool mutated;
        for (size_t i = 0; i < n; i++)
            once[i] = twice[i] = leaf((uint32_t)i);
        for (size_t i = 0; i < tail; i++)
            twice[n + i] = twice[n - tail + i];
        struct hash256 a = merkle_root(once, n, &mutated);
        assert_false(mutated);
        struct hash256 b = merkle_root(twice, n + tail, &mutated);
        assert_true(mutated);
        assert_true(hash256_equal(&a, &b));
    }
}

static struct tx *small_tx(uint32_t locktime, bool with_witness)
{
    struct outpoint o = {.txid = {{1}}, .n = locktime};
    struct bytes item = bytes_of("abc", 3);
    struct mtx m;
    mtx_init(&m);
    m.locktime = locktime;
    struct mtxin *in = mtx_add_in(&m, &o, 5);
    if (with_witness)
        mtxin_set_witness(in, &item, 1);
    mtx_add_out(&m, amount_of(7), bytes_of("\x51", 1));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static struct block *small_block(uint32_t n)
{
    struct block_header h = {.version = 4, .time = 1, .bits = 0x207fffff};
    struct tx *txs[64];
    for (uint32_t i = 0; i < n; i++)
        txs[i] = small_tx(i, i % 2);
    struct block *b = block_assemble(&h, (const struct tx *const *)txs, n);
    for (uint32_t i = 0; i < n; i++)
        tx_unref(txs[i]);
    return b;
}

static void blocks_read_and_write(void **state)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw), stripped = sink_counter();
    struct block *b = small_block(9);
    (void)state;
    assert_non_null(b);
    block_write(b, &s, true);
    block_write(b, &stripped, false);
    assert_int_equal(stripped.count, b->base_size);
    assert_int_equal(block_weight(b), 3 * (int64_t)stripped.count + (int64_t)raw.len);
    struct block *again = block_from_bytes(raw.data, raw.len);
    assert_true(hash256_equal(&again->hash, &b->hash));
    assert_int_equal(again->n_tx, 9);
    /* every cut and every addition is noticed */
    for (size_t cut = 0; cut < raw.len; cut++)
        assert_null(block_from_bytes(raw.data, cut));
    buf_append_byte(&raw, 0);
    assert_null(block_from_bytes(raw.data, raw.len));
    block_unref(again);
    block_unref(b);
    buf_clear(&raw);
}

static void a_transaction_outlives_its_block(void **state)
{
    struct block *b = small_block(3);
    struct tx *tx = tx_ref(&b->txs[1]), *same = tx_ref(tx);
    struct hash256 id = b->txs[1].wtxid;
    (void)state;
    assert_ptr_equal(tx, same);
    block_unref(b);
    assert_true(hash256_equal(&tx->wtxid, &id));
    assert_memory_equal(tx->in[0].witness[0].data, "abc", 3);
    tx_unref(same);
    tx_unref(tx);
}

static void proofs_prove_what_they_match(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 20; n++) {
        struct block *b = small_block(n);
        struct hash256 root = block_merkle_root(b, NULL);
        for (uint32_t mask = 1; mask < 1u << n; mask = mask * 5 + 3) {
            struct merkleblock m, back;
            struct hash256 *ids;
            bool match[20];
            size_t found, want = 0;
            struct buf raw = {0};
            struct sink s = sink_to_buf(&raw);
            struct reader r;
            for (uint32_t i = 0; i < n; i++)
                want += match[i] = mask >> i & 1;
            merkleblock_build(&m, b, match);
            m.header.merkle_root = root;
            merkleblock_write(&s, &m);
            reader_init(&r, raw.data, raw.len);
            assert_true(merkleblock_read(&back, &r) && reader_done(&r));
            assert_true(merkleblock_extract(&back, &ids, &found));
            assert_int_equal(found, want);
            for (size_t i = 0, k = 0; i < n; i++) {
                uint32_t place;
                if (match[i])
                    assert_true(hash256_equal(&ids[k++], &b->txs[i].txid));
                assert_int_equal(merkleblock_place(&back, &b->txs[i].txid, &place),
                                 match[i]);
                if (match[i])
                    assert_int_equal(place, i);
            }
            free(ids);
            back.hashes[0].b[3] ^= 1;
            assert_false(merkleblock_extract(&back, &ids, &found));
            merkleblock_clear(&back);
            merkleblock_clear(&m);
            buf_clear(&raw);
        }
        block_unref(b);
    }
}

static void compact_targets(void **state)
{
    static const struct {
        uint32_t bits;
        const char *target;
        bool negative, overflow;
        uint32_t back;
    } cases[] = {
        {0x00000000, "0", false, false, 0},
        {0x01123456, "12", false, false, 0x01120000},
        {0x01fedcba, "7e", true, false, 0x017e0000},
        {0x02008000, "80", false, false, 0x02008000},
        {0x04123456, "12345600", false, false, 0x04123456},
        {0x04923456, "12345600", true, false, 0x04123456},
        {0x05009234, "92340000", false, false, 0x05009234},
        {0x1d00ffff, "ffff0000000000000000000000000000000000000000000000000000", false,
         false, 0x1d00ffff},
        {0x20123456, "1234560000000000000000000000000000000000000000000000000000000000",
         false, false, 0x20123456},
    };
    struct u256 want;
    bool negative, overflow;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct u256 t = compact_to_target(cases[i].bits, &negative, &overflow);
        assert_true(u256_from_hex(&want, cases[i].target));
        assert_int_equal(u256_cmp(&t, &want), 0);
        assert_int_equal(negative, cases[i].negative);
        assert_int_equal(overflow, cases[i].overflow);
        assert_int_equal(target_to_compact(&t), cases[i].back);
    }
    compact_to_target(0xff123456, &negative, &overflow);
    assert_true(overflow);
}

static void work_of_known_bits(void **state)
{
    static const struct {
        uint32_t bits;
        const char *work;
    } cases[] = {
        {0x207fffff, "2"},
        {0x1d00ffff, "100010001"},
        {0x1b0404cb, "3fb3ab764c00"},
        {0x00000000, "0"},
        {0x04923456, "0"},
    };
    struct u256 want;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct u256 work = work_of_bits(cases[i].bits);
        assert_true(u256_from_hex(&want, cases[i].work));
        assert_int_equal(u256_cmp(&work, &want), 0);
    }
}

static struct u256 mixed(uint64_t seed)
{
    struct u256 v;
    for (int i = 0; i < 4; i++)
        v.w[i] = seed =
            seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return u256_shr(v, (unsigned)(seed >> 56));
}

/* (a / b) * b + rest = a, and shifts are products and quotients. */
static void arithmetic_agrees_with_itself(void **state)
{
    (void)state;
    for (uint64_t i = 1; i < 2000; i++) {
        struct u256 a = mixed(i), back;
        uint32_t m = (uint32_t)(i * 2654435761u) | 1;
        struct u256 b = u256_from_u64(m);
        struct u256 q = u256_div(a, b);
        struct u256 rest = u256_sub(a, u256_mul_u32(q, m));
        assert_true(u256_cmp(&rest, &b) < 0);
        back = u256_add(u256_mul_u32(q, m), rest);
        assert_int_equal(u256_cmp(&back, &a), 0);
        unsigned n = (unsigned)(i % 256);
        struct u256 one = u256_shl(u256_from_u64(1), n);
        struct u256 shifted = u256_shr(a, n), divided = u256_div(a, one);
        assert_int_equal(u256_cmp(&shifted, &divided), 0);
    }
}

static void outputs_go_in_and_out(void **state)
{
    struct mtx m;
    struct outpoint o = {.n = 3};
    (void)state;
    mtx_init(&m);
    mtx_add_in(&m, &o, 1);
    mtx_add_in(&m, &o, 2);
    mtx_add_out(&m, amount_of(1), bytes_of("a", 1));
    mtx_add_out(&m, amount_of(3), bytes_of("c", 1));
    mtx_insert_out(&m, 1, amount_of(2), bytes_of("b", 1));
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(m.out[i].value.v, i + 1);
    mtx_remove_out(&m, 0);
    mtx_remove_in(&m, 0);
    assert_int_equal(m.out[0].value.v, 2);
    assert_int_equal(m.n_out, 2);
    assert_int_equal(m.in[0].sequence, 2);
    mtx_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merkle_roots_and_branches),
        cmocka_unit_test(repeated_leaves_are_noticed),
        cmocka_unit_test(blocks_read_and_write),
        cmocka_unit_test(a_transaction_outlives_its_block),
        cmocka_unit_test(proofs_prove_what_they_match),
        cmocka_unit_test(compact_targets),
        cmocka_unit_test(work_of_known_bits),
        cmocka_unit_test(arithmetic_agrees_with_itself),
        cmocka_unit_test(outputs_go_in_and_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
