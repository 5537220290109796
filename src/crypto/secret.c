/* The arena is a reserved stretch of addresses, opened from its beginning in steps.
 * Blocks stand side by side in it, each with a header in front; neighbours that are
 * free become one. */
#include "crypto/secret.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>

#define RESERVED ((size_t)1 << 30)
#define STEP     ((size_t)256 << 10) /* opened and locked at a time */
#define GUARD    4096
#define ALIGN    16

struct block {
    size_t size; /* with the header; a multiple of ALIGN */
    uint32_t used;
    uint32_t canary; /* tells of writes past the end of the block before */
};

_Static_assert(sizeof(struct block) == ALIGN, "blocks keep the alignment");

/* The arena is the process's. */
static struct {
    pthread_mutex_t lock;
    uint8_t *base; /* NULL: not yet reserved */
    size_t open;   /* bytes from base on that can be used */
    size_t unlocked;
    uint32_t canary;
} arena = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* -- The stretch of addresses */

static void reserve(void)
{
    void *p = MAP_FAILED;
    if (sodium_init() >= 0)
        p = mmap(NULL, RESERVED + 2 * GUARD, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        abort();
    arena.base = (uint8_t *)p + GUARD;
    randombytes_buf(&arena.canary, sizeof(arena.canary));
}

/* Opens the next @n bytes. */
static void extend(size_t n)
{
    uint8_t *at = arena.base + arena.open;
    if (n > RESERVED - arena.open || mprotect(at, n, PROT_READ | PROT_WRITE) != 0)
        abort();
    if (mlock(at, n) != 0)
        arena.unlocked += n;
    madvise(at, n, MADV_DONTDUMP);
    madvise(at, n, MADV_DONTFORK);
    arena.open += n;
}

/* -- Blocks */

static struct block *block_at(size_t offset)
{
    struct block *b = (struct block *)(arena.base + offset);
    if (b->canary != arena.canary || b->size < sizeof(*b) ||
        b->size > arena.open - offset)
        abort(); /* somebody wrote past the end of the piece before */
    return b;
}

static void put_block(size_t offset, size_t size)
{
    *(struct block *)(arena.base + offset) =
        (struct block){.size = size, .canary = arena.canary};
}

/* Takes in the free blocks behind a free one. */
static void merge_next(size_t offset, struct block *b)
{
    while (offset + b->size < arena.open) {
        struct block *next = block_at(offset + b->size);
        if (next->used)
            return;
        b->size += next->size;
        sodium_memzero(next, sizeof(*next));
    }
}

static struct block *find_free(size_t size)
{
    for (size_t at = 0; at < arena.open;) {
        struct block *b = block_at(at);
        if (!b->used)
            merge_next(at, b);
        if (!b->used && b->size >= size)
            return b;
        at += b->size;
    }
    return NULL;
}

static struct block *take(size_t size)
{
    struct block *b = find_free(size);
    if (b == NULL) {
        size_t step = (size + STEP - 1) / STEP * STEP, at = arena.open;
        extend(step);
        put_block(at, step);
        b = block_at(at);
    }
    size_t offset = (size_t)((uint8_t *)b - arena.base);
    if (b->size - size >= 2 * sizeof(*b)) {
        put_block(offset + size, b->size - size);
        b->size = size;
    }
    b->used = 1;
    return b;
}

void *secret_alloc(size_t n)
{
    if (n > RESERVED / 2)
        abort();
    size_t size = sizeof(struct block) + (n + ALIGN - 1) / ALIGN * ALIGN;
    pthread_mutex_lock(&arena.lock);
    if (arena.base == NULL)
        reserve();
    struct block *b = take(size);
    pthread_mutex_unlock(&arena.lock);
    return b + 1; /* free memory is always zero */
}

void secret_free(void *p)
{
    if (p == NULL)
        return;
    struct block *b = (struct block *)p - 1;
    pthread_mutex_lock(&arena.lock);
    size_t offset = (size_t)((uint8_t *)b - arena.base);
    if (block_at(offset) != b || !b->used)
        abort();
    if (offset + b->size < arena.open)
        block_at(offset + b->size); /* its canary */
    sodium_memzero(p, b->size - sizeof(*b));
    b->used = 0;
    merge_next(offset, b);
    pthread_mutex_unlock(&arena.lock);
}

char *secret_strdup(struct bytes text)
{
    char *copy = secret_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    return copy;
}

/* -- What stands in it */

struct secret_usage secret_get_usage(void)
{
    struct secret_usage u = {0};
    pthread_mutex_lock(&arena.lock);
    for (size_t at = 0; at < arena.open;) {
        const struct block *b = block_at(at);
        u.pieces += b->used;
        u.free_pieces += !b->used;
        u.used += b->used ? b->size : 0;
        at += b->size;
    }
    u.total = arena.open;
    u.locked = arena.open - arena.unlocked;
    pthread_mutex_unlock(&arena.lock);
    return u;
}

size_t secret_unlocked_bytes(void)
{
    pthread_mutex_lock(&arena.lock);
    size_t n = arena.unlocked;
    pthread_mutex_unlock(&arena.lock);
    return n;
}

void secret_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

bool secret_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}
