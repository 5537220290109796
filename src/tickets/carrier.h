/* The carrier: the one output of a transaction that is ticket and burn
 * (doc/spec/tickets.md).
 *
 *   0  1   6a (OP_RETURN)
 *   1  ..  one minimal push to the end of the script, of the payload:
 *          0  4  "OCHR"
 *          4  1  version
 *          5  1  kind
 *          6  .. fields, as version and kind say
 */
#ifndef OCHRE_TICKETS_CARRIER_H
#define OCHRE_TICKETS_CARRIER_H

#include "chain/prim/tx.h"

#define CARRIER_HEAD    6
#define CARRIER_MAX     16384
#define CARRIER_VERSION 1

/* False: no carrier. *payload is borrowed from the script. */
bool carrier_parse(struct bytes script, struct bytes *payload);
void carrier_build(struct buf *script, struct bytes payload);
/* How many carriers the transaction has; *first is the output of the first, *payload
 * its. */
size_t carrier_find(const struct tx *tx, uint32_t *first, struct bytes *payload);

#endif
