#include "net/protocol.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/mem.h"

static const char *const names[] = {
#define X(e, n) n,
    NET_MESSAGES(X)
#undef X
        "*other*",
};

const char *msg_type_name(enum msg_type t)
{
    return names[t];
}

enum msg_type msg_type_find(const char *name)
{
    for (unsigned t = 0; t < MSG_COUNT; t++)
        if (strcmp(names[t], name) == 0)
            return (enum msg_type)t;
    return MSG_COUNT;
}

void sanitize(char *out, size_t size, const void *text, size_t len)
{
    static const char safe[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ .,;-_/:?@()";
    const char *in = text;
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < size; i++)
        if (in[i] && strchr(safe, in[i]))
            out[n++] = in[i];
    out[n] = '\0';
}

/* -- version -------------------------------------------------------------- */

struct msg_version msg_version_read(struct reader *r)
{
    struct msg_version m = {.nonce = 1, .start_height = -1, .relay = true};
    m.version = read_i32(r);
    m.services = read_u64(r);
    m.time = read_i64(r);
    m.recv_services = read_u64(r);
    m.addr_recv = netaddr_read_v1(r);
    if (reader_left(r)) {
        m.from_services = read_u64(r);
        m.addr_from = netaddr_read_v1(r);
        m.nonce = read_u64(r);
    }
    if (reader_left(r)) {
        struct bytes subver = read_var(r, MAX_SUBVERSION_LENGTH);
        sanitize(m.subver, sizeof(m.subver), subver.data, subver.len);
    }
    if (reader_left(r))
        m.start_height = read_i32(r);
    if (reader_left(r))
        m.relay = read_u8(r) != 0;
    return m;
}

void msg_version_write(struct sink *s, const struct msg_version *m)
{
    write_u32(s, (uint32_t)m->version);
    write_u64(s, m->services);
    write_i64(s, m->time);
    write_u64(s, m->recv_services);
    netaddr_write_v1(s, &m->addr_recv);
    write_u64(s, m->from_services);
    netaddr_write_v1(s, &m->addr_from);
    write_u64(s, m->nonce);
    write_var(s, bytes_of(m->subver, strlen(m->subver)));
    write_u32(s, (uint32_t)m->start_height);
    write_u8(s, m->relay);
}

/* -- inventory ------------------------------------------------------------ */

struct inv inv_read(struct reader *r)
{
    struct inv i = {.type = read_u32(r)};
    i.hash = read_hash256(r);
    return i;
}

void inv_write(struct sink *s, const struct inv *inv)
{
    write_u32(s, inv->type);
    write_hash256(s, &inv->hash);
}

char *inv_format(char out[INV_TEXT], const struct inv *i)
{
    static const char *const kinds[] = {
        [INV_TX] = "tx",
        [INV_BLOCK] = "block",
        [INV_FILTERED_BLOCK] = "merkleblock",
        [INV_CMPCT_BLOCK] = "cmpctblock",
        [INV_WTX] = "wtx",
    };
    char hex[65];
    uint32_t kind = i->type & ~(uint32_t)INV_WITNESS_FLAG;
    hash256_to_hex(hex, &i->hash);
    if (kind >= ARRAY_LEN(kinds) || !kinds[kind])
        snprintf(out, INV_TEXT, "0x%08x %s", i->type, hex);
    else
        snprintf(out, INV_TEXT, "%s%s %s", i->type == kind ? "" : "witness-",
                 kinds[kind], hex);
    return out;
}

#define INV_SIZE 36

/* The count of a list, refused at once when so many items of this size cannot follow.
 */
static size_t read_count(struct reader *r, size_t item_size)
{
    uint64_t n = read_varint(r, MAX_PROTOCOL_MESSAGE_LENGTH);
    if (n > reader_left(r) / item_size)
        reader_fail(r);
    return r->bad ? 0 : (size_t)n;
}

struct msg_inv msg_inv_read(struct reader *r)
{
    struct msg_inv m = {.n = read_count(r, INV_SIZE)};
    m.items = xcalloc(m.n + 1, sizeof(*m.items));
    for (size_t i = 0; i < m.n; i++)
        m.items[i] = inv_read(r);
    return m;
}

void msg_inv_write(struct sink *s, const struct msg_inv *m)
{
    write_varint(s, m->n);
    for (size_t i = 0; i < m->n; i++)
        inv_write(s, &m->items[i]);
}

void msg_inv_clear(struct msg_inv *m)
{
    free(m->items);
    *m = (struct msg_inv){0};
}

/* -- addresses ------------------------------------------------------------ */

#define ADDR_V1_SIZE     30
#define ADDR_V2_MIN_SIZE 9

struct msg_addr msg_addr_read(struct reader *r, bool v2, struct wire_error *error)
{
    struct msg_addr m = {.n = read_count(r, v2 ? ADDR_V2_MIN_SIZE : ADDR_V1_SIZE)};
    m.items = xcalloc(m.n + 1, sizeof(*m.items));
    for (size_t i = 0; i < m.n && !r->bad; i++)
        m.items[i] = netaddr_entry_read(r, v2, error);
    return m;
}

void msg_addr_write(struct sink *s, const struct msg_addr *m, bool v2)
{
    write_varint(s, m->n);
    for (size_t i = 0; i < m->n; i++)
        netaddr_entry_write(s, &m->items[i], v2);
}

void msg_addr_clear(struct msg_addr *m)
{
    free(m->items);
    *m = (struct msg_addr){0};
}

/* -- locators ------------------------------------------------------------- */

struct msg_locator msg_locator_read(struct reader *r)
{
    struct msg_locator m = {.version = read_i32(r)};
    m.n = read_count(r, 32);
    m.have = xcalloc(m.n + 1, sizeof(*m.have));
    for (size_t i = 0; i < m.n; i++)
        m.have[i] = read_hash256(r);
    m.stop = read_hash256(r);
    return m;
}

void msg_locator_write(struct sink *s, const struct msg_locator *m)
{
    write_u32(s, (uint32_t)m->version);
    write_varint(s, m->n);
    for (size_t i = 0; i < m->n; i++)
        write_hash256(s, &m->have[i]);
    write_hash256(s, &m->stop);
}

void msg_locator_clear(struct msg_locator *m)
{
    free(m->have);
    *m = (struct msg_locator){0};
}

/* -- headers -------------------------------------------------------------- */

struct msg_headers msg_headers_read(struct reader *r)
{
    struct msg_headers m = {.n = (size_t)read_varint(r, UINT32_MAX)};
    if (m.n > MAX_HEADERS_RESULTS)
        return m;
    m.items = xcalloc(m.n + 1, sizeof(*m.items));
    for (size_t i = 0; i < m.n && !r->bad; i++) {
        m.items[i] = header_read(r);
        read_varint(r, UINT32_MAX); /* a count of transactions, always 0 */
    }
    return m;
}

void msg_headers_write(struct sink *s, const struct msg_headers *m)
{
    write_varint(s, m->n);
    for (size_t i = 0; i < m->n; i++) {
        header_write(s, &m->items[i]);
        write_varint(s, 0);
    }
}

void msg_headers_clear(struct msg_headers *m)
{
    free(m->items);
    *m = (struct msg_headers){0};
}

/* -- sendcmpct ------------------------------------------------------------ */

struct msg_sendcmpct msg_sendcmpct_read(struct reader *r)
{
    struct msg_sendcmpct m = {.high_bandwidth = read_u8(r) != 0};
    m.version = read_u64(r);
    return m;
}

void msg_sendcmpct_write(struct sink *s, const struct msg_sendcmpct *m)
{
    write_u8(s, m->high_bandwidth);
    write_u64(s, m->version);
}
