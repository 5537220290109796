/* Reading ahead: while one block connects, workers read and parse the next ones and
 * fetch the coins that they will want.
 *
 * What the database says about a coin holds until the next flush, and whatever
 * changed since then is in the cache. So a coin read ahead may enter the cache as
 * long as there was no flush in between and the cache knows nothing of its own about
 * it. */
#include <stdlib.h>

#include "chain/validation/internal.h"

#define BLOCKS_AHEAD  2
#define MAX_COIN_JOBS 8
#define COINS_PER_JOB 64 /* at least, or a job is not worth its while */

struct wanted_coin {
    const struct outpoint *outpoint; /* in the block */
    struct coin coin;
    bool found;
};

struct ahead;

struct coin_job {
    struct ahead *slot;
    size_t from, to;
    struct arena mem; /* scripts of the coins */
};

/* One block on its way. */
struct ahead {
    struct prefetch *owner;
    const struct block_index *bi; /* NULL: the slot is free */
    struct filepos pos;
    bool want_coins;
    unsigned jobs; /* under way; guarded by owner->mutex */
    enum err result;
    struct block *block;       /* owned reference */
    struct wanted_coin *coins; /* owned: inputs from outside the block */
    size_t n_coins;
    uint64_t flush_count; /* when the coins were read */
    struct coin_job coin_jobs[MAX_COIN_JOBS];
    size_t n_coin_jobs;
};

struct prefetch {
    struct chainstate *cs;
    struct chainman *cm; /* of cs */
    pthread_mutex_t mutex;
    pthread_cond_t done;
    struct ahead slots[BLOCKS_AHEAD];
};

struct prefetch *prefetch_new(struct chainstate *cs)
{
    struct prefetch *p = xcalloc(1, sizeof(*p));
    p->cs = cs;
    p->cm = cs->cm;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->done, NULL);
    for (size_t i = 0; i < BLOCKS_AHEAD; i++)
        p->slots[i].owner = p;
    return p;
}

/* -- Jobs -- */

static void job_begin(struct ahead *s, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&s->owner->mutex);
    s->jobs++;
    pthread_mutex_unlock(&s->owner->mutex);
    pool_submit(s->owner->cm->opt.workers, fn, arg);
}

static void job_end(struct ahead *s)
{
    pthread_mutex_lock(&s->owner->mutex);
    if (--s->jobs == 0)
        pthread_cond_broadcast(&s->owner->done);
    pthread_mutex_unlock(&s->owner->mutex);
}

static void slot_wait(struct ahead *s)
{
    pthread_mutex_lock(&s->owner->mutex);
    while (s->jobs > 0)
        pthread_cond_wait(&s->owner->done, &s->owner->mutex);
    pthread_mutex_unlock(&s->owner->mutex);
}

static bool slot_busy(struct ahead *s)
{
    pthread_mutex_lock(&s->owner->mutex);
    bool busy = s->jobs > 0;
    pthread_mutex_unlock(&s->owner->mutex);
    return busy;
}

static void slot_clear(struct ahead *s)
{
    slot_wait(s);
    for (size_t i = 0; i < s->n_coin_jobs; i++)
        arena_clear(&s->coin_jobs[i].mem);
    free(s->coins);
    block_unref(s->block);
    *s = (struct ahead){.owner = s->owner};
}

void prefetch_free(struct prefetch *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < BLOCKS_AHEAD; i++)
        slot_clear(&p->slots[i]);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

static struct ahead *slot_of(struct prefetch *p, const struct block_index *bi)
{
    for (size_t i = 0; i < BLOCKS_AHEAD; i++)
        if (p->slots[i].bi == bi)
            return &p->slots[i];
    return NULL;
}

/* -- Blocks -- */

static size_t count_inputs(const struct block *b)
{
    size_t n = 0;
    for (uint32_t i = 1; i < b->n_tx; i++)
        n += b->txs[i].n_in;
    return n;
}

/* Lists the inputs that spend what other blocks made. */
static void list_coins(struct ahead *s)
{
    const struct block *b = s->block;
    struct map own;
    map_init(&own, sizeof(struct hash256), 0);
    map_reserve(&own, b->n_tx);
    for (uint32_t i = 0; i < b->n_tx; i++)
        map_put(&own, &b->txs[i].txid, NULL);
    s->coins = xcalloc(count_inputs(b), sizeof(*s->coins));
    for (uint32_t i = 1; i < b->n_tx; i++)
        for (uint32_t k = 0; k < b->txs[i].n_in; k++)
            if (!map_get(&own, &b->txs[i].in[k].prevout.txid))
                s->coins[s->n_coins++].outpoint = &b->txs[i].in[k].prevout;
    map_clear(&own);
}

static void read_block(void *arg)
{
    struct ahead *s = arg;
    struct chainman *cm = s->owner->cm;
    s->result = block_files_read(cm->files, &s->block, &s->pos);
    if (s->result == ERR_OK) {
        /* Passing marks the block; a failure is found again, and told, when it
         * connects. */
        block_check(s->block, cm->params, true, true, NULL);
        if (s->want_coins)
            list_coins(s);
    }
    job_end(s);
}

static bool is_among(const struct block_index *bi, struct block_index *const *list,
                     size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == bi)
            return true;
    return false;
}

void prefetch_blocks(struct prefetch *p, struct block_index *const *next, size_t n)
{
    if (n > BLOCKS_AHEAD)
        n = BLOCKS_AHEAD;
    for (size_t i = 0; i < BLOCKS_AHEAD; i++)
        if (p->slots[i].bi && !is_among(p->slots[i].bi, next, n))
            slot_clear(&p->slots[i]);
    for (size_t i = 0; i < n; i++) {
        if (slot_of(p, next[i]) || !(next[i]->status & BLOCK_HAVE_DATA))
            continue;
        struct ahead *s = slot_of(p, NULL);
        s->bi = next[i];
        s->pos = (struct filepos){next[i]->file, next[i]->data_pos};
        /* While nothing was ever flushed, all coins are in the cache. */
        s->want_coins = p->cs->on_disk;
        job_begin(s, read_block, s);
    }
}

/* -- Coins -- */

static void read_coins(void *arg)
{
    struct coin_job *j = arg;
    struct ahead *s = j->slot;
    for (size_t i = j->from; i < j->to; i++) {
        struct wanted_coin *w = &s->coins[i];
        w->found =
            coins_db_read(s->owner->cs->db, w->outpoint, &w->coin, &j->mem) == ERR_OK;
    }
    job_end(s);
}

/* Drops what the cache has already. */
static void drop_cached(struct prefetch *p, struct ahead *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_coins; i++)
        if (!coins_cached(p->cs->coins, s->coins[i].outpoint))
            s->coins[n++] = s->coins[i];
    s->n_coins = n;
}

void prefetch_coins(struct prefetch *p, const struct block_index *bi)
{
    struct ahead *s = slot_of(p, bi);
    if (!s || slot_busy(s) || s->n_coin_jobs > 0 || s->n_coins == 0)
        return;
    drop_cached(p, s);
    s->flush_count = p->cs->flush_count;
    size_t jobs = s->n_coins / COINS_PER_JOB + 1;
    if (jobs > MAX_COIN_JOBS)
        jobs = MAX_COIN_JOBS;
    for (size_t i = 0; i < jobs; i++) {
        struct coin_job *j = &s->coin_jobs[i];
        *j = (struct coin_job){
            s, s->n_coins * i / jobs, s->n_coins * (i + 1) / jobs, {0}};
        arena_init(&j->mem, 16 << 10);
        s->n_coin_jobs++;
        job_begin(s, read_coins, j);
    }
}

static void insert_coins(struct prefetch *p, struct ahead *s)
{
    if (s->n_coin_jobs == 0 || s->flush_count != p->cs->flush_count)
        return;
    for (size_t i = 0; i < s->n_coins; i++)
        if (s->coins[i].found)
            coins_insert_clean(p->cs->coins, s->coins[i].outpoint, &s->coins[i].coin);
}

enum err prefetch_take(struct prefetch *p, struct block **out,
                       const struct block_index *bi)
{
    struct ahead *s = slot_of(p, bi);
    if (!s)
        return chainman_read_block(p->cm, out, bi);
    slot_wait(s);
    enum err e = s->result;
    if (e == ERR_OK) {
        insert_coins(p, s);
        *out = block_ref(s->block);
    }
    slot_clear(s);
    return e;
}
