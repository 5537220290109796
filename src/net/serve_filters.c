/* Serving block filters (BIP 157): filters, their headers, and checkpoints.
 *
 *   getcfilters, getcfheaders  u8 kind, u32 first height, hash of the last block
 *   getcfcheckpt               u8 kind, hash of the last block
 *   cfilter     u8 kind, block hash, var filter
 *   cfheaders   u8 kind, hash of the last block, header before the first, varint n,
 *               n filter hashes
 *   cfcheckpt   u8 kind, hash of the last block, varint n, n headers, one a thousand
 *
 * A filter has some ten thousand octets, and its hash is not stored, so a request is
 * answered some filters at a time, as the peer's turn comes and as it reads. */
#include "chain/store/filter_index.h"
#include "chain/validation/chainman.h"
#include "net/internal.h"

#define KIND_BASIC          0
#define MAX_FILTERS         1000
#define MAX_FILTER_HEADERS  2000
#define CHECKPOINT_INTERVAL 1000
#define FILTERS_PER_TURN    100

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

/* The last block of a request. False: it cannot be answered. */
static bool find_last(struct handler_args *a, uint8_t kind, const struct hash256 *stop,
                      struct filter_request *out)
{
    struct net *net = a->net;
    char hex[65];
    if (kind != KIND_BASIC || !(a->peer->our_services & NODE_COMPACT_FILTERS))
        return refuse(a->peer, "requested unsupported block filter type: %d", kind);
    out->last = block_tree_find(net->cm, stop);
    if (!out->last || !fork_allowed(net, out->last))
        return refuse(a->peer, "requested invalid block hash: %s",
                      hash256_to_hex(hex, stop));
    return true;
}

static bool read_range(struct handler_args *a, uint32_t most,
                       struct filter_request *out)
{
    uint8_t kind = read_u8(&a->r);
    uint32_t first = read_u32(&a->r);
    struct hash256 stop = read_hash256(&a->r);
    if (a->r.bad || !find_last(a, kind, &stop, out))
        return false;
    uint32_t last = (uint32_t)out->last->height;
    if (first > last)
        return refuse(a->peer,
                      "sent invalid getcfilters/getcfheaders with start height %u and "
                      "stop height %u",
                      first, last);
    if (last - first >= most)
        return refuse(a->peer, "requested too many cfilters/cfheaders: %u / %u",
                      last - first + 1, most);
    out->next = first;
    out->step = 1;
    return true;
}

/* Of an ancestor of the last block. False: not indexed (yet), so the request stays
 * unanswered. */
static bool find_filter(struct peer *p, uint32_t height, struct filter_entry *f)
{
    const struct block_index *bi =
        block_index_ancestor(p->filters.last, (int32_t)height);
    if (filter_index_find(chainman_filters(p->net->cm), &bi->hash, f) == ERR_OK)
        return true;
    buf_clear(&f->filter);
    log_debug(p->net->log, LOG_NET,
              "Failed to find block filter in index: height=%u, peer=%lld", height,
              (long long)p->id);
    return false;
}

/* -- Parts of the answers: of the filter at a height ---------------------- */

static void send_filter(struct peer *p, uint32_t height, const struct filter_entry *f)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    write_u8(&s, KIND_BASIC);
    write_hash256(&s, &block_index_ancestor(p->filters.last, (int32_t)height)->hash);
    write_var(&s, buf_view(&f->filter));
    peer_send(p, "cfilter", &b);
    buf_clear(&b);
}

static void put_hash(struct peer *p, uint32_t height, const struct filter_entry *f)
{
    struct sink s = sink_to_buf(&p->filters.reply);
    (void)height;
    write_hash256(&s, &f->hash);
}

static void put_header(struct peer *p, uint32_t height, const struct filter_entry *f)
{
    struct sink s = sink_to_buf(&p->filters.reply);
    (void)height;
    write_hash256(&s, &f->header);
}

static bool add_part(struct peer *p, uint32_t height, filter_part *part)
{
    struct filter_entry f;
    if (!find_filter(p, height, &f))
        return false;
    part(p, height, &f);
    buf_clear(&f.filter);
    return true;
}

/* -- The queue of one ----------------------------------------------------- */

static void end_request(struct peer *p, bool answered)
{
    struct filter_request *q = &p->filters;
    if (answered && q->reply.len)
        peer_send(p, q->part == put_hash ? "cfheaders" : "cfcheckpt", &q->reply);
    buf_clear(&q->reply);
    *q = (struct filter_request){0};
}

void serve_filters(struct peer *p)
{
    struct filter_request *q = &p->filters;
    uint32_t last = (uint32_t)q->last->height;
    size_t max = p->net->opt.max_send_buffer;
    for (int n = 0; q->next <= last; n++, q->next += q->step) {
        if (n == FILTERS_PER_TURN || link_backlog(p->link) > max)
            return; /* the pump comes again */
        if (!add_part(p, q->next, q->part)) {
            end_request(p, false);
            return;
        }
    }
    end_request(p, true);
}

void on_getcfilters(struct handler_args *a)
{
    struct filter_request q = {.part = send_filter};
    if (!read_range(a, MAX_FILTERS, &q))
        return;
    a->peer->filters = q;
    serve_filters(a->peer);
}

static void begin_reply(struct filter_request *q)
{
    struct sink s = sink_to_buf(&q->reply);
    write_u8(&s, KIND_BASIC);
    write_hash256(&s, &q->last->hash);
}

void on_getcfheaders(struct handler_args *a)
{
    static const struct hash256 none; /* before the first block */
    struct filter_request q = {.part = put_hash};
    if (!read_range(a, MAX_FILTER_HEADERS, &q))
        return;
    begin_reply(&q);
    a->peer->filters = q;
    struct sink s = sink_to_buf(&a->peer->filters.reply);
    if (q.next == 0) {
        write_hash256(&s, &none);
    } else if (!add_part(a->peer, q.next - 1, put_header)) {
        end_request(a->peer, false);
        return;
    }
    write_varint(&s, (uint64_t)q.last->height - q.next + 1);
    serve_filters(a->peer);
}

void on_getcfcheckpt(struct handler_args *a)
{
    struct filter_request q = {
        .part = put_header, .next = CHECKPOINT_INTERVAL, .step = CHECKPOINT_INTERVAL};
    uint8_t kind = read_u8(&a->r);
    struct hash256 stop = read_hash256(&a->r);
    if (a->r.bad || !find_last(a, kind, &stop, &q))
        return;
    begin_reply(&q);
    a->peer->filters = q;
    struct sink s = sink_to_buf(&a->peer->filters.reply);
    write_varint(&s, (uint64_t)q.last->height / CHECKPOINT_INTERVAL);
    serve_filters(a->peer);
}
