#include "wallet/manager.h"

#include <stdlib.h>
#include <unistd.h>

#include "util/fs.h"
#include "util/log.h"
#include "wallet/relock.h"
#include "wallet/settings_list.h"
#include "wallet/wallet_dir.h"

struct wallet_manager {
    struct wallet_options opt;
    char *walletdir, *settings_path; /* owned; of opt */
    struct wallet_hooks hooks;
    struct relock *relock;
    pthread_mutex_t lock;
    pthread_mutex_t loading; /* one wallet is created, loaded or unloaded at a time */
    struct wallet **items;   /* owned references, in the order of loading */
    size_t n, cap;
};

/* -- Life */

struct wallet_manager *wallet_manager_new(const struct wallet_options *opt)
{
    struct wallet_manager *m = xcalloc(1, sizeof(*m));
    m->opt = *opt;
    m->opt.walletdir = m->walletdir = xstrdup(opt->walletdir);
    if (opt->settings_path != NULL)
        m->opt.settings_path = m->settings_path = xstrdup(opt->settings_path);
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->loading, NULL);
    m->relock = relock_new();
    return m;
}

static void detach(struct wallet_manager *m, struct wallet *w)
{
    wallet_lock(w);
    w->closing = true;
    wallet_unlock(w);
    relock_cancel(m->relock, w);
    if (m->hooks.detach != NULL)
        m->hooks.detach(m->hooks.ctx, w);
}

void wallet_manager_free(struct wallet_manager *m)
{
    if (m == NULL)
        return;
    while (m->n > 0) {
        struct wallet *w = m->items[--m->n];
        detach(m, w);
        wallet_unref(w);
    }
    relock_free(m->relock);
    free(m->items);
    free(m->walletdir);
    free(m->settings_path);
    pthread_mutex_destroy(&m->loading);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

const struct wallet_options *wallet_manager_options(const struct wallet_manager *m)
{
    return &m->opt;
}

void wallet_manager_set_hooks(struct wallet_manager *m, const struct wallet_hooks *h)
{
    m->hooks = *h;
}

/* -- The list */

static size_t place_of(const struct wallet_manager *m, const char *name)
{
    size_t i = 0;
    while (i < m->n && strcmp(m->items[i]->name, name) != 0)
        i++;
    return i;
}

struct wallet *wallet_manager_find(struct wallet_manager *m, const char *name)
{
    pthread_mutex_lock(&m->lock);
    size_t i = place_of(m, name);
    struct wallet *w = i < m->n ? wallet_ref(m->items[i]) : NULL;
    pthread_mutex_unlock(&m->lock);
    return w;
}

struct wallet **wallet_manager_all(struct wallet_manager *m, size_t *n)
{
    pthread_mutex_lock(&m->lock);
    struct wallet **all = xcalloc(m->n + 1, sizeof(struct wallet *));
    for (*n = 0; *n < m->n; ++*n)
        all[*n] = wallet_ref(m->items[*n]);
    pthread_mutex_unlock(&m->lock);
    return all;
}

static void list_add(struct wallet_manager *m, struct wallet *take_w)
{
    pthread_mutex_lock(&m->lock);
    if (m->n == m->cap) {
        m->cap = m->cap == 0 ? 8 : m->cap * 2;
        m->items = xrealloc_array(m->items, m->cap, sizeof(struct wallet *));
    }
    m->items[m->n++] = take_w;
    pthread_mutex_unlock(&m->lock);
}

/* False: it is not in the list (any more). */
static bool list_remove(struct wallet_manager *m, const struct wallet *w)
{
    pthread_mutex_lock(&m->lock);
    size_t i = place_of(m, w->name);
    bool found = i < m->n && m->items[i] == w;
    if (found) {
        struct wallet **at = m->items + i;
        memmove(at, at + 1, (--m->n - i) * sizeof(struct wallet *));
    }
    pthread_mutex_unlock(&m->lock);
    return found;
}

/* -- Loading */

static void remember(struct wallet_manager *m, const char *name,
                     enum load_on_start start, struct buf *warnings)
{
    if (start == LOAD_UNCHANGED)
        return;
    bool on = start == LOAD_ON_START;
    if (m->opt.settings_path != NULL &&
        settings_list_set(m->opt.settings_path, name, on) == ERR_OK)
        return;
    if (warnings != NULL)
        buf_printf(warnings,
                   "Wallet load on startup setting could not be updated, so wallet may "
                   "%s be loaded next node startup.\n",
                   on ? "not" : "still");
}

/* The wallet joins the chain and becomes visible. */
static bool join(struct wallet_manager *m, struct wallet *w, enum load_on_start start,
                 struct wallet **out, struct buf *warnings, struct wallet_error *e)
{
    if (m->hooks.attach != NULL && !m->hooks.attach(m->hooks.ctx, w, e)) {
        wallet_unref(w);
        return false;
    }
    *out = wallet_ref(w);
    list_add(m, w);
    remember(m, w->name, start, warnings);
    return true;
}

static bool verification_failed(struct wallet_error *e, enum wallet_code code)
{
    struct wallet_error inner = *e;
    *e = (struct wallet_error){0};
    wallet_fail(e, code, "Wallet file verification failed. %s", inner.text);
    wallet_error_clear(&inner);
    return false;
}

static bool not_loaded(struct wallet_manager *m, const char *name,
                       struct wallet_error *e)
{
    struct wallet *w = wallet_manager_find(m, name);
    if (w == NULL)
        return true;
    wallet_unref(w);
    return wallet_fail(e, WALLET_ALREADY_LOADED, "Wallet \"%s\" is already loaded.",
                       name);
}

static bool load(struct wallet_manager *m, const char *name, enum load_on_start start,
                 struct wallet **out, struct buf *warnings, struct wallet_error *e)
{
    struct wallet *w;
    if (!not_loaded(m, name, e))
        return false;
    if (!wallet_name_check(&m->opt, name, e) || !wallet_name_exists(&m->opt, name, e))
        return verification_failed(e, e->code);
    char *file = wallet_file_of(&m->opt, name);
    bool ok = wallet_open(&w, &m->opt, name, file, e);
    free(file);
    return ok ? join(m, w, start, out, warnings, e) : verification_failed(e, e->code);
}

bool wallet_manager_load(struct wallet_manager *m, const char *name,
                         enum load_on_start start, struct wallet **out,
                         struct buf *warnings, struct wallet_error *e)
{
    pthread_mutex_lock(&m->loading);
    bool ok = load(m, name, start, out, warnings, e);
    pthread_mutex_unlock(&m->loading);
    return ok;
}

/* -- Creating */

static bool create_folder(const char *dir, struct wallet_error *e)
{
    enum err r = fs_mkdirs(dir, 0700);
    return r == ERR_OK ||
           wallet_fail(e, WALLET_FAILED, "Failed to create database path '%s': %s.",
                       dir, err_text(r));
}

/* What a creation left that was cut off does not count. */
static bool no_wallet_in(const struct chain_params *p, const char *dir,
                         const char *file, struct wallet_error *e)
{
    return !wallet_file_is(p, file) ||
           wallet_fail(e, WALLET_ALREADY_EXISTS,
                       "Failed to create database path '%s'. Database already exists.",
                       dir);
}

static bool create(struct wallet_manager *m, const char *name,
                   const struct wallet_create *how, enum load_on_start start,
                   struct wallet **out, char **mnemonic, struct buf *warnings,
                   struct wallet_error *e)
{
    struct wallet *w;
    if (!wallet_name_check(&m->opt, name, e))
        return verification_failed(e, WALLET_FAILED);
    char *dir = wallet_dir_of(&m->opt, name), *file = wallet_file_of(&m->opt, name);
    bool folder_is_new = !path_exists(dir);
    bool ok = no_wallet_in(m->opt.params, dir, file, e) && create_folder(dir, e) &&
              wallet_create(&w, &m->opt, name, file, how, mnemonic, e);
    if (!ok && folder_is_new)
        rmdir(dir);
    free(dir);
    free(file);
    if (!ok)
        return e->code == WALLET_ALREADY_EXISTS ? verification_failed(e, WALLET_FAILED)
                                                : false;
    return join(m, w, start, out, warnings, e);
}

bool wallet_manager_create(struct wallet_manager *m, const char *name,
                           const struct wallet_create *how, enum load_on_start start,
                           struct wallet **out, char **mnemonic, struct buf *warnings,
                           struct wallet_error *e)
{
    pthread_mutex_lock(&m->loading);
    bool ok = create(m, name, how, start, out, mnemonic, warnings, e);
    pthread_mutex_unlock(&m->loading);
    return ok;
}

/* -- Restoring */

static bool copy_file(const char *from, const char *to, struct wallet_error *e)
{
    char block[65536];
    FILE *in = fopen(from, "rb"), *out = in != NULL ? fopen(to, "wbx") : NULL;
    bool ok = in != NULL && out != NULL;
    for (size_t n; ok && (n = fread(block, 1, sizeof(block), in)) > 0;)
        ok = fwrite(block, n, 1, out) == 1;
    ok = ok && ferror(in) == 0 && fflush(out) == 0 && fsync(fileno(out)) == 0;
    if (in != NULL)
        fclose(in);
    if (out != NULL)
        fclose(out);
    return ok || wallet_fail(e, WALLET_FAILED, "Could not copy %s to %s", from, to);
}

static bool restore_to(struct wallet_manager *m, const char *name, const char *file,
                       const char *backup, enum load_on_start start,
                       struct wallet **out, struct buf *warnings,
                       struct wallet_error *e)
{
    if (!copy_file(backup, file, e))
        return false;
    if (load(m, name, start, out, warnings, e))
        return true;
    unlink(file);
    return false;
}

static bool restore(struct wallet_manager *m, const char *name, const char *backup,
                    enum load_on_start start, struct wallet **out, struct buf *warnings,
                    struct wallet_error *e)
{
    char *dir = wallet_dir_of(&m->opt, name), *file = wallet_file_of(&m->opt, name);
    bool folder_is_new = !path_exists(dir), ok = false;
    if (!path_exists(backup))
        wallet_fail(e, WALLET_INVALID_PARAMETER, "Backup file does not exist");
    else if (path_exists(file))
        wallet_fail(e, WALLET_ALREADY_EXISTS,
                    "Failed to create database path '%s'. Database already exists.",
                    dir);
    else
        ok = create_folder(dir, e) &&
             restore_to(m, name, file, backup, start, out, warnings, e);
    if (!ok && folder_is_new)
        rmdir(dir);
    free(dir);
    free(file);
    return ok;
}

bool wallet_manager_restore(struct wallet_manager *m, const char *name,
                            const char *backup, enum load_on_start start,
                            struct wallet **out, struct buf *warnings,
                            struct wallet_error *e)
{
    pthread_mutex_lock(&m->loading);
    bool ok = restore(m, name, backup, start, out, warnings, e);
    pthread_mutex_unlock(&m->loading);
    return ok;
}

/* -- Unloading */

bool wallet_manager_unload(struct wallet_manager *m, struct wallet *take_w,
                           enum load_on_start start, struct buf *warnings,
                           struct wallet_error *e)
{
    pthread_mutex_lock(&m->loading);
    bool ok = list_remove(m, take_w);
    if (ok) {
        detach(m, take_w);
        wallet_unref(take_w); /* the list's */
        remember(m, take_w->name, start, warnings);
        wallet_wait_for_others(take_w);
    } else {
        wallet_fail(e, WALLET_MISC, "Requested wallet already unloaded");
    }
    wallet_unref(take_w);
    pthread_mutex_unlock(&m->loading);
    return ok;
}

const char **wallet_manager_list_dir(struct wallet_manager *m, struct arena *mem,
                                     size_t *n)
{
    return wallet_dir_list(&m->opt, mem, n);
}

void wallet_manager_relock_after(struct wallet_manager *m, struct wallet *w,
                                 int64_t seconds)
{
    relock_after(m->relock, w, seconds);
}

void wallet_manager_relock_cancel(struct wallet_manager *m, struct wallet *w)
{
    relock_cancel(m->relock, w);
}

/* -- Start-up */

static bool load_at_start(struct wallet_manager *m, const char *name, char **error)
{
    struct wallet_error e = {0};
    struct wallet *w;
    if (wallet_manager_load(m, name, LOAD_UNCHANGED, &w, NULL, &e)) {
        wallet_unref(w);
        return true;
    }
    bool skip = e.code == WALLET_NOT_FOUND && strstr(e.text, "does not exist") != NULL;
    if (skip)
        log_warning(m->opt.log, "Skipping -wallet path that doesn't exist. %s", e.text);
    else if (e.code == WALLET_ALREADY_LOADED)
        log_warning(m->opt.log, "Ignoring duplicate -wallet %s.", name);
    else
        *error = xstrdup(e.text);
    bool ok = skip || e.code == WALLET_ALREADY_LOADED;
    wallet_error_clear(&e);
    return ok;
}

bool wallet_manager_load_all(struct wallet_manager *m, const char *const *names,
                             size_t n, char **error)
{
    for (size_t i = 0; i < n; i++)
        if (!load_at_start(m, names[i], error))
            return false;
    return true;
}
