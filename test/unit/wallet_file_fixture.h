/* A wallet in a folder of its own, without a chain. */
#ifndef OCHRE_TEST_WALLET_FILE_FIXTURE_H
#define OCHRE_TEST_WALLET_FILE_FIXTURE_H

#include "unit.h"

#include "crypto/secp.h"
#include "crypto/secret.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/mem.h"
#include "wallet/crypt.h"
#include "wallet/spkman.h"
#include "wallet/store.h"
#include "wallet/wallet.h"

#define FIXTURE_WORDS                                                                  \
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon " \
    "abandon about"

struct wallet_fixture {
    struct chain_params params;
    struct clock clock;
    struct wallet_options opt;
    char dir[64];
    char *path; /* owned */
    struct wallet *w;
};

static inline void fixture_open(struct wallet_fixture *f)
{
    struct wallet_error e = {0};
    if (!wallet_open(&f->w, &f->opt, "w", f->path, &e))
        fail_msg("%s", e.text);
}

static inline void fixture_reopen(struct wallet_fixture *f)
{
    wallet_unref(f->w);
    fixture_open(f);
}

static inline void fixture_create(struct wallet_fixture *f,
                                  const struct wallet_create *how)
{
    struct wallet_error e = {0};
    if (!wallet_create(&f->w, &f->opt, "w", f->path, how, NULL, &e))
        fail_msg("%s", e.text);
}

/* *st: a fixture with a wallet of FIXTURE_WORDS. */
static inline int fixture_set_up(void **st)
{
    struct wallet_fixture *f = xcalloc(1, sizeof(*f));
    const struct wallet_create how = {.mnemonic = FIXTURE_WORDS};
    secp_init();
    assert_true(chain_params_get(&f->params, BITCOIN, "regtest"));
    clock_init(&f->clock);
    snprintf(f->dir, sizeof(f->dir), "/tmp/ochre-wallet-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->path = path_join(f->dir, "wallet.dat");
    f->opt = (struct wallet_options){.params = &f->params,
                                     .clock = &f->clock,
                                     .walletdir = f->dir,
                                     .keypool = 5,
                                     .address_type = OUTPUT_BECH32,
                                     .change_type = OUTPUT_NONE,
                                     .kdf_memory = 8192};
    fixture_create(f, &how);
    *st = f;
    return 0;
}

static inline int fixture_tear_down(void **st)
{
    struct wallet_fixture *f = *st;
    wallet_unref(f->w);
    int result = fs_remove_tree(f->dir) == ERR_OK ? 0 : -1;
    free(f->path);
    free(f);
    return result;
}

#define WALLET_TEST(fn)                                                                \
    cmocka_unit_test_setup_teardown(fn, fixture_set_up, fixture_tear_down)

#endif
