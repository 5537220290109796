/* Scripts of consecutive positions as the file keeps them. For each position: u8 how
 * many, then each with its length as a CompactSize in front. */
#ifndef OCHRE_WALLET_SCRIPT_CHUNK_H
#define OCHRE_WALLET_SCRIPT_CHUNK_H

#include "chain/script/descriptor.h"

void script_chunk_append(struct buf *chunk, const struct script_list *scripts);
/* Calls fn for each script with its position, counted from @first; false to stop.
 * Returns false when the bytes are damaged. */
NODISCARD bool
script_chunk_each(struct bytes chunk, uint32_t first,
                  bool (*fn)(void *ctx, uint32_t pos, struct bytes script), void *ctx);

#endif
