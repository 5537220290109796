/* What a payment costs in a wallet of many coins: CPU seconds of choosing, signing and
 * recording, one payment after the other, and of listing what may be spent. */
#include <time.h>

#include "../unit/spend_fixture.h"
#include "wallet/coins.h"

#define BLOCKS    200
#define PER_BLOCK 500
#define SCRIPTS   1000

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void pay(struct wallet *w, int64_t value)
{
    static const uint8_t script[22] = {0, 20, 1, 2, 3};
    struct spend_output out = {amount_of(value), bytes_of(script, sizeof(script)),
                               false};
    struct spend_request rq;
    struct funded_tx funded;
    struct wallet_error e = {0};
    spend_request_init(&rq);
    rq.outputs = &out;
    rq.n_outputs = 1;
    wallet_lock(w);
    double start = cpu_ms();
    if (!wallet_fund(w, &rq, &funded, &e)) {
        printf("%s\n", e.text);
        exit(1);
    }
    double chosen = cpu_ms();
    ASSERT(wallet_commit(w, &funded, NULL, &e));
    double done = cpu_ms();
    wallet_unlock(w);
    printf("%12lld: %6.2f ms to fund and sign %u inputs, %6.2f ms to record\n",
           (long long)value, chosen - start, funded.tx->n_in, done - chosen);
    funded_tx_clear(&funded);
}

static bool count_coin(void *ctx, const struct coin_view *c)
{
    (void)c;
    ++*(size_t *)ctx;
    return true;
}

static void list(struct wallet *w)
{
    struct coin_filter f;
    size_t n = 0;
    coin_filter_init(&f);
    wallet_lock(w);
    double start = cpu_ms();
    coins_each(w, &f, count_coin, &n);
    printf("%zu coins looked at in %.2f ms\n", n, cpu_ms() - start);
    wallet_unlock(w);
}

int main(void)
{
    static struct wallet_fixture f;
    wallet_fixture_init(&f, SCRIPTS);
    spend_fixture_complete(&f);
    spend_fixture_fill(&f, SCRIPTS, BLOCKS, PER_BLOCK);
    list(f.w);
    for (int64_t value = 20000; value < INT64_C(40000000000); value *= 3)
        for (int i = 0; i < 3; i++)
            pay(f.w, value);
    wallet_fixture_clear(&f);
    return 0;
}
