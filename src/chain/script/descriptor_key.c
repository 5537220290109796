#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/script/descriptor_impl.h"
#include "chain/script/sig_encoding.h"
#include "crypto/hash.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "util/hex.h"
#include "util/mem.h"

bool desc_fail(struct desc_parser *p, const char *fmt, ...)
{
    va_list ap;
    char text[512];
    if (p->error != NULL)
        return false;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    p->error = xstrdup(text);
    return false;
}

bool desc_fail_in(struct desc_parser *p, const char *prefix)
{
    char *inner = p->error;
    p->error = xasprintf("%s%s", prefix, inner != NULL ? inner : "");
    free(inner);
    return false;
}

bool span_has(struct span s, char c)
{
    return s.n > 0 && memchr(s.p, c, s.n) != NULL;
}

struct span span_until(struct span *s, char c)
{
    const char *at = s->n > 0 ? memchr(s->p, c, s->n) : NULL;
    struct span head = {s->p, at != NULL ? (size_t)(at - s->p) : s->n};
    size_t used = head.n + (at != NULL ? 1 : 0);
    s->p += used;
    s->n -= used;
    return head;
}

static bool span_is(struct span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* A copy with a NUL, for messages and decoders: secret, since it may be a private key.
 */
static char *span_text(struct span s)
{
    char *text = secret_alloc(s.n + 1);
    memcpy(text, s.p, s.n);
    return text;
}

/* -- Paths -- */

static bool parse_u32(struct span s, uint32_t *out)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 10)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!isdigit((unsigned char)s.p[i]))
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = (uint32_t)v;
    return v <= UINT32_MAX;
}

static bool parse_step(struct desc_parser *p, struct span s, bool *apostrophe,
                       uint32_t *out)
{
    bool hardened = s.n > 0 && (s.p[s.n - 1] == '\'' || s.p[s.n - 1] == 'h');
    if (hardened)
        *apostrophe = s.p[--s.n] == '\'';
    if (!parse_u32(s, out))
        return desc_fail(p, "Key path value '%.*s' is not a valid uint32", (int)s.n,
                         s.p);
    if (*out >= BIP32_HARDENED)
        return desc_fail(p, "Key path value %u is out of range", *out);
    if (hardened)
        *out |= BIP32_HARDENED;
    return true;
}

/* "<a;b;c>" without the brackets: takes the alternative p->which. */
static bool parse_alternatives(struct desc_parser *p, struct span s, bool *apostrophe,
                               uint32_t *out, size_t *paths)
{
    uint32_t seen[64];
    size_t n = 0;
    if (!span_has(s, ';'))
        return desc_fail(p,
                         "Multipath key path specifiers must have at least two items");
    bool more = true;
    while (more) {
        more = span_has(s, ';');
        if (n == ARRAY_LEN(seen))
            return desc_fail(p,
                             "Multipath key path specifiers can have at most %zu items",
                             ARRAY_LEN(seen));
        if (!parse_step(p, span_until(&s, ';'), apostrophe, &seen[n]))
            return false;
        for (size_t i = 0; i < n; i++) {
            if (seen[i] == seen[n])
                return desc_fail(
                    p, "Duplicated key path value %u in multipath specifier", seen[n]);
        }
        n++;
    }
    *paths = n;
    *out = seen[p->which < n ? p->which : 0];
    return true;
}

/* Steps after the first slash. paths NULL: alternatives are not allowed. */
static bool parse_path(struct desc_parser *p, struct span s, bool *apostrophe,
                       uint32_t path[KEY_MAX_STEPS], uint32_t *n, size_t *paths)
{
    bool seen_alternatives = false;
    *n = 0;
    for (bool more = true; more;) {
        more = span_has(s, '/');
        struct span step = span_until(&s, '/');
        if (*n == KEY_MAX_STEPS)
            return desc_fail(p, "Key path has more than %d steps", KEY_MAX_STEPS);
        uint32_t *out = &path[(*n)++];
        if (step.n < 2 || step.p[0] != '<' || step.p[step.n - 1] != '>') {
            if (!parse_step(p, step, apostrophe, out))
                return false;
            continue;
        }
        if (paths == NULL)
            return desc_fail(
                p,
                "Key path value '%.*s' specifies multipath in a section where "
                "multipath is not allowed",
                (int)step.n, step.p);
        if (seen_alternatives)
            return desc_fail(p, "Multiple multipath key path specifiers found");
        seen_alternatives = true;
        step = (struct span){step.p + 1, step.n - 2};
        if (!parse_alternatives(p, step, apostrophe, out, paths))
            return false;
    }
    return true;
}

/* -- Single keys -- */

static void remember_secret(struct desc_parser *p, struct bytes pubkey,
                            const uint8_t secret[32])
{
    if (p->keys != NULL)
        keystore_add_key(p->keys, pubkey, secret, NULL);
}

static bool set_pubkey(struct desc_parser *p, struct key_expr *k, struct bytes key,
                       enum descriptor_place place)
{
    if (!pubkey_is_compressed(key) && place != AT_TOP && place != IN_SH)
        return desc_fail(p, "Uncompressed keys are not allowed");
    memcpy(k->pubkey, key.data, key.len);
    k->pubkey_len = (uint8_t)key.len;
    return true;
}

static bool parse_hex_key(struct desc_parser *p, struct key_expr *k, const char *text,
                          enum descriptor_place place)
{
    uint8_t raw[66];
    size_t len = strlen(text) / 2;
    if (len > 65 || !hex_decode_fixed(raw + 1, len, text, 2 * len))
        return desc_fail(p, "Pubkey '%s' is invalid", text);
    struct bytes key = bytes_of(raw + 1, len);
    if (pubkey_has_valid_size(key) && !pubkey_is_compressed_or_uncompressed(key))
        return desc_fail(p, "Hybrid public keys are not allowed");
    if (pubkey_has_valid_size(key) && secp_pubkey_valid(key))
        return set_pubkey(p, k, key, place);
    raw[0] = 2;
    if (len == 32 && place == IN_TR && secp_pubkey_valid(bytes_of(raw, 33))) {
        k->xonly = true;
        return set_pubkey(p, k, bytes_of(raw, 33), place);
    }
    return desc_fail(p, "Pubkey '%s' is invalid", text);
}

static bool set_privkey(struct desc_parser *p, struct key_expr *k,
                        const struct privkey *key, enum descriptor_place place)
{
    uint8_t pubkey[65];
    size_t len;
    secp_pubkey_create(pubkey, &len, key->secret, key->compressed);
    if (!set_pubkey(p, k, bytes_of(pubkey, len), place))
        return false;
    k->xonly = place == IN_TR;
    remember_secret(p, bytes_of(pubkey, len), key->secret);
    return true;
}

/* -- Extended keys -- */

/* Splits off a final "*", "*'" or "*h"; path->p is NULL when nothing is left before it.
 */
static enum derive_last take_last(struct span *path, bool *apostrophe)
{
    size_t n = path->n;
    while (n > 0 && path->p[n - 1] != '/')
        n--;
    struct span last = {path->p + n, path->n - n};
    enum derive_last how = span_is(last, "*") ? DERIVE_UNHARDENED
                           : span_is(last, "*'") || span_is(last, "*h")
                               ? DERIVE_HARDENED
                               : DERIVE_NO;
    if (how == DERIVE_HARDENED)
        *apostrophe = last.p[1] == '\'';
    if (how != DERIVE_NO)
        *path = (struct span){n > 0 ? path->p : NULL, n > 0 ? n - 1 : 0};
    return how;
}

static bool derive_base(struct desc_parser *p, struct key_expr *k)
{
    for (uint32_t i = 0; i < k->n_path; i++)
        k->path_hardened = k->path_hardened || (k->path[i] & BIP32_HARDENED);
    k->base = k->root;
    for (uint32_t i = 0; !k->path_hardened && i < k->n_path; i++) {
        if (!bip32_derive(&k->base, &k->base, k->path[i]))
            return desc_fail(p, "Key path is too deep");
    }
    return true;
}

static bool parse_extended(struct desc_parser *p, struct key_expr *k, struct span name,
                           const struct span *path, size_t *paths)
{
    const struct address_prefixes *x = &p->params->prefixes;
    char *text = span_text(name);
    struct bip32_key key;
    bool ok = bip32_parse(&key, text, x->xprv, x->xpub);
    if (!ok)
        desc_fail(p, "key '%s' is not valid", text);
    secret_free(text);
    if (!ok)
        return false;
    if (path != NULL) {
        struct span steps = *path;
        k->last = take_last(&steps, &k->apostrophe);
        ok = steps.p == NULL ||
             parse_path(p, steps, &k->apostrophe, k->path, &k->n_path, paths);
    }
    bip32_neuter(&k->root, &key);
    if (ok && key.is_private)
        remember_secret(p, bytes_of(key.pubkey, 33), key.secret);
    secret_wipe(&key, sizeof(key));
    return ok && derive_base(p, k);
}

static bool parse_alone(struct desc_parser *p, struct key_expr *k, struct span name,
                        enum descriptor_place place, size_t *paths)
{
    struct privkey *key = secret_alloc(sizeof(*key));
    char *text = span_text(name);
    bool ok;
    if (hex_is(text, name.n))
        ok = parse_hex_key(p, k, text, place);
    else if (wif_decode(key, p->params, text))
        ok = set_privkey(p, k, key, place);
    else
        ok = parse_extended(p, k, name, NULL, paths);
    secret_free(text);
    secret_free(key);
    return ok;
}

static bool parse_inner(struct desc_parser *p, struct key_expr *k, struct span text,
                        enum descriptor_place place, size_t *paths)
{
    bool has_path = span_has(text, '/');
    struct span name = span_until(&text, '/');
    if (name.n == 0)
        return desc_fail(p, "No key provided");
    if (!has_path)
        return parse_alone(p, k, name, place, paths);
    return parse_extended(p, k, name, &text, paths);
}

static bool parse_origin(struct desc_parser *p, struct key_expr *k, struct span s)
{
    if (s.n == 0 || s.p[0] != '[')
        return desc_fail(
            p,
            "Key origin start '[ character expected but not found, got '%c' "
            "instead",
            s.n == 0 ? ']' : s.p[0]);
    s = (struct span){s.p + 1, s.n - 1};
    bool has_path = span_has(s, '/');
    struct span print = span_until(&s, '/');
    if (print.n != 8)
        return desc_fail(p,
                         "Fingerprint is not 4 bytes (%zu characters instead of 8 "
                         "characters)",
                         print.n);
    if (!hex_decode_fixed(k->origin.fingerprint, 4, print.p, 8))
        return desc_fail(p, "Fingerprint '%.8s' is not hex", print.p);
    k->has_origin = true;
    return !has_path ||
           parse_path(p, s, &k->apostrophe, k->origin.path, &k->origin.n_path, NULL);
}

bool key_expr_parse(struct desc_parser *p, struct key_expr *k, struct span text,
                    enum descriptor_place place, size_t *paths)
{
    *paths = 1;
    if (!span_has(text, ']'))
        return parse_inner(p, k, text, place, paths);
    struct span origin = span_until(&text, ']');
    if (span_has(text, ']'))
        return desc_fail(p, "Multiple ']' characters found for a single pubkey");
    return parse_origin(p, k, origin) && parse_inner(p, k, text, place, paths);
}
