#include "storage/raptorq/exec.h"

#include <string.h>

static const uint8_t zeros[RQ_SLICE_MAX];

/* Wide slices spare loop overhead, narrow ones fit the second level cache with more
 * slots: measured, 256 is as good as 128 where that matters, and better elsewhere. */
#define SLICE 256

/* Memory of one worker, enough for every job. */
struct scratch {
    uint8_t *slots;
    uint8_t *acc;   /* see rq_plan_hdpc; then HDPC rows and, once more, the carry */
    uint8_t *temp;  /* one slice */
    uint8_t *diff;  /* nout slices: outputs before they are multiplied */
    uint8_t *lost;  /* nlost slices */
    uint8_t *stage; /* staged symbols: those of the view, then repair symbols */
    uint8_t **ptr;  /* max(nout, nlost, H) */
};

static uint32_t max_width(const struct rq_exec *x)
{
    uint32_t w = 0;

    for (uint32_t i = 0; i < x->njobs; i++)
        w = x->jobs[i].w > w ? x->jobs[i].w : w;
    return w;
}

static void carve(const struct rq_exec *x, struct scratch *s, struct rq_carver *c)
{
    const struct rq_params *p = x->plan ? &x->plan->p : NULL;
    uint32_t nptr = x->nout > x->nlost ? x->nout : x->nlost;
    size_t w = max_width(x);

    s->slots = rq_carve(c, p && !x->kept ? (size_t)p->L * w : 0);
    s->acc = rq_carve(c, p ? (rq_pairs(p->H) + 2 + p->H + 1) * (size_t)w : 0);
    s->temp = rq_carve(c, w);
    s->diff = rq_carve(c, x->compare || x->coef ? x->nout * w : 0);
    s->lost = rq_carve(c, x->compare ? x->nlost * w : 0);
    s->stage = rq_carve(c, x->staged ? (x->view->K + (size_t)x->n_repair) * w : 0);
    s->ptr = rq_carve(c, (nptr > 16 ? nptr : 16) * sizeof(*s->ptr));
}

static void stage_symbols(const struct rq_exec *x, const struct rq_job *job,
                          const struct scratch *s)
{
    uint8_t *out = s->stage;

    for (uint32_t m = 0; m < x->view->K; m++, out += job->w) {
        rq_view_load(x->view, m, job->col, job->n, out);
        memset(out + job->n, 0, job->w - job->n);
    }
    for (uint32_t i = 0; i < x->n_repair; i++, out += job->w) {
        memcpy(out, x->repair + (size_t)i * x->view->T + job->col, job->n);
        memset(out + job->n, 0, job->w - job->n);
    }
}

/* Where the columns of @job begin in each region. */
static void find_regions(const struct rq_exec *x, const struct rq_job *job,
                         const struct scratch *s, struct rq_regions *r)
{
    const struct rq_view *v = x->view;

    memset(r, 0, sizeof(*r));
    r->base[IN_ZERO] = zeros;
    if (x->staged) {
        stage_symbols(x, job, s);
        r->base[IN_VIEW] = s->stage;
        r->base[IN_REPAIR] = s->stage + (size_t)v->K * job->w;
        r->base[IN_TAIL] = s->stage + (size_t)(v->K - 1) * job->w;
        r->stride[IN_VIEW] = r->stride[IN_REPAIR] = job->w;
        return;
    }
    r->base[IN_VIEW] = v->base + (size_t)v->K * rq_view_column(v, job->sub) +
                       (job->col - rq_view_column(v, job->sub));
    r->stride[IN_VIEW] = rq_view_width(v, job->sub);
    if (x->repair)
        r->base[IN_REPAIR] = x->repair + job->col;
    r->stride[IN_REPAIR] = v->T;
    if (v->tail)
        r->base[IN_TAIL] = v->tail + job->col;
}

/* Output @i of @job lies at @row: copies the part that is this job's to write. */
static void put_output(const struct rq_exec *x, const struct rq_job *job, uint32_t i,
                       const uint8_t *row)
{
    uint32_t col = job->col + job->skip, n = job->n - job->skip;

    if (x->out)
        memcpy(x->out[i] + col, row + job->skip, n);
    else
        rq_view_store(x->view, x->lost[i], col, n, row + job->skip);
}

/* Where output @i may be written at once, or NULL. */
static uint8_t *direct_output(const struct rq_exec *x, const struct rq_job *job,
                              uint32_t i)
{
    if (x->staged || job->skip || x->compare)
        return NULL;
    if (x->out)
        return x->out[i] + job->col;
    return rq_view_at(x->view, x->lost[i], job->sub, job->col);
}

/* Turns the rows of diff, what the repair symbols would be were the lost symbols zero,
 * into the lost symbols. */
static void patch(const struct rq_exec *x, const struct rq_job *job,
                  const struct scratch *s, const struct rq_regions *r)
{
    struct rq_product p = {.out = s->ptr,
                           .nout = x->nlost,
                           .in = s->diff,
                           .stride = job->w,
                           .nin = x->nout,
                           .coef = x->inverse,
                           .ldc = x->inverse_ld};

    for (uint32_t i = 0; i < x->nout; i++)
        x->kernels->xor_add(s->diff + (size_t)i * job->w,
                            r->base[IN_REPAIR] + x->compare[i] * r->stride[IN_REPAIR],
                            job->w);
    for (uint32_t i = 0; i < x->nlost; i++)
        s->ptr[i] = s->lost + (size_t)i * job->w;
    x->kernels->product(&p, job->w);
    for (uint32_t i = 0; i < x->nlost; i++)
        put_output(x, job, i, s->ptr[i]);
}

/* ---- By a plan ---- */

/* HDPC rows by recurrence: each is the sum of the pairs it is in. The carry follows
 * them, as the last term of the product below. */
static void hdpc_rows(const struct rq_exec *x, const uint8_t *slots,
                      const struct scratch *s, uint32_t w)
{
    struct rq_hdpc h = rq_plan_hdpc(x->plan);
    uint32_t H = x->plan->p.H;
    uint8_t *rows = s->acc + (h.carry + 1) * (size_t)w;
    uint16_t pairs[16];

    memset(s->acc, 0, h.carry * (size_t)w);
    x->kernels->hdpc(&h, slots, s->acc, w);
    for (uint32_t i = 0; i < H; i++, rows += w) {
        uint32_t n = 0;

        for (uint32_t k = 0; k < H; k++)
            if (k != i)
                pairs[n++] = (uint16_t)rq_pair(i, k);
        x->kernels->collect(rows, s->acc, w, pairs, n);
    }
    memcpy(rows, s->acc + h.carry * (size_t)w, w);
}

static void solve_free(const struct rq_exec *x, uint8_t *slots, const struct scratch *s,
                       uint32_t w)
{
    const struct rq_plan *plan = x->plan;
    uint8_t *pivots = slots + (size_t)plan->h.M * w;
    struct rq_product p = {.out = s->ptr,
                           .nout = plan->h.nh,
                           .nin = plan->h.nb,
                           .in = pivots,
                           .stride = w,
                           .coef = plan->Q,
                           .ldc = plan->h.nh};

    for (uint32_t f = 0; f < plan->h.nh; f++)
        s->ptr[f] = pivots + (plan->h.nb + f) * (size_t)w;
    x->kernels->product(&p, w);
    p.in = s->acc + (rq_pairs(plan->p.H) + 2) * (size_t)w;
    p.nin = plan->p.H + 1;
    p.coef = plan->Q + (size_t)plan->h.nb * plan->h.nh;
    p.add = true;
    x->kernels->product(&p, w);
}

static void solve_slice(const struct rq_exec *x, uint8_t *slots,
                        const struct scratch *s, const struct rq_regions *r, uint32_t w)
{
    const struct rq_plan *plan = x->plan;
    const struct rq_kernels *k = x->kernels;
    struct rq_gather first = rq_plan_gather(plan, false),
                     last = rq_plan_gather(plan, true), reduce = rq_plan_reduce(plan),
                     fold = rq_plan_fold(plan);

    first.where = last.where = x->where;
    first.regions = last.regions = r;
    k->gather(&first, slots, w);
    if (plan->h.nh)
        hdpc_rows(x, slots, s, w);
    k->gather(&reduce, slots, w);
    if (plan->h.nh)
        solve_free(x, slots, s, w);
    k->gather(&fold, slots, w);
    k->gather(&last, slots, w);
}

static void collect_outputs(const struct rq_exec *x, const struct rq_job *job,
                            const uint8_t *slots, const struct scratch *s)
{
    const uint16_t *idx = x->out_idx;

    for (uint32_t i = 0; i < x->nout; idx += x->out_count[i], i++) {
        uint8_t *out = direct_output(x, job, i);

        if (out) {
            x->kernels->collect(out, slots, job->w, idx, x->out_count[i]);
        } else if (x->compare) {
            x->kernels->collect(s->diff + (size_t)i * job->w, slots, job->w, idx,
                                x->out_count[i]);
        } else {
            x->kernels->collect(s->temp, slots, job->w, idx, x->out_count[i]);
            put_output(x, job, i, s->temp);
        }
    }
}

static void plan_job(const struct rq_exec *x, const struct rq_job *job,
                     const struct scratch *s)
{
    uint8_t *slots = x->kept ? x->kept + job->kept : s->slots;
    struct rq_regions r;

    if (!x->solved) {
        find_regions(x, job, s, &r);
        solve_slice(x, slots, s, &r, job->w);
    }
    collect_outputs(x, job, slots, s);
    if (x->compare)
        patch(x, job, s, &r);
}

/* ---- By a matrix ---- */

static void matrix_job(const struct rq_exec *x, const struct rq_job *job,
                       const struct scratch *s)
{
    struct rq_regions r;
    struct rq_product p = {.out = s->ptr,
                           .nout = x->nout,
                           .nin = x->nin,
                           .where = x->where,
                           .regions = &r,
                           .coef = x->coef,
                           .ldc = x->ld};

    find_regions(x, job, s, &r);
    for (uint32_t i = 0; i < x->nout; i++) {
        if (x->kept)
            s->ptr[i] = x->kept + job->kept + (size_t)i * job->w;
        else if (!(s->ptr[i] = direct_output(x, job, i)))
            s->ptr[i] = s->diff + (size_t)i * job->w;
    }
    x->kernels->product(&p, job->w);
    if (x->compare)
        patch(x, job, s, &r);
    if (x->compare || x->kept)
        return;
    for (uint32_t i = 0; i < x->nout; i++)
        if (!direct_output(x, job, i))
            put_output(x, job, i, s->ptr[i]);
}

/* ---- Jobs ---- */

uint32_t rq_slice_width(const struct rq_kernels *k)
{
    return SLICE < k->slice_max ? SLICE : k->slice_max;
}

/* The width of a job for the @left columns at the end of a sub-block of @total. Several
 * threads get ever smaller jobs towards the end, so as to finish together. */
static uint32_t pick_width(uint32_t left, uint32_t total, uint32_t width,
                           unsigned threads)
{
    uint32_t share = left / threads, w = RQ_SLICE_MIN;

    if (threads > 1 && width > share)
        width = share;
    while (w * 2 <= width && w < left && w * 2 <= total)
        w *= 2;
    return w;
}

static uint32_t cut_direct(const struct rq_view *v, uint32_t width, unsigned threads,
                           uint32_t L, struct rq_job *jobs)
{
    uint32_t n = 0;
    size_t kept = 0;

    for (uint32_t sub = 0; sub < v->N; sub++) {
        uint32_t start = rq_view_column(v, sub), total = rq_view_width(v, sub);

        for (uint32_t at = 0; at < total; n++) {
            uint32_t w = pick_width(total - at, total, width, threads);
            uint32_t skip = w > total - at ? w - (total - at) : 0;

            if (jobs)
                jobs[n] = (struct rq_job){start + at - skip, sub, w, skip, w, kept};
            at += w - skip;
            kept += (size_t)L * w;
        }
    }
    return n;
}

static uint32_t cut_staged(const struct rq_view *v, uint32_t L, struct rq_job *jobs)
{
    uint32_t n = 0;

    for (uint32_t col = 0; col < v->T; col += RQ_SLICE_MIN, n++)
        if (jobs) {
            uint32_t left = v->T - col;

            jobs[n] = (struct rq_job){.col = col,
                                      .w = RQ_SLICE_MIN,
                                      .n = left < RQ_SLICE_MIN ? left : RQ_SLICE_MIN,
                                      .kept = (size_t)n * L * RQ_SLICE_MIN};
        }
    return n;
}

uint32_t rq_cut_jobs(const struct rq_view *view, uint32_t width, unsigned threads,
                     uint32_t L, struct rq_job *jobs, bool *staged)
{
    uint32_t narrowest = view->n_wide < view->N ? view->narrow : view->wide;

    *staged = narrowest < RQ_SLICE_MIN;
    return *staged ? cut_staged(view, L, jobs)
                   : cut_direct(view, width, threads, L, jobs);
}

static void work(void *arg, unsigned worker)
{
    struct rq_exec *x = arg;
    struct rq_carver c = {x->scratch[worker].p, 0};
    struct scratch s;

    carve(x, &s, &c);
    for (;;) {
        uint32_t i = atomic_fetch_add_explicit(&x->next, 1, memory_order_relaxed);

        if (i >= x->njobs)
            return;
        if (x->coef)
            matrix_job(x, &x->jobs[i], &s);
        else
            plan_job(x, &x->jobs[i], &s);
    }
}

int rq_exec_run(struct rq_exec *x, struct rq_mem *mem, const struct rq_workers *workers)
{
    unsigned n = workers ? workers->threads : 1;
    struct rq_carver c = {NULL, 0};
    struct scratch s;
    int rc;

    if (n > x->njobs)
        n = x->njobs;
    carve(x, &s, &c);
    for (unsigned i = 0; i < n; i++) {
        rc = rq_buf_need(mem, &x->scratch[i], c.used);
        if (rc < 0)
            return rc;
    }
    atomic_init(&x->next, 0);
    if (n > 1)
        workers->run(workers->self, work, x, n);
    else if (n == 1)
        work(x, 0);
    return RQ_OK;
}
