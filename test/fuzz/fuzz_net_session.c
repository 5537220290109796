/* The life of connections: any sequence of messages from a few peers, on a real regtest chain.
 * Input: per message u8 peer and flags, u8 type, u16 payload size, payload. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "chain/prim/coin.h"
#include "crypto/secp.h"
#include "net/internal.h"
#include "util/fs.h"
#include "util/pool.h"

#define PEERS 3

static struct chain_params params;
static struct clock fuzz_clock;
static struct loop *loop;
static struct pool *workers;
static struct chainman *cm;
static struct mempool *mp;
static struct net *net;
static char dir[] = "/tmp/ochre-fuzz-net-XXXXXX";

static void ignore_stop(void *ctx, const char *fatal)
{
    (void)ctx;
    (void)fatal;
}

static void clean_up(void)
{
    net_stop(net);
    chainman_close(cm);
    net_free(net);
    mempool_free(mp);
    loop_stop(loop);
    loop_free(loop);
    pool_free(workers);
    ASSERT(fs_remove_tree(dir) == ERR_OK);
}

static void open_node(void)
{
    char *error = NULL, blocks[64];
    secp_init();
    ASSERT(mkdtemp(dir) && chain_params_get(&params, BITCOIN, "regtest"));
    clock_init(&fuzz_clock);
    clock_set_mock(&fuzz_clock, params.genesis.time + 600);
    snprintf(blocks, sizeof(blocks), "%s/blocks", dir);
    workers = pool_new(0, "fuzz");
    struct chainman_options co = {
        .params = &params,
        .clock = &fuzz_clock,
        .workers = workers,
        .datadir = dir,
        .blocksdir = blocks,
        .dbcache = 4 << 20,
        .max_tip_age = 24 * 60 * 60,
        .sigcache_bytes = 1 << 20,
        .request_stop = ignore_stop,
    };
    ASSERT(chainman_open(&cm, &co, &error) == ERR_OK);
    struct mempool_options mo = mempool_default_options();
    mo.clock = &fuzz_clock;
    mp = mempool_new(cm, &mo);
    loop = loop_new(NULL);
    ASSERT(loop_start(loop, "loop") == ERR_OK);
    struct net_options no = {
        .loop = loop,
        .chainman = cm,
        .mempool = mp,
        .clock = &fuzz_clock,
        .params = &params,
        .datadir = dir,
        .user_agent = "/Fuzz/",
        .port = 1,
        .connect_only = true,
        .max_connections = 125,
        .max_receive_buffer = 5000000,
        .max_send_buffer = 1000000,
        .max_orphans = 10,
        .extra_txn = 10,
        .bloom_filters = true,
        .peer_timeout_s = 60,
        .connect_timeout_ms = 5000,
        .network_active = true,
    };
    ASSERT(net_open(&net, &no, &error) == ERR_OK);
    chainman_start_import(cm);
    atexit(clean_up);
}

struct input {
    const uint8_t *data;
    size_t size;
};

static struct peer *add_peer(unsigned n)
{
    static const enum conn_type kinds[PEERS] = {CONN_INBOUND, CONN_OUTBOUND_FULL,
                                                CONN_BLOCK_RELAY};
    struct netaddr a;
    char text[32];
    snprintf(text, sizeof(text), "1.2.%u.4:8333", n);
    ASSERT(netaddr_parse(&a, text, 1));
    net_resume(net);
    struct peer *p = peer_new(net, NULL, &a, kinds[n], false, n == 0 ? PERM_NOBAN : 0);
    net->peers = xrealloc_array(net->peers, net->n_peers + 1, sizeof(*net->peers));
    net->peers[net->n_peers++] = p;
    if (!peer_inbound(p))
        handshake_begin(p);
    net_release(net);
    return p;
}

static void step(struct peer *p, enum msg_type type, struct bytes payload)
{
    struct message *m = xcalloc(1, sizeof(*m));
    m->type = type;
    m->time_us = net_now_us(net);
    snprintf(m->name, sizeof(m->name), "%s", msg_type_name(type));
    buf_append(&m->payload, payload.data, payload.len);
    net_resume(net);
    process_message(net, p, m);
    while (p->n_getdata > p->getdata_at && !p->disconnect)
        serve_getdata(p);
    while (txs_process_orphans(p))
        ;
    for (size_t i = 0; i < net->n_peers; i++)
        send_messages(net, net->peers[i]);
    net_release(net);
    message_free(m);
}

static void handshake(struct peer *p)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    struct msg_version v = {.version = PROTOCOL_VERSION, .nonce = 5, .relay = true,
                            .services = NODE_NETWORK | NODE_WITNESS};
    msg_version_write(&s, &v);
    step(p, MSG_VERSION, buf_view(&b));
    step(p, MSG_VERACK, bytes_of(NULL, 0));
    buf_clear(&b);
}

static void drop_all(void)
{
    net_resume(net);
    while (net->n_peers) {
        struct peer *p = net->peers[--net->n_peers];
        net->removed = xrealloc_array(net->removed, net->n_removed + 1,
                                      sizeof(*net->removed));
        net->removed[net->n_removed++] = p;
        p->removed = true;
    }
    net_free_removed(net);
    ASSERT(!net->inflight.len && !net->n_downloading && !net->n_preferred &&
           !net->n_started && !net->n_protected && !net->n_wtxid_peers);
    ASSERT(txrequest_size(net->txreq) == 0 && orphanage_size(net->orphans) == 0);
    net_release(net);
}

static void run(void *arg)
{
    struct input *in = arg;
    struct reader r;
    struct peer *peers[PEERS];
    reader_init(&r, in->data, in->size);
    uint8_t flags = read_u8(&r);
    for (unsigned i = 0; i < PEERS; i++) {
        peers[i] = add_peer(i);
        if (!(flags >> i & 1))
            handshake(peers[i]);
    }
    while (reader_left(&r)) {
        uint8_t who = read_u8(&r), type = read_u8(&r);
        size_t n = read_u16(&r);
        n = n < reader_left(&r) ? n : reader_left(&r);
        const uint8_t *payload = read_bytes(&r, n);
        if (who & 0x80) /* time passes */
            clock_set_mock(&fuzz_clock, net_now_s(net) + (who & 0x7f));
        struct peer *p = peers[who % PEERS];
        if (!p->disconnect)
            step(p, type % (MSG_COUNT + 1), bytes_of(payload, n));
    }
    drop_all();
    clock_set_mock(&fuzz_clock, params.genesis.time + 600);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    if (!net)
        open_node();
    ASSERT(chainman_call(cm, run, &in) == ERR_OK);
    return 0;
}
