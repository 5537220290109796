#include "storage/raptorq/raptorq.h"
#include "storage/raptorq/tables.h"
#include "storage/raptorq/tuple.h"

/* The smallest row of the table with K' >= K. */
static const struct rq_systematic *systematic_row(uint32_t K)
{
    uint32_t lo = 0, hi = RQ_N_SYSTEMATIC - 1;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;

        if (rq_systematic[mid].Kp < K)
            lo = mid + 1;
        else
            hi = mid;
    }
    return &rq_systematic[lo];
}

int rq_params_init(struct rq_params *out, uint32_t K)
{
    const struct rq_systematic *row;

    if (K < RQ_K_MIN || K > RQ_K_MAX)
        return RQ_ERR_K;
    row = systematic_row(K);
    out->K = K;
    out->Kp = row->Kp;
    out->J = row->J;
    out->S = row->S;
    out->H = row->H;
    out->W = row->W;
    out->L = out->Kp + out->S + out->H;
    out->P = out->L - out->W;
    out->P1 = row->P1;
    out->U = out->P - out->H;
    out->B = out->W - out->S;
    return RQ_OK;
}

uint32_t rq_rand(uint32_t y, uint32_t i, uint32_t m)
{
    return rq_rand_word(y, i) % m;
}

struct rq_tuple rq_tuple(const struct rq_params *p, uint32_t X)
{
    struct rq_tupler t;

    rq_tupler_init(&t, p);
    return rq_tupler_get(&t, X);
}

void rq_hdpc_matrix(const struct rq_params *p, uint8_t *out)
{
    uint32_t n = p->Kp + p->S;

    for (uint32_t i = 0; i < p->H; i++)
        out[(size_t)i * n + n - 1] = rq_exp[i];
    for (uint32_t j = n - 1; j-- > 0;) {
        uint32_t a = rq_rand(j + 1, 6, p->H);
        uint32_t b = (a + rq_rand(j + 1, 7, p->H - 1) + 1) % p->H;

        for (uint32_t i = 0; i < p->H; i++) {
            uint8_t v = rq_mul(2, out[(size_t)i * n + j + 1]);

            out[(size_t)i * n + j] = v ^ (i == a || i == b);
        }
    }
}
