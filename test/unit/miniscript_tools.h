/* Miniscripts by chance, a world in which they are spent, and what must hold of each:
 * for the unit test and the fuzz target. Every mistake stops the program. */
#ifndef OCHRE_TEST_MINISCRIPT_TOOLS_H
#define OCHRE_TEST_MINISCRIPT_TOOLS_H

#include <stdlib.h>

#include "chain/script/interpreter.h"
#include "chain/script/miniscript.h"
#include "chain/script/taproot_sign.h"
#include "crypto/hash.h"
#include "crypto/secp.h"
#include "crypto/sha256.h"
#include "util/mem.h"

#define MT_KEYS      26 /* written A to Z */
#define MT_PREIMAGES 4
#define MT_LOCKTIME  1000u
#define MT_SEQUENCE  100u

/* -- Chance -- */

struct mt_rng {
    uint64_t state;
};

static inline uint32_t mt_random(struct mt_rng *r, uint32_t below)
{
    r->state = r->state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(r->state >> 33) % below;
}

/* -- Keys and hashes -- */

static inline void mt_secret(uint8_t out[32], uint32_t key)
{
    memset(out, 0, 32);
    out[31] = (uint8_t)(key + 1);
}

static inline void mt_pubkey(uint8_t out[33], uint32_t key)
{
    uint8_t secret[32];
    size_t len;
    mt_secret(secret, key);
    secp_pubkey_create(out, &len, secret, true);
}

static inline void mt_preimage(uint8_t out[32], uint32_t i)
{
    memset(out, (int)(0x10 + i), 32);
}

static inline void mt_hash(uint8_t out[32], enum preimage_kind kind, uint32_t i)
{
    uint8_t preimage[32];
    mt_preimage(preimage, i);
    switch (kind) {
    case PREIMAGE_RIPEMD160:
        ripemd160(out, preimage, 32);
        break;
    case PREIMAGE_SHA256:
        sha256(out, preimage, 32);
        break;
    case PREIMAGE_HASH160:
        hash160(out, preimage, 32);
        break;
    case PREIMAGE_HASH256:
        sha256d(out, preimage, 32);
        break;
    }
}

/* -- Text with keys of one letter -- */

struct mt_names {
    uint32_t keys[1024]; /* by their numbers */
    uint32_t n;
};

static inline bool mt_read_key(void *ctx, const char *text, size_t len)
{
    struct mt_names *names = ctx;
    if (len != 1 || text[0] < 'A' || text[0] >= 'A' + MT_KEYS ||
        names->n == ARRAY_LEN(names->keys))
        return false;
    names->keys[names->n++] = (uint32_t)(text[0] - 'A');
    return true;
}

static inline bool mt_print_key(void *ctx, struct buf *out, uint32_t key)
{
    const struct mt_names *names = ctx;
    buf_append_byte(out, (uint8_t)('A' + names->keys[key]));
    return true;
}

static inline int mt_compare_keys(void *ctx, uint32_t a, uint32_t b)
{
    const struct mt_names *names = ctx;
    return (int)names->keys[a] - (int)names->keys[b];
}

static inline struct ms_key *mt_keys_of(const struct mt_names *names,
                                        enum ms_context context)
{
    struct ms_key *keys = xcalloc(names->n + 1, sizeof(*keys));
    for (uint32_t i = 0; i < names->n; i++) {
        uint8_t pubkey[33];
        mt_pubkey(pubkey, names->keys[i]);
        ms_key_set(&keys[i], context, pubkey);
    }
    return keys;
}

/* -- Random expressions -- */

struct mt_gen {
    struct mt_rng *rng;
    struct miniscript *ms;
    struct mt_names *names;
    bool repeat_keys;
};

static inline bool mt_add(struct mt_gen *g, enum ms_kind kind, const uint32_t *subs,
                          size_t n, uint32_t *out)
{
    return ms_add_kind(g->ms, kind, subs, n, out) && g->ms->nodes[*out].type != 0;
}

static inline uint32_t mt_new_key(struct mt_gen *g)
{
    uint32_t n = g->names->n;
    if (n == ARRAY_LEN(g->names->keys))
        n--;
    g->names->keys[n] = g->repeat_keys || n >= MT_KEYS ? mt_random(g->rng, MT_KEYS) : n;
    g->names->n = n + 1;
    g->ms->n_keys = n + 1;
    return n;
}

static inline bool mt_leaf(struct mt_gen *g, enum ms_kind kind, uint32_t *out)
{
    static const uint32_t locks[] = {1,    MT_SEQUENCE, MT_SEQUENCE + 1, MT_LOCKTIME,
                                     1001, 600000000,   (1u << 22) + 5};
    struct ms_node n = {.kind = kind};
    if (kind == MS_OLDER || kind == MS_AFTER) {
        n.k = locks[mt_random(g->rng, ARRAY_LEN(locks))];
    } else if (kind >= MS_SHA256 && kind <= MS_HASH160) {
        static const enum preimage_kind kinds[] = {
            PREIMAGE_SHA256, PREIMAGE_HASH256, PREIMAGE_RIPEMD160, PREIMAGE_HASH160};
        mt_hash(n.hash, kinds[kind - MS_SHA256], mt_random(g->rng, MT_PREIMAGES));
    } else if (kind != MS_0 && kind != MS_1) {
        n.n_keys = kind == MS_PK_K || kind == MS_PK_H ? 1 : 1 + mt_random(g->rng, 4);
        n.k = 1 + mt_random(g->rng, n.n_keys);
        n.first_key = mt_new_key(g);
        for (uint32_t i = 1; i < n.n_keys; i++)
            mt_new_key(g);
    }
    return ms_add(g->ms, &n, NULL, 0, out);
}

static inline bool mt_expr(struct mt_gen *g, char type, int depth, uint32_t *out);

/* Children of the types in @types, then the fragment. */
static inline bool mt_combine(struct mt_gen *g, enum ms_kind kind, const char *types,
                              int depth, uint32_t *out)
{
    uint32_t subs[3];
    size_t n = 0;
    for (; types[n] != '\0'; n++) {
        if (!mt_expr(g, types[n], depth - 1, &subs[n]))
            return false;
    }
    return mt_add(g, kind, subs, n, out);
}

static inline bool mt_thresh(struct mt_gen *g, int depth, uint32_t *out)
{
    struct ms_node n = {.kind = MS_THRESH};
    uint32_t subs[4], n_subs = 1 + mt_random(g->rng, 4);
    n.k = 1 + mt_random(g->rng, n_subs);
    for (uint32_t i = 0; i < n_subs; i++) {
        if (!mt_expr(g, i == 0 ? 'B' : 'W', depth - 1, &subs[i]))
            return false;
    }
    return ms_add(g->ms, &n, subs, n_subs, out) && g->ms->nodes[*out].type != 0;
}

static inline bool mt_expr(struct mt_gen *g, char type, int depth, uint32_t *out)
{
    static const struct {
        char type;
        uint8_t kind;
        const char *subs; /* NULL: a leaf */
    } rules[] = {
        {'B', MS_0, NULL},         {'B', MS_1, NULL},       {'B', MS_OLDER, NULL},
        {'B', MS_AFTER, NULL},     {'B', MS_SHA256, NULL},  {'B', MS_HASH256, NULL},
        {'B', MS_RIPEMD160, NULL}, {'B', MS_HASH160, NULL}, {'B', MS_MULTI, NULL},
        {'B', MS_C, "K"},          {'B', MS_C, "K"},        {'B', MS_C, "K"},
        {'B', MS_C, "K"},          {'B', MS_C, "K"},        {'B', MS_D, "V"},
        {'B', MS_J, "B"},          {'B', MS_N, "B"},        {'B', MS_AND_V, "VB"},
        {'B', MS_AND_V, "VB"},     {'B', MS_AND_B, "BW"},   {'B', MS_OR_B, "BW"},
        {'B', MS_OR_D, "BB"},      {'B', MS_OR_I, "BB"},    {'B', MS_ANDOR, "BBB"},
        {'B', MS_THRESH, ""},      {'V', MS_V, "B"},        {'V', MS_V, "B"},
        {'V', MS_AND_V, "VV"},     {'V', MS_OR_C, "BV"},    {'V', MS_OR_I, "VV"},
        {'V', MS_ANDOR, "BVV"},    {'K', MS_PK_K, NULL},    {'K', MS_PK_H, NULL},
        {'K', MS_PK_K, NULL},      {'K', MS_AND_V, "VK"},   {'K', MS_OR_I, "KK"},
        {'K', MS_ANDOR, "BKK"},    {'W', MS_A, "B"},        {'W', MS_S, "B"},
    };
    for (int tries = 0; tries < 200; tries++) {
        uint32_t i = mt_random(g->rng, ARRAY_LEN(rules));
        if (rules[i].type != type)
            continue;
        enum ms_kind kind = (enum ms_kind)rules[i].kind;
        if (kind == MS_MULTI && g->ms->context == MS_TAPSCRIPT)
            kind = MS_MULTI_A;
        if (rules[i].subs == NULL)
            return mt_leaf(g, kind, out);
        if (depth <= 0 && kind != MS_C && kind != MS_V && kind != MS_A && kind != MS_S)
            continue;
        if (kind == MS_THRESH)
            return mt_thresh(g, depth, out);
        return mt_combine(g, kind, rules[i].subs, depth, out);
    }
    return false;
}

/* An expression of type B; false: this time none came about. */
static inline bool mt_generate(struct miniscript *ms, struct mt_names *names,
                               enum ms_context context, struct mt_rng *rng,
                               bool repeat_keys)
{
    struct mt_gen g = {rng, ms, names, repeat_keys};
    uint32_t root;
    miniscript_init(ms, context);
    names->n = 0;
    if (mt_expr(&g, 'B', 1 + (int)mt_random(rng, 4), &root) &&
        (ms->nodes[root].type & MS_TYPE_B)) {
        miniscript_find_duplicates(ms, mt_compare_keys, names);
        return true;
    }
    miniscript_clear(ms);
    return false;
}

/* -- Text and script -- */

static inline void mt_check_text(const struct miniscript *ms, struct mt_names *names)
{
    struct buf text = {0}, again = {0};
    struct mt_names read = {.n = 0};
    struct miniscript parsed;
    miniscript_init(&parsed, ms->context);
    ASSERT(miniscript_print(&text, ms, miniscript_root(ms), mt_print_key, names));
    ASSERT(miniscript_parse(&parsed, (const char *)text.data, text.len, mt_read_key,
                            &read));
    ASSERT(miniscript_print(&again, &parsed, miniscript_root(&parsed), mt_print_key,
                            &read));
    ASSERT(bytes_equal(buf_view(&text), buf_view(&again)));
    ASSERT(parsed.n_nodes == ms->n_nodes);
    ASSERT(miniscript_root(&parsed)->type == miniscript_root(ms)->type);
    miniscript_clear(&parsed);
    buf_clear(&text);
    buf_clear(&again);
}

static inline void mt_check_script(const struct miniscript *ms, struct bytes script)
{
    struct miniscript decoded;
    struct ms_key *keys;
    struct buf again = {0};
    ASSERT(script.len == miniscript_root(ms)->script_size);
    miniscript_init(&decoded, ms->context);
    ASSERT(miniscript_decode(&decoded, script, &keys));
    miniscript_to_script(&again, &decoded, keys);
    ASSERT(bytes_equal(buf_view(&again), script));
    ASSERT(miniscript_root(&decoded)->type == miniscript_root(ms)->type);
    free(keys);
    buf_clear(&again);
    miniscript_clear(&decoded);
}

/* -- A world -- */

/* One input that spends the script, as P2WSH or as the only leaf of a taproot output.
 */
struct mt_world {
    enum ms_context context;
    struct bytes script;
    const struct mt_names *names;
    const struct ms_key *ms_keys;
    uint32_t keys;      /* bits: who signs */
    uint32_t preimages; /* bits: what is known */
    bool has_older, has_after;
    bool sign_nothing_new; /* only signatures made before */
    struct tx *tx;
    struct txout spent;
    struct buf script_pubkey, control;
    struct hash256 leaf;
    struct sighash_data data;
    struct sig_checker checker;
    uint8_t sigs[MT_KEYS][80]; /* made so far, with their lengths in sig_len */
    size_t sig_len[MT_KEYS];
    uint8_t values[MT_PREIMAGES][32];
};

static inline void mt_make_output(struct mt_world *w)
{
    static const uint8_t internal[32] = {
        0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b,
        0x60, 0x35, 0xe9, 0x7a, 0x5e, 0x07, 0x8a, 0x5a, 0x0f, 0x28, 0xec,
        0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0};
    uint8_t program[32];
    int parity;
    if (w->context == MS_WSH) {
        sha256(program, w->script.data, w->script.len);
        script_put_witness_program(&w->script_pubkey, 0, bytes_of(program, 32));
        return;
    }
    w->leaf = tapleaf_hash(0xc0, w->script);
    struct hash256 tweak = taptweak_hash(internal, &w->leaf);
    ASSERT(secp_xonly_tweak_add(program, &parity, internal, tweak.b));
    script_put_witness_program(&w->script_pubkey, 1, bytes_of(program, 32));
    buf_append_byte(&w->control, (uint8_t)(0xc0 | parity));
    buf_append(&w->control, internal, 32);
}

static inline void mt_world_init(struct mt_world *w, enum ms_context context,
                                 struct bytes script, const struct mt_names *names,
                                 const struct ms_key *keys, uint32_t bits)
{
    static const struct outpoint o = {.txid = {{1}}};
    static const uint8_t out[] = {OP_RETURN};
    struct mtx m;
    *w = (struct mt_world){.context = context,
                           .script = script,
                           .names = names,
                           .ms_keys = keys,
                           .keys = bits & ((1u << MT_KEYS) - 1),
                           .preimages = bits >> MT_KEYS & 0xf,
                           .has_older = bits >> 30 & 1,
                           .has_after = bits >> 31};
    mt_make_output(w);
    mtx_init(&m);
    /* A final sequence would switch the lock time off. */
    mtx_add_in(&m, &o, w->has_older ? MT_SEQUENCE : SEQUENCE_FINAL - 1);
    mtx_add_out(&m, amount_of(1000), bytes_of(out, 1));
    m.locktime = w->has_after ? MT_LOCKTIME : 0;
    w->tx = mtx_to_tx(&m);
    mtx_clear(&m);
    w->spent = (struct txout){amount_of(70000), buf_view(&w->script_pubkey)};
    sighash_data_init(&w->data, w->tx, &w->spent, true);
    w->checker = (struct sig_checker){&w->data, 0, w->spent.value, NULL, false};
    for (uint32_t i = 0; i < MT_PREIMAGES; i++)
        mt_preimage(w->values[i], i);
}

static inline void mt_world_clear(struct mt_world *w)
{
    sighash_data_clear(&w->data);
    tx_unref(w->tx);
    buf_clear(&w->script_pubkey);
    buf_clear(&w->control);
}

static inline void mt_make_sig(struct mt_world *w, uint32_t key)
{
    const struct sighash_taproot t = {
        .script_path = true, .leaf_hash = w->leaf, .codeseparator = UINT32_MAX};
    struct hash256 hash;
    uint8_t secret[32];
    mt_secret(secret, key);
    if (w->context == MS_TAPSCRIPT) {
        ASSERT(sighash_v1(&hash, &w->data, 0, SIGHASH_DEFAULT, &t));
        ASSERT(secp_schnorr_sign(w->sigs[key], secret, hash.b, NULL, NULL));
        w->sig_len[key] = 64;
        return;
    }
    hash = sighash_v0(&w->data, 0, w->script, w->spent.value, SIGHASH_ALL);
    secp_ecdsa_sign(w->sigs[key], &w->sig_len[key], secret, hash.b, true);
    w->sigs[key][w->sig_len[key]++] = SIGHASH_ALL;
}

static inline bool mt_sign(void *ctx, uint32_t number, struct bytes *sig)
{
    struct mt_world *w = ctx;
    uint32_t key = w->names->keys[number];
    if (!(w->keys >> key & 1))
        return false;
    if (w->sig_len[key] == 0)
        mt_make_sig(w, key);
    *sig = bytes_of(w->sigs[key], w->sig_len[key]);
    return true;
}

static inline bool mt_find_preimage(void *ctx, enum preimage_kind kind,
                                    const uint8_t *hash, struct bytes *out)
{
    const struct mt_world *w = ctx;
    uint8_t h[32];
    for (uint32_t i = 0; i < MT_PREIMAGES; i++) {
        mt_hash(h, kind, i);
        if (!(w->preimages >> i & 1) || memcmp(h, hash, preimage_hash_size(kind)) != 0)
            continue;
        *out = bytes_of(w->values[i], 32);
        return true;
    }
    return false;
}

static inline bool mt_older(void *ctx, uint32_t k)
{
    const struct mt_world *w = ctx;
    bool by_time = (k & (1u << 22)) != 0; /* BIP 68; 16 bits count */
    return w->has_older && !by_time && (k & 0xffff) <= MT_SEQUENCE;
}

static inline bool mt_after(void *ctx, uint32_t k)
{
    const struct mt_world *w = ctx;
    return w->has_after && k <= MT_LOCKTIME;
}

static inline struct ms_source mt_source(struct mt_world *w)
{
    return (struct ms_source){w,        mt_sign,  mt_find_preimage,
                              mt_older, mt_after, w->ms_keys};
}

static inline bool mt_verify(const struct mt_world *w, const struct bytes *items,
                             size_t n)
{
    struct bytes *all = xcalloc(n + 2, sizeof(*all));
    for (size_t i = 0; i < n; i++)
        all[i] = items[i];
    all[n] = w->script;
    all[n + 1] = buf_view(&w->control);
    uint32_t count = (uint32_t)n + (w->context == MS_WSH ? 1 : 2);
    bool ok = script_verify(bytes_of(NULL, 0), buf_view(&w->script_pubkey), all, count,
                            SCRIPT_VERIFY_STANDARD, &w->checker, NULL);
    free(all);
    return ok;
}

/* -- What the policy says -- */

static inline uint32_t mt_count_keys(struct mt_world *w, const struct ms_node *n)
{
    struct bytes sig;
    uint32_t have = 0;
    for (uint32_t i = 0; i < n->n_keys; i++)
        have += mt_sign(w, n->first_key + i, &sig);
    return have;
}

static inline bool mt_leaf_holds(struct mt_world *w, const struct ms_node *n)
{
    static const enum preimage_kind kinds[] = {PREIMAGE_SHA256, PREIMAGE_HASH256,
                                               PREIMAGE_RIPEMD160, PREIMAGE_HASH160};
    struct bytes preimage;
    if (n->n_keys > 0)
        return mt_count_keys(w, n) >= (n->k > 0 ? n->k : 1);
    if (n->kind == MS_OLDER)
        return mt_older(w, n->k);
    if (n->kind == MS_AFTER)
        return mt_after(w, n->k);
    if (n->kind == MS_0 || n->kind == MS_1)
        return n->kind == MS_1;
    return mt_find_preimage(w, kinds[n->kind - MS_SHA256], n->hash, &preimage);
}

static inline bool mt_node_holds(const struct miniscript *ms, const struct ms_node *n,
                                 const bool *holds)
{
    const uint32_t *subs = ms->subs + n->first_sub;
    uint32_t have = 0;
    for (uint32_t i = 0; i < n->n_subs; i++)
        have += holds[subs[i]];
    if (n->kind == MS_THRESH)
        return have >= n->k;
    if (n->kind == MS_ANDOR)
        return (holds[subs[0]] && holds[subs[1]]) || holds[subs[2]];
    if (n->kind == MS_AND_V || n->kind == MS_AND_B)
        return have == 2;
    return have > 0;
}

static inline bool mt_policy_holds(struct mt_world *w, const struct miniscript *ms)
{
    bool *holds = xcalloc(ms->n_nodes, sizeof(*holds));
    for (size_t i = 0; i < ms->n_nodes; i++) {
        const struct ms_node *n = &ms->nodes[i];
        holds[i] = n->n_subs == 0 ? mt_leaf_holds(w, n) : mt_node_holds(ms, n, holds);
    }
    bool result = holds[ms->n_nodes - 1];
    free(holds);
    return result;
}

/* -- Properties of witnesses -- */

static inline void mt_check_bounds(const struct miniscript *ms,
                                   const struct bytes *items, size_t n)
{
    const struct ms_node *root = miniscript_root(ms);
    uint64_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += 1 + items[i].len;
    ASSERT(root->sat.possible);
    ASSERT(size <= root->sat.witness_size);
    ASSERT((int64_t)n <= root->sat.taken + 1);
}

/* No third party, who has no keys, makes another witness of this one by changing or
 * dropping an element. */
static inline void mt_check_not_malleable(const struct mt_world *w, struct bytes *items,
                                          size_t n)
{
    static const uint8_t one[1] = {1}, two[1] = {2}, zeros[32];
    const struct bytes others[] = {bytes_of(NULL, 0), bytes_of(one, 1),
                                   bytes_of(two, 1), bytes_of(zeros, 32)};
    for (size_t i = 0; i < n; i++) {
        struct bytes kept = items[i];
        for (size_t k = 0; k < ARRAY_LEN(others); k++) {
            items[i] = others[k];
            ASSERT(bytes_equal(items[i], kept) || !mt_verify(w, items, n));
        }
        items[i] = kept;
    }
    for (size_t i = 0; i < n; i++) {
        struct bytes *fewer = xcalloc(n, sizeof(*fewer));
        memcpy(fewer, items, i * sizeof(*fewer));
        memcpy(fewer + i, items + i + 1, (n - 1 - i) * sizeof(*fewer));
        ASSERT(!mt_verify(w, fewer, n - 1));
        free(fewer);
    }
}

/* Checks one spend; true: there is a witness. */
static inline bool mt_check_spend(const struct miniscript *ms, struct mt_world *w)
{
    const struct ms_source source = mt_source(w);
    struct bytes *items;
    size_t n;
    bool safe = miniscript_satisfy(ms, &source, false, &items, &n);
    if (safe) {
        mt_check_bounds(ms, items, n);
        ASSERT(!ms_is_sane_part(ms, miniscript_root(ms)) || mt_verify(w, items, n));
        if (miniscript_is_sane(ms))
            mt_check_not_malleable(w, items, n);
        free(items);
    }
    bool any = miniscript_satisfy(ms, &source, true, &items, &n);
    if (any)
        free(items);
    ASSERT(any || !safe);
    if (!miniscript_is_sane(ms))
        return safe;
    ASSERT(safe == any);
    ASSERT(safe == mt_policy_holds(w, ms));
    return safe;
}

#endif
