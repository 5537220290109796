/* Version 2 (BIP 370): the transaction is in pieces, so that inputs and outputs can
 * come and go. */
#include <stdlib.h>

#include "util/sink.h"
#include "wallet/psbt_fields.h"

/* -- Reading numbers -- */

static bool find_u32(const struct psbt_map *m, uint64_t type, uint32_t *out)
{
    const struct psbt_record *r = psbt_find(m, type, psbt_no_key());
    if (r != NULL)
        *out = get_le32(r->value.data);
    return r != NULL;
}

static void put_u32(struct psbt *p, struct psbt_map *m, uint64_t type, uint32_t v)
{
    uint8_t le[4];
    put_le32(le, v);
    psbt_put(p, m, type, psbt_no_key(), bytes_of(le, 4));
}

/* -- The transaction -- */

/* A height when all inputs that care can live with one, else a time. */
static bool determine_locktime(const struct psbt *p, uint32_t n_in, uint32_t *out)
{
    uint32_t height = 0, time = 0;
    bool height_fits = true, time_fits = true, required = false;
    for (uint32_t i = 0; i < n_in; i++) {
        uint32_t h = 0, t = 0;
        bool has_h = find_u32(&p->in[i], PSBT_IN_HEIGHT_LOCKTIME, &h);
        bool has_t = find_u32(&p->in[i], PSBT_IN_TIME_LOCKTIME, &t);
        if (!has_h && !has_t)
            continue;
        required = true;
        height_fits = height_fits && has_h;
        time_fits = time_fits && has_t;
        height = h > height ? h : height;
        time = t > time ? t : time;
    }
    if (!required) {
        *out = 0;
        find_u32(&p->global, PSBT_GLOBAL_FALLBACK_LOCKTIME, out);
        return true;
    }
    *out = height_fits ? height : time;
    return height_fits || time_fits;
}

static const char *add_input(const struct psbt_map *m, struct mtx *tx)
{
    struct outpoint o;
    uint32_t sequence = SEQUENCE_FINAL;
    const struct psbt_record *txid = psbt_find(m, PSBT_IN_PREVIOUS_TXID, psbt_no_key());
    if (txid == NULL)
        return "Previous TXID is required in PSBTv2";
    if (!find_u32(m, PSBT_IN_OUTPUT_INDEX, &o.n))
        return "Previous output's index is required in PSBTv2";
    memcpy(o.txid.b, txid->value.data, 32);
    find_u32(m, PSBT_IN_SEQUENCE, &sequence);
    mtx_add_in(tx, &o, sequence);
    return NULL;
}

static const char *add_output(const struct psbt_map *m, struct mtx *tx)
{
    const struct psbt_record *amount = psbt_find(m, PSBT_OUT_AMOUNT, psbt_no_key());
    const struct psbt_record *script = psbt_find(m, PSBT_OUT_SCRIPT, psbt_no_key());
    if (amount == NULL)
        return "Output amount is required in PSBTv2";
    if (script == NULL)
        return "Output script is required in PSBTv2";
    mtx_add_out(tx, amount_of((int64_t)get_le64(amount->value.data)), script->value);
    return NULL;
}

struct tx *psbt_v2_tx(const struct psbt *p, uint32_t n_in, uint32_t n_out,
                      const char **error)
{
    struct mtx m;
    struct tx *tx = NULL;
    uint32_t version = 2;
    mtx_init(&m);
    *error = NULL;
    if (!find_u32(&p->global, PSBT_GLOBAL_TX_VERSION, &version))
        *error = "Transaction version is required in PSBTv2";
    m.version = (int32_t)version;
    for (uint32_t i = 0; *error == NULL && i < n_in; i++)
        *error = add_input(&p->in[i], &m);
    for (uint32_t i = 0; *error == NULL && i < n_out; i++)
        *error = add_output(&p->out[i], &m);
    if (*error == NULL && !determine_locktime(p, n_in, &m.locktime))
        *error = "Inputs require lock times of different kinds";
    if (*error == NULL)
        tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

/* -- Describing it -- */

static void describe_input(struct psbt *p, uint32_t i)
{
    const struct txin *in = &p->tx->in[i];
    psbt_put(p, &p->in[i], PSBT_IN_PREVIOUS_TXID, psbt_no_key(),
             bytes_of(in->prevout.txid.b, 32));
    put_u32(p, &p->in[i], PSBT_IN_OUTPUT_INDEX, in->prevout.n);
    if (in->sequence != SEQUENCE_FINAL)
        put_u32(p, &p->in[i], PSBT_IN_SEQUENCE, in->sequence);
}

static void describe_output(struct psbt *p, uint32_t i)
{
    uint8_t le[8];
    put_le64(le, (uint64_t)p->tx->out[i].value.v);
    psbt_put(p, &p->out[i], PSBT_OUT_AMOUNT, psbt_no_key(), bytes_of(le, 8));
    psbt_put(p, &p->out[i], PSBT_OUT_SCRIPT, psbt_no_key(), p->tx->out[i].script);
}

static void strip(struct psbt_map *m, enum psbt_place at)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct psbt_record *r = &m->items[i];
        const struct psbt_field *f = psbt_field_of(at, r->type, r->key, 2);
        if (f == NULL || f->version != ONLY_V2)
            m->items[kept++] = *r;
    }
    m->n = kept;
}

void psbt_v2_strip(struct psbt *p)
{
    strip(&p->global, PSBT_AT_GLOBAL);
    for (uint32_t i = 0; i < p->tx->n_in; i++)
        strip(&p->in[i], PSBT_AT_IN);
    for (uint32_t i = 0; i < p->tx->n_out; i++)
        strip(&p->out[i], PSBT_AT_OUT);
}

void psbt_v2_describe(struct psbt *p)
{
    psbt_v2_strip(p); /* somebody else's, in version 0 */
    if (p->tx->locktime != 0)
        put_u32(p, &p->global, PSBT_GLOBAL_FALLBACK_LOCKTIME, p->tx->locktime);
    for (uint32_t i = 0; i < p->tx->n_in; i++)
        describe_input(p, i);
    for (uint32_t i = 0; i < p->tx->n_out; i++)
        describe_output(p, i);
}

static void put_count(struct psbt *p, uint64_t type, uint32_t n)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    write_varint(&s, n);
    psbt_put(p, &p->global, type, psbt_no_key(), buf_view(&b));
    buf_clear(&b);
}

void psbt_write_tx(struct psbt *p)
{
    if (p->version == 0) {
        psbt_put(p, &p->global, PSBT_GLOBAL_UNSIGNED_TX, psbt_no_key(), p->tx->raw);
        return;
    }
    put_u32(p, &p->global, PSBT_GLOBAL_TX_VERSION, (uint32_t)p->tx->version);
    put_count(p, PSBT_GLOBAL_INPUT_COUNT, p->tx->n_in);
    put_count(p, PSBT_GLOBAL_OUTPUT_COUNT, p->tx->n_out);
}

/* -- Rules -- */

struct hash256 psbt_unique_id(const struct psbt *p)
{
    struct mtx m;
    if (p->version == 0)
        return p->tx->txid;
    mtx_from_tx(&m, p->tx);
    for (uint32_t i = 0; i < m.n_in; i++)
        m.in[i].sequence = 0;
    struct tx *tx = mtx_to_tx(&m);
    struct hash256 id = tx->txid;
    tx_unref(tx);
    mtx_clear(&m);
    return id;
}

static uint8_t flags_of(const struct psbt *p)
{
    struct bytes v = psbt_value(&p->global, PSBT_GLOBAL_TX_MODIFIABLE);
    return v.data != NULL ? v.data[0] : 0;
}

static void put_flags(struct psbt *p, uint8_t flags)
{
    if (flags != flags_of(p))
        psbt_put(p, &p->global, PSBT_GLOBAL_TX_MODIFIABLE, psbt_no_key(),
                 bytes_of(&flags, 1));
}

void psbt_v2_signed(struct psbt *p, int hash_type)
{
    int base = hash_type & ~SIGHASH_ANYONECANPAY;
    uint8_t flags = flags_of(p);
    if (p->version != 2)
        return;
    if ((hash_type & SIGHASH_ANYONECANPAY) == 0)
        flags &= (uint8_t)~PSBT_INPUTS_MODIFIABLE;
    if (base != SIGHASH_NONE)
        flags &= (uint8_t)~PSBT_OUTPUTS_MODIFIABLE;
    if (base == SIGHASH_SINGLE)
        flags |= PSBT_HAS_SINGLE;
    put_flags(p, flags);
}

void psbt_v2_merge_flags(struct psbt *p, const struct psbt *from)
{
    const uint8_t freedoms = PSBT_INPUTS_MODIFIABLE | PSBT_OUTPUTS_MODIFIABLE;
    uint8_t a = flags_of(p), b = flags_of(from);
    if (p->version == 2)
        put_flags(p, (uint8_t)((a & b & freedoms) | ((a | b) & ~freedoms)));
}
