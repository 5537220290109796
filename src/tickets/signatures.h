/* Signatures over tickets: which ones a ticket has, and their verification. */
#ifndef OCHRE_TICKETS_SIGNATURES_H
#define OCHRE_TICKETS_SIGNATURES_H

#include "chain/script/sigcache.h"
#include "tickets/ticket.h"

struct ticket_sig {
    enum sig_scheme scheme;
    struct hash256 message;
    uint8_t key_len, sig_len;
    uint8_t key[57];
    uint8_t sig[114];
};

/* Pure; a key or signature of the wrong length is a wrong signature. */
bool ticket_sig_verify(const struct ticket_sig *s);

/* Calls fn for every signature that the rules want, until it returns false; an absent
 * one comes with sig_len 0. The ticket passed its check and was not applied. False also
 * when a signature stands where there must be none: ticket-malformed. */
bool ticket_each_signature(const struct ticket *t, const struct ticket_env *env,
                           bool (*fn)(void *ctx, const struct ticket_sig *sig),
                           void *ctx, struct reject *rej);

#endif
