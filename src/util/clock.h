/* Time that tests can move. Wall time follows setmocktime; steady time never does. */
#ifndef OCHRE_UTIL_CLOCK_H
#define OCHRE_UTIL_CLOCK_H

#include <stdatomic.h>

#include "util/err.h"

struct clock {
    _Atomic int64_t mock_s; /* 0: not mocked */
};

void clock_init(struct clock *c);
void clock_set_mock(struct clock *c, int64_t unix_s); /* 0 switches back to real time */
int64_t clock_now(const struct clock *c);             /* unix seconds */
int64_t clock_now_us(const struct clock *c); /* unix microseconds (mock * 10^6) */
int64_t clock_steady_us(void);               /* monotonic, arbitrary origin */
/* "2026-11-21T09:00:00Z"; out holds 21 bytes. Returns out. */
char *clock_format_utc(char out[32], int64_t unix_s);

#endif
