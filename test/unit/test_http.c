/* Endpoints, connections, and the HTTP server as a client on a socket sees it. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/http.h"
#include "io/sockaddr.h"
#include "util/log.h"

static void endpoints_as_text(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        {"127.0.0.1", "127.0.0.1:8"},
        {"127.0.0.1:80", "127.0.0.1:80"},
        {"::1", "[::1]:8"},
        {"[::1]:80", "[::1]:80"},
        {"[::1]", "[::1]:8"},
        {"::ffff:1.2.3.4", "1.2.3.4:8"},
        {"1.2.3.4:0", NULL},
        {"1.2.3.4:70000", NULL},
        {"1.2.3.4:x", NULL},
        {"1.2.3.4:", NULL},
        {"localhost", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct endpoint e;
        char text[ENDPOINT_TEXT];
        bool ok = endpoint_parse(&e, cases[i].in, 8);
        if (ok != (cases[i].out != NULL))
            fail_msg("%s", cases[i].in);
        if (ok)
            assert_string_equal(endpoint_format(text, &e, true), cases[i].out);
    }
}

static void subnets(void **state)
{
    static const struct {
        const char *net, *text, *in, *out;
    } cases[] = {
        {"10.1.2.3/8", "10.0.0.0/8", "10.255.0.1", "11.0.0.1"},
        {"10.1.2.3/255.255.0.0", "10.1.0.0/16", "10.1.9.9", "10.2.0.0"},
        {"1.2.3.4", "1.2.3.4/32", "1.2.3.4", "1.2.3.5"},
        {"::1", "::1/128", "::1", "127.0.0.1"},
        {"fe80::/10", "fe80::/10", "fe80::5", "fd00::1"},
        {"0.0.0.0/0", "0.0.0.0/0", "9.9.9.9", "::1"},
        {"::/0", "::/0", "9.9.9.9", NULL},
        {"10.0.0.0/33", NULL, NULL, NULL},
        {"10.0.0.0/255.0.255.0", NULL, NULL, NULL},
        {"10.0.0.0/", NULL, NULL, NULL},
        {"nonsense", NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct subnet s;
        struct endpoint e;
        char text[SUBNET_TEXT];
        bool ok = subnet_parse(&s, cases[i].net);
        if (ok != (cases[i].text != NULL))
            fail_msg("%s", cases[i].net);
        if (!ok)
            continue;
        assert_string_equal(subnet_format(text, &s), cases[i].text);
        assert_true(endpoint_parse(&e, cases[i].in, 1));
        assert_true(subnet_contains(&s, &e));
        if (cases[i].out) {
            assert_true(endpoint_parse(&e, cases[i].out, 1));
            assert_false(subnet_contains(&s, &e));
        }
    }
}

/* cmocka's own assertions work on the main thread only: callbacks use ASSERT. */

/* -- Connections --------------------------------------------------------------------------- */

#define ECHO_BYTES (30u << 20) /* a multiple of 3, see echo_back */

struct echo {
    struct loop *loop;
    struct listener *ls;
    struct conn *server, *client;
    size_t returned;
    int closed_why;
    bool connected, refused;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
};

static void finish(struct echo *e)
{
    pthread_mutex_lock(&e->lock);
    e->finished = true;
    pthread_cond_signal(&e->done);
    pthread_mutex_unlock(&e->lock);
}

static void await(struct echo *e)
{
    pthread_mutex_lock(&e->lock);
    while (!e->finished)
        pthread_cond_wait(&e->done, &e->lock);
    e->finished = false;
    pthread_mutex_unlock(&e->lock);
}

static size_t echo_back(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    size_t whole = len / 3 * 3; /* leaves a rest unconsumed now and then */
    (void)ctx;
    if (len < 3)
        whole = len;
    conn_write(c, data, whole);
    return whole;
}

static void server_closed(struct conn *c, void *ctx, int why)
{
    struct echo *e = ctx;
    ASSERT(why == 0);
    conn_close(c);
    e->server = NULL;
    finish(e);
}

static void accepted(void *ctx, struct conn *c)
{
    static const struct conn_handlers h = {.data = echo_back, .closed = server_closed};
    struct echo *e = ctx;
    e->server = c;
    ASSERT(conn_incoming(c));
    conn_set_handlers(c, &h, e);
}

static void client_connected(struct conn *c, void *ctx)
{
    struct echo *e = ctx;
    struct buf b = {0};
    e->connected = true;
    memset(buf_extend(&b, ECHO_BYTES), 'x', ECHO_BYTES);
    conn_write_buf(c, &b);
}

static size_t client_data(struct conn *c, void *ctx, const uint8_t *data, size_t len)
{
    struct echo *e = ctx;
    ASSERT(data[0] == 'x');
    e->returned += len;
    if (e->returned == ECHO_BYTES) {
        ASSERT(conn_bytes_in(c) == ECHO_BYTES);
        ASSERT(conn_bytes_out(c) == ECHO_BYTES);
        conn_close(c); /* inside a callback */
        e->client = NULL;
    }
    return len;
}

static void client_closed(struct conn *c, void *ctx, int why)
{
    struct echo *e = ctx;
    e->closed_why = why;
    conn_close(c);
    finish(e);
}

static const struct conn_handlers client_handlers = {
    .connected = client_connected, .data = client_data, .closed = client_closed};

static void start_echo(void *arg)
{
    struct echo *e = arg;
    struct endpoint at;
    ASSERT(endpoint_parse(&at, "127.0.0.1", 1));
    at.port = 0;
    ASSERT(listener_open(&e->ls, e->loop, &at, accepted, e) == ERR_OK);
    e->client = conn_connect(e->loop, listener_at(e->ls), 5000, &client_handlers, e);
}

static void connect_to_nobody(void *arg)
{
    struct echo *e = arg;
    struct endpoint at = *listener_at(e->ls);
    listener_close(e->ls);
    conn_connect(e->loop, &at, 5000, &client_handlers, e);
}

static void bytes_go_there_and_back(void **state)
{
    struct echo e = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    (void)state;
    e.loop = loop_new(NULL);
    assert_int_equal(loop_start(e.loop, "test"), ERR_OK);
    loop_call(e.loop, start_echo, &e);
    await(&e);
    assert_true(e.connected);
    assert_int_equal(e.returned, ECHO_BYTES);
    loop_call(e.loop, connect_to_nobody, &e);
    await(&e);
    assert_int_equal(e.closed_why, ECONNREFUSED);
    loop_stop(e.loop);
    loop_free(e.loop);
}

/* -- HTTP ---------------------------------------------------------------------------------- */

struct web {
    struct loop *loop;
    struct http_server *server;
    struct endpoint at;
    struct http_request *held; /* of /hold: answered by /release */
    pthread_mutex_t lock;
};

static void answer(void *ctx, struct http_request *rq)
{
    struct web *w = ctx;
    struct buf out = {0};
    struct bytes body = http_body(rq);
    if (strcmp(http_path(rq), "/a/hold") == 0) {
        pthread_mutex_lock(&w->lock);
        w->held = rq;
        pthread_mutex_unlock(&w->lock);
        return;
    }
    if (strcmp(http_path(rq), "/a/slow") == 0)
        usleep(200000);
    if (strcmp(http_path(rq), "/a/big") == 0)
        memset(buf_extend(&out, 3 << 20), 'b', 3 << 20);
    else
        buf_append(&out, body.data, body.len);
    http_set_header(rq, "Content-Type", "text/plain");
    http_reply(rq, 200, &out);
}

/* For clients of @allow; silence ends after @timeout_s. */
static void start_web_for(struct web *w, const char *allow, int timeout_s)
{
    struct subnet net;
    struct http_options opt = {.threads = 1, .queue_depth = 2,
                               .timeout_s = timeout_s, .max_connections = 8, .max_header = 8192, .max_body = 1 << 20, .allow = &net,
                               .n_allow = 1};
    memset(w, 0, sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    w->loop = loop_new(NULL);
    opt.loop = w->loop;
    assert_true(subnet_parse(&net, allow));
    assert_int_equal(loop_start(w->loop, "test"), ERR_OK);
    assert_int_equal(http_server_new(&w->server, &opt), ERR_OK);
    http_server_route(w->server, "/", true, answer, w);
    http_server_route(w->server, "/a/", false, answer, w);
    assert_true(endpoint_parse(&w->at, "127.0.0.1", 1));
    for (int port = 20000 + getpid() % 20000;; port++) {
        w->at.port = (uint16_t)port;
        if (http_server_bind(w->server, &w->at) == ERR_OK)
            break;
    }
    http_server_start(w->server);
}

static void start_web(struct web *w, const char *allow)
{
    start_web_for(w, allow, 30);
}

static void stop_web(struct web *w)
{
    http_server_free(w->server);
    loop_stop(w->loop);
    loop_free(w->loop);
}

static int dial(const struct web *w)
{
    struct sockaddr_storage ss;
    socklen_t n = endpoint_to_sockaddr(&ss, &w->at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval tv = {5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    assert_int_equal(connect(fd, (struct sockaddr *)&ss, n), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until @n bodies have ended with @last, or the end of the stream. */
static char *hear(int fd, const char *last, int n)
{
    struct buf b = {0};
    for (;;) {
        char chunk[65536];
        ssize_t got = recv(fd, chunk, sizeof(chunk), 0);
        if (got <= 0)
            break;
        buf_append(&b, chunk, (size_t)got);
        int seen = 0;
        for (const char *p = buf_cstr(&b); last && (p = strstr(p, last)); p++)
            seen++;
        if (last && seen >= n)
            break;
    }
    return (char *)buf_take(&b, NULL);
}

static void requests_and_their_answers(void **state)
{
    static const struct {
        const char *request, *expect;
        bool closes;
    } cases[] = {
        {"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\n", false},
        {"POST / HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
         "Connection: close\r\n\r\nabc", true},
        {"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "\r\n\r\nabc", true},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n"
         "T: x\r\n\r\n",
         "\r\n\r\nabc", false},
        {"\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", false},
        {"GET /nothing HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", false},
        {"BREW / HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", false},
        {"nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", true},
        {"GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", true},
        {"GET / HTTP/1.1\r\nA : b\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", true},
        {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400", true},
        {"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", "HTTP/1.1 413", true},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n", "HTTP/1.1 413",
         true},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 400",
         true},
    };
    struct web w;
    (void)state;
    start_web(&w, "127.0.0.0/8");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = dial(&w);
        say(fd, cases[i].request);
        char *got = hear(fd, cases[i].closes ? NULL : cases[i].expect, 1);
        if (!strstr(got, cases[i].expect))
            fail_msg("%zu: %s", i, got);
        free(got);
        close(fd);
    }
    stop_web(&w);
}

static void a_connection_serves_many_requests_in_order(void **state)
{
    struct web w;
    (void)state;
    start_web(&w, "127.0.0.0/8");
    int fd = dial(&w);
    for (int i = 0; i < 3; i++) {
        say(fd, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
        free(hear(fd, "\r\n\r\nabc", 1));
    }
    say(fd, "POST /a/slow HTTP/1.1\r\nContent-Length: 2\r\n\r\n>1"
            "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n>2"
            "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n>3");
    char *got = hear(fd, "\r\n\r\n>", 3);
    assert_true(strstr(got, ">1") < strstr(got, ">2") && strstr(got, ">2") < strstr(got, ">3"));
    free(got);
    say(fd, "GET /a/big HTTP/1.1\r\nConnection: close\r\n\r\n");
    got = hear(fd, NULL, 0);
    assert_non_null(strstr(got, "Content-Length: 3145728\r\n"));
    assert_int_equal(strlen(strstr(got, "\r\n\r\n") + 4), 3 << 20);
    free(got);
    close(fd);
    stop_web(&w);
}

static void long_heads_are_refused(void **state)
{
    struct web w;
    char text[10100];
    (void)state;
    start_web(&w, "127.0.0.0/8");
    int fd = dial(&w);
    memcpy(text, "GET /", 5);
    memset(text + 5, 'x', 10000);
    strcpy(text + 10005, " HTTP/1.1\r\n\r\n");
    say(fd, text);
    char *got = hear(fd, NULL, 0);
    assert_non_null(strstr(got, "HTTP/1.1 400 "));
    free(got);
    close(fd);
    stop_web(&w);
}

static void a_head_that_dribbles_in_ends(void **state)
{
    struct web w;
    char octet;
    (void)state;
    start_web_for(&w, "127.0.0.0/8", 1);
    int fd = dial(&w);
    bool open = true;
    say(fd, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 100 && open; i++) {
        usleep(50000);
        open = send(fd, "x", 1, MSG_NOSIGNAL) == 1 &&
               (recv(fd, &octet, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    }
    assert_false(open);
    close(fd);
    stop_web(&w);
}

static void who_waits_longest_makes_room(void **state)
{
    struct web w;
    int fds[9];
    char octet;
    (void)state;
    start_web(&w, "127.0.0.0/8");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = dial(&w);
        say(fds[i], "GET /a/ HTTP/1.1\r\n\r\n");
        free(hear(fds[i], "\r\n\r\n", 1));
    }
    assert_int_equal(recv(fds[0], &octet, 1, 0), 0);
    for (size_t i = 1; i < ARRAY_LEN(fds); i++) {
        say(fds[i], "GET /a/ HTTP/1.1\r\n\r\n");
        free(hear(fds[i], "\r\n\r\n", 1));
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    stop_web(&w);
}

static void strangers_are_refused(void **state)
{
    struct web w;
    (void)state;
    start_web(&w, "10.0.0.0/8");
    int fd = dial(&w);
    say(fd, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    char *got = hear(fd, NULL, 0);
    assert_non_null(strstr(got, "HTTP/1.1 403 Forbidden\r\n"));
    free(got);
    close(fd);
    stop_web(&w);
}

static void a_full_queue_says_so(void **state)
{
    struct web w;
    int fd[8];
    int full = 0;
    (void)state;
    start_web(&w, "127.0.0.0/8");
    for (int i = 0; i < 8; i++) {
        fd[i] = dial(&w);
        say(fd[i], "GET /a/slow HTTP/1.1\r\nConnection: close\r\n\r\n");
    }
    for (int i = 0; i < 8; i++) {
        char *got = hear(fd[i], NULL, 0);
        full += strstr(got, "HTTP/1.1 503 ") && strstr(got, "Work queue depth exceeded");
        free(got);
        close(fd[i]);
    }
    assert_in_range(full, 5, 6); /* one runs, two wait */
    stop_web(&w);
}

static void a_handler_may_answer_later(void **state)
{
    struct web w;
    (void)state;
    start_web(&w, "127.0.0.0/8");
    for (int gone = 0; gone <= 1; gone++) {
        struct http_request *rq = NULL;
        int fd = dial(&w);
        say(fd, "GET /a/hold HTTP/1.1\r\n\r\n");
        for (; !rq; usleep(1000)) {
            pthread_mutex_lock(&w.lock);
            rq = w.held;
            w.held = NULL;
            pthread_mutex_unlock(&w.lock);
        }
        assert_false(http_gone(rq));
        if (gone) {
            close(fd);
            while (!http_gone(rq))
                usleep(1000);
            http_reply_text(rq, 200, "late");
        } else {
            http_reply_text(rq, 200, "late");
            char *got = hear(fd, "late", 1);
            assert_non_null(strstr(got, "\r\n\r\nlate"));
            free(got);
            close(fd);
        }
    }
    stop_web(&w);
}

/* Asks on one connection, never waiting for an answer, until the server has gone. */
static void *ask_on(void *arg)
{
    static const char question[] = "GET /a/x HTTP/1.1\r\n\r\n";
    int fd = *(int *)arg;
    char answers[4096];
    while (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) > 0)
        while (recv(fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
            ;
    return NULL;
}

static void a_server_ends_while_requests_come(void **state)
{
    (void)state;
    alarm(60); /* a server that does not end ends the test */
    for (int i = 0; i < 100; i++) {
        struct web w;
        pthread_t asking;
        start_web(&w, "127.0.0.0/8");
        int fd = dial(&w);
        assert_int_equal(pthread_create(&asking, NULL, ask_on, &fd), 0);
        usleep((useconds_t)(i % 10) * 300);
        stop_web(&w);
        pthread_join(asking, NULL);
        close(fd);
    }
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_ends_while_requests_come),
        cmocka_unit_test(endpoints_as_text),
        cmocka_unit_test(subnets),
        cmocka_unit_test(bytes_go_there_and_back),
        cmocka_unit_test(requests_and_their_answers),
        cmocka_unit_test(a_connection_serves_many_requests_in_order),
        cmocka_unit_test(long_heads_are_refused),
        cmocka_unit_test(a_head_that_dribbles_in_ends),
        cmocka_unit_test(who_waits_longest_makes_room),
        cmocka_unit_test(strangers_are_refused),
        cmocka_unit_test(a_full_queue_says_so),
        cmocka_unit_test(a_handler_may_answer_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
