/* Partially signed transactions, without a wallet. */
#include <stdlib.h>

#include "chain/script/tx_decode.h"
#include "rpc/psbt_args.h"
#include "rpc/raw.h"

/* -- createpsbt, converttopsbt */

static void put_new_psbt(struct rpc_call *c, const struct tx *tx, uint32_t version)
{
    struct psbt p;
    psbt_create(&p, tx, version);
    rpc_write_psbt(c, NULL, &p);
    psbt_clear(&p);
}

static void createpsbt(struct rpc_call *c)
{
    struct mtx m = {0};
    uint32_t version;
    if (rpc_arg_psbt_version(c, 4, &version) && raw_construct(c, 0, &m)) {
        struct tx *tx = mtx_to_tx(&m);
        put_new_psbt(c, tx, version);
        tx_unref(tx);
    }
    mtx_clear(&m);
}

static void converttopsbt(struct rpc_call *c)
{
    const struct json *hex = rpc_arg(c, 0);
    bool told = rpc_arg(c, 2) != NULL, witness = rpc_arg_bool(c, 2, true);
    uint32_t version;
    if (!rpc_arg_psbt_version(c, 3, &version))
        return;
    struct tx *tx = tx_decode_hex(hex->str, hex->str_len, !told || !witness, witness);
    if (tx == NULL)
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "TX decode failed");
    else if (psbt_tx_is_signed(tx) && !rpc_arg_bool(c, 1, false))
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "Inputs must not have scriptSigs and scriptWitnesses");
    else
        put_new_psbt(c, tx, version);
    tx_unref(tx);
}

/* -- combinepsbt, joinpsbts */

struct psbt_list {
    struct psbt *items; /* owned */
    size_t n;
};

static bool read_list(struct rpc_call *c, const struct json *v, struct psbt_list *out)
{
    out->items = xcalloc(v->len + 1, sizeof(*out->items));
    for (out->n = 0; out->n < v->len; out->n++) {
        if (!rpc_to_psbt(c, &v->items[out->n], &out->items[out->n]))
            return false;
    }
    return true;
}

static void list_clear(struct psbt_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        psbt_clear(&l->items[i]);
    free(l->items);
}

static void combinepsbt(struct rpc_call *c)
{
    struct psbt_list l;
    const struct json *v = rpc_arg(c, 0);
    if (v->len == 0) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Parameter 'txs' cannot be empty");
        return;
    }
    bool ok = read_list(c, v, &l);
    for (size_t i = 1; ok && i < l.n; i++) {
        ok = psbt_combine(&l.items[0], &l.items[i]);
        if (!ok)
            rpc_error(c, RPC_INVALID_PARAMETER,
                      "PSBTs not compatible (different transactions)");
    }
    if (ok)
        rpc_write_psbt(c, NULL, &l.items[0]);
    list_clear(&l);
}

/* A version 2 says whether it may grow. */
static bool may_grow(struct rpc_call *c, const struct psbt *p, size_t i)
{
    struct bytes flags = psbt_value(&p->global, PSBT_GLOBAL_TX_MODIFIABLE);
    unsigned need = PSBT_INPUTS_MODIFIABLE | PSBT_OUTPUTS_MODIFIABLE;
    if (p->version != 2 || (flags.data != NULL && (flags.data[0] & need) == need))
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER,
              "PSBT %zu does not allow inputs and outputs to be added", i);
    return false;
}

static bool join(struct rpc_call *c, struct psbt *p, const struct psbt *from)
{
    char txid[65];
    uint32_t twice;
    if (psbt_join(p, from, &twice))
        return true;
    if (twice < from->tx->n_in)
        rpc_error(c, RPC_INVALID_PARAMETER, "Input %s:%u exists in multiple PSBTs",
                  hash256_to_hex(txid, &from->tx->in[twice].prevout.txid),
                  from->tx->in[twice].prevout.n);
    else
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Inputs require lock times of different kinds");
    return false;
}

static void joinpsbts(struct rpc_call *c)
{
    struct psbt_list l;
    const struct json *v = rpc_arg(c, 0);
    if (v->len <= 1) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "At least two PSBTs are required to join PSBTs.");
        return;
    }
    bool ok = read_list(c, v, &l);
    for (size_t i = 0; ok && i < l.n; i++)
        ok = may_grow(c, &l.items[i], i) &&
             (i == 0 || join(c, &l.items[0], &l.items[i]));
    if (ok) {
        psbt_shuffle(&l.items[0]);
        rpc_write_psbt(c, NULL, &l.items[0]);
    }
    list_clear(&l);
}

/* -- finalizepsbt */

static void put_finalized(struct rpc_call *c, const struct psbt *p, bool complete,
                          bool extract)
{
    json_begin_object(c->w);
    if (complete && extract) {
        struct tx *tx = psbt_extract(p);
        json_kv_hex(c->w, "hex", tx->raw.data, tx->raw.len);
        tx_unref(tx);
    } else {
        rpc_write_psbt(c, "psbt", p);
    }
    json_kv_bool(c->w, "complete", complete);
    json_end_object(c->w);
}

static void finalizepsbt(struct rpc_call *c)
{
    struct psbt p;
    if (!rpc_to_psbt(c, rpc_arg(c, 0), &p))
        return;
    bool complete = psbt_finalize(&p);
    put_finalized(c, &p, complete, rpc_arg_bool(c, 1, true));
    psbt_clear(&p);
}

/* -- Table */

#define PSBT_PARAM(text)                                                               \
    {                                                                                  \
        "psbt", P_STR, .help = text                                                    \
    }
static const struct rpc_param descriptor_list[] = {
    {"", P_STR, P_OPTIONAL, .help = "A descriptor"},
    {"", P_OBJ, P_OPTIONAL, .help = "A descriptor with a range",
     .inner = PARAMS({"desc", P_STR, .help = "The descriptor"},
                     {"range", P_RANGE, .def = "1000",
                      .help = "Positions up to this, or [begin, end]"})},
    {.names = NULL},
};

#define ORIGIN_RESULTS                                                                 \
    {R_STR, "master_fingerprint", "Fingerprint of the master key"},                    \
    {                                                                                  \
        R_STR, "path", "The way from there"                                            \
    }

static const struct rpc_result script_results[] = {
    {R_STR, "asm", "As text"},
    {R_HEX, "hex", "Octets"},
    {R_STR, "type", "Type"},
    {.name = NULL},
};
static const struct rpc_result output_script_results[] = {
    {R_STR, "asm", "As text"},
    {R_STR, "desc", "Descriptor inferred from it"},
    {R_HEX, "hex", "Octets"},
    {R_STR, "address", "Address, if it has one", .optional = true},
    {R_STR, "type", "Type"},
    {.name = NULL},
};
static const struct rpc_result derivation_results[] = {
    {R_OBJ, "", "", RESULTS({R_HEX, "pubkey", "Public key"}, ORIGIN_RESULTS)},
    {.name = NULL},
};
static const struct rpc_result tap_derivation_results[] = {
    {R_OBJ, "", "",
     RESULTS({R_HEX, "pubkey", "x-only public key"}, ORIGIN_RESULTS,
             {R_ARR, "leaf_hashes", "Leaves that it stands in",
              RESULTS({R_HEX, "", "Leaf hash"})})},
    {.name = NULL},
};
static const struct rpc_result by_hash_results[] = {
    {R_HEX, "hash", "Hash and its preimage"},
    {.name = NULL},
};
static const struct rpc_result proprietary_results[] = {
    {R_OBJ, "", "",
     RESULTS({R_HEX, "identifier", "Whose record it is"},
             {R_NUM, "subtype", "Number of its kind"}, {R_HEX, "key", "Whole key"},
             {R_HEX, "value", "Value"})},
    {.name = NULL},
};
static const struct rpc_result unknown_results[] = {
    {R_HEX, "key", "Key and value of a record"},
    {.name = NULL},
};

static const struct rpc_result input_results[] = {
    {R_OBJ, "witness_utxo", "Output spent",
     RESULTS({R_AMOUNT, "amount", "Amount"},
             {R_OBJ, "scriptPubKey", "Script", output_script_results}),
     .optional = true},
    {R_OBJ, "non_witness_utxo", "Transaction spent from",
     RESULTS({R_MORE, "", "As decoderawtransaction"}), .optional = true},
    {R_OBJ_DYN, "partial_signatures", "Signatures",
     RESULTS({R_HEX, "pubkey", "Public key and its signature"}), .optional = true},
    {R_STR, "sighash", "Hash type to sign with", .optional = true},
    {R_OBJ, "redeem_script", "Redeem script", script_results, .optional = true},
    {R_OBJ, "witness_script", "Witness script", script_results, .optional = true},
    {R_ARR, "bip32_derivs", "Where keys come from", derivation_results,
     .optional = true},
    {R_OBJ, "final_scriptSig", "Final signature script",
     RESULTS({R_STR, "asm", "As text"}, {R_HEX, "hex", "Octets"}), .optional = true},
    {R_ARR, "final_scriptwitness", "Final witness",
     RESULTS({R_HEX, "", "Item of its stack"}), .optional = true},
    {R_OBJ_DYN, "ripemd160_preimages", "Preimages", by_hash_results, .optional = true},
    {R_OBJ_DYN, "sha256_preimages", "Preimages", by_hash_results, .optional = true},
    {R_OBJ_DYN, "hash160_preimages", "Preimages", by_hash_results, .optional = true},
    {R_OBJ_DYN, "hash256_preimages", "Preimages", by_hash_results, .optional = true},
    {R_HEX, "previous_txid", "Transaction spent from (version 2)", .optional = true},
    {R_NUM, "previous_vout", "Its output (version 2)", .optional = true},
    {R_NUM, "sequence", "Sequence number (version 2)", .optional = true},
    {R_TIME, "time_locktime", "Lock time required (version 2)", .optional = true},
    {R_NUM, "height_locktime", "Lock height required (version 2)", .optional = true},
    {R_HEX, "taproot_key_path_sig", "Signature of the key path", .optional = true},
    {R_ARR, "taproot_script_path_sigs", "Signatures of script paths",
     RESULTS({R_OBJ, "", "",
              RESULTS({R_HEX, "pubkey", "x-only public key"},
                      {R_HEX, "leaf_hash", "Leaf"}, {R_HEX, "sig", "Signature"})}),
     .optional = true},
    {R_ARR, "taproot_scripts", "Leaves",
     RESULTS({R_OBJ, "", "",
              RESULTS({R_HEX, "script", "Script"}, {R_NUM, "leaf_ver", "Leaf version"},
                      {R_ARR, "control_blocks", "Ways to the root",
                       RESULTS({R_HEX, "", "Control block"})})}),
     .optional = true},
    {R_ARR, "taproot_bip32_derivs", "Where keys come from", tap_derivation_results,
     .optional = true},
    {R_HEX, "taproot_internal_key", "Internal key", .optional = true},
    {R_HEX, "taproot_merkle_root", "Root of the tree of scripts", .optional = true},
    {R_ARR, "proprietary", "Records of other software", proprietary_results,
     .optional = true},
    {R_OBJ_DYN, "unknown", "Records of unknown types", unknown_results,
     .optional = true},
    {.name = NULL},
};

static const struct rpc_result output_results[] = {
    {R_OBJ, "redeem_script", "Redeem script", script_results, .optional = true},
    {R_OBJ, "witness_script", "Witness script", script_results, .optional = true},
    {R_ARR, "bip32_derivs", "Where keys come from", derivation_results,
     .optional = true},
    {R_AMOUNT, "amount", "Amount (version 2)", .optional = true},
    {R_OBJ, "script", "Script (version 2)", output_script_results, .optional = true},
    {R_HEX, "taproot_internal_key", "Internal key", .optional = true},
    {R_ARR, "taproot_tree", "Leaves, from left to right",
     RESULTS(
         {R_OBJ, "", "",
          RESULTS({R_NUM, "depth", "Depth in the tree"},
                  {R_NUM, "leaf_ver", "Leaf version"}, {R_HEX, "script", "Script"})}),
     .optional = true},
    {R_ARR, "taproot_bip32_derivs", "Where keys come from", tap_derivation_results,
     .optional = true},
    {R_ARR, "proprietary", "Records of other software", proprietary_results,
     .optional = true},
    {R_OBJ_DYN, "unknown", "Records of unknown types", unknown_results,
     .optional = true},
    {.name = NULL},
};

static const struct rpc_result decoded_results[] = {
    {R_OBJ, "tx", "The unsigned transaction",
     RESULTS({R_MORE, "", "As decoderawtransaction"})},
    {R_ARR, "global_xpubs", "Extended public keys",
     RESULTS({R_OBJ, "", "",
              RESULTS({R_STR, "xpub", "Extended public key"}, ORIGIN_RESULTS)})},
    {R_NUM, "psbt_version", "Version of the PSBT"},
    {R_NUM, "tx_version", "Version of the transaction (version 2)", .optional = true},
    {R_NUM, "fallback_locktime", "Lock time when no input asks for one (version 2)",
     .optional = true},
    {R_NUM, "input_count", "How many inputs (version 2)", .optional = true},
    {R_NUM, "output_count", "How many outputs (version 2)", .optional = true},
    {R_BOOL, "inputs_modifiable", "Inputs may change (version 2)", .optional = true},
    {R_BOOL, "outputs_modifiable", "Outputs may change (version 2)", .optional = true},
    {R_BOOL, "has_sighash_single", "Inputs and outputs must stay pairs (version 2)",
     .optional = true},
    {R_ARR, "proprietary", "Records of other software", proprietary_results},
    {R_OBJ_DYN, "unknown", "Records of unknown types", unknown_results},
    {R_ARR, "inputs", "Inputs", RESULTS({R_OBJ, "", "", input_results})},
    {R_ARR, "outputs", "Outputs", RESULTS({R_OBJ, "", "", output_results})},
    {R_AMOUNT, "fee", "Fee, if all amounts are known", .optional = true},
    {.name = NULL},
};

static const struct rpc_result analysis_results[] = {
    {R_ARR, "inputs", "Inputs",
     RESULTS({R_OBJ, "", "",
              RESULTS({R_BOOL, "has_utxo", "It is known what it spends"},
                      {R_BOOL, "is_final", "It is signed"},
                      {R_STR, "next", "Role that has to act next"},
                      {R_OBJ, "missing", "What is missing",
                       RESULTS({R_ARR, "pubkeys", "Public keys, by their hash160",
                                RESULTS({R_HEX, "", "Hash"}), .optional = true},
                               {R_HEX, "redeemscript", "Hash160 of the redeem script",
                                .optional = true},
                               {R_HEX, "witnessscript", "SHA-256 of the witness script",
                                .optional = true},
                               {R_ARR, "signatures", "Keys that have not signed",
                                RESULTS({R_HEX, "", "Hash160 of the public key"}),
                                .optional = true}),
                       .optional = true})}),
     .optional = true},
    {R_NUM, "estimated_vsize", "Virtual size of the signed transaction",
     .optional = true},
    {R_AMOUNT, "estimated_feerate", "Fee rate then, per 1000 vbytes", .optional = true},
    {R_AMOUNT, "fee", "Fee, if all amounts are known", .optional = true},
    {R_STR, "next", "Role that has to act next"},
    {R_STR, "error", "Why the PSBT makes no sense", .optional = true},
    {.name = NULL},
};

static const struct rpc_method methods[] = {
    {
        .name = "analyzepsbt",
        .help = "What a PSBT still needs, and who has to act next.",
        .params = PARAMS(PSBT_PARAM("The PSBT in base64")),
        .results = RESULTS({R_OBJ, "", "", analysis_results}),
        .examples = EXAMPLES("psbt"),
        .fn = rpc_analyzepsbt,
    },
    {
        .name = "combinepsbt",
        .help = "Combines what several PSBTs know of one transaction.",
        .params = PARAMS(
            {"txs", P_ARR, .help = "PSBTs of the same transaction",
             .inner = PARAMS({"psbt", P_STR, P_OPTIONAL, .help = "A PSBT in base64"})}),
        .results = RESULTS({R_STR, "", "The PSBT in base64"}),
        .examples = EXAMPLES("'[\"psbt1\", \"psbt2\"]'"),
        .fn = combinepsbt,
    },
    {
        .name = "converttopsbt",
        .help = "Makes a PSBT of a transaction, leaving signatures out.",
        .params = PARAMS({"hexstring", P_HEX, .help = "The transaction"},
                         {"permitsigdata", P_BOOL, .def = "false",
                          .help = "Drop signatures; else there must be none"},
                         {"iswitness", P_BOOL, .def = "depends on heuristic tests",
                          .help = "Whether it is in the format with witness"},
                         PSBT_VERSION_PARAM),
        .results = RESULTS({R_STR, "", "The PSBT in base64"}),
        .examples = EXAMPLES("hexstring"),
        .fn = converttopsbt,
    },
    {
        .name = "createpsbt",
        .help = "Makes a PSBT of inputs and outputs.",
        .params = PARAMS(RAW_CONSTRUCT_PARAMS, PSBT_VERSION_PARAM),
        .results = RESULTS({R_STR, "", "The PSBT in base64"}),
        .examples = EXAMPLES("'[{\"txid\": \"id\", \"vout\": 0}]' "
                             "'[{\"data\": \"00010203\"}]'"),
        .fn = createpsbt,
    },
    {
        .name = "decodepsbt",
        .help = "A PSBT as JSON.",
        .params = PARAMS(PSBT_PARAM("The PSBT in base64")),
        .results = RESULTS({R_OBJ, "", "", decoded_results}),
        .examples = EXAMPLES("psbt"),
        .fn = rpc_decodepsbt,
    },
    {
        .name = "descriptorprocesspsbt",
        .help = "Fills in what descriptors, chain and mempool tell, and signs with the "
                "private\nkeys in the descriptors.",
        .params = PARAMS(
            PSBT_PARAM("The PSBT in base64"),
            {"descriptors", P_ARR, .help = "Descriptors", .inner = descriptor_list},
            RAW_SIGHASH_PARAM, PSBT_BIP32_PARAM, PSBT_FINALIZE_PARAM),
        .results = RESULTS({R_OBJ, "", "", rpc_processed_psbt_results}),
        .examples = EXAMPLES("psbt '[\"descriptor1\", \"descriptor2\"]'"),
        .fn = rpc_descriptorprocesspsbt,
    },
    {
        .name = "finalizepsbt",
        .help = "Finalizes inputs that have all they need; the transaction when all "
                "have.",
        .params = PARAMS(PSBT_PARAM("The PSBT in base64"),
                         {"extract", P_BOOL, .def = "true",
                          .help = "Give the transaction when it is complete"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_STR, "psbt", "The PSBT in base64, if there is no transaction",
                      .optional = true},
                     {R_HEX, "hex", "The signed transaction", .optional = true},
                     {R_BOOL, "complete", "Whether every input is signed"})}),
        .examples = EXAMPLES("psbt"),
        .fn = finalizepsbt,
    },
    {
        .name = "joinpsbts",
        .help = "Makes one PSBT with the inputs and outputs of several, in random "
                "order.",
        .params =
            PARAMS({"txs", P_ARR, .help = "PSBTs of different transactions",
                    .inner = PARAMS({"psbt", P_STR, .help = "A PSBT in base64"})}),
        .results = RESULTS({R_STR, "", "The PSBT in base64"}),
        .examples = EXAMPLES("'[\"psbt1\", \"psbt2\"]'"),
        .fn = joinpsbts,
    },
    {
        .name = "utxoupdatepsbt",
        .help = "Fills in what chain, mempool and descriptors tell.",
        .params = PARAMS(PSBT_PARAM("The PSBT in base64"),
                         {"descriptors", P_ARR, P_OPTIONAL, .help = "Descriptors",
                          .inner = descriptor_list}),
        .results = RESULTS({R_STR, "", "The PSBT in base64"}),
        .examples = EXAMPLES("psbt"),
        .fn = rpc_utxoupdatepsbt,
    },
};

const struct rpc_table rpc_psbt_table = {"Rawtransactions", methods,
                                         ARRAY_LEN(methods)};
