/* Anchors: the block-relay-only peers of the last run, tried first in this one, so that
 * a restart gives an attacker no fresh choice of all our peers.
 *
 * anchors.dat (all little-endian):
 *   0   8   "OCHANCH\0"
 *   8   4   network magic
 *   12  1   number of addresses
 *   13  ..  the addresses (as in addrv2)
 *   ..  32  SHA256d of all before */
#include <stdlib.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "net/internal.h"
#include "util/fs.h"

#define MAX_FILE 4096

static const char file_magic[8] = "OCHANCH";

static bool parse(const struct net *net, struct bytes in, struct netaddr_entry *out,
                  size_t *n_out)
{
    struct reader r;
    struct wire_error why = {""};
    uint8_t sum[32];
    if (in.len < 45)
        return false;
    sha256d(sum, in.data, in.len - 32);
    reader_init(&r, in.data, in.len - 32);
    if (memcmp(sum, in.data + in.len - 32, 32) != 0 ||
        memcmp(read_bytes(&r, 8), file_magic, 8) != 0 ||
        memcmp(read_bytes(&r, 4), net->opt.params->magic, 4) != 0)
        return false;
    size_t n = read_u8(&r);
    if (n > MAX_ANCHORS)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = netaddr_entry_read(&r, true, &why);
    *n_out = n;
    return reader_done(&r);
}

void anchors_load(struct net *net)
{
    struct outbound *o = &net->outbound;
    struct buf b = {0};
    char *path = path_join(net->opt.datadir, "anchors.dat");
    if (path_exists(path) && fs_read_file(path, MAX_FILE, &b) == ERR_OK) {
        size_t n;
        if (parse(net, buf_view(&b), o->anchors, &n)) {
            o->n_anchors = n;
            log_info(net->log, "Loaded %zu addresses from \"anchors.dat\"", n);
        } else {
            log_info(net->log, "Ignoring \"%s\": it is damaged or of another network",
                     path);
        }
    }
    (void)unlink(path); /* after a crash there are none */
    buf_clear(&b);
    free(path);
    log_info(net->log, "%zu block-relay-only anchors will be tried for connections.",
             o->n_anchors);
}

static size_t current(const struct net *net, struct netaddr_entry *out)
{
    size_t n = 0;
    for (size_t i = 0; i < net->n_peers && n < MAX_ANCHORS; i++) {
        const struct peer *p = net->peers[i];
        if (p->type == CONN_BLOCK_RELAY && p->ready)
            out[n++] = (struct netaddr_entry){p->addr, p->services, p->connected_s};
    }
    return n;
}

void anchors_save(struct net *net)
{
    struct netaddr_entry e[MAX_ANCHORS];
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    uint8_t sum[32];
    size_t n = current(net, e);
    write_bytes(&s, file_magic, sizeof(file_magic));
    write_bytes(&s, net->opt.params->magic, 4);
    write_u8(&s, (uint8_t)n);
    for (size_t i = 0; i < n; i++)
        netaddr_entry_write(&s, &e[i], true);
    sha256d(sum, b.data, b.len);
    buf_append(&b, sum, sizeof(sum));
    char *path = path_join(net->opt.datadir, "anchors.dat");
    if (fs_write_atomic(path, b.data, b.len, 0600) == ERR_OK)
        log_info(net->log,
                 "Flushed %zu outbound block-relay-only peer addresses to anchors.dat",
                 n);
    else
        log_warning(net->log, "Cannot write %s", path);
    free(path);
    buf_clear(&b);
}
