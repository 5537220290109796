/* The ticket state as light clients see it: roots, proofs, burned and circulating
 * supply. */
#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/prim/merkle.h"
#include "chain/state/state.h"
#include "chain/store/undo.h"
#include "chain/validation/chainman.h"
#include "rpc/method.h"
#include "tickets/index.h"
#include "tickets/pastelid.h"
#include "tickets/rules.h"
#include "tickets/state_keys.h"
#include "tickets/ticket.h"
#include "tickets/tickets.h"
#include "util/hex.h"

static const struct chain_params *params_of(const struct rpc_call *c)
{
    return c->node->params;
}

static bool block_failed(struct rpc_call *c, enum err e)
{
    if (e == ERR_OK)
        return false;
    rpc_error(c, RPC_MISC_ERROR,
              e == ERR_NOT_FOUND ? "Block not available (pruned data)"
                                 : "Block cannot be read from disk");
    return true;
}

/* --- roots --- */

/* The state after the block: what the next block's coinbase says, or at the tip what it
 * will. */
static bool root_after(struct rpc_call *c, int32_t height, struct hash256 *root)
{
    struct chainman *cm = c->node->chainman;
    struct block_index *next = chain_at(cm, height + 1);
    struct block *b;
    memset(root, 0, sizeof(*root));
    if (next == NULL) {
        *root = state_root(chainman_state(cm));
        return true;
    }
    if (!tickets_active_at(params_of(c), height + 1))
        return true;
    if (block_failed(c, chainman_read_block(cm, &b, next)))
        return false;
    bool found = state_commitment_find(root, &b->txs[0]);
    block_unref(b);
    if (!found)
        rpc_error(c, RPC_DATABASE_ERROR, "Block %d has no state commitment",
                  height + 1);
    return found;
}

static void getstateroot(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    struct hash256 root;
    chainman_read_lock(cm);
    int32_t height = chain_height(cm), tip = height;
    bool ok = rpc_arg_i32(c, 0, &height);
    if (ok && (height < 0 || height > tip)) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Block height out of range");
        ok = false;
    }
    ok = ok && root_after(c, height, &root);
    chainman_read_unlock(cm);
    if (ok)
        json_hex(c->w, root.b, 32);
}

/* --- proofs --- */

/* The octets of a state key: hex, or a PastelID for its record. */
static bool key_arg(struct rpc_call *c, size_t i, struct buf *key)
{
    const char *text = rpc_arg_str(c, i, "");
    uint8_t id[ED448_KEY_SIZE];
    if (pastelid_decode(id, text)) {
        buf_append_byte(key, 'i');
        buf_append(key, id, sizeof(id));
        return true;
    }
    if (hex_decode(key, text, strlen(text)) && key->len > 0 &&
        key->len <= STATE_MAX_KEY)
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER,
              "key must be a PastelID or 1 to %d octets of hexadecimal", STATE_MAX_KEY);
    return false;
}

static void write_branch(struct json_writer *w, const struct block *b)
{
    struct hash256 branch[32];
    struct hash256 *leaves = xrealloc_array(NULL, b->n_tx, sizeof(*leaves));
    for (uint32_t i = 0; i < b->n_tx; i++)
        leaves[i] = b->txs[i].txid;
    size_t n = merkle_branch(branch, leaves, b->n_tx, 0);
    json_key(w, "branch");
    json_begin_array(w);
    for (size_t i = 0; i < n; i++)
        json_hex(w, branch[i].b, 32);
    json_end_array(w);
    free(leaves);
}

/* The block whose coinbase commits to the root, as much of it as a light client needs.
 */
static void write_commitment(struct json_writer *w, const struct block *b,
                             int32_t height)
{
    struct buf octets = {0};
    struct sink s = sink_to_buf(&octets);
    json_key(w, "commitment");
    json_begin_object(w);
    json_kv_int(w, "height", height);
    json_kv_hash(w, "blockhash", &b->hash);
    header_write(&s, &b->header);
    json_kv_hex(w, "header", octets.data, octets.len);
    buf_reset(&octets);
    tx_write(&b->txs[0], &s, false);
    json_kv_hex(w, "coinbase", octets.data, octets.len);
    write_branch(w, b);
    json_end_object(w);
    buf_clear(&octets);
}

struct proof {
    const struct block_index *tip;
    struct block *block; /* of the tip */
    struct hash256 root;
    struct buf value, octets;
    bool present;
};

/* Proves in the content below the tip: the last that a coinbase commits to. Under the
 * read lock. */
static bool prove_below_tip(struct rpc_call *c, struct bytes key, struct proof *p)
{
    struct chainman *cm = c->node->chainman;
    struct block_undo undo;
    p->tip = chain_tip(cm);
    if (!tickets_active_at(params_of(c), p->tip->height)) {
        rpc_error(c, RPC_MISC_ERROR, "No block commits to a ticket state yet");
        return false;
    }
    if (block_failed(c, chainman_read_block(cm, &p->block, p->tip)) ||
        block_failed(c, chainman_read_undo(cm, &undo, p->tip, c->mem)))
        return false;
    struct state_txn *t = state_begin(chainman_state(cm));
    bool ok = state_undo_apply(t, undo.state);
    if (ok) {
        p->root = state_txn_root(t);
        p->present = state_get(t, key, &p->value);
        ok = state_prove(t, key, &p->octets);
    }
    state_discard(t);
    if (!ok)
        rpc_error(c, RPC_DATABASE_ERROR,
                  "The ticket state cannot be read; restart with -reindex-chainstate");
    return ok;
}

static void write_proof(struct json_writer *w, const struct buf *key,
                        const struct proof *p)
{
    json_begin_object(w);
    json_kv_hex(w, "key", key->data, key->len);
    json_kv_int(w, "height", p->tip->height - 1);
    json_kv_hash(w, "blockhash", &p->tip->prev->hash);
    json_kv_hex(w, "root", p->root.b, 32);
    if (p->present)
        json_kv_hex(w, "value", p->value.data, p->value.len);
    else
        json_kv_null(w, "value");
    json_kv_hex(w, "proof", p->octets.data, p->octets.len);
    write_commitment(w, p->block, p->tip->height);
    json_end_object(w);
}

static void getstateproof(struct rpc_call *c)
{
    struct buf key = {0};
    struct proof p = {0};
    if (key_arg(c, 0, &key)) {
        chainman_read_lock(c->node->chainman);
        bool ok = prove_below_tip(c, buf_view(&key), &p);
        chainman_read_unlock(c->node->chainman);
        if (ok)
            write_proof(c->w, &key, &p);
    }
    if (p.block != NULL)
        block_unref(p.block);
    buf_clear(&p.value);
    buf_clear(&p.octets);
    buf_clear(&key);
}

static void verifystateproof(struct rpc_call *c)
{
    const char *root_text = rpc_arg_str(c, 0, "");
    struct hash256 root;
    struct buf key = {0}, proof = {0};
    struct bytes value;
    bool present;
    if (!hex_decode_fixed(root.b, 32, root_text, strlen(root_text)))
        rpc_error(c, RPC_INVALID_PARAMETER, "root must be 64 hexadecimal digits");
    else if (key_arg(c, 1, &key) && rpc_to_bytes(c, rpc_arg(c, 2), "proof", &proof)) {
        bool ok = state_proof_verify(&root, buf_view(&key), buf_view(&proof), &present,
                                     &value);
        json_begin_object(c->w);
        json_kv_bool(c->w, "valid", ok);
        if (ok) {
            json_kv_bool(c->w, "present", present);
            if (present)
                json_kv_hex(c->w, "value", value.data, value.len);
        }
        json_end_object(c->w);
    }
    buf_clear(&key);
    buf_clear(&proof);
}

/* --- money --- */

/* @withheld (may be NULL): shares that no supernode was there to get were never
 * created. */
static void burned_at_tip(struct rpc_call *c, struct burn_totals *out, int32_t *height,
                          struct hash256 *tip, struct amount *withheld)
{
    struct chainman *cm = c->node->chainman;
    struct ticket_index *ix = tickets_index(c->node->tickets);
    chainman_read_lock(cm);
    if (withheld != NULL)
        *withheld = ix != NULL ? ticket_index_withheld(ix) : amount_of(0);
    struct state_txn *t = state_begin(chainman_state(cm));
    burn_get(t, out);
    state_discard(t);
    *height = chain_height(cm);
    *tip = chain_tip(cm)->hash;
    chainman_read_unlock(cm);
}

static void getburninfo(struct rpc_call *c)
{
    struct burn_totals b;
    struct hash256 tip;
    int32_t height;
    burned_at_tip(c, &b, &height, &tip, NULL);
    json_begin_object(c->w);
    json_kv_int(c->w, "height", height);
    json_kv_hash(c->w, "bestblock", &tip);
    rpc_write_amount(c, "total_burned", amount_of((int64_t)b.total));
    json_key(c->w, "kinds");
    json_begin_array(c->w);
    for (size_t i = 0; i < b.n; i++) {
        const struct ticket_kind *kind = ticket_kind_by_id(b.kinds[i].kind);
        json_begin_object(c->w);
        json_kv_str(c->w, "kind", kind != NULL ? kind->name : "unknown");
        rpc_write_amount(c, "burned", amount_of((int64_t)b.kinds[i].amount));
        json_end_object(c->w);
    }
    json_end_array(c->w);
    json_end_object(c->w);
}

/* What blocks 1 to height were allowed to create. */
static int64_t created(const struct chain_params *p, int32_t height)
{
    int64_t sum = 0;
    for (int32_t h = 1; h <= height; h++)
        sum += block_subsidy(p, h).v;
    return sum;
}

static void getsupplyinfo(struct rpc_call *c)
{
    struct amount withheld;
    struct burn_totals b;
    struct hash256 tip;
    int32_t height;
    burned_at_tip(c, &b, &height, &tip, &withheld);
    int64_t sum = created(params_of(c), height) - withheld.v;
    json_begin_object(c->w);
    json_kv_int(c->w, "height", height);
    json_kv_hash(c->w, "bestblock", &tip);
    rpc_write_amount(c, "created", amount_of(sum));
    rpc_write_amount(c, "burned", amount_of((int64_t)b.total));
    rpc_write_amount(c, "circulating", amount_of(sum - (int64_t)b.total));
    json_end_object(c->w);
}

static const struct rpc_method methods[] = {
    {
        .name = "getstateroot",
        .help = "The root of the ticket state after a block of the active chain.",
        .params =
            PARAMS({"height", P_NUM, .def = "chain tip", .help = "The block's height"}),
        .results =
            RESULTS({R_HEX, "", "The root, in the order in which coinbases carry it"}),
        .examples = EXAMPLES("", "1000"),
        .fn = getstateroot,
    },
    {
        .name = "getstateproof",
        .help = "Proves to a client that has nothing but block headers which value a "
                "key of the "
                "ticket state has, or that it has none. The state is the one after the "
                "block "
                "below the tip, to which the tip's coinbase commits.",
        .params = PARAMS({"key", P_STR, .help = "The key in hex, or a PastelID"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_HEX, "key", "The key"},
                 {R_NUM, "height",
                  "The state is the one after the block of this height"},
                 {R_HEX, "blockhash", "and hash"},
                 {R_HEX, "root", "Root of that state"},
                 {R_HEX, "value", "The value; null: the key is absent",
                  .nullable = true},
                 {R_HEX, "proof", "Input of verifystateproof"},
                 {R_OBJ, "commitment", "What ties the root to the chain",
                  RESULTS(
                      {R_NUM, "height", "Height of the block that commits to the root"},
                      {R_HEX, "blockhash", "Its hash"}, {R_HEX, "header", "Its header"},
                      {R_HEX, "coinbase", "Its coinbase without witness"},
                      {R_ARR, "branch",
                       "Merkle branch of the coinbase, from the leaf up",
                       RESULTS({R_HEX, "", "A hash, as serialised"})})})}),
        .examples = EXAMPLES("\"42\""),
        .fn = getstateproof,
    },
    {
        .name = "verifystateproof",
        .help = "What a proof shows about a key under a root. Needs no chain.",
        .params = PARAMS({"root", P_HEX, .help = "The root that a coinbase commits to"},
                         {"key", P_STR, .help = "The key in hex, or a PastelID"},
                         {"proof", P_HEX, .help = "From getstateproof"}),
        .results = RESULTS({R_OBJ, "", "",
                            RESULTS({R_BOOL, "valid", "Whether it shows anything"},
                                    {R_BOOL, "present", "Whether the key has a value",
                                     .optional = true},
                                    {R_HEX, "value", "The value", .optional = true})}),
        .examples = EXAMPLES("\"root\" \"key\" \"proof\""),
        .fn = verifystateproof,
    },
    {
        .name = "getburninfo",
        .help = "What tickets have burned up to the tip, in all and by kind.",
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_NUM, "height", "Height of the tip"},
                             {R_HEX, "bestblock", "Its hash"},
                             {R_AMOUNT, "total_burned", "The sum"},
                             {R_ARR, "kinds", "By kind, those that burned anything",
                              RESULTS({R_OBJ, "", "",
                                       RESULTS({R_STR, "kind", "Name of the kind"},
                                               {R_AMOUNT, "burned", "Its sum"})})})}),
        .examples = EXAMPLES(""),
        .fn = getburninfo,
    },
    {
        .name = "getsupplyinfo",
        .help = "Created, burned and circulating supply at the tip. Created is what "
                "blocks were "
                "allowed to create; the share of a block without supernodes never was.",
        .results = RESULTS({R_OBJ, "", "",
                            RESULTS({R_NUM, "height", "Height of the tip"},
                                    {R_HEX, "bestblock", "Its hash"},
                                    {R_AMOUNT, "created", "Subsidies up to the tip"},
                                    {R_AMOUNT, "burned", "Burned by tickets"},
                                    {R_AMOUNT, "circulating", "The difference"})}),
        .examples = EXAMPLES(""),
        .fn = getsupplyinfo,
    },
};

const struct rpc_table rpc_state_table = {"Tickets", methods, ARRAY_LEN(methods), .needs_tickets = true};
