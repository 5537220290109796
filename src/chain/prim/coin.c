#include "chain/prim/coin.h"

/* Scripts that are a frame around one hash or key: what stands before and after it. */
struct script_frame {
    uint8_t head[3], tail[2];
    uint8_t head_len, body_len, tail_len;
};

static const struct script_frame frames[] = {
    {{0x76, 0xa9, 0x14}, {0x88, 0xac}, 3, 20, 2}, /* P2PKH */
    {{0xa9, 0x14}, {0x87}, 2, 20, 1},             /* P2SH */
    {{0x00, 0x14}, {0}, 2, 20, 0},                /* P2WPKH */
    {{0x00, 0x20}, {0}, 2, 32, 0},                /* P2WSH */
    {{0x51, 0x20}, {0}, 2, 32, 0},                /* P2TR */
    {{0x21, 0x02}, {0xac}, 2, 32, 1},             /* P2PK, even key */
    {{0x21, 0x03}, {0xac}, 2, 32, 1},             /* P2PK, odd key */
};

#define N_FRAMES ARRAY_LEN(frames)

static bool frame_fits(const struct script_frame *f, struct bytes script)
{
    size_t body_end = (size_t)f->head_len + f->body_len;
    return script.len == body_end + f->tail_len &&
           memcmp(script.data, f->head, f->head_len) == 0 &&
           memcmp(script.data + body_end, f->tail, f->tail_len) == 0;
}

static void script_write(struct sink *s, struct bytes script)
{
    for (size_t i = 0; i < N_FRAMES; i++) {
        if (frame_fits(&frames[i], script)) {
            write_base128(s, i);
            write_bytes(s, script.data + frames[i].head_len, frames[i].body_len);
            return;
        }
    }
    write_base128(s, script.len + N_FRAMES);
    write_bytes(s, script.data, script.len);
}

static struct bytes script_rebuild(const struct script_frame *f, const uint8_t *body,
                                   uint8_t scratch[COIN_SCRATCH])
{
    uint8_t *p = scratch;
    memcpy(p, f->head, f->head_len);
    p += f->head_len;
    memcpy(p, body, f->body_len);
    p += f->body_len;
    memcpy(p, f->tail, f->tail_len);
    p += f->tail_len;
    return bytes_of(scratch, (size_t)(p - scratch));
}

static struct bytes script_read(struct reader *r, uint8_t scratch[COIN_SCRATCH])
{
    uint64_t kind = read_base128(r);
    uint64_t len = kind < N_FRAMES ? frames[kind].body_len : kind - N_FRAMES;
    if (len > reader_left(r))
        reader_fail(r);
    if (r->bad)
        return bytes_of(NULL, 0);
    const uint8_t *body = read_bytes(r, (size_t)len);
    if (kind < N_FRAMES)
        return script_rebuild(&frames[kind], body, scratch);
    return bytes_of(body, (size_t)len);
}

uint64_t amount_compress(uint64_t v)
{
    if (v == 0)
        return 0;
    unsigned exp = 0;
    for (; exp < 9 && v % 10 == 0; exp++)
        v /= 10;
    if (exp == 9)
        return 1 + (v - 1) * 10 + 9;
    return 1 + (v / 10 * 9 + v % 10 - 1) * 10 + exp;
}

uint64_t amount_decompress(uint64_t v)
{
    if (v == 0)
        return 0;
    v--;
    unsigned exp = v % 10;
    v /= 10;
    uint64_t n = exp == 9 ? v + 1 : v / 9 * 10 + v % 9 + 1;
    while (exp-- > 0)
        n *= 10;
    return n;
}

void coin_write(struct sink *s, const struct coin *c)
{
    write_base128(s, (uint64_t)c->height << 3 | (uint64_t)c->marks << 1 | c->coinbase);
    write_base128(s, amount_compress((uint64_t)c->value.v));
    script_write(s, c->script);
}

bool coin_read(struct coin *c, struct reader *r, uint8_t scratch[COIN_SCRATCH])
{
    uint64_t code = read_base128(r);
    uint64_t value = amount_decompress(read_base128(r));
    c->script = script_read(r, scratch);
    c->value.v = (int64_t)value;
    c->height = (uint32_t)(code >> 3);
    c->marks = code >> 1 & COIN_MARKS;
    c->coinbase = code & 1;
    return !r->bad && code >> 3 < INT32_MAX && value >> COIN_VALUE_BITS == 0;
}
