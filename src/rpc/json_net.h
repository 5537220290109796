/* What several network methods show alike. */
#ifndef OCHRE_RPC_JSON_NET_H
#define OCHRE_RPC_JSON_NET_H

#include "util/json.h"

/* Service bits as 16 hex digits under @key, and their names under @names_key. */
void rpc_write_services(struct json_writer *w, const char *key, const char *names_key,
                        uint64_t services);

/* Their documentation. */
#define R_SERVICES(key, names)                                                         \
    {R_HEX, key, "Services offered, 16 hex digits"},                                   \
    {                                                                                  \
        R_ARR, names, "The services by name",                                          \
            RESULTS({R_STR, "", "Name of a service"})                                  \
    }

#endif
