/* Fields of tickets as JSON, both ways, and as the text by which users name a value. */
#include <stdio.h>

#include "chain/script/address.h"
#include "crypto/ed448.h"
#include "tickets/field_json.h"
#include "tickets/pastelid.h"
#include "tickets/sn_endpoint.h"
#include "util/hex.h"

/* --- scripts --- */

/* "owner_script" -> "owner_address" */
static const char *address_name(char out[64], const struct ticket_field *f)
{
    size_t n = strlen(f->name) - strlen("script");
    snprintf(out, 64, "%.*saddress", (int)n, f->name);
    return out;
}

static void script_to_json(struct json_writer *w, const struct ticket_field *f,
                           const struct chain_params *params, struct bytes raw)
{
    char name[64], text[ADDRESS_MAX];
    struct destination d;
    json_kv_hex(w, f->name, raw.data, raw.len);
    if (destination_from_script(&d, raw))
        json_kv_str(w, address_name(name, f), address_encode(text, params, &d));
}

static bool script_from_hex(struct buf *out, const struct json *v)
{
    return v->type == JSON_STRING && hex_decode(out, v->str, v->str_len) &&
           script_is_payable(buf_view(out));
}

static bool script_from_json(struct buf *out, const struct ticket_field *f,
                             const struct chain_params *params, const struct json *obj,
                             struct arena *mem, const char **error)
{
    char name[64];
    struct destination d;
    struct address_error why;
    const struct json *hex = json_get(obj, f->name);
    const struct json *address = json_get(obj, address_name(name, f));
    if (hex != NULL) {
        if (script_from_hex(out, hex))
            return true;
        *error = arena_printf(mem,
                              "%s must be the hex of a P2PKH, P2SH, P2WPKH, P2WSH or "
                              "P2TR script",
                              f->name);
        return false;
    }
    if (address == NULL || address->type != JSON_STRING) {
        *error = arena_printf(mem, "%s (an address) is missing", name);
        return false;
    }
    if (!address_decode(&d, params, address->str, &why)) {
        *error = arena_printf(mem, "%s: %s", name, why.message);
        return false;
    }
    destination_to_script(out, &d);
    if (script_is_payable(buf_view(out)))
        return true;
    *error = arena_printf(mem, "%s: addresses of this kind are not allowed here", name);
    return false;
}

static bool payable_from_text(struct buf *out, const struct chain_params *params,
                              const char *text)
{
    struct destination d;
    if (address_decode(&d, params, text, NULL))
        destination_to_script(out, &d);
    else if (!hex_decode(out, text, strlen(text)))
        return false;
    return script_is_payable(buf_view(out));
}

/* --- keys and signatures --- */

static void pastelid_to_json(struct json_writer *w, const struct ticket_field *f,
                             const struct chain_params *params, struct bytes raw)
{
    char text[PASTELID_TEXT_SIZE];
    (void)params;
    json_kv_str(w, f->name, pastelid_encode(text, raw.data));
}

static bool pastelid_from_json(struct buf *out, const struct ticket_field *f,
                               const struct chain_params *params,
                               const struct json *obj, struct arena *mem,
                               const char **error)
{
    uint8_t key[ED448_KEY_SIZE];
    const struct json *v = json_get(obj, f->name);
    (void)params;
    if (v == NULL || v->type != JSON_STRING || !pastelid_decode(key, v->str)) {
        *error = arena_printf(
            mem, "%s must be a PastelID (86 characters that begin with jX)", f->name);
        return false;
    }
    buf_append(out, key, sizeof(key));
    return true;
}

static bool pastelid_from_text(struct buf *out, const struct chain_params *params,
                               const char *text)
{
    uint8_t key[ED448_KEY_SIZE];
    (void)params;
    if (!pastelid_decode(key, text))
        return false;
    buf_append(out, key, sizeof(key));
    return true;
}

/* --- octets in hex: hashes, keys, CIDs, signatures --- */

static void hex_to_json(struct json_writer *w, const struct ticket_field *f,
                        const struct chain_params *params, struct bytes raw)
{
    (void)params;
    json_kv_hex(w, f->name, raw.data, raw.len);
}

/* What may be empty, or be made later, may be absent. */
static bool hex_from_json(struct buf *out, const struct ticket_field *f,
                          const struct chain_params *params, const struct json *obj,
                          struct arena *mem, const char **error)
{
    const struct json *v = json_get(obj, f->name);
    size_t max, size = field_size(f->type, &max);
    (void)params;
    if ((v == NULL || v->type == JSON_NULL) && (f->role != NULL || size == 0))
        return true;
    if (v != NULL && v->type == JSON_STRING && hex_decode(out, v->str, v->str_len) &&
        (size > 0 ? out->len == size : out->len <= max))
        return true;
    *error = size > 0 ? arena_printf(mem, "%s must be %zu octets in hex", f->name, size)
                      : arena_printf(mem, "%s must be at most %zu octets in hex",
                                     f->name, max);
    return false;
}

static bool hash_from_text(struct buf *out, const struct chain_params *params,
                           const char *text)
{
    (void)params;
    return hex_decode(out, text, strlen(text)) && out->len == 32;
}

/* --- txids and what is made of them --- */

struct hash256 hash_at(const uint8_t *octets)
{
    struct hash256 h;
    memcpy(h.b, octets, 32);
    return h;
}

bool hash_from_json(struct buf *out, const struct json *v)
{
    struct hash256 h;
    if (v == NULL || v->type != JSON_STRING || !hash256_from_hex(&h, v->str))
        return false;
    buf_append(out, h.b, 32);
    return true;
}

static void txid_to_json(struct json_writer *w, const struct ticket_field *f,
                         const struct chain_params *params, struct bytes raw)
{
    struct hash256 h = hash_at(raw.data);
    (void)params;
    json_kv_hash(w, f->name, &h);
}

static bool txid_from_json(struct buf *out, const struct ticket_field *f,
                           const struct chain_params *params, const struct json *obj,
                           struct arena *mem, const char **error)
{
    (void)params;
    if (hash_from_json(out, json_get(obj, f->name)))
        return true;
    *error = arena_printf(mem, "%s must be a txid (64 hex digits)", f->name);
    return false;
}

static bool txid_from_text(struct buf *out, const struct chain_params *params,
                           const char *text)
{
    struct hash256 h;
    (void)params;
    if (!hash256_from_hex(&h, text))
        return false;
    buf_append(out, h.b, 32);
    return true;
}

static void outpoint_to_json(struct json_writer *w, const struct ticket_field *f,
                             const struct chain_params *params, struct bytes raw)
{
    struct hash256 h = hash_at(raw.data);
    (void)params;
    json_key(w, f->name);
    json_begin_object(w);
    json_kv_hash(w, "txid", &h);
    json_kv_int(w, "vout", get_le32(raw.data + 32));
    json_end_object(w);
}

static bool outpoint_from_json(struct buf *out, const struct ticket_field *f,
                               const struct chain_params *params,
                               const struct json *obj, struct arena *mem,
                               const char **error)
{
    const struct json *v = json_get(obj, f->name);
    struct sink s = sink_to_buf(out);
    uint64_t n;
    (void)params;
    if (hash_from_json(out, json_get(v, "txid")) &&
        number_from_json(&n, json_get(v, "vout"), UINT32_MAX)) {
        write_u32(&s, (uint32_t)n);
        return true;
    }
    *error = arena_printf(mem, "%s must be {\"txid\", \"vout\"}", f->name);
    return false;
}

static void committee_to_json(struct json_writer *w, const struct ticket_field *f,
                              const struct chain_params *params, struct bytes raw)
{
    struct hash256 h = hash_at(raw.data + 4);
    (void)params;
    json_key(w, f->name);
    json_begin_object(w);
    json_kv_int(w, "height", get_le32(raw.data));
    json_kv_hash(w, "blockhash", &h);
    json_end_object(w);
}

static bool committee_from_json(struct buf *out, const struct ticket_field *f,
                                const struct chain_params *params,
                                const struct json *obj, struct arena *mem,
                                const char **error)
{
    const struct json *v = json_get(obj, f->name);
    struct sink s = sink_to_buf(out);
    uint64_t height;
    (void)params;
    if (number_from_json(&height, json_get(v, "height"), UINT32_MAX)) {
        write_u32(&s, (uint32_t)height);
        if (hash_from_json(out, json_get(v, "blockhash")))
            return true;
    }
    *error = arena_printf(mem, "%s must be {\"height\", \"blockhash\"}", f->name);
    return false;
}

/* --- text --- */

static void name_to_json(struct json_writer *w, const struct ticket_field *f,
                         const struct chain_params *params, struct bytes raw)
{
    (void)params;
    json_key(w, f->name);
    json_strn(w, (const char *)raw.data, raw.len);
}

static bool name_from_json(struct buf *out, const struct ticket_field *f,
                           const struct chain_params *params, const struct json *obj,
                           struct arena *mem, const char **error)
{
    const struct json *v = json_get(obj, f->name);
    size_t max;
    field_size(f->type, &max);
    (void)params;
    if (v != NULL && v->type == JSON_STRING && v->str_len <= max) {
        buf_append(out, v->str, v->str_len);
        return true;
    }
    *error = arena_printf(mem, "%s must be a text of at most %zu octets", f->name, max);
    return false;
}

static void endpoint_to_json(struct json_writer *w, const struct ticket_field *f,
                             const struct chain_params *params, struct bytes raw)
{
    char text[SN_ENDPOINT_TEXT];
    (void)params;
    json_kv_str(w, f->name, sn_endpoint_format(text, raw));
}

static bool endpoint_from_json(struct buf *out, const struct ticket_field *f,
                               const struct chain_params *params,
                               const struct json *obj, struct arena *mem,
                               const char **error)
{
    const struct json *v = json_get(obj, f->name);
    (void)params;
    if (v != NULL && v->type == JSON_STRING && sn_endpoint_parse(out, v->str))
        return true;
    *error = arena_printf(
        mem, "%s must be a numeric, .onion or .b32.i2p address with a port", f->name);
    return false;
}

static bool name_from_text(struct buf *out, const struct chain_params *params,
                           const char *text)
{
    (void)params;
    buf_append_str(out, text);
    return out->len > 0;
}

static bool cid_from_text(struct buf *out, const struct chain_params *params,
                          const char *text)
{
    (void)params;
    return hex_decode(out, text, strlen(text)) && out->len > 0;
}

static bool endpoint_from_text(struct buf *out, const struct chain_params *params,
                               const char *text)
{
    (void)params;
    return sn_endpoint_parse(out, text);
}

/* --- all types --- */

#define HEX_JSON                                                                       \
    {                                                                                  \
        .to_json = hex_to_json, .from_json = hex_from_json                             \
    }
#define UINT_JSON                                                                      \
    {                                                                                  \
        .to_json = uint_to_json, .from_json = uint_from_json                           \
    }

static const struct field_json forms[] = {
    [FIELD_PASTELID] = {pastelid_to_json, pastelid_from_json, pastelid_from_text},
    [FIELD_SCRIPT] = {script_to_json, script_from_json, payable_from_text},
    [FIELD_HASH] = {hex_to_json, hex_from_json, hash_from_text},
    [FIELD_TXID] = {txid_to_json, txid_from_json, txid_from_text},
    [FIELD_OUTPOINT] = {outpoint_to_json, outpoint_from_json, NULL},
    [FIELD_U8] = UINT_JSON,
    [FIELD_U16] = UINT_JSON,
    [FIELD_U32] = UINT_JSON,
    [FIELD_U64] = UINT_JSON,
    [FIELD_AMOUNT] = {amount_to_json, amount_from_json, NULL},
    [FIELD_MEGABYTES] = {megabytes_to_json, megabytes_from_json, NULL},
    [FIELD_XONLY_KEY] = {hex_to_json, hex_from_json, hash_from_text},
    [FIELD_ED25519_KEY] = {hex_to_json, hex_from_json, hash_from_text},
    [FIELD_ED25519_KEY_OPT] = {hex_to_json, hex_from_json, hash_from_text},
    [FIELD_NAME] = {name_to_json, name_from_json, name_from_text},
    [FIELD_CID] = {hex_to_json, hex_from_json, cid_from_text},
    [FIELD_ENDPOINT] = {endpoint_to_json, endpoint_from_json, endpoint_from_text},
    [FIELD_COMMITTEE] = {committee_to_json, committee_from_json, NULL},
    [FIELD_SUPERNODES] = {supernodes_to_json, supernodes_from_json, NULL},
    [FIELD_SYNC_LIST] = {sync_list_to_json, sync_list_from_json, txid_from_text},
    [FIELD_ED448_SIG] = HEX_JSON,
    [FIELD_SUPERNODE_SIGS] = {supernode_sigs_to_json, supernode_sigs_from_json, NULL},
    [FIELD_ED25519_SIG] = HEX_JSON,
    [FIELD_ED25519_SIG_OPT] = HEX_JSON,
    [FIELD_BIP340_SIG_OPT] = HEX_JSON,
    [FIELD_SCRIPT_SIG_OPT] = HEX_JSON,
    [FIELD_QUORUM] = {quorum_to_json, quorum_from_json, NULL},
};

void ticket_write_fields(const struct ticket *t, const struct chain_params *params,
                         struct json_writer *w)
{
    for (size_t i = 0; i < t->kind->n_fields; i++) {
        const struct ticket_field *f = &t->kind->fields[i];
        forms[f->type].to_json(w, f, params, t->v[i].raw);
    }
}

bool ticket_field_from_json(struct buf *out, const struct ticket_field *f,
                            const struct chain_params *params, const struct json *obj,
                            struct arena *mem, const char **error)
{
    return forms[f->type].from_json(out, f, params, obj, mem, error);
}

bool ticket_field_from_text(struct buf *out, const struct ticket_field *f,
                            const struct chain_params *params, const char *text)
{
    buf_reset(out);
    return forms[f->type].from_text != NULL &&
           forms[f->type].from_text(out, params, text);
}
