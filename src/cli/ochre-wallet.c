/* Works on wallet files that no node has loaded. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/tool.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "node/setup.h"
#include "util/clock.h"
#include "util/fs.h"
#include "wallet/addressbook.h"
#include "wallet/crypt.h"
#include "wallet/dump.h"
#include "wallet/spkman.h"
#include "wallet/store.h"
#include "wallet/wallet_dir.h"

struct tool {
    const struct args *args;
    struct setup setup;
    struct clock clock;
    struct wallet_options opt;
    const char *name;
    char *dir, *file; /* owned; of the wallet */
    struct wallet_error error;
};

static void print_help(const struct args *a)
{
    struct buf text = {0};
    buf_append_str(&text,
                   "ochre-wallet works on wallet files that no node has loaded.\n"
                   "By default on the wallet without name; -wallet=<name> says which, "
                   "-datadir, -chain and -walletdir where.\n\n"
                   "Usage:  ochre-wallet [options] <command>\n\n");
    args_help(a, &text, false);
    buf_append_str(&text,
                   "\nCommands:\n\n"
                   "  create\n       Create a wallet file\n\n"
                   "  createfromdump\n       Create a wallet file from -dumpfile\n\n"
                   "  dump\n       Write the records of the wallet to -dumpfile\n\n"
                   "  info\n       Describe the wallet\n\n"
                   "  salvage\n       Save what can be read of a damaged file\n");
    fputs(buf_cstr(&text), stdout);
    buf_clear(&text);
}

static bool complain(const char *sentence)
{
    fprintf(stderr, "%s\n", sentence);
    return false;
}

/* -- info */

static const char *yes_no(bool v)
{
    return v ? "yes" : "no";
}

static long long count_transactions(struct wallet *w)
{
    struct sqlite_stmt *q =
        sqlite_query(store_db(w->store), "SELECT count(*) FROM transactions");
    long long n = sqlite_row(q) ? sqlite_int(q, 0) : 0;
    return sqlite_done(q) == ERR_OK ? n : 0;
}

static bool count_label(void *ctx, const struct address_entry *e)
{
    *(size_t *)ctx += e->label != NULL;
    return true;
}

static void print_info(struct wallet *w)
{
    size_t labels = 0;
    addressbook_each(w->book, count_label, &labels);
    printf("Wallet info\n===========\nName: %s\nFormat: sqlite\nDescriptors: yes\n",
           w->name);
    printf("Encrypted: %s\nHD (hd seed available): %s\n",
           yes_no(crypt_enabled(w->crypt)), yes_no(spkman_has_private(w->spkman)));
    printf("Keypool Size: %zu\nTransactions: %lld\nAddress Book: %zu\n",
           spkman_keypool_size(w->spkman, false) + spkman_keypool_size(w->spkman, true),
           count_transactions(w), labels);
}

static bool show(struct tool *t)
{
    struct wallet *w;
    if (!wallet_name_check(&t->opt, t->name, &t->error) ||
        !wallet_name_exists(&t->opt, t->name, &t->error) ||
        !wallet_open(&w, &t->opt, t->name, t->file, &t->error))
        return false;
    print_info(w);
    wallet_unref(w);
    return true;
}

/* -- create */

static bool make_folder(struct tool *t)
{
    return fs_mkdirs(t->dir, 0700) == ERR_OK ||
           wallet_fail(&t->error, WALLET_FAILED, "Failed to create database path '%s'.",
                       t->dir);
}

static bool create(struct tool *t)
{
    struct wallet_create how = {0};
    struct wallet *w;
    char *mnemonic;
    if (!args_is_set(t->args, "wallet"))
        return complain("Wallet name must be provided when creating a new wallet.");
    if (!args_bool(t->args, "descriptors", true))
        return complain("Only descriptor wallets can be made.");
    if (!wallet_name_check(&t->opt, t->name, &t->error) || !make_folder(t) ||
        !wallet_create(&w, &t->opt, t->name, t->file, &how, &mnemonic, &t->error))
        return false;
    printf("Topping up keypool...\n");
    print_info(w);
    printf("Mnemonic (shown this once): %s\n", mnemonic);
    secret_free(mnemonic);
    wallet_unref(w);
    return true;
}

/* -- dump, createfromdump */

static const char *dump_file(const struct tool *t)
{
    const char *file = args_str(t->args, "dumpfile", "");
    return file[0] != '\0' ? file : NULL;
}

static bool dump(struct tool *t)
{
    const char *to = dump_file(t);
    if (to == NULL)
        return complain("No dump file provided. To use dump, -dumpfile=<filename> must "
                        "be provided.");
    if (!wallet_name_exists(&t->opt, t->name, &t->error) ||
        !wallet_dump(t->file, to, t->opt.params, &t->error))
        return false;
    printf("The dumpfile may contain private keys. To ensure the safety of your "
           "wallet, do not share the dumpfile.\n");
    return true;
}

/* Whether what was made loads. */
static bool verify(struct tool *t)
{
    struct wallet *w;
    if (!wallet_open(&w, &t->opt, t->name, t->file, &t->error))
        return false;
    wallet_unref(w);
    return true;
}

/* What is left of a wallet that could not be made; a folder that holds more stays. */
static void discard(const struct tool *t)
{
    char *journal = xasprintf("%s-journal", t->file);
    unlink(t->file);
    unlink(journal);
    if (t->name[0] != '\0')
        rmdir(t->dir);
    free(journal);
}

static bool create_from_dump(struct tool *t)
{
    const char *from = dump_file(t);
    if (from == NULL)
        return complain("No dump file provided. To use createfromdump, "
                        "-dumpfile=<filename> must be provided.");
    if (!path_exists(from))
        return wallet_fail(&t->error, WALLET_FAILED, "Dump file %s does not exist.",
                           from);
    bool existed = path_exists(t->file);
    bool ok = make_folder(t) &&
              wallet_create_from_dump(t->file, from, t->opt.params, &t->error) &&
              verify(t);
    if (!ok && !existed)
        discard(t);
    return ok;
}

/* -- salvage */

static bool swap_files(struct tool *t, const char *fresh)
{
    char *old = xasprintf("%s.%lld.bak", t->file, (long long)clock_now(&t->clock));
    char *journal = xasprintf("%s-journal", t->file);
    bool ok = rename(t->file, old) == 0;
    unlink(journal);
    ok = ok && rename(fresh, t->file) == 0;
    if (ok)
        printf("The damaged file is kept as %s\n", old);
    free(old);
    free(journal);
    return ok ||
           wallet_fail(&t->error, WALLET_FAILED, "%s cannot be replaced.", t->file);
}

static bool salvage(struct tool *t)
{
    size_t rows;
    if (!path_exists(t->file))
        return wallet_fail(&t->error, WALLET_NOT_FOUND,
                           "Failed to load database path '%s'. Path does not exist.",
                           t->dir);
    char *fresh = xasprintf("%s.salvaged", t->file);
    bool ok = wallet_salvage(t->file, fresh, t->opt.params, &rows, &t->error) &&
              swap_files(t, fresh);
    free(fresh);
    if (!ok)
        return false;
    printf("%zu records were saved\n", rows);
    return verify(t);
}

/* -- The command line */

static const struct {
    const char *name;
    bool (*run)(struct tool *t);
} commands[] = {
    {"create", create},   {"createfromdump", create_from_dump},
    {"dump", dump},       {"info", show},
    {"salvage", salvage},
};

static bool find_command(const struct args *a, size_t *out)
{
    size_t n;
    const char *const *words = args_positional(a, &n);
    if (n == 0)
        return complain("No method provided. Run `ochre-wallet -help` for valid "
                        "methods.");
    if (n > 1) {
        fprintf(stderr,
                "Error: Additional arguments provided (%s). Methods do not take "
                "arguments. Please refer to `-help`.\n",
                words[1]);
        return false;
    }
    for (*out = 0; *out < ARRAY_LEN(commands); ++*out)
        if (strcmp(commands[*out].name, words[0]) == 0)
            return true;
    fprintf(stderr, "Error parsing command line arguments: Invalid command '%s'\n",
            words[0]);
    return false;
}

static bool set_up(struct tool *t, struct args *a)
{
    char *error = NULL;
    t->args = a;
    if (!setup_config(&t->setup, a, false, &error)) {
        complain(error);
        free(error);
        return false;
    }
    char *network = path_join(t->setup.base_datadir, t->setup.params.name);
    char *dir = path_join(network, "wallets");
    const char *given = args_str(a, "walletdir", "");
    clock_init(&t->clock);
    t->name = args_str(a, "wallet", "");
    t->opt = (struct wallet_options){
        .params = &t->setup.params,
        .clock = &t->clock,
        .keypool = (uint32_t)args_int(a, "keypool", 1000),
        .address_type = OUTPUT_BECH32,
        .change_type = OUTPUT_NONE,
        .walletdir = xstrdup(given[0] != '\0'   ? given
                             : path_is_dir(dir) ? dir
                                                : network),
    };
    t->dir = wallet_dir_of(&t->opt, t->name);
    t->file = wallet_file_of(&t->opt, t->name);
    free(network);
    free(dir);
    return true;
}

static void clear(struct tool *t)
{
    if (t->error.text != NULL)
        complain(t->error.text);
    wallet_error_clear(&t->error);
    free((char *)t->opt.walletdir);
    free(t->dir);
    free(t->file);
    setup_clear(&t->setup);
}

static int run(struct args *a)
{
    struct tool t = {.setup = {.lock_fd = -1, .blocks_lock_fd = -1}};
    size_t which;
    umask(077);
    secp_init();
    bool ok = find_command(a, &which) && set_up(&t, a) && commands[which].run(&t);
    clear(&t);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    return tool_main(argc, argv, wallet_options, "ochre-wallet utility", print_help,
                     run);
}
