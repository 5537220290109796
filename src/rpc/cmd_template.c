/* Block templates for miners (BIP 22, 23, 145). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/mining/miner.h"
#include "chain/rules/pow.h"
#include "chain/rules/versionbits.h"
#include "chain/script/descriptor.h"
#include "net/net.h"
#include "rpc/method.h"
#include "rpc/submit.h"
#include "util/clock.h"

struct gbt_request {
    const char *mode;
    const struct json *longpollid; /* NULL: none */
    const struct json *rules;      /* array or NULL */
    const struct json *data;       /* of a proposal */
};

static bool read_request(struct rpc_call *c, struct gbt_request *rq)
{
    const struct json *o = rpc_arg(c, 0);
    *rq = (struct gbt_request){.mode = "template"};
    const struct json *mode = json_get(o, "mode");
    if (mode && mode->type == JSON_STRING) {
        rq->mode = mode->str;
    } else if (mode && mode->type != JSON_NULL) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid mode");
        return false;
    }
    rq->longpollid = json_get(o, "longpollid");
    if (rq->longpollid && rq->longpollid->type == JSON_NULL)
        rq->longpollid = NULL;
    rq->data = json_get(o, "data");
    rq->rules = json_get(o, "rules");
    if (rq->rules && rq->rules->type != JSON_ARRAY)
        rq->rules = NULL;
    return true;
}

static bool client_knows(const struct gbt_request *rq, const char *rule)
{
    for (size_t i = 0; rq->rules && i < rq->rules->len; i++) {
        const struct json *r = &rq->rules->items[i];
        if (r->type == JSON_STRING && !strcmp(r->str, rule))
            return true;
    }
    return false;
}

/* Waits until the tip is no longer the watched one, or, after a minute and then every
 * ten seconds, the pool has changed. */
static bool long_poll(struct rpc_call *c, const struct json *id)
{
    struct node *n = c->node;
    struct hash256 watched;
    uint32_t updates = miner_updates(n->miner);

    if (id->type == JSON_STRING) {
        char hash[65] = "";
        snprintf(hash, sizeof(hash), "%s", id->str);
        if (strlen(hash) != 64 || !hash256_from_hex(&watched, hash)) {
            rpc_error(c, RPC_INVALID_PARAMETER,
                      "longpollid must be of length 64 (not %zu, for '%s')",
                      strlen(hash), hash);
            return false;
        }
        updates = (uint32_t)strtoull(id->str + 64, NULL, 10);
    } else {
        chainman_read_lock(n->chainman);
        watched = chain_tip(n->chainman)->hash;
        chainman_read_unlock(n->chainman);
    }
    int64_t check_at = clock_steady_us() + 60 * INT64_C(1000000);
    for (;;) {
        chainman_wait_tip(n->chainman, &watched, 1000);
        chainman_read_lock(n->chainman);
        bool moved = !hash256_equal(&watched, &chain_tip(n->chainman)->hash);
        chainman_read_unlock(n->chainman);
        if (rpc_cancelled(c)) {
            rpc_error(c, RPC_CLIENT_NOT_CONNECTED, "Shutting down");
            return false;
        }
        if (moved)
            return true;
        if (clock_steady_us() < check_at)
            continue;
        if (mempool_updates(n->mempool) != updates)
            return true;
        check_at += 10 * INT64_C(1000000);
    }
}

struct template_job {
    struct node *node;
    struct block_template *t;
    uint32_t updates;
    struct reject rej;
};

static void template_job(void *arg)
{
    struct template_job *j = arg;
    j->t = miner_current(j->node->miner, &j->rej);
    j->updates = miner_updates(j->node->miner);
}

/* Position (from 1) in the block of every transaction, for "depends". */
static void map_positions(struct map *at, const struct block_template *t)
{
    map_init(at, sizeof(struct hash256), sizeof(uint32_t));
    for (uint32_t i = 0; i < t->n_txs; i++)
        *(uint32_t *)map_put(at, &t->txs[i].tx->txid, NULL) = i + 1;
}

static void write_depends(struct json_writer *w, const struct tx *tx,
                          const struct map *at)
{
    json_key(w, "depends");
    json_begin_array(w);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const uint32_t *pos = map_get(at, &tx->in[i].prevout.txid);
        if (pos)
            json_uint(w, *pos);
    }
    json_end_array(w);
}

static void write_transactions(struct json_writer *w, const struct block_template *t,
                               bool segwit)
{
    struct map at;
    map_positions(&at, t);
    json_key(w, "transactions");
    json_begin_array(w);
    for (uint32_t i = 0; i < t->n_txs; i++) {
        const struct template_tx *x = &t->txs[i];
        json_begin_object(w);
        json_kv_hex(w, "data", x->tx->raw.data, x->tx->raw.len);
        json_kv_hash(w, "txid", &x->tx->txid);
        json_kv_hash(w, "hash", &x->tx->wtxid);
        write_depends(w, x->tx, &at);
        json_kv_int(w, "fee", x->fee.v);
        json_kv_int(w, "sigops",
                    segwit ? x->sigop_cost : x->sigop_cost / WITNESS_SCALE_FACTOR);
        json_kv_int(w, "weight", tx_weight(x->tx));
        json_end_object(w);
    }
    json_end_array(w);
    map_clear(&at);
}

struct gbt_rules {
    const char *active[BIP9_MAX];
    const char *available[BIP9_MAX];
    int bits[BIP9_MAX];
    unsigned n_active, n_available;
    int32_t version;
};

/* BIP 9: what is in force, what is voted on, and the version that follows. False: the
 * call has failed. */
static bool collect_rules(struct rpc_call *c, const struct gbt_request *rq,
                          const struct block_template *t, struct gbt_rules *out)
{
    const struct chain_params *p = c->node->params;
    struct versionbits *vb = chainman_versionbits(c->node->chainman);
    for (unsigned i = 0; i < p->n_bip9; i++) {
        const struct bip9 *d = &p->bip9[i];
        bool known = client_knows(rq, d->name);
        switch (bip9_state_after(vb, i, t->prev)) {
        case BIP9_DEFINED:
        case BIP9_FAILED:
            break;
        case BIP9_LOCKED_IN:
            out->version |= (int32_t)bip9_mask(p, i);
            /* fall through */
        case BIP9_STARTED:
            out->available[out->n_available] = d->name;
            out->bits[out->n_available++] = d->bit;
            if (!known && !d->gbt_force)
                out->version &= ~(int32_t)bip9_mask(p, i);
            break;
        case BIP9_ACTIVE:
            out->active[out->n_active++] = d->name;
            if (known || d->gbt_force)
                break;
            rpc_error(c, RPC_INVALID_PARAMETER,
                      "Support for '%s' rule requires explicit client support",
                      d->name);
            return false;
        }
    }
    return true;
}

static void write_rules(struct json_writer *w, const struct chain_params *p,
                        int32_t height, const struct gbt_rules *r)
{
    json_kv_int(w, "version", r->version);
    json_key(w, "rules");
    json_begin_array(w);
    json_str(w, "csv");
    if (buried_active_at(p, BURIED_SEGWIT, height))
        json_str(w, "!segwit");
    if (buried_active_at(p, BURIED_TAPROOT, height))
        json_str(w, "taproot");
    for (unsigned i = 0; i < r->n_active; i++)
        json_str(w, r->active[i]);
    json_end_array(w);
    json_key(w, "vbavailable");
    json_begin_object(w);
    for (unsigned i = 0; i < r->n_available; i++)
        json_kv_int(w, r->available[i], r->bits[i]);
    json_end_object(w);
    json_kv_int(w, "vbrequired", 0);
}

static void write_limits(struct json_writer *w, bool segwit)
{
    int scale = segwit ? 1 : WITNESS_SCALE_FACTOR;
    json_key(w, "mutable");
    json_begin_array(w);
    json_str(w, "time");
    json_str(w, "transactions");
    json_str(w, "prevblock");
    json_end_array(w);
    json_kv_str(w, "noncerange", "00000000ffffffff");
    json_kv_int(w, "sigoplimit", MAX_BLOCK_SIGOPS_COST / scale);
    json_kv_int(w, "sizelimit", MAX_BLOCK_SERIALIZED_SIZE / scale);
    if (segwit)
        json_kv_int(w, "weightlimit", MAX_BLOCK_WEIGHT);
}

/* Ours: what the rules of tickets and supernodes want in the coinbase. */
static void write_required(struct json_writer *w, const struct block_template *t)
{
    json_key(w, "coinbase_required_outputs");
    json_begin_array(w);
    for (size_t i = 0; i < t->n_required; i++) {
        const struct required_output *o = &t->required[i];
        json_begin_object(w);
        json_kv_hex(w, "script", o->script.data, o->script.len);
        json_kv_int(w, "amount", o->amount.v);
        json_kv_str(w, "reason", o->reason);
        json_end_object(w);
    }
    json_end_array(w);
    for (size_t i = 0; i < t->n_required; i++) {
        const struct required_output *o = &t->required[i];
        if (!strcmp(o->reason, "state-root") && o->script.len >= 32)
            json_kv_hex(w, "state_root", o->script.data + o->script.len - 32, 32);
    }
}

/* The same as pools know it from chains with masternodes: whom to pay, or nobody. */
static void write_payees(struct rpc_call *c, const char *key,
                         const struct block_template *t)
{
    char text[ADDRESS_MAX];
    struct destination d;
    json_key(c->w, key);
    json_begin_array(c->w);
    for (size_t i = 0; i < t->n_required; i++) {
        const struct required_output *o = &t->required[i];
        if (strcmp(o->reason, "supernode-payment") != 0)
            continue;
        json_begin_object(c->w);
        if (destination_from_script(&d, o->script))
            json_kv_str(c->w, "payee", address_encode(text, c->node->params, &d));
        json_kv_hex(c->w, "script", o->script.data, o->script.len);
        json_kv_int(c->w, "amount", o->amount.v);
        json_end_object(c->w);
    }
    json_end_array(c->w);
}

static void write_supernode(struct rpc_call *c, const struct block_template *t)
{
    write_payees(c, "supernode", t);
    write_payees(c, "masternode", t);
    json_kv_bool(c->w, "masternode_payments_started", true);
    json_kv_bool(c->w, "masternode_payments_enforced", true);
}

static void write_template(struct rpc_call *c, const struct template_job *j,
                           const struct gbt_rules *rules)
{
    const struct block_template *t = j->t;
    const struct chain_params *p = c->node->params;
    struct json_writer *w = c->w;
    bool segwit = buried_active_at(p, BURIED_SEGWIT, t->height);
    int64_t time = template_time(t->prev, clock_now(c->node->clock));
    uint32_t bits = pow_next_bits(t->prev, time, p);
    bool negative, overflow;
    struct u256 target = compact_to_target(bits, &negative, &overflow);
    char hex[65], id[96];

    json_begin_object(w);
    json_key(w, "capabilities");
    json_begin_array(w);
    json_str(w, "proposal");
    json_end_array(w);
    write_rules(w, p, t->height, rules);
    json_kv_hash(w, "previousblockhash", &t->prev->hash);
    write_transactions(w, t, segwit);
    json_key(w, "coinbaseaux");
    json_begin_object(w);
    json_end_object(w);
    json_kv_int(w, "coinbasevalue", t->coinbase_value.v);
    snprintf(id, sizeof(id), "%s%" PRIu32, hash256_to_hex(hex, &t->prev->hash),
             j->updates);
    json_kv_str(w, "longpollid", id);
    json_kv_str(w, "target", u256_to_hex(hex, &target));
    json_kv_int(w, "mintime", block_index_mtp(t->prev) + 1);
    write_limits(w, segwit);
    json_kv_int(w, "curtime", time);
    snprintf(hex, sizeof(hex), "%08x", bits);
    json_kv_str(w, "bits", hex);
    json_kv_int(w, "height", t->height);
    if (t->commitment_len)
        json_kv_hex(w, "default_witness_commitment", t->commitment, t->commitment_len);
    if (tickets_active_at(p, t->height)) {
        write_required(w, t);
        write_supernode(c, t);
    }
    json_end_object(w);
}

/* A network with coins of value wants the miner to see it. */
static bool is_connected(struct rpc_call *c)
{
    struct node *n = c->node;
    if (n->params->is_test_chain)
        return true;
    if (n->net && net_count_connections(n->net).total == 0) {
        rpc_error(c, RPC_CLIENT_NOT_CONNECTED, "Ochre is not connected!");
        return false;
    }
    chainman_read_lock(n->chainman);
    bool ibd = chainman_ibd(n->chainman);
    chainman_read_unlock(n->chainman);
    if (ibd)
        rpc_error(c, RPC_CLIENT_IN_INITIAL_DOWNLOAD,
                  "Ochre is in initial sync and waiting for blocks...");
    return !ibd;
}

static void give_template(struct rpc_call *c, const struct gbt_request *rq)
{
    struct template_job j = {.node = c->node};
    struct gbt_rules rules = {0};
    char why[512];

    if (!rpc_on_chain(c, template_job, &j))
        return;
    if (!j.t) {
        rpc_error(c, RPC_MISC_ERROR, "CreateNewBlock: TestBlockValidity failed: %s",
                  reject_text(&j.rej, why));
        return;
    }
    rules.version = j.t->block->header.version;
    if (collect_rules(c, rq, j.t, &rules))
        write_template(c, &j, &rules);
    block_template_unref(j.t);
}

static void getblocktemplate(struct rpc_call *c)
{
    struct gbt_request rq;
    if (!read_request(c, &rq))
        return;
    if (!strcmp(rq.mode, "proposal")) {
        rpc_propose_block(c, rq.data);
        return;
    }
    if (strcmp(rq.mode, "template")) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Invalid mode");
        return;
    }
    if (!is_connected(c) || (rq.longpollid && !long_poll(c, rq.longpollid)))
        return;
    if (!client_knows(&rq, "segwit")) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "getblocktemplate must be called with the segwit rule set (call with "
                  "{\"rules\": [\"segwit\"]})");
        return;
    }
    give_template(c, &rq);
}

static const struct rpc_result payee_results[] = {
    {R_OBJ, "", "",
     RESULTS({R_STR, "payee", "Address, if the script has one", .optional = true},
             {R_HEX, "script", "scriptPubKey"},
             {R_NUM, "amount", "At least, smallest unit"})},
    {.name = NULL},
};

static const struct rpc_method methods[] = {
    {
        .name = "getblocktemplate",
        .help =
            "What a miner outside needs to make the next block (BIPs 9, 22, 23, 145), "
            "or, with mode \"proposal\", whether a block he made would be valid but "
            "for its proof of work. Networks with tickets add "
            "coinbase_required_outputs, whose amounts are part of coinbasevalue, "
            "and what follows it.",
        .params = PARAMS(
            {"template_request", P_OBJ, .def = "{}", .help = "The request",
             .inner = PARAMS(
                 {"mode", P_STR, P_OPTIONAL,
                  .help = "\"template\", \"proposal\" or nothing"},
                 {"capabilities", P_ARR, P_OPTIONAL, .help = "What the client can do",
                  .inner = PARAMS({"str", P_STR, P_OPTIONAL, .help = "A capability"})},
                 {"rules", P_ARR, .help = "Soft forks the client knows",
                  .inner = PARAMS({"segwit", P_STR, .help = "Must be among them"})},
                 {"longpollid", P_STR, P_OPTIONAL,
                  .help = "Wait until this template is out of date"},
                 {"data", P_HEX, P_OPTIONAL, .help = "The proposed block"})}),
        .results = RESULTS(
            {R_NONE, "", "", .when = "If the proposal would be accepted"},
            {R_STR, "", "BIP 22's reason", .when = "If it would not"},
            {R_OBJ, "", "", .when = "Otherwise",
             .inner = RESULTS(
                 {R_ARR, "capabilities", "", RESULTS({R_STR, "value", "\"proposal\""})},
                 {R_NUM, "version", "Block version to use"},
                 {R_ARR, "rules", "Rules in force",
                  RESULTS(
                      {R_STR, "name", "A rule; ! in front: the miner must know it"})},
                 {R_OBJ_DYN, "vbavailable", "Deployments being voted on",
                  RESULTS({R_NUM, "rulename", "Its bit"})},
                 {R_NUM, "vbrequired", "Bits that must be set: none"},
                 {R_STR, "previousblockhash", "The parent"},
                 {R_ARR, "transactions", "All but the coinbase, in order",
                  RESULTS(
                      {R_OBJ, "", "",
                       RESULTS({R_HEX, "data", "Serialised, with witness"},
                               {R_HEX, "txid", "Hash without witness"},
                               {R_HEX, "hash", "Hash with witness"},
                               {R_ARR, "depends", "What must stand before it",
                                RESULTS({R_NUM, "", "Position in this list, from 1"})},
                               {R_NUM, "fee", "Inputs less outputs, smallest unit"},
                               {R_NUM, "sigops", "Signature operations cost"},
                               {R_NUM, "weight", "Weight"})})},
                 {R_OBJ_DYN, "coinbaseaux", "Data for the coinbase's scriptSig",
                  RESULTS({R_HEX, "key", "Nothing at present"})},
                 {R_NUM, "coinbasevalue", "Most the coinbase may pay, smallest unit"},
                 {R_STR, "longpollid", "For the next long poll"},
                 {R_STR, "target", "Highest hash allowed"},
                 {R_TIME, "mintime", "Earliest time allowed"},
                 {R_ARR, "mutable", "What the miner may change",
                  RESULTS({R_STR, "value", "time, transactions, prevblock"})},
                 {R_HEX, "noncerange", "Nonces allowed"},
                 {R_NUM, "sigoplimit", "Most signature operations cost"},
                 {R_NUM, "sizelimit", "Most bytes"},
                 {R_NUM, "weightlimit", "Most weight", .optional = true},
                 {R_TIME, "curtime", "The node's time"},
                 {R_STR, "bits", "Compact target"},
                 {R_NUM, "height", "Height of the block"},
                 {R_STR, "default_witness_commitment",
                  "Script of the commitment for exactly these transactions",
                  .optional = true},
                 {R_ARR, "coinbase_required_outputs",
                  "Outputs without which the block is invalid", .optional = true,
                  .inner =
                      RESULTS({R_OBJ, "", "",
                               RESULTS({R_HEX, "script", "scriptPubKey"},
                                       {R_NUM, "amount", "At least, smallest unit"},
                                       {R_STR, "reason",
                                        "state-root, "
                                        "supernode-payment"})})},
                 {R_HEX, "state_root", "Ticket state the coinbase commits to",
                  .optional = true},
                 {R_ARR, "supernode", "Who is to be paid; empty: nobody", payee_results,
                  .optional = true},
                 {R_ARR, "masternode", "The same", payee_results, .optional = true},
                 {R_BOOL, "masternode_payments_started", "true", .optional = true},
                 {R_BOOL, "masternode_payments_enforced", "true", .optional = true})}),
        .examples = EXAMPLES("'{\"rules\": [\"segwit\"]}'"),
        .fn = getblocktemplate,
    },
};

const struct rpc_table rpc_template_table = {"Mining", methods, ARRAY_LEN(methods),
                                             .public_replies = true};
