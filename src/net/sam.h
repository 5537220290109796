/* SAM 3.1, the bridge to I2P: its replies, its base64, and what addresses its
 * destinations have. Pure. */
#ifndef OCHRE_NET_SAM_H
#define OCHRE_NET_SAM_H

#include "io/netaddr.h"

#define SAM_MAX_LINE 65536

/* The value of @key in "WORD WORD KEY=value KEY=value"; of equal keys the first counts.
 * False: it is not there; *value is then empty. */
bool sam_value(struct buf *value, const char *reply, const char *key);
bool sam_result_is(const char *reply, const char *result); /* RESULT=... */

/* Base64 with - and ~ for + and /. */
void sam_base64_append(struct buf *out, const void *data, size_t len);
/* Appends; false leaves out as it was. */
NODISCARD bool sam_base64_decode(struct buf *out, const char *text, size_t len);

/* How many octets of a private key are its destination, by the length of the
 * certificate inside; 0: it is too short for that. */
size_t sam_destination_size(struct bytes private_key);
/* The .b32.i2p address of a destination, port 0. */
struct netaddr sam_address(struct bytes destination);
/* The same of its base64, up to a blank. False: that is no destination. */
NODISCARD bool sam_address_parse(struct netaddr *out, const char *text);

#endif
