#include <stdio.h>
#include <stdlib.h>

#include "net/internal.h"

static const struct {
    const char *names[2];
    unsigned perm;
} permissions[] = {
    {{"bloomfilter", "bloom"}, PERM_BLOOM},
    {{"noban"}, PERM_NOBAN},
    {{"forcerelay"}, PERM_FORCE_RELAY},
    {{"relay"}, PERM_RELAY},
    {{"mempool"}, PERM_MEMPOOL},
    {{"download"}, PERM_DOWNLOAD},
    {{"addr"}, PERM_ADDR},
};

size_t net_permission_names(unsigned perms, const char *out[8])
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
        if ((perms & permissions[i].perm) == permissions[i].perm)
            out[n++] = permissions[i].names[0];
    return n;
}

static bool same_word(const char *word, size_t len, const char *name)
{
    return name && strlen(name) == len && memcmp(word, name, len) == 0;
}

static bool add_word(unsigned *perms, bool *in, bool *out, const char *word, size_t len)
{
    if (same_word(word, len, "all")) {
        *perms |= PERM_ALL;
        return true;
    }
    if (same_word(word, len, "in"))
        return *in = true;
    if (out && same_word(word, len, "out"))
        return *out = true;
    for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
        for (size_t k = 0; k < 2; k++)
            if (same_word(word, len, permissions[i].names[k])) {
                *perms |= permissions[i].perm;
                return true;
            }
    return len == 0;
}

/* "noban,relay@rest", or just rest. @out NULL: that direction makes no sense here. */
static const char *parse_words(const char *text, unsigned *perms, bool *in, bool *out,
                               char **error)
{
    const char *at = strchr(text, '@');
    *perms = 0;
    if (!at) {
        *perms = PERM_IMPLICIT;
        return text;
    }
    for (const char *word = text; word <= at;) {
        size_t len = strcspn(word, ",@");
        if (!out && same_word(word, len, "out")) {
            *error = xstrdup("whitebind may only be used for incoming connections "
                             "(\"out\" was passed)");
            return NULL;
        }
        if (!add_word(perms, in, out, word, len)) {
            *error = xasprintf("Invalid P2P permission: '%.*s'", (int)len, word);
            return NULL;
        }
        word += len + 1;
    }
    if ((*in || (out && *out)) && !*perms) {
        *error = xasprintf("Only direction was set, no permissions: \"%s\"", text);
        return NULL;
    }
    return at + 1;
}

bool whitelist_parse(struct whitelist_entry *out, const char *text, char **error)
{
    *out = (struct whitelist_entry){0};
    const char *net = parse_words(text, &out->perms, &out->in, &out->out, error);
    if (!net)
        return false;
    if (!out->in && !out->out)
        out->in = true;
    if (subnet_parse(&out->net, net))
        return true;
    *error = xasprintf("Invalid netmask specified in -whitelist: '%s'", net);
    return false;
}

bool whitebind_parse(struct whitebind *out, const char *text, char **error)
{
    bool in = false;
    *out = (struct whitebind){0};
    const char *at = parse_words(text, &out->perms, &in, NULL, error);
    if (!at)
        return false;
    if (!endpoint_parse(&out->at, at, 0)) {
        *error = xasprintf("Cannot resolve -whitebind address: '%s'", at);
        return false;
    }
    if (out->at.port)
        return true;
    *error = xasprintf("Need to specify a port with -whitebind: '%s'", at);
    return false;
}

unsigned perms_resolve(const struct net_options *opt, unsigned perms)
{
    if (!(perms & PERM_IMPLICIT))
        return perms;
    perms &= ~(unsigned)PERM_IMPLICIT;
    if (opt->whitelist_force_relay)
        perms |= PERM_FORCE_RELAY;
    if (opt->whitelist_relay)
        perms |= PERM_RELAY;
    return perms | PERM_MEMPOOL | PERM_NOBAN;
}

unsigned whitelist_perms(struct net *net, const struct endpoint *e, bool inbound)
{
    unsigned perms = 0;
    for (size_t i = 0; i < net->n_whitelist; i++) {
        const struct whitelist_entry *w = &net->whitelist[i];
        if ((inbound ? w->in : w->out) && subnet_contains(&w->net, e))
            perms |= w->perms;
    }
    return perms_resolve(&net->opt, perms);
}
