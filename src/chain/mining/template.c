/* Putting a block together: coinbase, commitments, header. */
#include <stdlib.h>

#include "chain/mining/miner.h"
#include "chain/params/params.h"
#include "chain/prim/merkle.h"
#include "chain/rules/block_check.h"
#include "chain/rules/policy.h"
#include "chain/rules/pow.h"
#include "chain/rules/tx_check.h"
#include "chain/rules/versionbits.h"
#include "chain/script/script.h"
#include "chain/state/state.h"
#include "crypto/sha256.h"
#include "util/clock.h"

struct miner_options miner_default_options(const struct mempool *mp)
{
    const struct mempool_options *o = mempool_get_options(mp);
    return (struct miner_options){
        .max_weight = DEFAULT_BLOCK_MAX_WEIGHT,
        .min_feerate = DEFAULT_BLOCK_MIN_FEERATE,
        .check = true,
        .hooks = o->hooks,
        .clock = o->clock,
    };
}

int64_t template_time(const struct block_index *prev, int64_t now)
{
    int64_t least = block_index_mtp(prev) + 1;
    return now > least ? now : least;
}

void template_add_tx(struct block_template *t, const struct tx *tx, struct amount fee,
                     int64_t sigop_cost)
{
    if (t->n_txs == t->cap_txs) {
        t->cap_txs = t->cap_txs ? 2 * t->cap_txs : 64;
        t->txs = xrealloc_array(t->txs, t->cap_txs, sizeof(*t->txs));
    }
    t->txs[t->n_txs++] = (struct template_tx){tx_ref(tx), fee, sigop_cost};
    t->weight += tx_weight(tx);
    t->sigops += sigop_cost;
    t->fees.v += fee.v;
}

/* ---- witness commitment ---- */

static const uint8_t reserved_value[32];

/* The hash of the witness root and the reserved value goes into an output of the
 * coinbase, whose own wtxid counts as zeros. */
static void make_commitment(struct block_template *t)
{
    static const uint8_t head[] = {OP_RETURN, 36, 0xaa, 0x21, 0xa9, 0xed};
    struct hash256 *leaves = xcalloc(t->n_txs + 1, sizeof(*leaves));
    uint8_t both[64] = {0};

    for (uint32_t i = 0; i < t->n_txs; i++)
        leaves[i + 1] = t->txs[i].tx->wtxid;
    struct hash256 root = merkle_root(leaves, t->n_txs + 1, NULL);
    memcpy(both, root.b, 32);
    memcpy(t->commitment, head, sizeof(head));
    sha256d(t->commitment + sizeof(head), both, sizeof(both));
    t->commitment_len = sizeof(t->commitment);
    free(leaves);
}

struct block *block_complete_witness(const struct block *b,
                                     const struct chain_params *p, int32_t height)
{
    if (b->n_tx == 0 || b->txs[0].has_witness || !tx_is_coinbase(&b->txs[0]) ||
        !buried_active_at(p, BURIED_SEGWIT, height) ||
        block_witness_commitment_index(b) < 0)
        return block_ref(b);
    struct bytes value = bytes_of(reserved_value, sizeof(reserved_value));
    const struct tx **txs = xrealloc_array(NULL, b->n_tx, sizeof(*txs));
    struct mtx m;
    mtx_from_tx(&m, &b->txs[0]);
    mtxin_set_witness(&m.in[0], &value, 1);
    struct tx *coinbase = mtx_to_tx(&m);
    mtx_clear(&m);
    txs[0] = coinbase;
    for (uint32_t i = 1; i < b->n_tx; i++)
        txs[i] = &b->txs[i];
    struct block *out = block_assemble(&b->header, txs, b->n_tx);
    tx_unref(coinbase);
    free(txs);
    return out;
}

/* ---- coinbase ---- */

/* Height, and OP_0 since a scriptSig of one byte is too short. */
static void put_coinbase_script_sig(struct buf *script, int32_t height)
{
    uint8_t push[6];
    buf_append(script, push, bip34_height_script(push, height));
    script_put_op(script, OP_0);
}

static struct tx *make_coinbase(const struct block_template *t,
                                struct bytes payout_script)
{
    static const struct outpoint none = {.n = UINT32_MAX};
    struct amount own = t->coinbase_value;
    struct mtx m;

    for (size_t i = 0; i < t->n_required; i++)
        own.v -= t->required[i].amount.v;
    mtx_init(&m);
    struct mtxin *in = mtx_add_in(&m, &none, SEQUENCE_FINAL);
    put_coinbase_script_sig(&in->script_sig, t->height);
    mtx_add_out(&m, own, payout_script);
    for (size_t i = 0; i < t->n_required; i++)
        mtx_add_out(&m, t->required[i].amount, t->required[i].script);
    if (t->commitment_len) {
        struct bytes value = bytes_of(reserved_value, sizeof(reserved_value));
        mtx_add_out(&m, amount_of(0), bytes_of(t->commitment, t->commitment_len));
        mtxin_set_witness(&m.in[0], &value, 1);
    }
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

/* ---- block ---- */

static void assemble(struct block_template *t, struct chainman *cm,
                     const struct miner_options *opt, struct bytes payout_script)
{
    const struct chain_params *p = chainman_params(cm);
    uint32_t n = t->n_txs + 1;
    const struct tx **txs = xrealloc_array(NULL, n, sizeof(*txs));
    struct hash256 *leaves = xrealloc_array(NULL, n, sizeof(*leaves));

    if (buried_active_at(p, BURIED_SEGWIT, t->height))
        make_commitment(t);
    struct tx *coinbase = make_coinbase(t, payout_script);
    txs[0] = coinbase;
    for (uint32_t i = 1; i < n; i++)
        txs[i] = t->txs[i - 1].tx;
    for (uint32_t i = 0; i < n; i++)
        leaves[i] = txs[i]->txid;
    int64_t time = template_time(t->prev, clock_now(opt->clock));
    struct block_header h = {
        .version = opt->version ? opt->version
                                : bip9_block_version(chainman_versionbits(cm), t->prev),
        .prev = t->prev->hash,
        .merkle_root = merkle_root(leaves, n, NULL),
        .time = (uint32_t)time,
        .bits = pow_next_bits(t->prev, time, p),
    };
    t->block = block_assemble(&h, txs, n);
    ASSERT(t->block);
    tx_unref(coinbase);
    free(txs);
    free(leaves);
}

static struct block_template *template_begin(struct chainman *cm)
{
    struct block_template *t = xcalloc(1, sizeof(*t));
    t->refs = 1;
    arena_init(&t->mem, 1024);
    t->prev = chain_tip(cm);
    t->height = t->prev->height + 1;
    t->weight = COINBASE_WEIGHT_RESERVE;
    t->sigops = COINBASE_SIGOPS_RESERVE;
    return t;
}

/* What consensus lets the coinbase take and wants in it. True when ticket rules hold;
 * then end_tickets must follow. */
static bool begin_tickets(struct block_template *t, struct chainman *cm,
                          const struct miner_options *opt, struct rule_env *env,
                          struct map *marks)
{
    const struct consensus_hooks *h = opt->hooks;
    const struct chain_params *p = chainman_params(cm);
    struct amount subsidy = block_subsidy(p, t->height);

    t->coinbase_value = subsidy;
    if (!h || !h->active || !h->active(h->ctx, p, t->height))
        return false;
    coin_marks_init(marks);
    *env = (struct rule_env){.params = p,
                             .height = t->height,
                             .state = state_begin(chainman_state(cm)),
                             .marks = marks};
    t->n_required = h->coinbase_outputs(h->ctx, env, subsidy, &t->coinbase_value,
                                        &t->mem, t->required);
    return true;
}

static void end_tickets(struct rule_env *env)
{
    state_discard(env->state);
    map_clear(env->marks);
}

static struct block_template *template_end(struct block_template *t,
                                           struct chainman *cm,
                                           const struct miner_options *opt,
                                           struct bytes payout_script,
                                           struct reject *rej)
{
    assemble(t, cm, opt, payout_script);
    if (!opt->check || chainman_test_block(cm, t->block, false, false, rej))
        return t;
    block_template_unref(t);
    return NULL;
}

static struct miner_options clamp_options(const struct miner_options *opt)
{
    struct miner_options o = *opt;
    if (o.max_weight < COINBASE_WEIGHT_RESERVE)
        o.max_weight = COINBASE_WEIGHT_RESERVE;
    if (o.max_weight > MAX_BLOCK_WEIGHT)
        o.max_weight = MAX_BLOCK_WEIGHT;
    return o;
}

struct block_template *block_template_new(struct chainman *cm, struct mempool *mp,
                                          const struct miner_options *opt,
                                          struct bytes payout_script,
                                          struct reject *rej)
{
    struct miner_options o = clamp_options(opt);
    struct block_template *t = template_begin(cm);
    struct rule_env env;
    struct map marks;

    ASSERT(chainman_on_thread(cm));
    bool tickets = begin_tickets(t, cm, &o, &env, &marks);
    if (mp)
        select_transactions(t, mp, &o, tickets ? &env : NULL);
    if (tickets)
        end_tickets(&env);
    t->coinbase_value.v += t->fees.v;
    return template_end(t, cm, &o, payout_script, rej);
}

struct block_template *block_template_with(struct chainman *cm,
                                           const struct miner_options *opt,
                                           struct bytes payout_script,
                                           const struct tx *const *txs, size_t n,
                                           struct reject *rej)
{
    struct block_template *t = template_begin(cm);
    struct rule_env env;
    struct map marks;

    ASSERT(chainman_on_thread(cm));
    if (begin_tickets(t, cm, opt, &env, &marks))
        end_tickets(&env);
    for (size_t i = 0; i < n; i++)
        template_add_tx(t, txs[i], amount_of(0),
                        (int64_t)tx_legacy_sigops(txs[i]) * WITNESS_SCALE_FACTOR);
    return template_end(t, cm, opt, payout_script, rej);
}

struct block_template *block_template_ref(struct block_template *t)
{
    t->refs++;
    return t;
}

void block_template_unref(struct block_template *t)
{
    if (!t || --t->refs > 0)
        return;
    for (uint32_t i = 0; i < t->n_txs; i++)
        tx_unref(t->txs[i].tx);
    free(t->txs);
    block_unref(t->block);
    arena_clear(&t->mem);
    free(t);
}

/* ---- proof of work, for test chains ---- */

struct block *mine_block(const struct block *b, const struct chain_params *p,
                         uint64_t *tries, const _Atomic bool *stop)
{
    struct block_header h = b->header;
    struct hash256 hash = header_hash(&h);
    while (!pow_check(&hash, h.bits, p)) {
        if (*tries == 0 || h.nonce == UINT32_MAX || (stop && *stop))
            return NULL;
        --*tries;
        h.nonce++;
        hash = header_hash(&h);
    }
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    header_write(&s, &h);
    buf_append(&raw, b->raw.data + BLOCK_HEADER_SIZE, b->raw.len - BLOCK_HEADER_SIZE);
    return block_from_buf(&raw);
}
