#include "node/warnings.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

void warnings_init(struct warnings *w)
{
    *w = (struct warnings){0};
    pthread_mutex_init(&w->lock, NULL);
}

void warnings_clear(struct warnings *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->items[i].text);
    free(w->items);
    pthread_mutex_destroy(&w->lock);
}

static struct warning *find(struct warnings *w, enum warning_kind kind,
                            const char *text)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->items[i].kind == kind && strcmp(w->items[i].text, text) == 0)
            return &w->items[i];
    return NULL;
}

static struct warning *add(struct warnings *w, enum warning_kind kind, const char *text)
{
    w->items = xrealloc_array(w->items, w->n + 1, sizeof(*w->items));
    w->items[w->n] = (struct warning){.text = xstrdup(text), .kind = kind};
    return &w->items[w->n++];
}

static void withdraw(struct warnings *w, enum warning_kind kind)
{
    for (size_t i = 0; i < w->n; i++)
        w->items[i].holds &= w->items[i].kind != kind;
}

bool warnings_raise(struct warnings *w, enum warning_kind kind, const char *text)
{
    pthread_mutex_lock(&w->lock);
    struct warning *item = find(w, kind, text);
    bool is_new = !item || !item->holds;
    if (is_new && kind != WARN_PART)
        withdraw(w, kind);
    if (!item)
        item = add(w, kind, text);
    item->holds = true;
    pthread_mutex_unlock(&w->lock);
    return is_new;
}

void warnings_withdraw(struct warnings *w, enum warning_kind kind)
{
    pthread_mutex_lock(&w->lock);
    withdraw(w, kind);
    pthread_mutex_unlock(&w->lock);
}

size_t warnings_list(struct warnings *w, const char **out, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&w->lock);
    for (enum warning_kind kind = WARN_RULES; kind <= WARN_PART; kind++)
        for (size_t i = 0; i < w->n && n < max; i++)
            if (w->items[i].holds && w->items[i].kind == kind)
                out[n++] = w->items[i].text;
    pthread_mutex_unlock(&w->lock);
    return n;
}
