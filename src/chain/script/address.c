#include "chain/script/address.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/base58.h"
#include "crypto/bech32.h"
#include "crypto/hash.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"

#define BASE58_ADDRESS_SIZE 21
#define BECH32_MAX          90
#define WITNESS_PROGRAM_MAX 40

struct destination_key destination_key(const struct destination *d)
{
    struct destination_key k = {{(uint8_t)d->type, d->version, d->len}};
    memcpy(k.octets + 3, d->data, d->len);
    return k;
}

bool destination_equal(const struct destination *a, const struct destination *b)
{
    return a->type == b->type && a->version == b->version && a->len == b->len &&
           memcmp(a->data, b->data, a->len) == 0;
}

static const char *const output_type_names[] = {
    [OUTPUT_LEGACY] = "legacy", [OUTPUT_P2SH_SEGWIT] = "p2sh-segwit",
    [OUTPUT_BECH32] = "bech32", [OUTPUT_BECH32M] = "bech32m",
    [OUTPUT_NONE] = "unknown",
};

const char *output_type_name(enum output_type t)
{
    return output_type_names[t];
}

bool output_type_parse(enum output_type *out, const char *name)
{
    for (unsigned i = 0; i < N_OUTPUT_TYPES; i++) {
        if (strcmp(name, output_type_names[i]) == 0) {
            *out = (enum output_type)i;
            return true;
        }
    }
    return false;
}

enum output_type output_type_of(const struct destination *d)
{
    switch (d->type) {
    case DEST_PKH:
    case DEST_SH:
        return OUTPUT_LEGACY;
    case DEST_WPKH:
    case DEST_WSH:
        return OUTPUT_BECH32;
    case DEST_TR:
    case DEST_WITNESS_UNKNOWN:
        return OUTPUT_BECH32M;
    case DEST_NONE:
    case DEST_PUBKEY:
    case DEST_ANCHOR:
        return OUTPUT_NONE;
    }
    return OUTPUT_NONE;
}

bool destination_is_witness(const struct destination *d)
{
    return d->type >= DEST_WPKH;
}

static void set(struct destination *d, enum destination_type type, int version,
                struct bytes data)
{
    ASSERT(data.len <= sizeof(d->data));
    *d = (struct destination){.type = type, .version = (uint8_t)version};
    d->len = (uint8_t)data.len;
    if (data.len > 0)
        memcpy(d->data, data.data, data.len);
}

bool destination_from_script(struct destination *out, struct bytes script)
{
    static const enum destination_type types[] = {
        [SCRIPT_NONSTANDARD] = DEST_NONE,
        [SCRIPT_PUBKEY] = DEST_PUBKEY,
        [SCRIPT_PUBKEYHASH] = DEST_PKH,
        [SCRIPT_SCRIPTHASH] = DEST_SH,
        [SCRIPT_MULTISIG] = DEST_NONE,
        [SCRIPT_NULL_DATA] = DEST_NONE,
        [SCRIPT_WITNESS_V0_KEYHASH] = DEST_WPKH,
        [SCRIPT_WITNESS_V0_SCRIPTHASH] = DEST_WSH,
        [SCRIPT_WITNESS_V1_TAPROOT] = DEST_TR,
        [SCRIPT_WITNESS_UNKNOWN] = DEST_WITNESS_UNKNOWN,
        [SCRIPT_ANCHOR] = DEST_ANCHOR,
    };
    struct script_solution s;
    enum destination_type type = types[script_solve(&s, script)];
    if (type == DEST_NONE)
        s.data = bytes_of(NULL, 0);
    set(out, type, s.witness_version > 0 ? s.witness_version : 0, s.data);
    return type != DEST_NONE && type != DEST_PUBKEY;
}

void destination_to_script(struct buf *script, const struct destination *d)
{
    switch (d->type) {
    case DEST_NONE:
        return;
    case DEST_PUBKEY:
        script_put_data(script, d->data, d->len);
        script_put_op(script, OP_CHECKSIG);
        return;
    case DEST_PKH:
        script_put_op(script, OP_DUP);
        script_put_op(script, OP_HASH160);
        script_put_data(script, d->data, d->len);
        script_put_op(script, OP_EQUALVERIFY);
        script_put_op(script, OP_CHECKSIG);
        return;
    case DEST_SH:
        script_put_op(script, OP_HASH160);
        script_put_data(script, d->data, d->len);
        script_put_op(script, OP_EQUAL);
        return;
    case DEST_WPKH:
    case DEST_WSH:
    case DEST_TR:
    case DEST_ANCHOR:
    case DEST_WITNESS_UNKNOWN:
        script_put_witness_program(script, d->version, bytes_of(d->data, d->len));
        return;
    }
}

void destination_of_key(struct destination *out, enum destination_type type,
                        struct bytes pubkey)
{
    uint8_t h[20];
    ASSERT(type == DEST_PKH || type == DEST_WPKH);
    hash160(h, pubkey.data, pubkey.len);
    set(out, type, 0, bytes_of(h, 20));
}

void destination_of_script(struct destination *out, enum destination_type type,
                           struct bytes script)
{
    uint8_t h[32];
    ASSERT(type == DEST_SH || type == DEST_WSH);
    if (type == DEST_SH)
        hash160(h, script.data, script.len);
    else
        sha256(h, script.data, script.len);
    set(out, type, 0, bytes_of(h, type == DEST_SH ? 20 : 32));
}

/* -- Writing -- */

static void put_base58(char out[ADDRESS_MAX], uint8_t prefix,
                       const struct destination *d)
{
    uint8_t raw[BASE58_ADDRESS_SIZE];
    raw[0] = prefix;
    memcpy(raw + 1, d->data, 20);
    char *text = base58check_encode(raw, sizeof(raw));
    snprintf(out, ADDRESS_MAX, "%s", text);
    free(text);
}

static void put_segwit(char out[ADDRESS_MAX], const char *hrp,
                       const struct destination *d)
{
    struct buf groups = {0};
    buf_append_byte(&groups, d->version);
    bool ok = bech32_convert_bits(&groups, 5, d->data, d->len, 8, true);
    ASSERT(ok && strlen(hrp) + groups.len + 8 <= ADDRESS_MAX);
    bech32_encode(out, d->version == 0 ? BECH32 : BECH32M, hrp, groups.data,
                  groups.len);
    buf_clear(&groups);
}

char *address_encode(char out[ADDRESS_MAX], const struct chain_params *p,
                     const struct destination *d)
{
    switch (d->type) {
    case DEST_NONE:
    case DEST_PUBKEY:
        out[0] = '\0';
        break;
    case DEST_PKH:
        put_base58(out, p->prefixes.p2pkh, d);
        break;
    case DEST_SH:
        put_base58(out, p->prefixes.p2sh, d);
        break;
    case DEST_WPKH:
    case DEST_WSH:
    case DEST_TR:
    case DEST_ANCHOR:
    case DEST_WITNESS_UNKNOWN:
        put_segwit(out, p->prefixes.hrp, d);
        break;
    }
    return out;
}

/* -- Reading -- */

/* Always false. */
PRINTF_LIKE(2, 3)
static bool refuse(struct address_error *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->message, sizeof(e->message), fmt, ap);
    va_end(ap);
    return false;
}

static bool from_base58(struct destination *out, const struct address_prefixes *p,
                        struct bytes raw, struct address_error *e)
{
    bool pkh = raw.len > 0 && raw.data[0] == p->p2pkh;
    bool sh = raw.len > 0 && raw.data[0] == p->p2sh;
    if (!pkh && !sh)
        return refuse(e, "Invalid or unsupported Base58-encoded address.");
    if (raw.len != BASE58_ADDRESS_SIZE)
        return refuse(e, "Invalid length for Base58 address (P2PKH or P2SH)");
    set(out, pkh ? DEST_PKH : DEST_SH, 0, bytes_of(raw.data + 1, 20));
    return true;
}

static bool decode_base58(struct destination *out, const struct address_prefixes *p,
                          const char *text, struct address_error *e)
{
    struct buf raw = {0};
    bool ok;
    if (base58check_decode(&raw, text, BASE58_ADDRESS_SIZE))
        ok = from_base58(out, p, buf_view(&raw), e);
    else if (base58_decode(&raw, text, 100))
        ok = refuse(e, "Invalid checksum or length of Base58 address (P2PKH or P2SH)");
    else
        ok = refuse(e, "Invalid or unsupported Segwit (Bech32) or Base58 encoding.");
    buf_clear(&raw);
    return ok;
}

static bool from_program(struct destination *out, int version, struct bytes program,
                         struct address_error *e)
{
    uint8_t raw[2 + WITNESS_PROGRAM_MAX];
    const char *unit = program.len == 1 ? "byte" : "bytes";
    if (version == 0 && program.len != WITNESS_V0_KEYHASH_SIZE &&
        program.len != WITNESS_V0_SCRIPTHASH_SIZE)
        return refuse(e, "Invalid Bech32 v0 address program size (%zu %s), per BIP141",
                      program.len, unit);
    if (version > 16)
        return refuse(e, "Invalid Bech32 address witness version");
    if (program.len < 2 || program.len > WITNESS_PROGRAM_MAX)
        return refuse(e, "Invalid Bech32 address program size (%zu %s)", program.len,
                      unit);
    raw[0] = (uint8_t)(version == 0 ? OP_0 : OP_1 + version - 1);
    raw[1] = (uint8_t)program.len;
    memcpy(raw + 2, program.data, program.len);
    return destination_from_script(out, bytes_of(raw, program.len + 2));
}

static bool from_bech32(struct destination *out, const struct address_prefixes *p,
                        const struct bech32 *b, struct address_error *e)
{
    struct buf program = {0};
    if (b->len == 0)
        return refuse(e, "Empty Bech32 data section");
    if (strcmp(b->hrp, p->hrp) != 0)
        return refuse(e,
                      "Invalid or unsupported prefix for Segwit (Bech32) address "
                      "(expected %s, got %s).",
                      p->hrp, b->hrp);
    int version = b->values[0];
    if (version == 0 && b->encoding != BECH32)
        return refuse(e, "Version 0 witness address must use Bech32 checksum");
    if (version != 0 && b->encoding != BECH32M)
        return refuse(e, "Version 1+ witness address must use Bech32m checksum");
    bool ok = bech32_convert_bits(&program, 8, b->values + 1, b->len - 1, 5, false)
                  ? from_program(out, version, buf_view(&program), e)
                  : refuse(e, "Invalid padding in Bech32 data section");
    buf_clear(&program);
    return ok;
}

bool address_decode(struct destination *out, const struct chain_params *p,
                    const char *text, struct address_error *error)
{
    struct address_error unused;
    struct address_error *e = error != NULL ? error : &unused;
    const struct address_prefixes *prefixes = &p->prefixes;
    struct bech32 b;

    e->message[0] = '\0';
    e->n_locations = 0;
    *out = (struct destination){.type = DEST_NONE};
    if (strncasecmp(text, prefixes->hrp, strlen(prefixes->hrp)) != 0)
        return decode_base58(out, prefixes, text, e);
    if (bech32_decode(&b, text, BECH32_MAX) != BECH32_INVALID)
        return from_bech32(out, prefixes, &b, e);
    return refuse(
        e, "%s", bech32_locate_errors(text, BECH32_MAX, e->locations, &e->n_locations));
}

/* -- Keys -- */

void wif_encode(char out[64], const struct chain_params *p, const struct privkey *key)
{
    uint8_t raw[34];
    raw[0] = p->prefixes.wif;
    memcpy(raw + 1, key->secret, 32);
    raw[33] = 1;
    char *text = base58check_encode(raw, key->compressed ? 34 : 33);
    snprintf(out, 64, "%s", text);
    secret_wipe(raw, sizeof(raw));
    secret_wipe(text, strlen(text));
    free(text);
}

bool wif_decode(struct privkey *out, const struct chain_params *p, const char *text)
{
    struct buf raw = {0};
    bool ok = base58check_decode(&raw, text, 34) && raw.len >= 33 &&
              raw.data[0] == p->prefixes.wif && (raw.len == 33 || raw.data[33] == 1) &&
              secp_seckey_valid(raw.data + 1);
    if (ok) {
        memcpy(out->secret, raw.data + 1, 32);
        out->compressed = raw.len == 34;
    }
    if (raw.data != NULL)
        secret_wipe(raw.data, raw.cap);
    buf_clear(&raw);
    return ok;
}
