/* Any text as address, as private key, and as script text, on every network. */
#include "fuzz.h"

#include <stdlib.h>
#include <strings.h>

#include "chain/script/address.h"
#include "crypto/secp.h"
#include "util/mem.h"

static void check_address(const struct chain_params *p, const char *text)
{
    struct destination d, back;
    struct address_error e;
    struct buf script = {0};
    char again[ADDRESS_MAX];
    if (!address_decode(&d, p, text, &e)) {
        ASSERT(e.message[0] != '\0' && e.n_locations <= ARRAY_LEN(e.locations));
        return;
    }
    destination_to_script(&script, &d);
    bool ok = destination_from_script(&back, buf_view(&script));
    ASSERT(ok && destination_equal(&d, &back));
    address_encode(again, p, &d);
    ok = address_decode(&back, p, again, NULL);
    ASSERT(ok && destination_equal(&d, &back));
    buf_clear(&script);
}

static void check_key(const struct chain_params *p, const char *text)
{
    struct privkey key, back;
    char again[64];
    if (!wif_decode(&key, p, text))
        return;
    wif_encode(again, p, &key);
    bool ok = wif_decode(&back, p, again);
    ASSERT(ok && memcmp(key.secret, back.secret, 32) == 0 &&
           key.compressed == back.compressed);
}

static void check_script_text(const char *text)
{
    const char *error;
    struct buf script = {0};
    if (!script_from_text(&script, text, &error))
        ASSERT(error != NULL);
    buf_clear(&script);
}

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
    secp_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        enum personality personality;
        const char *name;
    } networks[] = {{BITCOIN, "main"}, {BITCOIN, "regtest"}, {OCHRE, "main"},
                    {OCHRE, "regtest"}};
    char *text = xmalloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
        struct chain_params p;
        bool known = chain_params_get(&p, networks[i].personality, networks[i].name);
        ASSERT(known);
        check_address(&p, text);
        check_key(&p, text);
    }
    check_script_text(text);
    free(text);
    return 0;
}
