#include "rpc/json_tx.h"

#include "chain/script/address.h"
#include "chain/script/descriptor.h"

static void put_asm(struct json_writer *w, struct bytes script, bool sighash_decode)
{
    struct buf text = {0};
    script_to_asm(&text, script, sighash_decode);
    json_key(w, "asm");
    json_strn(w, (const char *)text.data, text.len);
    buf_clear(&text);
}

/* The descriptor, then what else there is to say. An address that is the descriptor's
 * argument is taken from its text: encoding one is the costliest part of a full block.
 */
static void put_members(struct json_writer *w, const struct chain_params *p,
                        struct bytes script, bool with_hex,
                        const struct keystore *known)
{
    struct buf desc = {0};
    struct destination dest;
    char text[ADDRESS_MAX];
    const char *address;

    descriptor_infer(&desc, p, script, known);
    json_key(w, "desc");
    json_strn(w, (const char *)desc.data, desc.len);
    if (with_hex)
        json_kv_hex(w, "hex", script.data, script.len);
    if (desc.len > 5 && memcmp(desc.data, "addr(", 5) == 0) {
        address = (const char *)desc.data + 5;
        json_key(w, "address");
        json_strn(w, address,
                  (size_t)((const char *)memchr(address, ')', desc.len - 5) - address));
    } else if (destination_from_script(&dest, script)) {
        json_kv_str(w, "address", address_encode(text, p, &dest));
    }
    buf_clear(&desc);
}

static void put_type(struct json_writer *w, struct bytes script)
{
    json_kv_str(w, "type", script_type_name(script_type_of(script)));
}

void json_script_members(struct json_writer *w, const struct chain_params *p,
                         struct bytes script, bool with_hex, bool with_address)
{
    put_asm(w, script, false);
    if (with_address)
        put_members(w, p, script, with_hex, NULL);
    else if (with_hex)
        json_kv_hex(w, "hex", script.data, script.len);
    put_type(w, script);
}

void json_script_known(struct json_writer *w, const struct chain_params *p,
                       struct bytes script, const struct keystore *known)
{
    put_asm(w, script, false);
    put_members(w, p, script, true, known);
    put_type(w, script);
}

void json_script(struct json_writer *w, const struct chain_params *p,
                 struct bytes script, bool with_hex, bool with_address)
{
    json_begin_object(w);
    json_script_members(w, p, script, with_hex, with_address);
    json_end_object(w);
}

static void put_prevout(struct json_writer *w, const struct coin *c,
                        const struct chain_params *p)
{
    json_key(w, "prevout");
    json_begin_object(w);
    json_kv_bool(w, "generated", c->coinbase);
    json_kv_uint(w, "height", c->height);
    json_kv_amount(w, "value", c->value, p->decimals);
    json_key(w, "scriptPubKey");
    json_script(w, p, c->script, true, true);
    json_end_object(w);
}

static void put_source(struct json_writer *w, const struct txin *in)
{
    json_kv_hash(w, "txid", &in->prevout.txid);
    json_kv_uint(w, "vout", in->prevout.n);
    json_key(w, "scriptSig");
    json_begin_object(w);
    put_asm(w, in->script_sig, true);
    json_kv_hex(w, "hex", in->script_sig.data, in->script_sig.len);
    json_end_object(w);
}

static void put_input(struct json_writer *w, const struct tx *tx, uint32_t i,
                      const struct json_tx_options *opt)
{
    const struct txin *in = &tx->in[i];
    json_begin_object(w);
    if (tx_is_coinbase(tx))
        json_kv_hex(w, "coinbase", in->script_sig.data, in->script_sig.len);
    else
        put_source(w, in);
    if (in->n_witness > 0) {
        json_key(w, "txinwitness");
        json_begin_array(w);
        for (uint32_t k = 0; k < in->n_witness; k++)
            json_hex(w, in->witness[k].data, in->witness[k].len);
        json_end_array(w);
    }
    if (opt->spent != NULL && opt->prevouts)
        put_prevout(w, &opt->spent[i], opt->params);
    json_kv_uint(w, "sequence", in->sequence);
    json_end_object(w);
}

static void put_output(struct json_writer *w, const struct tx *tx, uint32_t i,
                       const struct chain_params *p)
{
    json_begin_object(w);
    json_kv_amount(w, "value", tx->out[i].value, p->decimals);
    json_kv_uint(w, "n", i);
    json_key(w, "scriptPubKey");
    json_script(w, p, tx->out[i].script, true, true);
    json_end_object(w);
}

static struct amount fee_of(const struct tx *tx, const struct coin *spent)
{
    struct amount fee = amount_of(0);
    for (uint32_t i = 0; i < tx->n_in; i++)
        fee.v += spent[i].value.v;
    fee.v -= tx_value_out(tx).v;
    return fee;
}

void json_tx_members(struct json_writer *w, const struct tx *tx,
                     const struct json_tx_options *opt)
{
    json_kv_hash(w, "txid", &tx->txid);
    json_kv_hash(w, "hash", &tx->wtxid);
    json_kv_uint(w, "version", (uint32_t)tx->version);
    json_kv_uint(w, "size", tx->total_size);
    json_kv_int(w, "vsize", tx_vsize(tx));
    json_kv_int(w, "weight", tx_weight(tx));
    json_kv_uint(w, "locktime", tx->locktime);
    json_key(w, "vin");
    json_begin_array(w);
    for (uint32_t i = 0; i < tx->n_in; i++)
        put_input(w, tx, i, opt);
    json_end_array(w);
    json_key(w, "vout");
    json_begin_array(w);
    for (uint32_t i = 0; i < tx->n_out; i++)
        put_output(w, tx, i, opt->params);
    json_end_array(w);
    if (opt->spent != NULL && !tx_is_coinbase(tx))
        json_kv_amount(w, "fee", fee_of(tx, opt->spent), opt->params->decimals);
    if (opt->block_hash != NULL)
        json_kv_hash(w, "blockhash", opt->block_hash);
    if (opt->hex)
        json_kv_hex(w, "hex", tx->raw.data, tx->raw.len);
}

void json_tx(struct json_writer *w, const struct tx *tx,
             const struct json_tx_options *opt)
{
    json_begin_object(w);
    json_tx_members(w, tx, opt);
    json_end_object(w);
}
