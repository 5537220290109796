#include "chain/script/descriptor.h"

#include <stdlib.h>

#include "chain/script/descriptor_impl.h"
#include "util/mem.h"

/* -- Life -- */

struct descriptor *descriptor_new(enum descriptor_kind kind)
{
    struct descriptor *d = xcalloc(1, sizeof(*d));
    d->kind = kind;
    return d;
}

void descriptor_free(struct descriptor *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->n_subs; i++)
        descriptor_free(d->subs[i]);
    free(d->subs);
    free(d->depths);
    free(d->keys);
    free(d->all);
    buf_clear(&d->script);
    if (d->ms != NULL)
        miniscript_clear(d->ms);
    free(d->ms);
    free(d);
}

void descriptor_list_clear(struct descriptor_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        descriptor_free(l->items[i]);
    free(l->items);
    *l = (struct descriptor_list){0};
}

struct key_expr *descriptor_add_key(struct descriptor *d)
{
    d->keys = xrealloc_array(d->keys, d->n_keys + 1, sizeof(*d->keys));
    struct key_expr *k = &d->keys[d->n_keys++];
    *k = (struct key_expr){0};
    return k;
}

void descriptor_add_sub(struct descriptor *d, struct descriptor *take_sub,
                        uint8_t depth)
{
    d->subs = xrealloc_array(d->subs, d->n_subs + 1, sizeof(struct descriptor *));
    d->depths = xrealloc_array(d->depths, d->n_subs + 1, 1);
    d->subs[d->n_subs] = take_sub;
    d->depths[d->n_subs++] = depth;
}

/* -- Keys -- */

static size_t count_keys(const struct descriptor *d)
{
    size_t n = d->n_keys;
    for (size_t i = 0; i < d->n_subs; i++)
        n += count_keys(d->subs[i]);
    return n;
}

static void collect_keys(struct descriptor *whole, struct descriptor *part)
{
    for (size_t i = 0; i < part->n_keys; i++) {
        part->keys[i].index = (uint32_t)whole->n_all;
        whole->all[whole->n_all++] = &part->keys[i];
    }
    for (size_t i = 0; i < part->n_subs; i++)
        collect_keys(whole, part->subs[i]);
}

void descriptor_finish(struct descriptor *d)
{
    d->all = xcalloc(count_keys(d) + 1, sizeof(struct key_expr *));
    collect_keys(d, d);
}

size_t descriptor_n_keys(const struct descriptor *d)
{
    return d->n_all;
}

void descriptor_get_key(struct descriptor_key *out, const struct descriptor *d,
                        size_t i)
{
    const struct key_expr *k = d->all[i];
    *out = (struct descriptor_key){
        .is_extended = k->pubkey_len == 0,
        .root = k->root,
        .pubkey_len = (uint8_t)key_expr_size(k),
        .is_range = k->last != DERIVE_NO,
        .needs_private = k->path_hardened || k->last == DERIVE_HARDENED,
    };
    memcpy(out->pubkey, out->is_extended ? k->root.pubkey : k->pubkey, out->pubkey_len);
}

size_t descriptor_count_private(const struct descriptor *d, const struct keystore *keys)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_all; i++)
        n += key_expr_has_private(d->all[i], keys);
    return n;
}

/* -- Questions -- */

bool descriptor_is_range(const struct descriptor *d)
{
    for (size_t i = 0; i < d->n_all; i++) {
        if (d->all[i]->last != DERIVE_NO)
            return true;
    }
    return false;
}

bool descriptor_is_solvable(const struct descriptor *d)
{
    return d->kind != DESC_ADDR && d->kind != DESC_RAW;
}

bool descriptor_is_single_type(const struct descriptor *d)
{
    return d->kind != DESC_COMBO;
}

static enum output_type type_of_script(const struct buf *script)
{
    struct destination dest;
    return destination_from_script(&dest, buf_view(script)) ? output_type_of(&dest)
                                                            : OUTPUT_NONE;
}

enum output_type descriptor_output_type(const struct descriptor *d)
{
    switch (d->kind) {
    case DESC_PKH:
        return OUTPUT_LEGACY;
    case DESC_WPKH:
    case DESC_WSH:
        return OUTPUT_BECH32;
    case DESC_SH:
        return descriptor_output_type(d->subs[0]) == OUTPUT_BECH32 ? OUTPUT_P2SH_SEGWIT
                                                                   : OUTPUT_LEGACY;
    case DESC_TR:
    case DESC_RAWTR:
        return OUTPUT_BECH32M;
    case DESC_ADDR:
        return output_type_of(&d->dest);
    case DESC_RAW:
        return type_of_script(&d->script);
    case DESC_PK:
    case DESC_COMBO:
    case DESC_MULTI:
    case DESC_MULTI_A:
    case DESC_MINISCRIPT:
        return OUTPUT_NONE;
    }
    return OUTPUT_NONE;
}

/* -- Checksum (BIP 380) -- */

/* The generator polynomials, combined for each value of the five bits shifted out. */
static uint64_t checksum_step(uint64_t c, unsigned value)
{
    static const uint64_t reduction[32] = {
        0x0000000000, 0xf5dee51989, 0xa9fdca3312, 0x5c232f2a9b, 0x1bab10e32d,
        0xee75f5faa4, 0xb256dad03f, 0x47883fc9b6, 0x3706b1677a, 0xc2d8547ef3,
        0x9efb7b5468, 0x6b259e4de1, 0x2cada18457, 0xd973449dde, 0x85506bb745,
        0x708e8eaecc, 0x644d626ffd, 0x9193877674, 0xcdb0a85cef, 0x386e4d4566,
        0x7fe6728cd0, 0x8a38979559, 0xd61bb8bfc2, 0x23c55da64b, 0x534bd30887,
        0xa69536110e, 0xfab6193b95, 0x0f68fc221c, 0x48e0c3ebaa, 0xbd3e26f223,
        0xe11d09d8b8, 0x14c3ecc131,
    };
    return ((c & 0x7ffffffff) << 5) ^ value ^ reduction[c >> 35];
}

/* Position in BIP 380's list of 95 characters, in which those of one group of 32 hardly
 * ever change together by a slip; -1: not in it. */
static int checksum_position(char c)
{
    static const int8_t positions[128] = {
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 94, 59, 92, 91, 28, 29,
        50, 15, 10, 11, 17, 51, 14, 52, 53, 16, 0,  1,  2,  3,  4,  5,  6,  7,  8,
        9,  27, 54, 55, 56, 57, 58, 26, 82, 83, 84, 85, 86, 87, 88, 89, 32, 33, 34,
        35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 12, 93, 13, 60,
        61, 90, 18, 19, 20, 21, 22, 23, 24, 25, 64, 65, 66, 67, 68, 69, 70, 71, 72,
        73, 74, 75, 76, 77, 78, 79, 80, 81, 30, 62, 31, 63, -1,
    };
    return (unsigned char)c < 128 ? positions[(unsigned char)c] : -1;
}

bool descriptor_checksum(char out[9], const char *text, size_t len)
{
    static const char output[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    uint64_t c = 1;
    unsigned group = 0, in_group = 0;
    for (size_t i = 0; i < len; i++) {
        int pos = checksum_position(text[i]);
        if (pos < 0)
            return false;
        c = checksum_step(c, (unsigned)pos & 31);
        group = group * 3 + ((unsigned)pos >> 5);
        if (++in_group == 3) {
            c = checksum_step(c, group);
            group = in_group = 0;
        }
    }
    if (in_group > 0)
        c = checksum_step(c, group);
    for (int i = 0; i < 8; i++)
        c = checksum_step(c, 0);
    c ^= 1;
    for (int i = 0; i < 8; i++)
        out[i] = output[c >> (5 * (7 - i)) & 31];
    out[8] = '\0';
    return true;
}

void descriptor_append_checksum(struct buf *out, size_t start)
{
    char sum[9];
    bool ok =
        descriptor_checksum(sum, (const char *)out->data + start, out->len - start);
    ASSERT(ok);
    buf_append_byte(out, '#');
    buf_append_str(out, sum);
}
