/* Metrics of JSON-RPC, tickets, wallets and the process itself. */
#include "config.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "chain/state/state.h"
#include "chain/validation/chainman.h"
#include "mn/supernodes.h"
#include "rpc/method.h"
#include "rpc/metrics.h"
#include "rpc/server.h"
#include "tickets/index.h"
#include "tickets/state_keys.h"
#include "tickets/tickets.h"
#include "util/clock.h"
#include "wallet/manager.h"

#define MAX_WARNINGS 16

/* -- JSON-RPC ---------------------------------------------------------------- */

typedef void call_fn(struct metrics *m, const char *name,
                     const struct rpc_method_calls *calls);

static void write_times(struct metrics *m, const char *name,
                        const struct rpc_method_calls *calls)
{
    char label[64];
    snprintf(label, sizeof(label), "method=\"%s\"", name);
    metrics_histogram(m, &calls->times, label);
}

static void write_errors(struct metrics *m, const char *name,
                         const struct rpc_method_calls *calls)
{
    metrics_sample(m, (double)calls->errors, "method=\"%s\"", name);
}

static void each_called(struct metrics *m, call_fn *fn)
{
    struct rpc_method_calls calls;
    for (size_t t = 0; rpc_tables[t]; t++)
        for (size_t i = 0; i < rpc_tables[t]->n; i++) {
            const char *name = rpc_tables[t]->methods[i].name;
            if (rpc_server_calls(m->node->rpc, name, &calls))
                fn(m, name, &calls);
        }
    if (rpc_server_calls(m->node->rpc, RPC_UNKNOWN_METHOD, &calls))
        fn(m, RPC_UNKNOWN_METHOD, &calls);
}

void metrics_of_rpc(struct metrics *m)
{
    metrics_family(m, "ochre_rpc_active_calls", METRIC_GAUGE,
                   "JSON-RPC calls that run now.");
    metrics_value(m, (double)rpc_server_active(m->node->rpc));
    metrics_family(m, "ochre_rpc_call_duration_seconds", METRIC_HISTOGRAM,
                   "How long JSON-RPC calls took, by method.");
    each_called(m, write_times);
    metrics_family(m, "ochre_rpc_errors_total", METRIC_COUNTER,
                   "JSON-RPC calls that ended with an error, by method.");
    each_called(m, write_errors);
}

/* -- Tickets, supernodes, wallets ------------------------------------------ */

static void write_tickets(struct metrics *m, struct ticket_index *ix)
{
    const struct ticket_kind *kind;
    metrics_family(m, "ochre_tickets", METRIC_GAUGE,
                   "Tickets in the active chain, by kind.");
    for (size_t i = 0; (kind = ticket_kind_at(i)) != NULL; i++)
        metrics_sample(m, (double)ticket_index_count(ix, kind), "kind=\"%s\"",
                       kind->name);
}

static void write_burned(struct metrics *m, const struct burn_totals *b)
{
    metrics_family(m, "ochre_tickets_burned", METRIC_GAUGE,
                   "What tickets burned, by kind, in the smallest unit.");
    for (size_t i = 0; i < b->n; i++) {
        const struct ticket_kind *kind = ticket_kind_by_id(b->kinds[i].kind);
        if (kind)
            metrics_sample(m, (double)b->kinds[i].amount, "kind=\"%s\"", kind->name);
    }
}

static void write_state(struct metrics *m)
{
    struct chainman *cm = m->node->chainman;
    struct burn_totals burned;
    chainman_read_lock(cm);
    struct state_txn *st = state_begin(chainman_state(cm));
    burn_get(st, &burned);
    size_t active =
        supernodes_active(m->node->supernodes, st, (uint32_t)chain_height(cm));
    state_discard(st);
    chainman_read_unlock(cm);
    write_burned(m, &burned);
    metrics_family(m, "ochre_supernodes_active", METRIC_GAUGE,
                   "Supernodes that are paid and serve in committees.");
    metrics_value(m, (double)active);
}

static void write_wallets(struct metrics *m)
{
    size_t n;
    struct wallet **all = wallet_manager_all(m->node->wallets, &n);
    for (size_t i = 0; i < n; i++)
        wallet_unref(all[i]);
    free(all);
    metrics_family(m, "ochre_wallets_loaded", METRIC_GAUGE, "Loaded wallets.");
    metrics_value(m, (double)n);
}

void metrics_of_tickets(struct metrics *m)
{
    struct ticket_index *ix = tickets_index(m->node->tickets);
    if (ix) {
        write_tickets(m, ix);
        write_state(m);
    }
    if (m->node->wallets)
        write_wallets(m);
}

/* -- The process ----------------------------------------------------------- */

struct process_facts {
    double cpu, resident, virtual, threads, open_fds, max_fds, start, uptime, warnings;
};

static const struct metric process_rows[] = {
    METRIC(process_facts, "ochre_process_cpu_seconds_total", COUNTER, cpu,
           "CPU time, user and system."),
    METRIC(process_facts, "ochre_process_resident_memory_bytes", GAUGE, resident,
           "Resident memory."),
    METRIC(process_facts, "ochre_process_virtual_memory_bytes", GAUGE, virtual,
           "Virtual memory."),
    METRIC(process_facts, "ochre_process_threads", GAUGE, threads, "Threads."),
    METRIC(process_facts, "ochre_process_open_fds", GAUGE, open_fds,
           "Open file descriptors."),
    METRIC(process_facts, "ochre_process_max_fds", GAUGE, max_fds,
           "Limit of open file descriptors."),
    METRIC(process_facts, "ochre_process_start_time_seconds", GAUGE, start,
           "When the process began, unix seconds."),
    METRIC(process_facts, "ochre_uptime_seconds", GAUGE, uptime,
           "Since the node began to start."),
    METRIC(process_facts, "ochre_warnings", GAUGE, warnings,
           "Warnings that getblockchaininfo shows."),
};

/* /proc/self/statm: pages of virtual, then of resident memory. */
static void read_memory(struct process_facts *f)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return;
    if (fscanf(file, "%lu %lu", &total, &resident) == 2) {
        double page = (double)sysconf(_SC_PAGESIZE);
        f->virtual = (double)total * page;
        f->resident = (double)resident * page;
    }
    fclose(file);
}

static double count_entries(const char *path)
{
    double n = 0;
    DIR *dir = opendir(path);
    for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

static void read_limits(struct process_facts *f)
{
    struct rusage use;
    struct rlimit files;
    if (getrusage(RUSAGE_SELF, &use) == 0)
        f->cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                 (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        f->max_fds = (double)files.rlim_cur;
}

/* Not the node's clock: tests set that to what they like. */
static double wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_build(struct metrics *m)
{
    metrics_family(m, "ochre_build_info", METRIC_GAUGE,
                   "1; the labels tell the version and the network.");
    metrics_sample(m, 1, "version=\"%s\",chain=\"%s\",personality=\"%s\"",
                   PACKAGE_VERSION, m->node->params->name,
                   m->node->params->personality == BITCOIN ? "bitcoin" : "ochre");
}

void metrics_of_process(struct metrics *m)
{
    const char *warnings[MAX_WARNINGS];
    struct process_facts f = {0};
    read_memory(&f);
    read_limits(&f);
    f.threads = count_entries("/proc/self/task");
    f.open_fds = count_entries("/proc/self/fd") - 1; /* the directory itself */
    f.uptime = (double)(clock_steady_us() - m->node->start_time) / 1e6;
    f.start = floor(wall_seconds() - f.uptime);
    f.warnings = (double)m->node->warnings(m->node, warnings, MAX_WARNINGS);
    metrics_table(m, process_rows, ARRAY_LEN(process_rows), &f);
    write_build(m);
}
