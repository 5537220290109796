/* Reading the worked examples of doc/spec: fenced blocks "```example <name>" of rows
 * "<name> <value>", where an indented line continues the row above. */
#ifndef OCHRE_TEST_SPEC_EXAMPLES_H
#define OCHRE_TEST_SPEC_EXAMPLES_H

#include "state_fixture.h"

#include "util/hex.h"
#include "util/mem.h"

#define MAX_ROWS 32

struct row {
    char name[32];
    char *text; /* owned: words, without the blanks of continuation lines */
};

struct example {
    char name[32];
    struct row rows[MAX_ROWS];
    size_t n;
};

/* --- reading --- */

static void clear(struct example *ex)
{
    for (size_t i = 0; i < ex->n; i++)
        free(ex->rows[i].text);
    ex->n = 0;
}

static void add_line(struct example *ex, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == ' ') { /* continues the row above */
        struct row *r = &ex->rows[ex->n - 1];
        char *joined = xasprintf("%s%s", r->text, line + strspn(line, " "));
        free(r->text);
        r->text = joined;
        return;
    }
    assert_true(ex->n < MAX_ROWS);
    struct row *r = &ex->rows[ex->n++];
    size_t name = strcspn(line, " ");
    assert_true(name < sizeof(r->name));
    memcpy(r->name, line, name);
    r->name[name] = '\0';
    r->text = xstrdup(line + name + strspn(line + name, " "));
}

static int each_example(const char *file, const char *name,
                        void (*fn)(struct example *ex))
{
    char path[4096], line[4096];
    const char *top = getenv("srcdir");
    struct example ex = {.n = 0};
    bool inside = false;
    int n = 0;
    snprintf(path, sizeof(path), "%s/doc/spec/%s", top ? top : ".", file);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("no %s", path);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "```example ", 11) == 0) {
            inside = true;
            snprintf(ex.name, sizeof(ex.name), "%.31s", line + 11);
            ex.name[strcspn(ex.name, "\n")] = '\0';
        } else if (inside && strncmp(line, "```", 3) == 0) {
            inside = false;
            if (strcmp(ex.name, name) == 0) {
                fn(&ex);
                n++;
            }
            clear(&ex);
        } else if (inside) {
            add_line(&ex, line);
        }
    }
    fclose(f);
    return n;
}

static const char *text_of(const struct example *ex, const char *name)
{
    for (size_t i = 0; i < ex->n; i++)
        if (strcmp(ex->rows[i].name, name) == 0)
            return ex->rows[i].text;
    fail_msg("example %s lacks %s", ex->name, name);
    return NULL;
}

static bool has_row(const struct example *ex, const char *name)
{
    for (size_t i = 0; i < ex->n; i++)
        if (strcmp(ex->rows[i].name, name) == 0)
            return true;
    return false;
}

static void hex_of(struct buf *out, const struct example *ex, const char *name)
{
    const char *text = text_of(ex, name);
    buf_reset(out);
    if (!hex_decode(out, text, strlen(text)))
        fail_msg("example %s: %s is no hex", ex->name, name);
}

static void assert_row(const struct example *ex, const char *name, struct bytes got)
{
    struct buf hex = {0};
    hex_append(&hex, got.data, got.len);
    assert_string_equal(buf_cstr(&hex), text_of(ex, name));
    buf_clear(&hex);
}

/* --- a state for the examples --- */

#endif
