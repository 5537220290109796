/* What supernodes cost a block: 10,000 of them, and ordinary transactions that have
 * nothing to do with tickets. usage: bench_supernodes [blocks.dat]   prints CPU time of
 * the thread; with a file of blocks (u32 magic, u32 size, block) also what the ticket
 * rules take for its transactions. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "chain/params/params.h"
#include "chain/prim/coin.h"
#include "chain/rules/reject.h"
#include "mn/supernodes.h"
#include "tickets/rules.h"
#include "tickets/supernode.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/rand.h"

#define SUPERNODES 10000
#define ROUNDS     50

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fill_octets(struct rng *rng, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)rng_u64(rng);
}

static void add_supernodes(struct state *s)
{
    struct rng rng;
    struct state_txn *t = state_begin(s);
    uint8_t script[22] = {0x00, 0x14}, endpoint[7] = {NET_IPV4};
    rng_seed(&rng, 1);
    for (uint32_t i = 0; i < SUPERNODES; i++) {
        struct supernode sn = {.storage_fee = 1000, .sense_fee = 1000, .registered = 1};
        fill_octets(&rng, sn.sn.b, 32);
        fill_octets(&rng, sn.pastelid, sizeof(sn.pastelid));
        fill_octets(&rng, sn.collateral, sizeof(sn.collateral));
        fill_octets(&rng, sn.operator_key, sizeof(sn.operator_key));
        fill_octets(&rng, script + 2, 20);
        put_le32(endpoint + 1, i);
        put_le16(endpoint + 5, 9933);
        sn.payout_script = bytes_of(script, sizeof(script));
        sn.endpoint = bytes_of(endpoint, sizeof(endpoint));
        supernode_add(t, &sn);
    }
    state_commit(t);
    state_root(s);
}

static struct block *empty_block(uint32_t nonce)
{
    struct block_header h = {.version = 1, .nonce = nonce};
    struct outpoint none = {.n = UINT32_MAX};
    struct mtx m;
    mtx_init(&m);
    mtx_add_in(&m, &none, SEQUENCE_FINAL);
    mtx_add_out(&m, amount_of(1), bytes_of("\x51", 1));
    struct tx *tx = mtx_to_tx(&m);
    const struct tx *txs[1] = {tx};
    struct block *b = block_assemble(&h, txs, 1);
    tx_unref(tx);
    mtx_clear(&m);
    return b;
}

struct bench {
    struct chain_params params;
    struct state *state;
    struct supernodes *list;
    struct ticket_rules rules;
    struct consensus_hooks hooks;
};

static void report(const char *what, double us, double per, const char *unit)
{
    printf("%-44s %10.2f us per %s\n", what, us / per, unit);
}

static void bench_list(struct bench *b)
{
    const struct supernode_view *v = supernodes_view(b->list);
    struct hash256 sns[10], block = {{1}};
    struct state_txn *t = state_begin(b->state);
    double t0 = cpu_us();
    v->attach(v->ctx, b->state, &b->params);
    report("reading the list at start", cpu_us() - t0, 1, "start");
    t0 = cpu_us();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        block.b[0] = (uint8_t)i;
        if (v->choose(v->ctx, t, 100, &block, sns) != 10)
            exit(1);
    }
    report("committee of 10,000", cpu_us() - t0, ROUNDS, "block");
    t0 = cpu_us();
    for (int i = 0; i < ROUNDS; i++)
        if (!v->payee(v->ctx, t, 100, sns))
            exit(1);
    report("payee of 10,000", cpu_us() - t0, ROUNDS, "block");
    state_discard(t);
}

/* The end of a block and what its commitment then costs. */
static void bench_blocks(struct bench *b)
{
    double t0 = cpu_us();
    for (uint32_t h = 100; h < 100 + ROUNDS; h++) {
        struct block *block = empty_block(h);
        struct rule_env env = {
            .params = &b->params, .height = (int32_t)h, .state = state_begin(b->state)};
        struct amount max;
        struct reject rej = {0};
        b->hooks.block_begin(b->hooks.ctx, &env, block, amount_of(5), &max, &rej);
        b->hooks.block_end(b->hooks.ctx, &env, block, &rej);
        state_commit(env.state);
        state_root(b->state);
        block_unref(block);
    }
    report("an empty block's ticket rules", cpu_us() - t0, ROUNDS, "block");
}

static size_t run_block(struct bench *b, const struct block *block,
                        struct rule_env *env)
{
    static const struct coin coin = {.script = {(const uint8_t *)"\x51", 1}};
    size_t inputs = 0;
    for (uint32_t i = 1; i < block->n_tx; i++) {
        const struct tx *tx = &block->txs[i];
        const struct coin **spent = xrealloc_array(NULL, tx->n_in, sizeof(*spent));
        struct reject rej = {0};
        for (uint32_t k = 0; k < tx->n_in; k++)
            spent[k] = &coin;
        if (!b->hooks.tx(b->hooks.ctx, env, tx, spent, NULL, &rej))
            exit(1);
        inputs += tx->n_in;
        free(spent);
    }
    return inputs;
}

static void bench_transactions(struct bench *b, const char *path)
{
    struct buf file = {0};
    struct map marks;
    double us = 0;
    size_t inputs = 0, blocks = 0;
    if (fs_read_file(path, SIZE_MAX, &file) != ERR_OK)
        exit(1);
    coin_marks_init(&marks);
    struct rule_env env = {.params = &b->params,
                           .height = 200,
                           .marks = &marks,
                           .state = state_begin(b->state)};
    for (size_t at = 0; at + 8 <= file.len;) {
        size_t n = get_le32(file.data + at + 4);
        struct block *block = block_from_bytes(file.data + at + 8, n);
        if (block == NULL)
            exit(1);
        double t0 = cpu_us();
        inputs += run_block(b, block, &env);
        us += cpu_us() - t0;
        blocks++;
        block_unref(block);
        at += 8 + n;
    }
    state_discard(env.state);
    map_clear(&marks);
    buf_clear(&file);
    printf("ordinary transactions: %zu inputs in %zu blocks, %.3f s in all\n", inputs,
           blocks, us / 1e6);
    report("ordinary transactions", us, (double)inputs, "input");
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/ochre-bench-supernodes-XXXXXX", *message;
    static const struct db_options opt = {.name = "chain state", .version = 1};
    struct bench b = {.list = supernodes_new()};
    struct db *db;
    if (mkdtemp(dir) == NULL || !chain_params_get(&b.params, OCHRE, "regtest") ||
        db_open(&db, dir, &opt, &message) != ERR_OK)
        return 1;
    b.state = state_new(db, 8 << 20);
    b.rules.cache = sigcache_new(1 << 20);
    b.rules.supernodes = supernodes_view(b.list);
    ticket_rules_hooks(&b.hooks, &b.rules);
    b.hooks.attach(b.hooks.ctx, &b.params, b.state);
    add_supernodes(b.state);
    bench_list(&b);
    bench_blocks(&b);
    if (argc > 1)
        bench_transactions(&b, argv[1]);
    state_free(b.state);
    db_close(db);
    supernodes_free(b.list);
    sigcache_free(b.rules.cache);
    return fs_remove_tree(dir) == ERR_OK ? 0 : 1;
}
