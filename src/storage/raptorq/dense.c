/* What peeling left: R residual rows and H HDPC rows in u inactive columns.
 *
 * Every peeled column is a sum of inactive ones, a row of bits; these rows are computed
 * like symbols, 512 columns at a time. Residual rows become bits likewise, HDPC rows
 * octets. Bits are eliminated first, so that at most H columns see octets. */
#include <string.h>

#include "storage/raptorq/symbolic.h"

#define CHUNK 512 /* inactive columns in one slice of bits */

const uint8_t rq_pair_rows[RQ_PAIRS_MAX][2] = {
#define PAIR(a, b) {a, b},
#define UP1(b)     PAIR(0, b)
#define UP2(b)     UP1(b) PAIR(1, b)
#define UP3(b)     UP2(b) PAIR(2, b)
#define UP4(b)     UP3(b) PAIR(3, b)
#define UP5(b)     UP4(b) PAIR(4, b)
#define UP6(b)     UP5(b) PAIR(5, b)
#define UP7(b)     UP6(b) PAIR(6, b)
#define UP8(b)     UP7(b) PAIR(7, b)
#define UP9(b)     UP8(b) PAIR(8, b)
#define UP10(b)    UP9(b) PAIR(9, b)
#define UP11(b)    UP10(b) PAIR(10, b)
#define UP12(b)    UP11(b) PAIR(11, b)
#define UP13(b)    UP12(b) PAIR(12, b)
#define UP14(b)    UP13(b) PAIR(13, b)
#define UP15(b)    UP14(b) PAIR(14, b)
    UP1(1) UP2(2) UP3(3) UP4(4) UP5(5) UP6(6) UP7(7) UP8(8) UP9(9) UP10(10) UP11(11)
        UP12(12) UP13(13) UP14(14) UP15(15)};

struct dense {
    struct rq_symbolic *z;
    uint32_t R;        /* residual rows */
    uint32_t chunks;   /* of inactive columns */
    uint8_t *rows;     /* L + R rows of 64 octets: one chunk of every slot and row */
    uint8_t *acc;      /* pairs and the last column, 512 octets each */
    uint8_t *hdpc;     /* [H] rows of CHUNK * chunks octets */
    uint8_t *factor;   /* [H] rows of factor_stride: pivots taken off HDPC rows */
    uint8_t *solution; /* [H] rows of factor_stride */
    size_t hdpc_stride, factor_stride;
};

static void set_bit(uint8_t *row, uint32_t i)
{
    row[i >> 3] |= (uint8_t)(1u << (i & 7));
}

static bool has_bit(const uint8_t *row, uint32_t i)
{
    return row[i >> 3] >> (i & 7) & 1;
}

/* The bits of all columns and residual rows for inactive columns [from, from + 512). */
static void chunk_bits(const struct dense *d, uint32_t from)
{
    const struct rq_symbolic *z = d->z;
    struct rq_gather g = {.n = z->M, .all = true, .fetch = z->fetch, .idx = z->idx};
    uint8_t *units = d->rows + (size_t)z->M * 64;
    uint32_t n = z->u - from < CHUNK ? z->u - from : CHUNK;

    memset(units, 0, (size_t)z->u * 64);
    for (uint32_t i = 0; i < n; i++)
        set_bit(units + (size_t)(from + i) * 64, i);
    z->kernels->gather(&g, d->rows, 64);
    g.first = z->p.L;
    g.n = d->R;
    g.fetch = z->fetch + z->M;
    g.idx = z->idx_residual;
    z->kernels->gather(&g, d->rows, 64);
}

static void chunk_residual(const struct dense *d, uint32_t chunk)
{
    const struct rq_symbolic *z = d->z;
    const uint8_t *in = d->rows + (size_t)z->p.L * 64;

    for (uint32_t i = 0; i < d->R; i++)
        memcpy(z->bits + i * z->bits_stride + chunk * 64, in + i * (size_t)64, 64);
}

static void chunk_hdpc(const struct dense *d, uint32_t chunk)
{
    const struct rq_symbolic *z = d->z;
    const struct rq_kernels *k = z->kernels;
    uint32_t pairs = rq_pairs(z->p.H), left = z->u - chunk * CHUNK;
    uint32_t groups = left < CHUNK ? (left + 63) / 64 : CHUNK / 64;
    struct rq_hdpc h = {
        .ncol = z->p.Kp + z->p.S, .M = z->M, .slot = z->slot, .pair = z->pair};
    uint8_t *out = d->hdpc + (size_t)chunk * CHUNK;

    for (uint32_t x = 0; x <= pairs; x++)
        memset(d->acc + (size_t)x * CHUNK, 0, groups * 64);
    k->hdpc_bits(&h, d->rows, d->acc, groups);
    for (uint32_t x = 0; x < pairs; x++)
        for (int e = 0; e < 2; e++)
            k->xor_add(out + rq_pair_rows[x][e] * d->hdpc_stride,
                       d->acc + (size_t)x * CHUNK, groups * 64);
    for (uint32_t i = 0; i < z->p.H; i++)
        k->mul_add(out + i * d->hdpc_stride, d->acc + (size_t)pairs * CHUNK, rq_exp[i],
                   groups * 64);
}

/* All of the left side: bits of the residual rows, octets of the HDPC rows. */
static void left_side(const struct dense *d)
{
    const struct rq_symbolic *z = d->z;

    memset(d->hdpc, 0, z->p.H * d->hdpc_stride);
    for (uint32_t c = 0; c < d->chunks; c++) {
        chunk_bits(d, c * CHUNK);
        chunk_residual(d, c);
        chunk_hdpc(d, c);
    }
    for (uint32_t i = 0; i < z->p.H; i++) /* inactive[] begins with the PI columns */
        d->hdpc[i * d->hdpc_stride + z->p.U + i] ^= 1;
}

static void swap_octets(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t t = a[i];

        a[i] = b[i];
        b[i] = t;
    }
}

static void swap_rows(struct rq_symbolic *z, uint32_t a, uint32_t b)
{
    uint16_t t = z->pivot_row[a];

    if (a == b)
        return;
    z->pivot_row[a] = z->pivot_row[b];
    z->pivot_row[b] = t;
    swap_octets(z->bits + a * z->bits_stride, z->bits + b * z->bits_stride,
                z->bits_stride);
    swap_octets(z->lower + a * z->lower_stride, z->lower + b * z->lower_stride,
                z->lower_stride);
}

/* Eliminates the binary rows downwards. Columns without a pivot are left to HDPC. */
static void eliminate_bits(struct dense *d)
{
    struct rq_symbolic *z = d->z;
    uint16_t *free_col = z->pivot_col + z->u; /* filled from the end */
    uint32_t n_free = 0;

    memset(z->lower, 0, d->R * z->lower_stride);
    for (uint32_t i = 0; i < d->R; i++)
        z->pivot_row[i] = (uint16_t)i;
    z->nb = 0;
    for (uint32_t c = 0; c < z->u; c++) {
        uint32_t p = z->nb, i = p;

        while (i < d->R && !has_bit(z->bits + i * z->bits_stride, c))
            i++;
        if (i == d->R) {
            *--free_col = (uint16_t)c;
            n_free++;
            continue;
        }
        swap_rows(z, p, i);
        z->pivot_col[p] = (uint16_t)c;
        z->nb++;
        z->kernels->eliminate(z->bits + (p + 1) * z->bits_stride, z->bits_stride,
                              d->R - p - 1, z->bits + p * z->bits_stride, c,
                              z->lower + (p + 1) * z->lower_stride, z->lower_stride, p);
    }
    z->nh = n_free;
}

/* Takes the binary pivots off the HDPC rows. */
static void reduce_hdpc(const struct dense *d)
{
    const struct rq_symbolic *z = d->z;
    uint32_t groups = (z->u + 63) / 64;

    memset(d->factor, 0, z->p.H * d->factor_stride);
    for (uint32_t p = 0; p < z->nb; p++)
        for (uint32_t i = 0; i < z->p.H; i++) {
            uint8_t *row = d->hdpc + i * d->hdpc_stride;
            uint8_t c = row[z->pivot_col[p]];

            if (c == 0)
                continue;
            z->kernels->mul_add_bits(row, z->bits + p * z->bits_stride, c, groups);
            d->factor[i * d->factor_stride + p] = c;
        }
}

static void row_scale(uint8_t *row, uint8_t c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        row[i] = rq_mul(row[i], c);
}

static void row_mul_add(uint8_t *row, const uint8_t *from, uint8_t c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        row[i] ^= rq_mul(from[i], c);
}

/* The free columns in terms of the HDPC rows: inverts their nh x nh part. Row f of
 * @inverse (H octets) is the combination of HDPC rows that yields free column f. */
static bool solve_free(const struct dense *d, uint8_t inverse[16][16])
{
    const struct rq_symbolic *z = d->z;
    uint32_t H = z->p.H, nh = z->nh;
    uint8_t m[16][32] = {{0}};

    if (nh > H)
        return false;
    for (uint32_t i = 0; i < H; i++) {
        for (uint32_t f = 0; f < nh; f++)
            m[i][f] = d->hdpc[i * d->hdpc_stride + z->pivot_col[z->nb + f]];
        m[i][nh + i] = 1;
    }
    for (uint32_t f = 0; f < nh; f++) {
        uint32_t i = f;

        while (i < H && m[i][f] == 0)
            i++;
        if (i == H)
            return false;
        if (i != f)
            swap_octets(m[i], m[f], nh + H);
        row_scale(m[f], rq_inv(m[f][f]), nh + H);
        for (i = 0; i < H; i++)
            if (i != f && m[i][f])
                row_mul_add(m[i], m[f], m[i][f], nh + H);
    }
    for (uint32_t f = 0; f < nh; f++)
        memcpy(inverse[f], m[f] + nh, H);
    return true;
}

/* The data phase ends the recurrence behind column W-1: the columns that follow are
 * inactive, zeros as far as it goes, and just multiply what is carried into them by
 * alpha. What HDPC row i has of that is @carry[i] times. */
static void carry_of_rows(const struct rq_symbolic *z, uint8_t carry[16])
{
    uint32_t last = z->p.Kp + z->p.S - 1;
    uint8_t c = 1;

    memset(carry, 0, 16);
    for (uint32_t j = z->p.W; j <= last; j++) {
        c = rq_mul(2, c);
        for (int e = 0; j < last && e < 2; e++)
            carry[rq_pair_rows[z->pair[j]][e]] ^= c;
    }
    for (uint32_t i = 0; i < z->p.H; i++)
        carry[i] ^= rq_mul(rq_exp[i], c);
}

/* Q = (inverse * factor | inverse | inverse * carry), transposed: one row per term. */
static void write_Q(const struct dense *d, uint8_t inverse[16][16])
{
    const struct rq_symbolic *z = d->z;
    uint8_t *carried = z->Q + (z->nb + z->p.H) * (size_t)RQ_Q_STRIDE, carry[16];

    carry_of_rows(z, carry);
    memset(d->solution, 0, z->p.H * d->factor_stride);
    memset(z->Q, 0, (z->nb + z->p.H + 1) * (size_t)RQ_Q_STRIDE);
    for (uint32_t f = 0; f < z->nh; f++) {
        uint8_t *out = d->solution + f * d->factor_stride;

        for (uint32_t i = 0; i < z->p.H; i++) {
            if (inverse[f][i] == 0)
                continue;
            z->kernels->mul_add(out, d->factor + i * d->factor_stride, inverse[f][i],
                                d->factor_stride);
            z->Q[(z->nb + i) * RQ_Q_STRIDE + f] = inverse[f][i];
            carried[f] ^= rq_mul(inverse[f][i], carry[i]);
        }
        for (uint32_t p = 0; p < z->nb; p++)
            z->Q[p * RQ_Q_STRIDE + f] = out[p];
    }
}

static void carve(struct dense *d, struct rq_carver *c)
{
    struct rq_symbolic *z = d->z;
    const struct rq_params *p = &z->p;

    z->pair = rq_carve(c, p->Kp + p->S);
    z->pivot_row = rq_carve(c, d->R * sizeof(uint16_t));
    z->pivot_col = rq_carve(c, z->u * sizeof(uint16_t));
    z->bits = rq_carve(c, d->R * z->bits_stride);
    z->lower = rq_carve(c, d->R * z->lower_stride);
    z->Q = rq_carve(c, (z->u + p->H + 1) * (size_t)RQ_Q_STRIDE);
    d->acc = rq_carve(c, (rq_pairs(p->H) + 1) * (size_t)CHUNK);
    d->hdpc = rq_carve(c, p->H * d->hdpc_stride);
    d->factor = rq_carve(c, p->H * d->factor_stride);
    d->solution = rq_carve(c, p->H * d->factor_stride);
}

int rq_dense(struct rq_symbolic *z)
{
    struct dense d = {.z = z, .R = z->nrows - z->M};
    struct rq_carver c = {NULL, 0};
    uint8_t inverse[16][16];
    int rc;

    d.chunks = (z->u + CHUNK - 1) / CHUNK;
    d.hdpc_stride = (size_t)d.chunks * CHUNK;
    d.factor_stride = rq_round_up(z->u, 64);
    z->bits_stride = (size_t)d.chunks * 64;
    z->lower_stride = rq_round_up((z->u + 7) / 8, 8);
    rc = rq_buf_need_spare(z->mem, &z->b_bits, ((size_t)z->p.L + d.R) * 64, z->u * 64);
    if (rc < 0)
        return rc;
    d.rows = z->b_bits.p;
    carve(&d, &c);
    rc = rq_buf_need_spare(z->mem, &z->b_dense, c.used, c.used / 2);
    if (rc < 0)
        return rc;
    c = (struct rq_carver){z->b_dense.p, 0};
    carve(&d, &c);

    rq_hdpc_pairs(&z->p, z->pair);
    left_side(&d);
    eliminate_bits(&d);
    reduce_hdpc(&d);
    if (!solve_free(&d, inverse))
        return RQ_NEED_MORE;
    write_Q(&d, inverse);
    return RQ_OK;
}
