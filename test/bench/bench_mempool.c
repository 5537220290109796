/* The mempool at scale, CPU time of the process: nothing here is signed, so it is the
 * pool itself that is measured.
 *
 *   bench_mempool [part...]
 *
 * Parts (default: all): see the end of this file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chain/mempool/mempool.h"
#include "chain/mempool/package.h"
#include "chain/mining/miner.h"
#include "chain/prim/coin.h"
#include "crypto/ed448.h"
#include "crypto/secp.h"
#include "mn/supernodes.h"
#include "tickets/carrier.h"
#include "tickets/rules.h"
#include "tickets/ticket.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/pool.h"

#define MANY    100000
#define TICKETS 5000
#define FAN     10000 /* outputs: more would pass the limit on a family's size */

/* ---- measuring ---- */

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double resident_mib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ASSERT(f && fscanf(f, "%*s %ld", &pages) == 1);
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static void report(const char *what, double since, size_t n)
{
    double ms = cpu_ms() - since;
    printf("%-52s %9.1f ms", what, ms);
    if (n)
        printf("  %8.2f us each of %zu", ms * 1e3 / (double)n, n);
    printf("\n");
    fflush(stdout);
}

/* ---- a chain ---- */

struct coin_ref {
    struct outpoint o;
    int64_t value;
};
struct coin_list {
    struct coin_ref *v; /* owned */
    size_t n, cap;
};

struct lab {
    struct chain_params params;
    struct clock clock;
    struct pool *workers;
    struct chainman *cm;
    struct mempool *mp;
    struct supernodes *list;
    struct ticket_rules rules;
    struct consensus_hooks hooks;
    char dir[64], blocks[80];
    struct coin_list coins;
    bool quiet; /* blocks are no matter of interest */
};

static void coins_push(struct coin_list *l, const struct hash256 *txid, uint32_t n,
                       int64_t value)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 1024;
        l->v = xrealloc_array(l->v, l->cap, sizeof(*l->v));
    }
    l->v[l->n++] = (struct coin_ref){{*txid, n}, value};
}

static void stopped(void *ctx, const char *fatal)
{
    (void)ctx;
    printf("stopped: %s\n", fatal ? fatal : "");
    exit(1);
}

static void lab_open_pool(struct lab *l, int64_t max_bytes)
{
    struct mempool_options opt = mempool_default_options();
    opt.max_bytes = max_bytes;
    opt.clock = &l->clock;
    opt.require_standard = false;
    opt.hooks = l->params.tickets_height != TICKETS_NEVER ? &l->hooks : NULL;
    l->mp = mempool_new(l->cm, &opt);
}

static void lab_open(struct lab *l, enum personality family)
{
    char *error = NULL;
    memset(l, 0, sizeof(*l));
    ASSERT(chain_params_get(&l->params, family, "regtest"));
    clock_init(&l->clock);
    clock_set_mock(&l->clock, 1900000000);
    strcpy(l->dir, "/tmp/ochre-bench-XXXXXX");
    ASSERT(mkdtemp(l->dir));
    snprintf(l->blocks, sizeof(l->blocks), "%s/blocks", l->dir);
    l->workers = pool_new(2, "bench");
    l->list = supernodes_new();
    l->rules.cache = sigcache_new(64 << 20);
    l->rules.supernodes = supernodes_view(l->list);
    ticket_rules_hooks(&l->hooks, &l->rules);
    struct chainman_options opt = {
        .params = &l->params,
        .hooks = family == OCHRE ? &l->hooks : NULL,
        .clock = &l->clock,
        .workers = l->workers,
        .datadir = l->dir,
        .blocksdir = l->blocks,
        .dbcache = 450 << 20,
        .max_tip_age = INT32_MAX,
        .check_blocks = 6,
        .check_level = 1,
        .sigcache_bytes = 1 << 20, /* so that only the pool grows */
        .request_stop = stopped,
    };
    if (chainman_open(&l->cm, &opt, &error) != ERR_OK) {
        printf("%s\n", error);
        exit(1);
    }
    chainman_start_import(l->cm);
    l->quiet = true;
    lab_open_pool(l, 300 * INT64_C(1000000));
}

static void lab_close(struct lab *l)
{
    chainman_close(l->cm);
    mempool_free(l->mp);
    pool_free(l->workers);
    supernodes_free(l->list);
    sigcache_free(l->rules.cache);
    free(l->coins.v);
    (void)!fs_remove_tree(l->dir);
}

struct job {
    struct lab *l;
    void (*fn)(struct lab *l, void *arg);
    void *arg;
};

static void run_job(void *arg)
{
    struct job *j = arg;
    j->fn(j->l, j->arg);
}

/* On the validation thread. */
static void run(struct lab *l, void (*fn)(struct lab *l, void *arg), void *arg)
{
    struct job j = {l, fn, arg};
    ASSERT(chainman_call(l->cm, run_job, &j) == ERR_OK);
}

/* ---- blocks ---- */

static const uint8_t anyone[] = {0x51};
#define ANYONE bytes_of(anyone, sizeof(anyone))

static void process(struct lab *l, struct block_template *t)
{
    struct reject rej = {0};
    uint64_t tries = 100000000;
    bool is_new;
    char text[512];
    struct block *b = mine_block(t->block, &l->params, &tries, NULL);
    double start = cpu_ms();
    if (!chainman_process_block(l->cm, b, true, true, &is_new, &rej)) {
        printf("refused: %s\n", reject_text(&rej, text));
        exit(1);
    }
    if (!l->quiet)
        report("  a block of these connected", start, t->n_txs);
    block_unref(b);
    block_template_unref(t);
}

struct mining {
    const struct tx *const *txs;
    size_t n;
    bool from_pool;
};

static void mine(struct lab *l, void *arg)
{
    const struct mining *m = arg;
    struct miner_options opt = miner_default_options(l->mp);
    struct reject rej = {0};
    static uint8_t branch; /* no block twice */
    uint8_t script[] = {0x51, 0x01, branch++, 0x75};
    opt.check = false;
    clock_set_mock(&l->clock, clock_now(&l->clock) + 60);
    struct bytes to = m->from_pool ? bytes_of(script, sizeof(script)) : ANYONE;
    double start = cpu_ms();
    struct block_template *t =
        m->from_pool ? block_template_new(l->cm, l->mp, &opt, to, &rej)
                     : block_template_with(l->cm, &opt, to, m->txs, m->n, &rej);
    if (!l->quiet)
        report("  template", start, 0);
    process(l, t);
}

static void mine_empty(struct lab *l, int n)
{
    for (int i = 0; i < n; i++)
        run(l, mine, &(struct mining){0});
}

/* Tells what it cost. */
static void mine_pool(struct lab *l)
{
    l->quiet = false;
    run(l, mine, &(struct mining){.from_pool = true});
    l->quiet = true;
}

/* ---- transactions ---- */

/* Splits what it spends into @n equal coins that anyone may spend, less @fee. */
static struct tx *make_tx(const struct coin_ref *in, size_t n_in, uint32_t n,
                          int64_t fee)
{
    static const uint8_t filler[34] = {0x00, 0x20, 1, 2, 3};
    struct mtx m;
    int64_t value = -fee;
    mtx_init(&m);
    for (size_t i = 0; i < n_in; i++) {
        mtx_add_in(&m, &in[i].o, SEQUENCE_FINAL);
        value += in[i].value;
    }
    for (uint32_t i = 0; i < n; i++)
        mtx_add_out(&m, amount_of(value / n), ANYONE);
    for (int i = 0; n < 100 && i < 3; i++) /* some 200 octets, as usual */
        mtx_add_out(&m, amount_of(0), bytes_of(filler, sizeof(filler)));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

static void push_outputs(struct coin_list *l, const struct tx *tx, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        coins_push(l, &tx->txid, i, tx->out[i].value.v);
}

static const char *submit(struct lab *l, const struct tx *tx)
{
    static char text[512];
    struct accept_result r;
    bool ok = mempool_accept(l->mp, tx, false, false, 0, &r);
    if (!ok)
        reject_text(&r.rej, text);
    accept_result_clear(&r);
    return ok ? NULL : text;
}

static void must_submit(struct lab *l, const struct tx *tx)
{
    const char *why = submit(l, tx);
    if (why) {
        printf("not accepted: %s\n", why);
        exit(1);
    }
}

/* Coins of @value or more, @wanted of them, each a confirmed output. */
static void fund(struct lab *l, size_t wanted, int64_t value)
{
    static const uint32_t most = 20000;
    int64_t subsidy = block_subsidy(&l->params, 1).v * 4 / 5;
    int32_t base = chain_height(l->cm);
    size_t per_tx = (size_t)(subsidy / value) < most ? (size_t)(subsidy / value) : most;
    size_t n = (wanted + per_tx - 1) / per_tx;
    mine_empty(l, 100 + (int)n);
    for (size_t i = 0; i < n; i++) {
        struct block *b;
        struct coin_ref c;
        ASSERT(chainman_read_block(l->cm, &b, chain_at(l->cm, base + 1 + (int)i)) ==
               ERR_OK);
        c = (struct coin_ref){{b->txs[0].txid, 0}, b->txs[0].out[0].value.v};
        struct tx *tx = make_tx(&c, 1, (uint32_t)per_tx, 0);
        const struct tx *txs[] = {tx};
        run(l, mine, &(struct mining){.txs = txs, .n = 1});
        push_outputs(&l->coins, tx, (uint32_t)per_tx);
        tx_unref(tx);
        block_unref(b);
    }
}

static const struct coin_ref *next_coin(struct lab *l)
{
    ASSERT(l->coins.n > 0);
    return &l->coins.v[--l->coins.n];
}

/* ---- part: tickets ---- */

static void put_value(struct ticket_value *v, const uint8_t *p, size_t n)
{
    v->raw = bytes_of(p, n);
}

static struct tx *make_id(struct lab *l, uint32_t number)
{
    const struct ticket_kind *kind = ticket_kind_by_name("id");
    const struct coin_ref *c = next_coin(l);
    uint8_t secret[57] = {1}, pub[57], sig[114] = {0}, owner[22] = {0, 20};
    struct ticket_value v[3];
    struct buf payload = {0}, script = {0};
    struct ticket t;
    struct mtx m;
    memcpy(secret + 1, &number, sizeof(number));
    ed448_public(pub, secret);
    put_value(&v[0], pub, sizeof(pub));
    put_value(&v[1], owner, sizeof(owner));
    put_value(&v[2], sig, sizeof(sig));
    ticket_encode(&payload, kind, v);
    ASSERT(ticket_decode(&t, buf_view(&payload)) == TICKET_OK);
    struct hash256 h = ticket_sign_hash(&l->params, &t, 2, &c->o);
    ed448_sign(sig, secret, h.b, 32);
    buf_reset(&payload);
    ticket_encode(&payload, kind, v);
    carrier_build(&script, buf_view(&payload));
    mtx_init(&m);
    mtx_add_in(&m, &c->o, SEQUENCE_FINAL);
    mtx_add_out(&m, l->params.sn.id_burn, buf_view(&script));
    mtx_add_out(&m, amount_of(c->value - l->params.sn.id_burn.v - 5000), ANYONE);
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    buf_clear(&payload);
    buf_clear(&script);
    return tx;
}

static void add_tickets(struct lab *l, void *arg)
{
    size_t n = *(size_t *)arg;
    for (uint32_t i = 0; i < n; i++) {
        struct tx *tx = make_id(l, i);
        must_submit(l, tx);
        tx_unref(tx);
    }
}

static void add_plain(struct lab *l, void *arg)
{
    size_t n = *(size_t *)arg;
    for (size_t i = 0; i < n; i++) {
        struct tx *tx = make_tx(next_coin(l), 1, 1, 300);
        must_submit(l, tx);
        tx_unref(tx);
    }
}

static void part_tickets(void)
{
    struct lab l;
    size_t plain = MANY, tickets = TICKETS;
    lab_open(&l, OCHRE);
    fund(&l, plain, l.params.sn.id_burn.v / 200);
    run(&l, add_plain, &plain);
    double start = cpu_ms();
    run(&l, mine, &(struct mining){0});
    report("empty block, 100,000 plain transactions pending", start, 0);
    l.coins.n = 0;
    fund(&l, tickets, l.params.sn.id_burn.v + 20000);
    start = cpu_ms();
    run(&l, add_tickets, &tickets);
    report("id tickets made, signed and accepted", start, tickets);
    start = cpu_ms();
    run(&l, mine, &(struct mining){0});
    report("empty block, 5,000 tickets pending besides", start, 0);
    mine_pool(&l);
    printf("%zu transactions, %.1f MB of usage\n", mempool_count(l.mp),
           (double)mempool_memory(l.mp) / 1e6);
    lab_close(&l);
}

/* ---- parts about plain transactions ---- */

static void open_funded(struct lab *l, size_t coins)
{
    lab_open(l, BITCOIN);
    fund(l, coins, 1000000);
}

static void report_memory(const struct lab *l, double before)
{
    double usage = (double)mempool_memory(l->mp) / (1 << 20);
    double more = resident_mib() - before;
    printf("  %zu transactions: usage %.1f MiB, resident %.1f MiB more: %.2f\n",
           mempool_count(l->mp), usage, more, more / usage);
}

static void part_accept(void)
{
    struct lab l;
    size_t n = MANY;
    open_funded(&l, n);
    double before = resident_mib(), start = cpu_ms();
    run(&l, add_plain, &n);
    report("single transactions accepted", start, n);
    report_memory(&l, before);
    lab_close(&l);
}

/* A cluster of @n: member i spends a coin of each of those before it (dense) or of the
 * last one, and leaves coins for those behind it. */
static void add_cluster(struct lab *l, uint32_t n, bool dense)
{
    struct tx *members[32];
    struct coin_ref in[32];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t n_in = 0;
        for (uint32_t k = dense || i == 0 ? 0 : i - 1; k < i; k++)
            in[n_in++] = (struct coin_ref){{members[k]->txid, dense ? i - 1 - k : 0},
                                           members[k]->out[0].value.v};
        if (n_in == 0)
            in[n_in++] = *next_coin(l);
        members[i] = make_tx(in, n_in, dense ? n : 1, dense ? 10000 : 300);
        must_submit(l, members[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        tx_unref(members[i]);
}

static void add_chains(struct lab *l, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < MANY / 25; i++)
        add_cluster(l, 25, false);
}

static void add_dense(struct lab *l, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < MANY / 100; i++)
        add_cluster(l, 25, true);
}

static void add_fans(struct lab *l, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < MANY / 25; i++) {
        struct tx *parent = make_tx(next_coin(l), 1, 24, 3000);
        must_submit(l, parent);
        for (uint32_t k = 0; k < 24; k++) {
            struct coin_ref c = {{parent->txid, k}, parent->out[k].value.v};
            struct tx *child = make_tx(&c, 1, 1, 300);
            must_submit(l, child);
            tx_unref(child);
        }
        tx_unref(parent);
    }
}

static void add_joins(struct lab *l, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < MANY / 25; i++) {
        struct coin_ref in[24];
        for (uint32_t k = 0; k < 24; k++) {
            struct tx *parent = make_tx(next_coin(l), 1, 1, 300);
            must_submit(l, parent);
            in[k] = (struct coin_ref){{parent->txid, 0}, parent->out[0].value.v};
            tx_unref(parent);
        }
        struct tx *child = make_tx(in, 24, 1, 5000);
        must_submit(l, child);
        tx_unref(child);
    }
}

static void read_families(struct lab *l, void *arg)
{
    size_t *sum = arg;
    for (size_t i = 0; i < 20; i++) {
        size_t n;
        const struct mempool_entry **all = mempool_sorted(l->mp, &n);
        const struct mempool_entry *e = all[i * 997 % n];
        size_t up, down;
        free(mempool_ancestors(l->mp, e, &up));
        free(mempool_descendants(l->mp, e, &down));
        *sum += up + down;
        free(all);
    }
}

static void shape(const char *name, void (*add)(struct lab *l, void *arg))
{
    struct lab l;
    size_t sum = 0;
    open_funded(&l, MANY);
    double before = resident_mib(), start = cpu_ms();
    run(&l, add, NULL);
    size_t n = mempool_count(l.mp);
    report(name, start, n);
    report_memory(&l, before);
    start = cpu_ms();
    run(&l, read_families, &sum);
    report("  mempool sorted, two families read", start, 20);
    mine_pool(&l);
    start = cpu_ms();
    clock_set_mock(&l.clock, clock_now(&l.clock) + 15 * 86400);
    run(&l, add_plain, &(size_t){1});
    report("  all expired", start, n);
    lab_close(&l);
}

static void part_chains(void)
{
    shape("chains of 25", add_chains);
}

static void part_fans(void)
{
    shape("fans of 1 + 24", add_fans);
}

static void part_joins(void)
{
    shape("joins of 24 + 1", add_joins);
}

static void part_dense(void)
{
    shape("25 that spend from all before", add_dense);
}

/* ---- reorganisations ---- */

static void invalidate(struct lab *l, void *arg)
{
    int32_t depth = *(int32_t *)arg;
    chainman_invalidate(l->cm, chain_at(l->cm, chain_height(l->cm) - depth + 1));
}

static void reconsider(struct lab *l, void *arg)
{
    chainman_reconsider(l->cm, arg);
}

static void part_reorg(void)
{
    struct lab l;
    size_t n = 1000;
    open_funded(&l, MANY);
    mine_empty(&l, 101);
    struct block_index *other = chain_at(l.cm, chain_height(l.cm) - 100);
    run(&l, invalidate, &(int32_t){101});
    for (int i = 0; i < 100; i++) {
        run(&l, add_plain, &n);
        run(&l, mine, &(struct mining){.from_pool = true});
    }
    double start = cpu_ms();
    run(&l, reconsider, other);
    report("100 blocks of 1,000 give way to 101 others", start, 0);
    printf("  %zu came back\n", mempool_count(l.mp));
    lab_close(&l);
}

static void add_children(struct lab *l, void *arg)
{
    const struct tx *parent = arg;
    for (uint32_t i = 0; i < parent->n_out; i++) {
        struct coin_ref c = {{parent->txid, i}, parent->out[i].value.v};
        struct tx *child = make_tx(&c, 1, 1, 300);
        must_submit(l, child);
        tx_unref(child);
    }
}

/* One confirmed transaction of very many outputs, all spent in the pool. */
static void hostile_fan(void)
{
    struct lab l;
    int32_t depth = 1;
    open_funded(&l, 1);
    mine_empty(&l, 2);
    struct block *b;
    ASSERT(chainman_read_block(l.cm, &b, chain_at(l.cm, 2)) == ERR_OK);
    struct coin_ref c = {{b->txs[0].txid, 0}, b->txs[0].out[0].value.v};
    struct tx *parent = make_tx(&c, 1, FAN, 5000000);
    const struct tx *txs[] = {parent};
    run(&l, mine, &(struct mining){.txs = txs, .n = 1});
    run(&l, add_children, parent);
    double start = cpu_ms();
    run(&l, invalidate, &depth);
    report("a fan of 10,000 comes back above its children", start, mempool_count(l.mp));
    start = cpu_ms();
    clock_set_mock(&l.clock, clock_now(&l.clock) + 15 * 86400);
    run(&l, add_plain, &(size_t){1});
    report("  all expired", start, parent->n_out);
    tx_unref(parent);
    block_unref(b);
    lab_close(&l);
}

/* Many confirmed parents, and transactions in the pool that spend from all of them. */
static void hostile_net(void)
{
    enum { PARENTS = 800, CHILDREN = 90 };
    struct lab l;
    int32_t depth = 1;
    struct tx *parents[PARENTS];
    open_funded(&l, PARENTS);
    for (size_t i = 0; i < PARENTS; i++)
        parents[i] = make_tx(next_coin(&l), 1, CHILDREN, 5000);
    run(&l, mine,
        &(struct mining){.txs = (const struct tx *const *)parents, .n = PARENTS});
    struct coin_ref *in = xrealloc_array(NULL, PARENTS, sizeof(*in));
    for (uint32_t k = 0; k < CHILDREN; k++) {
        for (size_t i = 0; i < PARENTS; i++)
            in[i] =
                (struct coin_ref){{parents[i]->txid, k}, parents[i]->out[k].value.v};
        struct tx *child = make_tx(in, PARENTS, 1, 100000);
        coins_push(&l.coins, &child->txid, 0, child->out[0].value.v);
        run(&l, (void (*)(struct lab *, void *))must_submit, child);
        struct coin_ref c = *next_coin(&l);
        for (int d = 0; d < 24; d++) {
            struct tx *next = make_tx(&c, 1, 1, 300);
            run(&l, (void (*)(struct lab *, void *))must_submit, next);
            c = (struct coin_ref){{next->txid, 0}, next->out[0].value.v};
            tx_unref(next);
        }
        tx_unref(child);
    }
    double start = cpu_ms();
    run(&l, invalidate, &depth);
    report("800 parents of 90 chains come back", start, mempool_count(l.mp));
    for (size_t i = 0; i < PARENTS; i++)
        tx_unref(parents[i]);
    free(in);
    lab_close(&l);
}

/* ---- a full pool ---- */

static void add_rising(struct lab *l, void *arg)
{
    size_t n = *(size_t *)arg, refused = 0;
    for (size_t i = 0; i < n; i++) {
        struct tx *tx = make_tx(next_coin(l), 1, 1, 300 + (int64_t)i);
        refused += submit(l, tx) != NULL;
        tx_unref(tx);
    }
    printf("  %zu refused\n", refused);
}

static void part_full(void)
{
    struct lab l;
    size_t n = MANY;
    open_funded(&l, n);
    mempool_free(l.mp);
    lab_open_pool(&l, 20000000);
    double start = cpu_ms();
    run(&l, add_rising, &n);
    report("accepted at the limit, the worst evicted", start, n);
    printf("  %zu left, usage %zu\n", mempool_count(l.mp), mempool_memory(l.mp));
    lab_close(&l);
}

/* ---- replacing ---- */

static void replace_many(struct lab *l, void *arg)
{
    struct coin_ref in[100];
    (void)arg;
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 100; i++) {
            in[i] = *next_coin(l);
            struct tx *tx = make_tx(&in[i], 1, 1, 300);
            must_submit(l, tx);
            tx_unref(tx);
        }
        struct tx *tx = make_tx(in, 100, 1, 60000);
        must_submit(l, tx);
        tx_unref(tx);
    }
}

/* A parent that pays nothing and a child that pays for both, against 100 conflicts. */
static void replace_by_package(struct lab *l, void *arg)
{
    struct coin_ref in[100];
    struct package_tx out[2];
    struct reject why = {0};
    (void)arg;
    for (int i = 0; i < 100; i++) {
        in[i] = *next_coin(l);
        struct tx *tx = make_tx(&in[i], 1, 1, 300);
        must_submit(l, tx);
        tx_unref(tx);
    }
    struct tx *parent = make_tx(in, 100, 1, 5000);
    struct coin_ref c = {{parent->txid, 0}, parent->out[0].value.v};
    struct tx *child = make_tx(&c, 1, 1, 500000);
    const struct tx *txs[] = {parent, child};
    bool ok = mempool_submit_package(l->mp, txs, 2, 0, out, &why);
    printf("  %s, %zu replaced\n", ok ? "accepted" : reject_code_text(why.code),
           out[0].r.n_replaced);
    for (int i = 0; i < 2; i++)
        accept_result_clear(&out[i].r);
    tx_unref(parent);
    tx_unref(child);
}

static void part_replace(void)
{
    struct lab l;
    open_funded(&l, 20000);
    double start = cpu_ms();
    run(&l, replace_many, NULL);
    report("100 times 100 accepted and replaced by one", start, 10000);
    start = cpu_ms();
    run(&l, replace_by_package, NULL);
    report("a package replaces 100 (their coming included)", start, 0);
    lab_close(&l);
}

/* ---- deltas and mempool.dat ---- */

static void prioritise_all(struct lab *l, void *arg)
{
    size_t n;
    const struct mempool_entry **all = mempool_sorted(l->mp, &n);
    (void)arg;
    for (size_t i = 0; i < n; i++)
        mempool_prioritise(l->mp, &all[i]->tx->txid, amount_of(1 + (int64_t)i % 7));
    free(all);
}

static void part_marks(void)
{
    struct lab l;
    char path[96];
    open_funded(&l, MANY);
    run(&l, add_chains, NULL);
    double start = cpu_ms();
    run(&l, prioritise_all, NULL);
    report("prioritisetransaction of all", start, mempool_count(l.mp));
    snprintf(path, sizeof(path), "%s/mempool.dat", l.dir);
    start = cpu_ms();
    ASSERT(mempool_save(l.mp, path) == ERR_OK);
    report("mempool.dat written", start, mempool_count(l.mp));
    mempool_free(l.mp);
    lab_open_pool(&l, 300 * INT64_C(1000000));
    start = cpu_ms();
    ASSERT(mempool_load(l.mp, path, false, true, true) == ERR_OK);
    report("mempool.dat read", start, mempool_count(l.mp));
    lab_close(&l);
}

static void part_hostile(void)
{
    hostile_fan();
    hostile_net();
}

static const struct part {
    const char *name;
    void (*run)(void);
} parts[] = {
    {"tickets", part_tickets}, {"accept", part_accept},   {"chains", part_chains},
    {"fans", part_fans},       {"joins", part_joins},     {"dense", part_dense},
    {"reorg", part_reorg},     {"hostile", part_hostile}, {"full", part_full},
    {"replace", part_replace}, {"marks", part_marks},
};

static bool wanted(const struct part *p, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], p->name) == 0)
            return true;
    return argc == 1;
}

/* In a process of its own, whose memory is its own. */
static bool run_part(const struct part *p)
{
    int status = 1;
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        p->run();
        exit(0);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv)
{
    secp_init();
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (wanted(&parts[i], argc, argv) && !run_part(&parts[i]))
            return 1;
    return 0;
}
