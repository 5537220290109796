#include "chain/script/sig_encoding.h"

#include "crypto/secp.h"

/* The integer at p (02 len bytes): positive, without needless zeros, ending by end. */
static const uint8_t *der_integer(const uint8_t *p, const uint8_t *end)
{
    if (end - p < 3 || p[0] != 0x02)
        return NULL;
    size_t len = p[1];
    p += 2;
    if (len == 0 || (size_t)(end - p) < len || (p[0] & 0x80) != 0)
        return NULL;
    if (len > 1 && p[0] == 0 && (p[1] & 0x80) == 0)
        return NULL;
    return p + len;
}

/* 30 <len> 02 <len> R 02 <len> S <hash type> */
bool sig_is_valid_encoding(struct bytes sig)
{
    if (sig.len < 9 || sig.len > 73)
        return false;
    const uint8_t *end = sig.data + sig.len - 1;
    if (sig.data[0] != 0x30 || sig.data[1] != sig.len - 3)
        return false;
    const uint8_t *s = der_integer(sig.data + 2, end);
    return s != NULL && der_integer(s, end) == end;
}

static bool has_defined_hash_type(struct bytes sig)
{
    uint8_t type = sig.data[sig.len - 1] & ~SIGHASH_ANYONECANPAY;
    return type >= SIGHASH_ALL && type <= SIGHASH_SINGLE;
}

bool sig_check_encoding(struct bytes sig, uint32_t flags, enum script_error *error)
{
    const uint32_t der =
        SCRIPT_VERIFY_DERSIG | SCRIPT_VERIFY_LOW_S | SCRIPT_VERIFY_STRICTENC;
    if (sig.len == 0)
        return true;
    if ((flags & der) && !sig_is_valid_encoding(sig)) {
        *error = SCRIPT_ERR_SIG_DER;
        return false;
    }
    if ((flags & SCRIPT_VERIFY_LOW_S) &&
        !secp_sig_has_low_s(bytes_of(sig.data, sig.len - 1))) {
        *error = SCRIPT_ERR_SIG_HIGH_S;
        return false;
    }
    if ((flags & SCRIPT_VERIFY_STRICTENC) && !has_defined_hash_type(sig)) {
        *error = SCRIPT_ERR_SIG_HASHTYPE;
        return false;
    }
    return true;
}

bool pubkey_is_compressed(struct bytes key)
{
    return key.len == 33 && (key.data[0] == 2 || key.data[0] == 3);
}

bool pubkey_is_compressed_or_uncompressed(struct bytes key)
{
    return pubkey_is_compressed(key) || (key.len == 65 && key.data[0] == 4);
}

bool pubkey_has_valid_size(struct bytes key)
{
    return pubkey_is_compressed_or_uncompressed(key) ||
           (key.len == 65 && (key.data[0] == 6 || key.data[0] == 7));
}

bool pubkey_check_encoding(struct bytes key, uint32_t flags, enum sig_version version,
                           enum script_error *error)
{
    if ((flags & SCRIPT_VERIFY_STRICTENC) &&
        !pubkey_is_compressed_or_uncompressed(key)) {
        *error = SCRIPT_ERR_PUBKEYTYPE;
        return false;
    }
    if ((flags & SCRIPT_VERIFY_WITNESS_PUBKEYTYPE) && version == SIG_WITNESS_V0 &&
        !pubkey_is_compressed(key)) {
        *error = SCRIPT_ERR_WITNESS_PUBKEYTYPE;
        return false;
    }
    return true;
}
