/* Any text as a descriptor: what is accepted prints as a text that reads back the same,
 * what it expands to can be described again, and its cache stands in for private keys
 * after it was written and read. */
#include "fuzz.h"

#include <stdlib.h>

#include "chain/script/descriptor.h"
#include "crypto/secp.h"
#include "util/mem.h"
#include "util/reader.h"
#include "util/sink.h"

static void check_expansion(const struct descriptor *d, const struct chain_params *p,
                            const struct keystore *keys)
{
    struct script_list scripts;
    struct keystore known;
    struct buf text = {0};
    keystore_init(&known);
    if (descriptor_expand(d, p, 1, keys, &scripts, &known)) {
        ASSERT(scripts.n >= 1 && scripts.n <= 4);
        for (size_t i = 0; i < scripts.n; i++)
            descriptor_infer(&text, p, buf_view(&scripts.items[i]), &known);
        script_list_clear(&scripts);
    }
    buf_clear(&text);
    keystore_clear(&known);
}

static struct script_list expand_with(const struct descriptor *d,
                                      const struct chain_params *p,
                                      const struct keystore *keys,
                                      const struct descriptor_cache *cache)
{
    struct script_list out;
    bool ok = descriptor_expand_cached(d, p, 1, keys, cache, &out, NULL);
    ASSERT(ok);
    return out;
}

static void check_cache(const struct descriptor *d, const struct chain_params *p,
                        const struct keystore *keys)
{
    struct descriptor_cache cache, again;
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    struct reader r;
    descriptor_cache_init(&cache);
    descriptor_cache_init(&again);
    if (descriptor_cache_fill(&cache, d, keys, 0, 2)) {
        descriptor_cache_write(&cache, d, &s, 0, 2);
        reader_init(&r, raw.data, raw.len);
        bool ok = descriptor_cache_read(&again, d, &r);
        ASSERT(ok);
        struct script_list a = expand_with(d, p, keys, NULL);
        struct script_list b = expand_with(d, p, NULL, &again);
        ASSERT(a.n == b.n);
        for (size_t i = 0; i < a.n; i++)
            ASSERT(bytes_equal(buf_view(&a.items[i]), buf_view(&b.items[i])));
        script_list_clear(&a);
        script_list_clear(&b);
    }
    buf_clear(&raw);
    descriptor_cache_clear(&cache);
    descriptor_cache_clear(&again);
}

static void check_text(const struct descriptor *d, const struct chain_params *p)
{
    struct descriptor_list again;
    char *error;
    char *text = descriptor_to_string(d, p);
    bool ok = descriptor_parse(&again, p, NULL, text, true, &error);
    ASSERT(ok && again.n == 1);
    char *second = descriptor_to_string(again.items[0], p);
    ASSERT(strcmp(text, second) == 0);
    free(text);
    free(second);
    descriptor_list_clear(&again);
}

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
    secp_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chain_params p;
    struct descriptor_list list;
    struct keystore keys;
    char *error = NULL, *text = xmalloc(size + 1);
    bool known = chain_params_get(&p, BITCOIN, "main");
    ASSERT(known);
    memcpy(text, data, size);
    text[size] = '\0';
    keystore_init(&keys);
    if (descriptor_parse(&list, &p, &keys, text, false, &error)) {
        for (size_t i = 0; i < list.n; i++) {
            check_text(list.items[i], &p);
            check_expansion(list.items[i], &p, &keys);
            check_cache(list.items[i], &p, &keys);
        }
        descriptor_list_clear(&list);
    } else {
        ASSERT(error != NULL);
    }
    free(error);
    keystore_clear(&keys);
    free(text);
    return 0;
}
