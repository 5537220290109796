#include "net/recent.h"

#include "crypto/hash.h"
#include "util/rand.h"

void recent_init(struct recent *r, size_t capacity)
{
    map_init(&r->now, sizeof(uint64_t), 0);
    map_init(&r->before, sizeof(uint64_t), 0);
    r->capacity = capacity;
    rand_bytes(r->key, sizeof(r->key));
}

void recent_clear(struct recent *r)
{
    map_clear(&r->now);
    map_clear(&r->before);
}

void recent_reset(struct recent *r)
{
    recent_clear(r);
}

static uint64_t recent_key(const struct recent *r, const void *id, size_t len)
{
    return siphash(r->key[0], r->key[1], id, len);
}

void recent_add(struct recent *r, const void *id, size_t len)
{
    uint64_t key = recent_key(r, id, len);
    bool is_new;
    if (r->now.len >= r->capacity) {
        map_clear(&r->before);
        r->before = r->now;
        map_init(&r->now, sizeof(uint64_t), 0);
    }
    map_put(&r->now, &key, &is_new);
}

bool recent_has(const struct recent *r, const void *id, size_t len)
{
    uint64_t key = recent_key(r, id, len);
    return map_get(&r->now, &key) || map_get(&r->before, &key);
}
