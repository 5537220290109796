/* Makes the transaction of a ticket from given coins and keys. */
#ifndef OCHRE_TICKETS_BUILD_H
#define OCHRE_TICKETS_BUILD_H

#include "chain/script/keystore.h"
#include "tickets/ticket.h"

struct ticket_coin {
    struct outpoint prevout;
    struct amount value;
    struct bytes script;
};

struct ticket_build {
    const struct chain_params *params;
    const struct ticket_kind *kind;
    const struct ticket_value
        *values;                     /* raw octets; an empty signature is to be made */
    const struct ticket_coin *coins; /* all are spent, in this order */
    size_t n_coins;
    const struct keystore *keys;
    struct bytes change_script;
    struct amount burn;
    int64_t feerate; /* units per 1000 vbytes */
    /* Signs the hash for a signature field. */
    enum err (*sign)(void *ctx, const struct ticket *t, size_t field,
                     const struct hash256 *hash, uint8_t sig[114]);
    void *sign_ctx;
};

enum ticket_build_result {
    BUILD_OK,
    BUILD_NO_FUNDS,   /* *fee is what it would take besides the burn */
    BUILD_NOT_SIGNED, /* the keys do not spend the coins */
    BUILD_SIGNER,     /* sign failed */
};
/* The first output is the carrier, the second the change, if there is any worth having.
 */
enum ticket_build_result ticket_build(struct tx **out, struct amount *fee,
                                      const struct ticket_build *b);

#endif
