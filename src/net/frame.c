#include "net/frame.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/hex.h"
#include "util/mem.h"

void message_free(struct message *m)
{
    if (!m)
        return;
    buf_clear(&m->payload);
    free(m);
}

void frame_reader_init(struct frame_reader *f, const uint8_t magic[4])
{
    *f = (struct frame_reader){0};
    memcpy(f->magic, magic, 4);
}

void frame_reader_clear(struct frame_reader *f)
{
    message_free(f->msg);
    f->msg = NULL;
}

static void take(struct bytes *in, size_t n)
{
    in->data += n;
    in->len -= n;
}

/* Printable ASCII, then only zeros. */
static bool type_is_valid(const uint8_t *type)
{
    size_t n = 0;
    while (n < FRAME_TYPE_SIZE && type[n] >= ' ' && type[n] <= 0x7e)
        n++;
    for (; n < FRAME_TYPE_SIZE; n++)
        if (type[n])
            return false;
    return true;
}

bool message_set_type(struct message *m, const uint8_t type[FRAME_TYPE_SIZE])
{
    char name[FRAME_TYPE_SIZE + 1] = {0};
    memcpy(name, type, FRAME_TYPE_SIZE);
    sanitize(m->name, sizeof(m->name), name, strlen(name));
    m->type = MSG_COUNT;
    if (!type_is_valid(type))
        return false;
    m->type = msg_type_find(name);
    return true;
}

static uint32_t payload_size(const struct frame_reader *f)
{
    return get_le32(f->header + 16);
}

/* A whole header has arrived. */
static bool begin_message(struct frame_reader *f, char note[FRAME_NOTE])
{
    char hex[9];
    if (memcmp(f->header, f->magic, 4) != 0) {
        snprintf(note, FRAME_NOTE, "Header error: Wrong MessageStart %s received",
                 hex_encode(hex, f->header, 4));
        return false;
    }
    f->msg = xcalloc(1, sizeof(*f->msg));
    f->type_valid = message_set_type(f->msg, f->header + 4);
    f->msg->wire_size = FRAME_HEADER_SIZE + payload_size(f);
    if (payload_size(f) > MAX_PROTOCOL_MESSAGE_LENGTH) {
        snprintf(note, FRAME_NOTE, "Header error: Size too large (%s, %u bytes)",
                 f->msg->name, payload_size(f));
        return false;
    }
    sha256_init(&f->hash);
    return true;
}

static enum frame_result end_message(struct frame_reader *f, struct message **out,
                                     char note[FRAME_NOTE])
{
    uint8_t hash[32];
    char want[9], got[9];
    struct message *m = *out = f->msg;
    f->msg = NULL;
    f->have = 0;
    sha256d_final(&f->hash, hash);
    if (memcmp(hash, f->header + 20, 4) != 0) {
        snprintf(note, FRAME_NOTE,
                 "Header error: Wrong checksum (%s, %u bytes), expected %s was %s",
                 m->name, payload_size(f), hex_encode(want, hash, 4),
                 hex_encode(got, f->header + 20, 4));
        m->type = MSG_COUNT;
        return FRAME_DROPPED;
    }
    if (!f->type_valid) {
        snprintf(note, FRAME_NOTE, "Header error: Invalid message type (%s, %u bytes)",
                 m->name, payload_size(f));
        return FRAME_DROPPED;
    }
    return FRAME_MESSAGE;
}

enum frame_result frame_read(struct frame_reader *f, struct bytes *in,
                             struct message **out, char note[FRAME_NOTE])
{
    *out = NULL;
    if (f->have < FRAME_HEADER_SIZE) {
        size_t n = FRAME_HEADER_SIZE - f->have;
        n = n < in->len ? n : in->len;
        memcpy(f->header + f->have, in->data, n);
        f->have += n;
        take(in, n);
        if (f->have < FRAME_HEADER_SIZE)
            return FRAME_MORE;
        if (!begin_message(f, note))
            return FRAME_FATAL;
    }
    size_t n = payload_size(f) - f->msg->payload.len;
    n = n < in->len ? n : in->len;
    sha256_update(&f->hash, in->data, n);
    buf_append(&f->msg->payload, in->data, n);
    take(in, n);
    if (f->msg->payload.len < payload_size(f))
        return FRAME_MORE;
    return end_message(f, out, note);
}

void frame_write(struct buf *out, const uint8_t magic[4], const char *type,
                 struct bytes payload)
{
    uint8_t hash[32];
    sha256d(hash, payload.data, payload.len);
    buf_reserve(out, FRAME_HEADER_SIZE + payload.len);
    uint8_t *h = buf_extend(out, FRAME_HEADER_SIZE);
    memcpy(h, magic, 4);
    memset(h + 4, 0, FRAME_TYPE_SIZE);
    memcpy(h + 4, type, strnlen(type, FRAME_TYPE_SIZE));
    put_le32(h + 16, (uint32_t)payload.len);
    memcpy(h + 20, hash, 4);
    buf_append(out, payload.data, payload.len);
}
