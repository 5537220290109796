/* The daemon itself: help, stop, logging, clock. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "chain/validation/chainman.h"
#include "crypto/secret.h"
#include "rpc/job.h"
#include "util/args.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/log.h"

#define MAX_MOCK_TIME INT64_C(9223372036) /* its nanoseconds still fit 64 bits */

static void help(struct rpc_call *c)
{
    struct buf text = {0};
    const char *method = rpc_arg_str(c, 0, NULL);
    if (!rpc_help(&text, c->node, method && method[0] ? method : NULL))
        buf_printf(&text, "help: unknown command: %s", method);
    json_strn(c->w, (char *)text.data, text.len);
    buf_clear(&text);
}

static void stop(struct rpc_call *c)
{
    int64_t wait_ms = 0;
    if (!rpc_arg_i64(c, 0, &wait_ms))
        return;
    c->node->request_stop(c->node);
    if (wait_ms > 0)
        usleep((useconds_t)(wait_ms > 60000 ? 60000 : wait_ms) * 1000);
    json_str(c->w, "Ochre stopping");
}

static void uptime(struct rpc_call *c)
{
    int64_t running = (clock_steady_us() - c->node->start_time) / 1000000;
    json_int(c->w, running + clock_now(c->node->clock) - (int64_t)time(NULL));
}

static void echo(struct rpc_call *c)
{
    json_value(c->w, c->params);
}

/* Switches the categories that an array argument names. */
static bool switch_categories(struct rpc_call *c, size_t arg, bool on)
{
    const struct json *list = rpc_arg(c, arg);
    for (size_t i = 0; list && i < list->len; i++) {
        if (!rpc_want(c, &list->items[i], JSON_STRING))
            return false;
        const char *name = list->items[i].str;
        if (strcmp(name, "none") == 0 || strcmp(name, "0") == 0) {
            if (on)
                continue;
            name = "all";
        }
        if (!logger_set_category(c->node->log, name, on)) {
            rpc_error(c, RPC_INVALID_PARAMETER, "unknown logging category %s", name);
            return false;
        }
    }
    return true;
}

static void logging(struct rpc_call *c)
{
    if (!switch_categories(c, 0, true) || !switch_categories(c, 1, false))
        return;
    json_begin_object(c->w);
    for (int i = 0; i < LOG_CATEGORY_COUNT; i++)
        json_kv_bool(c->w, log_category_name((enum log_category)i),
                     logger_category_on(c->node->log, (enum log_category)i));
    json_end_object(c->w);
}

static void write_locked_memory(struct json_writer *w)
{
    struct secret_usage u = secret_get_usage();
    json_begin_object(w);
    json_key(w, "locked");
    json_begin_object(w);
    json_kv_uint(w, "used", u.used);
    json_kv_uint(w, "free", u.total - u.used);
    json_kv_uint(w, "total", u.total);
    json_kv_uint(w, "locked", u.locked);
    json_kv_uint(w, "chunks_used", u.pieces);
    json_kv_uint(w, "chunks_free", u.free_pieces);
    json_end_object(w);
    json_end_object(w);
}

static void write_malloc_info(struct rpc_call *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    ASSERT(f);
    malloc_info(0, f);
    fclose(f);
    json_strn(c->w, text, len);
    free(text);
}

static void getmemoryinfo(struct rpc_call *c)
{
    const char *mode = rpc_arg_str(c, 0, "stats");
    if (strcmp(mode, "stats") == 0)
        write_locked_memory(c->w);
    else if (strcmp(mode, "mallocinfo") == 0)
        write_malloc_info(c);
    else
        rpc_error(c, RPC_INVALID_PARAMETER, "unknown mode %s", mode);
}

static void getrpcinfo(struct rpc_call *c)
{
    const char *file = args_str(c->node->args, "debuglogfile", "debug.log");
    char *path = path_join(c->node->datadir, file);
    json_begin_object(c->w);
    json_key(c->w, "active_commands");
    rpc_write_active(c->node->rpc, c->w);
    json_kv_str(c->w, "logpath",
                args_is_negated(c->node->args, "debuglogfile") ? "" : path);
    json_end_object(c->w);
    free(path);
}

/* Time moves by hand only where nobody else's clock matters. */
static bool is_regtest(struct rpc_call *c, const char *method)
{
    if (strcmp(c->node->params->name, "regtest") == 0)
        return true;
    rpc_error(c, RPC_MISC_ERROR, "%s is for regression testing (-regtest mode) only",
              method);
    return false;
}

static void setmocktime(struct rpc_call *c)
{
    int64_t t = 0;
    if (!is_regtest(c, "setmocktime") || !rpc_arg_i64(c, 0, &t))
        return;
    if (t < 0 || t > MAX_MOCK_TIME) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Mocktime must be in the range [0, %lld], not %lld.",
                  (long long)MAX_MOCK_TIME, (long long)t);
        return;
    }
    clock_set_mock(c->node->clock, t);
    if (c->node->forward_scheduler)
        c->node->forward_scheduler(c->node,
                                   0); /* timers look at the new time at once */
}

static void mockscheduler(struct rpc_call *c)
{
    int64_t delta = 0;
    if (!is_regtest(c, "mockscheduler") || !rpc_arg_i64(c, 0, &delta))
        return;
    if (delta <= 0 || delta > 3600)
        rpc_error(c, RPC_MISC_ERROR,
                  "delta_time must be between 1 and 3600 seconds (1 hr)");
    else if (c->node->forward_scheduler)
        c->node->forward_scheduler(c->node, delta);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Events are delivered on the validation thread, in order: what was queued before this
 * has been told to everybody when it returns. */
static void syncwithvalidationinterfacequeue(struct rpc_call *c)
{
    if (c->node->chainman && chainman_call(c->node->chainman, nothing, NULL) != ERR_OK)
        rpc_error(c, RPC_MISC_ERROR, "the node is stopping");
}

#define ECHO_FLAGS (P_NO_TYPE_CHECK | P_OPTIONAL | P_ANY_TEXT)
#define ECHO_PARAMS                                                                    \
    PARAMS({"arg0", P_STR, ECHO_FLAGS, .help = ""},                                    \
           {"arg1", P_STR, ECHO_FLAGS, .help = ""},                                    \
           {"arg2", P_STR, ECHO_FLAGS, .help = ""},                                    \
           {"arg3", P_STR, ECHO_FLAGS, .help = ""},                                    \
           {"arg4", P_STR, ECHO_FLAGS, .help = ""},                                    \
           {"arg5", P_STR, ECHO_FLAGS, .help = ""},                                    \
           {"arg6", P_STR, ECHO_FLAGS, .help = ""},                                    \
           {"arg7", P_STR, ECHO_FLAGS, .help = ""},                                    \
           {"arg8", P_STR, ECHO_FLAGS, .help = ""},                                    \
           {"arg9", P_STR, ECHO_FLAGS, .help = ""})

#define ECHOJSON_PARAM(name)                                                           \
    {                                                                                  \
        name, P_STR, ECHO_FLAGS | P_CLI_JSON, .help = ""                               \
    }

static const struct rpc_method methods[] = {
    {
        .name = "getmemoryinfo",
        .help = "How memory is used.",
        .params =
            PARAMS({"mode", P_STR, 0, "\"stats\"",
                    "\"stats\": the locked memory that holds secrets; \"mallocinfo\": "
                    "the allocator's own report (XML)"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS({R_OBJ, "locked", "Memory that is locked, for secrets",
                      RESULTS({R_NUM, "used", "Bytes in use"},
                              {R_NUM, "free", "Bytes to spare"},
                              {R_NUM, "total", "Bytes in all"},
                              {R_NUM, "locked", "Bytes that cannot be swapped out"},
                              {R_NUM, "chunks_used", "Pieces in use"},
                              {R_NUM, "chunks_free", "Pieces with bytes to spare"})}),
             .when = "mode \"stats\""},
            {R_STR, "", "XML", .when = "mode \"mallocinfo\""}),
        .examples = EXAMPLES("", "mallocinfo"),
        .fn = getmemoryinfo,
    },
    {
        .name = "getrpcinfo",
        .help = "What the JSON-RPC server does at the moment.",
        .results =
            RESULTS({R_OBJ, "", "",
                     RESULTS({R_ARR, "active_commands", "The calls that run now",
                              RESULTS({R_OBJ, "", "",
                                       RESULTS({R_STR, "method", "The method"},
                                               {R_NUM, "duration",
                                                "Microseconds since it began"})})},
                             {R_STR, "logpath", "Full path of the log file"})}),
        .examples = EXAMPLES(""),
        .fn = getrpcinfo,
    },
    {
        .name = "help",
        .help = "All methods, or how to use one of them.",
        .params =
            PARAMS({"command", P_STR, 0, "all commands", "The method to explain"}),
        .results = RESULTS({R_STR, "", "The text"}),
        .examples = EXAMPLES("", "getblockhash"),
        .fn = help,
    },
    {
        .name = "logging",
        .help = "Switches categories of the debug log, and says which are on. First "
                "those of "
                "include are switched on, then those of exclude off.\n"
                "The valid logging categories are: " LOG_CATEGORY_NAMES,
        .params =
            PARAMS({"include", P_ARR, P_OPTIONAL, NULL, "Categories to switch on",
                    PARAMS({"include_category", P_STR, .help = "A category"})},
                   {"exclude", P_ARR, P_OPTIONAL, NULL, "Categories to switch off",
                    PARAMS({"exclude_category", P_STR, .help = "A category"})}),
        .results = RESULTS({R_OBJ_DYN, "", "Category by category",
                            RESULTS({R_BOOL, "category", "Whether it is logged"})}),
        .examples = EXAMPLES("'[\"all\"]' '[\"http\"]'"),
        .fn = logging,
    },
    {
        .name = "stop",
        .help = "Asks the node to stop.",
        .params = PARAMS({"wait", P_NUM, P_OPTIONAL | P_HIDDEN,
                          .help = "Milliseconds to wait before the answer"}),
        .results = RESULTS({R_STR, "", "What it does now"}),
        .examples = EXAMPLES(""),
        .fn = stop,
    },
    {
        .name = "uptime",
        .help = "How long the node has been running.",
        .results = RESULTS({R_NUM, "", "Seconds since the start"}),
        .examples = EXAMPLES(""),
        .fn = uptime,
    },
    {
        .name = "echo",
        .help =
            "Gives the arguments back. For tests of clients; ochre-cli converts the "
            "arguments of echojson and leaves those of echo as text.",
        .params = ECHO_PARAMS,
        .results = RESULTS({R_ARR, "", "The arguments", RESULTS({R_ANY, "", ""})}),
        .fn = echo,
        .hidden = true,
    },
    {
        .name = "echojson",
        .help =
            "Gives the arguments back. For tests of clients; ochre-cli converts the "
            "arguments of echojson and leaves those of echo as text.",
        .params = PARAMS(ECHOJSON_PARAM("arg0"), ECHOJSON_PARAM("arg1"),
                         ECHOJSON_PARAM("arg2"), ECHOJSON_PARAM("arg3"),
                         ECHOJSON_PARAM("arg4"), ECHOJSON_PARAM("arg5"),
                         ECHOJSON_PARAM("arg6"), ECHOJSON_PARAM("arg7"),
                         ECHOJSON_PARAM("arg8"), ECHOJSON_PARAM("arg9")),
        .results = RESULTS({R_ARR, "", "The arguments", RESULTS({R_ANY, "", ""})}),
        .fn = echo,
        .hidden = true,
    },
    {
        .name = "mockscheduler",
        .help = "Brings every scheduled task nearer by so many seconds (regtest only).",
        .params = PARAMS({"delta_time", P_NUM, .help = "Seconds, 1 to 3600"}),
        .fn = mockscheduler,
        .hidden = true,
    },
    {
        .name = "setmocktime",
        .help = "Stops the clock at a time (regtest only).",
        .params = PARAMS({"timestamp", P_NUM,
                          .help = "Unix time in seconds; 0 lets the clock run again"}),
        .fn = setmocktime,
        .hidden = true,
    },
    {
        .name = "syncwithvalidationinterfacequeue",
        .help = "Waits until everything that happened to the chain before this call is "
                "known "
                "everywhere in the node.",
        .examples = EXAMPLES(""),
        .fn = syncwithvalidationinterfacequeue,
        .hidden = true,
    },
};

const struct rpc_table rpc_control_table = {"Control", methods, ARRAY_LEN(methods)};
