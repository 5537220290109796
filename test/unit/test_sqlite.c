/* The door to SQLite: statements, transactions, failures, the lock. */
#include "unit.h"

#include "db/sqlite.h"
#include "util/fs.h"
#include "util/mem.h"

static char dir[64], path[96];

static struct sqlite *open_db(void)
{
    struct sqlite *db;
    char *error = NULL;
    assert_int_equal(sqlite_open(&db, path, true, &error), ERR_OK);
    return db;
}

static int set_up(void **st)
{
    snprintf(dir, sizeof(dir), "/tmp/ochre-sqlite-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/db", dir);
    struct sqlite *db = open_db();
    assert_int_equal(sqlite_exec(db, "CREATE TABLE t (k TEXT PRIMARY KEY, v)"), ERR_OK);
    *st = db;
    return 0;
}

static int tear_down(void **st)
{
    sqlite_close(*st);
    return fs_remove_tree(dir) == ERR_OK ? 0 : -1;
}

static enum err put(struct sqlite *db, const char *k, int64_t v)
{
    struct sqlite_stmt *q = sqlite_query(db, "INSERT INTO t (k, v) VALUES (?, ?)");
    sqlite_bind_text(q, k);
    sqlite_bind_int(q, v);
    return sqlite_done(q);
}

static int64_t count(struct sqlite *db)
{
    struct sqlite_stmt *q = sqlite_query(db, "SELECT count(*) FROM t");
    assert_true(sqlite_row(q));
    int64_t n = sqlite_int(q, 0);
    assert_int_equal(sqlite_done(q), ERR_OK);
    return n;
}

static void values_come_back(void **st)
{
    struct sqlite *db = *st;
    struct sqlite_stmt *q = sqlite_query(db, "INSERT INTO t (k, v) VALUES (?, ?)");
    sqlite_bind_text(q, "bytes");
    sqlite_bind_bytes(q, bytes_of("a\0b", 3));
    assert_int_equal(sqlite_done(q), ERR_OK);
    q = sqlite_query(db, "INSERT INTO t (k, v) VALUES (?, ?)");
    sqlite_bind_textn(q, bytes_of("nothing", 7));
    sqlite_bind_null(q);
    assert_int_equal(sqlite_done(q), ERR_OK);
    assert_int_equal(put(db, "number", INT64_MIN), ERR_OK);
    q = sqlite_query(db, "SELECT k, v FROM t ORDER BY k");
    assert_true(sqlite_row(q));
    assert_string_equal(sqlite_text(q, 0), "bytes");
    assert_int_equal(sqlite_type(q, 1), SQL_BYTES);
    assert_true(bytes_equal(sqlite_bytes(q, 1), bytes_of("a\0b", 3)));
    assert_true(sqlite_row(q));
    assert_true(sqlite_is_null(q, 1));
    assert_true(sqlite_row(q));
    assert_int_equal(sqlite_type(q, 1), SQL_INT);
    assert_true(sqlite_int(q, 1) == INT64_MIN);
    assert_false(sqlite_row(q));
    assert_int_equal(sqlite_done(q), ERR_OK);
}

static void a_constraint_harms_nothing(void **st)
{
    struct sqlite *db = *st;
    assert_int_equal(put(db, "a", 1), ERR_OK);
    assert_int_equal(put(db, "a", 2), ERR_EXISTS);
    assert_int_equal(put(db, "b", 2), ERR_OK);
    assert_false(sqlite_failed(db));
}

static void transactions_nest(void **st)
{
    struct sqlite *db = *st;
    sqlite_begin(db);
    assert_int_equal(put(db, "a", 1), ERR_OK);
    sqlite_begin(db);
    assert_int_equal(put(db, "b", 1), ERR_OK);
    assert_int_equal(sqlite_commit(db), ERR_OK);
    assert_int_equal(sqlite_commit(db), ERR_OK);
    assert_int_equal(count(db), 2);
    sqlite_begin(db);
    assert_int_equal(put(db, "c", 1), ERR_OK);
    sqlite_begin(db);
    sqlite_rollback(db);
    assert_int_equal(sqlite_commit(db), ERR_CLOSED);
    assert_int_equal(count(db), 2);
    assert_int_equal(put(db, "d", 1), ERR_OK);
}

static void a_failed_write_ends_the_writing(void **st)
{
    struct sqlite *db = *st;
    assert_int_equal(put(db, "a", 1), ERR_OK);
    assert_int_equal(sqlite_exec(db, "INSERT INTO missing VALUES (1)"), ERR_IO);
    assert_true(sqlite_failed(db));
    assert_non_null(strstr(sqlite_error(db), "missing"));
    assert_int_equal(put(db, "b", 1), ERR_CLOSED);
    assert_int_equal(count(db), 1); /* reading goes on */
}

static void what_was_open_is_rolled_back(void **st)
{
    struct sqlite *db = *st;
    assert_int_equal(put(db, "a", 1), ERR_OK);
    sqlite_begin(db);
    assert_int_equal(put(db, "b", 1), ERR_OK);
    sqlite_close(db);
    *st = db = open_db();
    assert_int_equal(count(db), 1);
}

static void header_and_check(void **st)
{
    struct sqlite *db = *st;
    char *error = NULL;
    assert_int_equal(sqlite_set_header(db, 0xfabfb5da, 7), ERR_OK);
    assert_true(sqlite_application_id(db) == 0xfabfb5da);
    assert_int_equal(sqlite_user_version(db), 7);
    assert_false(sqlite_is_empty(db));
    assert_int_equal(sqlite_check(db, &error), ERR_OK);
}

static void one_connection_at_a_time(void **st)
{
    (void)st;
    struct sqlite *other;
    char *error = NULL;
    assert_int_equal(sqlite_open(&other, path, false, &error), ERR_LOCKED);
    free(error);
}

static void copies(void **st)
{
    struct sqlite *db = *st;
    assert_int_equal(put(db, "a", 1), ERR_OK);
    char *copy = path_join(dir, "copy");
    assert_int_equal(sqlite_backup(db, copy), ERR_OK);
    assert_int_equal(sqlite_vacuum(db), ERR_OK);
    sqlite_forget(db);
    assert_int_equal(count(db), 1);
    struct sqlite *second;
    char *error = NULL;
    assert_int_equal(sqlite_open(&second, copy, false, &error), ERR_OK);
    assert_int_equal(count(second), 1);
    sqlite_close(second);
    free(copy);
}

static void no_database(void **st)
{
    (void)st;
    struct sqlite *db;
    char *error = NULL, *file = path_join(dir, "text");
    assert_int_equal(sqlite_open(&db, file, false, &error), ERR_IO);
    free(error);
    char junk[5000];
    memset(junk, 'x', sizeof(junk));
    assert_int_equal(fs_write_atomic(file, junk, sizeof(junk), 0600), ERR_OK);
    assert_int_equal(sqlite_open(&db, file, false, &error), ERR_CORRUPT);
    free(error);
    free(file);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_back),
        TEST(a_constraint_harms_nothing),
        TEST(transactions_nest),
        TEST(a_failed_write_ends_the_writing),
        TEST(what_was_open_is_rolled_back),
        TEST(header_and_check),
        TEST(one_connection_at_a_time),
        TEST(copies),
        TEST(no_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
