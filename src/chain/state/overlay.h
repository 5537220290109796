/* A set of changes to the state: what a transaction has written, or what blocks have
 * and no flush has saved. */
#ifndef OCHRE_CHAIN_STATE_OVERLAY_H
#define OCHRE_CHAIN_STATE_OVERLAY_H

#include "util/map.h"

struct state_entry {
    uint8_t path[32]; /* SHA3(key) */
    bool present;     /* false: deleted */
    bool in_tree;     /* the commitment tree knows it */
    uint16_t key_len;
    uint32_t value_len;
    uint8_t octets[]; /* key, then value */
};

struct overlay {
    struct map entries; /* path -> struct state_entry *, owned */
    size_t bytes;
};

void overlay_init(struct overlay *o);
void overlay_clear(struct overlay *o);
size_t overlay_memory(const struct overlay *o);
struct state_entry *overlay_find(const struct overlay *o, const uint8_t path[32]);
/* value NULL: deleted. Replaces what was there. */
void overlay_set(struct overlay *o, const uint8_t path[32], struct bytes key,
                 const struct bytes *value);
/* Moves every entry of @take_from (left empty) over those of o. */
void overlay_absorb(struct overlay *o, struct overlay *take_from);
/* All entries, by path; the array is the caller's to free. */
struct state_entry **overlay_sorted(const struct overlay *o);

static inline struct bytes entry_key(const struct state_entry *e)
{
    return bytes_of(e->octets, e->key_len);
}

static inline struct bytes entry_value(const struct state_entry *e)
{
    return bytes_of(e->octets + e->key_len, e->value_len);
}

#endif
