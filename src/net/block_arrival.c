/* Blocks that arrive whole, and what their senders deserve. */
#include <stdlib.h>

#include "chain/rules/block_check.h"
#include "net/internal.h"

void punish_for_block(struct net *net, int64_t id, const struct reject *rej,
                      bool via_compact, const char *what)
{
    struct peer *p = net_find_peer(net, id);
    char reason[192];
    if (!p || rej->code == REJECT_NONE)
        return;
    reject_reason(rej, reason);
    switch (rej->class) {
    case BLOCK_CONSENSUS:
    case BLOCK_MUTATED:
    case TX_CONSENSUS:
        if (!via_compact)
            peer_misbehaving(p, "%s", what[0] ? what : reason);
        return;
    case BLOCK_CACHED_INVALID:
        if (!via_compact && !peer_inbound(p))
            peer_misbehaving(p, "%s", what);
        return;
    case BLOCK_INVALID_HEADER:
    case BLOCK_INVALID_PREV:
    case BLOCK_MISSING_PREV:
        peer_misbehaving(p, "%s", what[0] ? what : reason);
        return;
    default:
        log_debug(net->log, LOG_NET, "peer=%lld: %s", (long long)id,
                  what[0] ? what : reason);
        return;
    }
}

void process_block(struct peer *p, struct block *b, bool force, bool min_pow_checked)
{
    struct net *net = p->net;
    bool is_new = false;
    struct reject rej = {0};
    int64_t begin = clock_steady_us();
    net_release(net);
    chainman_process_block(net->cm, b, force, min_pow_checked, &is_new, &rej);
    net_resume(net);
    if (is_new) {
        turn_spare(net, clock_steady_us() - begin); /* its work was paid for */
        p->sync.last_block_s = net_now_s(net);
        block_request_done(net, &b->hash, NULL);
        return;
    }
    struct block_source *src = map_get(&net->block_sources, &b->hash);
    if (src)
        punish_for_block(net, src->peer, &rej, !src->may_punish, "");
    map_del(&net->block_sources, &b->hash);
}

/* Says in the log what a mutated block's mistake is. */
static void log_mutation(struct net *net, const struct block *b,
                         const struct block_index *prev)
{
    struct reject rej = {0};
    char text[512];
    if (!logger_enabled(net->log, LOG_VALIDATION, LOG_DEBUG))
        return;
    if (block_check(b, net->opt.params, false, true, &rej))
        (void)block_check_contextual(b, prev, net->opt.params, &rej);
    log_debug(net->log, LOG_VALIDATION, "Block mutated: %s", reject_text(&rej, text));
}

/* The block of that hash is not to blame, and may still come from others. */
static void refuse_mutated(struct peer *p, const struct block *b,
                           const struct block_index *prev)
{
    log_mutation(p->net, b, prev);
    log_debug(p->net->log, LOG_NET, "Received mutated block from peer=%lld",
              (long long)p->id);
    peer_misbehaving(p, "mutated block");
    block_request_done(p->net, &b->hash, p);
}

static bool has_enough_work(struct net *net, const struct block *b,
                            const struct block_index *prev)
{
    if (!prev)
        return false;
    struct u256 work = u256_add(prev->chain_work, work_of_bits(b->header.bits));
    struct u256 least = anti_dos_work(net);
    return u256_cmp(&work, &least) >= 0;
}

static void take_block(struct peer *p, struct block *b)
{
    struct net *net = p->net;
    char hex[65];
    bool is_new;
    log_debug(net->log, LOG_NET, "received block %s peer=%lld",
              hash256_to_hex(hex, &b->hash), (long long)p->id);
    const struct block_index *prev = block_tree_find(net->cm, &b->header.prev);
    if (prev && block_is_mutated(b, segwit_at(net, prev->height + 1))) {
        refuse_mutated(p, b, prev);
        return;
    }
    bool requested = block_requested(net, &b->hash);
    block_request_done(net, &b->hash, p);
    struct block_source *src = map_put(&net->block_sources, &b->hash, &is_new);
    if (is_new)
        *src = (struct block_source){.peer = p->id, .may_punish = true};
    process_block(p, b, requested, has_enough_work(net, b, prev));
}

void on_block(struct handler_args *a)
{
    if (chainman_importing(a->net->cm)) {
        log_debug(a->net->log, LOG_NET,
                  "Unexpected block message received from peer %lld",
                  (long long)a->peer->id);
        block_requests_forget(a->peer); /* asked again when the import is over */
        return;
    }
    struct block *b = a->block ? block_ref(a->block) : block_from_buf(&a->msg->payload);
    if (!b) {
        reader_fail(&a->r);
        return;
    }
    take_block(a->peer, b);
    block_unref(b);
}
