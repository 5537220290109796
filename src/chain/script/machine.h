/* Inside of the interpreter: the stack machine that runs one script. Not for other
 * folders. */
#ifndef OCHRE_CHAIN_SCRIPT_MACHINE_H
#define OCHRE_CHAIN_SCRIPT_MACHINE_H

#include "chain/script/interpreter.h"

/* Results that operations make (hashes, numbers, booleans) fit inside; everything else
 * borrows from scripts and witness, which outlive the run. */
struct element {
    const uint8_t *borrowed; /* NULL: the bytes are in own */
    uint32_t len;
    uint8_t own[36];
};

/* Nested IFs: only the depth and the outermost false branch matter. */
struct conditions {
    uint32_t depth;
    uint32_t first_false; /* the depth it is at; 0: every branch is taken */
};

struct machine {
    /* The stack grows up from items[0], the alternative stack down from items[cap]. */
    struct element *items;
    size_t cap, n, n_alt;

    uint32_t flags;
    enum sig_version version;
    const struct sig_checker *checker;
    enum script_error error;

    struct bytes script;
    size_t pos;        /* after the current operation */
    size_t code_start; /* after the last OP_CODESEPARATOR executed */
    uint32_t op_index;
    uint32_t op_count;
    bool minimal; /* numbers and pushes must be minimal */
    struct conditions branches;

    struct sighash_taproot taproot;
    int64_t weight_left; /* tapscript: what signature checks may still cost */
};

/* Always false, so that a check reads `return fail(m, ...)`. */
static inline bool fail(struct machine *m, enum script_error e)
{
    m->error = e;
    return false;
}

static inline bool all_taken(const struct conditions *c)
{
    return c->first_false == 0;
}

/* i counts from the top: 0 is the top itself. */
static inline struct element *stack_top(struct machine *m, size_t i)
{
    return &m->items[m->n - 1 - i];
}

static inline struct bytes element_bytes(const struct element *e)
{
    return bytes_of(e->borrowed != NULL ? e->borrowed : e->own, e->len);
}

static inline struct bytes stack_bytes(struct machine *m, size_t i)
{
    return element_bytes(stack_top(m, i));
}

static inline void push_borrowed(struct machine *m, struct bytes b)
{
    ASSERT(m->n + m->n_alt < m->cap);
    struct element *e = &m->items[m->n++];
    static const uint8_t nothing[1];
    e->borrowed = b.data != NULL ? b.data : nothing;
    e->len = (uint32_t)b.len;
}

static inline void push_element(struct machine *m, const struct element *e)
{
    ASSERT(m->n + m->n_alt < m->cap);
    m->items[m->n++] = *e;
}

/* The element becomes len own bytes, which the caller writes. */
static inline uint8_t *element_own(struct element *e, size_t len)
{
    ASSERT(len <= sizeof(e->own));
    e->borrowed = NULL;
    e->len = (uint32_t)len;
    return e->own;
}

static inline uint8_t *push_own(struct machine *m, size_t len)
{
    ASSERT(m->n + m->n_alt < m->cap);
    return element_own(&m->items[m->n++], len);
}

static inline void push_bool(struct machine *m, bool v)
{
    uint8_t *p = push_own(m, v ? 1 : 0);
    if (v)
        *p = 1;
}

bool bytes_are_true(struct bytes b); /* CastToBool */

/* One row per opcode. */
struct op_rule {
    bool (*run)(struct machine *m, uint8_t code); /* NULL: no such operation */
    uint8_t need;     /* elements that must be on the stack */
    bool disabled;    /* fails even where it is not executed */
    bool conditional; /* runs in branches not taken, too */
};
extern const struct op_rule op_rules[256];

/* Runs m->script from the start under m->version. */
NODISCARD bool machine_run(struct machine *m);

/* -- Signatures (op_sig.c) -- */
bool op_codeseparator(struct machine *m, uint8_t code);
bool op_checksig(struct machine *m, uint8_t code);
bool op_checksigadd(struct machine *m, uint8_t code);
bool op_checkmultisig(struct machine *m, uint8_t code);
/* A BIP 340 signature with optional hash type byte. False: *error is set. */
bool check_schnorr(const struct sig_checker *checker, struct bytes sig,
                   struct bytes xonly, const struct sighash_taproot *t,
                   enum script_error *error);
bool check_locktime(const struct sig_checker *checker, int64_t locktime);
bool check_sequence(const struct sig_checker *checker, int64_t sequence);

/* Reads the number at depth i; false sets the error. */
bool stack_number(struct machine *m, size_t i, size_t max_len, int64_t *out);
void push_number(struct machine *m, int64_t v);

#endif
