#include "rpc/json_net.h"

#include <inttypes.h>
#include <stdio.h>

#include "net/net.h"

void rpc_write_services(struct json_writer *w, const char *key, const char *names_key,
                        uint64_t services)
{
    char text[32];
    snprintf(text, sizeof(text), "%016" PRIx64, services);
    json_kv_str(w, key, text);
    json_key(w, names_key);
    json_begin_array(w);
    for (unsigned bit = 0; bit < 64; bit++)
        if (services >> bit & 1)
            json_str(w, service_name(text, bit));
    json_end_array(w);
}
