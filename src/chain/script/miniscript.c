#include "chain/script/miniscript.h"

#include <stdlib.h>

#include "chain/script/miniscript_impl.h"
#include "util/mem.h"

#define MAX_LOCK 0x7fffffffu
/* Policy: the witness script of a standard spend (bytes), and its stack elements. */
#define MAX_WSH_SCRIPT 3600
#define MAX_WSH_STACK  100
/* A leaf is limited only by the weight of a standard transaction: what is left of it
 * beside the largest witness and control block and a small body. */
#define MAX_TX_WEIGHT  400000
#define BODY_WEIGHT    378
#define MAX_TAP_STACK  (3 + 1000 * (1 + 65) + 3 + 33 + 128 * 32)
#define MAX_TAP_SCRIPT (MAX_TX_WEIGHT - BODY_WEIGHT - MAX_TAP_STACK - 5)

const struct ms_fragment ms_fragments[N_MS_KINDS] = {
    [MS_0] = {"0", .parts = {OP_0, PART_END}},
    [MS_1] = {"1", .parts = {OP_1, PART_END}},
    [MS_PK_K] = {"pk_k", .parts = {PART_KEY, PART_END}},
    [MS_PK_H] = {"pk_h", .parts = {OP_DUP, OP_HASH160, PART_KEY_HASH, OP_EQUALVERIFY,
                                   PART_END}},
    [MS_OLDER] = {"older", .parts = {PART_NUMBER, OP_CHECKSEQUENCEVERIFY, PART_END}},
    [MS_AFTER] = {"after", .parts = {PART_NUMBER, OP_CHECKLOCKTIMEVERIFY, PART_END}},
    [MS_SHA256] = {"sha256",
                   0,
                   32,
                   PREIMAGE_SHA256,
                   {OP_SIZE, PART_32, OP_EQUALVERIFY, OP_SHA256, PART_HASH, OP_EQUAL,
                    PART_END}},
    [MS_HASH256] = {"hash256",
                    0,
                    32,
                    PREIMAGE_HASH256,
                    {OP_SIZE, PART_32, OP_EQUALVERIFY, OP_HASH256, PART_HASH, OP_EQUAL,
                     PART_END}},
    [MS_RIPEMD160] = {"ripemd160",
                      0,
                      20,
                      PREIMAGE_RIPEMD160,
                      {OP_SIZE, PART_32, OP_EQUALVERIFY, OP_RIPEMD160, PART_HASH,
                       OP_EQUAL, PART_END}},
    [MS_HASH160] = {"hash160",
                    0,
                    20,
                    PREIMAGE_HASH160,
                    {OP_SIZE, PART_32, OP_EQUALVERIFY, OP_HASH160, PART_HASH, OP_EQUAL,
                     PART_END}},
    [MS_A] = {NULL, 1, .parts = {OP_TOALTSTACK, PART_X, OP_FROMALTSTACK, PART_END}},
    [MS_S] = {NULL, 1, .parts = {OP_SWAP, PART_X, PART_END}},
    [MS_C] = {NULL, 1, .parts = {PART_X, OP_CHECKSIG, PART_END}},
    [MS_D] = {NULL, 1, .parts = {OP_DUP, OP_IF, PART_X, OP_ENDIF, PART_END}},
    [MS_V] = {NULL, 1, .parts = {PART_X, OP_VERIFY, PART_END}},
    [MS_J] = {NULL, 1,
              .parts = {OP_SIZE, OP_0NOTEQUAL, OP_IF, PART_X, OP_ENDIF, PART_END}},
    [MS_N] = {NULL, 1, .parts = {PART_X, OP_0NOTEQUAL, PART_END}},
    [MS_AND_V] = {"and_v", 2, .parts = {PART_X, PART_Y, PART_END}},
    [MS_AND_B] = {"and_b", 2, .parts = {PART_X, PART_Y, OP_BOOLAND, PART_END}},
    [MS_OR_B] = {"or_b", 2, .parts = {PART_X, PART_Y, OP_BOOLOR, PART_END}},
    [MS_OR_C] = {"or_c", 2, .parts = {PART_X, OP_NOTIF, PART_Y, OP_ENDIF, PART_END}},
    [MS_OR_D] = {"or_d", 2,
                 .parts = {PART_X, OP_IFDUP, OP_NOTIF, PART_Y, OP_ENDIF, PART_END}},
    [MS_OR_I] = {"or_i", 2,
                 .parts = {OP_IF, PART_X, OP_ELSE, PART_Y, OP_ENDIF, PART_END}},
    [MS_ANDOR] = {"andor", 3,
                  .parts = {PART_X, OP_NOTIF, PART_Z, OP_ELSE, PART_Y, OP_ENDIF,
                            PART_END}},
    [MS_THRESH] = {"thresh", 0, .parts = {PART_END}},
    [MS_MULTI] = {"multi", 0, .parts = {PART_END}},
    [MS_MULTI_A] = {"multi_a", 0, .parts = {PART_END}},
};

void miniscript_init(struct miniscript *ms, enum ms_context context)
{
    *ms = (struct miniscript){.context = context};
}

void miniscript_clear(struct miniscript *ms)
{
    free(ms->nodes);
    free(ms->subs);
    miniscript_init(ms, ms->context);
}

uint32_t ms_max_script_size(enum ms_context context)
{
    return context == MS_WSH ? MAX_WSH_SCRIPT : MAX_TAP_SCRIPT;
}

/* -- Building -- */

bool ms_arguments_are_valid(enum ms_context context, const struct ms_node *n)
{
    switch (n->kind) {
    case MS_OLDER:
    case MS_AFTER:
        return n->k >= 1 && n->k <= MAX_LOCK;
    case MS_THRESH:
        return n->k >= 1 && n->k <= n->n_subs;
    case MS_MULTI:
        return context == MS_WSH && n->n_keys <= MAX_PUBKEYS_PER_MULTISIG &&
               n->k >= 1 && n->k <= n->n_keys;
    case MS_MULTI_A:
        return context == MS_TAPSCRIPT && n->n_keys <= MAX_PUBKEYS_PER_MULTI_A &&
               n->k >= 1 && n->k <= n->n_keys;
    default:
        return true;
    }
}

static uint32_t put_subs(struct miniscript *ms, const uint32_t *subs, size_t n)
{
    uint32_t first = (uint32_t)ms->n_subs;
    while (ms->n_subs + n >= ms->cap_subs) { /* leaves, too, point into it */
        ms->cap_subs = ms->cap_subs == 0 ? 16 : ms->cap_subs * 2;
        ms->subs = xrealloc_array(ms->subs, ms->cap_subs, sizeof(*ms->subs));
    }
    if (n > 0)
        memcpy(ms->subs + first, subs, n * sizeof(*subs));
    ms->n_subs += n;
    return first;
}

static struct ms_node *new_node(struct miniscript *ms)
{
    if (ms->n_nodes == ms->cap_nodes) {
        ms->cap_nodes = ms->cap_nodes == 0 ? 16 : ms->cap_nodes * 2;
        ms->nodes = xrealloc_array(ms->nodes, ms->cap_nodes, sizeof(*ms->nodes));
    }
    return &ms->nodes[ms->n_nodes++];
}

bool ms_add(struct miniscript *ms, const struct ms_node *from, const uint32_t *subs,
            size_t n_subs, uint32_t *index)
{
    struct ms_node *n = new_node(ms);
    *n = *from;
    n->n_subs = (uint32_t)n_subs;
    n->first_sub = put_subs(ms, subs, n_subs);
    *index = (uint32_t)(ms->n_nodes - 1); /* may stand where subs stood */
    uint32_t own = ms_own_size(ms, n);
    n->script_size = own;
    for (uint32_t i = 0; i < n->n_subs; i++)
        n->script_size += ms_sub(ms, n, i)->script_size;
    ms->bytes += own;
    if (ms->bytes > ms_max_script_size(ms->context))
        return false;
    n->type = ms_compute_type(ms, n);
    ms_compute_costs(ms, n);
    return true;
}

bool ms_add_kind(struct miniscript *ms, enum ms_kind kind, const uint32_t *subs,
                 size_t n_subs, uint32_t *index)
{
    const struct ms_node from = {.kind = kind};
    return ms_add(ms, &from, subs, n_subs, index);
}

/* -- Duplicate keys -- */

struct comparison {
    int (*compare)(void *ctx, uint32_t a, uint32_t b);
    void *ctx;
};

static int compare_numbers(const void *a, const void *b, void *ctx)
{
    const struct comparison *c = ctx;
    return c->compare(c->ctx, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* class[key]: the same number for the same keys. */
static uint32_t *key_classes(const struct miniscript *ms, struct comparison *c)
{
    uint32_t *order = xcalloc(ms->n_keys + 1, sizeof(*order));
    uint32_t *class = xcalloc(ms->n_keys + 1, sizeof(*class));
    for (uint32_t i = 0; i < ms->n_keys; i++)
        order[i] = i;
    qsort_r(order, ms->n_keys, sizeof(*order), compare_numbers, c);
    for (uint32_t i = 0; i < ms->n_keys; i++) {
        bool same = i > 0 && compare_numbers(&order[i - 1], &order[i], c) == 0;
        class[order[i]] = same ? class[order[i - 1]] : order[i];
    }
    free(order);
    return class;
}

/* Keys below a node have numbers that no other part has, from first to end. */
struct key_range {
    uint32_t first, end;
};

static bool repeats(const uint32_t *class, struct key_range r, uint32_t *seen,
                    uint32_t stamp)
{
    for (uint32_t i = r.first; i < r.end; i++) {
        if (seen[class[i]] == stamp)
            return true;
        seen[class[i]] = stamp;
    }
    return false;
}

static struct key_range join(struct key_range a, struct key_range b)
{
    if (a.first == a.end)
        return b;
    if (b.first == b.end)
        return a;
    return (struct key_range){a.first < b.first ? a.first : b.first,
                              a.end > b.end ? a.end : b.end};
}

/* Only where two parts meet can a key be met again; so long chains of wrappers cost
 * nothing. */
void miniscript_find_duplicates(struct miniscript *ms,
                                int (*compare)(void *ctx, uint32_t a, uint32_t b),
                                void *ctx)
{
    struct comparison c = {compare, ctx};
    uint32_t *class = key_classes(ms, &c);
    uint32_t *seen = xcalloc(ms->n_keys + 1, sizeof(*seen));
    struct key_range *ranges = xcalloc(ms->n_nodes + 1, sizeof(*ranges));
    for (uint32_t i = 0; i < ms->n_nodes; i++) {
        struct ms_node *n = &ms->nodes[i];
        n->has_duplicate_keys = false;
        ranges[i] = (struct key_range){n->first_key, n->first_key + n->n_keys};
        for (uint32_t s = 0; s < n->n_subs; s++) {
            uint32_t sub = ms->subs[n->first_sub + s];
            ranges[i] = join(ranges[i], ranges[sub]);
            n->has_duplicate_keys |= ms->nodes[sub].has_duplicate_keys;
        }
        if (!n->has_duplicate_keys && n->n_subs != 1)
            n->has_duplicate_keys = repeats(class, ranges[i], seen, i + 1);
    }
    free(class);
    free(seen);
    free(ranges);
}

/* -- Faults -- */

bool ms_is_valid(const struct miniscript *ms, const struct ms_node *n)
{
    return n->type != 0 && n->script_size <= ms_max_script_size(ms->context);
}

static bool is_within_limits(const struct miniscript *ms, const struct ms_node *n)
{
    int64_t result = (n->type & MS_TYPE_V) ? 0 : 1; /* what it leaves on the stack */
    if (!n->sat.possible)
        return true;
    if (ms->context == MS_TAPSCRIPT)
        return n->sat.peak + result <= MAX_STACK_SIZE;
    return n->ops + n->sat.ops <= MAX_OPS_PER_SCRIPT &&
           n->sat.taken + result <= MAX_WSH_STACK;
}

bool ms_is_sane_part(const struct miniscript *ms, const struct ms_node *n)
{
    return ms_is_valid(ms, n) && is_within_limits(ms, n) && (n->type & MS_TYPE_m) &&
           (n->type & MS_TYPE_k) && !n->has_duplicate_keys;
}

bool miniscript_is_sane(const struct miniscript *ms)
{
    const struct ms_node *root = miniscript_root(ms);
    return (root->type & MS_TYPE_B) && (root->type & MS_TYPE_s) &&
           ms_is_sane_part(ms, root);
}

bool miniscript_is_satisfiable(const struct miniscript *ms)
{
    return miniscript_root(ms)->sat.possible;
}

/* Children stand before their parents, from left to right. */
const struct ms_node *miniscript_insane_part(const struct miniscript *ms)
{
    for (size_t i = 0; i < ms->n_nodes; i++) {
        if (!ms_is_sane_part(ms, &ms->nodes[i]))
            return &ms->nodes[i];
    }
    return NULL;
}

static const char *fault_of(const struct miniscript *ms, const struct ms_node *n)
{
    if (!ms_is_valid(ms, n))
        return " is invalid";
    if (miniscript_is_sane(ms))
        return " is not satisfiable";
    if (!(n->type & MS_TYPE_m))
        return " is not sane: malleable witnesses exist";
    if (n == miniscript_root(ms) && !(n->type & MS_TYPE_s))
        return " is not sane: witnesses without signature exist";
    if (!(n->type & MS_TYPE_k))
        return " is not sane: contains mixes of timelocks expressed in blocks and "
               "seconds";
    if (n->has_duplicate_keys)
        return " is not sane: contains duplicate public keys";
    if (!is_within_limits(ms, n))
        return " is not sane: needs witnesses that may exceed resource limits";
    return " is not sane";
}

const char *miniscript_fault(const struct miniscript *ms, const struct ms_node **part)
{
    if (miniscript_is_sane(ms) && miniscript_is_satisfiable(ms))
        return NULL;
    const struct ms_node *insane = miniscript_insane_part(ms);
    *part = insane != NULL ? insane : miniscript_root(ms);
    return fault_of(ms, *part);
}
