/* Open-addressing hash map from fixed-size keys to fixed-size values, for millions of
 * entries: one flat array, robin-hood probing, no allocation per entry. Hashes are
 * keyed (SipHash-like mixing with a random secret), so peers cannot aim at collisions.
 */
#ifndef OCHRE_UTIL_MAP_H
#define OCHRE_UTIL_MAP_H

#include "util/bytes.h"

struct map {
    uint8_t *slots; /* owned: cap x { u32 hash (0 = free), key, value } */
    size_t cap;     /* power of two, or 0 */
    size_t len;
    uint32_t key_size, value_size, slot_size;
    uint32_t key_off, value_off; /* in a slot; values of 8n bytes are 8-byte aligned */
    uint64_t seed[2];
};

void map_init(struct map *m, size_t key_size, size_t value_size);
void map_clear(struct map *m); /* frees; the map stays usable and empty */
/* Pointers into the table: valid until the next put or del. */
void *map_get(const struct map *m, const void *key);
/* Finds or inserts (value zeroed); *is_new may be NULL. */
void *map_put(struct map *m, const void *key, bool *is_new);
/* Room for @n entries in all without growing. */
void map_reserve(struct map *m, size_t n);
bool map_del(struct map *m, const void *key);
size_t map_memory(const struct map *m); /* bytes on the heap */
/* Iterates in table order: for (size_t i = 0; map_next(m, &i, &k, &v);) — deleting
 * while iterating is not allowed. */
bool map_next(const struct map *m, size_t *cursor, const void **key, void **value);

#endif
