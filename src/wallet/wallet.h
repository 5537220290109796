/* A wallet: keys, addresses, transactions of one user in one SQLite file.
 *
 * Locking. Each wallet has one mutex, which is not recursive. Functions whose name
 * begins with a part's (spkman_, addressbook_, crypt_, store_, txstore_, ...) want the
 * caller to hold it, unless they say otherwise; functions of the wallet as a whole
 * (wallet_) and of the manager want it not to be held. Whoever holds it may call into
 * the chain_source (events reach wallets through a queue with a thread of its own, so
 * validation never waits for a wallet), but may lock no other wallet and call no
 * manager function. Order: manager's mutex, wallet's mutex, chain's read lock.
 *
 * Storage. Every change is on disk before its caller goes on: first the record is
 * written (store.h), then memory changes. Several changes that belong together stand
 * between store_begin and store_commit. A write that fails makes the whole store fail
 * from then on (what is in memory may be ahead of the disk), with a sentence that tells
 * the user to free space or look at the disk and load the wallet again; nothing that
 * was committed is lost. */
#ifndef OCHRE_WALLET_WALLET_H
#define OCHRE_WALLET_WALLET_H

#include <pthread.h>

#include "chain/params/params.h"
#include "chain/script/address.h"
#include "wallet/error.h"

struct addressbook;
struct chain_source;
struct clock;
struct crypt;
struct follower;
struct logger;
struct pool;
struct secret_mem;
struct spkman;
struct store;
struct txstore;
struct wallet_spending;

/* bitcoind's numbers, as they stand in the file and in getwalletinfo. */
enum wallet_flag {
    WALLET_AVOID_REUSE = 0,
    WALLET_KEY_ORIGIN_METADATA = 1,
    WALLET_LAST_HARDENED_XPUB_CACHED = 2,
    WALLET_DISABLE_PRIVATE_KEYS = 32,
    WALLET_BLANK = 33,
    WALLET_DESCRIPTORS = 34,
    WALLET_EXTERNAL_SIGNER = 35,
};

/* What all wallets of a node have in common; outlives them. The offline tool leaves
 * chain, workers and log NULL. */
struct wallet_options {
    const struct chain_params *params;
    struct logger *log;
    struct clock *clock;
    struct pool *workers;       /* NULL: everything in the caller's thread */
    struct chain_source *chain; /* NULL: no chain (offline) */
    const char *walletdir;      /* "<datadir>/wallets" */
    const char *settings_path;  /* settings.json; NULL: -nosettings */
    uint32_t keypool;           /* scripts ahead of the last used one, per descriptor */
    enum output_type address_type;
    enum output_type change_type; /* OUTPUT_NONE: as the payment's outputs suggest */
    uint64_t kdf_memory;          /* bytes that a passphrase check takes; 0: default */
    const char *notify;           /* -walletnotify command; NULL or "": none */
    bool broadcast;               /* -walletbroadcast */
    bool spend_zeroconf_change;   /* -spendzeroconfchange */
    bool signal_rbf;              /* -walletrbf */
    bool avoid_partial_spends;    /* -avoidpartialspends */
    bool reject_long_chains;      /* -walletrejectlongchains */
    bool cross_chain;             /* -walletcrosschain */
    bool unsafe_sync;             /* -unsafesqlitesync */
    uint32_t confirm_target;      /* -txconfirmtarget */
    /* Fee rates in the smallest unit per kvB, but max_fee. -1: not set. */
    int64_t pay_fee;         /* -paytxfee */
    int64_t min_fee;         /* -mintxfee */
    int64_t fallback_fee;    /* -fallbackfee; 0: off */
    int64_t discard_fee;     /* -discardfee */
    int64_t consolidate_fee; /* -consolidatefeerate */
    int64_t max_aps_fee;     /* -maxapsfee, an amount; -1: avoid reuse at no price */
    int64_t max_fee;         /* -maxtxfee, an amount */
};

struct wallet {
    const struct wallet_options *opt; /* borrowed */
    char *name; /* owned; as users say it, "" is the default one */
    char *path; /* owned; of the file */
    pthread_mutex_t lock;
    unsigned refs; /* this and the next two: under refs_lock, which is taken last */
    pthread_mutex_t refs_lock;
    pthread_cond_t unused; /* one reference is left */

    /* All below: under the lock. */
    uint64_t flags;     /* bits 1 << enum wallet_flag */
    int64_t birth_time; /* unix seconds; no transaction of ours is older */
    struct store *store;
    struct crypt *crypt;
    struct spkman *spkman;
    struct addressbook *book;
    struct txstore *txs;              /* transactions and coins (txstore.h) */
    struct follower *follower;        /* chain events and rescans (follow.h) */
    struct wallet_spending *spending; /* locked coins, settxfee (spend.h) */
    bool closing;                     /* long work ends early */
};

void wallet_lock(struct wallet *w);
void wallet_unlock(struct wallet *w);

/* Any thread, with or without the lock. */
struct wallet *wallet_ref(struct wallet *w);
void wallet_unref(struct wallet *w);
/* Returns when the caller's reference is the only one. Without the lock. */
void wallet_wait_for_others(struct wallet *w);

/* What a new wallet shall be. */
struct wallet_create {
    uint64_t flags;          /* enum wallet_flag bits; WALLET_DESCRIPTORS is implied */
    struct bytes passphrase; /* empty: not encrypted */
    const char *mnemonic;    /* BIP 39 words to restore from; NULL: new ones */
    int64_t birth_time; /* unix seconds, for restored ones 0: search from genesis */
};

/* Creates the file (its folder must exist) with default descriptors unless blank or
 * without private keys. *mnemonic (may be NULL; secret memory, caller frees with
 * secret_free) gets the words of a new seed; NULL when there is none. */
NODISCARD bool wallet_create(struct wallet **out, const struct wallet_options *opt,
                             const char *name, const char *path,
                             const struct wallet_create *how, char **mnemonic,
                             struct wallet_error *e);
/* Encrypts the private keys, in one transaction. A wallet that is not blank gets new
 * keys besides, because the old ones stood in the file in the open: *mnemonic (secret
 * memory, caller frees with secret_free) gets their words, or NULL. Locked then. With
 * the lock. */
NODISCARD bool wallet_encrypt(struct wallet *w, struct bytes passphrase,
                              char **mnemonic, struct wallet_error *e);
/* Reads the file into memory; catching up with the chain is the follower's. */
NODISCARD bool wallet_open(struct wallet **out, const struct wallet_options *opt,
                           const char *name, const char *path, struct wallet_error *e);

/* With the lock. */
static inline bool wallet_has_flag(const struct wallet *w, enum wallet_flag f)
{
    return (w->flags >> f & 1) != 0;
}
NODISCARD enum err wallet_set_flag(struct wallet *w, enum wallet_flag f, bool on);
const char *wallet_flag_name(enum wallet_flag f); /* "avoid_reuse" */
/* Moves the birth time back when @t is earlier, on disk too. */
NODISCARD enum err wallet_born_before(struct wallet *w, int64_t t);
/* Writes a copy: a file, or a directory that gets one of the same name. False also when
 * that is the wallet itself. */
NODISCARD bool wallet_backup(struct wallet *w, const char *to);
/* "[name] " in front, as bitcoind's wallet lines. */
#define wallet_log(w, ...) wallet_log_line(w, __VA_ARGS__)
void wallet_log_line(const struct wallet *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What a failed write means to the user: fills @e with -4 and the store's sentence;
 * true when @result is ERR_OK. */
bool wallet_wrote(const struct wallet *w, enum err result, struct wallet_error *e);

#endif
