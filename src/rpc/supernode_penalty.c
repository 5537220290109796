#include "rpc/supernode_penalty.h"

#include <stdlib.h>

#include "chain/validation/chainman.h"
#include "mn/sn_operator.h"
#include "rpc/subcommand.h"
#include "tickets/committee.h"
#include "tickets/lists.h"
#include "tickets/signatures.h"
#include "tickets/sn_rules.h"
#include "tickets/supernode.h"
#include "util/hex.h"

struct penalty {
    struct rpc_call *call;
    struct hash256 sn, evidence;
    int32_t reason;
    struct committee committee;
    struct hash256 message;
    const uint8_t *sigs[COMMITTEE_SIZE]; /* by rank; NULL: has not signed */
};

static bool bad(struct rpc_call *c, const char *what)
{
    rpc_error(c, RPC_INVALID_PARAMETER, "%s", what);
    return false;
}

static bool read_args(struct penalty *p)
{
    struct rpc_call *c = p->call;
    const char *evidence = subcommand_text(c, 3), *reason = subcommand_text(c, 2);
    if (!rpc_arg_hash(c, 1, "sn", &p->sn))
        return false;
    if (evidence == NULL ||
        !hex_decode_fixed(p->evidence.b, 32, evidence, strlen(evidence)))
        return bad(c, "evidence must be the 32 octets of a hash in hex");
    char *end = NULL;
    long n = reason != NULL ? strtol(reason, &end, 10) : -1;
    p->reason = (int32_t)n;
    if (n >= 0 && n <= UINT8_MAX && end != reason && *end == '\0')
        return true;
    return bad(c, "reason must be a number from 0 to 255");
}

/* The committee that may punish in the next block. */
static bool find_committee(struct penalty *p)
{
    struct rpc_call *c = p->call;
    struct chainman *cm = c->node->chainman;
    struct supernode s = {.banned = 0};
    chainman_read_lock(cm);
    struct state_txn *t = state_begin(chainman_state(cm));
    uint32_t height = sn_penalty_committee(chain_height(cm) + 1);
    bool known = supernode_get(t, p->sn.b, &s);
    bool ok = committee_get(t, height, &p->committee) &&
              p->committee.n >= c->node->params->sn.min_committee;
    state_discard(t);
    chainman_read_unlock(cm);
    supernode_clear(&s);
    if (!known)
        return bad(c, "There is no supernode of that name");
    if (!ok)
        rpc_error(c, RPC_MISC_ERROR, "The committee of block %u is too small to punish",
                  height);
    return ok;
}

/* The ticket's payload in front of its quorum is what the members sign. */
static void make_message(struct penalty *p)
{
    struct buf payload = {0}, ref = {0};
    struct sink s = sink_to_buf(&ref);
    uint8_t reason = (uint8_t)p->reason, none = 0;
    const struct ticket_kind *kind = ticket_kind_by_name("sn-penalty");
    struct ticket t;
    write_u32(&s, p->committee.height);
    write_hash256(&s, &p->committee.block);
    struct ticket_value v[] = {{.raw = bytes_of(p->sn.b, 32)},
                               {.raw = buf_view(&ref)},
                               {.raw = bytes_of(&reason, 1)},
                               {.raw = bytes_of(p->evidence.b, 32)},
                               {.raw = bytes_of(&none, 1)}};
    struct outpoint unused = {.n = 0}; /* a quorum signs no outpoint */
    ticket_encode(&payload, kind, v);
    ASSERT(ticket_decode(&t, buf_view(&payload)) == TICKET_OK);
    p->message =
        ticket_sign_hash(p->call->node->params, &t, kind->n_fields - 1, &unused);
    buf_clear(&payload);
    buf_clear(&ref);
}

static bool verify(const struct penalty *p, uint64_t rank, const uint8_t sig[64])
{
    struct ticket_sig s = {
        .scheme = SIG_BIP340, .message = p->message, .key_len = 32, .sig_len = 64};
    memcpy(s.key, p->committee.members[rank].operator_key, 32);
    memcpy(s.sig, sig, 64);
    return ticket_sig_verify(&s);
}

static bool add_given(struct penalty *p, const struct json *v)
{
    struct rpc_call *c = p->call;
    const struct json *rank = json_get(v, "rank"), *text = json_get(v, "signature");
    uint8_t *sig = arena_alloc(c->mem, 64);
    uint64_t r;
    if (rank == NULL || rank->type != JSON_NUMBER || !json_to_u64(rank, &r) ||
        text == NULL || text->type != JSON_STRING ||
        !hex_decode_fixed(sig, 64, text->str, text->str_len))
        return bad(c, "signatures must be of the form {\"rank\", \"signature\"}");
    if (r >= p->committee.n || !verify(p, r, sig)) {
        rpc_error(c, RPC_VERIFY_ERROR,
                  "The signature of rank %llu is not one of the committee of block %u",
                  (unsigned long long)r, p->committee.height);
        return false;
    }
    p->sigs[r] = sig;
    return true;
}

static bool add_others(struct penalty *p)
{
    const struct json *list;
    if (rpc_arg(p->call, 4) == NULL)
        return true;
    list = subcommand_json(p->call, 4, "The signatures", JSON_ARRAY);
    for (size_t i = 0; list != NULL && i < list->len; i++)
        if (!add_given(p, json_at(list, i)))
            return false;
    return list != NULL;
}

/* Our own signature, if we are of the committee. */
static bool add_own(struct penalty *p)
{
    const struct sn_operator *o = p->call->node->sn_operator;
    bool any = false;
    for (size_t i = 0; i < p->committee.n; i++) {
        any = any || p->sigs[i] != NULL;
        if (o == NULL ||
            memcmp(sn_operator_key(o), p->committee.members[i].operator_key, 32) != 0)
            continue;
        uint8_t *sig = arena_alloc(p->call->mem, 64);
        sn_operator_sign(o, sig, &p->message);
        p->sigs[i] = sig;
        any = true;
    }
    if (!any)
        rpc_error(p->call, RPC_MISC_ERROR,
                  o == NULL ? "This node is no supernode; see the option -supernode"
                            : "This supernode is not in the committee of block %u",
                  p->committee.height);
    return any;
}

static void write_quorum(struct penalty *p)
{
    struct json_writer *w = p->call->w;
    size_t n = 0, least = quorum_least_penalty(&p->committee);
    json_key(w, "quorum");
    json_begin_array(w);
    for (size_t i = 0; i < p->committee.n; i++) {
        if (p->sigs[i] == NULL)
            continue;
        n++;
        json_begin_object(w);
        json_kv_int(w, "rank", (int64_t)i);
        json_kv_hex(w, "signature", p->sigs[i], 64);
        json_end_object(w);
    }
    json_end_array(w);
    json_kv_int(w, "required", (int64_t)least);
    json_kv_bool(w, "complete", n >= least);
}

static void write_result(struct penalty *p)
{
    struct json_writer *w = p->call->w;
    json_begin_object(w);
    json_kv_hash(w, "sn", &p->sn);
    json_key(w, "committee");
    json_begin_object(w);
    json_kv_int(w, "height", p->committee.height);
    json_kv_hash(w, "blockhash", &p->committee.block);
    json_end_object(w);
    json_kv_int(w, "reason", p->reason);
    json_kv_hex(w, "evidence", p->evidence.b, 32);
    write_quorum(p);
    json_end_object(w);
}

void supernode_penalty(struct rpc_call *c)
{
    struct penalty p = {.call = c};
    if (read_args(&p) && find_committee(&p)) {
        make_message(&p);
        if (add_others(&p) && add_own(&p))
            write_result(&p);
    }
    committee_clear(&p.committee);
}
