#include "util/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN         16u
#define ARENA_DEFAULT_CHUNK 4096u

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of data */
    size_t used;
    uint8_t pad[8]; /* keeps data 16-byte aligned */
    uint8_t data[];
};

static void *or_die(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *xmalloc(size_t n)
{
    return or_die(malloc(n ? n : 1));
}

void *xcalloc(size_t n, size_t size)
{
    return or_die(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n)
{
    return or_die(realloc(p, n ? n : 1));
}

void *xrealloc_array(void *p, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        or_die(NULL);
    return xrealloc(p, total);
}

void *xmemdup(const void *p, size_t n)
{
    void *copy = xmalloc(n);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

char *xstrdup(const char *s)
{
    return xmemdup(s, strlen(s) + 1);
}

char *xasprintf(const char *fmt, ...)
{
    char *s;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return or_die(n < 0 ? NULL : s);
}

void arena_init(struct arena *a, size_t chunk_size)
{
    *a = (struct arena){0};
    a->chunk_size = chunk_size ? chunk_size : ARENA_DEFAULT_CHUNK;
}

static void wipe_chunk(const struct arena *a, struct arena_chunk *c)
{
    if (a->secret)
        explicit_bzero(c->data, c->used);
}

static void free_chunks(const struct arena *a, struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *next = c->next;
        wipe_chunk(a, c);
        free(c);
        c = next;
    }
}

void arena_clear(struct arena *a)
{
    free_chunks(a, a->head);
    a->head = NULL;
}

void arena_reset(struct arena *a)
{
    if (!a->head)
        return;
    free_chunks(a, a->head->next);
    wipe_chunk(a, a->head);
    a->head->next = NULL;
    a->head->used = 0;
}

static struct arena_chunk *add_chunk(struct arena *a, size_t size)
{
    ASSERT(size <= SIZE_MAX - sizeof(struct arena_chunk));
    struct arena_chunk *c = xmalloc(sizeof(*c) + size);
    c->size = size;
    c->used = 0;
    /* A piece bigger than a chunk goes behind the head, whose rest stays in use. */
    if (a->head && size > a->chunk_size) {
        c->next = a->head->next;
        a->head->next = c;
    } else {
        c->next = a->head;
        a->head = c;
    }
    return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
    ASSERT(n <= SIZE_MAX / 2);
    n = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct arena_chunk *c = a->head;
    if (!c || c->size - c->used < n)
        c = add_chunk(a, n > a->chunk_size ? n : a->chunk_size);
    void *p = c->data + c->used;
    c->used += n;
    return p;
}

void *arena_dup(struct arena *a, const void *p, size_t n)
{
    void *copy = arena_alloc(a, n);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    ASSERT(fmt);
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    ASSERT(n >= 0);
    char *s = arena_alloc(a, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}
