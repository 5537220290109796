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
    uint32_t *state;  /* per row: active columns << 16 | XOR of their numbers */
    uint16_t *next;   /* per row: stack links of the buckets below */
    uint16_t *pivot;  /* per slot k in order of peeling: its column */
    uint16_t *row_of; /* per slot k: its row */
    uint8_t *alive;   /* per column below W */
    uint16_t *level;  /* per slot k */
    uint16_t *parent, *size, *best; /* components, per column */
    uint16_t *edges;  /* rows that came down to two columns */
    uint32_t *heap;   /* size << 16 | root */
    uint32_t n_edges, n_heap, M, u;
    uint16_t bucket[BUCKETS]; /* rows with one column, by weight */
    uint32_t filled;          /* bit i: bucket i is not empty */
};

static void push_ready(struct peeler *e, uint32_t r)
{
    uint32_t weight = e->z->row[r].nact;
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

/* Column @c is active no more. */
static void drop_column(struct peeler *e, uint32_t c)
{
    const struct rq_symbolic *z = e->z;

    e->alive[c] = 0;
    for (uint32_t i = z->col_at[c]; i < z->col_at[c + 1]; i++) {
        uint32_t r = z->col_row[i];
        uint32_t s = (e->state[r] - 0x10000) ^ c;

        e->state[r] = s;
        if (s >= 0x30000)
            continue;
        if (s >= 0x20000)
            e->edges[e->n_edges++] = (uint16_t)r;
        else if (s >= 0x10000)
            push_ready(e, r);
    }
}

static void inactivate(struct peeler *e, uint32_t c)
{
    e->z->inactive[e->u++] = (uint16_t)c;
    drop_column(e, c);
}

static void peel_ready(struct peeler *e)
{
    while (e->filled) {
        uint32_t r = pop_ready(e);
        uint32_t c = e->state[r] & 0xffff;

        if (e->state[r] >> 16 != 1)
            continue;
        e->row_of[e->M] = (uint16_t)r;
        e->pivot[e->M] = (uint16_t)c;
        e->z->slot[c] = (uint16_t)e->M++;
        drop_column(e, c);
    }
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
    uint32_t a = find_root(e, c), b = find_root(e, (e->state[r] & 0xffff) ^ c);

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
        if (e->state[e->edges[i]] >> 16 == 2)
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
        if (e->state[r] >> 16 && e->state[r] >> 16 < n) {
            n = e->state[r] >> 16;
            lightest = r;
        }
    if (lightest == RQ_NONE) {
        for (uint32_t c = 0; c < z->p.W; c++)
            if (e->alive[c])
                inactivate(e, c);
        return;
    }
    for (uint32_t i = 0; i < z->row[lightest].nact; i++) {
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
    for (uint32_t r = 0; r < z->nrows; r++) {
        const uint16_t *c = z->cols + z->row[r].at;
        uint32_t n = z->row[r].nact, x = 0;

        for (uint32_t i = 0; i < n; i++)
            x ^= c[i];
        e->state[r] = n << 16 | x;
        if (n == 1)
            push_ready(e, r);
        else if (n == 2)
            e->edges[e->n_edges++] = (uint16_t)r;
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

/* Level of a peeled row: one more than the highest among the rows it needs. Returns
 * the number of levels. */
static uint32_t find_levels(struct peeler *e)
{
    struct rq_symbolic *z = e->z;
    uint32_t n = 0;

    for (uint32_t k = 0; k < e->M; k++) {
        const struct rq_row *row = &z->row[e->row_of[k]];
        const uint16_t *c = z->cols + row->at;
        uint32_t level = 0;

        for (uint32_t i = 0; i < row->nact; i++) {
            uint32_t s = z->slot[c[i]];

            if (s < k && e->level[s] >= level)
                level = e->level[s] + 1u;
        }
        e->level[k] = (uint16_t)level;
        n = level >= n ? level + 1 : n;
    }
    return n;
}

/* Sorts the peeled rows by level and, within one, by number, so that symbols are read
 * nearly in sequence and neighbours do not wait for each other. */
static void order_by_level(struct peeler *e, uint32_t *count, uint16_t *peeled_at)
{
    struct rq_symbolic *z = e->z;
    uint32_t levels = find_levels(e), sum = 0, residual = e->M;

    memset(count, 0, levels * sizeof(*count));
    memset(peeled_at, 0xff, z->nrows * sizeof(*peeled_at));
    for (uint32_t k = 0; k < e->M; k++) {
        count[e->level[k]]++;
        peeled_at[e->row_of[k]] = (uint16_t)k;
    }
    for (uint32_t l = 0; l < levels; l++) {
        uint32_t n = count[l];

        count[l] = sum;
        sum += n;
    }
    for (uint32_t r = 0; r < z->nrows; r++) {
        uint32_t k = peeled_at[r], s;

        if (k == RQ_NONE) {
            z->order[residual++] = (uint16_t)r;
            continue;
        }
        s = count[e->level[k]]++;
        z->order[s] = (uint16_t)r;
        z->slot[e->pivot[k]] = (uint16_t)s;
    }
}

/* Writes what row order[@k] gathers; returns the end of its list. */
static uint16_t *write_fetch(struct rq_symbolic *z, uint32_t k, uint16_t *out)
{
    const struct rq_row *row = &z->row[z->order[k]];
    const uint16_t *c = z->cols + row->at, *end = c + row->n;
    uint16_t inactive[256]; /* a row has at most 3 * 62 + 3 columns */
    uint32_t nact = 0, nin = 0;

    for (; c < end; c++) {
        uint32_t s = z->slot[*c];

        if (s == k && k < z->M)
            continue;
        if (s < z->M)
            out[nact++] = (uint16_t)s;
        else
            inactive[nin++] = (uint16_t)s;
    }
    memcpy(out + nact, inactive, nin * sizeof(*out));
    z->fetch[k] = (struct rq_fetch){(uint16_t)nact, (uint16_t)nin};
    return out + nact + nin;
}

static uint32_t total_weight(const struct rq_symbolic *z)
{
    uint32_t n = 0;

    for (uint32_t r = 0; r < z->nrows; r++)
        n += z->row[r].n;
    return n;
}

/* The lists are rewritten as a whole: rows are added rarely. */
static int write_lists(struct rq_symbolic *z)
{
    uint16_t *out;
    int rc;

    rc = rq_buf_need(z->mem, &z->b_list, total_weight(z) * sizeof(*z->idx));
    if (rc < 0)
        return rc;
    out = z->idx = z->b_list.p;
    for (uint32_t k = 0; k < z->nrows; k++) {
        if (k == z->M)
            z->idx_residual = out;
        out = write_fetch(z, k, out);
    }
    return RQ_OK;
}

static void carve(struct peeler *e, struct rq_carver *c)
{
    struct rq_symbolic *z = e->z;
    uint32_t W = z->p.W, L = z->p.L, rows = z->nrows, spare = rows + 64;

    z->slot = rq_carve(c, L * sizeof(*z->slot));
    z->inactive = rq_carve(c, L * sizeof(*z->inactive));
    z->order = rq_carve(c, spare * sizeof(*z->order));
    z->fetch = rq_carve(c, spare * sizeof(*z->fetch));
    e->state = rq_carve(c, rows * sizeof(*e->state));
    e->next = rq_carve(c, rows * sizeof(*e->next));
    e->pivot = rq_carve(c, W * sizeof(*e->pivot));
    e->row_of = rq_carve(c, W * sizeof(*e->row_of));
    e->alive = rq_carve(c, W);
    e->level = rq_carve(c, W * sizeof(*e->level));
    e->parent = rq_carve(c, W * sizeof(*e->parent));
    e->size = rq_carve(c, W * sizeof(*e->size));
    e->best = rq_carve(c, W * sizeof(*e->best));
    e->edges = rq_carve(c, rows * sizeof(*e->edges));
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
    order_by_level(&e, e.heap, e.next);
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
}
