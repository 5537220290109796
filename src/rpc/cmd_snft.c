/* snft ...: tokens of storage NFTs. storagefee ...: what storage costs. */
#include <stdlib.h>

#include "chain/prim/coin.h"
#include "chain/script/address.h"
#include "chain/store/coins_cache.h"
#include "chain/validation/chainman.h"
#include "rpc/subcommand.h"
#include "rpc/ticket_object.h"
#include "rpc/ticket_register.h"
#include "rpc/ticket_sign.h"
#include "tickets/fee.h"
#include "tickets/tokens.h"

#define PAGE 1000

/* --- making tickets --- */

static void make(struct rpc_call *c, const char *kind)
{
    const struct json *obj = subcommand_json(c, 1, "The ticket", JSON_OBJECT);
    if (obj != NULL)
        ticket_register_object(c, ticket_kind_by_name(kind), obj);
}

static void mint(struct rpc_call *c)
{
    make(c, "snft-mint");
}

static void register_key(struct rpc_call *c)
{
    make(c, "snft-register");
}

static void upgrade(struct rpc_call *c)
{
    make(c, "snft-upgrade");
}

static void sync_usage(struct rpc_call *c)
{
    make(c, "snft-sync");
}

static void report(struct rpc_call *c)
{
    const struct json *obj = subcommand_json(c, 1, "The ticket", JSON_OBJECT);
    if (obj != NULL)
        ticket_sign_object(c, ticket_kind_by_name("snft-sync"), obj, "quorum");
}

/* --- tokens --- */

/* The address of a script, where it has one. */
static void write_address(struct rpc_call *c, const char *name, struct bytes script)
{
    struct destination d;
    char text[ADDRESS_MAX];
    if (destination_from_script(&d, script))
        json_kv_str(c->w, name, address_encode(text, c->node->params, &d));
}

/* Who holds the anchor. Under the read lock. */
static void write_owner(struct rpc_call *c, const struct outpoint *anchor)
{
    struct coin coin;
    json_key(c->w, "anchor");
    json_begin_object(c->w);
    json_kv_hash(c->w, "txid", &anchor->txid);
    json_kv_int(c->w, "vout", anchor->n);
    json_end_object(c->w);
    if (!coins_peek(chainman_coins(c->node->chainman), anchor, &coin, c->mem))
        return;
    write_address(c, "owner_address", coin.script);
    json_kv_hex(c->w, "owner_script", coin.script.data, coin.script.len);
    rpc_write_amount(c, "anchor_amount", coin.value);
}

static void write_token(struct rpc_call *c, const struct hash256 *id,
                        const struct token *t)
{
    json_begin_object(c->w);
    json_kv_hash(c->w, "token", id);
    json_key(c->w, "name");
    json_strn(c->w, (const char *)t->name.data, t->name.len);
    json_kv_uint(c->w, "quota", t->quota);
    json_kv_uint(c->w, "used", t->used);
    json_kv_hex(c->w, "btns_key", t->btns_key.data, t->btns_key.len);
    json_kv_hex(c->w, "meta_cid", t->meta_cid.data, t->meta_cid.len);
    json_kv_hex(c->w, "cid", t->cid.data, t->cid.len);
    json_kv_uint(c->w, "sequence", t->sequence);
    json_kv_int(c->w, "minted", t->minted);
    json_kv_int(c->w, "last_sync", t->last_sync);
    write_owner(c, &t->anchor);
    json_end_object(c->w);
}

/* Runs fn with the state at the tip. */
static void with_state(struct rpc_call *c,
                       void (*fn)(struct rpc_call *c, struct state_txn *st, void *ctx),
                       void *ctx)
{
    struct chainman *cm = c->node->chainman;
    chainman_read_lock(cm);
    struct state_txn *st = state_begin(chainman_state(cm));
    fn(c, st, ctx);
    state_discard(st);
    chainman_read_unlock(cm);
}

struct lookup {
    struct hash256 id;
    bool only_owner;
};

static void write_found(struct rpc_call *c, struct state_txn *st, void *ctx)
{
    struct lookup *l = ctx;
    struct buf mem = {0};
    struct token t;
    if (!token_get(st, &l->id, &mem, &t)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "There is no such token");
    } else if (l->only_owner) {
        json_begin_object(c->w);
        json_kv_hash(c->w, "token", &l->id);
        write_owner(c, &t.anchor);
        json_end_object(c->w);
    } else {
        write_token(c, &l->id, &t);
    }
    buf_clear(&mem);
}

static void look_up(struct rpc_call *c, bool only_owner)
{
    struct lookup l = {.only_owner = only_owner};
    if (rpc_arg_hash(c, 1, "token", &l.id))
        with_state(c, write_found, &l);
}

static void get(struct rpc_call *c)
{
    look_up(c, false);
}

static void owner(struct rpc_call *c)
{
    look_up(c, true);
}

/* --- list --- */

struct lister {
    struct rpc_call *call;
    struct bytes owner; /* a script; empty: of all */
    int64_t skip, left;
};

static bool is_owned(struct lister *l, const struct token *t)
{
    struct coin coin;
    return l->owner.len == 0 || (coins_peek(chainman_coins(l->call->node->chainman),
                                            &t->anchor, &coin, l->call->mem) &&
                                 bytes_equal(coin.script, l->owner));
}

static bool list_one(void *ctx, struct bytes key, struct bytes value)
{
    struct lister *l = ctx;
    struct hash256 id;
    struct token t;
    if (key.len != 33 || !token_read(&t, value))
        return true;
    memcpy(id.b, key.data + 1, 32);
    if (!is_owned(l, &t) || (l->skip > 0 && l->skip-- > 0))
        return true;
    write_token(l->call, &id, &t);
    return --l->left > 0 && !rpc_cancelled(l->call);
}

static void list_all(struct rpc_call *c, struct state_txn *st, void *ctx)
{
    json_begin_array(c->w);
    state_each(st, bytes_of("n", 1), list_one, ctx);
    json_end_array(c->w);
}

/* The script of an address, "" or "all" for none. */
static bool owner_arg(struct rpc_call *c, size_t i, struct buf *script)
{
    const char *text = subcommand_text(c, i);
    struct destination d;
    struct address_error why;
    if (text == NULL || *text == '\0' || strcmp(text, "all") == 0)
        return true;
    if (!address_decode(&d, c->node->params, text, &why)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "%s", why.message);
        return false;
    }
    destination_to_script(script, &d);
    return true;
}

static void list(struct rpc_call *c)
{
    struct lister l = {.call = c, .left = PAGE};
    struct buf script = {0};
    if (owner_arg(c, 1, &script) && subcommand_number(c, 2, "count", &l.left) &&
        subcommand_number(c, 3, "skip", &l.skip)) {
        l.owner = buf_view(&script);
        if (l.left == 0)
            l.left = INT32_MAX;
        with_state(c, list_all, &l);
    }
    buf_clear(&script);
}

static const struct subcommand snft_commands[] = {
    {"mint", "{...}", 1, 1, mint},
    {"register", "{...}", 1, 1, register_key},
    {"upgrade", "{...}", 1, 1, upgrade},
    {"sync", "{...}", 1, 1, sync_usage},
    {"report", "{...}", 1, 1, report},
    {"get", "\"token\"", 1, 1, get},
    {"owner", "\"token\"", 1, 1, owner},
    {"list", "( \"address\" count skip )", 0, 3, list},
    {0},
};

static void snft(struct rpc_call *c)
{
    subcommand_run(c, snft_commands);
}

/* --- storagefee --- */

struct fee_query {
    int64_t height; /* -1: the tip */
    uint64_t factor, octets;
    bool estimate;
};

static void write_network_fee(struct rpc_call *c, const struct committee *k)
{
    json_begin_object(c->w);
    json_kv_int(c->w, "height", k->height);
    json_kv_int(c->w, "supernodes", (int64_t)k->n);
    rpc_write_amount(c, "networkfee",
                     amount_of((int64_t)committee_median_storage_fee(k)));
    rpc_write_amount(c, "sensefee", amount_of((int64_t)committee_median_sense_fee(k)));
    json_end_object(c->w);
}

static void write_estimate(struct rpc_call *c, const struct committee *k,
                           const struct fee_query *q)
{
    uint64_t price = fee_price(committee_median_storage_fee(k), q->factor, q->octets);
    uint64_t paid = PAID_MEMBERS * price;
    if (paid > MAX_MONEY) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "That costs more than all the money there is");
        return;
    }
    uint64_t burn = fee_burn(paid, paid);
    json_begin_object(c->w);
    json_kv_int(c->w, "height", k->height);
    json_kv_amount(c->w, "multiplier", amount_of((int64_t)q->factor), 6);
    rpc_write_amount(c, "paid", amount_of((int64_t)paid));
    rpc_write_amount(c, "burned", amount_of((int64_t)burn));
    rpc_write_amount(c, "total", amount_of((int64_t)(paid + burn)));
    json_end_object(c->w);
}

static void write_fees(struct rpc_call *c, struct state_txn *st, void *ctx)
{
    const struct fee_query *q = ctx;
    struct committee k = {.n = 0};
    int64_t height = q->height >= 0 ? q->height : chain_height(c->node->chainman);
    if (!committee_get(st, (uint32_t)height, &k))
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Committees are kept for %d blocks; there is none of that height",
                  COMMITTEES_KEPT);
    else if (k.n == 0)
        rpc_error(c, RPC_MISC_ERROR, "There was no active supernode at that height");
    else if (q->estimate)
        write_estimate(c, &k, q);
    else
        write_network_fee(c, &k);
    committee_clear(&k);
}

static void getnetworkfee(struct rpc_call *c)
{
    struct fee_query q = {.height = -1};
    if (subcommand_number(c, 1, "height", &q.height))
        with_state(c, write_fees, &q);
}

/* A decimal number within bounds, times 10^decimals. */
static bool decimal_arg(struct rpc_call *c, size_t i, const char *name,
                        unsigned decimals, int64_t least, int64_t most, int64_t *out)
{
    const char *text = subcommand_text(c, i);
    struct amount a;
    char low[32], high[32];
    if (text != NULL && amount_parse(&a, text, strlen(text), decimals) &&
        a.v >= least && a.v <= most) {
        *out = a.v;
        return true;
    }
    rpc_error(c, RPC_INVALID_PARAMETER, "%s must be a number from %s to %s", name,
              amount_format(low, amount_of(least), decimals),
              amount_format(high, amount_of(most), decimals));
    return false;
}

static bool factor_args(struct rpc_call *c, size_t i, uint64_t *factor)
{
    int64_t ratio, redundancy;
    if (!decimal_arg(c, i, "ratio", 3, RATIO_LEAST, RATIO_MOST, &ratio) ||
        !decimal_arg(c, i + 1, "redundancy", 0, 1, REDUNDANCY_MOST, &redundancy))
        return false;
    *factor = fee_factor((uint32_t)ratio, (uint32_t)redundancy);
    return true;
}

static void getmultiplier(struct rpc_call *c)
{
    uint64_t factor;
    if (factor_args(c, 1, &factor))
        json_amount(c->w, amount_of((int64_t)factor), 6);
}

static void estimate(struct rpc_call *c)
{
    struct fee_query q = {.height = -1, .estimate = true};
    int64_t octets;
    if (!decimal_arg(c, 1, "size", 0, 1, (int64_t)FILE_SIZE_MOST, &octets) ||
        !factor_args(c, 2, &q.factor))
        return;
    q.octets = (uint64_t)octets;
    with_state(c, write_fees, &q);
}

static const struct subcommand fee_commands[] = {
    {"getnetworkfee", "( height )", 0, 1, getnetworkfee},
    {"getmultiplier", "ratio redundancy", 2, 2, getmultiplier},
    {"estimate", "size ratio redundancy", 3, 3, estimate},
    {0},
};

static void storagefee(struct rpc_call *c)
{
    subcommand_run(c, fee_commands);
}

static const struct rpc_method methods[] = {
    {
        .name = "snft",
        .help =
            "Storage NFTs: tokens with room for files, carried by coins.\n"
            "\nCommands:\n"
            "mint {...}      makes a token: name, quota (octets), meta_cid, btns_key\n"
            "register {...}  token, btns_key: names the key of its usage records\n"
            "upgrade {...}   token, quota: gives it more room\n"
            "sync {...}      committee, reports, quorum: brings its usage on the "
            "chain\n"
            "report {...}    committee, reports: this supernode's signature for a "
            "sync\n"
            "get \"token\"     one token\n"
            "owner \"token\"   the coin that carries it, and its address\n"
            "list ( \"address\" count skip )   tokens, 1000 at a time, of one owner or "
            "\"all\"; count 0: no bound\n"
            "\nObjects are those of: tickets register. A wallet spends the coin that "
            "carries the token by itself; with privkeys it must be among the inputs.",
        .params = SUBCOMMAND_PARAMS,
        .results = RESULTS({R_ANY, "", "As the command says"}),
        .examples = EXAMPLES("list", "get \"token\""),
        .fn = snft,
    },
    {
        .name = "storagefee",
        .help =
            "What storage costs.\n"
            "\nCommands:\n"
            "getnetworkfee ( height )      the committee's median fees: of storage per "
            "2^20 octets, of Sense per request\n"
            "getmultiplier ratio redundancy   by what the fee of storage is "
            "multiplied\n"
            "estimate size ratio redundancy   what a file of so many octets would pay "
            "to "
            "supernodes and burn",
        .params = SUBCOMMAND_PARAMS,
        .results = RESULTS({R_ANY, "", "As the command says"}),
        .examples = EXAMPLES("getnetworkfee", "estimate 1048576 12 6"),
        .fn = storagefee,
    },
};

const struct rpc_table rpc_snft_table = {"Tickets", methods, ARRAY_LEN(methods), .needs_tickets = true};
