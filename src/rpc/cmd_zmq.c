/* getzmqnotifications. */
#include "io/zmq_outlet.h"
#include "rpc/method.h"
#include "util/mem.h"

static void getzmqnotifications(struct rpc_call *c)
{
    size_t n;
    const struct zmq_publication *list = zmq_outlet_list(c->node->zmq, &n);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(c->w);
        json_kv_str(c->w, "type", arena_printf(c->mem, "pub%s", list[i].topic));
        json_kv_str(c->w, "address", list[i].address);
        json_kv_int(c->w, "hwm", list[i].hwm);
        json_end_object(c->w);
    }
    json_end_array(c->w);
}

static const struct rpc_method methods[] = {
    {
        .name = "getzmqnotifications",
        .help = "The ZeroMQ notifications that are switched on.",
        .results = RESULTS(
            {R_ARR, "", "",
             RESULTS({R_OBJ, "", "",
                      RESULTS({R_STR, "type", "The kind: pubhashblock, ..."},
                              {R_STR, "address", "Where they are published"},
                              {R_NUM, "hwm",
                               "Messages kept for a subscriber who is slow"})})}),
        .examples = EXAMPLES(""),
        .fn = getzmqnotifications,
    },
};

const struct rpc_table rpc_zmq_table = {"Zmq", methods, ARRAY_LEN(methods)};
