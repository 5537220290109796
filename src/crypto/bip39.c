#include "crypto/bip39.h"

#include <ctype.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"

#define BITS_PER_WORD  11
#define MAX_WORDS      24
#define MAX_WORD       8 /* letters */
#define MAX_PASSPHRASE 1024
#define SALT_PREFIX    "mnemonic"
#define ITERATIONS     2048

static const char words[BIP39_WORDS][MAX_WORD + 1] = {
#include "crypto/bip39_english.def"
};

const char *bip39_word(unsigned i)
{
    ASSERT(i < BIP39_WORDS);
    return words[i];
}

static bool fail(const char **error, const char *why)
{
    *error = why;
    return false;
}

/* Entropy, then as many bits of its hash as it has 32-bit groups: eight at most. */
static uint8_t checksum_byte(const uint8_t *entropy, size_t len)
{
    uint8_t hash[32];
    sha256(hash, entropy, len);
    uint8_t first = hash[0];
    secret_wipe(hash, sizeof(hash));
    return first;
}

static bool entropy_size_is_valid(size_t len)
{
    return len >= 16 && len <= BIP39_MAX_ENTROPY && len % 4 == 0;
}

static unsigned bits_at(const uint8_t *data, size_t first)
{
    unsigned v = 0;
    for (size_t bit = first; bit < first + BITS_PER_WORD; bit++)
        v = v << 1 | (data[bit / 8] >> (7 - bit % 8) & 1u);
    return v;
}

void bip39_encode(char out[BIP39_TEXT_MAX], const uint8_t *entropy, size_t len)
{
    uint8_t data[BIP39_MAX_ENTROPY + 1];
    size_t n = len * 3 / 4, at = 0;
    ASSERT(entropy_size_is_valid(len));
    memcpy(data, entropy, len);
    data[len] = checksum_byte(entropy, len);
    for (size_t i = 0; i < n; i++) {
        const char *word = words[bits_at(data, i * BITS_PER_WORD)];
        size_t letters = strlen(word);
        if (i > 0)
            out[at++] = ' ';
        memcpy(out + at, word, letters);
        at += letters;
    }
    out[at] = '\0';
    secret_wipe(data, sizeof(data));
}

/* -- Reading -- */

static int compare_word(const void *key, const void *word)
{
    return strcmp(key, word);
}

/* The next word in lower case; false at the end. A word that is too long to be in the
 * list comes cut off at a length that no word has. */
static bool next_word(const char **text, char out[MAX_WORD + 2])
{
    size_t n = 0;
    while (isspace((unsigned char)**text))
        (*text)++;
    for (; **text != '\0' && !isspace((unsigned char)**text); (*text)++) {
        if (n <= MAX_WORD)
            out[n++] = (char)tolower((unsigned char)**text);
    }
    out[n] = '\0';
    return n > 0;
}

static void put_bits(uint8_t *data, size_t first, unsigned v)
{
    for (size_t i = 0; i < BITS_PER_WORD; i++) {
        size_t bit = first + i;
        if (v >> (BITS_PER_WORD - 1 - i) & 1)
            data[bit / 8] |= (uint8_t)(1u << (7 - bit % 8));
    }
}

/* Sets @n, the number of words. */
static bool read_words(uint8_t data[BIP39_MAX_ENTROPY + 1], size_t *n, const char *text,
                       const char **error)
{
    char word[MAX_WORD + 2];
    bool ok = true;
    for (*n = 0; ok && next_word(&text, word); (*n)++) {
        const char(*found)[MAX_WORD + 1] =
            bsearch(word, words, BIP39_WORDS, sizeof(words[0]), compare_word);
        if (found == NULL)
            ok = fail(error, "One of the words is not in the English list of BIP 39");
        else if (*n == MAX_WORDS)
            ok = fail(error, "A mnemonic has 12, 15, 18, 21 or 24 words");
        else
            put_bits(data, *n * BITS_PER_WORD, (unsigned)(found - words));
    }
    secret_wipe(word, sizeof(word));
    return ok;
}

static bool check_data(const uint8_t *data, size_t n, size_t *len, const char **error)
{
    if (n < 12 || n % 3 != 0)
        return fail(error, "A mnemonic has 12, 15, 18, 21 or 24 words");
    *len = n * 4 / 3;
    uint8_t mask = (uint8_t)(0xff << (8 - n / 3));
    if (((data[*len] ^ checksum_byte(data, *len)) & mask) != 0)
        return fail(error, "The checksum of the mnemonic is wrong: a word is mistaken "
                           "or words are swapped");
    return true;
}

bool bip39_decode(uint8_t entropy[BIP39_MAX_ENTROPY], size_t *len, const char *text,
                  const char **error)
{
    uint8_t data[BIP39_MAX_ENTROPY + 1] = {0};
    size_t n;
    bool ok = read_words(data, &n, text, error) && check_data(data, n, len, error);
    if (ok)
        memcpy(entropy, data, *len);
    secret_wipe(data, sizeof(data));
    return ok;
}

/* -- Seed -- */

static bool is_ascii(const char *s)
{
    while (*s != '\0' && (unsigned char)*s < 0x80)
        s++;
    return *s == '\0';
}

bool bip39_to_seed(uint8_t seed[64], const char *text, const char *passphrase,
                   const char **error)
{
    uint8_t entropy[BIP39_MAX_ENTROPY];
    size_t len;
    if (!is_ascii(passphrase) || strlen(passphrase) > MAX_PASSPHRASE)
        return fail(error, "The passphrase of a mnemonic must be ASCII and at most "
                           "1024 characters long");
    if (!bip39_decode(entropy, &len, text, error))
        return false;
    char *canonical = secret_alloc(BIP39_TEXT_MAX);
    struct buf salt = {secret_alloc(sizeof(SALT_PREFIX) + MAX_PASSPHRASE), 0,
                       sizeof(SALT_PREFIX) + MAX_PASSPHRASE};
    bip39_encode(canonical, entropy, len);
    buf_append_str(&salt, SALT_PREFIX);
    buf_append_str(&salt, passphrase);
    pbkdf2_hmac_sha512(seed, 64, bytes_of(canonical, strlen(canonical)),
                       buf_view(&salt), ITERATIONS);
    secret_free(salt.data);
    secret_free(canonical);
    secret_wipe(entropy, sizeof(entropy));
    return true;
}
