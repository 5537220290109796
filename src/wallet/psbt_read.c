#include <stdlib.h>

#include "util/base64.h"
#include "util/reader.h"
#include "util/sink.h"
#include "wallet/psbt_fields.h"

static const uint8_t magic[5] = {'p', 's', 'b', 't', 0xff};

/* -- Reading -- */

struct psbt_reader {
    struct psbt *p;
    struct reader r;
    uint32_t n_in, n_out;
    const char *error; /* the first one */
};

static bool fail(struct psbt_reader *s, const char *error)
{
    if (s->error == NULL)
        s->error = error;
    return false;
}

static const char past_end[] = "DataStream::read(): end of data";

/* One record; *end: it was the empty key that closes a map. */
static bool read_record(struct psbt_reader *s, struct psbt_record *out, bool *end)
{
    struct reader key;
    struct bytes whole = read_var(&s->r, reader_left(&s->r));
    *end = !s->r.bad && whole.len == 0;
    if (*end)
        return true;
    reader_init(&key, whole.data, whole.len);
    out->type = read_varint(&key, UINT64_MAX);
    out->key = bytes_of(key.pos, reader_left(&key));
    out->value = read_var(&s->r, reader_left(&s->r));
    return (!s->r.bad && !key.bad) || fail(s, past_end);
}

static const char *const no_separator[] = {
    [PSBT_AT_GLOBAL] = "Separator is missing at the end of the global map",
    [PSBT_AT_IN] = "Separator is missing at the end of an input map",
    [PSBT_AT_OUT] = "Separator is missing at the end of an output map",
};

static bool read_map(struct psbt_reader *s, struct psbt_map *m, enum psbt_place at)
{
    struct psbt_record r;
    bool end = false;
    while (reader_left(&s->r) > 0) {
        if (!read_record(s, &r, &end))
            return false;
        if (end)
            return true;
        psbt_map_append(m, &r);
    }
    return fail(s, no_separator[at]);
}

static bool check_record(struct psbt_reader *s, const struct psbt_record *r,
                         enum psbt_place at)
{
    const struct psbt_field *f = psbt_field_of(at, r->type, r->key, s->p->version);
    if (f == NULL)
        return true;
    if (f->key_size >= 0 && r->key.len != (size_t)f->key_size)
        return fail(s, f->key_error);
    if (f->version == ONLY_V2 && s->p->version != 2)
        return fail(s, "Field of PSBTv2 in a PSBT of version 0");
    if (f->version == ONLY_V0 && s->p->version != 0)
        return fail(s, "PSBT_GLOBAL_UNSIGNED_TX is not allowed in PSBTv2");
    const char *error = f->check != NULL ? f->check(r->key, r->value) : NULL;
    return error == NULL || fail(s, error);
}

static bool check_unique(struct psbt_reader *s, struct psbt_map *m, enum psbt_place at)
{
    uint64_t type;
    if (psbt_map_sort(m, at, s->p->version, &type))
        return true;
    const struct psbt_field *f = psbt_field_of(at, type, psbt_no_key(), s->p->version);
    if (f != NULL)
        return fail(s, f->twice_error);
    return fail(s, type == PSBT_PROPRIETARY
                       ? "Duplicate Key, proprietary key already found"
                       : "Duplicate Key, key for unknown value already provided");
}

static bool check_map(struct psbt_reader *s, struct psbt_map *m, enum psbt_place at)
{
    for (size_t i = 0; i < m->n; i++) {
        if (!check_record(s, &m->items[i], at))
            return false;
    }
    return check_unique(s, m, at);
}

/* The version decides how all else is read. */
static bool read_version(struct psbt_reader *s)
{
    const struct psbt_record *r =
        psbt_find(&s->p->global, PSBT_GLOBAL_VERSION, psbt_no_key());
    if (r == NULL)
        return true;
    if (r->value.len != 4)
        return fail(s, "Size of value was not the stated size");
    s->p->version = get_le32(r->value.data);
    if (s->p->version != 0 && s->p->version != 2)
        return fail(s, "Unsupported version number");
    return true;
}

static bool read_unsigned_tx(struct psbt_reader *s)
{
    struct psbt *p = s->p;
    const struct psbt_record *r =
        psbt_find(&p->global, PSBT_GLOBAL_UNSIGNED_TX, psbt_no_key());
    if (r == NULL)
        return fail(s, "No unsigned transaction was provided");
    p->tx = tx_from_bytes(r->value.data, r->value.len, false);
    if (p->tx == NULL)
        return fail(s, "Unsigned tx is not a transaction");
    s->n_in = p->tx->n_in;
    s->n_out = p->tx->n_out;
    return !psbt_tx_is_signed(p->tx) ||
           fail(s, "Unsigned tx does not have empty scriptSigs and scriptWitnesses.");
}

static bool read_count(struct psbt_reader *s, uint64_t type, uint32_t *out)
{
    struct reader r;
    const struct psbt_record *rec = psbt_find(&s->p->global, type, psbt_no_key());
    if (rec == NULL)
        return fail(s, type == PSBT_GLOBAL_INPUT_COUNT
                           ? "Input count is required in PSBTv2"
                           : "Output count is required in PSBTv2");
    reader_init(&r, rec->value.data, rec->value.len);
    *out = (uint32_t)read_varint(&r, UINT32_MAX);
    /* Every map takes at least the octet that ends it. */
    return *out <= reader_left(&s->r) || fail(s, past_end);
}

static bool read_global(struct psbt_reader *s)
{
    struct psbt *p = s->p;
    if (!read_map(s, &p->global, PSBT_AT_GLOBAL) || !read_version(s) ||
        !check_map(s, &p->global, PSBT_AT_GLOBAL))
        return false;
    if (p->version == 0)
        psbt_remove(&p->global, PSBT_GLOBAL_VERSION); /* goes without saying */
    if (p->version == 0)
        return read_unsigned_tx(s);
    return read_count(s, PSBT_GLOBAL_INPUT_COUNT, &s->n_in) &&
           read_count(s, PSBT_GLOBAL_OUTPUT_COUNT, &s->n_out);
}

static bool read_inputs(struct psbt_reader *s)
{
    for (uint32_t i = 0; i < s->n_in; i++) {
        if (reader_left(&s->r) == 0)
            return fail(s, "Inputs provided does not match the number of inputs in "
                           "transaction.");
        if (!read_map(s, &s->p->in[i], PSBT_AT_IN) ||
            !check_map(s, &s->p->in[i], PSBT_AT_IN))
            return false;
    }
    return true;
}

static bool read_outputs(struct psbt_reader *s)
{
    for (uint32_t i = 0; i < s->n_out; i++) {
        if (reader_left(&s->r) == 0)
            return fail(s, "Outputs provided does not match the number of outputs in "
                           "transaction.");
        if (!read_map(s, &s->p->out[i], PSBT_AT_OUT) ||
            !check_map(s, &s->p->out[i], PSBT_AT_OUT))
            return false;
    }
    return true;
}

static bool read_tx(struct psbt_reader *s)
{
    struct psbt *p = s->p;
    if (p->version == 2)
        p->tx = psbt_v2_tx(p, s->n_in, s->n_out, &s->error);
    return p->tx != NULL;
}

static bool read_all(struct psbt_reader *s)
{
    struct psbt *p = s->p;
    const uint8_t *m = read_bytes(&s->r, sizeof(magic));
    if (m == NULL || memcmp(m, magic, sizeof(magic)) != 0)
        return fail(s, "Invalid PSBT magic bytes");
    if (!read_global(s))
        return false;
    p->in = xcalloc((size_t)s->n_in + 1, sizeof(*p->in));
    p->out = xcalloc((size_t)s->n_out + 1, sizeof(*p->out));
    p->spent = xcalloc((size_t)s->n_in + 1, sizeof(*p->spent));
    if (!read_inputs(s) || !read_outputs(s) || !read_tx(s))
        return false;
    for (uint32_t i = 0; i < s->n_in; i++) {
        const char *error = psbt_refresh_spent(p, i);
        if (error != NULL)
            return fail(s, error);
    }
    return reader_left(&s->r) == 0 || fail(s, "extra data after PSBT");
}

static void drop_half_read(struct psbt_reader *s)
{
    struct psbt *p = s->p;
    for (uint32_t i = 0; p->in != NULL && i < s->n_in; i++)
        free(p->in[i].items);
    for (uint32_t i = 0; p->out != NULL && i < s->n_out; i++)
        free(p->out[i].items);
    free(p->in);
    free(p->out);
    p->in = p->out = NULL;
    tx_unref(p->tx);
    p->tx = NULL;
    psbt_clear(p);
}

bool psbt_read(struct psbt *out, struct bytes raw, const char **error)
{
    struct psbt_reader s = {.p = out};
    *out = (struct psbt){.version = 0};
    *error = "PSBT is too large";
    if (raw.len > PSBT_MAX_SIZE)
        return false;
    arena_init(&out->memory, 4096);
    raw = psbt_keep(out, raw); /* records point into it */
    reader_init(&s.r, raw.data, raw.len);
    if (read_all(&s))
        return true;
    *error = s.error;
    drop_half_read(&s);
    return false;
}

bool psbt_from_base64(struct psbt *out, const char *text, size_t len,
                      const char **error)
{
    struct buf raw = {0};
    bool ok = base64_decode(&raw, text, len);
    *error = "invalid base64";
    ok = ok && psbt_read(out, buf_view(&raw), error);
    buf_clear(&raw);
    return ok;
}

/* -- Writing -- */

static void write_map(struct sink *s, const struct psbt_map *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct psbt_record *r = &m->items[i];
        write_varint(s, varint_size(r->type) + r->key.len);
        write_varint(s, r->type);
        write_bytes(s, r->key.data, r->key.len);
        write_var(s, r->value);
    }
    write_u8(s, 0);
}

void psbt_write(const struct psbt *p, struct sink *s)
{
    write_bytes(s, magic, sizeof(magic));
    write_map(s, &p->global);
    for (uint32_t i = 0; i < p->tx->n_in; i++)
        write_map(s, &p->in[i]);
    for (uint32_t i = 0; i < p->tx->n_out; i++)
        write_map(s, &p->out[i]);
}

void psbt_to_base64(const struct psbt *p, struct buf *out)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    psbt_write(p, &s);
    base64_append(out, raw.data, raw.len);
    buf_clear(&raw);
}
