/* Around the wallet's file: lines of dumps, chunks of scripts, the list in
 * settings.json, names and the directory. */
#include "wallet_file_fixture.h"

#include "wallet/addressbook.h"
#include "wallet/dump.h"
#include "wallet/dump_row.h"
#include "wallet/script_chunk.h"
#include "wallet/settings_list.h"
#include "wallet/wallet_dir.h"

static void good_lines(void **st)
{
    (void)st;
    static const char *const lines[] = {
        "meta,t666c616773,i17179869184",
        "t,n,n,n",
        "some_table,i-9223372036854775808,i9223372036854775807,b,t,b00ff",
        "alone",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct dump_row row;
        struct buf memory = {0}, again = {0};
        assert_true(dump_row_read(&row, &memory, lines[i], strlen(lines[i])));
        dump_row_write(&again, &row);
        assert_string_equal(buf_cstr(&again), lines[i]);
        buf_clear(&memory);
        buf_clear(&again);
    }
}

static void bad_lines(void **st)
{
    (void)st;
    static const char *const lines[] = {
        "",
        ",n",
        "Meta,n",
        "meta,",
        "meta,n,",
        "meta,x",
        "meta,nn",
        "meta,i",
        "meta,i01",
        "meta,i+1",
        "meta,i-0",
        "meta,b0",
        "meta,bg",
        "meta,i 1",
        "a b,n",
        "meta,tzz",
        "meta,i9223372036854775808",
        "a_name_that_is_longer_than_any_table,n",
        "t,n,n,n,n,n,n,n,n,n,n,n,n,n,n,n,n,n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct dump_row row;
        struct buf memory = {0};
        if (dump_row_read(&row, &memory, lines[i], strlen(lines[i])))
            fail_msg("%s", lines[i]);
        buf_clear(&memory);
    }
}

static void a_nul_is_no_digit(void **st)
{
    (void)st;
    struct dump_row row;
    struct buf memory = {0};
    assert_false(dump_row_read(&row, &memory, "t,i-9\0", 6));
    buf_clear(&memory);
}

static bool note(void *ctx, uint32_t pos, struct bytes script)
{
    buf_printf(ctx, "%u:%zu ", pos, script.len);
    return true;
}

static void chunks(void **st)
{
    (void)st;
    struct buf items[3] = {{0}}, chunk = {0}, seen = {0};
    for (size_t i = 0; i < 3; i++)
        memset(buf_extend(&items[i], 10 * i + 1), 0xac, 10 * i + 1);
    const struct script_list one = {items, 1}, three = {items, 3}, none = {items, 0};
    script_chunk_append(&chunk, &one);
    script_chunk_append(&chunk, &none);
    script_chunk_append(&chunk, &three);
    assert_true(script_chunk_each(buf_view(&chunk), 7, note, &seen));
    assert_string_equal(buf_cstr(&seen), "7:1 9:1 9:11 9:21 ");
    for (size_t n = 1; n < chunk.len; n++) {
        buf_reset(&seen);
        bool ok = script_chunk_each(bytes_of(chunk.data, n), 0, note, &seen);
        assert_true(ok == (n == 3 || n == 4)); /* between positions */
    }
    for (size_t i = 0; i < 3; i++)
        buf_clear(&items[i]);
    buf_clear(&chunk);
    buf_clear(&seen);
}

static char *settings_after(const struct wallet_fixture *f, const char *name, bool on)
{
    struct buf text = {0};
    char *path = path_join(f->dir, "settings.json");
    assert_int_equal(settings_list_set(path, name, on), ERR_OK);
    assert_int_equal(fs_read_file(path, 10000, &text), ERR_OK);
    free(path);
    return (char *)buf_take(&text, NULL);
}

static void settings(void **st)
{
    struct wallet_fixture *f = *st;
    char *path = path_join(f->dir, "settings.json");
    static const char old[] = "{\"other\": {\"a\": [1]}, \"wallet\": \"first\"}";
    assert_int_equal(fs_write_atomic(path, old, strlen(old), 0600), ERR_OK);
    static const struct {
        const char *name;
        bool on;
        const char *then;
    } steps[] = {
        {"second", true, "\"first\",\n        \"second\"\n"},
        {"second", true, "\"first\",\n        \"second\"\n"},
        {"first", false, "[\n        \"second\"\n    ]"},
        {"none", false, "[\n        \"second\"\n    ]"},
        {"", true, "\"second\",\n        \"\"\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        char *text = settings_after(f, steps[i].name, steps[i].on);
        assert_non_null(strstr(text, steps[i].then));
        assert_non_null(strstr(text, "\"other\": {"));
        free(text);
    }
    assert_int_equal(fs_write_atomic(path, "[1]", 3, 0600), ERR_OK);
    assert_int_equal(settings_list_set(path, "x", true), ERR_CORRUPT);
    free(path);
}

static void dump_and_back(void **st)
{
    struct wallet_fixture *f = *st;
    struct wallet_error e = {0};
    struct destination d;
    struct buf a = {0}, b = {0};
    char *dump = path_join(f->dir, "dump"), *again = path_join(f->dir, "again");
    char *copy = path_join(f->dir, "copy.dat");
    assert_true(spkman_new_address(f->w->spkman, OUTPUT_BECH32, false, &d, &e));
    assert_int_equal(addressbook_set(f->w->book, &d,
                                     "l\xc3\xa4"
                                     "bel",
                                     PURPOSE_RECEIVE),
                     ERR_OK);
    wallet_unref(f->w);
    assert_true(wallet_dump(f->path, dump, &f->params, &e));
    assert_true(wallet_create_from_dump(copy, dump, &f->params, &e));
    assert_true(wallet_dump(copy, again, &f->params, &e));
    assert_int_equal(fs_read_file(dump, 1 << 20, &a), ERR_OK);
    assert_int_equal(fs_read_file(again, 1 << 20, &b), ERR_OK);
    assert_true(bytes_equal(buf_view(&a), buf_view(&b)));
    free(f->path);
    f->path = copy;
    fixture_open(f);
    assert_string_equal(addressbook_label(f->w->book, &d), "l\xc3\xa4"
                                                           "bel");
    buf_clear(&a);
    buf_clear(&b);
    free(dump);
    free(again);
}

static void directory(void **st)
{
    struct wallet_fixture *f = *st;
    struct arena mem;
    size_t n;
    struct wallet_error e = {0};
    char *sub = path_join(f->dir, "a/b"), *file = path_join(f->dir, "a/b/wallet.dat");
    char *plain = path_join(f->dir, "file");
    arena_init(&mem, 0);
    assert_int_equal(fs_mkdirs(sub, 0700), ERR_OK);
    assert_int_equal(store_backup(f->w->store, file), ERR_OK);
    assert_int_equal(fs_write_atomic(plain, "x", 1, 0600), ERR_OK);
    const char **names = wallet_dir_list(&f->opt, &mem, &n);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "");
    assert_string_equal(names[1], "a/b");
    assert_true(wallet_name_exists(&f->opt, "a/b", &e));
    assert_false(wallet_name_exists(&f->opt, "a", &e));
    assert_non_null(strstr(e.text, "not in recognized format"));
    wallet_error_clear(&e);
    assert_false(wallet_name_exists(&f->opt, "c", &e));
    assert_non_null(strstr(e.text, "Path does not exist"));
    wallet_error_clear(&e);
    assert_false(wallet_name_check(&f->opt, "file", &e));
    wallet_error_clear(&e);
    arena_clear(&mem);
    free(sub);
    free(file);
    free(plain);
}

static void book(void **st)
{
    struct wallet_fixture *f = *st;
    struct destination d = {.type = DEST_PKH, .len = 20};
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 50; i++) {
            d.data[0] = (uint8_t)(i * 37);
            if (round == 0)
                assert_int_equal(addressbook_set(f->w->book, &d, "x", PURPOSE_SEND),
                                 ERR_OK);
            else
                assert_string_equal(addressbook_label(f->w->book, &d), "x");
        }
        fixture_reopen(f);
    }
    assert_int_equal(addressbook_count(f->w->book), 50);
    d.data[1] = 1;
    assert_int_equal(addressbook_set_reused(f->w->book, &d, true), ERR_OK);
    fixture_reopen(f);
    const struct address_entry *e = addressbook_find(f->w->book, &d);
    assert_true(e != NULL && e->reused && e->label == NULL);
    assert_int_equal(addressbook_set(f->w->book, &d, "y", PURPOSE_RECEIVE), ERR_OK);
    assert_true(addressbook_find(f->w->book, &d)->reused);
}

static void other_networks(void **st)
{
    struct wallet_fixture *f = *st;
    struct wallet_error e = {0};
    wallet_unref(f->w);
    assert_true(chain_params_get(&f->params, OCHRE, "regtest"));
    struct wallet *w;
    assert_false(wallet_open(&w, &f->opt, "w", f->path, &e));
    assert_non_null(strstr(e.text, "no wallet of this network"));
    wallet_error_clear(&e);
    assert_true(chain_params_get(&f->params, BITCOIN, "regtest"));
    fixture_open(f);
}

static int64_t synchronous(struct wallet *w)
{
    struct sqlite_stmt *q = sqlite_query(store_db(w->store), "PRAGMA synchronous");
    assert_true(sqlite_row(q));
    int64_t level = sqlite_int(q, 0);
    assert_int_equal(sqlite_done(q), ERR_OK);
    return level;
}

static void commits_wait_for_the_disk_unless_told_otherwise(void **st)
{
    struct wallet_fixture *f = *st;
    assert_int_equal(synchronous(f->w), 2);
    f->opt.unsafe_sync = true;
    fixture_reopen(f);
    assert_int_equal(synchronous(f->w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines),
        cmocka_unit_test(bad_lines),
        cmocka_unit_test(a_nul_is_no_digit),
        cmocka_unit_test(chunks),
        WALLET_TEST(settings),
        WALLET_TEST(dump_and_back),
        WALLET_TEST(directory),
        WALLET_TEST(book),
        WALLET_TEST(other_networks),
        WALLET_TEST(commits_wait_for_the_disk_unless_told_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
