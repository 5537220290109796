#include "wallet/seed.h"

#include "crypto/bip39.h"
#include "crypto/secret.h"
#include "util/rand.h"

#define ENTROPY   32
#define SEED_SIZE 64

static bool master_of(struct bip32_key *out, const char *words, const char **error)
{
    uint8_t *seed = secret_alloc(SEED_SIZE);
    *error = "the words give no key";
    bool ok =
        bip39_to_seed(seed, words, "", error) && bip32_from_seed(out, seed, SEED_SIZE);
    secret_free(seed);
    return ok;
}

bool seed_generate(struct bip32_key *out, char **mnemonic)
{
    const char *error;
    uint8_t *entropy = secret_alloc(ENTROPY);
    char *words = secret_alloc(BIP39_TEXT_MAX);
    do {
        rand_bytes(entropy, ENTROPY);
        bip39_encode(words, entropy, ENTROPY);
    } while (!master_of(out, words, &error)); /* once in 2^127 */
    secret_free(entropy);
    *mnemonic = words;
    return true;
}

bool seed_restore(struct bip32_key *out, const char *mnemonic, struct wallet_error *e)
{
    const char *error;
    return master_of(out, mnemonic, &error) ||
           wallet_fail(e, WALLET_INVALID_PARAMETER, "Invalid mnemonic: %s", error);
}
