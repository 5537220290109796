/* Tokens of storage NFTs: their records, and the coins ("anchors") that carry them
 * (doc/spec/tickets.md, 5).
 *
 *   "n" token            anchor outpoint, name var, quota u64, btns_key var, meta_cid
 *                        var, minted u32, last_sync u32, sequence u64, used u64, cid
 * var "a" anchor outpoint  token "b" btns_key         token */
#ifndef OCHRE_TICKETS_TOKENS_H
#define OCHRE_TICKETS_TOKENS_H

#include "chain/rules/reject.h"
#include "chain/state/state.h"
#include "chain/validation/hooks.h"

#define TOKEN_NAME_MAX 64
#define TOKEN_CID_MAX  64
#define BTNS_KEY_SIZE  32

struct token {
    struct outpoint anchor;
    struct bytes name, btns_key, meta_cid, cid; /* borrowed: see token_get */
    uint64_t quota;                             /* octets */
    uint32_t minted, last_sync;                 /* heights */
    uint64_t sequence, used;                    /* of the last report; octets */
};

/* False: there is no such token. mem holds the record. */
bool token_get(struct state_txn *st, const struct hash256 *id, struct buf *mem,
               struct token *out);
/* Of a record that state_each gave. */
NODISCARD bool token_read(struct token *out, struct bytes value);
/* The token whose anchor this coin is. */
bool token_at(struct state_txn *st, const struct outpoint *anchor, struct hash256 *id);
bool token_of_key(struct state_txn *st, struct bytes btns_key, struct hash256 *id);
/* The transaction, whose tokens were moved, has spent the anchor of this one and
 * carries it on. Else ticket-state-token-... */
bool token_check_spent(struct state_txn *st, const struct tx *tx,
                       const struct hash256 *id, struct reject *rej);

/* Writes the record of a token that is already there and keeps its anchor and key. */
void token_update(struct state_txn *st, const struct hash256 *id,
                  const struct token *t);
/* Puts a new token on its anchor. */
void token_mint(struct rule_env *env, const struct hash256 *id, const struct token *t);
/* Gives the token another key, and begins its reports anew. */
void token_set_key(struct state_txn *st, const struct hash256 *id, struct bytes key);

/* Whether an output can carry a token: it enters the UTXO set. */
bool token_output_ok(const struct tx *tx, uint32_t n);
/* The tokens that a transaction spends, in input order, go one each to its spendable
 * outputs in output order; those left over end. Ordinary inputs cost no look-up. */
void tokens_move(struct rule_env *env, const struct tx *tx,
                 const struct coin *const *spent);

#endif
