/* The list of supernodes in memory against a plain reading of the records: random
 * changes, nested and discarded transactions, undone blocks, a list begun anew; the
 * share of a block; signatures of every scheme. */
#include "state_fixture.h"

#include "chain/prim/coin.h"
#include "chain/script/address.h"
#include "chain/script/signed_message.h"
#include "crypto/ed25519.h"
#include "crypto/ed448.h"
#include "crypto/hash.h"
#include "crypto/secp.h"
#include "mn/sn_operator.h"
#include "mn/supernodes.h"
#include "tickets/committee.h"
#include "tickets/lists.h"
#include "tickets/rules.h"
#include "tickets/signatures.h"
#include "tickets/state_keys.h"
#include "tickets/supernode.h"
#include "util/hex.h"
#include "util/rand.h"

static const uint8_t secret[32] = {[0] = 9, [31] = 1};
static struct ticket_rules rules;
static struct consensus_hooks hooks;
static struct supernodes *list;
static const struct supernode_view *view;

static int begin_list(void **st)
{
    strcpy(dir + sizeof(dir) - 7, "XXXXXX");
    if (begin(st) != 0)
        return -1;
    list = supernodes_new();
    view = supernodes_view(list);
    rules.cache = sigcache_new(100000);
    rules.supernodes = view;
    ticket_rules_hooks(&hooks, &rules);
    hooks.attach(hooks.ctx, &params, state);
    return 0;
}

static int end_list(void **st)
{
    sigcache_free(rules.cache);
    supernodes_free(list);
    return end(st);
}

/* --- a plain reading --- */

static struct supernode example(uint32_t i, uint32_t height)
{
    static uint8_t script[22] = {0x00, 0x14}, endpoint[7] = {NET_IPV4};
    struct supernode s = {.registered = height};
    put_le32(s.sn.b, i * 2654435761u);
    put_le32(s.pastelid, i);
    put_le32(s.collateral, i);
    put_le32(s.operator_key, i);
    put_le32(endpoint + 1, i);
    endpoint[5] = 1;
    s.payout_script = bytes_of(script, sizeof(script));
    s.endpoint = bytes_of(endpoint, sizeof(endpoint));
    return s;
}

struct naive {
    uint32_t height;
    const struct hash256 *block;
    size_t n, active;
    uint32_t best_turn;
    struct hash256 payee;
    uint8_t lots[64][64]; /* score, sn */
    size_t n_lots;
};

static int by_lot(const void *a, const void *b)
{
    return memcmp(a, b, 64);
}

static bool read_one(void *ctx, struct bytes key, struct bytes value)
{
    struct naive *n = ctx;
    struct supernode s = {.banned = 0};
    uint8_t in[64];
    assert_true(supernode_read(&s, key.data + 1, value));
    n->n++;
    if (!supernode_active(&s, n->height, params.sn.activation_depth))
        return true;
    uint32_t turn = s.last_paid > s.registered ? s.last_paid : s.registered;
    turn = s.queued > turn ? s.queued : turn;
    if (n->active == 0 || turn < n->best_turn ||
        (turn == n->best_turn && memcmp(s.sn.b, n->payee.b, 32) < 0)) {
        n->best_turn = turn;
        n->payee = s.sn;
    }
    n->active++;
    memcpy(in, n->block->b, 32);
    memcpy(in + 32, s.sn.b, 32);
    sha3_256(n->lots[n->n_lots], in, 64);
    memcpy(n->lots[n->n_lots++] + 32, s.sn.b, 32);
    return true;
}

static void compare(struct state_txn *t, uint32_t height, const struct hash256 *block)
{
    struct naive n = {.height = height, .block = block};
    struct hash256 sns[COMMITTEE_SIZE], payee;
    state_each(t, bytes_of("s", 1), read_one, &n);
    assert_int_equal(view->count(view->ctx, t), n.n);
    assert_int_equal(supernodes_active(list, t, height), n.active);
    assert_int_equal(view->payee(view->ctx, t, height, &payee), n.active > 0);
    if (n.active > 0)
        assert_memory_equal(&payee, &n.payee, 32);
    qsort(n.lots, n.n_lots, 64, by_lot);
    size_t got = view->choose(view->ctx, t, height, block, sns);
    assert_int_equal(got, n.active < COMMITTEE_SIZE ? n.active : COMMITTEE_SIZE);
    for (size_t i = 0; i < got; i++)
        assert_memory_equal(sns[i].b, n.lots[i] + 32, 32);
}

/* --- random lives --- */

#define NAMES 40

static void change(struct state_txn *t, struct rng *rng, uint32_t height)
{
    struct supernode s = {.banned = 0},
                     new = example((uint32_t)rng_below(rng, NAMES), height);
    bool there = supernode_get(t, new.sn.b, &s);
    uint64_t what = rng_below(rng, 4);
    if (!there) {
        supernode_add(t, &new);
    } else if (what == 0) {
        supernode_remove(t, &s);
    } else {
        s.banned = what == 1 && rng_below(rng, 3) == 0;
        s.last_paid = what == 2 ? height : s.last_paid;
        s.queued = what == 3 ? height : s.queued;
        supernode_put(t, &s);
    }
    supernode_clear(&s);
}

/* One block: nested transactions, some of them thrown away; its undo into @undo. */
static void grow(struct rng *rng, uint32_t height, struct buf *undo)
{
    struct hash256 block = {{(uint8_t)height}};
    struct state_txn *t = state_begin(state);
    for (int i = 0; i < 4; i++) {
        struct state_txn *inner = state_begin_nested(t);
        for (int k = 0; k < 3; k++)
            change(inner, rng, height);
        compare(inner, height, &block);
        if (rng_below(rng, 3) == 0)
            state_discard(inner);
        else
            state_commit(inner);
        compare(t, height, &block);
    }
    buf_reset(undo);
    state_txn_undo(t, undo);
    state_commit(t);
}

static void random_lives(void **st)
{
    struct rng rng;
    struct buf undo[30] = {{0}};
    struct hash256 block = {{7}};
    (void)st;
    rng_seed(&rng, 4);
    for (int round = 0; round < 6; round++) {
        for (uint32_t h = 1; h < 30; h++)
            grow(&rng, h, &undo[h]);
        struct state_txn *t = state_begin(state);
        compare(t, 30, &block);
        state_discard(t);
        for (uint32_t h = 29; h > 10 + (uint32_t)round; h--) {
            t = state_begin(state);
            assert_true(state_undo_apply(t, buf_view(&undo[h])));
            compare(t, h - 1, &block);
            state_commit(t);
        }
        if (round == 3) /* as after a restart */
            hooks.attach(hooks.ctx, &params, state);
    }
    for (size_t i = 0; i < ARRAY_LEN(undo); i++)
        buf_clear(&undo[i]);
}

static void queue_order(void **st)
{
    struct state_txn *t = state_begin(state);
    struct hash256 queue[8];
    (void)st;
    for (uint32_t i = 0; i < 5; i++) {
        struct supernode s = example(i, 10);
        s.last_paid = i == 2 ? 20 : 0;
        s.queued = i == 3 ? 30 : 0;
        s.banned = i == 4;
        supernode_add(t, &s);
    }
    assert_int_equal(supernodes_queue(list, t, 40, queue, 8), 4);
    struct supernode third = example(2, 10), last = example(3, 10);
    assert_memory_equal(&queue[2], &third.sn, 32);
    assert_memory_equal(&queue[3], &last.sn, 32);
    assert_int_equal(supernodes_queue(list, t, 10, queue, 8), 0); /* too young */
    assert_int_equal(supernodes_queue(list, t, 11, queue, 8), 4);
    state_discard(t);
}

/* --- names and penalties --- */

static void names_come_and_go(void **st)
{
    struct state_txn *t = state_begin(state);
    struct supernode s = example(7, 3), got = {.banned = 0};
    struct hash256 empty = state_txn_root(t), sn;
    (void)st;
    supernode_add(t, &s);
    assert_true(supernode_get(t, s.sn.b, &got));
    assert_int_equal(got.registered, 3);
    assert_true(bytes_equal(got.endpoint, s.endpoint));
    assert_true(supernode_by(t, 'e', s.endpoint, &sn));
    assert_true(supernode_by(t, 'k', bytes_of(s.operator_key, 32), &sn));
    struct outpoint o = supernode_collateral(&s);
    supernode_collateral_spent(t, &o);
    assert_false(supernode_get(t, s.sn.b, &got));
    struct hash256 root = state_txn_root(t);
    assert_memory_equal(&root, &empty, 32);
    supernode_add(t, &s);
    supernode_pastelid_revoked(t, bytes_of(s.pastelid, 57));
    root = state_txn_root(t);
    assert_memory_equal(&root, &empty, 32);
    supernode_clear(&got);
    state_discard(t);
}

static void penalties_fade(void **st)
{
    static const struct {
        uint16_t penalty;
        uint32_t at, height, left;
    } rows[] = {
        {40, 100, 100, 40}, {40, 100, 111, 40}, {40, 100, 112, 39},
        {40, 100, 579, 1},  {40, 100, 580, 0},  {40, 100, 100000, 0},
        {0, 0, 5000, 0},    {139, 10, 22, 138},
    };
    (void)st;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct supernode s = {.penalty = rows[i].penalty, .penalty_height = rows[i].at};
        assert_int_equal(supernode_penalty_at(&s, rows[i].height), rows[i].left);
    }
}

static void quorum_sizes(void **st)
{
    static const uint8_t least[11] = {0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7};
    static const uint8_t penal[11] = {0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8};
    (void)st;
    for (size_t k = 0; k <= COMMITTEE_SIZE; k++) {
        struct committee c = {.n = k};
        assert_int_equal(quorum_least(&c), least[k]);
        assert_int_equal(quorum_least_penalty(&c), penal[k]);
    }
}

static void medians(void **st)
{
    struct committee c = {.n = 4};
    static const uint64_t fees[] = {900, 100, 500, 300};
    (void)st;
    for (size_t i = 0; i < 4; i++)
        c.members[i] =
            (struct committee_member){.storage_fee = fees[i], .sense_fee = i};
    assert_int_equal(committee_median_storage_fee(&c), 300); /* the lower of two */
    c.n = 3;
    assert_int_equal(committee_median_storage_fee(&c), 500);
    assert_int_equal(committee_median_sense_fee(&c), 1);
}

/* --- the share --- */

/* Subsidies below 5 have no share: nothing to pay, nothing withheld. */
static void no_share_no_check(void **st)
{
    struct state_txn *t = state_begin(state);
    struct supernode s = example(1, 1);
    struct amount max;
    struct reject rej = {.code = REJECT_NONE};
    struct hash256 root;
    uint8_t commitment[STATE_COMMITMENT_SIZE];
    struct outpoint none = {.n = UINT32_MAX};
    struct block_header h = {.version = 1};
    struct mtx m;
    (void)st;
    supernode_add(t, &s);
    root = state_txn_root(t);
    state_commitment_script(commitment, &root);
    mtx_init(&m);
    mtx_add_in(&m, &none, SEQUENCE_FINAL);
    mtx_add_out(&m, amount_of(0), bytes_of(commitment, sizeof(commitment)));
    struct tx *tx = mtx_to_tx(&m);
    const struct tx *txs[1] = {tx};
    struct block *b = block_assemble(&h, txs, 1);
    struct rule_env env = {.params = &params, .height = 9, .state = t};
    assert_true(hooks.block_begin(hooks.ctx, &env, b, amount_of(4), &max, &rej));
    assert_int_equal(max.v, 4);
    assert_true(env.has_payee);
    assert_false(hooks.block_begin(hooks.ctx, &env, b, amount_of(5), &max, &rej));
    assert_int_equal(rej.code, REJECT_BAD_SN_PAYEE);
    block_unref(b);
    tx_unref(tx);
    mtx_clear(&m);
    state_discard(t);
}

/* --- room for 10,000 --- */

static size_t some_count(void *ctx, struct state_txn *t)
{
    (void)t;
    return *(const size_t *)ctx;
}

static bool no_coin(void *ctx, const struct outpoint *o, struct coin *out)
{
    (void)ctx, (void)o, (void)out;
    return false;
}

/* A registration that is right in all but its collateral, with so many before it. */
static void register_after(size_t n, const char *suffix)
{
    struct state_txn *t = state_begin(state);
    struct supernode_view counting = {.ctx = &n, .count = some_count};
    struct supernode s = example(1, 1);
    struct identity id = {.height = 1, .owner_script = s.payout_script};
    uint8_t fee[8] = {0xe8, 3}, key[33], zeros[114] = {0};
    size_t len;
    struct reject rej = {.code = REJECT_NONE};
    struct mtx m;
    identity_put(t, s.pastelid, &id);
    secp_pubkey_create(key, &len, secret, true);
    struct bytes raw[] = {bytes_of(s.collateral, 36),
                          bytes_of(s.pastelid, 57),
                          bytes_of(key + 1, 32),
                          s.payout_script,
                          s.endpoint,
                          bytes_of(fee, 8),
                          bytes_of(fee, 8),
                          bytes_of(NULL, 0),
                          bytes_of(NULL, 0),
                          bytes_of(zeros, 114)};
    struct ticket ticket = {.kind = ticket_kind_by_name("sn-register")};
    for (size_t i = 0; i < ARRAY_LEN(raw); i++)
        ticket.v[i].raw = raw[i];
    mtx_init(&m);
    struct tx *tx = mtx_to_tx(&m);
    struct rule_env block = {
        .params = &params, .height = 9, .state = t, .coin = no_coin};
    struct ticket_env env = {.params = &params,
                             .height = 9,
                             .tx = tx,
                             .state = t,
                             .block = &block,
                             .supernodes = &counting};
    assert_false(ticket.kind->check(&ticket, &env, &rej));
    assert_string_equal(rej.suffix, suffix);
    tx_unref(tx);
    mtx_clear(&m);
    state_discard(t);
}

static void room_for_ten_thousand(void **st)
{
    (void)st;
    register_after(MAX_SUPERNODES - 1, "-collateral-missing");
    register_after(MAX_SUPERNODES, "-sn-full");
}

/* --- signatures --- */

static struct ticket_sig sig_of(enum sig_scheme scheme, struct bytes key, size_t len)
{
    struct ticket_sig s = {.scheme = scheme,
                           .message = {{1, 2, 3}},
                           .key_len = (uint8_t)key.len,
                           .sig_len = (uint8_t)len};
    memcpy(s.key, key.data, key.len);
    return s;
}

/* It verifies, and nothing one bit or one octet away from it does. */
static void assert_only_this(struct ticket_sig s)
{
    assert_true(ticket_sig_verify(&s));
    for (size_t i = 0; i < s.sig_len; i += 7) {
        if (s.scheme == SIG_SCRIPT && s.sig_len == 65 && i == 0)
            continue; /* of the header not every bit counts */
        s.sig[i] ^= 1;
        assert_false(ticket_sig_verify(&s));
        s.sig[i] ^= 1;
    }
    s.message.b[31] ^= 1;
    assert_false(ticket_sig_verify(&s));
    s.message.b[31] ^= 1;
    s.sig_len--;
    assert_false(ticket_sig_verify(&s));
    s.sig_len = 0;
    assert_false(ticket_sig_verify(&s));
}

static void sign_message(struct ticket_sig *s, bool compressed)
{
    char text[65];
    uint8_t hash[32];
    hex_encode(text, s->message.b, 32);
    signed_message_hash(hash, text, 64);
    secp_ecdsa_sign_compact(s->sig, secret, hash, compressed);
}

static void collateral_signatures(enum destination_type type, bool compressed)
{
    uint8_t pubkey[65];
    size_t len;
    struct destination d;
    struct buf script = {0};
    secp_pubkey_create(pubkey, &len, secret, compressed);
    destination_of_key(&d, type, bytes_of(pubkey, len));
    destination_to_script(&script, &d);
    struct ticket_sig s = sig_of(SIG_SCRIPT, buf_view(&script), 65);
    sign_message(&s, compressed);
    assert_only_this(s);
    for (unsigned header = 0; header < 256; header++) {
        uint8_t good = s.sig[0];
        bool number = ((header - 27) & 3) == ((unsigned)(good - 27) & 3);
        bool form =
            type == DEST_WPKH || ((header - 27) & 4) == ((unsigned)(good - 27) & 4);
        s.sig[0] = (uint8_t)header;
        assert_int_equal(ticket_sig_verify(&s), number && form);
        s.sig[0] = good;
    }
    buf_clear(&script);
}

static void signature_schemes(void **st)
{
    uint8_t pub[65], long_secret[57] = {4};
    size_t len;
    (void)st;
    ed448_public(pub, long_secret);
    struct ticket_sig s = sig_of(SIG_ED448, bytes_of(pub, 57), 114);
    ed448_sign(s.sig, long_secret, s.message.b, 32);
    assert_only_this(s);
    ed25519_public(pub, secret);
    s = sig_of(SIG_ED25519, bytes_of(pub, 32), 64);
    ed25519_sign(s.sig, secret, s.message.b, 32);
    assert_only_this(s);
    secp_pubkey_create(pub, &len, secret, true);
    s = sig_of(SIG_BIP340, bytes_of(pub + 1, 32), 64);
    assert_true(secp_schnorr_sign(s.sig, secret, s.message.b, NULL, NULL));
    assert_only_this(s);
    uint8_t taproot[34] = {0x51, 0x20};
    memcpy(taproot + 2, pub + 1, 32);
    struct ticket_sig by_script = sig_of(SIG_SCRIPT, bytes_of(taproot, 34), 64);
    memcpy(by_script.sig, s.sig, 64);
    assert_only_this(by_script);
    collateral_signatures(DEST_PKH, true);
    collateral_signatures(DEST_PKH, false);
    collateral_signatures(DEST_WPKH, true);
    s = sig_of(SIG_SCRIPT, bytes_of("\x51", 1), 65);
    assert_false(ticket_sig_verify(&s));
}

/* --- the operator's file --- */

static void operator_files(void **st)
{
    struct sn_operator *o;
    uint8_t pastelid[57] = {5}, sig[64];
    struct hash256 h = {{8}};
    char path[96];
    (void)st;
    assert_int_equal(sn_operator_open(&o, dir, "alpha"), ERR_NOT_FOUND);
    assert_int_equal(sn_operator_open(&o, dir, "../alpha"), ERR_NOT_FOUND);
    assert_int_equal(sn_operator_create(dir, "alpha", pastelid, secret), ERR_OK);
    assert_int_equal(sn_operator_create(dir, "alpha", pastelid, secret), ERR_EXISTS);
    assert_int_equal(sn_operator_open(&o, dir, "alpha"), ERR_OK);
    assert_string_equal(sn_operator_name(o), "alpha");
    assert_memory_equal(sn_operator_pastelid(o), pastelid, 57);
    sn_operator_sign(o, sig, &h);
    assert_true(secp_schnorr_verify(sn_operator_key(o), sig, h.b, 32));
    sn_operator_free(o);
    snprintf(path, sizeof(path), "%s/supernodes/alpha", dir);
    for (long at = 0; at < SN_OPERATOR_FILE_SIZE; at += 9) {
        FILE *f = fopen(path, "r+b");
        assert_non_null(f);
        fseek(f, at, SEEK_SET);
        int octet = fgetc(f);
        fseek(f, at, SEEK_SET);
        fputc(octet ^ 0x80, f);
        fclose(f);
        assert_int_not_equal(sn_operator_open(&o, dir, "alpha"), ERR_OK);
        f = fopen(path, "r+b");
        fseek(f, at, SEEK_SET);
        fputc(octet, f);
        fclose(f);
    }
    assert_int_equal(sn_operator_open(&o, dir, "alpha"), ERR_OK);
    sn_operator_free(o);
    assert_false(sn_operator_name_ok(""));
    assert_false(sn_operator_name_ok("a/b"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin_list, end_list)
    const struct CMUnitTest tests[] = {
        TEST(random_lives),
        TEST(queue_order),
        TEST(names_come_and_go),
        TEST(no_share_no_check),
        TEST(room_for_ten_thousand),
        TEST(operator_files),
        cmocka_unit_test(penalties_fade),
        cmocka_unit_test(quorum_sizes),
        cmocka_unit_test(medians),
        cmocka_unit_test(signature_schemes),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
