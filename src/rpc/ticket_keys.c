#include "rpc/ticket_keys.h"

#include "chain/script/address.h"
#include "chain/script/signed_message.h"
#include "chain/script/sighash.h"
#include "chain/script/solver.h"
#include "chain/script/taproot_sign.h"
#include "crypto/ed25519.h"
#include "crypto/ed448.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "mn/sn_operator.h"
#include "tickets/pastelid.h"
#include "tickets/tickets.h"
#include "util/hex.h"

/* --- reading --- */

static bool add_wif(struct ticket_keys *k, const struct json *v)
{
    struct privkey *key = secret_alloc(sizeof(*key));
    bool ok = v->type == JSON_STRING && wif_decode(key, k->call->node->params, v->str);
    if (ok)
        keystore_add_secret(&k->store, key->secret, key->compressed);
    else
        rpc_error(k->call, RPC_INVALID_ADDRESS_OR_KEY, "Invalid private key");
    secret_free(key);
    return ok;
}

static bool read_privkeys(struct ticket_keys *k, const struct json *obj)
{
    const struct json *keys = json_get(obj, "privkeys");
    const struct json *op = json_get(obj, "operator_privkey");
    for (size_t i = 0; keys != NULL && i < keys->len; i++)
        if (!add_wif(k, json_at(keys, i)))
            return false;
    keystore_add_bip86(&k->store);
    return op == NULL || op->type == JSON_NULL || add_wif(k, op);
}

static bool read_seed(struct ticket_keys *k, const struct json *obj)
{
    const struct json *v = json_get(obj, "btns_privkey");
    if (v == NULL || v->type == JSON_NULL)
        return true;
    k->btns_seed = secret_alloc(32);
    if (hex_decode_fixed(k->btns_seed, 32, v->str, v->str_len))
        return true;
    rpc_error(k->call, RPC_INVALID_PARAMETER,
              "btns_privkey must be an Ed25519 seed: 64 hexadecimal digits");
    return false;
}

void ticket_keys_init(struct ticket_keys *k)
{
    *k = (struct ticket_keys){.passphrase = NULL};
    keystore_init(&k->store);
}

bool ticket_keys_read(struct ticket_keys *k, struct rpc_call *c, const struct json *obj)
{
    const struct json *pass = json_get(obj, "passphrase");
    k->call = c;
    if (pass != NULL && pass->type == JSON_STRING)
        k->passphrase = pass->str;
    return read_privkeys(k, obj) && read_seed(k, obj);
}

void ticket_keys_clear(struct ticket_keys *k)
{
    keystore_clear(&k->store);
    secret_free(k->btns_seed);
}

/* --- signing --- */

static bool report_pastelid(struct rpc_call *c, struct bytes key, enum err e)
{
    char name[PASTELID_TEXT_SIZE];
    pastelid_encode(name, key.data);
    if (e == ERR_NOT_FOUND)
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "This node has no key of PastelID %s; see: pastelid list", name);
    else if (e == ERR_AUTH)
        rpc_error(c, RPC_WALLET_PASSPHRASE_INCORRECT,
                  "The passphrase of PastelID %s is missing or wrong", name);
    else
        rpc_error(c, RPC_MISC_ERROR, "PastelID %s cannot sign: %s", name, err_text(e));
    return false;
}

static bool sign_ed448(struct ticket_keys *k, const struct ticket_signing *what,
                       uint8_t *sig)
{
    struct pastelid_store *store = tickets_pastelids(k->call->node->tickets);
    struct ticket_keys probe = {.call = k->call};
    enum err e;
    if (k->passphrase == NULL)
        e = ticket_keys_have(&probe, SIG_ED448, what->key) ? ERR_AUTH : ERR_NOT_FOUND;
    else
        e = pastelid_sign(store, sig, what->key.data, k->passphrase, what->message.b,
                          32);
    return e == ERR_OK || report_pastelid(k->call, what->key, e);
}

static bool missing(struct ticket_keys *k, const struct ticket_signing *what,
                    const char *option)
{
    rpc_error(k->call, RPC_INVALID_ADDRESS_OR_KEY,
              "%s can neither be made nor is it given: %s lacks its private key",
              what->field->name, option);
    return false;
}

static bool sign_ed25519(struct ticket_keys *k, const struct ticket_signing *what,
                         uint8_t *sig)
{
    if (!ticket_keys_have(k, SIG_ED25519, what->key))
        return missing(k, what, "btns_privkey");
    ed25519_sign(sig, k->btns_seed, what->message.b, 32);
    return true;
}

/* The operator key of the supernode that this node is, if it is this one. */
static const struct sn_operator *find_operator(struct ticket_keys *k, struct bytes key)
{
    const struct sn_operator *o = k->call->node->sn_operator;
    return o != NULL && bytes_equal(bytes_of(sn_operator_key(o), 32), key) ? o : NULL;
}

static const struct key_entry *find_xonly(struct ticket_keys *k, struct bytes key)
{
    const struct key_entry *e = keystore_find_xonly(&k->store, key.data);
    return e != NULL && keystore_secret(&k->store, e) != NULL ? e : NULL;
}

static bool sign_bip340(struct ticket_keys *k, const struct ticket_signing *what,
                        uint8_t *sig)
{
    const struct key_entry *e = find_xonly(k, what->key);
    const struct sn_operator *o = find_operator(k, what->key);
    if (o != NULL) {
        sn_operator_sign(o, sig, &what->message);
        return true;
    }
    if (e == NULL)
        return missing(k, what, "operator_privkey");
    return secp_schnorr_sign(sig, keystore_secret(&k->store, e), what->message.b, NULL,
                             NULL);
}

/* By the key of a P2TR output: one of ours as it stands, or tweaked (BIP 86). */
static bool sign_taproot(struct ticket_keys *k, const struct ticket_signing *what,
                         uint8_t *sig)
{
    struct bytes output = bytes_of(what->key.data + 2, 32);
    const struct tap_entry *tap = keystore_find_taproot(&k->store, output.data);
    const struct key_entry *e =
        find_xonly(k, tap != NULL ? bytes_of(tap->internal, 32) : output);
    struct hash256 tweak;
    if (e == NULL)
        return missing(k, what, "privkeys");
    if (tap != NULL)
        tweak = taptweak_hash(tap->internal, tap->has_root ? &tap->root : NULL);
    return secp_schnorr_sign(sig, keystore_secret(&k->store, e), what->message.b, NULL,
                             tap != NULL ? tweak.b : NULL);
}

/* The key behind a P2PKH or P2WPKH script. */
static const struct key_entry *find_key(struct ticket_keys *k, struct bytes script)
{
    struct destination d;
    if (!destination_from_script(&d, script) ||
        (d.type != DEST_PKH && d.type != DEST_WPKH))
        return NULL;
    const struct key_entry *e = keystore_find_key(&k->store, d.data);
    return e != NULL && keystore_secret(&k->store, e) != NULL ? e : NULL;
}

static void sign_message(struct ticket_keys *k, const struct key_entry *e,
                         const struct ticket_signing *what, uint8_t *sig)
{
    char text[65];
    uint8_t hash[32];
    hex_encode(text, what->message.b, 32);
    signed_message_hash(hash, text, 64);
    secp_ecdsa_sign_compact(sig, keystore_secret(&k->store, e), hash,
                            e->pubkey_len == 33);
}

static bool sign_by_script(struct ticket_keys *k, const struct ticket_signing *what,
                           uint8_t *sig)
{
    const struct key_entry *e;
    if (script_type_of(what->key) == SCRIPT_WITNESS_V1_TAPROOT)
        return sign_taproot(k, what, sig);
    if ((e = find_key(k, what->key)) == NULL)
        return missing(k, what, "privkeys");
    sign_message(k, e, what, sig);
    return true;
}

bool ticket_keys_sign(void *keys, const struct ticket_signing *what, uint8_t *sig)
{
    struct ticket_keys *k = keys;
    switch (what->scheme) {
    case SIG_ED448:
        return sign_ed448(k, what, sig);
    case SIG_ED25519:
        return sign_ed25519(k, what, sig);
    case SIG_BIP340:
        return sign_bip340(k, what, sig);
    case SIG_SCRIPT:
        return sign_by_script(k, what, sig);
    }
    return false;
}

/* --- what is here --- */

static bool have_pastelid(struct ticket_keys *k, struct bytes key)
{
    return key.len == ED448_KEY_SIZE &&
           pastelid_has(tickets_pastelids(k->call->node->tickets), key.data);
}

static bool have_seed_of(struct ticket_keys *k, struct bytes key)
{
    uint8_t pub[ED25519_KEY_SIZE];
    if (k->btns_seed == NULL)
        return false;
    ed25519_public(pub, k->btns_seed);
    return bytes_equal(key, bytes_of(pub, sizeof(pub)));
}

bool ticket_keys_have(struct ticket_keys *k, enum sig_scheme scheme, struct bytes key)
{
    switch (scheme) {
    case SIG_ED448:
        return have_pastelid(k, key);
    case SIG_ED25519:
        return have_seed_of(k, key);
    case SIG_BIP340:
        return find_operator(k, key) != NULL || find_xonly(k, key) != NULL;
    case SIG_SCRIPT:
        return find_key(k, key) != NULL;
    }
    return false;
}
