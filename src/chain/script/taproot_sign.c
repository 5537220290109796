#include "chain/script/taproot_sign.h"

#include <stdlib.h>

#include "chain/script/solver.h"
#include "crypto/secp.h"
#include "util/mem.h"

struct tap_signer {
    const struct keystore *keys;
    const struct sig_checker *checker;
    int hash_type;
};

/* A witness in the making. */
struct stack {
    struct buf *items; /* owned */
    size_t n;
};

static struct buf *stack_push(struct stack *s)
{
    s->items = xrealloc_array(s->items, s->n + 1, sizeof(*s->items));
    s->items[s->n] = (struct buf){0};
    return &s->items[s->n++];
}

static void stack_clear(struct stack *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_clear(&s->items[i]);
    free(s->items);
    *s = (struct stack){0};
}

static size_t stack_size(const struct stack *s)
{
    size_t size = varint_size(s->n);
    for (size_t i = 0; i < s->n; i++)
        size += varint_size(s->items[i].len) + s->items[i].len;
    return size;
}

/* tweak: NULL when the key signs as it is. */
static bool make_sig(const struct tap_signer *s, const uint8_t xonly[32],
                     const uint8_t *tweak, const struct sighash_taproot *t,
                     struct buf *out)
{
    uint8_t sig[64];
    struct hash256 hash;
    const struct key_entry *key = keystore_find_xonly(s->keys, xonly);
    if (key == NULL || !key->has_secret ||
        !sighash_v1(&hash, s->checker->data, s->checker->input, (uint8_t)s->hash_type,
                    t) ||
        !secp_schnorr_sign(sig, keystore_secret(s->keys, key), hash.b, NULL, tweak))
        return false;
    buf_append(out, sig, sizeof(sig));
    if (s->hash_type != SIGHASH_DEFAULT)
        buf_append_byte(out, (uint8_t)s->hash_type);
    return true;
}

static bool sign_key_path(const struct tap_signer *s, const uint8_t output[32],
                          const struct tap_entry *e, struct stack *st)
{
    struct sighash_taproot t = {.codeseparator = UINT32_MAX};
    struct buf *sig = stack_push(st);
    if (e != NULL) {
        struct hash256 tweak =
            taptweak_hash(e->internal, e->has_root ? &e->root : NULL);
        if (make_sig(s, e->internal, tweak.b, &t, sig))
            return true;
    }
    if (make_sig(s, output, NULL, &t, sig))
        return true;
    stack_clear(st);
    return false;
}

/* The script takes the first key's signature from the top, so the last key's goes
 * first. */
static bool sign_leaf(const struct tap_signer *s, const struct tap_leaf *leaf,
                      struct stack *st)
{
    struct tap_keys f;
    struct sighash_taproot t = {.script_path = true, .codeseparator = UINT32_MAX};
    int64_t made = 0;
    if (!script_solve_tap_keys(&f, buf_view(&leaf->script)))
        return false;
    t.leaf_hash = tapleaf_hash(leaf->version, buf_view(&leaf->script));
    for (size_t i = f.n_keys; i-- > 0;) {
        struct buf *sig = stack_push(st);
        if (made < f.required && make_sig(s, f.keys[i], NULL, &t, sig))
            made++;
    }
    struct buf *script = stack_push(st);
    buf_append(script, leaf->script.data, leaf->script.len);
    struct buf *control = stack_push(st);
    buf_append(control, leaf->control.data, leaf->control.len);
    return made == f.required;
}

bool taproot_sign(const struct keystore *keys, const struct sig_checker *checker,
                  const uint8_t output[32], int hash_type, struct buf **items,
                  size_t *n)
{
    const struct tap_signer s = {keys, checker, hash_type};
    const struct tap_entry *e = keystore_find_taproot(keys, output);
    struct stack best = {0};
    bool found = sign_key_path(&s, output, e, &best);
    for (size_t i = 0; !found && e != NULL && i < e->n_leaves; i++) {
        struct stack st = {0};
        bool ok = sign_leaf(&s, &e->leaves[i], &st);
        if (ok && (best.n == 0 || stack_size(&st) < stack_size(&best))) {
            stack_clear(&best);
            best = st;
        } else {
            stack_clear(&st);
        }
    }
    *items = best.items;
    *n = best.n;
    return best.n > 0;
}

void keystore_add_bip86(struct keystore *k)
{
    for (size_t i = 0; i < k->n_keys; i++) {
        uint8_t output[32];
        int parity;
        const struct key_entry *e = &k->keys[i];
        if (!e->has_secret || e->pubkey_len != 33)
            continue;
        struct hash256 tweak = taptweak_hash(e->pubkey + 1, NULL);
        if (!secp_xonly_tweak_add(output, &parity, e->pubkey + 1, tweak.b) ||
            keystore_find_taproot(k, output) != NULL)
            continue;
        struct tap_entry *t = keystore_add_taproot(k);
        memcpy(t->output, output, 32);
        memcpy(t->internal, e->pubkey + 1, 32);
    }
}
