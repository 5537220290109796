/* The text format, and the door. */
#include "rpc/metrics.h"

#include <math.h>
#include <stdarg.h>

#include "io/http.h"
#include "rpc/server.h"
#include "util/mem.h"

#define PATH         "/metrics"
#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* -- The format ------------------------------------------------------------ */

void metrics_family(struct metrics *m, const char *name, enum metric_type type,
                    const char *help)
{
    static const char *const types[] = {
        [METRIC_GAUGE] = "gauge",
        [METRIC_COUNTER] = "counter",
        [METRIC_HISTOGRAM] = "histogram",
    };
    m->family = name;
    buf_printf(m->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

/* Whole numbers without an exponent, as far as a double has them exactly. */
static void put_number(struct buf *out, double v)
{
    if (v == floor(v) && fabs(v) < 9007199254740992.0)
        buf_printf(out, "%.0f", v);
    else
        buf_printf(out, "%.15g", v);
}

static void put_sample(struct metrics *m, const char *suffix, const char *labels,
                       double value)
{
    buf_printf(m->out, "%s%s", m->family, suffix);
    if (labels[0])
        buf_printf(m->out, "{%s}", labels);
    buf_append_str(m->out, " ");
    put_number(m->out, value);
    buf_append_str(m->out, "\n");
}

void metrics_value(struct metrics *m, double value)
{
    put_sample(m, "", "", value);
}

void metrics_sample(struct metrics *m, double value, const char *labels, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, labels);
    buf_vprintf(&text, labels, ap);
    va_end(ap);
    put_sample(m, "", buf_cstr(&text), value);
    buf_clear(&text);
}

void metrics_histogram(struct metrics *m, const struct histogram *h, const char *labels)
{
    const char *comma = labels[0] ? "," : "";
    struct buf bucket = {0};
    uint64_t n = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        n += h->counts[i];
        buf_reset(&bucket);
        if (i < HISTOGRAM_BOUNDS)
            buf_printf(&bucket, "%s%sle=\"%g\"", labels, comma, histogram_bounds[i]);
        else
            buf_printf(&bucket, "%s%sle=\"+Inf\"", labels, comma);
        put_sample(m, "_bucket", buf_cstr(&bucket), (double)n);
    }
    put_sample(m, "_sum", labels, h->sum);
    put_sample(m, "_count", labels, (double)n);
    buf_clear(&bucket);
}

void metrics_table(struct metrics *m, const struct metric *rows, size_t n,
                   const void *facts)
{
    for (size_t i = 0; i < n; i++) {
        const double *value = (const void *)((const uint8_t *)facts + rows[i].offset);
        metrics_family(m, rows[i].name, rows[i].type, rows[i].help);
        metrics_value(m, *value);
    }
}

/* -- The door --------------------------------------------------------------- */

static void (*const gatherers[])(struct metrics *m) = {
    metrics_of_chain, metrics_of_mempool, metrics_of_net,
    metrics_of_rpc,   metrics_of_tickets, metrics_of_process,
};

static void handle(void *ctx, struct http_request *rq)
{
    struct buf out = {0}, status = {0};
    struct metrics m = {.node = ctx, .out = &out};
    const char *rest = http_path(rq) + strlen(PATH);
    if (rest[0] != 0 && rest[0] != '?') {
        http_reply(rq, 404, NULL);
    } else if (http_method(rq) != HTTP_GET) {
        http_reply_text(rq, 405, "Metrics are read by GET only\n");
    } else if (rpc_server_warming_up(m.node->rpc, &status)) {
        buf_printf(&out, "Service temporarily unavailable: %s\n", buf_cstr(&status));
        http_set_header(rq, "Content-Type", "text/plain");
        http_reply(rq, 503, &out);
    } else {
        for (size_t i = 0; i < ARRAY_LEN(gatherers); i++)
            gatherers[i](&m);
        http_set_header(rq, "Content-Type", CONTENT_TYPE);
        http_reply(rq, 200, &out);
    }
    buf_clear(&status);
    buf_clear(&out);
}

void metrics_route(struct http_server *s, struct node *n)
{
    http_server_route(s, PATH, false, handle, n);
}
