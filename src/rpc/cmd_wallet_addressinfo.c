/* getaddressinfo. */
#include <stdlib.h>

#include "chain/script/descriptor.h"
#include "crypto/hash.h"
#include "rpc/json_address.h"
#include "rpc/wallet_args.h"
#include "rpc/wallet_methods.h"
#include "wallet/addressbook.h"
#include "wallet/spkman.h"

/* -- What stands behind an address */

static const struct key_entry *key_of(const struct destination *d,
                                      const struct keystore *known)
{
    switch (d->type) {
    case DEST_PKH:
    case DEST_WPKH:
        return keystore_find_key(known, d->data);
    case DEST_TR: {
        const struct tap_entry *t = keystore_find_taproot(known, d->data);
        return t != NULL ? keystore_find_xonly(known, t->internal) : NULL;
    }
    case DEST_SH: { /* of a nested key */
        struct bytes script;
        struct destination inner;
        if (keystore_find_script(known, d->data, &script) &&
            destination_from_script(&inner, script) && inner.type == DEST_WPKH)
            return keystore_find_key(known, inner.data);
        return NULL;
    }
    case DEST_NONE:
    case DEST_PUBKEY:
    case DEST_WSH:
    case DEST_ANCHOR:
    case DEST_WITNESS_UNKNOWN:
        return NULL;
    }
    return NULL;
}

static bool script_of(const struct destination *d, const struct keystore *known,
                      struct bytes *out)
{
    if (d->type == DEST_SH)
        return keystore_find_script(known, d->data, out);
    return d->type == DEST_WSH && keystore_find_witness_script(known, d->data, out);
}

static void put_details(struct rpc_call *c, const struct destination *d,
                        const struct keystore *known);

/* Returns the key of the embedded address, which stands in the outer one too. */
static void put_embedded(struct rpc_call *c, const struct destination *d,
                         struct bytes script, const struct keystore *known)
{
    char address[ADDRESS_MAX];
    const struct key_entry *k = key_of(d, known);
    if (k != NULL)
        json_kv_hex(c->w, "pubkey", k->pubkey, k->pubkey_len);
    json_key(c->w, "embedded");
    json_begin_object(c->w);
    put_details(c, d, known);
    json_kv_str(c->w, "address", address_encode(address, c->node->params, d));
    json_kv_hex(c->w, "scriptPubKey", script.data, script.len);
    json_end_object(c->w);
}

static void put_multisig(struct rpc_call *c, const struct script_solution *s)
{
    json_kv_uint(c->w, "sigsrequired", s->required);
    json_key(c->w, "pubkeys");
    json_begin_array(c->w);
    for (unsigned i = 0; i < s->n_keys; i++)
        json_hex(c->w, s->keys[i].data, s->keys[i].len);
    json_end_array(c->w);
}

static void put_script(struct rpc_call *c, struct bytes script,
                       const struct keystore *known)
{
    struct script_solution s;
    struct destination inner;
    enum script_type type = script_solve(&s, script);
    json_kv_str(c->w, "script", script_type_name(type));
    json_kv_hex(c->w, "hex", script.data, script.len);
    if (destination_from_script(&inner, script))
        put_embedded(c, &inner, script, known);
    else if (type == SCRIPT_MULTISIG)
        put_multisig(c, &s);
}

static void put_details(struct rpc_call *c, const struct destination *d,
                        const struct keystore *known)
{
    struct bytes script;
    json_address_kind(c->w, d);
    if (script_of(d, known, &script)) {
        put_script(c, script, known);
        return;
    }
    const struct key_entry *k =
        d->type == DEST_PKH || d->type == DEST_WPKH ? key_of(d, known) : NULL;
    if (k == NULL)
        return;
    json_kv_hex(c->w, "pubkey", k->pubkey, k->pubkey_len);
    if (d->type == DEST_PKH)
        json_kv_bool(c->w, "iscompressed", k->pubkey_len == 33);
}

/* -- What the wallet says of it */

struct info {
    struct wallet *w;
    const struct destination *dest;
    struct buf script; /* owned */
    struct spk_place at;
    bool mine;
    struct keystore known;
};

static bool solvable(struct rpc_call *c, const char *text)
{
    struct descriptor_list list;
    char *error = NULL;
    if (!descriptor_parse(&list, c->node->params, NULL, text, false, &error)) {
        free(error);
        return false;
    }
    bool ok = descriptor_is_solvable(list.items[0]);
    descriptor_list_clear(&list);
    return ok;
}

static void put_descriptors(struct rpc_call *c, const struct info *i)
{
    struct buf text = {0};
    descriptor_infer(&text, c->node->params, buf_view(&i->script), &i->known);
    bool can = i->mine && solvable(c, buf_cstr(&text));
    json_kv_bool(c->w, "solvable", can);
    if (can)
        json_kv_str(c->w, "desc", buf_cstr(&text));
    buf_clear(&text);
    if (!i->mine)
        return;
    char *parent = descriptor_to_string_normalized(i->at.desc->desc, c->node->params,
                                                   &i->at.desc->cache, NULL);
    json_kv_str(c->w, "parent_desc", parent != NULL ? parent : i->at.desc->text);
    free(parent);
}

static void put_key_origin(struct rpc_call *c, const struct info *i)
{
    static const uint8_t no_seed[20];
    const struct key_entry *k = key_of(i->dest, &i->known);
    struct buf path = {0};
    if (k == NULL || !k->has_origin)
        return;
    key_origin_path(&path, &k->origin);
    json_kv_int(c->w, "timestamp", i->at.desc->created);
    json_kv_str(c->w, "hdkeypath", buf_cstr(&path));
    json_kv_hex(c->w, "hdseedid", no_seed, sizeof(no_seed));
    json_kv_hex(c->w, "hdmasterfingerprint", k->origin.fingerprint, 4);
    buf_clear(&path);
}

static void put_labels(struct rpc_call *c, const struct address_entry *e)
{
    json_key(c->w, "labels");
    json_begin_array(c->w);
    if (e != NULL && e->label != NULL)
        json_str(c->w, e->label);
    json_end_array(c->w);
}

static void put_info(struct rpc_call *c, const struct info *i)
{
    char address[ADDRESS_MAX];
    const struct address_entry *e = addressbook_find(i->w->book, i->dest);
    bool listed = e != NULL && e->label != NULL;
    json_begin_object(c->w);
    json_kv_str(c->w, "address", address_encode(address, c->node->params, i->dest));
    json_kv_hex(c->w, "scriptPubKey", i->script.data, i->script.len);
    json_kv_bool(c->w, "ismine", i->mine);
    put_descriptors(c, i);
    json_kv_bool(c->w, "iswatchonly", false);
    put_details(c, i->dest, &i->known);
    json_kv_bool(c->w, "ischange", i->mine && !listed);
    if (i->mine)
        put_key_origin(c, i);
    put_labels(c, e);
    json_end_object(c->w);
}

static void describe(struct rpc_call *c, struct wallet *w, const struct destination *d)
{
    struct info i = {.w = w, .dest = d};
    keystore_init(&i.known);
    destination_to_script(&i.script, d);
    i.mine = spkman_find(w->spkman, buf_view(&i.script), &i.at);
    if (i.mine)
        (void)!spkman_keystore(w->spkman, buf_view(&i.script), false, &i.known);
    put_info(c, &i);
    keystore_clear(&i.known);
    buf_clear(&i.script);
}

void rpc_getaddressinfo(struct rpc_call *c)
{
    struct destination d;
    struct address_error e;
    struct wallet *w = rpc_wallet(c);
    if (w == NULL)
        return;
    if (!address_decode(&d, c->node->params, rpc_arg_str(c, 0, ""), &e)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "%s",
                  e.message[0] != '\0' ? e.message : "Invalid address");
    } else {
        wallet_lock(w);
        describe(c, w, &d);
        wallet_unlock(w);
    }
    wallet_unref(w);
}
