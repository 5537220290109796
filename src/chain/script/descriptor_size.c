#include "chain/script/descriptor_impl.h"
#include "util/sink.h"

#define CONTROL_BASE  33 /* of a control block: version and internal key */
#define CONTROL_STEP  32 /* for each step up to the root */
#define WITNESS_SCALE 4
#define SCHNORR_SIZE  65 /* with a hash type byte */

/* A length or a count in front of @n bytes or items. */
static int64_t with_length(int64_t n)
{
    return (int64_t)varint_size((uint64_t)n) + n;
}

/* What satisfies a script, each item with its length: in bytes. */
struct satisfaction {
    int64_t size, items;
};

static int64_t ecdsa_size(unsigned flags)
{
    return flags & SPEND_LOW_R ? 71 : 72;
}

static struct satisfaction key_hash_satisfaction(const struct descriptor *d,
                                                 unsigned flags)
{
    int64_t key = (int64_t)key_expr_size(&d->keys[0]);
    return (struct satisfaction){1 + ecdsa_size(flags) + 1 + key, 2};
}

/* Of the script that @d describes, before it is wrapped. */
static bool satisfaction_of(const struct descriptor *d, unsigned flags,
                            struct satisfaction *out)
{
    int64_t t = d->threshold, n = (int64_t)d->n_keys;
    switch (d->kind) {
    case DESC_PK:
        out->size = 1 + (d->in_tr ? SCHNORR_SIZE : ecdsa_size(flags));
        out->items = 1;
        return true;
    case DESC_PKH:
    case DESC_WPKH:
        *out = key_hash_satisfaction(d, flags);
        return true;
    case DESC_MULTI:
        *out = (struct satisfaction){1 + (1 + ecdsa_size(flags)) * t, 1 + t};
        return true;
    case DESC_MULTI_A:
        *out = (struct satisfaction){(1 + SCHNORR_SIZE) * t + n - t, n};
        return true;
    case DESC_TR:
    case DESC_RAWTR:
        *out = (struct satisfaction){1 + SCHNORR_SIZE, 1};
        return true;
    case DESC_MINISCRIPT:
        out->size = miniscript_root(d->ms)->sat.witness_size;
        out->items = miniscript_root(d->ms)->sat.taken + 1;
        return true;
    case DESC_SH:
    case DESC_WSH:
    case DESC_COMBO:
    case DESC_ADDR:
    case DESC_RAW:
        return false;
    }
    return false;
}

static int64_t pushed_number_size(int64_t n)
{
    return n <= 16 ? 1 : n < 128 ? 2 : 3;
}

static int64_t multi_size(const struct descriptor *d)
{
    int64_t size =
        pushed_number_size(d->threshold) + pushed_number_size((int64_t)d->n_keys) + 1;
    for (size_t i = 0; i < d->n_keys; i++)
        size += 1 + (int64_t)key_expr_size(&d->keys[i]);
    return size;
}

/* Of the scripts that may stand in sh(), wsh() and trees. */
static int64_t script_size(const struct descriptor *d)
{
    switch (d->kind) {
    case DESC_PK:
        return 1 + (d->in_tr ? 32 : (int64_t)key_expr_size(&d->keys[0])) + 1;
    case DESC_PKH:
        return 25;
    case DESC_WPKH:
        return 22;
    case DESC_WSH:
        return 34;
    case DESC_MULTI:
        return multi_size(d);
    case DESC_MINISCRIPT:
        return miniscript_root(d->ms)->script_size;
    case DESC_MULTI_A:
        return (int64_t)d->n_keys * (1 + 32 + 1) + pushed_number_size(d->threshold) + 1;
    case DESC_COMBO:
    case DESC_SH:
    case DESC_TR:
    case DESC_RAWTR:
    case DESC_ADDR:
    case DESC_RAW:
        return 0;
    }
    return 0;
}

/* -- Taproot -- */

/* BIP 341's point that nobody knows the discrete logarithm of. */
static bool is_nobodys(const struct key_expr *k)
{
    static const uint8_t nobody[32] = {0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54,
                                       0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e,
                                       0x07, 0x8a, 0x5a, 0x0f, 0x28, 0xec, 0x96, 0xd5,
                                       0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0};
    return k->pubkey_len == 33 && memcmp(k->pubkey + 1, nobody, 32) == 0;
}

static bool leaf_spend(const struct descriptor *d, size_t i, unsigned flags,
                       struct spend_size *out)
{
    struct satisfaction sat;
    int64_t control = CONTROL_BASE + (int64_t)d->depths[i] * CONTROL_STEP;
    if (!satisfaction_of(d->subs[i], flags, &sat))
        return false;
    *out = (struct spend_size){sat.size + with_length(script_size(d->subs[i])) +
                                   with_length(control),
                               sat.items + 2, true};
    return true;
}

/* By the largest of the leaves. */
static bool tree_spend(const struct descriptor *d, unsigned flags,
                       struct spend_size *out)
{
    *out = (struct spend_size){.is_witness = true};
    for (size_t i = 0; i < d->n_subs; i++) {
        struct spend_size leaf;
        if (!leaf_spend(d, i, flags, &leaf))
            return false;
        if (leaf.weight > out->weight)
            *out = leaf;
    }
    return true;
}

/* -- Whole descriptors -- */

static int64_t push_size(int64_t n)
{
    return n + (n < 76 ? 1 : n < 256 ? 2 : 3);
}

static bool wsh_size(const struct descriptor *d, unsigned flags, struct spend_size *out)
{
    struct satisfaction sat;
    if (!satisfaction_of(d->subs[0], flags, &sat))
        return false;
    *out = (struct spend_size){sat.size + with_length(script_size(d->subs[0])),
                               sat.items + 1, true};
    return true;
}

static bool sh_size(const struct descriptor *d, unsigned flags, struct spend_size *out)
{
    if (!descriptor_spend_size(d->subs[0], flags, out))
        return false;
    out->weight += push_size(script_size(d->subs[0])) * WITNESS_SCALE;
    out->items++;
    return true;
}

bool descriptor_spend_size(const struct descriptor *d, unsigned flags,
                           struct spend_size *out)
{
    struct satisfaction sat;
    if (d->kind == DESC_SH)
        return sh_size(d, flags, out);
    if (d->kind == DESC_WSH)
        return wsh_size(d, flags, out);
    bool by_script = d->kind == DESC_TR && d->n_subs > 0 &&
                     ((flags & SPEND_BY_SCRIPT) || is_nobodys(&d->keys[0]));
    if (by_script)
        return tree_spend(d, flags, out);
    if (!satisfaction_of(d, flags, &sat))
        return false;
    bool witness = d->kind == DESC_WPKH || d->kind == DESC_TR || d->kind == DESC_RAWTR;
    *out = (struct spend_size){sat.size * (witness ? 1 : WITNESS_SCALE), sat.items,
                               witness};
    return true;
}

int64_t descriptor_input_weight(const struct descriptor *d, unsigned flags,
                                bool tx_has_witness)
{
    struct spend_size s;
    if (!descriptor_spend_size(d, flags, &s))
        return -1;
    /* Outpoint and sequence; the lengths of script_sig and witness. */
    uint64_t script_sig = s.is_witness ? 0 : (uint64_t)s.weight / WITNESS_SCALE;
    int64_t length = (int64_t)varint_size(script_sig);
    int64_t count = s.is_witness ? (int64_t)varint_size((uint64_t)s.items)
                                 : (tx_has_witness ? 1 : 0);
    return (32 + 4 + 4 + length) * WITNESS_SCALE + count + s.weight;
}
