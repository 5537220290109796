#include "io/proxy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/socks5.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/rand.h"

#define UNIX_PREFIX "unix:"

static bool parse_unix(struct proxy *out, const char *path)
{
    if (path[0] == '\0' || !unix_path_fits(path))
        return false;
    snprintf(out->path, sizeof(out->path), "%s", path);
    return out->set = true;
}

bool proxy_parse(struct proxy *out, const char *text, uint16_t default_port, bool dns)
{
    char *host;
    uint16_t port;
    *out = (struct proxy){0};
    if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
        return parse_unix(out, text + strlen(UNIX_PREFIX));
    if (!endpoint_split(text, default_port, &host, &port))
        return false;
    out->set = endpoint_resolve(&out->at, 1, host, port, dns) == 1;
    free(host);
    return out->set;
}

char *proxy_format(char out[PROXY_TEXT], const struct proxy *p)
{
    out[0] = '\0';
    if (p->set && p->path[0])
        snprintf(out, PROXY_TEXT, UNIX_PREFIX "%s", p->path);
    else if (p->set)
        endpoint_format(out, &p->at, true);
    return out;
}

struct conn *proxy_connect(struct loop *l, const struct proxy *p, int64_t timeout_ms,
                           const struct conn_handlers *h, void *ctx)
{
    return p->path[0] ? conn_connect_unix(l, p->path, timeout_ms, h, ctx)
                      : conn_connect(l, &p->at, timeout_ms, h, ctx);
}

struct proxy_dial {
    struct proxy_dial_options opt;
    const struct proxy_dial_events *events;
    void *ctx;
    struct conn *conn; /* owned */
    struct loop_timer *patience;
    struct socks5 socks;
    struct buf hello; /* sent once the proxy is there */
    bool reached;     /* the proxy answers the phone */
    char *to;         /* owned; for logs */
};

void proxy_dial_cancel(struct proxy_dial *d)
{
    if (!d)
        return;
    conn_close(d->conn);
    loop_timer_free(d->patience);
    buf_clear(&d->hello);
    free(d->to);
    free(d);
}

static void give_up(struct proxy_dial *d)
{
    const struct proxy_dial_events *events = d->events;
    void *ctx = d->ctx;
    bool down = !d->reached;
    proxy_dial_cancel(d);
    events->failed(ctx, down);
}

static void succeed(struct proxy_dial *d, struct conn *c, size_t left)
{
    const struct proxy_dial_events *events = d->events;
    void *ctx = d->ctx;
    log_debug(d->opt.log, LOG_NET, "SOCKS5 connected %s", d->to);
    d->conn = NULL;
    proxy_dial_cancel(d);
    conn_recount(c, left);
    conn_poke(c); /* for what came with the last reply */
    events->connected(ctx, c);
}

/* To wait this long for the last reply is common with Tor: nothing is wrong then. */
static void on_impatience(void *arg)
{
    struct proxy_dial *d = arg;
    if (d->socks.state < SOCKS5_REPLY)
        log_info(d->opt.log, "Socks5() connect to %s failed: no reply from the proxy",
                 d->to);
    give_up(d);
}

static void on_connected(struct conn *c, void *ctx)
{
    struct proxy_dial *d = ctx;
    d->reached = true;
    log_debug(d->opt.log, LOG_NET, "SOCKS5 connecting %s", d->to);
    conn_write_buf(c, &d->hello);
    loop_timer_set(d->patience, d->opt.reply_timeout_ms);
}

static void report_failure(const struct proxy_dial *d)
{
    if (d->socks.refused)
        log_debug(d->opt.log, LOG_NET, "Socks5() connect to %s failed: %s", d->to,
                  d->socks.error);
    else
        log_error(d->opt.log, "%s", d->socks.error);
}

static size_t on_data(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    struct proxy_dial *d = ctx;
    struct buf out = {0};
    size_t used = socks5_feed(&d->socks, &out, data, len);
    conn_write_buf(c, &out);
    if (d->socks.state == SOCKS5_DONE) {
        succeed(d, c, len - used);
    } else if (d->socks.state == SOCKS5_FAILED) {
        report_failure(d);
        give_up(d);
    } else if (used > 0) {
        loop_timer_set(d->patience, d->opt.reply_timeout_ms);
    }
    return used;
}

static void on_closed(struct conn *c, void *ctx, int why)
{
    static const char *const errors[] = {
        [SOCKS5_METHOD] = "Proxy hung up before it chose an authentication method",
        [SOCKS5_LOGIN] = "Error reading proxy authentication response",
        [SOCKS5_REPLY] = "Error while reading proxy response",
    };
    struct proxy_dial *d = ctx;
    (void)c;
    if (!d->reached)
        log_debug(d->opt.log, LOG_PROXY, "Cannot connect to the proxy for %s: %s",
                  d->to, strerror(why));
    else
        log_error(d->opt.log, "%s", errors[d->socks.state]);
    give_up(d);
}

static const struct conn_handlers handlers = {
    .connected = on_connected,
    .data = on_data,
    .closed = on_closed,
};

/* Credentials that no other connection of this process has, and none of another. */
static void fresh_login(struct socks5_login *out)
{
    int n = snprintf(out->user, sizeof(out->user), "%016" PRIx64 "%016" PRIx64,
                     rand_u64(), rand_u64());
    memcpy(out->password, out->user, (size_t)n + 1);
}

static void give_up_later(void *arg)
{
    give_up(arg);
}

struct proxy_dial *proxy_dial(const struct proxy_dial_options *opt,
                              const struct proxy *p, const char *host, uint16_t port,
                              const struct proxy_dial_events *ev, void *ctx)
{
    struct proxy_dial *d = xcalloc(1, sizeof(*d));
    struct socks5_login login;
    char via[PROXY_TEXT];
    d->opt = *opt;
    d->events = ev;
    d->ctx = ctx;
    d->to = xasprintf("%s:%u", host, port);
    if (p->randomize)
        fresh_login(&login);
    if (!socks5_begin(&d->socks, &d->hello, host, port, p->randomize ? &login : NULL)) {
        log_error(opt->log, "Hostname too long");
        d->reached = true;
        d->patience = loop_timer_new(opt->loop, give_up_later, d);
        loop_timer_set(d->patience, 0);
        return d;
    }
    log_debug(opt->log, LOG_PROXY, "Using proxy: %s to connect to %s",
              proxy_format(via, p), d->to);
    d->patience = loop_timer_new(opt->loop, on_impatience, d);
    d->conn = proxy_connect(opt->loop, p, opt->connect_timeout_ms, &handlers, d);
    return d;
}
