/* Requests as they come: RFC 9112's head, body by length or in chunks. */
#include "io/http_internal.h"

#include <ctype.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/mem.h"

#define MAX_CHUNK_LINE 256

bool http_is_token(const char *value, const char *token)
{
    return value && strcasecmp(value, token) == 0;
}

static char *next_line(char **at)
{
    char *line = *at, *end = strstr(line, "\r\n");
    if (!end)
        return NULL;
    *end = 0;
    *at = end + 2;
    return line;
}

static bool parse_request_line(struct http_request *rq, char *line)
{
    char *save = NULL;
    rq->method = strtok_r(line, " ", &save);
    rq->path = strtok_r(NULL, " ", &save);
    const char *version = strtok_r(NULL, " ", &save);
    if (!version || strncmp(version, "HTTP/1.", 7) != 0 || strtok_r(NULL, " ", &save))
        return false;
    rq->http10 = version[7] == '0';
    return rq->path[0] == '/' || strcmp(rq->path, "*") == 0;
}

static bool parse_header(struct http_request *rq, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line || isspace((unsigned char)colon[-1]))
        return false;
    *colon++ = 0;
    colon += strspn(colon, " \t");
    size_t n = strlen(colon);
    while (n > 0 && isspace((unsigned char)colon[n - 1]))
        colon[--n] = 0;
    rq->headers = xrealloc_array(rq->headers, rq->n_headers + 1, sizeof(*rq->headers));
    rq->headers[rq->n_headers++] = (struct http_field){line, colon};
    return true;
}

static bool parse_head(struct http_request *rq, const uint8_t *data, size_t len)
{
    rq->head = xmalloc(len + 1);
    memcpy(rq->head, data, len);
    rq->head[len] = 0;
    char *at = rq->head, *line = next_line(&at);
    if (memchr(data, 0, len) || !line || !parse_request_line(rq, line))
        return false;
    while ((line = next_line(&at)) != NULL && line[0] != 0)
        if (!parse_header(rq, line))
            return false;
    return line != NULL;
}

/* What follows the head. 0, or the status to refuse with. */
static int expect_body(struct hconn *hc)
{
    const char *length = http_header(hc->rq, "Content-Length");
    const char *encoding = http_header(hc->rq, "Transfer-Encoding");
    const char *expect = http_header(hc->rq, "Expect");
    hc->left = 0;
    hc->state = READ_BODY;
    if (encoding) {
        if (!http_is_token(encoding, "chunked"))
            return 400;
        hc->state = READ_CHUNK_SIZE;
    } else if (length) {
        size_t digits = strspn(length, "0123456789");
        if (digits == 0 || digits > 18 || length[digits] != 0)
            return 400;
        hc->left = (size_t)strtoull(length, NULL, 10);
        if (hc->left > hc->server->opt.max_body)
            return 413;
    }
    if (!expect)
        return 0;
    if (!http_is_token(expect, "100-continue"))
        return 417;
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    conn_write(hc->conn, go_on, sizeof(go_on) - 1);
    return 0;
}

/* Each step returns how many bytes it used; 0 means that it needs more. *status is set
 * when the request must be refused. */
static size_t read_head(struct hconn *hc, const uint8_t *data, size_t len, int *status)
{
    size_t skip = 0;
    while (skip + 1 < len && data[skip] == '\r' && data[skip + 1] == '\n')
        skip += 2; /* blank lines before a request are harmless (RFC 9112, 2.2) */
    size_t most = hc->server->opt.max_header;
    const uint8_t *end = memmem(data + skip, len - skip, "\r\n\r\n", 4);
    size_t n = end ? (size_t)(end - data) + 4 : 0;
    if (!end || n - skip > most) {
        if (len - skip > most)
            *status = 400;
        return 0;
    }
    struct http_request *rq = xcalloc(1, sizeof(*rq));
    rq->body.secret = true;
    rq->server = hc->server;
    rq->hc = hc;
    rq->peer = *conn_peer(hc->conn);
    hc->rq = rq;
    *status = parse_head(rq, data + skip, n - skip) ? expect_body(hc) : 400;
    return n;
}

static size_t read_piece(struct hconn *hc, const uint8_t *data, size_t len,
                         enum http_state after)
{
    size_t n = len < hc->left ? len : hc->left;
    if (hc->rq->body.len == 0)
        buf_reserve(&hc->rq->body, hc->left + 1); /* capped by max_body */
    buf_append(&hc->rq->body, data, n);
    hc->left -= n;
    if (hc->left == 0)
        hc->state = after;
    return n;
}

static size_t read_chunk_size(struct hconn *hc, const uint8_t *data, size_t len,
                              int *status)
{
    char line[MAX_CHUNK_LINE];
    const uint8_t *end = memmem(data, len, "\r\n", 2);
    if (!end) {
        *status = len >= sizeof(line) ? 400 : 0;
        return 0;
    }
    size_t n = (size_t)(end - data);
    if (n == 0 || n >= sizeof(line)) {
        *status = 400;
        return 0;
    }
    memcpy(line, data, n);
    line[n] = 0;
    size_t digits = strspn(line, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 8 || (line[digits] != 0 && line[digits] != ';'))
        *status = 400;
    hc->left = digits <= 8 ? strtoull(line, NULL, 16) : 0;
    if (hc->left + hc->rq->body.len > hc->server->opt.max_body)
        *status = 413;
    hc->state = hc->left ? READ_CHUNK : READ_TRAILER;
    return n + 2;
}

static size_t read_line_end(struct hconn *hc, const uint8_t *data, size_t len,
                            int *status)
{
    if (len < 2)
        return 0;
    if (data[0] != '\r' || data[1] != '\n')
        *status = 400;
    hc->state = READ_CHUNK_SIZE;
    return 2;
}

static size_t read_trailer(struct hconn *hc, const uint8_t *data, size_t len,
                           int *status)
{
    const uint8_t *end = memmem(data, len, "\r\n", 2);
    if (!end) {
        *status = len > hc->server->opt.max_header ? 400 : 0;
        return 0;
    }
    if (end == data) {
        hc->left = 0;
        hc->state = READ_BODY; /* which is complete */
    }
    return (size_t)(end - data) + 2;
}

size_t http_read(struct hconn *hc, const uint8_t *data, size_t len, int *status)
{
    switch (hc->state) {
    case READ_HEAD:
        return read_head(hc, data, len, status);
    case READ_BODY:
        return read_piece(hc, data, len, READ_BODY);
    case READ_CHUNK:
        return read_piece(hc, data, len, READ_CHUNK_END);
    case READ_CHUNK_SIZE:
        return read_chunk_size(hc, data, len, status);
    case READ_CHUNK_END:
        return read_line_end(hc, data, len, status);
    case READ_TRAILER:
        return read_trailer(hc, data, len, status);
    case BUSY:
        break;
    }
    return 0;
}

bool http_is_complete(const struct hconn *hc)
{
    return hc->state == READ_BODY && hc->rq && hc->left == 0;
}
