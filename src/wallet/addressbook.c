#include "wallet/addressbook.h"

#include <stdlib.h>

#include "util/mem.h"
#include "wallet/store.h"

/* Sorted by script, so that lists come in the same order every time. */
struct addressbook {
    struct store *store; /* borrowed */
    struct entry {
        struct buf script; /* owned */
        struct address_entry pub;
    } * *items; /* owned */
    size_t n, cap;
};

struct addressbook *addressbook_new(struct store *s)
{
    struct addressbook *b = xcalloc(1, sizeof(*b));
    b->store = s;
    return b;
}

static void entry_free(struct entry *e)
{
    buf_clear(&e->script);
    free(e->pub.label);
    free(e);
}

void addressbook_free(struct addressbook *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->n; i++)
        entry_free(b->items[i]);
    free(b->items);
    free(b);
}

const char *address_purpose_name(enum address_purpose p)
{
    static const char *const names[] = {"", "receive", "send", "refund"};
    return names[p];
}

/* -- Order */

/* Where the script stands or would stand. */
static size_t place_of(const struct addressbook *b, struct bytes script, bool *found)
{
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = bytes_compare(buf_view(&b->items[mid]->script), script);
        *found = c == 0;
        if (*found)
            return mid;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *found = false;
    return low;
}

static struct entry *insert(struct addressbook *b, size_t at, struct bytes script)
{
    struct entry *e = xcalloc(1, sizeof(*e));
    buf_append(&e->script, script.data, script.len);
    if (b->n == b->cap) {
        b->cap = b->cap == 0 ? 16 : b->cap * 2;
        b->items = xrealloc_array(b->items, b->cap, sizeof(struct entry *));
    }
    memmove(b->items + at + 1, b->items + at, (b->n - at) * sizeof(struct entry *));
    b->items[at] = e;
    b->n++;
    (void)destination_from_script(&e->pub.dest, script);
    return e;
}

static struct entry *find(const struct addressbook *b, const struct destination *d)
{
    struct buf script = {0};
    bool found;
    destination_to_script(&script, d);
    size_t at = place_of(b, buf_view(&script), &found);
    buf_clear(&script);
    return found ? b->items[at] : NULL;
}

static struct entry *find_or_insert(struct addressbook *b, struct bytes script)
{
    bool found;
    size_t at = place_of(b, script, &found);
    return found ? b->items[at] : insert(b, at, script);
}

/* -- The file */

static void take_row(struct addressbook *b, struct sqlite_stmt *q)
{
    struct entry *e = find_or_insert(b, sqlite_bytes(q, 0));
    if (!sqlite_is_null(q, 1))
        e->pub.label = xstrdup(sqlite_text(q, 1));
    e->pub.purpose = (enum address_purpose)sqlite_int(q, 2);
    e->pub.reused = sqlite_int(q, 3) != 0;
}

enum err addressbook_load(struct addressbook *b)
{
    struct sqlite_stmt *q = sqlite_query(
        store_db(b->store), "SELECT script, label, purpose, reused FROM address"
                            " WHERE purpose BETWEEN 0 AND 3 ORDER BY script");
    while (sqlite_row(q))
        take_row(b, q);
    return sqlite_done(q);
}

static enum err write_entry(struct addressbook *b, struct bytes script,
                            const char *label, enum address_purpose purpose,
                            bool reused)
{
    struct sqlite_stmt *q =
        sqlite_query(store_db(b->store),
                     "INSERT OR REPLACE INTO address (script, label, purpose, reused)"
                     " VALUES (?, ?, ?, ?)");
    sqlite_bind_bytes(q, script);
    sqlite_bind_text(q, label);
    sqlite_bind_int(q, purpose);
    sqlite_bind_int(q, reused);
    return sqlite_done(q);
}

/* -- Reading and changing */

const struct address_entry *addressbook_find(const struct addressbook *b,
                                             const struct destination *d)
{
    const struct entry *e = find(b, d);
    return e != NULL ? &e->pub : NULL;
}

const char *addressbook_label(const struct addressbook *b, const struct destination *d)
{
    const struct address_entry *e = addressbook_find(b, d);
    return e != NULL && e->label != NULL ? e->label : "";
}

void addressbook_each(const struct addressbook *b,
                      bool (*fn)(void *ctx, const struct address_entry *e), void *ctx)
{
    for (size_t i = 0; i < b->n; i++)
        if (!fn(ctx, &b->items[i]->pub))
            return;
}

size_t addressbook_count(const struct addressbook *b)
{
    return b->n;
}

enum err addressbook_set(struct addressbook *b, const struct destination *d,
                         const char *label, enum address_purpose purpose)
{
    struct buf script = {0};
    destination_to_script(&script, d);
    struct entry *e = find(b, d);
    if (purpose == PURPOSE_NONE && e != NULL)
        purpose = e->pub.purpose;
    bool reused = e != NULL && e->pub.reused;
    enum err r = write_entry(b, buf_view(&script), label, purpose, reused);
    if (r == ERR_OK) {
        e = find_or_insert(b, buf_view(&script));
        char *copy = xstrdup(label); /* label may be the entry's own */
        free(e->pub.label);
        e->pub.label = copy;
        e->pub.purpose = purpose;
    }
    buf_clear(&script);
    return r;
}

enum err addressbook_set_reused(struct addressbook *b, const struct destination *d,
                                bool reused)
{
    struct buf script = {0};
    destination_to_script(&script, d);
    const struct entry *old = find(b, d);
    if (old == NULL ? !reused : old->pub.reused == reused) {
        buf_clear(&script);
        return ERR_OK;
    }
    enum err r = write_entry(b, buf_view(&script), old != NULL ? old->pub.label : NULL,
                             old != NULL ? old->pub.purpose : PURPOSE_NONE, reused);
    if (r == ERR_OK)
        find_or_insert(b, buf_view(&script))->pub.reused = reused;
    buf_clear(&script);
    return r;
}
