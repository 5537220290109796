/* fee_estimates.dat: what is read is written again as it was, and can be asked. The
 * input lies over the head and, from then on, over the numbers of an empty file; the
 * sum is put right. */
#include "fuzz.h"

#include "chain/mempool/fee_estimator.h"
#include "crypto/sha256.h"

#define SUM_SIZE 32

static void overlay(struct buf *file, const uint8_t *data, size_t size)
{
    size_t body = file->len - SUM_SIZE;
    memcpy(file->data, data, size < body ? size : body);
    sha256d(file->data + body, file->data, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf file = {0}, again = {0};
    struct fee_estimator *f = fee_estimator_new();
    ASSERT(fee_estimator_read(f, bytes_of(data, size)) != ERR_OK || size > SUM_SIZE);
    fee_estimator_write(f, &file);
    overlay(&file, data, size);
    if (fee_estimator_read(f, buf_view(&file)) == ERR_OK) {
        fee_estimator_write(f, &again);
        ASSERT(bytes_equal(buf_view(&file), buf_view(&again)));
        for (unsigned target = 1; target <= FEE_MAX_TARGET; target += 46)
            fee_estimator_smart(f, target, target % 4 == 1);
    }
    fee_estimator_free(f);
    buf_clear(&file);
    buf_clear(&again);
    return 0;
}
