/* RPC methods as data. A file src/rpc/cmd_<group>.c ends in one
 *
 *     const struct rpc_table rpc_<group>_table = {"Blockchain", methods,
 * ARRAY_LEN(methods)};
 *
 * which rpc/methods.c lists. The table drives argument checks, `help`, doc/rpc and the
 * conversion of ochre-cli's arguments:
 *
 *     static const struct rpc_method methods[] = {
 *         {
 *             .name = "getblockhash",
 *             .help = "The hash of the block at a height of the active chain.",
 *             .params = PARAMS({"height", P_NUM, .help = "The height"}),
 *             .results = RESULTS({R_HEX, "", "The block hash"}),
 *             .examples = EXAMPLES("1000"),
 *             .fn = getblockhash,
 *         },
 *     };
 *
 * Help texts are our own words: never copied from another project. */
#ifndef OCHRE_RPC_METHOD_H
#define OCHRE_RPC_METHOD_H

#include "rpc/context.h"
#include "rpc/protocol.h"
#include "util/json.h"

/* -- Tables --------------------------------------------------------------- */

enum rpc_type {
    P_STR,
    P_HEX, /* a string of hex digits; the handler decodes */
    P_NUM,
    P_BOOL,
    P_AMOUNT,   /* number or decimal string */
    P_RANGE,    /* n or [begin, end] */
    P_OBJ,      /* fields in .inner */
    P_ARR,      /* element in .inner */
    P_ANY,      /* no type check */
    P_OBJ_USER, /* keys are the caller's own (addresses, ...) */
};

enum rpc_param_flags {
    P_OPTIONAL = 1, /* implied by .def */
    P_NO_TYPE_CHECK =
        2,        /* accepts more than its type says (getblockstats hash_or_height) */
    P_HIDDEN = 4, /* not in help */
    P_CLI_STRING =
        8,           /* ochre-cli passes it as text although its type is not a string */
    P_CLI_JSON = 16, /* the reverse */
    P_NAMED_ONLY =
        32, /* a field of the options object, also allowed as a named argument */
    P_ANY_TEXT = 64, /* may hold null characters; the others are refused */
};

struct rpc_param {
    const char
        *names; /* "verbosity|verbose": the first is shown, the others are aliases */
    enum rpc_type type;
    unsigned flags;
    const char *def; /* default as JSON text or words, shown in help; NULL: required,
                        unless P_OPTIONAL */
    const char *help;
    const struct rpc_param *inner; /* PARAMS(...) */
    const char *type_text; /* shown instead of the type's name ("string or numeric") */
};

enum rpc_result_type {
    R_STR,
    R_HEX,
    R_NUM,
    R_AMOUNT, /* "x.xxx" number */
    R_BOOL,
    R_NONE, /* null */
    R_TIME, /* unix seconds */
    R_OBJ,
    R_OBJ_DYN, /* keys vary; .inner is one sample */
    R_ARR,
    R_ARR_FIXED,
    R_ANY,
    R_MORE, /* "...": the rest as described elsewhere */
};

struct rpc_result {
    enum rpc_result_type type;
    const char *name; /* "" at the top and for array elements */
    const char *help;
    const struct rpc_result *inner; /* RESULTS(...) */
    bool optional;
    bool nullable;    /* may be null instead */
    const char *when; /* several results: "for verbosity = 1" */
};

struct rpc_call;
struct outpoint;

struct rpc_method {
    const char *name;
    const char *help;
    const struct rpc_param *params;   /* PARAMS(...) or NULL */
    const struct rpc_result *results; /* RESULTS(...) or NULL for null */
    /* Arguments as typed after the method on ochre-cli; the JSON form is derived. ""
     * for none. */
    const char *const *examples; /* EXAMPLES(...) or NULL */
    void (*fn)(struct rpc_call *c);
    bool hidden; /* works, but `help` does not list it */
};

struct rpc_table {
    const char *group; /* "Blockchain" */
    const struct rpc_method *methods;
    size_t n;
    bool needs_wallets; /* with -disablewallet there are no such methods */
    bool needs_tickets; /* not listed on a network without tickets */
    /* No reply holds a secret, so memory need not be wiped behind it: worth it where
     * replies have megabytes. */
    bool public_replies;
};

#define PARAMS(...)  ((const struct rpc_param[]){__VA_ARGS__, {0}})
#define RESULTS(...) ((const struct rpc_result[]){__VA_ARGS__, {.name = NULL}})
/* For a method that never succeeds; NULL stands for a null. */
#define NO_RESULTS    ((const struct rpc_result[]){{.name = NULL}})
#define EXAMPLES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* All tables, in the order of `help`; ends with NULL. (rpc/methods.c) */
extern const struct rpc_table *const rpc_tables[];
const struct rpc_method *rpc_find_method(const char *name);
/* What calls of methods that there are not count as. */
extern const char *const RPC_UNKNOWN_METHOD;
/* Only what this node offers. *public_reply: see struct rpc_table. */
const struct rpc_method *rpc_find_method_of(const struct node *n, const char *name,
                                            bool *public_reply);

/* -- A call --------------------------------------------------------------- */

struct rpc_call {
    struct node *node;
    const struct rpc_method *method;
    const struct json
        *params; /* array: positional, named ones in their places, holes null */
    struct json_writer *w; /* write exactly one value */
    struct arena *mem;     /* lives as long as the call */
    const char *user;      /* who called */
    const char *path;      /* of the request: "/", "/wallet/name" */
    bool failed;           /* set by rpc_error */
    /* private to rpc/server.c */
    struct rpc_job *job;
};

/* Ends the call with an error: what was written is dropped, and the handler must
 * return. The first error wins. */
void rpc_error(struct rpc_call *c, enum rpc_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* For a wrong command word: the method's help is the message. */
void rpc_usage_error(struct rpc_call *c, enum rpc_code code);
/* Runs fn(arg) on the validation thread. False: the node is stopping, and the call has
 * failed. */
NODISCARD bool rpc_on_chain(struct rpc_call *c, void (*fn)(void *arg), void *arg);
/* Runs fn(arg) after the reply was sent (stop). */
void rpc_after_reply(struct rpc_call *c, void (*fn)(void *arg), void *arg);
/* True when the client has gone or the node stops: long calls look now and then. */
bool rpc_cancelled(const struct rpc_call *c);

/* Arguments by position. rpc_arg is NULL when absent or null; types were checked by the
 * table, so the following only fail (rpc_error, false) on range and content. @i counts
 * from 0. */
const struct json *rpc_arg(const struct rpc_call *c, size_t i);
const char *rpc_arg_str(const struct rpc_call *c, size_t i, const char *def);
bool rpc_arg_bool(const struct rpc_call *c, size_t i, bool def);
/* Absent: *out keeps its value. -1 "JSON integer out of range" when it does not fit. */
NODISCARD bool rpc_arg_i32(struct rpc_call *c, size_t i, int32_t *out);
NODISCARD bool rpc_arg_i64(struct rpc_call *c, size_t i, int64_t *out);
/* 64 hex digits; -8 with bitcoind's texts, which name @name. */
NODISCARD bool rpc_arg_hash(struct rpc_call *c, size_t i, const char *name,
                            struct hash256 *out);

/* The same for any value (a field of an object). */
NODISCARD bool rpc_to_i32(struct rpc_call *c, const struct json *v, int32_t *out);
NODISCARD bool rpc_to_i64(struct rpc_call *c, const struct json *v, int64_t *out);
NODISCARD bool rpc_to_hash(struct rpc_call *c, const struct json *v, const char *name,
                           struct hash256 *out);
/* The members txid and vout of an object. */
NODISCARD bool rpc_to_outpoint(struct rpc_call *c, const struct json *obj,
                               struct outpoint *out);
/* Appends; -8 "<name> must be hexadecimal string (not '<text>')". */
NODISCARD bool rpc_to_bytes(struct rpc_call *c, const struct json *v, const char *name,
                            struct buf *out);
/* -3 "Amount is not a number or string", "Invalid amount", "Amount out of range"; with
 * the chain's decimals. */
NODISCARD bool rpc_to_amount(struct rpc_call *c, const struct json *v,
                             struct amount *out);
/* A fee rate in the smallest unit per vbyte, with at most three decimals: units per
 * kvB. Errors as with amounts. */
NODISCARD bool rpc_to_feerate(struct rpc_call *c, const struct json *v, int64_t *out);
/* -3 "JSON value of type %s is not of expected type %s" */
NODISCARD bool rpc_want(struct rpc_call *c, const struct json *v, enum json_type t);

/* Fields of an object argument, checked against a list that ends with NULL name:
 * -3 "Missing <name>", "JSON value of type %s for field %s is not of expected type %s",
 * "Unexpected key <name>" when @strict. */
struct rpc_field {
    const char *name;
    enum json_type type;
    bool any;      /* any type */
    bool optional; /* absent or null is fine */
};
NODISCARD bool rpc_check_fields(struct rpc_call *c, const struct json *obj,
                                const struct rpc_field *fields, bool strict);

/* Text of `help` (method NULL), or of `help <method>`, with what node @n offers (NULL:
 * with all there is); false: no such method. */
bool rpc_help(struct buf *out, const struct node *n, const char *method);

/* Amounts in replies carry the chain's decimals. @key NULL: the value alone. */
void rpc_write_amount(struct rpc_call *c, const char *key, struct amount v);
#define R_WARNINGS                                                                     \
    {R_ARR, "warnings", "What the user should know",                                   \
     RESULTS({R_STR, "", "A sentence"})},                                              \
    {                                                                                  \
        R_STR, "warnings", "With -deprecatedrpc=warnings: the last of them"            \
    }
/* "warnings": the node's, as an array of sentences; the last alone with
 * -deprecatedrpc=warnings. */
void rpc_write_warnings(struct rpc_call *c);

#endif
