#include <string.h>

#include "storage/raptorq/symbolic.h"

/* Rows that may follow by rq_matrix_add without starting over. */
#define SPARE_ROWS 64

struct small_tuple {
    uint16_t a, b, a1, b1;
    uint8_t d, d1;
};

/* Tuples of the LT rows and the number of their columns. */
static uint32_t make_tuples(const struct rq_symbolic *z, const uint32_t *isi, uint32_t n,
                            struct small_tuple *out)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct rq_tuple t = rq_tupler_get(&z->tupler, isi[i]);

        out[i] = (struct small_tuple){(uint16_t)t.a,  (uint16_t)t.b, (uint16_t)t.a1,
                                      (uint16_t)t.b1, (uint8_t)t.d,  (uint8_t)t.d1};
        total += t.d + t.d1;
    }
    return total;
}

/* Columns an LDPC row can have at most. */
static uint32_t ldpc_capacity(const struct rq_params *p)
{
    return 3 * ((p->B + p->S - 1) / p->S) + 3;
}

/* RFC 6330 5.3.3.3: three rows for each LT column by its number, the identity, and two
 * consecutive PI columns. */
static void ldpc_rows(struct rq_symbolic *z)
{
    const struct rq_params *p = &z->p;
    uint32_t capacity = ldpc_capacity(p), q = 0, r = 0;

    for (uint32_t i = 0; i < p->S; i++)
        z->row[i] = (struct rq_row){i * capacity, 0, 0};
    for (uint32_t i = 0; i < p->B; i++) {
        uint32_t at = r;

        if (r == 0)
            q++;
        for (int k = 0; k < 3; k++) {
            struct rq_row *row = &z->row[at];

            z->cols[row->at + row->nact++] = (uint16_t)i;
            at += q;
            while (at >= p->S)
                at -= p->S;
        }
        r = r + 1 < p->S ? r + 1 : 0;
    }
    for (uint32_t i = 0; i < p->S; i++) {
        struct rq_row *row = &z->row[i];
        uint16_t *end;

        z->cols[row->at + row->nact++] = (uint16_t)(p->B + i);
        end = z->cols + row->at + row->nact;
        end[0] = (uint16_t)(p->W + i % p->P);
        end[1] = (uint16_t)(p->W + (i + 1) % p->P);
        row->n = row->nact + 2;
    }
}

static void lt_row(struct rq_symbolic *z, uint32_t r, uint32_t at,
                   const struct small_tuple *t)
{
    struct rq_tuple tuple = {t->d, t->a, t->b, t->d1, t->a1, t->b1};

    z->row[r] = (struct rq_row){at, t->d, (uint16_t)(t->d + t->d1)};
    rq_lt_columns(&z->tupler, &tuple, z->cols + at);
}

static void transpose(struct rq_symbolic *z)
{
    uint32_t W = z->p.W, *at = z->col_at;

    memset(at, 0, (W + 1) * sizeof(*at));
    for (uint32_t r = 0; r < z->nrows; r++) {
        const uint16_t *c = z->cols + z->row[r].at;

        for (uint32_t i = 0; i < z->row[r].nact; i++)
            at[c[i]]++;
    }
    for (uint32_t c = 1; c <= W; c++)
        at[c] += at[c - 1];
    for (uint32_t r = z->nrows; r-- > 0;) {
        const uint16_t *c = z->cols + z->row[r].at;

        for (uint32_t i = 0; i < z->row[r].nact; i++)
            z->col_row[--at[c[i]]] = (uint16_t)r;
    }
}

int rq_matrix_build(struct rq_symbolic *z, const struct rq_params *p,
                    const uint32_t *isi, uint32_t n)
{
    uint32_t ldpc = p->S * ldpc_capacity(p), at, total;
    struct rq_carver carve = {NULL, 0};
    struct small_tuple *tuples;
    int rc;

    if (n > RQ_ROWS_MAX - p->S - SPARE_ROWS)
        return RQ_ERR_LIMIT;
    z->p = *p;
    z->nrows = z->nrows_peeled = p->S + n;
    rq_tupler_init(&z->tupler, p);

    rc = rq_buf_need(z->mem, &z->b_rows,
                     (z->nrows + SPARE_ROWS) * (sizeof(*z->row) + sizeof(*tuples)) +
                         (p->W + 1) * sizeof(*z->col_at) + 3 * RQ_ALIGN);
    if (rc < 0)
        return rc;
    carve.base = z->b_rows.p;
    z->row = rq_carve(&carve, (z->nrows + SPARE_ROWS) * sizeof(*z->row));
    z->col_at = rq_carve(&carve, (p->W + 1) * sizeof(*z->col_at));
    tuples = rq_carve(&carve, n * sizeof(*tuples));
    total = make_tuples(z, isi, n, tuples);

    rc = rq_buf_need(z->mem, &z->b_cols,
                     (2 * (ldpc + total) + SPARE_ROWS * RQ_LT_MAX) * sizeof(*z->cols));
    if (rc < 0)
        return rc;
    z->col_row = z->b_cols.p;
    z->cols = z->col_row + ldpc + total;
    ldpc_rows(z);
    at = ldpc;
    for (uint32_t i = 0; i < n; i++) {
        lt_row(z, p->S + i, at, &tuples[i]);
        at += z->row[p->S + i].n;
    }
    transpose(z);
    return RQ_OK;
}

int rq_matrix_add(struct rq_symbolic *z, const uint32_t *isi, uint32_t n)
{
    if (z->nrows + n > z->nrows_peeled + SPARE_ROWS)
        return RQ_FULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct rq_row *last = &z->row[z->nrows - 1];
        struct small_tuple t;

        make_tuples(z, &isi[i], 1, &t);
        lt_row(z, z->nrows, last->at + last->n, &t);
        z->nrows++;
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
        uint32_t lo, hi;

        b = b >= p->H ? b - p->H : b;
        lo = a < b ? a : b;
        hi = a < b ? b : a;
        pair[j] = (uint8_t)(hi * (hi - 1) / 2 + lo);
    }
    pair[last] = (uint8_t)rq_pairs(p->H);
}
