/* Inside of descriptors: what the parser builds, the printer prints and expansion
 * walks. */
#ifndef OCHRE_CHAIN_SCRIPT_DESCRIPTOR_IMPL_H
#define OCHRE_CHAIN_SCRIPT_DESCRIPTOR_IMPL_H

#include "chain/script/descriptor.h"
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

/* A key, or a family of keys, as written. */
struct key_expr {
    bool has_origin;
    bool apostrophe; /* hardened steps are printed with ' instead of h */
    bool xonly;
    struct key_origin origin;
    uint8_t pubkey[65];    /* a single key */
    uint8_t pubkey_len;    /* 0: an extended key */
    struct bip32_key root; /* public form */
    struct bip32_key base; /* root after the path; unless a step of it is hardened */
    bool path_hardened;
    uint32_t path[32];
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
};

struct descriptor *descriptor_new(enum descriptor_kind kind);
void descriptor_free(struct descriptor *d); /* NULL is fine */
struct key_expr *descriptor_add_key(struct descriptor *d);
void descriptor_add_sub(struct descriptor *d, struct descriptor *take_sub,
                        uint8_t depth);
/* Without checksum. */
void descriptor_print(struct buf *out, const struct descriptor *d,
                      const struct chain_params *p);
void descriptor_append_checksum(struct buf *out, size_t start);

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
void key_expr_print(struct buf *out, const struct key_expr *k,
                    const struct chain_params *p);
/* Public key at @pos (33 or 65 bytes); false when a private key is missing. The origin
 * and, where
 * @keys has the root's, the private key go into known (NULL: nowhere). */
bool key_expr_derive(const struct key_expr *k, uint32_t pos,
                     const struct keystore *keys, uint8_t out[65], uint8_t *out_len,
                     struct keystore *known);
size_t key_expr_size(const struct key_expr *k);

#endif
