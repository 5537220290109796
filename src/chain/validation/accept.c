/* Headers and blocks on their way in. */
#include "chain/validation/internal.h"

/* -- Headers -- */

static bool check_new_header(struct chainman *cm, const struct block_header *h,
                             const struct hash256 *hash, struct block_index **prev,
                             struct reject *rej)
{
    if (!header_check(h, hash, cm->params, rej))
        return false;
    *prev = block_tree_find(cm, &h->prev);
    if (!*prev)
        return reject(rej, REJECT_PREV_BLK_NOT_FOUND, NULL);
    if ((*prev)->status & BLOCK_FAILED_MASK)
        return reject(rej, REJECT_BAD_PREVBLK, NULL);
    return header_check_contextual(h, *prev, clock_now(cm->opt.clock), cm->params, rej);
}

/* Where several such lines of one height come close together, many miners at once
 * found a block, or one of them held his back. */
static void log_new_header(const struct chainman *cm, const struct block_index *bi)
{
    char hash[65];
    if (!chainman_ibd(cm))
        log_info(cm->log, "Saw new header hash=%s height=%d",
                 hash256_to_hex(hash, &bi->hash), bi->height);
    else
        log_debug(cm->log, LOG_VALIDATION, "Saw new header hash=%s height=%d",
                  hash256_to_hex(hash, &bi->hash), bi->height);
}

bool accept_header(struct chainman *cm, const struct block_header *h,
                   bool min_pow_checked, struct block_index **out, struct reject *rej)
{
    struct hash256 hash = header_hash(h);
    struct block_index *bi = block_tree_find(cm, &hash), *prev;
    if (bi) {
        *out = bi;
        return !(bi->status & BLOCK_FAILED_MASK) ||
               reject(rej, REJECT_DUPLICATE_INVALID, NULL);
    }
    if (!check_new_header(cm, h, &hash, &prev, rej))
        return false;
    if (!min_pow_checked)
        return reject(rej, REJECT_TOO_LITTLE_CHAINWORK, NULL);
    chainman_write_lock(cm);
    *out = block_tree_insert(cm, h, &hash, prev);
    block_tree_mark_dirty(cm, *out);
    chainman_write_unlock(cm);
    log_new_header(cm, *out);
    return true;
}

/* Work of headers that claim to follow each other, on top of what the first one
 * builds on. */
static bool enough_work(const struct chainman *cm, const struct block_header *headers,
                        size_t n)
{
    const struct block_index *prev = block_tree_find(cm, &headers[0].prev);
    if (!prev)
        return true; /* refused for that */
    struct u256 work = prev->chain_work;
    for (size_t i = 0; i < n; i++)
        work = u256_add(work, work_of_bits(headers[i].bits));
    return u256_cmp(&work, &cm->params->minimum_chain_work) >= 0;
}

bool chainman_accept_headers(struct chainman *cm, const struct block_header *headers,
                             size_t n, bool min_work, struct block_index **last,
                             struct reject *rej)
{
    const struct block_index *best = cm->best_header;
    bool enough = n == 0 || !min_work || enough_work(cm, headers, n);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        struct block_index *bi;
        ok = accept_header(cm, &headers[i], enough, &bi, rej);
        if (ok && last)
            *last = bi;
    }
    if (cm->best_header != best)
        event_header_tip(cm);
    return ok;
}

/* -- Blocks -- */

/* Whether a block that nobody asked for is worth storing: unseen, as good as the
 * tip, not far ahead of it, and on a chain with enough work. */
static bool worth_storing(const struct chainman *cm, const struct block_index *bi)
{
    const struct block_index *tip = chain_tip(cm);
    return bi->n_tx == 0 && u256_cmp(&bi->chain_work, &tip->chain_work) >= 0 &&
           bi->height <= tip->height + MIN_BLOCKS_TO_KEEP &&
           u256_cmp(&bi->chain_work, &cm->params->minimum_chain_work) >= 0;
}

static bool check_block(struct chainman *cm, const struct block *b,
                        struct block_index *bi, struct reject *rej)
{
    if (block_check(b, cm->params, true, true, rej) &&
        (!bi->prev || block_check_contextual(b, bi->prev, cm->params, rej)))
        return true;
    if (rej->class != BLOCK_MUTATED)
        block_found_invalid(cm, bi, rej);
    return false;
}

static bool store_block(struct chainman *cm, const struct block *b,
                        struct block_index *bi, const struct filepos *known)
{
    struct filepos pos;
    if (known) {
        pos = *known;
        block_files_found(cm->files, &pos, (uint32_t)b->raw.len, (uint32_t)bi->height,
                          b->header.time);
    } else {
        enum err e = block_files_write(cm->files, &pos, b, (uint32_t)bi->height);
        if (e != ERR_OK)
            return chainman_fatal_err(cm, "Failed to write block", e);
    }
    chainman_write_lock(cm);
    block_tree_have_data(cm, bi, b->n_tx, &pos);
    chainman_write_unlock(cm);
    return true;
}

bool accept_block(struct chainman *cm, const struct block *b, bool requested,
                  const struct filepos *known, bool min_pow_checked,
                  struct block_index **out, bool *is_new, struct reject *rej)
{
    struct block_index *bi;
    *is_new = false;
    if (!accept_header(cm, &b->header, min_pow_checked, &bi, rej))
        return false;
    *out = bi;
    if (bi->status & BLOCK_HAVE_DATA || (!requested && !worth_storing(cm, bi)))
        return true;
    if (!check_block(cm, b, bi, rej))
        return false;
    if (!chainman_ibd(cm) && chain_tip(cm) == bi->prev)
        event_new_pow_valid(cm, bi, b);
    *is_new = true;
    return store_block(cm, b, bi, known);
}

bool chainman_process_block(struct chainman *cm, const struct block *b, bool requested,
                            bool min_pow_checked, bool *is_new, struct reject *rej)
{
    struct reject ignored = {0};
    struct block_index *bi = NULL;
    bool fresh = false;
    if (!rej)
        rej = &ignored;
    const struct block_index *best = cm->best_header;
    bool ok = !cm->fatal && block_check(b, cm->params, true, true, rej) &&
              accept_block(cm, b, requested, NULL, min_pow_checked, &bi, &fresh, rej);
    if (is_new)
        *is_new = fresh;
    if (cm->best_header != best)
        event_header_tip(cm);
    if (!ok) {
        if (rej->code != REJECT_NONE)
            event_block_checked(cm, &b->hash, rej);
        return false;
    }
    /* A block stored before may have been sent again with another witness. */
    cm->current = fresh ? b : NULL;
    cm->current_hash = &b->hash;
    cm->current_reject = rej;
    chainman_activate_best(cm);
    cm->current = NULL;
    cm->current_hash = NULL;
    cm->current_reject = NULL;
    return true;
}

bool chainman_test_block(struct chainman *cm, const struct block *b, bool check_pow,
                         bool check_merkle, struct reject *rej)
{
    struct block_index *tip = chain_tip(cm);
    if (!hash256_equal(&b->header.prev, &tip->hash))
        return reject(rej, REJECT_PREV_BLK_NOT_FOUND, "does not build on the tip");
    if (!header_check_contextual(&b->header, tip, clock_now(cm->opt.clock), cm->params,
                                 rej) ||
        !block_check(b, cm->params, check_pow, check_merkle, rej) ||
        !block_check_contextual(b, tip, cm->params, rej))
        return false;
    struct block_index bi = {0};
    block_index_init(&bi, &b->header, &b->hash, tip);
    chainman_write_lock(cm);
    bool ok = block_connect(cm->active, b, &bi, CONNECT_TEST, rej);
    chainman_write_unlock(cm);
    return ok;
}
