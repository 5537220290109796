/* Adding descriptors, and widening those that are there. */
#include <stdlib.h>

#include "util/mem.h"
#include "wallet/addressbook.h"
#include "wallet/spkman_impl.h"

static const char hardened[] = "Cannot expand descriptor. Probably because of hardened "
                               "derivations without private keys available";

/* What is under way for one item. */
struct work {
    struct wallet_desc *d; /* NULL: failed */
    struct derive_range ranges[2];
    size_t n_ranges;
};

static bool wrote(struct spkman *m, enum err r, struct wallet_error *e)
{
    return wallet_wrote(m->w, r, e);
}

static void plan(struct work *k, uint32_t begin, uint32_t end)
{
    if (begin < end)
        k->ranges[k->n_ranges++] = (struct derive_range){k->d, begin, end};
}

/* Private keys and what they must tell are put down. */
static bool prepare(struct spkman *m, struct work *k, const struct keystore *keys,
                    struct wallet_error *e)
{
    struct keystore all;
    enum err r = private_keys_put(m, k->d, keys);
    keystore_init(&all);
    keystore_merge(&all, keys);
    if (r == ERR_OK && !crypt_locked(m->w->crypt))
        (void)!spkman_private_keys(m, k->d, &all);
    bool derivable = true;
    for (size_t i = 0; r == ERR_OK && derivable && i < k->n_ranges; i++)
        derivable =
            derive_prepare(m, k->d, k->ranges[i].begin, k->ranges[i].end, &all, &r);
    keystore_clear(&all);
    if (!derivable && r == ERR_OK)
        return wallet_fail(e, WALLET_FAILED, "%s", hardened);
    return wrote(m, r, e);
}

/* Rules that can be checked before anything is written. */
static bool derivable_without_wallet(struct spkman *m, const struct wallet_desc *d,
                                     const struct spkman_import *it,
                                     struct wallet_error *e)
{
    struct script_list scripts;
    if (!descriptor_expand_cached(d->desc, spkman_params(m), it->range_start, it->keys,
                                  &d->cache, &scripts, NULL))
        return wallet_fail(e, WALLET_FAILED, "%s", hardened);
    script_list_clear(&scripts);
    return true;
}

static bool add_new(struct spkman *m, struct work *k, const struct spkman_import *it,
                    struct wallet_error *e)
{
    struct wallet_desc *d = k->d;
    if (!derivable_without_wallet(m, d, it, e)) {
        wallet_desc_free(d);
        return false;
    }
    d->created = it->created;
    d->range_start = it->range_start;
    d->range_end = it->range_end;
    d->next_index = it->next_index;
    d->internal = it->internal;
    desc_add(m, d);
    plan(k, d->range_start, d->range_end);
    return wrote(m, desc_insert(m, d), e) && prepare(m, k, it->keys, e);
}

static bool widen(struct spkman *m, struct work *k, const struct spkman_import *it,
                  struct wallet_error *e)
{
    struct wallet_desc *d = k->d;
    bool range = descriptor_is_range(d->desc);
    if (range && (it->range_start > d->range_start || it->range_end < d->range_end))
        return wallet_fail(e, WALLET_INVALID_PARAMETER,
                           "new range must include current range = [%u,%u]",
                           d->range_start, d->range_end - 1);
    plan(k, it->range_start, d->range_start);
    plan(k, d->range_end, it->range_end);
    if (!prepare(m, k, it->keys, e))
        return false;
    d->range_start = it->range_start;
    d->range_end = it->range_end;
    d->next_index = it->next_index;
    d->created = it->created;
    return wrote(m, desc_update(m, d), e);
}

/* The key pool begins at the next index. */
static void add_key_pool(const struct spkman *m, struct spkman_import *it)
{
    uint64_t end = (uint64_t)it->next_index + m->w->opt->keypool;
    if (!descriptor_is_range(it->take_desc) || end <= it->range_end)
        return;
    it->range_end = end > BIP32_HARDENED ? BIP32_HARDENED : (uint32_t)end;
}

static bool begin_item(struct spkman *m, struct work *k, struct spkman_import *it,
                       struct wallet_error *e)
{
    add_key_pool(m, it);
    struct wallet_desc *fresh = wallet_desc_new(m, it->take_desc);
    const uint32_t *at = map_get(&m->by_id, &fresh->id);
    k->d = at != NULL ? m->items[*at] : fresh;
    if (at == NULL)
        return add_new(m, k, it, e);
    wallet_desc_free(fresh);
    return widen(m, k, it, e);
}

static bool set_activity(struct spkman *m, struct wallet_desc *d,
                         const struct spkman_import *it, struct wallet_error *e)
{
    if (it->active)
        return wrote(m, desc_activate(m, d, it->internal), e);
    if (d->active[it->internal]) {
        d->active[it->internal] = false;
        return wrote(m, desc_update(m, d), e);
    }
    return true;
}

static bool set_label(struct spkman *m, const struct wallet_desc *d, const char *label,
                      struct wallet_error *e)
{
    struct script_list scripts;
    enum err r = ERR_OK;
    if (label == NULL || descriptor_is_range(d->desc) ||
        !descriptor_expand_cached(d->desc, spkman_params(m), 0, NULL, &d->cache,
                                  &scripts, NULL))
        return true;
    for (size_t i = 0; r == ERR_OK && i < scripts.n; i++) {
        struct destination dest;
        if (destination_from_script(&dest, buf_view(&scripts.items[i])))
            r = addressbook_set(m->w->book, &dest, label, PURPOSE_RECEIVE);
    }
    script_list_clear(&scripts);
    return wrote(m, r, e);
}

static bool end_item(struct spkman *m, struct work *k, const struct spkman_import *it,
                     struct wallet_error *e)
{
    desc_look_for_private(m, k->d);
    return set_activity(m, k->d, it, e) && set_label(m, k->d, it->label, e);
}

/* Derives for all items at once, so that the workers never wait for a small one. */
static enum err derive_all(struct spkman *m, const struct work *k, size_t n)
{
    struct derive_range *all = xcalloc(2 * n + 1, sizeof(*all));
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; k[i].d != NULL && j < k[i].n_ranges; j++)
            all[count++] = k[i].ranges[j];
    enum err e = count > 0 ? derive_ranges(m, all, count) : ERR_OK;
    free(all);
    return e;
}

static bool import_all(struct spkman *m, struct work *k, struct spkman_import *items,
                       size_t n, struct wallet_error *results)
{
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        if (!begin_item(m, &k[i], &items[i], &results[i]))
            k[i].d = NULL;
    enum err r = derive_all(m, k, n);
    for (size_t i = 0; i < n; i++) {
        if (k[i].d != NULL && wrote(m, r, &results[i]) &&
            end_item(m, &k[i], &items[i], &results[i]))
            continue;
        ok = false;
    }
    return ok;
}

bool spkman_import(struct spkman *m, struct spkman_import *items, size_t n,
                   struct wallet_error *results)
{
    struct work *k = xcalloc(n + 1, sizeof(*k));
    store_begin(m->w->store);
    bool ok = import_all(m, k, items, n, results);
    enum err r = store_commit(m->w->store);
    for (size_t i = 0; r != ERR_OK && i < n; i++)
        ok = wrote(m, r, &results[i]);
    free(k);
    return ok;
}
