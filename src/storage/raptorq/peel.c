/* Inactivation: orders rows and columns of the binary part so that it becomes lower
 * triangular but for few columns.
 *
 * Rows with one active column left are peeled at once, light rows first: a row that is
 * not peeled is gathered once instead of twice. When there are none, a column is
 * inactivated. Rows with two active columns are edges between columns; giving up one
 * column of a connected component lets all the others peel, so the largest component
 * is taken, and in it the column with most rows (RFC 6330 5.4.2.2 suggests the like).
 * Components never lose a column without losing all, hence union-find without deletion
 * and a heap with stale entries suffice. */
#include <string.h>

#include "storage/raptorq/symbolic.h"

#define BUCKETS 32

struct peeler {
    struct rq_symbolic *z;
    uint64_t *state; /* per row: level << 32 | active columns << 16 | XOR of these */
    uint16_t *next;  /* per row: stack links of the buckets below */
    uint16_t *pivot; /* per row: the column peeled by it, or RQ_NONE */
    uint16_t *fresh; /* rows that just came down to one column */
    uint32_t *count; /* per level: rows */
    uint8_t *alive;  /* per column below W */
    uint16_t *parent, *size, *best; /* components, per column */
    uint16_t *edges;                /* rows that came down to two columns */
    uint32_t *heap;                 /* size << 16 | root */
    uint32_t n_edges, n_heap, levels, M, u;
    uint16_t bucket[BUCKETS]; /* rows with one column, by weight */
    uint32_t filled;          /* bit i: bucket i is not empty */
};

static void push_ready(struct peeler *e, uint32_t r)
{
    uint32_t weight = e->z->row[r].n;
    uint32_t b = weight < BUCKETS ? weight : BUCKETS - 1;

    e->next[r] = e->bucket[b];
    e->bucket[b] = (uint16_t)r;
    e->filled |= 1u << b;
}

static uint32_t pop_ready(struct peeler *e)
{
    uint32_t b = (uint32_t)__builtin_ctz(e->filled);
    uint32_t r = e->bucket[b];

    e->bucket[b] = e->next[r];
    if (e->bucket[b] == RQ_NONE)
        e->filled &= ~(1u << b);
    return r;
}

/* Column @c is active no more; rows that contain it are at least on @level. The loop
 * takes no branch on what it finds. */
static void drop_column(struct peeler *e, uint32_t c, uint32_t level)
{
    const struct rq_symbolic *z = e->z;
    const uint16_t *row = z->col_row + z->col_at[c];
    const uint16_t *end = z->col_row + z->col_at[c + 1];
    uint16_t *edges = e->edges + e->n_edges, *fresh = e->fresh;

    e->alive[c] = 0;
    for (; row < end; row++) {
        uint64_t s = e->state[*row];
        uint32_t low = ((uint32_t)s - 0x10000) ^ c, high = (uint32_t)(s >> 32);

        high = high < level ? level : high;
        e->state[*row] = (uint64_t)high << 32 | low;
        *edges = *row;
        edges += low >> 16 == 2;
        *fresh = *row;
        fresh += low >> 16 == 1;
    }
    e->n_edges = (uint32_t)(edges - e->edges);
    while (fresh > e->fresh)
        push_ready(e, *--fresh);
}

static void inactivate(struct peeler *e, uint32_t c)
{
    e->z->inactive[e->u++] = (uint16_t)c;
    drop_column(e, c, 0);
}

static void peel_ready(struct peeler *e)
{
    while (e->filled) {
        uint32_t r = pop_ready(e);
        uint64_t s = e->state[r];
        uint32_t level = (uint32_t)(s >> 32), c = s & 0xffff;

        if ((s >> 16 & 0xffff) != 1)
            continue;
        e->pivot[r] = (uint16_t)c;
        e->count[level]++;
        e->levels = level >= e->levels ? level + 1 : e->levels;
        e->M++;
        drop_column(e, c, level + 1);
    }
}

static uint32_t active(const struct peeler *e, uint32_t r)
{
    return e->state[r] >> 16 & 0xffff;
}

static uint32_t col_weight(const struct peeler *e, uint32_t c)
{
    return e->z->col_at[c + 1] - e->z->col_at[c];
}

static uint32_t find_root(struct peeler *e, uint32_t c)
{
    while (e->parent[c] != c) {
        e->parent[c] = e->parent[e->parent[c]];
        c = e->parent[c];
    }
    return c;
}

static void heap_push(struct peeler *e, uint32_t v)
{
    uint32_t i = e->n_heap++;

    for (; i > 0 && e->heap[(i - 1) / 2] < v; i = (i - 1) / 2)
        e->heap[i] = e->heap[(i - 1) / 2];
    e->heap[i] = v;
}

static uint32_t heap_pop(struct peeler *e)
{
    uint32_t top = e->heap[0], v = e->heap[--e->n_heap], i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= e->n_heap)
            break;
        if (child + 1 < e->n_heap && e->heap[child + 1] > e->heap[child])
            child++;
        if (e->heap[child] <= v)
            break;
        e->heap[i] = e->heap[child];
        i = child;
    }
    e->heap[i] = v;
    return top;
}

/* One active column of a row that has some. */
static uint32_t first_alive(const struct peeler *e, uint32_t r)
{
    const uint16_t *c = e->z->cols + e->z->row[r].at;

    while (!e->alive[*c])
        c++;
    return *c;
}

static void join(struct peeler *e, uint32_t r)
{
    uint32_t c = first_alive(e, r);
    uint32_t a = find_root(e, c),
             b = find_root(e, (uint32_t)(e->state[r] & 0xffff) ^ c);

    if (a == b)
        return;
    if (e->size[a] < e->size[b]) {
        uint32_t t = a;

        a = b;
        b = t;
    }
    e->parent[b] = (uint16_t)a;
    e->size[a] += e->size[b];
    if (col_weight(e, e->best[b]) > col_weight(e, e->best[a]))
        e->best[a] = e->best[b];
    heap_push(e, (uint32_t)e->size[a] << 16 | a);
}

/* A column of the largest component, or RQ_NONE if no row has two columns left. */
static uint32_t best_of_largest(struct peeler *e)
{
    for (uint32_t i = 0; i < e->n_edges; i++)
        if (active(e, e->edges[i]) == 2)
            join(e, e->edges[i]);
    e->n_edges = 0;
    while (e->n_heap) {
        uint32_t top = heap_pop(e), root = top & 0xffff;

        if (e->alive[root] && e->parent[root] == root && e->size[root] == top >> 16)
            return e->best[root];
    }
    return RQ_NONE;
}

/* No row has fewer than three columns: gives up all columns but one of the row with
 * fewest, or whatever is left when no row is. Rare. */
static void inactivate_lightest(struct peeler *e)
{
    struct rq_symbolic *z = e->z;
    uint32_t lightest = RQ_NONE, n = UINT32_MAX, keep = RQ_NONE;

    for (uint32_t r = 0; r < z->nrows; r++)
        if (active(e, r) && active(e, r) < n) {
            n = active(e, r);
            lightest = r;
        }
    if (lightest == RQ_NONE) {
        for (uint32_t c = 0; c < z->p.W; c++)
            if (e->alive[c])
                inactivate(e, c);
        return;
    }
    for (uint32_t i = 0; i < z->row[lightest].n; i++) {
        uint32_t c = z->cols[z->row[lightest].at + i];

        if (!e->alive[c])
            continue;
        if (keep == RQ_NONE) {
            keep = c;
            continue;
        }
        if (col_weight(e, c) < col_weight(e, keep)) {
            uint32_t t = c;

            c = keep;
            keep = t;
        }
        inactivate(e, c);
    }
}

static void start(struct peeler *e)
{
    struct rq_symbolic *z = e->z;

    for (uint32_t b = 0; b < BUCKETS; b++)
        e->bucket[b] = RQ_NONE;
    for (uint32_t c = 0; c < z->p.W; c++) {
        e->alive[c] = 1;
        e->parent[c] = e->best[c] = (uint16_t)c;
        e->size[c] = 1;
    }
    for (uint32_t c = z->p.W; c < z->p.L; c++)
        z->inactive[e->u++] = (uint16_t)c;
    memset(e->pivot, 0xff, z->nrows * sizeof(*e->pivot));
    memset(e->count, 0, z->p.W * sizeof(*e->count));
    for (uint32_t r = 0; r < z->nrows; r++) {
        const struct rq_row *row = &z->row[r];

        e->state[r] = (uint32_t)row->n << 16 | row->sum;
        e->edges[e->n_edges] = (uint16_t)r;
        e->n_edges += row->n == 2;
        if (row->n == 1)
            push_ready(e, r);
    }
}

static void run(struct peeler *e)
{
    start(e);
    peel_ready(e);
    while (e->M + e->u < e->z->p.L) {
        uint32_t c = best_of_largest(e);

        if (c != RQ_NONE)
            inactivate(e, c);
        else
            inactivate_lightest(e);
        peel_ready(e);
    }
}

/* Sorts the peeled rows by level and, within one, by number, so that symbols are read
 * nearly in sequence and neighbours do not wait for each other. */
static void order_by_level(struct peeler *e)
{
    struct rq_symbolic *z = e->z;
    uint32_t sum = 0, residual = e->M;

    for (uint32_t l = 0; l < e->levels; l++) {
        uint32_t n = e->count[l];

        e->count[l] = sum;
        sum += n;
    }
    for (uint32_t r = 0; r < z->nrows; r++) {
        uint32_t s;

        if (e->pivot[r] == RQ_NONE) {
            z->order[residual++] = (uint16_t)r;
            continue;
        }
        /* dropping its own column raised the row by one */
        s = e->count[(e->state[r] >> 32) - 1]++;
        z->order[s] = (uint16_t)r;
        z->slot[e->pivot[r]] = (uint16_t)s;
    }
}

/* Writes what row order[@k] fetches, peeled slots first, but not the slot @self;
 * returns the end of its list. Slots are put down from both ends without looking. There
 * is one place more than slots until the end, so nothing is overwritten; the last slot
 * goes to the place that stays empty. */
static uint16_t *write_fetch(struct rq_symbolic *z, uint32_t k, uint32_t self,
                             uint16_t *out)
{
    const struct rq_row *row = &z->row[z->order[k]];
    const uint16_t *c = z->cols + row->at;
    uint32_t n = row->n + row->npi - (self != RQ_NONE), M = z->M;
    uint16_t *low = out, *high = out + n;

    for (uint32_t i = 0; i < row->n; i++) {
        uint32_t s = z->slot[c[i]];

        *low = (uint16_t)s;
        *high = (uint16_t)s;
        low += s < M && s != self;
        high -= s >= M;
    }
    for (uint32_t i = 0; i < row->npi; i++)
        *high-- = z->slot[row->pi[i]];
    *low = out[n];
    z->fetch[k].nact = (uint8_t)(low - out);
    z->fetch[k].nin = (uint8_t)(n - z->fetch[k].nact);
    return out + n;
}

static uint32_t total_weight(const struct rq_symbolic *z)
{
    uint32_t n = 1;

    for (uint32_t r = 0; r < z->nrows; r++)
        n += z->row[r].n + z->row[r].npi;
    return n;
}

/* The lists are rewritten as a whole: rows are added rarely. */
static int write_lists(struct rq_symbolic *z)
{
    size_t size = total_weight(z) * sizeof(*z->idx);
    int rc = rq_buf_need_spare(z->mem, &z->b_list, size, size / 8);
    uint16_t *out;

    if (rc < 0)
        return rc;
    out = z->idx = z->b_list.p;
    for (uint32_t k = 0; k < z->nrows; k++) {
        if (k == z->M)
            z->idx_residual = out;
        out = write_fetch(z, k, k < z->M ? k : RQ_NONE, out);
    }
    return RQ_OK;
}

static void carve(struct peeler *e, struct rq_carver *c)
{
    struct rq_symbolic *z = e->z;
    uint32_t W = z->p.W, L = z->p.L, rows = z->nrows;
    uint32_t spare = rows + RQ_SPARE_ROWS;

    z->slot = rq_carve(c, L * sizeof(*z->slot));
    z->inactive = rq_carve(c, L * sizeof(*z->inactive));
    z->order = rq_carve(c, spare * sizeof(*z->order));
    z->fetch = rq_carve(c, spare * sizeof(*z->fetch));
    e->state = rq_carve(c, rows * sizeof(*e->state));
    e->next = rq_carve(c, rows * sizeof(*e->next));
    e->pivot = rq_carve(c, rows * sizeof(*e->pivot));
    e->fresh = rq_carve(c, (rows + 1) * sizeof(*e->fresh));
    e->count = z->heads = rq_carve(c, (W + spare) * sizeof(*e->count));
    e->alive = rq_carve(c, W);
    e->parent = rq_carve(c, W * sizeof(*e->parent));
    e->size = rq_carve(c, W * sizeof(*e->size));
    e->best = rq_carve(c, W * sizeof(*e->best));
    e->edges = rq_carve(c, (rows + 1) * sizeof(*e->edges));
    e->heap = rq_carve(c, (W + 1) * sizeof(*e->heap));
}

int rq_peel(struct rq_symbolic *z)
{
    struct peeler e = {.z = z};
    struct rq_carver c = {NULL, 0};
    int rc;

    carve(&e, &c);
    rc = rq_buf_need(z->mem, &z->b_peel, c.used);
    if (rc < 0)
        return rc;
    c = (struct rq_carver){z->b_peel.p, 0};
    carve(&e, &c);
    run(&e);
    z->M = e.M;
    z->u = e.u;
    for (uint32_t i = 0; i < e.u; i++)
        z->slot[z->inactive[i]] = (uint16_t)(e.M + i);
    order_by_level(&e);
    return write_lists(z);
}

int rq_peel_extend(struct rq_symbolic *z)
{
    for (uint32_t r = z->nrows_peeled; r < z->nrows; r++)
        z->order[r] = (uint16_t)r;
    return write_lists(z);
}

void rq_symbolic_free(struct rq_symbolic *z)
{
    rq_buf_free(z->mem, &z->b_rows);
    rq_buf_free(z->mem, &z->b_cols);
    rq_buf_free(z->mem, &z->b_peel);
    rq_buf_free(z->mem, &z->b_list);
    rq_buf_free(z->mem, &z->b_bits);
    rq_buf_free(z->mem, &z->b_dense);
    rq_buf_free(z->mem, &z->b_program);
}
