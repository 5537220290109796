#include <stdlib.h>

#include "chain/script/descriptor_impl.h"
#include "chain/script/sig_encoding.h"
#include "chain/script/sighash.h"
#include "crypto/secp.h"
#include "util/hex.h"

struct inference {
    const struct chain_params *params;
    const struct keystore *known;
    struct buf *out;
};

/* Each returns false, having written nothing, when the script has no such description.
 */
static bool infer(const struct inference *f, struct bytes script,
                  enum descriptor_place place);

static void put_origin(const struct inference *f, const struct key_entry *e)
{
    if (e == NULL || !e->has_origin)
        return;
    buf_append_byte(f->out, '[');
    hex_append(f->out, e->origin.fingerprint, 4);
    for (uint32_t i = 0; i < e->origin.n_path; i++)
        buf_printf(f->out, "/%u%s", e->origin.path[i] & ~BIP32_HARDENED,
                   e->origin.path[i] & BIP32_HARDENED ? "h" : "");
    buf_append_byte(f->out, ']');
}

static const struct key_entry *find_pubkey(const struct inference *f, struct bytes key)
{
    struct destination id;
    if (f->known == NULL)
        return NULL;
    destination_of_key(&id, DEST_PKH, key);
    return keystore_find_key(f->known, id.data);
}

static bool may_describe_key(struct bytes key, enum descriptor_place place)
{
    return pubkey_is_compressed(key) || (pubkey_is_compressed_or_uncompressed(key) &&
                                         (place == AT_TOP || place == IN_SH));
}

static void put_key(const struct inference *f, struct bytes key)
{
    put_origin(f, find_pubkey(f, key));
    hex_append(f->out, key.data, key.len);
}

static void put_xonly(const struct inference *f, const uint8_t xonly[32])
{
    put_origin(f, keystore_find_xonly(f->known, xonly));
    hex_append(f->out, xonly, 32);
}

static bool infer_pk(const struct inference *f, struct bytes key,
                     enum descriptor_place place)
{
    if (!may_describe_key(key, place))
        return false;
    buf_append_str(f->out, "pk(");
    put_key(f, key);
    buf_append_byte(f->out, ')');
    return true;
}

static bool infer_key_hash(const struct inference *f, struct bytes hash,
                           const char *name, enum descriptor_place place)
{
    const struct key_entry *e = keystore_find_key(f->known, hash.data);
    if (e == NULL || !may_describe_key(bytes_of(e->pubkey, e->pubkey_len), place))
        return false;
    buf_printf(f->out, "%s(", name);
    put_key(f, bytes_of(e->pubkey, e->pubkey_len));
    buf_append_byte(f->out, ')');
    return true;
}

static bool infer_multi(const struct inference *f, const struct script_solution *s,
                        enum descriptor_place place)
{
    for (unsigned i = 0; i < s->n_keys; i++) {
        if (!may_describe_key(s->keys[i], place))
            return false;
    }
    buf_printf(f->out, "multi(%u", s->required);
    for (unsigned i = 0; i < s->n_keys; i++) {
        buf_append_byte(f->out, ',');
        put_key(f, s->keys[i]);
    }
    buf_append_byte(f->out, ')');
    return true;
}

static bool infer_wrapped(const struct inference *f, struct bytes inner,
                          const char *name, enum descriptor_place inside)
{
    size_t start = f->out->len;
    buf_printf(f->out, "%s(", name);
    if (!infer(f, inner, inside)) {
        f->out->len = start;
        return false;
    }
    buf_append_byte(f->out, ')');
    return true;
}

/* -- Miniscript -- */

struct ms_inference {
    const struct inference *f;
    enum ms_context context;
    struct ms_key *keys; /* owned */
};

static int compare_ms_keys(void *ctx, uint32_t a, uint32_t b)
{
    const struct ms_inference *m = ctx;
    return memcmp(m->keys[a].data, m->keys[b].data, sizeof(m->keys[a].data));
}

/* Keys of which the script holds only the hash must be known. */
static bool find_hashed_keys(struct ms_inference *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ms_key *k = &m->keys[i];
        if (k->len > 0)
            continue;
        const struct key_entry *e = m->context == MS_TAPSCRIPT
                                        ? keystore_find_xonly_hash(m->f->known, k->hash)
                                        : keystore_find_key(m->f->known, k->hash);
        if (e == NULL || e->pubkey_len != 33)
            return false;
        ms_key_set(k, m->context, e->pubkey);
    }
    return true;
}

static bool print_ms_key(void *ctx, struct buf *out UNUSED, uint32_t key)
{
    const struct ms_inference *m = ctx;
    const struct ms_key *k = &m->keys[key];
    if (m->context == MS_TAPSCRIPT)
        put_xonly(m->f, k->data);
    else
        put_key(m->f, bytes_of(k->data, k->len));
    return true;
}

static bool infer_miniscript(const struct inference *f, struct bytes script,
                             enum ms_context context)
{
    struct ms_inference m = {f, context, NULL};
    struct miniscript ms;
    miniscript_init(&ms, context);
    bool ok =
        miniscript_decode(&ms, script, &m.keys) && find_hashed_keys(&m, ms.n_keys);
    if (ok) {
        miniscript_find_duplicates(&ms, compare_ms_keys, &m);
        ok = miniscript_is_sane(&ms) &&
             miniscript_print(f->out, &ms, miniscript_root(&ms), print_ms_key, &m);
    }
    free(m.keys);
    miniscript_clear(&ms);
    return ok;
}

/* -- Taproot -- */

static bool infer_tap_keys(const struct inference *f, struct bytes script)
{
    struct tap_keys t;
    if (!script_solve_tap_keys(&t, script))
        return false;
    for (size_t i = 0; i < t.n_keys; i++) {
        if (!secp_xonly_valid(t.keys[i]))
            return false;
    }
    if (t.multi)
        buf_printf(f->out, "multi_a(%d", (int)t.required);
    else
        buf_append_str(f->out, "pk(");
    for (size_t i = 0; i < t.n_keys; i++) {
        if (t.multi)
            buf_append_byte(f->out, ',');
        put_xonly(f, t.keys[i]);
    }
    buf_append_byte(f->out, ')');
    return true;
}

static bool infer_leaves(const struct inference *f, const struct tap_entry *t)
{
    struct tree_braces braces = {.depth = 0};
    for (size_t i = 0; i < t->n_leaves; i++) {
        const struct tap_leaf *leaf = &t->leaves[i];
        buf_append_byte(f->out, ',');
        tree_braces_open(&braces, f->out, (leaf->control.len - 33) / 32);
        if (!infer(f, buf_view(&leaf->script), IN_TR))
            return false;
        tree_braces_close(&braces, f->out);
    }
    return true;
}

static bool infer_tr(const struct inference *f, const uint8_t output[32])
{
    size_t start = f->out->len;
    const struct tap_entry *t = keystore_find_taproot(f->known, output);
    if (t != NULL) {
        buf_append_str(f->out, "tr(");
        put_xonly(f, t->internal);
        if (infer_leaves(f, t)) {
            buf_append_byte(f->out, ')');
            return true;
        }
        f->out->len = start;
    }
    if (!secp_xonly_valid(output))
        return false;
    buf_append_str(f->out, "rawtr(");
    put_xonly(f, output);
    buf_append_byte(f->out, ')');
    return true;
}

/* -- Any script -- */

static bool infer_solved(const struct inference *f, const struct script_solution *s,
                         enum descriptor_place place)
{
    struct bytes inner;
    bool top = place == AT_TOP, top_or_sh = top || place == IN_SH;
    switch (s->type) {
    case SCRIPT_PUBKEY:
        return infer_pk(f, s->data, place);
    case SCRIPT_PUBKEYHASH:
        return infer_key_hash(f, s->data, "pkh", place);
    case SCRIPT_WITNESS_V0_KEYHASH:
        return top_or_sh && infer_key_hash(f, s->data, "wpkh", IN_WPKH);
    case SCRIPT_MULTISIG:
        return infer_multi(f, s, place);
    case SCRIPT_SCRIPTHASH:
        return top && keystore_find_script(f->known, s->data.data, &inner) &&
               infer_wrapped(f, inner, "sh", IN_SH);
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
        return top_or_sh &&
               keystore_find_witness_script(f->known, s->data.data, &inner) &&
               infer_wrapped(f, inner, "wsh", IN_WSH);
    case SCRIPT_WITNESS_V1_TAPROOT:
        return top && infer_tr(f, s->data.data);
    case SCRIPT_NONSTANDARD:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_UNKNOWN:
    case SCRIPT_ANCHOR:
        return false;
    }
    return false;
}

static bool infer(const struct inference *f, struct bytes script,
                  enum descriptor_place place)
{
    struct script_solution s;
    struct destination dest;
    char address[ADDRESS_MAX];

    if (place == IN_TR)
        return infer_tap_keys(f, script) || infer_miniscript(f, script, MS_TAPSCRIPT);
    script_solve(&s, script);
    if (infer_solved(f, &s, place))
        return true;
    if (place == IN_WSH)
        return infer_miniscript(f, script, MS_WSH);
    if (place != AT_TOP)
        return false;
    if (destination_from_script(&dest, script)) {
        buf_printf(f->out, "addr(%s)", address_encode(address, f->params, &dest));
        return true;
    }
    buf_append_str(f->out, "raw(");
    hex_append(f->out, script.data, script.len);
    buf_append_byte(f->out, ')');
    return true;
}

void descriptor_infer(struct buf *out, const struct chain_params *p,
                      struct bytes script, const struct keystore *known)
{
    const struct inference f = {p, known, out};
    size_t start = out->len;
    infer(&f, script, AT_TOP);
    descriptor_append_checksum(out, start);
}
