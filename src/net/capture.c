/* -capturemessages: every message of a peer in message_capture/<address>/, in and out
 * apart, for tools that look at what happened (all little-endian):
 *   0   8   time in microseconds
 *   8   12  type, padded with zeros
 *   20  4   length of the payload
 *   24  ..  the payload */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/internal.h"
#include "util/fs.h"

#define TYPE_SIZE 12

/* The directory of the peer, which is there after it. Caller frees. */
static char *capture_dir(const struct peer *p)
{
    char text[NETADDR_TEXT];
    netaddr_format(text, &p->addr, true);
    for (char *c = text; *c; c++)
        if (*c == ':')
            *c = '_';
    char *base = path_join(p->net->opt.datadir, "message_capture");
    char *dir = path_join(base, text);
    if (fs_mkdirs(dir, 0700) != ERR_OK)
        log_warning(p->net->log, "Cannot make %s", dir);
    free(base);
    return dir;
}

static void append(const struct peer *p, const char *file, const struct buf *record)
{
    char *dir = capture_dir(p), *path = path_join(dir, file);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fs_write_all(fd, record->data, record->len) != ERR_OK)
        log_warning(p->net->log, "Cannot write %s", path);
    if (fd >= 0)
        close(fd);
    free(path);
    free(dir);
}

void capture_message(const struct peer *p, const char *type, struct bytes payload,
                     bool incoming)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    char padded[TYPE_SIZE] = {0};
    if (!p->net->opt.capture_messages)
        return;
    memcpy(padded, type, strnlen(type, sizeof(padded)));
    write_i64(&s, net_now_us(p->net));
    write_bytes(&s, padded, sizeof(padded));
    write_u32(&s, (uint32_t)payload.len);
    write_bytes(&s, payload.data, payload.len);
    append(p, incoming ? "msgs_recv.dat" : "msgs_sent.dat", &b);
    buf_clear(&b);
}
