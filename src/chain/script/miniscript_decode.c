/* From script to miniscript. Read from the end, a script has only one reading: the last
 * opcode tells which fragments it may end. */
#include <stdlib.h>

#include "chain/script/miniscript_impl.h"
#include "crypto/secp.h"
#include "util/mem.h"

/* -- The machine -- */

/* What has to be read next; or, once its parts are there, built. */
enum task_kind {
    READ_ONE, /* one expression of type B, K or V that does not begin with and_v */
    READ_ANY, /* one that may */
    READ_W,   /* of type W */
    MORE_AND, /* whether an and_v stands before what has been read */
    AFTER_SWAP,
    AFTER_ALT,
    BUILD, /* the fragment in .fragment, its first child read last */
    THRESH_NEXT,
    THRESH_FIRST,
    AFTER_ENDIF,
    AFTER_ENDIF_NOTIF,
    AFTER_ENDIF_ELSE,
};

struct task {
    enum task_kind kind;
    enum ms_kind fragment;
    uint32_t n, k; /* of a thresh: children so far, threshold */
};

struct decoder {
    struct miniscript *ms;
    struct ms_tokens in;
    size_t at;
    struct task *tasks; /* owned */
    size_t n_tasks, cap_tasks;
    uint32_t *done; /* owned: nodes that wait for their parents */
    size_t n_done, cap_done;
    struct ms_key *keys; /* owned */
    uint32_t cap_keys;
};

static void push_task(struct decoder *d, struct task t)
{
    if (d->n_tasks == d->cap_tasks) {
        d->cap_tasks = d->cap_tasks == 0 ? 32 : d->cap_tasks * 2;
        d->tasks = xrealloc_array(d->tasks, d->cap_tasks, sizeof(*d->tasks));
    }
    d->tasks[d->n_tasks++] = t;
}

static void todo(struct decoder *d, enum task_kind kind)
{
    push_task(d, (struct task){.kind = kind});
}

static void build_later(struct decoder *d, enum ms_kind fragment)
{
    push_task(d, (struct task){.kind = BUILD, .fragment = fragment});
}

static void push_done(struct decoder *d, uint32_t node)
{
    if (d->n_done == d->cap_done) {
        d->cap_done = d->cap_done == 0 ? 32 : d->cap_done * 2;
        d->done = xrealloc_array(d->done, d->cap_done, sizeof(*d->done));
    }
    d->done[d->n_done++] = node;
}

static size_t left(const struct decoder *d)
{
    return d->in.n - d->at;
}

static const struct ms_token *peek(const struct decoder *d, size_t i)
{
    return &d->in.items[d->at + i];
}

static bool is_op(const struct decoder *d, size_t i, uint8_t code)
{
    return i < left(d) && !peek(d, i)->is_push && peek(d, i)->code == code;
}

static bool take(struct decoder *d, uint8_t code)
{
    if (!is_op(d, 0, code))
        return false;
    d->at++;
    return true;
}

static bool is_push_of(const struct decoder *d, size_t i, size_t size)
{
    return i < left(d) && peek(d, i)->is_push && peek(d, i)->data.len == size;
}

static bool read_number(const struct decoder *d, size_t i, uint32_t *out)
{
    int64_t v;
    if (i >= left(d))
        return false;
    const struct ms_token *t = peek(d, i);
    if (!t->is_push && opcode_is_small_int(t->code))
        v = opcode_small_int(t->code);
    else if (!t->is_push || !script_num_decode(&v, t->data, true, 5))
        return false;
    *out = (uint32_t)v;
    return v >= 0 && v <= UINT32_MAX;
}

static bool add_node(struct decoder *d, const struct ms_node *n, const uint32_t *subs,
                     size_t n_subs)
{
    uint32_t index;
    if (!ms_add(d->ms, n, subs, n_subs, &index))
        return false;
    push_done(d, index);
    return true;
}

/* -- Leaves -- */

static struct ms_key *new_key(struct decoder *d)
{
    if (d->ms->n_keys == d->cap_keys) {
        d->cap_keys = d->cap_keys == 0 ? 16 : d->cap_keys * 2;
        d->keys = xrealloc_array(d->keys, d->cap_keys, sizeof(*d->keys));
    }
    struct ms_key *k = &d->keys[d->ms->n_keys++];
    *k = (struct ms_key){0};
    return k;
}

static bool add_key(struct decoder *d, size_t i)
{
    uint8_t pubkey[33] = {2};
    size_t size = ms_key_size(d->ms->context);
    if (!is_push_of(d, i, size))
        return false;
    memcpy(pubkey + 33 - size, peek(d, i)->data.data, size);
    if (!secp_pubkey_valid(bytes_of(pubkey, 33)))
        return false;
    ms_key_set(new_key(d), d->ms->context, pubkey);
    return true;
}

static bool read_pk_k(struct decoder *d)
{
    const struct ms_node n = {.kind = MS_PK_K, .first_key = d->ms->n_keys, .n_keys = 1};
    if (!add_key(d, 0))
        return false;
    d->at++;
    return add_node(d, &n, NULL, 0);
}

static bool is_pk_h(const struct decoder *d)
{
    return is_op(d, 0, OP_VERIFY) && is_op(d, 1, OP_EQUAL) && is_push_of(d, 2, 20) &&
           is_op(d, 3, OP_HASH160) && is_op(d, 4, OP_DUP);
}

static bool read_pk_h(struct decoder *d)
{
    const struct ms_node n = {.kind = MS_PK_H, .first_key = d->ms->n_keys, .n_keys = 1};
    memcpy(new_key(d)->hash, peek(d, 2)->data.data, 20);
    d->at += 5;
    return add_node(d, &n, NULL, 0);
}

static bool read_lock(struct decoder *d, enum ms_kind kind)
{
    struct ms_node n = {.kind = kind};
    if (!read_number(d, 1, &n.k) || !ms_arguments_are_valid(d->ms->context, &n))
        return false;
    d->at += 2;
    return add_node(d, &n, NULL, 0);
}

static bool find_hash_kind(uint8_t code, enum ms_kind *out)
{
    for (unsigned k = MS_SHA256; k <= MS_HASH160; k++) {
        if (ms_fragments[k].parts[3] == code) {
            *out = (enum ms_kind)k;
            return true;
        }
    }
    return false;
}

/* EQUAL <hash> HASHOP VERIFY EQUAL 32 SIZE */
static bool is_hash(const struct decoder *d, struct ms_node *n)
{
    uint32_t size;
    return left(d) >= 7 && peek(d, 1)->is_push && !peek(d, 2)->is_push &&
           find_hash_kind(peek(d, 2)->code, &n->kind) &&
           peek(d, 1)->data.len == ms_fragments[n->kind].hash_size &&
           is_op(d, 3, OP_VERIFY) && is_op(d, 4, OP_EQUAL) &&
           read_number(d, 5, &size) && size == 32 && is_op(d, 6, OP_SIZE);
}

static bool read_hash(struct decoder *d, struct ms_node *n)
{
    memcpy(n->hash, peek(d, 1)->data.data, peek(d, 1)->data.len);
    d->at += 7;
    return add_node(d, n, NULL, 0);
}

static void reverse_keys(struct decoder *d, const struct ms_node *n)
{
    struct ms_key *keys = &d->keys[n->first_key];
    for (uint32_t i = 0; i < n->n_keys / 2; i++) {
        struct ms_key swap = keys[i];
        keys[i] = keys[n->n_keys - 1 - i];
        keys[n->n_keys - 1 - i] = swap;
    }
}

static bool finish_multi(struct decoder *d, struct ms_node *n)
{
    if (!ms_arguments_are_valid(d->ms->context, n))
        return false;
    reverse_keys(d, n);
    return add_node(d, n, NULL, 0);
}

/* CHECKMULTISIG n keys k */
static bool read_multi(struct decoder *d)
{
    struct ms_node n = {.kind = MS_MULTI, .first_key = d->ms->n_keys};
    if (!read_number(d, 1, &n.n_keys) || n.n_keys > MAX_PUBKEYS_PER_MULTISIG)
        return false;
    for (uint32_t i = 0; i < n.n_keys; i++) {
        if (!add_key(d, 2 + i))
            return false;
    }
    if (!read_number(d, 2 + n.n_keys, &n.k))
        return false;
    d->at += 3 + n.n_keys;
    return finish_multi(d, &n);
}

/* NUMEQUAL k CHECKSIGADD key ... CHECKSIG key */
static bool read_multi_a(struct decoder *d)
{
    struct ms_node n = {.kind = MS_MULTI_A, .first_key = d->ms->n_keys};
    if (!read_number(d, 1, &n.k))
        return false;
    d->at += 2;
    for (bool first = false; !first;) {
        first = is_op(d, 0, OP_CHECKSIG);
        if ((!first && !is_op(d, 0, OP_CHECKSIGADD)) || !add_key(d, 1) ||
            ++n.n_keys > MAX_PUBKEYS_PER_MULTI_A)
            return false;
        d->at += 2;
    }
    return finish_multi(d, &n);
}

static bool read_constant(struct decoder *d, enum ms_kind kind)
{
    const struct ms_node n = {.kind = kind};
    d->at++;
    return add_node(d, &n, NULL, 0);
}

/* -- What an opcode at the end may mean -- */

/* X, then an opcode. */
static bool begin_suffix(struct decoder *d, enum ms_kind wrapper)
{
    d->at++;
    build_later(d, wrapper);
    todo(d, READ_ONE);
    return true;
}

/* X W, then an opcode. */
static bool begin_pair(struct decoder *d, enum ms_kind fragment)
{
    d->at++;
    build_later(d, fragment);
    todo(d, READ_ONE);
    todo(d, READ_W);
    return true;
}

static bool begin_thresh(struct decoder *d)
{
    struct task t = {.kind = THRESH_NEXT};
    if (!read_number(d, 1, &t.k) || t.k < 1)
        return false;
    d->at += 2;
    push_task(d, t);
    return true;
}

static bool begin_endif(struct decoder *d)
{
    d->at++;
    todo(d, AFTER_ENDIF);
    todo(d, READ_ANY);
    return true;
}

static bool read_by_opcode(struct decoder *d)
{
    switch (peek(d, 0)->code) {
    case OP_1:
        return read_constant(d, MS_1);
    case OP_0:
        return read_constant(d, MS_0);
    case OP_CHECKSEQUENCEVERIFY:
        return read_lock(d, MS_OLDER);
    case OP_CHECKLOCKTIMEVERIFY:
        return read_lock(d, MS_AFTER);
    case OP_CHECKMULTISIG:
        return read_multi(d);
    case OP_NUMEQUAL:
        return read_multi_a(d);
    case OP_CHECKSIG:
        return begin_suffix(d, MS_C);
    case OP_VERIFY:
        return begin_suffix(d, MS_V);
    case OP_0NOTEQUAL:
        return begin_suffix(d, MS_N);
    case OP_EQUAL:
        return begin_thresh(d);
    case OP_BOOLAND:
        return begin_pair(d, MS_AND_B);
    case OP_BOOLOR:
        return begin_pair(d, MS_OR_B);
    case OP_ENDIF:
        return begin_endif(d);
    default:
        return false;
    }
}

static bool read_one(struct decoder *d)
{
    struct ms_node hash = {.kind = MS_0};
    if (left(d) == 0)
        return false;
    if (peek(d, 0)->is_push)
        return read_pk_k(d);
    if (is_pk_h(d))
        return read_pk_h(d);
    if (is_op(d, 0, OP_EQUAL) && is_hash(d, &hash))
        return read_hash(d, &hash);
    return read_by_opcode(d);
}

/* -- Building -- */

/* Children were read last one first. */
static bool build(struct decoder *d, const struct ms_node *n, uint32_t n_subs)
{
    uint32_t *subs = xcalloc(n_subs + 1, sizeof(*subs));
    bool ok = d->n_done >= n_subs;
    for (uint32_t i = 0; ok && i < n_subs; i++)
        subs[i] = d->done[--d->n_done];
    /* andor is X NOTIF Z ELSE Y ENDIF. */
    if (ok && n->kind == MS_ANDOR) {
        uint32_t z = subs[1];
        subs[1] = subs[2];
        subs[2] = z;
    }
    ok = ok && add_node(d, n, subs, n_subs);
    free(subs);
    return ok;
}

static bool build_fragment(struct decoder *d, enum ms_kind kind)
{
    const struct ms_node n = {.kind = kind};
    return build(d, &n, ms_fragments[kind].n_subs);
}

static bool build_thresh(struct decoder *d, const struct task *t)
{
    const struct ms_node n = {.kind = MS_THRESH, .k = t->k, .n_subs = t->n};
    return ms_arguments_are_valid(d->ms->context, &n) && build(d, &n, t->n);
}

/* -- Tasks -- */

static bool read_w(struct decoder *d)
{
    todo(d, take(d, OP_FROMALTSTACK) ? AFTER_ALT : AFTER_SWAP);
    todo(d, READ_ANY);
    return true;
}

static bool more_and(struct decoder *d)
{
    if (left(d) > 0 && !is_op(d, 0, OP_IF) && !is_op(d, 0, OP_NOTIF) &&
        !is_op(d, 0, OP_ELSE) && !is_op(d, 0, OP_TOALTSTACK) && !is_op(d, 0, OP_SWAP)) {
        build_later(d, MS_AND_V);
        todo(d, READ_ANY);
    }
    return true;
}

static bool thresh_next(struct decoder *d, struct task t)
{
    bool more = take(d, OP_ADD);
    t.n++;
    t.kind = more ? THRESH_NEXT : THRESH_FIRST;
    push_task(d, t);
    todo(d, more ? READ_W : READ_ONE);
    return true;
}

static bool after_endif(struct decoder *d)
{
    if (take(d, OP_ELSE)) {
        todo(d, AFTER_ENDIF_ELSE);
        todo(d, READ_ANY);
        return true;
    }
    if (take(d, OP_NOTIF)) {
        todo(d, AFTER_ENDIF_NOTIF);
        return true;
    }
    if (!take(d, OP_IF))
        return false;
    if (take(d, OP_DUP))
        return build_fragment(d, MS_D);
    return take(d, OP_0NOTEQUAL) && take(d, OP_SIZE) && build_fragment(d, MS_J);
}

static bool after_endif_notif(struct decoder *d)
{
    build_later(d, take(d, OP_IFDUP) ? MS_OR_D : MS_OR_C);
    todo(d, READ_ONE);
    return true;
}

static bool after_endif_else(struct decoder *d)
{
    if (take(d, OP_IF))
        return build_fragment(d, MS_OR_I);
    if (!take(d, OP_NOTIF))
        return false;
    build_later(d, MS_ANDOR);
    todo(d, READ_ONE);
    return true;
}

static bool run_task(struct decoder *d, struct task t)
{
    switch (t.kind) {
    case READ_ONE:
        return read_one(d);
    case READ_ANY:
        todo(d, MORE_AND);
        todo(d, READ_ONE);
        return true;
    case READ_W:
        return read_w(d);
    case MORE_AND:
        return more_and(d);
    case AFTER_SWAP:
        return take(d, OP_SWAP) && build_fragment(d, MS_S);
    case AFTER_ALT:
        return take(d, OP_TOALTSTACK) && build_fragment(d, MS_A);
    case BUILD:
        return build_fragment(d, t.fragment);
    case THRESH_NEXT:
        return thresh_next(d, t);
    case THRESH_FIRST:
        return build_thresh(d, &t);
    case AFTER_ENDIF:
        return after_endif(d);
    case AFTER_ENDIF_NOTIF:
        return after_endif_notif(d);
    case AFTER_ENDIF_ELSE:
        return after_endif_else(d);
    }
    return false;
}

static bool run(struct decoder *d)
{
    todo(d, READ_ANY);
    while (d->n_tasks > 0) {
        if (!run_task(d, d->tasks[--d->n_tasks]))
            return false;
    }
    return left(d) == 0 && d->n_done == 1 && (miniscript_root(d->ms)->type & MS_TYPE_B);
}

bool miniscript_decode(struct miniscript *ms, struct bytes script, struct ms_key **keys)
{
    struct decoder d = {.ms = ms};
    /* The owner's array is there even for an expression without keys. */
    d.cap_keys = 4;
    d.keys = xcalloc(d.cap_keys, sizeof(*d.keys));
    bool ok = ms_tokenize(&d.in, script) && run(&d);
    free(d.in.items);
    free(d.tasks);
    free(d.done);
    if (!ok) {
        free(d.keys);
        d.keys = NULL;
    }
    *keys = d.keys;
    return ok;
}
