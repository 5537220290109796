/* ochre-rq: splits files into RaptorQ symbols and puts them together again. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/rq_bench.h"
#include "cli/rq_command.h"

static int bench(const struct rqc_options *o, const char *operand)
{
    uint32_t T = o->symbol_size ? o->symbol_size : 1280;
    double copy, xored;
    struct rq_bench b = {{0}, 0, 0};
    char cpu[128];
    int rc = rq_bench_run(&b, o->symbols, T, o->kernel, o->seconds);

    (void)operand;
    if (rc != RQ_OK)
        return rqc_fail("%s", rq_strerror(rc));
    rq_bench_cpu(cpu, sizeof(cpu));
    rq_bench_memory((uint64_t)64 << 20, &copy, &xored);
    printf("%s, kernel %s, one thread\n", cpu,
           o->kernel ? o->kernel : rq_kernel_name(0));
    printf("memcpy %.1f GB/s, XOR %.1f GB/s over 64 MiB\n", copy, xored);
    printf("K = %u, T = %u, best runs:\n", o->symbols, T);
    for (int i = 0; i < RQ_BENCH_CASES; i++)
        printf("  %-32s %8.0f MB/s\n", rq_bench_names[i], b.mbps[i]);
    printf("  %-32s %8.4f ms\n", "plan alone", b.plan_ms);
    printf("  %-32s %8.2f\n", "XOR equivalents per symbol", b.xors);
    return 0;
}

struct command {
    const char *name, *operand; /* NULL: takes none */
    bool needs_out;
    int (*run)(const struct rqc_options *o, const char *operand);
};

static const struct command commands[] = {
    {"encode", "FILE", true, rqc_encode},
    {"decode", "DIR", true, rqc_decode},
    {"inspect", "FILE or DIR", false, rqc_inspect},
    {"bench", NULL, false, bench},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* The command with its operand, which may be anywhere among the options. */
static const struct command *pick_command(const struct rqc_options *o, int n,
                                          char **words)
{
    const struct command *c = n > 0 ? find_command(words[0]) : NULL;

    if (n == 0)
        rqc_usage(stderr);
    else if (!c)
        rqc_fail("%s: no such command; see ochre-rq --help", words[0]);
    else if (n - 1 != (c->operand ? 1 : 0))
        rqc_fail("%s takes %s", c->name, c->operand ? c->operand : "no operand");
    else if (c->needs_out && !o->out)
        rqc_fail("%s needs --out", c->name);
    else
        return c;
    return NULL;
}

int main(int argc, char **argv)
{
    const struct command *c;
    struct rqc_options o;
    int operands, rc;

    if (!rqc_parse(&o, argc, argv, &operands))
        return 2;
    if (o.help || o.version) {
        if (o.help)
            rqc_usage(stdout);
        else
            puts("ochre-rq " PACKAGE_VERSION);
        return 0;
    }
    c = pick_command(&o, argc - operands, argv + operands);
    if (!c)
        return 2;
    rqc_catch_signals();
    rc = c->run(&o, c->operand ? argv[operands + 1] : NULL);
    if (rqc_stopped()) { /* as if it had not been caught */
        fputs("ochre-rq: stopped\n", stderr);
        signal(rqc_stopped(), SIG_DFL);
        raise(rqc_stopped());
    }
    return rc;
}
