/* A stream of octets as a peer may send it: cut in two different ways it yields the same
 * messages. */
#include "fuzz.h"

#include <stdlib.h>

#include "net/frame.h"

static const uint8_t magic[4] = {1, 2, 3, 4};

/* A digest of all that came out. */
static uint64_t digest(struct bytes in, size_t piece)
{
    struct frame_reader f;
    uint64_t d = 0;
    frame_reader_init(&f, magic);
    while (in.len) {
        size_t n = piece < in.len ? piece : in.len;
        struct bytes part = bytes_of(in.data, n);
        in.data += n;
        in.len -= n;
        while (part.len) {
            struct message *m;
            char note[FRAME_NOTE];
            enum frame_result r = frame_read(&f, &part, &m, note);
            if (r == FRAME_FATAL) {
                frame_reader_clear(&f);
                return d * 31 + 7;
            }
            if (r == FRAME_MORE)
                continue;
            d = (d * 31 + r) * 31 + m->type;
            for (size_t i = 0; i < m->payload.len; i++)
                d = d * 31 + m->payload.data[i];
            message_free(m);
        }
    }
    frame_reader_clear(&f);
    return d;
}

/* Makes frames right that the fuzzer cannot guess: magic and checksum. */
static void mend(uint8_t *p, size_t size)
{
    for (size_t at = 0; at + FRAME_HEADER_SIZE <= size;) {
        uint8_t hash[32];
        memcpy(p + at, magic, 4);
        uint32_t len = get_le32(p + at + 16) % 512;
        if (at + FRAME_HEADER_SIZE + len > size)
            return;
        put_le32(p + at + 16, len);
        sha256d(hash, p + at + FRAME_HEADER_SIZE, len);
        memcpy(p + at + 20, hash, 4);
        at += FRAME_HEADER_SIZE + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct buf b = {0};
    buf_append(&b, data + 2, size - 2);
    if (data[0] & 1)
        mend(b.data, b.len);
    ASSERT(digest(buf_view(&b), SIZE_MAX) == digest(buf_view(&b), data[1] + 1u));
    buf_clear(&b);
    return 0;
}
