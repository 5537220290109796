/* SOCKS5: every reply a proxy may give, and connections through one. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/proxy.h"
#include "io/socks5.h"
#include "util/mem.h"

static const struct socks5_login login = {"me", "pw"};

/* Bytes with their length, from a string literal. */
#define B(text)                                                                        \
    {                                                                                  \
        (const uint8_t *)(text), sizeof(text) - 1                                      \
    }

#define HELLO       "\x05\x01\x00"
#define HELLO_LOGIN "\x05\x02\x00\x02"
#define CREDENTIALS "\x01\x02me\x02pw"
#define REQUEST                                                                        \
    "\x05\x01\x00\x03\x05"                                                             \
    "a.org\x20\x8d"
#define DONE_V4 "\x05\x00\x00\x01\x01\x02\x03\x04\x00\x50"

static const struct {
    const char *name;
    struct bytes in;
    struct bytes out; /* all that is sent */
    size_t left;      /* bytes of @in that are the connection's */
    enum socks5_state state;
    const char *error;
    bool login, refused;
} cases[] = {
    {"no authentication, IPv4 reply", B("\x05\x00" DONE_V4), B(HELLO REQUEST), 0,
     SOCKS5_DONE, "", false, false},
    {"IPv6 reply",
     B("\x05\x00\x05\x00\x00\x04"
       "0123456789abcdef"
       "\x00\x50"),
     B(HELLO REQUEST), 0, SOCKS5_DONE, "", false, false},
    {"reply with a name",
     B("\x05\x00\x05\x00\x00\x03\x03"
       "abc"
       "\x00\x50"),
     B(HELLO REQUEST), 0, SOCKS5_DONE, "", false, false},
    {"reply with an empty name", B("\x05\x00\x05\x00\x00\x03\x00\x00\x50"),
     B(HELLO REQUEST), 0, SOCKS5_DONE, "", false, false},
    {"what follows is the connection's", B("\x05\x00" DONE_V4 "hello"),
     B(HELLO REQUEST), 5, SOCKS5_DONE, "", false, false},
    {"login", B("\x05\x02\x01\x00" DONE_V4), B(HELLO_LOGIN CREDENTIALS REQUEST), 0,
     SOCKS5_DONE, "", true, false},
    {"login offered but not wanted", B("\x05\x00" DONE_V4), B(HELLO_LOGIN REQUEST), 0,
     SOCKS5_DONE, "", true, false},
    {"login refused", B("\x05\x02\x01\x01"), B(HELLO_LOGIN CREDENTIALS), 0,
     SOCKS5_FAILED, "Proxy authentication unsuccessful", true, false},
    {"login of another version", B("\x05\x02\x05\x00"), B(HELLO_LOGIN CREDENTIALS), 0,
     SOCKS5_FAILED, "Proxy authentication unsuccessful", true, false},
    {"login wanted but not offered", B("\x05\x02"), B(HELLO), 0, SOCKS5_FAILED,
     "Proxy requested wrong authentication method 02", false, false},
    {"no method suits", B("\x05\xff"), B(HELLO_LOGIN), 0, SOCKS5_FAILED,
     "Proxy requested wrong authentication method ff", true, false},
    {"SOCKS 4", B("\x04\x00"), B(HELLO), 0, SOCKS5_FAILED, "Proxy failed to initialize",
     false, false},
    {"reply of another version", B("\x05\x00\x04\x00\x00\x01"), B(HELLO REQUEST), 0,
     SOCKS5_FAILED, "Proxy failed to accept request", false, false},
    {"reserved octet in use", B("\x05\x00\x05\x00\x01\x01"), B(HELLO REQUEST), 0,
     SOCKS5_FAILED, "Error: malformed proxy response", false, false},
    {"unknown kind of address", B("\x05\x00\x05\x00\x00\x02"), B(HELLO REQUEST), 0,
     SOCKS5_FAILED, "Error: malformed proxy response", false, false},
    {"refused by the destination", B("\x05\x00\x05\x05\x00\x01"), B(HELLO REQUEST), 0,
     SOCKS5_FAILED, "connection refused", false, true},
    {"Tor: no such onion service", B("\x05\x00\x05\xf0\x00\x01"), B(HELLO REQUEST), 0,
     SOCKS5_FAILED, "onion service descriptor can not be found", false, true},
    {"nothing yet", B(""), B(HELLO), 0, SOCKS5_METHOD, "", false, false},
    {"half a method", B("\x05"), B(HELLO), 1, SOCKS5_METHOD, "", false, false},
    {"half a verdict", B("\x05\x02\x01"), B(HELLO_LOGIN CREDENTIALS), 1, SOCKS5_LOGIN,
     "", true, false},
    {"half a reply", B("\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x00"),
     B(HELLO REQUEST), 9, SOCKS5_REPLY, "", false, false},
    {"a name without its length", B("\x05\x00\x05\x00\x00\x03"), B(HELLO REQUEST), 4,
     SOCKS5_REPLY, "", false, false},
};

/* With @piece bytes at a time; the rest comes again, as from a connection. */
static void converse(size_t i, size_t piece)
{
    struct socks5 s;
    struct buf out = {0};
    size_t used = 0, there = 0;
    assert_true(socks5_begin(&s, &out, "a.org", 8333, cases[i].login ? &login : NULL));
    while (there < cases[i].in.len && s.state < SOCKS5_DONE) {
        size_t rest = cases[i].in.len - there;
        there += piece < rest ? piece : rest;
        used += socks5_feed(&s, &out, cases[i].in.data + used, there - used);
    }
    if (s.state != cases[i].state || strcmp(s.error, cases[i].error) != 0)
        fail_msg("%s: state %d, error '%s'", cases[i].name, s.state, s.error);
    if (!bytes_equal(buf_view(&out), cases[i].out))
        fail_msg("%s: sends something else", cases[i].name);
    if (s.state != SOCKS5_FAILED && cases[i].in.len - used != cases[i].left)
        fail_msg("%s: leaves %zu bytes", cases[i].name, cases[i].in.len - used);
    assert_int_equal(s.refused, cases[i].refused);
    buf_clear(&out);
}

static void replies_of_a_proxy(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        converse(i, SIZE_MAX);
        converse(i, 1);
        converse(i, 3);
    }
}

static void texts_of_replies(void **state)
{
    static const struct {
        uint8_t code;
        const char *text;
    } texts[] = {
        {0x01, "general failure"},
        {0x02, "connection not allowed"},
        {0x03, "network unreachable"},
        {0x04, "host unreachable"},
        {0x05, "connection refused"},
        {0x06, "TTL expired"},
        {0x07, "protocol error"},
        {0x08, "address type not supported"},
        {0x09, "unknown"},
        {0xef, "unknown"},
        {0xf0, "onion service descriptor can not be found"},
        {0xf1, "onion service descriptor is invalid"},
        {0xf2, "onion service introduction failed"},
        {0xf3, "onion service rendezvous failed"},
        {0xf4, "onion service missing client authorization"},
        {0xf5, "onion service wrong client authorization"},
        {0xf6, "onion service invalid address"},
        {0xf7, "onion service introduction timed out"},
        {0xf8, "unknown"},
        {0xff, "unknown"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_string_equal(socks5_reply_text(texts[i].code), texts[i].text);
}

static void lengths_of_hosts(void **state)
{
    struct socks5 s;
    struct buf out = {0};
    char host[258] = {0};
    (void)state;
    assert_false(socks5_begin(&s, &out, "", 1, NULL));
    memset(host, 'a', 255);
    assert_true(socks5_begin(&s, &out, host, 1, NULL));
    host[255] = 'a';
    assert_false(socks5_begin(&s, &out, host, 1, NULL));
    buf_clear(&out);
}

static void proxies_as_text(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } texts[] = {
        {"127.0.0.1", "127.0.0.1:9050"},
        {"127.0.0.1:1", "127.0.0.1:1"},
        {"::1", "[::1]:9050"},
        {"[::1]:80", "[::1]:80"},
        {"unix:/tmp/tor.socket", "unix:/tmp/tor.socket"},
        {"unix:", NULL},
        {"/tmp/tor.socket", NULL},
        {"name.example", NULL}, /* without DNS */
        {":9050", NULL},
        {"", NULL},
    };
    struct proxy p;
    char text[PROXY_TEXT], longest[5 + PROXY_PATH_MAX + 1] = "unix:";
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        bool ok = proxy_parse(&p, texts[i].in, 9050, false);
        if (ok != (texts[i].out != NULL))
            fail_msg("%s", texts[i].in);
        assert_string_equal(proxy_format(text, &p), ok ? texts[i].out : "");
    }
    memset(longest + 5, 'x', PROXY_PATH_MAX - 1);
    assert_true(proxy_parse(&p, longest, 9050, false));
    assert_string_equal(proxy_format(text, &p), longest);
    longest[5 + PROXY_PATH_MAX - 1] = 'x';
    assert_false(proxy_parse(&p, longest, 9050, false));
}

/* -- Connections ---------------------------------------------------------- */

/* A proxy that says one thing to each caller, whatever it hears. */
struct fake {
    int fd;
    const void *says;
    size_t len;
    pthread_t thread;
};

static void *serve(void *arg)
{
    struct fake *f = arg;
    uint8_t sink[1024];
    int fd = accept(f->fd, NULL, NULL);
    ASSERT(fd >= 0 && send(fd, f->says, f->len, MSG_NOSIGNAL) == (ssize_t)f->len);
    while (recv(fd, sink, sizeof(sink), 0) > 0) { /* until the caller hangs up */
    }
    close(fd);
    return NULL;
}

enum outcome { NOTHING, CONNECTED, FAILED, PROXY_DOWN };

struct call {
    struct loop *loop;
    struct proxy proxy;
    struct proxy_dial *dial;
    const char *host;
    int64_t patience_ms;
    struct conn *conn;
    _Atomic enum outcome outcome;
    _Atomic size_t n_heard;
    char heard[16];
};

static size_t hear(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    struct call *call = ctx;
    (void)c;
    ASSERT(call->n_heard + len < sizeof(call->heard));
    memcpy(call->heard + call->n_heard, data, len);
    call->n_heard += len;
    return len;
}

static void hung_up(struct conn *c, void *ctx, int why)
{
    (void)c, (void)ctx, (void)why;
}

static const struct conn_handlers hearing = {.data = hear, .closed = hung_up};

static void connected(void *ctx, struct conn *take)
{
    struct call *call = ctx;
    call->conn = take;
    conn_set_handlers(take, &hearing, call);
    call->outcome = CONNECTED;
}

static void failed(void *ctx, bool proxy_down)
{
    struct call *call = ctx;
    call->outcome = proxy_down ? PROXY_DOWN : FAILED;
}

static const struct proxy_dial_events events = {connected, failed};

static void begin(void *arg)
{
    struct call *call = arg;
    struct proxy_dial_options o = {
        .loop = call->loop,
        .connect_timeout_ms = 5000,
        .reply_timeout_ms = call->patience_ms,
    };
    call->dial = proxy_dial(&o, &call->proxy, call->host, 8333, &events, call);
}

static void end(void *arg)
{
    struct call *call = arg;
    conn_close(call->conn);
}

static void await(struct call *call, size_t heard)
{
    for (int i = 0; i < 10000; i++) {
        if (call->outcome != NOTHING && call->n_heard >= heard)
            return;
        usleep(1000);
    }
    fail_msg("nothing happens");
}

static void unix_server(struct fake *f, struct proxy *p)
{
    char text[64];
    snprintf(text, sizeof(text), "unix:/tmp/test_socks5.%d", getpid());
    assert_true(proxy_parse(p, text, 1, false));
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", p->path);
    unlink(p->path);
    f->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(f->fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
    assert_int_equal(listen(f->fd, 1), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void dial(struct call *call)
{
    call->loop = loop_new(NULL);
    assert_int_equal(loop_start(call->loop, "test"), ERR_OK);
    loop_call(call->loop, begin, call);
}

static void hang_up(struct call *call)
{
    loop_call(call->loop, end, call);
    loop_stop(call->loop);
    loop_free(call->loop);
}

static void through_a_unix_socket(void **state)
{
    static const char says[] = "\x05\x02\x01\x00" DONE_V4 "hello";
    struct fake f = {.says = says, .len = sizeof(says) - 1};
    struct call call = {.host = "a.org", .patience_ms = 5000};
    (void)state;
    unix_server(&f, &call.proxy);
    call.proxy.randomize = true;
    dial(&call);
    await(&call, 5);
    assert_int_equal(call.outcome, CONNECTED);
    assert_string_equal(call.heard, "hello");
    hang_up(&call);
    pthread_join(f.thread, NULL);
    close(f.fd);
    unlink(call.proxy.path);
}

static void a_silent_proxy(void **state)
{
    struct fake f = {.says = "", .len = 0};
    struct call call = {.host = "a.org", .patience_ms = 10};
    (void)state;
    unix_server(&f, &call.proxy);
    dial(&call);
    await(&call, 0);
    assert_int_equal(call.outcome, FAILED);
    hang_up(&call);
    pthread_join(f.thread, NULL);
    close(f.fd);
    unlink(call.proxy.path);
}

static void no_proxy_there(void **state)
{
    struct call call = {.host = "a.org", .patience_ms = 5000};
    (void)state;
    assert_true(proxy_parse(&call.proxy, "unix:/nonexistent/socket", 1, false));
    dial(&call);
    await(&call, 0);
    assert_int_equal(call.outcome, PROXY_DOWN);
    hang_up(&call);
}

static void a_host_that_cannot_be_asked_for(void **state)
{
    struct call call = {.host = "", .patience_ms = 5000};
    (void)state;
    assert_true(proxy_parse(&call.proxy, "127.0.0.1:1", 1, false));
    dial(&call);
    await(&call, 0);
    assert_int_equal(call.outcome, FAILED);
    hang_up(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_of_a_proxy),
        cmocka_unit_test(texts_of_replies),
        cmocka_unit_test(lengths_of_hosts),
        cmocka_unit_test(proxies_as_text),
        cmocka_unit_test(through_a_unix_socket),
        cmocka_unit_test(a_silent_proxy),
        cmocka_unit_test(no_proxy_there),
        cmocka_unit_test(a_host_that_cannot_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
