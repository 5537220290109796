/* Coins that the user keeps from being selected, in memory or in the file as well. */
#include <stdlib.h>

#include "util/map.h"
#include "util/mem.h"
#include "wallet/coins.h"
#include "wallet/store.h"
#include "wallet/wallet.h"

struct wallet_spending {
    struct wallet *w;
    struct map locked; /* outpoint -> bool: persistent */
    int64_t pay_feerate;
};

struct wallet_spending *spending_new(struct wallet *w)
{
    struct wallet_spending *s = xcalloc(1, sizeof(*s));
    s->w = w;
    s->pay_feerate = w->opt->pay_fee > 0 ? w->opt->pay_fee : 0;
    map_init(&s->locked, sizeof(struct outpoint), sizeof(bool));
    return s;
}

void spending_free(struct wallet_spending *s)
{
    if (s == NULL)
        return;
    map_clear(&s->locked);
    free(s);
}

int64_t spending_pay_feerate(const struct wallet *w)
{
    return w->spending->pay_feerate;
}

void spending_set_pay_feerate(struct wallet *w, int64_t feerate)
{
    w->spending->pay_feerate = feerate;
}

/* -- The file -- */

enum err spending_load(struct wallet_spending *s)
{
    struct sqlite_stmt *q =
        sqlite_query(store_db(s->w->store), "SELECT txid, n FROM locked_coin");
    while (sqlite_row(q)) {
        struct bytes txid = sqlite_bytes(q, 0);
        struct outpoint o = {.n = (uint32_t)sqlite_int(q, 1)};
        if (txid.len != sizeof(o.txid))
            continue;
        memcpy(o.txid.b, txid.data, sizeof(o.txid));
        *(bool *)map_put(&s->locked, &o, NULL) = true;
    }
    return sqlite_done(q);
}

static enum err run_for(struct sqlite_stmt *q, const struct outpoint *o)
{
    sqlite_bind_bytes(q, bytes_of(o->txid.b, sizeof(o->txid)));
    sqlite_bind_int(q, o->n);
    return sqlite_done(q);
}

static enum err write_lock(struct wallet *w, const struct outpoint *o)
{
    return run_for(sqlite_query(store_db(w->store),
                                "INSERT OR IGNORE INTO locked_coin VALUES (?, ?)"),
                   o);
}

static enum err erase_lock(struct wallet *w, const struct outpoint *o)
{
    return run_for(sqlite_query(store_db(w->store),
                                "DELETE FROM locked_coin WHERE txid = ? AND n = ?"),
                   o);
}

/* -- Locks -- */

bool coins_any_locked(const struct wallet *w)
{
    return w->spending->locked.len > 0;
}

bool coin_is_locked(const struct wallet *w, const struct outpoint *o)
{
    return map_get(&w->spending->locked, o) != NULL;
}

enum err coin_lock(struct wallet *w, const struct outpoint *o, bool persistent)
{
    enum err e = persistent ? write_lock(w, o) : ERR_OK;
    if (e == ERR_OK) {
        bool *stays = map_put(&w->spending->locked, o, NULL);
        *stays = *stays || persistent;
    }
    return e;
}

enum err coin_unlock(struct wallet *w, const struct outpoint *o)
{
    const bool *persistent = map_get(&w->spending->locked, o);
    if (persistent == NULL)
        return ERR_OK;
    enum err e = *persistent ? erase_lock(w, o) : ERR_OK;
    if (e == ERR_OK)
        map_del(&w->spending->locked, o);
    return e;
}

enum err coin_unlock_all(struct wallet *w)
{
    enum err e = sqlite_exec(store_db(w->store), "DELETE FROM locked_coin");
    if (e == ERR_OK)
        map_clear(&w->spending->locked);
    return e;
}

static int compare_outpoints(const void *a, const void *b)
{
    const struct outpoint *x = a, *y = b;
    int order = memcmp(x->txid.b, y->txid.b, sizeof(x->txid));
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

struct outpoint *coins_locked(const struct wallet *w, size_t *n)
{
    const struct map *locked = &w->spending->locked;
    struct outpoint *all = xmalloc((locked->len + 1) * sizeof(*all));
    const void *key;
    void *value;
    *n = 0;
    for (size_t i = 0; map_next(locked, &i, &key, &value);)
        all[(*n)++] = *(const struct outpoint *)key;
    qsort(all, *n, sizeof(*all), compare_outpoints);
    return all;
}
