/* Generator rows: what every source symbol is multiplied with in some encoding symbols.
 * Found by running an encoder plan backwards on 64 octets at once. */
#ifndef OCHRE_RAPTORQ_GENERATOR_H
#define OCHRE_RAPTORQ_GENERATOR_H
#include "storage/raptorq/plan.h"

#define RQ_GENERATOR_MAX 64
#define RQ_ISI_SLOT      0x80000000u /* | i in place of an id: slot i of the plan */

/* Coefficients of the @n <= 64 encoding symbols with internal ids isi[]: of symbol i
 * from source symbol k in out[k * ld + i], ld = n rounded up to 8, zero between. @out
 * has K' rows. */
RQ_NODISCARD int rq_generator(struct rq_mem *mem, struct rq_buf *work,
                              const struct rq_kernels *kernels,
                              const struct rq_plan *plan, const uint32_t *isi,
                              uint32_t n, uint8_t *out);

/* Solves the @n equations in @e <= n unknowns whose coefficients are a[i * lda + j]
 * (equation i, unknown j): unknown j is the sum of inverse[i * ld + j] times equation
 * i, ld = e rounded up to 8. false if the rank is below e. */
bool rq_invert(const struct rq_kernels *kernels, uint8_t *work, const uint8_t *a,
               size_t lda, uint32_t n, uint32_t e, uint8_t *inverse);
size_t rq_invert_work(uint32_t n, uint32_t e);

#endif
