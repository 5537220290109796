#include <string.h>

#include "storage/raptorq/symbolic.h"

/* What the row loops of this and the next file have in common: rows have random
 * lengths, so every loop over one costs about one mispredicted branch, as much as all
 * its other work. Hence few passes, and none over single rows where a flat one will do.
 */

struct small_tuple {
    uint16_t a, b, a1, b1;
    uint8_t d, d1;
};

/* Tuples of the LT rows and the number of their columns below W. */
static uint32_t make_tuples(const struct rq_symbolic *z, const uint32_t *isi,
                            uint32_t n, struct small_tuple *out)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct rq_tuple t = rq_tupler_get(&z->tupler, isi[i]);

        out[i] = (struct small_tuple){(uint16_t)t.a,  (uint16_t)t.b, (uint16_t)t.a1,
                                      (uint16_t)t.b1, (uint8_t)t.d,  (uint8_t)t.d1};
        total += t.d;
    }
    return total;
}

/* Columns below W that an LDPC row can have at most. */
static uint32_t ldpc_capacity(const struct rq_params *p)
{
    return 3 * ((p->B + p->S - 1) / p->S) + 1;
}

static void add_entry(struct rq_symbolic *z, uint32_t r, uint32_t c)
{
    struct rq_row *row = &z->row[r];

    z->cols[row->at + row->n++] = (uint16_t)c;
    row->sum ^= (uint16_t)c;
    z->col_at[c]++;
}

/* RFC 6330 5.3.3.3: three rows for each LT column by its number, the identity, and two
 * consecutive PI columns. */
static void ldpc_rows(struct rq_symbolic *z)
{
    const struct rq_params *p = &z->p;
    uint32_t capacity = ldpc_capacity(p), q = 0, r = 0;

    for (uint32_t i = 0; i < p->S; i++)
        z->row[i] = (struct rq_row){
            .at = i * capacity,
            .npi = 2,
            .pi = {(uint16_t)(p->W + i % p->P), (uint16_t)(p->W + (i + 1) % p->P)}};
    for (uint32_t i = 0; i < p->B; i++) {
        uint32_t at = r;

        q += r == 0;
        for (int k = 0; k < 3; k++) {
            add_entry(z, at, i);
            at += q;
            while (at >= p->S)
                at -= p->S;
        }
        r = r + 1 < p->S ? r + 1 : 0;
    }
    for (uint32_t i = 0; i < p->S; i++)
        add_entry(z, i, p->B + i);
}

/* Row @r with its columns from cols[at] on, @count and all. */
static void lt_row(struct rq_symbolic *z, uint32_t r, uint32_t at,
                   const struct small_tuple *t, uint32_t *count)
{
    struct rq_tuple tuple = {t->d, t->a, t->b, t->d1, t->a1, t->b1};
    uint32_t b = t->b, W = z->p.W, sum = 0;
    uint16_t *cols = z->cols + at;
    struct rq_row *row = &z->row[r];

    row->at = at;
    row->n = t->d;
    row->npi = (uint16_t)rq_pi_columns(&z->tupler, &tuple, row->pi);
    for (uint32_t i = 0; i < t->d; i++) {
        cols[i] = (uint16_t)b;
        z->entry_row[at + i] = (uint16_t)r;
        sum ^= b;
        count[b]++;
        b += t->a;
        b = b >= W ? b - W : b;
    }
    row->sum = (uint16_t)sum;
}

/* From counts of entries to the rows of each column; @at is where LT entries begin and
 * @end where they end. */
static void transpose(struct rq_symbolic *z, uint32_t at, uint32_t end)
{
    uint32_t sum = 0;

    for (uint32_t c = 0; c < z->p.W; c++) {
        sum += z->col_at[c];
        z->col_at[c] = sum;
    }
    z->col_at[z->p.W] = sum;
    for (uint32_t i = end; i-- > at;)
        z->col_row[--z->col_at[z->cols[i]]] = z->entry_row[i];
    for (uint32_t r = 0; r < z->p.S; r++) {
        const uint16_t *c = z->cols + z->row[r].at;

        for (uint32_t i = 0; i < z->row[r].n; i++)
            z->col_row[--z->col_at[c[i]]] = (uint16_t)r;
    }
}

int rq_matrix_build(struct rq_symbolic *z, const struct rq_params *p,
                    const uint32_t *isi, uint32_t n)
{
    uint32_t ldpc = p->S * ldpc_capacity(p), at, room;
    struct rq_carver c = {NULL, 0};
    struct small_tuple *tuples;
    int rc;

    if (n > RQ_ROWS_MAX - p->S - RQ_SPARE_ROWS)
        return RQ_ERR_LIMIT;
    z->p = *p;
    z->nrows = z->nrows_peeled = p->S + n;
    rq_tupler_init(&z->tupler, p);

    rc = rq_buf_need(z->mem, &z->b_rows,
                     (z->nrows + RQ_SPARE_ROWS) * (sizeof(*z->row) + sizeof(*tuples)) +
                         (p->W + 1) * sizeof(*z->col_at) + 3 * RQ_ALIGN);
    if (rc < 0)
        return rc;
    c.base = z->b_rows.p;
    z->row = rq_carve(&c, (z->nrows + RQ_SPARE_ROWS) * sizeof(*z->row));
    z->col_at = rq_carve(&c, (p->W + 1) * sizeof(*z->col_at));
    tuples = rq_carve(&c, n * sizeof(*tuples));

    room = ldpc + make_tuples(z, isi, n, tuples) + RQ_SPARE_ROWS * RQ_LT_MAX;
    rc = rq_buf_need_spare(z->mem, &z->b_cols, 3 * room * sizeof(*z->cols),
                           room * sizeof(*z->cols) / 4);
    if (rc < 0)
        return rc;
    z->cols = z->b_cols.p;
    z->entry_row = z->cols + room;
    z->col_row = z->entry_row + room;
    memset(z->col_at, 0, p->W * sizeof(*z->col_at));
    ldpc_rows(z);
    at = ldpc;
    for (uint32_t i = 0; i < n; i++) {
        lt_row(z, p->S + i, at, &tuples[i], z->col_at);
        at += tuples[i].d;
    }
    z->cols_end = at;
    transpose(z, ldpc, at);
    return RQ_OK;
}

int rq_matrix_add(struct rq_symbolic *z, const uint32_t *isi, uint32_t n)
{
    uint32_t *count = z->heads; /* of no use behind the peel, but to be given */

    if (z->nrows + n > z->nrows_peeled + RQ_SPARE_ROWS)
        return RQ_FULL;
    for (uint32_t i = 0; i < n; i++) {
        struct small_tuple t;

        make_tuples(z, &isi[i], 1, &t);
        lt_row(z, z->nrows++, z->cols_end, &t, count);
        z->cols_end += t.d;
    }
    return RQ_OK;
}

void rq_hdpc_pairs(const struct rq_params *p, uint8_t *pair)
{
    struct rq_modulus mod_H = rq_modulus(p->H), mod_H1 = rq_modulus(p->H - 1);
    uint32_t last = p->Kp + p->S - 1;

    for (uint32_t j = 0; j < last; j++) {
        uint32_t a = rq_mod(&mod_H, rq_rand_word(j + 1, 6));
        uint32_t b = a + rq_mod(&mod_H1, rq_rand_word(j + 1, 7)) + 1;

        b = b >= p->H ? b - p->H : b;
        pair[j] = (uint8_t)rq_pair(a, b);
    }
    pair[last] = (uint8_t)rq_pairs(p->H);
}
