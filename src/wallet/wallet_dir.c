#include "wallet/wallet_dir.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "util/fs.h"
#include "util/sink.h"

#define SQLITE_HEADER_SIZE    100
#define APPLICATION_ID_OFFSET 68
#define MAX_DEPTH             8 /* of folders in walletdir */

char *wallet_dir_of(const struct wallet_options *opt, const char *name)
{
    return name[0] != '\0' ? path_join(opt->walletdir, name) : xstrdup(opt->walletdir);
}

char *wallet_file_of(const struct wallet_options *opt, const char *name)
{
    char *dir = wallet_dir_of(opt, name);
    char *file = path_join(dir, WALLET_FILE);
    free(dir);
    return file;
}

bool wallet_name_check(const struct wallet_options *opt, const char *name,
                       struct wallet_error *e)
{
    char *dir = wallet_dir_of(opt, name);
    bool ok = !path_exists(dir) || path_is_dir(dir);
    free(dir);
    return ok ||
           wallet_fail(e, WALLET_FAILED,
                       "Invalid -wallet path '%s'. -wallet path should point to a "
                       "directory where wallet.dat and database/log.?????????? files "
                       "can be stored, a location where such a directory could be "
                       "created, or (for backwards compatibility) the name of an "
                       "existing data file in -walletdir (%s)",
                       name, opt->walletdir);
}

bool wallet_file_is(const struct chain_params *p, const char *path)
{
    static const char magic[16] = "SQLite format 3";
    uint8_t header[SQLITE_HEADER_SIZE];
    FILE *f = fopen(path, "rb");
    bool ok = f != NULL && fread(header, sizeof(header), 1, f) == 1 &&
              memcmp(header, magic, sizeof(magic)) == 0 &&
              (p == NULL || memcmp(header + APPLICATION_ID_OFFSET, p->magic, 4) == 0);
    if (f != NULL)
        fclose(f);
    return ok;
}

bool wallet_name_exists(const struct wallet_options *opt, const char *name,
                        struct wallet_error *e)
{
    char *dir = wallet_dir_of(opt, name), *file = wallet_file_of(opt, name);
    bool ok = true;
    if (!path_exists(dir))
        ok =
            wallet_fail(e, WALLET_NOT_FOUND,
                        "Failed to load database path '%s'. Path does not exist.", dir);
    else if (!wallet_file_is(NULL, file))
        ok = wallet_fail(e, WALLET_NOT_FOUND,
                         "Failed to load database path '%s'. Data is not in recognized "
                         "format.",
                         dir);
    free(dir);
    free(file);
    return ok;
}

/* -- Listing */

struct listing {
    const struct chain_params *params;
    struct arena *mem;
    const char **names; /* owned until done */
    size_t n, cap;
};

static void add_name(struct listing *l, const char *name)
{
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 16 : l->cap * 2;
        l->names = xrealloc_array(l->names, l->cap, sizeof(*l->names));
    }
    l->names[l->n++] = arena_printf(l->mem, "%s", name);
}

/* @name: of the folder, relative to walletdir. */
static void list_folder(struct listing *l, const char *dir, const char *name, int depth)
{
    char *file = path_join(dir, WALLET_FILE);
    if (wallet_file_is(l->params, file))
        add_name(l, name);
    free(file);
    DIR *d = depth < MAX_DEPTH ? opendir(dir) : NULL;
    for (struct dirent *item; d != NULL && (item = readdir(d)) != NULL;) {
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        char *below = path_join(dir, item->d_name);
        char *sub =
            name[0] != '\0' ? path_join(name, item->d_name) : xstrdup(item->d_name);
        if (path_is_dir(below))
            list_folder(l, below, sub, depth + 1);
        free(below);
        free(sub);
    }
    if (d != NULL)
        closedir(d);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **wallet_dir_list(const struct wallet_options *opt, struct arena *mem,
                             size_t *n)
{
    struct listing l = {.params = opt->params, .mem = mem};
    list_folder(&l, opt->walletdir, "", 0);
    if (l.n > 0)
        qsort(l.names, l.n, sizeof(*l.names), compare_names);
    const char **out = arena_alloc(mem, (l.n + 1) * sizeof(*out));
    if (l.n > 0)
        memcpy(out, l.names, l.n * sizeof(*out));
    free(l.names);
    *n = l.n;
    return out;
}
