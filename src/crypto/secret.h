/* Memory for secrets: locked, not dumped, wiped when freed (libsodium). */
#ifndef OCHRE_CRYPTO_SECRET_H
#define OCHRE_CRYPTO_SECRET_H

#include "util/bytes.h"

void *secret_alloc(size_t n); /* zeroed; aborts when memory is exhausted */
void secret_free(void *p);    /* wipes; NULL is fine */
void secret_wipe(void *p, size_t n);

/* All pieces that are allocated now, for getmemoryinfo. */
struct secret_usage {
    size_t pieces;
    size_t used;  /* bytes asked for */
    size_t total; /* bytes locked for them: whole pages */
};
struct secret_usage secret_get_usage(void);

bool secret_equal(const void *a, const void *b, size_t n); /* constant time */

#endif
