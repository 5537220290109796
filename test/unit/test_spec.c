/* The worked examples of doc/spec: every fenced block "```example <name>" is read and
 * checked, so that text and program cannot drift apart. */
#include "spec_examples.h"

#include "crypto/ed448.h"
#include "tickets/carrier.h"
#include "tickets/pastelid.h"
#include "tickets/rules.h"
#include "tickets/state_keys.h"
#include "tickets/ticket.h"

/* --- state.md --- */

/* "key value" in hex. */
static void put_row(struct state_txn *t, const char *text)
{
    struct buf key = {0}, value = {0};
    size_t n = strcspn(text, " ");
    assert_true(hex_decode(&key, text, n));
    assert_true(hex_decode(&value, text + n + 1, strlen(text + n + 1)));
    state_put(t, buf_view(&key), buf_view(&value));
    buf_clear(&key);
    buf_clear(&value);
}

static void put_rows(struct state_txn *t, const struct example *ex, const char *name)
{
    for (size_t i = 0; i < ex->n; i++)
        if (strcmp(ex->rows[i].name, name) == 0)
            put_row(t, ex->rows[i].text);
}

static void check_root(struct example *ex)
{
    struct state_txn *t = state_begin(state);
    put_rows(t, ex, "put");
    struct hash256 root = state_txn_root(t);
    assert_row(ex, "root", bytes_of(root.b, 32));
    state_discard(t);
}

static void check_undo(struct example *ex)
{
    struct buf undo = {0};
    struct state_txn *t = state_begin(state);
    put_rows(t, ex, "before");
    state_commit(t);
    t = state_begin(state);
    put_rows(t, ex, "after");
    state_txn_undo(t, &undo);
    assert_row(ex, "undo", buf_view(&undo));
    state_discard(t);
    buf_clear(&undo);
}

static void check_proof(struct example *ex)
{
    struct hash256 root;
    struct buf key = {0}, proof = {0};
    struct bytes value;
    bool present;
    hex_of(&key, ex, "root");
    memcpy(root.b, key.data, 32);
    hex_of(&key, ex, "key");
    hex_of(&proof, ex, "proof");
    assert_true(
        state_proof_verify(&root, buf_view(&key), buf_view(&proof), &present, &value));
    assert_int_equal(present, !has_row(ex, "absent"));
    if (present)
        assert_row(ex, "value", value);
    buf_clear(&key);
    buf_clear(&proof);
}

static void check_commitment(struct example *ex)
{
    struct buf root = {0};
    struct hash256 h;
    uint8_t script[STATE_COMMITMENT_SIZE];
    hex_of(&root, ex, "root");
    memcpy(h.b, root.data, 32);
    state_commitment_script(script, &h);
    assert_row(ex, "script", bytes_of(script, sizeof(script)));
    buf_clear(&root);
}

static void check_burn(struct example *ex)
{
    struct state_txn *t = state_begin(state);
    struct buf value = {0};
    burn_add(t, 1, amount_of(strtoll(text_of(ex, "first"), NULL, 10)));
    assert_true(state_get(t, bytes_of("B", 1), &value));
    assert_row(ex, "value1", buf_view(&value));
    burn_add(t, 6, amount_of(strtoll(text_of(ex, "second"), NULL, 10)));
    assert_true(state_get(t, bytes_of("B", 1), &value));
    assert_row(ex, "value2", buf_view(&value));
    buf_clear(&value);
    state_discard(t);
}

static void state_examples(void **st)
{
    (void)st;
    assert_true(each_example("state.md", "root", check_root) >= 5);
    assert_true(each_example("state.md", "proof", check_proof) >= 3);
    assert_int_equal(each_example("state.md", "commitment", check_commitment), 1);
    assert_int_equal(each_example("state.md", "burn", check_burn), 1);
    assert_int_equal(each_example("state.md", "undo", check_undo), 1);
}

/* --- tickets.md --- */

static void check_pastelid(struct example *ex)
{
    struct buf secret = {0};
    uint8_t key[57];
    char text[PASTELID_TEXT_SIZE];
    hex_of(&secret, ex, "secret");
    ed448_public(key, secret.data);
    assert_row(ex, "key", bytes_of(key, 57));
    assert_string_equal(pastelid_encode(text, key), text_of(ex, "text"));
    buf_clear(&secret);
}

static void check_ed448(struct example *ex)
{
    struct buf key = {0}, sig = {0}, msg = {0};
    hex_of(&key, ex, "key");
    hex_of(&sig, ex, "signature");
    hex_of(&msg, ex, "message");
    assert_int_equal(ed448_verify(key.data, sig.data, msg.data, msg.len),
                     strcmp(text_of(ex, "verdict"), "valid") == 0);
    buf_clear(&key);
    buf_clear(&sig);
    buf_clear(&msg);
}

static void check_carrier(const struct example *ex, struct bytes payload)
{
    struct buf script = {0};
    carrier_build(&script, payload);
    assert_row(ex, "script", buf_view(&script));
    buf_clear(&script);
}

static void check_id(struct example *ex)
{
    struct buf secret = {0}, prev = {0}, payload = {0}, owner = {0}, key = {0},
               value = {0};
    struct ticket t;
    struct outpoint prevout;
    uint8_t sig[114];
    hex_of(&payload, ex, "payload");
    hex_of(&prev, ex, "prevout");
    hex_of(&owner, ex, "owner_script");
    hex_of(&secret, ex, "secret");
    memcpy(prevout.txid.b, prev.data, 32);
    prevout.n = get_le32(prev.data + 32);
    assert_int_equal(ticket_decode(&t, buf_view(&payload)), TICKET_OK);
    assert_true(bytes_equal(t.v[1].raw, buf_view(&owner)));
    assert_row(ex, "body", bytes_of(payload.data, t.v[2].offset));
    struct hash256 h = ticket_sign_hash(&params, &t, 2, &prevout);
    assert_row(ex, "hash", bytes_of(h.b, 32));
    ed448_sign(sig, secret.data, h.b, 32);
    assert_row(ex, "signature", bytes_of(sig, 114));
    assert_true(bytes_equal(t.v[2].raw, bytes_of(sig, 114)));
    check_carrier(ex, buf_view(&payload));

    struct state_txn *txn = state_begin(state);
    struct ticket_env env = {.params = &params,
                             .state = txn,
                             .height =
                                 (int32_t)strtol(text_of(ex, "height"), NULL, 10)};
    t.kind->apply(&t, &env);
    hex_of(&key, ex, "state_key");
    assert_true(state_get(txn, buf_view(&key), &value));
    assert_row(ex, "state_value", buf_view(&value));
    state_commit(txn); /* id-revoke builds on it */
    buf_clear(&secret);
    buf_clear(&prev);
    buf_clear(&payload);
    buf_clear(&owner);
    buf_clear(&key);
    buf_clear(&value);
}

static void check_revoke(struct example *ex)
{
    struct buf payload = {0}, value = {0}, key = {0};
    struct ticket t;
    hex_of(&payload, ex, "payload");
    assert_int_equal(ticket_decode(&t, buf_view(&payload)), TICKET_OK);
    check_carrier(ex, buf_view(&payload));
    struct state_txn *txn = state_begin(state);
    struct ticket_env env = {.params = &params, .state = txn, .height = 151};
    t.kind->apply(&t, &env);
    buf_append_byte(&key, 'i');
    buf_append(&key, t.v[0].raw.data, t.v[0].raw.len);
    assert_true(state_get(txn, buf_view(&key), &value));
    assert_row(ex, "state_value", buf_view(&value));
    state_discard(txn);
    buf_clear(&payload);
    buf_clear(&value);
    buf_clear(&key);
}

static void ticket_examples(void **st)
{
    (void)st;
    assert_int_equal(each_example("tickets.md", "pastelid", check_pastelid), 1);
    assert_true(each_example("tickets.md", "ed448", check_ed448) >= 10);
    assert_int_equal(each_example("tickets.md", "id", check_id), 1);
    assert_int_equal(each_example("tickets.md", "id-revoke", check_revoke), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_examples),
        cmocka_unit_test(ticket_examples),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
