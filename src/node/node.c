#include "node/node.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "crypto/secp.h"
#include "crypto/sha256.h"
#include "io/loop.h"
#include "node/daemon.h"
#include "node/daemonize.h"
#include "rpc/server.h"
#include "util/fs.h"
#include "util/pool.h"

#define MIN_FREE_DISK          (50u << 20)
#define DISK_CHECK_INTERVAL_MS 30000
#define MAX_SCRIPT_WORKERS     15
#define NOTIFY_WAIT_MS         2000

/* --- stopping ------------------------------------------------------------ */

static void request_stop(struct node *n)
{
    atomic_store(&n->stopping, true);
    daemon_wake(daemon_of(n));
}

void daemon_wake(struct daemon *d)
{
    uint64_t one = 1;
    ssize_t written UNUSED = write(d->wake_fd, &one, sizeof(one));
}

/* The first reason is kept. */
void daemon_stop(struct daemon *d, const char *fatal)
{
    if (fatal != NULL) {
        log_error(d->node.log, "*** %s", fatal);
        pthread_mutex_lock(&d->lock);
        if (d->fatal == NULL)
            d->fatal = xstrdup(fatal);
        pthread_mutex_unlock(&d->lock);
    }
    request_stop(&d->node);
}

void daemon_init_message(struct daemon *d, const char *text)
{
    log_info(d->node.log, "init message: %s", text);
    if (d->node.rpc != NULL)
        rpc_server_warmup(d->node.rpc, text);
}

void daemon_init_warning(struct daemon *d, const char *text)
{
    log_warning(d->node.log, "%s", text);
    fprintf(stderr, "Warning: %s\n", text);
}

/* --- warnings ------------------------------------------------------------ */

static size_t warnings(struct node *n, const char **out, size_t max)
{
    return warnings_list(&daemon_of(n)->warnings, out, max);
}

/* No command is run because of the clock: any number of peers may be wrong. */
void daemon_warn(struct daemon *d, enum warning_kind kind, const char *text)
{
    if (!warnings_raise(&d->warnings, kind, text) || kind == WARN_CLOCK)
        return;
    log_warning(d->node.log, "%s", text);
    const char *command = args_str(d->node.args, "alertnotify", "");
    if (command[0] != '\0')
        notifier_run(d->notifier, command, text);
}

/* --- parts: process id, workers, loop, RPC -------------------------------- */

static bool pid_open(struct daemon *d, char **error)
{
    const struct args *a = d->node.args;
    char text[32];
    if (args_is_negated(a, "pid"))
        return true;
    const char *name =
        d->setup->params.personality == BITCOIN ? "bitcoind.pid" : "ochred.pid";
    char *path = setup_path(d->setup->datadir, args_str(a, "pid", name));
    snprintf(text, sizeof(text), "%d\n", (int)getpid());
    enum err e = fs_write_atomic(path, text, strlen(text), 0644);
    if (e == ERR_OK) {
        d->pid_path = path;
        return true;
    }
    *error = xasprintf("Unable to create the PID file '%s': %s", path, err_text(e));
    free(path);
    return false;
}

static void pid_close(struct daemon *d)
{
    if (d->pid_path != NULL)
        unlink(d->pid_path);
    free(d->pid_path);
}

/* -par: 0 is one per core, below 0 leaves cores free; the validation thread is one of
 * them. */
static unsigned script_workers(const struct args *a)
{
    int64_t threads = args_int(a, "par", 0);
    if (threads <= 0)
        threads += sysconf(_SC_NPROCESSORS_ONLN);
    if (threads <= 1)
        return 0;
    return threads - 1 > MAX_SCRIPT_WORKERS ? MAX_SCRIPT_WORKERS
                                            : (unsigned)(threads - 1);
}

static bool workers_open(struct daemon *d, char **error UNUSED)
{
    unsigned n = script_workers(d->node.args);
    log_info(d->node.log, "Script verification uses %u additional threads", n);
    d->node.workers = pool_new(n, "worker");
    return true;
}

static void workers_close(struct daemon *d)
{
    pool_free(d->node.workers);
}

static bool loop_open(struct daemon *d, char **error)
{
    d->node.loop = loop_new(d->node.log);
    if (loop_start(d->node.loop, "loop") == ERR_OK)
        return true;
    *error = xstrdup("Could not start the event loop thread.");
    return false;
}

static void loop_close(struct daemon *d)
{
    loop_stop(d->node.loop);
    loop_free(d->node.loop);
}

/* The server answers from here on, with the warm-up status until all parts are open. */
static bool rpc_open(struct daemon *d, char **error)
{
    return !args_bool(d->node.args, "server", true) ||
           rpc_server_start(&d->node, error);
}

/* --- opening and closing ------------------------------------------------- */

/* In order; closed in reverse. Whatever a part needs stands above it. RPC handlers
 * reach all of them: calls are over (see close_parts) before the first part goes. */
static const struct part {
    const char *name;
    bool (*open)(struct daemon *d, char **error);
    void (*close)(struct daemon *d); /* only after open was true */
} parts[] = {
    {"pid", pid_open, pid_close},
    {"workers", workers_open, workers_close},
    {"loop", loop_open, loop_close},
    {"rpc", rpc_open, NULL},
    {"tickets", tickets_part_open, tickets_part_close},
#ifdef HAVE_ZMQ
    {"zmq", zmq_part_open, zmq_part_close},
#endif
    {"chain", chain_part_open, chain_part_close},
    {"ticket index", index_part_open, NULL},
    {"mempool", mempool_part_open, NULL},
    {"fees", fee_part_open, fee_part_close},
    {"net", net_part_open, net_part_stop},
    {"wallet", wallet_part_open, wallet_part_close},
    {"import", import_part_open, import_part_close},
};

static void close_parts(struct daemon *d, size_t n)
{
    if (d->node.rpc != NULL)
        rpc_server_interrupt(d->node.rpc);
    chain_part_interrupt(d);
    if (d->node.rpc != NULL)
        rpc_server_stop(d->node.rpc);
    d->node.rpc = NULL;
    while (n-- > 0)
        if (parts[n].close != NULL)
            parts[n].close(d);
}

/* How many were opened; fewer than all when one failed or a stop was asked for. */
static size_t open_parts(struct daemon *d, char **error)
{
    size_t n = 0;
    while (n < ARRAY_LEN(parts) && !atomic_load(&d->node.stopping)) {
        if (!parts[n].open(d, error))
            break;
        n++;
    }
    return n;
}

/* --- waiting ------------------------------------------------------------- */

static void check_disk(struct daemon *d)
{
    const char *const dirs[] = {d->setup->datadir, d->setup->blocksdir};
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        uint64_t free_bytes;
        if (fs_free_bytes(dirs[i], &free_bytes) != ERR_OK ||
            free_bytes >= MIN_FREE_DISK)
            continue;
        char *text = xasprintf(
            "Disk space is too low: less than 50 MB are free at %s. Free some "
            "space and start again; nothing is lost.",
            dirs[i]);
        daemon_stop(d, text);
        free(text);
        return;
    }
}

static void handle_signal(struct daemon *d)
{
    struct signalfd_siginfo info;
    if (read(d->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGHUP)
        logger_reopen(d->node.log);
    else
        request_stop(&d->node);
}

/* What is to be done now and then. */
static void look_around(struct daemon *d)
{
    check_disk(d);
    fee_part_tick(d);
}

/* By a stop, or by mockscheduler, which brings the next look forward. */
static bool daemon_woken(struct daemon *d)
{
    uint64_t times;
    return read(d->wake_fd, &times, sizeof(times)) == sizeof(times);
}

static void wait_for_stop(struct daemon *d)
{
    struct pollfd fds[] = {{.fd = d->wake_fd, .events = POLLIN},
                           {.fd = d->signal_fd, .events = POLLIN}};
    while (!atomic_load(&d->node.stopping)) {
        int n = poll(fds, ARRAY_LEN(fds), DISK_CHECK_INTERVAL_MS);
        if (n == 0 || (n > 0 && daemon_woken(d)))
            look_around(d);
        else if (n > 0 && (fds[1].revents & POLLIN))
            handle_signal(d);
    }
}

/* Signals are read from a descriptor by the main thread; all other threads inherit the
 * block. */
static void catch_signals(struct daemon *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    d->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
}

/* Signals must end a long start-up too, so the waiting is not the main thread's. */
static void *signal_thread(void *arg)
{
    struct daemon *d = arg;
    log_thread_name("signals");
    wait_for_stop(d);
    chain_part_interrupt(d);
    return NULL;
}

static void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void log_banner(struct daemon *d)
{
    struct logger *log = d->node.log;
    size_t n;
    log_info(log, "%s version v%s", client_name(), client_version());
    log_info(log, "Using the '%s' SHA256 implementation", sha256_implementation());
    log_info(log, "Default data directory %s", d->setup->base_datadir);
    log_info(log, "Using data directory %s", d->setup->datadir);
    log_info(log,
             d->setup->config_read ? "Config file: %s"
                                   : "Config file: %s (not found, skipping)",
             d->setup->config_path);
    args_log(d->node.args, log);
    const char *const *w = args_warnings(d->node.args, &n);
    for (size_t i = 0; i < n; i++)
        log_warning(log, "%s", w[i]);
    w = args_notices(d->node.args, &n);
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "%s\n", w[i]);
}

static void daemon_init(struct daemon *d, struct setup *s, struct logger *log)
{
    *d = (struct daemon){.setup = s};
    pthread_mutex_init(&d->lock, NULL);
    warnings_init(&d->warnings);
    clock_init(&d->clock);
    d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    d->notifier = notifier_new(log);
    d->node = (struct node){
        .args = s->args,
        .log = log,
        .clock = &d->clock,
        .params = &s->params,
        .datadir = s->datadir,
        .base_datadir = s->base_datadir,
        .blocksdir = s->blocksdir,
        .start_time = clock_steady_us(),
        .request_stop = request_stop,
        .forward_scheduler = daemon_forward_scheduler,
        .warnings = warnings,
        .warnings_as_text = args_list_has(s->args, "deprecatedrpc", "warnings"),
    };
    int64_t mock = args_int(s->args, "mocktime", 0);
    if (mock > 0 && s->params.is_test_chain)
        clock_set_mock(&d->clock, mock);
    catch_signals(d);
    raise_file_limit();
    secp_init();
}

static void run_command(struct daemon *d, const char *option)
{
    const char *command = args_str(d->node.args, option, "");
    if (command[0] != '\0')
        notifier_run(d->notifier, command, NULL);
}

static void all_open(struct daemon *d, int ready_fd)
{
    daemon_init_message(d, "Done loading");
    if (d->node.rpc != NULL)
        rpc_server_ready(d->node.rpc);
    run_command(d, "startupnotify");
    daemonize_ready(ready_fd);
}

/* Commands that still run keep the notifier, and with it the log, until the process is
 * gone. */
static void daemon_clear(struct daemon *d)
{
    if (!notifier_close(d->notifier, NOTIFY_WAIT_MS))
        log_info(d->node.log, "Commands started by notifications are still running");
    close(d->signal_fd);
    close(d->wake_fd);
    pthread_mutex_destroy(&d->lock);
    free(d->fatal);
    warnings_clear(&d->warnings);
}

int node_run(struct setup *s, struct logger *log, int ready_fd)
{
    struct daemon d;
    char *error = NULL;
    pthread_t signals;

    log_thread_name("init");
    daemon_init(&d, s, log);
    log_banner(&d);
    ASSERT(pthread_create(&signals, NULL, signal_thread, &d) == 0);
    check_disk(&d);
    size_t n = open_parts(&d, &error);
    if (n == ARRAY_LEN(parts))
        all_open(&d, ready_fd);
    else
        request_stop(&d.node);
    pthread_join(signals, NULL);

    log_info(log, "Shutdown: In progress...");
    run_command(&d, "shutdownnotify");
    close_parts(&d, n);
    if (error == NULL && d.fatal != NULL)
        error = xasprintf("A fatal internal error occurred, see debug.log for "
                          "details: %s",
                          d.fatal);
    if (error != NULL) {
        log_error(log, "Error: %s", error);
        fprintf(stderr, "Error: %s\n", error);
    }
    log_info(log, "Shutdown: done");
    int code = error != NULL ? EXIT_FAILURE : EXIT_SUCCESS;
    free(error);
    daemon_clear(&d);
    return code;
}
