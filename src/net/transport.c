#include "net/transport.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/secret.h"
#include "util/hex.h"
#include "util/mem.h"
#include "util/rand.h"

#define MAX_GARBAGE      4095
#define V1_PREFIX_SIZE   16 /* magic and "version", padded */
#define MAX_CONTENTS     (1 + FRAME_TYPE_SIZE + MAX_PROTOCOL_MESSAGE_LENGTH)
#define SEALED_EXPANSION (BIP324_EXPANSION - BIP324_LENGTH_SIZE)

/* Index: short type id (BIP 324). */
static const char *const short_ids[] = {
    NULL,          "addr",         "block",       "blocktxn",   "cmpctblock",
    "feefilter",   "filteradd",    "filterclear", "filterload", "getblocks",
    "getblocktxn", "getdata",      "getheaders",  "headers",    "inv",
    "mempool",     "merkleblock",  "notfound",    "ping",       "pong",
    "sendcmpct",   "tx",           "getcfilters", "cfilter",    "getcfheaders",
    "cfheaders",   "getcfcheckpt", "cfcheckpt",   "addrv2",
};

const char *transport_kind_name(enum transport_kind k)
{
    static const char *const names[] = {"detecting", "v1", "v2"};
    return names[k];
}

void transport_init(struct transport *t, const uint8_t magic[4], bool v2,
                    bool initiator)
{
    *t = (struct transport){
        .kind = v2 ? TRANSPORT_DETECTING : TRANSPORT_V1,
        .initiator = initiator,
        .state = initiator ? V2_KEY : V2_MAYBE_V1,
    };
    memcpy(t->magic, magic, 4);
    frame_reader_init(&t->v1, magic);
}

void transport_clear(struct transport *t)
{
    frame_reader_clear(&t->v1);
    bip324_clear(&t->cipher);
    secret_wipe(&t->key, sizeof(t->key));
    buf_clear(&t->garbage);
    buf_clear(&t->in);
    buf_clear(&t->received);
}

/* -- Handshake ------------------------------------------------------------ */

static void say_key(struct transport *t, struct buf *out)
{
    size_t n = rand_u64() % (MAX_GARBAGE + 1);
    bip324_key_new(&t->key);
    rand_bytes(buf_extend(&t->garbage, n), n);
    buf_append(out, t->key.public, sizeof(t->key.public));
    buf_append(out, t->garbage.data, n);
}

void transport_begin(struct transport *t, struct buf *out)
{
    if (t->kind == TRANSPORT_DETECTING && t->initiator)
        say_key(t, out);
}

/* Moves up to what is missing to @want octets of the current state; true: all there. */
static bool collect(struct transport *t, struct bytes *in, size_t want)
{
    size_t n = want - t->in.len;
    n = n < in->len ? n : in->len;
    buf_append(&t->in, in->data, n);
    in->data += n;
    in->len -= n;
    return t->in.len == want;
}

static void v1_prefix(uint8_t out[V1_PREFIX_SIZE], const uint8_t magic[4])
{
    memset(out, 0, V1_PREFIX_SIZE);
    memcpy(out, magic, 4);
    memcpy(out + 4, "version", 7);
}

/* Octet by octet, since the first that differs decides. */
static void detect(struct transport *t, struct bytes *in, struct buf *reply)
{
    uint8_t prefix[V1_PREFIX_SIZE];
    v1_prefix(prefix, t->magic);
    while (in->len > 0 && t->in.len < sizeof(prefix)) {
        if (in->data[0] != prefix[t->in.len]) {
            t->state = V2_KEY;
            say_key(t, reply);
            return;
        }
        collect(t, in, t->in.len + 1);
    }
    if (t->in.len == sizeof(prefix))
        t->kind = TRANSPORT_V1;
}

static bool is_v1_of_another_network(const struct transport *t)
{
    uint8_t prefix[V1_PREFIX_SIZE];
    v1_prefix(prefix, t->magic);
    return !t->initiator && t->in.len >= sizeof(prefix) &&
           memcmp(t->in.data + 4, prefix + 4, sizeof(prefix) - 4) == 0;
}

static void agree(struct transport *t, struct buf *reply)
{
    bip324_init(&t->cipher, &t->key, t->in.data, t->initiator, t->magic);
    secret_wipe(&t->key, sizeof(t->key));
    t->ciphering = true;
    t->state = V2_GARBAGE;
    buf_reset(&t->in);
    buf_append(reply, t->cipher.send_terminator, BIP324_TERMINATOR_SIZE);
    bip324_seal(&t->cipher, buf_extend(reply, BIP324_EXPANSION), bytes_of(NULL, 0),
                buf_view(&t->garbage), false); /* our version packet */
    buf_clear(&t->garbage);
}

static enum frame_result read_key(struct transport *t, struct bytes *in,
                                  struct buf *reply, char note[FRAME_NOTE])
{
    bool whole = collect(t, in, ELLSWIFT_SIZE);
    if (is_v1_of_another_network(t)) {
        char hex[9];
        snprintf(note, FRAME_NOTE,
                 "V2 transport error: V1 peer with wrong MessageStart %s",
                 hex_encode(hex, t->in.data, 4));
        return FRAME_FATAL;
    }
    if (whole)
        agree(t, reply);
    return FRAME_MORE;
}

/* Octet by octet too: what follows the terminator is no garbage. */
static enum frame_result read_garbage(struct transport *t, struct bytes *in,
                                      char note[FRAME_NOTE])
{
    while (in->len > 0) {
        collect(t, in, t->in.len + 1);
        size_t n = t->in.len;
        if (n < BIP324_TERMINATOR_SIZE)
            continue;
        n -= BIP324_TERMINATOR_SIZE;
        if (secret_equal(t->in.data + n, t->cipher.recv_terminator,
                         BIP324_TERMINATOR_SIZE)) {
            buf_append(&t->received, t->in.data, n);
            buf_reset(&t->in);
            t->state = V2_LENGTH;
            return FRAME_MORE;
        }
        if (n == MAX_GARBAGE) {
            snprintf(note, FRAME_NOTE,
                     "V2 transport error: missing garbage terminator");
            return FRAME_FATAL;
        }
    }
    return FRAME_MORE;
}

/* -- Packets -------------------------------------------------------------- */

static enum frame_result read_length(struct transport *t, struct bytes *in,
                                     char note[FRAME_NOTE])
{
    if (!collect(t, in, BIP324_LENGTH_SIZE))
        return FRAME_MORE;
    uint32_t size = bip324_open_length(&t->cipher, t->in.data);
    buf_reset(&t->in);
    if (size > MAX_CONTENTS) {
        snprintf(note, FRAME_NOTE, "V2 transport error: packet too large (%u bytes)",
                 size);
        return FRAME_FATAL;
    }
    t->packet_size = size + SEALED_EXPANSION;
    t->state = V2_PACKET;
    return FRAME_MORE;
}

/* Cuts the type off @contents. False: there is none. */
static bool take_type(struct message *m, struct bytes *contents)
{
    uint8_t type[FRAME_TYPE_SIZE] = {0};
    size_t used = 1;
    if (contents->len == 0)
        return false;
    uint8_t id = contents->data[0];
    if (id == 0) {
        used += sizeof(type);
        if (contents->len < used)
            return false;
        memcpy(type, contents->data + 1, sizeof(type));
    } else if (id < ARRAY_LEN(short_ids)) {
        memcpy(type, short_ids[id], strlen(short_ids[id]));
    } else {
        return false;
    }
    contents->data += used;
    contents->len -= used;
    return message_set_type(m, type);
}

static enum frame_result make_message(struct transport *t, struct bytes contents,
                                      struct message **out, char note[FRAME_NOTE])
{
    struct message *m = *out = xcalloc(1, sizeof(*m));
    m->wire_size = t->packet_size + BIP324_LENGTH_SIZE;
    m->type = MSG_COUNT;
    if (!take_type(m, &contents)) {
        snprintf(note, FRAME_NOTE,
                 "V2 transport error: invalid message type (%zu bytes contents)",
                 contents.len);
        return FRAME_DROPPED;
    }
    /* The packet's memory becomes the payload's. */
    m->payload = t->in;
    t->in = (struct buf){0};
    if (contents.len > 0)
        memmove(m->payload.data, contents.data, contents.len);
    m->payload.len = contents.len;
    return FRAME_MESSAGE;
}

static enum frame_result read_packet(struct transport *t, struct bytes *in,
                                     struct message **out, char note[FRAME_NOTE])
{
    struct bytes contents;
    bool ignore;
    if (!collect(t, in, t->packet_size))
        return FRAME_MORE;
    t->state = V2_LENGTH;
    if (!bip324_open(&t->cipher, &contents, &ignore, t->in.data, t->in.len,
                     buf_view(&t->received))) {
        snprintf(note, FRAME_NOTE,
                 "V2 transport error: packet decryption failure (%zu bytes)",
                 t->in.len - SEALED_EXPANSION);
        return FRAME_FATAL;
    }
    buf_clear(&t->received); /* it was part of the first packet */
    enum frame_result result = FRAME_MORE;
    if (!ignore && t->kind == TRANSPORT_V2)
        result = make_message(t, contents, out, note);
    else if (!ignore)
        t->kind = TRANSPORT_V2; /* that was the version packet */
    buf_reset(&t->in);
    return result;
}

/* -- Both versions -------------------------------------------------------- */

static enum frame_result read_v1(struct transport *t, struct bytes *in,
                                 struct message **out, char note[FRAME_NOTE])
{
    if (t->in.len > 0) { /* what told the version apart is a header's beginning */
        struct bytes first = buf_view(&t->in);
        enum frame_result r = frame_read(&t->v1, &first, out, note);
        ASSERT(r == FRAME_MORE);
        buf_clear(&t->in);
    }
    return frame_read(&t->v1, in, out, note);
}

enum frame_result transport_read(struct transport *t, struct bytes *in,
                                 struct message **out, struct buf *reply,
                                 char note[FRAME_NOTE])
{
    enum frame_result r = FRAME_MORE;
    *out = NULL;
    while (in->len > 0 && r == FRAME_MORE) {
        if (t->kind == TRANSPORT_V1)
            return read_v1(t, in, out, note);
        switch (t->state) {
        case V2_MAYBE_V1:
            detect(t, in, reply);
            break;
        case V2_KEY:
            r = read_key(t, in, reply, note);
            break;
        case V2_GARBAGE:
            r = read_garbage(t, in, note);
            break;
        case V2_LENGTH:
            r = read_length(t, in, note);
            break;
        case V2_PACKET:
            r = read_packet(t, in, out, note);
            break;
        }
    }
    return r;
}

bool transport_can_write(const struct transport *t)
{
    return t->kind == TRANSPORT_V1 || t->ciphering;
}

static void put_type(struct buf *out, const char *type)
{
    uint8_t *name;
    for (uint8_t id = 1; id < ARRAY_LEN(short_ids); id++)
        if (strcmp(short_ids[id], type) == 0) {
            buf_append(out, &id, 1);
            return;
        }
    name = buf_extend(out, 1 + FRAME_TYPE_SIZE);
    memset(name, 0, 1 + FRAME_TYPE_SIZE);
    memcpy(name + 1, type, strnlen(type, FRAME_TYPE_SIZE));
}

size_t transport_write(struct transport *t, struct buf *out, const char *type,
                       struct bytes payload)
{
    size_t before = out->len;
    if (t->kind == TRANSPORT_V1) {
        frame_write(out, t->magic, type, payload);
    } else {
        struct buf contents = {0};
        put_type(&contents, type);
        buf_append(&contents, payload.data, payload.len);
        bip324_seal(&t->cipher, buf_extend(out, contents.len + BIP324_EXPANSION),
                    buf_view(&contents), bytes_of(NULL, 0), false);
        buf_clear(&contents);
    }
    return out->len - before;
}

bool transport_should_retry_v1(const struct transport *t, uint64_t sent,
                               uint64_t received)
{
    return t->initiator && t->kind == TRANSPORT_DETECTING && received == 0 &&
           sent >= FRAME_HEADER_SIZE;
}
