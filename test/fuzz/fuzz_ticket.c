/* Any payload: what decodes encodes to the same octets, shows as JSON, and can be
 * judged and applied; whatever a ticket changed, its undo takes back. */
#include "fuzz.h"

#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/prim/coin.h"
#include "tickets/carrier.h"
#include "tickets/ticket.h"
#include "util/mem.h"

static struct chain_params params;
static struct state *state;

static void set_up(void)
{
    char dir[] = "/tmp/ochre-fuzz-ticket-XXXXXX", *message;
    static const struct db_options opt = {.name = "chain state", .version = 1};
    struct db *db;
    ASSERT(mkdtemp(dir) != NULL && chain_params_get(&params, OCHRE, "regtest"));
    ASSERT(db_open(&db, dir, &opt, &message) == ERR_OK);
    state = state_new(db, 1 << 20);
}

static void judge(const struct ticket *t)
{
    struct outpoint prevout = {.n = 0};
    struct mtx m;
    mtx_init(&m);
    mtx_add_in(&m, &prevout, SEQUENCE_FINAL);
    struct tx *tx = mtx_to_tx(&m);
    struct coin coin = {.script = bytes_of("\x51", 1)};
    const struct coin *spent[1] = {&coin};
    struct state_txn *txn = state_begin(state);
    struct ticket_env env = {&params, 7, tx, spent, amount_of(1), txn};
    struct reject rej = {.code = REJECT_NONE};
    struct claim_set claims = {.n = 0};
    struct hash256 before = state_root(state);
    struct buf undo = {0};
    bool ok = t->kind->check(t, &env, &rej);
    ASSERT(ok == (rej.code == REJECT_NONE));
    t->kind->claims(t, &claims);
    if (ok) {
        t->kind->apply(t, &env);
        state_txn_undo(txn, &undo);
        ASSERT(state_undo_apply(txn, buf_view(&undo)));
        struct hash256 after = state_txn_root(txn);
        ASSERT(hash256_equal(&before, &after));
    }
    state_discard(txn);
    buf_clear(&undo);
    tx_unref(tx);
    mtx_clear(&m);
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
