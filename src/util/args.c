#include "util/args.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "util/fs.h"
#include "util/log.h"

#define MAX_CONFIG_SIZE (1u << 20)
#define HELP_WIDTH      79
#define HELP_INDENT     7

enum source {
    FORCED,
    COMMAND_LINE,
    SETTINGS,
    CONFIG,
    SOURCE_COUNT,
};

struct value {
    const struct opt *opt;
    char *section; /* in the arena; "" outside configuration sections */
    bool negated;
    char *text; /* in the arena; "0" when negated */
};

struct value_list {
    struct value *items; /* owned */
    size_t n;
};

struct text_list {
    const char **items; /* owned; strings in the arena */
    size_t n;
};

struct args {
    const struct opt *table;
    struct value_list from[SOURCE_COUNT];
    struct text_list positional, warnings;
    const char *network; /* static or the arena's; "" before it is selected */
    bool lenient;        /* -bitcoin: numbers are read as bitcoind reads them */
    struct arena mem;
    pthread_mutex_t lock; /* of mem, for args_list on any thread */
};

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
    arena_clear(&a->mem);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static char *keep(struct args *a, const char *text)
{
    return arena_dup(&a->mem, text, strlen(text) + 1);
}

static void text_list_add(struct text_list *l, const char *kept)
{
    l->items = xrealloc_array(l->items, l->n + 1, sizeof(*l->items));
    l->items[l->n++] = kept;
}

static void add_value(struct args *a, enum source from, const struct value *v)
{
    struct value_list *l = &a->from[from];
    l->items = xrealloc_array(l->items, l->n + 1, sizeof(*l->items));
    l->items[l->n++] = *v;
}

/* --- names and values ---------------------------------------------------- */

static const struct opt *find_option(const struct args *a, const char *name)
{
    for (const struct opt *o = a->table; o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return (o->flags & OPT_BITCOIN_ONLY) && !a->lenient ? NULL : o;
    return NULL;
}

/* "nofoo" is the negation of foo, unless an option has that very name. */
static const struct opt *find_key(const struct args *a, const char *key, bool *negated)
{
    const struct opt *o = find_option(a, key);
    *negated = o == NULL && strncmp(key, "no", 2) == 0;
    return *negated ? find_option(a, key + 2) : o;
}

/* An empty value means yes; anything else is a number (bitcoind's rule). */
static bool text_is_true(const char *text)
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

static bool in_range(const struct opt *o, int64_t v)
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
    if (o->type != OPT_INT || (number && in_range(o, v)))
        return true;
    if (o->max == 65535) {
        *error = xasprintf("Invalid port specified in -%s: '%s'", o->name, text);
        return false;
    }
    if (a->lenient)
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

/* @text NULL: no value was given. */
static bool make_value(struct args *a, struct value *v, const struct opt *o,
                       bool negated, const char *section, const char *text,
                       char **error)
{
    *v = (struct value){o, keep(a, section), false, keep(a, text ? text : "")};
    if (o->flags & OPT_IGNORED)
        text_list_add(
            &a->warnings,
            arena_printf(&a->mem, "Option -%s has no effect in this program", o->name));
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
    v->negated = text == NULL || text_is_true(text);
    v->text = keep(a, v->negated ? "0" : "1");
    return true;
}

/* --- command line -------------------------------------------------------- */

static bool parse_word(struct args *a, const char *word, char **error)
{
    const char *key = word + 1 + (word[1] == '-');
    const char *equals = strchr(key, '=');
    char *name =
        equals ? arena_printf(&a->mem, "%.*s", (int)(equals - key), key) : keep(a, key);
    bool negated;
    struct value v;
    const struct opt *o = find_key(a, name, &negated);
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
    if (!make_value(a, &v, o, negated, "", equals ? equals + 1 : NULL, error))
        return false;
    add_value(a, COMMAND_LINE, &v);
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
        text_list_add(&a->positional, keep(a, argv[i]));
    return true;
}

/* --- configuration file -------------------------------------------------- */

struct config_file {
    struct args *a;
    const char *path;
    bool strict;
    bool included; /* by another file */
    const char *section;
    int line;
    char **error;
};

static bool config_error(struct config_file *f, const char *fmt, const char *what)
{
    *f->error = xasprintf(fmt, f->line, what);
    return false;
}

static char *trim(char *s)
{
    static const char blank[] = " \t\r\n";
    s += strspn(s, blank);
    size_t n = strlen(s);
    while (n > 0 && strchr(blank, s[n - 1]) != NULL)
        s[--n] = '\0';
    return s;
}

static bool known_section(const char *name)
{
    static const char *const known[] = {"main", "test", "regtest", "signet",
                                        "testnet4"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}

static void enter_section(struct config_file *f, const char *name)
{
    f->section = keep(f->a, name);
    if (!known_section(name))
        text_list_add(&f->a->warnings,
                      arena_printf(&f->a->mem, "%s:%d Section [%s] is not recognized.",
                                   f->path, f->line, name));
}

static bool config_value(struct config_file *f, char *key, const char *text)
{
    struct args *a = f->a;
    const char *section = f->section;
    char *dot = strchr(key, '.');
    if (dot != NULL) { /* "regtest.port=1" */
        *dot = '\0';
        section = key;
        key = dot + 1;
    }
    bool negated;
    const struct opt *o = find_key(a, key, &negated);
    if (o == NULL && f->strict) {
        *f->error = xasprintf("Invalid configuration value %s", key);
        return false;
    }
    if (o == NULL) {
        text_list_add(
            &a->warnings,
            arena_printf(&a->mem, "Ignoring unknown configuration value %s", key));
        return true;
    }
    if (o->flags & OPT_COMMAND_LINE) {
        *f->error =
            strcmp(o->name, "conf") == 0
                ? xstrdup("conf cannot be set in the configuration file; use "
                          "includeconf= if you want to include additional config "
                          "files")
                : xasprintf("%s cannot be set in the configuration file; it belongs "
                            "on the command line",
                            o->name);
        return false;
    }
    if (f->included && strcmp(o->name, "includeconf") == 0) {
        text_list_add(&a->warnings,
                      arena_printf(&a->mem,
                                   "-includeconf cannot be used from included files; "
                                   "ignoring -includeconf=%s",
                                   text));
        return true;
    }
    struct value v;
    if (!make_value(a, &v, o, negated, section, text, f->error))
        return false;
    add_value(a, CONFIG, &v);
    return true;
}

static bool config_line(struct config_file *f, char *line)
{
    char *comment = strchr(line, '#');
    if (comment != NULL && strstr(line, "rpcpassword") != NULL &&
        strstr(line, "rpcpassword") < comment)
        return config_error(
            f,
            "parse error on line %d, using # in rpcpassword can be ambiguous "
            "and should be avoided%s",
            "");
    if (comment != NULL)
        *comment = '\0';
    line = trim(line);
    size_t n = strlen(line);
    if (n == 0)
        return true;
    if (line[0] == '[' && line[n - 1] == ']') {
        line[n - 1] = '\0';
        enter_section(f, line + 1);
        return true;
    }
    if (line[0] == '-')
        return config_error(
            f,
            "parse error on line %d: %s, options in configuration file must "
            "be specified without leading -",
            line);
    char *equals = strchr(line, '=');
    if (equals == NULL) {
        char *what =
            strncmp(line, "no", 2) == 0
                ? xasprintf("%s, if you intended to specify a negated option, use "
                            "%s=1 instead",
                            line, line)
                : xstrdup(line);
        config_error(f, "parse error on line %d: %s", what);
        free(what);
        return false;
    }
    *equals = '\0';
    return config_value(f, trim(line), trim(equals + 1));
}

static bool read_one_config(struct config_file *f)
{
    struct buf text = {0};
    enum err e = fs_read_file(f->path, MAX_CONFIG_SIZE, &text);
    bool ok = e == ERR_OK;
    if (!ok)
        *f->error = xasprintf("%s: %s", f->path, err_text(e));
    char *line = ok ? (char *)(uintptr_t)buf_cstr(&text) : NULL;
    while (ok && line != NULL) {
        char *next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        f->line++;
        ok = config_line(f, line);
        line = next;
    }
    buf_clear(&text);
    return ok;
}

/* The network that the options so far select; includeconf needs it early. */
static const char *network_so_far(const struct args *a)
{
    if (args_bool(a, "regtest", false))
        return "regtest";
    if (args_bool(a, "testnet", false))
        return "test";
    return args_str(a, "chain", "main");
}

static bool read_included(struct args *a, const char *main_path, bool strict,
                          char **error)
{
    size_t n;
    const char *before = a->network;
    a->network = network_so_far(a);
    const char *const *names = args_list(a, "includeconf", &n);
    a->network = before;

    const char *slash = strrchr(main_path, '/');
    const char *dir = args_str(a, "datadir", "");
    if (dir[0] == '\0')
        dir = slash ? arena_printf(&a->mem, "%.*s", (int)(slash - main_path), main_path)
                    : ".";
    for (size_t i = 0; i < n; i++) {
        const char *path = names[i][0] == '/'
                               ? names[i]
                               : arena_printf(&a->mem, "%s/%s", dir, names[i]);
        struct config_file f = {a, path, strict, true, "", 0, error};
        if (!path_exists(path) || path_is_dir(path)) {
            *error = xasprintf("Failed to include configuration file %s", names[i]);
            return false;
        }
        if (!read_one_config(&f))
            return false;
    }
    return true;
}

bool args_read_config(struct args *a, const char *path, bool strict, char **error)
{
    struct config_file f = {a, path, strict, false, "", 0, error};
    return read_one_config(&f) && read_included(a, path, strict, error);
}

/* --- settings file ------------------------------------------------------- */

static bool settings_value(struct args *a, const struct opt *o, const struct json *j,
                           const char *path, char **error)
{
    struct value v;
    if (j->type == JSON_BOOL)
        return make_value(a, &v, o, !j->boolean, "", j->boolean ? "1" : NULL, error) &&
               (add_value(a, SETTINGS, &v), true);
    if (j->type == JSON_STRING || j->type == JSON_NUMBER)
        return make_value(a, &v, o, false, "", j->str, error) &&
               (add_value(a, SETTINGS, &v), true);
    if (j->type == JSON_NULL)
        return true;
    for (size_t i = 0; j->type == JSON_ARRAY && i < j->len; i++)
        if (j->items[i].type == JSON_ARRAY ||
            !settings_value(a, o, &j->items[i], path, error))
            return false;
    if (j->type == JSON_OBJECT) {
        *error = xasprintf("Found unexpected value for %s in settings file %s", o->name,
                           path);
        return false;
    }
    return true;
}

static bool settings_object(struct args *a, const struct json *j, const char *path,
                            char **error)
{
    if (j->type != JSON_OBJECT) {
        *error =
            xasprintf("Settings file could not be read:\n- Found unexpected value in "
                      "settings file %s: it must be an object",
                      path);
        return false;
    }
    for (size_t i = 0; i < j->len; i++) {
        const char *key = j->keys[i].str;
        const struct opt *o = find_option(a, key);
        if (json_get(j, key) != &j->items[i]) {
            *error = xasprintf(
                "Settings file could not be read:\n- Found duplicate key %s in "
                "settings file %s",
                key, path);
            return false;
        }
        if (o != NULL && !settings_value(a, o, &j->items[i], path, error))
            return false;
        if (o == NULL && key[0] != '_')
            text_list_add(
                &a->warnings,
                arena_printf(&a->mem, "Ignoring unknown rw_settings value %s", key));
    }
    return true;
}

bool args_read_settings(struct args *a, const char *path, char **error)
{
    struct buf text = {0};
    struct json *j;
    const char *why;
    enum err e = fs_read_file(path, MAX_CONFIG_SIZE, &text);
    bool ok = false;
    if (e != ERR_OK)
        *error =
            xasprintf("Settings file could not be read:\n- %s: %s", path, err_text(e));
    else if (!json_parse(&j, &a->mem, (const char *)text.data, text.len, &why))
        *error =
            xasprintf("Settings file could not be read:\n- Settings file %s does not "
                      "contain valid "
                      "JSON. This is probably caused by disk corruption or a crash, "
                      "and can be fixed by "
                      "removing the file, which will reset settings to default values.",
                      path);
    else
        ok = settings_object(a, j, path, error);
    buf_clear(&text);
    return ok;
}

/* --- looking up ---------------------------------------------------------- */

void args_select_network(struct args *a, const char *section)
{
    a->network = keep(a, section);
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
    const struct opt *o = find_option(a, name);
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
    const struct opt *o = find_option(a, name);
    if (o->type == OPT_INT && !in_range(o, v) && !negated)
        v = v < o->min ? o->min : o->max;
    return v;
}

bool args_bool(const struct args *a, const char *name, bool def)
{
    bool negated;
    const char *text = lookup(a, name, &negated);
    return text ? text_is_true(text) : def;
}

const char *const *args_list(const struct args *ca, const char *name, size_t *n)
{
    struct args *a = (struct args *)ca; /* the arena only */
    const struct opt *o = find_option(a, name);
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

void args_force_set(struct args *a, const char *name, const char *value)
{
    const struct opt *o = find_option(a, name);
    ASSERT(o != NULL);
    struct value v = {o, keep(a, ""), false, keep(a, value)};
    add_value(a, FORCED, &v);
}

bool args_soft_set(struct args *a, const char *name, const char *value)
{
    if (args_is_set(a, name))
        return false;
    args_force_set(a, name, value);
    return true;
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

/* --- log and help -------------------------------------------------------- */

void args_log(const struct args *a, struct logger *log)
{
    static const struct {
        enum source source;
        const char *label;
    } shown[] = {
        {CONFIG, "Config file arg:"},
        {SETTINGS, "Setting file arg:"},
        {COMMAND_LINE, "Command-line arg:"},
    };
    for (size_t k = 0; k < ARRAY_LEN(shown); k++) {
        const struct value_list *list = &a->from[shown[k].source];
        for (size_t i = 0; i < list->n; i++) {
            const struct value *v = &list->items[i];
            const char *quote =
                v->negated || (v->opt->flags & OPT_SENSITIVE) ? "" : "\"";
            log_info(log, "%s %s%s%s%s=%s%s%s", shown[k].label,
                     v->section[0] ? "[" : "", v->section, v->section[0] ? "] " : "",
                     v->opt->name, quote,
                     v->opt->flags & OPT_SENSITIVE ? "****"
                     : v->negated                  ? "false"
                                                   : v->text,
                     quote);
        }
    }
}

static void wrap(struct buf *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > 0 && HELP_INDENT + column + 1 + word > HELP_WIDTH) {
            buf_append_byte(out, '\n');
            column = 0;
        }
        if (column == 0)
            buf_printf(out, "%*s", HELP_INDENT, "");
        else
            buf_append_byte(out, ' ');
        buf_append(out, text, word);
        column += word + (column > 0);
        text += word;
        text += strspn(text, " ");
    }
    buf_append_byte(out, '\n');
}

static void help_option(const struct opt *o, struct buf *out)
{
    buf_printf(out, "  -%s%s%s\n", o->name, o->arg ? "=" : "", o->arg ? o->arg : "");
    char *text =
        o->def ? xasprintf("%s (default: %s)", o->help, o->def) : xstrdup(o->help);
    wrap(out, text);
    free(text);
    buf_append_byte(out, '\n');
}

static bool is_shown(const struct opt *o, bool debug)
{
    return o->help != NULL && (debug || !(o->flags & OPT_HIDDEN));
}

void args_help(const struct args *a, struct buf *out, bool debug)
{
    const char *group = "";
    for (const struct opt *o = a->table; o->name != NULL; o++) {
        if (!is_shown(o, debug))
            continue;
        if (strcmp(group, o->group) != 0) {
            group = o->group;
            buf_printf(out, "%s:\n\n", group);
        }
        help_option(o, out);
    }
}
