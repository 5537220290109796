/* OTI, payload ids and serialised plans: whatever is accepted must be valid, and what
 * is written again must be what was read. */
#include <string.h>

#include "fuzz.h"
#include "storage/raptorq/raptorq.h"

static void fuzz_oti(const uint8_t *data)
{
    uint8_t again[RQ_OTI_SIZE];
    uint64_t total = 0;
    struct rq_oti oti;

    if (rq_oti_get(&oti, data) != RQ_OK)
        return;
    rq_oti_put(again, &oti);
    ASSERT(memcmp(again, data, RQ_OTI_SIZE) == 0);
    for (uint32_t sbn = 0; sbn < oti.Z; sbn++) {
        struct rq_block b;

        ASSERT(rq_oti_block(&oti, sbn, &b) == RQ_OK);
        ASSERT(b.K >= RQ_K_MIN && b.K <= RQ_K_MAX && b.offset == total && b.length > 0);
        total += b.length;
    }
    ASSERT(total == oti.F);
}

static void fuzz_derive(const uint8_t *data)
{
    struct rq_oti oti;
    uint64_t F, WS;
    uint32_t payload, SS;

    memcpy(&F, data, 8);
    memcpy(&WS, data + 8, 8);
    memcpy(&payload, data + 16, 4);
    memcpy(&SS, data + 20, 4);
    if (rq_oti_derive(&oti, F, payload, data[24], SS, WS) == RQ_OK)
        ASSERT(rq_oti_check(&oti) == RQ_OK && oti.F == F);
}

static void fuzz_plan(const uint8_t *data, size_t size)
{
    struct rq_ctx *ctx;
    struct rq_plan *plan;

    if (rq_ctx_new(&ctx, NULL) != RQ_OK)
        return;
    if (rq_plan_read(ctx, &plan, data, size) == RQ_OK)
        rq_plan_unref(plan);
    rq_ctx_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= RQ_PAYLOAD_ID_SIZE) {
        struct rq_payload_id id;
        uint8_t again[RQ_PAYLOAD_ID_SIZE];

        rq_payload_id_get(&id, data);
        ASSERT(id.esi <= RQ_ESI_MAX);
        rq_payload_id_put(again, &id);
        ASSERT(memcmp(again, data, sizeof(again)) == 0);
    }
    if (size >= RQ_OTI_SIZE)
        fuzz_oti(data);
    if (size >= 25)
        fuzz_derive(data);
    fuzz_plan(data, size);
    return 0;
}
