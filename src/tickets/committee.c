#include "tickets/committee.h"

#include "crypto/ed448.h"
#include "tickets/fee.h"
#include "tickets/lists.h"

#define SCRIPT_MAX 42

struct committee_key {
    uint8_t octets[5];
};

static struct bytes key_of(struct committee_key *k, uint32_t height)
{
    k->octets[0] = 't';
    put_be32(k->octets + 1, height);
    return bytes_of(k->octets, sizeof(k->octets));
}

static void read_member(struct reader *r, struct committee_member *m)
{
    m->sn = read_hash256(r);
    read_copy(r, m->pastelid, sizeof(m->pastelid));
    read_copy(r, m->operator_key, sizeof(m->operator_key));
    m->payout_script = read_var(r, SCRIPT_MAX);
    m->storage_fee = read_u64(r);
    m->sense_fee = read_u64(r);
}

bool committee_get(struct state_txn *st, uint32_t height, struct committee *out)
{
    struct committee_key k;
    struct reader r;
    if (!state_get(st, key_of(&k, height), &out->mem))
        return false;
    reader_init(&r, out->mem.data, out->mem.len);
    out->height = height;
    out->block = read_hash256(&r);
    out->n = read_u8(&r);
    ASSERT(out->n <= COMMITTEE_SIZE);
    for (size_t i = 0; i < out->n; i++)
        read_member(&r, &out->members[i]);
    return reader_done(&r);
}

void committee_put(struct state_txn *st, const struct committee *c)
{
    struct committee_key k;
    struct buf value = {0};
    struct sink s = sink_to_buf(&value);
    write_hash256(&s, &c->block);
    write_u8(&s, (uint8_t)c->n);
    for (size_t i = 0; i < c->n; i++) {
        const struct committee_member *m = &c->members[i];
        write_hash256(&s, &m->sn);
        write_bytes(&s, m->pastelid, sizeof(m->pastelid));
        write_bytes(&s, m->operator_key, sizeof(m->operator_key));
        write_var(&s, m->payout_script);
        write_u64(&s, m->storage_fee);
        write_u64(&s, m->sense_fee);
    }
    state_put(st, key_of(&k, c->height), buf_view(&value));
    buf_clear(&value);
}

void committee_del(struct state_txn *st, uint32_t height)
{
    struct committee_key k;
    struct bytes key = key_of(&k, height);
    if (state_get(st, key, NULL))
        state_del(st, key);
}

void committee_clear(struct committee *c)
{
    buf_clear(&c->mem);
    c->n = 0;
}

static const char *fault_of(struct committee *out, struct bytes ref,
                            struct state_txn *st, const struct chain_params *params,
                            int64_t height)
{
    uint32_t h = get_le32(ref.data);
    if (h < params->tickets_height || h + INT64_C(0) < height - COMMITTEE_WINDOW ||
        h + INT64_C(0) > height - 1)
        return "its height is out of the window";
    if (!committee_get(st, h, out) || memcmp(out->block.b, ref.data + 4, 32) != 0)
        return "no block of this chain";
    if (out->n < params->sn.min_committee)
        return "it has too few members";
    return NULL;
}

bool committee_find(struct committee *out, struct bytes ref, struct state_txn *st,
                    const struct chain_params *params, int32_t height,
                    struct reject *rej)
{
    const char *fault = fault_of(out, ref, st, params, height);
    return fault == NULL || reject(rej, REJECT_TICKET_COMMITTEE, fault);
}

int committee_rank(const struct committee *c, const uint8_t sn[32])
{
    for (size_t i = 0; i < c->n; i++)
        if (memcmp(c->members[i].sn.b, sn, 32) == 0)
            return (int)i;
    return -1;
}

uint64_t committee_median_storage_fee(const struct committee *c)
{
    uint64_t fees[COMMITTEE_SIZE];
    for (size_t i = 0; i < c->n; i++)
        fees[i] = c->members[i].storage_fee;
    return fee_lower_median(fees, c->n);
}

uint64_t committee_median_sense_fee(const struct committee *c)
{
    uint64_t fees[COMMITTEE_SIZE];
    for (size_t i = 0; i < c->n; i++)
        fees[i] = c->members[i].sense_fee;
    return fee_lower_median(fees, c->n);
}

size_t quorum_least(const struct committee *c)
{
    return (2 * c->n + 2) / 3;
}

size_t quorum_least_penalty(const struct committee *c)
{
    return (4 * c->n + 4) / 5;
}

bool quorum_check(struct bytes raw, const struct committee *c, size_t least,
                  struct reject *rej)
{
    struct quorum_entry e[QUORUM_MAX];
    size_t n = quorum_entries(e, raw);
    if (n < least || n > c->n)
        return reject_detail(rej, REJECT_TICKET_QUORUM, "%zu signatures of %zu to %zu",
                             n, least, c->n);
    for (size_t i = 0; i < n; i++)
        if (e[i].rank >= c->n || (i > 0 && e[i].rank <= e[i - 1].rank))
            return reject(rej, REJECT_TICKET_QUORUM, "ranks do not rise, or are none");
    return true;
}
