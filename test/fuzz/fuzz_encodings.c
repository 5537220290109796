/* Any text as Base58, Base58Check, Bech32, PastelID and mnemonic, any octets as entropy
 * and as a lax DER signature. */
#include "fuzz.h"

#include <stdlib.h>
#include <strings.h>

#include "crypto/base58.h"
#include "crypto/bech32.h"
#include "crypto/bip39.h"
#include "crypto/secp.h"
#include "tickets/pastelid.h"
#include "util/mem.h"

static void base58(const char *text)
{
    struct buf raw = {0}, back = {0};
    if (base58_decode(&raw, text, 200)) {
        char *again = base58_encode(raw.data, raw.len);
        ASSERT(base58_decode(&back, again, 200) &&
               bytes_equal(buf_view(&raw), buf_view(&back)));
        free(again);
    }
    buf_reset(&raw);
    if (base58check_decode(&raw, text, 200)) {
        char *again = base58check_encode(raw.data, raw.len);
        const char *start = text + strspn(text, " \f\n\r\t\v");
        ASSERT(strncmp(again, start, strlen(again)) == 0);
        free(again);
    }
    buf_clear(&raw);
    buf_clear(&back);
}

static void bech32(const char *text)
{
    struct bech32 b;
    char again[128];
    int pos[BECH32_MAX_ERRORS];
    size_t n;
    const char *message = bech32_locate_errors(text, 90, pos, &n);
    ASSERT(n <= BECH32_MAX_ERRORS);
    for (size_t i = 0; i < n; i++)
        ASSERT(pos[i] >= 0 && (size_t)pos[i] < strlen(text));
    if (bech32_decode(&b, text, 90) == BECH32_INVALID) {
        ASSERT(message[0] != '\0');
        return;
    }
    ASSERT(message[0] == '\0' && n == 0);
    bech32_encode(again, b.encoding, b.hrp, b.values, b.len);
    ASSERT(strcasecmp(again, text) == 0);
}

static void pastelid(const char *text)
{
    uint8_t key[57];
    char again[PASTELID_TEXT_SIZE];
    if (pastelid_decode(key, text))
        ASSERT(strcmp(pastelid_encode(again, key), text) == 0);
}

static void words_read_back(const uint8_t *entropy, size_t len)
{
    uint8_t again[BIP39_MAX_ENTROPY];
    char text[BIP39_TEXT_MAX];
    const char *error;
    size_t again_len;
    bip39_encode(text, entropy, len);
    bool ok = bip39_decode(again, &again_len, text, &error);
    ASSERT(ok && again_len == len && memcmp(again, entropy, len) == 0);
}

static void mnemonic(const char *text, const uint8_t *data, size_t size)
{
    uint8_t entropy[BIP39_MAX_ENTROPY];
    const char *error = NULL;
    size_t len;
    if (bip39_decode(entropy, &len, text, &error))
        words_read_back(entropy, len);
    else
        ASSERT(error != NULL);
    if (size >= 16)
        words_read_back(data, size >= 32 ? 32 : size / 4 * 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[33] = {2, 0x79, 0xbe, 0x66, 0x7e};
    char *text = xmalloc(size + 1);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    base58(text);
    bech32(text);
    pastelid(text);
    mnemonic(text, data, size);
    secp_sig_has_low_s(bytes_of(data, size));
    secp_ecdsa_verify(bytes_of(key, 33), bytes_of(data, size), key);
    free(text);
    return 0;
}
