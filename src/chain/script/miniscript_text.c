/* Miniscript as text. */
#include <stdlib.h>
#include <string.h>

#include "chain/script/miniscript_impl.h"
#include "util/hex.h"
#include "util/mem.h"

/* -- Reading -- */

/* An expression that is open: its arguments are being read. */
struct open_expr {
    struct ms_node node;
    size_t wrappers, n_wrappers; /* where they stand in the text */
    size_t first_sub;            /* in reader.done */
    bool and_n;
};

struct text_reader {
    struct miniscript *ms;
    const char *text;
    size_t at, len;
    ms_read_key *read_key;
    void *ctx;
    struct open_expr *open; /* owned */
    size_t n_open, cap_open;
    uint32_t *done; /* owned: nodes that wait for their parents */
    size_t n_done, cap_done;
};

static void push_done(struct text_reader *r, uint32_t node)
{
    if (r->n_done == r->cap_done) {
        r->cap_done = r->cap_done == 0 ? 32 : r->cap_done * 2;
        r->done = xrealloc_array(r->done, r->cap_done, sizeof(*r->done));
    }
    r->done[r->n_done++] = node;
}

/* No expression is deeper than its script is long. */
static bool push_open(struct text_reader *r, const struct open_expr *e)
{
    if (r->n_open >= ms_max_script_size(r->ms->context))
        return false;
    if (r->n_open == r->cap_open) {
        r->cap_open = r->cap_open == 0 ? 16 : r->cap_open * 2;
        r->open = xrealloc_array(r->open, r->cap_open, sizeof(*r->open));
    }
    r->open[r->n_open++] = *e;
    return true;
}

static bool take_char(struct text_reader *r, char c)
{
    if (r->at == r->len || r->text[r->at] != c)
        return false;
    r->at++;
    return true;
}

/* Up to one of @stops, which stays. */
static struct bytes take_until(struct text_reader *r, const char *stops)
{
    size_t start = r->at;
    while (r->at < r->len && strchr(stops, r->text[r->at]) == NULL)
        r->at++;
    return bytes_of(r->text + start, r->at - start);
}

static bool take_number(struct text_reader *r, uint32_t *out)
{
    uint64_t v = 0;
    struct bytes digits = take_until(r, ",)");
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || v > UINT32_MAX)
            return false;
        v = v * 10 + (digits.data[i] - '0');
    }
    *out = (uint32_t)v;
    return digits.len > 0 && v <= UINT32_MAX;
}

static bool take_key(struct text_reader *r, struct ms_node *n)
{
    struct bytes key = take_until(r, ",)");
    if (key.len == 0)
        return false;
    if (n->n_keys++ == 0)
        n->first_key = r->ms->n_keys;
    r->ms->n_keys++;
    return r->read_key(r->ctx, (const char *)key.data, key.len);
}

static bool take_hash(struct text_reader *r, struct ms_node *n)
{
    struct bytes hex = take_until(r, ",)");
    return hex_decode_fixed(n->hash, ms_fragments[n->kind].hash_size,
                            (const char *)hex.data, hex.len);
}

static bool take_multi_arguments(struct text_reader *r, struct ms_node *n)
{
    if (!take_number(r, &n->k))
        return false;
    while (take_char(r, ',')) {
        if (n->n_keys == MAX_PUBKEYS_PER_MULTI_A || !take_key(r, n))
            return false;
    }
    return true;
}

static bool take_leaf_arguments(struct text_reader *r, struct ms_node *n)
{
    switch (n->kind) {
    case MS_PK_K:
    case MS_PK_H:
        return take_key(r, n);
    case MS_OLDER:
    case MS_AFTER:
        return take_number(r, &n->k);
    case MS_MULTI:
    case MS_MULTI_A:
        return take_multi_arguments(r, n);
    default:
        return take_hash(r, n);
    }
}

/* -- Wrappers -- */

static bool wrap(struct text_reader *r, enum ms_kind kind, uint32_t *node)
{
    return ms_add_kind(r->ms, kind, node, 1, node);
}

/* Adds a constant beside the node. */
static bool wrap_with(struct text_reader *r, enum ms_kind kind, enum ms_kind constant,
                      bool constant_first, uint32_t *node)
{
    uint32_t other;
    if (!ms_add_kind(r->ms, constant, NULL, 0, &other))
        return false;
    uint32_t subs[2] = {constant_first ? other : *node, constant_first ? *node : other};
    return ms_add_kind(r->ms, kind, subs, 2, node);
}

static const char wrapper_letters[] = "ascdvjn"; /* from MS_A on */

static bool apply_wrapper(struct text_reader *r, char letter, uint32_t *node)
{
    const char *at = strchr(wrapper_letters, letter);
    if (letter == 't')
        return wrap_with(r, MS_AND_V, MS_1, false, node);
    if (letter == 'l')
        return wrap_with(r, MS_OR_I, MS_0, true, node);
    if (letter == 'u')
        return wrap_with(r, MS_OR_I, MS_0, false, node);
    return at != NULL && wrap(r, (enum ms_kind)(MS_A + (at - wrapper_letters)), node);
}

/* The letter next to the colon is the innermost. */
static bool finish_node(struct text_reader *r, const struct open_expr *e, uint32_t node)
{
    for (size_t i = e->n_wrappers; i-- > 0;) {
        char letter = r->text[e->wrappers + i];
        /* "vv" is not valid and costs no bytes: there could be any number of them. */
        if (letter == 'v' && i > 0 && r->text[e->wrappers + i - 1] == 'v')
            return false;
        if (!apply_wrapper(r, letter, &node))
            return false;
    }
    push_done(r, node);
    return true;
}

static void take_wrappers(struct text_reader *r, struct open_expr *e)
{
    size_t i = r->at;
    while (i < r->len && r->text[i] >= 'a' && r->text[i] <= 'z')
        i++;
    if (i == r->at || i == r->len || r->text[i] != ':')
        return;
    e->wrappers = r->at;
    e->n_wrappers = i - r->at;
    r->at = i + 1;
}

/* -- Expressions -- */

static bool name_is(struct bytes name, const char *text)
{
    return name.len == strlen(text) && memcmp(name.data, text, name.len) == 0;
}

static bool find_kind(struct bytes name, enum ms_kind *out)
{
    for (unsigned k = 0; k < N_MS_KINDS; k++) {
        if (ms_fragments[k].name != NULL && name_is(name, ms_fragments[k].name)) {
            *out = (enum ms_kind)k;
            return true;
        }
    }
    return false;
}

static bool finish_leaf(struct text_reader *r, const struct open_expr *e, bool with_c)
{
    uint32_t node;
    return ms_arguments_are_valid(r->ms->context, &e->node) &&
           ms_add(r->ms, &e->node, NULL, 0, &node) &&
           (!with_c || wrap(r, MS_C, &node)) && finish_node(r, e, node);
}

static bool read_call(struct text_reader *r, struct open_expr *e, struct bytes name)
{
    bool pk = name_is(name, "pk"), pkh = name_is(name, "pkh");
    e->and_n = name_is(name, "and_n");
    if (pk || pkh)
        e->node.kind = pk ? MS_PK_K : MS_PK_H;
    else if (e->and_n)
        e->node.kind = MS_ANDOR;
    else if (!find_kind(name, &e->node.kind))
        return false;
    enum ms_kind kind = e->node.kind;
    if (kind == MS_0 || kind == MS_1)
        return false;
    if (kind == MS_THRESH && (!take_number(r, &e->node.k) || !take_char(r, ',')))
        return false;
    if (kind == MS_THRESH || ms_fragments[kind].n_subs > 0) {
        e->first_sub = r->n_done;
        return push_open(r, e);
    }
    return take_leaf_arguments(r, &e->node) && take_char(r, ')') &&
           finish_leaf(r, e, pk || pkh);
}

/* A whole leaf, or the beginning of an expression that has others inside. */
static bool read_expr(struct text_reader *r)
{
    struct open_expr e = {.n_wrappers = 0};
    take_wrappers(r, &e);
    struct bytes name = take_until(r, "(),:");
    if (take_char(r, '('))
        return read_call(r, &e, name);
    e.node.kind = name_is(name, "0") ? MS_0 : MS_1;
    return (e.node.kind == MS_0 || name_is(name, "1")) && finish_leaf(r, &e, false);
}

static bool close_expr(struct text_reader *r)
{
    struct open_expr e = r->open[--r->n_open];
    size_t n = r->n_done - e.first_sub;
    uint32_t node;
    if (e.and_n && n == 2) {
        if (!ms_add_kind(r->ms, MS_0, NULL, 0, &node))
            return false;
        push_done(r, node);
        n++;
    } else if (e.and_n) {
        return false;
    }
    e.node.n_subs = (uint32_t)n;
    bool right = e.node.kind == MS_THRESH
                     ? ms_arguments_are_valid(r->ms->context, &e.node)
                     : n == ms_fragments[e.node.kind].n_subs;
    if (!right || !ms_add(r->ms, &e.node, r->done + e.first_sub, n, &node))
        return false;
    r->n_done = e.first_sub;
    return finish_node(r, &e, node);
}

static bool read_all(struct text_reader *r)
{
    for (;;) {
        size_t depth = r->n_open;
        if (!read_expr(r))
            return false;
        if (r->n_open > depth)
            continue;
        while (r->n_open > 0 && take_char(r, ')')) {
            if (!close_expr(r))
                return false;
        }
        if (r->n_open == 0)
            return r->at == r->len;
        if (!take_char(r, ','))
            return false;
    }
}

bool miniscript_parse(struct miniscript *ms, const char *text, size_t len,
                      ms_read_key *read_key, void *ctx)
{
    struct text_reader r = {
        .ms = ms, .text = text, .len = len, .read_key = read_key, .ctx = ctx};
    bool ok = read_all(&r);
    free(r.open);
    free(r.done);
    return ok;
}

/* -- Printing -- */

/* What is still to be written: a node, or a character. */
struct pending {
    uint32_t node;
    char c; /* 0: the node */
    bool wrapped;
};

struct printer {
    struct buf *out;
    const struct miniscript *ms;
    ms_print_key *print_key;
    void *ctx;
    struct pending *items; /* owned */
    size_t n, cap;
};

static void push_pending(struct printer *p, struct pending item)
{
    if (p->n == p->cap) {
        p->cap = p->cap == 0 ? 32 : p->cap * 2;
        p->items = xrealloc_array(p->items, p->cap, sizeof(*p->items));
    }
    p->items[p->n++] = item;
}

static bool is_constant(const struct printer *p, const struct ms_node *n, uint32_t i,
                        enum ms_kind kind)
{
    return ms_sub(p->ms, n, i)->kind == kind;
}

/* The letter that the node is written as, and which child stands behind it; 0: none. */
static char wrapper_letter(const struct printer *p, const struct ms_node *n,
                           uint32_t *child)
{
    *child = 0;
    if (n->kind == MS_C &&
        (is_constant(p, n, 0, MS_PK_K) || is_constant(p, n, 0, MS_PK_H)))
        return 0;
    if (ms_is_wrapper(n->kind))
        return wrapper_letters[n->kind - MS_A];
    if (n->kind == MS_AND_V && is_constant(p, n, 1, MS_1))
        return 't';
    if (n->kind == MS_OR_I && is_constant(p, n, 0, MS_0)) {
        *child = 1;
        return 'l';
    }
    return n->kind == MS_OR_I && is_constant(p, n, 1, MS_0) ? 'u' : 0;
}

static bool print_keys(struct printer *p, const struct ms_node *n)
{
    for (uint32_t i = 0; i < n->n_keys; i++) {
        if (i > 0)
            buf_append_byte(p->out, ',');
        if (!p->print_key(p->ctx, p->out, n->first_key + i))
            return false;
    }
    return true;
}

static bool print_leaf(struct printer *p, const struct ms_node *n)
{
    buf_append_str(p->out, ms_fragments[n->kind].name);
    if (n->kind == MS_0 || n->kind == MS_1)
        return true;
    buf_append_byte(p->out, '(');
    if (ms_is_hash(n->kind))
        hex_append(p->out, n->hash, ms_fragments[n->kind].hash_size);
    else if (n->n_keys == 0)
        buf_printf(p->out, "%u", n->k);
    else if (n->kind == MS_MULTI || n->kind == MS_MULTI_A)
        buf_printf(p->out, "%u,", n->k);
    bool ok = print_keys(p, n);
    buf_append_byte(p->out, ')');
    return ok;
}

static bool print_key_check(struct printer *p, const struct ms_node *key)
{
    buf_append_str(p->out, key->kind == MS_PK_K ? "pk(" : "pkh(");
    bool ok = print_keys(p, key);
    buf_append_byte(p->out, ')');
    return ok;
}

static void open_call(struct printer *p, const struct ms_node *n)
{
    bool and_n = n->kind == MS_ANDOR && is_constant(p, n, 2, MS_0);
    uint32_t n_subs = and_n ? 2 : n->n_subs;
    buf_printf(p->out, "%s(", and_n ? "and_n" : ms_fragments[n->kind].name);
    if (n->kind == MS_THRESH)
        buf_printf(p->out, "%u,", n->k);
    push_pending(p, (struct pending){.c = ')'});
    for (uint32_t i = n_subs; i-- > 0;) {
        push_pending(p, (struct pending){.node = p->ms->subs[n->first_sub + i]});
        if (i > 0)
            push_pending(p, (struct pending){.c = ','});
    }
}

static bool print_node(struct printer *p, struct pending item)
{
    const struct ms_node *n = &p->ms->nodes[item.node];
    uint32_t child;
    char letter = wrapper_letter(p, n, &child);
    if (letter != 0) {
        buf_append_byte(p->out, (uint8_t)letter);
        uint32_t sub = p->ms->subs[n->first_sub + child];
        push_pending(p, (struct pending){.node = sub, .wrapped = true});
        return true;
    }
    if (item.wrapped)
        buf_append_byte(p->out, ':');
    if (n->kind == MS_C)
        return print_key_check(p, ms_sub(p->ms, n, 0));
    if (n->n_subs == 0)
        return print_leaf(p, n);
    open_call(p, n);
    return true;
}

bool miniscript_print(struct buf *out, const struct miniscript *ms,
                      const struct ms_node *n, ms_print_key *print_key, void *ctx)
{
    struct printer p = {.out = out, .ms = ms, .print_key = print_key, .ctx = ctx};
    bool ok = true;
    push_pending(&p, (struct pending){.node = (uint32_t)(n - ms->nodes)});
    while (ok && p.n > 0) {
        struct pending item = p.items[--p.n];
        if (item.c != 0)
            buf_append_byte(out, (uint8_t)item.c);
        else
            ok = print_node(&p, item);
    }
    free(p.items);
    return ok;
}
