#include "tickets/sn_rules.h"

#include "chain/prim/coin.h"
#include "chain/rules/tx_check.h"
#include "chain/script/solver.h"
#include "tickets/fee.h"
#include "tickets/fields.h"
#include "tickets/tokens.h"

static bool fee_ok(struct bytes fee)
{
    uint64_t v = field_uint(fee);
    return v >= FEE_LEAST && v <= FEE_MOST;
}

bool sn_fees_check(struct bytes storage_fee, struct bytes sense_fee, struct reject *rej)
{
    return (fee_ok(storage_fee) && fee_ok(sense_fee)) ||
           reject_detail(rej, REJECT_TICKET_FEE_RANGE, "fees must be %d to %lld",
                         FEE_LEAST, (long long)FEE_MOST);
}

bool sn_name_free(struct state_txn *st, char name, struct bytes value,
                  const struct hash256 *self, const char *what, struct reject *rej)
{
    struct hash256 sn;
    if (!supernode_by(st, name, value, &sn) ||
        (self != NULL && hash256_equal(&sn, self)))
        return true;
    return reject_suffix(rej, REJECT_TICKET_STATE, "-%s-taken", what);
}

/* --- the collateral --- */

static struct outpoint outpoint_of(struct bytes raw)
{
    struct outpoint o;
    memcpy(o.txid.b, raw.data, 32);
    o.n = get_le32(raw.data + 32);
    return o;
}

static bool spends(const struct tx *tx, const struct outpoint *o)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (outpoint_equal(&tx->in[i].prevout, o))
            return true;
    return false;
}

static bool script_can_sign(struct bytes script)
{
    enum script_type type = script_type_of(script);
    return type == SCRIPT_PUBKEYHASH || type == SCRIPT_WITNESS_V0_KEYHASH ||
           type == SCRIPT_WITNESS_V1_TAPROOT;
}

/* What is wrong with the coin, NULL: nothing. */
static const char *fault_of(const struct ticket_env *env, const struct coin *coin)
{
    int64_t age = (int64_t)env->height - coin->height;
    if (coin->coinbase && age < COINBASE_MATURITY)
        return "immature";
    if (coin->value.v != env->params->sn.collateral.v)
        return "amount";
    if (age < (int64_t)env->params->sn.collateral_depth)
        return "depth";
    return script_can_sign(coin->script) ? NULL : "script";
}

bool sn_collateral_check(const struct ticket_env *env, struct bytes outpoint,
                         struct reject *rej)
{
    struct outpoint o = outpoint_of(outpoint);
    struct coin coin;
    struct hash256 token;
    const char *fault = spends(env->tx, &o) ? "spent-here"
                        : !env->block->coin(env->block->coin_ctx, &o, &coin)
                            ? "missing"
                            : fault_of(env, &coin);
    if (fault == NULL && token_at(env->state, &o, &token))
        fault = "token";
    return fault == NULL ||
           reject_suffix(rej, REJECT_TICKET_STATE, "-collateral-%s", fault);
}

struct bytes sn_collateral_script(const struct ticket_env *env, struct bytes outpoint,
                                  uint8_t key[57])
{
    struct outpoint o = outpoint_of(outpoint);
    struct coin coin;
    if (!env->block->coin(env->block->coin_ctx, &o, &coin) ||
        !script_can_sign(coin.script))
        return bytes_of(NULL, 0);
    memcpy(key, coin.script.data, coin.script.len);
    return bytes_of(key, coin.script.len);
}

/* --- the supernode --- */

bool sn_find(const struct ticket_env *env, struct bytes sn, struct supernode *out,
             struct reject *rej)
{
    return supernode_get(env->state, sn.data, out) ||
           reject_suffix(rej, REJECT_TICKET_STATE, "-sn-unknown");
}

struct bytes sn_pastelid(const struct ticket_env *env, struct bytes sn, uint8_t key[57])
{
    struct supernode s = {.banned = 0};
    size_t n = 0;
    if (supernode_get(env->state, sn.data, &s)) {
        n = sizeof(s.pastelid);
        memcpy(key, s.pastelid, n);
    }
    supernode_clear(&s);
    return bytes_of(key, n);
}
