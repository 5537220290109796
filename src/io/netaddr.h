/* Network addresses as peers exchange them: IPv4, IPv6, Tor v3, I2P and CJDNS (BIP
 * 155), their text forms, and what the address manager and relay policy want to know
 * about them. */
#ifndef OCHRE_IO_NETADDR_H
#define OCHRE_IO_NETADDR_H

#include "io/conn.h"
#include "util/reader.h"
#include "util/sink.h"

/* BIP 155 ids; the first and the last never travel. */
enum network {
    NET_UNROUTABLE = 0,
    NET_IPV4 = 1,
    NET_IPV6 = 2,
    NET_ONION = 4,
    NET_I2P = 5,
    NET_CJDNS = 6,
    NET_COUNT = 7,
};
#define NETADDR_MAX_BYTES 512  /* longest address that addrv2 may carry */
#define CJDNS_PREFIX      0xfc /* fc00::/8: IPv6 addresses that CJDNS uses as its own */

struct netaddr {
    uint8_t network; /* enum network */
    uint8_t len;     /* octets of addr in use: 4, 16 or 32 */
    uint16_t port;
    uint8_t addr[32];
};

/* What addr and addrv2 say of a node. */
struct netaddr_entry {
    struct netaddr addr;
    uint64_t services;
    int64_t time; /* last seen, unix seconds */
};

bool netaddr_equal(const struct netaddr *a,
                   const struct netaddr *b); /* with the port */
bool netaddr_same_host(const struct netaddr *a, const struct netaddr *b);
struct netaddr netaddr_from_endpoint(const struct endpoint *e);
/* False: neither IPv4, IPv6 nor CJDNS. */
NODISCARD bool netaddr_to_endpoint(const struct netaddr *a, struct endpoint *out);

/* Worth telling others about: no private, reserved or documentation range. */
bool netaddr_routable(const struct netaddr *a);
bool netaddr_valid(const struct netaddr *a);
bool netaddr_local(const struct netaddr *a); /* 127/8, 0/8, ::1 */
/* "ipv4", "ipv6", "onion", "i2p", "cjdns", "not_publicly_routable" */
const char *network_name(enum network n);
bool network_known(enum network n); /* ids 1 to NET_COUNT - 1 have a gap */
/* The class getpeerinfo shows: by routability as well as by network. */
enum network netaddr_class(const struct netaddr *a);
/* The name of that class; "internal" for netaddr_internal's. */
const char *netaddr_class_name(const struct netaddr *a);
NODISCARD bool network_from_name(enum network *out, const char *name);

/* How well our address @a can be reached by one who is at @from: the higher the better,
 * 0 at the least. */
int netaddr_reach(const struct netaddr *a, const struct netaddr *from);

/* Octets that are equal for addresses one owner probably controls: /16 of IPv4 (also
 * where it is tunnelled), /32 of IPv6, 4 bits of the others, all of internal ones.
 * Returns the length, at most 16. */
size_t netaddr_group(const struct netaddr *a, uint8_t out[16]);

/* The 16 octets of a routable IP address, tunnelled IPv4 as the IPv4 address it stands
 * for. False: not one. */
bool netaddr_origin_ip(const struct netaddr *a, uint8_t out[16]);
/* No address of a node, but a source of addresses with a group of its own, as the DNS
 * seed of this name. */
struct netaddr netaddr_internal(const char *name);

#define NETADDR_TEXT 80
/* "1.2.3.4:8333", "[::1]:8333", "....onion:8333". Returns out. */
char *netaddr_format(char out[NETADDR_TEXT], const struct netaddr *a, bool with_port);
/* A numeric, .onion or .b32.i2p address with optional port. False: not one. The port of
 * I2P is 0 by default, and may be written so: SAM 3.1 knows none. */
NODISCARD bool netaddr_parse(struct netaddr *out, const char *text,
                             uint16_t default_port);

/* What can be banned: a subnet, or one host of a hidden network. Octets throughout, so
 * that two of them compare as memory. */
struct netrange {
    uint8_t network;   /* NET_ONION or NET_I2P: of @host; else 0, and @net counts */
    struct subnet net; /* else zeros */
    uint8_t host[32];  /* else zeros */
};
NODISCARD bool netrange_parse(struct netrange *out, const char *text);
bool netrange_contains(const struct netrange *r, const struct netaddr *a);
char *netrange_format(char out[SUBNET_TEXT], const struct netrange *r);

/* The 16-octet form of addr and version (network order port behind). */
void netaddr_write_v1(struct sink *s, const struct netaddr *a);
struct netaddr netaddr_read_v1(struct reader *r);
/* Whether the 16-octet form can carry it. */
bool netaddr_fits_v1(const struct netaddr *a);
/* BIP 155: network id, length, address, port. An unknown network, or a known one that
 * must not be used, reads as NET_UNROUTABLE; a wrong length of a known one is an error,
 * which the reader latches and *error describes. */
#define WIRE_ERROR_TEXT 96
struct wire_error {
    char text[WIRE_ERROR_TEXT]; /* "": nothing to say beyond "end of data" */
};
void netaddr_write_v2(struct sink *s, const struct netaddr *a);
struct netaddr netaddr_read_v2(struct reader *r, struct wire_error *error);

/* addr and addrv2 entries: time, services, address. */
void netaddr_entry_write(struct sink *s, const struct netaddr_entry *e, bool v2);
struct netaddr_entry netaddr_entry_read(struct reader *r, bool v2,
                                        struct wire_error *error);

#endif
