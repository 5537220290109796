#include "tickets/service.h"

#include "crypto/ed448.h"
#include "tickets/fields.h"
#include "tickets/state_keys.h"
#include "util/reader.h"
#include "util/sink.h"

/* --- the record --- */

struct key {
    uint8_t octets[1 + ED448_KEY_SIZE + 32];
};

static struct bytes request_key(struct key *k, const uint8_t *pastelid,
                                const uint8_t *request)
{
    k->octets[0] = 'r';
    memcpy(k->octets + 1, pastelid, ED448_KEY_SIZE);
    memcpy(k->octets + 1 + ED448_KEY_SIZE, request, 32);
    return bytes_of(k->octets, sizeof(k->octets));
}

bool request_get(struct state_txn *st, const uint8_t pastelid[57],
                 const uint8_t request[32], struct request_record *out)
{
    struct key k;
    struct buf value = {0};
    struct reader r;
    bool found = state_get(st, request_key(&k, pastelid, request), &value);
    if (found) {
        reader_init(&r, value.data, value.len);
        out->kind = read_u8(&r);
        out->txid = read_hash256(&r);
        out->height = read_u32(&r);
        found = reader_done(&r);
    }
    buf_clear(&value);
    return found;
}

static struct bytes request_of(struct key *k, const struct ticket *t)
{
    const struct service_fields *f = t->kind->service;
    return request_key(k, t->v[f->pastelid].raw.data, t->v[f->request].raw.data);
}

void service_apply(const struct ticket *t, const struct ticket_env *env)
{
    struct key k;
    struct buf value = {0};
    struct sink s = sink_to_buf(&value);
    write_u8(&s, t->kind->id);
    write_hash256(&s, &env->tx->txid);
    write_u32(&s, (uint32_t)env->height);
    state_put(env->state, request_of(&k, t), buf_view(&value));
    buf_clear(&value);
}

void service_claims(const struct ticket *t, struct claim_set *out)
{
    struct key k;
    claim(out, "request", request_of(&k, t));
}

/* --- rules --- */

static bool check_request(const struct ticket *t, const struct ticket_env *env,
                          struct reject *rej)
{
    const struct service_fields *f = t->kind->service;
    const uint8_t *pastelid = t->v[f->pastelid].raw.data;
    const struct committee_member *members[PAID_MEMBERS];
    struct request_record used;
    if (!identity_check_active(env->state, pastelid, rej))
        return false;
    if (request_get(env->state, pastelid, t->v[f->request].raw.data, &used))
        return reject_suffix(rej, REJECT_TICKET_STATE, "-request-used");
    return quote_members(members, env->committee, t->v[f->sns].raw.data, rej);
}

static bool check_fees(const struct ticket *t, const struct ticket_env *env,
                       const struct quote *q, struct reject *rej)
{
    const struct service_fields *f = t->kind->service;
    uint64_t max_fee = field_uint(t->v[f->max_fee].raw);
    uint64_t total = q->paid + (uint64_t)env->burn.v;
    if (max_fee > MAX_MONEY || total > MAX_MONEY)
        return reject(rej, REJECT_TICKET_FEE_RANGE, NULL);
    if (q->paid >= max_fee)
        return reject_suffix(rej, REJECT_TICKET_STATE, "-max-fee");
    if (field_uint(t->v[f->effective_fee].raw) != total)
        return reject_suffix(rej, REJECT_TICKET_STATE, "-effective-fee");
    return quote_check_payment(q, env->tx, rej);
}

bool service_check(const struct ticket *t, const struct ticket_env *env,
                   struct reject *rej)
{
    struct quote q;
    if (!check_request(t, env, rej))
        return false;
    if (!t->kind->quote(&q, t, env))
        return reject(rej, REJECT_TICKET_FEE_RANGE, NULL);
    return check_fees(t, env, &q, rej);
}

void service_derive_fee(struct buf *out, const struct ticket *t,
                        const struct ticket_env *env, size_t field UNUSED)
{
    struct quote q;
    uint8_t value[8];
    put_le64(value, t->kind->quote(&q, t, env) ? q.paid + (uint64_t)env->burn.v : 0);
    buf_append(out, value, sizeof(value));
}

struct bytes service_signer(const struct ticket *t, const struct ticket_env *env,
                            size_t field UNUSED, size_t item, uint8_t key[57])
{
    const uint8_t *sns = t->v[t->kind->service->sns].raw.data;
    int rank = committee_rank(env->committee, sns + 32 * item);
    ASSERT(rank >= 0);
    memcpy(key, env->committee->members[rank].pastelid, ED448_KEY_SIZE);
    return bytes_of(key, ED448_KEY_SIZE);
}
