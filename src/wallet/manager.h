/* All wallets of a node: where their files are, which are loaded, and which are loaded
 * when the node starts.
 *
 * A wallet "name" is <walletdir>/name/wallet.dat, the one without name
 * <walletdir>/wallet.dat; an absolute path names a folder anywhere. Thread-safe; no
 * wallet's lock may be held. */
#ifndef OCHRE_WALLET_MANAGER_H
#define OCHRE_WALLET_MANAGER_H

#include "util/mem.h"
#include "wallet/wallet.h"

struct wallet_manager;

/* opt->walletdir must exist. Its strings walletdir and settings_path are copied, the
 * others borrowed. */
struct wallet_manager *wallet_manager_new(const struct wallet_options *opt);
/* Unloads all; NULL is fine. */
void wallet_manager_free(struct wallet_manager *m);
const struct wallet_options *wallet_manager_options(const struct wallet_manager *m);

/* How the layers that follow the chain join: called without locks, after a wallet is in
 * memory and before anybody else sees it, and before it goes. (w2's follower) */
struct wallet_hooks {
    void *ctx;
    /* Catches up with the chain; false with a sentence in @e: it is not loaded. */
    bool (*attach)(void *ctx, struct wallet *w, struct wallet_error *e);
    void (*detach)(void *ctx, struct wallet *w);
};
void wallet_manager_set_hooks(struct wallet_manager *m, const struct wallet_hooks *h);

/* A reference, or NULL. */
struct wallet *wallet_manager_find(struct wallet_manager *m, const char *name);
/* References to all loaded wallets in the order in which they were loaded; *n of them;
 * caller unrefs each and frees the array. */
struct wallet **wallet_manager_all(struct wallet_manager *m, size_t *n);

/* What becomes of the list of wallets that are loaded on start. */
enum load_on_start {
    LOAD_UNCHANGED,
    LOAD_ON_START,
    LOAD_NOT_ON_START,
};

/* On success *out is a reference. warnings (may be NULL) gets sentences, one a line. */
NODISCARD bool wallet_manager_create(struct wallet_manager *m, const char *name,
                                     const struct wallet_create *how,
                                     enum load_on_start start, struct wallet **out,
                                     char **mnemonic, struct buf *warnings,
                                     struct wallet_error *e);
NODISCARD bool wallet_manager_load(struct wallet_manager *m, const char *name,
                                   enum load_on_start start, struct wallet **out,
                                   struct buf *warnings, struct wallet_error *e);
/* Consumes the caller's reference. Waits until all other users are done. */
NODISCARD bool wallet_manager_unload(struct wallet_manager *m, struct wallet *take_w,
                                     enum load_on_start start, struct buf *warnings,
                                     struct wallet_error *e);
/* Copies a backup to the place of a new wallet and loads it. */
NODISCARD bool wallet_manager_restore(struct wallet_manager *m, const char *name,
                                      const char *backup, enum load_on_start start,
                                      struct wallet **out, struct buf *warnings,
                                      struct wallet_error *e);
/* Names of the wallets in walletdir, sorted, each a NUL-ended string in @mem. */
const char **wallet_manager_list_dir(struct wallet_manager *m, struct arena *mem,
                                     size_t *n);
/* -wallet= and the settings file's list; an unusable one stops the start only when
 * its file is damaged, as in bitcoind. */
NODISCARD bool wallet_manager_load_all(struct wallet_manager *m,
                                       const char *const *names, size_t n,
                                       char **error);

/* Locks itself after @seconds (walletpassphrase). */
void wallet_manager_relock_after(struct wallet_manager *m, struct wallet *w,
                                 int64_t seconds);
void wallet_manager_relock_cancel(struct wallet_manager *m, struct wallet *w);

#endif
