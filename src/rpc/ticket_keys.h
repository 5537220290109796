/* Keys by which commands sign tickets, as the caller's object gives them:
 *   passphrase        of the PastelIDs that lie on this node
 *   privkeys          [WIF]: of coins, and of a collateral
 *   operator_privkey  WIF: of a supernode's operator; needless on the node that is this
 *                     supernode (-supernode)
 *   btns_privkey      hex: the Ed25519 seed of a token's usage records */
#ifndef OCHRE_RPC_TICKET_KEYS_H
#define OCHRE_RPC_TICKET_KEYS_H

#include "chain/script/keystore.h"
#include "rpc/method.h"
#include "tickets/draft.h"

#define TICKET_KEY_OPTIONS                                                             \
    {"privkeys", JSON_ARRAY, .optional = true},                                        \
        {"passphrase", JSON_STRING, .optional = true},                                 \
        {"operator_privkey", JSON_STRING, .optional = true},                           \
    {                                                                                  \
        "btns_privkey", JSON_STRING, .optional = true                                  \
    }

struct ticket_keys {
    struct rpc_call *call;
    const char *passphrase; /* NULL: not given */
    struct keystore store;
    uint8_t *btns_seed; /* owned secret, 32 octets; NULL: not given */
};

void ticket_keys_init(struct ticket_keys *k);
void ticket_keys_clear(struct ticket_keys *k);
/* False: reported. */
NODISCARD bool ticket_keys_read(struct ticket_keys *k, struct rpc_call *c,
                                const struct json *obj);
/* Makes the signature; false: reported, what is missing included. */
NODISCARD bool ticket_keys_sign(void *keys, const struct ticket_signing *what,
                                uint8_t *sig);
/* Whether the key for it is here. */
bool ticket_keys_have(struct ticket_keys *k, enum sig_scheme scheme, struct bytes key);

#endif
