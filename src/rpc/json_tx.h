/* Transactions and output scripts as JSON, for every method that shows them. */
#ifndef OCHRE_RPC_JSON_TX_H
#define OCHRE_RPC_JSON_TX_H

#include "chain/params/params.h"
#include "chain/prim/coin.h"
#include "chain/script/keystore.h"
#include "util/json.h"

struct json_tx_options {
    const struct chain_params *params;
    bool hex;                         /* end with the serialised transaction */
    const struct hash256 *block_hash; /* NULL: no "blockhash" */
    const struct coin *spent;         /* n_in coins spent: gives "fee"; NULL: unknown */
    bool prevouts; /* show each coin spent, too (verbosity 3 of getblock) */
};

/* Writes the members of an object that the caller has begun (and may add to). */
void json_tx_members(struct json_writer *w, const struct tx *tx,
                     const struct json_tx_options *opt);
/* The whole object. */
void json_tx(struct json_writer *w, const struct tx *tx,
             const struct json_tx_options *opt);
/* An output script: {asm, desc, hex, address, type}; with_address false leaves desc and
 * address out, with_hex false the bytes. */
void json_script(struct json_writer *w, const struct chain_params *p,
                 struct bytes script, bool with_hex, bool with_address);
void json_script_members(struct json_writer *w, const struct chain_params *p,
                         struct bytes script, bool with_hex, bool with_address);
/* All members, the descriptor with the help of what is @known. */
void json_script_known(struct json_writer *w, const struct chain_params *p,
                       struct bytes script, const struct keystore *known);

#endif
