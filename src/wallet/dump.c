#include "wallet/dump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/mem.h"
#include "wallet/dump_row.h"
#include "wallet/schema.h"
#include "wallet/store.h"

#define MAGIC   "OCHRE_WALLET_DUMP"
#define VERSION "1"

/* -- Rows of a table */

static void take_value(struct dump_value *out, struct sqlite_stmt *q, int column)
{
    *out = (struct dump_value){.type = sqlite_type(q, column)};
    if (out->type == SQL_INT)
        out->number = sqlite_int(q, column);
    else if (out->type != SQL_NULL)
        out->data = sqlite_bytes(q, column);
}

static void take_row(struct dump_row *out, const char *table, struct sqlite_stmt *q)
{
    *out = (struct dump_row){.n = (size_t)sqlite_columns(q)};
    ASSERT(out->n <= DUMP_MAX_VALUES);
    snprintf(out->table, sizeof(out->table), "%s", table);
    for (size_t i = 0; i < out->n; i++)
        take_value(&out->values[i], q, (int)i);
}

static enum err insert_row(struct sqlite *db, const struct dump_row *row)
{
    char sql[160];
    int at =
        snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO %s VALUES (", row->table);
    for (size_t i = 0; i < row->n; i++)
        at += snprintf(sql + at, sizeof(sql) - (size_t)at, "%s?", i > 0 ? ", " : "");
    snprintf(sql + at, sizeof(sql) - (size_t)at, ")");
    struct sqlite_stmt *q = sqlite_query(db, sql);
    for (size_t i = 0; i < row->n; i++) {
        const struct dump_value *v = &row->values[i];
        if (v->type == SQL_INT)
            sqlite_bind_int(q, v->number);
        else if (v->type == SQL_TEXT)
            sqlite_bind_textn(q, v->data);
        else if (v->type == SQL_BYTES)
            sqlite_bind_bytes(q, v->data);
        else
            sqlite_bind_null(q);
    }
    return sqlite_done(q);
}

static bool is_table(const char *name)
{
    for (size_t i = 0; schema_tables[i] != NULL; i++)
        if (strcmp(schema_tables[i], name) == 0)
            return true;
    return false;
}

/* -- Dump */

struct writer {
    FILE *f;
    struct sha256 hash;
    struct buf line; /* owned */
};

/* Writes the line and empties it. */
static bool end_line(struct writer *w)
{
    buf_append_byte(&w->line, '\n');
    sha256_update(&w->hash, w->line.data, w->line.len);
    bool ok = fwrite(w->line.data, w->line.len, 1, w->f) == 1;
    buf_reset(&w->line);
    return ok;
}

static bool dump_head(struct writer *w, const struct chain_params *p)
{
    char magic[9];
    buf_append_str(&w->line, MAGIC "," VERSION "\nformat,sqlite\n");
    buf_printf(&w->line, "network,%s\nschema,%u", hex_encode(magic, p->magic, 4),
               schema_version);
    return end_line(w);
}

static bool dump_table(struct writer *w, struct sqlite *db, const char *table)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "SELECT * FROM %s", table);
    struct sqlite_stmt *q = sqlite_query(db, sql);
    bool ok = true;
    while (ok && sqlite_row(q)) {
        struct dump_row row;
        take_row(&row, table, q);
        dump_row_write(&w->line, &row);
        ok = end_line(w);
    }
    return sqlite_done(q) == ERR_OK && ok;
}

static bool dump_all(struct writer *w, struct sqlite *db, const struct chain_params *p)
{
    struct hash256 sum;
    bool ok = dump_head(w, p);
    for (size_t i = 0; ok && schema_tables[i] != NULL; i++)
        ok = dump_table(w, db, schema_tables[i]);
    sha256d_final(&w->hash, sum.b);
    buf_append_str(&w->line, "checksum,");
    hex_append(&w->line, sum.b, sizeof(sum.b));
    return ok && end_line(w) && fflush(w->f) == 0 && fsync(fileno(w->f)) == 0;
}

static bool dump_to(FILE *f, struct store *s, const struct chain_params *p)
{
    struct writer w = {.f = f, .line.secret = true};
    sha256_init(&w.hash);
    bool ok = dump_all(&w, store_db(s), p);
    buf_clear(&w.line);
    return ok;
}

bool wallet_dump(const char *wallet_file, const char *to, const struct chain_params *p,
                 struct wallet_error *e)
{
    struct store *s;
    if (path_exists(to))
        return wallet_fail(e, WALLET_FAILED,
                           "File %s already exists. If you are sure this is what you "
                           "want, move it out of the way first.",
                           to);
    if (!store_open(&s, wallet_file, STORE_EXISTING, p, 0, e))
        return false;
    FILE *f = fopen(to, "wx");
    bool ok = f != NULL && dump_to(f, s, p);
    if (f != NULL)
        fclose(f);
    store_close(s);
    return ok ||
           wallet_fail(e, WALLET_FAILED, "Unable to write %s: %s", to, strerror(errno));
}

/* -- Create from a dump */

struct loader {
    FILE *f;
    struct sha256 hash; /* of the lines before this one */
    char *line;         /* owned */
    size_t cap, len;    /* without the end of the line */
    const struct chain_params *params;
    struct wallet_error *e;
};

/* False: no more lines. */
static bool next_line(struct loader *l)
{
    ssize_t n = getline(&l->line, &l->cap, l->f);
    l->len = n > 0 ? (size_t)n : 0;
    if (n > 0 && l->line[n - 1] == '\n')
        l->line[--l->len] = '\0';
    return n > 0;
}

static void add_to_hash(struct loader *l)
{
    sha256_update(&l->hash, l->line, l->len);
    sha256_update(&l->hash, "\n", 1);
}

/* "<key>,<value>": the value, or NULL. */
static const char *head_value(struct loader *l, const char *key)
{
    size_t n = strlen(key);
    if (!next_line(l) || strncmp(l->line, key, n) != 0 || l->line[n] != ',')
        return NULL;
    add_to_hash(l);
    return l->line + n + 1;
}

static bool read_identifier(struct loader *l)
{
    const char *version = head_value(l, MAGIC);
    if (version == NULL)
        return wallet_fail(l->e, WALLET_FAILED,
                           "Error: Dumpfile identifier record is incorrect. Expected "
                           "\"" MAGIC "\".");
    return strcmp(version, VERSION) == 0 ||
           wallet_fail(l->e, WALLET_FAILED,
                       "Error: Dumpfile version is not supported. This version of "
                       "ochre-wallet only supports version 1 dumpfiles. Got dumpfile "
                       "with version %s",
                       version);
}

static bool read_network(struct loader *l)
{
    char magic[9];
    const char *is = head_value(l, "network");
    return (is != NULL && strcmp(is, hex_encode(magic, l->params->magic, 4)) == 0) ||
           wallet_fail(l->e, WALLET_FAILED,
                       "Error: The dump is of a wallet of another network.");
}

static bool read_head(struct loader *l)
{
    if (!read_identifier(l))
        return false;
    const char *format = head_value(l, "format");
    if (format == NULL || strcmp(format, "sqlite") != 0)
        return wallet_fail(l->e, WALLET_FAILED,
                           "Unknown wallet file format \"%s\" provided. Please provide "
                           "\"sqlite\".",
                           format != NULL ? format : "");
    if (!read_network(l))
        return false;
    const char *version = head_value(l, "schema");
    return (version != NULL && strtoul(version, NULL, 10) == schema_version) ||
           wallet_fail(l->e, WALLET_FAILED,
                       "Error: The dump was made by another version of Ochre. Load the "
                       "wallet there, or dump it again with this version.");
}

static bool check_sum(struct loader *l, const char *given)
{
    struct hash256 computed, stated;
    char text[65];
    sha256d_final(&l->hash, computed.b);
    if (!hex_decode_fixed(stated.b, sizeof(stated.b), given, strlen(given)))
        return wallet_fail(l->e, WALLET_FAILED,
                           "Error: Checksum is not the correct size");
    return hash256_equal(&computed, &stated) ||
           wallet_fail(l->e, WALLET_FAILED,
                       "Error: Dumpfile checksum does not match. Computed %s, expected "
                       "%s",
                       hex_encode(text, computed.b, sizeof(computed.b)), given);
}

static bool load_row(struct loader *l, struct sqlite *db)
{
    struct dump_row row;
    struct buf memory = {.secret = true};
    bool ok = dump_row_read(&row, &memory, l->line, l->len) && is_table(row.table) &&
              insert_row(db, &row) == ERR_OK;
    buf_clear(&memory);
    return ok || wallet_fail(l->e, WALLET_FAILED,
                             "Error: got a line that is no record "
                             "of a wallet: %.32s...",
                             l->line);
}

static bool load_rows(struct loader *l, struct sqlite *db)
{
    static const char sum[] = "checksum,";
    while (next_line(l)) {
        if (strncmp(l->line, sum, strlen(sum)) == 0)
            return check_sum(l, l->line + strlen(sum));
        if (!load_row(l, db))
            return false;
        add_to_hash(l);
    }
    return wallet_fail(l->e, WALLET_FAILED, "Error: Missing checksum");
}

static bool load_into(struct loader *l, const char *wallet_file)
{
    struct store *s;
    if (!read_head(l) ||
        !store_open(&s, wallet_file, STORE_CREATE, l->params, 0, l->e))
        return false;
    bool ok = load_rows(l, store_db(s));
    enum err r = store_end(s, ok ? ERR_OK : ERR_CLOSED);
    store_close(s);
    if (r != ERR_OK)
        unlink(wallet_file);
    return r == ERR_OK || wallet_fail(l->e, WALLET_FAILED,
                                      "Error: %s could not be "
                                      "written",
                                      wallet_file);
}

bool wallet_create_from_dump(const char *wallet_file, const char *dump,
                             const struct chain_params *p, struct wallet_error *e)
{
    struct loader l = {.f = fopen(dump, "r"), .params = p, .e = e};
    if (l.f == NULL)
        return wallet_fail(e, WALLET_FAILED, "Dump file %s does not exist.", dump);
    sha256_init(&l.hash);
    bool ok = load_into(&l, wallet_file);
    fclose(l.f);
    if (l.line != NULL)
        explicit_bzero(l.line, l.cap);
    free(l.line);
    return ok;
}

/* -- Salvage */

/* Reads until a damaged page ends it. */
static enum err copy_rows(struct sqlite *from, struct sqlite *to, const char *table,
                          const char *sql, size_t *rows)
{
    struct sqlite_stmt *q = sqlite_query(from, sql);
    enum err e = ERR_OK;
    while (e == ERR_OK && sqlite_row(q)) {
        struct dump_row row;
        take_row(&row, table, q);
        e = insert_row(to, &row);
        *rows += e == ERR_OK && sqlite_changes(to) > 0;
    }
    (void)!sqlite_done(q);
    return e;
}

/* From both ends: what stands behind a damaged page is reached from the other side. */
static enum err salvage_table(struct sqlite *from, struct sqlite *to, const char *table,
                              size_t *rows)
{
    char sql[96];
    snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1", table);
    enum err e = copy_rows(from, to, table, sql, rows);
    snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1 DESC", table);
    return e == ERR_OK ? copy_rows(from, to, table, sql, rows) : e;
}

/* Scripts are derived again when the wallet is loaded: a wrong one would hide coins. */
static bool salvage_all(struct sqlite *from, struct sqlite *to, size_t *rows)
{
    enum err e = sqlite_exec(to, "PRAGMA defer_foreign_keys = ON");
    for (size_t i = 0; e == ERR_OK && schema_tables[i] != NULL; i++)
        if (strcmp(schema_tables[i], "script") != 0)
            e = salvage_table(from, to, schema_tables[i], rows);
    if (e == ERR_OK) /* their descriptor is lost */
        e = sqlite_exec(to, "DELETE FROM descriptor_cache WHERE descriptor NOT IN"
                            " (SELECT row FROM descriptor)");
    return e == ERR_OK;
}

bool wallet_salvage(const char *damaged, const char *to, const struct chain_params *p,
                    size_t *rows, struct wallet_error *e)
{
    struct store *s;
    struct sqlite *from;
    char *said = NULL;
    *rows = 0;
    if (sqlite_open(&from, damaged, false, &said) != ERR_OK) {
        wallet_fail(e, WALLET_FAILED, "%s cannot be read at all: %s", damaged, said);
        free(said);
        return false;
    }
    bool opened = store_open(&s, to, STORE_CREATE, p, 0, e);
    if (opened) {
        bool ok = salvage_all(from, store_db(s), rows) && *rows > 0;
        opened = store_end(s, ok ? ERR_OK : ERR_CLOSED) == ERR_OK ||
                 wallet_fail(e, WALLET_FAILED, "Nothing of %s could be saved", damaged);
        store_close(s);
    }
    sqlite_close(from);
    if (!opened)
        unlink(to);
    return opened;
}
