/* Descriptors in memory and in the file. */
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "util/mem.h"
#include "wallet/spkman_impl.h"

static void make_id(struct hash256 *out, const char *text)
{
    sha256(out->b, text, strcspn(text, "#"));
}

struct wallet_desc *wallet_desc_new(const struct spkman *m,
                                    struct descriptor *take_desc)
{
    struct wallet_desc *d = xcalloc(1, sizeof(*d));
    d->desc = take_desc;
    d->text = descriptor_to_string(take_desc, spkman_params(m));
    d->type = descriptor_output_type(take_desc);
    descriptor_cache_init(&d->cache);
    make_id(&d->id, d->text);
    return d;
}

void wallet_desc_free(struct wallet_desc *d)
{
    struct descriptor_list list = {&d->desc, 1};
    descriptor_cache_clear(&d->cache);
    list.items = xmemdup(&d->desc, sizeof(struct descriptor *));
    descriptor_list_clear(&list);
    free(d->text);
    free(d);
}

void desc_add(struct spkman *m, struct wallet_desc *take_d)
{
    if (m->n == m->cap) {
        m->cap = m->cap == 0 ? 16 : m->cap * 2;
        m->items = xrealloc_array(m->items, m->cap, sizeof(struct wallet_desc *));
    }
    *(uint32_t *)map_put(&m->by_id, &take_d->id, NULL) = (uint32_t)m->n;
    m->items[m->n++] = take_d;
}

/* -- In the file */

static void bind_state(struct sqlite_stmt *q, const struct wallet_desc *d)
{
    sqlite_bind_int(q, d->created);
    sqlite_bind_int(q, d->range_start);
    sqlite_bind_int(q, d->range_end);
    sqlite_bind_int(q, d->next_index);
    sqlite_bind_int(q, d->active[0]);
    sqlite_bind_int(q, d->active[1]);
    sqlite_bind_int(q, d->internal);
}

enum err desc_insert(struct spkman *m, struct wallet_desc *d)
{
    struct sqlite_stmt *q = sqlite_query(
        spkman_db(m),
        "INSERT INTO descriptor (id, text, created, range_start, range_end, next_index,"
        " receives, changes, internal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlite_bind_bytes(q, bytes_of(d->id.b, sizeof(d->id.b)));
    sqlite_bind_text(q, d->text);
    bind_state(q, d);
    enum err e = sqlite_done(q);
    d->row = sqlite_last_rowid(spkman_db(m));
    return e;
}

enum err desc_update(struct spkman *m, const struct wallet_desc *d)
{
    struct sqlite_stmt *q = sqlite_query(
        spkman_db(m), "UPDATE descriptor SET created = ?, range_start = ?,"
                      " range_end = ?, next_index = ?, receives = ?, changes = ?,"
                      " internal = ? WHERE row = ?");
    bind_state(q, d);
    sqlite_bind_int(q, d->row);
    return sqlite_done(q);
}

/* -- Who hands out addresses */

static enum err retire(struct spkman *m, enum output_type type, bool internal,
                       const struct wallet_desc *but)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < m->n; i++) {
        struct wallet_desc *d = m->items[i];
        if (d == but || d->type != type || !d->active[internal])
            continue;
        d->active[internal] = false;
        e = desc_update(m, d);
    }
    return e;
}

enum err desc_activate(struct spkman *m, struct wallet_desc *d, bool internal)
{
    d->active[internal] = true;
    d->active[!internal] = false;
    d->internal = internal;
    enum err e = retire(m, d->type, internal, d);
    return e == ERR_OK ? desc_update(m, d) : e;
}

enum err spkman_deactivate(struct spkman *m, enum output_type type, bool internal)
{
    return retire(m, type, internal, NULL);
}

/* -- Private keys */

void desc_look_for_private(const struct spkman *m, struct wallet_desc *d)
{
    d->has_private = false;
    for (size_t i = 0; i < descriptor_n_keys(d->desc) && !d->has_private; i++) {
        struct descriptor_key k;
        struct hash160 id;
        descriptor_get_key(&k, d->desc, i);
        hash160(id.b, k.pubkey, k.pubkey_len);
        d->has_private = map_get(&m->private, &id) != NULL;
    }
}
