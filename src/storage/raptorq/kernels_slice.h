/* The slice loops for slices of NV vectors; included by kernels_body.h once for each
 * width. REP(M) is M(0) M(1) ... M(NV-1), so that accumulators stay in registers. */
#define W ((size_t)NV * VB)

#define DECLARE(i)    V a##i;
#define ZERO_ALL(i)   a##i = VZERO;
#define LOADU_ALL(i)  a##i = LOADU(p + i * VB);
#define LOADA_ALL(i)  a##i = LOADA(p + i * VB);
#define XOR_ALL(i)    a##i = VXOR(a##i, LOADA(p + i * VB));
#define STOREA_ALL(i) STOREA(q + i * VB, a##i);
#define STOREU_ALL(i) STOREU(q + i * VB, a##i);
#define STEP_ALL(i)   a##i = VXOR(ALPHA(a##i), LOADA(p + i * VB));
#define ADD_ALL(i)    STOREA(q + i * VB, VXOR(LOADA(q + i * VB), a##i));

static void NAME(gather)(const struct rq_gather *g, uint8_t *slots)
{
    const uint16_t *ix = g->idx;

    for (uint32_t k = 0; k < g->n; k++) {
        struct rq_fetch f = g->fetch[k];
        uint8_t *q = slots + (g->dst ? g->dst[k] : g->first + k) * W;
        const uint16_t *end = ix + f.nact + (g->all ? f.nin : 0);
        const uint8_t *p;
        REP(DECLARE)

        if (g->where) {
            prefetch_symbol(g, k + PREFETCH_AHEAD, W);
            p = symbol_at(g->regions, g->where[k]);
            REP(LOADU_ALL)
        } else {
            REP(ZERO_ALL)
        }
        for (; ix < end; ix++) {
            p = slots + *ix * W;
            REP(XOR_ALL)
        }
        REP(STOREA_ALL)
        if (!g->all)
            ix += f.nin;
    }
}

static void NAME(collect)(uint8_t *q, const uint8_t *slots, const uint16_t *idx,
                          uint32_t n)
{
    const uint8_t *p = slots + idx[0] * W;
    REP(DECLARE)

    REP(LOADA_ALL)
    for (uint32_t i = 1; i < n; i++) {
        p = slots + idx[i] * W;
        REP(XOR_ALL)
    }
    REP(STOREU_ALL)
}

static void NAME(hdpc)(const struct rq_hdpc *h, const uint8_t *slots, uint8_t *acc)
{
    _Alignas(64) static const uint8_t zero[NV * VB];
    const uint8_t *p;
    uint8_t *q;
    REP(DECLARE)

    REP(ZERO_ALL)
    for (uint32_t j = 0; j < h->ncol; j++) {
        p = h->slot[j] < h->M ? slots + h->slot[j] * W : zero;
        REP(STEP_ALL)
        q = acc + h->pair[j] * W;
        REP(ADD_ALL)
    }
    q = acc + h->carry * W;
    REP(STOREA_ALL)
}

#undef W
#undef DECLARE
#undef ZERO_ALL
#undef LOADU_ALL
#undef LOADA_ALL
#undef XOR_ALL
#undef STOREA_ALL
#undef STOREU_ALL
#undef STEP_ALL
#undef ADD_ALL
#undef NAME
#undef NV
#undef REP
