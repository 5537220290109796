/* Descriptors as arguments: ranges, scan objects. */
#ifndef OCHRE_RPC_DESCRIPTOR_ARGS_H
#define OCHRE_RPC_DESCRIPTOR_ARGS_H

#include "chain/script/descriptor.h"
#include "rpc/method.h"

struct desc_range {
    uint32_t begin, end; /* both included */
};

/* n or [begin, end]; -8 with bitcoind's texts. */
NODISCARD bool rpc_to_desc_range(struct rpc_call *c, const struct json *v,
                                 struct desc_range *out);
/* The same without a call: NULL, or the sentence of the error with its code. */
const char *desc_range_read(const struct json *v, struct desc_range *out,
                            enum rpc_code *code);
/* -5 with what is wrong. */
NODISCARD bool rpc_to_descriptors(struct rpc_call *c, const char *text,
                                  struct keystore *keys, bool require_checksum,
                                  struct descriptor_list *out);

/* The argument that lists what rpc_each_scan_script takes. */
#define SCAN_OBJECTS_PARAM                                                             \
    {                                                                                  \
        "scanobjects", P_ARR, P_OPTIONAL,                                              \
            .help = "What to look for (start)",                                        \
            .inner = PARAMS(                                                           \
                {"descriptor", P_STR, P_OPTIONAL, .help = "A descriptor"},             \
                {"", P_OBJ, P_OPTIONAL,                                                \
                 .inner = PARAMS({"desc", P_STR, .help = "A descriptor with *"},       \
                                 {"range", P_RANGE, .def = "1000",                     \
                                  .help = "Its last index, or [first, last]"})})       \
    }

/* A descriptor, or {"desc": .., "range": ..}: calls fn for each script it stands for,
 * with what is known about it. fn returns false to stop with an error of its own. */
NODISCARD bool rpc_each_scan_script(struct rpc_call *c, const struct json *object,
                                    bool (*fn)(void *ctx, struct bytes script,
                                               const struct keystore *known),
                                    void *ctx);
/* The same, only gathering: keys (private ones too) and scripts. */
NODISCARD bool rpc_scan_keys(struct rpc_call *c, const struct json *object,
                             struct keystore *known);

#endif
