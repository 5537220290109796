#include "tickets/signatures.h"

#include <stdio.h>

#include "chain/script/address.h"
#include "chain/script/signed_message.h"
#include "crypto/ed25519.h"
#include "crypto/ed448.h"
#include "crypto/secp.h"
#include "tickets/committee.h"
#include "tickets/fields.h"
#include "tickets/lists.h"
#include "util/hex.h"

/* --- verification --- */

/* A Bitcoin signed message of the hash as 64 hex digits, which hardware wallets can
 * make. Of the header only the number of the key counts, and for P2PKH whether it is
 * compressed. */
static bool verify_message(const struct ticket_sig *s, const struct destination *d)
{
    char text[65];
    uint8_t hash[32], pubkey[65], sig[65];
    size_t len;
    struct destination signer;
    if (s->sig_len != 65 || !secp_compact_has_low_s(s->sig + 1))
        return false;
    hex_encode(text, s->message.b, 32);
    signed_message_hash(hash, text, 64);
    memcpy(sig, s->sig, sizeof(sig));
    if (d->type == DEST_WPKH)
        sig[0] = (uint8_t)(31 + ((sig[0] - 27u) & 3)); /* only compressed keys */
    if (!secp_ecdsa_recover(pubkey, &len, sig, hash))
        return false;
    destination_of_key(&signer, d->type, bytes_of(pubkey, len));
    return destination_equal(&signer, d);
}

static bool verify_by_script(const struct ticket_sig *s)
{
    struct bytes script = bytes_of(s->key, s->key_len);
    struct destination d;
    if (!destination_from_script(&d, script))
        return false;
    if (d.type == DEST_PKH || d.type == DEST_WPKH)
        return verify_message(s, &d);
    return d.type == DEST_TR && s->sig_len == 64 &&
           secp_schnorr_verify(script.data + 2, s->sig, s->message.b, 32);
}

bool ticket_sig_verify(const struct ticket_sig *s)
{
    switch (s->scheme) {
    case SIG_ED448:
        return s->key_len == ED448_KEY_SIZE && s->sig_len == ED448_SIG_SIZE &&
               ed448_verify(s->key, s->sig, s->message.b, 32);
    case SIG_ED25519:
        return s->key_len == ED25519_KEY_SIZE && s->sig_len == ED25519_SIG_SIZE &&
               ed25519_verify(s->key, s->sig, s->message.b, 32);
    case SIG_BIP340:
        return s->key_len == 32 && s->sig_len == 64 &&
               secp_schnorr_verify(s->key, s->sig, s->message.b, 32);
    case SIG_SCRIPT:
        return verify_by_script(s);
    }
    return false;
}

/* --- the signatures of a ticket --- */

struct walk {
    const struct ticket *t;
    const struct ticket_env *env;
    bool (*fn)(void *ctx, const struct ticket_sig *sig);
    void *ctx;
    struct reject *rej;
};

static bool emit(const struct walk *w, enum sig_scheme scheme,
                 const struct hash256 *message, struct bytes key, struct bytes sig)
{
    struct ticket_sig s = {.scheme = scheme, .message = *message};
    ASSERT(key.len <= sizeof(s.key) && sig.len <= sizeof(s.sig));
    s.key_len = (uint8_t)key.len;
    s.sig_len = (uint8_t)sig.len;
    memcpy(s.key, key.data, key.len);
    if (sig.len > 0)
        memcpy(s.sig, sig.data, sig.len);
    return w->fn(w->ctx, &s);
}

static struct hash256 message_of(const struct walk *w, size_t field)
{
    return ticket_sign_hash(w->env->params, w->t, field, &w->env->tx->in[0].prevout);
}

static struct bytes key_of(const struct walk *w, size_t field, size_t item,
                           uint8_t mem[57])
{
    size_t signer = w->t->kind->fields[field].signer;
    if (signer != SIGNER_BY_KIND)
        return w->t->v[signer].raw;
    return w->t->kind->signer(w->t, w->env, field, item, mem);
}

static bool walk_quorum(const struct walk *w, size_t field)
{
    struct quorum_entry e[QUORUM_MAX];
    size_t n = quorum_entries(e, w->t->v[field].raw);
    struct hash256 message = message_of(w, field);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *key = w->env->committee->members[e[i].rank].operator_key;
        if (!emit(w, SIG_BIP340, &message, bytes_of(key, 32), bytes_of(e[i].sig, 64)))
            return false;
    }
    return true;
}

static bool walk_sync_list(const struct walk *w, size_t field)
{
    struct sync_item items[SYNC_LIST_MAX];
    uint8_t mem[57];
    size_t n = sync_items(items, w->t->v[field].raw);
    for (size_t i = 0; i < n; i++) {
        struct hash256 message = sync_item_hash(w->env->params, &items[i]);
        if (!emit(w, SIG_ED25519, &message, key_of(w, field, i, mem),
                  bytes_of(items[i].sig, 64)))
            return false;
    }
    return true;
}

static bool walk_trio(const struct walk *w, size_t field)
{
    struct hash256 message = message_of(w, field);
    const uint8_t *sigs = w->t->v[field].raw.data;
    uint8_t mem[57];
    for (size_t i = 0; i < TRIO; i++)
        if (!emit(w, SIG_ED448, &message, key_of(w, field, i, mem),
                  bytes_of(sigs + i * ED448_SIG_SIZE, ED448_SIG_SIZE)))
            return false;
    return true;
}

/* Whether there must be one depends on the state, so it is not the sender's fault. */
static bool must_be_empty(const struct walk *w, const struct ticket_field *f)
{
    char detail[96];
    snprintf(detail, sizeof(detail), "%s must be empty", f->name);
    return reject_by_state(w->rej, REJECT_TICKET_MALFORMED, detail);
}

static bool walk_single(const struct walk *w, size_t field)
{
    const struct ticket_field *f = &w->t->kind->fields[field];
    uint8_t mem[57];
    struct bytes key = key_of(w, field, 0, mem), sig = w->t->v[field].raw;
    if (key.len == 0)
        return sig.len == 0 || must_be_empty(w, f);
    struct hash256 message = message_of(w, field);
    return emit(w, field_scheme(f), &message, key, sig);
}

static bool walk_field(const struct walk *w, size_t field)
{
    enum field_type type = w->t->kind->fields[field].type;
    return type == FIELD_QUORUM           ? walk_quorum(w, field)
           : type == FIELD_SYNC_LIST      ? walk_sync_list(w, field)
           : type == FIELD_SUPERNODE_SIGS ? walk_trio(w, field)
                                          : walk_single(w, field);
}

bool ticket_each_signature(const struct ticket *t, const struct ticket_env *env,
                           bool (*fn)(void *ctx, const struct ticket_sig *sig),
                           void *ctx, struct reject *rej)
{
    struct walk w = {t, env, fn, ctx, rej};
    for (size_t i = 0; i < t->kind->n_fields; i++)
        if (t->kind->fields[i].role != NULL && !walk_field(&w, i))
            return false;
    return true;
}
