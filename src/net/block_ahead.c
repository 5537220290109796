/* A requested block that waits behind another one is parsed and checked by a worker
 * while the first connects, so that nothing but the chain itself is left to the
 * validation thread. One message of each peer is looked at ahead of its turn. */
#include <stdlib.h>

#include "chain/rules/block_check.h"
#include "net/internal.h"
#include "util/pool.h"

struct block_ahead {
    struct message *m;                 /* owned */
    const struct chain_params *params; /* borrowed */
    bool given;                        /* a worker has or had it */
    pthread_mutex_t mutex;             /* guards done; block is whose turn it is */
    pthread_cond_t ended;
    bool done;
    struct block *block; /* owned; NULL: it makes no sense, and its octets are gone */
};

/* Passing marks the block. What fails is found again, and told, when its turn comes. */
static void parse(void *arg)
{
    struct block_ahead *a = arg;
    a->block = block_from_buf(&a->m->payload);
    if (a->block && block_check(a->block, a->params, true, true, NULL))
        (void)block_is_mutated(a->block, true);
    pthread_mutex_lock(&a->mutex);
    a->done = true;
    pthread_cond_signal(&a->ended);
    pthread_mutex_unlock(&a->mutex);
}

static void wait_parsed(struct block_ahead *a)
{
    pthread_mutex_lock(&a->mutex);
    while (a->given && !a->done)
        pthread_cond_wait(&a->ended, &a->mutex);
    pthread_mutex_unlock(&a->mutex);
}

static bool is_requested_block(struct peer *p, const struct message *m)
{
    struct reader r;
    if (m->type != MSG_BLOCK || m->payload.len < BLOCK_HEADER_SIZE)
        return false;
    reader_init(&r, m->payload.data, BLOCK_HEADER_SIZE);
    struct block_header h = header_read(&r);
    struct hash256 hash = header_hash(&h);
    return block_request_of(p, &hash) != NULL;
}

static void look_ahead(struct peer *p)
{
    struct message *m = link_pop(p->link);
    if (!m)
        return;
    struct block_ahead *a = p->ahead = xcalloc(1, sizeof(*a));
    a->m = m;
    a->params = p->net->opt.params;
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->ended, NULL);
    /* What is captured must be as it came. */
    a->given = !p->net->opt.capture_messages && is_requested_block(p, m);
    if (a->given)
        pool_submit(chainman_workers(p->net->cm), parse, a);
}

static struct message *take_ahead(struct peer *p, struct block **block)
{
    struct block_ahead *a = p->ahead;
    struct message *m = a->m;
    wait_parsed(a);
    *block = a->block;
    pthread_cond_destroy(&a->ended);
    pthread_mutex_destroy(&a->mutex);
    free(a);
    p->ahead = NULL;
    return m;
}

struct message *next_message(struct peer *p, struct block **block)
{
    *block = NULL;
    struct message *m = p->ahead ? take_ahead(p, block) : link_pop(p->link);
    if (m && m->type == MSG_BLOCK)
        look_ahead(p);
    return m;
}

bool has_message(struct peer *p)
{
    return p->ahead || link_has_message(p->link);
}

void block_ahead_clear(struct peer *p)
{
    struct block *block;
    if (!p->ahead)
        return;
    message_free(take_ahead(p, &block));
    block_unref(block);
}
