#include "io/conn.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/sockaddr.h"
#include "util/mem.h"

#define READ_LEAST          (16u << 10) /* room for one read */
#define READ_MOST           (512u << 10)
#define KEEP_BUFFER         (64u << 10) /* an empty buffer above this is given back */
#define DEFAULT_INPUT_LIMIT (8u << 20)

struct conn {
    struct loop *loop;
    int fd;
    struct event *readable, *writable;
    const struct conn_handlers *handlers; /* NULL until the accepter sets them */
    void *ctx;
    struct buf in, out;
    size_t out_sent; /* of out, from its start */
    size_t input_limit;
    struct endpoint peer, local;
    uint64_t bytes_in, bytes_out;
    int error; /* to be reported from the loop */
    bool incoming, connecting, paused, poked, finishing;
    bool ended;      /* closed() was called */
    bool dead;       /* conn_close was called inside a callback */
    unsigned inside; /* callbacks that run now */
};

static void destroy(struct conn *c)
{
    event_free(c->readable);
    event_free(c->writable);
    close(c->fd);
    buf_clear(&c->in);
    buf_clear(&c->out);
    free(c);
}

static void enter(struct conn *c)
{
    c->inside++;
}

/* False: the callback closed the connection and it is gone. */
static bool leave(struct conn *c)
{
    if (--c->inside > 0 || !c->dead)
        return true;
    destroy(c);
    return false;
}

void conn_close(struct conn *c)
{
    if (!c || c->dead)
        return;
    c->dead = true;
    event_del(c->readable);
    event_del(c->writable);
    if (c->inside == 0)
        destroy(c);
}

static void end(struct conn *c, int why)
{
    if (c->ended || c->dead)
        return;
    c->ended = true;
    event_del(c->readable);
    event_del(c->writable);
    if (!c->handlers)
        return;
    enter(c);
    c->handlers->closed(c, c->ctx, why);
    leave(c);
}

/* Errors met inside a call of the owner's are reported from the loop. */
static void report_later(struct conn *c, int why)
{
    if (c->error == 0)
        c->error = why;
    event_active(c->writable, EV_WRITE, 1);
}

static void release_if_empty(struct buf *b)
{
    if (b->len == 0 && b->cap > KEEP_BUFFER)
        buf_clear(b);
}

/* Hands over what is unconsumed. False: the connection is gone or has ended. */
static bool deliver(struct conn *c)
{
    if (c->in.len == 0 || !c->handlers || c->ended)
        return !c->ended;
    enter(c);
    size_t used = c->handlers->data(c, c->ctx, c->in.data, c->in.len);
    if (!leave(c))
        return false;
    ASSERT(used <= c->in.len);
    if (used > 0) {
        c->in.len -= used;
        memmove(c->in.data, c->in.data + used, c->in.len);
        if (c->in.secret)
            explicit_bzero(c->in.data + c->in.len, used);
    }
    release_if_empty(&c->in);
    return !c->ended;
}

/* One read; more comes with the next round of the loop, after the other connections. */
static bool fill(struct conn *c, int *why)
{
    size_t room = c->in.len < READ_LEAST ? READ_LEAST : c->in.len;
    if (room > READ_MOST)
        room = READ_MOST;
    buf_reserve(&c->in, room);
    ssize_t n = recv(c->fd, c->in.data + c->in.len, c->in.cap - c->in.len, 0);
    if (n > 0) {
        c->in.len += (size_t)n;
        c->bytes_in += (uint64_t)n;
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    *why = n == 0 ? 0 : errno;
    return false;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    int why = 0;
    (void)fd;
    (void)what;
    bool poked = c->poked;
    c->poked = false;
    size_t before = c->in.len;
    /* What is here goes first: else it grows when the owner takes little at a time. */
    bool open = c->paused || (poked && c->in.len > 0) || fill(c, &why);
    if ((c->in.len > before || poked) && !deliver(c))
        return;
    if (!open)
        end(c, why);
    else if (c->in.len > c->input_limit)
        end(c, ENOBUFS);
}

/* Sends what the kernel takes. False: *why is the error. */
static bool flush(struct conn *c, int *why)
{
    while (c->out_sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->out_sent, c->out.len - c->out_sent,
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            *why = errno;
            return false;
        }
        c->out_sent += (size_t)n;
        c->bytes_out += (uint64_t)n;
        if (c->handlers && c->handlers->sent)
            c->handlers->sent(c, c->ctx, (size_t)n);
    }
    buf_reset(&c->out);
    c->out_sent = 0;
    release_if_empty(&c->out);
    return true;
}

static void drained(struct conn *c)
{
    if (c->handlers && c->handlers->drained) {
        enter(c);
        c->handlers->drained(c, c->ctx);
        if (!leave(c))
            return;
    }
    if (c->finishing && c->out.len == 0)
        end(c, 0);
}

static int socket_error(int fd)
{
    int e = 0;
    socklen_t n = sizeof(e);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) == 0 ? e : errno;
}

static void read_local(struct conn *c)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof(ss);
    if (getsockname(c->fd, (struct sockaddr *)&ss, &n) == 0)
        endpoint_from_sockaddr(&c->local, (struct sockaddr *)&ss);
}

static void on_connected(struct conn *c)
{
    c->connecting = false;
    read_local(c);
    if (!c->paused)
        event_add(c->readable, NULL);
    enter(c);
    if (c->handlers->connected)
        c->handlers->connected(c, c->ctx);
    leave(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    int why = c->error;
    if (why == 0 && c->connecting) {
        why = what & EV_TIMEOUT ? ETIMEDOUT : socket_error(fd);
        if (why == 0) {
            on_connected(c);
            return;
        }
    }
    if (why != 0 || !flush(c, &why))
        end(c, why);
    else if (c->out.len > 0)
        event_add(c->writable, NULL);
    else
        drained(c);
}

static struct conn *new_conn(struct loop *l, int fd, const struct endpoint *peer)
{
    struct conn *c = xcalloc(1, sizeof(*c));
    int one = 1;
    c->loop = l;
    c->fd = fd;
    c->peer = *peer;
    c->input_limit = DEFAULT_INPUT_LIMIT;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    c->readable = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, on_readable, c);
    c->writable = event_new(loop_base(l), fd, EV_WRITE, on_writable, c);
    ASSERT(c->readable && c->writable);
    return c;
}

static int new_socket(const struct endpoint *e)
{
    return socket(endpoint_is_ipv4(e) ? AF_INET : AF_INET6,
                  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Takes @fd; below 0: there is no socket and errno tells why. */
static struct conn *start_connect(struct loop *l, int take_fd,
                                  const struct endpoint *peer,
                                  const struct sockaddr *sa, socklen_t n,
                                  int64_t timeout_ms)
{
    int fd = take_fd, why = fd < 0 ? errno : 0;
    if (fd < 0) /* something to hang the report on */
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct conn *c = new_conn(l, fd, peer);
    c->connecting = true;
    if (why == 0 && connect(fd, sa, n) != 0 && errno != EINPROGRESS)
        why = errno;
    if (why != 0) {
        report_later(c, why);
        return c;
    }
    struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    event_add(c->writable, timeout_ms > 0 ? &tv : NULL);
    return c;
}

struct conn *conn_connect(struct loop *l, const struct endpoint *to, int64_t timeout_ms,
                          const struct conn_handlers *h, void *ctx)
{
    struct sockaddr_storage ss;
    socklen_t n = endpoint_to_sockaddr(&ss, to);
    struct conn *c =
        start_connect(l, new_socket(to), to, (struct sockaddr *)&ss, n, timeout_ms);
    conn_set_handlers(c, h, ctx);
    return c;
}

bool unix_path_fits(const char *path)
{
    return strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

struct conn *conn_connect_unix(struct loop *l, const char *path, int64_t timeout_ms,
                               const struct conn_handlers *h, void *ctx)
{
    static const struct endpoint none;
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    ASSERT(unix_path_fits(path));
    memcpy(sun.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct conn *c =
        start_connect(l, fd, &none, (struct sockaddr *)&sun, sizeof(sun), timeout_ms);
    conn_set_handlers(c, h, ctx);
    return c;
}

void conn_set_handlers(struct conn *c, const struct conn_handlers *h, void *ctx)
{
    c->handlers = h;
    c->ctx = ctx;
}

void conn_finish(struct conn *c)
{
    c->finishing = true;
    event_del(c->readable);
    event_active(c->writable, EV_WRITE, 1);
}

static void drop_sent(struct conn *c)
{
    if (c->out_sent < KEEP_BUFFER || c->out_sent < c->out.len / 2)
        return;
    c->out.len -= c->out_sent;
    memmove(c->out.data, c->out.data + c->out_sent, c->out.len);
    c->out_sent = 0;
}

static bool can_write(const struct conn *c)
{
    return !c->ended && !c->dead && c->error == 0;
}

/* After the output queue was empty and is no more. */
static void start_sending(struct conn *c)
{
    int why;
    if (c->connecting)
        return;
    if (!flush(c, &why))
        report_later(c, why);
    else if (c->out.len > 0)
        event_add(c->writable, NULL);
    else if (c->handlers && c->handlers->drained)
        event_active(c->writable, EV_WRITE, 1); /* drained() comes from the loop */
}

void conn_write(struct conn *c, const void *data, size_t len)
{
    if (!can_write(c) || len == 0)
        return;
    drop_sent(c);
    bool was_empty = c->out.len == 0;
    buf_append(&c->out, data, len);
    if (was_empty)
        start_sending(c);
}

void conn_write_buf(struct conn *c, struct buf *take_data)
{
    if (c->out.len == 0 && take_data->len > 0 && can_write(c)) {
        struct buf empty = c->out;
        c->out = *take_data;
        *take_data = empty;
        start_sending(c);
    } else {
        conn_write(c, take_data->data, take_data->len);
    }
    buf_clear(take_data);
}

size_t conn_unsent(const struct conn *c)
{
    return c->out.len - c->out_sent;
}

void conn_pause(struct conn *c, bool paused)
{
    if (c->paused == paused || c->ended || c->dead)
        return;
    c->paused = paused;
    if (paused)
        event_del(c->readable);
    else if (!c->connecting && !c->finishing)
        event_add(c->readable, NULL);
}

void conn_poke(struct conn *c)
{
    if (c->ended || c->dead)
        return;
    c->poked = true;
    event_active(c->readable, EV_READ, 1);
}

void conn_set_secret(struct conn *c)
{
    c->in.secret = c->out.secret = true;
}

void conn_set_input_limit(struct conn *c, size_t bytes)
{
    c->input_limit = bytes;
}

const struct endpoint *conn_peer(const struct conn *c)
{
    return &c->peer;
}

const struct endpoint *conn_local(const struct conn *c)
{
    return &c->local;
}

bool conn_incoming(const struct conn *c)
{
    return c->incoming;
}

uint64_t conn_bytes_in(const struct conn *c)
{
    return c->bytes_in;
}

uint64_t conn_bytes_out(const struct conn *c)
{
    return c->bytes_out;
}

void conn_recount(struct conn *c, size_t left)
{
    c->bytes_in = left;
    c->bytes_out = 0;
}

/* -- Listener ------------------------------------------------------------- */

#define ACCEPT_ROUND    32  /* connections taken before others get their turn */
#define ACCEPT_PAUSE_MS 200 /* when the process has no file descriptor left */

struct listener {
    struct loop *loop;
    int fd;
    struct event *ready;
    struct loop_timer *resume;
    struct endpoint at;
    void (*accepted)(void *ctx, struct conn *c);
    void *ctx;
};

static void resume_accepting(void *arg)
{
    struct listener *ls = arg;
    event_add(ls->ready, NULL);
}

/* False: nothing more to accept now. */
static bool accept_one(struct listener *ls)
{
    struct sockaddr_storage ss;
    struct endpoint peer;
    socklen_t n = sizeof(ss);
    int fd = accept4(ls->fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            event_del(ls->ready);
            loop_timer_set(ls->resume, ACCEPT_PAUSE_MS);
        }
        return errno == EINTR || errno == ECONNABORTED;
    }
    if (!endpoint_from_sockaddr(&peer, (struct sockaddr *)&ss)) {
        close(fd);
        return true;
    }
    struct conn *c = new_conn(ls->loop, fd, &peer);
    c->incoming = true;
    read_local(c);
    event_add(c->readable, NULL);
    ls->accepted(ls->ctx, c);
    return true;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    for (int i = 0; i < ACCEPT_ROUND && accept_one(arg); i++) {
    }
}

int socket_listen(const struct endpoint *at)
{
    struct sockaddr_storage ss;
    socklen_t n = endpoint_to_sockaddr(&ss, at);
    int one = 1;
    int fd = new_socket(at);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (!endpoint_is_ipv4(at))
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&ss, n) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

enum err listener_open(struct listener **out, struct loop *l, const struct endpoint *at,
                       void (*accepted)(void *ctx, struct conn *c), void *ctx)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof(ss);
    int fd = socket_listen(at);
    if (fd < 0)
        return errno == EADDRINUSE ? ERR_EXISTS : ERR_IO;
    struct listener *ls = xcalloc(1, sizeof(*ls));
    ls->loop = l;
    ls->fd = fd;
    ls->at = *at;
    if (getsockname(fd, (struct sockaddr *)&ss, &n) == 0)
        endpoint_from_sockaddr(&ls->at, (struct sockaddr *)&ss);
    ls->accepted = accepted;
    ls->ctx = ctx;
    ls->ready = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, on_ready, ls);
    ls->resume = loop_timer_new(l, resume_accepting, ls);
    ASSERT(ls->ready && event_add(ls->ready, NULL) == 0);
    *out = ls;
    return ERR_OK;
}

void listener_close(struct listener *ls)
{
    if (!ls)
        return;
    event_free(ls->ready);
    loop_timer_free(ls->resume);
    close(ls->fd);
    free(ls);
}

const struct endpoint *listener_at(const struct listener *ls)
{
    return &ls->at;
}
