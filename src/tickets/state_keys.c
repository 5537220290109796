#include "tickets/state_keys.h"

#include "crypto/ed448.h"
#include "util/reader.h"
#include "util/sink.h"

#define SCRIPT_MAX 42

struct key {
    uint8_t octets[64];
};

static struct bytes identity_key(struct key *k, const uint8_t pastelid[57])
{
    k->octets[0] = 'i';
    memcpy(k->octets + 1, pastelid, ED448_KEY_SIZE);
    return bytes_of(k->octets, 1 + ED448_KEY_SIZE);
}

bool identity_get(struct state_txn *st, const uint8_t pastelid[57], struct buf *mem,
                  struct identity *out)
{
    struct key k;
    struct reader r;
    if (!state_get(st, identity_key(&k, pastelid), mem))
        return false;
    reader_init(&r, mem->data, mem->len);
    out->height = read_u32(&r);
    out->owner_script = read_var(&r, SCRIPT_MAX);
    out->flags = read_u8(&r);
    return reader_done(&r);
}

bool identity_get_active(struct state_txn *st, const uint8_t pastelid[57],
                         struct buf *mem, struct identity *out, struct reject *rej)
{
    if (!identity_get(st, pastelid, mem, out))
        return reject_suffix(rej, REJECT_TICKET_STATE, "-id-unknown");
    return !(out->flags & IDENTITY_REVOKED) ||
           reject_suffix(rej, REJECT_TICKET_STATE, "-id-revoked");
}

bool identity_check_active(struct state_txn *st, const uint8_t pastelid[57],
                           struct reject *rej)
{
    struct buf mem = {0};
    struct identity id;
    bool ok = identity_get_active(st, pastelid, &mem, &id, rej);
    buf_clear(&mem);
    return ok;
}

void identity_put(struct state_txn *st, const uint8_t pastelid[57],
                  const struct identity *id)
{
    struct key k;
    struct buf value = {0};
    struct sink s = sink_to_buf(&value);
    write_u32(&s, id->height);
    write_var(&s, id->owner_script);
    write_u8(&s, id->flags);
    state_put(st, identity_key(&k, pastelid), buf_view(&value));
    buf_clear(&value);
}

#define BURN_KEY bytes_of("B", 1)

void burn_get(struct state_txn *st, struct burn_totals *out)
{
    struct buf value = {0};
    struct reader r;
    memset(out, 0, sizeof(*out));
    if (state_get(st, BURN_KEY, &value)) {
        reader_init(&r, value.data, value.len);
        out->total = read_u64(&r);
        out->n = read_u8(&r);
        ASSERT(out->n <= BURN_KINDS);
        for (size_t i = 0; i < out->n; i++) {
            out->kinds[i].kind = read_u8(&r);
            out->kinds[i].amount = read_u64(&r);
        }
    }
    buf_clear(&value);
}

static void burn_put(struct state_txn *st, const struct burn_totals *b)
{
    struct buf value = {0};
    struct sink s = sink_to_buf(&value);
    write_u64(&s, b->total);
    write_u8(&s, (uint8_t)b->n);
    for (size_t i = 0; i < b->n; i++) {
        write_u8(&s, b->kinds[i].kind);
        write_u64(&s, b->kinds[i].amount);
    }
    state_put(st, BURN_KEY, buf_view(&value));
    buf_clear(&value);
}

void burn_add(struct state_txn *st, uint8_t kind, struct amount burned)
{
    struct burn_totals b;
    size_t i = 0;
    if (burned.v == 0)
        return;
    burn_get(st, &b);
    while (i < b.n && b.kinds[i].kind < kind)
        i++;
    if (i == b.n || b.kinds[i].kind != kind) {
        ASSERT(b.n < BURN_KINDS);
        memmove(&b.kinds[i + 1], &b.kinds[i], (b.n - i) * sizeof(b.kinds[0]));
        b.kinds[i].kind = kind;
        b.kinds[i].amount = 0;
        b.n++;
    }
    b.kinds[i].amount += (uint64_t)burned.v;
    b.total += (uint64_t)burned.v;
    burn_put(st, &b);
}
