#include "tickets/supernode.h"

#define SCRIPT_MAX     42
#define PENALTY_BLOCKS 12 /* after which one point of penalty is forgiven */

struct name_key {
    uint8_t octets[64];
};

static struct bytes key_of(struct name_key *k, char prefix, const void *name,
                           size_t len)
{
    k->octets[0] = (uint8_t)prefix;
    memcpy(k->octets + 1, name, len);
    return bytes_of(k->octets, 1 + len);
}

static void put_name(struct state_txn *st, char prefix, struct bytes name,
                     const struct hash256 *sn)
{
    struct name_key k;
    state_put(st, key_of(&k, prefix, name.data, name.len), bytes_of(sn->b, 32));
}

static void del_name(struct state_txn *st, char prefix, struct bytes name)
{
    struct name_key k;
    state_del(st, key_of(&k, prefix, name.data, name.len));
}

/* --- records --- */

bool supernode_read(struct supernode *out, const uint8_t sn[32], struct bytes value)
{
    struct reader r;
    reader_init(&r, value.data, value.len);
    memcpy(out->sn.b, sn, 32);
    read_copy(&r, out->pastelid, sizeof(out->pastelid));
    read_copy(&r, out->collateral, sizeof(out->collateral));
    read_copy(&r, out->operator_key, sizeof(out->operator_key));
    out->payout_script = read_var(&r, SCRIPT_MAX);
    out->endpoint = sn_endpoint_read(&r);
    out->storage_fee = read_u64(&r);
    out->sense_fee = read_u64(&r);
    out->registered = read_u32(&r);
    out->last_paid = read_u32(&r);
    out->queued = read_u32(&r);
    out->penalty = read_u16(&r);
    out->penalty_height = read_u32(&r);
    out->penalty_H = read_u32(&r);
    out->banned = read_u8(&r);
    return reader_done(&r);
}

static void write_record(struct sink *w, const struct supernode *s)
{
    write_bytes(w, s->pastelid, sizeof(s->pastelid));
    write_bytes(w, s->collateral, sizeof(s->collateral));
    write_bytes(w, s->operator_key, sizeof(s->operator_key));
    write_var(w, s->payout_script);
    write_bytes(w, s->endpoint.data, s->endpoint.len);
    write_u64(w, s->storage_fee);
    write_u64(w, s->sense_fee);
    write_u32(w, s->registered);
    write_u32(w, s->last_paid);
    write_u32(w, s->queued);
    write_u16(w, s->penalty);
    write_u32(w, s->penalty_height);
    write_u32(w, s->penalty_H);
    write_u8(w, s->banned);
}

bool supernode_get(struct state_txn *st, const uint8_t sn[32], struct supernode *out)
{
    struct name_key k;
    return state_get(st, key_of(&k, SUPERNODE_PREFIX, sn, 32), &out->mem) &&
           supernode_read(out, sn, buf_view(&out->mem));
}

void supernode_put(struct state_txn *st, const struct supernode *s)
{
    struct name_key k;
    struct buf value = {0};
    struct sink w = sink_to_buf(&value);
    write_record(&w, s);
    state_put(st, key_of(&k, SUPERNODE_PREFIX, s->sn.b, 32), buf_view(&value));
    buf_clear(&value);
}

void supernode_add(struct state_txn *st, const struct supernode *s)
{
    supernode_put(st, s);
    put_name(st, 'c', bytes_of(s->collateral, sizeof(s->collateral)), &s->sn);
    put_name(st, 'o', bytes_of(s->pastelid, sizeof(s->pastelid)), &s->sn);
    put_name(st, 'k', bytes_of(s->operator_key, sizeof(s->operator_key)), &s->sn);
    put_name(st, 'e', s->endpoint, &s->sn);
}

void supernode_remove(struct state_txn *st, const struct supernode *s)
{
    struct name_key k;
    state_del(st, key_of(&k, SUPERNODE_PREFIX, s->sn.b, 32));
    del_name(st, 'c', bytes_of(s->collateral, sizeof(s->collateral)));
    del_name(st, 'o', bytes_of(s->pastelid, sizeof(s->pastelid)));
    del_name(st, 'k', bytes_of(s->operator_key, sizeof(s->operator_key)));
    del_name(st, 'e', s->endpoint);
}

void supernode_clear(struct supernode *s)
{
    buf_clear(&s->mem);
}

bool supernode_by(struct state_txn *st, char name, struct bytes value,
                  struct hash256 *sn)
{
    struct name_key k;
    struct buf mem = {0};
    bool found = state_get(st, key_of(&k, name, value.data, value.len), &mem) &&
                 mem.len == sizeof(sn->b);
    if (found)
        memcpy(sn->b, mem.data, sizeof(sn->b));
    buf_clear(&mem);
    return found;
}

struct outpoint supernode_collateral(const struct supernode *s)
{
    struct outpoint o;
    memcpy(o.txid.b, s->collateral, 32);
    o.n = get_le32(s->collateral + 32);
    return o;
}

static void leave(struct state_txn *st, char name, struct bytes value)
{
    struct hash256 sn;
    struct supernode s = {.banned = 0};
    if (supernode_by(st, name, value, &sn) && supernode_get(st, sn.b, &s))
        supernode_remove(st, &s);
    supernode_clear(&s);
}

void supernode_collateral_spent(struct state_txn *st, const struct outpoint *o)
{
    uint8_t octets[36];
    memcpy(octets, o->txid.b, 32);
    put_le32(octets + 32, o->n);
    leave(st, 'c', bytes_of(octets, sizeof(octets)));
}

void supernode_pastelid_revoked(struct state_txn *st, struct bytes pastelid)
{
    leave(st, 'o', pastelid);
}

/* --- rules about one record --- */

bool supernode_active(const struct supernode *s, uint32_t height,
                      uint32_t activation_depth)
{
    return !s->banned && height >= s->registered &&
           height - s->registered >= activation_depth;
}

uint32_t supernode_turn(const struct supernode *s)
{
    uint32_t turn = s->last_paid > s->registered ? s->last_paid : s->registered;
    return s->queued > turn ? s->queued : turn;
}

uint32_t supernode_penalty_at(const struct supernode *s, uint32_t height)
{
    uint32_t forgiven = (height - s->penalty_height) / PENALTY_BLOCKS;
    return s->penalty > forgiven ? s->penalty - forgiven : 0;
}

#define LAST_BAN_KEY bytes_of("x", 1)

bool last_ban_get(struct state_txn *st, uint32_t *height)
{
    struct buf mem = {0};
    bool found = state_get(st, LAST_BAN_KEY, &mem) && mem.len == 4;
    if (found)
        *height = get_le32(mem.data);
    buf_clear(&mem);
    return found;
}

void last_ban_put(struct state_txn *st, uint32_t height)
{
    uint8_t value[4];
    put_le32(value, height);
    state_put(st, LAST_BAN_KEY, bytes_of(value, sizeof(value)));
}
