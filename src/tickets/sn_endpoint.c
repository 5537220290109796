#include "tickets/sn_endpoint.h"

#include "util/hex.h"

static size_t address_size(uint8_t network)
{
    switch (network) {
    case NET_IPV4:
        return 4;
    case NET_IPV6:
    case NET_CJDNS:
        return 16;
    case NET_ONION:
    case NET_I2P:
        return 32;
    default:
        return 0;
    }
}

/* An IPv6 address that stands for one of another network has an id of its own. */
static bool is_disguised(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t onioncat[6] = {0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43};
    return memcmp(ip, mapped, sizeof(mapped)) == 0 ||
           memcmp(ip, onioncat, sizeof(onioncat)) == 0;
}

struct bytes sn_endpoint_read(struct reader *r)
{
    const uint8_t *start = r->pos;
    uint8_t network = read_u8(r);
    size_t size = address_size(network);
    const uint8_t *addr = read_bytes(r, size);
    uint16_t port = read_u16(r);
    if (size == 0 || port == 0 || addr == NULL ||
        (network == NET_IPV6 && is_disguised(addr)))
        reader_fail(r);
    return r->bad ? bytes_of(NULL, 0) : bytes_of(start, 1 + size + 2);
}

struct netaddr sn_endpoint_address(struct bytes raw)
{
    struct netaddr a = {.network = raw.data[0], .len = (uint8_t)(raw.len - 3)};
    memcpy(a.addr, raw.data + 1, a.len);
    a.port = (uint16_t)(raw.data[raw.len - 2] | raw.data[raw.len - 1] << 8);
    return a;
}

void sn_endpoint_write(struct buf *out, const struct netaddr *a)
{
    struct sink s = sink_to_buf(out);
    write_u8(&s, a->network);
    write_bytes(&s, a->addr, a->len);
    write_u16(&s, a->port);
}

/* Of a CJDNS address only its range tells the network. */
static bool parse_text(struct netaddr *out, const char *text)
{
    if (!netaddr_parse(out, text, 0))
        return false;
    if (out->network == NET_IPV6 && out->addr[0] == 0xfc)
        out->network = NET_CJDNS;
    return true;
}

static bool is_endpoint(struct bytes raw)
{
    struct reader r;
    reader_init(&r, raw.data, raw.len);
    sn_endpoint_read(&r);
    return reader_done(&r);
}

char *sn_endpoint_format(char out[SN_ENDPOINT_TEXT], struct bytes raw)
{
    struct netaddr a = sn_endpoint_address(raw), again;
    struct buf hex = {0};
    netaddr_format(out, &a, true);
    if (parse_text(&again, out) && netaddr_equal(&a, &again))
        return out;
    hex_append(&hex, raw.data, raw.len);
    memcpy(out, buf_cstr(&hex), hex.len + 1);
    buf_clear(&hex);
    return out;
}

bool sn_endpoint_parse(struct buf *out, const char *text)
{
    struct netaddr a;
    if (parse_text(&a, text))
        sn_endpoint_write(out, &a);
    else if (!hex_decode(out, text, strlen(text)))
        return false;
    return is_endpoint(buf_view(out));
}
