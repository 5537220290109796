#include "wallet/dump_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/hex.h"

/* -- Writing */

static void write_value(struct buf *out, const struct dump_value *v)
{
    switch (v->type) {
    case SQL_NULL:
        buf_append_str(out, ",n");
        return;
    case SQL_INT:
        buf_printf(out, ",i%" PRId64, v->number);
        return;
    case SQL_TEXT:
    case SQL_BYTES:
        buf_append_str(out, v->type == SQL_TEXT ? ",t" : ",b");
        hex_append(out, v->data.data, v->data.len);
        return;
    }
}

void dump_row_write(struct buf *out, const struct dump_row *row)
{
    buf_append_str(out, row->table);
    for (size_t i = 0; i < row->n; i++)
        write_value(out, &row->values[i]);
}

/* -- Reading */

static bool read_number(int64_t *out, const char *p, size_t len)
{
    char text[24], again[24];
    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, p, len);
    text[len] = '\0';
    *out = strtoll(text, NULL, 10);
    int n = snprintf(again, sizeof(again), "%" PRId64, *out);
    return (size_t)n == len && memcmp(p, again, len) == 0; /* one form for each */
}

/* Bytes are kept as offsets until the memory stands still. */
static bool read_value(struct dump_value *out, struct buf *memory, const char *p,
                       size_t len)
{
    if (len == 0)
        return false;
    *out = (struct dump_value){.number = (int64_t)memory->len};
    switch (*p++) {
    case 'n':
        out->type = SQL_NULL;
        return len == 1;
    case 'i':
        out->type = SQL_INT;
        return read_number(&out->number, p, len - 1);
    case 't':
        out->type = SQL_TEXT;
        break;
    case 'b':
        out->type = SQL_BYTES;
        break;
    default:
        return false;
    }
    out->data.len = (len - 1) / 2;
    return len == 1 || hex_decode(memory, p, len - 1);
}

static void settle(struct dump_row *row, const struct buf *memory)
{
    for (size_t i = 0; i < row->n; i++) {
        struct dump_value *v = &row->values[i];
        if (v->type == SQL_TEXT || v->type == SQL_BYTES) {
            v->data.data = memory->data + v->number;
            v->number = 0;
        }
    }
}

static bool is_name(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != '_' && (p[i] < 'a' || p[i] > 'z'))
            return false;
    return len > 0 && len < DUMP_MAX_NAME;
}

static size_t until_comma(const char *p, const char *end)
{
    const char *comma = memchr(p, ',', (size_t)(end - p));
    return (size_t)((comma != NULL ? comma : end) - p);
}

bool dump_row_read(struct dump_row *out, struct buf *memory, const char *line,
                   size_t len)
{
    const char *end = line + len;
    size_t n = len > 0 ? until_comma(line, end) : 0;
    *out = (struct dump_row){0};
    if (!is_name(line, n))
        return false;
    memcpy(out->table, line, n);
    buf_reserve(memory, len); /* even no bytes have an address */
    for (line += n; line < end; line += n) {
        line++; /* the comma */
        n = until_comma(line, end);
        if (out->n == DUMP_MAX_VALUES ||
            !read_value(&out->values[out->n], memory, line, n))
            return false;
        out->n++;
    }
    settle(out, memory);
    return true;
}
