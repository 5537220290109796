/* What a stranger may send to a called node: cut in two ways it has the same effect.
 * The other side's keys are known here, so the fuzzer can reach what lies behind them.
 */
#include "fuzz.h"

#include "crypto/secp.h"
#include "net/transport.h"

static const uint8_t magic[4] = {1, 2, 3, 4};

struct outcome {
    uint64_t messages, dropped, octets;
    bool failed;
};

static void read_all(struct transport *t, struct bytes in, size_t piece,
                     struct outcome *o)
{
    struct buf reply = {0};
    while (in.len && !o->failed) {
        size_t n = piece < in.len ? piece : in.len;
        struct bytes part = bytes_of(in.data, n);
        in = bytes_of(in.data + n, in.len - n);
        while (part.len && !o->failed) {
            struct message *m;
            char note[FRAME_NOTE];
            enum frame_result r = transport_read(t, &part, &m, &reply, note);
            o->failed = r == FRAME_FATAL;
            o->messages += r == FRAME_MESSAGE;
            o->dropped += r == FRAME_DROPPED;
            o->octets += m ? m->payload.len : 0;
            message_free(m);
        }
    }
    buf_clear(&reply);
}

/* Packets of the size and kind that the input says, by the side that called. */
static void seal_packets(struct bip324 *c, struct buf *out, struct bytes in)
{
    buf_append(out, c->send_terminator, BIP324_TERMINATOR_SIZE);
    while (in.len > 1) {
        size_t n = in.data[0] < in.len - 1 ? in.data[0] : in.len - 1;
        bool ignore = in.data[1] & 1;
        bip324_seal(c, buf_extend(out, n + BIP324_EXPANSION), bytes_of(in.data + 1, n),
                    bytes_of(NULL, 0), ignore);
        in = bytes_of(in.data + 1 + n, in.len - 1 - n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    secp_init();
    struct outcome whole = {0}, cut = {0};
    struct transport t;
    struct bytes rest = bytes_of(data + 2, size - 2);
    transport_init(&t, magic, true, false);
    if (data[0] & 1) {
        struct bip324_key key;
        struct bip324 c;
        struct buf reply = {0}, wire = {0};
        struct message *m;
        char note[FRAME_NOTE];
        do
            bip324_key_new(&key);
        while (key.public[0] == magic[0]);
        struct bytes hello = bytes_of(key.public, ELLSWIFT_SIZE);
        ASSERT(transport_read(&t, &hello, &m, &reply, note) == FRAME_MORE);
        bip324_init(&c, &key, reply.data, true, magic);
        seal_packets(&c, &wire, rest);
        read_all(&t, buf_view(&wire), data[1] + 1u, &cut);
        ASSERT(!cut.failed);
        buf_clear(&reply);
        buf_clear(&wire);
    } else {
        struct transport other;
        transport_init(&other, magic, true, false);
        read_all(&other, rest, SIZE_MAX, &whole);
        read_all(&t, rest, data[1] + 1u, &cut);
        ASSERT(other.kind == t.kind &&
               (t.kind != TRANSPORT_V1 ||
                (whole.messages == cut.messages && whole.dropped == cut.dropped &&
                 whole.octets == cut.octets)));
        transport_clear(&other);
    }
    transport_clear(&t);
    return 0;
}
