/* What every fuzz target needs. A target reads its input, and when that is accepted, writes it
 * again and demands the same bytes or the same meaning; anything else stops it with ASSERT. */
#ifndef OCHRE_TEST_FUZZ_H
#define OCHRE_TEST_FUZZ_H

#include "util/err.h"

/* Called once before the first input; optional. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
