/* Where a supernode listens, as tickets say it (doc/spec/tickets.md):
 *
 *   0  1   network id of BIP 155: 1 IPv4, 2 IPv6, 4 Tor v3, 5 I2P, 6 CJDNS
 *   1  n   address: 4, 16, 32, 32 or 16 octets
 *      2   port, little-endian, not 0
 *
 * Whether an address can be reached is no matter of consensus. */
#ifndef OCHRE_TICKETS_SN_ENDPOINT_H
#define OCHRE_TICKETS_SN_ENDPOINT_H

#include "io/netaddr.h"

#define SN_ENDPOINT_MAX 35

/* Its octets, borrowed; latches r->bad on anything else. */
struct bytes sn_endpoint_read(struct reader *r);
struct netaddr sn_endpoint_address(struct bytes raw);
void sn_endpoint_write(struct buf *out, const struct netaddr *a);

/* "host:port", or the octets in hex when no text reads back as the same address. */
#define SN_ENDPOINT_TEXT NETADDR_TEXT
char *sn_endpoint_format(char out[SN_ENDPOINT_TEXT], struct bytes raw);
/* The reverse; a port is needed. */
NODISCARD bool sn_endpoint_parse(struct buf *out, const char *text);

#endif
