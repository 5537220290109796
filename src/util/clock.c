#include "util/clock.h"

#include <stdio.h>
#include <time.h>

void clock_init(struct clock *c)
{
    atomic_init(&c->mock_s, 0);
}

void clock_set_mock(struct clock *c, int64_t unix_s)
{
    atomic_store(&c->mock_s, unix_s);
}

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_now_us(const struct clock *c)
{
    int64_t mock = atomic_load(&c->mock_s);
    return mock ? mock * 1000000 : read_us(CLOCK_REALTIME);
}

int64_t clock_now(const struct clock *c)
{
    int64_t mock = atomic_load(&c->mock_s);
    return mock ? mock : read_us(CLOCK_REALTIME) / 1000000;
}

int64_t clock_steady_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

char *clock_format_utc(char out[32], int64_t unix_s)
{
    struct tm tm;
    time_t t = (time_t)unix_s;
    out[0] = 0;
    /* Years beyond four digits would not fit the format (nor out). */
    if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
        return out;
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}
