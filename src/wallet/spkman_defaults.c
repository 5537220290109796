/* The descriptors of a new wallet: BIP 44, 49, 84 and 86, account 0. */
#include <stdlib.h>

#include "crypto/secret.h"
#include "util/mem.h"
#include "wallet/spkman_impl.h"

static const struct {
    enum output_type type;
    uint32_t purpose;
    const char *open, *close;
} templates[] = {
    {OUTPUT_LEGACY, 44, "pkh(", ")"},
    {OUTPUT_P2SH_SEGWIT, 49, "sh(wpkh(", "))"},
    {OUTPUT_BECH32, 84, "wpkh(", ")"},
    {OUTPUT_BECH32M, 86, "tr(", ")"},
};

static char *default_text(const struct chain_params *p, const struct bip32_key *master,
                          size_t i, bool internal)
{
    char xpub[112];
    struct bip32_key public;
    bip32_neuter(&public, master);
    bip32_format(xpub, &public, p->prefixes.xpub, false);
    return xasprintf("%s%s/%uh/%uh/0h/%d/*%s", templates[i].open, xpub,
                     templates[i].purpose, p->bip44_coin_type, internal,
                     templates[i].close);
}

static bool add_default(struct spkman *m, const struct keystore *keys, const char *text,
                        int64_t created, bool internal, struct wallet_error *e)
{
    struct descriptor_list list;
    char *error = NULL;
    ASSERT(descriptor_parse(&list, spkman_params(m), NULL, text, false, &error));
    struct spkman_import it = {
        .take_desc = list.items[0],
        .keys = keys,
        .created = created,
        .range_end = m->w->opt->keypool,
        .active = true,
        .internal = internal,
    };
    free(list.items);
    return spkman_import(m, &it, 1, e);
}

static bool add_template(struct spkman *m, const struct bip32_key *master, size_t i,
                         bool internal, int64_t created, struct wallet_error *e)
{
    struct keystore keys;
    char *text = default_text(spkman_params(m), master, i, internal);
    keystore_init(&keys);
    keystore_add_key(&keys, bytes_of(master->pubkey, 33),
                     master->is_private ? master->secret : NULL, NULL);
    bool ok = add_default(m, &keys, text, created, internal, e);
    keystore_clear(&keys);
    free(text);
    return ok;
}

bool spkman_setup_defaults(struct spkman *m, const struct bip32_key *master,
                           int64_t created, struct wallet_error *e)
{
    bool ok = true;
    store_begin(m->w->store);
    for (size_t i = 0; ok && i < 2 * ARRAY_LEN(templates); i++)
        ok = add_template(m, master, i % ARRAY_LEN(templates),
                          i >= ARRAY_LEN(templates), created, e);
    return wallet_wrote(m->w, store_end(m->w->store, ok ? ERR_OK : ERR_CLOSED), e) &&
           ok;
}

bool spkman_add_default(struct spkman *m, const struct bip32_key *master,
                        enum output_type type, bool internal, int64_t created,
                        const struct wallet_desc **out, struct wallet_error *e)
{
    struct descriptor_list list;
    struct hash256 id;
    char *error = NULL;
    char *text = default_text(spkman_params(m), master, type, internal);
    ASSERT(descriptor_parse(&list, spkman_params(m), NULL, text, false, &error));
    free(text);
    struct wallet_desc *probe = wallet_desc_new(m, list.items[0]);
    free(list.items);
    id = probe->id;
    wallet_desc_free(probe);
    if (spkman_find_desc(m, &id) != NULL) {
        *out = NULL;
        return wallet_fail(e, WALLET_ALREADY_EXISTS, "Descriptor already exists");
    }
    if (!add_template(m, master, type, internal, created, e))
        return false;
    *out = spkman_find_desc(m, &id);
    return true;
}
