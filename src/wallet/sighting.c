/* What chain and mempool say of a transaction becomes its state in the wallet. */
#include <stdlib.h>

#include "util/clock.h"
#include "util/mem.h"
#include "wallet/addressbook.h"
#include "wallet/smart_time.h"
#include "wallet/spkman.h"
#include "wallet/store.h"
#include "wallet/tx_notify.h"
#include "wallet/tx_row.h"
#include "wallet/txstore_impl.h"
#include "wallet/wallet.h"

/* -- Is it ours? -- */

static bool pays_us(const struct wallet *w, const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (spkman_find(w->spkman, tx->out[i].script, NULL))
            return true;
    return false;
}

static bool spends_ours(const struct wallet *w, const struct tx *tx)
{
    if (txstore_count(w) == 0)
        return false;
    for (uint32_t i = 0; i < tx->n_in; i++)
        if (txstore_coin(w, &tx->in[i].prevout, NULL) != NULL)
            return true;
    return false;
}

/* -- Addresses -- */

/* A payment beyond the key pool's head moves it, which may make more of the outputs
 * ours. */
static enum err mark_addresses_used(struct wallet *w, const struct tx *tx)
{
    enum err e = ERR_OK;
    bool again = true;
    while (again && e == ERR_OK) {
        again = false;
        for (uint32_t i = 0; i < tx->n_out && e == ERR_OK; i++) {
            bool moved = false;
            if (spkman_find(w->spkman, tx->out[i].script, NULL))
                e = spkman_mark_used(w->spkman, tx->out[i].script, &moved);
            again |= moved;
        }
    }
    return e;
}

static enum err mark_reused(struct wallet *w, struct bytes script)
{
    struct destination d;
    if (!destination_from_script(&d, script))
        return ERR_OK;
    const struct address_entry *known = addressbook_find(w->book, &d);
    if (known != NULL && known->reused)
        return ERR_OK;
    enum err e = addressbook_set_reused(w->book, &d, true);
    txstore_mark_used(w->txs, script);
    return e;
}

/* avoid_reuse: what was spent from once shall not mix with later payments to it. */
static enum err mark_inputs_reused(struct wallet *w, const struct tx *tx)
{
    enum err e = ERR_OK;
    if (!wallet_has_flag(w, WALLET_AVOID_REUSE))
        return ERR_OK;
    for (uint32_t i = 0; i < tx->n_in && e == ERR_OK; i++) {
        const struct txout *out = txstore_my_output(w, &tx->in[i].prevout);
        if (out != NULL)
            e = mark_reused(w, out->script);
    }
    return e;
}

/* -- Conflicts -- */

static void log_conflict(const struct wallet *w, const struct tx *tx, uint32_t in,
                         const struct sighting *s, const struct wallet_tx *loser)
{
    char a[65], b[65], c[65], d[65];
    wallet_log(w,
               "Transaction %s (in block %s) conflicts with wallet transaction %s "
               "(both spend %s:%u)",
               hash256_to_hex(a, &tx->txid), hash256_to_hex(b, &s->block.hash),
               hash256_to_hex(c, &loser->tx->txid),
               hash256_to_hex(d, &tx->in[in].prevout.txid), tx->in[in].prevout.n);
}

/* A block decides: whatever else spends the same coins has lost. */
static enum err beat_rivals(struct wallet *w, const struct tx *tx,
                            const struct sighting *s)
{
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        struct spend_link *l = txstore_spend_links(w->txs, &tx->in[i].prevout);
        for (; l != NULL && e == ERR_OK; l = l->next) {
            if (hash256_equal(&l->wtx->tx->txid, &tx->txid))
                continue;
            log_conflict(w, tx, i, s, l->wtx);
            e = txstore_mark_conflicted(w->txs, l->wtx, &s->block);
        }
    }
    return e;
}

/* -- Records -- */

static struct wallet_tx *new_record(const struct wallet *w, const struct tx *tx,
                                    const struct sighting *s)
{
    struct wallet_tx *wtx = xcalloc(1, sizeof(*wtx));
    wtx->tx = tx_ref(tx);
    wtx->state = s->state;
    wtx->block = s->block;
    wtx->index = s->index;
    wtx->order = txstore_next_order(w->txs);
    wtx->time_received = clock_now(w->opt->clock);
    wtx->time_smart = smart_time(w, wtx, s->rescan);
    return wtx;
}

static enum err insert(struct wallet *w, struct wallet_tx *take_wtx)
{
    char hex[65];
    enum err e = tx_row_put(w->store, take_wtx);
    if (e == ERR_OK)
        e = wallet_born_before(w, take_wtx->time_smart);
    txstore_link(w->txs, take_wtx);
    wallet_log(w, "AddToWallet %s  new", hash256_to_hex(hex, &take_wtx->tx->txid));
    return e;
}

/* A file of the wallet's may have come without signatures, or with others. */
static enum err take_witness(struct wallet *w, struct wallet_tx *wtx,
                             const struct tx *tx)
{
    if (wtx->tx->has_witness || !tx->has_witness)
        return ERR_OK;
    struct tx *bare = wtx->tx;
    wtx->tx = tx_ref(tx);
    tx_unref(bare);
    return tx_row_put(w->store, wtx);
}

/* An abandoned transaction stays so until a block or the mempool has it. */
static enum err update(struct wallet *w, struct wallet_tx *wtx, const struct tx *tx,
                       const struct sighting *s)
{
    enum err e = take_witness(w, wtx, tx);
    txstore_find_coins(w->txs, wtx);
    if (e != ERR_OK || (s->state == WTX_INACTIVE && wtx->state == WTX_ABANDONED))
        return e;
    return txstore_set_state(w->txs, wtx, s->state, &s->block, s->index);
}

static enum err record(struct wallet *w, struct wallet_tx *known, const struct tx *tx,
                       const struct sighting *s)
{
    struct wallet_tx *wtx = known != NULL ? known : new_record(w, tx, s);
    enum err e = mark_inputs_reused(w, tx);
    enum err written = known != NULL ? update(w, wtx, tx, s) : insert(w, wtx);
    if (tx_is_coinbase(tx) && wtx->state == WTX_INACTIVE && written == ERR_OK)
        written = txstore_orphan(w->txs, wtx);
    tx_notify(w, wtx);
    return e != ERR_OK ? e : written;
}

enum err txstore_see(struct wallet *w, const struct tx *tx, const struct sighting *s,
                     bool update, bool *mine)
{
    struct wallet_tx *known = txstore_find(w, &tx->txid);
    enum err e = s->state == WTX_CONFIRMED ? beat_rivals(w, tx, s) : ERR_OK;
    if (e != ERR_OK ||
        (known != NULL ? !update : !pays_us(w, tx) && !spends_ours(w, tx)))
        return e;
    if (mine != NULL)
        *mine = true;
    e = mark_addresses_used(w, tx);
    enum err recorded = record(w, known, tx, s);
    return e != ERR_OK ? e : recorded;
}

static enum err see_each(struct wallet *w, const struct block *b,
                         const struct sighting *where, bool update, bool *mine)
{
    struct sighting s = *where;
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < b->n_tx && e == ERR_OK; i++) {
        s.index = (int32_t)i;
        e = txstore_see(w, &b->txs[i], &s, update, mine);
    }
    return e;
}

static void find_more_coins(struct wallet *w, const struct block *b)
{
    for (uint32_t i = 0; i < b->n_tx; i++) {
        struct wallet_tx *wtx = txstore_find(w, &b->txs[i].txid);
        if (wtx != NULL)
            txstore_find_coins(w->txs, wtx);
    }
}

enum err txstore_see_block(struct wallet *w, const struct block *b,
                           const struct sighting *s, bool update, bool *mine)
{
    uint64_t scripts = spkman_generation(w->spkman);
    enum err e = see_each(w, b, s, update, mine);
    while (e == ERR_OK && spkman_generation(w->spkman) != scripts) {
        scripts = spkman_generation(w->spkman);
        find_more_coins(w, b);
        e = see_each(w, b, s, false, mine);
    }
    return e;
}

/* -- What the wallet makes itself -- */

static char *text_or_null(const char *s)
{
    return s != NULL && s[0] != '\0' ? xstrdup(s) : NULL;
}

static void add_notes(struct wallet_tx *wtx, const struct wallet_tx_notes *notes)
{
    wtx->comment = text_or_null(notes->comment);
    wtx->comment_to = text_or_null(notes->comment_to);
    if (notes->replaces != NULL)
        wtx->replaces = *notes->replaces;
}

bool txstore_add_own(struct wallet *w, const struct tx *tx,
                     const struct wallet_tx_notes *notes, struct wallet_tx **out,
                     struct wallet_error *e)
{
    static const struct sighting own = {.state = WTX_INACTIVE, .block = {.height = -1}};
    struct wallet_tx *known = txstore_find(w, &tx->txid);
    *out = known != NULL ? known : new_record(w, tx, &own);
    store_begin(w->store);
    enum err result = mark_inputs_reused(w, tx);
    if (result == ERR_OK)
        result = mark_addresses_used(w, tx);
    if (known == NULL) {
        add_notes(*out, notes);
        enum err inserted = insert(w, *out);
        result = result != ERR_OK ? result : inserted;
    }
    bool ok = wallet_wrote(w, store_end(w->store, result), e);
    if (ok)
        tx_notify(w, *out);
    else if (known == NULL)
        txstore_unlink(w->txs, *out);
    return ok;
}

bool wallet_tx_set_replaced(struct wallet *w, struct wallet_tx *wtx,
                            const struct hash256 *by, struct wallet_error *e)
{
    struct hash256 before = wtx->replaced_by;
    wtx->replaced_by = *by;
    enum err result = tx_row_put(w->store, wtx);
    if (result != ERR_OK)
        wtx->replaced_by = before;
    return wallet_wrote(w, result, e);
}

/* -- By the user's word -- */

bool txstore_import(struct wallet *w, const struct tx *tx, const struct chain_point *at,
                    int32_t index, struct wallet_error *e)
{
    const struct sighting s = {
        .state = WTX_CONFIRMED, .block = *at, .index = index, .rescan = false};
    struct wallet_tx *known = txstore_find(w, &tx->txid);
    store_begin(w->store);
    enum err result = record(w, known, tx, &s);
    return wallet_wrote(w, store_end(w->store, result), e);
}

bool txstore_remove(struct wallet *w, struct wallet_tx *const *txs, size_t n,
                    struct wallet_error *e)
{
    enum err result = ERR_OK;
    store_begin(w->store);
    for (size_t i = 0; i < n && result == ERR_OK; i++)
        result = tx_row_del(w->store, txs[i]);
    if (!wallet_wrote(w, store_end(w->store, result), e))
        return false;
    for (size_t i = 0; i < n; i++)
        txstore_unlink(w->txs, txs[i]);
    return true;
}
