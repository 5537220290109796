/* Arithmetic modulo p = 2^256 - 2^32 - 977 on OpenSSL's numbers. A struct field holds
 * the context and the constants of one call, so a formula below is a line each. */
#include "crypto/ellswift.h"

#include <openssl/bn.h>

#include "util/mem.h"
#include "util/rand.h"

struct field {
    BN_CTX *ctx;
    BIGNUM *p;
    BIGNUM *sqrt_exponent;     /* (p + 1) / 4, since p mod 4 = 3 */
    BIGNUM *two_inverse;       /* 1/2 */
    BIGNUM *seven;             /* b of the curve */
    BIGNUM *sqrt_minus_3;      /* c */
    BIGNUM *half_of_1_minus_c; /* (1 - c) / 2 */
    BIGNUM *half_of_1_plus_c;  /* (1 + c) / 2 */
};

/* Out of memory is the one way these calls fail. */
static BIGNUM *number(struct field *f)
{
    BIGNUM *n = BN_CTX_get(f->ctx);
    ASSERT(n != NULL);
    return n;
}

static BIGNUM *small(struct field *f, unsigned v)
{
    BIGNUM *n = number(f);
    ASSERT(BN_set_word(n, v) == 1);
    return n;
}

static BIGNUM *add(struct field *f, const BIGNUM *a, const BIGNUM *b)
{
    BIGNUM *n = number(f);
    ASSERT(BN_mod_add(n, a, b, f->p, f->ctx) == 1);
    return n;
}

static BIGNUM *sub(struct field *f, const BIGNUM *a, const BIGNUM *b)
{
    BIGNUM *n = number(f);
    ASSERT(BN_mod_sub(n, a, b, f->p, f->ctx) == 1);
    return n;
}

static BIGNUM *mul(struct field *f, const BIGNUM *a, const BIGNUM *b)
{
    BIGNUM *n = number(f);
    ASSERT(BN_mod_mul(n, a, b, f->p, f->ctx) == 1);
    return n;
}

static BIGNUM *square(struct field *f, const BIGNUM *a)
{
    return mul(f, a, a);
}

static BIGNUM *negate(struct field *f, const BIGNUM *a)
{
    BIGNUM *zero = small(f, 0);
    return sub(f, zero, a);
}

/* @b is not zero. */
static BIGNUM *divide(struct field *f, const BIGNUM *a, const BIGNUM *b)
{
    BIGNUM *n = number(f);
    ASSERT(BN_mod_inverse(n, b, f->p, f->ctx) != NULL);
    return mul(f, a, n);
}

/* NULL: @a is no square. */
static BIGNUM *square_root(struct field *f, const BIGNUM *a)
{
    BIGNUM *n = number(f);
    ASSERT(BN_mod_exp(n, a, f->sqrt_exponent, f->p, f->ctx) == 1);
    return BN_cmp(square(f, n), a) == 0 ? n : NULL;
}

/* x^3 + 7 */
static BIGNUM *curve(struct field *f, const BIGNUM *x)
{
    return add(f, mul(f, square(f, x), x), f->seven);
}

static bool on_curve(struct field *f, const BIGNUM *x)
{
    return square_root(f, curve(f, x)) != NULL;
}

static void field_init(struct field *f)
{
    static const char p[] =
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
    static const char c[] =
        "0a2d2ba93507f1df233770c2a797962cc61f6d15da14ecd47d8d27ae1cd5f852";
    f->ctx = BN_CTX_new();
    ASSERT(f->ctx != NULL);
    BN_CTX_start(f->ctx);
    f->p = number(f);
    f->sqrt_minus_3 = number(f);
    ASSERT(BN_hex2bn(&f->p, p) > 0 && BN_hex2bn(&f->sqrt_minus_3, c) > 0);
    f->sqrt_exponent = number(f);
    ASSERT(BN_copy(f->sqrt_exponent, f->p) != NULL && BN_add_word(f->sqrt_exponent, 1));
    ASSERT(BN_rshift(f->sqrt_exponent, f->sqrt_exponent, 2) == 1);
    f->seven = small(f, 7);
    f->two_inverse = divide(f, small(f, 1), small(f, 2));
    f->half_of_1_minus_c = mul(f, sub(f, small(f, 1), f->sqrt_minus_3), f->two_inverse);
    f->half_of_1_plus_c = mul(f, add(f, small(f, 1), f->sqrt_minus_3), f->two_inverse);
}

static void field_clear(struct field *f)
{
    BN_CTX_end(f->ctx);
    BN_CTX_free(f->ctx);
}

static BIGNUM *from_octets(struct field *f, const uint8_t octets[32])
{
    BIGNUM *n = number(f), *reduced = number(f);
    ASSERT(BN_bin2bn(octets, 32, n) != NULL);
    ASSERT(BN_nnmod(reduced, n, f->p, f->ctx) == 1);
    return reduced;
}

static void to_octets(uint8_t octets[32], const BIGNUM *n)
{
    ASSERT(BN_bn2binpad(n, octets, 32) == 32);
}

/* XSwiftEC: the first of three candidates that is on the curve; one always is. */
static BIGNUM *decode(struct field *f, BIGNUM *u, BIGNUM *t)
{
    if (BN_is_zero(u))
        u = small(f, 1);
    if (BN_is_zero(t))
        t = small(f, 1);
    BIGNUM *g = curve(f, u);
    if (BN_is_zero(add(f, g, square(f, t))))
        t = add(f, t, t);
    BIGNUM *x = divide(f, sub(f, g, square(f, t)), add(f, t, t));
    BIGNUM *y = divide(f, add(f, x, t), mul(f, f->sqrt_minus_3, u));
    BIGNUM *first = add(f, u, mul(f, small(f, 4), square(f, y)));
    if (on_curve(f, first))
        return first;
    BIGNUM *quotient = divide(f, x, y);
    BIGNUM *second = mul(f, negate(f, add(f, quotient, u)), f->two_inverse);
    if (on_curve(f, second))
        return second;
    return mul(f, sub(f, quotient, u), f->two_inverse);
}

/* v and s of a branch; false where the branch has no solution. */
static bool solve_low(struct field *f, BIGNUM **v, BIGNUM **s, BIGNUM *x, BIGNUM *u,
                      bool second UNUSED)
{
    if (on_curve(f, negate(f, add(f, x, u))))
        return false;
    BIGNUM *sum = add(f, square(f, u), add(f, mul(f, u, x), square(f, x)));
    *v = x;
    *s = divide(f, negate(f, curve(f, u)), sum);
    return true;
}

static bool solve_high(struct field *f, BIGNUM **v, BIGNUM **s, BIGNUM *x, BIGNUM *u,
                       bool second)
{
    *s = sub(f, x, u);
    if (BN_is_zero(*s))
        return false;
    BIGNUM *sum = add(f, mul(f, small(f, 4), curve(f, u)),
                      mul(f, small(f, 3), mul(f, *s, square(f, u))));
    BIGNUM *r = square_root(f, negate(f, mul(f, *s, sum)));
    if (r == NULL || (second && BN_is_zero(r))) /* then both branches agree */
        return false;
    *v = mul(f, sub(f, divide(f, r, *s), u), f->two_inverse);
    return true;
}

/* NULL: the branch has no solution. */
static BIGNUM *inverse(struct field *f, BIGNUM *x, BIGNUM *u, unsigned branch)
{
    BIGNUM *v, *s;
    bool second = branch & 1, high = branch & 2, negative = branch & 4;
    if (!(high ? solve_high : solve_low)(f, &v, &s, x, u, second))
        return NULL;
    BIGNUM *w = square_root(f, s);
    if (w == NULL)
        return NULL;
    const BIGNUM *half = second ? f->half_of_1_plus_c : f->half_of_1_minus_c;
    BIGNUM *t = mul(f, w, add(f, mul(f, u, half), v));
    return second == negative ? negate(f, t) : t;
}

void ellswift_decode(uint8_t x[32], const uint8_t encoding[ELLSWIFT_SIZE])
{
    struct field f;
    field_init(&f);
    to_octets(x, decode(&f, from_octets(&f, encoding), from_octets(&f, encoding + 32)));
    field_clear(&f);
}

bool ellswift_inverse(uint8_t t[32], const uint8_t x[32], const uint8_t u[32],
                      unsigned branch)
{
    struct field f;
    field_init(&f);
    BIGNUM *found = inverse(&f, from_octets(&f, x), from_octets(&f, u), branch);
    if (found != NULL)
        to_octets(t, found);
    field_clear(&f);
    return found != NULL;
}

/* A quarter of all tries finds one. */
void ellswift_encode(uint8_t encoding[ELLSWIFT_SIZE], const uint8_t x[32])
{
    struct field f;
    BIGNUM *t = NULL;
    field_init(&f);
    BIGNUM *wanted = from_octets(&f, x);
    ASSERT(on_curve(&f, wanted));
    while (t == NULL) {
        uint8_t random[33];
        rand_bytes(random, sizeof(random));
        BN_CTX_start(f.ctx);
        BIGNUM *u = from_octets(&f, random);
        if (!BN_is_zero(u))
            t = inverse(&f, wanted, u, random[32] & 7);
        if (t != NULL) {
            to_octets(encoding, u);
            to_octets(encoding + 32, t);
        }
        BN_CTX_end(f.ctx);
    }
    field_clear(&f);
}
