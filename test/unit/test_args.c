/* Options: names, negation, precedence of sources, sections, settings, errors. */
#include <unistd.h>

#include "unit.h"
#include "util/args.h"
#include "util/fs.h"

static const struct opt table[] = {
    {"alpha", OPT_STR, "<x>", "none", 0, 0, 0, "Options", "Text"},
    {"beta", OPT_BOOL, NULL, "0", 0, 0, 0, "Options", "Switch"},
    {"gamma", OPT_INT, "<n>", "5", 1, 10, 0, "Options", "Number"},
    {"many", OPT_LIST, "<x>", NULL, 0, 0, 0, "Options", "List"},
    {"must", OPT_STR, "<x>", NULL, 0, 0, OPT_DISALLOW_ELISION, "Options", "Has a value"},
    {"dir", OPT_STR, "<x>", NULL, 0, 0, OPT_DISALLOW_NEGATION, "Options", "No negation"},
    {"port", OPT_INT, "<n>", NULL, 1, 65535, OPT_NETWORK_ONLY, "Options", "Per network"},
    {"conf", OPT_STR, "<x>", NULL, 0, 0, OPT_COMMAND_LINE, "Options", "File"},
    {"includeconf", OPT_LIST, "<x>", NULL, 0, 0, 0, "Options", "Files"},
    {"datadir", OPT_STR, "<x>", NULL, 0, 0, 0, "Options", "Directory"},
    {"chain", OPT_STR, "<x>", NULL, 0, 0, 0, "Options", "Network"},
    {"regtest", OPT_BOOL, NULL, NULL, 0, 0, OPT_HIDDEN, "Options", "Network"},
    {"testnet", OPT_BOOL, NULL, NULL, 0, 0, 0, "Options", "Network"},
    {"bitcoin", OPT_BOOL, NULL, NULL, 0, 0, OPT_COMMAND_LINE, "Options", "Personality"},
    {"old", OPT_BOOL, NULL, NULL, 0, 0, OPT_BITCOIN_ONLY | OPT_IGNORED, "Options", NULL},
    {"rpcpassword", OPT_STR, "<x>", NULL, 0, 0, OPT_SENSITIVE, "Options", "Secret"},
    {0},
};

/* Splits "a b c" into words and parses them. */
static struct args *parse(const char *line, char **error)
{
    static char copy[512];
    const char *argv[16] = {"program"};
    int argc = 1;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " "))
        argv[argc++] = w;
    struct args *a = args_new(table);
    *error = NULL;
    if (args_parse_command_line(a, argc, argv, error))
        assert_null(*error);
    else
        assert_non_null(*error);
    return a;
}

static void values_from_the_command_line(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name, *want; /* NULL: not set */
        bool as_bool;
    } cases[] = {
        {"-alpha=x", "alpha", "x", false},
        {"--alpha=x", "alpha", "x", false},
        {"-alpha=x -alpha=y", "alpha", "y", false}, /* the last wins */
        {"-alpha=", "alpha", "", true},
        {"", "alpha", NULL, false},
        {"-beta", "beta", "", true},
        {"-beta=0", "beta", "0", false},
        {"-beta=1", "beta", "1", true},
        {"-nobeta", "beta", "0", false},
        {"-nobeta=1", "beta", "0", false},
        {"-nobeta=0", "beta", "1", true}, /* double negation */
        {"-nobeta -beta", "beta", "", true},
        {"-beta -nobeta", "beta", "0", false},
        {"-gamma=7", "gamma", "7", true},
        {"-alpha=a=b", "alpha", "a=b", false},
        {"word -alpha=x", "alpha", NULL, false}, /* options end at the first word */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *error;
        struct args *a = parse(cases[i].line, &error);
        assert_null(error);
        const char *got = args_str(a, cases[i].name, NULL);
        if (cases[i].want == NULL)
            assert_null(got);
        else
            assert_string_equal(got, cases[i].want);
        assert_int_equal(args_bool(a, cases[i].name, false), cases[i].as_bool);
        args_free(a);
    }
}

static void bad_words_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"-foo", "Invalid parameter -foo"},
        {"-foo=1", "Invalid parameter -foo=1"},
        {"-nofoo", "Invalid parameter -nofoo"},
        {"-regtest.port=1", "Invalid parameter -regtest.port=1"},
        {"-old", "Invalid parameter -old"},
        {"-must",
         "Can not set -must with no value. Please specify value with -must=value."},
        {"-nodir", "Negating of -dir is meaningless and therefore forbidden"},
        {"-includeconf=x",
         "-includeconf cannot be used from commandline; -includeconf=\"x\""},
        {"-gamma=abc", "Invalid value for -gamma: 'abc' is not a whole number"},
        {"-gamma=11", "Invalid value for -gamma: 11 is not within 1 to 10"},
        {"-gamma=99999999999999999999",
         "Invalid value for -gamma: '99999999999999999999' is not a whole number"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *error;
        struct args *a = parse(cases[i].line, &error);
        char want[200];
        snprintf(want, sizeof(want), "Error parsing command line arguments: %s",
                 cases[i].error);
        assert_non_null(error);
        assert_string_equal(error, want);
        free(error);
        args_free(a);
    }
}

static void the_bitcoin_personality_reads_numbers_leniently(void **state)
{
    (void)state;
    char *error;
    struct args *a = parse("-bitcoin -gamma=50x -old", &error);
    assert_null(error);
    assert_int_equal(args_int(a, "gamma", 5), 10); /* bounded */
    assert_true(args_bool(a, "old", false));
    size_t n;
    const char *const *w = args_warnings(a, &n);
    assert_int_equal(n, 1);
    assert_string_equal(w[0], "Option -old has no effect in this program");
    args_free(a);
}

static void lists_keep_order_and_negation_empties_them(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t n;
        const char *first;
    } cases[] = {
        {"", 0, NULL},
        {"-many=a -many=b", 2, "a"},
        {"-many=a -nomany -many=b", 1, "b"},
        {"-many=a -nomany", 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *error;
        size_t n;
        struct args *a = parse(cases[i].line, &error);
        const char *const *list = args_list(a, "many", &n);
        assert_int_equal(n, cases[i].n);
        if (n > 0)
            assert_string_equal(list[0], cases[i].first);
        args_free(a);
    }
}

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ochre-args-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return fs_remove_tree(dir);
}

static char *write_file(const char *name, const char *text)
{
    char *path = path_join(dir, name);
    assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600), ERR_OK);
    return path;
}

static void files_sections_and_precedence(void **state)
{
    (void)state;
    static const struct {
        const char *line, *file, *network, *name, *want;
    } cases[] = {
        {"", "alpha=x\n", "main", "alpha", "x"},
        {"", "alpha=x\nalpha=y\n", "main", "alpha", "x"}, /* in a file the first wins */
        {"-alpha=z", "alpha=x\n", "main", "alpha", "z"},
        {"-noalpha", "alpha=x\n", "main", "alpha", "0"},
        {"", "  alpha = x y  # remark\n", "main", "alpha", "x y"},
        {"", "alpha=x\n[regtest]\nalpha=y\n", "regtest", "alpha", "y"},
        {"", "alpha=x\n[regtest]\nalpha=y\n", "main", "alpha", "x"},
        {"", "regtest.alpha=y\n", "regtest", "alpha", "y"},
        {"", "[test]\nalpha=y\n", "regtest", "alpha", NULL},
        {"", "port=5\n", "main", "port", "5"},
        {"", "port=5\n", "regtest", "port", NULL}, /* only in its section */
        {"", "[regtest]\nport=5\n", "regtest", "port", "5"},
        {"", "noport=1\n", "regtest", "port", "0"},
        {"", "nobeta=1\n", "main", "beta", "0"},
        {"", "\r\n#\n\nbeta=1\r\n", "main", "beta", "1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *error;
        struct args *a = parse(cases[i].line, &error);
        char *path = write_file("a.conf", cases[i].file);
        assert_true(args_read_config(a, path, true, &error));
        args_select_network(a, cases[i].network);
        const char *got = args_str(a, cases[i].name, NULL);
        if (cases[i].want == NULL)
            assert_null(got);
        else
            assert_string_equal(got, cases[i].want);
        free(path);
        args_free(a);
    }
}

static void bad_files_are_refused_with_line_and_cause(void **state)
{
    (void)state;
    static const struct {
        const char *file, *error;
    } cases[] = {
        {"\nfoo\n", "parse error on line 2: foo"},
        {"nobeta\n", "parse error on line 1: nobeta, if you intended to specify a negated "
                     "option, use nobeta=1 instead"},
        {"-beta=1\n", "parse error on line 1: -beta=1, options in configuration file must be "
                      "specified without leading -"},
        {"foo=1\n", "Invalid configuration value foo"},
        {"conf=x\n", "conf cannot be set in the configuration file; use includeconf= if you "
                     "want to include additional config files"},
        {"rpcpassword=a#b\n", "parse error on line 1, using # in rpcpassword can be ambiguous "
                              "and should be avoided"},
        {"includeconf=missing\n", "Failed to include configuration file missing"},
        {"gamma=0\n", "Invalid value for -gamma: 0 is not within 1 to 10"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *error;
        struct args *a = parse("", &error);
        char *path = write_file("a.conf", cases[i].file);
        assert_false(args_read_config(a, path, true, &error));
        assert_string_equal(error, cases[i].error);
        free(error);
        free(path);
        args_free(a);
    }
}

static void lenient_files_warn_instead(void **state)
{
    (void)state;
    char *error;
    size_t n;
    struct args *a = parse("", &error);
    char *path = write_file("a.conf", "foo=1\n[what]\nalpha=x\n");
    assert_true(args_read_config(a, path, false, &error));
    const char *const *w = args_warnings(a, &n);
    assert_int_equal(n, 2);
    assert_string_equal(w[0], "Ignoring unknown configuration value foo");
    assert_non_null(strstr(w[1], "Section [what] is not recognized."));
    free(path);
    args_free(a);
}

static void included_files_are_read_for_the_selected_network(void **state)
{
    (void)state;
    char *error;
    size_t n;
    free(write_file("b.conf", "many=b\nincludeconf=c.conf\n"));
    free(write_file("c.conf", "many=c\n"));
    char *path = write_file("a.conf", "regtest=1\nmany=a\n[regtest]\nincludeconf=b.conf\n"
                                      "[test]\nincludeconf=c.conf\n");
    struct args *a = parse("", &error);
    assert_true(args_read_config(a, path, true, &error));
    args_select_network(a, "regtest");
    const char *const *list = args_list(a, "many", &n);
    assert_int_equal(n, 2);
    assert_string_equal(list[1], "b");
    args_warnings(a, &n);
    assert_int_equal(n, 1); /* includes do not nest */
    free(path);
    args_free(a);
}

static void options_in_the_wrong_section_are_named(void **state)
{
    (void)state;
    char *error;
    struct args *a = parse("", &error);
    char *path = write_file("a.conf", "port=5\n");
    assert_true(args_read_config(a, path, true, &error));
    args_select_network(a, "regtest");
    assert_false(args_check_sections(a, &error));
    assert_string_equal(error, "Config setting for -port only applied on regtest network when "
                               "in [regtest] section.");
    free(error);
    free(path);
    args_free(a);
}

static void settings_stand_between_command_line_and_file(void **state)
{
    (void)state;
    char *error;
    size_t n;
    char *conf = write_file("a.conf", "alpha=file\ngamma=2\n");
    char *settings = write_file("s.json", "{\"alpha\":\"set\",\"many\":[\"a\",\"b\"],"
                                          "\"beta\":true,\"strange\":1}");
    struct args *a = parse("-gamma=3", &error);
    assert_true(args_read_config(a, conf, true, &error));
    args_select_network(a, "main");
    assert_true(args_read_settings(a, settings, &error));
    assert_string_equal(args_str(a, "alpha", ""), "set");
    assert_int_equal(args_int(a, "gamma", 0), 3);
    assert_true(args_bool(a, "beta", false));
    args_list(a, "many", &n);
    assert_int_equal(n, 2);
    args_warnings(a, &n);
    assert_int_equal(n, 1);
    free(settings);

    static const char *const bad[] = {"", "[]", "{\"alpha\":1,\"alpha\":2}", "{\"alpha\":{}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        settings = write_file("s.json", bad[i]);
        assert_false(args_read_settings(a, settings, &error));
        free(error);
        free(settings);
    }
    free(conf);
    args_free(a);
}

static void soft_set_yields_to_the_user(void **state)
{
    (void)state;
    char *error;
    struct args *a = parse("-alpha=x", &error);
    assert_false(args_soft_set(a, "alpha", "y"));
    assert_true(args_soft_set(a, "gamma", "9"));
    assert_string_equal(args_str(a, "alpha", ""), "x");
    assert_int_equal(args_int(a, "gamma", 0), 9);
    args_force_set(a, "alpha", "y");
    assert_string_equal(args_str(a, "alpha", ""), "y");
    args_free(a);
}

static void help_shows_what_is_not_hidden(void **state)
{
    (void)state;
    char *error;
    struct args *a = parse("", &error);
    struct buf out = {0};
    args_help(a, &out, false);
    assert_non_null(strstr(buf_cstr(&out), "  -gamma=<n>\n       Number (default: 5)\n"));
    assert_null(strstr(buf_cstr(&out), "-regtest"));
    buf_reset(&out);
    args_help(a, &out, true);
    assert_non_null(strstr(buf_cstr(&out), "-regtest"));
    buf_clear(&out);
    args_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_from_the_command_line),
        cmocka_unit_test(bad_words_are_refused_by_name),
        cmocka_unit_test(the_bitcoin_personality_reads_numbers_leniently),
        cmocka_unit_test(lists_keep_order_and_negation_empties_them),
        cmocka_unit_test(files_sections_and_precedence),
        cmocka_unit_test(bad_files_are_refused_with_line_and_cause),
        cmocka_unit_test(lenient_files_warn_instead),
        cmocka_unit_test(included_files_are_read_for_the_selected_network),
        cmocka_unit_test(options_in_the_wrong_section_are_named),
        cmocka_unit_test(settings_stand_between_command_line_and_file),
        cmocka_unit_test(soft_set_yields_to_the_user),
        cmocka_unit_test(help_shows_what_is_not_hidden),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
