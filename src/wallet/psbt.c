#include "wallet/psbt.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "util/sink.h"
#include "wallet/psbt_fields.h"

/* -- Maps -- */

void psbt_map_append(struct psbt_map *m, const struct psbt_record *r)
{
    if (m->n == m->cap) {
        m->cap = m->cap == 0 ? 4 : m->cap * 2;
        m->items = xrealloc_array(m->items, m->cap, sizeof(*m->items));
    }
    m->items[m->n++] = *r;
}

enum psbt_place psbt_place_of(const struct psbt *p, const struct psbt_map *m)
{
    if (m == &p->global)
        return PSBT_AT_GLOBAL;
    return m >= p->in && m < p->in + p->tx->n_in ? PSBT_AT_IN : PSBT_AT_OUT;
}

/* A record with what its place in the order depends on. */
struct sort_entry {
    struct psbt_record r;
    const struct psbt_field *field;
    size_t index;   /* before sorting */
    unsigned class; /* 0 known, 1 proprietary, 2 unknown */
    uint8_t hash[20];
};

static struct sort_entry sort_entry_of(const struct psbt_record *r, enum psbt_place at,
                                       uint32_t version)
{
    struct sort_entry e = {.r = *r};
    e.field = psbt_field_of(at, r->type, r->key, version);
    if (e.field == NULL)
        e.class = r->type == PSBT_PROPRIETARY ? 1 : 2;
    else if (e.field->order == BY_KEY_HASH)
        hash160(e.hash, r->key.data, r->key.len);
    return e;
}

static int compare_keys(const struct sort_entry *a, const struct sort_entry *b)
{
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->r.type != b->r.type)
        return a->r.type < b->r.type ? -1 : 1;
    return bytes_compare(a->r.key, b->r.key);
}

static int by_key(const void *pa, const void *pb)
{
    const struct sort_entry *a = pa, *b = pb;
    int c = compare_keys(a, b);
    return c != 0 ? c : (a->index > b->index) - (a->index < b->index);
}

static int by_order(const void *pa, const void *pb)
{
    const struct sort_entry *a = pa, *b = pb;
    int c = 0;
    if (a->field != NULL && a->field == b->field) {
        if (a->field->order == BY_KEY_HASH)
            c = memcmp(a->hash, b->hash, sizeof(a->hash));
        else if (a->field->order == BY_VALUE)
            c = bytes_compare(a->r.value, b->r.value);
        if (c == 0 && a->field->order == BY_VALUE && a->r.key.len != b->r.key.len)
            return a->r.key.len < b->r.key.len ? -1 : 1;
    }
    return c != 0 ? c : compare_keys(a, b);
}

/* Keeps the first of each key; returns how many there are. */
static size_t drop_twice(struct sort_entry *all, size_t n, uint64_t *twice)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && compare_keys(&all[kept - 1], &all[i]) == 0)
            *twice = all[i].r.type;
        else
            all[kept++] = all[i];
    }
    return kept;
}

bool psbt_map_sort(struct psbt_map *m, enum psbt_place at, uint32_t version,
                   uint64_t *twice)
{
    size_t n = m->n;
    struct sort_entry *all = xcalloc(n + 1, sizeof(*all));
    for (size_t i = 0; i < n; i++) {
        all[i] = sort_entry_of(&m->items[i], at, version);
        all[i].index = i;
    }
    qsort(all, n, sizeof(*all), by_key);
    m->n = drop_twice(all, n, twice);
    qsort(all, m->n, sizeof(*all), by_order);
    for (size_t i = 0; i < m->n; i++)
        m->items[i] = all[i].r;
    free(all);
    return m->n == n;
}

const struct psbt_record *psbt_find(const struct psbt_map *m, uint64_t type,
                                    struct bytes key)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct psbt_record *r = &m->items[i];
        if (r->type == type && bytes_equal(r->key, key))
            return r;
    }
    return NULL;
}

struct bytes psbt_value(const struct psbt_map *m, uint64_t type)
{
    const struct psbt_record *r = psbt_find(m, type, psbt_no_key());
    return r != NULL ? r->value : bytes_of(NULL, 0);
}

const struct psbt_record *psbt_find_all(const struct psbt_map *m, uint64_t type,
                                        size_t *n)
{
    const struct psbt_record *first = NULL;
    *n = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (m->items[i].type != type)
            continue;
        first = first != NULL ? first : &m->items[i];
        ++*n;
    }
    return first;
}

struct bytes psbt_keep(struct psbt *p, struct bytes b)
{
    return bytes_of(
        arena_dup(&p->memory, b.data != NULL ? b.data : (const void *)"", b.len),
        b.len);
}

/* Puts the last record of a sorted map into its place. */
static void sink_last(const struct psbt *p, struct psbt_map *m)
{
    enum psbt_place at = psbt_place_of(p, m);
    struct sort_entry e = sort_entry_of(&m->items[m->n - 1], at, p->version);
    size_t i = m->n - 1;
    for (; i > 0; i--) {
        struct sort_entry before = sort_entry_of(&m->items[i - 1], at, p->version);
        if (by_order(&before, &e) <= 0)
            break;
        m->items[i] = m->items[i - 1];
    }
    m->items[i] = e.r;
}

static void insert(struct psbt *p, struct psbt_map *m, uint64_t type, struct bytes key,
                   struct bytes value)
{
    struct psbt_record r = {type, psbt_keep(p, key), psbt_keep(p, value)};
    psbt_map_append(m, &r);
    sink_last(p, m);
}

void psbt_add(struct psbt *p, struct psbt_map *m, uint64_t type, struct bytes key,
              struct bytes value)
{
    if (psbt_find(m, type, key) == NULL)
        insert(p, m, type, key, value);
}

static void remove_at(struct psbt_map *m, size_t i)
{
    m->n--;
    memmove(&m->items[i], &m->items[i + 1], (m->n - i) * sizeof(*m->items));
}

void psbt_put(struct psbt *p, struct psbt_map *m, uint64_t type, struct bytes key,
              struct bytes value)
{
    const struct psbt_record *r = psbt_find(m, type, key);
    if (r != NULL && bytes_equal(r->value, value))
        return;
    if (r != NULL)
        remove_at(m, (size_t)(r - m->items));
    insert(p, m, type, key, value);
}

void psbt_remove(struct psbt_map *m, uint64_t type)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (m->items[i].type != type)
            m->items[kept++] = m->items[i];
    }
    m->n = kept;
}

void psbt_map_merge(struct psbt *p, struct psbt_map *m, const struct psbt_map *from)
{
    uint64_t twice;
    for (size_t i = 0; i < from->n; i++) {
        struct psbt_record r = from->items[i];
        r.key = psbt_keep(p, r.key);
        r.value = psbt_keep(p, r.value);
        psbt_map_append(m, &r);
    }
    psbt_map_sort(m, psbt_place_of(p, m), p->version, &twice);
}

/* -- Life -- */

bool psbt_tx_is_signed(const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (tx->in[i].script_sig.len > 0 || tx->in[i].n_witness > 0)
            return true;
    }
    return false;
}

static void without_signatures(struct mtx *m)
{
    for (uint32_t i = 0; i < m->n_in; i++) {
        buf_reset(&m->in[i].script_sig);
        mtxin_set_witness(&m->in[i], NULL, 0);
    }
}

void psbt_create(struct psbt *out, const struct tx *tx, uint32_t version)
{
    struct mtx m;
    ASSERT(version == 0 || version == 2);
    *out = (struct psbt){.version = 0};
    arena_init(&out->memory, 4096);
    mtx_from_tx(&m, tx);
    without_signatures(&m);
    out->tx = mtx_to_tx(&m);
    mtx_clear(&m);
    out->in = xcalloc(tx->n_in + 1, sizeof(*out->in));
    out->out = xcalloc(tx->n_out + 1, sizeof(*out->out));
    out->spent = xcalloc(tx->n_in + 1, sizeof(*out->spent));
    psbt_write_tx(out);
    if (version == 0)
        return;
    static const uint8_t modifiable = PSBT_INPUTS_MODIFIABLE | PSBT_OUTPUTS_MODIFIABLE;
    psbt_convert(out, version);
    psbt_put(out, &out->global, PSBT_GLOBAL_TX_MODIFIABLE, psbt_no_key(),
             bytes_of(&modifiable, 1));
}

void psbt_clear(struct psbt *p)
{
    uint32_t n_in = p->tx != NULL ? p->tx->n_in : 0;
    uint32_t n_out = p->tx != NULL ? p->tx->n_out : 0;
    for (uint32_t i = 0; i < n_in; i++)
        free(p->in[i].items);
    for (uint32_t i = 0; i < n_out; i++)
        free(p->out[i].items);
    free(p->global.items);
    free(p->in);
    free(p->out);
    free(p->spent);
    arena_clear(&p->memory);
    tx_unref(p->tx);
    *p = (struct psbt){0};
}

void psbt_copy(struct psbt *out, const struct psbt *p)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    const char *error;
    psbt_write(p, &s);
    bool ok = psbt_read(out, buf_view(&raw), &error);
    ASSERT(ok);
    buf_clear(&raw);
}

void psbt_convert(struct psbt *p, uint32_t version)
{
    uint8_t le[4];
    ASSERT(version == 0 || version == 2);
    if (p->version == version)
        return;
    if (version == 0) {
        psbt_v2_strip(p);
        psbt_remove(&p->global, PSBT_GLOBAL_VERSION);
    }
    p->version = version;
    if (version == 2) {
        psbt_remove(&p->global, PSBT_GLOBAL_UNSIGNED_TX);
        put_le32(le, version);
        psbt_put(p, &p->global, PSBT_GLOBAL_VERSION, psbt_no_key(), bytes_of(le, 4));
        psbt_v2_describe(p);
    }
    psbt_write_tx(p);
}

/* -- What inputs spend -- */

/* The output of a previous transaction, its script kept. */
static const char *output_of(struct psbt *p, struct bytes raw, const struct outpoint *o,
                             struct txout *out)
{
    const char *error = NULL;
    struct tx *prev = tx_from_bytes(raw.data, raw.len, true);
    if (prev == NULL)
        return "Non-witness UTXO is not a transaction";
    if (!hash256_equal(&prev->txid, &o->txid))
        error = "Non-witness UTXO does not match outpoint hash";
    else if (o->n >= prev->n_out)
        error = "Input specifies output index that does not exist";
    else
        *out =
            (struct txout){prev->out[o->n].value, psbt_keep(p, prev->out[o->n].script)};
    tx_unref(prev);
    return error;
}

const char *psbt_refresh_spent(struct psbt *p, uint32_t i)
{
    struct txout *out = &p->spent[i];
    const struct psbt_record *tx =
        psbt_find(&p->in[i], PSBT_IN_NON_WITNESS_UTXO, psbt_no_key());
    const struct psbt_record *utxo =
        psbt_find(&p->in[i], PSBT_IN_WITNESS_UTXO, psbt_no_key());
    *out = (struct txout){.script = {NULL, 0}};
    if (tx != NULL)
        return output_of(p, tx->value, &p->tx->in[i].prevout, out);
    if (utxo != NULL && !psbt_read_txout(out, utxo->value))
        out->script.data = NULL;
    return NULL;
}
