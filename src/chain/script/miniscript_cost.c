/* What satisfying costs in the worst case: opcodes, stack and witness bytes. */
#include <stdlib.h>

#include "chain/script/miniscript_impl.h"
#include "util/mem.h"

#define MAX_ECDSA_SIG   72
#define MAX_SCHNORR_SIG 65

static const struct ms_cost impossible = {0};

/* An operation or a witness element: bytes, and what it does to the stack. */
static struct ms_cost step(uint32_t witness_size, int64_t taken, int64_t peak)
{
    return (struct ms_cost){true, 0, witness_size, taken, peak};
}

static struct ms_cost nothing(void)
{
    return step(0, 0, 0);
}
static struct ms_cost push(void)
{
    return step(0, -1, 0);
}
/* IF, VERIFY, CHECKSIG, ADD, BOOLAND, EQUAL and others that take one away. */
static struct ms_cost take_one(void)
{
    return step(0, 1, 1);
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* First a, then b. */
static struct ms_cost then(struct ms_cost a, struct ms_cost b)
{
    if (!a.possible || !b.possible)
        return impossible;
    return (struct ms_cost){true, a.ops + b.ops, a.witness_size + b.witness_size,
                            a.taken + b.taken, max(b.peak, b.taken + a.peak)};
}

static struct ms_cost then3(struct ms_cost a, struct ms_cost b, struct ms_cost c)
{
    return then(then(a, b), c);
}

static struct ms_cost either(struct ms_cost a, struct ms_cost b)
{
    if (!a.possible || !b.possible)
        return a.possible ? a : b;
    return (struct ms_cost){true, (uint32_t)max(a.ops, b.ops),
                            (uint32_t)max(a.witness_size, b.witness_size),
                            max(a.taken, b.taken), max(a.peak, b.peak)};
}

/* A witness element of @n bytes beside what the script does with it. */
static struct ms_cost with_witness(uint32_t n, struct ms_cost c)
{
    c.witness_size += n;
    return c;
}

static uint32_t sig_size(const struct miniscript *ms)
{
    return 1 + (ms->context == MS_TAPSCRIPT ? MAX_SCHNORR_SIG : MAX_ECDSA_SIG);
}

static void leaf_cost(const struct miniscript *ms, struct ms_node *n)
{
    uint32_t sig = sig_size(ms), key = 1 + (uint32_t)ms_key_size(ms->context);
    int64_t k = n->k, keys = n->n_keys;
    n->sat = n->dissat = impossible;
    switch (n->kind) {
    case MS_0:
        n->dissat = push();
        break;
    case MS_1:
    case MS_OLDER:
    case MS_AFTER:
        n->sat = push();
        break;
    case MS_PK_K:
        n->sat = with_witness(sig, push());
        n->dissat = with_witness(1, push());
        break;
    case MS_PK_H: /* DUP, the hash, EQUALVERIFY: two more for a moment */
        n->sat = step(sig + key, 0, 2);
        n->dissat = step(1 + key, 0, 2);
        break;
    case MS_MULTI: /* a zero and k signatures; then the keys, k and n */
        n->sat = step(1 + n->k * sig, k, k + keys + 2);
        n->dissat = step(1 + n->k, k, k + keys + 2);
        n->sat.ops = n->dissat.ops = n->n_keys;
        break;
    case MS_MULTI_A:
        n->sat = step(n->k * sig + n->n_keys - n->k, keys - 1, keys);
        n->dissat = step(n->n_keys, keys - 1, keys);
        break;
    default: /* hashes: SIZE and 32 stand above the preimage */
        n->sat = step(33, 0, 2);
    }
}

static void wrapper_cost(struct ms_node *n, const struct ms_node *x)
{
    n->sat = x->sat;
    n->dissat = x->dissat;
    switch (n->kind) {
    case MS_C:
        n->sat = then(x->sat, take_one());
        n->dissat = then(x->dissat, take_one());
        break;
    case MS_D: /* DUP IF */
        n->sat = with_witness(2, then3(push(), take_one(), x->sat));
        n->dissat = with_witness(1, then(push(), take_one()));
        break;
    case MS_V:
        n->sat = then(x->sat, take_one());
        n->dissat = impossible;
        break;
    case MS_J: /* SIZE 0NOTEQUAL IF */
        n->sat = then3(push(), take_one(), x->sat);
        n->dissat = with_witness(1, then(push(), take_one()));
        break;
    default:
        break;
    }
}

/* sats[j]: j of the children so far are satisfied. */
static void thresh_cost(const struct miniscript *ms, struct ms_node *n)
{
    struct ms_cost *sats = xcalloc(n->n_subs + 1, sizeof(*sats));
    sats[0] = nothing();
    for (uint32_t i = 0; i < n->n_subs; i++) {
        const struct ms_node *x = ms_sub(ms, n, i);
        struct ms_cost add = i > 0 ? take_one() : nothing();
        for (uint32_t j = i + 1; j > 0; j--) {
            struct ms_cost without =
                j <= i ? then3(sats[j], x->dissat, add) : impossible;
            sats[j] = either(without, then3(sats[j - 1], x->sat, add));
        }
        sats[0] = then3(sats[0], x->dissat, add);
    }
    n->sat = then3(sats[n->k], push(), take_one());
    n->dissat = then3(sats[0], push(), take_one());
    free(sats);
}

static void or_cost(struct ms_node *n, const struct ms_node *x, const struct ms_node *y)
{
    struct ms_cost take = take_one();
    struct ms_cost kept = n->kind == MS_OR_D ? then(push(), take) : take; /* IFDUP */
    n->sat = either(then(x->sat, kept), then3(x->dissat, take, y->sat));
    n->dissat = n->kind == MS_OR_D ? then3(x->dissat, take, y->dissat) : impossible;
}

static void pair_cost(struct ms_node *n, const struct ms_node *x,
                      const struct ms_node *y)
{
    struct ms_cost take = take_one();
    switch (n->kind) {
    case MS_AND_V:
        n->sat = then(x->sat, y->sat);
        n->dissat = impossible;
        break;
    case MS_AND_B:
        n->sat = then3(x->sat, y->sat, take);
        n->dissat = then3(x->dissat, y->dissat, take);
        break;
    case MS_OR_B:
        n->sat = then(either(then(x->sat, y->dissat), then(x->dissat, y->sat)), take);
        n->dissat = then3(x->dissat, y->dissat, take);
        break;
    case MS_OR_I:
        n->sat = then(take, either(with_witness(2, x->sat), with_witness(1, y->sat)));
        n->dissat =
            then(take, either(with_witness(2, x->dissat), with_witness(1, y->dissat)));
        break;
    default:
        or_cost(n, x, y);
    }
}

static void andor_cost(const struct miniscript *ms, struct ms_node *n)
{
    const struct ms_node *x = ms_sub(ms, n, 0), *y = ms_sub(ms, n, 1),
                         *z = ms_sub(ms, n, 2);
    struct ms_cost take = take_one();
    n->sat = either(then3(x->sat, take, y->sat), then3(x->dissat, take, z->sat));
    n->dissat = then3(x->dissat, take, z->dissat);
}

void ms_compute_costs(const struct miniscript *ms, struct ms_node *n)
{
    n->ops = ms_own_ops(ms, n);
    for (uint32_t i = 0; i < n->n_subs; i++)
        n->ops += ms_sub(ms, n, i)->ops;
    if (n->kind == MS_THRESH)
        thresh_cost(ms, n);
    else if (n->n_subs == 0)
        leaf_cost(ms, n);
    else if (n->n_subs == 1)
        wrapper_cost(n, ms_sub(ms, n, 0));
    else if (n->n_subs == 2)
        pair_cost(n, ms_sub(ms, n, 0), ms_sub(ms, n, 1));
    else
        andor_cost(ms, n);
}
