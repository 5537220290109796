/* Raw transactions: what several methods share; handlers of cmd_rawtransaction.c. */
#ifndef OCHRE_RPC_RAW_H
#define OCHRE_RPC_RAW_H

#include "chain/prim/tx.h"
#include "chain/script/keystore.h"
#include "rpc/method.h"

/* -- Building (raw_build.c) -- */

/* createrawtransaction's arguments at @first: inputs, outputs, locktime, replaceable.
 * False: an error was given. The caller clears *out either way. */
NODISCARD bool raw_construct(struct rpc_call *c, size_t first, struct mtx *out);
/* The same from anywhere. */
enum raw_rbf {
    RAW_RBF_DEFAULT, /* inputs signal unless their sequences say otherwise */
    RAW_RBF_NO,
    RAW_RBF_YES, /* and must, whatever their sequences */
};
struct raw_parts {
    const struct json *inputs, *outputs, *locktime; /* NULL: absent */
    enum raw_rbf rbf;
};
NODISCARD bool raw_construct_parts(struct rpc_call *c, const struct raw_parts *p,
                                   struct mtx *out);
/* Adds outputs as createrawtransaction takes them. */
NODISCARD bool raw_add_outputs(struct rpc_call *c, struct mtx *m, const struct json *v);
/* Their description. */
#define RAW_CONSTRUCT_PARAMS                                                           \
    {"inputs", P_ARR, .help = "Outputs to spend",                                      \
     .inner = PARAMS({"", P_OBJ, P_OPTIONAL, .inner = raw_input_fields})},             \
        {"outputs", P_ARR, P_NO_TYPE_CHECK,                                            \
         .help = "Payments: objects of one address and amount each, or one object "    \
                 "of all; the key \"data\" makes an OP_RETURN output of hex",          \
         .inner =                                                                      \
             PARAMS({"", P_OBJ_USER, P_OPTIONAL,                                       \
                     .inner = PARAMS({"address", P_AMOUNT,                             \
                                      .help = "Amount paid to the address"})},         \
                    {"", P_OBJ, P_OPTIONAL,                                            \
                     .inner = PARAMS({"data", P_HEX, .help = "Data to carry"})})},     \
        {"locktime", P_NUM, .def = "0",                                                \
         .help = "Earliest height or time it is final"},                               \
    {                                                                                  \
        "replaceable", P_BOOL,                                                         \
            .def = "true", .help = "Signal that a higher fee may replace it (BIP 125)" \
    }
extern const struct rpc_param raw_input_fields[];  /* raw_build.c */
extern const struct rpc_param raw_prevtx_fields[]; /* cmd_rawtransaction.c */
extern const struct rpc_result raw_sign_results[]; /* cmd_rawtransaction.c */
/* A parameter that is a transaction in hex; -22 with @message when it is none. */
struct tx *raw_decode_arg(struct rpc_call *c, const struct json *v,
                          const char *message);
/* Writes it as a hex string. */
void raw_put_mtx(struct rpc_call *c, const struct mtx *m);

/* -- Finding (raw_get.c) -- */

/* In the mempool or, with -txindex, the chain. One reference; NULL: nowhere. */
struct tx *raw_find_tx(struct rpc_call *c, const struct hash256 *txid);

/* -- Sending (raw_send.c) -- */

/* Highest fee rate the caller wants to pay, units per 1000 vbytes; 0: any. */
NODISCARD bool raw_feerate_arg(struct rpc_call *c, size_t i, int64_t *out);
/* Argument i is the most that an unspendable output of tx may burn; carriers are
 * exempt. */
NODISCARD bool raw_check_burn(struct rpc_call *c, size_t i, const struct tx *tx);

/* -- Outputs spent (raw_prevouts.c) -- */

/* The outputs that a transaction spends, as far as they are known. */
struct prevouts {
    struct txout *spent; /* n: one for each input; script.data NULL: not known */
    uint32_t n;
    struct buf *scripts; /* owned */
};

/* Looks in mempool and chain. */
void prevouts_find(struct prevouts *p, struct rpc_call *c, const struct tx *tx);
void prevouts_clear(struct prevouts *p);
/* Adds those of a "prevtxs" argument (NULL: none), and their scripts to @keys (NULL:
 * scripts are neither looked at nor asked for). */
NODISCARD bool prevouts_parse(struct prevouts *p, struct rpc_call *c,
                              const struct tx *tx, const struct json *prevtxs,
                              struct keystore *keys);

/* -- Signing (raw_sign.c) -- */

#define RAW_SIGHASH_PARAM                                                              \
    {                                                                                  \
        "sighashtype", P_STR,                                                          \
            .def = "\"DEFAULT\" for taproot, else \"ALL\"",                            \
            .help =                                                                    \
                "DEFAULT, ALL, NONE or SINGLE; the last three also with |ANYONECANPAY" \
    }
/* "ALL", ...; absent is SIGHASH_DEFAULT. */
NODISCARD bool raw_sighash_arg(struct rpc_call *c, size_t i, int *out);
/* Signs what @keys can and writes {hex, complete, errors}. */
void raw_sign(struct rpc_call *c, const struct tx *tx, const struct prevouts *prevouts,
              const struct keystore *keys, int hash_type);

/* -- Handlers -- */
void rpc_getrawtransaction(struct rpc_call *c);         /* raw_get.c */
void rpc_sendrawtransaction(struct rpc_call *c);        /* raw_send.c */
void rpc_signrawtransactionwithkey(struct rpc_call *c); /* raw_sign.c */
void rpc_combinerawtransaction(struct rpc_call *c);     /* raw_combine.c */
void rpc_decodescript(struct rpc_call *c);              /* raw_script.c */

#endif
