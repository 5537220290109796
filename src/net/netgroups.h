/* Which addresses one operator probably controls: by the first octets of the address,
 * or, with a map of autonomous systems (-asmap), by the system that routes it. Constant
 * after it was made; any thread. */
#ifndef OCHRE_NET_NETGROUPS_H
#define OCHRE_NET_NETGROUPS_H

#include "io/netaddr.h"

struct netgroups;
/* @path NULL: no map. Else the map at @path; on failure *error (caller frees) is
 * bitcoind's sentence. ERR_NOT_FOUND, ERR_CORRUPT. */
NODISCARD enum err netgroups_new(struct netgroups **out, const char *path,
                                 char **error);
/* As netgroups_new, but of a map in memory, which must be valid (asmap.h). */
struct netgroups *netgroups_of_map(struct buf *take_map);
void netgroups_free(struct netgroups *g);

bool netgroups_mapped(const struct netgroups *g); /* there is a map */
size_t netgroups_map_size(const struct netgroups *g);
/* Identifies the map; zero without one. */
const struct hash256 *netgroups_version(const struct netgroups *g);

/* The autonomous system of a routable IP address; 0: unknown, or no map. */
uint32_t netgroups_as(const struct netgroups *g, const struct netaddr *a);
/* As netaddr_group: the system's number where it is known. */
size_t netgroups_group(const struct netgroups *g, const struct netaddr *a,
                       uint8_t out[16]);
bool netgroups_same(const struct netgroups *g, const struct netaddr *a,
                    const struct netaddr *b);

/* How well a map covers a set of addresses: IP ones with a system, without, systems. */
struct map_coverage {
    size_t mapped, unmapped, systems;
};
struct map_coverage netgroups_coverage(const struct netgroups *g,
                                       const struct netaddr_entry *e, size_t n);

#endif
