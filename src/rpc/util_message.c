#include "chain/script/address.h"
#include "chain/script/signed_message.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "rpc/util_methods.h"
#include "util/base64.h"

static bool signed_by(const struct destination *d, const struct buf *sig,
                      const struct json *message)
{
    uint8_t hash[32], pubkey[65];
    size_t len;
    struct destination signer;
    signed_message_hash(hash, message->str, message->str_len);
    if (sig->len != 65 || !secp_ecdsa_recover(pubkey, &len, sig->data, hash))
        return false;
    destination_of_key(&signer, DEST_PKH, bytes_of(pubkey, len));
    return destination_equal(&signer, d);
}

void rpc_verifymessage(struct rpc_call *c)
{
    struct destination d;
    struct buf sig = {0};
    const struct json *text = rpc_arg(c, 1);
    if (!address_decode(&d, c->node->params, rpc_arg_str(c, 0, ""), NULL))
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid address");
    else if (d.type != DEST_PKH)
        rpc_error(c, RPC_TYPE_ERROR, "Address does not refer to key");
    else if (!base64_decode(&sig, text->str, text->str_len))
        rpc_error(c, RPC_TYPE_ERROR, "Malformed base64 encoding");
    else
        json_bool(c->w, signed_by(&d, &sig, rpc_arg(c, 2)));
    buf_clear(&sig);
}

void rpc_put_signed_message(struct rpc_call *c, const uint8_t secret[32],
                            bool compressed, const struct json *message)
{
    uint8_t hash[32], sig[65];
    struct buf text = {0};
    signed_message_hash(hash, message->str, message->str_len);
    secp_ecdsa_sign_compact(sig, secret, hash, compressed);
    base64_append(&text, sig, sizeof(sig));
    json_strn(c->w, (const char *)text.data, text.len);
    buf_clear(&text);
}

void rpc_signmessagewithprivkey(struct rpc_call *c)
{
    struct privkey *key = secret_alloc(sizeof(*key));
    if (wif_decode(key, c->node->params, rpc_arg_str(c, 0, "")))
        rpc_put_signed_message(c, key->secret, key->compressed, rpc_arg(c, 1));
    else
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid private key");
    secret_free(key);
}
