/* The LevelDB door: batches, walks, snapshots, versions, and what goes wrong on a disk.
 */
#include "unit.h"

#include <glob.h>
#include <unistd.h>

#include "db/db.h"
#include "util/fs.h"
#include "util/mem.h"

#define STR(s) bytes_of(s, strlen(s))

static char dir[] = "/tmp/ochre-test-db-XXXXXX";
static char path[64];

static int begin(void **st)
{
    (void)st;
    strcpy(dir + sizeof(dir) - 7, "XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/x", dir);
    return 0;
}

static int end(void **st)
{
    (void)st;
    return fs_remove_tree(dir);
}

static const struct db_options options = {.name = "test", .version = 2, .bloom = true};

static struct db *open_db(const struct db_options *opt)
{
    struct db *db = NULL;
    char *message;
    if (db_open(&db, path, opt, &message) != ERR_OK)
        fail_msg("%s", message);
    assert_null(message);
    return db;
}

static void assert_value(struct db *db, const char *key, const char *want)
{
    struct buf v = {0};
    enum err e = db_get(db, STR(key), &v);
    if (want == NULL) {
        assert_int_equal(e, ERR_NOT_FOUND);
    } else {
        assert_int_equal(e, ERR_OK);
        assert_string_equal(buf_cstr(&v), want);
    }
    buf_clear(&v);
}

static void batch_is_kept(void **st)
{
    (void)st;
    struct db *db = open_db(&options);
    struct db_batch b;
    db_batch_init(&b);
    size_t empty = b.bytes;
    db_batch_put(&b, STR("a"), STR("1"));
    db_batch_put(&b, STR("b"), STR(""));
    db_batch_del(&b, STR("c"));
    assert_int_equal(b.count, 3);
    assert_true(b.bytes > empty + 4);
    assert_int_equal(db_put(db, STR("c"), STR("3"), false), ERR_OK);
    assert_int_equal(db_write(db, &b, true), ERR_OK);
    db_batch_reset(&b);
    assert_int_equal(b.bytes, empty);
    db_batch_clear(&b);
    db_close(db);
    db = open_db(&options);
    assert_value(db, "a", "1");
    assert_value(db, "b", "");
    assert_value(db, "c", NULL);
    assert_int_equal(db_get(db, STR("a"), NULL), ERR_OK);
    assert_int_equal(db_del(db, STR("a"), false), ERR_OK);
    assert_int_equal(db_get(db, STR("a"), NULL), ERR_NOT_FOUND);
    db_close(db);
}

static char *walk(struct db *db, const struct db_snapshot *snap, const char *prefix)
{
    struct buf b = {0};
    struct db_iter *it = db_iter_new(db, snap, STR(prefix));
    for (; db_iter_valid(it); db_iter_next(it)) {
        buf_append(&b, db_iter_key(it).data, db_iter_key(it).len);
        buf_append_byte(&b, '=');
        buf_append(&b, db_iter_value(it).data, db_iter_value(it).len);
        buf_append_byte(&b, ' ');
    }
    assert_int_equal(db_iter_free(it), ERR_OK);
    buf_append_byte(&b, 0);
    return (char *)buf_take(&b, NULL);
}

static void assert_walk(struct db *db, const struct db_snapshot *snap,
                        const char *prefix, const char *want)
{
    char *got = walk(db, snap, prefix);
    assert_string_equal(got, want);
    free(got);
}

static void walks_stay_in_their_prefix(void **st)
{
    (void)st;
    struct db *db = open_db(&options);
    static const char *const keys[] = {"a", "b", "b\xff", "b1", "b2", "c", "\xff\xff"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(db_put(db, STR(keys[i]), STR("v"), false), ERR_OK);
    assert_walk(db, NULL, "b", "b=v b1=v b2=v b\xff=v ");
    assert_walk(db, NULL, "b1", "b1=v ");
    assert_walk(db, NULL, "x", "");
    assert_walk(db, NULL, "", "a=v b=v b1=v b2=v b\xff=v c=v \xff\xff=v ");
    assert_walk(db, NULL, "\xff", "\xff\xff=v ");

    struct db_iter *it = db_iter_new(db, NULL, STR("b"));
    db_iter_seek_last(it);
    assert_true(db_iter_valid(it) && bytes_equal(db_iter_key(it), STR("b\xff")));
    db_iter_prev(it);
    assert_true(bytes_equal(db_iter_key(it), STR("b2")));
    db_iter_seek(it, STR("a"));
    assert_true(bytes_equal(db_iter_key(it), STR("b")));
    db_iter_prev(it);
    assert_false(db_iter_valid(it));
    db_iter_seek(it, STR("b11"));
    assert_true(bytes_equal(db_iter_key(it), STR("b2")));
    assert_int_equal(db_iter_free(it), ERR_OK);
    it = db_iter_new(db, NULL, STR("\xff"));
    db_iter_seek_last(it);
    assert_true(db_iter_valid(it));
    assert_int_equal(db_iter_free(it), ERR_OK);
    it = db_iter_new(db, NULL, STR("x"));
    db_iter_seek_last(it);
    assert_false(db_iter_valid(it));
    assert_int_equal(db_iter_free(it), ERR_OK);
    db_close(db);
}

static void snapshots_do_not_move(void **st)
{
    (void)st;
    struct db *db = open_db(&options);
    struct buf v = {0};
    assert_int_equal(db_put(db, STR("k"), STR("old"), false), ERR_OK);
    struct db_snapshot *snap = db_snapshot_new(db);
    assert_int_equal(db_put(db, STR("k"), STR("new"), false), ERR_OK);
    assert_int_equal(db_get_at(db, snap, STR("k"), &v), ERR_OK);
    assert_string_equal(buf_cstr(&v), "old");
    assert_walk(db, snap, "", "k=old ");
    assert_value(db, "k", "new");
    db_snapshot_free(db, snap);
    buf_clear(&v);
    db_close(db);
}

static void assert_refused(const struct db_options *opt, enum err want,
                           const char *word)
{
    struct db *db = NULL;
    char *message = NULL;
    assert_int_equal(db_open(&db, path, opt, &message), want);
    assert_non_null(message);
    if (strstr(message, path) == NULL || strstr(message, word) == NULL)
        fail_msg("message: %s", message);
    free(message);
}

static enum err migrate_ok(struct db *db, uint32_t from, void *ctx)
{
    *(uint32_t *)ctx = from;
    return db_put(db, STR("k"), STR("migrated"), false);
}

static size_t n_tables(void)
{
    char pattern[128];
    glob_t found = {0};
    snprintf(pattern, sizeof(pattern), "%s/*.ldb", path);
    glob(pattern, 0, NULL, &found);
    size_t n = found.gl_pathc;
    globfree(&found);
    return n;
}

/* Writes @n batches of 4 KiB, unsynced. */
static void fill(struct db *db, uint32_t n)
{
    static const uint8_t value[4096];
    for (uint32_t i = 0; i < n; i++) {
        struct db_batch b;
        db_batch_init(&b);
        db_batch_put(&b, bytes_of(&i, sizeof(i)), bytes_of(value, sizeof(value)));
        assert_int_equal(db_write(db, &b, false), ERR_OK);
        db_batch_clear(&b);
    }
}

/* So there never are two logs, of which the older one could lose something. */
static void what_is_in_order_goes_to_tables_in_time(void **st)
{
    (void)st;
    struct db_options opt = options;
    opt.write_buffer_bytes = 256 << 10;
    opt.in_order = true;
    struct db *db = open_db(&opt);
    fill(db, 60);
    assert_int_equal(n_tables(), 0);
    fill(db, 5);
    assert_int_equal(n_tables(), 1);
    db_close(db);
}

static void versions(void **st)
{
    (void)st;
    struct db_options opt = options;
    db_close(open_db(&opt));
    opt.version = 1;
    assert_refused(&opt, ERR_VERSION, "newer version");
    opt.version = 3;
    opt.way_out = "-reindex-chainstate";
    assert_refused(&opt, ERR_VERSION, "-reindex-chainstate");
    uint32_t from = 0;
    opt.migrate = migrate_ok;
    opt.ctx = &from;
    struct db *db = open_db(&opt);
    assert_int_equal(from, 2);
    assert_value(db, "k", "migrated");
    db_close(db);
    opt.migrate = NULL;
    db_close(open_db(&opt));
    opt.version = 1;
    opt.wipe = true;
    db = open_db(&opt);
    assert_value(db, "k", NULL);
    db_close(db);
}

static void one_process_at_a_time(void **st)
{
    (void)st;
    struct db *db = open_db(&options);
    assert_refused(&options, ERR_LOCKED, "another process");
    db_close(db);
}

static void must_exist(void **st)
{
    (void)st;
    struct db_options opt = options;
    opt.must_exist = true;
    assert_refused(&opt, ERR_NOT_FOUND, "does not exist");
}

static void spoil(const char *pattern)
{
    char full[96];
    glob_t g;
    snprintf(full, sizeof(full), "%s/%s", path, pattern);
    assert_int_equal(glob(full, 0, NULL, &g), 0);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        FILE *f = fopen(g.gl_pathv[i], "r+");
        assert_non_null(f);
        fseek(f, 20, SEEK_SET);
        fwrite("spoiled spoiled spoiled", 1, 23, f);
        fclose(f);
    }
    globfree(&g);
}

static void on_error(void *ctx, enum err e, const char *message)
{
    assert_int_equal(e, ERR_CORRUPT);
    assert_non_null(strstr(message, path));
    ++*(int *)ctx;
}

static void damage_is_named(void **st)
{
    (void)st;
    db_close(open_db(&options));
    spoil("MANIFEST-*");
    assert_refused(&options, ERR_CORRUPT, "-reindex");

    struct db_options opt = options;
    opt.wipe = true;
    int seen = 0;
    opt.on_error = on_error;
    opt.ctx = &seen;
    struct db *db = open_db(&opt);
    assert_int_equal(db_put(db, STR("key"), STR("value"), true), ERR_OK);
    db_compact(db);
    db_close(db);
    spoil("*.ldb");
    opt.wipe = false;
    char *message;
    enum err e = db_open(&db, path, &opt, &message);
    if (e == ERR_OK) {
        assert_int_equal(db_get(db, STR("key"), NULL), ERR_CORRUPT);
        db_close(db);
    } else {
        assert_int_equal(e, ERR_CORRUPT);
        free(message);
    }
    assert_int_equal(seen, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(batch_is_kept),
        TEST(walks_stay_in_their_prefix),
        TEST(snapshots_do_not_move),
        TEST(what_is_in_order_goes_to_tables_in_time),
        TEST(versions),
        TEST(one_process_at_a_time),
        TEST(must_exist),
        TEST(damage_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
