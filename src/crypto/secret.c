#include "crypto/secret.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SIZE_ROOM 16 /* before each piece stands its size */
#define PAGE      4096

/* The allocator is the process's, and so are these counts. */
static atomic_size_t pieces, used, total;

static size_t pages(size_t n)
{
    return (n + SIZE_ROOM + PAGE - 1) / PAGE * PAGE;
}

void *secret_alloc(size_t n)
{
    uint8_t *p;
    if (n > SIZE_MAX / 2 || sodium_init() < 0 || !(p = sodium_malloc(n + SIZE_ROOM)))
        abort();
    sodium_memzero(p, n + SIZE_ROOM);
    memcpy(p, &n, sizeof(n));
    atomic_fetch_add(&pieces, 1);
    atomic_fetch_add(&used, n);
    atomic_fetch_add(&total, pages(n));
    return p + SIZE_ROOM;
}

void secret_free(void *p)
{
    size_t n;
    if (!p)
        return;
    uint8_t *start = (uint8_t *)p - SIZE_ROOM;
    memcpy(&n, start, sizeof(n));
    atomic_fetch_sub(&pieces, 1);
    atomic_fetch_sub(&used, n);
    atomic_fetch_sub(&total, pages(n));
    sodium_free(start);
}

struct secret_usage secret_get_usage(void)
{
    return (struct secret_usage){pieces, used, total};
}

void secret_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

bool secret_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}
