/* CPU time per script that ranged descriptors of public keys expand to: what importing
 * them into a wallet costs at least. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chain/script/descriptor.h"
#include "crypto/secp.h"

#define XPUB                                                                           \
    "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8ido" \
    "c4a6mr8BDzTJY47LJhkJ8UB7WEGuduB"

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void expand_range(const char *text, uint32_t n)
{
    struct chain_params p;
    struct descriptor_list list;
    char *error = NULL;
    bool ok = chain_params_get(&p, BITCOIN, "main") &&
              descriptor_parse(&list, &p, NULL, text, false, &error);
    ASSERT(ok);
    double start = cpu_seconds();
    for (uint32_t pos = 0; pos < n; pos++) {
        struct script_list scripts;
        ok = descriptor_expand(list.items[0], &p, pos, NULL, &scripts, NULL);
        ASSERT(ok);
        script_list_clear(&scripts);
    }
    printf("%6.1f us CPU  %.*s...\n", (cpu_seconds() - start) / n * 1e6, 24, text);
    descriptor_list_clear(&list);
}

int main(int argc, char **argv)
{
    static const char *const cases[] = {
        "wpkh(" XPUB "/0/*)",
        "tr(" XPUB "/0/*)",
        "pkh(" XPUB "/0/*)",
        "sh(wpkh(" XPUB "/0/*))",
        "wsh(sortedmulti(2," XPUB "/0/*," XPUB "/1/*," XPUB "/2/*))",
        "wsh(or_d(pk(" XPUB "/0/*),and_v(v:pkh(" XPUB "/1/*),older(144))))",
    };
    uint32_t n = argc > 1 ? (uint32_t)atoi(argv[1]) : 20000;
    secp_init();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expand_range(cases[i], n);
    return 0;
}
