#include "rpc/ticket_register.h"

#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/rules/policy.h"
#include "chain/script/address.h"
#include "chain/store/coins_cache.h"
#include "crypto/secret.h"
#include "net/net.h"
#include "rpc/subcommand.h"
#include "tickets/build.h"
#include "tickets/pastelid.h"
#include "tickets/tickets.h"

#define MAX_INPUTS 1000

/* What the object says besides the fields of the ticket. */
static const struct rpc_field options[] = {
    {"inputs", JSON_ARRAY, .optional = true},
    {"privkeys", JSON_ARRAY, .optional = true},
    {"passphrase", JSON_STRING, .optional = true},
    {"change_address", JSON_STRING, .optional = true},
    {"burn", .any = true, .optional = true},
    {"fee_rate", JSON_NUMBER, .optional = true},
    {"dry_run", JSON_BOOL, .optional = true},
};

struct job {
    struct rpc_call *call;
    const struct json *obj;
    const struct ticket_kind *kind;
    struct buf raw[TICKET_MAX_FIELDS];
    struct ticket_value values[TICKET_MAX_FIELDS];
    struct ticket_coin *coins; /* in the call's arena */
    size_t n_coins;
    struct keystore keys;
    struct buf change_script;
    struct amount burn;
    int64_t feerate;
    bool dry_run;
    enum err sign_error;
    /* results */
    struct tx *tx;
    struct amount fee;
    struct accept_result accept;
};

/* --- reading the object --- */

/* Whether the kind has a field of this name, or a script field of which it is the
 * address. */
static bool is_field_name(const struct ticket_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->n_fields; i++) {
        const struct ticket_field *f = &kind->fields[i];
        size_t stem = strlen(f->name) - strlen("script");
        if (strcmp(f->name, name) == 0 ||
            (f->type == FIELD_SCRIPT && strncmp(f->name, name, stem) == 0 &&
             strcmp(name + stem, "address") == 0))
            return true;
    }
    return false;
}

static bool check_names(struct job *j)
{
    for (size_t i = 0; i < j->obj->len; i++) {
        const char *name = j->obj->keys[i].str;
        size_t o = 0;
        while (o < ARRAY_LEN(options) && strcmp(options[o].name, name) != 0)
            o++;
        if (o == ARRAY_LEN(options) && !is_field_name(j->kind, name)) {
            rpc_error(j->call, RPC_INVALID_PARAMETER, "Unexpected key %s", name);
            return false;
        }
    }
    for (size_t o = 0; o < ARRAY_LEN(options); o++) {
        const struct json *v = json_get(j->obj, options[o].name);
        if (v != NULL && v->type != JSON_NULL && !options[o].any &&
            !rpc_want(j->call, v, options[o].type))
            return false;
    }
    return true;
}

static bool read_fields(struct job *j)
{
    for (size_t i = 0; i < j->kind->n_fields; i++) {
        const char *error;
        if (!ticket_field_from_json(&j->raw[i], &j->kind->fields[i],
                                    j->call->node->params, j->obj, j->call->mem,
                                    &error)) {
            rpc_error(j->call, RPC_INVALID_PARAMETER, "%s", error);
            return false;
        }
        j->values[i].raw = buf_view(&j->raw[i]);
    }
    return true;
}

static bool read_keys(struct job *j)
{
    const struct json *keys = json_get(j->obj, "privkeys");
    struct privkey *key = secret_alloc(sizeof(*key));
    bool ok = true;
    for (size_t i = 0; ok && keys != NULL && i < keys->len; i++) {
        const struct json *v = json_at(keys, i);
        ok = v->type == JSON_STRING && wif_decode(key, j->call->node->params, v->str);
        if (ok)
            keystore_add_secret(&j->keys, key->secret, key->compressed);
        else
            rpc_error(j->call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid private key");
    }
    secret_free(key);
    return ok;
}

static const struct rpc_field input_fields[] = {
    {"txid", JSON_STRING},
    {"vout", JSON_NUMBER},
    {0},
};

/* The coin, from the pool or the chain, if it is there to be spent. Under the read
 * lock. */
static bool find_coin(struct job *j, struct ticket_coin *out)
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

static bool read_input(struct job *j, const struct json *v, struct ticket_coin *out)
{
    int32_t n;
    if (!rpc_want(j->call, v, JSON_OBJECT) ||
        !rpc_check_fields(j->call, v, input_fields, true) ||
        !rpc_to_hash(j->call, json_get(v, "txid"), "txid", &out->prevout.txid) ||
        !rpc_to_i32(j->call, json_get(v, "vout"), &n))
        return false;
    if (n < 0) {
        rpc_error(j->call, RPC_INVALID_PARAMETER,
                  "Invalid parameter, vout cannot be negative");
        return false;
    }
    out->prevout.n = (uint32_t)n;
    chainman_read_lock(j->call->node->chainman);
    bool found = find_coin(j, out);
    chainman_read_unlock(j->call->node->chainman);
    if (!found)
        rpc_error(j->call, RPC_INVALID_ADDRESS_OR_KEY,
                  "Input %s:%d is not an unspent output of the chain or the mempool",
                  json_get(v, "txid")->str, n);
    return found;
}

static bool read_inputs(struct job *j)
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

static bool read_change(struct job *j)
{
    const struct json *v = json_get(j->obj, "change_address");
    struct destination d;
    struct address_error why;
    if (v == NULL || v->type == JSON_NULL) {
        buf_append(&j->change_script, j->coins[0].script.data, j->coins[0].script.len);
        return true;
    }
    if (!address_decode(&d, j->call->node->params, v->str, &why)) {
        rpc_error(j->call, RPC_INVALID_ADDRESS_OR_KEY, "change_address: %s",
                  why.message);
        return false;
    }
    destination_to_script(&j->change_script, &d);
    return true;
}

static bool read_burn(struct job *j)
{
    const struct json *v = json_get(j->obj, "burn");
    struct ticket t = {.kind = j->kind};
    struct ticket_env env = {.params = j->call->node->params};
    struct amount least = j->kind->min_burn(&t, &env);
    j->burn = least;
    if (v == NULL || v->type == JSON_NULL)
        return true;
    if (!rpc_to_amount(j->call, v, &j->burn))
        return false;
    if (j->burn.v >= least.v)
        return true;
    rpc_error(j->call, RPC_INVALID_PARAMETER,
              "burn is below what a ticket of this kind must "
              "burn");
    return false;
}

static bool read_feerate(struct job *j)
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

/* What such a ticket pays depends on a committee. */
static bool check_kind(struct job *j)
{
    for (size_t i = 0; i < j->kind->n_fields; i++)
        if (j->kind->fields[i].type == FIELD_COMMITTEE) {
            rpc_error(j->call, RPC_INVALID_PARAMETER,
                      "Tickets of kind %s are made elsewhere and sent with "
                      "sendrawtransaction",
                      j->kind->name);
            return false;
        }
    return true;
}

static bool read_object(struct job *j)
{
    const struct json *dry = json_get(j->obj, "dry_run");
    if (!check_kind(j) || !check_names(j) || !read_fields(j) || !read_keys(j) ||
        !read_inputs(j) || !read_change(j) || !read_burn(j) || !read_feerate(j))
        return false;
    j->dry_run = dry != NULL && dry->boolean;
    return true;
}

/* --- building and sending --- */

static enum err sign_field(void *ctx, const struct ticket *t, size_t field,
                           const struct hash256 *hash, uint8_t sig[114])
{
    struct job *j = ctx;
    const struct json *pass = json_get(j->obj, "passphrase");
    const struct ticket_field *f = &t->kind->fields[field];
    j->sign_error =
        pass == NULL || pass->type != JSON_STRING
            ? ERR_AUTH
            : pastelid_sign(tickets_pastelids(j->call->node->tickets), sig,
                            t->v[f->signer].raw.data, pass->str, hash->b, 32);
    return j->sign_error;
}

static void report_build(struct job *j, enum ticket_build_result r)
{
    char text[32];
    switch (r) {
    case BUILD_OK:
        return;
    case BUILD_NO_FUNDS:
        rpc_error(
            j->call, RPC_WALLET_INSUFFICIENT_FUNDS,
            "Insufficient funds: the inputs do not cover the burn and a fee of %s",
            amount_format(text, j->fee, j->call->node->params->decimals));
        return;
    case BUILD_NOT_SIGNED:
        rpc_error(j->call, RPC_INVALID_ADDRESS_OR_KEY,
                  "privkeys lack a key that is needed to spend the inputs");
        return;
    case BUILD_SIGNER:
        if (j->sign_error == ERR_NOT_FOUND)
            rpc_error(j->call, RPC_INVALID_ADDRESS_OR_KEY,
                      "This node has no key of that PastelID; see: pastelid list");
        else if (j->sign_error == ERR_AUTH)
            rpc_error(j->call, RPC_WALLET_PASSPHRASE_INCORRECT,
                      "The passphrase of the PastelID is missing or wrong");
        else
            rpc_error(j->call, RPC_MISC_ERROR, "The PastelID cannot sign: %s",
                      err_text(j->sign_error));
        return;
    }
}

static bool build(struct job *j)
{
    struct ticket_build b = {
        .params = j->call->node->params,
        .kind = j->kind,
        .values = j->values,
        .coins = j->coins,
        .n_coins = j->n_coins,
        .keys = &j->keys,
        .change_script = buf_view(&j->change_script),
        .burn = j->burn,
        .feerate = j->feerate,
        .sign = sign_field,
        .sign_ctx = j,
    };
    enum ticket_build_result r = ticket_build(&j->tx, &j->fee, &b);
    report_build(j, r);
    return r == BUILD_OK;
}

static void accept_on_thread(void *arg)
{
    struct job *j = arg;
    struct mempool *mp = j->call->node->mempool;
    if (mempool_accept(mp, j->tx, j->dry_run, false, 0, &j->accept) && !j->dry_run)
        mempool_unbroadcast_add(mp, &j->tx->txid);
}

static bool submit(struct job *j)
{
    char reason[512];
    if (chainman_call(j->call->node->chainman, accept_on_thread, j) != ERR_OK) {
        rpc_error(j->call, RPC_CLIENT_NOT_CONNECTED, "The node is shutting down");
        return false;
    }
    if (j->dry_run)
        return true;
    if (!j->accept.accepted) {
        rpc_error(j->call, RPC_VERIFY_REJECTED, "%s",
                  reject_text(&j->accept.rej, reason));
        return false;
    }
    net_relay_tx(j->call->node->net, &j->tx->txid, &j->tx->wtxid);
    return true;
}

static void write_result(struct job *j)
{
    struct json_writer *w = j->call->w;
    char reason[192];
    json_begin_object(w);
    json_kv_hash(w, "txid", &j->tx->txid);
    json_kv_str(w, "kind", j->kind->name);
    rpc_write_amount(j->call, "burned", j->burn);
    rpc_write_amount(j->call, "fee", j->fee);
    json_kv_int(w, "vsize", tx_vsize(j->tx));
    if (j->dry_run) {
        json_kv_hex(w, "hex", j->tx->raw.data, j->tx->raw.len);
        json_kv_bool(w, "allowed", j->accept.accepted);
        if (!j->accept.accepted)
            json_kv_str(w, "reject-reason", reject_reason(&j->accept.rej, reason));
    }
    json_end_object(w);
}

static void clear(struct job *j)
{
    for (size_t i = 0; i < TICKET_MAX_FIELDS; i++)
        buf_clear(&j->raw[i]);
    keystore_clear(&j->keys);
    buf_clear(&j->change_script);
    accept_result_clear(&j->accept);
    tx_unref(j->tx);
}

void ticket_register(struct rpc_call *c)
{
    const char *name = subcommand_text(c, 1);
    struct job j = {.call = c, .kind = name != NULL ? ticket_kind_by_name(name) : NULL};
    if (j.kind == NULL) {
        rpc_error(c, RPC_INVALID_PARAMETER, "There is no ticket of that kind");
        return;
    }
    j.obj = subcommand_json(c, 2, "The ticket", JSON_OBJECT);
    if (j.obj == NULL)
        return;
    keystore_init(&j.keys);
    if (read_object(&j) && build(&j) && submit(&j))
        write_result(&j);
    clear(&j);
}
