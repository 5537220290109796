/* Fees of supernodes: what storage costs in patoshis (doc/spec/tickets.md, "Fees"). */
#ifndef OCHRE_TICKETS_FEE_H
#define OCHRE_TICKETS_FEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a supernode may ask: per 2^20 octets of storage, or per request of Sense. */
#define FEE_LEAST 1000
#define FEE_MOST  INT64_C(1000000000000)

/* What a storage ticket may ask for. */
#define RATIO_LEAST        1200 /* symbols to source symbols, in thousandths */
#define RATIO_MOST         64000
#define REDUNDANCY_MOST    20
#define FILE_SIZE_MOST     (UINT64_C(1) << 39)
#define QUOTA_LEAST        (UINT64_C(1) << 20)
#define DEFAULT_RATIO      12000
#define DEFAULT_REDUNDANCY 6

/* Multiplier in millionths: 1,000,000 for the default ratio and redundancy. The
 * arguments are within the bounds above. */
uint64_t fee_factor(uint32_t ratio, uint32_t redundancy);

/* Price of octets of storage at a fee per 2^20 octets: at least 1,000, rounded up. A
 * price above all money there is reads as MAX_MONEY + 1. */
uint64_t fee_price(uint64_t fee, uint64_t factor, uint64_t octets);

/* The least burn beside a payment of P where the committee's median asks P_m: a fifth
 * of the greater, rounded up, and no less than 1 PSL. At most MAX_MONEY both. */
uint64_t fee_burn(uint64_t paid, uint64_t median);

/* Element floor((n-1)/2) of the sorted fees, n > 0; sorts them. */
uint64_t fee_lower_median(uint64_t *fees, size_t n);

#endif
