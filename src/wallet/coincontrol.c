#include "wallet/coincontrol.h"

#include <stdlib.h>

#include "util/mem.h"

void coin_control_init(struct coin_control *c)
{
    *c = (struct coin_control){
        .allow_other_inputs = true,
        .max_depth = DEPTH_ANY,
        .change_type = CHANGE_AUTO,
        .version = 2,
    };
    map_init(&c->named_index, sizeof(struct outpoint), sizeof(size_t));
    keystore_init(&c->solving);
}

static void named_coin_clear(struct named_coin *n)
{
    buf_clear(&n->script);
    buf_clear(&n->script_sig);
    for (uint32_t i = 0; i < n->n_witness; i++)
        buf_clear(&n->witness[i]);
    free(n->witness);
}

void coin_control_clear(struct coin_control *c)
{
    for (size_t i = 0; i < c->n_named; i++)
        named_coin_clear(&c->named[i]);
    free(c->named);
    map_clear(&c->named_index);
    keystore_clear(&c->solving);
}

struct named_coin *coin_control_find(const struct coin_control *c,
                                     const struct outpoint *o)
{
    const size_t *i = map_get(&c->named_index, o);
    return i != NULL ? &c->named[*i] : NULL;
}

struct named_coin *coin_control_name(struct coin_control *c, const struct outpoint *o)
{
    bool is_new;
    size_t *i = map_put(&c->named_index, o, &is_new);
    if (!is_new)
        return &c->named[*i];
    *i = c->n_named++;
    c->named = xrealloc_array(c->named, c->n_named, sizeof(*c->named));
    c->named[*i] = (struct named_coin){.prevout = *o};
    return &c->named[*i];
}

void named_coin_set_output(struct named_coin *n, const struct txout *out)
{
    n->has_output = true;
    n->value = out->value;
    buf_reset(&n->script);
    buf_append(&n->script, out->script.data, out->script.len);
}
