/* Serving block filters (BIP 157): filters, their headers, and checkpoints.
 *
 *   getcfilters, getcfheaders  u8 kind, u32 first height, hash of the last block
 *   getcfcheckpt               u8 kind, hash of the last block
 *   cfilter     u8 kind, block hash, var filter
 *   cfheaders   u8 kind, hash of the last block, header before the first, varint n,
 *               n filter hashes
 *   cfcheckpt   u8 kind, hash of the last block, varint n, n headers, one a thousand */
#include "chain/store/filter_index.h"
#include "chain/validation/chainman.h"
#include "net/internal.h"

#define KIND_BASIC          0
#define MAX_FILTERS         1000
#define FILTERS_PER_TURN    100
#define MAX_FILTER_HEADERS  2000
#define CHECKPOINT_INTERVAL 1000

struct range {
    struct peer *peer;
    struct filter_index *filters;
    const struct block_index *last;
    uint32_t first; /* height */
};

/* Requests that no honest peer makes end the connection. */
static bool refuse(struct peer *p, const char *fmt, ...)
{
    struct buf why = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&why, fmt, ap);
    va_end(ap);
    log_debug(p->net->log, LOG_NET, "peer %lld %s", (long long)p->id, buf_cstr(&why));
    buf_clear(&why);
    peer_disconnect(p);
    return false;
}

static bool find_last(struct handler_args *a, uint8_t kind, const struct hash256 *stop,
                      struct range *out)
{
    struct net *net = a->net;
    char hex[65];
    out->peer = a->peer;
    if (kind != KIND_BASIC || !(a->peer->our_services & NODE_COMPACT_FILTERS))
        return refuse(a->peer, "requested unsupported block filter type: %d", kind);
    out->last = block_tree_find(net->cm, stop);
    if (!out->last || !fork_allowed(net, out->last))
        return refuse(a->peer, "requested invalid block hash: %s",
                      hash256_to_hex(hex, stop));
    out->filters = chainman_filters(net->cm);
    return true;
}

/* False: nothing can be answered. */
static bool read_range(struct handler_args *a, uint32_t most, struct range *out)
{
    uint8_t kind = read_u8(&a->r);
    uint32_t first = read_u32(&a->r);
    struct hash256 stop = read_hash256(&a->r);
    if (a->r.bad || !find_last(a, kind, &stop, out))
        return false;
    uint32_t last = (uint32_t)out->last->height;
    out->first = first;
    if (first > last)
        return refuse(a->peer,
                      "sent invalid %s with start height %u and stop height %u",
                      a->msg->name, first, last);
    if (last - first >= most)
        return refuse(a->peer, "requested too many cfilters/cfheaders: %u / %u",
                      last - first + 1, most);
    return true;
}

/* Of an ancestor of the range's last block. False: not indexed (yet), so the request
 * stays unanswered. */
static bool find_filter(const struct range *rg, uint32_t height, struct filter_entry *f)
{
    const struct block_index *bi = block_index_ancestor(rg->last, (int32_t)height);
    if (filter_index_find(rg->filters, &bi->hash, f) == ERR_OK)
        return true;
    buf_clear(&f->filter);
    log_debug(rg->peer->net->log, LOG_NET,
              "Failed to find block filter in index: height=%u, peer=%lld", height,
              (long long)rg->peer->id);
    return false;
}

/* False: not indexed (yet). */
static bool send_filter(const struct range *rg, uint32_t height)
{
    struct filter_entry f;
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    if (!find_filter(rg, height, &f))
        return false;
    write_u8(&s, KIND_BASIC);
    write_hash256(&s, &block_index_ancestor(rg->last, (int32_t)height)->hash);
    write_var(&s, buf_view(&f.filter));
    peer_send(rg->peer, "cfilter", &b);
    buf_clear(&b);
    buf_clear(&f.filter);
    return true;
}

void on_getcfilters(struct handler_args *a)
{
    struct range rg;
    if (!read_range(a, MAX_FILTERS, &rg))
        return;
    a->peer->filters = (struct filter_request){rg.last, rg.first};
    serve_filters(a->peer);
}

/* Some of a request; the pump comes again, when the peer has taken what it got. */
void serve_filters(struct peer *p)
{
    struct filter_request *q = &p->filters;
    struct range rg = {p, chainman_filters(p->net->cm), q->last, q->next};
    uint32_t last = (uint32_t)q->last->height;
    size_t max = p->net->opt.max_send_buffer;
    for (int n = 0; n < FILTERS_PER_TURN && link_backlog(p->link) <= max; n++)
        if (!send_filter(&rg, q->next) || q->next++ == last) {
            *q = (struct filter_request){0};
            return;
        }
}

/* False: not indexed (yet). */
static bool put_filter_hash(struct sink *s, const struct range *rg, uint32_t height,
                            bool of_header)
{
    struct filter_entry f;
    if (!find_filter(rg, height, &f))
        return false;
    write_hash256(s, of_header ? &f.header : &f.hash);
    buf_clear(&f.filter);
    return true;
}

void on_getcfheaders(struct handler_args *a)
{
    static const struct hash256 none; /* before the first block */
    struct range rg;
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    bool ok = true;
    if (!read_range(a, MAX_FILTER_HEADERS, &rg))
        return;
    write_u8(&s, KIND_BASIC);
    write_hash256(&s, &rg.last->hash);
    if (rg.first == 0)
        write_hash256(&s, &none);
    else
        ok = put_filter_hash(&s, &rg, rg.first - 1, true);
    write_varint(&s, (uint64_t)rg.last->height - rg.first + 1);
    for (uint32_t h = rg.first; h <= (uint32_t)rg.last->height && ok; h++)
        ok = put_filter_hash(&s, &rg, h, false);
    if (ok)
        peer_send(a->peer, "cfheaders", &b);
    buf_clear(&b);
}

void on_getcfcheckpt(struct handler_args *a)
{
    struct range rg;
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    uint8_t kind = read_u8(&a->r);
    struct hash256 stop = read_hash256(&a->r);
    if (a->r.bad || !find_last(a, kind, &stop, &rg))
        return;
    uint32_t n = (uint32_t)rg.last->height / CHECKPOINT_INTERVAL;
    write_u8(&s, KIND_BASIC);
    write_hash256(&s, &stop);
    write_varint(&s, n);
    bool ok = true;
    for (uint32_t i = 1; i <= n && ok; i++)
        ok = put_filter_hash(&s, &rg, i * CHECKPOINT_INTERVAL, true);
    if (ok)
        peer_send(a->peer, "cfcheckpt", &b);
    buf_clear(&b);
}
