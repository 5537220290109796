/* What can be said of a package before any of it is tried: its form and its shape. */
#include <stdlib.h>

#include "chain/mempool/group.h"
#include "chain/store/coins_cache.h"
#include "crypto/sha256.h"

static bool has_duplicates(const struct tx *const *txs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (hash256_equal(&txs[i]->txid, &txs[j]->txid))
                return true;
    return false;
}

static bool is_sorted(const struct tx *const *txs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            if (tx_spends_from(txs[i], txs[j]))
                return false;
    return true;
}

/* Transactions of a package spend no coin twice. */
static bool is_consistent(const struct tx *const *txs, size_t n)
{
    struct map seen;
    bool ok = true;
    map_init(&seen, sizeof(struct outpoint), 0);
    for (size_t i = 0; i < n && ok; i++) {
        if (txs[i]->n_in == 0)
            ok = false; /* it could be anywhere */
        for (uint32_t j = 0; j < txs[i]->n_in && ok; j++)
            ok = map_get(&seen, &txs[i]->in[j].prevout) == NULL;
        for (uint32_t j = 0; j < txs[i]->n_in && ok; j++)
            map_put(&seen, &txs[i]->in[j].prevout, NULL);
    }
    map_clear(&seen);
    return ok;
}

bool package_check_form(const struct tx *const *txs, size_t n, struct reject *rej)
{
    int64_t weight = 0;
    if (n > MAX_PACKAGE_COUNT)
        return reject(rej, REJECT_PACKAGE_TOO_MANY, NULL);
    for (size_t i = 0; i < n; i++)
        weight += tx_weight(txs[i]);
    if (n > 1 && weight > MAX_PACKAGE_WEIGHT)
        return reject(rej, REJECT_PACKAGE_TOO_LARGE, NULL);
    if (has_duplicates(txs, n))
        return reject(rej, REJECT_PACKAGE_DUPLICATES, NULL);
    if (!is_sorted(txs, n))
        return reject(rej, REJECT_PACKAGE_NOT_SORTED, NULL);
    if (!is_consistent(txs, n))
        return reject(rej, REJECT_PACKAGE_CONFLICT, NULL);
    return true;
}

/* ---- a child with its parents ---- */

bool package_is_tree(const struct tx *const *txs, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (!tx_spends_from(txs[n - 1], txs[i]))
            return false;
        for (size_t j = 0; j + 1 < n; j++)
            if (tx_spends_from(txs[i], txs[j]))
                return false;
    }
    return true;
}

static bool is_child_with_parents(const struct tx *const *txs, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (!tx_spends_from(txs[n - 1], txs[i]))
            return false;
    return n > 1;
}

/* Every parent that is missing from the package must be confirmed. */
static bool has_all_parents(struct mempool *mp, const struct tx *const *txs, size_t n)
{
    const struct tx *child = txs[n - 1];
    for (uint32_t i = 0; i < child->n_in; i++) {
        const struct outpoint *o = &child->in[i].prevout;
        struct coin c;
        bool found = false;
        for (size_t j = 0; j + 1 < n && !found; j++)
            found = hash256_equal(&txs[j]->txid, &o->txid);
        if (!found && !coins_peek(chainman_coins(mp->cm), o, &c, NULL))
            return false;
    }
    return true;
}

bool package_check_shape(struct mempool *mp, const struct tx *const *txs, size_t n,
                         struct reject *rej)
{
    if (n == 1)
        return true;
    if (!is_child_with_parents(txs, n))
        return reject(rej, REJECT_PACKAGE_NOT_CHILD_WITH_PARENTS, NULL);
    if (!has_all_parents(mp, txs, n))
        return reject(rej, REJECT_PACKAGE_NOT_UNCONFIRMED_PARENTS, NULL);
    return true;
}

/* By the hexadecimal text, in which the last byte stands first. */
static int compare_wtxid_text(const void *a, const void *b)
{
    const struct hash256 *x = a, *y = b;
    for (size_t i = sizeof(x->b); i-- > 0;)
        if (x->b[i] != y->b[i])
            return x->b[i] < y->b[i] ? -1 : 1;
    return 0;
}

struct hash256 package_hash(const struct tx *const *txs, size_t n)
{
    struct hash256 ids[MAX_PACKAGE_COUNT], out;
    ASSERT(n <= MAX_PACKAGE_COUNT);
    for (size_t i = 0; i < n; i++)
        ids[i] = txs[i]->wtxid;
    qsort(ids, n, sizeof(ids[0]), compare_wtxid_text);
    sha256(out.b, ids, n * sizeof(ids[0]));
    return out;
}
