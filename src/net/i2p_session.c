#include "net/i2p_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/secret.h"
#include "io/line_conn.h"
#include "net/file_job.h"
#include "net/sam.h"
#include "util/fs.h"

#define ID_DIGITS 10
#define MAX_KEY   4096

enum session_state {
    IDLE,
    GREETING,   /* HELLO was said */
    READING,    /* the key is read from its file */
    GENERATING, /* the bridge makes a key */
    SAVING,     /* which is written to the file */
    CREATING,   /* the bridge makes the session */
    READY,
};

struct i2p_session {
    struct net *net;
    bool persistent;
    enum session_state state;
    struct line_conn *link; /* owned; NULL when idle */
    unsigned attempt;       /* what belongs to an old one is dropped */
    unsigned file_attempt;  /* the one that waits for a file */
    char id[ID_DIGITS + 1];
    char *key_path; /* owned */
    struct buf key; /* secret: destination and private keys; empty: none yet */
    struct netaddr me;
    struct i2p_waiter *waiting;
};

static struct logger *log_of(const struct i2p_session *s)
{
    return s->net->log;
}

/* -- Who waits ------------------------------------------------------------ */

static struct i2p_waiter *next_waiter(struct i2p_session *s)
{
    struct i2p_waiter *w = s->waiting;
    if (w)
        s->waiting = w->next;
    return w;
}

/* The last one may free the session. */
static void fail(struct i2p_session *s, const char *why)
{
    i2p_session_break(s);
    while (s->waiting) {
        struct i2p_waiter *w = next_waiter(s);
        bool last = s->waiting == NULL;
        w->failed(w, why);
        if (last)
            return;
    }
}

static void succeed(struct i2p_session *s)
{
    s->state = READY;
    line_expect(s->link, 0);
    while (s->waiting) {
        struct i2p_waiter *w = next_waiter(s);
        bool last = s->waiting == NULL;
        w->ready(w);
        if (last)
            return;
    }
}

/* -- Making it ------------------------------------------------------------ */

static const char *kind_of(const struct i2p_session *s)
{
    return s->persistent ? "persistent" : "transient";
}

static void create(struct i2p_session *s)
{
    struct buf key = {.secret = true};
    s->state = CREATING;
    if (s->persistent) {
        sam_base64_append(&key, s->key.data, s->key.len);
        i2p_ask(s->link,
                "SESSION CREATE STYLE=STREAM ID=%s DESTINATION=%s "
                "i2cp.leaseSetEncType=4,0 inbound.quantity=3 outbound.quantity=3",
                s->id, buf_cstr(&key));
    } else {
        i2p_ask(s->link,
                "SESSION CREATE STYLE=STREAM ID=%s DESTINATION=TRANSIENT "
                "SIGNATURE_TYPE=7 i2cp.leaseSetEncType=4,0 inbound.quantity=1 "
                "outbound.quantity=1",
                s->id);
    }
    buf_clear(&key);
}

/* Takes over a key that the bridge or the file gave. */
static bool take_key(struct i2p_session *s, struct bytes key)
{
    size_t size = sam_destination_size(key);
    if (size == 0)
        return false;
    buf_reset(&s->key);
    buf_append(&s->key, key.data, key.len);
    s->me = sam_address(bytes_of(key.data, size));
    return true;
}

static bool take_key_text(struct i2p_session *s, const char *reply, const char *name)
{
    struct buf text = {.secret = true}, key = {.secret = true};
    bool ok = sam_value(&text, reply, name) &&
              sam_base64_decode(&key, buf_cstr(&text), text.len) &&
              take_key(s, buf_view(&key));
    buf_clear(&text);
    buf_clear(&key);
    return ok;
}

static bool is_current(const struct i2p_session *s, enum session_state state)
{
    return s->state == state && s->file_attempt == s->attempt;
}

static void key_saved(void *ctx, enum err result, const struct buf *data)
{
    struct i2p_session *s = ctx;
    (void)data;
    if (!is_current(s, SAVING))
        return;
    if (result == ERR_OK) {
        create(s);
        return;
    }
    log_error(log_of(s), "i2p: Cannot save I2P private key to %s: %s", s->key_path,
              err_text(result));
    buf_reset(&s->key); /* one that is not kept would not be ours tomorrow */
    fail(s, "the private key cannot be saved");
}

/* A key of the user's that makes no sense is not replaced: it may be dear to him. */
static void key_loaded(void *ctx, enum err result, const struct buf *data)
{
    struct i2p_session *s = ctx;
    if (!is_current(s, READING))
        return;
    if (result == ERR_NOT_FOUND) {
        s->state = GENERATING;
        /* 7 is Ed25519 by number, as old routers do not know its name. */
        i2p_ask(s->link, "DEST GENERATE SIGNATURE_TYPE=7");
    } else if (result == ERR_OK && take_key(s, buf_view(data))) {
        create(s);
    } else {
        log_error(log_of(s),
                  "i2p: %s holds no usable key (%s); remove it to have a new one made",
                  s->key_path, err_text(result == ERR_OK ? ERR_CORRUPT : result));
        fail(s, "the private key cannot be used");
    }
}

static void on_greeting(struct i2p_session *s, const char *line)
{
    if (!sam_result_is(line, "OK")) {
        fail(s, "the bridge does not speak SAM 3.1");
    } else if (!s->persistent || s->key.len > 0) {
        create(s);
    } else {
        s->state = READING;
        s->file_attempt = s->attempt;
        file_job_read(s->net, s->key_path, MAX_KEY, key_loaded, s);
    }
}

static void on_generated(struct i2p_session *s, const char *line)
{
    if (!take_key_text(s, line, "PRIV")) {
        fail(s, "the bridge made no key");
        return;
    }
    s->state = SAVING;
    s->file_attempt = s->attempt;
    file_job_write(s->net, s->key_path, s->key.data, s->key.len, key_saved, s);
}

static void on_created(struct i2p_session *s, const char *line)
{
    char text[NETADDR_TEXT];
    if (!sam_result_is(line, "OK") ||
        (!s->persistent && !take_key_text(s, line, "DESTINATION"))) {
        fail(s, "the bridge made no session");
        return;
    }
    log_info(log_of(s), "i2p: %s SAM session %s created, my address=%s",
             s->persistent ? "Persistent" : "Transient", s->id,
             netaddr_format(text, &s->me, true));
    succeed(s);
}

/* -- Its connection ------------------------------------------------------- */

static void on_connected(void *ctx)
{
    struct i2p_session *s = ctx;
    i2p_ask(s->link, "HELLO VERSION MIN=3.1 MAX=3.1");
}

static void on_line(void *ctx, const char *line)
{
    static void (*const steps[])(struct i2p_session *, const char *) = {
        [GREETING] = on_greeting,
        [GENERATING] = on_generated,
        [CREATING] = on_created,
        [READY] = NULL,
    };
    struct i2p_session *s = ctx;
    if (steps[s->state]) /* else nothing was asked */
        steps[s->state](s, line);
}

static void on_closed(void *ctx, const char *why)
{
    struct i2p_session *s = ctx;
    s->link = NULL;
    log_debug(log_of(s), LOG_I2P, "Control socket error: %s", why);
    fail(s, why);
}

static const struct line_events events = {
    .connected = on_connected,
    .line = on_line,
    .closed = on_closed,
};

static void begin(struct i2p_session *s)
{
    char at[PROXY_TEXT];
    snprintf(s->id, sizeof(s->id), "%010" PRIx64, rand_u64() >> 24);
    log_debug(log_of(s), LOG_I2P, "Creating %s SAM session %s with %s", kind_of(s),
              s->id, proxy_format(at, &s->net->proxies[NET_I2P]));
    s->state = GREETING;
    s->attempt++;
    s->link = i2p_dial_bridge(s->net, &events, s);
}

struct line_conn *i2p_dial_bridge(struct net *net, const struct line_events *ev,
                                  void *ctx)
{
    return line_connect(net->loop, &net->proxies[NET_I2P].at,
                        net->opt.connect_timeout_ms, SAM_MAX_LINE, ev, ctx);
}

void i2p_ask(struct line_conn *lc, const char *fmt, ...)
{
    struct buf b = {.secret = true};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    buf_append_byte(&b, '\n');
    line_send(lc, &b);
    line_expect(lc, I2P_REPLY_MS);
    buf_clear(&b);
}

/* -- For others ----------------------------------------------------------- */

struct i2p_session *i2p_session_new(struct net *net, bool persistent)
{
    struct i2p_session *s = xcalloc(1, sizeof(*s));
    s->net = net;
    s->persistent = persistent;
    s->key.secret = true;
    s->key_path = path_join(net->opt.datadir, "i2p_private_key");
    return s;
}

void i2p_session_stop(struct i2p_session *s)
{
    ASSERT(!s->waiting);
    i2p_session_break(s);
}

void i2p_session_free(struct i2p_session *s)
{
    if (!s)
        return;
    i2p_session_stop(s);
    buf_clear(&s->key);
    free(s->key_path);
    free(s);
}

void i2p_session_break(struct i2p_session *s)
{
    line_close(s->link);
    s->link = NULL;
    s->state = IDLE;
}

void i2p_session_wait(struct i2p_session *s, struct i2p_waiter *w)
{
    if (s->state == READY) {
        w->ready(w);
        return;
    }
    w->next = s->waiting;
    s->waiting = w;
    if (s->state == IDLE)
        begin(s);
}

void i2p_session_forget(struct i2p_session *s, struct i2p_waiter *w)
{
    for (struct i2p_waiter **at = &s->waiting; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            return;
        }
}

const char *i2p_session_id(const struct i2p_session *s)
{
    return s->id;
}

const struct netaddr *i2p_session_me(const struct i2p_session *s)
{
    return &s->me;
}

bool i2p_session_persistent(const struct i2p_session *s)
{
    return s->persistent;
}

struct net *i2p_session_net(const struct i2p_session *s)
{
    return s->net;
}
