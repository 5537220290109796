#include "wallet/scan_filter.h"

#include <stdlib.h>

#include "util/mem.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

struct scan_filter {
    const struct chain_source *chain;
    struct arena mem;      /* of the scripts */
    struct bytes *scripts; /* owned */
    size_t n, cap;
    uint64_t generation; /* of the wallet's scripts */
    bool usable;         /* all of them are there */
};

struct scan_filter *scan_filter_new(struct wallet *w)
{
    if (w->opt->chain->filter_match == NULL)
        return NULL;
    struct scan_filter *f = xcalloc(1, sizeof(*f));
    f->chain = w->opt->chain;
    arena_init(&f->mem, 1u << 16);
    return f;
}

void scan_filter_free(struct scan_filter *f)
{
    if (f == NULL)
        return;
    arena_clear(&f->mem);
    free(f->scripts);
    free(f);
}

static bool add_script(void *ctx, struct bytes script)
{
    struct scan_filter *f = ctx;
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 1024;
        f->scripts = xrealloc_array(f->scripts, f->cap, sizeof(*f->scripts));
    }
    f->scripts[f->n++] =
        bytes_of(arena_dup(&f->mem, script.data, script.len), script.len);
    return true;
}

void scan_filter_update(struct scan_filter *f, struct wallet *w)
{
    wallet_lock(w);
    uint64_t now = spkman_generation(w->spkman);
    if (!f->usable || now != f->generation) {
        arena_reset(&f->mem);
        f->n = 0;
        f->generation = now;
        f->usable = spkman_each_script(w->spkman, add_script, f) == ERR_OK;
    }
    wallet_unlock(w);
}

bool scan_filter_outdated(const struct scan_filter *f, struct wallet *w)
{
    wallet_lock(w);
    bool outdated = spkman_generation(w->spkman) != f->generation;
    wallet_unlock(w);
    return outdated;
}

bool scan_filter_misses(const struct scan_filter *f, const struct hash256 *block)
{
    return f->usable && f->chain->filter_match(f->chain->ctx, block, f->scripts,
                                               f->n) == FILTER_MISS;
}
