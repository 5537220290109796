#include "tickets/ticket.h"

#include "crypto/hash.h"
#include "tickets/carrier.h"
#include "tickets/fields.h"

enum ticket_decode ticket_decode(struct ticket *out, struct bytes payload)
{
    struct reader r;
    reader_init(&r, payload.data, payload.len);
    read_bytes(&r, CARRIER_HEAD - 2);
    uint8_t version = read_u8(&r), id = read_u8(&r);
    out->kind = version == CARRIER_VERSION ? ticket_kind_by_id(id) : NULL;
    out->payload = payload;
    if (out->kind == NULL)
        return TICKET_UNKNOWN;
    for (size_t i = 0; i < out->kind->n_fields; i++) {
        out->v[i].offset = (size_t)(r.pos - payload.data);
        out->v[i].raw = field_read(&out->kind->fields[i], &r);
    }
    return reader_done(&r) ? TICKET_OK : TICKET_MALFORMED;
}

void ticket_encode(struct buf *out, const struct ticket_kind *kind,
                   const struct ticket_value *values)
{
    struct sink s = sink_to_buf(out);
    write_bytes(&s, "OCHR", 4);
    write_u8(&s, CARRIER_VERSION);
    write_u8(&s, kind->id);
    for (size_t i = 0; i < kind->n_fields; i++)
        field_write(&kind->fields[i], &s, values[i].raw);
}

struct hash256 ticket_hash(const struct chain_params *params, const char *kind,
                           const char *role, struct bytes m1, struct bytes m2)
{
    struct sha3 h;
    struct hash256 tag, out;
    sha3_init(&h);
    sha3_update(&h, "ochre/", 6);
    sha3_update(&h, kind, strlen(kind));
    sha3_update(&h, "/", 1);
    sha3_update(&h, role, strlen(role));
    sha3_final(&h, tag.b);
    sha3_init(&h);
    sha3_update(&h, tag.b, 32);
    sha3_update(&h, tag.b, 32);
    sha3_update(&h, params->genesis_hash.b, 32);
    sha3_update(&h, m1.data, m1.len);
    sha3_update(&h, m2.data, m2.len);
    sha3_final(&h, out.b);
    return out;
}

static bool is_signature(const struct ticket_field *f)
{
    return f->role != NULL;
}

/* The payload up to the first signature. */
static struct bytes body(const struct ticket *t)
{
    for (size_t i = 0; i < t->kind->n_fields; i++)
        if (is_signature(&t->kind->fields[i]))
            return bytes_of(t->payload.data, t->v[i].offset);
    return t->payload;
}

struct hash256 ticket_sign_hash(const struct chain_params *params,
                                const struct ticket *t, size_t field,
                                const struct outpoint *prevout)
{
    const struct ticket_field *f = &t->kind->fields[field];
    uint8_t first[36];
    bool input =
        f->cover == COVER_INPUT_AND_BODY || f->cover == COVER_INPUT_AND_ALL_BEFORE;
    bool only_body = f->cover == COVER_INPUT_AND_BODY || f->cover == COVER_BODY;
    struct bytes rest =
        only_body ? body(t) : bytes_of(t->payload.data, t->v[field].offset);
    memcpy(first, prevout->txid.b, 32);
    put_le32(first + 32, prevout->n);
    return ticket_hash(params, t->kind->name, f->role,
                       bytes_of(first, input ? sizeof(first) : 0), rest);
}

unsigned ticket_sigops(const struct ticket *t)
{
    unsigned n = 0;
    for (size_t i = 0; i < t->kind->n_fields; i++)
        n += field_sigops(&t->kind->fields[i], t->v[i].raw);
    return n;
}

struct amount ticket_min_burn(const struct ticket *t, const struct ticket_env *env)
{
    return t->kind->min_burn != NULL ? t->kind->min_burn(t, env) : amount_of(0);
}

void claim(struct claim_set *out, const char *name, struct bytes value)
{
    struct sha3 h;
    ASSERT(out->n < MAX_CLAIMS);
    sha3_init(&h);
    sha3_update(&h, name, strlen(name) + 1);
    sha3_update(&h, value.data, value.len);
    sha3_final(&h, out->key[out->n++].b);
}
