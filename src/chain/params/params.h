/* Chain parameters: everything in which the networks differ, as data. No rule asks
 * "which network is this?"; it asks a field here. A const table lists every network; a
 * node copies its row into a struct of its own, which the start-up options may then
 * adjust. */
#ifndef OCHRE_CHAIN_PARAMS_PARAMS_H
#define OCHRE_CHAIN_PARAMS_PARAMS_H

#include "chain/prim/arith.h"
#include "chain/prim/block.h"
#include "util/amount.h"

/* No amount, and no sum of amounts in one transaction, is above this (all networks). */
#define MAX_MONEY             INT64_C(2100000000000000)
#define COINBASE_MATURITY     100
#define MAX_BLOCK_SIGOPS_COST 80000
#define MAX_FUTURE_BLOCK_TIME (2 * 60 * 60)
#define MEDIAN_TIME_SPAN      11

static inline bool money_range(struct amount a)
{
    return a.v >= 0 && a.v <= MAX_MONEY;
}

enum personality {
    OCHRE,
    BITCOIN,
};

enum retarget {
    RETARGET_NONE,     /* every block has the parent's nBits */
    RETARGET_ASERT,    /* doc/spec/base-layer.md, anchored at block 1 */
    RETARGET_ASERT_20, /* and powLimit when a block is more than 20 minutes late */
};

/* Soft forks that begin at a fixed height. */
enum buried {
    BURIED_BIP34,
    BURIED_DERSIG,
    BURIED_CLTV,
    BURIED_CSV,
    BURIED_SEGWIT,
    BURIED_TAPROOT,
    BURIED_COUNT,
};
#define BURIED_ABSENT (-1) /* no height: in the BIP 9 table, if anywhere */

struct buried_name {
    const char *option; /* of -testactivationheight=<option>@<height>; NULL: fixed */
    const char *rpc;    /* in getdeploymentinfo */
};
extern const struct buried_name buried_names[BURIED_COUNT];

/* Soft forks that miners signal for (BIP 9 with a minimum height). */
#define BIP9_ALWAYS_ACTIVE INT64_C(-1)
#define BIP9_NEVER_ACTIVE  INT64_C(-2)
#define BIP9_NO_TIMEOUT    INT64_MAX
#define BIP9_MAX           4
struct bip9 {
    const char *name;
    uint8_t bit;
    bool gbt_force; /* a miner that does not know it may mine all the same */
    int64_t start_time, timeout; /* median time past, or one of the values above */
    int32_t min_activation_height;
};

struct address_prefixes {
    uint8_t p2pkh, p2sh, wif;
    const char *hrp;
    uint8_t xpub[4], xprv[4];
};

/* Amounts and depths of the supernode rules; all zero where there are none. */
struct supernode_params {
    struct amount collateral;
    uint32_t collateral_depth, activation_depth;
    uint32_t min_committee;
    struct amount id_burn;       /* least burn of an id ticket */
    struct amount lift_ban_burn; /* least burn of an sn-update that lifts a ban */
};

/* Names or addresses that new nodes learn of other nodes from. */
struct seed_list {
    const char *const *items;
    size_t n;
};

#define TICKETS_NEVER UINT32_MAX

/* A UTXO set that the program vouches for, see assumeutxo.h. */
#define ASSUMEUTXO_MAX 8
struct assumeutxo {
    int32_t height;
    struct hash256 block;
    struct hash256 txoutset;   /* hash_serialized_3 of its coins */
    uint64_t chain_tx;         /* transactions up to and with the block */
    struct hash256 state_root; /* of the ticket state; zero: it is empty */
};

struct chain_params {
    const char *name; /* -chain=, data subdirectory, section, RPC "chain" */
    enum personality personality;
    bool offline_only;  /* known to the offline tools; a node refuses it */
    bool is_test_chain; /* worthless coins: lenient defaults, mining without peers */

    uint8_t magic[4];
    uint16_t port, rpc_port;
    struct seed_list dns_seeds, fixed_seeds; /* "host.", "address[:port]" */
    struct address_prefixes prefixes;
    uint32_t bip44_coin_type;
    const char *unit;  /* "PSL" */
    unsigned decimals; /* digits after the point of one unit at the RPC edge */

    uint32_t pow_limit_bits;
    enum retarget retarget;
    int32_t spacing; /* seconds between blocks, aimed at */
    struct amount subsidy;
    int32_t halving_interval;

    int32_t buried[BURIED_COUNT]; /* first height with the rule; BURIED_ABSENT */
    struct bip9 bip9[BIP9_MAX];
    unsigned n_bip9;
    int32_t bip9_window, bip9_threshold; /* blocks */
    bool forbid_64_byte_tx;       /* a transaction of 64 stripped bytes is invalid */
    bool refuse_unmatched_single; /* relay: SIGHASH_SINGLE needs its output */

    uint32_t tickets_height; /* first block with ticket rules; TICKETS_NEVER */
    struct supernode_params sn;

    struct u256 minimum_chain_work;
    struct hash256 assume_valid;     /* zero: check every script */
    bool default_consistency_checks; /* -checkblockindex, -checkmempool default to 1 */
    int32_t prune_after_height;

    struct assumeutxo assumeutxo[ASSUMEUTXO_MAX];
    unsigned n_assumeutxo;

    /* The genesis block as data; genesis_hash and genesis_merkle are what it must hash
     * to. */
    struct block_header genesis;
    const char *genesis_script_sig; /* hex */
    const char *genesis_script;     /* hex, of its only output */
    struct amount genesis_value;
    struct hash256 genesis_hash;
};

/* Fills *out from the table; false when there is no such network. @name is -chain's
 * value. */
NODISCARD bool chain_params_get(struct chain_params *out, enum personality p,
                                const char *name);
/* Names of all networks a node can run under @p: "main, test, regtest". */
const char *chain_params_names(enum personality p);

/* One reference. Built from the data; ASSERTs that it has the hash the table states. */
struct block *chain_params_genesis(const struct chain_params *p);
/* The same without a check: what contrib/devtools and tests compute the hash from. */
struct block *chain_params_genesis_build(const struct chain_params *p);

/* "segwit@10". error: caller frees; the sentence bitcoind prints. */
NODISCARD bool chain_params_test_activation(struct chain_params *p, const char *spec,
                                            char **error);
/* -vbparams=deployment:start:end[:min_activation_height] */
NODISCARD bool chain_params_vbparams(struct chain_params *p, const char *spec,
                                     char **error);

static inline bool buried_active_at(const struct chain_params *p, enum buried b,
                                    int32_t height)
{
    return p->buried[b] != BURIED_ABSENT && height >= p->buried[b];
}
static inline bool tickets_active_at(const struct chain_params *p, int32_t height)
{
    return height > 0 && (uint32_t)height >= p->tickets_height;
}

struct u256 chain_params_pow_limit(const struct chain_params *p);
/* What a block of this height may create, without fees. */
struct amount block_subsidy(const struct chain_params *p, int32_t height);

#endif
