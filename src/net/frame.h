/* The v1 transport: cuts a stream of octets into messages and wraps payloads into
 * frames.
 *
 *   0  4   network magic
 *   4  12  message type, ASCII, zero-padded
 *  16  4   payload size, LE
 *  20  4   first octets of SHA256d(payload)
 *  24  ..  payload
 *
 * Memory grows with what has arrived, never with what a header promises. */
#ifndef OCHRE_NET_FRAME_H
#define OCHRE_NET_FRAME_H

#include "crypto/sha256.h"
#include "net/protocol.h"

#define FRAME_HEADER_SIZE 24
#define FRAME_TYPE_SIZE   12

struct message {
    struct message *next; /* of a queue */
    enum msg_type type;
    char name[FRAME_TYPE_SIZE + 1]; /* fit for logs */
    int64_t time_us;                /* of arrival */
    size_t wire_size;               /* with all that the transport adds */
    struct buf payload;
};
void message_free(struct message *m); /* NULL is fine */
/* False: a type no message may have (not printable, or not padded with zeros). */
NODISCARD bool message_set_type(struct message *m, const uint8_t type[FRAME_TYPE_SIZE]);

struct frame_reader {
    uint8_t magic[4];
    uint8_t header[FRAME_HEADER_SIZE];
    size_t have;         /* octets of the header */
    struct message *msg; /* owned: the one whose payload is arriving */
    bool type_valid;
    struct sha256 hash;
};

enum frame_result {
    FRAME_MORE,    /* all input is used up */
    FRAME_MESSAGE, /* *out is the caller's now */
    FRAME_DROPPED, /* a message with a wrong checksum or type was skipped; *note says
                      why */
    FRAME_FATAL,   /* the stream cannot be followed any more; *note says why */
};
#define FRAME_NOTE 160

void frame_reader_init(struct frame_reader *f, const uint8_t magic[4]);
void frame_reader_clear(struct frame_reader *f);
/* Eats from *in up to the end of one message. With FRAME_MESSAGE and FRAME_DROPPED,
 * *out is the message (type MSG_COUNT when dropped). */
enum frame_result frame_read(struct frame_reader *f, struct bytes *in,
                             struct message **out, char note[FRAME_NOTE]);

/* Appends the frame of a payload. */
void frame_write(struct buf *out, const uint8_t magic[4], const char *type,
                 struct bytes payload);

#endif
