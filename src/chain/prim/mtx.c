#include <stdlib.h>

#include "chain/prim/tx.h"
#include "util/mem.h"

void mtx_init(struct mtx *m)
{
    *m = (struct mtx){.version = 2};
}

static void mtxin_clear_witness(struct mtxin *in)
{
    for (uint32_t i = 0; i < in->n_witness; i++)
        buf_clear(&in->witness[i]);
    free(in->witness);
    in->witness = NULL;
    in->n_witness = 0;
}

void mtx_clear(struct mtx *m)
{
    for (uint32_t i = 0; i < m->n_in; i++) {
        buf_clear(&m->in[i].script_sig);
        mtxin_clear_witness(&m->in[i]);
    }
    for (uint32_t i = 0; i < m->n_out; i++)
        buf_clear(&m->out[i].script);
    free(m->in);
    free(m->out);
    mtx_init(m);
}

void mtx_from_tx(struct mtx *m, const struct tx *tx)
{
    mtx_init(m);
    m->version = tx->version;
    m->locktime = tx->locktime;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct txin *in = &tx->in[i];
        struct mtxin *copy = mtx_add_in(m, &in->prevout, in->sequence);
        buf_append(&copy->script_sig, in->script_sig.data, in->script_sig.len);
        mtxin_set_witness(copy, in->witness, in->n_witness);
    }
    for (uint32_t i = 0; i < tx->n_out; i++)
        mtx_add_out(m, tx->out[i].value, tx->out[i].script);
}

struct mtxin *mtx_add_in(struct mtx *m, const struct outpoint *prevout,
                         uint32_t sequence)
{
    m->in = xrealloc_array(m->in, m->n_in + 1, sizeof(*m->in));
    struct mtxin *in = &m->in[m->n_in++];
    *in = (struct mtxin){.prevout = *prevout, .sequence = sequence};
    return in;
}

struct mtxout *mtx_add_out(struct mtx *m, struct amount value, struct bytes script)
{
    return mtx_insert_out(m, m->n_out, value, script);
}

struct mtxout *mtx_insert_out(struct mtx *m, uint32_t i, struct amount value,
                              struct bytes script)
{
    ASSERT(i <= m->n_out);
    m->out = xrealloc_array(m->out, m->n_out + 1, sizeof(*m->out));
    memmove(&m->out[i + 1], &m->out[i], (m->n_out - i) * sizeof(*m->out));
    m->n_out++;
    m->out[i] = (struct mtxout){.value = value};
    buf_append(&m->out[i].script, script.data, script.len);
    return &m->out[i];
}

void mtx_remove_in(struct mtx *m, uint32_t i)
{
    ASSERT(i < m->n_in);
    buf_clear(&m->in[i].script_sig);
    mtxin_clear_witness(&m->in[i]);
    m->n_in--;
    memmove(&m->in[i], &m->in[i + 1], (m->n_in - i) * sizeof(*m->in));
}

void mtx_remove_out(struct mtx *m, uint32_t i)
{
    ASSERT(i < m->n_out);
    buf_clear(&m->out[i].script);
    m->n_out--;
    memmove(&m->out[i], &m->out[i + 1], (m->n_out - i) * sizeof(*m->out));
}

void mtxin_set_witness(struct mtxin *in, const struct bytes *items, uint32_t n)
{
    mtxin_clear_witness(in);
    if (n == 0)
        return;
    in->witness = xcalloc(n, sizeof(*in->witness));
    in->n_witness = n;
    for (uint32_t i = 0; i < n; i++)
        buf_append(&in->witness[i], items[i].data, items[i].len);
}

static bool mtx_has_witness(const struct mtx *m)
{
    for (uint32_t i = 0; i < m->n_in; i++) {
        if (m->in[i].n_witness > 0)
            return true;
    }
    return false;
}

static void write_witness(const struct mtxin *in, struct sink *s)
{
    write_varint(s, in->n_witness);
    for (uint32_t i = 0; i < in->n_witness; i++)
        write_var(s, buf_view(&in->witness[i]));
}

void mtx_write(const struct mtx *m, struct sink *s, bool with_witness)
{
    bool extended = with_witness && mtx_has_witness(m);
    write_u32(s, (uint32_t)m->version);
    if (extended)
        write_u16(s, 0x0100); /* marker 00, flag 01 */
    write_varint(s, m->n_in);
    for (uint32_t i = 0; i < m->n_in; i++) {
        outpoint_write(s, &m->in[i].prevout);
        write_var(s, buf_view(&m->in[i].script_sig));
        write_u32(s, m->in[i].sequence);
    }
    write_varint(s, m->n_out);
    for (uint32_t i = 0; i < m->n_out; i++) {
        write_i64(s, m->out[i].value.v);
        write_var(s, buf_view(&m->out[i].script));
    }
    for (uint32_t i = 0; extended && i < m->n_in; i++)
        write_witness(&m->in[i], s);
    write_u32(s, m->locktime);
}

struct tx *mtx_to_tx(const struct mtx *m)
{
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    mtx_write(m, &s, true);
    struct tx *tx = tx_from_bytes(raw.data, raw.len, mtx_has_witness(m));
    ASSERT(tx != NULL);
    buf_clear(&raw);
    return tx;
}
