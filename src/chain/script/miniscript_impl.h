/* Inside of miniscript: what its files share. */
#ifndef OCHRE_CHAIN_SCRIPT_MINISCRIPT_IMPL_H
#define OCHRE_CHAIN_SCRIPT_MINISCRIPT_IMPL_H

#include "chain/script/miniscript.h"

/* What the script of a node is made of: opcodes, and these in places where Bitcoin has
 * no opcodes that miniscript uses. */
enum {
    PART_X = 0xe0, /* children */
    PART_Y,
    PART_Z,
    PART_NUMBER, /* k */
    PART_KEY,
    PART_KEY_HASH,
    PART_HASH,
    PART_32,  /* the number 32 */
    PART_END, /* of the list */
};

struct ms_fragment {
    const char *name; /* NULL: a wrapper */
    uint8_t n_subs;   /* thresh: any number */
    uint8_t hash_size;
    enum preimage_kind preimage; /* of hashes */
    uint8_t parts[10];           /* thresh and multi are written by hand */
};
extern const struct ms_fragment ms_fragments[N_MS_KINDS];

static inline bool ms_is_wrapper(enum ms_kind k)
{
    return k >= MS_A && k <= MS_N;
}
static inline bool ms_is_hash(enum ms_kind k)
{
    return k >= MS_SHA256 && k <= MS_HASH160;
}

/* Bytes that the node itself puts into the script, without its children. */
uint32_t ms_own_size(const struct miniscript *ms, const struct ms_node *n);
uint32_t ms_own_ops(const struct miniscript *ms, const struct ms_node *n);
size_t ms_key_size(enum ms_context context);
uint32_t ms_max_script_size(enum ms_context context);

/* From the children, whose results are there. */
uint32_t ms_compute_type(const struct miniscript *ms, const struct ms_node *n);
void ms_compute_costs(const struct miniscript *ms, struct ms_node *n);

/* -- A script as tokens, the last one first -- */

struct ms_token {
    uint8_t code; /* ...VERIFY is taken apart into two tokens */
    bool is_push; /* of bytes; numbers from 0 to 16 are opcodes */
    struct bytes data;
};

struct ms_tokens {
    struct ms_token *items; /* owned */
    size_t n, cap;
};

/* False: some push or VERIFY is not in its only right form; what was read stays. */
NODISCARD bool ms_tokenize(struct ms_tokens *t, struct bytes script);

#endif
