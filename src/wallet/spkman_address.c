/* Addresses to hand out, and the key pool ahead of them. */
#include "util/mem.h"
#include "wallet/addressbook.h"
#include "wallet/spkman_impl.h"

/* Derives positions [range_end, end), whose keys are in the cache. */
static enum err add_positions(struct spkman *m, struct wallet_desc *d, uint32_t end)
{
    const struct derive_range r = {d, d->range_end, end};
    enum err e;
    store_begin(m->w->store);
    if (!derive_prepare(m, d, r.begin, r.end, NULL, &e) && e == ERR_OK)
        e = ERR_RANGE;
    if (e == ERR_OK)
        e = derive_ranges(m, &r, 1);
    d->range_end = end;
    if (e == ERR_OK)
        e = desc_update(m, d);
    return store_end(m->w->store, e);
}

/* Adds positions up to @end; false: private keys are needed and not at hand, or *e
 * tells of the file. */
static bool extend(struct spkman *m, struct wallet_desc *d, uint32_t end, enum err *e)
{
    struct keystore keys;
    *e = ERR_OK;
    if (end <= d->range_end)
        return true;
    keystore_init(&keys);
    (void)!spkman_private_keys(m, d, &keys);
    bool known = descriptor_cache_fill(&d->cache, d->desc, &keys, d->range_end, end);
    keystore_clear(&keys);
    if (known)
        *e = add_positions(m, d, end);
    return known && *e == ERR_OK;
}

/* The pool ends below the first position that cannot be. */
static bool top_up(struct spkman *m, struct wallet_desc *d, uint32_t size, enum err *e)
{
    uint64_t end = (uint64_t)d->next_index + (size > 0 ? size : m->w->opt->keypool);
    *e = ERR_OK;
    if (!descriptor_is_range(d->desc))
        return true;
    return extend(m, d, end > BIP32_HARDENED ? BIP32_HARDENED : (uint32_t)end, e);
}

bool spkman_top_up(struct spkman *m, uint32_t size, struct wallet_error *e)
{
    bool all = true;
    for (size_t i = 0; i < m->n; i++) {
        enum err r;
        if (!top_up(m, m->items[i], size, &r))
            all = false;
        if (!wallet_wrote(m->w, r, e))
            return false;
    }
    return all || wallet_fail(e, WALLET_FAILED, "Error refreshing keypool.");
}

/* -- Handing out */

static struct wallet_desc *active(struct spkman *m, enum output_type type,
                                  bool internal, struct wallet_error *e)
{
    const struct wallet_desc *d = spkman_active(m, type, internal);
    if (d != NULL)
        return m->items[desc_number(m, d)];
    wallet_fail(e, WALLET_KEYPOOL_RAN_OUT, "Error: No %s addresses available.",
                output_type_name(type));
    return NULL;
}

static bool destination_at(struct spkman *m, const struct wallet_desc *d, uint32_t pos,
                           struct destination *out)
{
    struct script_list scripts;
    if (!descriptor_expand_cached(d->desc, spkman_params(m), pos, NULL, &d->cache,
                                  &scripts, NULL))
        return false;
    bool ok =
        scripts.n > 0 && destination_from_script(out, buf_view(&scripts.items[0]));
    script_list_clear(&scripts);
    return ok;
}

static bool next_address(struct spkman *m, struct wallet_desc *d,
                         struct destination *out, struct wallet_error *e)
{
    enum err r;
    if (!top_up(m, d, 0, &r) && !wallet_wrote(m->w, r, e))
        return false;
    return (d->next_index < d->range_end && destination_at(m, d, d->next_index, out)) ||
           wallet_fail(e, WALLET_KEYPOOL_RAN_OUT,
                       "Error: Keypool ran out, please call keypoolrefill first");
}

bool spkman_peek_address(struct spkman *m, enum output_type type, bool internal,
                         struct destination *out, struct wallet_error *e)
{
    struct wallet_desc *d = active(m, type, internal, e);
    return d != NULL && next_address(m, d, out, e);
}

static bool advance(struct spkman *m, struct wallet_desc *d, struct wallet_error *e)
{
    d->next_index++;
    return wallet_wrote(m->w, desc_update(m, d), e);
}

bool spkman_new_address(struct spkman *m, enum output_type type, bool internal,
                        struct destination *out, struct wallet_error *e)
{
    struct wallet_desc *d = active(m, type, internal, e);
    if (d == NULL)
        return false;
    store_begin(m->w->store);
    bool ok = next_address(m, d, out, e) && advance(m, d, e);
    return wallet_wrote(m->w, store_commit(m->w->store), e) && ok;
}

bool spkman_take(struct spkman *m, const struct destination *peeked,
                 struct wallet_error *e)
{
    struct buf script = {0};
    struct spk_place at;
    destination_to_script(&script, peeked);
    bool ok = spkman_find(m, buf_view(&script), &at);
    buf_clear(&script);
    if (!ok || at.pos < at.desc->next_index)
        return true; /* not ours, or taken meanwhile */
    return advance(m, m->items[desc_number(m, at.desc)], e);
}

bool spkman_can_get_addresses(const struct spkman *m, bool internal)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->items[i]->active[internal])
            return true;
    return false;
}

size_t spkman_keypool_size(const struct spkman *m, bool internal)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        if (m->items[i]->active[internal])
            n += m->items[i]->range_end - m->items[i]->next_index;
    return n;
}

/* -- Addresses that were used without us */

/* Receiving addresses that somebody else handed out are the user's as well. */
static enum err note_skipped(struct spkman *m, const struct wallet_desc *d,
                             uint32_t from, uint32_t to)
{
    enum err e = ERR_OK;
    for (uint32_t pos = from; e == ERR_OK && d->active[0] && pos < to; pos++) {
        struct destination dest;
        if (destination_at(m, d, pos, &dest) &&
            addressbook_find(m->w->book, &dest) == NULL)
            e = addressbook_set(m->w->book, &dest, "", PURPOSE_RECEIVE);
    }
    return e;
}

static enum err move_behind(struct spkman *m, struct wallet_desc *d, uint32_t pos)
{
    enum err e = ERR_OK, topped;
    uint32_t from = d->next_index;
    store_begin(m->w->store);
    if (pos >= d->next_index) {
        d->next_index = pos + 1;
        e = desc_update(m, d);
        if (e == ERR_OK)
            e = note_skipped(m, d, from, pos + 1);
    }
    (void)!top_up(m, d, 0, &topped);
    return store_end(m->w->store, e == ERR_OK ? topped : e);
}

#define MAX_PLACES 16

enum err spkman_mark_used(struct spkman *m, struct bytes script, bool *moved)
{
    struct spk_place at[MAX_PLACES];
    size_t n = spkman_find_all(m, script, at, MAX_PLACES);
    uint64_t before = spkman_generation(m);
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        if (descriptor_is_range(at[i].desc->desc))
            e = move_behind(m, m->items[desc_number(m, at[i].desc)], at[i].pos);
    if (moved != NULL)
        *moved = spkman_generation(m) != before;
    return e;
}
