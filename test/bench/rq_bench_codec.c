/* The codec behind the ABI of rq_abi.h.
 *
 * One context serves all calls, as in a program that codes block after block; what is
 * not to be measured as prepared is dropped from it first. rqp_enc itself only takes
 * note of the source. A request for one symbol (the sign of life the cases "enc" and
 * "encplan" ask for) computes all intermediate symbols, because that is what those
 * cases are to time; for several symbols the codec takes its cheapest way.
 *
 * RQ_BENCH_KERNEL picks a kernel by name, RQ_BENCH_MODE a mode (1 slices, 2 generator,
 * 3 patch) instead of the cheapest. */
#include <stdlib.h>
#include <string.h>

#include "rq_abi.h"
#include "storage/raptorq/raptorq.h"

static struct rq_ctx *ctx;
static struct rq_enc *encoder;
static struct rq_dec *decoder;

static struct {
    uint32_t K, T;
    uint8_t *symbols; /* K * T octets: received source symbols */
    size_t size;
} received;

static int start(void)
{
    struct rq_config config = {.kernel = getenv("RQ_BENCH_KERNEL")};
    const char *mode = getenv("RQ_BENCH_MODE");

    if (ctx)
        return 0;
    if (mode)
        config.mode = (enum rq_mode)atoi(mode);
    return rq_ctx_new(&ctx, &config) || rq_enc_new(ctx, &encoder) ||
                   rq_dec_new(ctx, &decoder)
               ? -1
               : 0;
}

const char *rqp_name(void)
{
    return start() ? "ochre (unusable)" : "ochre";
}

int rqp_plan(uint32_t K, uint32_t T)
{
    struct rq_plan *plan;

    (void)T;
    if (start() || rq_plan_new(ctx, &plan, K) != RQ_OK)
        return -1;
    rq_ctx_keep_plan(ctx, plan);
    rq_plan_unref(plan);
    return 0;
}

void *rqp_enc(const uint8_t *src, uint32_t K, uint32_t T, int use_plan)
{
    struct rq_shape shape = {K, T, 1, 1};

    if (start())
        return NULL;
    if (!use_plan)
        rq_ctx_drop_plans(ctx);
    return rq_enc_open(encoder, &shape, src, (size_t)K * T) == RQ_OK ? encoder : NULL;
}

int rqp_enc_get(void *enc, uint32_t K, uint32_t esi, uint32_t n, uint8_t *out)
{
    (void)K;
    if (n == 1 && rq_enc_prepare(enc) != RQ_OK)
        return -1;
    return rq_enc_run(enc, esi, n, out) == RQ_OK ? 0 : -1;
}

void rqp_enc_free(void *enc)
{
    (void)enc;
}

void *rqp_dec(uint32_t K, uint32_t T)
{
    struct rq_shape shape = {K, T, 1, 1};
    size_t n = (size_t)K * T;

    if (start())
        return NULL;
    if (received.size < n) {
        free(received.symbols);
        received.symbols = malloc(n);
        received.size = received.symbols ? n : 0;
    }
    received.K = K;
    received.T = T;
    if (!received.symbols ||
        rq_dec_open(decoder, &shape, received.symbols, n, 0) != RQ_OK)
        return NULL;
    return decoder;
}

int rqp_dec_add(void *dec, uint32_t esi, const uint8_t *sym)
{
    return rq_dec_add(dec, esi, sym) < 0 ? -1 : 0;
}

int rqp_dec_run(void *dec, uint8_t *out)
{
    if (rq_dec_solve(dec) != RQ_DECODED)
        return 0;
    memcpy(out, received.symbols, (size_t)received.K * received.T);
    return 1;
}

void rqp_dec_free(void *dec)
{
    (void)dec;
}
