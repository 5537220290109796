#include "util/args_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "util/log.h"

struct args *args_new(const struct opt *table)
{
    struct args *a = xcalloc(1, sizeof(*a));
    a->table = table;
    a->network = "";
    arena_init(&a->mem, 4096);
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

void args_free(struct args *a)
{
    if (a == NULL)
        return;
    for (int s = 0; s < SOURCE_COUNT; s++)
        free(a->from[s].items);
    free(a->positional.items);
    free(a->warnings.items);
    free(a->settings.items);
    free(a->notices.items);
    arena_clear(&a->mem);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

char *args_keep(struct args *a, const char *text)
{
    return arena_dup(&a->mem, text, strlen(text) + 1);
}

static void text_list_add(struct text_list *l, const char *kept)
{
    l->items = xrealloc_array(l->items, l->n + 1, sizeof(*l->items));
    l->items[l->n++] = kept;
}

void args_warn(struct args *a, const char *text)
{
    text_list_add(&a->warnings, text);
}

void args_notice(struct args *a, const char *prefix, const char *text)
{
    args_warn(a, text);
    text_list_add(&a->notices, arena_printf(&a->mem, "%s%s", prefix, text));
}

void args_note_setting(struct args *a, const char *text)
{
    text_list_add(&a->settings, text);
}

void args_add(struct args *a, enum source from, const struct value *v)
{
    struct value_list *l = &a->from[from];
    l->items = xrealloc_array(l->items, l->n + 1, sizeof(*l->items));
    l->items[l->n++] = *v;
}

/* --- names and values ---------------------------------------------------- */

const struct opt *args_find_option(const struct args *a, const char *name)
{
    for (const struct opt *o = a->table; o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return (o->flags & OPT_BITCOIN_ONLY) && !a->lenient ? NULL : o;
    return NULL;
}

const struct opt *args_find_key(const struct args *a, const char *key, bool *negated)
{
    const struct opt *o = args_find_option(a, key);
    *negated = o == NULL && strncmp(key, "no", 2) == 0;
    return *negated ? args_find_option(a, key + 2) : o;
}

bool args_text_is_true(const char *text)
{
    return text[0] == '\0' || strtol(text, NULL, 10) != 0;
}

static bool parse_i64(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || isspace((unsigned char)text[0]))
        return false;
    *out = v;
    return true;
}

bool args_in_range(const struct opt *o, int64_t v)
{
    if (o->min == 0 && o->max == 0)
        return true;
    return v >= o->min && (o->max == 0 || v <= o->max);
}

static bool check_number(const struct args *a, const struct opt *o, const char *text,
                         char **error)
{
    int64_t v;
    bool number = parse_i64(text, &v);
    if (a->lenient || o->type != OPT_INT || (number && args_in_range(o, v)))
        return true;
    if (!number)
        *error = xasprintf("Invalid value for -%s: '%s' is not a whole number", o->name,
                           text);
    else if (o->max == 0)
        *error = xasprintf("Invalid value for -%s: %s is below %" PRId64, o->name, text,
                           o->min);
    else
        *error =
            xasprintf("Invalid value for -%s: %s is not within %" PRId64 " to %" PRId64,
                      o->name, text, o->min, o->max);
    return false;
}

bool args_make(struct args *a, struct value *v, const struct opt *o, bool negated,
               const char *section, const char *text, char **error)
{
    *v =
        (struct value){o, args_keep(a, section), false, args_keep(a, text ? text : "")};
    if (o->flags & OPT_IGNORED)
        args_warn(a, arena_printf(&a->mem, "Option -%s has no effect in this program",
                                  o->name));
    if (text == NULL && !negated && o->flags & OPT_DISALLOW_ELISION) {
        *error = xasprintf("Can not set -%s with no value. Please specify value with "
                           "-%s=value.",
                           o->name, o->name);
        return false;
    }
    if (!negated)
        return o->type != OPT_INT || text == NULL || check_number(a, o, text, error);
    if (o->flags & OPT_DISALLOW_NEGATION) {
        *error = xasprintf("Negating of -%s is meaningless and therefore forbidden",
                           o->name);
        return false;
    }
    v->negated = text == NULL || args_text_is_true(text);
    if (!v->negated)
        args_warn(a, arena_printf(&a->mem,
                                  "Warning: parsed potentially confusing "
                                  "double-negative -%s=%s",
                                  o->name, text));
    v->text = args_keep(a, v->negated ? "0" : "1");
    return true;
}

/* --- command line -------------------------------------------------------- */

static bool parse_word(struct args *a, const char *word, char **error)
{
    const char *key = word + 1 + (word[1] == '-');
    const char *equals = strchr(key, '=');
    char *name = equals ? arena_printf(&a->mem, "%.*s", (int)(equals - key), key)
                        : args_keep(a, key);
    bool negated;
    struct value v;
    const struct opt *o = args_find_key(a, name, &negated);
    if (o == NULL) {
        *error = xasprintf("Invalid parameter %s", word);
        return false;
    }
    if (strcmp(o->name, "includeconf") == 0 && !negated) {
        *error = xasprintf(
            "-includeconf cannot be used from commandline; -includeconf=\"%s\"",
            equals ? equals + 1 : "");
        return false;
    }
    if (!args_make(a, &v, o, negated, "", equals ? equals + 1 : NULL, error))
        return false;
    args_add(a, COMMAND_LINE, &v);
    return true;
}

static bool is_option_word(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

static bool asks_for_bitcoin(int argc, const char *const *argv)
{
    bool on = false;
    for (int i = 1; i < argc && is_option_word(argv[i]); i++) {
        const char *key = argv[i] + 1 + (argv[i][1] == '-');
        if (strcmp(key, "bitcoin") == 0 || strcmp(key, "bitcoin=1") == 0)
            on = true;
        else if (strcmp(key, "nobitcoin") == 0 || strcmp(key, "bitcoin=0") == 0)
            on = false;
    }
    return on;
}

bool args_parse_command_line(struct args *a, int argc, const char *const *argv,
                             char **error)
{
    int i = 1;
    char *why = NULL;
    a->lenient = asks_for_bitcoin(argc, argv);
    for (; i < argc && is_option_word(argv[i]); i++) {
        if (!parse_word(a, argv[i], &why)) {
            *error = xasprintf("Error parsing command line arguments: %s", why);
            free(why);
            return false;
        }
    }
    for (; i < argc; i++)
        text_list_add(&a->positional, args_keep(a, argv[i]));
    return true;
}

/* --- what programs set and ask --------------------------------------------- */

void args_force_set(struct args *a, const char *name, const char *value)
{
    const struct opt *o = args_find_option(a, name);
    ASSERT(o != NULL);
    struct value v = {o, args_keep(a, ""), false, args_keep(a, value)};
    args_add(a, FORCED, &v);
}

bool args_soft_set(struct args *a, const char *name, const char *value)
{
    if (args_is_set(a, name))
        return false;
    args_force_set(a, name, value);
    return true;
}

const char *const *args_positional(const struct args *a, size_t *n)
{
    *n = a->positional.n;
    return a->positional.items;
}

const char *const *args_warnings(const struct args *a, size_t *n)
{
    *n = a->warnings.n;
    return a->warnings.items;
}

const char *const *args_notices(const struct args *a, size_t *n)
{
    *n = a->notices.n;
    return a->notices.items;
}

static void log_values(const struct args *a, enum source from, const char *label,
                       struct logger *log)
{
    const struct value_list *list = &a->from[from];
    for (size_t i = 0; i < list->n; i++) {
        const struct value *v = &list->items[i];
        const char *quote = v->negated || (v->opt->flags & OPT_SENSITIVE) ? "" : "\"";
        log_info(log, "%s %s%s%s%s=%s%s%s", label, v->section[0] ? "[" : "", v->section,
                 v->section[0] ? "] " : "", v->opt->name, quote,
                 v->opt->flags & OPT_SENSITIVE ? "****"
                 : v->negated                  ? "false"
                                               : v->text,
                 quote);
    }
}

void args_log(const struct args *a, struct logger *log)
{
    log_values(a, CONFIG, "Config file arg:", log);
    for (size_t i = 0; i < a->settings.n; i++)
        log_info(log, "Setting file arg: %s", a->settings.items[i]);
    log_values(a, COMMAND_LINE, "Command-line arg:", log);
}
