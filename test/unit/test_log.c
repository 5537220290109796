#include "unit.h"

#include <unistd.h>

#include "util/bytes.h"
#include "util/fs.h"
#include "util/log.h"

/* A logger on a temporary file. */
struct fixture {
    char dir[64];
    char *path;
    struct logger *lg;
    struct log_options opt;
};

static void set_up(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    strcpy(f->dir, "/tmp/ochre-test-log-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->path = path_join(f->dir, "debug.log");
    f->lg = logger_new();
    f->opt.path = f->path;
}

static char *content(struct fixture *f)
{
    struct buf b = {0};
    assert_int_equal(fs_read_file(f->path, 64 << 20, &b), ERR_OK);
    return (char *)buf_take(&b, NULL);
}

static void tear_down(struct fixture *f)
{
    logger_free(f->lg);
    free(f->path);
    assert_int_equal(fs_remove_tree(f->dir), ERR_OK);
}

static void expect(struct fixture *f, const char *text)
{
    char *got = content(f);
    assert_string_equal(got, text);
    free(got);
}

static void lines_before_open_are_kept(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    assert_int_equal(logger_open(f.lg, &f.opt), ERR_OK);
    log_info(f.lg, "one\n");
    log_info(f.lg, "two %d", 2);
    expect(&f, "one\ntwo 2\n");
    logger_free(f.lg);
    f.lg = logger_new();
    log_info(f.lg, "early");
    f.opt.timestamps = false;
    assert_int_equal(logger_open(f.lg, &f.opt), ERR_OK);
    char *got = content(&f);
    assert_non_null(strstr(got, " early\n"));
    free(got);
    tear_down(&f);
}

static void prefixes_name_category_and_level(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    assert_int_equal(logger_open(f.lg, &f.opt), ERR_OK);
    log_debug(f.lg, LOG_NET, "off");
    assert_true(logger_set_category(f.lg, "net", true));
    log_debug(f.lg, LOG_NET, "a");
    log_trace(f.lg, LOG_NET, "off");
    assert_true(logger_set_level(f.lg, "net:trace"));
    log_trace(f.lg, LOG_NET, "b");
    log_warning(f.lg, "c");
    log_error(f.lg, "d");
    log_at(f.lg, LOG_RPC, LOG_WARNING, "e");
    log_at(f.lg, LOG_RPC, LOG_INFO, "f");
    log_broken(f.lg, "g");
    log_info(f.lg, "forged\x1b[1m");
    expect(&f, "[net] a\n[net:trace] b\n[warning] c\n[error] d\n[rpc:warning] e\n"
               "[rpc:info] f\n[broken] g\nforged\\x1b[1m\n");
    tear_down(&f);
}

static void names_and_levels_are_checked(void **state)
{
    struct logger *lg = logger_new();
    (void)state;
    assert_false(logger_set_category(lg, "nett", true));
    assert_true(logger_set_category(lg, "all", true));
    assert_true(logger_enabled(lg, LOG_STATE, LOG_DEBUG));
    assert_true(logger_set_category(lg, "state", false));
    assert_false(logger_enabled(lg, LOG_STATE, LOG_DEBUG));
    assert_true(logger_enabled(lg, LOG_NET, LOG_DEBUG));
    assert_false(logger_set_level(lg, "loud"));
    assert_false(logger_set_level(lg, "nett:debug"));
    assert_false(logger_set_level(lg, "net:error"));
    assert_true(logger_set_level(lg, "info"));
    assert_false(logger_enabled(lg, LOG_NET, LOG_DEBUG));
    assert_false(logger_enabled(NULL, LOG_ALL, LOG_ERROR));
    logger_free(lg);
}

static void a_long_file_is_cut_at_a_line(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    FILE *out = fopen(f.path, "w");
    for (int i = 0; i < 1200000; i++)
        fprintf(out, "%09d\n", i);
    fclose(out);
    f.opt.shrink = true;
    assert_int_equal(logger_open(f.lg, &f.opt), ERR_OK);
    log_info(f.lg, "end");
    char *got = content(&f);
    assert_int_equal(strlen(got), 10000000 - 10 + 4);
    assert_memory_equal(got, "000200001\n", 10);
    free(got);
    tear_down(&f);
}

static void a_moved_file_is_opened_again(void **state)
{
    struct fixture f;
    char *old;
    (void)state;
    set_up(&f);
    old = path_join(f.dir, "old.log");
    assert_int_equal(logger_open(f.lg, &f.opt), ERR_OK);
    log_info(f.lg, "one");
    assert_int_equal(rename(f.path, old), 0);
    log_info(f.lg, "two");
    logger_reopen(f.lg);
    log_info(f.lg, "three");
    expect(&f, "three\n");
    free(old);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_before_open_are_kept),
        cmocka_unit_test(prefixes_name_category_and_level),
        cmocka_unit_test(names_and_levels_are_checked),
        cmocka_unit_test(a_long_file_is_cut_at_a_line),
        cmocka_unit_test(a_moved_file_is_opened_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
