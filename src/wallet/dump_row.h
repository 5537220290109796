/* A row of a wallet's file as a line of a dump: the table, then each value after a
 * comma:
 *
 *     n            nothing
 *     i<decimal>   integer
 *     t<hex>       text
 *     b<hex>       bytes */
#ifndef OCHRE_WALLET_DUMP_ROW_H
#define OCHRE_WALLET_DUMP_ROW_H

#include "db/sqlite.h"

#define DUMP_MAX_VALUES 16
#define DUMP_MAX_NAME   32

struct dump_value {
    enum sql_type type;
    int64_t number;    /* SQL_INT */
    struct bytes data; /* SQL_TEXT, SQL_BYTES */
};

struct dump_row {
    char table[DUMP_MAX_NAME];
    struct dump_value values[DUMP_MAX_VALUES];
    size_t n;
};

/* Appends the line, without its end. */
void dump_row_write(struct buf *out, const struct dump_row *row);
/* @memory gets the bytes that *out points to. False: no such line. */
NODISCARD bool dump_row_read(struct dump_row *out, struct buf *memory, const char *line,
                             size_t len);

#endif
