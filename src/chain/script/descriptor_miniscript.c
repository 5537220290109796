/* Miniscript in descriptors. */
#include <stdlib.h>

#include "chain/script/descriptor_impl.h"
#include "crypto/sha256.h"
#include "util/mem.h"

/* -- Parsing -- */

struct key_reader {
    struct desc_parser *p;
    struct descriptor *d;
    enum descriptor_place place;
    size_t paths;
    bool paths_differ;
};

static bool read_key(void *ctx, const char *text, size_t len)
{
    struct key_reader *r = ctx;
    size_t paths;
    if (!key_expr_parse(r->p, descriptor_add_key(r->d), (struct span){text, len},
                        r->place, &paths))
        return false;
    r->paths_differ |= !join_paths(&r->paths, paths);
    return true;
}

/* What tells one key from another: the first public key that it stands for, or, behind
 * hardened steps, a hash of its text. */
struct key_identity {
    uint8_t bytes[33];
};

static void identify(struct key_identity *out, const struct key_expr *k,
                     const struct chain_params *params)
{
    const struct derivation first = {params, 0, NULL, NULL, NULL};
    uint8_t pubkey[65], len;
    struct buf text = {0};
    const struct desc_printer t = {&text, params, TEXT_PUBLIC, NULL, NULL};
    if (key_expr_derive(&first, k, pubkey, &len)) {
        memcpy(out->bytes, pubkey, 33);
        return;
    }
    key_expr_print(&t, k);
    out->bytes[0] = 0xff;
    sha256(out->bytes + 1, text.data, text.len);
    buf_clear(&text);
}

static int compare_identities(void *ctx, uint32_t a, uint32_t b)
{
    const struct key_identity *ids = ctx;
    return memcmp(ids[a].bytes, ids[b].bytes, sizeof(ids[a].bytes));
}

static void find_duplicates(struct descriptor *d, const struct chain_params *params)
{
    struct key_identity *ids = xcalloc(d->n_keys + 1, sizeof(*ids));
    for (size_t i = 0; i < d->n_keys; i++)
        identify(&ids[i], &d->keys[i], params);
    miniscript_find_duplicates(d->ms, compare_identities, ids);
    free(ids);
}

static bool print_key(void *ctx, struct buf *out, uint32_t key)
{
    const struct key_reader *r = ctx;
    const struct desc_printer t = {out, r->p->params, TEXT_PUBLIC, NULL, NULL};
    return key_expr_print(&t, &r->d->keys[key]);
}

static bool fail_with_part(struct key_reader *r, const struct ms_node *part,
                           const char *fault)
{
    struct buf text = {0};
    miniscript_print(&text, r->d->ms, part, print_key, r);
    buf_append_str(&text, fault);
    free(r->p->error);
    r->p->error = (char *)buf_take(&text, NULL);
    return false;
}

static bool check(struct key_reader *r, enum descriptor_place place)
{
    const struct ms_node *part;
    if (place != IN_WSH && place != IN_TR)
        return desc_fail(r->p, "Miniscript expressions can only be used in wsh or tr.");
    find_duplicates(r->d, r->p->params);
    const char *fault = miniscript_fault(r->d->ms, &part);
    if (fault != NULL)
        return fail_with_part(r, part, fault);
    return !r->paths_differ ||
           desc_fail(r->p,
                     "Miniscript: Multipath derivation paths have mismatched lengths");
}

struct descriptor *descriptor_parse_miniscript(struct desc_parser *p, struct span text,
                                               enum descriptor_place place,
                                               size_t *paths)
{
    struct key_reader r = {.p = p,
                           .d = descriptor_new(DESC_MINISCRIPT),
                           .place = place == IN_WSH ? IN_WSH : IN_TR,
                           .paths = 1};
    r.d->ms = xmalloc(sizeof(*r.d->ms));
    miniscript_init(r.d->ms, place == IN_WSH ? MS_WSH : MS_TAPSCRIPT);
    if (miniscript_parse(r.d->ms, text.p, text.n, read_key, &r) && check(&r, place)) {
        *paths = r.paths;
        return r.d;
    }
    descriptor_free(r.d);
    return NULL;
}

/* -- Printing and expansion -- */

struct key_printer {
    const struct desc_printer *t;
    const struct descriptor *d;
};

static bool print_form(void *ctx, struct buf *out UNUSED, uint32_t key)
{
    const struct key_printer *k = ctx;
    return key_expr_print(k->t, &k->d->keys[key]);
}

bool descriptor_print_miniscript(const struct desc_printer *t,
                                 const struct descriptor *d)
{
    struct key_printer k = {t, d};
    return miniscript_print(t->out, d->ms, miniscript_root(d->ms), print_form, &k);
}

void descriptor_put_miniscript(struct buf *out, const struct descriptor *d,
                               const struct derived_key *keys)
{
    struct ms_key *ms_keys = xcalloc(d->n_keys + 1, sizeof(*ms_keys));
    for (size_t i = 0; i < d->n_keys; i++)
        ms_key_set(&ms_keys[i], d->ms->context, keys[i].key);
    miniscript_to_script(out, d->ms, ms_keys);
    free(ms_keys);
}
