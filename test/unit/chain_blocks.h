/* Blocks of a regtest chain, made by hand. */
#ifndef OCHRE_TEST_CHAIN_BLOCKS_H
#define OCHRE_TEST_CHAIN_BLOCKS_H

#include "chain/params/params.h"
#include "chain/prim/merkle.h"
#include "chain/rules/block_check.h"
#include "chain/rules/pow.h"
#include "util/mem.h"

/* Pays @value to OP_TRUE; @extra tells blocks of equal height apart. */
static struct tx *make_coinbase(int32_t height, int64_t value, uint32_t extra)
{
    struct mtx m;
    uint8_t script[16];
    size_t n = bip34_height_script(script, height);
    script[n++] = 4;
    memcpy(script + n, &extra, 4);
    mtx_init(&m);
    struct outpoint none = {.n = UINT32_MAX};
    struct mtxin *in = mtx_add_in(&m, &none, SEQUENCE_FINAL);
    buf_append(&in->script_sig, script, n + 4);
    mtx_add_out(&m, amount_of(value), bytes_of("\x51", 1));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

/* Spends outpoint n of @txid to OP_TRUE, or to what nobody can spend. */
UNUSED static struct tx *make_spend(const struct hash256 *txid, uint32_t n,
                                    int64_t value)
{
    struct mtx m;
    mtx_init(&m);
    struct outpoint o = {.txid = *txid, .n = n};
    mtx_add_in(&m, &o, SEQUENCE_FINAL);
    mtx_add_out(&m, amount_of(value), bytes_of("\x51", 1));
    /* Padded beyond 64 octets. */
    mtx_add_out(&m, amount_of(0), bytes_of("\x6a\x08paddings", 10));
    struct tx *tx = mtx_to_tx(&m);
    mtx_clear(&m);
    return tx;
}

/* A block with proof of work on top of prev; it takes no reference to the transactions.
 */
static struct block *solve_block(const struct chain_params *params,
                                 const struct hash256 *prev, int32_t height,
                                 uint32_t extra, struct tx *const *txs, uint32_t n)
{
    const struct tx *all[16];
    all[0] = make_coinbase(height, block_subsidy(params, height).v, extra);
    for (uint32_t i = 0; i < n; i++)
        all[i + 1] = txs[i];
    struct block_header h = {
        .version = 0x20000000,
        .prev = *prev,
        .time = 1500000000u + (uint32_t)height * 600,
        .bits = params->pow_limit_bits,
    };
    struct block *b = block_assemble(&h, all, n + 1);
    h.merkle_root = block_merkle_root(b, NULL);
    for (;; h.nonce++) {
        struct hash256 hash = header_hash(&h);
        if (pow_check(&hash, h.bits, params))
            break;
    }
    block_unref(b);
    b = block_assemble(&h, all, n + 1);
    tx_unref((struct tx *)all[0]);
    return b;
}

#endif
