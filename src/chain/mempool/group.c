#include "chain/mempool/group.h"

#include <stdlib.h>

struct group *group_new(struct mempool *mp, const struct accept_rules *rules,
                        struct reject *package)
{
    struct group *g = xcalloc(1, sizeof(*g));
    g->mp = mp;
    g->rules = rules;
    g->package = package;
    return g;
}

void group_free(struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        acceptance_clear(&g->as[i]);
    free(g);
}

void group_append(struct group *g, const struct tx *tx)
{
    ASSERT(g->n < MAX_PACKAGE_COUNT);
    struct acceptance *a = &g->as[g->n];
    acceptance_init(a, g->mp, tx, &g->opt, g->rules, &g->rejs[g->n]);
    a->earlier = g->as;
    a->n_earlier = g->n++;
}

static bool member_failed(struct group *g, size_t i)
{
    g->failed = i;
    return reject(g->package, REJECT_PACKAGE_TX_FAILED, NULL);
}

/* Claims are to tickets what coins are to transactions: none is spent twice. */
static bool claims_are_free(const struct acceptance *a)
{
    for (size_t i = 0; i < a->n_earlier; i++)
        for (uint32_t j = 0; j < a->earlier[i].claims.n; j++)
            for (uint32_t k = 0; k < a->claims.n; k++)
                if (hash256_equal(&a->earlier[i].claims.key[j], &a->claims.key[k]))
                    return false;
    return true;
}

static bool check_members(struct group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        if (!acceptance_prechecks(&g->as[i]))
            return member_failed(g, i);
        if (!claims_are_free(&g->as[i]))
            return reject(g->package, REJECT_PACKAGE_CONFLICT, NULL);
        g->fee += g->as[i].modified_fee;
        g->vsize += g->as[i].vsize;
    }
    return true;
}

/* All of them together pay what each alone would have to. */
static bool check_fee(struct group *g)
{
    size_t last = g->n - 1;
    if (!g->rules->group_pays ||
        pool_check_fee(g->mp, g->fee, g->vsize, &g->rejs[last]))
        return true;
    return member_failed(g, last);
}

static bool check_scripts(struct group *g)
{
    for (; g->n_passed < g->n; g->n_passed++)
        if (!acceptance_scripts(&g->as[g->n_passed]))
            return member_failed(g, g->n_passed);
    return true;
}

bool group_judge(struct group *g)
{
    g->failed = g->n;
    arena_reset(&g->mp->arena);
    return check_members(g) && truc_check_group(g->as, g->n, g->package) &&
           check_fee(g) && limits_check_group(g->as, g->n, g->package) &&
           replacement_group_pays(g->as, g->n, g->package) && check_scripts(g);
}
