/* Any payload: what decodes encodes to the same octets, shows as JSON, and can be
 * judged and applied; whatever a ticket changed, its undo takes back. */
#include "fuzz.h"

#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/prim/coin.h"
#include "crypto/ed448.h"
#include "mn/supernodes.h"
#include "tickets/carrier.h"
#include "tickets/committee.h"
#include "tickets/signatures.h"
#include "tickets/state_keys.h"
#include "tickets/supernode.h"
#include "tickets/tokens.h"
#include "util/mem.h"

static struct chain_params params;
static struct state *state;
static struct supernodes *list;
static struct committee committee;
static struct tx *tx; /* that every ticket is in */

#define HEIGHT 25 /* the committee of block 12 may punish */

/* Supernodes 2 and 3 stand on their own PastelIDs, 3 is banned; nobody uses 0 and 1. */
static void add_supernode(struct rule_env *env, uint8_t i, const uint8_t pastelid[57])
{
    static const uint8_t script[22] = {0x00, 0x14}, endpoint[7] = {NET_IPV4, [5] = 1};
    struct supernode s = {.registered = 1,
                          .banned = i == 3,
                          .penalty = 70,
                          .payout_script = bytes_of(script, sizeof(script)),
                          .endpoint = bytes_of(endpoint, sizeof(endpoint))};
    if (i < 2)
        return;
    memset(s.sn.b, i, sizeof(s.sn.b));
    memset(s.operator_key, i, sizeof(s.operator_key));
    memset(s.collateral, 0x80 + i, sizeof(s.collateral));
    memcpy(s.pastelid, pastelid, sizeof(s.pastelid));
    supernode_add(env->state, &s);
}

/* Every coin there is might be a collateral. */
static bool any_coin(void *ctx, const struct outpoint *o, struct coin *out)
{
    static const uint8_t script[22] = {0x00, 0x14};
    (void)ctx;
    *out = (struct coin){.value = params.sn.collateral,
                         .height = 1,
                         .script = bytes_of(script, sizeof(script))};
    return o->n != 0;
}

/* A world in which tickets may well be valid: every member of the committee (sn, key
 * and script are made of its rank) gets a lot, and any PastelID, token and key of equal
 * octets below 4 is there. */
static void fill_state(struct rule_env *env)
{
    for (uint8_t i = 0; i < 4; i++) {
        uint8_t pastelid[ED448_KEY_SIZE], btns_key[BTNS_KEY_SIZE];
        struct identity id = {.height = 1, .owner_script = bytes_of("\x51", 1)};
        struct hash256 token;
        struct token t = {.anchor = {.txid = tx->txid, .n = 1u + i},
                          .quota = 1 << 20,
                          .btns_key = bytes_of(btns_key, sizeof(btns_key))};
        memset(pastelid, i, sizeof(pastelid));
        memset(btns_key, i, sizeof(btns_key));
        memset(token.b, i, sizeof(token.b));
        identity_put(env->state, pastelid, &id);
        token_mint(env, &token, &t);
        add_supernode(env, i, pastelid);
    }
}

static void make_committee(struct committee *c)
{
    static uint8_t scripts[COMMITTEE_SIZE][22];
    c->n = COMMITTEE_SIZE;
    c->height = 12;
    for (uint8_t i = 0; i < COMMITTEE_SIZE; i++) {
        struct committee_member *m = &c->members[i];
        memset(m->sn.b, i, sizeof(m->sn.b));
        memset(m->pastelid, i, sizeof(m->pastelid));
        memset(scripts[i], i, sizeof(scripts[i]));
        m->payout_script = bytes_of(scripts[i], sizeof(scripts[i]));
        m->storage_fee = m->sense_fee = 1000u + i;
    }
}

static struct tx *make_tx(const struct committee *c)
{
    struct outpoint prevout = {.n = 0};
    struct mtx m;
    mtx_init(&m);
    mtx_add_in(&m, &prevout, SEQUENCE_FINAL);
    for (size_t i = 0; i < c->n; i++)
        mtx_add_out(&m, amount_of(MAX_MONEY / 100), c->members[i].payout_script);
    struct tx *made = mtx_to_tx(&m);
    mtx_clear(&m);
    return made;
}

static void set_up(void)
{
    char dir[] = "/tmp/ochre-fuzz-ticket-XXXXXX", *message;
    static const struct db_options opt = {.name = "chain state", .version = 1};
    struct db *db;
    ASSERT(mkdtemp(dir) != NULL && chain_params_get(&params, OCHRE, "regtest"));
    ASSERT(db_open(&db, dir, &opt, &message) == ERR_OK);
    state = state_new(db, 1 << 20);
    list = supernodes_new();
    supernodes_view(list)->attach(list, state, &params);
    make_committee(&committee);
    tx = make_tx(&committee);
    struct rule_env env = {.params = &params, .state = state_begin(state)};
    fill_state(&env);
    state_commit(env.state);
}

static bool count_signature(void *ctx, const struct ticket_sig *sig)
{
    unsigned *units = ctx;
    if (sig->sig_len > 0) /* one that is missing costs nothing */
        *units += sig->scheme == SIG_ED448 ? 4 : 1;
    return true;
}

/* What passed is applied, and its undo takes all of it back. */
static void apply_and_undo(const struct ticket *t, const struct ticket_env *env)
{
    struct reject rej = {.code = REJECT_NONE};
    struct hash256 before = state_root(state);
    struct buf undo = {0};
    unsigned units = 0;
    if (ticket_each_signature(t, env, count_signature, &units, &rej))
        ASSERT(units == ticket_sigops(t));
    t->kind->apply(t, env);
    state_txn_undo(env->state, &undo);
    if (undo.len > 0)
        ASSERT(state_undo_apply(env->state, buf_view(&undo)));
    struct hash256 after = state_txn_root(env->state);
    ASSERT(hash256_equal(&before, &after));
    buf_clear(&undo);
}

static void judge(const struct ticket *t)
{
    struct coin coin = {.script = bytes_of("\x51", 1)};
    const struct coin *spent[1] = {&coin};
    struct rule_env block = {.params = &params,
                             .height = HEIGHT,
                             .state = state_begin(state),
                             .coin = any_coin};
    struct ticket_env env = {.params = &params,
                             .height = HEIGHT,
                             .tx = tx,
                             .spent = spent,
                             .burn = amount_of(1000000),
                             .state = block.state,
                             .block = &block,
                             .committee = &committee,
                             .supernodes = supernodes_view(list)};
    struct reject rej = {.code = REJECT_NONE};
    struct claim_set claims = {.n = 0};
    ASSERT(ticket_min_burn(t, &env).v >= 0);
    bool ok = t->kind->check(t, &env, &rej);
    ASSERT(ok == (rej.code == REJECT_NONE));
    t->kind->claims(t, &claims);
    if (ok)
        apply_and_undo(t, &env);
    state_discard(block.state);
}

static void show(const struct ticket *t)
{
    struct buf text = {0};
    struct json_writer w;
    struct arena mem;
    struct json *parsed;
    const char *error;
    json_writer_init(&w, &text, 0);
    json_begin_object(&w);
    ticket_write_fields(t, &params, &w);
    json_end_object(&w);
    arena_init(&mem, 4096);
    ASSERT(json_parse(&parsed, &mem, (const char *)text.data, text.len, &error));
    for (size_t i = 0; i < t->kind->n_fields; i++) { /* and JSON says the same again */
        struct buf raw = {0};
        ASSERT(ticket_field_from_json(&raw, &t->kind->fields[i], &params, parsed, &mem,
                                      &error));
        ASSERT(bytes_equal(buf_view(&raw), t->v[i].raw));
        buf_clear(&raw);
    }
    arena_clear(&mem);
    buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf script = {0}, again = {0};
    struct bytes payload;
    struct ticket t;
    if (state == NULL)
        set_up();
    carrier_build(&script, bytes_of(data, size));
    if (carrier_parse(buf_view(&script), &payload)) {
        ASSERT(bytes_equal(payload, bytes_of(data, size)));
        if (ticket_decode(&t, payload) == TICKET_OK) {
            ticket_encode(&again, t.kind, t.v);
            ASSERT(bytes_equal(buf_view(&again), payload));
            show(&t);
            judge(&t);
        }
    }
    if (carrier_parse(bytes_of(data, size), &payload)) {
        buf_reset(&script);
        carrier_build(&script, payload);
        ASSERT(bytes_equal(buf_view(&script), bytes_of(data, size)));
    }
    buf_clear(&script);
    buf_clear(&again);
    return 0;
}
