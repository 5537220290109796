#include "chain/store/utxo_file.h"

#include <stdlib.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "crypto/secp.h"
#include "util/mem.h"
#include "util/reader.h"
#include "util/sink.h"

#define MAGIC          "utxo\xff"
#define MAGIC_LEN      5
#define COUNT_OFFSET   43
#define HEADER_LEN     51
#define BUFFER         (256u << 10)
#define MAX_COIN_LEN   (9 + 10 + 10 + 10 + MAX_SCRIPT_SIZE)
#define MAX_ENTRY_LEN  (3 + UTXO_FILE_MAX_KEY + 3 + UTXO_FILE_MAX_VALUE)
#define MAX_NUMBER     0x02000000 /* as bitcoind reads counts */
#define SPECIAL_KINDS  6
#define UNCOMPRESSED   65 /* octets of such a key */
#define MAX_P2PK       (UNCOMPRESSED + 2)
#define OP_PUSH(n)     (n)
#define CHECKSIG_OCTET 0xac

/* -- Scripts -- */

static bool is_p2pkh(struct bytes s)
{
    return s.len == 25 && memcmp(s.data, "\x76\xa9\x14", 3) == 0 &&
           memcmp(s.data + 23, "\x88\xac", 2) == 0;
}

static bool is_p2sh(struct bytes s)
{
    return s.len == 23 && memcmp(s.data, "\xa9\x14", 2) == 0 && s.data[22] == 0x87;
}

static bool is_p2pk(struct bytes s, size_t key_len)
{
    return s.len == key_len + 2 && s.data[0] == OP_PUSH(key_len) &&
           s.data[key_len + 1] == CHECKSIG_OCTET;
}

static bool is_p2pk_short(struct bytes s)
{
    return is_p2pk(s, 33) && (s.data[1] == 2 || s.data[1] == 3);
}

/* Only a point of the curve can be found again from its x. */
static bool is_p2pk_long(struct bytes s)
{
    return is_p2pk(s, UNCOMPRESSED) && s.data[1] == 4 &&
           secp_pubkey_valid(bytes_of(s.data + 1, UNCOMPRESSED));
}

static void write_kind(struct sink *s, uint64_t kind, const uint8_t *body, size_t len)
{
    write_base128(s, kind);
    write_bytes(s, body, len);
}

static void write_script(struct sink *s, struct bytes script)
{
    if (is_p2pkh(script))
        write_kind(s, 0, script.data + 3, 20);
    else if (is_p2sh(script))
        write_kind(s, 1, script.data + 2, 20);
    else if (is_p2pk_short(script))
        write_kind(s, script.data[1], script.data + 2, 32);
    else if (is_p2pk_long(script))
        write_kind(s, 4 | (script.data[UNCOMPRESSED] & 1), script.data + 2, 32);
    else
        write_kind(s, script.len + SPECIAL_KINDS, script.data, script.len);
}

/* head ‖ body ‖ tail */
static struct bytes frame(uint8_t *out, const char *head, size_t head_len,
                          const uint8_t *body, size_t len, const char *tail,
                          size_t tail_len)
{
    memcpy(out, head, head_len);
    memcpy(out + head_len, body, len);
    memcpy(out + head_len + len, tail, tail_len);
    return bytes_of(out, head_len + len + tail_len);
}

static struct bytes p2pk_of(uint8_t *out, const uint8_t *key, size_t len)
{
    out[0] = (uint8_t)OP_PUSH(len);
    memcpy(out + 1, key, len);
    out[len + 1] = CHECKSIG_OCTET;
    return bytes_of(out, len + 2);
}

static struct bytes read_p2pk(struct reader *r, uint64_t kind, const uint8_t *x,
                              uint8_t *out)
{
    uint8_t key[33], full[UNCOMPRESSED];
    size_t len;
    key[0] = (uint8_t)(kind < 4 ? kind : kind - 2);
    memcpy(key + 1, x, 32);
    if (kind < 4)
        return p2pk_of(out, key, sizeof(key));
    if (!secp_pubkey_convert(full, &len, bytes_of(key, sizeof(key)), false)) {
        reader_fail(r);
        return bytes_of(NULL, 0);
    }
    return p2pk_of(out, full, len);
}

static struct bytes read_script(struct reader *r, uint8_t scratch[MAX_P2PK])
{
    uint64_t kind = read_base128(r);
    uint64_t len = kind < 2 ? 20 : kind < SPECIAL_KINDS ? 32 : kind - SPECIAL_KINDS;
    if (len > MAX_SCRIPT_SIZE)
        reader_fail(r);
    const uint8_t *body = r->bad ? NULL : read_bytes(r, (size_t)len);
    if (body == NULL)
        return bytes_of(NULL, 0);
    if (kind == 0)
        return frame(scratch, "\x76\xa9\x14", 3, body, 20, "\x88\xac", 2);
    if (kind == 1)
        return frame(scratch, "\xa9\x14", 2, body, 20, "\x87", 1);
    if (kind < SPECIAL_KINDS)
        return read_p2pk(r, kind, body, scratch);
    return bytes_of(body, (size_t)len);
}

/* -- Writing -- */

struct utxo_writer {
    FILE *f; /* borrowed */
    bool failed;
    uint64_t n_coins;
    /* the transaction whose coins come now */
    struct hash256 txid;
    uint64_t n_outs;
    struct buf outs;
};

static void put(void *ctx, const void *data, size_t len)
{
    struct utxo_writer *w = ctx;
    w->failed = w->failed || fwrite(data, 1, len, w->f) != len;
}

static struct sink sink_of(struct utxo_writer *w)
{
    return sink_to_fn(put, w);
}

struct utxo_writer *utxo_writer_new(FILE *f, const struct utxo_file_header *h)
{
    struct utxo_writer *w = xcalloc(1, sizeof(*w));
    w->f = f;
    struct sink s = sink_of(w);
    write_bytes(&s, MAGIC, MAGIC_LEN);
    write_u16(&s, UTXO_FILE_VERSION);
    write_bytes(&s, h->magic, sizeof(h->magic));
    write_hash256(&s, &h->base);
    write_u64(&s, h->n_coins);
    return w;
}

static void finish_tx(struct utxo_writer *w)
{
    struct sink s = sink_of(w);
    if (w->n_outs > 0) {
        write_hash256(&s, &w->txid);
        write_varint(&s, w->n_outs);
        write_bytes(&s, w->outs.data, w->outs.len);
    }
    w->n_outs = 0;
    buf_reset(&w->outs);
}

void utxo_writer_coin(struct utxo_writer *w, const struct outpoint *o,
                      const struct coin *coin)
{
    if (!hash256_equal(&w->txid, &o->txid))
        finish_tx(w);
    struct sink s = sink_to_buf(&w->outs);
    w->txid = o->txid;
    w->n_outs++;
    w->n_coins++;
    write_varint(&s, o->n);
    write_base128(&s, (uint64_t)coin->height << 1 | coin->coinbase);
    write_base128(&s, amount_compress((uint64_t)coin->value.v));
    write_script(&s, coin->script);
}

void utxo_writer_entry(struct utxo_writer *w, struct bytes key, struct bytes value)
{
    struct sink s = sink_of(w);
    finish_tx(w);
    write_var(&s, key);
    write_var(&s, value);
}

void utxo_writer_end_entries(struct utxo_writer *w)
{
    struct sink s = sink_of(w);
    finish_tx(w);
    write_u8(&s, 0);
}

enum err utxo_writer_finish(struct utxo_writer *take_w, uint64_t *n_coins)
{
    struct utxo_writer *w = take_w;
    struct sink s = sink_of(w);
    finish_tx(w);
    *n_coins = w->n_coins;
    w->failed = w->failed || fseek(w->f, COUNT_OFFSET, SEEK_SET) != 0;
    write_u64(&s, w->n_coins);
    bool ok = !w->failed && fflush(w->f) == 0 && fsync(fileno(w->f)) == 0;
    buf_clear(&w->outs);
    free(w);
    return ok ? ERR_OK : ERR_IO;
}

/* -- Reading -- */

struct utxo_reader {
    FILE *f;         /* borrowed */
    uint8_t *buffer; /* owned, BUFFER octets */
    size_t pos, end;
    uint64_t coins_left, coins_read;
    struct hash256 txid;
    uint64_t outs_left; /* of this transaction */
    uint8_t scratch[MAX_P2PK];
};

struct utxo_reader *utxo_reader_new(FILE *f)
{
    struct utxo_reader *r = xcalloc(1, sizeof(*r));
    r->f = f;
    r->buffer = xmalloc(BUFFER);
    return r;
}

void utxo_reader_free(struct utxo_reader *r)
{
    if (r == NULL)
        return;
    free(r->buffer);
    free(r);
}

/* What comes next: at least @most octets of it, or all that is left. */
static struct reader window(struct utxo_reader *r, size_t most)
{
    struct reader out;
    if (r->end - r->pos < most) {
        memmove(r->buffer, r->buffer + r->pos, r->end - r->pos);
        r->end -= r->pos;
        r->pos = 0;
        r->end += fread(r->buffer + r->end, 1, BUFFER - r->end, r->f);
    }
    reader_init(&out, r->buffer + r->pos, r->end - r->pos);
    return out;
}

/* False: malformed. */
static bool took(struct utxo_reader *r, const struct reader *in)
{
    r->pos = r->end - reader_left(in);
    return !in->bad;
}

const char *utxo_reader_header(struct utxo_reader *r, struct utxo_file_header *h,
                               uint16_t *version)
{
    struct reader in = window(r, HEADER_LEN);
    const uint8_t *magic = read_bytes(&in, MAGIC_LEN);
    if (magic == NULL || memcmp(magic, MAGIC, MAGIC_LEN) != 0)
        return "Invalid UTXO set snapshot magic bytes. Please check if this is indeed "
               "a snapshot file or if you are using an outdated snapshot format.";
    *version = read_u16(&in);
    if (!in.bad && *version != UTXO_FILE_VERSION)
        return "does not match any of the supported versions";
    *version = 0;
    read_copy(&in, h->magic, sizeof(h->magic));
    h->base = read_hash256(&in);
    h->n_coins = read_u64(&in);
    r->coins_left = h->n_coins;
    return took(r, &in) ? NULL : "The file ends within its header";
}

/* The head of the next transaction that has coins. */
static enum utxo_read next_tx(struct utxo_reader *r)
{
    while (r->outs_left == 0) {
        struct reader in = window(r, sizeof(r->txid) + 9);
        r->txid = read_hash256(&in);
        r->outs_left = read_varint(&in, MAX_NUMBER);
        if (!took(r, &in))
            return UTXO_READ_MALFORMED;
        if (r->outs_left > r->coins_left)
            return UTXO_READ_TOO_MANY;
    }
    return UTXO_READ_OK;
}

enum utxo_read utxo_reader_coin(struct utxo_reader *r, uint32_t max_height,
                                struct outpoint *o, struct coin *coin)
{
    if (r->coins_left == 0)
        return UTXO_READ_END;
    enum utxo_read status = next_tx(r);
    if (status != UTXO_READ_OK)
        return status;
    struct reader in = window(r, MAX_COIN_LEN);
    uint64_t n = read_varint(&in, MAX_NUMBER), code = read_base128(&in);
    uint64_t value = amount_decompress(read_base128(&in));
    struct bytes script = read_script(&in, r->scratch);
    if (code > UINT32_MAX)
        reader_fail(&in);
    if (!took(r, &in))
        return UTXO_READ_MALFORMED;
    if (code >> 1 > max_height)
        return UTXO_READ_BAD_COIN;
    if (value > MAX_MONEY)
        return UTXO_READ_BAD_VALUE;
    *o = (struct outpoint){.txid = r->txid, .n = (uint32_t)n};
    *coin = (struct coin){.value = amount_of((int64_t)value),
                          .height = (uint32_t)(code >> 1),
                          .coinbase = code & 1,
                          .script = script};
    r->outs_left--;
    r->coins_left--;
    r->coins_read++;
    return UTXO_READ_OK;
}

uint64_t utxo_reader_coins_read(const struct utxo_reader *r)
{
    return r->coins_read;
}

enum utxo_read utxo_reader_entry(struct utxo_reader *r, struct bytes *key,
                                 struct bytes *value)
{
    struct reader in = window(r, MAX_ENTRY_LEN);
    *key = read_var(&in, UTXO_FILE_MAX_KEY);
    bool end = !in.bad && key->len == 0;
    if (!end)
        *value = read_var(&in, UTXO_FILE_MAX_VALUE);
    if (!took(r, &in))
        return UTXO_READ_MALFORMED;
    return end ? UTXO_READ_END : UTXO_READ_OK;
}

bool utxo_reader_at_end(struct utxo_reader *r)
{
    struct reader in = window(r, 1);
    return reader_left(&in) == 0;
}
