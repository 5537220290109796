/* Payloads of P2P messages: the first octet chooses the type. What is read and written again
 * reads as the same. */
#include "fuzz.h"

#include "net/bloom.h"
#include "net/compact.h"
#include "net/protocol.h"
#include "util/mem.h"

/* Reads, and when that worked writes, one payload; false: malformed. */
typedef bool rewrite(struct reader *r, struct sink *s);

static bool rewrite_version(struct reader *r, struct sink *s)
{
    struct msg_version m = msg_version_read(r);
    msg_version_write(s, &m);
    return !r->bad;
}

static bool rewrite_inv(struct reader *r, struct sink *s)
{
    char text[INV_TEXT];
    struct msg_inv m = msg_inv_read(r);
    for (size_t i = 0; i < m.n; i++)
        inv_format(text, &m.items[i]);
    msg_inv_write(s, &m);
    msg_inv_clear(&m);
    return !r->bad;
}

static bool rewrite_addrs(struct reader *r, struct sink *s, bool v2)
{
    struct wire_error why = {""};
    char text[NETADDR_TEXT];
    uint8_t group[16];
    struct msg_addr m = msg_addr_read(r, v2, &why);
    for (size_t i = 0; i < m.n && !r->bad; i++) {
        struct netaddr again, *a = &m.items[i].addr;
        ASSERT(netaddr_group(a, group) <= sizeof(group));
        netaddr_format(text, a, true);
        if (a->port && netaddr_valid(a) && a->network != NET_CJDNS)
            ASSERT(netaddr_parse(&again, text, 1) && netaddr_equal(a, &again));
    }
    msg_addr_write(s, &m, v2);
    msg_addr_clear(&m);
    return !r->bad;
}

static bool rewrite_addr(struct reader *r, struct sink *s)
{
    return rewrite_addrs(r, s, false);
}

static bool rewrite_addrv2(struct reader *r, struct sink *s)
{
    return rewrite_addrs(r, s, true);
}

static bool rewrite_locator(struct reader *r, struct sink *s)
{
    struct msg_locator m = msg_locator_read(r);
    msg_locator_write(s, &m);
    msg_locator_clear(&m);
    return !r->bad;
}

static bool rewrite_headers(struct reader *r, struct sink *s)
{
    struct msg_headers m = msg_headers_read(r);
    bool ok = !r->bad && m.items;
    if (ok)
        msg_headers_write(s, &m);
    msg_headers_clear(&m);
    return ok;
}

static bool rewrite_sendcmpct(struct reader *r, struct sink *s)
{
    struct msg_sendcmpct m = msg_sendcmpct_read(r);
    msg_sendcmpct_write(s, &m);
    return !r->bad;
}

static bool rewrite_cmpctblock(struct reader *r, struct sink *s)
{
    struct msg_cmpctblock m = msg_cmpctblock_read(r);
    struct compact_partial *p;
    bool ok = !r->bad;
    if (ok)
        msg_cmpctblock_write(s, &m);
    if (ok && compact_partial_new(&p, &m, NULL, NULL, 0) == COMPACT_OK) {
        struct block *b = NULL;
        if (compact_partial_fill(p, NULL, 0, &b) == COMPACT_OK)
            block_unref(b);
        compact_partial_free(p);
    }
    msg_cmpctblock_clear(&m);
    return ok;
}

static bool rewrite_getblocktxn(struct reader *r, struct sink *s)
{
    struct msg_getblocktxn m = msg_getblocktxn_read(r);
    msg_getblocktxn_write(s, &m);
    msg_getblocktxn_clear(&m);
    return !r->bad;
}

static bool rewrite_blocktxn(struct reader *r, struct sink *s)
{
    struct msg_blocktxn m = msg_blocktxn_read(r);
    bool ok = !r->bad;
    if (ok)
        msg_blocktxn_write(s, &m);
    msg_blocktxn_clear(&m);
    return ok;
}

static bool rewrite_filterload(struct reader *r, struct sink *s)
{
    struct bloom *b = bloom_read(r);
    if (!b)
        return false;
    bloom_write(s, b);
    if (bloom_within_limits(b))
        bloom_insert(b, bytes_of("item", 4));
    bloom_free(b);
    return true;
}

static rewrite *const types[] = {
    rewrite_version,     rewrite_inv,       rewrite_addr,       rewrite_addrv2,
    rewrite_locator,     rewrite_headers,   rewrite_sendcmpct,  rewrite_cmpctblock,
    rewrite_getblocktxn, rewrite_blocktxn,  rewrite_filterload,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = {0}, twice = {0};
    struct sink s = sink_to_buf(&once), t = sink_to_buf(&twice);
    struct reader r;
    if (!size)
        return 0;
    rewrite *fn = types[data[0] % ARRAY_LEN(types)];
    reader_init(&r, data + 1, size - 1);
    if (fn(&r, &s)) {
        reader_init(&r, once.data, once.len);
        ASSERT(fn(&r, &t) && reader_done(&r));
        ASSERT(bytes_equal(buf_view(&once), buf_view(&twice)));
    }
    buf_clear(&once);
    buf_clear(&twice);
    return 0;
}
