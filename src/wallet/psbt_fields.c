#include "wallet/psbt_fields.h"

#include "chain/script/solver.h"
#include "crypto/bip32.h"
#include "crypto/secp.h"
#include "wallet/psbt_tree.h"

/* -- Checks of keys and values -- */

#define KEY_SIZE(name) "Size of key was not the expected size for the type " name

static const char bad_size[] = "Size of value was not the stated size";

#define SIZE_CHECK(n)                                                                  \
    static const char *check_##n(struct bytes key UNUSED, struct bytes value)          \
    {                                                                                  \
        return value.len == (n) ? NULL : bad_size;                                     \
    }
SIZE_CHECK(1)
SIZE_CHECK(4)
SIZE_CHECK(8)
SIZE_CHECK(32)

static const char *check_pubkey(struct bytes key, const char *size_error)
{
    if (key.len != 33 && key.len != 65)
        return size_error;
    return secp_pubkey_valid(key) ? NULL : "Invalid pubkey";
}

static const char *check_partial_sig(struct bytes key, struct bytes value UNUSED)
{
    return check_pubkey(key, KEY_SIZE("partial signature pubkey"));
}

static const char *check_path(struct bytes path)
{
    return path.len > 0 && path.len % 4 == 0 ? NULL : "Invalid length for HD key path";
}

static const char *check_bip32(struct bytes key, struct bytes value)
{
    const char *error = check_pubkey(key, KEY_SIZE("BIP32 keypath"));
    return error != NULL ? error : check_path(value);
}

static const char *check_xpub(struct bytes key, struct bytes value)
{
    if (!secp_pubkey_valid(bytes_of(key.data + BIP32_SIZE - 33, 33)))
        return "Invalid pubkey";
    return check_path(value);
}

bool psbt_read_txout(struct txout *out, struct bytes value)
{
    struct reader r;
    reader_init(&r, value.data, value.len);
    out->value = amount_of(read_i64(&r));
    out->script = read_var(&r, value.len);
    return reader_done(&r);
}

static const char *check_txout(struct bytes key UNUSED, struct bytes value)
{
    struct txout out;
    return psbt_read_txout(&out, value) ? NULL : bad_size;
}

static const char *check_witness(struct bytes key UNUSED, struct bytes value)
{
    struct reader r;
    reader_init(&r, value.data, value.len);
    uint64_t n = read_varint(&r, value.len);
    for (uint64_t i = 0; i < n && !r.bad; i++)
        read_var(&r, value.len);
    return reader_done(&r) ? NULL : bad_size;
}

static const char *check_tap_key_sig(struct bytes key UNUSED, struct bytes value)
{
    if (value.len < 64)
        return "Input Taproot key path signature is shorter than 64 bytes";
    return value.len > 65 ? "Input Taproot key path signature is longer than 65 bytes"
                          : NULL;
}

static const char *check_tap_script_sig(struct bytes key UNUSED, struct bytes value)
{
    if (value.len < 64)
        return "Input Taproot script path signature is shorter than 64 bytes";
    return value.len > 65
               ? "Input Taproot script path signature is longer than 65 bytes"
               : NULL;
}

static const char *check_tap_leaf(struct bytes key, struct bytes value)
{
    if (key.len < 33)
        return "Taproot leaf script key is not at least 34 bytes";
    if ((key.len - 1) % 32 != 0)
        return "Input Taproot leaf script key's control block size is not valid";
    return value.len > 0 ? NULL : "Input Taproot leaf script must be at least 1 byte";
}

bool psbt_tap_origin_read(struct psbt_tap_origin *out, struct bytes value)
{
    struct reader r;
    reader_init(&r, value.data, value.len);
    out->n_leaves = read_varint(&r, value.len / 32);
    out->leaves = read_bytes(&r, out->n_leaves * 32);
    out->origin = bytes_of(r.pos, reader_left(&r));
    return !r.bad && check_path(out->origin) == NULL;
}

static const char *check_tap_bip32(struct bytes key UNUSED, struct bytes value)
{
    struct psbt_tap_origin origin;
    return psbt_tap_origin_read(&origin, value)
               ? NULL
               : "Input Taproot BIP32 keypath has an invalid length";
}

static const char *check_out_tap_bip32(struct bytes key UNUSED, struct bytes value)
{
    struct psbt_tap_origin origin;
    return psbt_tap_origin_read(&origin, value)
               ? NULL
               : "Output Taproot BIP32 keypath has an invalid length";
}

static const char *check_tap_tree(struct bytes key UNUSED, struct bytes value)
{
    return tap_tree_check(value);
}

static const char *check_count(struct bytes key UNUSED, struct bytes value)
{
    struct reader r;
    reader_init(&r, value.data, value.len);
    read_varint(&r, UINT32_MAX);
    return reader_done(&r) ? NULL : bad_size;
}

static const char *check_time(struct bytes key UNUSED, struct bytes value)
{
    return value.len == 4 && get_le32(value.data) >= LOCKTIME_THRESHOLD
               ? NULL
               : "Required time locktime is not a time";
}

static const char *check_height(struct bytes key UNUSED, struct bytes value)
{
    if (value.len == 4 && get_le32(value.data) > 0 &&
        get_le32(value.data) < LOCKTIME_THRESHOLD)
        return NULL;
    return "Required height locktime is not a height";
}

/* -- Tables -- */

#define TWICE(name)    "Duplicate Key, " name " already provided"
#define KEY_WIDE(name) name " key is more than one byte type"

static const struct psbt_field global_fields[] = {
    {PSBT_GLOBAL_UNSIGNED_TX, TWICE("unsigned tx"), KEY_WIDE("Global unsigned tx"), 0,
     ONLY_V0},
    {PSBT_GLOBAL_XPUB, TWICE("global xpub"), KEY_SIZE("global xpub"), BIP32_SIZE,
     ANY_VERSION, .order = BY_VALUE, .check = check_xpub},
    {PSBT_GLOBAL_TX_VERSION, TWICE("global tx version"), KEY_WIDE("Global tx version"),
     0, ONLY_V2, .check = check_4},
    {PSBT_GLOBAL_FALLBACK_LOCKTIME, TWICE("global fallback locktime"),
     KEY_WIDE("Global fallback locktime"), 0, ONLY_V2, .check = check_4},
    {PSBT_GLOBAL_INPUT_COUNT, TWICE("global input count"),
     KEY_WIDE("Global input count"), 0, ONLY_V2, .check = check_count},
    {PSBT_GLOBAL_OUTPUT_COUNT, TWICE("global output count"),
     KEY_WIDE("Global output count"), 0, ONLY_V2, .check = check_count},
    {PSBT_GLOBAL_TX_MODIFIABLE, TWICE("global tx modifiable flags"),
     KEY_WIDE("Global tx modifiable flags"), 0, ONLY_V2, .check = check_1},
    {PSBT_GLOBAL_VERSION, TWICE("PSBT version"), KEY_WIDE("Global version"), 0,
     ANY_VERSION, .check = check_4},
};

#define SIG .spent_by_final = true

static const struct psbt_field in_fields[] = {
    {PSBT_IN_NON_WITNESS_UTXO, TWICE("input non-witness utxo"),
     KEY_WIDE("Non-witness utxo"), 0, ANY_VERSION},
    {PSBT_IN_WITNESS_UTXO, TWICE("input witness utxo"), KEY_WIDE("Witness utxo"), 0,
     ANY_VERSION, .check = check_txout},
    {PSBT_IN_PARTIAL_SIG, TWICE("input partial signature for pubkey"), NULL, -1,
     ANY_VERSION, SIG, .order = BY_KEY_HASH, .check = check_partial_sig},
    {PSBT_IN_SIGHASH, TWICE("input sighash type"), KEY_WIDE("Sighash type"), 0,
     ANY_VERSION, SIG, .check = check_4},
    {PSBT_IN_REDEEM_SCRIPT, TWICE("input redeemScript"), KEY_WIDE("Input redeemScript"),
     0, ANY_VERSION, SIG},
    {PSBT_IN_WITNESS_SCRIPT, TWICE("input witnessScript"),
     KEY_WIDE("Input witnessScript"), 0, ANY_VERSION, SIG},
    {PSBT_IN_BIP32, TWICE("pubkey derivation path"), NULL, -1, ANY_VERSION, SIG,
     .check = check_bip32},
    {PSBT_IN_FINAL_SCRIPT_SIG, TWICE("input final scriptSig"),
     KEY_WIDE("Final scriptSig"), 0, ANY_VERSION},
    {PSBT_IN_FINAL_WITNESS, TWICE("input final scriptWitness"),
     KEY_WIDE("Final scriptWitness"), 0, ANY_VERSION, .check = check_witness},
    {PSBT_IN_RIPEMD160, TWICE("input ripemd160 preimage"),
     KEY_SIZE("ripemd160 preimage"), 20, ANY_VERSION, SIG},
    {PSBT_IN_SHA256, TWICE("input sha256 preimage"), KEY_SIZE("sha256 preimage"), 32,
     ANY_VERSION, SIG},
    {PSBT_IN_HASH160, TWICE("input hash160 preimage"), KEY_SIZE("hash160 preimage"), 20,
     ANY_VERSION, SIG},
    {PSBT_IN_HASH256, TWICE("input hash256 preimage"), KEY_SIZE("hash256 preimage"), 32,
     ANY_VERSION, SIG},
    {PSBT_IN_PREVIOUS_TXID, TWICE("input previous txid"),
     KEY_WIDE("Input previous txid"), 0, ONLY_V2, .check = check_32},
    {PSBT_IN_OUTPUT_INDEX, TWICE("input previous output index"),
     KEY_WIDE("Input previous output index"), 0, ONLY_V2, .check = check_4},
    {PSBT_IN_SEQUENCE, TWICE("input sequence number"),
     KEY_WIDE("Input sequence number"), 0, ONLY_V2, .check = check_4},
    {PSBT_IN_TIME_LOCKTIME, TWICE("input required time locktime"),
     KEY_WIDE("Input required time locktime"), 0, ONLY_V2, .check = check_time},
    {PSBT_IN_HEIGHT_LOCKTIME, TWICE("input required height locktime"),
     KEY_WIDE("Input required height locktime"), 0, ONLY_V2, .check = check_height},
    {PSBT_IN_TAP_KEY_SIG, TWICE("input Taproot key signature"),
     KEY_WIDE("Input Taproot key signature"), 0, ANY_VERSION, SIG,
     .check = check_tap_key_sig},
    {PSBT_IN_TAP_SCRIPT_SIG, TWICE("input Taproot script signature"),
     "Input Taproot script signature key is not 65 bytes", 64, ANY_VERSION, SIG,
     .check = check_tap_script_sig},
    {PSBT_IN_TAP_LEAF_SCRIPT, TWICE("input Taproot leaf script"), NULL, -1, ANY_VERSION,
     SIG, .order = BY_VALUE, .check = check_tap_leaf},
    {PSBT_IN_TAP_BIP32, TWICE("input Taproot BIP32 keypath"),
     "Input Taproot BIP32 keypath key is not at 33 bytes", 32, ANY_VERSION, SIG,
     .check = check_tap_bip32},
    {PSBT_IN_TAP_INTERNAL_KEY, TWICE("input Taproot internal key"),
     KEY_WIDE("Input Taproot internal key"), 0, ANY_VERSION, SIG, .check = check_32},
    {PSBT_IN_TAP_MERKLE_ROOT, TWICE("input Taproot merkle root"),
     KEY_WIDE("Input Taproot merkle root"), 0, ANY_VERSION, SIG, .check = check_32},
};

static const struct psbt_field out_fields[] = {
    {PSBT_OUT_REDEEM_SCRIPT, TWICE("output redeemScript"),
     KEY_WIDE("Output redeemScript"), 0, ANY_VERSION},
    {PSBT_OUT_WITNESS_SCRIPT, TWICE("output witnessScript"),
     KEY_WIDE("Output witnessScript"), 0, ANY_VERSION},
    {PSBT_OUT_BIP32, TWICE("pubkey derivation path"), NULL, -1, ANY_VERSION,
     .check = check_bip32},
    {PSBT_OUT_AMOUNT, TWICE("output amount"), KEY_WIDE("Output amount"), 0, ONLY_V2,
     .check = check_8},
    {PSBT_OUT_SCRIPT, TWICE("output script"), KEY_WIDE("Output script"), 0, ONLY_V2},
    {PSBT_OUT_TAP_INTERNAL_KEY, TWICE("output Taproot internal key"),
     KEY_WIDE("Output Taproot internal key"), 0, ANY_VERSION, .check = check_32},
    {PSBT_OUT_TAP_TREE, TWICE("output Taproot tree"), KEY_WIDE("Output Taproot tree"),
     0, ANY_VERSION, .check = check_tap_tree},
    {PSBT_OUT_TAP_BIP32, TWICE("output Taproot BIP32 keypath"),
     "Output Taproot BIP32 keypath key is not at 33 bytes", 32, ANY_VERSION,
     .check = check_out_tap_bip32},
};

static const struct {
    const struct psbt_field *fields;
    size_t n;
} tables[] = {
    [PSBT_AT_GLOBAL] = {global_fields, ARRAY_LEN(global_fields)},
    [PSBT_AT_IN] = {in_fields, ARRAY_LEN(in_fields)},
    [PSBT_AT_OUT] = {out_fields, ARRAY_LEN(out_fields)},
};

/* A type that came with version 2 may be anybody's in version 0, but not in the very
 * form that version 2 has it. */
const struct psbt_field *psbt_field_of(enum psbt_place at, uint64_t type,
                                       struct bytes key, uint32_t version)
{
    for (size_t i = 0; i < tables[at].n; i++) {
        const struct psbt_field *f = &tables[at].fields[i];
        if (f->type == type)
            return f->version == ONLY_V2 && version == 0 && key.len > 0 ? NULL : f;
    }
    return NULL;
}
