#include "io/socks5.h"

#include <stdio.h>

#include "util/mem.h"

#define VERSION         5
#define LOGIN_VERSION   1
#define COMMAND_CONNECT 1

/* Methods of authentication */
#define METHOD_NONE  0
#define METHOD_LOGIN 2

/* Kinds of addresses */
#define ADDRESS_IPV4 1
#define ADDRESS_NAME 3
#define ADDRESS_IPV6 4

const char *socks5_reply_text(uint8_t code)
{
    static const char *const common[] = {
        [1] = "general failure",     [2] = "connection not allowed",
        [3] = "network unreachable", [4] = "host unreachable",
        [5] = "connection refused",  [6] = "TTL expired",
        [7] = "protocol error",      [8] = "address type not supported",
    };
    static const char *const tor[] = {
        "onion service descriptor can not be found",
        "onion service descriptor is invalid",
        "onion service introduction failed",
        "onion service rendezvous failed",
        "onion service missing client authorization",
        "onion service wrong client authorization",
        "onion service invalid address",
        "onion service introduction timed out",
    };
    if (code >= 0xf0 && code - 0xf0u < ARRAY_LEN(tor))
        return tor[code - 0xf0];
    return code > 0 && code < ARRAY_LEN(common) ? common[code] : "unknown";
}

/* A length and so many bytes. */
static size_t put_text(uint8_t *out, const char *text)
{
    size_t n = strlen(text);
    out[0] = (uint8_t)n;
    memcpy(out + 1, text, n);
    return n + 1;
}

static void prepare_login(struct socks5 *s, const struct socks5_login *login)
{
    s->login[0] = LOGIN_VERSION;
    s->n_login = 1 + put_text(s->login + 1, login->user);
    s->n_login += put_text(s->login + s->n_login, login->password);
}

static void prepare_request(struct socks5 *s, const char *host, uint16_t port)
{
    static const uint8_t head[] = {VERSION, COMMAND_CONNECT, 0, ADDRESS_NAME};
    memcpy(s->request, head, sizeof(head));
    s->n_request = sizeof(head) + put_text(s->request + sizeof(head), host);
    s->request[s->n_request++] = (uint8_t)(port >> 8);
    s->request[s->n_request++] = (uint8_t)port;
}

bool socks5_begin(struct socks5 *s, struct buf *out, const char *host, uint16_t port,
                  const struct socks5_login *login)
{
    static const uint8_t without[] = {VERSION, 1, METHOD_NONE};
    static const uint8_t with[] = {VERSION, 2, METHOD_NONE, METHOD_LOGIN};
    size_t n = strlen(host);
    *s = (struct socks5){.state = SOCKS5_METHOD};
    if (n == 0 || n > SOCKS5_TEXT_MAX)
        return false;
    prepare_request(s, host, port);
    if (login) {
        prepare_login(s, login);
        buf_append(out, with, sizeof(with));
    } else {
        buf_append(out, without, sizeof(without));
    }
    return true;
}

/* A step takes its whole message or, with 0, waits for more; after a failure it does
 * not matter what it took. */

static size_t fail(struct socks5 *s, const char *why)
{
    s->state = SOCKS5_FAILED;
    snprintf(s->error, sizeof(s->error), "%s", why);
    return 0;
}

static void ask(struct socks5 *s, struct buf *out)
{
    buf_append(out, s->request, s->n_request);
    s->state = SOCKS5_REPLY;
}

static size_t on_method(struct socks5 *s, struct buf *out, struct bytes in)
{
    if (in.len < 2)
        return 0;
    if (in.data[0] != VERSION)
        return fail(s, "Proxy failed to initialize");
    if (in.data[1] == METHOD_LOGIN && s->n_login) {
        buf_append(out, s->login, s->n_login);
        s->state = SOCKS5_LOGIN;
    } else if (in.data[1] == METHOD_NONE) {
        ask(s, out);
    } else {
        fail(s, "");
        snprintf(s->error, sizeof(s->error),
                 "Proxy requested wrong authentication method %02x", in.data[1]);
    }
    return 2;
}

static size_t on_login(struct socks5 *s, struct buf *out, struct bytes in)
{
    if (in.len < 2)
        return 0;
    if (in.data[0] != LOGIN_VERSION || in.data[1] != 0)
        return fail(s, "Proxy authentication unsuccessful");
    ask(s, out);
    return 2;
}

/* Octets of the bound address behind the reply's head; 0: not there yet. */
static size_t address_size(struct bytes in)
{
    switch (in.data[3]) {
    case ADDRESS_IPV4:
        return 4;
    case ADDRESS_IPV6:
        return 16;
    default: /* a name: the only other kind that gets here */
        return in.len > 4 ? 1u + in.data[4] : 0;
    }
}

static size_t on_reply(struct socks5 *s, struct buf *out, struct bytes in)
{
    (void)out;
    if (in.len < 4)
        return 0;
    if (in.data[0] != VERSION)
        return fail(s, "Proxy failed to accept request");
    if (in.data[1] != 0) {
        s->refused = true;
        return fail(s, socks5_reply_text(in.data[1]));
    }
    if (in.data[2] != 0 || (in.data[3] != ADDRESS_IPV4 && in.data[3] != ADDRESS_NAME &&
                            in.data[3] != ADDRESS_IPV6))
        return fail(s, "Error: malformed proxy response");
    size_t address = address_size(in), whole = 4 + address + 2;
    if (address == 0 || in.len < whole)
        return 0;
    s->state = SOCKS5_DONE;
    return whole;
}

size_t socks5_feed(struct socks5 *s, struct buf *out, const uint8_t *data, size_t len)
{
    static size_t (*const steps[])(struct socks5 *, struct buf *, struct bytes) = {
        [SOCKS5_METHOD] = on_method,
        [SOCKS5_LOGIN] = on_login,
        [SOCKS5_REPLY] = on_reply,
    };
    size_t used = 0, n = 1;
    while (n > 0 && s->state < SOCKS5_DONE) {
        n = steps[s->state](s, out, bytes_of(data + used, len - used));
        used += n;
    }
    return used;
}
