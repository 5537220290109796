#include "crypto/secret.h"

#include <sodium.h>
#include <stdlib.h>

void *secret_alloc(size_t n)
{
    void *p;
    if (sodium_init() < 0 || (p = sodium_malloc(n)) == NULL)
        abort();
    sodium_memzero(p, n);
    return p;
}

void secret_free(void *p)
{
    sodium_free(p);
}

void secret_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

bool secret_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}
