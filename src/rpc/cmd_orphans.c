/* Transactions that wait for their inputs. */
#include "chain/prim/tx.h"
#include "net/net.h"
#include "rpc/method.h"

static void write_orphan(struct json_writer *w, const struct net_orphan *o, bool hex)
{
    const struct tx *tx = o->tx;
    json_begin_object(w);
    json_kv_hash(w, "txid", &tx->txid);
    json_kv_hash(w, "wtxid", &tx->wtxid);
    json_kv_int(w, "bytes", tx->total_size);
    json_kv_int(w, "vsize", tx_vsize(tx));
    json_kv_int(w, "weight", tx_weight(tx));
    json_key(w, "from");
    json_begin_array(w);
    for (size_t i = 0; i < o->n_peers; i++)
        json_int(w, o->peers[i]);
    json_end_array(w);
    if (hex) {
        json_key(w, "hex");
        json_hex(w, tx->raw.data, tx->raw.len);
    }
    json_end_object(w);
}

static bool read_verbosity(struct rpc_call *c, int32_t *out)
{
    const struct json *v = rpc_arg(c, 0);
    *out = 0;
    if (v && v->type == JSON_BOOL) {
        rpc_error(c, RPC_TYPE_ERROR, "Verbosity was boolean but only integer allowed");
        return false;
    }
    if (v && (!rpc_want(c, v, JSON_NUMBER) || !rpc_arg_i32(c, 0, out)))
        return false;
    if (*out >= 0 && *out <= 2)
        return true;
    rpc_error(c, RPC_INVALID_PARAMETER, "Invalid verbosity value %d", *out);
    return false;
}

static void getorphantxs(struct rpc_call *c)
{
    int32_t verbosity;
    size_t n;
    if (!read_verbosity(c, &verbosity))
        return;
    struct net_orphan *list = net_orphans(c->node->net, &n);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++) {
        if (verbosity)
            write_orphan(c->w, &list[i], verbosity == 2);
        else
            json_hash(c->w, &list[i].tx->txid);
    }
    json_end_array(c->w);
    net_orphans_free(list, n);
}

static const struct rpc_method methods[] = {
    {
        .name = "getorphantxs",
        .help = "Transactions that peers sent us and whose inputs we do not know yet, "
                "oldest first.",
        .params = PARAMS({"verbosity", P_NUM, P_NO_TYPE_CHECK, .def = "0",
                          .help = "0: ids, 1: described, 2: also serialised"}),
        .results =
            RESULTS({R_ARR, "", "", RESULTS({R_HEX, "", "Transaction id"}),
                     .when = "for verbosity = 0"},
                    {R_ARR, "", "",
                     RESULTS({R_OBJ, "", "",
                              RESULTS({R_HEX, "txid", "Transaction id"},
                                      {R_HEX, "wtxid", "Hash with its witness"},
                                      {R_NUM, "bytes", "Serialised size with witness"},
                                      {R_NUM, "vsize", "Virtual size"},
                                      {R_NUM, "weight", "Weight"},
                                      {R_ARR, "from", "Peers that have it",
                                       RESULTS({R_NUM, "", "Peer id"})},
                                      {R_HEX, "hex", "Serialised, for verbosity = 2",
                                       .optional = true})}),
                     .when = "for verbosity = 1 and 2"}),
        .examples = EXAMPLES("2"),
        .fn = getorphantxs,
        .hidden = true,
    },
};

const struct rpc_table rpc_orphans_table = {"Network", methods, ARRAY_LEN(methods),
                                            .public_replies = true};
