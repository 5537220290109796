/* Walking a file of records without an index. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "chain/store/blockfile.h"

#define SCAN_READ (1u << 20)

/* A window of a file: data[0] stands at offset `base`. */
struct window {
    int fd;
    const struct block_xor *key;
    struct buf data;
    uint64_t base;
    bool at_end;
};

/* Makes at least @want octets available from @from (relative) on, if the file has
 * them. */
static enum err window_fill(struct window *w, size_t from, size_t want)
{
    while (!w->at_end && w->data.len - from < want) {
        size_t have = w->data.len;
        ssize_t n = pread(w->fd, buf_extend(&w->data, SCAN_READ), SCAN_READ,
                          (off_t)(w->base + have));
        w->data.len = have + (n > 0 ? (size_t)n : 0);
        block_xor_apply(w->key, w->data.data + have, w->data.len - have,
                        w->base + have);
        if (n < 0 && errno != EINTR)
            return ERR_IO;
        w->at_end = n == 0;
    }
    return ERR_OK;
}

static void window_drop(struct window *w, size_t n)
{
    memmove(w->data.data, w->data.data + n, w->data.len - n);
    w->data.len -= n;
    w->base += n;
}

/* Offset of the next magic in the window, or where the search must go on. */
static size_t find_magic(const struct window *w, size_t from, const uint8_t magic[4],
                         bool *found)
{
    const uint8_t *end = w->data.data + w->data.len;
    const uint8_t *p = w->data.data + from;
    *found = false;
    while (end - p >= BLOCK_RECORD_HEAD) {
        p = memchr(p, magic[0], (size_t)(end - p));
        if (!p)
            return w->data.len;
        if (end - p < BLOCK_RECORD_HEAD)
            break;
        if (memcmp(p, magic, 4) == 0) {
            *found = true;
            break;
        }
        p++;
    }
    return (size_t)(p - w->data.data);
}

/* One record or one stretch without any; *at moves on. */
static enum err scan_record(struct window *w, size_t *at, const uint8_t magic[4],
                            enum scan_step (*fn)(void *, struct bytes, uint64_t),
                            void *ctx, bool *stop)
{
    bool found;
    *at = find_magic(w, *at, magic, &found);
    if (!found)
        return ERR_OK;
    uint32_t size = get_le32(w->data.data + *at + 4);
    size_t body = *at + BLOCK_RECORD_HEAD;
    if (size < BLOCK_HEADER_SIZE + 1 || size > MAX_BLOCK_SERIALIZED_SIZE) {
        *at += 4;
        return ERR_OK;
    }
    enum err e = window_fill(w, body, size);
    if (e != ERR_OK)
        return e;
    enum scan_step step = SCAN_SKIP;
    if (w->data.len - body >= size)
        step = fn(ctx, bytes_of(w->data.data + body, size), w->base + body);
    *stop = step == SCAN_STOP;
    *at = step == SCAN_NEXT ? body + size : *at + 4;
    return ERR_OK;
}

enum err
block_file_scan(const char *path, const uint8_t magic[4], const struct block_xor *key,
                enum scan_step (*fn)(void *ctx, struct bytes raw, uint64_t pos),
                void *ctx)
{
    struct window w = {.fd = open(path, O_RDONLY | O_CLOEXEC), .key = key};
    if (w.fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    enum err e = ERR_OK;
    bool stop = false;
    size_t at = 0;
    while (e == ERR_OK && !stop) {
        e = window_fill(&w, at, BLOCK_RECORD_HEAD);
        if (e != ERR_OK || w.data.len - at < BLOCK_RECORD_HEAD)
            break;
        e = scan_record(&w, &at, magic, fn, ctx, &stop);
        if (at >= SCAN_READ) {
            window_drop(&w, at);
            at = 0;
        }
    }
    buf_clear(&w.data);
    close(w.fd);
    return e;
}
