/* How rules above the chain layer (tickets, supernodes, payments) join block
 * validation, the mempool and templates. src/node fills the table in; on a chain
 * without tickets (Bitcoin's regtest, or below ticketsheight) the table is empty and
 * costs nothing.
 *
 * Every call is pure with regard to the state it is given: it reads and writes only
 * through the struct state_txn of its argument, so connecting, test-validating a
 * template, and checking one mempool transaction are the same code on different
 * transactions of state. */
#ifndef OCHRE_CHAIN_VALIDATION_HOOKS_H
#define OCHRE_CHAIN_VALIDATION_HOOKS_H

#include "chain/prim/block.h"
#include "util/map.h"

struct arena;
struct chain_params;
struct coin;
struct reject;
struct state;
struct state_txn;

/* What a hook may know about the block (or, for the mempool, the next block) it judges.
 */
struct rule_env {
    const struct chain_params *params;
    int32_t height;          /* of the block that includes it */
    struct state_txn *state; /* reads and writes */
    /* Hands a costly pure check (a ticket signature) to the workers. @arg is owned by
     * the callee: run is called exactly once, or drop when the block failed before.
     * NULL: run it at once. */
    void (*defer)(void *defer_ctx, bool (*run)(void *arg), void (*drop)(void *arg),
                  void *arg);
    void *defer_ctx;
    /* The unspent coin at this point of the block (for the mempool, on top of it), its
     * script borrowed until the next call; false: there is none. */
    bool (*coin)(void *coin_ctx, const struct outpoint *o, struct coin *out);
    void *coin_ctx;
    /* Set by a hook: a deferred check of this transaction may fail because a block that
     * we have not seen changed the key. */
    bool keys_may_change;
    uint32_t sigops;    /* ticket signature units spent so far in this block */
    uint32_t penalties; /* supernodes punished so far in this block */
    /* block_begin's, for block_end: the supernode that this block pays */
    bool has_payee;
    struct hash256 payee;
    /* COIN_MARK_* that hooks gave in this block, by outpoint: they reach the coins when
     * the block is kept. NULL: this transaction is judged alone, nobody will ask. */
    struct map *marks;
    /* Only the verdict counts: what the transaction would change need not be written.
     */
    bool verdict_only;
    /* What the verdict rests on, besides the transaction, its coins and what the hook
     * has read from the state by key: the heights for which it holds, and whether it
     * looked at anything else that any block may change. A hook narrows and sets them.
     */
    int32_t first, last;
    bool unsteady;
};

/* The verdict holds from the one height to the other at most. */
void rule_env_heights(struct rule_env *env, int64_t first, int64_t last);

void coin_marks_init(struct map *marks);
/* From now on the coin may be named by a record. Marks of what is thrown away again do
 * no harm, so they need no undo. */
void rule_env_mark(struct rule_env *env, const struct outpoint *o, uint8_t marks);
/* Whether the coin of an input may be named by a record of this sort: its own mark, or
 * one of this block. */
bool rule_env_marked(const struct rule_env *env, const struct outpoint *o,
                     const struct coin *coin, uint8_t mark);

struct required_output {
    struct bytes script; /* in the arena given to coinbase_outputs */
    struct amount amount;
    const char *reason; /* "state-root", "supernode-payment": static text */
};

/* Keys that at most one pending transaction may claim (see the mempool). 32-byte hashes
 * of the claimed name. */
#define MAX_CLAIMS 72
struct claim_set {
    uint32_t n;
    struct hash256 key[MAX_CLAIMS];
};

struct consensus_hooks {
    void *ctx;
    /* A chain state was opened (or made anew); what is in it may be read. There are two
     * at most. NULL: need not be told. */
    void (*attach)(void *ctx, const struct chain_params *params, struct state *s);
    /* The state is about to be freed. */
    void (*detach)(void *ctx, struct state *s);
    /* Tells every outpoint that records in the state name, with the COIN_MARK_* that
     * its coin must bear. NULL: there are none. */
    void (*each_mark)(void *ctx, struct state *s,
                      void (*mark)(void *mark_ctx, const struct outpoint *o,
                                   uint8_t marks),
                      void *mark_ctx);
    /* Whether the rules are in force for a block of this height. */
    bool (*active)(void *ctx, const struct chain_params *params, int32_t height);
    /* consensus.md "Order of work in block h". (1): coinbase rules against the state
     * after h-1.
     * @subsidy is the full subsidy; *max_value is what the coinbase may take without
     * fees. */
    bool (*block_begin)(void *ctx, struct rule_env *env, const struct block *b,
                        struct amount subsidy, struct amount *max_value,
                        struct reject *rej);
    /* (2): one transaction that is no coinbase, after its inputs were found: spent[i]
     * is the coin of input i. Also the whole check of a mempool transaction, on a
     * scratch state.
     * @claims may be NULL. */
    bool (*tx)(void *ctx, struct rule_env *env, const struct tx *tx,
               const struct coin *const *spent, struct claim_set *claims,
               struct reject *rej);
    /* (3)-(5) */
    bool (*block_end)(void *ctx, struct rule_env *env, const struct block *b,
                      struct reject *rej);
    /* Outputs that the coinbase of the next block must have, for templates: at most 8.
     * Also what the coinbase may take, as in block_begin. Returns how many. */
    size_t (*coinbase_outputs)(void *ctx, struct rule_env *env, struct amount subsidy,
                               struct amount *max_value, struct arena *mem,
                               struct required_output out[8]);
    /* Relay policy for an OP_RETURN output: RELAY_CARRIER is standard and exempt from
     * -datacarriersize; RELAY_REFUSE is never relayed; RELAY_DEFAULT leaves it to
     * Core's policy. */
    enum carrier_relay {
        RELAY_DEFAULT,
        RELAY_CARRIER,
        RELAY_REFUSE,
    } (*carrier_relay)(void *ctx, struct bytes script);
};

#endif
