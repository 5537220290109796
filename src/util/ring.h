/* A ring of links: list heads and members alike. A link that is in no list is a ring of
 * its own. */
#ifndef OCHRE_UTIL_RING_H
#define OCHRE_UTIL_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring {
    struct ring *prev, *next;
};

/* The struct that holds this link as @member. */
#define RING_HOLDER(link, type, member)                                                \
    ((type *)((char *)(link)-offsetof(type, member)))

static inline void ring_init(struct ring *r)
{
    r->prev = r->next = r;
}

static inline bool ring_empty(const struct ring *r)
{
    return r->next == r;
}

static inline void ring_append(struct ring *list, struct ring *r)
{
    r->prev = list->prev;
    r->next = list;
    list->prev->next = r;
    list->prev = r;
}

static inline void ring_remove(struct ring *r)
{
    r->prev->next = r->next;
    r->next->prev = r->prev;
    ring_init(r);
}

#endif
