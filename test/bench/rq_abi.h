/* The ABI through which RaptorQ codecs are measured and compared: one source block,
 * N = 1, single threaded. Every function is called from one thread. */
#ifndef OCHRE_BENCH_RQ_ABI_H
#define OCHRE_BENCH_RQ_ABI_H
#include <stdint.h>

const char *rqp_name(void);
/* Makes and keeps what can be prepared from K and T alone; 0, or -1 if not supported.
 */
int rqp_plan(uint32_t K, uint32_t T);
/* Begins to encode @src, which stays valid; without @use_plan nothing an earlier call
 * prepared may be used. NULL on failure. */
void *rqp_enc(const uint8_t *src, uint32_t K, uint32_t T, int use_plan);
/* Writes @n consecutive encoding symbols from @esi >= K on; 0 is success. */
int rqp_enc_get(void *enc, uint32_t K, uint32_t esi, uint32_t n, uint8_t *out);
void rqp_enc_free(void *enc);
void *rqp_dec(uint32_t K, uint32_t T);
/* @sym is valid during the call only; 0 is success. */
int rqp_dec_add(void *dec, uint32_t esi, const uint8_t *sym);
/* 1: decoded, K * T octets are in @out; 0: more symbols are needed. */
int rqp_dec_run(void *dec, uint8_t *out);
void rqp_dec_free(void *dec);

#endif
