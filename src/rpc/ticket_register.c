#include "rpc/ticket_register.h"

#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/rules/policy.h"
#include "chain/script/address.h"
#include "chain/store/coins_cache.h"
#include "rpc/subcommand.h"
#include "rpc/ticket_job.h"
#include "rpc/ticket_object.h"
#include "tickets/tickets.h"

#define MAX_INPUTS 1000

/* What the object says besides the fields of the ticket. */
static const struct rpc_field options[] = {
    TICKET_KEY_OPTIONS,
    {"inputs", JSON_ARRAY, .optional = true},
    {"change_address", JSON_STRING, .optional = true},
    {"token_address", JSON_STRING, .optional = true},
    {"burn", .any = true, .optional = true},
    {"fee_rate", JSON_NUMBER, .optional = true},
    {"dry_run", JSON_BOOL, .optional = true},
    {0},
};

/* --- reading the object --- */

static const struct rpc_field input_fields[] = {
    {"txid", JSON_STRING},
    {"vout", JSON_NUMBER},
    {0},
};

/* The coin, from the pool or the chain, if it is there to be spent. Under the read
 * lock. */
static bool find_coin(struct ticket_job *j, struct ticket_coin *out)
{
    struct node *n = j->call->node;
    struct coin coin;
    if (mempool_spender(n->mempool, &out->prevout) != NULL)
        return false;
    if (!mempool_coin(n->mempool, &out->prevout, &coin) &&
        !coins_peek(chainman_coins(n->chainman), &out->prevout, &coin, j->call->mem))
        return false;
    out->value = coin.value;
    out->script = bytes_of(arena_dup(j->call->mem, coin.script.data, coin.script.len),
                           coin.script.len);
    return true;
}

static bool read_input(struct ticket_job *j, const struct json *v,
                       struct ticket_coin *out)
{
    if (!rpc_want(j->call, v, JSON_OBJECT) ||
        !rpc_check_fields(j->call, v, input_fields, true) ||
        !rpc_to_outpoint(j->call, v, &out->prevout))
        return false;
    chainman_read_lock(j->call->node->chainman);
    bool found = find_coin(j, out);
    chainman_read_unlock(j->call->node->chainman);
    if (!found)
        rpc_error(j->call, RPC_INVALID_ADDRESS_OR_KEY,
                  "Input %s:%u is not an unspent output of the chain or the mempool",
                  json_get(v, "txid")->str, out->prevout.n);
    return found;
}

static bool read_inputs(struct ticket_job *j)
{
    const struct json *inputs = json_get(j->obj, "inputs");
    if (inputs == NULL || inputs->len == 0 || inputs->len > MAX_INPUTS) {
        rpc_error(j->call, RPC_INVALID_PARAMETER,
                  "inputs must name 1 to %d coins that pay for the ticket", MAX_INPUTS);
        return false;
    }
    j->n_coins = inputs->len;
    j->coins = arena_alloc(j->call->mem, j->n_coins * sizeof(*j->coins));
    for (size_t i = 0; i < j->n_coins; i++)
        if (!read_input(j, json_at(inputs, i), &j->coins[i]))
            return false;
    return true;
}

bool ticket_job_address(struct ticket_job *j, const char *name, struct buf *out)
{
    const struct json *v = json_get(j->obj, name);
    struct destination d;
    struct address_error why;
    if (v == NULL || v->type == JSON_NULL)
        return true;
    if (!address_decode(&d, j->call->node->params, v->str, &why)) {
        rpc_error(j->call, RPC_INVALID_ADDRESS_OR_KEY, "%s: %s", name, why.message);
        return false;
    }
    destination_to_script(out, &d);
    return true;
}

/* The script of an address in the object; absent: where the first input lies. */
static bool read_script(struct ticket_job *j, const char *name, struct buf *out)
{
    if (!ticket_job_address(j, name, out))
        return false;
    if (out->len == 0)
        buf_append(out, j->coins[0].script.data, j->coins[0].script.len);
    return true;
}

static bool read_feerate(struct ticket_job *j)
{
    const struct json *v = json_get(j->obj, "fee_rate");
    struct mempool *mp = j->call->node->mempool;
    int64_t per_vbyte, pool = mempool_min_feerate(mp);
    int64_t least = mempool_get_options(mp)->min_relay_feerate;
    j->feerate = pool > least ? pool : least;
    if (v == NULL || v->type == JSON_NULL)
        return true;
    if (!rpc_to_i64(j->call, v, &per_vbyte))
        return false;
    if (per_vbyte < 1 || per_vbyte > 10000) {
        rpc_error(j->call, RPC_INVALID_PARAMETER,
                  "fee_rate must be 1 to 10000 per vbyte");
        return false;
    }
    j->feerate = per_vbyte * 1000;
    return true;
}

static bool read_object(struct ticket_job *j)
{
    const struct json *dry = json_get(j->obj, "dry_run");
    j->dry_run = dry != NULL && dry->boolean;
    return ticket_object_read(j->call, &j->draft, j->obj, options, TICKET_FOR_CHAIN) &&
           ticket_keys_read(&j->keys, j->call, j->obj);
}

static bool is_said(const struct ticket_job *j, const char *name)
{
    const struct json *v = json_get(j->obj, name);
    return v != NULL && v->type != JSON_NULL;
}

/* With coins and private keys that the object names. */
static bool read_funding(struct ticket_job *j)
{
    return read_inputs(j) && read_script(j, "change_address", &j->change_script) &&
           read_script(j, "token_address", &j->token_script) && read_feerate(j) &&
           ticket_object_complete(j->call, &j->draft, j->obj, TICKET_FOR_CHAIN);
}

/* --- building and sending --- */

static void add_output(struct ticket_job *j, int64_t value, struct bytes script)
{
    ASSERT(j->n_outputs < TICKET_MAX_OUTPUTS);
    j->outputs[j->n_outputs++] = (struct txout){amount_of(value), script};
}

/* A token's anchor stands first, since tokens go to the first outputs there are. */
void ticket_job_add_outputs(struct ticket_job *j)
{
    const struct quote *q = &j->draft.quote;
    struct bytes token = buf_view(&j->token_script);
    if (j->draft.kind->carries_token)
        add_output(j, policy_dust_threshold(token, DEFAULT_DUST_FEERATE), token);
    for (size_t i = 0; j->draft.pays && i < PAID_MEMBERS; i++)
        add_output(j, (int64_t)q->share[i], q->member[i]->payout_script);
}

static void report_build(struct ticket_job *j, enum ticket_build_result r)
{
    char text[32];
    if (r == BUILD_NO_FUNDS)
        rpc_error(j->call, RPC_WALLET_INSUFFICIENT_FUNDS,
                  "Insufficient funds: the inputs do not cover the burn, the payments "
                  "and a fee of %s",
                  amount_format(text, j->fee, j->call->node->params->decimals));
    if (r == BUILD_NOT_SIGNED)
        rpc_error(j->call, RPC_INVALID_ADDRESS_OR_KEY,
                  "privkeys lack a key that is needed to spend the inputs");
}

static bool build(struct ticket_job *j)
{
    struct buf payload = {0};
    if (!ticket_draft_sign(&j->draft, &j->coins[0].prevout, ticket_keys_sign, &j->keys))
        return false;
    ticket_job_add_outputs(j);
    ticket_draft_payload(&j->draft, &payload);
    struct ticket_build b = {
        .payload = buf_view(&payload),
        .burn = j->draft.burn,
        .coins = j->coins,
        .n_coins = j->n_coins,
        .outputs = j->outputs,
        .n_outputs = j->n_outputs,
        .keys = &j->keys.store,
        .change_script = buf_view(&j->change_script),
        .feerate = j->feerate,
    };
    enum ticket_build_result r = ticket_build(&j->tx, &j->fee, &b);
    buf_clear(&payload);
    report_build(j, r);
    return r == BUILD_OK;
}

bool ticket_job_submit(struct ticket_job *j, bool test)
{
    char reason[512];
    j->sent = (struct tx_submission){.tx = j->tx, .test_only = test, .relay = !test};
    if (!submit_tx(j->call->node, &j->sent)) {
        rpc_error(j->call, RPC_CLIENT_NOT_CONNECTED, "The node is shutting down");
        return false;
    }
    if (j->dry_run || j->sent.accepted)
        return true;
    rpc_error(j->call, RPC_VERIFY_REJECTED, "%s", submit_tx_refusal(&j->sent, reason));
    return false;
}

static bool send_by_keys(struct ticket_job *j)
{
    return read_funding(j) && build(j) && ticket_job_submit(j, j->dry_run);
}

static void write_result(struct ticket_job *j)
{
    struct json_writer *w = j->call->w;
    char reason[192];
    json_begin_object(w);
    json_kv_hash(w, "txid", &j->tx->txid);
    json_kv_str(w, "kind", j->draft.kind->name);
    ticket_object_write_price(j->call, &j->draft);
    rpc_write_amount(j->call, "fee", j->fee);
    json_kv_int(w, "vsize", tx_vsize(j->tx));
    if (j->dry_run) {
        json_kv_hex(w, "hex", j->tx->raw.data, j->tx->raw.len);
        json_kv_bool(w, "allowed", j->sent.accepted);
        if (!j->sent.accepted)
            json_kv_str(w, "reject-reason", reject_reason(&j->sent.rej, reason));
    }
    json_end_object(w);
}

static void clear(struct ticket_job *j)
{
    ticket_draft_clear(&j->draft);
    ticket_keys_clear(&j->keys);
    buf_clear(&j->change_script);
    buf_clear(&j->token_script);
    tx_unref(j->tx);
}

void ticket_register_object(struct rpc_call *c, const struct ticket_kind *kind,
                            const struct json *obj)
{
    struct ticket_job j = {.call = c, .obj = obj};
    ticket_draft_init(&j.draft, c->node->params, kind);
    ticket_keys_init(&j.keys);
    if (read_object(&j) &&
        (is_said(&j, "privkeys") ? send_by_keys(&j) : ticket_job_by_wallet(&j)))
        write_result(&j);
    clear(&j);
}

void ticket_register(struct rpc_call *c)
{
    const struct ticket_kind *kind = ticket_kind_arg(c, 1);
    const struct json *obj =
        kind != NULL ? subcommand_json(c, 2, "The ticket", JSON_OBJECT) : NULL;
    if (obj != NULL)
        ticket_register_object(c, kind, obj);
}
