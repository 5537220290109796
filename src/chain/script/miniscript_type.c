/* The type rules of BIP 379, one line each as in its tables. */
#include "chain/script/miniscript_impl.h"

#define LOCKTIME_IS_TIME 500000000u          /* BIP 65 */
#define SEQUENCE_IS_TIME (UINT32_C(1) << 22) /* BIP 68 */

enum {
    B = MS_TYPE_B,
    V = MS_TYPE_V,
    K = MS_TYPE_K,
    W = MS_TYPE_W,
    z = MS_TYPE_z,
    o = MS_TYPE_o,
    n = MS_TYPE_n,
    d = MS_TYPE_d,
    f = MS_TYPE_f,
    e = MS_TYPE_e,
    u = MS_TYPE_u,
    m = MS_TYPE_m,
    s = MS_TYPE_s,
    x = MS_TYPE_x,
    g = MS_TYPE_g,
    h = MS_TYPE_h,
    i = MS_TYPE_i,
    j = MS_TYPE_j,
    k = MS_TYPE_k,
};

#define LOCKS (g | h | i | j)

static bool has(uint32_t type, uint32_t all)
{
    return (type & all) == all;
}

static uint32_t when(bool condition, uint32_t type)
{
    return condition ? type : 0;
}

/* Two parts that are needed together must not ask for locks of two kinds. */
static bool locks_clash(uint32_t X, uint32_t Y)
{
    return (has(X, g) && has(Y, h)) || (has(X, h) && has(Y, g)) ||
           (has(X, i) && has(Y, j)) || (has(X, j) && has(Y, i));
}

static uint32_t locks_of_both(uint32_t X, uint32_t Y)
{
    return ((X | Y) & LOCKS) | when(has(X & Y, k) && !locks_clash(X, Y), k);
}

static uint32_t locks_of_either(uint32_t X, uint32_t Y)
{
    return ((X | Y) & LOCKS) | (X & Y & k);
}

static uint32_t lock_type(const struct ms_node *t)
{
    uint32_t time = t->kind == MS_OLDER ? g : i, height = t->kind == MS_OLDER ? h : j;
    bool by_time =
        t->kind == MS_OLDER ? (t->k & SEQUENCE_IS_TIME) != 0 : t->k >= LOCKTIME_IS_TIME;
    return B | z | f | m | x | k | (by_time ? time : height);
}

static uint32_t leaf_type(const struct ms_node *t)
{
    switch (t->kind) {
    case MS_0:
        return B | z | u | d | e | m | s | x | k;
    case MS_1:
        return B | z | u | f | m | x | k;
    case MS_PK_K:
        return K | o | n | u | d | e | m | s | x | k;
    case MS_PK_H:
        return K | n | u | d | e | m | s | x | k;
    case MS_MULTI:
        return B | n | u | d | e | m | s | k;
    case MS_MULTI_A:
        return B | u | d | e | m | s | k;
    case MS_OLDER:
    case MS_AFTER:
        return lock_type(t);
    default: /* hashes */
        return B | o | n | u | d | m | k;
    }
}

static uint32_t wrapper_type(enum ms_kind kind, uint32_t X, bool tapscript)
{
    uint32_t locks = X & (LOCKS | k);
    switch (kind) {
    case MS_A:
        return when(has(X, B), W) | locks | (X & (u | d | f | e | m | s)) | x;
    case MS_S:
        return when(has(X, B | o), W) | locks | (X & (u | d | f | e | m | s | x));
    case MS_C:
        return when(has(X, K), B) | locks | (X & (o | n | d | f | e | m)) | u | s;
    case MS_D: /* MINIMALIF is a rule in tapscript only */
        return when(has(X, V | z), B) | when(has(X, z), o) | when(has(X, f), e) |
               locks | (X & (m | s)) | when(tapscript, u) | n | d | x;
    case MS_V:
        return when(has(X, B), V) | locks | (X & (z | o | n | m | s)) | f | x;
    case MS_J:
        return when(has(X, B | n), B) | when(has(X, f), e) | locks |
               (X & (o | u | m | s)) | n | d | x;
    default: /* MS_N */
        return locks | (X & (B | z | o | n | d | f | e | m | s)) | u | x;
    }
}

static uint32_t and_v_type(uint32_t X, uint32_t Y)
{
    return when(has(X, V), Y & (B | V | K)) | (X & n) | when(has(X, z), Y & n) |
           when(has(X | Y, z), (X | Y) & o) | (X & Y & (d | m | z)) | ((X | Y) & s) |
           when(has(Y, f) || has(X, s), f) | (Y & (u | x)) | locks_of_both(X, Y);
}

static uint32_t and_b_type(uint32_t X, uint32_t Y)
{
    return when(has(Y, W), X & B) | when(has(X | Y, z), (X | Y) & o) | (X & n) |
           when(has(X, z), Y & n) | when(has(X & Y, s), X & Y & e) |
           (X & Y & (d | z | m)) |
           when(has(X & Y, f) || has(X, s | f) || has(Y, s | f), f) | ((X | Y) & s) |
           u | x | locks_of_both(X, Y);
}

static uint32_t or_b_type(uint32_t X, uint32_t Y)
{
    return when(has(X, B | d) && has(Y, W | d), B) | when(has(X | Y, z), (X | Y) & o) |
           when(has(X | Y, s) && has(X & Y, e), X & Y & m) | (X & Y & (z | s | e)) | d |
           u | x | locks_of_either(X, Y);
}

static uint32_t or_d_or_c_type(uint32_t X, uint32_t Y)
{
    return when(has(Y, z), X & o) | when(has(X, e) && has(X | Y, s), X & Y & m) |
           (X & Y & (z | s)) | x | locks_of_either(X, Y);
}

static uint32_t or_i_type(uint32_t X, uint32_t Y)
{
    return (X & Y & (V | B | K | u | f | s)) | when(has(X & Y, z), o) |
           when(has(X | Y, f), (X | Y) & e) | when(has(X | Y, s), X & Y & m) |
           ((X | Y) & d) | x | locks_of_either(X, Y);
}

static uint32_t andor_type(uint32_t X, uint32_t Y, uint32_t Z)
{
    bool alone = has(X, s) || has(Y, f); /* nobody else can turn to Z */
    uint32_t all = X & Y & Z;
    return when(has(X, B | d | u), Y & Z & (B | K | V)) | (all & z) |
           when(has(X | (Y & Z), z), (X | (Y & Z)) & o) | (Y & Z & u) |
           when(alone, Z & (f | e)) | (Z & d) |
           when(has(X, e) && has(X | Y | Z, s), all & m) | (Z & (X | Y) & s) | x |
           ((X | Y | Z) & LOCKS) | when(has(all, k) && !locks_clash(X, Y), k);
}

static uint32_t thresh_type(const struct miniscript *ms, const struct ms_node *t)
{
    uint32_t common = e | m, locks = k, with_sig = 0, args = 0;
    for (uint32_t c = 0; c < t->n_subs; c++) {
        uint32_t X = ms_sub(ms, t, c)->type;
        if (!has(X, (c == 0 ? B : W) | d | u))
            return 0;
        common &= X;
        with_sig += has(X, s);
        args += has(X, z) ? 0 : has(X, o) ? 1 : 2;
        locks = t->k > 1 ? locks_of_both(locks, X) : locks_of_either(locks, X);
    }
    bool all_e = has(common, e);
    return B | d | u | when(args == 0, z) | when(args == 1, o) |
           when(all_e && with_sig == t->n_subs, e) |
           when(has(common, e | m) && with_sig >= t->n_subs - t->k, m) |
           when(with_sig >= t->n_subs - t->k + 1, s) | locks;
}

static uint32_t combine(const struct miniscript *ms, const struct ms_node *t)
{
    uint32_t X = ms_sub(ms, t, 0)->type;
    uint32_t Y = t->n_subs > 1 ? ms_sub(ms, t, 1)->type : 0;
    switch (t->kind) {
    case MS_AND_V:
        return and_v_type(X, Y);
    case MS_AND_B:
        return and_b_type(X, Y);
    case MS_OR_B:
        return or_b_type(X, Y);
    case MS_OR_C:
        return when(has(X, B | d | u), Y & V) | f | or_d_or_c_type(X, Y);
    case MS_OR_D:
        return when(has(X, B | d | u), Y & B) | (Y & (u | f | d | e)) |
               or_d_or_c_type(X, Y);
    case MS_OR_I:
        return or_i_type(X, Y);
    case MS_ANDOR:
        return andor_type(X, Y, ms_sub(ms, t, 2)->type);
    case MS_THRESH:
        return thresh_type(ms, t);
    default:
        return wrapper_type(t->kind, X, ms->context == MS_TAPSCRIPT);
    }
}

uint32_t ms_compute_type(const struct miniscript *ms, const struct ms_node *t)
{
    for (uint32_t c = 0; c < t->n_subs; c++) {
        if (ms_sub(ms, t, c)->type == 0)
            return 0;
    }
    uint32_t type = t->n_subs == 0 ? leaf_type(t) : combine(ms, t);
    uint32_t base = type & (B | V | K | W);
    bool one_base = base != 0 && (base & (base - 1)) == 0;
    return one_base ? type : 0;
}
