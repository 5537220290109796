/* ochred: from the command line to a running node. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "node/daemonize.h"
#include "node/node.h"
#include "node/options.h"
#include "node/setup.h"

static int fail(const char *sentence)
{
    fprintf(stderr, "Error: %s\n", sentence);
    return EXIT_FAILURE;
}

static void print_version(void)
{
    printf("%s daemon version v%s\n"
           "Copyright (C) 2026 The Ochre developers\n\n"
           "This is free software under the MIT licence; see COPYING. There is no "
           "warranty.\n",
           client_name(), client_version());
}

static void print_help(const struct args *a)
{
    struct buf text = {0};
    printf("%s daemon version v%s\n\nUsage:  ochred [options]\n\n", client_name(),
           client_version());
    args_help(a, &text, args_bool(a, "help-debug", false));
    fputs(buf_cstr(&text), stdout);
    printf("\nNot built, by design: UPnP and NAT-PMP port mapping.\n");
    buf_clear(&text);
}

static bool wants_help(const struct args *a)
{
    return args_is_set(a, "?") || args_is_set(a, "h") || args_is_set(a, "help") ||
           args_is_set(a, "help-debug");
}

static bool configure(struct setup *s, struct args *a, char **error)
{
    size_t n;
    const char *const *words = args_positional(a, &n);
    if (n > 0) {
        *error = xasprintf(
            "Command line contains unexpected token '%s', see ochred -h for a "
            "list of options.",
            words[0]);
        return false;
    }
    return setup_config(s, a, true, error) && setup_directories(s, error) &&
           setup_settings(s, error);
}

static int run(struct args *a, struct logger *log)
{
    struct setup s = {.lock_fd = -1, .blocks_lock_fd = -1};
    char *error = NULL;
    int ready_fd = -1;
    int code = EXIT_FAILURE;
    bool wait;

    if (!configure(&s, a, &error))
        goto out;
    wait = args_bool(a, "daemonwait", false);
    if (wait || args_bool(a, "daemon", false)) {
        printf("%s starting\n", client_name());
        fflush(stdout);
        if (daemonize(&ready_fd) != ERR_OK) {
            error = xstrdup("Could not go to the background: fork failed.");
            goto out;
        }
        if (!wait) {
            daemonize_ready(ready_fd);
            ready_fd = -1;
        }
    }
    if (!setup_lock(&s, &error) || !setup_logging(&s, log, &error))
        goto out;
    setup_interactions(&s, log);
    if (!setup_check(&s, &error))
        goto out;
    code = node_run(&s, log, ready_fd);
out:
    if (error != NULL) {
        log_error(log, "Error: %s", error);
        code = fail(error);
        free(error);
    }
    setup_clear(&s);
    return code;
}

int main(int argc, char **argv)
{
    char *error = NULL;
    struct args *a = args_new(daemon_options);
    int code = EXIT_SUCCESS;

    setlocale(LC_ALL, "C");
    umask(077);
    if (!args_parse_command_line(a, argc, (const char *const *)argv, &error)) {
        code = fail(error);
        free(error);
    } else if (args_is_set(a, "version")) {
        print_version();
    } else if (wants_help(a)) {
        print_help(a);
    } else {
        struct logger *log = logger_new();
        code = run(a, log);
        logger_free(log);
    }
    args_free(a);
    return code;
}
