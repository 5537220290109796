/* Where wallets lie: names, folders, files. */
#ifndef OCHRE_WALLET_WALLET_DIR_H
#define OCHRE_WALLET_WALLET_DIR_H

#include "util/mem.h"
#include "wallet/wallet.h"

#define WALLET_FILE "wallet.dat"

/* <walletdir>/<name>, and the file in it; caller frees. */
char *wallet_dir_of(const struct wallet_options *opt, const char *name);
char *wallet_file_of(const struct wallet_options *opt, const char *name);
/* A place of this name may hold a wallet: a folder, or nothing yet. */
NODISCARD bool wallet_name_check(const struct wallet_options *opt, const char *name,
                                 struct wallet_error *e);
/* There is a wallet file of this network. -18 with bitcoind's sentences. */
NODISCARD bool wallet_name_exists(const struct wallet_options *opt, const char *name,
                                  struct wallet_error *e);
/* Whether the file looks like a wallet of this network. */
bool wallet_file_is(const struct chain_params *p, const char *path);
/* Names of all wallets below walletdir, sorted. */
const char **wallet_dir_list(const struct wallet_options *opt, struct arena *mem,
                             size_t *n);

#endif
