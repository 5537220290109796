/* The map from IP addresses to the autonomous systems that route them, as -asmap loads
 * it: a program in a bit-packed language of four instructions, run over the bits of an
 * address. Pure. */
#ifndef OCHRE_NET_ASMAP_H
#define OCHRE_NET_ASMAP_H

#include "util/bytes.h"
#include "util/err.h"

/* Whether the program is well-formed for inputs of this many bits: it ends for every
 * input, without reading beyond it, and holds no unreachable or redundant code. */
bool asmap_valid(struct bytes map, unsigned input_bits);

/* The number of the system that routes @ip (IPv4 as ::ffff:a.b.c.d); 0: none. @map must
 * be valid for 128 bits. */
uint32_t asmap_lookup(struct bytes map, const uint8_t ip[16]);

/* What identifies a map in logs: SHA256d of its bits, an octet each, as bitcoind has
 * it. */
void asmap_version(uint8_t out[32], struct bytes map);

#endif
