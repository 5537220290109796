#include "tickets/lists.h"

#define SIG_SIZE 64
#define CID_MAX  64

static size_t read_quorum_entries(struct reader *r, struct quorum_entry *out)
{
    size_t n = (size_t)read_varint(r, QUORUM_MAX);
    for (size_t i = 0; i < n && !r->bad; i++) {
        out[i].rank = read_u8(r);
        out[i].sig = read_bytes(r, SIG_SIZE);
    }
    return r->bad ? 0 : n;
}

static void read_sync_item(struct reader *r, struct sync_item *out)
{
    const uint8_t *start = r->pos;
    out->token = read_bytes(r, 32);
    out->sequence = read_u64(r);
    out->used = read_u64(r);
    out->cid = read_var(r, CID_MAX);
    out->body = bytes_of(start, (size_t)(r->pos - start));
    out->sig = read_bytes(r, SIG_SIZE);
}

static size_t read_sync_items(struct reader *r, struct sync_item *out)
{
    size_t n = (size_t)read_varint(r, SYNC_LIST_MAX);
    if (n == 0)
        reader_fail(r);
    for (size_t i = 0; i < n && !r->bad; i++)
        read_sync_item(r, &out[i]);
    return r->bad ? 0 : n;
}

struct bytes quorum_read(struct reader *r)
{
    struct quorum_entry entries[QUORUM_MAX];
    const uint8_t *start = r->pos;
    read_quorum_entries(r, entries);
    return r->bad ? bytes_of(NULL, 0) : bytes_of(start, (size_t)(r->pos - start));
}

struct bytes sync_list_read(struct reader *r)
{
    struct sync_item items[SYNC_LIST_MAX];
    const uint8_t *start = r->pos;
    read_sync_items(r, items);
    return r->bad ? bytes_of(NULL, 0) : bytes_of(start, (size_t)(r->pos - start));
}

size_t quorum_entries(struct quorum_entry out[QUORUM_MAX], struct bytes raw)
{
    struct reader r;
    reader_init(&r, raw.data, raw.len);
    return read_quorum_entries(&r, out);
}

size_t sync_items(struct sync_item out[SYNC_LIST_MAX], struct bytes raw)
{
    struct reader r;
    reader_init(&r, raw.data, raw.len);
    return read_sync_items(&r, out);
}

void quorum_write(struct buf *out, const struct quorum_entry *entries, size_t n)
{
    struct sink s = sink_to_buf(out);
    write_varint(&s, n);
    for (size_t i = 0; i < n; i++) {
        write_u8(&s, entries[i].rank);
        write_bytes(&s, entries[i].sig, SIG_SIZE);
    }
}

void sync_list_write(struct buf *out, const struct sync_item *items, size_t n)
{
    struct sink s = sink_to_buf(out);
    write_varint(&s, n);
    for (size_t i = 0; i < n; i++) {
        write_bytes(&s, items[i].token, 32);
        write_u64(&s, items[i].sequence);
        write_u64(&s, items[i].used);
        write_var(&s, items[i].cid);
        write_bytes(&s, items[i].sig, SIG_SIZE);
    }
}

struct hash256 sync_item_hash(const struct chain_params *params,
                              const struct sync_item *item)
{
    return ticket_hash(params, "snft-sync", "record", item->body, bytes_of(NULL, 0));
}
