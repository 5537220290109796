/* Help texts from the method tables, in bitcoind's layout: a left column of JSON
 * shapes, padded to the longest, and a right column of descriptions. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/params/params.h"
#include "rpc/method.h"
#include "util/mem.h"

#define COLUMN_GAP   4
#define FIRST_INDENT 5 /* of what an argument is made of */

static bool is_optional(const struct rpc_param *p)
{
    return p->def || (p->flags & P_OPTIONAL);
}

/* -- Two columns ---------------------------------------------------------- */

struct line {
    char *left, *right; /* owned */
};

struct columns {
    struct line *lines; /* owned */
    size_t n;
    size_t widest;
};

static void add_line(struct columns *c, char *take_left, char *take_right)
{
    size_t w = strlen(take_left);
    c->lines = xrealloc_array(c->lines, c->n + 1, sizeof(*c->lines));
    c->lines[c->n++] = (struct line){take_left, take_right};
    if (w > c->widest)
        c->widest = w;
}

static void write_right(struct buf *out, const char *text, size_t pad)
{
    for (;;) {
        size_t n = strcspn(text, "\n");
        buf_append(out, text, n);
        buf_append_byte(out, '\n');
        if (!text[n])
            return;
        text += n + 1;
        buf_printf(out, "%*s", (int)pad, "");
    }
}

/* Writes and frees. */
static void write_columns(struct buf *out, struct columns *c)
{
    size_t pad = c->widest + COLUMN_GAP;
    for (size_t i = 0; i < c->n; i++) {
        struct line *l = &c->lines[i];
        if (l->right && l->right[0]) {
            buf_printf(out, "%-*s", (int)pad, l->left);
            write_right(out, l->right, pad);
        } else {
            buf_printf(out, "%s\n", l->left);
        }
        free(l->left);
        free(l->right);
    }
    free(c->lines);
}

/* -- Parameters ----------------------------------------------------------- */

/* The first of "verbosity|verbose". */
static char *first_name(const struct rpc_param *p)
{
    return xasprintf("%.*s", (int)strcspn(p->names, "|"), p->names);
}

/* (type, default or duty) help */
static char *describe(const struct rpc_param *p)
{
    static const char *const types[] = {
        [P_STR] = "string",
        [P_HEX] = "string",
        [P_NUM] = "numeric",
        [P_BOOL] = "boolean",
        [P_AMOUNT] = "numeric or string",
        [P_RANGE] = "numeric or array",
        [P_OBJ] = "json object",
        [P_ARR] = "json array",
        [P_ANY] = "any",
        [P_OBJ_USER] = "json object",
    };
    const char *type = p->type_text ? p->type_text : types[p->type];
    const char *duty = p->def           ? ", optional, default="
                       : is_optional(p) ? ", optional"
                                        : ", required";
    return xasprintf("(%s%s%s)%s%s", type, duty, p->def ? p->def : "",
                     p->help ? " " : "", p->help ? p->help : "");
}

static void put_shape(struct buf *out, const struct rpc_param *p, bool as_member);

static void put_members(struct buf *out, const struct rpc_param *inner, bool as_member)
{
    for (size_t i = 0; inner && inner[i].names; i++) {
        if (i)
            buf_append_byte(out, ',');
        put_shape(out, &inner[i], as_member);
    }
}

/* "str", n, [n,...], {"a":n,...}: an argument in one line; as_member: with its key. */
static void put_shape(struct buf *out, const struct rpc_param *p, bool as_member)
{
    static const char *const member_shapes[] = {
        [P_STR] = "\"str\"", [P_HEX] = "\"hex\"",   [P_NUM] = "n",
        [P_BOOL] = "bool",   [P_AMOUNT] = "amount", [P_RANGE] = "n or [n,n]",
        [P_ANY] = "any",     [P_ARR] = NULL,
    };
    char *name = first_name(p);
    if (as_member)
        buf_printf(out, "\"%s\":", name);
    switch (p->type) {
    case P_ARR:
        buf_append_byte(out, '[');
        put_members(out, p->inner, false);
        buf_append_str(out, ",...]");
        break;
    case P_OBJ:
    case P_OBJ_USER:
        buf_append_byte(out, '{');
        put_members(out, p->inner, true);
        buf_append_str(out, p->type == P_OBJ ? "}" : ",...}");
        break;
    case P_STR:
    case P_HEX:
        if (as_member)
            buf_append_str(out, member_shapes[p->type]);
        else
            buf_printf(out, "\"%s\"", name);
        break;
    case P_NUM:
    case P_BOOL:
    case P_AMOUNT:
    case P_RANGE:
    case P_ANY:
        buf_append_str(out, as_member ? member_shapes[p->type] : name);
        break;
    }
    free(name);
}

static void put_name(struct buf *out, const struct rpc_param *p, bool as_member)
{
    char *name = first_name(p);
    if (as_member)
        buf_printf(out, "\"%s\": ", name);
    free(name);
}

static char *indented(int indent, const char *text)
{
    return xasprintf("%*s%s", indent, "", text);
}

static bool is_nested(const struct rpc_param *p)
{
    return p->type == P_OBJ || p->type == P_OBJ_USER || p->type == P_ARR;
}

/* The lines of one nested argument. */
static void add_nested(struct columns *c, const struct rpc_param *p, int indent,
                       bool top, bool as_member)
{
    struct buf left = {0};
    buf_printf(&left, "%*s", indent, "");
    if (!is_nested(p)) {
        struct buf shape = {0};
        put_name(&left, p, as_member);
        put_shape(&shape, p, as_member);
        const char *s = buf_cstr(&shape);
        buf_printf(&left, "%s,", as_member ? strchr(s, ':') + 1 : s);
        buf_clear(&shape);
        add_line(c, (char *)buf_take(&left, NULL), describe(p));
        return;
    }
    bool array = p->type == P_ARR;
    put_name(&left, p, as_member);
    buf_append_byte(&left, array ? '[' : '{');
    add_line(c, (char *)buf_take(&left, NULL), top ? NULL : describe(p));
    for (const struct rpc_param *i = p->inner; i && i->names; i++)
        add_nested(c, i, indent + 2, false, !array);
    if (p->type != P_OBJ)
        add_line(c, indented(indent + 2, "..."), NULL);
    add_line(c, xasprintf("%*s%c%s", indent, "", array ? ']' : '}', top ? "" : ","),
             NULL);
}

static bool has_named_only(const struct rpc_param *p)
{
    for (const struct rpc_param *i = p->inner; i && i->names; i++)
        if (i->flags & P_NAMED_ONLY)
            return true;
    return false;
}

static void add_named_only(struct columns *c, const struct rpc_param *p)
{
    for (const struct rpc_param *i = p->inner; i && i->names; i++) {
        add_line(c, first_name(i), describe(i));
        if (is_nested(i))
            add_nested(c, i, FIRST_INDENT, true, false);
    }
}

static void put_usage(struct buf *out, const struct rpc_method *m)
{
    bool optional = false;
    buf_append_str(out, m->name);
    for (const struct rpc_param *p = m->params; p && p->names && !(p->flags & P_HIDDEN);
         p++) {
        if (is_optional(p) != optional)
            buf_append_str(out, optional ? " )" : " (");
        optional = is_optional(p);
        buf_append_byte(out, ' ');
        put_shape(out, p, false);
    }
    buf_append_str(out, optional ? " )" : "");
}

static void put_params(struct buf *out, const struct rpc_method *m)
{
    struct columns args = {0}, named = {0};
    for (size_t i = 0; m->params && m->params[i].names; i++) {
        const struct rpc_param *p = &m->params[i];
        if (p->flags & P_HIDDEN)
            break;
        add_line(&args,
                 xasprintf("%zu. %.*s", i + 1, (int)strcspn(p->names, "|"), p->names),
                 describe(p));
        if (has_named_only(p))
            add_named_only(&named, p);
        else if (is_nested(p))
            add_nested(&args, p, FIRST_INDENT, true, false);
    }
    if (args.n)
        buf_append_str(out, "\nArguments:\n");
    write_columns(out, &args);
    if (named.n)
        buf_append_str(out, "\nNamed Arguments:\n");
    write_columns(out, &named);
}

/* -- Results -------------------------------------------------------------- */

static char *describe_result(const struct rpc_result *r, const char *type)
{
    bool text = r->help && r->help[0];
    return xasprintf("(%s%s%s)%s%s", type, r->nullable ? " or null" : "",
                     r->optional ? ", optional" : "",
                     text ? " " : "", text ? r->help : "");
}

static void add_result(struct columns *c, const struct rpc_result *r, int indent,
                       bool inside, bool as_member);

static void add_results(struct columns *c, const struct rpc_result *r, int indent,
                        char *take_key, const char *separator)
{
    bool array = r->type == R_ARR || r->type == R_ARR_FIXED;
    if (!array && !(r->inner && r->inner[0].name)) {
        add_line(c, xasprintf("%*s%s{}%s", indent, "", take_key, separator),
                 describe_result(r, "empty JSON object"));
        free(take_key);
        return;
    }
    add_line(c, xasprintf("%*s%s%c", indent, "", take_key, array ? '[' : '{'),
             describe_result(r, array ? "json array" : "json object"));
    free(take_key);
    for (const struct rpc_result *i = r->inner; i && i->name; i++)
        add_result(c, i, indent + 2, true, !array);
    if (r->type == R_ARR || r->type == R_OBJ_DYN)
        add_line(c, indented(indent + 2, "..."), NULL);
    add_line(c, xasprintf("%*s%c%s", indent, "", array ? ']' : '}', separator), NULL);
}

static void add_result(struct columns *c, const struct rpc_result *r, int indent,
                       bool inside, bool as_member)
{
    static const struct {
        const char *shape, *type;
    } simple[] = {
        [R_STR] = {"\"str\"", "string"},      [R_HEX] = {"\"hex\"", "string"},
        [R_NUM] = {"n", "numeric"},           [R_AMOUNT] = {"n", "numeric"},
        [R_BOOL] = {"true|false", "boolean"}, [R_NONE] = {"null", "json null"},
        [R_TIME] = {"xxx", "numeric"},        [R_ANY] = {"any", "any"},
    };
    const char *separator = inside ? "," : "";
    char *key = as_member ? xasprintf("\"%s\" : ", r->name) : xstrdup("");
    switch (r->type) {
    case R_MORE:
        add_line(c, xasprintf("%*s...%s", indent, "", separator),
                 xstrdup(r->help ? r->help : ""));
        break;
    case R_OBJ:
    case R_OBJ_DYN:
    case R_ARR:
    case R_ARR_FIXED:
        add_results(c, r, indent, key, separator);
        return;
    case R_STR:
    case R_HEX:
    case R_NUM:
    case R_AMOUNT:
    case R_BOOL:
    case R_NONE:
    case R_TIME:
    case R_ANY:
        add_line(
            c,
            xasprintf("%*s%s%s%s", indent, "", key, simple[r->type].shape, separator),
            describe_result(r, simple[r->type].type));
        break;
    }
    free(key);
}

static void put_results(struct buf *out, const struct rpc_method *m)
{
    static const struct rpc_result null[] = {{R_NONE, "", ""}, {.name = NULL}};
    for (const struct rpc_result *r = m->results ? m->results : null; r->name; r++) {
        struct columns c = {0};
        if (r->when)
            buf_printf(out, "\nResult (%s):\n", r->when);
        else
            buf_append_str(out, "\nResult:\n");
        add_result(&c, r, 0, false, false);
        write_columns(out, &c);
    }
}

/* -- Examples ------------------------------------------------------------- */

static bool is_text(const struct rpc_param *p)
{
    return p && p->names && (p->type == P_STR || p->type == P_HEX);
}

/* One word as a shell splits it: quotes group and vanish. False: no more. */
static bool next_word(const char **at, struct buf *word)
{
    const char *s = *at + strspn(*at, " ");
    char quote = 0;
    if (!*s)
        return false;
    buf_reset(word);
    for (; *s && (quote || *s != ' '); s++) {
        if (quote ? *s == quote : *s == '"' || *s == '\'')
            quote = quote ? 0 : *s;
        else if (*s == '\\' && quote != '\'' && s[1])
            buf_append_byte(word, (uint8_t) * ++s);
        else
            buf_append_byte(word, (uint8_t)*s);
    }
    *at = s;
    return true;
}

/* The words of a command line as JSON params: text parameters are quoted. */
static void put_json_args(struct buf *out, const struct rpc_method *m, const char *args)
{
    const struct rpc_param *p = m->params;
    struct buf word = {0};
    for (size_t i = 0; next_word(&args, &word); i++) {
        struct json_writer w;
        if (i)
            buf_append_str(out, ", ");
        json_writer_init(&w, out, 0);
        if (is_text(p))
            json_strn(&w, (char *)word.data, word.len);
        else
            buf_append(out, word.data, word.len);
        if (p && p->names)
            p++;
    }
    buf_clear(&word);
}

static void put_examples(struct buf *out, const struct rpc_method *m)
{
    if (!m->examples || !m->examples[0])
        return;
    buf_append_str(out, "\nExamples:\n");
    for (const char *const *e = m->examples; *e; e++)
        buf_printf(out, "> ochre-cli %s%s%s\n", m->name, **e ? " " : "", *e);
    for (const char *const *e = m->examples; *e; e++) {
        buf_printf(
            out,
            "> curl --user myusername --data-binary '{\"jsonrpc\": \"2.0\", \"id\": "
            "\"curltest\", \"method\": \"%s\", \"params\": [",
            m->name);
        put_json_args(out, m, *e);
        buf_append_str(out, "]}' -H 'content-type: application/json' "
                            "http://127.0.0.1:<rpcport>/\n");
    }
}

/* -- Whole texts ---------------------------------------------------------- */

static void put_method(struct buf *out, const struct rpc_method *m)
{
    put_usage(out, m);
    buf_printf(out, "\n\n%s\n", m->help ? m->help : "");
    put_params(out, m);
    put_results(out, m);
    put_examples(out, m);
}

struct listed {
    const char *group;
    const struct rpc_method *method;
};

static int by_group_and_name(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    int c = strcmp(x->group, y->group);
    return c ? c : strcmp(x->method->name, y->method->name);
}

static bool is_listed(const struct node *n, const struct rpc_table *t)
{
    return !n || ((!t->needs_wallets || n->wallets) &&
                  (!t->needs_tickets || n->params->tickets_height != TICKETS_NEVER));
}

/* The methods of a table that are listed, appended. */
static size_t gather_table(struct listed **list, size_t n, const struct rpc_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->methods[i].hidden)
            continue;
        *list = xrealloc_array(*list, n + 1, sizeof(**list));
        (*list)[n++] = (struct listed){t->group, &t->methods[i]};
    }
    return n;
}

static size_t gather_listed(const struct node *node, struct listed **out)
{
    size_t n = 0;
    *out = NULL;
    for (size_t t = 0; rpc_tables[t]; t++)
        if (is_listed(node, rpc_tables[t]))
            n = gather_table(out, n, rpc_tables[t]);
    qsort(*out, n, sizeof(**out), by_group_and_name);
    return n;
}

static void put_overview(struct buf *out, const struct node *node)
{
    struct listed *all;
    size_t n = gather_listed(node, &all);
    for (size_t i = 0; i < n; i++) {
        bool same = i > 0 && strcmp(all[i - 1].group, all[i].group) == 0;
        if (!same)
            buf_printf(out, "%s== %s ==\n", i ? "\n" : "", all[i].group);
        put_usage(out, all[i].method);
        buf_append_byte(out, '\n');
    }
    free(all);
    if (out->len > 0)
        out->len--; /* the last line ends the text */
}

bool rpc_help(struct buf *out, const struct node *n, const char *method)
{
    bool public_reply;
    if (!method) {
        put_overview(out, n);
        return true;
    }
    const struct rpc_method *m =
        n ? rpc_find_method_of(n, method, &public_reply) : rpc_find_method(method);
    if (m)
        put_method(out, m);
    return m != NULL;
}
