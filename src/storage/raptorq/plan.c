#include "storage/raptorq/plan.h"

#include <string.h>

static size_t Q_size(const struct rq_plan *plan)
{
    return (plan->h.nb + plan->p.H + 1) * (size_t)plan->h.nh;
}

size_t rq_plan_place(struct rq_plan *plan, uint8_t *body)
{
    const struct rq_plan_head *h = &plan->h;
    struct rq_carver c = {body, 0};
    uint32_t rows = rq_plan_rows(plan), steps = h->n_reduce + h->n_fold;

    /* none needs more than the alignment of its elements */
    plan->body = body;
    plan->row = rq_carve_aligned(&c, rows * sizeof(*plan->row), 2);
    plan->fetch = rq_carve_aligned(&c, rows * sizeof(*plan->fetch), 2);
    plan->idx = rq_carve_aligned(
        &c, ((size_t)h->idx_peeled + h->idx_residual) * sizeof(*plan->idx), 2);
    plan->step_dst = rq_carve_aligned(&c, steps * sizeof(*plan->step_dst), 2);
    plan->step = rq_carve_aligned(&c, steps * sizeof(*plan->step), 2);
    plan->step_idx = rq_carve_aligned(
        &c, ((size_t)h->idx_reduce + h->idx_fold) * sizeof(*plan->step_idx), 2);
    plan->slot = rq_carve_aligned(&c, plan->p.L * sizeof(*plan->slot), 2);
    plan->pair = rq_carve_aligned(&c, plan->p.Kp + plan->p.S, 2);
    plan->Q = rq_carve_aligned(&c, Q_size(plan), 2);
    plan->size = c.used;
    return c.used;
}

struct rq_gather rq_plan_gather(const struct rq_plan *plan, bool last)
{
    return (struct rq_gather){.n = last ? plan->h.M : rq_plan_rows(plan),
                              .all = last,
                              .fetch = plan->fetch,
                              .idx = plan->idx};
}

struct rq_gather rq_plan_reduce(const struct rq_plan *plan)
{
    return (struct rq_gather){.n = plan->h.n_reduce,
                              .dst = plan->step_dst,
                              .fetch = plan->step,
                              .idx = plan->step_idx};
}

struct rq_gather rq_plan_fold(const struct rq_plan *plan)
{
    const struct rq_plan_head *h = &plan->h;

    return (struct rq_gather){.n = h->n_fold,
                              .dst = plan->step_dst + h->n_reduce,
                              .fetch = plan->step + h->n_reduce,
                              .idx = plan->step_idx + h->idx_reduce};
}

struct rq_hdpc rq_plan_hdpc(const struct rq_plan *plan)
{
    return (struct rq_hdpc){.ncol = plan->p.W,
                            .M = plan->h.M,
                            .carry = rq_pairs(plan->p.H) + 1,
                            .slot = plan->slot,
                            .pair = plan->pair};
}

uint64_t rq_plan_count(const struct rq_plan *plan)
{
    const struct rq_plan_head *h = &plan->h;
    uint32_t H = plan->p.H;
    uint64_t n = h->idx_reduce - h->n_reduce + h->idx_fold - h->n_fold;

    for (uint32_t k = 0; k < rq_plan_rows(plan); k++) {
        struct rq_fetch f = plan->fetch[k];
        bool zero = plan->row[k] < plan->p.S;

        n += f.nact - (zero && f.nact);
        if (k < h->M)
            n += f.nact + f.nin - (zero && f.nact + f.nin);
    }
    if (h->nh) {
        n += plan->p.W * (uint64_t)(4 + 1); /* the recurrence */
        n += H * (uint64_t)(H - 2);         /* pairs to rows */
        n += (uint64_t)h->nh * (h->nb + H + 1);
    }
    return n;
}

/* ---- Programs of the dense part ----
 *
 * Both are triangular: members come one after the other, and row i is member i and some
 * of those before it. The members of the reduce program are the pivots, those of the
 * fold program all inactive columns from the last to the first, the free ones as given.
 * Half the bits are set, so sums of members are worth while ("four Russians"): in
 * groups of four, those that two rows or more can use. They go into the first peeled
 * slots. */

#define GROUP 4
#define SUMS  11 /* of two members of a group or more */

/* Number of a sum among those of its group, by the members in it; members alone have
 * none. */
static const uint8_t sum_number[16] = {0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 7, 8, 9, 10};

struct program {
    const struct rq_symbolic *z;
    bool backward;       /* members count from the last inactive column */
    uint32_t given, n;   /* members; the first of them have no row */
    const uint8_t *bits; /* [n] rows of bits by member, without a row's own */
    size_t bits_stride;
    uint16_t *sums; /* [groups] bit m: the sum of the members m is made */
    uint16_t *dst, *idx;
    struct rq_fetch *fetch;
    uint32_t n_rows, n_idx;
    uint32_t row, from; /* the row that is being put down: its slot, its first entry */
};

static uint32_t member_slot(const struct program *g, uint32_t i)
{
    return g->z->M + (g->backward ? g->n - 1 - i : i);
}

static void end_row(struct program *g)
{
    g->dst[g->n_rows] = (uint16_t)g->row;
    g->fetch[g->n_rows++] = (struct rq_fetch){(uint8_t)(g->n_idx - g->from), 0};
}

/* A row into @slot whose first entry is @first. */
static void start_row(struct program *g, uint32_t slot, uint32_t first)
{
    g->row = slot;
    g->from = g->n_idx;
    g->idx[g->n_idx++] = (uint16_t)first;
}

/* One more entry; a row that gets too long goes on as another. */
static void put(struct program *g, uint32_t slot)
{
    if (g->n_idx - g->from == RQ_FETCH_MAX) {
        end_row(g);
        start_row(g, g->row, g->row);
    }
    g->idx[g->n_idx++] = (uint16_t)slot;
}

static uint32_t group_bits(const struct program *g, uint32_t i, uint32_t group)
{
    return g->bits[i * g->bits_stride + group / 2] >> group % 2 * GROUP & 15;
}

/* Puts the sum of the members @bits of a group: those made, or else one by one. */
static void put_bits(struct program *g, uint32_t group, uint32_t bits)
{
    for (; bits; bits &= bits - 1) {
        if (g->sums[group] >> bits & 1) {
            put(g, group * SUMS + sum_number[bits]);
            return;
        }
        put(g, member_slot(g, group * GROUP + (uint32_t)__builtin_ctz(bits)));
    }
}

/* A sum is one member and the sum of the others. If it is not made, its only user takes
 * these; if it is, then it takes them itself. */
static uint16_t choose_sums(const struct program *g, uint32_t group)
{
    uint32_t uses[16] = {0}, i = (group + 1) * GROUP;
    uint16_t chosen = 0;

    for (i = i > g->given ? i : g->given; i < g->n; i++)
        uses[group_bits(g, i, group)]++;
    for (uint32_t m = 15; m >= 3; m--) {
        uint32_t rest = m & (m - 1);

        if (rest == 0)
            continue;
        uses[rest] += uses[m] > 0;
        chosen |= (uint16_t)((uses[m] > 1) << m);
    }
    return chosen;
}

static void put_sums(struct program *g, uint32_t group)
{
    uint16_t chosen = choose_sums(g, group);

    for (uint32_t m = 3; m < 16; m++) {
        uint32_t one = (uint32_t)__builtin_ctz(m);

        if (!(chosen >> m & 1))
            continue;
        start_row(g, group * SUMS + sum_number[m], member_slot(g, group * GROUP + one));
        put_bits(g, group, m & (m - 1));
        end_row(g);
        g->sums[group] |= (uint16_t)(1u << m);
    }
}

static void put_row(struct program *g, uint32_t i)
{
    start_row(g, member_slot(g, i), member_slot(g, i));
    for (uint32_t q = 0; q <= i / GROUP; q++)
        put_bits(g, q, group_bits(g, i, q));
    end_row(g);
}

static void write_program(struct program *g)
{
    bool room = g->n / GROUP * SUMS <= g->z->M;

    memset(g->sums, 0, (g->n / GROUP + 1) * sizeof(*g->sums));
    for (uint32_t i = 0; i < g->n; i++) {
        if (i >= g->given)
            put_row(g, i);
        if (room && (i + 1) % GROUP == 0)
            put_sums(g, i / GROUP);
    }
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

/* The bits of reduced rows, which go by inactive column, by member of the fold program;
 * member_of is scratch. */
static void fold_bits(const struct rq_symbolic *z, uint16_t *member_of, uint8_t *out,
                      size_t stride)
{
    memset(out, 0, z->u * stride);
    for (uint32_t i = 0; i < z->u; i++)
        member_of[z->pivot_col[z->u - 1 - i]] = (uint16_t)i;
    for (uint32_t i = z->nh; i < z->u; i++) {
        const uint8_t *bits = z->bits + (z->u - 1 - i) * z->bits_stride;
        uint8_t *row = out + i * stride;

        for (size_t w = 0; w < z->bits_stride; w += 8)
            for (uint64_t v = load_le64(bits + w); v; v &= v - 1) {
                uint32_t m = member_of[w * 8 + (uint32_t)__builtin_ctzll(v)];

                row[m / 8] |= (uint8_t)(1u << m % 8);
            }
        row[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

/* ---- Writing it down ---- */

struct scratch {
    struct program reduce, fold;
    uint16_t *member_of; /* [u] see fold_bits */
    uint8_t *fold_bits;  /* [u] */
    size_t fold_stride;
    uint16_t *slot; /* [L] the plan's slot in place of one of the peel */
};

/* Room for any program of u members: row i takes all before it at most. */
static void carve_program(struct program *g, struct rq_carver *c)
{
    size_t u = g->z->u, groups = u / GROUP + 1, sums = groups * SUMS;
    size_t entries = u * (u + 1) / 2 + sums * GROUP;
    size_t split = entries / (RQ_FETCH_MAX - 1), rows = u + sums + split;

    g->sums = rq_carve(c, groups * sizeof(*g->sums));
    g->dst = rq_carve(c, rows * sizeof(*g->dst));
    g->fetch = rq_carve(c, rows * sizeof(*g->fetch));
    g->idx = rq_carve(c, (entries + split) * sizeof(*g->idx));
}

static void carve(struct scratch *s, struct rq_carver *c)
{
    const struct rq_symbolic *z = s->fold.z;

    s->member_of = rq_carve(c, z->u * sizeof(*s->member_of));
    s->fold_bits = rq_carve(c, z->u * s->fold_stride);
    s->slot = rq_carve(c, z->p.L * sizeof(*s->slot));
    carve_program(&s->reduce, c);
    carve_program(&s->fold, c);
}

/* Inactive columns get their slots in the order of the pivots. */
static void number_slots(const struct rq_symbolic *z, uint16_t *slot)
{
    for (uint32_t k = 0; k < z->M; k++)
        slot[k] = (uint16_t)k;
    for (uint32_t q = 0; q < z->u; q++)
        slot[z->M + z->pivot_col[q]] = (uint16_t)(z->M + q);
}

/* Finds where the list of each residual row begins; returns what the pivots' fetch. */
static uint32_t find_residual(const struct rq_symbolic *z)
{
    uint32_t at = 0, fetched = 0;

    for (uint32_t i = 0; i < z->nrows - z->M; i++) {
        z->heads[i] = at;
        at += z->fetch[z->M + i].nact + z->fetch[z->M + i].nin;
    }
    for (uint32_t p = 0; p < z->nb; p++)
        fetched += z->fetch[z->M + z->pivot_row[p]].nact;
    return fetched;
}

static void fill_rows(const struct rq_symbolic *z, const uint16_t *slot,
                      struct rq_plan *plan)
{
    uint16_t *idx = plan->idx + plan->h.idx_peeled;

    memcpy(plan->row, z->order, z->M * sizeof(*plan->row));
    memcpy(plan->fetch, z->fetch, z->M * sizeof(*plan->fetch));
    for (uint32_t i = 0; i < plan->h.idx_peeled; i++)
        plan->idx[i] = slot[z->idx[i]];
    for (uint32_t p = 0; p < z->nb; p++) {
        uint32_t i = z->pivot_row[p], r = z->M + i, n = z->fetch[r].nact;

        plan->row[z->M + p] = z->order[r];
        plan->fetch[z->M + p] = (struct rq_fetch){(uint8_t)n, 0};
        memcpy(idx, z->idx_residual + z->heads[i], n * sizeof(*idx));
        idx += n;
    }
    for (uint32_t c = 0; c < z->p.L; c++)
        plan->slot[c] = slot[z->slot[c]];
}

static void fill_program(const struct program *g, uint16_t *dst, struct rq_fetch *fetch,
                         uint16_t *idx)
{
    memcpy(dst, g->dst, g->n_rows * sizeof(*dst));
    memcpy(fetch, g->fetch, g->n_rows * sizeof(*fetch));
    memcpy(idx, g->idx, g->n_idx * sizeof(*idx));
}

static void fill(const struct rq_symbolic *z, const struct scratch *s,
                 struct rq_plan *plan)
{
    const struct rq_plan_head *h = &plan->h;

    memset(plan->body, 0, plan->size); /* padding too: equal plans are equal octets */
    fill_rows(z, s->slot, plan);
    fill_program(&s->reduce, plan->step_dst, plan->step, plan->step_idx);
    fill_program(&s->fold, plan->step_dst + h->n_reduce, plan->step + h->n_reduce,
                 plan->step_idx + h->idx_reduce);
    memcpy(plan->pair, z->pair, z->p.Kp + z->p.S);
    for (uint32_t t = 0; z->nh && t < z->nb + z->p.H + 1; t++)
        memcpy(plan->Q + (size_t)t * z->nh, z->Q + (size_t)t * RQ_Q_STRIDE, z->nh);
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
                                    .n_reduce = s->reduce.n_rows,
                                    .n_fold = s->fold.n_rows,
                                    .idx_peeled = (uint32_t)(z->idx_residual - z->idx),
                                    .idx_residual = find_residual(z),
                                    .idx_reduce = s->reduce.n_idx,
                                    .idx_fold = s->fold.n_idx};
    rq_plan_place(plan, NULL);
}

/* Everything but the arrays' final place. */
static int prepare(struct rq_symbolic *z, struct scratch *s, struct rq_plan *plan)
{
    struct rq_carver c = {NULL, 0};
    int rc;

    s->reduce = (struct program){.z = z, .n = z->nb};
    s->fold = (struct program){.z = z, .backward = true, .given = z->nh, .n = z->u};
    s->fold_stride = z->u / 8 + 1;
    carve(s, &c);
    rc = rq_buf_need_spare(z->mem, &z->b_program, c.used, c.used / 2);
    if (rc < 0)
        return rc;
    c = (struct rq_carver){z->b_program.p, 0};
    carve(s, &c);
    fold_bits(z, s->member_of, s->fold_bits, s->fold_stride);
    s->reduce.bits = z->lower;
    s->reduce.bits_stride = z->lower_stride;
    s->fold.bits = s->fold_bits;
    s->fold.bits_stride = s->fold_stride;
    write_program(&s->reduce);
    write_program(&s->fold);
    number_slots(z, s->slot);
    measure(z, s, plan);
    return RQ_OK;
}

int rq_plan_emit(struct rq_symbolic *z, struct rq_buf *buf, struct rq_plan *plan)
{
    struct scratch s;
    int rc = prepare(z, &s, plan);

    if (rc == RQ_OK)
        rc = rq_buf_need_spare(z->mem, buf, plan->size, plan->size / 4);
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
