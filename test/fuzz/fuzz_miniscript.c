/* Miniscript: any text, any script, and expressions grown from the input. What is read
 * prints and reads back; scripts keep their bytes; witnesses exist when the policy
 * holds, verify, and cannot be changed by a third party. */
#include "fuzz.h"

#include "../unit/miniscript_tools.h"

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
    secp_init();
    return 0;
}

static void check_expression(struct miniscript *ms, struct mt_names *names,
                             uint32_t bits)
{
    struct buf script = {0};
    struct ms_key *keys = mt_keys_of(names, ms->context);
    mt_check_text(ms, names);
    if ((miniscript_root(ms)->type & MS_TYPE_B) &&
        ms_is_valid(ms, miniscript_root(ms))) {
        struct mt_world w;
        miniscript_to_script(&script, ms, keys);
        mt_check_script(ms, buf_view(&script));
        mt_world_init(&w, ms->context, buf_view(&script), names, keys, bits);
        mt_check_spend(ms, &w);
        mt_world_clear(&w);
    }
    free(keys);
    buf_clear(&script);
}

static void try_text(const uint8_t *data, size_t size, enum ms_context context,
                     uint32_t bits)
{
    struct miniscript ms;
    struct mt_names names = {.n = 0};
    miniscript_init(&ms, context);
    if (miniscript_parse(&ms, (const char *)data, size, mt_read_key, &names)) {
        miniscript_find_duplicates(&ms, mt_compare_keys, &names);
        check_expression(&ms, &names, bits);
    }
    miniscript_clear(&ms);
}

static void try_script(const uint8_t *data, size_t size, enum ms_context context)
{
    struct miniscript ms;
    struct ms_key *keys;
    miniscript_init(&ms, context);
    if (miniscript_decode(&ms, bytes_of(data, size), &keys))
        mt_check_script(&ms, bytes_of(data, size));
    free(keys);
    miniscript_clear(&ms);
}

static void try_random(uint64_t seed, enum ms_context context, uint32_t bits)
{
    struct miniscript ms;
    struct mt_names names;
    struct mt_rng rng = {seed};
    if (!mt_generate(&ms, &names, context, &rng, seed % 4 == 0))
        return;
    check_expression(&ms, &names, bits);
    miniscript_clear(&ms);
}

/* A byte for what follows, four for who signs and what is known. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5)
        return 0;
    enum ms_context context = data[0] & 1 ? MS_TAPSCRIPT : MS_WSH;
    uint32_t bits = get_le32(data + 1);
    uint64_t seed = 0;
    memcpy(&seed, data + 5, size - 5 < 8 ? size - 5 : 8);
    if ((data[0] >> 1) % 3 == 0)
        try_text(data + 5, size - 5, context, bits);
    else if ((data[0] >> 1) % 3 == 1)
        try_script(data + 5, size - 5, context);
    else
        try_random(seed, context, bits);
    return 0;
}
