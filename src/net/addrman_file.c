/* peers.dat (all little-endian):
 *   0   8   "OCHADDR\0"
 *   8   4   format version (2)
 *   12  16  key of the buckets
 *   28  32  version of the map of autonomous systems (zero: none)
 *   60  4   number of addresses
 *   64  ..  per address: entry (as in addrv2), source (network id, length, address,
 *           port), i64 last success, i64 last attempt, u32 failed attempts, u8 1 when
 *           tried, u8 number of places in new, u16 bucket of each
 *   ..  32  SHA256d of all before
 * With another map than that of the file an address of new keeps one place, which its
 * source chooses anew. Version 1 had neither the map's version nor buckets. */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/sha256.h"
#include "net/addrman_impl.h"
#include "net/netgroups.h"
#include "util/fs.h"
#include "util/mem.h"

#define FILE_VERSION 2
#define MAX_FILE     (64u << 20)
#define MAX_SOURCE   32 /* octets of a source's address */

static const char file_magic[8] = "OCHADDR";

static void write_buckets(struct sink *s, const struct addrman *am,
                          const struct addrman_info *i)
{
    write_u8(s, (uint8_t)i->refs);
    for (unsigned b = 0, left = i->refs; left; b++) {
        struct addrman_place_at at = addrman_new_place_in(am, &i->e.addr, b);
        if (am->new_table[at.bucket][at.position] != i)
            continue;
        write_u16(s, (uint16_t)b);
        left--;
    }
}

static void write_info(struct sink *s, const struct addrman *am,
                       const struct addrman_info *i)
{
    netaddr_entry_write(s, &i->e, true);
    netaddr_write_v2(s, &i->source);
    write_i64(s, i->last_success);
    write_i64(s, i->last_try);
    write_u32(s, i->attempts);
    write_u8(s, i->tried);
    write_buckets(s, am, i);
}

enum err addrman_save(struct addrman *am, const char *path)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    uint8_t sum[32];
    pthread_mutex_lock(&am->lock);
    write_bytes(&s, file_magic, sizeof(file_magic));
    write_u32(&s, FILE_VERSION);
    write_u64(&s, am->key[0]);
    write_u64(&s, am->key[1]);
    write_bytes(&s, netgroups_version(am->groups)->b, 32);
    write_u32(&s, (uint32_t)am->n);
    for (size_t i = 0; i < am->n; i++)
        write_info(&s, am, am->infos[i]);
    size_t n = am->n;
    pthread_mutex_unlock(&am->lock);
    sha256d(sum, b.data, b.len);
    buf_append(&b, sum, sizeof(sum));
    enum err e = fs_write_atomic(path, b.data, b.len, 0600);
    buf_clear(&b);
    if (e == ERR_OK)
        log_debug(am->log, LOG_NET, "Flushed %zu addresses to peers.dat", n);
    return e;
}

/* -- Reading -------------------------------------------------------------- */

/* Unlike one from a peer it may be internal. */
static struct netaddr read_source(struct reader *r)
{
    struct netaddr a = {.network = read_u8(r)};
    uint64_t len = read_varint(r, MAX_SOURCE);
    if (len > MAX_SOURCE || a.network >= NET_COUNT)
        reader_fail(r);
    const uint8_t *p = read_bytes(r, (size_t)len);
    a.port = read_u16be(r);
    if (r->bad)
        return a;
    a.len = (uint8_t)len;
    memcpy(a.addr, p, (size_t)len);
    return a;
}

struct saved {
    struct addrman_info info;
    uint16_t buckets[NEW_PER_ADDRESS];
    size_t n_buckets;
};

static struct saved read_saved(struct reader *r, uint32_t version)
{
    struct wire_error why = {""};
    struct saved s = {.info.e = netaddr_entry_read(r, true, &why)};
    s.info.source = read_source(r);
    s.info.last_success = read_i64(r);
    s.info.last_try = read_i64(r);
    s.info.attempts = read_u32(r);
    s.info.tried = read_u8(r) != 0;
    s.n_buckets = version > 1 ? read_u8(r) : 0;
    if (s.n_buckets > NEW_PER_ADDRESS) {
        reader_fail(r);
        s.n_buckets = 0;
    }
    for (size_t i = 0; i < s.n_buckets; i++)
        s.buckets[i] = read_u16(r);
    return s;
}

static void take_free_place(struct addrman *am, struct addrman_info *i,
                            struct addrman_place_at at)
{
    struct addrman_info **place = &am->new_table[at.bucket][at.position];
    if (*place || i->refs == NEW_PER_ADDRESS)
        return;
    *place = i;
    i->refs++;
}

/* @same_map: the buckets of the file are still right. */
static void restore(struct addrman *am, const struct saved *s, bool same_map)
{
    const struct netaddr *a = &s->info.e.addr;
    if (!netaddr_routable(a) || addrman_find(am, a))
        return;
    struct addrman_info *i = addrman_create(am, &s->info.e, &s->info.source);
    i->last_success = s->info.last_success;
    i->last_try = s->info.last_try;
    i->attempts = s->info.attempts;
    struct addrman_place_at at = addrman_tried_place(am, a);
    if (s->info.tried && !am->tried_table[at.bucket][at.position]) {
        am->tried_table[at.bucket][at.position] = i;
        addrman_set_tried(am, i, true);
        return;
    }
    for (size_t k = 0; same_map && k < s->n_buckets; k++)
        if (s->buckets[k] < NEW_BUCKETS)
            take_free_place(am, i, addrman_new_place_in(am, a, s->buckets[k]));
    if (!i->refs)
        take_free_place(am, i, addrman_new_place(am, a, &i->source));
    if (!i->refs)
        addrman_destroy(am, i);
}

static enum err load_bytes(struct addrman *am, struct bytes in, const char **why)
{
    struct reader r;
    uint8_t sum[32], zero[32] = {0};
    *why = "not an address database";
    if (in.len < 64 || memcmp(in.data, file_magic, sizeof(file_magic)) != 0)
        return ERR_CORRUPT;
    *why = "Checksum mismatch, data corrupted";
    sha256d(sum, in.data, in.len - 32);
    if (memcmp(sum, in.data + in.len - 32, 32) != 0)
        return ERR_CORRUPT;
    reader_init(&r, in.data + 8, in.len - 40);
    uint32_t version = read_u32(&r);
    if (version > FILE_VERSION)
        return ERR_VERSION;
    am->key[0] = read_u64(&r);
    am->key[1] = read_u64(&r);
    const uint8_t *map = version > 1 ? read_bytes(&r, 32) : zero;
    bool same = !r.bad && memcmp(map, netgroups_version(am->groups)->b, 32) == 0;
    for (uint32_t n = read_u32(&r); n && !r.bad; n--) {
        struct saved s = read_saved(&r, version);
        if (!r.bad)
            restore(am, &s, same && version > 1);
    }
    *why = "end of file";
    if (!reader_done(&r))
        return ERR_CORRUPT;
    *why = addrman_inconsistency(am);
    return *why ? ERR_CORRUPT : ERR_OK;
}

/* A file of a newer version is kept aside for it. */
static enum err set_aside(struct addrman *am, const char *path)
{
    char *aside = xasprintf("%s.bak", path);
    bool moved = rename(path, aside) == 0;
    free(aside);
    if (moved)
        log_info(am->log,
                 "Creating new peers.dat because the file version was not compatible "
                 "(\"%s\"). Original backed up to peers.dat.bak",
                 path);
    return moved ? ERR_OK : ERR_IO;
}

enum err addrman_load(struct addrman *am, const char *path, const char **why)
{
    struct buf b = {0};
    if (!path_exists(path)) {
        log_info(am->log,
                 "Creating new peers.dat because the file was not found (\"%s\")",
                 path);
        return addrman_save(am, path);
    }
    *why = "it cannot be read";
    enum err e = fs_read_file(path, MAX_FILE, &b);
    if (e == ERR_OK)
        e = load_bytes(am, buf_view(&b), why);
    buf_clear(&b);
    if (e == ERR_VERSION)
        return set_aside(am, path);
    if (e == ERR_OK)
        log_info(am->log, "Loaded %zu addresses from peers.dat", am->n);
    if (e == ERR_OK)
        addrman_check(am);
    return e;
}
