#include "chain/state/overlay.h"

#include <stdlib.h>

#include "util/mem.h"

void overlay_init(struct overlay *o)
{
    map_init(&o->entries, 32, sizeof(struct state_entry *));
    o->bytes = 0;
}

void overlay_clear(struct overlay *o)
{
    const void *key;
    void *value;
    for (size_t i = 0; map_next(&o->entries, &i, &key, &value);)
        free(*(struct state_entry **)value);
    map_clear(&o->entries);
    o->bytes = 0;
}

size_t overlay_memory(const struct overlay *o)
{
    return o->bytes + map_memory(&o->entries);
}

struct state_entry *overlay_find(const struct overlay *o, const uint8_t path[32])
{
    struct state_entry **e = map_get(&o->entries, path);
    return e != NULL ? *e : NULL;
}

static size_t entry_bytes(const struct state_entry *e)
{
    return sizeof(*e) + e->key_len + e->value_len + 16; /* and the allocator's own */
}

static void put(struct overlay *o, struct state_entry *take_e)
{
    struct state_entry **slot = map_put(&o->entries, take_e->path, NULL);
    if (*slot != NULL) {
        o->bytes -= entry_bytes(*slot);
        free(*slot);
    }
    *slot = take_e;
    o->bytes += entry_bytes(take_e);
}

void overlay_set(struct overlay *o, const uint8_t path[32], struct bytes key,
                 const struct bytes *value)
{
    size_t value_len = value != NULL ? value->len : 0;
    struct state_entry *e = xmalloc(sizeof(*e) + key.len + value_len);
    memcpy(e->path, path, 32);
    e->present = value != NULL;
    e->in_tree = false;
    e->key_len = (uint16_t)key.len;
    e->value_len = (uint32_t)value_len;
    memcpy(e->octets, key.data, key.len);
    if (value_len > 0)
        memcpy(e->octets + key.len, value->data, value_len);
    put(o, e);
}

void overlay_absorb(struct overlay *o, struct overlay *take_from)
{
    const void *key;
    void *value;
    for (size_t i = 0; map_next(&take_from->entries, &i, &key, &value);)
        put(o, *(struct state_entry **)value);
    map_clear(&take_from->entries);
    take_from->bytes = 0;
}

static int compare(const void *a, const void *b)
{
    const struct state_entry *x = *(struct state_entry *const *)a;
    const struct state_entry *y = *(struct state_entry *const *)b;
    return memcmp(x->path, y->path, 32);
}

struct state_entry **overlay_sorted(const struct overlay *o)
{
    struct state_entry **all = xrealloc_array(NULL, o->entries.len + 1, sizeof(*all));
    const void *key;
    void *value;
    size_t n = 0;
    for (size_t i = 0; map_next(&o->entries, &i, &key, &value);)
        all[n++] = *(struct state_entry **)value;
    qsort(all, n, sizeof(*all), compare);
    return all;
}
