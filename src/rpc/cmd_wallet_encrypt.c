#include <stdio.h>

#include "crypto/secret.h"
#include "rpc/wallet_args.h"
#include "util/clock.h"
#include "wallet/crypt.h"
#include "wallet/scan.h"
#include "wallet/spkman.h"

#define MAX_UNLOCK_SECONDS 100000000

static bool fail(struct rpc_call *c, enum rpc_code code, const char *message)
{
    rpc_error(c, code, "%s", message);
    return false;
}

static bool need_passphrase(struct rpc_call *c, size_t i)
{
    return rpc_arg_passphrase(c, i).len > 0 ||
           fail(c, RPC_INVALID_PARAMETER, "passphrase cannot be empty");
}

static bool need_encrypted(struct rpc_call *c, const struct wallet *w)
{
    if (crypt_enabled(w->crypt))
        return true;
    rpc_error(c, RPC_WALLET_WRONG_ENC_STATE,
              "Error: running with an unencrypted wallet, but %s was called.",
              c->method->name);
    return false;
}

static bool no_scan(struct rpc_call *c, const struct wallet *w, const char *before)
{
    if (!scan_with_passphrase(w))
        return true;
    rpc_error(c, RPC_WALLET_ERROR,
              "Error: the wallet is currently being used to rescan the blockchain for "
              "related transactions. Please call `abortrescan` before %s.",
              before);
    return false;
}

/* Runs fn with the wallet of the call, locked. */
static void with_wallet(struct rpc_call *c,
                        void (*fn)(struct rpc_call *c, struct wallet *w))
{
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    wallet_lock(w);
    fn(c, w);
    wallet_unlock(w);
    wallet_unref(w);
}

/* -- encryptwallet */

static const char encrypted[] =
    "wallet encrypted; The keypool has been flushed and a new HD seed was generated. "
    "You need to make a new backup with the backupwallet RPC.";

static bool may_encrypt(struct rpc_call *c, const struct wallet *w)
{
    if (wallet_has_flag(w, WALLET_DISABLE_PRIVATE_KEYS))
        return fail(c, RPC_WALLET_ENCRYPTION_FAILED,
                    "Error: wallet does not contain private keys, nothing to encrypt.");
    if (crypt_enabled(w->crypt))
        return fail(c, RPC_WALLET_WRONG_ENC_STATE,
                    "Error: running with an encrypted wallet, but encryptwallet was "
                    "called.");
    return no_scan(c, w, "encrypting the wallet") && need_passphrase(c, 0);
}

static void put_encrypted(struct rpc_call *c, const char *mnemonic)
{
    if (mnemonic == NULL) {
        json_str(c->w, encrypted);
        return;
    }
    size_t size = sizeof(encrypted) + strlen(mnemonic) + 80;
    char *text = secret_alloc(size);
    snprintf(text, size, "%s The words of the new seed, shown this once: %s", encrypted,
             mnemonic);
    json_str(c->w, text);
    secret_free(text);
}

static void encrypt(struct rpc_call *c, struct wallet *w)
{
    struct wallet_error e = {0};
    char *mnemonic = NULL;
    if (!may_encrypt(c, w))
        return;
    if (wallet_encrypt(w, rpc_arg_passphrase(c, 0), &mnemonic, &e))
        put_encrypted(c, mnemonic);
    else
        rpc_wallet_error(c, &e);
    secret_free(mnemonic);
}

static void encryptwallet(struct rpc_call *c)
{
    with_wallet(c, encrypt);
}

/* -- walletpassphrase, walletlock */

static void wrong_passphrase(struct rpc_call *c, enum err e, struct bytes given)
{
    bool has_nul = given.len > 0 && memchr(given.data, 0, given.len) != NULL;
    if (e != ERR_AUTH)
        fail(c, RPC_WALLET_ERROR,
             "Error: not enough memory to turn the passphrase into a key");
    else if (has_nul)
        fail(c, RPC_WALLET_PASSPHRASE_INCORRECT,
             "Error: The wallet passphrase entered is incorrect. It contains a null "
             "character (ie - a zero byte). If the passphrase was set with a version "
             "of this software prior to 25.0, please try again with only the "
             "characters up to — but not including — the first null character. If "
             "this is successful, please set a new passphrase to avoid this issue in "
             "the future.");
    else
        fail(c, RPC_WALLET_PASSPHRASE_INCORRECT,
             "Error: The wallet passphrase entered was incorrect.");
}

static bool arg_timeout(struct rpc_call *c, int64_t *out)
{
    if (!rpc_arg_i64(c, 1, out))
        return false;
    if (*out < 0)
        return fail(c, RPC_INVALID_PARAMETER, "Timeout cannot be negative.");
    if (*out > MAX_UNLOCK_SECONDS)
        *out = MAX_UNLOCK_SECONDS;
    return true;
}

static void unlocked(struct rpc_call *c, struct wallet *w, int64_t seconds)
{
    struct wallet_error e = {0};
    crypt_set_unlocked_until(w->crypt, clock_now(c->node->clock) + seconds);
    if (spkman_check_keys(w->spkman) != ERR_OK) {
        crypt_lock(w->crypt);
        fail(c, RPC_WALLET_ERROR,
             "Error: some keys of the wallet cannot be decrypted: its file is damaged. "
             "Restore a backup.");
        return;
    }
    if (!spkman_top_up(w->spkman, 0, &e))
        wallet_error_clear(&e); /* an address will tell */
    wallet_manager_relock_after(c->node->wallets, w, seconds);
}

static void unlock(struct rpc_call *c, struct wallet *w)
{
    int64_t seconds = 0;
    struct bytes pass = rpc_arg_passphrase(c, 0);
    if (!need_encrypted(c, w) || !arg_timeout(c, &seconds) || !need_passphrase(c, 0))
        return;
    enum err r = crypt_unlock(w->crypt, pass);
    if (r == ERR_OK)
        unlocked(c, w, seconds);
    else
        wrong_passphrase(c, r, pass);
}

static void walletpassphrase(struct rpc_call *c)
{
    with_wallet(c, unlock);
}

static void lock(struct rpc_call *c, struct wallet *w)
{
    if (!need_encrypted(c, w) || !no_scan(c, w, "locking the wallet"))
        return;
    crypt_lock(w->crypt);
    wallet_manager_relock_cancel(c->node->wallets, w);
}

static void walletlock(struct rpc_call *c)
{
    with_wallet(c, lock);
}

/* -- walletpassphrasechange */

static void change(struct rpc_call *c, struct wallet *w)
{
    struct bytes old = rpc_arg_passphrase(c, 0);
    if (!need_encrypted(c, w) || !no_scan(c, w, "changing the passphrase") ||
        !need_passphrase(c, 0) || !need_passphrase(c, 1))
        return;
    enum err r = crypt_change(w->crypt, w->store, old, rpc_arg_passphrase(c, 1),
                              w->opt->kdf_memory);
    struct wallet_error e = {0};
    if (r == ERR_AUTH || r == ERR_FULL)
        wrong_passphrase(c, r, old);
    else if (!wallet_wrote(w, r, &e))
        rpc_wallet_error(c, &e);
}

static void walletpassphrasechange(struct rpc_call *c)
{
    with_wallet(c, change);
}

/* -- Table */

static const struct rpc_method methods[] = {
    {
        .name = "encryptwallet",
        .help = "Encrypts the wallet's private keys with a passphrase. From then on "
                "they can be used only after walletpassphrase. A wallet that was not "
                "made blank gets new keys, whose words are in the result.",
        .params = PARAMS(
            {"passphrase", P_STR, P_ANY_TEXT, .help = "Long, and hard to guess"}),
        .results = RESULTS({R_STR, "", "What was done and what to do now"}),
        .examples = EXAMPLES("\"my pass phrase\""),
        .fn = encryptwallet,
    },
    {
        .name = "walletlock",
        .help = "Forgets the key of the wallet, which needs walletpassphrase again.",
        .examples = EXAMPLES(""),
        .fn = walletlock,
    },
    {
        .name = "walletpassphrase",
        .help = "Lets the wallet's private keys be used for some time.",
        .params = PARAMS({"passphrase", P_STR, P_ANY_TEXT, .help = "The passphrase"},
                         {"timeout", P_NUM,
                          .help = "Seconds until the wallet locks itself; at most "
                                  "100000000"}),
        .examples = EXAMPLES("\"my pass phrase\" 60"),
        .fn = walletpassphrase,
    },
    {
        .name = "walletpassphrasechange",
        .help = "Changes the passphrase.",
        .params = PARAMS({"oldpassphrase", P_STR, P_ANY_TEXT, .help = "The one so far"},
                         {"newpassphrase", P_STR, P_ANY_TEXT, .help = "The new one"}),
        .examples = EXAMPLES("\"old one\" \"new one\""),
        .fn = walletpassphrasechange,
    },
};

const struct rpc_table rpc_wallet_encrypt_table = {
    "Wallet", methods, ARRAY_LEN(methods), .needs_wallets = true};
