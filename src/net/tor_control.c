#include "net/tor_control.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/secret.h"
#include "net/tor_internal.h"
#include "util/fs.h"
#include "util/pool.h"

#define CONTROL_PORT     9051
#define SOCKS_PORT       9050
#define MAX_KEY          1024
#define FIRST_PAUSE_MS   1000
#define LONGEST_PAUSE_MS 600000
#define CONNECT_MS       10000
#define NEW_KEY          "NEW:ED25519-V3"

/* -- Talking -------------------------------------------------------------- */

static void dial_control(struct tor *t);

static void again(void *arg)
{
    dial_control(arg);
}

/* Not connected any more, or not yet: tries again later. */
static void retry(struct tor *t)
{
    t->link = NULL;
    t->n_waiting = 0;
    tor_reply_clear(&t->reply);
    net_withdraw_local(t->net, &t->service);
    log_debug(tor_log(t), LOG_TOR,
              "Not connected to Tor control port %s, retrying in %.2f s",
              t->net->opt.tor_control, (double)t->pause_ms / 1000);
    loop_timer_set(t->again, t->pause_ms);
    t->pause_ms = t->pause_ms * 3 / 2;
    if (t->pause_ms > LONGEST_PAUSE_MS)
        t->pause_ms = LONGEST_PAUSE_MS;
}

void tor_hang_up(struct tor *t)
{
    line_close(t->link);
    retry(t);
}

void tor_command(struct tor *t, tor_handler *done, struct buf *take_text)
{
    ASSERT(t->n_waiting < TOR_MAX_WAITING);
    t->waiting[t->n_waiting++] = done;
    buf_append_str(take_text, "\r\n");
    line_send(t->link, take_text);
    line_expect(t->link, TOR_REPLY_MS);
    buf_clear(take_text);
}

struct buf tor_text(const char *text)
{
    struct buf b = {.secret = true};
    buf_append_str(&b, text);
    return b;
}

void tor_simple_command(struct tor *t, tor_handler *done, const char *text)
{
    struct buf b = tor_text(text);
    tor_command(t, done, &b);
}

/* -- The service ---------------------------------------------------------- */

static void key_saved(void *ctx, enum err result, const struct buf *data)
{
    struct tor *t = ctx;
    (void)data;
    if (result == ERR_OK)
        log_debug(tor_log(t), LOG_TOR, "Cached service private key to %s", t->key_path);
    else
        log_error(tor_log(t), "tor: Error writing service private key to %s: %s",
                  t->key_path, err_text(result));
}

static void keep_key(struct tor *t, const struct buf *key)
{
    if (key->len == 0 || key->len > MAX_KEY)
        return;
    secret_free(t->key);
    t->key = secret_strdup(buf_view(key));
    file_job_write(t->net, t->key_path, key->data, key->len, key_saved, t);
}

static bool announce(struct tor *t, const char *id)
{
    char text[NETADDR_TEXT];
    struct net *net = t->net;
    char *name = xasprintf("%s.onion", id);
    struct netaddr a;
    bool ok = netaddr_parse(&a, name, net->opt.params->port);
    free(name);
    if (!ok || a.network != NET_ONION)
        return false;
    log_info(net->log, "tor: Got service ID %s, advertising service %s", id,
             netaddr_format(text, &a, true));
    net_withdraw_local(t->net, &t->service);
    t->service = a;
    net_resume(net);
    net_add_local(net, &a, LOCAL_MANUAL);
    net_release(net);
    return true;
}

static void on_service(struct tor *t, const struct tor_reply *r)
{
    struct buf id = {0}, key = {.secret = true}, value = {.secret = true};
    if (r->code == 510) {
        log_warning(tor_log(t), "tor: Add onion failed with unrecognized command (You "
                                "probably need to upgrade Tor)");
        return;
    }
    if (r->code != 250) {
        log_warning(tor_log(t), "tor: Add onion failed; error code %d", r->code);
        return;
    }
    log_debug(tor_log(t), LOG_TOR, "ADD_ONION successful");
    for (size_t i = 0; i < r->n; i++) {
        if (tor_value(&value, r->lines[i], "ServiceID"))
            buf_reset(&id), buf_append(&id, value.data, value.len);
        if (tor_value(&value, r->lines[i], "PrivateKey"))
            buf_reset(&key), buf_append(&key, value.data, value.len);
    }
    if (announce(t, buf_cstr(&id)))
        keep_key(t, &key);
    else
        log_warning(tor_log(t),
                    "tor: Error parsing ADD_ONION parameters: no service ID "
                    "of a version 3 service");
    buf_clear(&id);
    buf_clear(&key);
    buf_clear(&value);
}

static void add_service(struct tor *t)
{
    char at[ENDPOINT_TEXT];
    struct buf b = tor_text("ADD_ONION ");
    buf_append_str(&b, t->key ? t->key : NEW_KEY);
    /* The port others see is always the default one: another would single us out. */
    buf_printf(&b, " Port=%u,%s", t->net->opt.params->port,
               endpoint_format(at, &t->target, true));
    tor_command(t, on_service, &b);
}

/* A key of the user's that makes no sense is not replaced: it may be dear to him. */
static bool key_is_sane(const char *key)
{
    size_t n = strlen(key);
    return n > 0 && strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789+/=:-") == n;
}

static void key_loaded(void *ctx, enum err result, const struct buf *data)
{
    struct tor *t = ctx;
    if (result == ERR_OK) {
        log_debug(tor_log(t), LOG_TOR, "Reading cached private key from %s",
                  t->key_path);
        t->key = secret_strdup(buf_view(data));
        t->key[strcspn(t->key, "\r\n")] = '\0';
    }
    if (result != ERR_NOT_FOUND && (result != ERR_OK || !key_is_sane(t->key))) {
        log_error(tor_log(t),
                  "tor: %s holds no usable key (%s), so there is no onion service; "
                  "remove it to have a new one made",
                  t->key_path, err_text(result == ERR_OK ? ERR_CORRUPT : result));
        return;
    }
    dial_control(t);
}

/* -- The proxy ------------------------------------------------------------ */

/* Takes off the quotes around it, if there are. */
static struct bytes unquoted(struct bytes word)
{
    if (word.len >= 2 && (word.data[0] == '"' || word.data[0] == '\'') &&
        word.data[word.len - 1] == word.data[0])
        return bytes_of(word.data + 1, word.len - 2);
    return word;
}

/* Of the listeners of Tor the one on 127.0.0.1, else the last. */
static bool choose_listener(char *out, size_t size, const char *list)
{
    static const char local[] = "127.0.0.1:";
    out[0] = '\0';
    while (*list) {
        size_t n = strcspn(list, " ");
        struct bytes w = unquoted(bytes_of(list, n));
        if (w.len > 0 && w.len < size) {
            snprintf(out, size, "%.*s", (int)w.len, (const char *)w.data);
            if (strncmp(out, local, strlen(local)) == 0)
                break;
        }
        list += n;
        list += strspn(list, " ");
    }
    return out[0] != '\0';
}

static bool find_listener(struct tor *t, const struct tor_reply *r, char *out,
                          size_t size)
{
    static const char key[] = "net/listeners/socks=";
    bool found = false;
    if (r->code == 510)
        log_warning(tor_log(t), "tor: Get SOCKS port command failed with unrecognized "
                                "command (You probably should upgrade Tor)");
    else if (r->code != 250)
        log_warning(tor_log(t), "tor: Get SOCKS port command failed; error code %d",
                    r->code);
    if (r->code != 250)
        return false;
    for (size_t i = 0; i < r->n && !found; i++)
        if (strncmp(r->lines[i], key, strlen(key)) == 0)
            found = choose_listener(out, size, r->lines[i] + strlen(key));
    if (found)
        log_debug(tor_log(t), LOG_TOR, "Get SOCKS port command yielded %s", out);
    else
        log_warning(tor_log(t), "tor: Get SOCKS port command returned nothing");
    return found;
}

/* Only asked for without -onion. */
static void on_listeners(struct tor *t, const struct tor_reply *r)
{
    char text[PROXY_TEXT];
    struct proxy p = {.set = true};
    if (!find_listener(t, r, text, sizeof(text)) ||
        !endpoint_parse(&p.at, text, SOCKS_PORT))
        ASSERT(endpoint_parse(&p.at, "127.0.0.1", SOCKS_PORT));
    p.randomize = true;
    log_debug(tor_log(t), LOG_TOR, "Configuring onion proxy for %s",
              proxy_format(text, &p));
    net_resume(t->net);
    reach_set_onion_proxy(t->net, &p);
    net_release(t->net);
}

/* -- The connection ------------------------------------------------------- */

void tor_authenticated(struct tor *t, const struct tor_reply *r)
{
    if (r->code != 250) {
        log_warning(tor_log(t), "tor: Authentication failed");
        tor_hang_up(t);
        return;
    }
    log_debug(tor_log(t), LOG_TOR, "Authentication successful");
    t->pause_ms = FIRST_PAUSE_MS;
    if (t->net->opt.onion[0] == '\0')
        tor_simple_command(t, on_listeners, "GETINFO net/listeners/socks");
    add_service(t);
}

static void on_connected(void *ctx)
{
    struct tor *t = ctx;
    t->session++;
    tor_authenticate(t);
}

static void on_reply(struct tor *t)
{
    struct tor_reply r = t->reply;
    t->reply = (struct tor_reply){0};
    if (t->n_waiting == 0) {
        log_debug(tor_log(t), LOG_TOR, "Received unexpected sync reply %d", r.code);
    } else {
        tor_handler *done = t->waiting[0];
        t->waiting[0] = t->waiting[1];
        t->n_waiting--;
        line_expect(t->link, t->n_waiting ? TOR_REPLY_MS : 0);
        done(t, &r);
    }
    tor_reply_clear(&r);
}

static void on_line(void *ctx, const char *line)
{
    struct tor *t = ctx;
    enum tor_progress p = tor_reply_add(&t->reply, line);
    if (p == TOR_FLOOD) {
        log_warning(tor_log(t), "tor: Disconnecting because a reply is too long");
        tor_hang_up(t);
    } else if (p == TOR_WHOLE && t->reply.code >= 600) {
        tor_reply_clear(&t->reply); /* an event: we ask for none */
    } else if (p == TOR_WHOLE) {
        on_reply(t);
    }
}

static void on_closed(void *ctx, const char *why)
{
    struct tor *t = ctx;
    log_debug(tor_log(t), LOG_TOR, "Tor control connection: %s", why);
    retry(t);
}

static const struct line_events events = {
    .connected = on_connected,
    .line = on_line,
    .closed = on_closed,
};

static void control_found(void *arg)
{
    struct tor *t = arg;
    if (t->net->stopping)
        return;
    if (t->control_known) {
        t->link = line_connect(t->net->loop, &t->control, CONNECT_MS, TOR_MAX_LINE,
                               &events, t);
        return;
    }
    log_warning(tor_log(t), "tor: Failed to look up control center %s",
                t->net->opt.tor_control);
    retry(t);
}

/* On the resolver's thread. */
static void find_control(void *arg)
{
    struct tor *t = arg;
    char *host;
    uint16_t port;
    t->control_known = false;
    if (endpoint_split(t->net->opt.tor_control, CONTROL_PORT, &host, &port)) {
        t->control_known =
            endpoint_resolve(&t->control, 1, host, port, t->net->opt.dns) == 1;
        free(host);
    }
    loop_post(t->net->loop, control_found, t);
}

static void dial_control(struct tor *t)
{
    if (t->net->stopping)
        return;
    t->control_known =
        endpoint_parse(&t->control, t->net->opt.tor_control, CONTROL_PORT);
    if (t->control_known)
        control_found(t);
    else
        pool_submit(t->net->resolver, find_control, t);
}

struct tor *tor_start(struct net *net)
{
    struct tor *t = xcalloc(1, sizeof(*t));
    t->net = net;
    t->pause_ms = FIRST_PAUSE_MS;
    t->target = listen_onion_target(net);
    t->cookie = secret_alloc(TOR_COOKIE_SIZE);
    t->key_path = path_join(net->opt.datadir, "onion_v3_private_key");
    t->again = loop_timer_new(net->loop, again, t);
    file_job_read(net, t->key_path, MAX_KEY, key_loaded, t);
    return t;
}

void tor_stop(struct tor *t)
{
    if (!t)
        return;
    line_close(t->link);
    t->link = NULL;
    loop_timer_free(t->again);
    t->again = NULL;
}

void tor_free(struct tor *t)
{
    if (!t)
        return;
    tor_reply_clear(&t->reply);
    secret_free(t->cookie);
    secret_free(t->key);
    free(t->key_path);
    free(t);
}
