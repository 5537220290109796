/* supernode list, get, count, top, payee, status: reading the list. */
#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/store/undo.h"
#include "chain/validation/chainman.h"
#include "mn/sn_operator.h"
#include "mn/supernodes.h"
#include "rpc/json_supernode.h"
#include "rpc/subcommand.h"
#include "rpc/supernode_list.h"
#include "tickets/pastelid.h"
#include "tickets/rules.h"
#include "util/hex.h"

#define MAX_AHEAD 1000 /* blocks whose payee is foretold */

/* The state at the tip, under the read lock. */
struct view {
    struct rpc_call *call;
    struct chainman *cm;
    struct state_txn *st;
    uint32_t height;
};

static struct view view_open(struct rpc_call *c)
{
    struct view v = {.call = c, .cm = c->node->chainman};
    chainman_read_lock(v.cm);
    v.st = state_begin(chainman_state(v.cm));
    v.height = (uint32_t)chain_height(v.cm);
    return v;
}

static void view_close(struct view *v)
{
    state_discard(v->st);
    chainman_read_unlock(v->cm);
}

/* --- list --- */

static const struct {
    const char *filter, *status; /* status NULL: all */
} filters[] = {
    {"all", NULL},
    {"enabled", "ENABLED"},
    {"pre_enabled", "PRE_ENABLED"},
    {"banned", "BANNED"},
};

struct listing {
    const struct view *v;
    const char *status; /* NULL: all */
    const char *text;   /* NULL: all; else a name that must be equal */
};

/* Whether the text is one of the names by which people know a supernode. */
static bool has_name(const struct view *v, const struct supernode *s, const char *text)
{
    char name[PASTELID_TEXT_SIZE > SN_ENDPOINT_TEXT ? PASTELID_TEXT_SIZE
                                                    : SN_ENDPOINT_TEXT];
    char hex[65];
    struct ticket_field payout = {.name = "payout_script", .type = FIELD_SCRIPT};
    struct buf script = {0};
    if (strcmp(hash256_to_hex(hex, &s->sn), text) == 0 ||
        strcmp(hex_encode(hex, s->operator_key, 32), text) == 0 ||
        strcmp(pastelid_encode(name, s->pastelid), text) == 0 ||
        strcmp(sn_endpoint_format(name, s->endpoint), text) == 0)
        return true;
    bool found =
        ticket_field_from_text(&script, &payout, v->call->node->params, text) &&
        bytes_equal(buf_view(&script), s->payout_script);
    buf_clear(&script);
    return found;
}

static bool list_one(void *ctx, struct bytes key, struct bytes value)
{
    struct listing *l = ctx;
    const struct chain_params *p = l->v->call->node->params;
    struct supernode s = {.banned = 0};
    if (!supernode_read(&s, key.data + 1, value))
        return true;
    if ((l->status == NULL ||
         strcmp(supernode_status(&s, p, l->v->height), l->status) == 0) &&
        (l->text == NULL || has_name(l->v, &s, l->text)))
        json_supernode(l->v->call, &s, l->v->height);
    return true;
}

void supernode_list(struct rpc_call *c)
{
    const char *filter = subcommand_text(c, 1);
    struct view v = view_open(c);
    struct listing l = {.v = &v, .text = filter};
    for (size_t i = 0; filter != NULL && i < ARRAY_LEN(filters); i++)
        if (strcmp(filters[i].filter, filter) == 0) {
            l.status = filters[i].status;
            l.text = NULL;
        }
    json_begin_array(c->w);
    state_each(v.st, bytes_of("s", 1), list_one, &l);
    json_end_array(c->w);
    view_close(&v);
}

/* --- one --- */

/* By txid, PastelID, operator key or endpoint. */
static bool find(const struct view *v, const char *text, struct supernode *out)
{
    struct hash256 sn;
    uint8_t pastelid[57], key[32];
    struct buf endpoint = {0};
    bool found = (hash256_from_hex(&sn, text) && supernode_get(v->st, sn.b, out)) ||
                 (pastelid_decode(pastelid, text) &&
                  supernode_by(v->st, 'o', bytes_of(pastelid, 57), &sn) &&
                  supernode_get(v->st, sn.b, out)) ||
                 (hex_decode_fixed(key, 32, text, strlen(text)) &&
                  supernode_by(v->st, 'k', bytes_of(key, 32), &sn) &&
                  supernode_get(v->st, sn.b, out)) ||
                 (sn_endpoint_parse(&endpoint, text) &&
                  supernode_by(v->st, 'e', buf_view(&endpoint), &sn) &&
                  supernode_get(v->st, sn.b, out));
    buf_clear(&endpoint);
    return found;
}

void supernode_get_one(struct rpc_call *c)
{
    const char *text = subcommand_text(c, 1);
    struct view v = view_open(c);
    struct supernode s = {.banned = 0};
    bool found = text != NULL && find(&v, text, &s);
    if (found)
        json_supernode(c, &s, v.height);
    view_close(&v);
    supernode_clear(&s);
    if (!found)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "There is no supernode of that txid, PastelID, operator key or "
                  "endpoint; see: supernode list");
}

/* --- count --- */

struct tally {
    const struct view *v;
    int64_t total, enabled, waiting, banned;
};

static bool count_one(void *ctx, struct bytes key, struct bytes value)
{
    struct tally *t = ctx;
    struct supernode s = {.banned = 0};
    if (!supernode_read(&s, key.data + 1, value))
        return true;
    uint32_t depth = t->v->call->node->params->sn.activation_depth;
    t->total++;
    if (s.banned)
        t->banned++;
    else if (supernode_active(&s, t->v->height, depth))
        t->enabled++;
    else
        t->waiting++;
    return true;
}

void supernode_count(struct rpc_call *c)
{
    struct view v = view_open(c);
    struct tally t = {.v = &v};
    state_each(v.st, bytes_of("s", 1), count_one, &t);
    view_close(&v);
    json_begin_object(c->w);
    json_kv_int(c->w, "total", t.total);
    json_kv_int(c->w, "enabled", t.enabled);
    json_kv_int(c->w, "pre_enabled", t.waiting);
    json_kv_int(c->w, "banned", t.banned);
    json_end_object(c->w);
}

/* --- committees --- */

void supernode_top(struct rpc_call *c)
{
    struct view v = view_open(c);
    struct committee top = {.n = 0};
    int64_t height = v.height;
    if (!subcommand_number(c, 1, "height", &height)) {
        /* reported */
    } else if (height > v.height || !committee_get(v.st, (uint32_t)height, &top)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Committees are kept of the last %d blocks with ticket rules",
                  COMMITTEES_KEPT);
    } else {
        json_begin_object(c->w);
        json_kv_int(c->w, "height", height);
        json_kv_hash(c->w, "blockhash", &top.block);
        json_members(c, "committee", &top);
        json_end_object(c->w);
    }
    view_close(&v);
    committee_clear(&top);
}

/* --- payees --- */

/* Of the records that a block changed, as they were: the one whose turn it was. The
 * payee is always among them. */
struct turn {
    struct supernode payee;
    bool found;
    uint32_t height, depth; /* the state before the block */
};

static void consider(void *ctx, struct bytes key, const struct bytes *value)
{
    struct turn *t = ctx;
    struct supernode s = {.banned = 0};
    if (value == NULL || !supernode_read(&s, key.data + 1, *value) ||
        !supernode_active(&s, t->height, t->depth))
        return;
    uint32_t mine = supernode_turn(&s), best = supernode_turn(&t->payee);
    if (t->found &&
        (mine > best || (mine == best && memcmp(s.sn.b, t->payee.sn.b, 32) > 0)))
        return;
    buf_reset(&t->payee.mem);
    buf_append(&t->payee.mem, value->data, value->len);
    struct bytes copy = buf_view(&t->payee.mem);
    t->found = supernode_read(&t->payee, key.data + 1, copy);
}

static bool past_payee(const struct view *v, uint32_t height, struct supernode *out)
{
    struct rpc_call *c = v->call;
    struct block_undo undo;
    struct turn t = {.height = height - 1,
                     .depth = c->node->params->sn.activation_depth};
    if (chainman_read_undo(v->cm, &undo, chain_at(v->cm, (int32_t)height), c->mem) !=
        ERR_OK) {
        rpc_error(c, RPC_MISC_ERROR,
                  "Undo data of that block are not available (pruned)");
        return false;
    }
    struct state_txn *st = state_begin(chainman_state(v->cm));
    if (state_undo_apply(st, undo.state))
        state_each_change(st, bytes_of("s", 1), consider, &t);
    state_discard(st);
    *out = t.payee;
    return t.found;
}

/* If nothing changes, the queue goes round and round. */
static bool future_payee(const struct view *v, uint32_t ahead, struct supernode *out)
{
    struct supernodes *list = v->call->node->supernodes;
    size_t n = supernodes_active(list, v->st, v->height);
    if (n == 0)
        return false;
    size_t place = (ahead - 1) % n;
    struct hash256 *queue = xcalloc(place + 1, sizeof(*queue));
    size_t got = supernodes_queue(list, v->st, v->height, queue, place + 1);
    bool found = got == place + 1 && supernode_get(v->st, queue[place].b, out);
    free(queue);
    return found;
}

static void write_payee(struct rpc_call *c, const struct supernode *s, int64_t height)
{
    json_begin_object(c->w);
    json_kv_int(c->w, "height", height);
    json_kv_hash(c->w, "sn", &s->sn);
    json_pastelid(c, "pastelid", s->pastelid);
    json_payout(c, "payout_", s->payout_script);
    rpc_write_amount(c, "amount",
                     supernode_share(block_subsidy(c->node->params, (int32_t)height)));
    json_end_object(c->w);
}

void supernode_payee(struct rpc_call *c)
{
    struct view v = view_open(c);
    struct supernode s = {.banned = 0};
    int64_t height = (int64_t)v.height + 1;
    bool ok = subcommand_number(c, 1, "height", &height);
    if (ok && (height < 1 || height > (int64_t)v.height + MAX_AHEAD)) {
        rpc_error(c, RPC_INVALID_PARAMETER, "height must be 1 to %lld",
                  (long long)v.height + MAX_AHEAD);
        ok = false;
    }
    bool found =
        ok && (height > v.height ? future_payee(&v, (uint32_t)(height - v.height), &s)
                                 : past_payee(&v, (uint32_t)height, &s));
    view_close(&v);
    if (found)
        write_payee(c, &s, height);
    else if (ok && !c->failed)
        json_null(c->w);
    supernode_clear(&s);
}

/* --- this node --- */

void supernode_show_status(struct rpc_call *c)
{
    const struct sn_operator *o = c->node->sn_operator;
    struct supernode s = {.banned = 0};
    struct hash256 sn;
    if (o == NULL) {
        rpc_error(c, RPC_MISC_ERROR,
                  "This node is no supernode; see the option -supernode");
        return;
    }
    struct view v = view_open(c);
    struct bytes key = bytes_of(sn_operator_key(o), 32);
    bool known = supernode_by(v.st, 'k', key, &sn) && supernode_get(v.st, sn.b, &s);
    json_begin_object(c->w);
    json_kv_str(c->w, "name", sn_operator_name(o));
    json_kv_hex(c->w, "operator_key", key.data, key.len);
    json_pastelid(c, "pastelid", sn_operator_pastelid(o));
    json_kv_str(c->w, "status",
                known ? supernode_status(&s, c->node->params, v.height)
                      : "NOT_REGISTERED");
    if (known) {
        json_key(c->w, "supernode");
        json_supernode(c, &s, v.height);
    }
    json_end_object(c->w);
    view_close(&v);
    supernode_clear(&s);
}
