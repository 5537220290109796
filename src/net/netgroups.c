#include "net/netgroups.h"

#include <stdlib.h>

#include "net/asmap.h"
#include "util/bytes.h"
#include "util/fs.h"
#include "util/mem.h"

#define MAX_MAP    (64u << 20)
#define INPUT_BITS 128

struct netgroups {
    struct buf map; /* empty: none */
    struct hash256 version;
};

enum err netgroups_new(struct netgroups **out, const char *path, char **error)
{
    struct buf map = {0};
    if (path && !path_exists(path)) {
        *error = xasprintf("Could not find asmap file \"%s\"", path);
        return ERR_NOT_FOUND;
    }
    if (path && (fs_read_file(path, MAX_MAP, &map) != ERR_OK ||
                 !asmap_valid(buf_view(&map), INPUT_BITS))) {
        buf_clear(&map);
        *error = xasprintf("Could not parse asmap file \"%s\"", path);
        return ERR_CORRUPT;
    }
    *out = netgroups_of_map(&map);
    return ERR_OK;
}

struct netgroups *netgroups_of_map(struct buf *take_map)
{
    struct netgroups *g = xcalloc(1, sizeof(*g));
    g->map = *take_map;
    *take_map = (struct buf){0};
    if (g->map.len)
        asmap_version(g->version.b, buf_view(&g->map));
    return g;
}

void netgroups_free(struct netgroups *g)
{
    if (g)
        buf_clear(&g->map);
    free(g);
}

bool netgroups_mapped(const struct netgroups *g)
{
    return g->map.len > 0;
}

size_t netgroups_map_size(const struct netgroups *g)
{
    return g->map.len;
}

const struct hash256 *netgroups_version(const struct netgroups *g)
{
    return &g->version;
}

uint32_t netgroups_as(const struct netgroups *g, const struct netaddr *a)
{
    uint8_t ip[16];
    if (!g->map.len || !netaddr_origin_ip(a, ip))
        return 0;
    return asmap_lookup(buf_view(&g->map), ip);
}

size_t netgroups_group(const struct netgroups *g, const struct netaddr *a,
                       uint8_t out[16])
{
    uint32_t as = netgroups_as(g, a);
    if (!as)
        return netaddr_group(a, out);
    out[0] = NET_IPV6; /* one class for IPv4 and IPv6 of the same system */
    put_le32(out + 1, as);
    return 5;
}

bool netgroups_same(const struct netgroups *g, const struct netaddr *a,
                    const struct netaddr *b)
{
    uint8_t ga[16], gb[16];
    size_t n = netgroups_group(g, a, ga);
    return netgroups_group(g, b, gb) == n && memcmp(ga, gb, n) == 0;
}

static int compare_numbers(const void *x, const void *y)
{
    const uint32_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

struct map_coverage netgroups_coverage(const struct netgroups *g,
                                       const struct netaddr_entry *e, size_t n)
{
    struct map_coverage c = {0};
    uint32_t *systems = xmalloc((n + 1) * sizeof(*systems));
    for (size_t i = 0; i < n; i++) {
        uint32_t as = netgroups_as(g, &e[i].addr);
        if (as)
            systems[c.mapped++] = as;
        else
            c.unmapped +=
                e[i].addr.network == NET_IPV4 || e[i].addr.network == NET_IPV6;
    }
    qsort(systems, c.mapped, sizeof(*systems), compare_numbers);
    for (size_t i = 0; i < c.mapped; i++)
        c.systems += i == 0 || systems[i] != systems[i - 1];
    free(systems);
    return c;
}
