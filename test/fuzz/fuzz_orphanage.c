/* Any sequence of orphans, parents, blocks and departures, against a model. */
#include "../unit/orphanage_model.h"
#include "fuzz.h"

static struct model family; /* the same transactions for every input */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct source src = source_of_seed(1);
    (void)argc;
    (void)argv;
    family.now = 1000;
    model_init(&family, &src);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rng rng;
    rng_seed(&rng, 1);
    struct orphanage *o = orphanage_new(NULL, &rng, MODEL_MAX);
    struct model m = family;
    struct source src = source_of_input(data, size);
    while (src.left) {
        model_step(&m, o, &src);
        model_compare(&m, o);
    }
    orphanage_free(o);
    return 0;
}
