#include "wallet/grouping.h"

#include <stdlib.h>

#include "util/map.h"
#include "util/mem.h"
#include "wallet/balance.h"
#include "wallet/wallet.h"

#define NONE UINT32_MAX

/* An address and its place in a forest whose trees are the groups. */
struct node {
    struct grouped_address address;
    uint32_t parent;
};

struct forest {
    const struct wallet *w;
    struct map index; /* struct destination_key -> uint32_t */
    struct node *nodes;
    uint32_t n, cap;
};

/* The node of the script's address; NONE: it has no address. */
static uint32_t node_of(struct forest *f, struct bytes script)
{
    struct destination d;
    bool is_new;
    if (!destination_from_script(&d, script))
        return NONE;
    struct destination_key k = destination_key(&d);
    uint32_t *at = map_put(&f->index, &k, &is_new);
    if (!is_new)
        return *at;
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        f->nodes = xrealloc_array(f->nodes, f->cap, sizeof(*f->nodes));
    }
    *at = f->n;
    f->nodes[f->n] = (struct node){.address = {.dest = d}, .parent = f->n};
    return f->n++;
}

static uint32_t root_of(struct forest *f, uint32_t i)
{
    while (f->nodes[i].parent != i) {
        f->nodes[i].parent = f->nodes[f->nodes[i].parent].parent;
        i = f->nodes[i].parent;
    }
    return i;
}

/* The lower number leads: groups stand in the order of the history. */
static void join(struct forest *f, uint32_t a, uint32_t b)
{
    if (a == NONE || b == NONE)
        return;
    a = root_of(f, a);
    b = root_of(f, b);
    if (a < b)
        f->nodes[b].parent = a;
    else
        f->nodes[a].parent = b;
}

/* -- What transactions tell -- */

static void group_inputs(struct forest *f, const struct tx *tx)
{
    uint32_t first = NONE;
    bool any = false;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct txout *out = txstore_my_output(f->w, &tx->in[i].prevout);
        uint32_t at = out != NULL ? node_of(f, out->script) : NONE;
        any |= at != NONE;
        first = first == NONE ? at : first;
        join(f, first, at);
    }
    for (uint32_t i = 0; any && i < tx->n_out; i++)
        if (balance_is_change(f->w, tx->out[i].script))
            join(f, first, node_of(f, tx->out[i].script));
}

static bool counts(const struct wallet *w, const struct wallet_tx *wtx)
{
    return wallet_tx_trusted(w, wtx) && !wallet_tx_immature(w, wtx) &&
           wallet_tx_depth(w, wtx) >= (wallet_tx_from_me(w, wtx) ? 0 : 1);
}

static void add_outputs(struct forest *f, const struct wallet_tx *wtx)
{
    bool spendable = counts(f->w, wtx);
    for (uint32_t i = 0; i < wtx->n_coins; i++) {
        const struct txout *out = &wtx->tx->out[wtx->coins[i].n];
        uint32_t at = node_of(f, out->script);
        if (at != NONE && spendable && wtx->coins[i].place != COIN_SPENT)
            f->nodes[at].address.value.v += out->value.v;
    }
}

/* -- Result -- */

/* Counting sort by root. */
static void collect(struct forest *f, struct address_groups *out)
{
    uint32_t *end = xcalloc(f->n + 1, sizeof(*end));
    for (uint32_t i = 0; i < f->n; i++)
        end[root_of(f, i) + 1]++;
    out->addresses = xcalloc(f->n + 1, sizeof(*out->addresses));
    out->groups = xcalloc(f->n + 1, sizeof(*out->groups));
    for (uint32_t i = 0; i < f->n; i++) {
        if (end[i + 1] > 0)
            out->groups[out->n++] =
                (struct address_group){&out->addresses[end[i]], end[i + 1]};
        end[i + 1] += end[i];
    }
    for (uint32_t i = 0; i < f->n; i++)
        out->addresses[end[root_of(f, i)]++] = f->nodes[i].address;
    free(end);
}

void address_groups_build(struct address_groups *out, const struct wallet *w)
{
    struct forest f = {.w = w};
    *out = (struct address_groups){0};
    map_init(&f.index, sizeof(struct destination_key), sizeof(uint32_t));
    for (size_t i = 0; i < txstore_count(w); i++) {
        group_inputs(&f, txstore_at(w, i)->tx);
        add_outputs(&f, txstore_at(w, i));
    }
    collect(&f, out);
    map_clear(&f.index);
    free(f.nodes);
}

void address_groups_clear(struct address_groups *g)
{
    free(g->addresses);
    free(g->groups);
    *g = (struct address_groups){0};
}
