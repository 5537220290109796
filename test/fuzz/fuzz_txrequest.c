/* Any sequence of announcements, answers, time-outs and departures, against a model. */
#include "../unit/txrequest_model.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct txrequest *t = txrequest_new();
    struct model m = {.now = 100};
    struct source src = source_of_input(data, size);
    while (src.left) {
        model_step(&m, t, &src);
        model_compare(&m, t);
    }
    txrequest_free(t);
    return 0;
}
