/* A decoder fed with any ids in any order: true symbols of a block must either decode
 * to that block or leave it undecided, and nothing may be written elsewhere. */
#include <string.h>

#include "fuzz.h"
#include "storage/raptorq/raptorq.h"

#define K_MAX 120
#define T_MAX 24

/* Reads the first octets as a block's shape, the rest as ids of three octets. */
struct input {
    const uint8_t *p;
    size_t left;
};

static uint32_t take(struct input *in, unsigned n)
{
    uint32_t v = 0;

    for (; n > 0; n--) {
        v = v << 8 | (in->left ? *in->p : 0);
        in->p += in->left != 0;
        in->left -= in->left != 0;
    }
    return v;
}

static void feed(struct rq_enc *enc, struct rq_dec *dec, struct input *in,
                 const uint8_t *src, const uint8_t *dst, size_t n, uint32_t K)
{
    int rc = RQ_NEED_MORE;

    while (in->left && rc != RQ_DECODED) {
        uint32_t op = take(in, 1), esi = take(in, 2);
        uint8_t symbol[T_MAX];

        if (op & 1)
            esi %= 2 * K + 10;
        if (op & 2)
            esi = esi << 8 | op;
        ASSERT(rq_enc_run(enc, esi, 1, symbol) == RQ_OK);
        rc = rq_dec_add(dec, esi, symbol);
        ASSERT(rc >= 0);
        if (op & 4)
            (void)rq_dec_slot(dec, esi + 1);
        if (op & 8)
            ASSERT(rq_dec_check(dec) >= 0);
        if (rc == RQ_OK || rc == RQ_FULL || op & 16)
            rc = rq_dec_solve(dec);
        ASSERT(rc >= 0);
    }
    if (rc == RQ_DECODED)
        ASSERT(memcmp(src, dst, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t src[K_MAX * T_MAX], dst[K_MAX * T_MAX + 16];
    struct input in = {data, size};
    struct rq_config config = {.mode = (enum rq_mode)(take(&in, 1) % 4)};
    struct rq_shape shape = {.K = 1 + take(&in, 1) % K_MAX, .N = 1, .Al = 1};
    struct rq_ctx *ctx;
    struct rq_enc *enc = NULL;
    struct rq_dec *dec = NULL;
    size_t n;

    shape.T = 1 + take(&in, 1) % T_MAX;
    shape.N = 1 + take(&in, 1) % shape.T;
    n = (size_t)shape.K * shape.T;
    for (size_t i = 0; i < n; i++)
        src[i] = (uint8_t)(i * 131 + size);
    memset(dst, 0xa5, sizeof(dst));
    if (rq_ctx_new(&ctx, &config) != RQ_OK)
        return 0;
    ASSERT(rq_enc_new(ctx, &enc) == RQ_OK && rq_dec_new(ctx, &dec) == RQ_OK);
    ASSERT(rq_enc_open(enc, &shape, src, n) == RQ_OK);
    ASSERT(rq_dec_open(dec, &shape, dst, n, take(&in, 1) % 200) == RQ_OK);
    feed(enc, dec, &in, src, dst, n, shape.K);
    for (size_t i = 0; i < 16; i++)
        ASSERT(dst[n + i] == 0xa5);
    rq_enc_free(enc);
    rq_dec_free(dec);
    rq_ctx_free(ctx);
    return 0;
}
