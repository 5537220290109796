/* Memory for secrets: one arena of the process, locked into RAM, left out of core dumps
 * and of forked children, between guard pages, wiped when freed. It grows as needed;
 * when the system refuses to lock more (RLIMIT_MEMLOCK) it goes on unlocked, and
 * secret_unlocked_bytes tells. */
#ifndef OCHRE_CRYPTO_SECRET_H
#define OCHRE_CRYPTO_SECRET_H

#include "util/bytes.h"

void *secret_alloc(size_t n); /* zeroed; aborts when memory is exhausted */
void secret_free(void *p);    /* wipes; NULL is fine */
void secret_wipe(void *p, size_t n);
char *secret_strdup(struct bytes text); /* with a NUL behind it */

/* For getmemoryinfo. */
struct secret_usage {
    size_t pieces, free_pieces;
    size_t used;   /* bytes handed out, with what stands around them */
    size_t total;  /* bytes of the arena */
    size_t locked; /* of them */
};
struct secret_usage secret_get_usage(void);
/* Bytes of the arena that could not be locked. */
size_t secret_unlocked_bytes(void);

bool secret_equal(const void *a, const void *b, size_t n); /* constant time */

#endif
