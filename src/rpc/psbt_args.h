/* PSBTs as arguments and results; handlers of cmd_psbt.c. */
#ifndef OCHRE_RPC_PSBT_ARGS_H
#define OCHRE_RPC_PSBT_ARGS_H

#include "rpc/method.h"
#include "wallet/psbt.h"

/* -22 "TX decode failed ..."; false: nothing is to be cleared. */
NODISCARD bool rpc_to_psbt(struct rpc_call *c, const struct json *v, struct psbt *out);
/* Writes base64; with @key as a member of an object, unless NULL. */
void rpc_write_psbt(struct rpc_call *c, const char *key, const struct psbt *p);
#define PSBT_VERSION_PARAM                                                             \
    {                                                                                  \
        "psbt_version", P_NUM, .def = "0",                                             \
                               .help = "Version of the PSBT: 0, or 2 (BIP 370)"        \
    }
/* Argument @i: 0 or 2, or absent. */
NODISCARD bool rpc_arg_psbt_version(struct rpc_call *c, size_t i, uint32_t *out);
/* {psbt, complete, hex where complete} */
void rpc_put_processed_psbt(struct rpc_call *c, const struct psbt *p, bool complete);
/* "path" of a derivation, and "master_fingerprint" in front. */
void rpc_put_key_origin(struct rpc_call *c, struct bytes origin);

#define PSBT_BIP32_PARAM                                                               \
    {                                                                                  \
        "bip32derivs", P_BOOL, .def = "true", .help = "Write derivation paths"         \
    }
#define PSBT_FINALIZE_PARAM                                                            \
    {                                                                                  \
        "finalize", P_BOOL, .def = "true", .help = "Finalize inputs that are complete" \
    }
extern const struct rpc_result rpc_processed_psbt_results[]; /* psbt_args.c */

void rpc_decodepsbt(struct rpc_call *c);            /* psbt_decode.c */
void rpc_analyzepsbt(struct rpc_call *c);           /* psbt_analyze.c */
void rpc_utxoupdatepsbt(struct rpc_call *c);        /* psbt_process.c */
void rpc_descriptorprocesspsbt(struct rpc_call *c); /* psbt_process.c */

#endif
