/* The language. Bits are taken from the lowest of each octet on.
 *   RETURN asn      the answer
 *   JUMP offset     takes a bit of the input; when it is set, skips this many bits
 *   MATCH bits      compares with bits of the input; at a difference the default is the
 *                   answer
 *   DEFAULT asn     what is answered from now on when nothing else is
 * A number has a class, in unary, and then as many bits as the class says: each class
 * begins where the one before ends, the first at the kind's least value. */
#include "net/asmap.h"

#include "crypto/sha256.h"

#define NO_NUMBER UINT32_MAX /* the code ended inside it */
#define MAX_DEPTH 128        /* nested jumps: each takes a bit of the input */

enum op {
    OP_RETURN,
    OP_JUMP,
    OP_MATCH,
    OP_DEFAULT,
};

/* Classes of a kind of number: of widths from first to last. The last class needs no
 * bit that ends its unary part. */
struct number {
    uint32_t least;
    uint8_t first, last;
};
static const struct number asn = {1, 15, 24};
static const struct number match = {2, 1, 8};
static const struct number jump = {17, 5, 30};

struct code {
    const uint8_t *data;
    size_t at, end; /* in bits */
};

static struct code code_of(struct bytes map)
{
    return (struct code){map.data, 0, map.len * 8};
}

static bool next_bit(struct code *c)
{
    bool bit = c->data[c->at / 8] >> c->at % 8 & 1;
    c->at++;
    return bit;
}

static uint32_t read_class(struct code *c, uint32_t least, unsigned bits)
{
    uint32_t v = least;
    if (c->end - c->at < bits)
        return NO_NUMBER;
    for (unsigned i = bits; i-- > 0;)
        v += (uint32_t)next_bit(c) << i;
    return v;
}

static uint32_t read_number(struct code *c, const struct number *kind)
{
    uint32_t least = kind->least;
    for (unsigned bits = kind->first; bits < kind->last; bits++) {
        if (c->at == c->end)
            return NO_NUMBER;
        if (!next_bit(c))
            return read_class(c, least, bits);
        least += UINT32_C(1) << bits;
    }
    return read_class(c, least, kind->last);
}

/* Classes of no bit, no bit, and one: 0, 10, 110, 111. */
static uint32_t read_op(struct code *c)
{
    for (uint32_t op = OP_RETURN; op <= OP_JUMP; op++) {
        if (c->at == c->end)
            return NO_NUMBER;
        if (!next_bit(c))
            return op;
    }
    return read_class(c, OP_MATCH, 1);
}

/* A match is written with a leading one, which is no bit of it. */
static unsigned match_length(uint32_t m)
{
    return 31 - (unsigned)__builtin_clz(m);
}

/* -- Running -------------------------------------------------------------- */

struct input {
    const uint8_t *ip;
    unsigned at; /* of 128, from the highest bit on */
};

static bool input_bit(struct input *in)
{
    bool bit = in->ip[in->at / 8] >> (7 - in->at % 8) & 1;
    in->at++;
    return bit;
}

static bool matches(struct input *in, uint32_t m)
{
    for (unsigned i = match_length(m); i-- > 0;)
        if (input_bit(in) != (m >> i & 1))
            return false;
    return true;
}

uint32_t asmap_lookup(struct bytes map, const uint8_t ip[16])
{
    struct code c = code_of(map);
    struct input in = {ip, 0};
    uint32_t fallback = 0;
    for (;;) {
        uint32_t v;
        switch ((enum op)read_op(&c)) {
        case OP_RETURN:
            return read_number(&c, &asn);
        case OP_JUMP:
            v = read_number(&c, &jump);
            if (input_bit(&in))
                c.at += v;
            break;
        case OP_MATCH:
            if (!matches(&in, read_number(&c, &match)))
                return fallback;
            break;
        case OP_DEFAULT:
            fallback = read_number(&c, &asn);
            break;
        }
    }
}

/* -- Checking ------------------------------------------------------------- */

/* Where code goes on that a jump skips to, and how much of the input is left there. */
struct target {
    size_t at;
    unsigned bits;
};

struct check {
    struct code c;
    unsigned bits; /* of the input, not yet taken */
    uint32_t before;
    bool short_match; /* one of fewer than 8 bits, in this row of matches */
    struct target targets[MAX_DEPTH];
    size_t n_targets;
};

static bool inner_target_reached(const struct check *k, size_t at)
{
    return k->n_targets && at >= k->targets[k->n_targets - 1].at;
}

/* Less than an octet of zeros. */
static bool only_padding(struct code *c)
{
    if (c->end - c->at > 7)
        return false;
    while (c->at < c->end)
        if (next_bit(c))
            return false;
    return true;
}

/* The code behind it is what the innermost jump leads to. */
static bool check_return(struct check *k)
{
    if (k->before == OP_DEFAULT || read_number(&k->c, &asn) == NO_NUMBER)
        return false;
    if (!k->n_targets)
        return only_padding(&k->c);
    const struct target *t = &k->targets[--k->n_targets];
    k->bits = t->bits;
    k->before = OP_JUMP;
    return k->c.at == t->at;
}

static bool check_jump(struct check *k)
{
    uint32_t by = read_number(&k->c, &jump);
    if (by == NO_NUMBER || by > k->c.end - k->c.at || !k->bits)
        return false;
    size_t to = k->c.at + by;
    if (inner_target_reached(k, to) || k->n_targets == MAX_DEPTH)
        return false;
    k->bits--;
    k->targets[k->n_targets++] = (struct target){to, k->bits};
    k->before = OP_JUMP;
    return true;
}

static bool check_match(struct check *k)
{
    uint32_t m = read_number(&k->c, &match);
    if (m == NO_NUMBER)
        return false;
    unsigned n = match_length(m);
    if (k->before != OP_MATCH)
        k->short_match = false;
    if (n > k->bits || (n < 8 && k->short_match))
        return false;
    k->short_match = n < 8;
    k->bits -= n;
    k->before = OP_MATCH;
    return true;
}

static bool check_default(struct check *k)
{
    if (k->before == OP_DEFAULT || read_number(&k->c, &asn) == NO_NUMBER)
        return false;
    k->before = OP_DEFAULT;
    return true;
}

bool asmap_valid(struct bytes map, unsigned input_bits)
{
    static bool (*const checks[])(struct check *) = {
        [OP_RETURN] = check_return,
        [OP_JUMP] = check_jump,
        [OP_MATCH] = check_match,
        [OP_DEFAULT] = check_default,
    };
    struct check k = {.c = code_of(map), .bits = input_bits, .before = OP_JUMP};
    while (k.c.at < k.c.end) {
        if (inner_target_reached(&k, k.c.at))
            return false; /* it leads into the middle of an instruction */
        uint32_t op = read_op(&k.c);
        bool last = op == OP_RETURN && !k.n_targets;
        if (op == NO_NUMBER || !checks[op](&k))
            return false;
        if (last)
            return true;
    }
    return false; /* it ends without an answer */
}

void asmap_version(uint8_t out[32], struct bytes map)
{
    struct sha256 h;
    struct code c = code_of(map);
    uint8_t bits[8];
    sha256_init(&h);
    struct sink s = sha256_sink(&h);
    write_varint(&s, c.end);
    while (c.at < c.end) {
        for (size_t i = 0; i < sizeof(bits); i++)
            bits[i] = next_bit(&c);
        write_bytes(&s, bits, sizeof(bits));
    }
    sha256d_final(&h, out);
}
