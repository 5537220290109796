/* getutxos (BIP 64): which outputs are unspent. Asked for in the path, or, in the
 * binary formats, by a body { u8 check mempool, varint n, n outpoints }.
 *
 * The answer: u32 height and hash of the tip, a bitmap (bit i of octet i/8: outpoint i
 * is unspent) as var, varint n, and for each unspent one u32 0, u32 height, output. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/params/params.h"
#include "rpc/cmd_blockchain.h"
#include "rpc/json_tx.h"
#include "rpc/rest_impl.h"
#include "util/hex.h"

#define MAX_OUTPOINTS  15
#define MEMPOOL_HEIGHT 0x7fffffffu

struct question {
    bool check_mempool;
    struct outpoint asked[MAX_OUTPOINTS];
    size_t n; /* also more than there is room for */
};

struct reply {
    struct found_coin coin[MAX_OUTPOINTS];
    bool unspent[MAX_OUTPOINTS];
    uint64_t n_unspent;
    struct hash256 tip;
    int32_t height;
};

static bool read_outpoint(struct outpoint *out, const char *text)
{
    char hex[65];
    char *end;
    if (strlen(text) < 66 || text[64] != '-' || !isdigit((unsigned char)text[65]))
        return false;
    snprintf(hex, sizeof(hex), "%.64s", text);
    unsigned long long n = strtoull(text + 65, &end, 10);
    out->n = (uint32_t)n;
    return *end == 0 && n <= UINT32_MAX && hash256_from_hex(&out->txid, hex);
}

/* "/checkmempool/<txid>-<n>/<txid>-<n>..." */
static bool read_path(struct rest *r, struct question *q)
{
    char *save = NULL, *word = strtok_r(r->param, "/", &save);
    if (word && strcmp(word, "checkmempool") == 0) {
        q->check_mempool = true;
        word = strtok_r(NULL, "/", &save);
    }
    for (; word; word = strtok_r(NULL, "/", &save)) {
        struct outpoint o;
        if (!read_outpoint(&o, word))
            return false;
        if (q->n < MAX_OUTPOINTS)
            q->asked[q->n] = o;
        q->n++;
    }
    return true;
}

static bool read_body(struct question *q, struct bytes body)
{
    struct reader rd;
    reader_init(&rd, body.data, body.len);
    q->check_mempool = read_u8(&rd) != 0;
    q->n = (size_t)read_varint(&rd, UINT32_MAX);
    for (size_t i = 0; i < q->n && i < MAX_OUTPOINTS; i++)
        q->asked[i] = outpoint_read(&rd);
    return q->n > MAX_OUTPOINTS || reader_done(&rd);
}

/* The octets of a body in hex. False: no hex. */
static bool body_octets(struct rest *r, struct buf *out)
{
    struct bytes body = http_body(r->rq);
    if (r->format == REST_HEX)
        return hex_decode(out, (const char *)body.data, body.len);
    buf_append(out, body.data, body.len);
    return true;
}

static bool read_question(struct rest *r, struct question *q)
{
    struct buf body = {0};
    bool from_path = r->param[0] != 0, from_body = http_body(r->rq).len > 0;
    const char *why = NULL;
    if (!read_path(r, q))
        why = "Parse error";
    else if (from_body && r->format != REST_JSON && from_path)
        why = "Combination of URI scheme inputs and raw post data is not allowed";
    else if (from_body && r->format != REST_JSON &&
             (!body_octets(r, &body) || !read_body(q, buf_view(&body))))
        why = "Parse error";
    else if (q->n == 0)
        why = "Error: empty request";
    buf_clear(&body);
    if (why)
        rest_refuse(r, 400, "%s", why);
    else if (q->n > MAX_OUTPOINTS)
        rest_refuse(r, 400, "Error: max outpoints exceeded (max: %d, tried: %zu)",
                    MAX_OUTPOINTS, q->n);
    return !why && q->n <= MAX_OUTPOINTS;
}

static void find_all(struct rest *r, const struct question *q, struct reply *a)
{
    for (size_t i = 0; i < q->n; i++) {
        struct found_coin *f = &a->coin[i];
        a->unspent[i] = utxo_find(r->node, r->mem, &q->asked[i], q->check_mempool, f);
        a->n_unspent += a->unspent[i];
        if (f->in_mempool)
            f->coin.height = MEMPOOL_HEIGHT;
        a->tip = f->best;
        a->height = f->tip_height;
    }
}

static void reply_octets(struct rest *r, const struct question *q,
                         const struct reply *a)
{
    uint8_t bitmap[(MAX_OUTPOINTS + 7) / 8] = {0};
    struct buf out = {0};
    struct sink s = sink_to_buf(&out);
    for (size_t i = 0; i < q->n; i++)
        bitmap[i / 8] |= (uint8_t)(a->unspent[i] << (i % 8));
    write_u32(&s, (uint32_t)a->height);
    write_hash256(&s, &a->tip);
    write_var(&s, bytes_of(bitmap, (q->n + 7) / 8));
    write_varint(&s, a->n_unspent);
    for (size_t i = 0; i < q->n; i++) {
        const struct coin *coin = &a->coin[i].coin;
        if (!a->unspent[i])
            continue;
        write_u32(&s, 0);
        write_u32(&s, coin->height);
        write_u64(&s, (uint64_t)coin->value.v);
        write_var(&s, coin->script);
    }
    rest_reply_octets(r, buf_view(&out));
    buf_clear(&out);
}

static void reply_json(struct rest *r, const struct question *q, const struct reply *a)
{
    const struct chain_params *p = r->node->params;
    char bits[MAX_OUTPOINTS + 1] = {0};
    struct buf out = {0};
    struct json_writer w;
    for (size_t i = 0; i < q->n; i++)
        bits[i] = a->unspent[i] ? '1' : '0';
    json_writer_init(&w, &out, 0);
    json_begin_object(&w);
    json_kv_int(&w, "chainHeight", a->height);
    json_kv_hash(&w, "chaintipHash", &a->tip);
    json_kv_str(&w, "bitmap", bits);
    json_key(&w, "utxos");
    json_begin_array(&w);
    for (size_t i = 0; i < q->n; i++) {
        if (!a->unspent[i])
            continue;
        json_begin_object(&w);
        json_kv_uint(&w, "height", a->coin[i].coin.height);
        json_kv_amount(&w, "value", a->coin[i].coin.value, p->decimals);
        json_key(&w, "scriptPubKey");
        json_script(&w, p, a->coin[i].coin.script, true, true);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    rest_reply_json(r, &out);
}

void rest_getutxos(struct rest *r)
{
    struct question q = {0};
    if (!read_question(r, &q))
        return;
    struct reply *a = arena_alloc(r->mem, sizeof(*a));
    memset(a, 0, sizeof(*a));
    find_all(r, &q, a);
    if (r->format == REST_JSON)
        reply_json(r, &q, a);
    else
        reply_octets(r, &q, a);
}
