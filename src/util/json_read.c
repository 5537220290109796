/* The reader copies the text once and then works in that copy: strings are unescaped in
 * place and end with a NUL where their closing quote was. */
#include <stdlib.h>

#include "util/json.h"
#include "util/utf8.h"

struct parser {
    char *pos, *end;
    struct arena *arena;
    struct json *stack; /* owned: children of the open arrays and objects */
    size_t len, cap;
    int depth;
    const char *error;
};

static bool fail(struct parser *p, const char *why)
{
    if (!p->error)
        p->error = why;
    return false;
}

static void push(struct parser *p, const struct json *v)
{
    if (p->len == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 64;
        p->stack = xrealloc_array(p->stack, p->cap, sizeof(*p->stack));
    }
    p->stack[p->len++] = *v;
}

static void skip_space(struct parser *p)
{
    while (p->pos < p->end &&
           (*p->pos == ' ' || *p->pos == '\n' || *p->pos == '\t' || *p->pos == '\r'))
        p->pos++;
}

/* The next byte that is no blank, or 0 at the end. */
static char peek(struct parser *p)
{
    skip_space(p);
    return p->pos < p->end ? *p->pos : 0;
}

static bool literal(struct parser *p, const char *word, size_t n)
{
    if ((size_t)(p->end - p->pos) < n || memcmp(p->pos, word, n) != 0)
        return fail(p, "unknown word");
    p->pos += n;
    return true;
}

static bool is_digit(const struct parser *p)
{
    return p->pos < p->end && *p->pos >= '0' && *p->pos <= '9';
}

static bool digits(struct parser *p)
{
    if (!is_digit(p))
        return fail(p, "malformed number");
    while (is_digit(p))
        p->pos++;
    return true;
}

static bool take(struct parser *p, char c)
{
    if (p->pos == p->end || *p->pos != c)
        return false;
    p->pos++;
    return true;
}

static bool number(struct parser *p, struct json *v)
{
    const char *start = p->pos;
    take(p, '-');
    if (take(p, '0')) {
        if (is_digit(p))
            return fail(p, "number with leading zero");
    } else if (!digits(p)) {
        return false;
    }
    if (take(p, '.') && !digits(p))
        return false;
    if (take(p, 'e') || take(p, 'E')) {
        if (!take(p, '+'))
            take(p, '-');
        if (!digits(p))
            return false;
    }
    v->type = JSON_NUMBER;
    v->str_len = (size_t)(p->pos - start);
    char *copy = arena_alloc(p->arena, v->str_len + 1);
    memcpy(copy, start, v->str_len);
    copy[v->str_len] = 0;
    v->str = copy;
    return true;
}

static bool hex4(struct parser *p, uint32_t *out)
{
    uint32_t v = 0;
    if (p->end - p->pos < 4)
        return fail(p, "unfinished escape");
    for (int i = 0; i < 4; i++) {
        char c = *p->pos++;
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return fail(p, "malformed escape");
        v = v << 4 | (uint32_t)d;
    }
    *out = v;
    return true;
}

/* The code point of \uXXXX, or of a surrogate pair; p stands behind the 'u'. */
static bool code_point(struct parser *p, uint32_t *out)
{
    uint32_t low;
    if (!hex4(p, out))
        return false;
    if (*out < 0xd800 || *out > 0xdfff)
        return true;
    if (*out > 0xdbff || !take(p, '\\') || !take(p, 'u') || !hex4(p, &low) ||
        low < 0xdc00 || low > 0xdfff)
        return fail(p, "lone surrogate");
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* p stands behind the backslash; the text it stands for is never longer than the
 * escape. */
static bool escape(struct parser *p, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    uint32_t c;
    if (p->pos == p->end)
        return fail(p, "unfinished string");
    char e = *p->pos++;
    if (e == 'u') {
        if (!code_point(p, &c))
            return false;
        *to = put_utf8(*to, c);
        return true;
    }
    const char *at = e ? strchr(from, e) : NULL;
    if (!at)
        return fail(p, "unknown escape");
    *(*to)++ = into[at - from];
    return true;
}

/* Plain bytes of a string: no quote, backslash, control character or non-ASCII. */
static inline bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static bool string(struct parser *p, struct json *v)
{
    p->pos++; /* the quote */
    char *start = p->pos, *to = start;
    for (;;) {
        char *from = p->pos;
        while (p->pos < p->end && is_plain((uint8_t)*p->pos))
            p->pos++;
        size_t n = (size_t)(p->pos - from);
        if (to != from)
            memmove(to, from, n);
        to += n;
        if (p->pos == p->end)
            return fail(p, "unfinished string");
        uint8_t c = (uint8_t)*p->pos;
        if (c == '"')
            break;
        if (c == '\\') {
            p->pos++;
            if (!escape(p, &to))
                return false;
            continue;
        }
        n = utf8_sequence((const uint8_t *)p->pos, (size_t)(p->end - p->pos));
        if (n == 0)
            return fail(p, c < 0x20 ? "control character in string" : "invalid UTF-8");
        memmove(to, p->pos, n);
        to += n;
        p->pos += n;
    }
    p->pos++;
    *to = 0;
    v->type = JSON_STRING;
    v->str = start;
    v->str_len = (size_t)(to - start);
    return true;
}

static bool value(struct parser *p, struct json *v);

/* Moves what was pushed since @base into the arena: every @step-th value from @first
 * on. */
static struct json *collect(struct parser *p, size_t base, size_t first, size_t step)
{
    size_t n = (p->len - base) / step;
    struct json *out = arena_alloc(p->arena, n * sizeof(*out));
    for (size_t i = 0; i < n; i++)
        out[i] = p->stack[base + first + i * step];
    return out;
}

static bool array(struct parser *p, struct json *v)
{
    size_t base = p->len;
    struct json child;
    p->pos++;
    if (peek(p) == ']') {
        p->pos++;
    } else {
        char c;
        do {
            if (!value(p, &child))
                return false;
            push(p, &child);
            c = peek(p);
            p->pos += c != 0;
        } while (c == ',');
        if (c != ']')
            return fail(p, "expected , or ] in array");
    }
    v->type = JSON_ARRAY;
    v->len = p->len - base;
    v->items = collect(p, base, 0, 1);
    p->len = base;
    return true;
}

static bool member(struct parser *p)
{
    struct json key = {0}, child;
    if (peek(p) != '"')
        return fail(p, "expected a name in object");
    if (!string(p, &key))
        return false;
    if (peek(p) != ':')
        return fail(p, "expected : in object");
    p->pos++;
    push(p, &key);
    if (!value(p, &child))
        return false;
    push(p, &child);
    return true;
}

static bool object(struct parser *p, struct json *v)
{
    size_t base = p->len;
    p->pos++;
    if (peek(p) == '}') {
        p->pos++;
    } else {
        char c;
        do {
            if (!member(p))
                return false;
            c = peek(p);
            p->pos += c != 0;
        } while (c == ',');
        if (c != '}')
            return fail(p, "expected , or } in object");
    }
    v->type = JSON_OBJECT;
    v->len = (p->len - base) / 2;
    v->keys = collect(p, base, 0, 2);
    v->items = collect(p, base, 1, 2);
    p->len = base;
    return true;
}

static bool nested(struct parser *p, struct json *v,
                   bool (*read)(struct parser *, struct json *))
{
    if (p->depth == JSON_MAX_DEPTH)
        return fail(p, "nested too deeply");
    p->depth++;
    bool ok = read(p, v);
    p->depth--;
    return ok;
}

static bool value(struct parser *p, struct json *v)
{
    memset(v, 0, sizeof(*v));
    switch (peek(p)) {
    case '{':
        return nested(p, v, object);
    case '[':
        return nested(p, v, array);
    case '"':
        return string(p, v);
    case 'n':
        return literal(p, "null", 4);
    case 't':
        v->type = JSON_BOOL;
        v->boolean = true;
        return literal(p, "true", 4);
    case 'f':
        v->type = JSON_BOOL;
        return literal(p, "false", 5);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return number(p, v);
    default:
        return fail(p, p->pos == p->end ? "unexpected end" : "unexpected character");
    }
}

bool json_parse(struct json **out, struct arena *a, const char *text, size_t len,
                const char **error)
{
    struct parser p = {.arena = a};
    struct json *v = arena_alloc(a, sizeof(*v));
    p.pos = arena_dup(a, text, len);
    p.end = p.pos + len;
    bool ok = value(&p, v) && (peek(&p) == 0 && p.pos == p.end
                                   ? true
                                   : fail(&p, "something follows the value"));
    free(p.stack);
    if (ok)
        *out = v;
    else if (error)
        *error = p.error;
    return ok;
}

const struct json *json_get(const struct json *obj, const char *key)
{
    if (!obj || obj->type != JSON_OBJECT)
        return NULL;
    size_t n = strlen(key);
    for (size_t i = 0; i < obj->len; i++)
        if (obj->keys[i].str_len == n && memcmp(obj->keys[i].str, key, n) == 0)
            return &obj->items[i];
    return NULL;
}

const struct json *json_at(const struct json *arr, size_t i)
{
    return arr && arr->type == JSON_ARRAY && i < arr->len ? &arr->items[i] : NULL;
}

static bool whole_number(const struct json *v)
{
    if (!v || v->type != JSON_NUMBER)
        return false;
    size_t i = v->str[0] == '-';
    return strspn(v->str + i, "0123456789") == v->str_len - i;
}

bool json_to_u64(const struct json *v, uint64_t *out)
{
    uint64_t n = 0;
    if (!whole_number(v) || v->str[0] == '-')
        return false;
    for (const char *s = v->str; *s; s++)
        if (__builtin_mul_overflow(n, (uint64_t)10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
            return false;
    *out = n;
    return true;
}

bool json_to_i64(const struct json *v, int64_t *out)
{
    int64_t n = 0;
    if (!whole_number(v))
        return false;
    bool negative = v->str[0] == '-';
    for (const char *s = v->str + negative; *s; s++) {
        int digit = negative ? '0' - *s : *s - '0';
        if (__builtin_mul_overflow(n, (int64_t)10, &n) ||
            __builtin_add_overflow(n, (int64_t)digit, &n))
            return false;
    }
    *out = n;
    return true;
}

bool json_to_double(const struct json *v, double *out)
{
    if (!v || v->type != JSON_NUMBER)
        return false;
    double d = strtod(v->str, NULL);
    if (d - d != 0) /* infinite */
        return false;
    *out = d;
    return true;
}

const char *json_type_name(enum json_type t)
{
    switch (t) {
    case JSON_NULL:
        return "null";
    case JSON_BOOL:
        return "bool";
    case JSON_NUMBER:
        return "number";
    case JSON_STRING:
        return "string";
    case JSON_ARRAY:
        return "array";
    case JSON_OBJECT:
        return "object";
    }
    return "unknown";
}

static void copy_into(struct arena *a, struct json *to, const struct json *v)
{
    *to = *v;
    if (v->str)
        to->str = arena_dup(a, v->str, v->str_len + 1);
    if (v->items)
        to->items = arena_alloc(a, v->len * sizeof(*v));
    if (v->keys)
        to->keys = arena_alloc(a, v->len * sizeof(*v));
    for (size_t i = 0; i < v->len; i++) {
        copy_into(a, &to->items[i], &v->items[i]);
        if (v->keys)
            copy_into(a, &to->keys[i], &v->keys[i]);
    }
}

struct json *json_dup(struct arena *a, const struct json *v)
{
    struct json *copy = arena_alloc(a, sizeof(*copy));
    copy_into(a, copy, v);
    return copy;
}
