/* Rules that need no chain behind them: transactions, locks, work, BIP 9, policy. */
#include "unit.h"

#include "chain/params/params.h"
#include "chain/rules/block_check.h"
#include "chain/rules/block_index.h"
#include "chain/rules/locks.h"
#include "chain/rules/policy.h"
#include "chain/rules/pow.h"
#include "chain/rules/reject.h"
#include "chain/rules/tx_check.h"
#include "chain/rules/versionbits.h"
#include "chain/script/script_error.h"
#include "util/hex.h"
#include "util/mem.h"

static struct chain_params params_of(enum personality p, const char *name)
{
    struct chain_params out;
    assert_true(chain_params_get(&out, p, name));
    return out;
}

/* ---- transactions ---- */

static struct outpoint coin_of(uint8_t id, uint32_t n)
{
    struct outpoint o = {.n = n};
    memset(o.txid.b, id, sizeof(o.txid.b));
    return o;
}

static void no_inputs(struct mtx *m)
{
    mtx_add_out(m, amount_of(1), bytes_of("\x51", 1));
}

static void no_outputs(struct mtx *m)
{
    struct outpoint o = coin_of(1, 0);
    mtx_add_in(m, &o, SEQUENCE_FINAL);
}

static void one_to_one(struct mtx *m)
{
    no_outputs(m);
    no_inputs(m);
}

static void negative(struct mtx *m)
{
    no_outputs(m);
    mtx_add_out(m, amount_of(-1), bytes_of("\x51", 1));
}

static void too_large(struct mtx *m)
{
    no_outputs(m);
    mtx_add_out(m, amount_of(MAX_MONEY + 1), bytes_of("\x51", 1));
}

static void too_large_sum(struct mtx *m)
{
    no_outputs(m);
    mtx_add_out(m, amount_of(MAX_MONEY), bytes_of("\x51", 1));
    mtx_add_out(m, amount_of(1), bytes_of("\x51", 1));
}

static void all_money(struct mtx *m)
{
    no_outputs(m);
    mtx_add_out(m, amount_of(MAX_MONEY), bytes_of("\x51", 1));
}

static void duplicate_few(struct mtx *m)
{
    one_to_one(m);
    no_outputs(m);
}

static void duplicate_many(struct mtx *m)
{
    for (uint8_t i = 1; i < 60; i++) {
        struct outpoint o = coin_of(i, i);
        mtx_add_in(m, &o, SEQUENCE_FINAL);
    }
    struct outpoint o = coin_of(17, 17);
    mtx_add_in(m, &o, SEQUENCE_FINAL);
    no_inputs(m);
}

static void null_prevout(struct mtx *m)
{
    static const struct outpoint none = {.n = UINT32_MAX};
    one_to_one(m);
    mtx_add_in(m, &none, SEQUENCE_FINAL);
}

static void short_coinbase(struct mtx *m)
{
    static const struct outpoint none = {.n = UINT32_MAX};
    buf_append_byte(&mtx_add_in(m, &none, SEQUENCE_FINAL)->script_sig, 0x51);
    no_inputs(m);
}

static void long_coinbase(struct mtx *m)
{
    static const struct outpoint none = {.n = UINT32_MAX};
    buf_append(&mtx_add_in(m, &none, SEQUENCE_FINAL)->script_sig, (uint8_t[101]){0},
               101);
    no_inputs(m);
}

static void oversize(struct mtx *m)
{
    uint8_t *script = xcalloc(1, 1000000);
    no_outputs(m);
    mtx_add_out(m, amount_of(1), bytes_of(script, 1000000));
    free(script);
}

/* 4 + 1 + 41 + 1 + 9 + 4 = 60 bytes with an empty output script */
static void size_64(struct mtx *m)
{
    no_outputs(m);
    mtx_add_out(m, amount_of(1), bytes_of("\x51\x51\x51\x51", 4));
}

static const struct {
    void (*make)(struct mtx *m);
    enum personality personality;
    const char *reason; /* NULL: valid */
} tx_rules[] = {
    {one_to_one, BITCOIN, NULL},
    {all_money, BITCOIN, NULL},
    {no_inputs, BITCOIN, "bad-txns-vin-empty"},
    {no_outputs, BITCOIN, "bad-txns-vout-empty"},
    {oversize, BITCOIN, "bad-txns-oversize"},
    {negative, BITCOIN, "bad-txns-vout-negative"},
    {too_large, BITCOIN, "bad-txns-vout-toolarge"},
    {too_large_sum, BITCOIN, "bad-txns-txouttotal-toolarge"},
    {duplicate_few, BITCOIN, "bad-txns-inputs-duplicate"},
    {duplicate_many, BITCOIN, "bad-txns-inputs-duplicate"},
    {null_prevout, BITCOIN, "bad-txns-prevout-null"},
    {short_coinbase, BITCOIN, "bad-cb-length"},
    {long_coinbase, BITCOIN, "bad-cb-length"},
    {size_64, BITCOIN, NULL},
    {size_64, OCHRE, "bad-txns-size-64"},
};

static void transactions_are_checked_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tx_rules); i++) {
        struct chain_params p = params_of(tx_rules[i].personality, "regtest");
        struct reject rej = {0};
        struct mtx m;
        mtx_init(&m);
        tx_rules[i].make(&m);
        struct tx *tx = mtx_to_tx(&m);
        bool ok = tx_check(tx, &p, &rej);
        assert_int_equal(ok, tx_rules[i].reason == NULL);
        if (!ok)
            assert_string_equal(reject_code_text(rej.code), tx_rules[i].reason);
        tx_unref(tx);
        mtx_clear(&m);
    }
}

static const struct {
    struct coin coin;
    bool missing;
    int32_t height;
    const char *reason;
    int64_t fee;
} spends[] = {
    {{.value = {10}, .height = 5}, false, 6, NULL, 9},
    {{.value = {1}, .height = 5}, false, 6, NULL, 0},
    {{.value = {0}, .height = 5}, false, 6, "bad-txns-in-belowout", 0},
    {{.value = {10}}, true, 6, "bad-txns-inputs-missingorspent", 0},
    {{.value = {10}, .height = 5, .coinbase = true},
     false,
     104,
     "bad-txns-premature-spend-of-coinbase",
     0},
    {{.value = {10}, .height = 5, .coinbase = true}, false, 105, NULL, 9},
    {{.value = {-1}, .height = 5}, false, 6, "bad-txns-inputvalues-outofrange", 0},
    {{.value = {MAX_MONEY + 1}, .height = 5},
     false,
     6,
     "bad-txns-inputvalues-outofrange",
     0},
};

static void transactions_are_checked_with_their_coins(void **state)
{
    (void)state;
    struct mtx m;
    mtx_init(&m);
    one_to_one(&m);
    struct tx *tx = mtx_to_tx(&m);
    for (size_t i = 0; i < ARRAY_LEN(spends); i++) {
        const struct coin *spent[] = {spends[i].missing ? NULL : &spends[i].coin};
        struct reject rej = {0};
        struct amount fee;
        bool ok = tx_check_inputs(tx, spent, spends[i].height, &fee, &rej);
        assert_int_equal(ok, spends[i].reason == NULL);
        if (ok)
            assert_int_equal(fee.v, spends[i].fee);
        else
            assert_string_equal(reject_code_text(rej.code), spends[i].reason);
    }
    tx_unref(tx);
    mtx_clear(&m);
}

/* ---- a chain of headers ---- */

struct headers {
    struct block_index *b; /* owned */
    int32_t n;
};

/* Blocks of height 0 to n - 1, ten minutes apart from time 1000000. */
static void headers_init(struct headers *h, int32_t n, int32_t version)
{
    h->b = xcalloc((size_t)n, sizeof(*h->b));
    h->n = n;
    for (int32_t i = 0; i < n; i++) {
        struct block_header hd = {.version = version,
                                  .time = 1000000u + (uint32_t)i * 600,
                                  .bits = 0x207fffff};
        struct hash256 hash = {{0}};
        put_le32(hash.b, (uint32_t)i + 1);
        block_index_init(&h->b[i], &hd, &hash, i ? &h->b[i - 1] : NULL);
    }
}

static void ancestors_are_found(void **state)
{
    (void)state;
    struct headers h;
    headers_init(&h, 5000, 4);
    for (int32_t i = 0; i < 5000; i += 7)
        for (int32_t j = 0; j <= i; j += 131)
            assert_ptr_equal(block_index_ancestor(&h.b[i], j), &h.b[j]);
    assert_null(block_index_ancestor(&h.b[3], 4));
    assert_null(block_index_ancestor(&h.b[3], -1));
    assert_ptr_equal(block_index_common(&h.b[4000], &h.b[17]), &h.b[17]);
    free(h.b);
}

static void median_time_is_of_eleven(void **state)
{
    (void)state;
    struct headers h;
    headers_init(&h, 30, 4);
    assert_int_equal(block_index_mtp(&h.b[0]), 1000000);
    assert_int_equal(block_index_mtp(&h.b[1]), 1000600);
    assert_int_equal(block_index_mtp(&h.b[20]), 1000000 + 15 * 600);
    h.b[20].time = 1; /* the median shifts by one place */
    assert_int_equal(block_index_mtp(&h.b[20]), 1000000 + 14 * 600);
    free(h.b);
}

/* ---- locks ---- */

static const struct {
    uint32_t locktime, sequence;
    bool final; /* at height 100, time 600000000 */
} finality[] = {
    {0, 0, true},
    {99, 0, true},
    {100, 0, false},
    {100, SEQUENCE_FINAL, true},
    {LOCKTIME_THRESHOLD - 1, 0, false},
    {LOCKTIME_THRESHOLD, 0, true},
    {599999999, 0, true},
    {600000000, 0, false},
    {600000000, SEQUENCE_FINAL, true},
};

static void locktimes_hold_until_they_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(finality); i++) {
        struct mtx m;
        mtx_init(&m);
        one_to_one(&m);
        m.locktime = finality[i].locktime;
        m.in[0].sequence = finality[i].sequence;
        struct tx *tx = mtx_to_tx(&m);
        assert_int_equal(tx_is_final(tx, 100, 600000000), finality[i].final);
        tx_unref(tx);
        mtx_clear(&m);
    }
}

static const struct {
    int32_t version;
    uint32_t sequence;
    uint32_t coin_height;
    bool passed; /* in block 200 */
} relative[] = {
    {2, 0, 200, true},
    {2, 1, 199, true},
    {2, 1, 200, false},
    {2, 10, 190, true},
    {2, 10, 191, false},
    {1, 10, 191, true},
    {-1, 10, 191, false}, /* versions are unsigned here */
    {2, SEQUENCE_LOCK_DISABLE | 10, 191, true},
    {2, SEQUENCE_LOCK_TIME | 1, 199, true},  /* 512 s from the block before */
    {2, SEQUENCE_LOCK_TIME | 2, 199, false}, /* 1024 s */
    {2, SEQUENCE_LOCK_TIME | 2, 198, true},
};

static void relative_locks_hold_until_they_pass(void **state)
{
    (void)state;
    struct headers h;
    headers_init(&h, 200, 4);
    for (size_t i = 0; i < ARRAY_LEN(relative); i++) {
        struct mtx m;
        mtx_init(&m);
        one_to_one(&m);
        m.version = relative[i].version;
        m.in[0].sequence = relative[i].sequence;
        struct tx *tx = mtx_to_tx(&m);
        struct sequence_lock l =
            sequence_lock_of(tx, &relative[i].coin_height, &h.b[199], NULL);
        assert_int_equal(sequence_lock_passed(l, &h.b[199]), relative[i].passed);
        tx_unref(tx);
        mtx_clear(&m);
    }
    free(h.b);
}

/* ---- proof of work ---- */

static const struct {
    uint32_t limit;
    int64_t seconds, blocks;
    uint32_t bits;
} asert_rows[] = {
#include "asert_vectors.h"
};

static void asert_equals_independent_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(asert_rows); i++) {
        bool negative_, overflow;
        struct u256 limit =
            compact_to_target(asert_rows[i].limit, &negative_, &overflow);
        assert_int_equal(
            asert_bits(&limit, 150, asert_rows[i].seconds, asert_rows[i].blocks),
            asert_rows[i].bits);
    }
}

static void retargeting_begins_after_block_one(void **state)
{
    (void)state;
    struct chain_params p = params_of(OCHRE, "main");
    struct block_index b[3] = {0};
    struct hash256 hash = {{0}};
    for (uint32_t i = 0; i < 3; i++) {
        struct block_header h = {.time = 1000 + 10 * i, .bits = 0x1d00ffff};
        block_index_init(&b[i], &h, &hash, i ? &b[i - 1] : NULL);
    }
    assert_int_equal(pow_next_bits(&b[0], 2000, &p), 0x1d00ffff);
    assert_int_equal(pow_next_bits(&b[1], 2000, &p), 0x1d00ffff); /* at the anchor */
    assert_true(pow_next_bits(&b[2], 2000, &p) < 0x1d00ffff);
    p = params_of(OCHRE, "test");
    assert_int_equal(pow_next_bits(&b[2], 1020 + 1201, &p), 0x1e0fffff); /* late */
    assert_true(pow_next_bits(&b[2], 1020 + 1200, &p) < 0x1e0fffff);
    p = params_of(BITCOIN, "regtest");
    b[2].bits = 0x207ffffe;
    assert_int_equal(pow_next_bits(&b[2], 1 << 30, &p), 0x207ffffe);
}

static void targets_have_bounds(void **state)
{
    (void)state;
    struct chain_params p = params_of(BITCOIN, "regtest");
    struct hash256 low = {{0}}, high;
    memset(high.b, 0xff, sizeof(high.b));
    assert_true(pow_check(&low, 0x207fffff, &p));
    assert_false(pow_check(&high, 0x207fffff, &p));
    assert_false(pow_check(&low, 0x20ffffff, &p)); /* negative */
    assert_false(pow_check(&low, 0x2100ffff, &p)); /* easier than the limit */
    assert_false(pow_check(&low, 0xff7fffff, &p)); /* overflow */
    assert_false(pow_check(&low, 0, &p));
    assert_true(difficulty_of_bits(0x1d00ffff) == 1.0);
    assert_true(difficulty_of_bits(0x207fffff) < 1e-9);
}

/* ---- headers ---- */

static const struct {
    int32_t version;
    uint32_t bits, time; /* time: relative to the median time past of the parent */
    const char *reason;
} header_rules[] = {
    {4, 0x207fffff, 1, NULL},
    {0x20000000, 0x207fffff, 1, NULL},
    {4, 0x207ffffe, 1, "bad-diffbits"},
    {4, 0x207fffff, 0, "time-too-old"},
    {4, 0x207fffff, 10000000, "time-too-new"},
    {1, 0x207fffff, 1, "bad-version(0x00000001)"},
    {3, 0x207fffff, 1, "bad-version(0x00000003)"},
    {-1, 0x207fffff, 1, "bad-version(0xffffffff)"},
};

static void headers_are_checked_in_their_place(void **state)
{
    (void)state;
    struct chain_params p = params_of(BITCOIN, "regtest");
    struct headers h;
    headers_init(&h, 20, 4);
    int64_t mtp = block_index_mtp(&h.b[19]);
    for (size_t i = 0; i < ARRAY_LEN(header_rules); i++) {
        struct block_header hd = {.version = header_rules[i].version,
                                  .bits = header_rules[i].bits,
                                  .time = (uint32_t)mtp + header_rules[i].time};
        struct reject rej = {0};
        char reason[192];
        bool ok = header_check_contextual(&hd, &h.b[19], mtp + 10000, &p, &rej);
        assert_int_equal(ok, header_rules[i].reason == NULL);
        if (!ok)
            assert_string_equal(reject_reason(&rej, reason), header_rules[i].reason);
    }
    free(h.b);
}

static const struct {
    int32_t height;
    const char *push;
} heights[] = {{0, "00"},           {1, "51"},       {16, "60"},
               {17, "0111"},        {127, "017f"},   {128, "028000"},
               {255, "02ff00"},     {256, "020001"}, {32768, "03008000"},
               {500000, "0320a107"}};

static void coinbase_heights_are_minimal_pushes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heights); i++) {
        uint8_t script[6];
        char hex[13];
        hex_encode(hex, script, bip34_height_script(script, heights[i].height));
        assert_string_equal(hex, heights[i].push);
    }
}

static void script_flags_follow_heights(void **state)
{
    (void)state;
    struct chain_params p = params_of(BITCOIN, "regtest");
    char *error;
    uint32_t always =
        SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_TAPROOT;
    assert_int_equal(block_script_flags(&p, 1), SCRIPT_VERIFY_CONSENSUS);
    assert_int_equal(block_script_flags(&p, 0), always | SCRIPT_VERIFY_NULLDUMMY);
    assert_true(chain_params_test_activation(&p, "csv@10", &error));
    assert_false(block_script_flags(&p, 9) & SCRIPT_VERIFY_CHECKSEQUENCEVERIFY);
    assert_true(block_script_flags(&p, 10) & SCRIPT_VERIFY_CHECKSEQUENCEVERIFY);
}

/* ---- BIP 9 ---- */

static void deployments_go_through_their_states(void **state)
{
    (void)state;
    struct chain_params p = params_of(BITCOIN, "regtest");
    struct versionbits vb;
    struct headers h;
    int32_t signal = (int32_t)(VERSIONBITS_TOP_BITS | 1u << 28);

    headers_init(&h, 144 * 5, 4);
    versionbits_init(&vb, &p);
    for (int32_t i = 144; i < 144 + 107; i++)
        h.b[i].version = signal; /* one less than the threshold */
    for (int32_t i = 288 + 36; i < 432; i++)
        h.b[i].version = signal; /* exactly the threshold */
    assert_int_equal(bip9_state_after(&vb, 0, NULL), BIP9_DEFINED);
    assert_int_equal(bip9_state_after(&vb, 0, &h.b[142]), BIP9_DEFINED);
    assert_int_equal(bip9_state_after(&vb, 0, &h.b[143]), BIP9_STARTED);
    assert_int_equal(bip9_state_after(&vb, 0, &h.b[287]), BIP9_STARTED);
    assert_int_equal(bip9_state_after(&vb, 0, &h.b[430]), BIP9_STARTED);
    assert_int_equal(bip9_state_after(&vb, 0, &h.b[431]), BIP9_LOCKED_IN);
    assert_int_equal(bip9_state_after(&vb, 0, &h.b[575]), BIP9_ACTIVE);
    assert_int_equal(bip9_since(&vb, 0, &h.b[142]), 0);
    assert_int_equal(bip9_since(&vb, 0, &h.b[400]), 144);
    assert_int_equal(bip9_since(&vb, 0, &h.b[500]), 432);
    assert_int_equal(bip9_since(&vb, 0, &h.b[700]), 576);
    assert_int_equal(bip9_state_after(&vb, 1, &h.b[3]), BIP9_ACTIVE); /* always */
    assert_int_equal(bip9_since(&vb, 1, &h.b[3]), 0);
    assert_int_equal((uint32_t)bip9_block_version(&vb, &h.b[142]),
                     VERSIONBITS_TOP_BITS);
    assert_int_equal(bip9_block_version(&vb, &h.b[500]), signal);
    versionbits_clear(&vb);
    free(h.b);
}

static void deployments_fail_at_their_timeout(void **state)
{
    (void)state;
    struct chain_params p = params_of(BITCOIN, "regtest");
    struct versionbits vb;
    struct headers h;
    headers_init(&h, 144 * 4, 4);
    p.bip9[0].timeout = h.b[300].time;
    versionbits_init(&vb, &p);
    assert_int_equal(bip9_state_after(&vb, 0, &h.b[287]), BIP9_STARTED);
    assert_int_equal(bip9_state_after(&vb, 0, &h.b[431]), BIP9_FAILED);
    versionbits_clear(&vb);
    free(h.b);
}

static void signals_are_counted(void **state)
{
    (void)state;
    struct chain_params p = params_of(BITCOIN, "regtest");
    struct headers h;
    bool seen[144];
    headers_init(&h, 200, 4);
    h.b[150].version = (int32_t)(VERSIONBITS_TOP_BITS | 1u << 28);
    h.b[151].version = 1 << 28; /* not the top bits */
    struct bip9_stats st = bip9_stats(&p, 0, &h.b[160], seen);
    assert_int_equal(st.period, 144);
    assert_int_equal(st.threshold, 108);
    assert_int_equal(st.elapsed, 17);
    assert_int_equal(st.count, 1);
    assert_true(st.possible);
    assert_true(seen[6]);
    assert_false(seen[7]);
    assert_false(bip9_stats(&p, 0, &h.b[190], NULL).possible);
    free(h.b);
}

/* ---- policy ---- */

static const struct {
    const char *script;
    int64_t threshold; /* at 3000 per kvB */
} dust[] = {
    {"76a914000000000000000000000000000000000000000088ac", 546},
    {"a914000000000000000000000000000000000000000087", 540},
    {"00140000000000000000000000000000000000000000", 294},
    {"00200000000000000000000000000000000000000000000000000000000000000000", 330},
    {"51200000000000000000000000000000000000000000000000000000000000000000", 330},
    {"51024e73", 240},
    {"6a", 0},
};

static void dust_depends_on_the_spend(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dust); i++) {
        struct buf s = {0};
        assert_true(hex_decode(&s, dust[i].script, strlen(dust[i].script)));
        assert_int_equal(policy_dust_threshold(buf_view(&s), 3000), dust[i].threshold);
        buf_clear(&s);
    }
}

static void fees_are_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(feerate_fee(1000, 0), 0);
    assert_int_equal(feerate_fee(1000, 1), 1);
    assert_int_equal(feerate_fee(1, 1), 1);
    assert_int_equal(feerate_fee(1001, 1000), 1001);
    assert_int_equal(feerate_fee(1001, 999), 1000);
    assert_int_equal(feerate_fee(0, 999), 0);
    assert_int_equal(feerate_fee(-1000, 999), -999);
    assert_int_equal(feerate_fee(-1, 1), -1);
    assert_int_equal(policy_vsize(401, 0, 20), 101);
    assert_int_equal(policy_vsize(400, 21, 20), 105);
}

static void make_standard(struct mtx *m, const char *script_hex)
{
    struct buf s = {0};
    one_to_one(m);
    m->out[0].value = amount_of(100000);
    assert_true(hex_decode(&s, script_hex, strlen(script_hex)));
    buf_reset(&m->out[0].script);
    buf_append(&m->out[0].script, s.data, s.len);
    buf_clear(&s);
}

#define P2PKH   "76a914000000000000000000000000000000000000000088ac"
#define KEY     "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define DATA_20 "2020202020202020202020202020202020202020"

static const struct {
    int32_t version;
    const char *script, *script_sig;
    int64_t value;
    const char *reason;
} standards[] = {
    {2, P2PKH, "", 100000, NULL},
    {3, P2PKH, "", 100000, NULL},
    {0, P2PKH, "", 100000, "version"},
    {4, P2PKH, "", 100000, "version"},
    {-1, P2PKH, "", 100000, "version"},
    {2, P2PKH, "76", 100000, "scriptsig-not-pushonly"},
    {2, P2PKH, "", 545, "dust"},
    {2, P2PKH, "", 546, NULL},
    {2, "5121" KEY "51ae", "", 100000, NULL},
    {2, "5121" KEY "21" KEY "21" KEY "21" KEY "54ae", "", 100000, "scriptpubkey"},
    {2, "51", "", 100000, "scriptpubkey"},
    {2, "6a14" DATA_20, "", 0, NULL},
    {2, "6a4c64" DATA_20 DATA_20 DATA_20 DATA_20 DATA_20, "", 0, "scriptpubkey"},
    {2, "51024e73", "", 240, NULL},
};

static void standard_transactions_pass(void **state)
{
    (void)state;
    struct policy policy = {
        .dust_feerate = 3000, .max_datacarrier = 83, .permit_bare_multisig = true};
    for (size_t i = 0; i < ARRAY_LEN(standards); i++) {
        struct reject rej = {0};
        struct mtx m;
        mtx_init(&m);
        make_standard(&m, standards[i].script);
        m.version = standards[i].version;
        m.out[0].value = amount_of(standards[i].value);
        assert_true(hex_decode(&m.in[0].script_sig, standards[i].script_sig,
                               strlen(standards[i].script_sig)));
        struct tx *tx = mtx_to_tx(&m);
        bool ok = policy_tx_standard(&policy, tx, &rej);
        if (ok != (standards[i].reason == NULL))
            print_message("row %zu: %s\n", i, reject_code_text(rej.code));
        assert_int_equal(ok, standards[i].reason == NULL);
        if (!ok)
            assert_string_equal(reject_code_text(rej.code), standards[i].reason);
        tx_unref(tx);
        mtx_clear(&m);
    }
}

static void bare_multisig_and_data_can_be_refused(void **state)
{
    (void)state;
    struct policy policy = {.dust_feerate = 3000};
    static const struct {
        const char *script, *reason;
    } rows[] = {{"5121" KEY "51ae", "bare-multisig"}, {"6a14" DATA_20, "scriptpubkey"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reject rej = {0};
        struct mtx m;
        mtx_init(&m);
        make_standard(&m, rows[i].script);
        struct tx *tx = mtx_to_tx(&m);
        assert_false(policy_tx_standard(&policy, tx, &rej));
        assert_string_equal(reject_code_text(rej.code), rows[i].reason);
        tx_unref(tx);
        mtx_clear(&m);
    }
}

/* A DER signature of hash type SINGLE on input 1 of a transaction with one output. */
static void unmatched_single_is_refused(void **state)
{
    (void)state;
    static const char sig[] = "09300602010102010103";
    struct policy policy = {.refuse_unmatched_single = true, .max_datacarrier = 83};
    for (int second = 0; second < 2; second++) {
        struct reject rej = {0};
        struct mtx m;
        mtx_init(&m);
        make_standard(&m, P2PKH);
        struct outpoint o = coin_of(2, 0);
        struct mtxin *in = second ? mtx_add_in(&m, &o, SEQUENCE_FINAL) : &m.in[0];
        assert_true(hex_decode(&in->script_sig, sig, strlen(sig)));
        struct tx *tx = mtx_to_tx(&m);
        assert_int_equal(policy_tx_standard(&policy, tx, &rej), !second);
        if (second)
            assert_string_equal(reject_code_text(rej.code), "sighash-single-unmatched");
        tx_unref(tx);
        mtx_clear(&m);
    }
}

/* ---- rejects ---- */

static void rejects_carry_reason_and_detail(void **state)
{
    (void)state;
    struct reject rej = {0};
    char text[512], reason[192];
    assert_false(reject(&rej, REJECT_BAD_CB_HEIGHT, NULL));
    assert_string_equal(reject_text(&rej, text), "bad-cb-height");
    assert_false(reject_detail(&rej, REJECT_HIGH_HASH, "proof of %s failed", "work"));
    assert_string_equal(reject_text(&rej, text), "high-hash, proof of work failed");
    assert_string_equal(reject_reason(&rej, reason), "high-hash");
    assert_int_equal(reject_score(&rej), 100);
    reject(&rej, REJECT_TIME_TOO_NEW, NULL);
    assert_int_equal(reject_score(&rej), 0);
    reject(&rej, REJECT_BAD_TXNS_PREMATURE_SPEND, NULL);
    assert_int_equal(reject_score(&rej), 0);
    assert_false(reject_as_block(&rej));
    assert_int_equal(reject_score(&rej), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transactions_are_checked_alone),
        cmocka_unit_test(transactions_are_checked_with_their_coins),
        cmocka_unit_test(ancestors_are_found),
        cmocka_unit_test(median_time_is_of_eleven),
        cmocka_unit_test(locktimes_hold_until_they_pass),
        cmocka_unit_test(relative_locks_hold_until_they_pass),
        cmocka_unit_test(asert_equals_independent_vectors),
        cmocka_unit_test(retargeting_begins_after_block_one),
        cmocka_unit_test(targets_have_bounds),
        cmocka_unit_test(headers_are_checked_in_their_place),
        cmocka_unit_test(coinbase_heights_are_minimal_pushes),
        cmocka_unit_test(script_flags_follow_heights),
        cmocka_unit_test(deployments_go_through_their_states),
        cmocka_unit_test(deployments_fail_at_their_timeout),
        cmocka_unit_test(signals_are_counted),
        cmocka_unit_test(dust_depends_on_the_spend),
        cmocka_unit_test(fees_are_rounded_up),
        cmocka_unit_test(standard_transactions_pass),
        cmocka_unit_test(bare_multisig_and_data_can_be_refused),
        cmocka_unit_test(unmatched_single_is_refused),
        cmocka_unit_test(rejects_carry_reason_and_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
