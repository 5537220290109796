/* Parts of ochre-cli. */
#ifndef OCHRE_CLI_CLI_H
#define OCHRE_CLI_CLI_H

#include "node/setup.h"
#include "util/json.h"

extern const struct opt cli_options[];

/* A session with one server. */
struct cli {
    struct args *args;
    struct setup setup;
    char *host; /* owned */
    uint16_t port;
    const char *password; /* of -stdinrpcpass, else NULL; in mem */
    struct arena mem;
};

enum cli_outcome {
    CLI_OK,
    CLI_FAILED,    /* *error is set */
    CLI_TRANSIENT, /* the same, but -rpcwait may try again: no connection, or still
                      starting */
};

/* Works out host and port from -rpcconnect and -rpcport; the port of the latter goes
 * first. */
NODISCARD bool cli_resolve_server(struct cli *c, char **error);

/* Sends one request body (an object or a batch) and parses the reply into c->mem.
 * @wallet NULL: no wallet. *error: caller frees. */
enum cli_outcome cli_send(struct cli *c, struct json **reply, const char *wallet,
                          struct bytes body, char **error);
/* The same, with the retries that -rpcwait asks for. */
bool cli_send_waiting(struct cli *c, struct json **reply, const char *wallet,
                      struct bytes body, char **error);
/* -rpcwallet, or NULL. */
const char *cli_wallet(const struct cli *c);

/* Writes {"jsonrpc":"2.0","method":...,"params":...,"id":...} from words as typed.
 * @named: words are name=value, others go to "args". */
NODISCARD bool cli_write_call(struct json_writer *w, const char *method,
                              const char *const *words, size_t n, bool named, int id,
                              struct arena *mem, char **error);

/* Prints a reply as bitcoin-cli does; returns the exit code. */
int cli_print_reply(const struct json *reply);
/* A connection failure and the like. */
int cli_print_error(const char *error);

/* -getinfo, -netinfo, -generate, -addrinfo: return the exit code. */
int cli_getinfo(struct cli *c);
int cli_netinfo(struct cli *c, const char *const *words, size_t n);
int cli_generate(struct cli *c, const char *const *words, size_t n);
int cli_addrinfo(struct cli *c);

/* Calls several methods without parameters as one batch; replies[i] is the i-th's
 * result, or NULL when that call failed. */
NODISCARD bool cli_batch(struct cli *c, const struct json **replies,
                         const char *const *methods, size_t n, char **error);

#endif
