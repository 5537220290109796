/* supernode ...: the list of supernodes, their tickets, and the one that this node is.
 */
#include "chain/script/address.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "mn/sn_operator.h"
#include "rpc/json_supernode.h"
#include "rpc/subcommand.h"
#include "rpc/supernode_list.h"
#include "rpc/supernode_penalty.h"
#include "rpc/supernode_register.h"
#include "tickets/pastelid.h"
#include "util/rand.h"

/* --- genkey --- */

static bool read_key(struct rpc_call *c, struct privkey *key)
{
    const char *wif = subcommand_text(c, 3);
    key->compressed = true;
    if (wif != NULL) {
        if (wif_decode(key, c->node->params, wif))
            return true;
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid private key");
        return false;
    }
    do
        rand_bytes(key->secret, sizeof(key->secret));
    while (!secp_seckey_valid(key->secret));
    return true;
}

static bool store_key(struct rpc_call *c, const char *name, const struct privkey *key)
{
    uint8_t pastelid[57];
    const char *id = subcommand_text(c, 2);
    if (!sn_operator_name_ok(name)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "The name must be 1 to %d letters, digits, '-' and '_'",
                  SN_OPERATOR_NAME_MAX);
        return false;
    }
    if (id == NULL || !pastelid_decode(pastelid, id)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Not a PastelID: it has 86 characters and begins with jX");
        return false;
    }
    enum err e = sn_operator_create(c->node->datadir, name, pastelid, key->secret);
    if (e == ERR_EXISTS)
        rpc_error(c, RPC_WALLET_ALREADY_EXISTS,
                  "There is a supernode key of that name already");
    else if (e != ERR_OK)
        rpc_error(c, RPC_MISC_ERROR, "The key cannot be written to %s/supernodes: %s",
                  c->node->datadir, err_text(e));
    return e == ERR_OK;
}

static void write_key(struct rpc_call *c, const struct privkey *key, const char *name)
{
    uint8_t pub[33];
    size_t n;
    char *wif = secret_alloc(64);
    secp_pubkey_create(pub, &n, key->secret, true);
    json_begin_object(c->w);
    if (name != NULL)
        json_kv_str(c->w, "name", name);
    json_kv_hex(c->w, "operator_key", pub + 1, 32);
    if (name == NULL) {
        wif_encode(wif, c->node->params, key);
        json_kv_str(c->w, "private_key", wif);
    }
    json_end_object(c->w);
    secret_free(wif);
}

static void genkey(struct rpc_call *c)
{
    const char *name = subcommand_text(c, 1);
    struct privkey *key = secret_alloc(sizeof(*key));
    if (read_key(c, key) && (name == NULL || store_key(c, name, key)))
        write_key(c, key, name);
    secret_free(key);
}

/* --- all --- */

static const struct subcommand commands[] = {
    {"register", "{...}", 1, 1, supernode_register},
    {"update", "\"sn\" {...}", 2, 2, supernode_update},
    {"revoke", "\"sn\" {...}", 2, 2, supernode_revoke},
    {"list", "( \"filter\" )", 0, 1, supernode_list},
    {"get", "\"sn\"", 1, 1, supernode_get_one},
    {"count", "", 0, 0, supernode_count},
    {"top", "( height )", 0, 1, supernode_top},
    {"payee", "( height )", 0, 1, supernode_payee},
    {"status", "", 0, 0, supernode_show_status},
    {"genkey", "( \"name\" \"pastelid\" \"privkey\" )", 0, 3, genkey},
    {"penalty", "\"sn\" reason \"evidence\" ( [signatures] )", 3, 4, supernode_penalty},
    {0},
};

static void supernode(struct rpc_call *c)
{
    if (c->node->params->tickets_height == TICKETS_NEVER)
        rpc_error(c, RPC_MISC_ERROR, "This network has no supernodes");
    else
        subcommand_run(c, commands);
}

static const struct rpc_method methods[] = {
    {
        .name = "supernode",
        .help =
            "The list of supernodes, and the one that this node is.\n"
            "\nCommands:\n"
            "register {...}        registers one: the object of tickets register "
            "sn-register (collateral, pastelid, operator_key, payout_address, "
            "endpoint, "
            "storage_fee, sense_fee; passphrase, privkeys, operator_privkey, inputs)\n"
            "update \"sn\" {...}     changes what the object names; burns the price of "
            "lifting a ban when there is one\n"
            "revoke \"sn\" {...}     ends it; reason is a number (default: 0)\n"
            "list ( \"filter\" )     all of them; filter \"enabled\", \"pre_enabled\", "
            "\"banned\", or a txid, PastelID, operator key, endpoint or payout "
            "address\n"
            "get \"sn\"              one, by its txid, PastelID, operator key or "
            "endpoint\n"
            "count                 how many there are, by status\n"
            "top ( height )        the committee of a block, rank 0 first (default: "
            "the "
            "tip)\n"
            "payee ( height )      who is paid in a block (default: the next), above "
            "the tip if nothing changes; null: nobody\n"
            "status                the supernode that this node is (option "
            "-supernode)\n"
            "genkey                makes an operator key: {\"operator_key\", "
            "\"private_key\"}\n"
            "genkey \"name\" \"pastelid\" ( \"privkey\" )   makes (or imports) one and "
            "keeps it on this node, for -supernode=<name>\n"
            "penalty \"sn\" reason \"evidence\" ( [{\"rank\", \"signature\"}] )   "
            "signs, "
            "as a member of the committee in charge, that a supernode failed, and adds "
            "the signatures of other members; when complete, send it with: tickets "
            "register sn-penalty",
        .params = SUBCOMMAND_PARAMS,
        .results = RESULTS({R_ANY, "", "As the command says"}),
        .examples = EXAMPLES("list enabled", "top", "payee"),
        .fn = supernode,
    },
    {
        .name = "masternode",
        .help = "The same as supernode, for scripts that know it by this name.",
        .params = SUBCOMMAND_PARAMS,
        .results = RESULTS({R_ANY, "", "As the command says"}),
        .examples = EXAMPLES("list", "count"),
        .fn = supernode,
    },
};

const struct rpc_table rpc_supernode_table = {"Tickets", methods, ARRAY_LEN(methods), .needs_tickets = true};
