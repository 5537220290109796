/* Fields that hold several records as JSON: quorums, usage reports, the three
 * supernodes of a request and their signatures. */
#include "crypto/ed448.h"
#include "tickets/field_json.h"
#include "tickets/lists.h"
#include "util/hex.h"

void quorum_to_json(struct json_writer *w, const struct ticket_field *f,
                    const struct chain_params *params, struct bytes raw)
{
    struct quorum_entry e[QUORUM_MAX];
    size_t n = quorum_entries(e, raw);
    (void)params;
    json_key(w, f->name);
    json_begin_array(w);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(w);
        json_kv_int(w, "rank", e[i].rank);
        json_kv_hex(w, "signature", e[i].sig, 64);
        json_end_object(w);
    }
    json_end_array(w);
}

/* 64 octets in hex, in memory of the call; NULL: something else. */
static const uint8_t *sig_from_json(const struct json *v, struct arena *mem)
{
    uint8_t *sig = arena_alloc(mem, 64);
    return v != NULL && v->type == JSON_STRING &&
                   hex_decode_fixed(sig, 64, v->str, v->str_len)
               ? sig
               : NULL;
}

bool quorum_from_json(struct buf *out, const struct ticket_field *f,
                      const struct chain_params *params, const struct json *obj,
                      struct arena *mem, const char **error)
{
    const struct json *v = json_get(obj, f->name);
    struct quorum_entry e[QUORUM_MAX];
    size_t n = v != NULL && v->type == JSON_ARRAY ? v->len : 0;
    bool ok = n <= QUORUM_MAX;
    (void)params;
    for (size_t i = 0; i < n && ok; i++) {
        uint64_t rank;
        const struct json *entry = json_at(v, i);
        ok = number_from_json(&rank, json_get(entry, "rank"), UINT8_MAX);
        e[i].rank = ok ? (uint8_t)rank : 0;
        e[i].sig = sig_from_json(json_get(entry, "signature"), mem);
        ok = ok && e[i].sig != NULL;
    }
    if (ok)
        quorum_write(out, e, n);
    else
        *error = arena_printf(mem, "%s must be at most %d of {\"rank\", \"signature\"}",
                              f->name, QUORUM_MAX);
    return ok;
}

void sync_list_to_json(struct json_writer *w, const struct ticket_field *f,
                       const struct chain_params *params, struct bytes raw)
{
    struct sync_item items[SYNC_LIST_MAX];
    size_t n = sync_items(items, raw);
    (void)params;
    json_key(w, f->name);
    json_begin_array(w);
    for (size_t i = 0; i < n; i++) {
        struct hash256 token = hash_at(items[i].token);
        json_begin_object(w);
        json_kv_hash(w, "token", &token);
        json_kv_uint(w, "sequence", items[i].sequence);
        json_kv_uint(w, "used", items[i].used);
        json_kv_hex(w, "cid", items[i].cid.data, items[i].cid.len);
        json_kv_hex(w, "signature", items[i].sig, 64);
        json_end_object(w);
    }
    json_end_array(w);
}

/* One that is still to be made is absent. */
static const uint8_t *record_sig_from_json(const struct json *v, struct arena *mem)
{
    static const uint8_t none[64];
    return v == NULL || v->type == JSON_NULL ? none : sig_from_json(v, mem);
}

static bool sync_item_from_json(struct sync_item *out, const struct json *v,
                                struct arena *mem)
{
    struct buf token = {0}, cid = {0};
    const struct json *text = json_get(v, "cid");
    bool ok = hash_from_json(&token, json_get(v, "token")) &&
              number_from_json(&out->sequence, json_get(v, "sequence"), UINT64_MAX) &&
              number_from_json(&out->used, json_get(v, "used"), UINT64_MAX) &&
              text != NULL && text->type == JSON_STRING &&
              hex_decode(&cid, text->str, text->str_len) && cid.len <= 64;
    if (ok) {
        out->token = arena_dup(mem, token.data, token.len);
        out->cid = bytes_of(arena_dup(mem, cid.data, cid.len), cid.len);
        out->sig = record_sig_from_json(json_get(v, "signature"), mem);
    }
    buf_clear(&token);
    buf_clear(&cid);
    return ok && out->sig != NULL;
}

bool sync_list_from_json(struct buf *out, const struct ticket_field *f,
                         const struct chain_params *params, const struct json *obj,
                         struct arena *mem, const char **error)
{
    const struct json *v = json_get(obj, f->name);
    struct sync_item items[SYNC_LIST_MAX];
    size_t n = v != NULL && v->type == JSON_ARRAY ? v->len : 0;
    bool ok = n > 0 && n <= SYNC_LIST_MAX;
    (void)params;
    for (size_t i = 0; i < n && ok; i++)
        ok = sync_item_from_json(&items[i], json_at(v, i), mem);
    if (ok)
        sync_list_write(out, items, n);
    else
        *error = arena_printf(mem,
                              "%s must be 1 to %d of {\"token\", \"sequence\", "
                              "\"used\", \"cid\", \"signature\"}",
                              f->name, SYNC_LIST_MAX);
    return ok;
}

void supernodes_to_json(struct json_writer *w, const struct ticket_field *f,
                        const struct chain_params *params, struct bytes raw)
{
    (void)params;
    json_key(w, f->name);
    json_begin_array(w);
    for (size_t i = 0; i < raw.len; i += 32) {
        struct hash256 sn = hash_at(raw.data + i);
        json_hash(w, &sn);
    }
    json_end_array(w);
}

bool supernodes_from_json(struct buf *out, const struct ticket_field *f,
                          const struct chain_params *params, const struct json *obj,
                          struct arena *mem, const char **error)
{
    const struct json *v = json_get(obj, f->name);
    size_t max, n = field_size(f->type, &max) / 32;
    bool ok = v != NULL && v->type == JSON_ARRAY && v->len == n;
    (void)params;
    for (size_t i = 0; i < n && ok; i++)
        ok = hash_from_json(out, json_at(v, i));
    if (!ok)
        *error = arena_printf(mem, "%s must be %zu txids of registrations", f->name, n);
    return ok;
}

void supernode_sigs_to_json(struct json_writer *w, const struct ticket_field *f,
                            const struct chain_params *params, struct bytes raw)
{
    (void)params;
    json_key(w, f->name);
    json_begin_array(w);
    for (size_t i = 0; i < raw.len; i += ED448_SIG_SIZE)
        json_hex(w, raw.data + i, ED448_SIG_SIZE);
    json_end_array(w);
}

/* Those that are still to come may be null. */
bool supernode_sigs_from_json(struct buf *out, const struct ticket_field *f,
                              const struct chain_params *params, const struct json *obj,
                              struct arena *mem, const char **error)
{
    const struct json *v = json_get(obj, f->name);
    size_t max, n = field_size(f->type, &max) / ED448_SIG_SIZE;
    (void)params;
    if (v == NULL || v->type == JSON_NULL)
        return true;
    bool ok = v->type == JSON_ARRAY && v->len == n;
    for (size_t i = 0; i < n && ok; i++) {
        const struct json *sig = json_at(v, i);
        uint8_t octets[ED448_SIG_SIZE] = {0};
        ok = sig->type == JSON_NULL ||
             (sig->type == JSON_STRING &&
              hex_decode_fixed(octets, sizeof(octets), sig->str, sig->str_len));
        buf_append(out, octets, sizeof(octets));
    }
    if (!ok)
        *error = arena_printf(mem, "%s must be %zu times %d octets in hex, or null",
                              f->name, n, ED448_SIG_SIZE);
    return ok;
}
