#include "wallet/wallet.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"
#include "wallet/addressbook.h"
#include "wallet/coins.h"
#include "wallet/crypt.h"
#include "wallet/follow.h"
#include "wallet/seed.h"
#include "wallet/spkman.h"
#include "wallet/store.h"
#include "wallet/txstore.h"

#define FLAGS      "flags"
#define BIRTH_TIME "birth_time"

/* Unknown flags in the upper half mean that this program must not open the wallet. */
#define KNOWN_FLAGS                                                                    \
    (UINT64_C(1) << WALLET_AVOID_REUSE | UINT64_C(1) << WALLET_KEY_ORIGIN_METADATA |   \
     UINT64_C(1) << WALLET_LAST_HARDENED_XPUB_CACHED |                                 \
     UINT64_C(1) << WALLET_DISABLE_PRIVATE_KEYS | UINT64_C(1) << WALLET_BLANK |        \
     UINT64_C(1) << WALLET_DESCRIPTORS)

/* -- Life */

static struct wallet *wallet_new(const struct wallet_options *opt, const char *name,
                                 const char *path)
{
    struct wallet *w = xcalloc(1, sizeof(*w));
    w->opt = opt;
    w->name = xstrdup(name);
    w->path = xstrdup(path);
    w->refs = 1;
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_init(&w->refs_lock, NULL);
    pthread_cond_init(&w->unused, NULL);
    w->crypt = crypt_new();
    w->spkman = spkman_new(w);
    w->spending = spending_new(w);
    w->txs = txstore_new(w);
    return w;
}

static void wallet_free(struct wallet *w)
{
    follower_free(w->follower);
    txstore_free(w->txs);
    addressbook_free(w->book);
    spkman_free(w->spkman);
    spending_free(w->spending);
    crypt_free(w->crypt);
    store_close(w->store);
    pthread_cond_destroy(&w->unused);
    pthread_mutex_destroy(&w->refs_lock);
    pthread_mutex_destroy(&w->lock);
    free(w->name);
    free(w->path);
    free(w);
}

struct wallet *wallet_ref(struct wallet *w)
{
    pthread_mutex_lock(&w->refs_lock);
    w->refs++;
    pthread_mutex_unlock(&w->refs_lock);
    return w;
}

void wallet_unref(struct wallet *w)
{
    pthread_mutex_lock(&w->refs_lock);
    unsigned left = --w->refs;
    if (left == 1)
        pthread_cond_broadcast(&w->unused);
    pthread_mutex_unlock(&w->refs_lock);
    if (left == 0)
        wallet_free(w);
}

void wallet_wait_for_others(struct wallet *w)
{
    pthread_mutex_lock(&w->refs_lock);
    while (w->refs > 1)
        pthread_cond_wait(&w->unused, &w->refs_lock);
    pthread_mutex_unlock(&w->refs_lock);
}

void wallet_lock(struct wallet *w)
{
    pthread_mutex_lock(&w->lock);
}

void wallet_unlock(struct wallet *w)
{
    pthread_mutex_unlock(&w->lock);
}

/* -- What fails */

bool wallet_wrote(const struct wallet *w, enum err result, struct wallet_error *e)
{
    return result == ERR_OK ||
           wallet_fail(e, WALLET_FAILED,
                       "Wallet file %s could not be written: %s. Nothing that was "
                       "confirmed before is lost; free space or look at the disk, then "
                       "load the wallet again.",
                       w->path, store_error(w->store));
}

void wallet_log_line(const struct wallet *w, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    log_info(w->opt->log, "[%s] %s", w->name[0] != '\0' ? w->name : "default wallet",
             buf_cstr(&text));
    buf_clear(&text);
}

/* -- Flags and birth */

const char *wallet_flag_name(enum wallet_flag f)
{
    switch (f) {
    case WALLET_AVOID_REUSE:
        return "avoid_reuse";
    case WALLET_KEY_ORIGIN_METADATA:
        return "key_origin_metadata";
    case WALLET_LAST_HARDENED_XPUB_CACHED:
        return "last_hardened_xpub_cached";
    case WALLET_DISABLE_PRIVATE_KEYS:
        return "disable_private_keys";
    case WALLET_BLANK:
        return "blank";
    case WALLET_DESCRIPTORS:
        return "descriptor_wallet";
    case WALLET_EXTERNAL_SIGNER:
        return "external_signer";
    }
    return "";
}

enum err wallet_set_flag(struct wallet *w, enum wallet_flag f, bool on)
{
    uint64_t bit = UINT64_C(1) << f, flags = on ? w->flags | bit : w->flags & ~bit;
    enum err e = ERR_OK;
    if (flags != w->flags)
        e = store_put_int(w->store, FLAGS, (int64_t)flags);
    if (e == ERR_OK)
        w->flags = flags;
    return e;
}

enum err wallet_born_before(struct wallet *w, int64_t t)
{
    if (t >= w->birth_time)
        return ERR_OK;
    enum err e = store_put_int(w->store, BIRTH_TIME, t);
    if (e == ERR_OK)
        w->birth_time = t;
    return e;
}

/* -- Creating */

static bool add_keys(struct wallet *w, const char *restore, int64_t created,
                     char **mnemonic, struct wallet_error *e)
{
    if (wallet_has_flag(w, WALLET_BLANK) ||
        wallet_has_flag(w, WALLET_DISABLE_PRIVATE_KEYS))
        return true;
    struct bip32_key *master = secret_alloc(sizeof(*master));
    bool ok = restore != NULL ? seed_restore(master, restore, e)
                              : seed_generate(master, mnemonic);
    ok = ok && spkman_setup_defaults(w->spkman, master, created, e);
    secret_free(master);
    return ok;
}

static bool add_crypt(struct wallet *w, struct bytes passphrase, struct wallet_error *e)
{
    if (passphrase.len == 0)
        return true;
    enum err r = crypt_setup(w->crypt, w->store, passphrase, w->opt->kdf_memory);
    if (r == ERR_FULL)
        return wallet_fail(e, WALLET_ENCRYPTION_FAILED,
                           "Error: Failed to encrypt the wallet: not enough memory to "
                           "turn the passphrase into a key, see -kdfmemory.");
    return wallet_wrote(w, r, e);
}

static bool fill(struct wallet *w, const struct wallet_create *how, char **mnemonic,
                 struct wallet_error *e)
{
    w->flags = how->flags | UINT64_C(1) << WALLET_DESCRIPTORS |
               UINT64_C(1) << WALLET_LAST_HARDENED_XPUB_CACHED;
    w->birth_time = how->mnemonic != NULL ? how->birth_time : clock_now(w->opt->clock);
    w->book = addressbook_new(w->store);
    w->follower = follower_new(w);
    if (how->mnemonic == NULL && w->opt->chain != NULL)
        follower_begin_at_tip(w);
    return wallet_wrote(w, store_put_int(w->store, FLAGS, (int64_t)w->flags), e) &&
           wallet_wrote(w, store_put_int(w->store, BIRTH_TIME, w->birth_time), e) &&
           add_crypt(w, how->passphrase, e) &&
           add_keys(w, how->mnemonic, w->birth_time, mnemonic, e);
}

static bool open_store(struct wallet *w, const char *path, enum store_open how,
                       struct wallet_error *e)
{
    const struct wallet_options *opt = w->opt;
    unsigned flags = (opt->cross_chain ? STORE_ANY_NETWORK : 0) |
                     (opt->unsafe_sync ? STORE_UNSAFE_SYNC : 0);
    if (opt->unsafe_sync)
        log_warning(opt->log,
                    "SQLite is configured to not wait for data to be flushed to disk. "
                    "Data loss and corruption may occur.");
    return store_open(&w->store, path, how, opt->params, flags, e);
}

bool wallet_create(struct wallet **out, const struct wallet_options *opt,
                   const char *name, const char *path, const struct wallet_create *how,
                   char **mnemonic, struct wallet_error *e)
{
    char *words = NULL;
    struct wallet *w = wallet_new(opt, name, path);
    bool opened = open_store(w, path, STORE_CREATE, e);
    bool ok = opened && fill(w, how, &words, e);
    if (opened)
        ok = wallet_wrote(w, store_end(w->store, ok ? ERR_OK : ERR_CLOSED), e) && ok;
    crypt_lock(w->crypt);
    if (ok && mnemonic != NULL)
        *mnemonic = words;
    else
        secret_free(words);
    if (ok) {
        *out = w;
        return true;
    }
    wallet_unref(w);
    if (opened)
        unlink(path);
    return false;
}

/* -- Encrypting */

/* Set while deleted records may still stand in the file. */
#define COMPACT "compact"

static bool encrypt(struct wallet *w, struct bytes passphrase, char **mnemonic,
                    struct wallet_error *e)
{
    return add_crypt(w, passphrase, e) &&
           wallet_wrote(w, spkman_encrypt(w->spkman), e) &&
           wallet_wrote(w, store_put_int(w->store, COMPACT, 1), e) &&
           add_keys(w, NULL, clock_now(w->opt->clock), mnemonic, e);
}

/* Not in the transaction: VACUUM is one of its own. Repeated on opening if need be. */
static bool compact(struct wallet *w, struct wallet_error *e)
{
    return wallet_wrote(w, store_compact(w->store), e) &&
           wallet_wrote(w, store_del(w->store, COMPACT), e);
}

bool wallet_encrypt(struct wallet *w, struct bytes passphrase, char **mnemonic,
                    struct wallet_error *e)
{
    char *words = NULL;
    store_begin(w->store);
    bool ok = encrypt(w, passphrase, &words, e);
    ok = wallet_wrote(w, store_end(w->store, ok ? ERR_OK : ERR_CLOSED), e) && ok;
    if (ok)
        crypt_lock(w->crypt);
    else
        crypt_forget(w->crypt);
    *mnemonic = ok ? words : NULL;
    if (!ok)
        secret_free(words);
    return ok && compact(w, e);
}

static bool compact_if_due(struct wallet *w, struct wallet_error *e)
{
    int64_t due = 0;
    return store_get_int(w->store, COMPACT, &due) != ERR_OK || compact(w, e);
}

/* -- Opening */

static bool read_values(struct wallet *w, struct wallet_error *e)
{
    int64_t flags = 0;
    enum err r = store_get_int(w->store, FLAGS, &flags);
    if (r == ERR_OK)
        r = store_get_int(w->store, BIRTH_TIME, &w->birth_time);
    if (r == ERR_OK)
        r = crypt_load(w->crypt, w->store);
    if (r == ERR_OK)
        r = addressbook_load(w->book);
    if (r == ERR_OK)
        r = spending_load(w->spending);
    if (r != ERR_OK)
        return wallet_fail(e, WALLET_FAILED,
                           "Error loading %s: Wallet corrupted. Restore a backup, or "
                           "try ochre-wallet salvage.",
                           w->path);
    w->flags = (uint64_t)flags;
    if ((w->flags & ~KNOWN_FLAGS) >> 32 != 0)
        return wallet_fail(e, WALLET_FAILED,
                           "Error loading %s: Wallet requires newer "
                           "version of Ochre",
                           w->path);
    return true;
}

bool wallet_open(struct wallet **out, const struct wallet_options *opt,
                 const char *name, const char *path, struct wallet_error *e)
{
    struct wallet *w = wallet_new(opt, name, path);
    bool ok = open_store(w, path, STORE_EXISTING, e);
    if (ok)
        w->book = addressbook_new(w->store);
    ok = ok && compact_if_due(w, e) && read_values(w, e) && spkman_load(w->spkman, e);
    if (ok)
        w->follower = follower_new(w);
    ok = ok && txstore_load(w->txs, e);
    if (ok)
        *out = w;
    else
        wallet_unref(w);
    return ok;
}

/* -- Backup */

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

bool wallet_backup(struct wallet *w, const char *to)
{
    const char *slash = strrchr(w->path, '/');
    char *path = path_is_dir(to) ? path_join(to, slash != NULL ? slash + 1 : w->path)
                                 : xstrdup(to);
    bool ok = !same_file(path, w->path) && store_backup(w->store, path) == ERR_OK;
    free(path);
    return ok;
}
