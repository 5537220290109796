/* Metrics of the chain, its caches and indexes, and of the mempool. */
#include "chain/mempool/mempool.h"
#include "chain/params/params.h"
#include "chain/rules/block_index.h"
#include "chain/rules/pow.h"
#include "chain/script/sigcache.h"
#include "chain/store/blockfile.h"
#include "chain/store/coins_cache.h"
#include "chain/validation/chainman.h"
#include "rpc/metrics.h"
#include "util/mem.h"

/* -- The chain -------------------------------------------------------------- */

struct chain_facts {
    double height, headers, ibd, importing, progress, tip_time, difficulty, txs;
    double block_files, prune_target, coins_db;
    double cached_coins, cache_bytes, cache_limit, cache_hits, cache_misses;
};

static const struct metric chain_rows[] = {
    METRIC(chain_facts, "ochre_chain_height", GAUGE, height,
           "Height of the active chain."),
    METRIC(chain_facts, "ochre_chain_headers_height", GAUGE, headers,
           "Height of the best header."),
    METRIC(chain_facts, "ochre_chain_initial_block_download", GAUGE, ibd,
           "1 while the chain is catching up with the network."),
    METRIC(chain_facts, "ochre_chain_importing", GAUGE, importing,
           "1 while blocks are read from files, as by -reindex."),
    METRIC(chain_facts, "ochre_chain_verification_progress_ratio", GAUGE, progress,
           "Estimated share of the chain that is verified."),
    METRIC(chain_facts, "ochre_chain_tip_timestamp_seconds", GAUGE, tip_time,
           "Time in the header of the tip, unix seconds."),
    METRIC(chain_facts, "ochre_chain_difficulty", GAUGE, difficulty,
           "Difficulty of the tip."),
    METRIC(chain_facts, "ochre_chain_transactions", GAUGE, txs,
           "Transactions in the active chain."),
    METRIC(chain_facts, "ochre_block_files_bytes", GAUGE, block_files,
           "Size of block and undo files on disk."),
    METRIC(chain_facts, "ochre_prune_target_bytes", GAUGE, prune_target,
           "What -prune keeps block files below; 0: all are kept, 1: pruned by hand."),
    METRIC(chain_facts, "ochre_coins_database_bytes", GAUGE, coins_db,
           "Rough size of the unspent outputs on disk."),
    METRIC(chain_facts, "ochre_coins_cache_entries", GAUGE, cached_coins,
           "Coins in memory."),
    METRIC(chain_facts, "ochre_coins_cache_bytes", GAUGE, cache_bytes,
           "Memory that coins take."),
    METRIC(chain_facts, "ochre_coins_cache_limit_bytes", GAUGE, cache_limit,
           "Memory that -dbcache leaves for coins and state."),
    METRIC(chain_facts, "ochre_coins_cache_hits_total", COUNTER, cache_hits,
           "Coins that were asked for and stood in memory."),
    METRIC(chain_facts, "ochre_coins_cache_misses_total", COUNTER, cache_misses,
           "Coins that were asked for and did not stand in memory."),
};

/* What the chain's lock guards. */
static void gather_chain(struct chainman *cm, struct chain_facts *f,
                         struct histogram *connect)
{
    const struct block_index *tip = chain_tip(cm);
    struct coins_cache *coins = chainman_coins(cm);
    struct coins_lookups lookups = coins_cache_lookups(coins);
    *f = (struct chain_facts){
        .height = tip->height,
        .headers = best_header(cm)->height,
        .ibd = chainman_ibd(cm),
        .importing = chainman_importing(cm),
        .progress = chainman_progress(cm, tip),
        .tip_time = tip->time,
        .difficulty = difficulty_of_bits(tip->bits),
        .txs = (double)tip->chain_tx,
        .cached_coins = (double)coins_cache_count(coins),
        .cache_bytes = (double)coins_cache_memory(coins),
        .cache_limit = (double)chainman_coins_limit(cm),
        .cache_hits = (double)lookups.hits,
        .cache_misses = (double)lookups.misses,
    };
    *connect = *chainman_connect_times(cm);
}

static void write_sigcache(struct metrics *m, const struct sigcache *cache)
{
    struct sigcache_lookups n = sigcache_lookups(cache);
    metrics_family(m, "ochre_signature_cache_lookups_total", METRIC_COUNTER,
                   "Look-ups of verified signatures and of whole transactions.");
    metrics_sample(m, (double)n.signature_hits, "of=\"signature\",result=\"hit\"");
    metrics_sample(m, (double)n.signature_misses, "of=\"signature\",result=\"miss\"");
    metrics_sample(m, (double)n.tx_hits, "of=\"transaction\",result=\"hit\"");
    metrics_sample(m, (double)n.tx_misses, "of=\"transaction\",result=\"miss\"");
}

static void write_indexes(struct metrics *m, const struct index_status *list, size_t n)
{
    if (n == 0)
        return;
    metrics_family(m, "ochre_index_height", METRIC_GAUGE,
                   "Height that an index stands at.");
    for (size_t i = 0; i < n; i++)
        metrics_sample(m, list[i].height, "index=\"%s\"", list[i].name);
    metrics_family(m, "ochre_index_synced", METRIC_GAUGE,
                   "1 when an index stands at the tip.");
    for (size_t i = 0; i < n; i++)
        metrics_sample(m, list[i].synced, "index=\"%s\"", list[i].name);
    metrics_family(m, "ochre_index_database_bytes", METRIC_GAUGE,
                   "Rough size of an index on disk.");
    for (size_t i = 0; i < n; i++)
        metrics_sample(m, (double)list[i].bytes, "index=\"%s\"", list[i].name);
}

void metrics_of_chain(struct metrics *m)
{
    struct chainman *cm = m->node->chainman;
    struct index_status indexes[MAX_INDEXES];
    struct chain_facts f;
    struct histogram connect;
    chainman_read_lock(cm);
    gather_chain(cm, &f, &connect);
    size_t n = chainman_indexes(cm, indexes);
    chainman_read_unlock(cm);
    f.block_files = (double)block_files_disk_usage(chainman_files(cm));
    f.prune_target = (double)chainman_prune_target(cm);
    f.coins_db = (double)chainman_utxo_disk_size(cm);
    metrics_table(m, chain_rows, ARRAY_LEN(chain_rows), &f);
    metrics_family(m, "ochre_block_connect_duration_seconds", METRIC_HISTOGRAM,
                   "How long the connection of blocks to the chain took.");
    metrics_histogram(m, &connect, "");
    write_sigcache(m, chainman_sigcache(cm));
    write_indexes(m, indexes, n);
}

/* -- The mempool ------------------------------------------------------------ */

struct mempool_facts {
    double txs, vbytes, memory, limit, min_fee, fees, changes;
};

static const struct metric mempool_rows[] = {
    METRIC(mempool_facts, "ochre_mempool_transactions", GAUGE, txs,
           "Transactions in the mempool."),
    METRIC(mempool_facts, "ochre_mempool_virtual_bytes", GAUGE, vbytes,
           "Sum of their virtual sizes."),
    METRIC(mempool_facts, "ochre_mempool_memory_bytes", GAUGE, memory,
           "Memory that they take."),
    METRIC(mempool_facts, "ochre_mempool_memory_limit_bytes", GAUGE, limit,
           "-maxmempool."),
    METRIC(mempool_facts, "ochre_mempool_min_fee_rate", GAUGE, min_fee,
           "Least fee rate that gets in, in the smallest unit per 1000 virtual bytes."),
    METRIC(mempool_facts, "ochre_mempool_fees", GAUGE, fees,
           "Sum of the fees of all transactions, in the smallest unit."),
    METRIC(mempool_facts, "ochre_mempool_changes_total", COUNTER, changes,
           "Changes of the mempool: transactions that came or left, new tips."),
};

void metrics_of_mempool(struct metrics *m)
{
    const struct mempool *mp = m->node->mempool;
    const struct mempool_options *opt = mempool_get_options(mp);
    chainman_read_lock(m->node->chainman);
    int64_t rate = mempool_min_feerate(mp);
    struct mempool_facts f = {
        .txs = (double)mempool_count(mp),
        .vbytes = (double)mempool_total_vsize(mp),
        .memory = (double)mempool_memory(mp),
        .limit = (double)opt->max_bytes,
        .min_fee =
            (double)(rate > opt->min_relay_feerate ? rate : opt->min_relay_feerate),
        .fees = (double)mempool_total_fee(mp).v,
        .changes = mempool_updates(mp),
    };
    chainman_read_unlock(m->node->chainman);
    metrics_table(m, mempool_rows, ARRAY_LEN(mempool_rows), &f);
}
