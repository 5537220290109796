/* The worked examples of doc/spec/supernodes.md, storage.md and tokens.md: tickets as
 * transactions, run through the rules. */
#include "spec_examples.h"

#include "chain/prim/coin.h"
#include "crypto/hash.h"
#include "mn/supernodes.h"
#include "tickets/carrier.h"
#include "tickets/lists.h"
#include "tickets/rules.h"
#include "tickets/signatures.h"

static struct ticket_rules rules;
static struct consensus_hooks hooks;
static struct supernodes *list;

static int begin_rules(void **st)
{
    if (begin(st) != 0)
        return -1;
    list = supernodes_new();
    rules.cache = sigcache_new(100000);
    rules.supernodes = supernodes_view(list);
    ticket_rules_hooks(&hooks, &rules);
    hooks.attach(hooks.ctx, &params, state);
    return 0;
}

static int end_rules(void **st)
{
    sigcache_free(rules.cache);
    supernodes_free(list);
    return end(st);
}

static void check_lot(struct example *ex)
{
    struct buf in = {0}, sn = {0};
    uint8_t lot[32];
    hex_of(&in, ex, "block");
    hex_of(&sn, ex, "sn");
    buf_append(&in, sn.data, sn.len);
    sha3_256(lot, in.data, in.len);
    assert_row(ex, "lot", bytes_of(lot, sizeof(lot)));
    buf_clear(&in);
    buf_clear(&sn);
}

/* A row "key value" of the state. */
static void split_row(const char *text, struct buf *key, struct buf *value,
                      bool *absent)
{
    size_t n = strcspn(text, " ");
    buf_reset(key);
    buf_reset(value);
    *absent = strcmp(text + n + 1, "-") == 0;
    assert_true(hex_decode(key, text, n));
    assert_true(*absent || hex_decode(value, text + n + 1, strlen(text + n + 1)));
}

static void each_entry(const struct example *ex, const char *name, struct state_txn *t,
                       void (*fn)(struct state_txn *t, struct bytes key,
                                  const struct bytes *value))
{
    struct buf key = {0}, value = {0};
    bool absent;
    for (size_t i = 0; i < ex->n; i++) {
        if (strcmp(ex->rows[i].name, name) != 0)
            continue;
        split_row(ex->rows[i].text, &key, &value, &absent);
        struct bytes v = buf_view(&value);
        fn(t, buf_view(&key), absent ? NULL : &v);
    }
    buf_clear(&key);
    buf_clear(&value);
}

static void put_entry(struct state_txn *t, struct bytes key, const struct bytes *value)
{
    state_put(t, key, *value);
}

static void assert_entry(struct state_txn *t, struct bytes key,
                         const struct bytes *value)
{
    struct buf got = {0};
    assert_int_equal(state_get(t, key, &got), value != NULL);
    if (value != NULL)
        assert_true(bytes_equal(buf_view(&got), *value));
    buf_clear(&got);
}

/* Every example's collateral is one coin, good in all respects but its script. */
static bool collateral_coin(void *ctx, const struct outpoint *o, struct coin *out)
{
    struct buf *script = ctx;
    (void)o;
    *out = (struct coin){
        .value = params.sn.collateral, .height = 100, .script = buf_view(script)};
    return script->len > 0;
}

/* The examples have one report. */
static void check_record(const struct example *ex, struct bytes raw)
{
    struct sync_item items[SYNC_LIST_MAX];
    assert_int_equal(sync_items(items, raw), 1);
    struct hash256 h = sync_item_hash(&params, &items[0]);
    assert_row(ex, "hash_record", bytes_of(h.b, 32));
}

static void check_hashes(const struct example *ex, const struct ticket *t,
                         const struct outpoint *prevout)
{
    for (size_t i = 0; i < t->kind->n_fields; i++) {
        char name[32];
        if (t->kind->fields[i].role == NULL || t->v[i].raw.len == 0)
            continue;
        if (t->kind->fields[i].type == FIELD_SYNC_LIST) {
            check_record(ex, t->v[i].raw);
            continue;
        }
        snprintf(name, sizeof(name), "hash_%s", t->kind->fields[i].role);
        struct hash256 h = ticket_sign_hash(&params, t, i, prevout);
        assert_row(ex, name, bytes_of(h.b, 32));
    }
}

static size_t first_signature(const struct ticket *t)
{
    for (size_t i = 0; i < t->kind->n_fields; i++)
        if (t->kind->fields[i].role != NULL &&
            t->kind->fields[i].type != FIELD_SYNC_LIST)
            return t->v[i].offset;
    return t->payload.len;
}

static void check_ticket(const struct example *ex, const struct tx *tx)
{
    struct bytes payload;
    struct buf again = {0};
    uint32_t out;
    struct ticket t;
    assert_int_equal(carrier_find(tx, &out, &payload), 1);
    assert_row(ex, "payload", payload);
    assert_int_equal(ticket_decode(&t, payload), TICKET_OK);
    assert_string_equal(t.kind->name, ex->name);
    assert_row(ex, "body", bytes_of(payload.data, first_signature(&t)));
    check_hashes(ex, &t, &tx->in[0].prevout);
    ticket_encode(&again, t.kind, t.v);
    assert_true(bytes_equal(buf_view(&again), payload));
    buf_clear(&again);
}

static void check_example(struct example *ex)
{
    struct buf raw = {0}, script = {0};
    struct coin coin = {.script = bytes_of("\x51", 1), .marks = COIN_MARK_ANCHOR};
    const struct coin *spent[1] = {&coin};
    struct reject rej = {.code = REJECT_NONE};
    hex_of(&raw, ex, "tx");
    if (has_row(ex, "collateral_script"))
        hex_of(&script, ex, "collateral_script");
    struct tx *tx = tx_from_bytes(raw.data, raw.len, true);
    assert_non_null(tx);
    check_ticket(ex, tx);
    struct rule_env env = {.params = &params,
                           .height = (int32_t)strtol(text_of(ex, "height"), NULL, 10),
                           .state = state_begin(state),
                           .coin = collateral_coin,
                           .coin_ctx = &script};
    each_entry(ex, "before", env.state, put_entry);
    if (!hooks.tx(hooks.ctx, &env, tx, spent, NULL, &rej))
        fail_msg("example %s is refused: %s%s", ex->name, reject_code_text(rej.code),
                 rej.suffix);
    each_entry(ex, "after", env.state, assert_entry);
    state_discard(env.state);
    tx_unref(tx);
    buf_clear(&raw);
    buf_clear(&script);
}

static void examples(void **st)
{
    static const struct {
        const char *file, *kind;
    } rows[] = {
        {"supernodes.md", "sn-register"}, {"supernodes.md", "sn-update"},
        {"supernodes.md", "sn-revoke"},   {"supernodes.md", "sn-penalty"},
        {"storage.md", "storage"},        {"storage.md", "sense"},
        {"tokens.md", "snft-mint"},       {"tokens.md", "snft-register"},
        {"tokens.md", "snft-upgrade"},    {"tokens.md", "snft-sync"},
    };
    (void)st;
    assert_int_equal(each_example("supernodes.md", "lot", check_lot), 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(each_example(rows[i].file, rows[i].kind, check_example), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
    };
    return cmocka_run_group_tests(tests, begin_rules, end_rules);
}
