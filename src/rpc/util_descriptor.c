#include <stdlib.h>

#include "rpc/descriptor_args.h"
#include "rpc/util_methods.h"

static bool put_addresses_at(struct rpc_call *c, const struct descriptor *d,
                             uint32_t pos, const struct keystore *keys)
{
    const struct chain_params *p = c->node->params;
    struct script_list scripts;
    if (!descriptor_expand(d, p, pos, keys, &scripts, NULL)) {
        rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                  "Cannot derive script without private keys");
        return false;
    }
    for (size_t i = 0; i < scripts.n && !c->failed; i++) {
        struct destination dest;
        char address[ADDRESS_MAX];
        if (destination_from_script(&dest, buf_view(&scripts.items[i])))
            json_str(c->w, address_encode(address, p, &dest));
        else if (scripts.n == 1 || dest.type != DEST_PUBKEY) /* combo() has a P2PK */
            rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY,
                      "Descriptor does not have a corresponding address");
    }
    script_list_clear(&scripts);
    return !c->failed;
}

static void put_addresses(struct rpc_call *c, const struct descriptor *d,
                          const struct desc_range *r, const struct keystore *keys)
{
    json_begin_array(c->w);
    for (uint64_t pos = r->begin; pos <= r->end; pos++) {
        if (!put_addresses_at(c, d, (uint32_t)pos, keys))
            return;
    }
    json_end_array(c->w);
}

static void derive(struct rpc_call *c, const struct descriptor_list *list,
                   const struct keystore *keys)
{
    struct desc_range range = {0, 0};
    const struct json *v = rpc_arg(c, 1);
    bool ranged = descriptor_is_range(list->items[0]);
    if (!ranged && v != NULL)
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Range should not be specified for an un-ranged descriptor");
    else if (ranged && v == NULL)
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Range must be specified for a ranged descriptor");
    if (c->failed || (v != NULL && !rpc_to_desc_range(c, v, &range)))
        return;
    if (list->n > 1)
        json_begin_array(c->w);
    for (size_t i = 0; i < list->n && !c->failed; i++)
        put_addresses(c, list->items[i], &range, keys);
    if (list->n > 1 && !c->failed)
        json_end_array(c->w);
}

void rpc_deriveaddresses(struct rpc_call *c)
{
    struct descriptor_list list;
    struct keystore keys;
    struct desc_range range;
    if (rpc_arg(c, 1) != NULL && !rpc_to_desc_range(c, rpc_arg(c, 1), &range))
        return;
    keystore_init(&keys);
    if (rpc_to_descriptors(c, rpc_arg_str(c, 0, ""), &keys, true, &list)) {
        derive(c, &list, &keys);
        descriptor_list_clear(&list);
    }
    keystore_clear(&keys);
}

static void put_descriptor(struct rpc_call *c, const struct descriptor *d)
{
    char *text = descriptor_to_string(d, c->node->params);
    json_str(c->w, text);
    free(text);
}

static void put_descriptor_info(struct rpc_call *c, const struct descriptor_list *list,
                                bool has_private_keys)
{
    const char *text = rpc_arg_str(c, 0, "");
    char sum[9] = "";
    json_begin_object(c->w);
    json_key(c->w, "descriptor");
    put_descriptor(c, list->items[0]);
    if (list->n > 1) {
        json_key(c->w, "multipath_expansion");
        json_begin_array(c->w);
        for (size_t i = 0; i < list->n; i++)
            put_descriptor(c, list->items[i]);
        json_end_array(c->w);
    }
    if (descriptor_checksum(sum, text, strcspn(text, "#")))
        json_kv_str(c->w, "checksum", sum);
    json_kv_bool(c->w, "isrange", descriptor_is_range(list->items[0]));
    json_kv_bool(c->w, "issolvable", descriptor_is_solvable(list->items[0]));
    json_kv_bool(c->w, "hasprivatekeys", has_private_keys);
    json_end_object(c->w);
}

void rpc_getdescriptorinfo(struct rpc_call *c)
{
    struct descriptor_list list;
    struct keystore keys;
    keystore_init(&keys);
    if (rpc_to_descriptors(c, rpc_arg_str(c, 0, ""), &keys, false, &list)) {
        put_descriptor_info(c, &list, keys.n_keys > 0);
        descriptor_list_clear(&list);
    }
    keystore_clear(&keys);
}
