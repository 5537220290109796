#include "chain/script/script_error.h"

#include <string.h>

const char *script_error_text(enum script_error e)
{
    static const char *const texts[] = {
#define X(name, text) text,
#include "chain/script/script_error.def"
#undef X
    };
    ASSERT(e < SCRIPT_ERR_COUNT);
    return texts[e];
}

const char *script_error_name(enum script_error e)
{
    static const char *const names[] = {
#define X(name, text) #name,
#include "chain/script/script_error.def"
#undef X
    };
    ASSERT(e < SCRIPT_ERR_COUNT);
    return names[e];
}

static bool flag_by_name(uint32_t *out, const char *name, size_t len)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } flags[] = {
        {"NONE", 0},
#define X(e, bit) {#e, SCRIPT_VERIFY_##e},
#include "chain/script/script_flags.def"
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (strlen(flags[i].name) == len && memcmp(flags[i].name, name, len) == 0) {
            *out |= flags[i].flag;
            return true;
        }
    }
    return false;
}

bool script_flags_parse(uint32_t *out, const char *text)
{
    uint32_t flags = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        if (!flag_by_name(&flags, text, len))
            return false;
        text += len;
        text += *text == ',';
    }
    *out = flags;
    return true;
}
