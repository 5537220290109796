/* Addresses in replies. */
#ifndef OCHRE_RPC_JSON_ADDRESS_H
#define OCHRE_RPC_JSON_ADDRESS_H

#include "chain/script/address.h"
#include "util/json.h"

/* "isscript", "iswitness", "witness_version", "witness_program". */
void json_address_kind(struct json_writer *w, const struct destination *d);

#endif
