#include "storage/raptorq/plan.h"

#include <string.h>

size_t rq_plan_place(struct rq_plan *plan, uint8_t *body)
{
    const struct rq_plan_head *h = &plan->h;
    struct rq_carver c = {body, 0};
    uint32_t rows = h->M + h->nb;

    plan->body = body;
    plan->row = rq_carve(&c, rows * sizeof(*plan->row));
    plan->fetch = rq_carve(&c, rows * sizeof(*plan->fetch));
    plan->idx = rq_carve(&c, h->n_idx * sizeof(*plan->idx));
    plan->fold_count = rq_carve(&c, h->nb * sizeof(*plan->fold_count));
    plan->fold_idx = rq_carve(&c, h->n_fold * sizeof(*plan->fold_idx));
    plan->slot = rq_carve(&c, plan->p.L * sizeof(*plan->slot));
    plan->pair = rq_carve(&c, plan->p.Kp + plan->p.S);
    plan->Q = rq_carve(&c, h->nh ? (h->nb + plan->p.H) * (size_t)RQ_Q_STRIDE : 0);
    plan->size = c.used;
    return c.used;
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

static uint32_t count_bits(const uint8_t *bits, size_t octets)
{
    uint32_t n = 0;

    for (size_t i = 0; i < octets; i += 8)
        n += (uint32_t)__builtin_popcountll(load_le64(bits + i));
    return n;
}

static void count_lists(const struct rq_symbolic *z, struct rq_plan_head *h)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < z->M; k++)
        n += z->fetch[k].nact + z->fetch[k].nin;
    h->n_fold = 0;
    for (uint32_t p = 0; p < z->nb; p++) {
        n += z->fetch[z->M + z->pivot_row[p]].nact;
        n += count_bits(z->lower + p * z->lower_stride, z->lower_stride);
        h->n_fold += count_bits(z->bits + p * z->bits_stride, z->bits_stride) - 1;
    }
    h->n_idx = n;
}

/* Peeled rows: inactive columns get their final slots. */
static uint16_t *emit_peeled(const struct rq_symbolic *z, struct rq_plan *plan)
{
    uint16_t *out = plan->idx;
    const uint16_t *in = z->idx;

    for (uint32_t k = 0; k < z->M; k++) {
        struct rq_fetch f = z->fetch[k];

        plan->row[k] = z->order[k];
        plan->fetch[k] = f;
        memcpy(out, in, f.nact * sizeof(*out));
        out += f.nact;
        in += f.nact;
        for (uint32_t i = 0; i < f.nin; i++)
            *out++ = (uint16_t)(z->M + z->position[*in++ - z->M]);
    }
    return out;
}

/* Residual rows in the order of their pivots: peeled slots, then earlier pivots. The
 * lists of the residual rows are found from where each begins. */
static void emit_residual(const struct rq_symbolic *z, struct rq_plan *plan,
                          uint16_t *out, const uint32_t *begin)
{
    for (uint32_t p = 0; p < z->nb; p++) {
        uint32_t r = z->M + z->pivot_row[p];
        const uint8_t *lower = z->lower + p * z->lower_stride;
        uint16_t *from = out;

        memcpy(out, z->idx_residual + begin[r - z->M],
               z->fetch[r].nact * sizeof(*out));
        out += z->fetch[r].nact;
        for (size_t w = 0; w < z->lower_stride; w += 8)
            for (uint64_t v = load_le64(lower + w); v; v &= v - 1)
                *out++ = (uint16_t)(z->M + w * 8 + (uint32_t)__builtin_ctzll(v));
        plan->row[z->M + p] = z->order[r];
        plan->fetch[z->M + p] = (struct rq_fetch){(uint16_t)(out - from), 0};
    }
}

static void emit_folds(const struct rq_symbolic *z, struct rq_plan *plan)
{
    uint16_t *out = plan->fold_idx;

    for (uint32_t i = 0; i < z->nb; i++) {
        uint32_t p = z->nb - 1 - i;
        const uint8_t *bits = z->bits + p * z->bits_stride;
        uint16_t *from = out;

        for (size_t w = 0; w < z->bits_stride; w += 8)
            for (uint64_t v = load_le64(bits + w); v; v &= v - 1) {
                uint32_t at = z->position[w * 8 + (uint32_t)__builtin_ctzll(v)];

                if (at != p)
                    *out++ = (uint16_t)(z->M + at);
            }
        plan->fold_count[i] = (uint16_t)(out - from);
    }
}

static void emit_slots(const struct rq_symbolic *z, struct rq_plan *plan)
{
    for (uint32_t c = 0; c < z->p.L; c++) {
        uint32_t s = z->slot[c];

        plan->slot[c] = (uint16_t)(s < z->M ? s : z->M + z->position[s - z->M]);
    }
}

/* XOR equivalents: a slot into another 1, a multiply-add 4. A list that starts from
 * zero copies its first entry. */
static uint64_t count_xors(const struct rq_plan *plan, uint32_t first_zero)
{
    const struct rq_plan_head *h = &plan->h;
    uint32_t pairs = rq_pairs(plan->p.H);
    uint64_t n = h->n_fold;

    for (uint32_t k = 0; k < h->M + h->nb; k++) {
        bool zero = plan->row[k] < plan->p.S || plan->row[k] >= first_zero;

        n += plan->fetch[k].nact;
        n -= zero && plan->fetch[k].nact;
        if (k >= h->M)
            continue;
        n += plan->fetch[k].nact + plan->fetch[k].nin;
        n -= zero && plan->fetch[k].nact + plan->fetch[k].nin;
    }
    if (h->nh) {
        n += (plan->p.Kp + plan->p.S) * (uint64_t)(4 + 1); /* the recurrence */
        n += 2 * pairs + 4 * plan->p.H;
        n += 4 * (uint64_t)h->nh * (h->nb + plan->p.H);
    }
    return n;
}

int rq_plan_emit(struct rq_symbolic *z, struct rq_buf *buf, struct rq_plan *plan)
{
    uint32_t R = z->nrows - z->M, at = 0, *begin;
    size_t body;
    int rc;

    plan->p = z->p;
    plan->h = (struct rq_plan_head){
        .Kp = z->p.Kp, .nrows = z->nrows, .M = z->M, .nb = z->nb, .nh = z->nh};
    count_lists(z, &plan->h);
    body = rq_plan_place(plan, NULL);
    rc = rq_buf_need(z->mem, buf, body + R * sizeof(*begin));
    if (rc < 0)
        return rc;
    rq_plan_place(plan, buf->p);
    begin = (uint32_t *)(void *)((uint8_t *)buf->p + body);
    for (uint32_t i = 0; i < R; i++) {
        begin[i] = at;
        at += z->fetch[z->M + i].nact + z->fetch[z->M + i].nin;
    }
    emit_residual(z, plan, emit_peeled(z, plan), begin);
    emit_folds(z, plan);
    emit_slots(z, plan);
    memcpy(plan->pair, z->pair, z->p.Kp + z->p.S);
    if (z->nh)
        memcpy(plan->Q, z->Q, (z->nb + z->p.H) * (size_t)RQ_Q_STRIDE);
    plan->xors = count_xors(plan, UINT32_MAX);
    return RQ_OK;
}

int rq_plan_encoder(struct rq_symbolic *z, const struct rq_params *p, struct rq_buf *ids,
                    struct rq_buf *buf, struct rq_plan *plan)
{
    struct rq_params full = *p;
    uint32_t *isi;
    int rc;

    full.K = p->Kp; /* the plan is the same for every K with this K' */
    rc = rq_buf_need(z->mem, ids, p->Kp * sizeof(*isi));
    if (rc < 0)
        return rc;
    isi = ids->p;
    for (uint32_t i = 0; i < p->Kp; i++)
        isi[i] = i;
    rc = rq_matrix_build(z, &full, isi, p->Kp);
    if (rc == RQ_OK)
        rc = rq_peel(z);
    if (rc == RQ_OK)
        rc = rq_dense(z);
    if (rc == RQ_OK)
        rc = rq_plan_emit(z, buf, plan);
    return rc;
}

int rq_plan_copy(struct rq_mem *mem, const struct rq_plan *plan, struct rq_plan **out)
{
    size_t head = rq_round_up(sizeof(*plan), RQ_ALIGN);
    struct rq_plan *copy;
    int status;

    copy = rq_mem_get(mem, head + plan->size, &status);
    if (!copy)
        return status;
    mem->used -= head + plan->size; /* plans outlive contexts: not theirs to count */
    *copy = *plan;
    atomic_init(&copy->refs, 1);
    copy->alloc = mem->alloc;
    rq_plan_place(copy, (uint8_t *)copy + head);
    memcpy(copy->body, plan->body, plan->size);
    *out = copy;
    return RQ_OK;
}

struct rq_plan *rq_plan_ref(struct rq_plan *plan)
{
    atomic_fetch_add_explicit(&plan->refs, 1, memory_order_relaxed);
    return plan;
}

void rq_plan_unref(struct rq_plan *plan)
{
    struct rq_alloc alloc;

    if (!plan ||
        atomic_fetch_sub_explicit(&plan->refs, 1, memory_order_acq_rel) != 1)
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
