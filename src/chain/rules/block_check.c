#include "chain/rules/block_check.h"

#include <stdio.h>

#include "chain/prim/merkle.h"
#include "chain/rules/locks.h"
#include "chain/rules/pow.h"
#include "chain/rules/tx_check.h"
#include "chain/script/script.h"
#include "chain/script/script_error.h"
#include "crypto/sha256.h"

/* ---- headers ---- */

bool header_check(const struct block_header *h, const struct hash256 *hash,
                  const struct chain_params *p, struct reject *rej)
{
    if (!pow_check(hash, h->bits, p))
        return reject(rej, REJECT_HIGH_HASH, "proof of work failed");
    return true;
}

/* Versions that a soft fork has made obsolete. */
static const struct {
    int32_t below;
    enum buried fork;
} old_versions[] = {
    {2, BURIED_BIP34},
    {3, BURIED_DERSIG},
    {4, BURIED_CLTV},
};

static bool check_version(int32_t version, int32_t height, const struct chain_params *p,
                          struct reject *rej)
{
    for (size_t i = 0; i < ARRAY_LEN(old_versions); i++) {
        if (version >= old_versions[i].below ||
            !buried_active_at(p, old_versions[i].fork, height))
            continue;
        reject_suffix(rej, REJECT_BAD_VERSION, "(0x%08x)", (unsigned)version);
        if (rej)
            snprintf(rej->detail, sizeof(rej->detail), "rejected nVersion=0x%08x block",
                     (unsigned)version);
        return false;
    }
    return true;
}

bool header_check_contextual(const struct block_header *h,
                             const struct block_index *prev, int64_t now,
                             const struct chain_params *p, struct reject *rej)
{
    if (h->bits != pow_next_bits(prev, h->time, p))
        return reject(rej, REJECT_BAD_DIFFBITS, "incorrect proof of work");
    if (h->time <= block_index_mtp(prev))
        return reject(rej, REJECT_TIME_TOO_OLD, "block's timestamp is too early");
    if (h->time > now + MAX_FUTURE_BLOCK_TIME)
        return reject(rej, REJECT_TIME_TOO_NEW,
                      "block timestamp too far in the future");
    return check_version(h->version, prev->height + 1, p, rej);
}

/* ---- blocks, context free ---- */

static bool check_merkle_root(const struct block *b, struct reject *rej)
{
    bool mutated;
    struct hash256 root = block_merkle_root(b, &mutated);
    if (!hash256_equal(&root, &b->header.merkle_root))
        return reject(rej, REJECT_BAD_TXNMRKLROOT, "hashMerkleRoot mismatch");
    /* CVE-2012-2459: transactions repeated at the end leave the root as it was. */
    if (mutated)
        return reject(rej, REJECT_BAD_TXNS_DUPLICATE, "duplicate transaction");
    return true;
}

static bool check_shape(const struct block *b, struct reject *rej)
{
    if (b->n_tx == 0 || b->n_tx > MAX_BLOCK_WEIGHT / WITNESS_SCALE_FACTOR ||
        (int64_t)b->base_size * WITNESS_SCALE_FACTOR > MAX_BLOCK_WEIGHT)
        return reject(rej, REJECT_BAD_BLK_LENGTH, "size limits failed");
    if (!tx_is_coinbase(&b->txs[0]))
        return reject(rej, REJECT_BAD_CB_MISSING, "first tx is not coinbase");
    for (uint32_t i = 1; i < b->n_tx; i++)
        if (tx_is_coinbase(&b->txs[i]))
            return reject(rej, REJECT_BAD_CB_MULTIPLE, "more than one coinbase");
    return true;
}

static bool check_transactions(const struct block *b, const struct chain_params *p,
                               struct reject *rej)
{
    uint64_t sigops = 0;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        struct reject why = {0};
        if (tx_check(&b->txs[i], p, &why))
            continue;
        char txid[65];
        reject_detail(rej, why.code, "Transaction check failed (tx hash %s) %s",
                      hash256_to_hex(txid, &b->txs[i].txid), why.detail);
        return reject_as_block(rej);
    }
    for (uint32_t i = 0; i < b->n_tx; i++)
        sigops += tx_legacy_sigops(&b->txs[i]);
    if (sigops * WITNESS_SCALE_FACTOR > MAX_BLOCK_SIGOPS_COST)
        return reject(rej, REJECT_BAD_BLK_SIGOPS, "out-of-bounds SigOpCount");
    return true;
}

bool block_check(const struct block *b, const struct chain_params *p, bool check_pow,
                 bool check_merkle, struct reject *rej)
{
    if (b->checked)
        return true;
    if (check_pow && !header_check(&b->header, &b->hash, p, rej))
        return false;
    if (check_merkle && !check_merkle_root(b, rej))
        return false;
    if (!check_shape(b, rej) || !check_transactions(b, p, rej))
        return false;
    if (check_pow && check_merkle)
        ((struct block *)b)->checked = true;
    return true;
}

/* ---- witness ---- */

#define WITNESS_COMMITMENT_SIZE 38
static const uint8_t witness_commitment_head[] = {OP_RETURN, 36,   0xaa,
                                                  0x21,      0xa9, 0xed};

int block_witness_commitment_index(const struct block *b)
{
    if (b->n_tx == 0)
        return -1;
    const struct tx *cb = &b->txs[0];
    for (uint32_t i = cb->n_out; i-- > 0;) {
        struct bytes s = cb->out[i].script;
        if (s.len >= WITNESS_COMMITMENT_SIZE &&
            !memcmp(s.data, witness_commitment_head, sizeof(witness_commitment_head)))
            return (int)i;
    }
    return -1;
}

static bool check_commitment(const struct block *b, int index, struct reject *rej)
{
    const struct txin *in = &b->txs[0].in[0];
    if (in->n_witness != 1 || in->witness[0].len != 32)
        return reject(rej, REJECT_BAD_WITNESS_NONCE_SIZE,
                      "CheckWitnessMalleation : invalid witness reserved value size");
    uint8_t both[64], digest[32];
    struct hash256 root = block_witness_root(b);
    memcpy(both, root.b, 32);
    memcpy(both + 32, in->witness[0].data, 32);
    sha256d(digest, both, sizeof(both));
    if (memcmp(digest, b->txs[0].out[index].script.data + 6, 32))
        return reject(rej, REJECT_BAD_WITNESS_MERKLE_MATCH,
                      "CheckWitnessMalleation : witness merkle commitment mismatch");
    return true;
}

static bool check_witness(const struct block *b, bool segwit, struct reject *rej)
{
    if (segwit) {
        if (b->checked_witness)
            return true;
        int index = block_witness_commitment_index(b);
        if (index >= 0) {
            if (!check_commitment(b, index, rej))
                return false;
            ((struct block *)b)->checked_witness = true;
            return true;
        }
    }
    for (uint32_t i = 0; i < b->n_tx; i++)
        if (b->txs[i].has_witness)
            return reject(rej, REJECT_UNEXPECTED_WITNESS,
                          "CheckWitnessMalleation : unexpected witness data found");
    return true;
}

bool block_is_mutated(const struct block *b, bool check_witness_root)
{
    if (!b->checked && !check_merkle_root(b, NULL))
        return true;
    if (b->n_tx > 0 && tx_is_coinbase(&b->txs[0]))
        return !check_witness(b, check_witness_root, NULL);
    /* Without a coinbase the bytes may be inner nodes of the tree posing as
     * transactions. */
    for (uint32_t i = 0; i < b->n_tx; i++)
        if (b->txs[i].base_size == 64)
            return true;
    return false;
}

/* ---- blocks in their place ---- */

size_t bip34_height_script(uint8_t out[6], int32_t height)
{
    if (height >= 0 && height <= 16) {
        out[0] = height ? (uint8_t)(OP_1 + height - 1) : OP_0;
        return 1;
    }
    uint8_t num[9];
    size_t n = script_num_encode(num, height);
    out[0] = (uint8_t)n;
    memcpy(out + 1, num, n);
    return n + 1;
}

static bool check_final(const struct block *b, const struct block_index *prev,
                        const struct chain_params *p, struct reject *rej)
{
    int32_t height = prev->height + 1;
    int64_t time = buried_active_at(p, BURIED_CSV, height) ? block_index_mtp(prev)
                                                           : (int64_t)b->header.time;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (tx_is_final(&b->txs[i], height, time))
            continue;
        reject(rej, REJECT_BAD_TXNS_NONFINAL, "non-final transaction");
        return reject_as_block(rej);
    }
    return true;
}

static bool check_coinbase_height(const struct block *b, int32_t height,
                                  struct reject *rej)
{
    uint8_t expect[6];
    size_t n = bip34_height_script(expect, height);
    struct bytes s = b->txs[0].in[0].script_sig;
    if (s.len < n || memcmp(s.data, expect, n))
        return reject(rej, REJECT_BAD_CB_HEIGHT, "block height mismatch in coinbase");
    return true;
}

bool block_check_contextual(const struct block *b, const struct block_index *prev,
                            const struct chain_params *p, struct reject *rej)
{
    int32_t height = prev->height + 1;
    if (!check_final(b, prev, p, rej))
        return false;
    if (buried_active_at(p, BURIED_BIP34, height) &&
        !check_coinbase_height(b, height, rej))
        return false;
    if (!check_witness(b, buried_active_at(p, BURIED_SEGWIT, height), rej))
        return false;
    if (block_weight(b) > MAX_BLOCK_WEIGHT)
        return reject(rej, REJECT_BAD_BLK_WEIGHT,
                      "ContextualCheckBlock : weight limit failed");
    return true;
}

uint32_t block_script_flags(const struct chain_params *p, int32_t height)
{
    static const struct {
        enum buried fork;
        uint32_t flags;
    } forks[] = {
        {BURIED_DERSIG, SCRIPT_VERIFY_DERSIG},
        {BURIED_CLTV, SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY},
        {BURIED_CSV, SCRIPT_VERIFY_CHECKSEQUENCEVERIFY},
        {BURIED_SEGWIT, SCRIPT_VERIFY_NULLDUMMY},
    };
    /* These three hold for every block: no chain of ours has one that breaks them. */
    uint32_t flags = SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_TAPROOT;
    for (size_t i = 0; i < ARRAY_LEN(forks); i++)
        if (buried_active_at(p, forks[i].fork, height))
            flags |= forks[i].flags;
    return flags;
}
