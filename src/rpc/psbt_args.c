#include "rpc/psbt_args.h"

#include <stdio.h>

#include "crypto/bip32.h"

bool rpc_to_psbt(struct rpc_call *c, const struct json *v, struct psbt *out)
{
    const char *error;
    if (!rpc_want(c, v, JSON_STRING))
        return false;
    if (psbt_from_base64(out, v->str, v->str_len, &error))
        return true;
    rpc_error(c, RPC_DESERIALIZATION_ERROR, "TX decode failed %s", error);
    return false;
}

void rpc_write_psbt(struct rpc_call *c, const char *key, const struct psbt *p)
{
    struct buf text = {0};
    psbt_to_base64(p, &text);
    if (key != NULL)
        json_key(c->w, key);
    json_strn(c->w, (const char *)text.data, text.len);
    buf_clear(&text);
}

bool rpc_arg_psbt_version(struct rpc_call *c, size_t i, uint32_t *out)
{
    int32_t version = 0;
    if (!rpc_arg_i32(c, i, &version))
        return false;
    *out = (uint32_t)version;
    if (version == 0 || version == 2)
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER, "The PSBT version can only be 0 or 2");
    return false;
}

const struct rpc_result rpc_processed_psbt_results[] = {
    {R_STR, "psbt", "The PSBT in base64"},
    {R_BOOL, "complete", "Whether every input is signed"},
    {R_HEX, "hex", "The signed transaction, if complete", .optional = true},
    {.name = NULL},
};

void rpc_put_processed_psbt(struct rpc_call *c, const struct psbt *p, bool complete)
{
    json_begin_object(c->w);
    rpc_write_psbt(c, "psbt", p);
    json_kv_bool(c->w, "complete", complete);
    if (complete) {
        struct tx *tx = psbt_extract(p);
        json_kv_hex(c->w, "hex", tx->raw.data, tx->raw.len);
        tx_unref(tx);
    }
    json_end_object(c->w);
}

void rpc_put_key_origin(struct rpc_call *c, struct bytes origin)
{
    struct buf path = {0};
    struct reader r;
    char fingerprint[9];
    reader_init(&r, origin.data, origin.len);
    snprintf(fingerprint, sizeof(fingerprint), "%08x", read_u32be(&r));
    json_kv_str(c->w, "master_fingerprint", fingerprint);
    buf_append_byte(&path, 'm');
    while (reader_left(&r) >= 4) {
        uint32_t step = read_u32(&r);
        buf_printf(&path, "/%u%s", step & ~BIP32_HARDENED,
                   step & BIP32_HARDENED ? "h" : "");
    }
    json_kv_str(c->w, "path", buf_cstr(&path));
    buf_clear(&path);
}
