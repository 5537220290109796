/* ochre-cli: JSON-RPC from the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

static void print_usage(const struct args *a)
{
    struct buf text = {0};
    printf("%s RPC client version v%s\n\n"
           "Usage:  ochre-cli [options] <command> [params]  Send command to the node\n"
           "or:     ochre-cli [options] -named <command> [name=value]...  Send command "
           "with "
           "named arguments\n"
           "or:     ochre-cli [options] help                List commands\n"
           "or:     ochre-cli [options] help <command>      Get help for a command\n\n",
           client_name(), client_version());
    args_help(a, &text, false);
    fputs(buf_cstr(&text), stdout);
    buf_clear(&text);
}

/* One line without its end, in @mem; NULL at end of file. */
static const char *read_line(struct arena *mem)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, stdin);
    const char *kept = NULL;
    if (n >= 0) {
        n -= n > 0 && line[n - 1] == '\n';
        kept = arena_printf(mem, "%.*s", (int)n, line);
        explicit_bzero(line, cap);
    }
    free(line);
    return kept;
}

/* Asks on the terminal, without echo, or reads a line of a pipe. */
static const char *read_secret(struct cli *c, const char *prompt)
{
    struct termios before, quiet;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
        fputs(prompt, stderr);
    }
    const char *line = read_line(&c->mem);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
        fputc('\n', stderr);
    }
    return line;
}

struct words {
    const char **items; /* owned; strings belong to the arguments or the arena */
    size_t n;
};

static void add_word(struct words *w, size_t at, const char *word)
{
    w->items = xrealloc_array(w->items, w->n + 1, sizeof(*w->items));
    memmove(w->items + at + 1, w->items + at, (w->n - at) * sizeof(*w->items));
    w->items[at] = word;
    w->n++;
}

/* Words of the command line and of standard input. */
static bool collect_words(struct cli *c, struct words *w, char **error)
{
    size_t n;
    const char *const *typed = args_positional(c->args, &n);
    for (size_t i = 0; i < n; i++)
        add_word(w, w->n, typed[i]);
    if (args_bool(c->args, "stdinrpcpass", false)) {
        c->password = read_secret(c, "RPC password> ");
        if (c->password == NULL) {
            *error = xstrdup(
                "-stdinrpcpass specified but failed to read from standard input");
            return false;
        }
    }
    if (args_bool(c->args, "stdinwalletpassphrase", false)) {
        if (w->n == 0 || strncmp(w->items[0], "walletpassphrase", 16) != 0) {
            *error = xstrdup("-stdinwalletpassphrase is only applicable for "
                             "walletpassphrase(change)");
            return false;
        }
        const char *secret = read_secret(c, "Wallet passphrase> ");
        if (secret == NULL) {
            *error = xstrdup("-stdinwalletpassphrase specified but failed to read from "
                             "standard input");
            return false;
        }
        add_word(w, 1, secret);
    }
    const char *line;
    while (args_bool(c->args, "stdin", false) && (line = read_line(&c->mem)) != NULL)
        add_word(w, w->n, line);
    return true;
}

static int call_method(struct cli *c, const struct words *w)
{
    struct buf body = {0};
    struct json_writer writer;
    struct json *reply;
    char *error = NULL;
    bool named = args_bool(c->args, "named", false);

    json_writer_init(&writer, &body, 0);
    bool ok = cli_write_call(&writer, w->items[0], w->items + 1, w->n - 1, named, 1,
                             &c->mem, &error) &&
              cli_send_waiting(c, &reply, cli_wallet(c), buf_view(&body), &error);
    int code = ok ? cli_print_reply(reply) : cli_print_error(error);
    buf_clear(&body);
    free(error);
    return code;
}

/* The client's own commands exclude each other. */
static bool check_commands(const struct args *a, char **error)
{
    static const char *const commands[] = {"addrinfo", "generate", "getinfo",
                                           "netinfo"};
    struct buf found = {0};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (args_is_set(a, commands[i]))
            buf_printf(&found, "%s-%s", n++ ? ", " : "", commands[i]);
    if (n > 1)
        *error = xasprintf("Only one of %s may be specified.", buf_cstr(&found));
    buf_clear(&found);
    return n <= 1;
}

static int run_command(struct cli *c, const struct words *w)
{
    const struct args *a = c->args;
    if (args_bool(a, "getinfo", false))
        return w->n > 0 ? cli_print_error("-getinfo takes no arguments")
                        : cli_getinfo(c);
    if (args_bool(a, "netinfo", false))
        return cli_netinfo(c, w->items, w->n);
    if (args_bool(a, "generate", false))
        return cli_generate(c, w->items, w->n);
    if (args_bool(a, "addrinfo", false))
        return w->n > 0 ? cli_print_error("-addrinfo takes no arguments")
                        : cli_addrinfo(c);
    if (w->n == 0)
        return cli_print_error("too few parameters (need at least command)");
    return call_method(c, w);
}

static int run(struct args *args)
{
    struct cli c = {.args = args};
    struct words w = {0};
    char *error = NULL;
    int code = EXIT_FAILURE;

    arena_init(&c.mem, 4096);
    if (check_commands(args, &error) && setup_config(&c.setup, args, false, &error) &&
        cli_resolve_server(&c, &error) && collect_words(&c, &w, &error))
        code = run_command(&c, &w);
    if (error != NULL)
        fprintf(stderr, "Error: %s\n", error);
    free(error);
    free(w.items);
    free(c.host);
    setup_clear(&c.setup);
    arena_clear(&c.mem);
    return code;
}

static bool wants_help(const struct args *a, int argc)
{
    return argc < 2 || args_is_set(a, "?") || args_is_set(a, "h") ||
           args_is_set(a, "help");
}

int main(int argc, char **argv)
{
    struct args *a = args_new(cli_options);
    char *error = NULL;
    int code = EXIT_SUCCESS;

    if (!args_parse_command_line(a, argc, (const char *const *)argv, &error)) {
        fprintf(stderr, "%s\n", error);
        free(error);
        code = EXIT_FAILURE;
    } else if (args_is_set(a, "version")) {
        printf("%s RPC client version v%s\n", client_name(), client_version());
    } else if (wants_help(a, argc)) {
        print_usage(a);
        if (argc < 2) {
            fprintf(stderr, "Error: too few parameters\n");
            code = EXIT_FAILURE;
        }
    } else {
        code = run(a);
    }
    args_free(a);
    return code;
}
