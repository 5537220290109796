/* Relay policy: what a node passes on and mines, beyond what consensus allows. Bitcoin
 * Core 28's. */
#ifndef OCHRE_CHAIN_RULES_POLICY_H
#define OCHRE_CHAIN_RULES_POLICY_H

#include "chain/prim/coin.h"
#include "chain/rules/reject.h"

#define MAX_STANDARD_TX_WEIGHT            400000
#define MIN_STANDARD_TX_NONWITNESS_SIZE   65
#define MAX_STANDARD_TX_SIGOPS_COST       16000
#define MAX_P2SH_SIGOPS                   15
#define TX_MAX_STANDARD_VERSION           3
#define TRUC_VERSION                      3
#define DEFAULT_BYTES_PER_SIGOP           20
#define DEFAULT_MIN_RELAY_FEERATE         1000 /* units per 1000 vbytes */
#define DEFAULT_INCREMENTAL_FEERATE       1000
#define DEFAULT_DUST_FEERATE              3000
#define DEFAULT_BLOCK_MIN_FEERATE         1000
#define DEFAULT_MAX_DATACARRIER           83
#define DEFAULT_BLOCK_MAX_WEIGHT          3996000
#define DEFAULT_MEMPOOL_MB                300
#define DEFAULT_MEMPOOL_EXPIRY_HOURS      336
#define DEFAULT_ANCESTOR_LIMIT            25
#define DEFAULT_ANCESTOR_SIZE_LIMIT_KVB   101
#define DEFAULT_DESCENDANT_LIMIT          25
#define DEFAULT_DESCENDANT_SIZE_LIMIT_KVB 101

/* Says of an OP_RETURN script whether it is a carrier (see validation/hooks.h). */
enum carrier_relay_policy {
    CARRIER_DEFAULT, /* -datacarriersize decides */
    CARRIER_EXEMPT,  /* standard at any size */
    CARRIER_REFUSE,  /* never standard */
};

struct policy {
    int64_t dust_feerate;
    uint32_t max_datacarrier; /* bytes of scriptPubKey; 0: none allowed */
    bool permit_bare_multisig;
    bool refuse_unmatched_single; /* see policy_single_matched */
    enum carrier_relay_policy (*carrier)(void *ctx,
                                         struct bytes script); /* may be NULL */
    void *carrier_ctx;
};

/* What can be said of a transaction alone: version, tx-size, scriptsig-*, scriptpubkey,
 * bare-multisig, dust, multi-op-return. */
bool policy_tx_standard(const struct policy *p, const struct tx *tx,
                        struct reject *rej);
/* Forms of what is spent (bad-txns-nonstandard-inputs). spent[i]: coin of input i. */
bool policy_inputs_standard(const struct tx *tx, const struct coin *const *spent);
/* Limits on witnesses (bad-witness-nonstandard). */
bool policy_witness_standard(const struct tx *tx, const struct coin *const *spent);
/* False when an input is signed SIGHASH_SINGLE without an output of its index: such a
 * signature covers no output at all. Whatever looks like a DER signature counts. */
bool policy_single_matched(const struct tx *tx);

/* Value below which the output costs more to spend than it is worth; 0: unspendable. */
int64_t policy_dust_threshold(struct bytes script, int64_t dust_feerate);
static inline bool policy_is_dust(const struct txout *out, int64_t dust_feerate)
{
    return out->value.v < policy_dust_threshold(out->script, dust_feerate);
}

/* Virtual size of @weight, at least what sigops are charged for. */
int64_t policy_vsize(int64_t weight, int64_t sigop_cost, uint32_t bytes_per_sigop);

/* Feerates are units per 1000 vbytes. The fee for a size, rounded up as Bitcoin Core
 * rounds, and the rate of a fee. */
int64_t feerate_fee(int64_t feerate, int64_t vsize);
int64_t feerate_of(int64_t fee, int64_t vsize);

#endif
