/* From miniscript to script. */
#include <stdlib.h>

#include "chain/script/miniscript_impl.h"
#include "chain/script/sig_encoding.h"
#include "crypto/hash.h"
#include "util/mem.h"

size_t ms_key_size(enum ms_context context)
{
    return context == MS_TAPSCRIPT ? 32 : 33;
}

void ms_key_set(struct ms_key *k, enum ms_context context, const uint8_t pubkey[33])
{
    k->len = (uint8_t)ms_key_size(context);
    memcpy(k->data, pubkey + 33 - k->len, k->len);
    hash160(k->hash, k->data, k->len);
}

/* -- One node without its children -- */

static bool is_part(uint8_t p)
{
    return p >= PART_X && p <= PART_END;
}

/* VERIFY joins the opcode before it where that has such a form. */
static bool joins_verify(const struct miniscript *ms, const struct ms_node *n)
{
    return n->kind == MS_V && !(ms_sub(ms, n, 0)->type & MS_TYPE_x);
}

static size_t number_size(int64_t v)
{
    uint8_t raw[9];
    return v >= 0 && v <= 16 ? 1 : 1 + script_num_encode(raw, v);
}

static size_t part_size(const struct miniscript *ms, const struct ms_node *n, uint8_t p)
{
    switch (p) {
    case PART_X:
    case PART_Y:
    case PART_Z:
        return 0;
    case PART_NUMBER:
        return number_size(n->k);
    case PART_KEY:
        return 1 + ms_key_size(ms->context);
    case PART_KEY_HASH:
        return 1 + 20;
    case PART_HASH:
        return 1u + ms_fragments[n->kind].hash_size;
    case PART_32:
        return 2;
    default:
        return 1;
    }
}

uint32_t ms_own_size(const struct miniscript *ms, const struct ms_node *n)
{
    size_t key = 1 + ms_key_size(ms->context), size = 0;
    if (n->kind == MS_THRESH)
        return (uint32_t)(n->n_subs + number_size(n->k));
    if (n->kind == MS_MULTI)
        return (uint32_t)(number_size(n->k) + n->n_keys * key + number_size(n->n_keys) +
                          1);
    if (n->kind == MS_MULTI_A)
        return (uint32_t)(n->n_keys * (key + 1) + number_size(n->k) + 1);
    for (const uint8_t *p = ms_fragments[n->kind].parts; *p != PART_END; p++)
        size += part_size(ms, n, *p);
    return (uint32_t)(size - joins_verify(ms, n));
}

uint32_t ms_own_ops(const struct miniscript *ms, const struct ms_node *n)
{
    uint32_t ops = 0;
    if (n->kind == MS_THRESH)
        return n->n_subs;
    if (n->kind == MS_MULTI)
        return 1;
    if (n->kind == MS_MULTI_A)
        return n->n_keys + 1;
    for (const uint8_t *p = ms_fragments[n->kind].parts; *p != PART_END; p++)
        ops += !is_part(*p) && *p > OP_16;
    return ops - joins_verify(ms, n);
}

/* -- The whole script -- */

/* A node being written, and how far it is. */
struct frame {
    uint32_t node, at;
};

struct writer {
    const struct miniscript *ms;
    const struct ms_key *keys;
    struct buf *out;
    struct frame *frames; /* owned */
    size_t n, cap;
};

static void push_frame(struct writer *w, uint32_t node)
{
    if (w->n == w->cap) {
        w->cap = w->cap == 0 ? 16 : w->cap * 2;
        w->frames = xrealloc_array(w->frames, w->cap, sizeof(*w->frames));
    }
    w->frames[w->n++] = (struct frame){node, 0};
}

static void put_verify(struct writer *w, const struct ms_node *n)
{
    if (!joins_verify(w->ms, n)) {
        script_put_op(w->out, OP_VERIFY);
        return;
    }
    /* EQUAL, NUMEQUAL, CHECKSIG and CHECKMULTISIG: the next one is the form with
     * VERIFY. */
    w->out->data[w->out->len - 1]++;
}

static void put_part(struct writer *w, const struct ms_node *n, uint8_t p)
{
    const struct ms_key *key = &w->keys[n->first_key];
    switch (p) {
    case PART_NUMBER:
        script_put_int(w->out, n->k);
        break;
    case PART_KEY:
        script_put_data(w->out, key->data, key->len);
        break;
    case PART_KEY_HASH:
        script_put_data(w->out, key->hash, 20);
        break;
    case PART_HASH:
        script_put_data(w->out, n->hash, ms_fragments[n->kind].hash_size);
        break;
    case PART_32:
        script_put_int(w->out, 32);
        break;
    case OP_VERIFY:
        put_verify(w, n);
        break;
    default:
        script_put_op(w->out, p);
    }
}

static void put_multi(struct writer *w, const struct ms_node *n)
{
    script_put_int(w->out, n->k);
    for (uint32_t i = 0; i < n->n_keys; i++) {
        const struct ms_key *key = &w->keys[n->first_key + i];
        script_put_data(w->out, key->data, key->len);
    }
    script_put_int(w->out, n->n_keys);
    script_put_op(w->out, OP_CHECKMULTISIG);
}

static void put_multi_a(struct writer *w, const struct ms_node *n)
{
    for (uint32_t i = 0; i < n->n_keys; i++) {
        const struct ms_key *key = &w->keys[n->first_key + i];
        script_put_data(w->out, key->data, key->len);
        script_put_op(w->out, i == 0 ? OP_CHECKSIG : OP_CHECKSIGADD);
    }
    script_put_int(w->out, n->k);
    script_put_op(w->out, OP_NUMEQUAL);
}

/* False: the node is done. */
static bool step_thresh(struct writer *w, const struct ms_node *n, struct frame *f)
{
    if (f->at > 1)
        script_put_op(w->out, OP_ADD);
    if (f->at < n->n_subs) {
        push_frame(w, w->ms->subs[n->first_sub + f->at++]);
        return true;
    }
    script_put_int(w->out, n->k);
    script_put_op(w->out, OP_EQUAL);
    return false;
}

static bool step_parts(struct writer *w, const struct ms_node *n, struct frame *f)
{
    const uint8_t *parts = ms_fragments[n->kind].parts;
    for (; parts[f->at] != PART_END; f->at++) {
        uint8_t p = parts[f->at];
        if (p >= PART_X && p <= PART_Z) {
            f->at++;
            push_frame(w, w->ms->subs[n->first_sub + p - PART_X]);
            return true;
        }
        put_part(w, n, p);
    }
    return false;
}

static bool step(struct writer *w)
{
    struct frame *f = &w->frames[w->n - 1];
    const struct ms_node *n = &w->ms->nodes[f->node];
    if (n->kind == MS_THRESH)
        return step_thresh(w, n, f);
    if (n->kind == MS_MULTI)
        put_multi(w, n);
    else if (n->kind == MS_MULTI_A)
        put_multi_a(w, n);
    else
        return step_parts(w, n, f);
    return false;
}

void miniscript_to_script(struct buf *out, const struct miniscript *ms,
                          const struct ms_key *keys)
{
    struct writer w = {ms, keys, out, NULL, 0, 0};
    push_frame(&w, (uint32_t)(ms->n_nodes - 1));
    while (w.n > 0) {
        if (!step(&w))
            w.n--;
    }
    free(w.frames);
}
