/* Tickets paid for and signed by a wallet: it adds coins to those that the object
 * names, and signs for the owner of a collateral. */
#include "chain/script/address.h"
#include "chain/validation/chainman.h"
#include "rpc/ticket_job.h"
#include "rpc/ticket_object.h"
#include "rpc/wallet_args.h"
#include "tickets/carrier.h"
#include "tickets/tokens.h"
#include "wallet/coincontrol.h"
#include "wallet/spend.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

struct wallet_job {
    struct ticket_job *job;
    struct wallet *wallet; /* locked */
    struct coin_control control;
    struct buf carrier;
    struct spend_output outputs[1 + TICKET_MAX_OUTPUTS];
};

static bool wallet_failed(struct wallet_job *wj, struct wallet_error *e)
{
    rpc_wallet_error(wj->job->call, e);
    return false;
}

/* --- what the object asks for --- */

static bool name_coin(struct wallet_job *wj, const struct json *v)
{
    struct rpc_call *c = wj->job->call;
    struct outpoint o;
    if (!rpc_want(c, v, JSON_OBJECT) || !rpc_to_outpoint(c, v, &o))
        return false;
    coin_control_name(&wj->control, &o);
    return true;
}

/* The token that the ticket is about; false: it is about none. */
static bool token_named(const struct ticket_draft *d, struct hash256 *id)
{
    for (size_t i = 0; d->kind->carries_token && i < d->kind->n_fields; i++)
        if (d->kind->fields[i].type == FIELD_TXID) {
            memcpy(id->b, d->raw[i].data, 32);
            return true;
        }
    return false;
}

/* Whoever does something to a token spends the coin that carries it. */
static void name_anchor(struct wallet_job *wj)
{
    struct chainman *cm = wj->job->call->node->chainman;
    struct buf mem = {0};
    struct token token;
    struct hash256 id;
    if (!token_named(&wj->job->draft, &id))
        return;
    chainman_read_lock(cm);
    struct state_txn *st = state_begin(chainman_state(cm));
    if (token_get(st, &id, &mem, &token))
        coin_control_name(&wj->control, &token.anchor);
    state_discard(st);
    chainman_read_unlock(cm);
    buf_clear(&mem);
}

static bool name_coins(struct wallet_job *wj)
{
    const struct json *inputs = json_get(wj->job->obj, "inputs");
    for (size_t i = 0; inputs != NULL && i < inputs->len; i++)
        if (!name_coin(wj, json_at(inputs, i)))
            return false;
    name_anchor(wj);
    return true;
}

static bool read_change(struct wallet_job *wj)
{
    struct buf *script = &wj->job->change_script;
    if (!ticket_job_address(wj->job, "change_address", script))
        return false;
    if (script->len > 0)
        (void)!destination_from_script(&wj->control.change, buf_view(script));
    return true;
}

/* A token without an address goes to a new one of the wallet. */
static bool read_token(struct wallet_job *wj)
{
    struct ticket_job *j = wj->job;
    struct wallet_error e = {0};
    struct destination d;
    if (!ticket_job_address(j, "token_address", &j->token_script))
        return false;
    if (j->token_script.len > 0 || !j->draft.kind->carries_token)
        return true;
    if (!spkman_new_address(wj->wallet->spkman, wj->wallet->opt->address_type, false,
                            &d, &e))
        return wallet_failed(wj, &e);
    destination_to_script(&j->token_script, &d);
    return true;
}

static bool read_rate(struct wallet_job *wj)
{
    const struct json *v = json_get(wj->job->obj, "fee_rate");
    struct fee_wish *fee = &wj->control.fee;
    int64_t per_vbyte;
    if (v == NULL || v->type == JSON_NULL)
        return true;
    if (!rpc_to_i64(wj->job->call, v, &per_vbyte))
        return false;
    if (per_vbyte < 1 || per_vbyte > 10000) {
        rpc_error(wj->job->call, RPC_INVALID_PARAMETER,
                  "fee_rate must be 1 to 10000 per vbyte");
        return false;
    }
    fee->has_feerate = true;
    fee->feerate = per_vbyte * 1000;
    return true;
}

/* --- signatures that depend on the coins --- */

/* Keys of scripts that sign the ticket itself: the owner of a collateral. */
static void lend_keys(struct wallet_job *wj)
{
    struct ticket_draft *d = &wj->job->draft;
    for (size_t i = 0; i < d->kind->n_fields; i++) {
        const struct ticket_field *f = &d->kind->fields[i];
        const struct draft_key *k = &d->keys[i][0];
        if (f->type == FIELD_SCRIPT_SIG_OPT && k->len > 0)
            (void)!spkman_keystore(wj->wallet->spkman, bytes_of(k->octets, k->len),
                                   true, &wj->job->keys.store);
    }
}

static void make_carrier(struct wallet_job *wj)
{
    struct buf payload = {0};
    buf_reset(&wj->carrier);
    ticket_draft_payload(&wj->job->draft, &payload);
    carrier_build(&wj->carrier, buf_view(&payload));
    buf_clear(&payload);
}

/* With all coins chosen, input 0 is known: signs, and puts the ticket in its place. */
static bool finish(void *ctx, struct mtx *m, struct wallet_error *e)
{
    struct wallet_job *wj = ctx;
    struct bytes before = buf_view(&wj->carrier), payload;
    uint32_t at = 0;
    while (at < m->n_out && !carrier_parse(buf_view(&m->out[at].script), &payload))
        at++;
    ASSERT(at < m->n_out);
    if (!ticket_draft_sign(&wj->job->draft, &m->in[0].prevout, ticket_keys_sign,
                           &wj->job->keys))
        return wallet_fail(e, WALLET_MISC, "The ticket could not be signed");
    size_t len = before.len;
    make_carrier(wj);
    ASSERT(wj->carrier.len == len);
    memcpy(m->out[at].script.data, wj->carrier.data, len);
    return true;
}

/* --- funding and sending --- */

static void list_outputs(struct wallet_job *wj, struct spend_request *rq)
{
    struct ticket_job *j = wj->job;
    ticket_job_add_outputs(j);
    make_carrier(wj);
    wj->outputs[0] =
        (struct spend_output){.value = j->draft.burn, .script = buf_view(&wj->carrier)};
    for (size_t i = 0; i < j->n_outputs; i++)
        wj->outputs[1 + i] = (struct spend_output){.value = j->outputs[i].value,
                                                   .script = j->outputs[i].script};
    rq->outputs = wj->outputs;
    rq->n_outputs = 1 + j->n_outputs;
    rq->control = &wj->control;
    rq->finish = finish;
    rq->finish_ctx = wj;
    if (j->draft.kind->carries_token)
        rq->anchor_output = 1;
}

/* The mempool's verdict comes first: a wallet that has recorded a transaction keeps it.
 */
static bool send(struct wallet_job *wj, const struct funded_tx *f)
{
    struct ticket_job *j = wj->job;
    struct spend_notes notes = {.comment = NULL};
    struct wallet_error e = {0};
    j->tx = tx_ref(f->tx);
    j->fee = f->fee;
    return ticket_job_submit(j, true) &&
           (j->dry_run || wallet_commit(wj->wallet, f, &notes, &e) ||
            wallet_failed(wj, &e));
}

static bool fund_and_send(struct wallet_job *wj)
{
    struct spend_request rq;
    struct funded_tx f = {0};
    struct wallet_error e = {0};
    spend_request_init(&rq);
    list_outputs(wj, &rq);
    lend_keys(wj);
    if (!wallet_fund(wj->wallet, &rq, &f, &e))
        return wallet_failed(wj, &e); /* unless a signer has said more */
    bool ok = send(wj, &f);
    funded_tx_clear(&f);
    return ok;
}

static bool run(struct wallet_job *wj)
{
    struct ticket_job *j = wj->job;
    return rpc_need_unlocked(j->call, wj->wallet) &&
           rpc_need_private_keys(j->call, wj->wallet) && name_coins(wj) &&
           read_change(wj) && read_token(wj) && read_rate(wj) &&
           ticket_object_complete(j->call, &j->draft, j->obj, TICKET_FOR_CHAIN) &&
           fund_and_send(wj);
}

bool ticket_job_by_wallet(struct ticket_job *j)
{
    struct wallet_job wj = {.job = j, .wallet = rpc_synced_wallet(j->call)};
    if (wj.wallet == NULL)
        return false;
    coin_control_init(&wj.control);
    wallet_lock(wj.wallet);
    bool ok = run(&wj);
    wallet_unlock(wj.wallet);
    wallet_unref(wj.wallet);
    coin_control_clear(&wj.control);
    buf_clear(&wj.carrier);
    return ok;
}
