#include "cli/tool.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/setup.h"
#include "util/hex.h"

static bool wants_help(const struct args *a, int argc)
{
    return argc < 2 || args_is_set(a, "?") || args_is_set(a, "h") ||
           args_is_set(a, "help");
}

static int start(struct args *a, int argc, const char *title,
                 void (*print_help)(const struct args *a), int (*run)(struct args *a))
{
    if (args_is_set(a, "version")) {
        printf("%s %s version v%s\n", client_name(), title, client_version());
        return EXIT_SUCCESS;
    }
    if (!wants_help(a, argc))
        return run(a);
    print_help(a);
    if (argc >= 2)
        return EXIT_SUCCESS;
    fprintf(stderr, "Error: too few parameters\n");
    return EXIT_FAILURE;
}

int tool_main(int argc, char **argv, const struct opt *options, const char *title,
              void (*print_help)(const struct args *a), int (*run)(struct args *a))
{
    struct args *a = args_new(options);
    char *error = NULL;
    int code = EXIT_FAILURE;
    if (args_parse_command_line(a, argc, (const char *const *)argv, &error))
        code = start(a, argc, title, print_help, run);
    else
        fprintf(stderr, "%s\n", error);
    free(error);
    args_free(a);
    return code;
}

static const char *chain_name(const struct args *a)
{
    static const struct {
        const char *option, *chain;
    } shortcuts[] = {{"testnet", "test"}, {"signet", "signet"}, {"regtest", "regtest"}};
    for (size_t i = 0; i < ARRAY_LEN(shortcuts); i++) {
        if (args_bool(a, shortcuts[i].option, false))
            return shortcuts[i].chain;
    }
    return args_str(a, "chain", "main");
}

bool tool_select_chain(const struct args *a, struct chain_params *out)
{
    bool bitcoin = args_bool(a, "bitcoin", false);
    const char *name = chain_name(a);
    if (chain_params_get(out, bitcoin ? BITCOIN : OCHRE, name))
        return true;
    fprintf(stderr, "Error: Unknown chain %s.\n", name);
    return false;
}

void tool_hex(struct buf *out, struct bytes b)
{
    hex_append(out, b.data, b.len);
}
