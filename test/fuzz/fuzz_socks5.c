/* What a proxy may answer: cut in two different ways it leads to the same end, sends
 * the same, and leaves the same bytes to the connection. */
#include "fuzz.h"

#include "io/socks5.h"

static const struct socks5_login login = {"user", "password"};

struct end {
    enum socks5_state state;
    size_t left;
    struct buf sent;
};

/* The unconsumed bytes come again with what arrives, as from a connection. */
static struct end talk(struct bytes in, size_t piece, bool with_login)
{
    struct socks5 s;
    struct end e = {.left = 0};
    size_t used = 0, there = 0;
    ASSERT(socks5_begin(&s, &e.sent, "peer.example", 8333, with_login ? &login : NULL));
    while (there < in.len && s.state < SOCKS5_DONE) {
        there += piece < in.len - there ? piece : in.len - there;
        used += socks5_feed(&s, &e.sent, in.data + used, there - used);
        ASSERT(used <= there);
    }
    e.state = s.state;
    e.left = in.len - used;
    ASSERT((s.state == SOCKS5_FAILED) == (s.error[0] != '\0'));
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct bytes in = bytes_of(data + 2, size - 2);
    struct end a = talk(in, SIZE_MAX, data[0] & 1);
    struct end b = talk(in, data[1] + 1u, data[0] & 1);
    ASSERT(a.state == b.state && bytes_equal(buf_view(&a.sent), buf_view(&b.sent)));
    ASSERT(a.state == SOCKS5_FAILED || a.left == b.left);
    buf_clear(&a.sent);
    buf_clear(&b.sent);
    return 0;
}
