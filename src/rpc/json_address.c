#include "rpc/json_address.h"

void json_address_kind(struct json_writer *w, const struct destination *d)
{
    bool script = d->type == DEST_SH || d->type == DEST_WSH || d->type == DEST_TR ||
                  d->type == DEST_ANCHOR;
    if (d->type != DEST_WITNESS_UNKNOWN)
        json_kv_bool(w, "isscript", script);
    json_kv_bool(w, "iswitness", destination_is_witness(d));
    if (!destination_is_witness(d) || d->type == DEST_ANCHOR)
        return;
    json_kv_int(w, "witness_version", d->version);
    json_kv_hex(w, "witness_program", d->data, d->len);
}
