#include "chain/prim/coin.h"
#include "chain/script/address.h"
#include "chain/script/sig_encoding.h"
#include "rpc/json_tx.h"
#include "rpc/raw.h"

/* Whether the script could stand behind a script hash at all. */
static bool can_wrap(const struct script_solution *s, struct bytes script)
{
    struct script_op op;
    size_t pos = 0;
    switch (s->type) {
    case SCRIPT_NULL_DATA:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_WITNESS_UNKNOWN:
    case SCRIPT_WITNESS_V1_TAPROOT:
    case SCRIPT_ANCHOR:
        return false;
    case SCRIPT_MULTISIG:
    case SCRIPT_NONSTANDARD:
    case SCRIPT_PUBKEY:
    case SCRIPT_PUBKEYHASH:
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
        break;
    }
    if (!script_has_valid_ops(script) || script_is_unspendable(script))
        return false;
    while (script_next(script, &pos, &op)) {
        if (op.code == OP_CHECKSIGADD || opcode_is_success(op.code))
            return false;
    }
    return true;
}

/* Segwit knows compressed keys only, and nothing is wrapped twice. */
static bool can_wrap_segwit(const struct script_solution *s)
{
    if (s->type == SCRIPT_NONSTANDARD || s->type == SCRIPT_PUBKEYHASH)
        return true;
    if (s->type == SCRIPT_PUBKEY)
        return pubkey_is_compressed(s->data);
    if (s->type != SCRIPT_MULTISIG)
        return false;
    for (unsigned i = 0; i < s->n_keys; i++) {
        if (!pubkey_is_compressed(s->keys[i]))
            return false;
    }
    return true;
}

static void segwit_form(struct destination *out, const struct script_solution *s,
                        struct bytes script)
{
    if (s->type == SCRIPT_PUBKEY) {
        destination_of_key(out, DEST_WPKH, s->data);
    } else if (s->type == SCRIPT_PUBKEYHASH) {
        *out = (struct destination){.type = DEST_WPKH, .len = 20};
        memcpy(out->data, s->data.data, 20);
    } else {
        destination_of_script(out, DEST_WSH, script);
    }
}

static void put_p2sh(struct rpc_call *c, const char *key, struct bytes script)
{
    struct destination d;
    char address[ADDRESS_MAX];
    destination_of_script(&d, DEST_SH, script);
    json_kv_str(c->w, key, address_encode(address, c->node->params, &d));
}

static void put_segwit(struct rpc_call *c, const struct script_solution *s,
                       struct bytes script)
{
    struct destination d;
    struct keystore known;
    struct buf program = {0};
    keystore_init(&known);
    keystore_add_script(&known, script);
    segwit_form(&d, s, script);
    destination_to_script(&program, &d);
    json_key(c->w, "segwit");
    json_begin_object(c->w);
    json_script_known(c->w, c->node->params, buf_view(&program), &known);
    put_p2sh(c, "p2sh-segwit", buf_view(&program));
    json_end_object(c->w);
    keystore_clear(&known);
    buf_clear(&program);
}

void rpc_decodescript(struct rpc_call *c)
{
    struct buf raw = {0};
    struct script_solution s;
    const struct json *arg = rpc_arg(c, 0);
    if (arg->str_len == 0 || rpc_to_bytes(c, arg, "argument", &raw)) {
        struct bytes script = buf_view(&raw);
        script_solve(&s, script);
        json_begin_object(c->w);
        json_script_members(c->w, c->node->params, script, false, true);
        if (can_wrap(&s, script)) {
            put_p2sh(c, "p2sh", script);
            if (can_wrap_segwit(&s))
                put_segwit(c, &s, script);
        }
        json_end_object(c->w);
    }
    buf_clear(&raw);
}
