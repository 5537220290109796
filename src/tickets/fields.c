#include "tickets/fields.h"

#include <stdio.h>

#include "chain/script/address.h"
#include "crypto/ed448.h"
#include "tickets/pastelid.h"
#include "util/hex.h"

#define SCRIPT_MAX   42
#define ED448_SIGOPS 4 /* an Ed448 check costs as much as four others */

struct field_behaviour {
    size_t size; /* fixed size, or 0: a length in front, up to SCRIPT_MAX */
    bool (*valid)(struct bytes raw); /* NULL: any octets */
    unsigned sigops;
    void (*to_json)(struct json_writer *w, const struct ticket_field *f,
                    const struct chain_params *params, struct bytes raw);
    bool (*from_json)(struct buf *out, const struct ticket_field *f,
                      const struct chain_params *params, const struct json *obj,
                      struct arena *mem, const char **error);
    bool (*from_text)(struct buf *out, const struct chain_params *params,
                      const char *text);
};

static const struct field_behaviour behaviours[];

/* --- scripts --- */

bool script_is_payable(struct bytes script)
{
    switch (script_type_of(script)) {
    case SCRIPT_PUBKEYHASH:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
    case SCRIPT_WITNESS_V1_TAPROOT:
        return true;
    case SCRIPT_NONSTANDARD:
    case SCRIPT_PUBKEY:
    case SCRIPT_MULTISIG:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_UNKNOWN:
    case SCRIPT_ANCHOR:
        return false;
    }
    return false;
}

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

static bool ticket_script_from_text(struct buf *out, const struct chain_params *params,
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

static void sig_to_json(struct json_writer *w, const struct ticket_field *f,
                        const struct chain_params *params, struct bytes raw)
{
    (void)params;
    json_kv_hex(w, f->name, raw.data, raw.len);
}

static bool sig_from_json(struct buf *out, const struct ticket_field *f,
                          const struct chain_params *params, const struct json *obj,
                          struct arena *mem, const char **error)
{
    const struct json *v = json_get(obj, f->name);
    size_t size = behaviours[f->type].size;
    (void)params;
    if (v == NULL || v->type == JSON_NULL)
        return true;
    if (v->type == JSON_STRING && hex_decode(out, v->str, v->str_len) &&
        out->len == size)
        return true;
    *error = arena_printf(mem, "%s must be %zu octets in hex", f->name, size);
    return false;
}

/* --- all types --- */

static const struct field_behaviour behaviours[] = {
    [FIELD_PASTELID] = {.size = ED448_KEY_SIZE,
                        .to_json = pastelid_to_json,
                        .from_json = pastelid_from_json,
                        .from_text = pastelid_from_text},
    [FIELD_SCRIPT] = {.valid = script_is_payable,
                      .to_json = script_to_json,
                      .from_json = script_from_json,
                      .from_text = ticket_script_from_text},
    [FIELD_ED448_SIG] = {.size = ED448_SIG_SIZE,
                         .sigops = ED448_SIGOPS,
                         .to_json = sig_to_json,
                         .from_json = sig_from_json},
};

struct bytes field_read(const struct ticket_field *f, struct reader *r)
{
    const struct field_behaviour *b = &behaviours[f->type];
    struct bytes raw = b->size > 0 ? bytes_of(read_bytes(r, b->size), b->size)
                                   : read_var(r, SCRIPT_MAX);
    if (!r->bad && b->valid != NULL && !b->valid(raw))
        reader_fail(r);
    return r->bad ? bytes_of(NULL, 0) : raw;
}

void field_write(const struct ticket_field *f, struct sink *s, struct bytes raw)
{
    if (behaviours[f->type].size > 0)
        write_bytes(s, raw.data, raw.len);
    else
        write_var(s, raw);
}

unsigned field_sigops(const struct ticket_field *f)
{
    return behaviours[f->type].sigops;
}

void ticket_write_fields(const struct ticket *t, const struct chain_params *params,
                         struct json_writer *w)
{
    for (size_t i = 0; i < t->kind->n_fields; i++) {
        const struct ticket_field *f = &t->kind->fields[i];
        behaviours[f->type].to_json(w, f, params, t->v[i].raw);
    }
}

bool ticket_field_from_json(struct buf *out, const struct ticket_field *f,
                            const struct chain_params *params, const struct json *obj,
                            struct arena *mem, const char **error)
{
    return behaviours[f->type].from_json(out, f, params, obj, mem, error);
}

bool ticket_field_from_text(struct buf *out, const struct ticket_field *f,
                            const struct chain_params *params, const char *text)
{
    buf_reset(out);
    return behaviours[f->type].from_text != NULL &&
           behaviours[f->type].from_text(out, params, text);
}
