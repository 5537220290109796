/* Banned subnets and hosts (kept in banlist.json) and discouraged addresses (kept until
 * restart: bad peers that are dropped first when slots are short). Thread-safe. */
#ifndef OCHRE_NET_BANMAN_H
#define OCHRE_NET_BANMAN_H

#include "io/netaddr.h"

struct clock;
struct logger;

struct ban {
    struct netrange net;
    int64_t created, until; /* unix seconds */
};

struct banman;
/* Reads @path when it is there; what is no ban list becomes @path.bak. */
struct banman *banman_open(const char *path, struct clock *clock, struct logger *log);
void banman_close(struct banman *bm); /* saves */

void banman_ban(struct banman *bm, const struct netrange *net, int64_t until);
bool banman_unban(struct banman *bm,
                  const struct netrange *net); /* false: was not banned */
void banman_clear(struct banman *bm);
bool banman_is_banned(struct banman *bm, const struct netaddr *a);
bool banman_is_banned_net(struct banman *bm,
                          const struct netrange *net); /* exactly this one */
/* Those that still hold, sorted by range; caller frees. */
struct ban *banman_list(struct banman *bm, size_t *n);

void banman_discourage(struct banman *bm, const struct netaddr *a);
bool banman_is_discouraged(struct banman *bm, const struct netaddr *a);
/* Either of the two: nothing to connect to or to tell others of. */
bool banman_shuns(struct banman *bm, const struct netaddr *a);

#endif
