/* Inside of descriptors: what the parser builds, the printer prints and expansion
 * walks. */
#ifndef OCHRE_CHAIN_SCRIPT_DESCRIPTOR_IMPL_H
#define OCHRE_CHAIN_SCRIPT_DESCRIPTOR_IMPL_H

#include "chain/script/descriptor.h"
#include "chain/script/miniscript.h"
#include "crypto/bip32.h"

/* Where an expression stands decides what it may be. */
enum descriptor_place {
    AT_TOP,
    IN_SH,
    IN_WPKH, /* only keys */
    IN_WSH,
    IN_TR,
};

enum derive_last {
    DERIVE_NO,
    DERIVE_UNHARDENED, /* a final "*" */
    DERIVE_HARDENED,   /* a final "*h" */
};

#define KEY_MAX_STEPS 32

/* A key, or a family of keys, as written. */
struct key_expr {
    uint32_t index; /* in struct descriptor's all */
    bool has_origin;
    bool apostrophe; /* hardened steps are printed with ' instead of h */
    bool xonly;
    struct key_origin origin;
    uint8_t pubkey[65];    /* a single key */
    uint8_t pubkey_len;    /* 0: an extended key */
    struct bip32_key root; /* public form */
    struct bip32_key base; /* root after the path; unless a step of it is hardened */
    bool path_hardened;
    uint32_t path[KEY_MAX_STEPS];
    uint32_t n_path;
    enum derive_last last;
};

enum descriptor_kind {
    DESC_PK,
    DESC_PKH,
    DESC_WPKH,
    DESC_COMBO,
    DESC_MULTI,
    DESC_MULTI_A,
    DESC_SH,
    DESC_WSH,
    DESC_TR,
    DESC_RAWTR,
    DESC_ADDR,
    DESC_RAW,
    DESC_MINISCRIPT,
};

struct descriptor {
    enum descriptor_kind kind;
    bool sorted; /* DESC_MULTI, DESC_MULTI_A */
    bool in_tr;  /* DESC_PK: x-only */
    uint32_t threshold;
    struct key_expr *keys; /* owned */
    size_t n_keys;
    struct descriptor **subs; /* owned; DESC_SH and DESC_WSH: 1, DESC_TR: the leaves */
    uint8_t *depths;          /* owned; of the leaves */
    size_t n_subs;
    struct destination dest; /* DESC_ADDR */
    struct buf script;       /* owned; DESC_RAW */
    struct miniscript *ms;   /* owned; DESC_MINISCRIPT: its keys are numbers of keys */
    /* Of a whole descriptor: the keys of all its parts, in the order of the text. */
    struct key_expr **all; /* owned array of pointers into the parts */
    size_t n_all;
};

struct descriptor *descriptor_new(enum descriptor_kind kind);
void descriptor_free(struct descriptor *d); /* NULL is fine */
struct key_expr *descriptor_add_key(struct descriptor *d);
void descriptor_add_sub(struct descriptor *d, struct descriptor *take_sub,
                        uint8_t depth);
/* Numbers the keys of a whole descriptor. */
void descriptor_finish(struct descriptor *d);
void descriptor_append_checksum(struct buf *out, size_t start);

/* -- Text -- */

enum text_form {
    TEXT_PUBLIC,
    TEXT_PRIVATE,
    TEXT_NORMALIZED,
};

struct desc_printer {
    struct buf *out;
    const struct chain_params *params;
    enum text_form form;
    const struct keystore *keys;          /* may be NULL */
    const struct descriptor_cache *cache; /* may be NULL */
};

/* Without checksum; false when a key that the form needs is missing. */
bool descriptor_print(const struct desc_printer *t, const struct descriptor *d);
bool key_expr_print(const struct desc_printer *t, const struct key_expr *k);

/* The braces that the depths of a tree's leaves imply, written around them from left to
 * right. right[i]: at depth i we are in the right branch. */
struct tree_braces {
    bool right[130];
    size_t depth; /* one more than braces are open */
};
void tree_braces_open(struct tree_braces *b, struct buf *out, size_t leaf_depth);
void tree_braces_close(struct tree_braces *b, struct buf *out);

/* Text that is being read. */
struct span {
    const char *p;
    size_t n;
};

struct desc_parser {
    const struct chain_params *params;
    struct keystore *keys; /* NULL: private keys are dropped */
    unsigned which;        /* the alternative of <a;b> to take */
    char *error;           /* owned; the first one */
};

/* Always false; keeps the first error. */
bool desc_fail(struct desc_parser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Puts "prefix" before the error. Always false. */
bool desc_fail_in(struct desc_parser *p, const char *prefix);
struct span span_until(struct span *s, char c); /* and skips c; the rest stays in s */
bool span_has(struct span s, char c);

/* *paths: how many alternatives the key has (1 without <;>). */
bool key_expr_parse(struct desc_parser *p, struct key_expr *k, struct span text,
                    enum descriptor_place place, size_t *paths);
size_t key_expr_size(const struct key_expr *k);
/* Keys with alternatives must agree in how many; others stand for each of them. */
bool join_paths(size_t *all, size_t more);

struct derived_key {
    uint8_t key[65];
    uint8_t len;
};

/* -- Miniscript -- */

/* NULL: p->error is set, unless the text is no miniscript at all. */
struct descriptor *descriptor_parse_miniscript(struct desc_parser *p, struct span text,
                                               enum descriptor_place place,
                                               size_t *paths);
bool descriptor_print_miniscript(const struct desc_printer *t,
                                 const struct descriptor *d);
void descriptor_put_miniscript(struct buf *out, const struct descriptor *d,
                               const struct derived_key *keys);

/* -- Deriving -- */

struct derivation {
    const struct chain_params *params;
    uint32_t pos;
    const struct keystore *keys;          /* private keys; may be NULL */
    const struct descriptor_cache *cache; /* may be NULL */
    struct keystore *known; /* takes what spending needs; NULL: not asked for */
};

/* Public key (33 or 65 bytes); false when a private key is missing. The origin and,
 * where v->keys has the root's, the private key go into v->known. */
bool key_expr_derive(const struct derivation *v, const struct key_expr *k,
                     uint8_t out[65], uint8_t *out_len);
/* The entry of the root or the single key; NULL: not known. */
const struct key_entry *key_expr_find(const struct key_expr *k,
                                      const struct keystore *keys);
bool key_expr_has_private(const struct key_expr *k, const struct keystore *keys);
/* The root with its private key, into secret memory. */
bool key_expr_private_root(struct bip32_key *out, const struct key_expr *k,
                           const struct keystore *keys);
/* Takes the steps [from, to) of the path. */
bool key_expr_walk(struct bip32_key *key, const struct key_expr *k, uint32_t from,
                   uint32_t to);
/* How many steps there are up to the last hardened one. */
uint32_t key_expr_hardened_steps(const struct key_expr *k);

/* NULL: not in the cache (which may be NULL itself). */
const struct bip32_key *descriptor_cache_base(const struct descriptor_cache *c,
                                              const struct key_expr *k);
const struct bip32_key *descriptor_cache_last_hardened(const struct descriptor_cache *c,
                                                       const struct key_expr *k);
const uint8_t *descriptor_cache_child(const struct descriptor_cache *c,
                                      const struct key_expr *k, uint32_t pos);

#endif
