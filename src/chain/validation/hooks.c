/* What hooks tell of what they judge: marks on coins, and what a verdict rests on. */
#include "chain/validation/hooks.h"

#include "chain/prim/coin.h"

void rule_env_heights(struct rule_env *env, int64_t first, int64_t last)
{
    if (first > env->first)
        env->first = (int32_t)first;
    if (last < env->last)
        env->last = (int32_t)last;
}

void coin_marks_init(struct map *marks)
{
    map_init(marks, sizeof(struct outpoint), sizeof(uint8_t));
}

void rule_env_mark(struct rule_env *env, const struct outpoint *o, uint8_t marks)
{
    if (env->marks != NULL)
        *(uint8_t *)map_put(env->marks, o, NULL) |= marks;
}

bool rule_env_marked(const struct rule_env *env, const struct outpoint *o,
                     const struct coin *coin, uint8_t mark)
{
    if (coin->marks & mark)
        return true;
    if (env->marks == NULL || env->marks->len == 0)
        return false;
    const uint8_t *here = map_get(env->marks, o);
    return here != NULL && *here & mark;
}
