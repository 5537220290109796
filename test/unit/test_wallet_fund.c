/* Funding as tickets use it, on a wallet of thousands of coins. */
#include "unit.h"

#include "chain/rules/policy.h"
#include "chain/script/interpreter.h"
#include "spend_fixture.h"
#include "wallet/coins.h"

#define SCRIPTS 60

static struct wallet_fixture f;

static int set_up(void **state)
{
    (void)state;
    wallet_fixture_init(&f, SCRIPTS);
    spend_fixture_complete(&f);
    spend_fixture_fill(&f, SCRIPTS, 10, 250); /* 5,000 coins: enough to be sampled */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wallet_fixture_clear(&f);
    return 0;
}

/* -- Paying -- */

static const uint8_t payee[22] = {0, 20, 1, 2, 3};

struct payment {
    struct spend_output out[4];
    struct spend_request rq;
    struct coin_control control;
    struct funded_tx funded;
    struct wallet_error e;
};

static void payment_init(struct payment *p, size_t n_outputs, int64_t each)
{
    memset(p, 0, sizeof(*p));
    spend_request_init(&p->rq);
    coin_control_init(&p->control);
    for (size_t i = 0; i < n_outputs; i++)
        p->out[i] = (struct spend_output){amount_of(each), bytes_of(payee, 22), false};
    p->rq.outputs = p->out;
    p->rq.n_outputs = n_outputs;
    p->rq.control = &p->control;
}

static bool fund(struct payment *p)
{
    wallet_lock(f.w);
    bool ok = wallet_fund(f.w, &p->rq, &p->funded, &p->e);
    wallet_unlock(f.w);
    return ok;
}

static void payment_clear(struct payment *p)
{
    funded_tx_clear(&p->funded);
    coin_control_clear(&p->control);
    wallet_error_clear(&p->e);
}

static void check_signatures(const struct funded_tx *t)
{
    struct sighash_data data;
    sighash_data_init(&data, t->tx, t->spent, true);
    for (uint32_t i = 0; i < t->tx->n_in; i++) {
        const struct txin *in = &t->tx->in[i];
        struct sig_checker c = {.data = &data, .input = i, .value = t->spent[i].value};
        assert_true(script_verify(in->script_sig, t->spent[i].script, in->witness,
                                  in->n_witness, SCRIPT_VERIFY_STANDARD, &c, NULL));
    }
    sighash_data_clear(&data);
}

static void check_fee(const struct funded_tx *t)
{
    int64_t in = 0, needed = feerate_fee(t->rate.feerate, tx_vsize(t->tx));
    for (uint32_t i = 0; i < t->tx->n_in; i++)
        in += t->spent[i].value.v;
    assert_int_equal(in - tx_value_out(t->tx).v, t->fee.v);
    assert_true(t->fee.v >= needed);
    if (t->change_position != NO_CHANGE) /* a byte per signature, rounded */
        assert_true(t->fee.v <=
                    feerate_fee(t->rate.feerate, tx_vsize(t->tx) + t->tx->n_in + 1));
}

static void funded_transactions_are_signed_and_pay_their_fee(void **state)
{
    (void)state;
    for (int64_t each = 1000; each < INT64_C(2000000000); each = each * 7 + 3) {
        struct payment p;
        payment_init(&p, 2, each);
        assert_true(fund(&p));
        check_signatures(&p.funded);
        check_fee(&p.funded);
        payment_clear(&p);
    }
}

/* -- Tickets -- */

struct ticket_maker {
    struct outpoint first; /* what input 0 spends, as the callback saw it */
    bool refuse;
};

/* Stands for a ticket's signatures: the outpoint of input 0 goes into the script. */
static bool sign_ticket(void *ctx, struct mtx *m, struct wallet_error *e)
{
    struct ticket_maker *maker = ctx;
    if (maker->refuse)
        return wallet_fail(e, WALLET_MISC, "the PastelID is locked");
    maker->first = m->in[0].prevout;
    for (uint32_t i = 0; i < m->n_out; i++) {
        if (m->out[i].script.data[0] == 0x6a)
            memcpy(m->out[i].script.data + 2, maker->first.txid.b, 32);
    }
    return true;
}

static struct outpoint coin_at(size_t i)
{
    size_t n;
    const struct unspent *u = txstore_unspent(f.w, &n);
    i = (n / 2 + i) % n;
    return (struct outpoint){u[i].wtx->tx->txid, u[i].n};
}

static struct outpoint some_coin(void)
{
    return coin_at(0);
}

static void a_ticket_knows_its_first_input_before_it_is_signed(void **state)
{
    uint8_t carrier[34] = {0x6a, 32};
    struct ticket_maker maker = {.refuse = false};
    struct outpoint named = some_coin();
    struct payment p;
    (void)state;
    payment_init(&p, 1, 70000);
    p.out[0].script = bytes_of(carrier, sizeof(carrier));
    p.rq.finish = sign_ticket;
    p.rq.finish_ctx = &maker;
    coin_control_name(&p.control, &named);
    assert_true(fund(&p));
    assert_true(outpoint_equal(&named, &maker.first));
    assert_true(outpoint_equal(&named, &p.funded.tx->in[0].prevout));
    for (uint32_t i = 0; i < p.funded.tx->n_out; i++) {
        if ((int32_t)i != p.funded.change_position)
            assert_memory_equal(p.funded.tx->out[i].script.data + 2, named.txid.b, 32);
    }
    check_signatures(&p.funded);
    payment_clear(&p);
}

static void a_ticket_that_cannot_be_signed_ends_it(void **state)
{
    struct ticket_maker maker = {.refuse = true};
    struct payment p;
    (void)state;
    payment_init(&p, 1, 70000);
    p.rq.finish = sign_ticket;
    p.rq.finish_ctx = &maker;
    assert_false(fund(&p));
    assert_string_equal("the PastelID is locked", p.e.text);
    payment_clear(&p);
}

static void change_stands_behind_the_anchor(void **state)
{
    (void)state;
    for (int32_t anchor = 0; anchor < 3; anchor++) {
        for (int i = 0; i < 20; i++) {
            struct payment p;
            payment_init(&p, 3, 100000);
            p.rq.anchor_output = anchor;
            p.rq.sign = false;
            assert_true(fund(&p));
            if (p.funded.change_position != NO_CHANGE)
                assert_true(p.funded.change_position > anchor);
            payment_clear(&p);
        }
    }
}

static void change_that_would_move_the_anchor_is_refused(void **state)
{
    struct payment p;
    struct outpoint named = some_coin();
    (void)state;
    payment_init(&p, 2, 1000);
    coin_control_name(&p.control, &named);
    p.rq.anchor_output = 1;
    p.rq.change_position = 1;
    assert_false(fund(&p));
    assert_int_equal(WALLET_INVALID_PARAMETER, p.e.code);
    payment_clear(&p);
}

/* -- Many coins -- */

struct script_use {
    struct bytes script;
    size_t left; /* coins on it that are not spent */
    const struct funded_tx *t;
};

static bool count_left(void *ctx, const struct coin_view *c)
{
    struct script_use *use = ctx;
    struct outpoint o = coin_view_outpoint(c);
    if (!bytes_equal(coin_view_output(c)->script, use->script))
        return true;
    for (uint32_t i = 0; i < use->t->tx->n_in; i++) {
        if (outpoint_equal(&o, &use->t->tx->in[i].prevout))
            return true;
    }
    use->left++;
    return true;
}

/* Although only a part of the coins is looked at. */
static void no_script_is_spent_in_part(void **state)
{
    struct coin_filter all;
    (void)state;
    coin_filter_init(&all);
    for (int64_t each = 10000; each < INT64_C(3000000000); each *= 30) {
        struct payment p;
        payment_init(&p, 1, each);
        p.control.avoid_partial_spends = true;
        assert_true(fund(&p));
        for (uint32_t i = 0; i < p.funded.tx->n_in; i++) {
            struct script_use use = {p.funded.spent[i].script, 0, &p.funded};
            wallet_lock(f.w);
            coins_each(f.w, &all, count_left, &use);
            wallet_unlock(f.w);
            assert_int_equal(0, use.left);
        }
        payment_clear(&p);
    }
}

static bool bound_unless_first_output(void *ctx, const struct outpoint *o)
{
    (void)ctx;
    return o->n != 0;
}

static void bound_coins_are_spent_by_name_only(void **state)
{
    struct outpoint named = some_coin();
    (void)state;
    named.n = 1;
    f.chain.source.coin_bound = bound_unless_first_output;
    for (int64_t each = 10000; each < INT64_C(5000000000); each *= 9) {
        struct payment p;
        payment_init(&p, 1, each);
        assert_true(fund(&p));
        for (uint32_t i = 0; i < p.funded.tx->n_in; i++)
            assert_int_equal(0, p.funded.tx->in[i].prevout.n);
        payment_clear(&p);
    }
    struct payment p;
    payment_init(&p, 1, 1000);
    coin_control_name(&p.control, &named);
    assert_true(fund(&p));
    assert_true(outpoint_equal(&named, &p.funded.tx->in[0].prevout));
    payment_clear(&p);
    f.chain.source.coin_bound = NULL;
}

/* Every number of them: room for inputs is taken in steps. */
static void named_coins_keep_their_places(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 30; n++) {
        struct payment p;
        payment_init(&p, 1, 1000);
        p.rq.sign = false;
        for (size_t i = 0; i < n; i++) {
            struct outpoint o = coin_at(i);
            coin_control_name(&p.control, &o);
        }
        assert_true(fund(&p));
        assert_int_equal(n, p.funded.tx->n_in);
        for (size_t i = 0; i < n; i++)
            assert_true(outpoint_equal(&p.control.named[i].prevout,
                                       &p.funded.tx->in[i].prevout));
        payment_clear(&p);
    }
}

/* More than a part is worth, and then more than one transaction can carry. */
static void everything_is_looked_at_when_a_part_is_not_enough(void **state)
{
    struct payment p;
    (void)state;
    payment_init(&p, 1, INT64_C(50000000000));
    p.rq.sign = false;
    assert_true(fund(&p));
    check_fee(&p.funded);
    payment_clear(&p);
    payment_init(&p, 1, INT64_C(200000000000));
    assert_false(fund(&p));
    assert_non_null(strstr(p.e.text, "The inputs size exceeds the maximum weight"));
    payment_clear(&p);
    payment_init(&p, 1, MAX_MONEY);
    assert_false(fund(&p));
    assert_string_equal("Insufficient funds", p.e.text);
    payment_clear(&p);
}

static void a_commit_spends_the_coins(void **state)
{
    struct payment p;
    (void)state;
    payment_init(&p, 1, 12345678);
    wallet_lock(f.w);
    assert_true(wallet_fund(f.w, &p.rq, &p.funded, &p.e));
    const struct outpoint *in = &p.funded.tx->in[0].prevout;
    assert_int_equal(ERR_OK, coin_lock(f.w, in, true));
    assert_true(wallet_commit(f.w, &p.funded, NULL, &p.e));
    assert_true(txstore_is_spent(f.w, in));
    assert_false(coin_is_locked(f.w, in));
    wallet_unlock(f.w);
    payment_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(funded_transactions_are_signed_and_pay_their_fee),
        cmocka_unit_test(a_ticket_knows_its_first_input_before_it_is_signed),
        cmocka_unit_test(a_ticket_that_cannot_be_signed_ends_it),
        cmocka_unit_test(change_stands_behind_the_anchor),
        cmocka_unit_test(change_that_would_move_the_anchor_is_refused),
        cmocka_unit_test(no_script_is_spent_in_part),
        cmocka_unit_test(bound_coins_are_spent_by_name_only),
        cmocka_unit_test(named_coins_keep_their_places),
        cmocka_unit_test(everything_is_looked_at_when_a_part_is_not_enough),
        cmocka_unit_test(a_commit_spends_the_coins),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
