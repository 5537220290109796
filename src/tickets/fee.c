#include "tickets/fee.h"

#include <stdlib.h>

#include "chain/params/params.h"

#define LEAST_FACTOR 50000 /* millionths */
#define LEAST_PRICE  1000
#define LEAST_BURN   100000 /* 1 PSL */

uint64_t fee_factor(uint32_t ratio, uint32_t redundancy)
{
    uint64_t of_default = (uint64_t)DEFAULT_RATIO * DEFAULT_REDUNDANCY;
    uint64_t factor = (uint64_t)ratio * redundancy * 1000000 / of_default;
    return factor < LEAST_FACTOR ? LEAST_FACTOR : factor;
}

uint64_t fee_price(uint64_t fee, uint64_t factor, uint64_t octets)
{
    unsigned __int128 unit = (unsigned __int128)1000000 << 20;
    unsigned __int128 price =
        ((unsigned __int128)fee * factor * octets + unit - 1) / unit;
    if (price > MAX_MONEY)
        return MAX_MONEY + 1;
    return price < LEAST_PRICE ? LEAST_PRICE : (uint64_t)price;
}

uint64_t fee_burn(uint64_t paid, uint64_t median)
{
    uint64_t fifth = ((paid > median ? paid : median) + 4) / 5;
    return fifth < LEAST_BURN ? LEAST_BURN : fifth;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t fee_lower_median(uint64_t *fees, size_t n)
{
    qsort(fees, n, sizeof(*fees), by_value);
    return fees[(n - 1) / 2];
}
