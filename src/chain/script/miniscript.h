/* Miniscript (BIP 379): spending policies as expressions that correspond to scripts one
 * to one, whose types say what can go wrong with them. In P2WSH and tapscript. */
#ifndef OCHRE_CHAIN_SCRIPT_MINISCRIPT_H
#define OCHRE_CHAIN_SCRIPT_MINISCRIPT_H

#include "chain/script/sign.h"

enum ms_context {
    MS_WSH,
    MS_TAPSCRIPT,
};

enum ms_kind {
    MS_0,
    MS_1,
    MS_PK_K,
    MS_PK_H,
    MS_OLDER,
    MS_AFTER,
    MS_SHA256,
    MS_HASH256,
    MS_RIPEMD160,
    MS_HASH160,
    MS_A,
    MS_S,
    MS_C,
    MS_D,
    MS_V,
    MS_J,
    MS_N,
    MS_AND_V,
    MS_AND_B,
    MS_OR_B,
    MS_OR_C,
    MS_OR_D,
    MS_OR_I,
    MS_ANDOR,
    MS_THRESH,
    MS_MULTI,
    MS_MULTI_A,
    N_MS_KINDS,
};

/* Type properties, named as in the BIP. No property at all: the expression is not
 * valid. */
enum {
    MS_TYPE_B = 1 << 0,
    MS_TYPE_V = 1 << 1,
    MS_TYPE_K = 1 << 2,
    MS_TYPE_W = 1 << 3,
    MS_TYPE_z = 1 << 4,  /* takes nothing from the stack */
    MS_TYPE_o = 1 << 5,  /* takes one element */
    MS_TYPE_n = 1 << 6,  /* the top element it takes is not zero */
    MS_TYPE_d = 1 << 7,  /* can be dissatisfied */
    MS_TYPE_f = 1 << 8,  /* dissatisfying needs a signature */
    MS_TYPE_e = 1 << 9,  /* one dissatisfaction that nobody can change */
    MS_TYPE_u = 1 << 10, /* puts exactly 1 on the stack */
    MS_TYPE_m = 1 << 11, /* a satisfaction that nobody can change */
    MS_TYPE_s = 1 << 12, /* satisfying needs a signature */
    MS_TYPE_x = 1 << 13, /* its last opcode has no VERIFY form */
    MS_TYPE_g = 1 << 14, /* relative lock by time */
    MS_TYPE_h = 1 << 15, /* relative lock by height */
    MS_TYPE_i = 1 << 16, /* absolute lock by time */
    MS_TYPE_j = 1 << 17, /* absolute lock by height */
    MS_TYPE_k = 1 << 18, /* no way needs locks of two kinds at once */
};

/* The worst of all ways to satisfy (or dissatisfy) an expression. */
struct ms_cost {
    bool possible;
    uint32_t ops;          /* what CHECKMULTISIG adds to the opcodes of the script */
    uint32_t witness_size; /* bytes, each element with its length */
    int64_t taken;         /* how much the stack shrinks */
    int64_t peak;          /* how far it rises above its end */
};

struct ms_node {
    enum ms_kind kind;
    uint32_t k;                 /* lock or threshold */
    uint32_t first_sub, n_subs; /* in miniscript.subs */
    uint32_t first_key, n_keys; /* numbers of its keys */
    uint8_t hash[32];
    uint32_t type;
    uint32_t script_size;
    uint32_t ops; /* opcodes that count against the limit of P2WSH */
    struct ms_cost sat, dissat;
    bool has_duplicate_keys;
};

/* Nodes stand behind their children; the last one is the root. Keys are numbers, of
 * which the owner of the expression knows the meaning. */
struct miniscript {
    enum ms_context context;
    struct ms_node *nodes; /* owned */
    size_t n_nodes, cap_nodes;
    uint32_t *subs; /* owned: indexes of nodes */
    size_t n_subs, cap_subs;
    uint32_t n_keys;
    uint32_t bytes; /* of the scripts of all nodes so far */
};

void miniscript_init(struct miniscript *ms, enum ms_context context);
void miniscript_clear(struct miniscript *ms);
static inline const struct ms_node *miniscript_root(const struct miniscript *ms)
{
    return &ms->nodes[ms->n_nodes - 1];
}
static inline const struct ms_node *ms_sub(const struct miniscript *ms,
                                           const struct ms_node *n, uint32_t i)
{
    return &ms->nodes[ms->subs[n->first_sub + i]];
}

/* -- Building, children first -- */

/* @from: kind and arguments; @subs: indexes of its children. Sets the new node's index.
 * False: the script would be larger than what the context allows. */
NODISCARD bool ms_add(struct miniscript *ms, const struct ms_node *from,
                      const uint32_t *subs, size_t n_subs, uint32_t *index);
NODISCARD bool ms_add_kind(struct miniscript *ms, enum ms_kind kind,
                           const uint32_t *subs, size_t n_subs, uint32_t *index);
bool ms_arguments_are_valid(enum ms_context context, const struct ms_node *n);

/* -- Text -- */

/* Reads one key; keys come in the order of their numbers. False ends the parsing. */
typedef bool ms_read_key(void *ctx, const char *text, size_t len);
typedef bool ms_print_key(void *ctx, struct buf *out, uint32_t key);
/* False: not miniscript (types are not looked at). */
NODISCARD bool miniscript_parse(struct miniscript *ms, const char *text, size_t len,
                                ms_read_key *read_key, void *ctx);
/* The canonical text of a node and what is below; false when a key cannot be printed.
 */
bool miniscript_print(struct buf *out, const struct miniscript *ms,
                      const struct ms_node *n, ms_print_key *print_key, void *ctx);

/* -- Script -- */

struct ms_key {
    uint8_t data[33]; /* compressed or x-only */
    uint8_t len;      /* 0: only the hash is known */
    uint8_t hash[20];
};
void ms_key_set(struct ms_key *k, enum ms_context context, const uint8_t pubkey[33]);
/* @keys by their numbers. */
void miniscript_to_script(struct buf *out, const struct miniscript *ms,
                          const struct ms_key *keys);
/* Reads a script; *keys (caller frees) are those in it. False: not the script of a
 * miniscript that may stand at the top. */
NODISCARD bool miniscript_decode(struct miniscript *ms, struct bytes script,
                                 struct ms_key **keys);

/* -- What is wrong with it -- */

/* Marks nodes that use a key twice. same(ctx, a, b): whether two numbers mean one key;
 * compare() < 0, 0, > 0. */
void miniscript_find_duplicates(struct miniscript *ms,
                                int (*compare)(void *ctx, uint32_t a, uint32_t b),
                                void *ctx);
bool ms_is_valid(const struct miniscript *ms, const struct ms_node *n);
/* All that may be asked of any part: resource limits, malleability, locks, keys. */
bool ms_is_sane_part(const struct miniscript *ms, const struct ms_node *n);
bool miniscript_is_sane(const struct miniscript *ms);
bool miniscript_is_satisfiable(const struct miniscript *ms);
/* The innermost insane part that comes first; NULL: none. */
const struct ms_node *miniscript_insane_part(const struct miniscript *ms);
/* " is not sane: malleable witnesses exist" and so on, as bitcoind says it of the part
 * that is at fault (*part). NULL: sane and satisfiable. */
const char *miniscript_fault(const struct miniscript *ms, const struct ms_node **part);

/* -- Satisfaction -- */

/* What a witness can be made of. Each function returns false for what is not there. */
struct ms_source {
    void *ctx;
    bool (*sign)(void *ctx, uint32_t key, struct bytes *sig);
    bool (*preimage)(void *ctx, enum preimage_kind kind, const uint8_t *hash,
                     struct bytes *out);
    bool (*older)(void *ctx, uint32_t k);
    bool (*after)(void *ctx, uint32_t k);
    const struct ms_key *keys;
};

/* The smallest witness, bottom first, that nobody else can change into another one (or,
 * with @any, the best there is). *items (caller frees) borrow from the source. False:
 * none. */
NODISCARD bool miniscript_satisfy(const struct miniscript *ms,
                                  const struct ms_source *source, bool any,
                                  struct bytes **items, size_t *n);

#endif
