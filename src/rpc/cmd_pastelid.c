/* pastelid ...: the keys of this node. */
#include "chain/state/state.h"
#include "chain/validation/chainman.h"
#include "rpc/subcommand.h"
#include "tickets/pastelid.h"
#include "tickets/state_keys.h"
#include "tickets/tickets.h"
#include "util/hex.h"

static struct pastelid_store *store(struct rpc_call *c)
{
    return tickets_pastelids(c->node->tickets);
}

/* False: the error was reported. */
static bool key_ok(struct rpc_call *c, enum err e)
{
    switch (e) {
    case ERR_OK:
        return true;
    case ERR_NOT_FOUND:
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "This node has no key of that PastelID; see: pastelid list");
        break;
    case ERR_AUTH:
        rpc_error(c, RPC_WALLET_PASSPHRASE_INCORRECT, "The passphrase is wrong");
        break;
    case ERR_EXISTS:
        rpc_error(c, RPC_WALLET_ALREADY_EXISTS, "This node already has the key");
        break;
    case ERR_VERSION:
        rpc_error(
            c, RPC_DESERIALIZATION_ERROR,
            "The key was written by a newer version of this program; use that version");
        break;
    case ERR_CORRUPT:
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "The key is damaged; bring back a backup with: pastelid import");
        break;
    case ERR_FULL:
        rpc_error(
            c, RPC_OUT_OF_MEMORY,
            "Not enough memory to derive the key (or no space on disk); close other "
            "programs and try again");
        break;
    default:
        rpc_error(c, RPC_MISC_ERROR, "The key file cannot be read or written: %s",
                  err_text(e));
    }
    return false;
}

static bool id_arg(struct rpc_call *c, size_t i, uint8_t key[57])
{
    const char *text = subcommand_text(c, i);
    if (text != NULL && pastelid_decode(key, text))
        return true;
    rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
              "Not a PastelID: it has 86 characters and begins with jX");
    return false;
}

static const char *passphrase_arg(struct rpc_call *c, size_t i)
{
    const char *text = subcommand_text(c, i);
    if (text != NULL && text[0] != '\0')
        return text;
    rpc_error(c, RPC_INVALID_PARAMETER, "The passphrase must not be empty");
    return NULL;
}

static void write_id(struct rpc_call *c, const uint8_t key[57])
{
    char text[PASTELID_TEXT_SIZE];
    json_begin_object(c->w);
    json_kv_str(c->w, "pastelid", pastelid_encode(text, key));
    json_end_object(c->w);
}

static void newkey(struct rpc_call *c)
{
    uint8_t key[ED448_KEY_SIZE];
    const char *pass = passphrase_arg(c, 1);
    if (pass != NULL && key_ok(c, pastelid_new(store(c), key, pass)))
        write_id(c, key);
}

struct lister {
    struct rpc_call *call;
    struct state_txn *state; /* NULL: no tickets here */
};

static void list_one(void *ctx, const uint8_t key[57])
{
    struct lister *l = ctx;
    struct json_writer *w = l->call->w;
    char text[PASTELID_TEXT_SIZE];
    struct buf mem = {0};
    struct identity id;
    bool known = l->state != NULL && identity_get(l->state, key, &mem, &id);
    json_begin_object(w);
    json_kv_str(w, "pastelid", pastelid_encode(text, key));
    json_kv_bool(w, "registered", known && !(id.flags & IDENTITY_REVOKED));
    if (known)
        json_kv_int(w, "height", id.height);
    if (known && (id.flags & IDENTITY_REVOKED))
        json_kv_bool(w, "revoked", true);
    json_end_object(w);
    buf_clear(&mem);
}

static void list(struct rpc_call *c)
{
    struct chainman *cm = c->node->chainman;
    struct lister l = {.call = c};
    chainman_read_lock(cm);
    if (chainman_state(cm) != NULL)
        l.state = state_begin(chainman_state(cm));
    json_begin_array(c->w);
    enum err e = pastelid_each(store(c), list_one, &l);
    json_end_array(c->w);
    state_discard(l.state);
    chainman_read_unlock(cm);
    key_ok(c, e);
}

/* The message in argument @i: text, or octets in hex when argument @encoding says so.
 */
static bool message_arg(struct rpc_call *c, size_t i, size_t encoding, struct buf *out)
{
    const char *text = subcommand_text(c, i), *how = subcommand_text(c, encoding);
    if (text == NULL) {
        rpc_error(c, RPC_TYPE_ERROR, "The text must be a string");
        return false;
    }
    if (how == NULL || strcmp(how, "text") == 0) {
        buf_append_str(out, text);
        return true;
    }
    if (strcmp(how, "hex") != 0) {
        rpc_error(c, RPC_INVALID_PARAMETER, "The encoding must be \"text\" or \"hex\"");
        return false;
    }
    if (hex_decode(out, text, strlen(text)))
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER,
              "The text must be hexadecimal (encoding \"hex\")");
    return false;
}

/* Tickets are signed by signing a hash of 32 octets. Whoever could make somebody sign a
 * "text" of that size could make him sign a ticket. */
static bool message_is_safe(struct rpc_call *c, const struct buf *msg)
{
    if (msg->len != 32)
        return true;
    rpc_error(
        c, RPC_INVALID_PARAMETER,
        "A text of exactly 32 bytes could be the hash of a ticket and is not signed; "
        "make it longer or shorter");
    return false;
}

static void sign(struct rpc_call *c)
{
    struct buf msg = {0};
    uint8_t key[ED448_KEY_SIZE], sig[ED448_SIG_SIZE];
    const char *pass = NULL;
    if (message_arg(c, 1, 4, &msg) && message_is_safe(c, &msg) && id_arg(c, 2, key))
        pass = passphrase_arg(c, 3);
    if (pass != NULL &&
        key_ok(c, pastelid_sign(store(c), sig, key, pass, msg.data, msg.len))) {
        json_begin_object(c->w);
        json_kv_hex(c->w, "signature", sig, sizeof(sig));
        json_end_object(c->w);
    }
    buf_clear(&msg);
}

static void verify(struct rpc_call *c)
{
    struct buf msg = {0};
    uint8_t key[ED448_KEY_SIZE], sig[ED448_SIG_SIZE];
    const char *text = subcommand_text(c, 2);
    if (message_arg(c, 1, 4, &msg) && id_arg(c, 3, key)) {
        if (text == NULL || !hex_decode_fixed(sig, sizeof(sig), text, strlen(text))) {
            rpc_error(c, RPC_INVALID_PARAMETER,
                      "The signature must be %d hexadecimal digits",
                      2 * ED448_SIG_SIZE);
        } else {
            json_begin_object(c->w);
            json_kv_str(c->w, "verification",
                        ed448_verify(key, sig, msg.data, msg.len) ? "OK" : "Failed");
            json_end_object(c->w);
        }
    }
    buf_clear(&msg);
}

static void export_key(struct rpc_call *c)
{
    uint8_t key[ED448_KEY_SIZE], file[PASTELID_FILE_SIZE];
    char text[PASTELID_TEXT_SIZE];
    if (!id_arg(c, 1, key) || !key_ok(c, pastelid_export(store(c), key, file)))
        return;
    json_begin_object(c->w);
    json_kv_str(c->w, "pastelid", pastelid_encode(text, key));
    json_kv_hex(c->w, "key", file, sizeof(file));
    json_end_object(c->w);
}

static void import_key(struct rpc_call *c)
{
    uint8_t key[ED448_KEY_SIZE], file[PASTELID_FILE_SIZE];
    const char *text = subcommand_text(c, 1), *pass = passphrase_arg(c, 2);
    if (pass == NULL)
        return;
    if (text == NULL || !hex_decode_fixed(file, sizeof(file), text, strlen(text)))
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "The key must be the %d hexadecimal digits that pastelid export gave",
                  2 * PASTELID_FILE_SIZE);
    else if (key_ok(c,
                    pastelid_import(store(c), key, bytes_of(file, sizeof(file)), pass)))
        write_id(c, key);
}

static void passwd(struct rpc_call *c)
{
    uint8_t key[ED448_KEY_SIZE];
    if (!id_arg(c, 1, key))
        return;
    const char *old_pass = passphrase_arg(c, 2);
    const char *new_pass = old_pass != NULL ? passphrase_arg(c, 3) : NULL;
    if (new_pass != NULL &&
        key_ok(c, pastelid_passwd(store(c), key, old_pass, new_pass)))
        write_id(c, key);
}

static const struct subcommand commands[] = {
    {"newkey", "\"passphrase\"", 1, 1, newkey},
    {"list", "", 0, 0, list},
    {"sign", "\"text\" \"pastelid\" \"passphrase\" ( \"encoding\" )", 3, 4, sign},
    {"verify", "\"text\" \"signature\" \"pastelid\" ( \"encoding\" )", 3, 4, verify},
    {"export", "\"pastelid\"", 1, 1, export_key},
    {"import", "\"key\" \"passphrase\"", 2, 2, import_key},
    {"passwd", "\"pastelid\" \"old passphrase\" \"new passphrase\"", 3, 3, passwd},
    {0},
};

static void pastelid(struct rpc_call *c)
{
    subcommand_run(c, commands);
}

static const struct rpc_method methods[] = {
    {
        .name = "pastelid",
        .help = "Makes, lists and uses the PastelID keys of this node. Each lies "
                "encrypted in "
                "a file of its own under pastelkeys/ in the data directory.\n"
                "\nCommands:\n"
                "newkey \"passphrase\"                            makes a key: "
                "{\"pastelid\"}\n"
                "list                                           every key here: "
                "[{\"pastelid\", "
                "\"registered\", \"height\"}]\n"
                "sign \"text\" \"pastelid\" \"passphrase\" ( \"encoding\" )   "
                "{\"signature\"}: "
                "Ed448 over the text; encoding \"hex\" when it is octets in hex\n"
                "verify \"text\" \"signature\" \"pastelid\" ( \"encoding\" )  "
                "{\"verification\": \"OK\" or \"Failed\"}\n"
                "export \"pastelid\"                              the encrypted file "
                "in hex: "
                "{\"pastelid\", \"key\"}\n"
                "import \"key\" \"passphrase\"                      such a file back: "
                "{\"pastelid\"}\n"
                "passwd \"pastelid\" \"old\" \"new\"                  encrypts the "
                "file anew: "
                "{\"pastelid\"}",
        .params = SUBCOMMAND_PARAMS,
        .results = RESULTS({R_ANY, "", "As the command says"}),
        .examples = EXAMPLES("newkey \"a long passphrase\"", "list"),
        .fn = pastelid,
    },
};

const struct rpc_table rpc_pastelid_table = {"Tickets", methods, ARRAY_LEN(methods), .needs_tickets = true};
