#include "io/netaddr.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "util/mem.h"

static const uint8_t ipv4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t onioncat[6] = {0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43};
static const uint8_t internal_prefix[6] = {0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24};

#define INTERNAL_LEN 10 /* octets behind the prefix */

static const struct {
    const char *name;
    uint8_t len;
    const char *title; /* as BIP 155's errors call it */
} networks[NET_COUNT] = {
    [NET_UNROUTABLE] = {"not_publicly_routable", 0, NULL},
    [NET_IPV4] = {"ipv4", 4, "IPv4"},
    [NET_IPV6] = {"ipv6", 16, "IPv6"},
    [NET_ONION] = {"onion", 32, "TORv3"},
    [NET_I2P] = {"i2p", 32, "I2P"},
    [NET_CJDNS] = {"cjdns", 16, "CJDNS"},
};

const char *network_name(enum network n)
{
    return n < NET_COUNT && networks[n].name ? networks[n].name : "unknown";
}

bool network_known(enum network n)
{
    return n < NET_COUNT && networks[n].len > 0;
}

bool network_from_name(enum network *out, const char *name)
{
    for (unsigned n = NET_IPV4; n < NET_COUNT; n++)
        if (networks[n].name && strcasecmp(networks[n].name, name) == 0) {
            *out = (enum network)n;
            return true;
        }
    return false;
}

bool netaddr_same_host(const struct netaddr *a, const struct netaddr *b)
{
    return a->network == b->network && a->len == b->len &&
           memcmp(a->addr, b->addr, a->len) == 0;
}

bool netaddr_equal(const struct netaddr *a, const struct netaddr *b)
{
    return a->port == b->port && netaddr_same_host(a, b);
}

static struct netaddr netaddr_from_ip(const uint8_t ip[16], uint16_t port)
{
    struct netaddr a = {.port = port};
    if (memcmp(ip, ipv4_mapped, sizeof(ipv4_mapped)) == 0) {
        a.network = NET_IPV4;
        a.len = 4;
        memcpy(a.addr, ip + 12, 4);
        return a;
    }
    bool reserved = memcmp(ip, onioncat, sizeof(onioncat)) == 0 ||
                    memcmp(ip, internal_prefix, sizeof(internal_prefix)) == 0;
    a.network = reserved ? NET_UNROUTABLE : NET_IPV6;
    a.len = 16;
    memcpy(a.addr, ip, 16);
    return a;
}

struct netaddr netaddr_from_endpoint(const struct endpoint *e)
{
    return netaddr_from_ip(e->ip, e->port);
}

/* The 16-octet form, of whatever network. */
static void fill_endpoint(const struct netaddr *a, struct endpoint *out)
{
    *out = (struct endpoint){.port = a->port};
    if (a->network == NET_IPV4) {
        memcpy(out->ip, ipv4_mapped, sizeof(ipv4_mapped));
        memcpy(out->ip + 12, a->addr, 4);
    } else {
        memcpy(out->ip, a->addr, 16);
    }
}

bool netaddr_to_endpoint(const struct netaddr *a, struct endpoint *out)
{
    fill_endpoint(a, out);
    return a->network == NET_IPV4 || a->network == NET_IPV6 || a->network == NET_CJDNS;
}

/* -- Ranges --------------------------------------------------------------- */

struct range {
    uint8_t prefix[16];
    uint8_t bits;
};

static const struct range private_v4[] = {
    {{10}, 8},           {{192, 168}, 16}, {{172, 16}, 12},   {{198, 18}, 15},
    {{169, 254}, 16},    {{100, 64}, 10},  {{192, 0, 2}, 24}, {{198, 51, 100}, 24},
    {{203, 0, 113}, 24}, {{127}, 8},       {{0}, 8},
};
static const struct range private_v6[] = {
    {{0xfe, 0x80}, 64},             /* link-local */
    {{0xfc}, 7},                    /* unique local */
    {{0x20, 0x01, 0x00, 0x10}, 28}, /* ORCHID */
    {{0x20, 0x01, 0x00, 0x20}, 28}, /* ORCHIDv2 */
    {{[15] = 1}, 128},              /* loopback */
};
static const struct range invalid_v6[] = {
    {{0}, 128}, {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
};
static const struct range hurricane = {{0x20, 0x01, 0x04, 0x70}, 32};
static const struct range nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};
static const struct range siit = {{[8] = 0xff, [9] = 0xff}, 96};
static const struct range sixtofour = {{0x20, 0x02}, 16};
static const struct range teredo = {{0x20, 0x01}, 32};

static bool in_range(const uint8_t *ip, const struct range *r)
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(ip, r->prefix, whole) != 0)
        return false;
    return !rest || ((ip[whole] ^ r->prefix[whole]) >> (8 - rest)) == 0;
}

static bool in_any(const uint8_t *ip, const struct range *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (in_range(ip, &r[i]))
            return true;
    return false;
}

bool netaddr_valid(const struct netaddr *a)
{
    static const uint8_t zero4[4], ones4[4] = {255, 255, 255, 255};
    if (a->network == NET_UNROUTABLE)
        return false;
    if (a->network == NET_IPV4)
        return memcmp(a->addr, zero4, 4) != 0 && memcmp(a->addr, ones4, 4) != 0;
    if (a->network == NET_CJDNS)
        return a->addr[0] == CJDNS_PREFIX;
    return a->network != NET_IPV6 ||
           !in_any(a->addr, invalid_v6, ARRAY_LEN(invalid_v6));
}

bool netaddr_local(const struct netaddr *a)
{
    if (a->network == NET_IPV4)
        return a->addr[0] == 127 || a->addr[0] == 0;
    static const struct range loopback = {{[15] = 1}, 128};
    return a->network == NET_IPV6 && in_range(a->addr, &loopback);
}

bool netaddr_routable(const struct netaddr *a)
{
    if (!netaddr_valid(a))
        return false;
    if (a->network == NET_IPV4)
        return !in_any(a->addr, private_v4, ARRAY_LEN(private_v4));
    return a->network != NET_IPV6 ||
           !in_any(a->addr, private_v6, ARRAY_LEN(private_v6));
}

/* The IPv4 address that an IPv6 one tunnels. */
static bool linked_ipv4(const struct netaddr *a, uint8_t out[4])
{
    if (a->network == NET_IPV4) {
        memcpy(out, a->addr, 4);
        return true;
    }
    if (a->network != NET_IPV6)
        return false;
    if (in_range(a->addr, &nat64) || in_range(a->addr, &siit)) {
        memcpy(out, a->addr + 12, 4);
        return true;
    }
    if (in_range(a->addr, &sixtofour)) {
        memcpy(out, a->addr + 2, 4);
        return true;
    }
    if (!in_range(a->addr, &teredo))
        return false;
    for (int i = 0; i < 4; i++)
        out[i] = a->addr[12 + i] ^ 0xff;
    return true;
}

enum network netaddr_class(const struct netaddr *a)
{
    uint8_t v4[4];
    if (!netaddr_routable(a))
        return NET_UNROUTABLE;
    return linked_ipv4(a, v4) ? NET_IPV4 : (enum network)a->network;
}

/* -- Reach ---------------------------------------------------------------- */

#define TEREDO NET_COUNT /* here a network of its own */

enum { REACH_DEFAULT, REACH_TEREDO, REACH_WEAK, REACH_IPV4, REACH_IPV6, REACH_PRIVATE };

static unsigned reach_class(const struct netaddr *a)
{
    if (!netaddr_routable(a))
        return NET_UNROUTABLE;
    return a->network == NET_IPV6 && in_range(a->addr, &teredo) ? TEREDO : a->network;
}

static bool is_tunnel(const struct netaddr *a)
{
    return in_range(a->addr, &sixtofour) || in_range(a->addr, &nat64) ||
           in_range(a->addr, &siit);
}

int netaddr_reach(const struct netaddr *a, const struct netaddr *from)
{
    /* [from][a] */
    static const uint8_t ranks[NET_COUNT + 1][NET_COUNT + 1] = {
        [NET_UNROUTABLE] = {[NET_IPV4] = REACH_IPV4,
                            [NET_IPV6] = REACH_WEAK,
                            [TEREDO] = REACH_TEREDO,
                            [NET_ONION] = REACH_PRIVATE},
        [NET_IPV4] = {[NET_IPV4] = REACH_IPV4},
        [NET_IPV6] =
            {[NET_IPV4] = REACH_IPV4, [NET_IPV6] = REACH_IPV6, [TEREDO] = REACH_TEREDO},
        [TEREDO] =
            {[NET_IPV4] = REACH_IPV4, [NET_IPV6] = REACH_WEAK, [TEREDO] = REACH_TEREDO},
        [NET_ONION] = {[NET_IPV4] = REACH_IPV4, [NET_ONION] = REACH_PRIVATE},
        [NET_I2P] = {[NET_I2P] = REACH_PRIVATE},
        [NET_CJDNS] = {[NET_CJDNS] = REACH_PRIVATE},
    };
    int rank = ranks[reach_class(from)][reach_class(a)];
    return rank == REACH_IPV6 && is_tunnel(a) ? REACH_WEAK : rank;
}

bool netaddr_origin_ip(const struct netaddr *a, uint8_t out[16])
{
    enum network class = netaddr_class(a);
    if (class != NET_IPV4 && class != NET_IPV6)
        return false;
    memcpy(out, ipv4_mapped, sizeof(ipv4_mapped));
    if (!linked_ipv4(a, out + sizeof(ipv4_mapped)))
        memcpy(out, a->addr, 16);
    return true;
}

static bool is_internal(const struct netaddr *a)
{
    return a->network == NET_UNROUTABLE && a->len == 16 &&
           memcmp(a->addr, internal_prefix, sizeof(internal_prefix)) == 0;
}

const char *netaddr_class_name(const struct netaddr *a)
{
    return is_internal(a) ? "internal" : network_name(netaddr_class(a));
}

struct netaddr netaddr_internal(const char *name)
{
    struct netaddr a = {.network = NET_UNROUTABLE, .len = 16};
    uint8_t hash[32];
    sha256(hash, name, strlen(name));
    memcpy(a.addr, internal_prefix, sizeof(internal_prefix));
    memcpy(a.addr + sizeof(internal_prefix), hash, INTERNAL_LEN);
    return a;
}

size_t netaddr_group(const struct netaddr *a, uint8_t out[16])
{
    uint8_t v4[4];
    out[0] = (uint8_t)netaddr_class(a);
    if (is_internal(a)) {
        memcpy(out + 1, a->addr + sizeof(internal_prefix), INTERNAL_LEN);
        return 1 + INTERNAL_LEN;
    }
    if (out[0] == NET_UNROUTABLE)
        return 1;
    if (linked_ipv4(a, v4)) {
        memcpy(out + 1, v4, 2);
        return 3;
    }
    unsigned bits = a->network == NET_ONION || a->network == NET_I2P ? 4
                    : a->network == NET_CJDNS                        ? 12
                    : in_range(a->addr, &hurricane)                  ? 36
                                                                     : 32;
    size_t n = (bits + 7) / 8;
    memcpy(out + 1, a->addr, n);
    if (bits % 8)
        out[n] |= (uint8_t)((1 << (8 - bits % 8)) - 1);
    return 1 + n;
}

/* -- Text ----------------------------------------------------------------- */

static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static size_t base32_encode(char *out, const uint8_t *data, size_t len)
{
    size_t n = 0;
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        acc = acc << 8 | data[i];
        for (bits += 8; bits >= 5; bits -= 5)
            out[n++] = base32_digits[acc >> (bits - 5) & 31];
    }
    if (bits)
        out[n++] = base32_digits[acc << (5 - bits) & 31];
    return n;
}

/* Exactly @want octets from n digits; bits left over must be zero. */
static bool base32_decode(uint8_t *out, size_t want, const char *text, size_t n)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        const char *d = strchr(base32_digits, tolower((unsigned char)text[i]));
        if (!d || !*d)
            return false;
        acc = acc << 5 | (uint32_t)(d - base32_digits);
        bits += 5;
        if (bits < 8)
            continue;
        if (done == want)
            return false;
        bits -= 8;
        out[done++] = (uint8_t)(acc >> bits);
    }
    return done == want && (acc & ((1u << bits) - 1)) == 0;
}

#define ONION_VERSION 3
#define ONION_DIGITS  56
#define I2P_DIGITS    52

/* Key, checksum, version: what the digits of a v3 onion name stand for. */
static void onion_blob(uint8_t out[35], const uint8_t key[32])
{
    static const char tag[] = ".onion checksum";
    uint8_t in[sizeof(tag) - 1 + 33], hash[32];
    memcpy(in, tag, sizeof(tag) - 1);
    memcpy(in + sizeof(tag) - 1, key, 32);
    in[sizeof(in) - 1] = ONION_VERSION;
    sha3_256(hash, in, sizeof(in));
    memcpy(out, key, 32);
    memcpy(out + 32, hash, 2);
    out[34] = ONION_VERSION;
}

static void format_host(char *out, size_t size, const struct netaddr *a)
{
    struct endpoint e;
    char digits[64];
    uint8_t blob[35];
    if (a->network == NET_ONION) {
        onion_blob(blob, a->addr);
        size_t n = base32_encode(digits, blob, sizeof(blob));
        snprintf(out, size, "%.*s.onion", (int)n, digits);
    } else if (a->network == NET_I2P) {
        size_t n = base32_encode(digits, a->addr, 32);
        snprintf(out, size, "%.*s.b32.i2p", (int)n, digits);
    } else if (is_internal(a)) {
        size_t n =
            base32_encode(digits, a->addr + sizeof(internal_prefix), INTERNAL_LEN);
        snprintf(out, size, "%.*s.internal", (int)n, digits);
    } else {
        char text[ENDPOINT_TEXT];
        fill_endpoint(a, &e);
        snprintf(out, size, "%s", endpoint_format(text, &e, false));
    }
}

char *netaddr_format(char out[NETADDR_TEXT], const struct netaddr *a, bool with_port)
{
    char host[NETADDR_TEXT - 8];
    format_host(host, sizeof(host), a);
    bool colons = strchr(host, ':') != NULL && host[0] != '[';
    if (!with_port)
        snprintf(out, NETADDR_TEXT, "%s", host);
    else
        snprintf(out, NETADDR_TEXT, colons ? "[%s]:%u" : "%s:%u", host, a->port);
    return out;
}

static bool has_suffix(const char *s, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);
    return len > n && strncasecmp(s + len - n, suffix, n) == 0;
}

/* Names of the overlay networks. */
static bool parse_overlay(struct netaddr *out, const char *host)
{
    size_t len = strlen(host);
    uint8_t blob[35], want[35];
    if (has_suffix(host, len, ".onion")) {
        if (len != ONION_DIGITS + 6 || !base32_decode(blob, 35, host, ONION_DIGITS))
            return false;
        onion_blob(want, blob);
        *out = (struct netaddr){.network = NET_ONION, .len = 32};
        memcpy(out->addr, blob, 32);
        return memcmp(blob, want, sizeof(want)) == 0;
    }
    *out = (struct netaddr){.network = NET_I2P, .len = 32};
    return has_suffix(host, len, ".b32.i2p") && len == I2P_DIGITS + 8 &&
           base32_decode(out->addr, 32, host, I2P_DIGITS);
}

bool netaddr_parse(struct netaddr *out, const char *text, uint16_t default_port)
{
    struct endpoint e;
    if (endpoint_parse(&e, text, default_port)) {
        *out = netaddr_from_endpoint(&e);
        return true;
    }
    static const char no_port[] = ".b32.i2p:0"; /* a port nowhere else */
    size_t len = strlen(text);
    bool i2p = has_suffix(text, len, ".b32.i2p");
    bool zero = has_suffix(text, len, no_port);
    char *host;
    uint16_t port;
    char *name = xasprintf("%.*s", (int)(zero ? len - 2 : len), text);
    bool ok = endpoint_split(name, i2p || zero ? 0 : default_port, &host, &port);
    free(name);
    if (!ok)
        return false;
    ok = parse_overlay(out, host);
    out->port = port;
    free(host);
    return ok;
}

/* -- Ranges of addresses -------------------------------------------------- */

bool netrange_parse(struct netrange *out, const char *text)
{
    struct netaddr a;
    *out = (struct netrange){0};
    if (subnet_parse(&out->net, text))
        return true;
    out->net = (struct subnet){{0}, {0}};
    if (strchr(text, ':') || !parse_overlay(&a, text))
        return false;
    out->network = a.network;
    memcpy(out->host, a.addr, sizeof(out->host));
    return true;
}

bool netrange_contains(const struct netrange *r, const struct netaddr *a)
{
    struct endpoint e;
    if (r->network)
        return a->network == r->network && memcmp(a->addr, r->host, a->len) == 0;
    return netaddr_to_endpoint(a, &e) && subnet_contains(&r->net, &e);
}

char *netrange_format(char out[SUBNET_TEXT], const struct netrange *r)
{
    if (!r->network)
        return subnet_format(out, &r->net);
    struct netaddr a = {.network = r->network, .len = sizeof(r->host)};
    memcpy(a.addr, r->host, sizeof(r->host));
    format_host(out, SUBNET_TEXT, &a);
    return out;
}

/* -- Wire ----------------------------------------------------------------- */

bool netaddr_fits_v1(const struct netaddr *a)
{
    return a->len != 32 && a->network != NET_CJDNS;
}

void netaddr_write_v1(struct sink *s, const struct netaddr *a)
{
    struct endpoint e = {0};
    if (netaddr_fits_v1(a))
        fill_endpoint(a, &e);
    write_bytes(s, e.ip, 16);
    write_u16be(s, a->port);
}

struct netaddr netaddr_read_v1(struct reader *r)
{
    uint8_t ip[16];
    read_copy(r, ip, sizeof(ip));
    return netaddr_from_ip(ip, read_u16be(r));
}

void netaddr_write_v2(struct sink *s, const struct netaddr *a)
{
    bool known = a->network != NET_UNROUTABLE;
    write_u8(s, known ? a->network : NET_IPV6);
    write_var(s, bytes_of(a->addr, known ? a->len : 16));
    write_u16be(s, a->port);
}

struct netaddr netaddr_read_v2(struct reader *r, struct wire_error *error)
{
    struct netaddr none = {0};
    uint8_t id = read_u8(r);
    uint64_t len = read_varint(r, UINT32_MAX);
    if (len > NETADDR_MAX_BYTES) {
        snprintf(error->text, sizeof(error->text), "Address too long: %u > %u",
                 (unsigned)len, NETADDR_MAX_BYTES);
        reader_fail(r);
    }
    const uint8_t *p = read_bytes(r, (size_t)len);
    uint16_t port = read_u16be(r);
    if (r->bad || id >= NET_COUNT || !networks[id].len)
        return none;
    if (len != networks[id].len) {
        snprintf(error->text, sizeof(error->text),
                 "BIP155 %s address with length %u (should be %u)", networks[id].title,
                 (unsigned)len, networks[id].len);
        reader_fail(r);
        return none;
    }
    if (id == NET_IPV6) {
        /* IPv4 has an id of its own: its tunnelled form must not be used here. */
        struct netaddr a = netaddr_from_ip(p, port);
        return a.network == NET_IPV4 ? none : a;
    }
    if (id == NET_CJDNS && p[0] != CJDNS_PREFIX)
        return none;
    struct netaddr a = {.network = id, .len = (uint8_t)len, .port = port};
    memcpy(a.addr, p, (size_t)len);
    return a;
}

void netaddr_entry_write(struct sink *s, const struct netaddr_entry *e, bool v2)
{
    write_u32(s, (uint32_t)e->time);
    if (v2) {
        write_varint(s, e->services);
        netaddr_write_v2(s, &e->addr);
    } else {
        write_u64(s, e->services);
        netaddr_write_v1(s, &e->addr);
    }
}

struct netaddr_entry netaddr_entry_read(struct reader *r, bool v2,
                                        struct wire_error *error)
{
    struct netaddr_entry e = {.time = read_u32(r)};
    e.services = v2 ? read_varint(r, UINT64_MAX) : read_u64(r);
    e.addr = v2 ? netaddr_read_v2(r, error) : netaddr_read_v1(r);
    return e;
}
