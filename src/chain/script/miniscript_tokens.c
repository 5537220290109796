/* Scripts taken apart for decoding. */
#include "chain/script/miniscript_impl.h"
#include "util/mem.h"

static void add_token(struct ms_tokens *t, uint8_t code, struct bytes data)
{
    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 64 : t->cap * 2;
        t->items = xrealloc_array(t->items, t->cap, sizeof(*t->items));
    }
    t->items[t->n++] = (struct ms_token){code, data.len > 0, data};
}

static bool has_verify_form(uint8_t code)
{
    return code == OP_EQUAL || code == OP_NUMEQUAL || code == OP_CHECKSIG ||
           code == OP_CHECKMULTISIG;
}

static bool take_op(struct ms_tokens *t, const struct script_op *op)
{
    struct bytes none = bytes_of(NULL, 0);
    if (op->code <= OP_PUSHDATA4 && !script_push_is_minimal(op))
        return false;
    if (op->code > OP_16 && has_verify_form((uint8_t)(op->code - 1))) {
        add_token(t, (uint8_t)(op->code - 1), none);
        add_token(t, OP_VERIFY, none);
        return true;
    }
    if (op->code == OP_VERIFY && t->n > 0 && !t->items[t->n - 1].is_push &&
        has_verify_form(t->items[t->n - 1].code))
        return false; /* the joined form is the only right one */
    add_token(t, op->code, op->data);
    return true;
}

bool ms_tokenize(struct ms_tokens *t, struct bytes script)
{
    struct script_op op;
    size_t pos = 0;
    while (script_next(script, &pos, &op)) {
        if (!take_op(t, &op))
            return false;
    }
    for (size_t i = 0; i < t->n / 2; i++) {
        struct ms_token swap = t->items[i];
        t->items[i] = t->items[t->n - 1 - i];
        t->items[t->n - 1 - i] = swap;
    }
    return pos == script.len;
}
