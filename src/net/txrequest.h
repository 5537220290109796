/* Which transactions to ask whom for, and when. Peers announce ids (txid or wtxid);
 * each id is asked of one peer at a time, of a preferred one first, after the delay its
 * announcement came with; when the answer does not come in time, or is "not found", the
 * next one is asked. Among equals a keyed hash of id and peer decides, so that nobody
 * can make itself the first to be asked for everything.
 *
 * Memory grows with the announcements, which the caller caps per peer. Time costs only
 * what became due: an announcement is looked at when it comes, when its delay ends,
 * when it is asked for and when it goes. */
#ifndef OCHRE_NET_TXREQUEST_H
#define OCHRE_NET_TXREQUEST_H

#include "util/bytes.h"

struct txrequest;
struct txrequest *txrequest_new(void);
void txrequest_free(struct txrequest *t);

struct gtxid {
    struct hash256 hash;
    bool is_wtxid;
};

/* @at_us: not before. Announced twice by one peer: ignored. */
void txrequest_announce(struct txrequest *t, int64_t peer, const struct gtxid *id,
                        bool preferred, int64_t at_us);
/* What may be asked of the peer now, in order of its announcements; at most @max.
 * Requests of any peer that ran out of time are given up first; @expired counts those
 * of @peer since the last call. What is neither requested nor forgotten then is due
 * again. */
size_t txrequest_due(struct txrequest *t, int64_t peer, int64_t now_us,
                     struct gtxid *out, size_t max, size_t *expired);
void txrequest_requested(struct txrequest *t, int64_t peer, const struct hash256 *hash,
                         int64_t expires_us);
/* The peer answered, with it or with notfound. */
void txrequest_answered(struct txrequest *t, int64_t peer, const struct hash256 *hash);
void txrequest_forget(struct txrequest *t, const struct hash256 *hash); /* we have it */
void txrequest_drop_peer(struct txrequest *t, int64_t peer);

/* Peers that announced it and have not answered yet: how many of at most @max. */
size_t txrequest_peers(const struct txrequest *t, const struct hash256 *hash,
                       int64_t *out, size_t max);
size_t txrequest_in_flight(const struct txrequest *t, int64_t peer);
size_t txrequest_candidates(const struct txrequest *t, int64_t peer);
size_t txrequest_count(const struct txrequest *t, int64_t peer); /* all of the peer's */
size_t txrequest_size(const struct txrequest *t);
/* Recomputes everything there is to know and compares; ASSERTs. For tests. */
void txrequest_check(const struct txrequest *t);

#endif
