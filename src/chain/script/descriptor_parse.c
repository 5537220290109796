#include <stdlib.h>

#include "chain/script/descriptor_impl.h"
#include "util/hex.h"
#include "util/mem.h"

#define MAX_TREE_DEPTH 128

/* What an expression parsed to. */
struct parsed {
    struct descriptor *desc; /* owned; NULL: an error is set */
    size_t paths;            /* alternatives of its multipath keys */
};

static struct parsed parse_script(struct desc_parser *p, struct span *text,
                                  enum descriptor_place place);

/* -- Text -- */

/* Up to a comma or closing bracket that belongs to an outer expression. */
static struct span take_expr(struct span *s)
{
    size_t i = 0;
    int level = 0;
    for (; i < s->n; i++) {
        char c = s->p[i];
        bool closes = c == ')' || c == '}';
        if (c == '(' || c == '{')
            level++;
        else if (level > 0 && closes)
            level--;
        else if (level == 0 && (closes || c == ','))
            break;
    }
    struct span expr = {s->p, i};
    s->p += i;
    s->n -= i;
    return expr;
}

/* "name(...)": *s becomes what is between the brackets. */
static bool take_func(const char *name, struct span *s)
{
    size_t len = strlen(name);
    if (s->n < len + 2 || s->p[len] != '(' || s->p[s->n - 1] != ')' ||
        memcmp(s->p, name, len) != 0)
        return false;
    s->p += len + 1;
    s->n -= len + 2;
    return true;
}

static bool take_char(char c, struct span *s)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

static struct parsed failed(struct descriptor *take_desc)
{
    descriptor_free(take_desc);
    return (struct parsed){0};
}

static struct parsed refuse(struct desc_parser *p, const char *why)
{
    desc_fail(p, "%s", why);
    return (struct parsed){0};
}

/* -- One function each -- */

static struct parsed parse_single_key(struct desc_parser *p, struct span text,
                                      enum descriptor_place place,
                                      enum descriptor_kind kind, const char *prefix)
{
    struct parsed out = {.desc = descriptor_new(kind)};
    out.desc->in_tr = place == IN_TR;
    if (!key_expr_parse(p, descriptor_add_key(out.desc), text, place, &out.paths)) {
        desc_fail_in(p, prefix);
        return failed(out.desc);
    }
    return out;
}

static struct parsed parse_pk(struct desc_parser *p, struct span text,
                              enum descriptor_place place)
{
    return parse_single_key(p, text, place, DESC_PK, "pk(): ");
}

static struct parsed parse_pkh(struct desc_parser *p, struct span text,
                               enum descriptor_place place)
{
    return parse_single_key(p, text, place, DESC_PKH, "pkh(): ");
}

static struct parsed parse_wpkh(struct desc_parser *p, struct span text,
                                enum descriptor_place place UNUSED)
{
    return parse_single_key(p, text, IN_WPKH, DESC_WPKH, "wpkh(): ");
}

static struct parsed parse_combo(struct desc_parser *p, struct span text,
                                 enum descriptor_place place)
{
    return parse_single_key(p, text, place, DESC_COMBO, "combo(): ");
}

static struct parsed parse_rawtr(struct desc_parser *p, struct span text,
                                 enum descriptor_place place UNUSED)
{
    struct span key = take_expr(&text);
    if (text.n > 0)
        return refuse(p, "rawtr(): only one key expected.");
    return parse_single_key(p, key, IN_TR, DESC_RAWTR, "rawtr(): ");
}

static bool check_multi(struct desc_parser *p, const struct descriptor *d,
                        enum descriptor_place place)
{
    bool in_tr = d->kind == DESC_MULTI_A;
    size_t max = in_tr ? MAX_PUBKEYS_PER_MULTI_A : MAX_PUBKEYS_PER_MULTISIG;
    size_t script_size = 3;
    for (size_t i = 0; i < d->n_keys; i++)
        script_size += key_expr_size(&d->keys[i]) + 1;
    if (d->n_keys == 0 || d->n_keys > max)
        return desc_fail(
            p,
            "Cannot have %zu keys in %s; must have between 1 and %zu keys, "
            "inclusive",
            d->n_keys, in_tr ? "multi_a" : "multisig", max);
    if (d->threshold < 1)
        return desc_fail(p, "Multisig threshold cannot be %u, must be at least 1",
                         d->threshold);
    if (d->threshold > d->n_keys)
        return desc_fail(p,
                         "Multisig threshold cannot be larger than the number of keys; "
                         "threshold is %u but only %zu keys specified",
                         d->threshold, d->n_keys);
    if (place == AT_TOP && d->n_keys > 3)
        return desc_fail(p,
                         "Cannot have %zu pubkeys in bare multisig; only at most 3 "
                         "pubkeys",
                         d->n_keys);
    if (place == IN_SH && script_size > MAX_SCRIPT_ELEMENT_SIZE)
        return desc_fail(p,
                         "P2SH script is too large, %zu bytes is larger than %d bytes",
                         script_size, MAX_SCRIPT_ELEMENT_SIZE);
    return true;
}

bool join_paths(size_t *all, size_t more)
{
    if (more == 1 || more == *all)
        return true;
    if (*all != 1)
        return false;
    *all = more;
    return true;
}

static bool parse_multi_keys(struct desc_parser *p, struct descriptor *d,
                             struct span text, enum descriptor_place place,
                             size_t *paths)
{
    bool agree = true;
    *paths = 1;
    while (text.n > 0) {
        size_t more;
        if (!take_char(',', &text))
            return desc_fail(p, "Multi: expected ',', got '%c'", text.p[0]);
        struct span key = take_expr(&text);
        if (!key_expr_parse(p, descriptor_add_key(d), key, place, &more))
            return desc_fail_in(p, "Multi: ");
        agree = join_paths(paths, more) && agree;
    }
    if (!check_multi(p, d, place))
        return false;
    return agree ||
           desc_fail(p, "multi(): Multipath derivation paths have mismatched lengths");
}

static bool parse_threshold(struct span s, uint32_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || v > UINT32_MAX)
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = (uint32_t)v;
    return s.n > 0 && v <= UINT32_MAX;
}

static struct parsed parse_any_multi(struct desc_parser *p, struct span text,
                                     enum descriptor_place place, bool sorted)
{
    struct parsed out = {
        .desc = descriptor_new(place == IN_TR ? DESC_MULTI_A : DESC_MULTI)};
    struct span threshold = take_expr(&text);
    out.desc->sorted = sorted;
    if (!parse_threshold(threshold, &out.desc->threshold)) {
        desc_fail(p, "Multi threshold '%.*s' is not valid", (int)threshold.n,
                  threshold.p);
        return failed(out.desc);
    }
    if (!parse_multi_keys(p, out.desc, text, place, &out.paths))
        return failed(out.desc);
    return out;
}

static struct parsed parse_multi(struct desc_parser *p, struct span text,
                                 enum descriptor_place place)
{
    return parse_any_multi(p, text, place, false);
}

static struct parsed parse_sortedmulti(struct desc_parser *p, struct span text,
                                       enum descriptor_place place)
{
    return parse_any_multi(p, text, place, true);
}

static struct parsed parse_wrapped(struct desc_parser *p, struct span text,
                                   enum descriptor_kind kind)
{
    struct parsed sub = parse_script(p, &text, kind == DESC_SH ? IN_SH : IN_WSH);
    if (sub.desc == NULL)
        return sub;
    if (text.n > 0) {
        desc_fail(p, "'%.*s' is not expected after the script expression", (int)text.n,
                  text.p);
        return failed(sub.desc);
    }
    struct parsed out = {.desc = descriptor_new(kind), .paths = sub.paths};
    descriptor_add_sub(out.desc, sub.desc, 0);
    return out;
}

static struct parsed parse_sh(struct desc_parser *p, struct span text,
                              enum descriptor_place place UNUSED)
{
    return parse_wrapped(p, text, DESC_SH);
}

static struct parsed parse_wsh(struct desc_parser *p, struct span text,
                               enum descriptor_place place UNUSED)
{
    return parse_wrapped(p, text, DESC_WSH);
}

static struct parsed parse_addr(struct desc_parser *p, struct span text,
                                enum descriptor_place place UNUSED)
{
    struct parsed out = {.desc = descriptor_new(DESC_ADDR), .paths = 1};
    char *address = xasprintf("%.*s", (int)text.n, text.p);
    bool ok = address_decode(&out.desc->dest, p->params, address, NULL);
    free(address);
    if (ok)
        return out;
    descriptor_free(out.desc);
    return refuse(p, "Address is not valid");
}

static struct parsed parse_raw(struct desc_parser *p, struct span text,
                               enum descriptor_place place UNUSED)
{
    struct parsed out = {.desc = descriptor_new(DESC_RAW), .paths = 1};
    if (text.n > 0 && hex_decode(&out.desc->script, text.p, text.n))
        return out;
    descriptor_free(out.desc);
    return refuse(p, "Raw script is not hex");
}

/* -- Taproot trees -- */

/* One leaf, with the brackets around it. right[i]: in the i-th step from the root we
 * are in the right branch. */
struct tree_walk {
    bool right[MAX_TREE_DEPTH];
    uint8_t depth;
};

static bool open_braces(struct desc_parser *p, struct tree_walk *w, struct span *text)
{
    while (take_char('{', text)) {
        if (w->depth == MAX_TREE_DEPTH)
            return desc_fail(p, "tr() supports at most %d nesting levels",
                             MAX_TREE_DEPTH);
        w->right[w->depth++] = false;
    }
    return true;
}

static bool close_braces(struct desc_parser *p, struct tree_walk *w, struct span *text)
{
    while (w->depth > 0 && w->right[w->depth - 1]) {
        if (!take_char('}', text))
            return desc_fail(p, "tr(): expected '}' after script expression");
        w->depth--;
    }
    if (w->depth == 0)
        return true;
    if (!take_char(',', text))
        return desc_fail(p, "tr(): expected ',' after script expression");
    w->right[w->depth - 1] = true;
    return true;
}

static bool parse_tree(struct desc_parser *p, struct descriptor *d, struct span text,
                       size_t *paths)
{
    struct tree_walk w = {.depth = 0};
    bool agree = true;
    *paths = 1;
    do {
        if (!open_braces(p, &w, &text))
            return false;
        struct span expr = take_expr(&text);
        struct parsed leaf = parse_script(p, &expr, IN_TR);
        if (leaf.desc == NULL)
            return false;
        agree = join_paths(paths, leaf.paths) && agree;
        descriptor_add_sub(d, leaf.desc, w.depth);
        if (!close_braces(p, &w, &text))
            return false;
    } while (w.depth > 0);
    if (text.n > 0)
        return desc_fail(p, "tr(): expected ')' after script expression");
    return agree || desc_fail(p, "tr(): Multipath subscripts have mismatched lengths");
}

static bool parse_tr_tree(struct desc_parser *p, struct descriptor *d, struct span text,
                          size_t *paths)
{
    size_t leaf_paths;
    if (text.n == 0)
        return true;
    if (!take_char(',', &text))
        return desc_fail(p, "tr: expected ',', got '%c'", text.p[0]);
    if (!parse_tree(p, d, text, &leaf_paths))
        return false;
    return join_paths(paths, leaf_paths) ||
           desc_fail(p, "tr(): Multipath internal key mismatches multipath subscripts "
                        "lengths");
}

static struct parsed parse_tr(struct desc_parser *p, struct span text,
                              enum descriptor_place place UNUSED)
{
    struct span key = take_expr(&text);
    struct parsed out = parse_single_key(p, key, IN_TR, DESC_TR, "tr(): ");
    if (out.desc != NULL && !parse_tr_tree(p, out.desc, text, &out.paths))
        return failed(out.desc);
    return out;
}

/* -- The table -- */

#define PLACE(x) (1u << (x))
#define ANYWHERE (PLACE(AT_TOP) | PLACE(IN_SH) | PLACE(IN_WSH) | PLACE(IN_TR))

static const struct function {
    const char *name;
    unsigned places;
    struct parsed (*parse)(struct desc_parser *p, struct span text,
                           enum descriptor_place place);
    const char *misplaced;
    unsigned by_miniscript; /* places where miniscript has a function of this name */
} functions[] = {
    {"pk", ANYWHERE, parse_pk, ""},
    {"pkh", PLACE(AT_TOP) | PLACE(IN_SH) | PLACE(IN_WSH), parse_pkh,
     "Can only have pkh at top level, in sh(), wsh(), or in tr()", PLACE(IN_TR)},
    {"combo", PLACE(AT_TOP), parse_combo, "Can only have combo() at top level"},
    {"multi", PLACE(AT_TOP) | PLACE(IN_SH) | PLACE(IN_WSH), parse_multi,
     "Can only have multi/sortedmulti at top level, in sh(), or in wsh()"},
    {"sortedmulti", PLACE(AT_TOP) | PLACE(IN_SH) | PLACE(IN_WSH), parse_sortedmulti,
     "Can only have multi/sortedmulti at top level, in sh(), or in wsh()"},
    {"multi_a", PLACE(IN_TR), parse_multi,
     "Can only have multi_a/sortedmulti_a inside tr()"},
    {"sortedmulti_a", PLACE(IN_TR), parse_sortedmulti,
     "Can only have multi_a/sortedmulti_a inside tr()"},
    {"wpkh", PLACE(AT_TOP) | PLACE(IN_SH), parse_wpkh,
     "Can only have wpkh() at top level or inside sh()"},
    {"sh", PLACE(AT_TOP), parse_sh, "Can only have sh() at top level"},
    {"wsh", PLACE(AT_TOP) | PLACE(IN_SH), parse_wsh,
     "Can only have wsh() at top level or inside sh()"},
    {"addr", PLACE(AT_TOP), parse_addr, "Can only have addr() at top level"},
    {"tr", PLACE(AT_TOP), parse_tr, "Can only have tr at top level"},
    {"rawtr", PLACE(AT_TOP), parse_rawtr, "Can only have rawtr at top level"},
    {"raw", PLACE(AT_TOP), parse_raw, "Can only have raw() at top level"},
};

static struct parsed parse_miniscript(struct desc_parser *p, struct span text,
                                      enum descriptor_place place)
{
    struct parsed out = {0};
    out.desc = descriptor_parse_miniscript(p, text, place, &out.paths);
    return out;
}

static struct parsed parse_script(struct desc_parser *p, struct span *text,
                                  enum descriptor_place place)
{
    struct span expr = take_expr(text);
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        const struct function *f = &functions[i];
        if ((f->by_miniscript & PLACE(place)) || !take_func(f->name, &expr))
            continue;
        if (f->places & PLACE(place))
            return f->parse(p, expr, place);
        return refuse(p, f->misplaced);
    }
    struct parsed out = parse_miniscript(p, expr, place);
    if (out.desc != NULL || p->error != NULL)
        return out;
    if (place == IN_SH)
        return refuse(p, "A function is needed within P2SH");
    if (place == IN_WSH)
        return refuse(p, "A function is needed within P2WSH");
    desc_fail(p, "'%.*s' is not a valid descriptor function", (int)expr.n, expr.p);
    return (struct parsed){0};
}

/* -- Whole descriptors -- */

static bool check_checksum(struct desc_parser *p, struct span *text, bool required)
{
    char sum[9];
    bool has_sum = span_has(*text, '#');
    struct span given = *text;
    struct span payload = span_until(&given, '#');
    if (span_has(given, '#'))
        return desc_fail(p, "Multiple '#' symbols");
    if (!has_sum && required)
        return desc_fail(p, "Missing checksum");
    if (has_sum && given.n != 8)
        return desc_fail(p, "Expected 8 character checksum, not %zu characters",
                         given.n);
    if (!descriptor_checksum(sum, payload.p, payload.n))
        return desc_fail(p, "Invalid characters in payload");
    if (has_sum && memcmp(sum, given.p, 8) != 0)
        return desc_fail(
            p, "Provided checksum '%.8s' does not match computed checksum '%s'",
            given.p, sum);
    *text = payload;
    return true;
}

static struct parsed parse_whole(struct desc_parser *p, struct span text)
{
    struct parsed out = parse_script(p, &text, AT_TOP);
    if (out.desc != NULL && text.n > 0) {
        desc_fail(p, "'%.*s' is not expected after the descriptor", (int)text.n,
                  text.p);
        return failed(out.desc);
    }
    return out;
}

static void add_item(struct descriptor_list *l, struct descriptor *take_desc)
{
    descriptor_finish(take_desc);
    l->items = xrealloc_array(l->items, l->n + 1, sizeof(*l->items));
    l->items[l->n++] = take_desc;
}

bool descriptor_parse(struct descriptor_list *out, const struct chain_params *params,
                      struct keystore *keys, const char *text, bool require_checksum,
                      char **error)
{
    struct desc_parser p = {.params = params, .keys = keys};
    struct span s = {text, strlen(text)};
    size_t paths = 1;
    *out = (struct descriptor_list){0};
    *error = NULL;
    if (!check_checksum(&p, &s, require_checksum))
        goto out;
    /* The text is read once for each alternative of its multipath keys. */
    for (p.which = 0; p.which < paths; p.which++) {
        struct parsed one = parse_whole(&p, s);
        if (one.desc == NULL)
            goto out;
        add_item(out, one.desc);
        paths = one.paths;
    }
    return true;
out:
    descriptor_list_clear(out);
    *error = p.error;
    return false;
}
