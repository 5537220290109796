/* How messages travel over one connection: version 1 frames in the clear (frame.h), or
 * version 2 packets (BIP 324), encrypted and without any fixed pattern.
 *
 *   v2, each way: ElligatorSwift key (64), garbage (0 to 4095), garbage terminator
 * (16), packets: decoys, a version packet (contents ignored), messages a message's
 * contents: short type id (1), or 0 and the type (12); then the payload
 *
 * A called node tells the versions apart by the first 16 octets. Reading is one
 * thread's business, writing another's: both sides of the keys are touched under the
 * caller's lock only. */
#ifndef OCHRE_NET_TRANSPORT_H
#define OCHRE_NET_TRANSPORT_H

#include "crypto/bip324.h"
#include "net/frame.h"

enum transport_kind {
    TRANSPORT_DETECTING, /* version 2 until the other side has shown that it has the
                            keys */
    TRANSPORT_V1,
    TRANSPORT_V2, /* its version packet came */
};
const char *transport_kind_name(enum transport_kind k); /* "detecting", "v1", "v2" */

enum v2_state {
    V2_MAYBE_V1, /* called: what came so far could begin a version 1 stream */
    V2_KEY,
    V2_GARBAGE,
    V2_LENGTH,
    V2_PACKET,
};

struct transport {
    enum transport_kind kind;
    uint8_t magic[4];
    struct frame_reader v1;
    /* Version 2 */
    bool initiator;
    enum v2_state state;
    bool ciphering;        /* keys are agreed on: messages can be sent */
    struct bip324_key key; /* wiped when the cipher stands */
    struct bip324 cipher;
    struct buf garbage;  /* owned: ours, until it is authenticated */
    struct buf in;       /* owned: of the current state */
    struct buf received; /* owned: their garbage, until it is authenticated */
    size_t packet_size;  /* sealed, after the length */
};

/* @v2: a calling side begins with version 2; a called side takes both. */
void transport_init(struct transport *t, const uint8_t magic[4], bool v2,
                    bool initiator);
void transport_clear(struct transport *t);
/* What a calling side says first: nothing in version 1. Appends. */
void transport_begin(struct transport *t, struct buf *out);

/* As frame_read. What must be answered at once is appended to @reply. */
enum frame_result transport_read(struct transport *t, struct bytes *in,
                                 struct message **out, struct buf *reply,
                                 char note[FRAME_NOTE]);
/* Whether messages can be written now; before that they have to wait. */
bool transport_can_write(const struct transport *t);
/* Appends the message; returns its size on the wire. */
size_t transport_write(struct transport *t, struct buf *out, const char *type,
                       struct bytes payload);
/* The other side hung up, having said nothing, on a version 2 key (of which it has had
 * @sent octets): it may understand version 1. */
bool transport_should_retry_v1(const struct transport *t, uint64_t sent,
                               uint64_t received);

#endif
