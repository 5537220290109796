#include "storage/raptorq/raptorq.h"
#include "storage/raptorq/tables.h"

/* Octets: F 0..4, reserved 5, T 6..7 (3.3.2); Z 8, N 9..10, Al 11 (3.3.3). */
enum { AT_F = 0, AT_RESERVED = 5, AT_T = 6, AT_Z = 8, AT_N = 9, AT_AL = 11 };

static uint64_t get_be(const uint8_t *in, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v = v << 8 | in[i];
    return v;
}

static void put_be(uint8_t *out, unsigned n, uint64_t v)
{
    for (unsigned i = n; i-- > 0; v >>= 8)
        out[i] = (uint8_t)v;
}

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

int rq_oti_check(const struct rq_oti *oti)
{
    uint64_t Kt;

    if (oti->F == 0 || oti->F > RQ_F_MAX)
        return RQ_ERR_F;
    if (oti->Al == 0 || oti->Al > 255)
        return RQ_ERR_AL;
    if (oti->T == 0 || oti->T > RQ_T_MAX || oti->T % oti->Al)
        return RQ_ERR_T;
    if (oti->N == 0 || oti->N > oti->T / oti->Al)
        return RQ_ERR_N;
    Kt = ceil_div(oti->F, oti->T);
    if (oti->Z == 0 || oti->Z > RQ_Z_MAX || oti->Z > Kt)
        return RQ_ERR_Z;
    if (ceil_div(Kt, oti->Z) > RQ_K_MAX)
        return RQ_ERR_K;
    return RQ_OK;
}

void rq_oti_put(uint8_t out[RQ_OTI_SIZE], const struct rq_oti *oti)
{
    put_be(out + AT_F, 5, oti->F);
    out[AT_RESERVED] = 0;
    put_be(out + AT_T, 2, oti->T);
    put_be(out + AT_Z, 1, oti->Z);
    put_be(out + AT_N, 2, oti->N);
    put_be(out + AT_AL, 1, oti->Al);
}

int rq_oti_get(struct rq_oti *out, const uint8_t in[RQ_OTI_SIZE])
{
    struct rq_oti oti = {
        .F = get_be(in + AT_F, 5),
        .T = (uint32_t)get_be(in + AT_T, 2),
        .Z = in[AT_Z],
        .N = (uint32_t)get_be(in + AT_N, 2),
        .Al = in[AT_AL],
    };
    int rc = in[AT_RESERVED] ? RQ_ERR_DATA : rq_oti_check(&oti);

    if (rc == RQ_OK)
        *out = oti;
    return rc;
}

/* KL(n) of 4.3: the largest K' whose sub-blocks fit in WS octets; 0 if none does. */
static uint32_t largest_block(uint64_t WS, uint32_t T, uint32_t Al, uint32_t n)
{
    uint64_t room = WS / (Al * ceil_div(T, (uint64_t)Al * n));
    uint32_t lo = 0, hi = RQ_N_SYSTEMATIC;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;

        if (rq_systematic[mid].Kp <= room)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? rq_systematic[lo - 1].Kp : 0;
}

int rq_oti_derive(struct rq_oti *out, uint64_t F, uint32_t max_payload, uint32_t Al,
                  uint32_t SS, uint64_t WS)
{
    struct rq_oti oti = {.F = F, .Al = Al};
    uint64_t Kt, Z;
    uint32_t n_max, n;
    int rc;

    if (F == 0 || F > RQ_F_MAX)
        return RQ_ERR_F;
    if (Al == 0 || Al > 255)
        return RQ_ERR_AL;
    if (max_payload > RQ_T_MAX)
        max_payload = RQ_T_MAX;
    oti.T = Al * (max_payload / Al);
    if (oti.T == 0)
        return RQ_ERR_T;
    if (SS == 0 || (uint64_t)SS * Al > oti.T)
        return RQ_ERR_N;
    n_max = oti.T / (SS * Al);
    Kt = ceil_div(F, oti.T);
    if (largest_block(WS, oti.T, Al, n_max) == 0)
        return RQ_ERR_N;
    Z = ceil_div(Kt, largest_block(WS, oti.T, Al, n_max));
    if (Z > RQ_Z_MAX)
        return RQ_ERR_Z;
    for (n = 1; ceil_div(Kt, Z) > largest_block(WS, oti.T, Al, n); n++)
        ;
    oti.Z = (uint32_t)Z;
    oti.N = n;
    rc = rq_oti_check(&oti);
    if (rc == RQ_OK)
        *out = oti;
    return rc;
}

void rq_payload_id_put(uint8_t out[RQ_PAYLOAD_ID_SIZE], const struct rq_payload_id *id)
{
    out[0] = id->sbn;
    put_be(out + 1, 3, id->esi);
}

void rq_payload_id_get(struct rq_payload_id *out, const uint8_t in[RQ_PAYLOAD_ID_SIZE])
{
    out->sbn = in[0];
    out->esi = (uint32_t)get_be(in + 1, 3);
}

struct rq_partition rq_partition(uint32_t I, uint32_t J)
{
    struct rq_partition p;

    p.IL = I / J + (I % J != 0);
    p.IS = I / J;
    p.JL = I - p.IS * J;
    p.JS = J - p.JL;
    return p;
}

int rq_oti_block(const struct rq_oti *oti, uint32_t sbn, struct rq_block *out)
{
    int rc = rq_oti_check(oti);
    struct rq_partition p;
    uint64_t first;

    if (rc < 0)
        return rc;
    if (sbn >= oti->Z)
        return RQ_ERR_SBN;
    p = rq_partition((uint32_t)ceil_div(oti->F, oti->T), oti->Z);
    first = sbn < p.JL ? (uint64_t)sbn * p.IL
                       : (uint64_t)p.JL * p.IL + (uint64_t)(sbn - p.JL) * p.IS;
    out->K = sbn < p.JL ? p.IL : p.IS;
    out->offset = first * oti->T;
    out->length = (uint64_t)out->K * oti->T;
    if (out->length > oti->F - out->offset)
        out->length = oti->F - out->offset;
    return RQ_OK;
}
