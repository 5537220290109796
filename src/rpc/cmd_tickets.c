/* tickets ...: registering, finding and reading tickets. */
#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/validation/chainman.h"
#include "rpc/json_ticket.h"
#include "rpc/subcommand.h"
#include "rpc/ticket_object.h"
#include "rpc/ticket_register.h"
#include "rpc/ticket_sign.h"
#include "tickets/carrier.h"
#include "tickets/pastelid.h"
#include "tickets/state_keys.h"
#include "tickets/tickets.h"
#include "util/hex.h"

#define PAGE 1000

static int32_t tip_height(struct rpc_call *c)
{
    chainman_read_lock(c->node->chainman);
    int32_t height = chain_height(c->node->chainman);
    chainman_read_unlock(c->node->chainman);
    return height;
}

/* NULL: reported. */
static struct ticket_index *index_of(struct rpc_call *c)
{
    struct ticket_index *ix = tickets_index(c->node->tickets);
    if (ix == NULL)
        rpc_error(c, RPC_MISC_ERROR, "This network has no tickets");
    return ix;
}

static bool index_ok(struct rpc_call *c, enum err e)
{
    if (e == ERR_OK)
        return true;
    rpc_error(c, RPC_DATABASE_ERROR,
              "The ticket index cannot be read: %s; restart with -reindex",
              err_text(e));
    return false;
}

/* --- get --- */

static bool ticket_of_tx(struct ticket *t, const struct tx *tx, struct amount *burned)
{
    struct bytes payload;
    uint32_t out;
    if (carrier_find(tx, &out, &payload) != 1 || ticket_decode(t, payload) != TICKET_OK)
        return false;
    *burned = tx->out[out].value;
    return true;
}

/* A reference to a pooled transaction, or NULL. */
static struct tx *pooled(struct rpc_call *c, const struct hash256 *txid)
{
    chainman_read_lock(c->node->chainman);
    const struct mempool_entry *e = mempool_find(c->node->mempool, txid);
    struct tx *tx = e != NULL ? tx_ref(e->tx) : NULL;
    chainman_read_unlock(c->node->chainman);
    return tx;
}

static bool write_pooled(struct rpc_call *c, const struct hash256 *txid)
{
    struct tx *tx = pooled(c, txid);
    struct ticket t;
    struct amount burned;
    bool found = tx != NULL && ticket_of_tx(&t, tx, &burned);
    if (found) {
        json_begin_object(c->w);
        json_kv_hash(c->w, "txid", txid);
        json_kv_int(c->w, "confirmations", 0);
        rpc_write_amount(c, "burned", burned);
        json_ticket_members(c, &t);
        json_end_object(c->w);
    }
    tx_unref(tx);
    return found;
}

static void get(struct rpc_call *c)
{
    struct ticket_index *ix = index_of(c);
    struct ticket_record r = {0};
    struct hash256 txid;
    if (ix == NULL || !rpc_arg_hash(c, 1, "txid", &txid))
        return;
    enum err e = ticket_index_get(ix, &txid, &r);
    if (e == ERR_OK)
        json_ticket_record(c, &r, tip_height(c));
    else if (e != ERR_NOT_FOUND)
        index_ok(c, e);
    else if (!write_pooled(c, &txid))
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "No ticket with that txid in the chain or the mempool");
    ticket_record_clear(&r);
}

/* --- find and list --- */

struct lister {
    struct rpc_call *call;
    int32_t tip_height;
    struct pastelid_store *only_mine; /* NULL: all */
    size_t skip, left;
};

/* Whether a PastelID of the ticket has its key here. */
static bool is_mine(const struct ticket *t, struct pastelid_store *store)
{
    for (size_t i = 0; i < t->kind->n_fields; i++) {
        if (t->kind->fields[i].type == FIELD_PASTELID &&
            pastelid_has(store, t->v[i].raw.data))
            return true;
    }
    return false;
}

static bool list_one(void *ctx, const struct ticket_record *r)
{
    struct lister *l = ctx;
    if (l->only_mine != NULL && !is_mine(&r->ticket, l->only_mine))
        return true;
    if (l->skip > 0) {
        l->skip--;
        return true;
    }
    json_ticket_record(l->call, r, l->tip_height);
    return --l->left > 0;
}

static void run_query(struct rpc_call *c, struct ticket_index *ix,
                      const struct ticket_query *q, struct lister *l)
{
    json_begin_array(c->w);
    enum err e = ticket_index_find(ix, q, list_one, l);
    json_end_array(c->w);
    index_ok(c, e);
}

/* Every indexed field of which the text can be a value; false: there is none. */
static bool find_by_fields(struct rpc_call *c, struct ticket_index *ix,
                           const struct ticket_kind *kind, const char *text,
                           struct lister *l)
{
    struct buf value = {0};
    bool any = false;
    json_begin_array(c->w);
    for (size_t i = 0; i < kind->n_fields && l->left > 0; i++) {
        const struct ticket_field *f = &kind->fields[i];
        if (!f->indexed || !ticket_field_from_text(&value, f, c->node->params, text))
            continue;
        struct ticket_query q = {
            .kind = kind, .field = f->name, .value = buf_view(&value)};
        any = true;
        if (!index_ok(c, ticket_index_find(ix, &q, list_one, l)))
            break;
    }
    json_end_array(c->w);
    buf_clear(&value);
    return any;
}

static void find(struct rpc_call *c)
{
    struct ticket_index *ix = index_of(c);
    const struct ticket_kind *kind = ix != NULL ? ticket_kind_arg(c, 1) : NULL;
    const char *text = subcommand_text(c, 2);
    int64_t count = PAGE, skip = 0;
    if (kind == NULL || !subcommand_number(c, 3, "count", &count) ||
        !subcommand_number(c, 4, "skip", &skip))
        return;
    struct lister l = {.call = c,
                       .tip_height = tip_height(c),
                       .skip = (size_t)skip,
                       .left = count > 0 ? (size_t)count : SIZE_MAX};
    if (text == NULL || !find_by_fields(c, ix, kind, text, &l))
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "The key must be a value by which tickets of this kind are found: a "
                  "PastelID, an address, a hash or a token");
}

static void list(struct rpc_call *c)
{
    struct ticket_index *ix = index_of(c);
    const struct ticket_kind *kind = ix != NULL ? ticket_kind_arg(c, 1) : NULL;
    const char *filter = subcommand_text(c, 2);
    int64_t min_height = 0, max_height = INT32_MAX, count = PAGE, skip = 0;
    if (kind == NULL || !subcommand_number(c, 3, "minheight", &min_height) ||
        !subcommand_number(c, 4, "count", &count) ||
        !subcommand_number(c, 5, "skip", &skip) ||
        !subcommand_number(c, 6, "maxheight", &max_height))
        return;
    bool mine = filter != NULL && strcmp(filter, "mine") == 0;
    if (filter != NULL && !mine && strcmp(filter, "all") != 0) {
        rpc_error(c, RPC_INVALID_PARAMETER, "The filter must be \"all\" or \"mine\"");
        return;
    }
    /* the index skips faster than we read */
    struct ticket_query q = {.kind = kind,
                             .min_height = (int32_t)min_height,
                             .max_height = (int32_t)max_height,
                             .skip = mine ? 0 : (size_t)skip};
    struct lister l = {.call = c,
                       .tip_height = tip_height(c),
                       .only_mine = mine ? tickets_pastelids(c->node->tickets) : NULL,
                       .skip = mine ? (size_t)skip : 0,
                       .left = count > 0 ? (size_t)count : SIZE_MAX};
    run_query(c, ix, &q, &l);
}

/* --- decode --- */

/* The payload in a transaction, a carrier script, or a payload itself. */
static bool payload_of(struct bytes octets, struct buf *payload, struct amount *burned)
{
    struct bytes p;
    uint32_t out;
    if (carrier_parse(octets, &p)) {
        buf_append(payload, p.data, p.len);
        return true;
    }
    if (octets.len >= CARRIER_HEAD && memcmp(octets.data, "OCHR", 4) == 0) {
        buf_append(payload, octets.data, octets.len);
        return true;
    }
    struct tx *tx = tx_from_bytes(octets.data, octets.len, true);
    bool found = tx != NULL && carrier_find(tx, &out, &p) == 1;
    if (found) {
        buf_append(payload, p.data, p.len);
        *burned = tx->out[out].value;
    }
    tx_unref(tx);
    return found;
}

static void write_decoded(struct rpc_call *c, struct bytes payload,
                          struct amount burned)
{
    struct ticket t;
    enum ticket_decode r = ticket_decode(&t, payload);
    if (r == TICKET_MALFORMED) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "The ticket is malformed (ticket-malformed)");
        return;
    }
    json_begin_object(c->w);
    json_kv_bool(c->w, "known", r == TICKET_OK);
    if (burned.v >= 0)
        rpc_write_amount(c, "burned", burned);
    if (r == TICKET_OK) {
        json_ticket_members(c, &t);
    } else {
        json_kv_int(c->w, "version", payload.data[4]);
        json_kv_int(c->w, "kind_number", payload.data[5]);
    }
    json_kv_hex(c->w, "payload", payload.data, payload.len);
    json_end_object(c->w);
}

static void decode(struct rpc_call *c)
{
    const char *text = subcommand_text(c, 1);
    struct buf octets = {0}, payload = {0};
    struct amount burned = amount_of(-1);
    if (text == NULL || !hex_decode(&octets, text, strlen(text)))
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "The ticket must be hexadecimal");
    else if (!payload_of(buf_view(&octets), &payload, &burned))
        rpc_error(
            c, RPC_DESERIALIZATION_ERROR,
            "Neither a payload, a carrier script, nor a transaction with one carrier");
    else
        write_decoded(c, buf_view(&payload), burned);
    buf_clear(&octets);
    buf_clear(&payload);
}

static const struct subcommand commands[] = {
    {"register", "\"kind\" {...}", 2, 2, ticket_register},
    {"cost", "\"kind\" {...}", 2, 2, ticket_cost},
    {"sign", "\"kind\" {...} \"role\"", 3, 3, ticket_sign},
    {"get", "\"txid\"", 1, 1, get},
    {"find", "\"kind\" \"key\" ( count skip )", 2, 4, find},
    {"list", "\"kind\" ( \"filter\" minheight count skip maxheight )", 1, 6, list},
    {"decode", "\"hex\"", 1, 1, decode},
    {0},
};

static void tickets(struct rpc_call *c)
{
    subcommand_run(c, commands);
}

static const struct rpc_method methods[] = {
    {
        .name = "tickets",
        .help =
            "Registers and finds tickets.\n"
            "\nCommands:\n"
            "register \"kind\" {...}     builds, signs, funds and sends a ticket\n"
            "cost \"kind\" {...}         what it would burn and pay, and to whom\n"
            "sign \"kind\" {...} \"role\"  this node's signatures for a role of the "
            "ticket: [{\"hash\", \"signature\"}]\n"
            "get \"txid\"               one ticket of the chain or the mempool\n"
            "find \"kind\" \"key\" ( count skip )   tickets by what they name: a "
            "PastelID, an "
            "address, a hash, a token, a key\n"
            "list \"kind\" ( \"filter\" minheight count skip maxheight )   in order of "
            "height, "
            "1000 at a time; filter \"all\" or \"mine\"; count 0: no bound\n"
            "decode \"hex\"             what a payload, carrier script or transaction "
            "says\n"
            "\nThe object has the fields of the kind, as get and decode show them "
            "(where they show a script, its address will do), and:\n"
            "inputs            [{\"txid\", \"vout\"}]: the coins that pay; a wallet "
            "adds "
            "its own to them\n"
            "privkeys          [\"key\"]: the private keys that spend them; without "
            "this "
            "the wallet of the call pays and signs\n"
            "passphrase        of the PastelIDs on this node that sign\n"
            "operator_privkey  of a supernode\n"
            "btns_privkey      hex: the Ed25519 seed of a token's usage records\n"
            "change_address    default: where the first input lies, or a new one of "
            "the wallet\n"
            "token_address     where a token goes; default: the same\n"
            "burn              default: the least that the ticket must burn\n"
            "fee_rate          units per vbyte; default: what the mempool demands\n"
            "dry_run           only tell what it would be, and whether the mempool "
            "would "
            "take it\n"
            "\nSignatures that are not given are made with the keys at hand. May be "
            "left "
            "out, too: committee (that of the block six below the tip), supernodes "
            "(its "
            "best three), psl_storage_fee_multiplier_factor, "
            "effective_total_fee_paid_by_user_in_psl, anchor.\n"
            "\nThe transaction has the carrier first, then a token's anchor, then what "
            "supernodes are paid, then the change.",
        .params = SUBCOMMAND_PARAMS,
        .results = RESULTS({R_ANY, "", "As the command says"}),
        .examples = EXAMPLES("list id", "find id \"jX...\""),
        .fn = tickets,
    },
};

const struct rpc_table rpc_tickets_table = {"Tickets", methods, ARRAY_LEN(methods), .needs_tickets = true};
