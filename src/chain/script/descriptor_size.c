#include "chain/script/descriptor_impl.h"
#include "util/sink.h"

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

static int64_t ecdsa_size(bool low_r)
{
    return low_r ? 71 : 72;
}

static struct satisfaction key_hash_satisfaction(const struct descriptor *d, bool low_r)
{
    int64_t key = (int64_t)key_expr_size(&d->keys[0]);
    return (struct satisfaction){1 + ecdsa_size(low_r) + 1 + key, 2};
}

/* Of the script that @d describes, before it is wrapped. */
static bool satisfaction_of(const struct descriptor *d, bool low_r,
                            struct satisfaction *out)
{
    int64_t t = d->threshold, n = (int64_t)d->n_keys;
    switch (d->kind) {
    case DESC_PK:
        out->size = 1 + (d->in_tr ? SCHNORR_SIZE : ecdsa_size(low_r));
        out->items = 1;
        return true;
    case DESC_PKH:
    case DESC_WPKH:
        *out = key_hash_satisfaction(d, low_r);
        return true;
    case DESC_MULTI:
        *out = (struct satisfaction){1 + (1 + ecdsa_size(low_r)) * t, 1 + t};
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
    return n <= 16 ? 1 : 2;
}

static int64_t multi_size(const struct descriptor *d)
{
    int64_t size =
        pushed_number_size(d->threshold) + pushed_number_size((int64_t)d->n_keys) + 1;
    for (size_t i = 0; i < d->n_keys; i++)
        size += 1 + (int64_t)key_expr_size(&d->keys[i]);
    return size;
}

/* Of the scripts that may stand in sh() and wsh(). */
static int64_t script_size(const struct descriptor *d)
{
    switch (d->kind) {
    case DESC_PK:
        return 1 + (int64_t)key_expr_size(&d->keys[0]) + 1;
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

static int64_t push_size(int64_t n)
{
    return n + (n < 76 ? 1 : n < 256 ? 2 : 3);
}

static bool wsh_size(const struct descriptor *d, bool low_r, struct spend_size *out)
{
    struct satisfaction sat;
    if (!satisfaction_of(d->subs[0], low_r, &sat))
        return false;
    *out = (struct spend_size){sat.size + with_length(script_size(d->subs[0])),
                               sat.items + 1, true};
    return true;
}

static bool sh_size(const struct descriptor *d, bool low_r, struct spend_size *out)
{
    if (!descriptor_spend_size(d->subs[0], low_r, out))
        return false;
    out->weight += push_size(script_size(d->subs[0])) * WITNESS_SCALE;
    out->items++;
    return true;
}

bool descriptor_spend_size(const struct descriptor *d, bool low_r,
                           struct spend_size *out)
{
    struct satisfaction sat;
    if (d->kind == DESC_SH)
        return sh_size(d, low_r, out);
    if (d->kind == DESC_WSH)
        return wsh_size(d, low_r, out);
    if (!satisfaction_of(d, low_r, &sat))
        return false;
    bool witness = d->kind == DESC_WPKH || d->kind == DESC_TR || d->kind == DESC_RAWTR;
    *out = (struct spend_size){sat.size * (witness ? 1 : WITNESS_SCALE), sat.items,
                               witness};
    return true;
}

int64_t descriptor_input_weight(const struct descriptor *d, bool low_r,
                                bool tx_has_witness)
{
    struct spend_size s;
    if (!descriptor_spend_size(d, low_r, &s))
        return -1;
    /* Outpoint and sequence; the lengths of script_sig and witness. */
    uint64_t script_sig = s.is_witness ? 0 : (uint64_t)s.weight / WITNESS_SCALE;
    int64_t length = (int64_t)varint_size(script_sig);
    int64_t count = s.is_witness ? (int64_t)varint_size((uint64_t)s.items)
                                 : (tx_has_witness ? 1 : 0);
    return (32 + 4 + 4 + length) * WITNESS_SCALE + count + s.weight;
}
