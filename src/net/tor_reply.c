#include "net/tor_reply.h"

#include <stdlib.h>

#include "util/mem.h"

#define LINE_COST 16 /* octets that an empty line counts as */

static void free_secret(char *text)
{
    explicit_bzero(text, strlen(text));
    free(text);
}

void tor_reply_clear(struct tor_reply *r)
{
    for (size_t i = 0; i < r->n; i++)
        free_secret(r->lines[i]);
    free(r->lines);
    *r = (struct tor_reply){0};
}

enum tor_progress tor_reply_add(struct tor_reply *r, const char *line)
{
    size_t len = strlen(line);
    if (len < 4)
        return TOR_MORE;
    r->octets += len + LINE_COST;
    if (r->octets > TOR_MAX_REPLY)
        return TOR_FLOOD;
    char code[] = {line[0], line[1], line[2], '\0'};
    r->code = (int)strtol(code, NULL, 10);
    r->lines = xrealloc_array(r->lines, r->n + 1, sizeof(*r->lines));
    r->lines[r->n++] = xstrdup(line + 4);
    return line[3] == ' ' ? TOR_WHOLE : TOR_MORE;
}

const char *tor_arguments(const char *line, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(line, word, n) != 0 || (line[n] != ' ' && line[n] != '\0'))
        return NULL;
    return line + n + (line[n] == ' ');
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Up to three digits, of which Tor lets the first of three go to 3 only. */
static uint8_t read_octal(const char **at)
{
    const char *p = *at;
    size_t n = 1;
    unsigned v = 0;
    while (n < 3 && is_octal(p[n]))
        n++;
    if (n == 3 && p[0] > '3')
        n = 2;
    for (size_t i = 0; i < n; i++)
        v = v * 8 + (unsigned)(p[i] - '0');
    *at = p + n;
    return (uint8_t)v;
}

/* What stands behind a backslash. */
static uint8_t read_escape(const char **at)
{
    static const char names[] = "ntr", means[] = "\n\t\r";
    const char *name = strchr(names, **at);
    if (is_octal(**at))
        return read_octal(at);
    char c = *(*at)++;
    return (uint8_t)(name ? means[name - names] : c);
}

/* Behind the opening quote; false: the closing one is missing. */
static bool read_quoted(struct buf *out, const char **at)
{
    while (**at != '"') {
        bool escaped = **at == '\\';
        *at += escaped;
        if (**at == '\0')
            return false;
        buf_append_byte(out, escaped ? read_escape(at) : (uint8_t) * (*at)++);
    }
    ++*at;
    return true;
}

enum pair { PAIR, NO_MORE, MALFORMED };

/* The next pair: its key borrowed from the text, its value replaced. */
static enum pair read_pair(const char **at, struct bytes *key, struct buf *value)
{
    size_t n = strcspn(*at, "= ");
    *key = bytes_of(*at, n);
    *at += n;
    if (**at != '=')
        return **at == ' ' || n == 0 ? NO_MORE : MALFORMED;
    ++*at;
    buf_reset(value);
    if (**at == '"') {
        ++*at;
        if (!read_quoted(value, at))
            return MALFORMED;
    } else {
        n = strcspn(*at, " ");
        buf_append(value, *at, n);
        *at += n;
    }
    *at += **at == ' ';
    return PAIR;
}

bool tor_value(struct buf *value, const char *arguments, const char *key)
{
    struct bytes name, wanted = bytes_of(key, strlen(key));
    struct buf v = {.secret = true};
    bool found = false;
    enum pair r;
    buf_reset(value);
    while ((r = read_pair(&arguments, &name, &v)) == PAIR) {
        if (!bytes_equal(name, wanted))
            continue;
        found = true;
        buf_reset(value);
        buf_append(value, v.data, v.len);
    }
    buf_clear(&v);
    if (r == MALFORMED || !found)
        buf_reset(value);
    return r != MALFORMED && found;
}
