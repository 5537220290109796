#include <stdlib.h>

#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "chain/script/address.h"
#include "chain/store/coins_cache.h"
#include "rpc/raw.h"
#include "util/mem.h"

/* -- From mempool and chain -- */

static void set_prevout(struct prevouts *p, uint32_t i, struct bytes script,
                        struct amount value)
{
    static const uint8_t nothing[1]; /* an empty script is known all the same */
    buf_reset(&p->scripts[i]);
    buf_append(&p->scripts[i], script.data, script.len);
    p->spent[i].script = buf_view(&p->scripts[i]);
    if (script.len == 0)
        p->spent[i].script.data = nothing;
    p->spent[i].value = value;
}

static bool find_coin(struct rpc_call *c, const struct outpoint *o, struct coin *out)
{
    if (c->node->mempool != NULL)
        return mempool_any_coin(c->node->mempool, o, out, c->mem);
    return coins_peek(chainman_coins(c->node->chainman), o, out, c->mem);
}

void prevouts_find(struct prevouts *p, struct rpc_call *c, const struct tx *tx)
{
    p->n = tx->n_in;
    p->spent = xcalloc(p->n + 1, sizeof(*p->spent));
    p->scripts = xcalloc(p->n + 1, sizeof(*p->scripts));
    chainman_read_lock(c->node->chainman);
    for (uint32_t i = 0; i < p->n; i++) {
        struct coin coin;
        if (find_coin(c, &tx->in[i].prevout, &coin))
            set_prevout(p, i, coin.script, coin.value);
    }
    chainman_read_unlock(c->node->chainman);
}

void prevouts_clear(struct prevouts *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        buf_clear(&p->scripts[i]);
    free(p->scripts);
    free(p->spent);
}

/* -- prevtxs -- */

struct prevtx {
    struct outpoint outpoint;
    struct buf script, redeem, witness; /* owned */
    bool has_redeem, has_witness;
    struct amount amount;
};

static void prevtx_clear(struct prevtx *p)
{
    buf_clear(&p->script);
    buf_clear(&p->redeem);
    buf_clear(&p->witness);
}

static bool read_script(struct rpc_call *c, const struct json *v, const char *name,
                        bool *has, struct buf *out)
{
    *has = v != NULL && v->type != JSON_NULL;
    return !*has || rpc_to_bytes(c, v, name, out);
}

static bool read_place(struct rpc_call *c, struct prevtx *p, const struct json *v)
{
    static const struct rpc_field fields[] = {
        {"txid", JSON_STRING, false, false},
        {"vout", JSON_NUMBER, false, false},
        {"scriptPubKey", JSON_STRING, false, false},
        {NULL, JSON_NULL, false, false},
    };
    int32_t n;
    if (v->type != JSON_OBJECT) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR,
                  "expected object with {\"txid'\",\"vout\",\"scriptPubKey\"}");
        return false;
    }
    if (!rpc_check_fields(c, v, fields, false) ||
        !rpc_to_hash(c, json_get(v, "txid"), "txid", &p->outpoint.txid) ||
        !rpc_to_i32(c, json_get(v, "vout"), &n))
        return false;
    p->outpoint.n = (uint32_t)n;
    if (n < 0)
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "vout cannot be negative");
    return n >= 0;
}

static bool read_prevtx(struct rpc_call *c, struct prevtx *p, const struct json *v)
{
    const struct json *amount;
    *p = (struct prevtx){.amount = amount_of(MAX_MONEY)};
    if (!read_place(c, p, v) ||
        !rpc_to_bytes(c, json_get(v, "scriptPubKey"), "scriptPubKey", &p->script))
        return false;
    amount = json_get(v, "amount");
    return amount == NULL || rpc_to_amount(c, amount, &p->amount);
}

static bool read_wrapped(struct rpc_call *c, struct prevtx *p, const struct json *v)
{
    static const struct rpc_field fields[] = {
        {"redeemScript", JSON_STRING, false, true},
        {"witnessScript", JSON_STRING, false, true},
        {NULL, JSON_NULL, false, false},
    };
    if (!rpc_check_fields(c, v, fields, false) ||
        !read_script(c, json_get(v, "redeemScript"), "redeemScript", &p->has_redeem,
                     &p->redeem) ||
        !read_script(c, json_get(v, "witnessScript"), "witnessScript", &p->has_witness,
                     &p->witness))
        return false;
    if (!p->has_redeem && !p->has_witness) {
        rpc_error(c, RPC_INVALID_PARAMETER, "Missing redeemScript/witnessScript");
        return false;
    }
    return true;
}

static void script_of(struct buf *out, enum destination_type type, struct bytes inner)
{
    struct destination d;
    destination_of_script(&d, type, inner);
    destination_to_script(out, &d);
}

/* Whether scriptPubKey is the P2SH or P2WSH of script, or the P2SH of its P2WSH. */
static bool wraps(struct bytes script_pubkey, struct bytes script, struct bytes program)
{
    const struct {
        enum destination_type type;
        struct bytes inner;
    } forms[] = {{DEST_SH, script}, {DEST_SH, program}, {DEST_WSH, script}};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct buf outer = {0};
        script_of(&outer, forms[i].type, forms[i].inner);
        found = found || bytes_equal(buf_view(&outer), script_pubkey);
        buf_clear(&outer);
    }
    return found;
}

static bool check_wrapped(struct rpc_call *c, const struct prevtx *p,
                          struct bytes script, struct bytes program)
{
    if (p->has_redeem && p->has_witness &&
        !bytes_equal(buf_view(&p->redeem), buf_view(&p->witness)) &&
        !bytes_equal(buf_view(&p->redeem), program)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "redeemScript does not correspond to witnessScript");
        return false;
    }
    if (!wraps(buf_view(&p->script), script, program)) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "redeemScript/witnessScript does not match scriptPubKey");
        return false;
    }
    return true;
}

/* The scripts behind a script hash; the segwit form is added, too, since callers may
 * name either script of a nested one. */
static bool learn_wrapped(struct rpc_call *c, struct prevtx *p, const struct json *v,
                          struct keystore *keys)
{
    struct buf program = {0};
    if (!script_is_p2sh(buf_view(&p->script)) && !script_is_p2wsh(buf_view(&p->script)))
        return true;
    if (!read_wrapped(c, p, v))
        return false;
    struct bytes script = buf_view(p->has_witness ? &p->witness : &p->redeem);
    script_of(&program, DEST_WSH, script);
    keystore_add_script(keys, script);
    keystore_add_script(keys, buf_view(&program));
    bool ok = check_wrapped(c, p, script, buf_view(&program));
    buf_clear(&program);
    return ok;
}

static bool add_prevtx(struct rpc_call *c, struct prevouts *all, const struct tx *tx,
                       const struct prevtx *p)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct txout *known = &all->spent[i];
        if (!outpoint_equal(&tx->in[i].prevout, &p->outpoint))
            continue;
        if (known->script.data != NULL &&
            !bytes_equal(known->script, buf_view(&p->script))) {
            struct buf text = {0};
            script_to_asm(&text, known->script, false);
            buf_append_str(&text, "\nvs:\n");
            script_to_asm(&text, buf_view(&p->script), false);
            rpc_error(c, RPC_DESERIALIZATION_ERROR,
                      "Previous output scriptPubKey mismatch:\n%s", buf_cstr(&text));
            buf_clear(&text);
            return false;
        }
        set_prevout(all, i, buf_view(&p->script), p->amount);
    }
    return true;
}

bool prevouts_parse(struct prevouts *all, struct rpc_call *c, const struct tx *tx,
                    const struct json *prevtxs, struct keystore *keys)
{
    for (size_t i = 0; prevtxs != NULL && i < prevtxs->len; i++) {
        struct prevtx p;
        const struct json *v = &prevtxs->items[i];
        bool ok = read_prevtx(c, &p, v) && add_prevtx(c, all, tx, &p) &&
                  (keys == NULL || learn_wrapped(c, &p, v, keys));
        prevtx_clear(&p);
        if (!ok)
            return false;
    }
    return true;
}
