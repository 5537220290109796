#include "storage/raptorq/plan.h"

#include <string.h>

static size_t Q_size(const struct rq_plan *plan)
{
    return (plan->h.nb + plan->p.H) * (size_t)RQ_Q_STRIDE;
}

/* Pieces of a plan need no more than the alignment of their elements. */
static void *carve_piece(struct rq_carver *c, size_t n)
{
    return rq_carve_aligned(c, n, 8);
}

size_t rq_plan_place(struct rq_plan *plan, uint8_t *body)
{
    const struct rq_plan_head *h = &plan->h;
    struct rq_carver c = {body, 0};
    uint32_t rows = h->M + h->n_residual, u = h->nb + h->nh;

    plan->body = body;
    plan->row = carve_piece(&c, rows * sizeof(*plan->row));
    plan->fetch = carve_piece(&c, rows * sizeof(*plan->fetch));
    plan->idx =
        carve_piece(&c, ((size_t)h->idx_peeled + h->idx_residual) * sizeof(*plan->idx));
    plan->residual_dst = carve_piece(&c, h->n_residual * sizeof(*plan->residual_dst));
    plan->fold_dst = carve_piece(&c, h->n_fold * sizeof(*plan->fold_dst));
    plan->fold = carve_piece(&c, h->n_fold * sizeof(*plan->fold));
    plan->fold_idx = carve_piece(&c, h->idx_fold * sizeof(*plan->fold_idx));
    plan->inactive = carve_piece(&c, u * sizeof(*plan->inactive));
    plan->pivot_where = carve_piece(&c, h->nb * sizeof(*plan->pivot_where));
    plan->slot = carve_piece(&c, plan->p.L * sizeof(*plan->slot));
    plan->pair = carve_piece(&c, plan->p.Kp + plan->p.S);
    plan->Q = carve_piece(&c, h->nh ? Q_size(plan) : 0);
    plan->size = c.used;
    return c.used;
}

uint64_t rq_plan_count(const struct rq_plan *plan)
{
    const struct rq_plan_head *h = &plan->h;
    uint64_t n = h->idx_fold - h->n_fold;

    for (uint32_t k = 0; k < h->M + h->n_residual; k++) {
        struct rq_fetch f = plan->fetch[k];
        bool zero = plan->row[k] < plan->p.S;

        n += f.nact - (zero && f.nact);
        if (k < h->M)
            n += f.nact + f.nin - (zero && f.nact + f.nin);
    }
    if (h->nh) {
        n += (plan->p.Kp + plan->p.S) * (uint64_t)(4 + 1); /* the recurrence */
        n += 2 * rq_pairs(plan->p.H) + 4 * plan->p.H;
        n += (uint64_t)h->nh * (h->nb + plan->p.H);
    }
    return n;
}

/* ---- Programs of the dense part ----
 *
 * Half the bits of dense rows are set. Four pivots that are ready are summed in all
 * ways once, 11 sums beyond the pivots themselves; rows then take one sum instead of
 * two pivots ("four Russians"). Sums have slots from L on, reused by both programs. */

#define GROUP        4
#define SUMS         11 /* of two pivots or more */
#define GROUPS_WORTH 10 /* with fewer groups sums do not pay */
#define SLOTS_MAX    65535u

/* Number of a sum among those of its group, by the pivots in it; pivots alone have
 * none. */
static const uint8_t sum_number[16] = {0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 7, 8, 9, 10};

struct program {
    const struct rq_symbolic *z;
    bool sums;
    uint16_t *dst, *row, *idx;
    struct rq_fetch *fetch;
    uint32_t n, n_idx;
};

static void put(struct program *g, uint32_t slot)
{
    g->idx[g->n_idx++] = (uint16_t)slot;
}

/* The entries since @from make up a row into @slot. */
static void end_row(struct program *g, uint32_t slot, uint32_t row, uint32_t from)
{
    g->dst[g->n] = (uint16_t)slot;
    g->fetch[g->n] = (struct rq_fetch){(uint16_t)(g->n_idx - from), 0};
    g->row[g->n++] = (uint16_t)row;
}

/* The slot of the sum @mask of the pivots whose slots are member[0..4). */
static uint32_t sum_slot(const struct program *g, uint32_t group, uint32_t mask,
                         const uint16_t *member)
{
    if ((mask & (mask - 1)) == 0)
        return member[__builtin_ctz(mask)];
    return g->z->p.L + group * SUMS + sum_number[mask];
}

/* All sums of a group: each is one of fewer and one pivot. */
static void end_group(struct program *g, uint32_t group, const uint16_t *member)
{
    for (uint32_t mask = 3; g->sums && mask < 16; mask++) {
        uint32_t from = g->n_idx, rest = mask & (mask - 1);

        if (rest == 0)
            continue;
        put(g, sum_slot(g, group, rest, member));
        put(g, member[__builtin_ctz(mask)]);
        end_row(g, sum_slot(g, group, mask, member), 0, from);
    }
}

/* Puts those of the @n members that the bits say; @whole: their sums are ready. */
static void put_group(struct program *g, uint32_t group, uint32_t bits,
                      const uint16_t *member, bool whole)
{
    if (bits && g->sums && whole) {
        put(g, sum_slot(g, group, bits, member));
        return;
    }
    for (; bits; bits &= bits - 1)
        put(g, member[__builtin_ctz(bits)]);
}

static uint64_t load_le64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* Residual rows in the order of their pivots: peeled slots, then earlier pivots. The
 * list of residual row i in idx_residual begins at heads[i]; slots of pivots in
 * pivot_slot. */
static void residual_program(struct program *g, const uint16_t *pivot_slot)
{
    const struct rq_symbolic *z = g->z;

    for (uint32_t p = 0; p < z->nb; p++) {
        uint32_t i = z->pivot_row[p], r = z->M + i, from = g->n_idx;
        const uint8_t *lower = z->lower + p * z->lower_stride;

        memcpy(g->idx + g->n_idx, z->idx_residual + z->heads[i],
               z->fetch[r].nact * sizeof(*g->idx));
        g->n_idx += z->fetch[r].nact;
        for (uint32_t q = 0; q <= p / GROUP; q++)
            put_group(g, q, lower[q / 2] >> q % 2 * 4 & 15, pivot_slot + q * GROUP,
                      (q + 1) * GROUP <= p);
        end_row(g, pivot_slot[p], z->order[r], from);
        if ((p + 1) % GROUP == 0)
            end_group(g, p / GROUP, pivot_slot + p + 1 - GROUP);
    }
}

/* Pivots from the last to the first: their own slot, and the columns that follow. These
 * count from the end: t = 0 is the last free column. slot_at[t] is its slot; groups[]
 * has room for a bit mask for each group. */
static void fold_program(struct program *g, const uint16_t *slot_at,
                         const uint16_t *t_of, uint8_t *groups)
{
    const struct rq_symbolic *z = g->z;
    uint32_t done = 0;

    for (uint32_t t = 0; t < z->u; t++) {
        uint32_t from = g->n_idx;

        if (t >= z->nh) {
            const uint8_t *bits = z->bits + (z->u - 1 - t) * z->bits_stride;

            memset(groups, 0, t / GROUP + 1);
            for (size_t w = 0; w < z->bits_stride; w += 8)
                for (uint64_t v = load_le64(bits + w); v; v &= v - 1) {
                    uint32_t at = t_of[w * 8 + (uint32_t)__builtin_ctzll(v)];

                    groups[at / GROUP] |= (uint8_t)(1u << at % GROUP);
                }
            for (uint32_t q = 0; q <= t / GROUP; q++)
                put_group(g, q, groups[q], slot_at + q * GROUP, q < done);
            end_row(g, slot_at[t], 0, from);
        }
        if ((t + 1) % GROUP == 0) {
            end_group(g, done, slot_at + t + 1 - GROUP);
            done++;
        }
    }
}

static bool sums_pay(const struct rq_symbolic *z)
{
    return z->nb >= GROUPS_WORTH * GROUP && z->p.L + z->u / GROUP * SUMS <= SLOTS_MAX;
}

/* Room for any programs: rows, and entries beyond what residual rows fetch. */
static void carve_program(struct program *g, struct rq_carver *c, size_t fetched)
{
    size_t u = g->z->u, groups = u / GROUP + 1, rows = u + groups * SUMS;
    size_t per_row = g->sums ? groups + 2 * GROUP : u + 1;

    g->dst = rq_carve(c, rows * sizeof(*g->dst));
    g->row = rq_carve(c, rows * sizeof(*g->row));
    g->fetch = rq_carve(c, rows * sizeof(*g->fetch));
    g->idx = rq_carve(c, (fetched + u * per_row + 2 * groups * SUMS) * sizeof(*g->idx));
}

struct scratch {
    struct program residual, fold;
    uint16_t *pivot_slot; /* [u] in the order of pivots, then the free columns */
    uint16_t *slot_at;    /* [u] see fold_program */
    uint16_t *t_of;       /* [u] by inactive column */
    uint8_t *groups;
};

static void carve(const struct rq_symbolic *z, struct scratch *s, struct rq_carver *c,
                  size_t fetched)
{
    s->residual = s->fold = (struct program){.z = z, .sums = sums_pay(z)};
    s->pivot_slot = rq_carve(c, z->u * sizeof(uint16_t));
    s->slot_at = rq_carve(c, z->u * sizeof(uint16_t));
    s->t_of = rq_carve(c, z->u * sizeof(uint16_t));
    s->groups = rq_carve(c, z->u);
    carve_program(&s->residual, c, fetched);
    carve_program(&s->fold, c, 0);
}

static void write_programs(const struct rq_symbolic *z, struct scratch *s)
{
    for (uint32_t q = 0; q < z->u; q++) {
        uint32_t c = z->pivot_col[q], t = z->u - 1 - q;

        s->pivot_slot[q] = (uint16_t)(z->M + c);
        s->slot_at[t] = (uint16_t)(z->M + c);
        s->t_of[c] = (uint16_t)t;
    }
    residual_program(&s->residual, s->pivot_slot);
    fold_program(&s->fold, s->slot_at, s->t_of, s->groups);
}

/* Finds where the list of each residual row begins; returns the sum of their lengths.
 */
static size_t find_residual(const struct rq_symbolic *z)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < z->nrows - z->M; i++) {
        z->heads[i] = at;
        at += z->fetch[z->M + i].nact + z->fetch[z->M + i].nin;
    }
    return at;
}

static void fill(const struct rq_symbolic *z, const struct scratch *s,
                 struct rq_plan *plan)
{
    const struct rq_plan_head *h = &plan->h;
    const struct program *r = &s->residual, *f = &s->fold;

    memset(plan->body, 0, plan->size); /* padding too: equal plans are equal octets */
    memcpy(plan->row, z->order, z->M * sizeof(*plan->row));
    memcpy(plan->fetch, z->fetch, z->M * sizeof(*plan->fetch));
    memcpy(plan->idx, z->idx, h->idx_peeled * sizeof(*plan->idx));
    memcpy(plan->row + z->M, r->row, r->n * sizeof(*plan->row));
    memcpy(plan->fetch + z->M, r->fetch, r->n * sizeof(*plan->fetch));
    memcpy(plan->idx + h->idx_peeled, r->idx, r->n_idx * sizeof(*plan->idx));
    memcpy(plan->residual_dst, r->dst, r->n * sizeof(*plan->residual_dst));
    memcpy(plan->fold_dst, f->dst, f->n * sizeof(*plan->fold_dst));
    memcpy(plan->fold, f->fetch, f->n * sizeof(*plan->fold));
    memcpy(plan->fold_idx, f->idx, f->n_idx * sizeof(*plan->fold_idx));
    memcpy(plan->inactive, s->pivot_slot, z->u * sizeof(*plan->inactive));
    for (uint32_t p = 0; p < z->nb; p++)
        plan->pivot_where[p] = (uint32_t)plan->inactive[p] << 2;
    memcpy(plan->slot, z->slot, z->p.L * sizeof(*plan->slot));
    memcpy(plan->pair, z->pair, z->p.Kp + z->p.S);
    if (z->nh)
        memcpy(plan->Q, z->Q, Q_size(plan));
    plan->xors = rq_plan_count(plan);
}

static void measure(const struct rq_symbolic *z, const struct scratch *s,
                    struct rq_plan *plan)
{
    plan->p = z->p;
    plan->h = (struct rq_plan_head){.Kp = z->p.Kp,
                                    .nrows = z->nrows,
                                    .M = z->M,
                                    .nb = z->nb,
                                    .nh = z->nh,
                                    .n_slots = z->p.L +
                                               (s->fold.sums ? z->u / GROUP * SUMS : 0),
                                    .n_residual = s->residual.n,
                                    .n_fold = s->fold.n,
                                    .idx_peeled = (uint32_t)(z->idx_residual - z->idx),
                                    .idx_residual = s->residual.n_idx,
                                    .idx_fold = s->fold.n_idx};
    rq_plan_place(plan, NULL);
}

/* Everything but the arrays' final place. */
static int prepare(struct rq_symbolic *z, struct scratch *s, struct rq_plan *plan)
{
    struct rq_carver c = {NULL, 0};
    size_t fetched = find_residual(z);
    int rc;

    carve(z, s, &c, fetched);
    rc = rq_buf_need(z->mem, &z->b_program, c.used);
    if (rc < 0)
        return rc;
    c = (struct rq_carver){z->b_program.p, 0};
    carve(z, s, &c, fetched);
    write_programs(z, s);
    measure(z, s, plan);
    return RQ_OK;
}

int rq_plan_emit(struct rq_symbolic *z, struct rq_buf *buf, struct rq_plan *plan)
{
    struct scratch s;
    int rc = prepare(z, &s, plan);

    if (rc == RQ_OK)
        rc = rq_buf_need(z->mem, buf, plan->size);
    if (rc < 0)
        return rc;
    rq_plan_place(plan, buf->p);
    fill(z, &s, plan);
    return RQ_OK;
}

int rq_plan_take(struct rq_symbolic *z, struct rq_plan **out)
{
    size_t head = rq_round_up(sizeof(**out), RQ_ALIGN);
    struct rq_plan measured, *plan;
    struct scratch s;
    int rc = prepare(z, &s, &measured);

    if (rc < 0)
        return rc;
    plan = rq_mem_get(z->mem, head + measured.size, &rc);
    if (!plan)
        return rc;
    z->mem->used -=
        head + measured.size; /* plans outlive contexts: not theirs to count */
    *plan = measured;
    atomic_init(&plan->refs, 1);
    plan->alloc = z->mem->alloc;
    rq_plan_place(plan, (uint8_t *)plan + head);
    fill(z, &s, plan);
    *out = plan;
    return RQ_OK;
}

int rq_plan_solve(struct rq_symbolic *z, const struct rq_params *p, const uint32_t *isi,
                  uint32_t n)
{
    int rc = rq_matrix_build(z, p, isi, n);

    if (rc == RQ_OK)
        rc = rq_peel(z);
    return rc == RQ_OK ? rq_dense(z) : rc;
}

struct rq_plan *rq_plan_ref(struct rq_plan *plan)
{
    atomic_fetch_add_explicit(&plan->refs, 1, memory_order_relaxed);
    return plan;
}

void rq_plan_unref(struct rq_plan *plan)
{
    struct rq_alloc alloc;

    if (!plan || atomic_fetch_sub_explicit(&plan->refs, 1, memory_order_acq_rel) != 1)
        return;
    alloc = plan->alloc;
    alloc.free(alloc.self, plan, rq_round_up(sizeof(*plan), RQ_ALIGN) + plan->size);
}

uint32_t rq_plan_Kp(const struct rq_plan *plan)
{
    return plan->p.Kp;
}

uint64_t rq_plan_xors(const struct rq_plan *plan)
{
    return plan->xors;
}
