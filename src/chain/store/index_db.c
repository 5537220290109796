#include "chain/store/index_db.h"

#include "util/log.h"
#include "util/mem.h"

#define KEY_BEST 'B'

static void on_db_error(void *ctx, enum err e, const char *message)
{
    struct index_db *i = ctx;
    log_error(i->log, "%s: %s (%s)", i->name, message, err_text(e));
}

static struct bytes best_key(void)
{
    static const uint8_t key = KEY_BEST;
    return bytes_of(&key, 1);
}

static enum err load_best(struct index_db *i)
{
    struct buf v = {0};
    enum err e = db_get(i->db, best_key(), &v);
    if (e == ERR_OK && v.len == sizeof(i->best.b))
        memcpy(i->best.b, v.data, v.len);
    i->saved = i->best;
    buf_clear(&v);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err index_db_open(struct index_db *i, const char *name, const char *dir,
                       uint32_t version, size_t cache_bytes, bool wipe,
                       struct logger *log, char **error)
{
    *i = (struct index_db){.name = name, .log = log};
    pthread_mutex_init(&i->mutex, NULL);
    struct db_options opt = {
        .name = name,
        .cache_bytes = cache_bytes,
        .in_order = true,
        .bloom = true,
        .wipe = wipe,
        .version = version,
        .way_out = "Remove the directory; the index is built again",
        .on_error = on_db_error,
        .ctx = i,
    };
    enum err e = db_open(&i->db, dir, &opt, error);
    if (e == ERR_OK && (e = load_best(i)) != ERR_OK)
        *error = xasprintf("Error reading the %s in %s: %s", name, dir, err_text(e));
    return e;
}

void index_db_close(struct index_db *i)
{
    db_close(i->db);
    pthread_mutex_destroy(&i->mutex);
}

struct hash256 index_db_best(struct index_db *i)
{
    pthread_mutex_lock(&i->mutex);
    struct hash256 best = i->best;
    pthread_mutex_unlock(&i->mutex);
    return best;
}

uint64_t index_db_bytes(struct index_db *i)
{
    static const uint8_t first = 0, last = 0xff;
    return db_approximate_size(i->db, bytes_of(&first, 1), bytes_of(&last, 1));
}

static void set_best(struct index_db *i, const struct hash256 *best)
{
    pthread_mutex_lock(&i->mutex);
    i->best = *best;
    pthread_mutex_unlock(&i->mutex);
}

void index_db_rewind(struct index_db *i, const struct hash256 *best)
{
    i->rewound |= hash256_equal(&i->best, &i->saved);
    set_best(i, best);
}

enum err index_db_advance(struct index_db *i, struct db_batch *batch,
                          const struct hash256 *best)
{
    if (i->rewound)
        db_batch_put(batch, best_key(), bytes_of(i->best.b, 32));
    enum err e = db_write(i->db, batch, false);
    if (e != ERR_OK)
        return e;
    if (i->rewound)
        i->saved = i->best;
    i->rewound = false;
    set_best(i, best);
    return ERR_OK;
}

enum err index_db_save(struct index_db *i)
{
    if (hash256_equal(&i->best, &i->saved))
        return ERR_OK;
    enum err e = db_put(i->db, best_key(), bytes_of(i->best.b, 32), false);
    if (e != ERR_OK)
        return e;
    i->saved = i->best;
    i->rewound = false;
    return ERR_OK;
}
