/* The rules for packages once more, as plainly as can be: no sums are kept, families
 * are searched anew each time, diagrams are compared at every vbyte. Coins that no
 * transaction of the model makes are confirmed. */
#ifndef OCHRE_TEST_PACKAGE_MODEL_H
#define OCHRE_TEST_PACKAGE_MODEL_H

#include <string.h>

#include "chain/prim/tx.h"
#include "util/mem.h"

#define MODEL_TXS 400

struct model_tx {
    const struct tx *tx;
    int64_t fee, vsize;
    bool in_pool;
};
struct model {
    struct model_tx t[MODEL_TXS];
    size_t n;
    int64_t relay, incremental; /* units per kvB */
    size_t max_ancestors, max_descendants;
};
/* Indices into model.t */
struct model_set {
    bool has[MODEL_TXS];
};

enum model_verdict {
    MODEL_OK,
    MODEL_IN_POOL,
    MODEL_HARD,    /* for good */
    MODEL_FEE,     /* for its fee */
    MODEL_MISSING, /* for want of a parent */
};

static int model_find(const struct model *m, const struct hash256 *txid)
{
    for (size_t i = 0; i < m->n; i++)
        if (hash256_equal(&m->t[i].tx->txid, txid))
            return (int)i;
    return -1;
}

static int64_t model_fee(int64_t rate, int64_t vsize)
{
    return (rate * vsize + 999) / 1000;
}

static bool model_spends(const struct model *m, size_t child, size_t parent)
{
    const struct tx *tx = m->t[child].tx;
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (hash256_equal(&tx->in[i].prevout.txid, &m->t[parent].tx->txid))
            return true;
    return false;
}

static bool model_conflict(const struct model *m, size_t a, size_t b)
{
    const struct tx *x = m->t[a].tx, *y = m->t[b].tx;
    for (uint32_t i = 0; i < x->n_in; i++)
        for (uint32_t j = 0; j < y->n_in; j++)
            if (outpoint_equal(&x->in[i].prevout, &y->in[j].prevout))
                return true;
    return false;
}

static void model_up(const struct model *m, size_t at, struct model_set *out)
{
    for (size_t i = 0; i < m->n; i++) {
        if (!m->t[i].in_pool || out->has[i] || !model_spends(m, at, i))
            continue;
        out->has[i] = true;
        model_up(m, i, out);
    }
}

static void model_down(const struct model *m, size_t at, struct model_set *out)
{
    for (size_t i = 0; i < m->n; i++) {
        if (!m->t[i].in_pool || out->has[i] || !model_spends(m, i, at))
            continue;
        out->has[i] = true;
        model_down(m, i, out);
    }
}

static size_t model_count(const struct model *m, const struct model_set *s)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += s->has[i];
    return n;
}

static size_t model_count_down(const struct model *m, size_t at)
{
    struct model_set s = {0};
    model_down(m, at, &s);
    return model_count(m, &s) + 1;
}

static int model_first(const struct model *m, const struct model_set *s)
{
    for (size_t i = 0; i < m->n; i++)
        if (s->has[i])
            return (int)i;
    return -1;
}

/* ---- one transaction ---- */

/* One that is on its way, what is above it and what it would throw out. */
struct model_entry {
    size_t at;
    struct model_set up, conflicts;
};

static bool model_missing(const struct model *m, size_t at, const size_t *earlier,
                          size_t n)
{
    const struct tx *tx = m->t[at].tx;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        int p = model_find(m, &tx->in[i].prevout.txid);
        bool found = p < 0 || m->t[p].in_pool;
        for (size_t j = 0; j < n; j++)
            found |= p == (int)earlier[j];
        if (!found)
            return true;
    }
    return false;
}

static bool model_fits(const struct model *m, const struct model_set *up, size_t n)
{
    if (model_count(m, up) + n > m->max_ancestors)
        return false;
    for (size_t i = 0; i < m->n; i++)
        if (up->has[i] && model_count_down(m, i) + n > m->max_descendants)
            return false;
    return true;
}

/* Version 3 against the pool; may add a sibling. */
static bool model_truc(const struct model *m, struct model_entry *e, bool siblings)
{
    const struct model_tx *t = &m->t[e->at];
    for (size_t i = 0; i < m->n; i++)
        if (e->up.has[i] && (m->t[i].tx->version == 3) != (t->tx->version == 3))
            return false;
    if (t->tx->version != 3)
        return true;
    size_t above = model_count(m, &e->up);
    if (t->vsize > (above ? 1000 : 10000) || above > 1)
        return false;
    if (above == 0)
        return true;
    size_t parent = (size_t)model_first(m, &e->up);
    struct model_set below = {0}, beside = {0};
    model_down(m, parent, &below);
    if (model_count(m, &below) == 0)
        return true;
    for (size_t i = 0; i < m->n; i++)
        if (below.has[i] && e->conflicts.has[i] && model_spends(m, i, parent))
            return true;
    if (!siblings || model_count(m, &below) != 1)
        return false;
    size_t sibling = (size_t)model_first(m, &below);
    model_up(m, sibling, &beside);
    if (model_count(m, &beside) != 1)
        return false;
    e->conflicts.has[sibling] = true;
    return true;
}

static enum model_verdict model_precheck(const struct model *m, struct model_entry *e,
                                         bool group, const size_t *earlier, size_t n)
{
    const struct model_tx *t = &m->t[e->at];
    for (size_t i = 0; i < m->n; i++)
        e->conflicts.has[i] = m->t[i].in_pool && model_conflict(m, i, e->at);
    if (model_missing(m, e->at, earlier, n))
        return MODEL_MISSING;
    if (t->fee < model_fee(m->relay, t->vsize)) {
        if (t->tx->version != 3)
            return MODEL_HARD;
        if (!group)
            return MODEL_FEE;
    }
    model_up(m, e->at, &e->up);
    if (!model_fits(m, &e->up, 1) || !model_truc(m, e, !group))
        return MODEL_HARD;
    for (size_t i = 0; i < m->n; i++)
        if (e->up.has[i] && e->conflicts.has[i])
            return MODEL_HARD;
    return MODEL_OK;
}

/* All that goes with them. */
static struct model_set model_replaced(const struct model *m,
                                       const struct model_set *conflicts)
{
    struct model_set all = *conflicts;
    for (size_t i = 0; i < m->n; i++)
        if (conflicts->has[i])
            model_down(m, i, &all);
    return all;
}

static bool model_pays(const struct model *m, const struct model_set *all, int64_t fee,
                       int64_t vsize)
{
    int64_t old = 0;
    for (size_t i = 0; i < m->n; i++)
        old += all->has[i] ? m->t[i].fee : 0;
    return fee >= old && fee - old >= model_fee(m->incremental, vsize);
}

static bool model_new_parent(const struct model *m, size_t at,
                             const struct model_set *all)
{
    const struct tx *tx = m->t[at].tx;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        int p = model_find(m, &tx->in[i].prevout.txid);
        bool known = p < 0 || !m->t[p].in_pool;
        for (size_t j = 0; j < m->n && !known; j++)
            known = all->has[j] && model_spends(m, j, (size_t)p);
        if (!known)
            return true;
    }
    return false;
}

static enum model_verdict model_replace(const struct model *m,
                                        const struct model_entry *e)
{
    const struct model_tx *t = &m->t[e->at];
    struct model_set all = model_replaced(m, &e->conflicts);
    if (model_count(m, &e->conflicts) == 0)
        return MODEL_OK;
    for (size_t i = 0; i < m->n; i++)
        if (e->conflicts.has[i] &&
            t->fee * 1000 / t->vsize <= m->t[i].fee * 1000 / m->t[i].vsize)
            return MODEL_FEE;
    if (model_new_parent(m, e->at, &all))
        return MODEL_HARD;
    return model_pays(m, &all, t->fee, t->vsize) ? MODEL_OK : MODEL_FEE;
}

static void model_add(struct model *m, size_t at, const struct model_set *replaced)
{
    for (size_t i = 0; i < m->n; i++)
        if (replaced->has[i])
            m->t[i].in_pool = false;
    m->t[at].in_pool = true;
}

static enum model_verdict model_alone(struct model *m, size_t at)
{
    struct model_entry e = {.at = at};
    enum model_verdict v = model_precheck(m, &e, false, NULL, 0);
    if (v == MODEL_OK)
        v = model_replace(m, &e);
    if (v == MODEL_OK) {
        struct model_set all = model_replaced(m, &e.conflicts);
        model_add(m, at, &all);
    }
    return v;
}

/* ---- diagrams ---- */

struct model_chunks {
    int64_t fee[MODEL_TXS], vsize[MODEL_TXS];
    size_t n;
};

static void model_chunk(struct model_chunks *c, int64_t fee, int64_t vsize)
{
    c->fee[c->n] = fee;
    c->vsize[c->n++] = vsize;
}

/* The most fee in the first @size vbytes, exactly: *num / *den. */
static void model_height(const struct model_chunks *c, int64_t size, int64_t *num,
                         int64_t *den)
{
    bool used[MODEL_TXS] = {0};
    int64_t sum = 0;
    *den = 1;
    for (size_t k = 0; k < c->n; k++) {
        size_t best = c->n;
        for (size_t i = 0; i < c->n; i++)
            if (!used[i] && (best == c->n ||
                             c->fee[i] * c->vsize[best] > c->fee[best] * c->vsize[i]))
                best = i;
        used[best] = true;
        if (size < c->vsize[best]) {
            *den = c->vsize[best];
            *num = sum * *den + c->fee[best] * size;
            return;
        }
        sum += c->fee[best];
        size -= c->vsize[best];
    }
    *num = sum;
}

static bool model_better(const struct model_chunks *a, const struct model_chunks *b)
{
    int64_t most = 0, x, dx, y, dy;
    bool better = false;
    for (size_t i = 0; i < a->n; i++)
        most += a->vsize[i];
    for (size_t i = 0; i < b->n; i++)
        most += b->vsize[i];
    for (int64_t size = 1; size <= most; size++) {
        model_height(a, size, &x, &dx);
        model_height(b, size, &y, &dy);
        if (x * dy < y * dx)
            return false;
        better |= x * dy > y * dx;
    }
    return better;
}

/* The other one of its family, -1: it is alone, -2: there are more. */
static int model_partner(const struct model *m, size_t at)
{
    struct model_set family = {0};
    size_t n = 0;
    family.has[at] = true;
    while (model_count(m, &family) != n) {
        n = model_count(m, &family);
        for (size_t i = 0; i < m->n; i++)
            for (size_t j = 0; j < m->n; j++)
                if (family.has[i] && m->t[j].in_pool && !family.has[j] &&
                    (model_spends(m, i, j) || model_spends(m, j, i)))
                    family.has[j] = true;
    }
    if (n > 2)
        return -2;
    family.has[at] = false;
    return model_first(m, &family);
}

static bool model_diagram(const struct model *m, const struct model_set *conflicts,
                          int64_t fee, int64_t vsize)
{
    struct model_set all = model_replaced(m, conflicts);
    struct model_set old = all; /* with partners that stay */
    struct model_chunks before = {.n = 0}, after = {.n = 0};
    for (size_t i = 0; i < m->n; i++) {
        if (!conflicts->has[i])
            continue;
        int p = model_partner(m, i);
        if (p == -2)
            return false;
        if (p >= 0 && !all.has[p])
            model_chunk(&after, m->t[p].fee, m->t[p].vsize);
        if (p >= 0)
            old.has[p] = true;
    }
    for (size_t i = 0; i < m->n; i++) {
        if (!old.has[i])
            continue;
        const struct model_tx *t = &m->t[i], *o;
        int p = model_partner(m, i);
        if (p < 0) {
            model_chunk(&before, t->fee, t->vsize);
            continue;
        }
        o = &m->t[p];
        bool is_child = model_spends(m, i, (size_t)p);
        bool merged = is_child ? t->fee * o->vsize > o->fee * t->vsize
                               : o->fee * t->vsize > t->fee * o->vsize;
        if (merged && is_child)
            model_chunk(&before, t->fee + o->fee, t->vsize + o->vsize);
        else if (!merged)
            model_chunk(&before, t->fee, t->vsize);
    }
    model_chunk(&after, fee, vsize);
    return model_better(&after, &before);
}

/* ---- a group ---- */

static bool model_truc_group(const struct model *m, const struct model_entry *es,
                             size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct model_tx *t = &m->t[es[i].at];
        int parent = model_first(m, &es[i].up);
        size_t above = model_count(m, &es[i].up), beside = 0, below = 0;
        for (size_t j = 0; j < i; j++) {
            if (!model_spends(m, es[i].at, es[j].at))
                continue;
            if (t->tx->version != 3 && m->t[es[j].at].tx->version == 3)
                return false;
            parent = (int)es[j].at;
            above++;
        }
        if (t->tx->version != 3 || above == 0)
            continue;
        if (above > 1 || t->vsize > 1000 || m->t[parent].tx->version != 3)
            return false;
        for (size_t j = 0; j < n; j++) {
            beside += j != i && model_spends(m, es[j].at, (size_t)parent);
            below += model_spends(m, es[j].at, es[i].at);
        }
        if (beside || below ||
            (m->t[parent].in_pool && model_count_down(m, (size_t)parent) > 1))
            return false;
    }
    return true;
}

static bool model_pair_replaces(const struct model *m, const struct model_entry *es,
                                size_t n, const struct model_set *conflicts)
{
    if (model_count(m, conflicts) == 0)
        return true;
    if (n != 2 || model_count(m, &es[0].up) || model_count(m, &es[1].up))
        return false;
    const struct model_tx *p = &m->t[es[0].at], *c = &m->t[es[1].at];
    int64_t fee = p->fee + c->fee, vsize = p->vsize + c->vsize;
    struct model_set all = model_replaced(m, conflicts);
    return model_pays(m, &all, fee, vsize) &&
           fee * 1000 / vsize > p->fee * 1000 / p->vsize &&
           model_diagram(m, conflicts, fee, vsize);
}

/* What a group came to: failed is the member that did, or n. */
struct model_outcome {
    bool ok;
    size_t failed;
    enum model_verdict why;
};

static struct model_outcome model_group(struct model *m, const size_t *ats, size_t n)
{
    struct model_entry *es = xcalloc(n, sizeof(*es));
    struct model_set up = {0}, conflicts = {0};
    struct model_outcome out = {.failed = n};
    int64_t fee = 0, vsize = 0;

    for (size_t i = 0; i < n; i++) {
        es[i].at = ats[i];
        out.why = model_precheck(m, &es[i], true, ats, i);
        if (out.why != MODEL_OK) {
            out.failed = i;
            goto out;
        }
        fee += m->t[ats[i]].fee;
        vsize += m->t[ats[i]].vsize;
        for (size_t j = 0; j < m->n; j++) {
            up.has[j] |= es[i].up.has[j];
            conflicts.has[j] |= es[i].conflicts.has[j];
        }
    }
    if (!model_truc_group(m, es, n))
        goto out;
    if (fee < model_fee(m->relay, vsize)) {
        out = (struct model_outcome){.failed = n - 1, .why = MODEL_FEE};
        goto out;
    }
    out.ok = n <= m->max_ancestors && n <= m->max_descendants &&
             model_fits(m, &up, n) && model_pair_replaces(m, es, n, &conflicts);
    if (out.ok) {
        struct model_set all = model_replaced(m, &conflicts), none = {0};
        model_add(m, ats[0], &all);
        for (size_t i = 1; i < n; i++)
            model_add(m, ats[i], &none);
    }
out:
    free(es);
    return out;
}

/* ---- a package ---- */

static bool model_try(struct model *m, const size_t *ats, size_t n,
                      enum model_verdict *verdicts)
{
    size_t group[32], member[32], k = 0;
    bool hopeless = false;

    for (size_t i = 0; i < n; i++) {
        enum model_verdict *v = &verdicts[i];
        *v = m->t[ats[i]].in_pool ? MODEL_IN_POOL : model_alone(m, ats[i]);
        if (*v == MODEL_OK || *v == MODEL_IN_POOL)
            continue;
        if (*v == MODEL_HARD || n == 1)
            hopeless = true;
        member[k] = i;
        group[k++] = ats[i];
    }
    if (k == 0)
        return true;
    if (hopeless || k == 1)
        return false;
    struct model_outcome o = model_group(m, group, k);
    if (!o.ok && o.failed < k)
        verdicts[member[o.failed]] = o.why;
    for (size_t i = 0; i < k && o.ok; i++)
        verdicts[member[i]] = MODEL_OK;
    return o.ok;
}

/* A member may have thrown out what another one stood on. */
static bool model_submit(struct model *m, const size_t *ats, size_t n,
                         enum model_verdict *verdicts)
{
    bool ok = model_try(m, ats, n, verdicts);
    for (size_t i = 0; i < n; i++) {
        if ((verdicts[i] != MODEL_OK && verdicts[i] != MODEL_IN_POOL) ||
            m->t[ats[i]].in_pool)
            continue;
        verdicts[i] = MODEL_HARD;
        ok = false;
    }
    return ok;
}

#endif
