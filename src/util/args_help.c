/* The text of -help. */
#include "util/args_internal.h"

#include <stdlib.h>

#define HELP_WIDTH  79
#define HELP_INDENT 7

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
