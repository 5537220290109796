/* ochre-tx: changes to a transaction, one command after the other. */
#ifndef OCHRE_CLI_TXTOOL_H
#define OCHRE_CLI_TXTOOL_H

#include "chain/params/params.h"
#include "util/json.h"

/* A JSON value that set= or load= gave a name. */
struct tx_register {
    char *name; /* owned */
    struct json *value;
};

struct txtool {
    struct chain_params params;
    struct mtx tx;
    struct arena mem;
    struct tx_register *registers; /* owned */
    size_t n_registers;
    char *error; /* owned; the sentence after "error: " */
};

/* Always false. */
bool txtool_fail(struct txtool *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
const struct json *txtool_register(const struct txtool *t, const char *name);
/* "name=value" or "name". */
NODISCARD bool txtool_run(struct txtool *t, const char *word);
/* Text of all commands for -help. */
void txtool_help(struct buf *out);

/* sign=FLAGS (tx_sign.c) */
bool txtool_sign(struct txtool *t, const char *value);
/* verifyproof ROOT KEY PROOF (tx_proof.c): prints the value or "absent"; returns the
 * exit code. */
int tx_verify_proof(const char *const *words, size_t n);
/* All of standard input without the blanks around it. */
void txtool_read_stdin(struct buf *out);

#endif
