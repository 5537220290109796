/* Coins that wallets leave alone unless the user names them: a supernode's collateral,
 * and what carries a token - in the chain, or as soon as the mempool's transactions are
 * mined. */
#include "chain/mempool/mempool.h"
#include "chain/validation/chainman.h"
#include "node/wallet_chain.h"
#include "tickets/carrier.h"
#include "tickets/fields.h"
#include "tickets/supernode.h"
#include "tickets/tokens.h"

/* In the chain, or named by a pending registration. */
static bool is_collateral(struct node *n, struct state_txn *st,
                          const struct outpoint *o)
{
    uint8_t octets[36];
    struct hash256 sn;
    struct claim_set claims = {.n = 0};
    memcpy(octets, o->txid.b, 32);
    put_le32(octets + 32, o->n);
    claim(&claims, "collateral", bytes_of(octets, sizeof(octets)));
    return supernode_by(st, 'c', bytes_of(octets, sizeof(octets)), &sn) ||
           mempool_claimed(n->mempool, &claims.key[0]);
}

/* Whether the transaction mints a token on its output n. */
static bool mints_on(const struct tx *tx, uint32_t n)
{
    struct bytes payload;
    struct ticket t;
    uint32_t out;
    if (carrier_find(tx, &out, &payload) != 1 ||
        ticket_decode(&t, payload) != TICKET_OK)
        return false;
    for (size_t i = 0; t.kind->carries_token && i < t.kind->n_fields; i++)
        if (t.kind->fields[i].type == FIELD_U16)
            return field_uint(t.v[i].raw) == n;
    return false;
}

/* Tokens that the transaction spends go to its first spendable outputs. */
static bool receives_token(struct state_txn *st, const struct tx *tx, uint32_t n)
{
    size_t tokens = 0, place = 0;
    struct hash256 id;
    for (uint32_t i = 0; i < tx->n_in; i++)
        tokens += token_at(st, &tx->in[i].prevout, &id);
    for (uint32_t i = 0; i < n; i++)
        place += token_output_ok(tx, i);
    return place < tokens;
}

static bool is_anchor(struct node *n, struct state_txn *st, const struct outpoint *o)
{
    struct hash256 id;
    const struct mempool_entry *e = mempool_find(n->mempool, &o->txid);
    return token_at(st, o, &id) ||
           (e != NULL && (mints_on(e->tx, o->n) || receives_token(st, e->tx, o->n)));
}

bool wallet_coin_bound(void *ctx, const struct outpoint *o)
{
    struct node *n = &((struct daemon *)ctx)->node;
    chainman_read_lock(n->chainman);
    struct state_txn *st = state_begin(chainman_state(n->chainman));
    bool bound = is_collateral(n, st, o) || is_anchor(n, st, o);
    state_discard(st);
    chainman_read_unlock(n->chainman);
    return bound;
}
