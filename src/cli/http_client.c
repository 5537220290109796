#include "cli/http_client.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "util/base64.h"

#define MAX_HEAD   (64u << 10)
#define MAX_ANSWER (UINT64_C(1) << 32)

static int connect_one(const struct addrinfo *ai, int timeout_s)
{
    const struct timeval wait = {.tv_sec = timeout_s};
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return fd;
    close(fd);
    return -1;
}

static enum err connect_any(int *fd, const char *host, uint16_t port, int timeout_s)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char service[8];
    snprintf(service, sizeof(service), "%u", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return ERR_NOT_FOUND;
    *fd = -1;
    for (const struct addrinfo *ai = found; ai != NULL && *fd < 0; ai = ai->ai_next)
        *fd = connect_one(ai, timeout_s);
    freeaddrinfo(found);
    return *fd < 0 ? ERR_CLOSED : ERR_OK;
}

static enum err send_all(int fd, struct bytes b)
{
    while (b.len > 0) {
        ssize_t n = send(fd, b.data, b.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
        b.data += n;
        b.len -= (size_t)n;
    }
    return ERR_OK;
}

/* The request asks for the connection to be closed, so the answer ends with the stream.
 */
static enum err receive_all(int fd, struct buf *in)
{
    for (;;) {
        uint8_t chunk[65536];
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
        if (n == 0)
            return ERR_OK;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
        if (in->len + (size_t)n > MAX_ANSWER)
            return ERR_CORRUPT;
        buf_append(in, chunk, (size_t)n);
    }
}

static const char *header_value(const char *head, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL;
         line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':')
            return line + n + 1 + strspn(line + n + 1, " ");
    }
    return NULL;
}

static enum err unchunk(struct buf *out, const char *in, size_t len)
{
    const char *end = in + len;
    for (;;) {
        char *after;
        unsigned long size = strtoul(in, &after, 16);
        const char *data = strstr(after, "\r\n");
        if (after == in || data == NULL || size > (size_t)(end - data - 2))
            return ERR_CORRUPT;
        if (size == 0)
            return ERR_OK;
        buf_append(out, data + 2, size);
        in = data + 2 + size + 2;
        if (in > end)
            return ERR_CORRUPT;
    }
}

static enum err parse_answer(struct http_answer *out, struct buf *in)
{
    char *text = (char *)(uintptr_t)buf_cstr(in);
    char *body = strstr(text, "\r\n\r\n");
    if (in->len == 0)
        return ERR_CLOSED;
    if (body == NULL || body - text > (ptrdiff_t)MAX_HEAD ||
        sscanf(text, "HTTP/1.%*d %d", &out->status) != 1)
        return ERR_CORRUPT;
    body[2] = '\0'; /* ends the head */
    body += 4;
    size_t len = in->len - (size_t)(body - text);
    const char *coding = header_value(text, "Transfer-Encoding");
    const char *length = header_value(text, "Content-Length");
    if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0)
        return unchunk(&out->body, body, len);
    if (length != NULL && strtoull(length, NULL, 10) != len)
        return ERR_CLOSED; /* cut short */
    buf_append(&out->body, body, len);
    return ERR_OK;
}

enum err http_post(struct http_answer *out, const char *host, uint16_t port,
                   const char *path, const char *user_password, struct bytes body,
                   int timeout_s)
{
    struct buf request = {0}, in = {0};
    int fd;
    *out = (struct http_answer){0};
    enum err e = connect_any(&fd, host, port, timeout_s);
    if (e != ERR_OK)
        return e;
    buf_printf(&request,
               "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
               "Content-Type: application/json\r\nContent-Length: %zu\r\n"
               "Authorization: Basic ",
               path, host, body.len);
    base64_append(&request, user_password, strlen(user_password));
    buf_append_str(&request, "\r\n\r\n");
    buf_append(&request, body.data, body.len);
    e = send_all(fd, buf_view(&request));
    if (e == ERR_OK)
        e = receive_all(fd, &in);
    if (e == ERR_OK)
        e = parse_answer(out, &in);
    close(fd);
    explicit_bzero(request.data, request.len);
    buf_clear(&request);
    buf_clear(&in);
    return e;
}
