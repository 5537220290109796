/* Which of the given values counts. */
#include "util/args_internal.h"

#include <stdlib.h>

void args_select_network(struct args *a, const char *section)
{
    a->network = args_keep(a, section);
}

/* The layers of one option, from the one that wins down. */
enum layer {
    LAYER_FORCED,
    LAYER_COMMAND_LINE,
    LAYER_SETTINGS,
    LAYER_NETWORK_SECTION,
    LAYER_DEFAULT_SECTION,
    LAYER_COUNT,
};

static bool in_layer(const struct args *a, enum layer l, const struct value *v)
{
    if (l == LAYER_NETWORK_SECTION)
        return a->network[0] != '\0' && strcmp(v->section, a->network) == 0;
    return l != LAYER_DEFAULT_SECTION || v->section[0] == '\0';
}

static enum source layer_source(enum layer l)
{
    static const enum source source[LAYER_COUNT] = {FORCED, COMMAND_LINE, SETTINGS,
                                                    CONFIG, CONFIG};
    return source[l];
}

struct span {
    const struct value *first, *last; /* after the last negation; NULL: none */
    bool negated;                     /* there was a negation, and nothing after it */
    size_t n;
};

static struct span layer_span(const struct args *a, enum layer l, const struct opt *o)
{
    const struct value_list *list = &a->from[layer_source(l)];
    struct span s = {0};
    for (size_t i = 0; i < list->n; i++) {
        const struct value *v = &list->items[i];
        if (v->opt != o || !in_layer(a, l, v))
            continue;
        if (v->negated) {
            s = (struct span){.negated = true};
            continue;
        }
        s.negated = false;
        s.first = s.first ? s.first : v;
        s.last = v;
        s.n++;
    }
    return s;
}

/* Outside main, a value of the default section does not reach options that differ by
 * network, but a negation does (bitcoind's rule). */
static bool layer_ignored(const struct args *a, enum layer l, const struct opt *o,
                          const struct span *s)
{
    return l == LAYER_DEFAULT_SECTION && (o->flags & OPT_NETWORK_ONLY) &&
           a->network[0] != '\0' && strcmp(a->network, "main") != 0 && !s->negated;
}

/* The text that counts, or NULL when nobody set the option. */
static const char *lookup(const struct args *a, const char *name, bool *negated)
{
    const struct opt *o = args_find_option(a, name);
    *negated = false;
    for (enum layer l = 0; o != NULL && l < LAYER_COUNT; l++) {
        struct span s = layer_span(a, l, o);
        if (layer_ignored(a, l, o, &s))
            continue;
        if (s.first != NULL)
            return l >= LAYER_NETWORK_SECTION ? s.first->text : s.last->text;
        if (s.negated) {
            *negated = true;
            return "0";
        }
    }
    return NULL;
}

bool args_is_set(const struct args *a, const char *name)
{
    bool negated;
    return lookup(a, name, &negated) != NULL;
}

bool args_is_negated(const struct args *a, const char *name)
{
    bool negated;
    return lookup(a, name, &negated) != NULL && negated;
}

const char *args_str(const struct args *a, const char *name, const char *def)
{
    bool negated;
    const char *text = lookup(a, name, &negated);
    return text ? text : def;
}

int64_t args_int(const struct args *a, const char *name, int64_t def)
{
    bool negated;
    const char *text = lookup(a, name, &negated);
    if (text == NULL)
        return def;
    int64_t v = strtoll(text, NULL, 10);
    const struct opt *o = args_find_option(a, name);
    if (o->type == OPT_INT && !args_in_range(o, v) && !negated)
        v = v < o->min ? o->min : o->max;
    return v;
}

bool args_bool(const struct args *a, const char *name, bool def)
{
    bool negated;
    const char *text = lookup(a, name, &negated);
    return text ? args_text_is_true(text) : def;
}

const char *const *args_list(const struct args *ca, const char *name, size_t *n)
{
    struct args *a = (struct args *)ca; /* the arena only */
    const struct opt *o = args_find_option(a, name);
    size_t most = 0;
    for (int s = 0; s < SOURCE_COUNT; s++)
        most += a->from[s].n;
    pthread_mutex_lock(&a->lock);
    const char **out = arena_alloc(&a->mem, (most + 1) * sizeof(*out));
    pthread_mutex_unlock(&a->lock);
    *n = 0;
    for (enum layer l = 0; o != NULL && l < LAYER_COUNT; l++) {
        struct span s = layer_span(a, l, o);
        if (layer_ignored(a, l, o, &s))
            continue;
        for (const struct value *v = s.first; v != NULL && v <= s.last; v++)
            if (v->opt == o && in_layer(a, l, v))
                out[(*n)++] = v->text;
        const struct value_list *list = &a->from[layer_source(l)];
        bool hidden = s.negated;
        for (size_t i = 0; i < list->n && !hidden; i++)
            hidden = list->items[i].opt == o && list->items[i].negated &&
                     in_layer(a, l, &list->items[i]);
        if (hidden)
            break;
    }
    out[*n] = NULL;
    return out;
}

bool args_list_has(const struct args *a, const char *name, const char *value)
{
    size_t n;
    const char *const *list = args_list(a, name, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], value) == 0)
            return true;
    return false;
}

bool args_check_sections(const struct args *a, char **error)
{
    struct buf all = {0};
    for (const struct opt *o = a->table; o->name != NULL; o++) {
        bool negated;
        struct span s = layer_span(a, LAYER_DEFAULT_SECTION, o);
        if (s.first == NULL || !layer_ignored(a, LAYER_DEFAULT_SECTION, o, &s) ||
            lookup(a, o->name, &negated) != NULL)
            continue;
        buf_printf(
            &all,
            "%sConfig setting for -%s only applied on %s network when in [%s] section.",
            all.len > 0 ? "\n" : "", o->name, a->network, a->network);
    }
    bool ok = all.len == 0;
    if (!ok)
        *error = xstrdup(buf_cstr(&all));
    buf_clear(&all);
    return ok;
}
