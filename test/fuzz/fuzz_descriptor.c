/* Any text as a descriptor: what is accepted prints as a text that reads back the same,
 * and what it expands to can be described again. */
#include "fuzz.h"

#include <stdlib.h>

#include "chain/script/descriptor.h"
#include "crypto/secp.h"
#include "util/mem.h"

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
