/* Makes the transaction of a signed ticket from given coins and keys. */
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
    struct bytes payload; /* with its signatures */
    struct amount burn;
    const struct ticket_coin *coins; /* all are spent, in this order */
    size_t n_coins;
    const struct txout *outputs; /* behind the carrier */
    size_t n_outputs;
    const struct keystore *keys;
    struct bytes change_script;
    int64_t feerate; /* units per 1000 vbytes */
};

enum ticket_build_result {
    BUILD_OK,
    BUILD_NO_FUNDS,   /* *fee is what it would take besides burn and outputs */
    BUILD_NOT_SIGNED, /* the keys do not spend the coins */
};
/* The first output is the carrier, then the outputs, then the change, if there is any
 * worth having. */
enum ticket_build_result ticket_build(struct tx **out, struct amount *fee,
                                      const struct ticket_build *b);

#endif
