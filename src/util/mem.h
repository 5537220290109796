/* Heap memory that never fails (out of memory aborts, see doc/hacking.md) and an arena
 * for many small pieces with one lifetime. */
#ifndef OCHRE_UTIL_MEM_H
#define OCHRE_UTIL_MEM_H

#include "util/err.h"

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size); /* aborts on overflow of n * size */
void *xrealloc(void *p, size_t n);
void *xrealloc_array(void *p, size_t n, size_t size);
void *xmemdup(const void *p, size_t n);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Bump allocator. Pieces are 16-byte aligned and live until clear or reset. */
struct arena_chunk;
struct arena {
    struct arena_chunk *head; /* owned */
    size_t chunk_size;
    bool secret; /* what stood in it is wiped before memory is given back */
};

void arena_init(struct arena *a, size_t chunk_size);
void arena_clear(struct arena *a);
void arena_reset(struct arena *a); /* forget all pieces, keep one chunk */
void *arena_alloc(struct arena *a, size_t n);
void *arena_dup(struct arena *a, const void *p, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
