#include "rpc/ticket_sign.h"

#include "rpc/subcommand.h"
#include "rpc/ticket_keys.h"
#include "rpc/ticket_object.h"
#include "crypto/ed25519.h"
#include "tickets/fields.h"
#include "tickets/tokens.h"

static const struct rpc_field options[] = {
    TICKET_KEY_OPTIONS,
    {"inputs", JSON_ARRAY, .optional = true},
    {"burn", .any = true, .optional = true},
    {0},
};

/* --- cost --- */

void ticket_cost(struct rpc_call *c)
{
    const struct ticket_kind *kind = ticket_kind_arg(c, 1);
    const struct json *obj =
        kind != NULL ? subcommand_json(c, 2, "The ticket", JSON_OBJECT) : NULL;
    struct ticket_draft d;
    if (obj == NULL)
        return;
    ticket_draft_init(&d, c->node->params, kind);
    if (ticket_object_read(c, &d, obj, options, TICKET_FOR_COST) &&
        ticket_object_complete(c, &d, obj, TICKET_FOR_COST)) {
        int64_t total = d.burn.v + (d.pays ? (int64_t)d.quote.paid : 0);
        json_begin_object(c->w);
        json_kv_str(c->w, "kind", kind->name);
        ticket_object_write_price(c, &d);
        rpc_write_amount(c, "total", amount_of(total));
        json_end_object(c->w);
    }
    ticket_draft_clear(&d);
}

/* --- sign --- */

struct signing {
    struct rpc_call *call;
    const struct json *obj;
    struct ticket_draft draft;
    struct ticket_keys keys;
    struct outpoint prevout;
    size_t made;
};

/* Roles that sign the transaction's first input want to know it. */
static bool read_prevout(struct signing *s, const struct ticket_field *f)
{
    const struct json *input = json_at(json_get(s->obj, "inputs"), 0);
    int32_t n;
    if (f->cover == COVER_BODY || f->cover == COVER_ALL_BEFORE ||
        f->type == FIELD_SYNC_LIST)
        return true;
    if (input == NULL || input->type != JSON_OBJECT) {
        rpc_error(s->call, RPC_INVALID_PARAMETER,
                  "inputs must name the coin that the transaction spends first: this "
                  "role signs it");
        return false;
    }
    if (!rpc_to_hash(s->call, json_get(input, "txid"), "txid", &s->prevout.txid) ||
        !rpc_to_i32(s->call, json_get(input, "vout"), &n))
        return false;
    s->prevout.n = (uint32_t)n;
    return true;
}

/* Signs with the key if it is here; @name and @value say in JSON which one it is. */
static bool sign_with(struct signing *s, const struct ticket_field *f,
                      enum sig_scheme scheme, const struct hash256 *message,
                      struct bytes key, const char *name, const struct hash256 *id,
                      size_t rank)
{
    struct ticket_signing what = {f, scheme, *message, key};
    uint8_t sig[114];
    if (key.len == 0 || !ticket_keys_have(&s->keys, scheme, key))
        return true;
    if (!ticket_keys_sign(&s->keys, &what, sig))
        return false;
    json_begin_object(s->call->w);
    if (id != NULL)
        json_kv_hash(s->call->w, name, id);
    if (f->type == FIELD_QUORUM)
        json_kv_int(s->call->w, "rank", (int64_t)rank);
    json_kv_hex(s->call->w, "hash", message->b, 32);
    json_kv_hex(s->call->w, "signature", sig, ticket_sig_size(scheme, key));
    json_end_object(s->call->w);
    s->made++;
    return true;
}

static bool sign_quorum(struct signing *s, const struct ticket_field *f, size_t field)
{
    const struct committee *c = &s->draft.committee;
    struct hash256 h = ticket_draft_hash(&s->draft, field, &s->prevout);
    for (size_t rank = 0; rank < c->n; rank++)
        if (!sign_with(s, f, SIG_BIP340, &h,
                       bytes_of(c->members[rank].operator_key, 32), "supernode",
                       &c->members[rank].sn, rank))
            return false;
    return true;
}

/* Every record whose token has the key. */
static bool sign_records(struct signing *s, const struct ticket_field *f, size_t field)
{
    struct sync_item items[SYNC_LIST_MAX];
    size_t n = sync_items(items, buf_view(&s->draft.raw[field]));
    uint8_t key[BTNS_KEY_SIZE];
    if (s->keys.btns_seed == NULL)
        return true;
    ed25519_public(key, s->keys.btns_seed);
    for (size_t i = 0; i < n; i++) {
        struct hash256 token, h = sync_item_hash(s->draft.params, &items[i]);
        memcpy(token.b, items[i].token, 32);
        if (!sign_with(s, f, SIG_ED25519, &h, bytes_of(key, sizeof(key)), "token",
                       &token, i))
            return false;
    }
    return true;
}

static bool sign_places(struct signing *s, const struct ticket_field *f, size_t field)
{
    size_t n = f->type == FIELD_SUPERNODE_SIGS ? TRIO : 1;
    struct hash256 h = ticket_draft_hash(&s->draft, field, &s->prevout);
    for (size_t i = 0; i < n; i++) {
        const struct draft_key *k = &s->draft.keys[field][i];
        const struct hash256 *sn =
            f->type == FIELD_SUPERNODE_SIGS ? &s->draft.quote.member[i]->sn : NULL;
        if (!sign_with(s, f, field_scheme(f), &h, bytes_of(k->octets, k->len),
                       "supernode", sn, i))
            return false;
    }
    return true;
}

static bool sign_field(struct signing *s, size_t i)
{
    const struct ticket_field *f = &s->draft.kind->fields[i];
    return read_prevout(s, f) && (f->type == FIELD_QUORUM      ? sign_quorum(s, f, i)
                                  : f->type == FIELD_SYNC_LIST ? sign_records(s, f, i)
                                                               : sign_places(s, f, i));
}

/* The field that the role signs; n_fields: none. */
static size_t field_of_role(const struct ticket_kind *kind, const char *role)
{
    size_t i = 0;
    while (i < kind->n_fields && (kind->fields[i].role == NULL || role == NULL ||
                                  strcmp(kind->fields[i].role, role) != 0))
        i++;
    return i;
}

static void run(struct signing *s, size_t field)
{
    json_begin_array(s->call->w);
    bool ok = sign_field(s, field);
    json_end_array(s->call->w);
    if (ok && s->made == 0)
        rpc_error(s->call, RPC_INVALID_ADDRESS_OR_KEY,
                  "No key that signs %s is here: PastelIDs of this node, privkeys, "
                  "operator_privkey and btns_privkey were looked at",
                  s->draft.kind->fields[field].name);
}

void ticket_sign_object(struct rpc_call *c, const struct ticket_kind *kind,
                        const struct json *obj, const char *role)
{
    struct signing s = {.call = c, .obj = obj};
    size_t field = field_of_role(kind, role);
    if (field == kind->n_fields) {
        rpc_error(c, RPC_INVALID_PARAMETER, "A ticket of kind %s has no role \"%s\"",
                  kind->name, role != NULL ? role : "");
        return;
    }
    ticket_draft_init(&s.draft, c->node->params, kind);
    ticket_keys_init(&s.keys);
    if (ticket_object_read(c, &s.draft, obj, options, TICKET_FOR_CHAIN) &&
        ticket_keys_read(&s.keys, c, obj) &&
        ticket_object_complete(c, &s.draft, obj, TICKET_FOR_CHAIN))
        run(&s, field);
    ticket_keys_clear(&s.keys);
    ticket_draft_clear(&s.draft);
}

void ticket_sign(struct rpc_call *c)
{
    const struct ticket_kind *kind = ticket_kind_arg(c, 1);
    const struct json *obj =
        kind != NULL ? subcommand_json(c, 2, "The ticket", JSON_OBJECT) : NULL;
    if (obj != NULL)
        ticket_sign_object(c, kind, obj, subcommand_text(c, 3));
}
