#include "tickets/tokens.h"

#include "chain/prim/coin.h"
#include "util/reader.h"
#include "util/sink.h"

struct key {
    uint8_t octets[40];
};

static struct bytes token_key(struct key *k, const struct hash256 *id)
{
    k->octets[0] = 'n';
    memcpy(k->octets + 1, id->b, 32);
    return bytes_of(k->octets, 33);
}

static struct bytes anchor_key(struct key *k, const struct outpoint *anchor)
{
    k->octets[0] = 'a';
    memcpy(k->octets + 1, anchor->txid.b, 32);
    put_le32(k->octets + 33, anchor->n);
    return bytes_of(k->octets, 37);
}

static struct bytes btns_key(struct key *k, struct bytes key)
{
    ASSERT(key.len == BTNS_KEY_SIZE);
    k->octets[0] = 'b';
    memcpy(k->octets + 1, key.data, key.len);
    return bytes_of(k->octets, 1 + BTNS_KEY_SIZE);
}

/* --- records --- */

bool token_read(struct token *out, struct bytes value)
{
    struct reader r;
    reader_init(&r, value.data, value.len);
    out->anchor = outpoint_read(&r);
    out->name = read_var(&r, TOKEN_NAME_MAX);
    out->quota = read_u64(&r);
    out->btns_key = read_var(&r, BTNS_KEY_SIZE);
    out->meta_cid = read_var(&r, TOKEN_CID_MAX);
    out->minted = read_u32(&r);
    out->last_sync = read_u32(&r);
    out->sequence = read_u64(&r);
    out->used = read_u64(&r);
    out->cid = read_var(&r, TOKEN_CID_MAX);
    return reader_done(&r);
}

bool token_get(struct state_txn *st, const struct hash256 *id, struct buf *mem,
               struct token *out)
{
    struct key k;
    return state_get(st, token_key(&k, id), mem) && token_read(out, buf_view(mem));
}

void token_update(struct state_txn *st, const struct hash256 *id, const struct token *t)
{
    struct key k;
    struct buf value = {0};
    struct sink s = sink_to_buf(&value);
    outpoint_write(&s, &t->anchor);
    write_var(&s, t->name);
    write_u64(&s, t->quota);
    write_var(&s, t->btns_key);
    write_var(&s, t->meta_cid);
    write_u32(&s, t->minted);
    write_u32(&s, t->last_sync);
    write_u64(&s, t->sequence);
    write_u64(&s, t->used);
    write_var(&s, t->cid);
    state_put(st, token_key(&k, id), buf_view(&value));
    buf_clear(&value);
}

static bool read_id(struct state_txn *st, struct bytes key, struct hash256 *id)
{
    struct buf value = {0};
    bool found = state_get(st, key, &value) && value.len == 32;
    if (found)
        memcpy(id->b, value.data, 32);
    buf_clear(&value);
    return found;
}

bool token_at(struct state_txn *st, const struct outpoint *anchor, struct hash256 *id)
{
    struct key k;
    return read_id(st, anchor_key(&k, anchor), id);
}

bool token_of_key(struct state_txn *st, struct bytes key, struct hash256 *id)
{
    struct key k;
    return read_id(st, btns_key(&k, key), id);
}

bool token_check_spent(struct state_txn *st, const struct tx *tx,
                       const struct hash256 *id, struct reject *rej)
{
    struct buf mem = {0};
    struct token t;
    const char *why = NULL;
    if (!token_get(st, id, &mem, &t))
        why = "-token-unknown";
    else if (!hash256_equal(&t.anchor.txid, &tx->txid))
        why = "-token-not-spent";
    buf_clear(&mem);
    return why != NULL ? reject_suffix(rej, REJECT_TICKET_STATE, "%s", why) : true;
}

static void put_anchor(struct rule_env *env, const struct outpoint *anchor,
                       const struct hash256 *id)
{
    struct key k;
    state_put(env->state, anchor_key(&k, anchor), bytes_of(id->b, 32));
    rule_env_mark(env, anchor, COIN_MARK_ANCHOR);
}

static void put_key(struct state_txn *st, struct bytes key, const struct hash256 *id)
{
    struct key k;
    if (key.len > 0)
        state_put(st, btns_key(&k, key), bytes_of(id->b, 32));
}

static void del_key(struct state_txn *st, struct bytes key)
{
    struct key k;
    if (key.len > 0)
        state_del(st, btns_key(&k, key));
}

void token_mint(struct rule_env *env, const struct hash256 *id, const struct token *t)
{
    token_update(env->state, id, t);
    put_anchor(env, &t->anchor, id);
    put_key(env->state, t->btns_key, id);
}

void token_set_key(struct state_txn *st, const struct hash256 *id, struct bytes key)
{
    struct buf mem = {0};
    struct token t;
    if (token_get(st, id, &mem, &t)) {
        del_key(st, t.btns_key);
        t.btns_key = key;
        t.sequence = 0;
        t.cid = bytes_of(NULL, 0);
        token_update(st, id, &t);
        put_key(st, key, id);
    }
    buf_clear(&mem);
}

/* --- moves --- */

bool token_output_ok(const struct tx *tx, uint32_t n)
{
    return n < tx->n_out && !script_is_unspendable(tx->out[n].script);
}

static void put_token_on(struct rule_env *env, const struct hash256 *id,
                         struct token *t, const struct outpoint *anchor)
{
    t->anchor = *anchor;
    token_update(env->state, id, t);
    put_anchor(env, anchor, id);
}

static void end_token(struct rule_env *env, const struct hash256 *id,
                      const struct token *t)
{
    struct key k;
    state_del(env->state, token_key(&k, id));
    del_key(env->state, t->btns_key);
}

/* The token leaves the coin for the first free output from `out->n` on. */
static void move_token(struct rule_env *env, const struct tx *tx,
                       const struct outpoint *from, const struct hash256 *id,
                       struct outpoint *out)
{
    struct key k;
    struct buf mem = {0};
    struct token t;
    bool found = token_get(env->state, id, &mem, &t);
    ASSERT(found || state_error(state_of(env->state)) != ERR_OK);
    state_del(env->state, anchor_key(&k, from));
    while (out->n < tx->n_out && !token_output_ok(tx, out->n))
        out->n++;
    if (found && out->n < tx->n_out)
        put_token_on(env, id, &t, out);
    else if (found)
        end_token(env, id, &t);
    out->n++;
    buf_clear(&mem);
}

void tokens_move(struct rule_env *env, const struct tx *tx,
                 const struct coin *const *spent)
{
    struct outpoint to = {.txid = tx->txid};
    struct hash256 id;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct outpoint *from = &tx->in[i].prevout;
        if (rule_env_marked(env, from, spent[i], COIN_MARK_ANCHOR) &&
            token_at(env->state, from, &id))
            move_token(env, tx, from, &id, &to);
    }
}
