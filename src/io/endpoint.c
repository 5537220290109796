#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "io/conn.h"
#include "io/sockaddr.h"
#include "util/mem.h"

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool endpoint_is_ipv4(const struct endpoint *e)
{
    return memcmp(e->ip, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool endpoint_is_loopback(const struct endpoint *e)
{
    static const uint8_t v6_loopback[16] = {[15] = 1};
    return endpoint_is_ipv4(e) ? e->ip[12] == 127 : memcmp(e->ip, v6_loopback, 16) == 0;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return memcmp(a->ip, b->ip, 16) == 0 && a->port == b->port && a->scope == b->scope;
}

char *endpoint_format(char out[ENDPOINT_TEXT], const struct endpoint *e, bool with_port)
{
    char ip[INET6_ADDRSTRLEN];
    bool v4 = endpoint_is_ipv4(e);
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? e->ip + 12 : e->ip, ip, sizeof(ip));
    if (!with_port)
        snprintf(out, ENDPOINT_TEXT, "%s", ip);
    else
        snprintf(out, ENDPOINT_TEXT, v4 ? "%s:%u" : "[%s]:%u", ip, e->port);
    return out;
}

socklen_t endpoint_to_sockaddr(struct sockaddr_storage *out, const struct endpoint *e)
{
    memset(out, 0, sizeof(*out));
    if (endpoint_is_ipv4(e)) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(e->port);
        memcpy(&in->sin_addr, e->ip + 12, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(e->port);
    in6->sin6_scope_id = e->scope;
    memcpy(&in6->sin6_addr, e->ip, 16);
    return sizeof(*in6);
}

bool endpoint_from_sockaddr(struct endpoint *out, const struct sockaddr *sa)
{
    memset(out, 0, sizeof(*out));
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        memcpy(out->ip, v4_prefix, 12);
        memcpy(out->ip + 12, &in->sin_addr, 4);
        out->port = ntohs(in->sin_port);
        return true;
    }
    if (sa->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
    memcpy(out->ip, &in6->sin6_addr, 16);
    out->port = ntohs(in6->sin6_port);
    out->scope = in6->sin6_scope_id;
    return true;
}

size_t endpoint_resolve(struct endpoint *out, size_t max, const char *host,
                        uint16_t port, bool dns)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *list = NULL;
    size_t n = 0;
    hints.ai_flags = dns ? AI_ADDRCONFIG : AI_NUMERICHOST;
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return 0;
    for (struct addrinfo *i = list; i && n < max; i = i->ai_next) {
        if (!endpoint_from_sockaddr(&out[n], i->ai_addr))
            continue;
        out[n++].port = port;
    }
    freeaddrinfo(list);
    return n;
}

bool port_parse(uint16_t *out, const char *text)
{
    size_t n = strspn(text, "0123456789");
    long port = n > 0 && n <= 5 && text[n] == 0 ? strtol(text, NULL, 10) : 0;
    *out = (uint16_t)port;
    return port > 0 && port <= 65535;
}

bool endpoint_split(const char *text, uint16_t default_port, char **host,
                    uint16_t *port)
{
    size_t n = strlen(text);
    const char *colon = strrchr(text, ':');
    bool bracketed = colon && text[0] == '[' && colon > text && colon[-1] == ']';
    bool many = colon && memchr(text, ':', (size_t)(colon - text));
    *port = default_port;
    if (colon && (bracketed || !many)) {
        if (!port_parse(port, colon + 1))
            return false;
        n = (size_t)(colon - text);
    }
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']')
        *host = xasprintf("%.*s", (int)n - 2, text + 1);
    else
        *host = xasprintf("%.*s", (int)n, text);
    return true;
}

bool endpoint_parse(struct endpoint *out, const char *text, uint16_t default_port)
{
    char *host;
    uint16_t port;
    if (!endpoint_split(text, default_port, &host, &port))
        return false;
    bool ok = endpoint_resolve(out, 1, host, port, false) == 1;
    free(host);
    return ok;
}

/* -- Subnets -------------------------------------------------------------- */

static void set_bits(uint8_t mask[16], unsigned bits)
{
    memset(mask, 0, 16);
    for (unsigned i = 0; i < bits; i++)
        mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

/* Number of leading ones, or -1 when a one follows a zero. */
static int prefix_bits(const uint8_t mask[16])
{
    uint8_t again[16];
    unsigned bits = 0;
    while (bits < 128 && mask[bits / 8] & 0x80 >> bits % 8)
        bits++;
    set_bits(again, bits);
    return memcmp(again, mask, 16) == 0 ? (int)bits : -1;
}

static bool parse_mask(struct subnet *out, const char *text, bool v4)
{
    struct endpoint mask;
    char *end;
    long bits = strtol(text, &end, 10);
    if (*end == 0 && end != text) {
        if (bits < 0 || bits > (v4 ? 32 : 128))
            return false;
        set_bits(out->mask, (unsigned)bits + (v4 ? 96 : 0));
        return true;
    }
    if (endpoint_resolve(&mask, 1, text, 0, false) != 1 ||
        endpoint_is_ipv4(&mask) != v4)
        return false;
    memcpy(out->mask, mask.ip, 16);
    if (v4)
        memset(out->mask, 0xff, 12);
    return prefix_bits(out->mask) >= 0;
}

bool subnet_parse(struct subnet *out, const char *text)
{
    const char *slash = strchr(text, '/');
    char *host = slash ? xasprintf("%.*s", (int)(slash - text), text) : xstrdup(text);
    struct endpoint e;
    bool ok = endpoint_resolve(&e, 1, host, 0, false) == 1;
    free(host);
    if (!ok)
        return false;
    memset(out->mask, 0xff, 16);
    if (slash && !parse_mask(out, slash + 1, endpoint_is_ipv4(&e)))
        return false;
    for (int i = 0; i < 16; i++)
        out->ip[i] = e.ip[i] & out->mask[i];
    return true;
}

bool subnet_contains(const struct subnet *s, const struct endpoint *e)
{
    for (int i = 0; i < 16; i++)
        if ((e->ip[i] & s->mask[i]) != s->ip[i])
            return false;
    return true;
}

bool subnet_equal(const struct subnet *a, const struct subnet *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

char *subnet_format(char out[SUBNET_TEXT], const struct subnet *s)
{
    struct endpoint e = {.port = 0};
    char ip[ENDPOINT_TEXT];
    memcpy(e.ip, s->ip, 16);
    snprintf(out, SUBNET_TEXT, "%s/%d", endpoint_format(ip, &e, false),
             prefix_bits(s->mask) - (endpoint_is_ipv4(&e) ? 96 : 0));
    return out;
}
