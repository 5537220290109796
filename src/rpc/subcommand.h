/* Methods whose first argument is a command of its own: `pastelid newkey`, `tickets
 * get`. */
#ifndef OCHRE_RPC_SUBCOMMAND_H
#define OCHRE_RPC_SUBCOMMAND_H

#include "rpc/method.h"

#define SUBCOMMAND_ARGS 8

struct subcommand {
    const char *name;
    const char *args; /* as help shows them: "\"passphrase\" ( \"name\" )" */
    size_t min, max;  /* how many arguments after the name */
    void (*fn)(struct rpc_call *c);
};

/* Runs the command that argument 0 names; the table ends with a NULL name. Arguments of
 * commands count from 1 in rpc_arg. */
void subcommand_run(struct rpc_call *c, const struct subcommand *table);
/* Argument i as text, whether it came as a string or a number; NULL when absent. */
const char *subcommand_text(const struct rpc_call *c, size_t i);
/* Argument i as a whole number from 0; absent: *out stays. False: rpc_error was called.
 */
bool subcommand_number(struct rpc_call *c, size_t i, const char *name, int64_t *out);
/* Argument i as JSON: the value, or, when it is a string (as ochre-cli sends it), what
 * the string says. NULL: rpc_error was called. */
const struct json *subcommand_json(struct rpc_call *c, size_t i, const char *name,
                                   enum json_type type);

/* Parameters of such a method, for its entry in the method table. */
#define SUBCOMMAND_PARAM(n)                                                            \
    {                                                                                  \
        "argument" #n, P_ANY, P_OPTIONAL | P_CLI_STRING, .help = "As the command says" \
    }
#define SUBCOMMAND_PARAMS                                                              \
    PARAMS({"command", P_STR, .help = "One of the commands above"},                    \
           SUBCOMMAND_PARAM(1), SUBCOMMAND_PARAM(2), SUBCOMMAND_PARAM(3),              \
           SUBCOMMAND_PARAM(4), SUBCOMMAND_PARAM(5), SUBCOMMAND_PARAM(6))

#endif
