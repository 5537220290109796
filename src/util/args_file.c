/* The configuration file and the settings file. */
#include "util/args_internal.h"

#include <stdlib.h>

#include "util/fs.h"

#define MAX_CONFIG_SIZE (1u << 20)

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
    f->section = args_keep(f->a, name);
    if (known_section(name))
        return;
    args_notice(f->a, f->a->section_noticed ? "" : "Warning: ",
                arena_printf(&f->a->mem, "%s:%d Section [%s] is not recognized.",
                             f->path, f->line, name));
    f->a->section_noticed = true;
}

/* Whether @o may stand in a configuration file, and if so, whether it counts there. */
static bool is_allowed(struct config_file *f, const struct opt *o, const char *text,
                       bool *counts)
{
    struct arena *mem = &f->a->mem;
    *counts = true;
    if (strcmp(o->name, "conf") == 0) {
        *f->error = xstrdup("conf cannot be set in the configuration file; use "
                            "includeconf= if you want to include additional config "
                            "files");
        return false;
    }
    if (o->flags & OPT_COMMAND_LINE) {
        *f->error = xasprintf("%s cannot be set in the configuration file; it belongs "
                              "on the command line",
                              o->name);
        return false;
    }
    if (f->included && strcmp(o->name, "includeconf") == 0) {
        args_notice(f->a, "warning: ",
                    arena_printf(mem,
                                 "-includeconf cannot be used from included files; "
                                 "ignoring -includeconf=%s",
                                 text));
        *counts = false;
    }
    if (strcmp(o->name, "reindex") == 0)
        args_warn(f->a, "reindex=1 is set in the configuration file, which will "
                        "significantly slow down startup. Consider removing or "
                        "commenting out this option for better performance, unless "
                        "there is currently a condition which makes rebuilding the "
                        "indexes necessary");
    return true;
}

static bool unknown_key(struct config_file *f, const char *key)
{
    if (f->strict) {
        *f->error = xasprintf("Invalid configuration value %s", key);
        return false;
    }
    args_warn(f->a,
              arena_printf(&f->a->mem, "Ignoring unknown configuration value %s", key));
    return true;
}

static bool config_value(struct config_file *f, char *key, const char *text)
{
    const char *section = f->section;
    char *dot = strchr(key, '.');
    if (dot != NULL) { /* "regtest.port=1" */
        *dot = '\0';
        section = key;
        key = dot + 1;
    }
    bool negated, counts;
    const struct opt *o = args_find_key(f->a, key, &negated);
    if (o == NULL)
        return unknown_key(f, key);
    if (!is_allowed(f, o, text, &counts))
        return false;
    struct value v;
    if (!counts)
        return true;
    if (!args_make(f->a, &v, o, negated, section, text, f->error))
        return false;
    args_add(f->a, CONFIG, &v);
    return true;
}

/* A line without '='. */
static bool no_value(struct config_file *f, const char *line)
{
    char *hint = strncmp(line, "no", 2) == 0
                     ? xasprintf("%s, if you intended to specify a negated option, use "
                                 "%s=1 instead",
                                 line, line)
                     : xstrdup(line);
    config_error(f, "parse error on line %d: %s", hint);
    free(hint);
    return false;
}

/* Cuts a comment off. False: it might be part of a password. */
static bool cut_comment(char *line)
{
    char *comment = strchr(line, '#'), *password = strstr(line, "rpcpassword");
    if (comment == NULL)
        return true;
    *comment = '\0';
    return password == NULL || password > comment;
}

static bool config_line(struct config_file *f, char *line)
{
    if (!cut_comment(line))
        return config_error(f,
                            "parse error on line %d, using # in rpcpassword can be "
                            "ambiguous and should be avoided%s",
                            "");
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
        return config_error(f,
                            "parse error on line %d: %s, options in configuration file "
                            "must be specified without leading -",
                            line);
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return no_value(f, line);
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
        return args_make(a, &v, o, !j->boolean, "", j->boolean ? "1" : NULL, error) &&
               (args_add(a, SETTINGS, &v), true);
    if (j->type == JSON_STRING || j->type == JSON_NUMBER)
        return args_make(a, &v, o, false, "", j->str, error) &&
               (args_add(a, SETTINGS, &v), true);
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

/* For the log: "name = JSON". */
static void note_setting(struct args *a, const char *name, const struct opt *o,
                         const struct json *j)
{
    struct buf text = {0};
    struct json_writer w;
    json_writer_init(&w, &text, 0);
    json_value(&w, j);
    bool secret = o != NULL && (o->flags & OPT_SENSITIVE);
    args_note_setting(
        a, arena_printf(&a->mem, "%s = %s", name, secret ? "****" : buf_cstr(&text)));
    buf_clear(&text);
}

static void refuse_settings(const struct json *j, const char *path, char **error)
{
    struct buf text = {0};
    struct json_writer w;
    json_writer_init(&w, &text, 0);
    json_value(&w, j);
    *error =
        xasprintf("Settings file could not be read:\n- Found non-object value %s in "
                  "settings file %s",
                  buf_cstr(&text), path);
    buf_clear(&text);
}

static bool settings_object(struct args *a, const struct json *j, const char *path,
                            char **error)
{
    if (j->type != JSON_OBJECT) {
        refuse_settings(j, path, error);
        return false;
    }
    for (size_t i = 0; i < j->len; i++) {
        const char *key = j->keys[i].str;
        const struct opt *o = args_find_option(a, key);
        if (json_get(j, key) != &j->items[i]) {
            *error = xasprintf(
                "Settings file could not be read:\n- Found duplicate key %s in "
                "settings file %s",
                key, path);
            return false;
        }
        if (key[0] == '_') /* the file's own words to its readers */
            continue;
        note_setting(a, key, o, &j->items[i]);
        if (o != NULL && !settings_value(a, o, &j->items[i], path, error))
            return false;
        if (o == NULL)
            args_warn(
                a, arena_printf(&a->mem, "Ignoring unknown rw_settings value %s", key));
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
