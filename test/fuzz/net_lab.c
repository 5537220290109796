#include "net_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/store/filter_index.h"
#include "crypto/secp.h"
#include "util/fs.h"
#include "util/pool.h"

#include "../unit/chain_blocks.h"

#define NOW          (1500000000 + 600 * (LAB_BLOCKS + 1)) /* as blocks have it */
#define MAX_ORPHANS  10
#define IN_MEMORY    "/dev/shm" /* where syncing costs nothing */
#define LOW_HEADERS  MAX_HEADERS_RESULTS
#define QUEUE_OCTETS 200000
#define SEND_OCTETS  50000
#define TURNS        2000 /* of the pump, after one message */

static struct net_lab lab;
static char dir[40];
static struct block *chain[LAB_BLOCKS + 1]; /* [0]: genesis, not used */
static struct lab_sample *samples;
static size_t n_samples;

/* -- Samples -------------------------------------------------------------- */

static struct sink add_sample(const char *name, enum msg_type type)
{
    samples = xrealloc_array(samples, n_samples + 1, sizeof(*samples));
    struct lab_sample *s = &samples[n_samples++];
    *s = (struct lab_sample){.name = name, .type = type};
    return sink_to_buf(&s->payload);
}

/* The sink of add_sample points into the list, so one sample is written at a time. */
static void add_block(const char *name, const struct block *b)
{
    struct sink s = add_sample(name, MSG_BLOCK);
    block_write(b, &s, true);
}

static void add_headers(const char *name, const struct block_header *h, size_t n)
{
    struct sink s = add_sample(name, MSG_HEADERS);
    msg_headers_write(&s, &(struct msg_headers){(struct block_header *)h, n});
}

static void add_inv(const char *name, enum msg_type type, uint32_t kind,
                    const struct hash256 *hash)
{
    struct inv inv = {kind, *hash};
    struct sink s = add_sample(name, type);
    msg_inv_write(&s, &(struct msg_inv){&inv, 1});
}

static void add_tx(const char *name, const struct tx *tx)
{
    struct sink s = add_sample(name, MSG_TX);
    tx_write(tx, &s, true);
    add_inv(name, MSG_INV, INV_TX, &tx->txid);
    add_inv(name, MSG_INV, INV_WTX, &tx->wtxid);
    add_inv(name, MSG_GETDATA, INV_WTX, &tx->wtxid);
    add_inv(name, MSG_NOTFOUND, INV_WTX, &tx->wtxid);
}

/* Everything one can say of a block that the node does not have. */
static void add_new_block(const char *name, const struct block *b)
{
    struct tx *txs[8];
    add_block(name, b);
    add_headers(name, &b->header, 1);
    add_inv(name, MSG_INV, INV_BLOCK, &b->hash);
    struct sink s = add_sample(name, MSG_CMPCTBLOCK);
    compact_write_block(&s, b, 7);
    for (uint32_t i = 1; i < b->n_tx; i++)
        txs[i - 1] = &b->txs[i];
    s = add_sample(name, MSG_BLOCKTXN);
    msg_blocktxn_write(&s, &(struct msg_blocktxn){b->hash, txs, b->n_tx - 1});
    if (b->n_tx < 3)
        return;
    s = add_sample("its-last", MSG_BLOCKTXN);
    msg_blocktxn_write(&s, &(struct msg_blocktxn){b->hash, &txs[b->n_tx - 2], 1});
}

static void add_known_block(const char *name, const struct block *b)
{
    static const uint32_t kinds[] = {INV_BLOCK, INV_WITNESS_BLOCK, INV_FILTERED_BLOCK,
                                     INV_CMPCT_BLOCK};
    uint32_t index = 0;
    add_block(name, b);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        add_inv(name, MSG_GETDATA, kinds[i], &b->hash);
    struct sink s = add_sample(name, MSG_GETBLOCKTXN);
    msg_getblocktxn_write(&s, &(struct msg_getblocktxn){b->hash, &index, 1});
    for (unsigned type = 0; type < 2; type++) {
        struct hash256 have = b->hash;
        s = add_sample(name, type ? MSG_GETBLOCKS : MSG_GETHEADERS);
        msg_locator_write(&s, &(struct msg_locator){PROTOCOL_VERSION, &have, 1, {{0}}});
    }
}

static void add_filter_requests(const struct block *last)
{
    static const enum msg_type types[] = {MSG_GETCFILTERS, MSG_GETCFHEADERS};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct sink s = add_sample("all", types[i]);
        write_u8(&s, 0);
        write_u32(&s, 0);
        write_hash256(&s, &last->hash);
    }
    struct sink s = add_sample("all", MSG_GETCFCHECKPT);
    write_u8(&s, 0);
    write_hash256(&s, &last->hash);
}

static void add_bloom(void)
{
    uint8_t bits[64] = {0x5a, 0xff, 3};
    struct bloom all = {.data = bits, .len = 0, .flags = BLOOM_UPDATE_ALL};
    struct bloom some = {.data = bits, .len = sizeof(bits), .n_hashes = 2, .tweak = 9};
    struct sink s = add_sample("matches-all", MSG_FILTERLOAD);
    bloom_write(&s, &all);
    s = add_sample("some", MSG_FILTERLOAD);
    bloom_write(&s, &some);
    s = add_sample("output", MSG_FILTERADD);
    write_var(&s, bytes_of("\x51", 1));
}

static void add_addresses(void)
{
    static const char *const text[] = {
        "1.2.3.4:8333", "[2001:db8:1::1]:8333", "[2a00::5]:1",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333"};
    struct netaddr_entry e[ARRAY_LEN(text)];
    struct msg_addr m = {e, 0};
    for (size_t i = 0; i < ARRAY_LEN(text); i++) {
        e[m.n] = (struct netaddr_entry){.services = NODE_NETWORK, .time = NOW};
        m.n += netaddr_parse(&e[m.n].addr, text[i], 8333);
    }
    struct sink s = add_sample("networks", MSG_ADDRV2);
    msg_addr_write(&s, &m, true);
    m.n = 1;
    s = add_sample("one", MSG_ADDR);
    msg_addr_write(&s, &m, false);
}

static void write_version(struct sink *s)
{
    struct msg_version v = {.version = PROTOCOL_VERSION,
                            .nonce = 5,
                            .relay = true,
                            .services = NODE_NETWORK | NODE_WITNESS,
                            .time = NOW};
    msg_version_write(s, &v);
}

static void add_small(void)
{
    static const enum msg_type empty[] = {
        MSG_VERACK,      MSG_GETADDR,    MSG_MEMPOOL,   MSG_SENDHEADERS,
        MSG_FILTERCLEAR, MSG_WTXIDRELAY, MSG_SENDADDRV2};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        add_sample("empty", empty[i]);
    for (unsigned hb = 0; hb < 2; hb++) {
        struct sink s = add_sample(hb ? "high" : "low", MSG_SENDCMPCT);
        msg_sendcmpct_write(&s, &(struct msg_sendcmpct){hb, CMPCTBLOCKS_VERSION});
    }
    struct sink s = add_sample("eight", MSG_PING);
    write_u64(&s, 8);
    s = add_sample("eight", MSG_PONG);
    write_u64(&s, 8);
    s = add_sample("thousand", MSG_FEEFILTER);
    write_i64(&s, 1000);
    s = add_sample("usual", MSG_VERSION);
    write_version(&s);
}

/* Two full messages of headers from genesis on: a chain of much or little work, as the
 * session's minimum has it. */
static void add_long_headers(void)
{
    struct block_header *h = xcalloc(2 * LOW_HEADERS, sizeof(*h));
    struct hash256 prev = lab.params.genesis_hash;
    for (size_t i = 0; i < 2 * LOW_HEADERS; i++) {
        h[i] = (struct block_header){.version = 0x20000000,
                                     .prev = prev,
                                     .time = 1400000000 + (uint32_t)i,
                                     .bits = lab.params.pow_limit_bits};
        prev = header_hash(&h[i]);
        while (!pow_check(&prev, h[i].bits, &lab.params)) {
            h[i].nonce++;
            prev = header_hash(&h[i]);
        }
    }
    add_headers("long", h, LOW_HEADERS);
    add_headers("long-rest", h + LOW_HEADERS, LOW_HEADERS);
    add_headers("long-end", h + LOW_HEADERS, 100);
    free(h);
}

/* -- The chain ------------------------------------------------------------ */

static struct block *block_on(const struct block *prev, int32_t height, uint32_t extra,
                              struct tx *const *txs, uint32_t n)
{
    const struct hash256 *on = prev ? &prev->hash : &lab.params.genesis_hash;
    return solve_block(&lab.params, on, height, extra, txs, n);
}

static struct tx *spend_of(const struct tx *of, int64_t fee)
{
    return make_spend(&of->txid, 0, of->out[0].value.v - fee);
}

static struct tx *pooled[2]; /* parent and child, in the mempool */

/* Blocks and transactions that the node does not know yet, in all relations. */
static void make_samples(void)
{
    const struct block *tip = chain[LAB_BLOCKS];
    struct tx *parent = spend_of(&chain[2]->txs[0], 2000);
    struct tx *child = spend_of(parent, 3000),
              *greedy = spend_of(&chain[3]->txs[0], -1);
    struct tx *rival = spend_of(&chain[1]->txs[0], 90000);
    struct tx *both[] = {pooled[0], parent}, *bad[] = {greedy};
    struct block *next = block_on(tip, LAB_BLOCKS + 1, 1, both, 2);
    struct block *second = block_on(next, LAB_BLOCKS + 2, 1, &child, 1);
    struct block *third = block_on(second, LAB_BLOCKS + 3, 1, NULL, 0);
    struct block *fork = block_on(chain[LAB_BLOCKS - 1], LAB_BLOCKS, 2, NULL, 0);
    struct block *fork2 = block_on(fork, LAB_BLOCKS + 1, 2, NULL, 0);
    struct block *invalid = block_on(tip, LAB_BLOCKS + 1, 3, bad, 1);
    add_small();
    add_tx("pooled", pooled[1]);
    add_tx("parent", parent);
    add_tx("child", child);
    add_tx("greedy", greedy);
    add_tx("rival", rival);
    add_known_block("tip", tip);
    add_known_block("old", chain[5]);
    add_new_block("next", next);
    add_new_block("second", second);
    add_new_block("third", third);
    add_new_block("fork", fork);
    add_new_block("fork2", fork2);
    add_new_block("invalid", invalid);
    add_headers("chain",
                (struct block_header[]){next->header, second->header, third->header},
                3);
    add_filter_requests(tip);
    add_bloom();
    add_addresses();
    add_long_headers();
    struct block *blocks[] = {next, second, third, fork, fork2, invalid};
    struct tx *txs[] = {parent, child, greedy, rival};
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        block_unref(blocks[i]);
    for (size_t i = 0; i < ARRAY_LEN(txs); i++)
        tx_unref(txs[i]);
}

static void make_chain(void)
{
    for (int32_t h = 1; h <= LAB_BLOCKS; h++)
        chain[h] = block_on(chain[h - 1], h, 0, NULL, 0);
    pooled[0] = spend_of(&chain[1]->txs[0], 2000);
    pooled[1] = spend_of(pooled[0], 2000);
    make_samples();
}

const struct lab_sample *net_lab_samples(size_t *n)
{
    if (!samples)
        net_lab_ready();
    *n = n_samples;
    return samples;
}

/* -- The node ------------------------------------------------------------- */

static void ignore_stop(void *ctx, const char *fatal)
{
    (void)ctx;
    (void)fatal;
}

static void open_chain(void)
{
    char *error = NULL, blocks[64];
    snprintf(blocks, sizeof(blocks), "%s/blocks", dir);
    struct chainman_options co = {
        .params = &lab.params,
        .clock = &lab.clock,
        .workers = lab.workers,
        .datadir = dir,
        .blocksdir = blocks,
        .dbcache = 4 << 20,
        .filter_index = true,
        .max_tip_age = 24 * 60 * 60,
        .sigcache_bytes = 1 << 20,
        .request_stop = ignore_stop,
    };
    ASSERT(chainman_open(&lab.cm, &co, &error) == ERR_OK);
    struct mempool_options mo = mempool_default_options();
    mo.clock = &lab.clock;
    mo.require_standard = false;
    lab.mp = mempool_new(lab.cm, &mo);
}

static void open_net(void)
{
    char *error = NULL;
    struct net_options no = {
        .loop = lab.loop,
        .chainman = lab.cm,
        .mempool = lab.mp,
        .clock = &lab.clock,
        .params = &lab.params,
        .datadir = dir,
        .user_agent = "/Lab/",
        .port = 1,
        .connect_only = true,
        .max_connections = 125,
        .max_receive_buffer = QUEUE_OCTETS,
        .max_send_buffer = SEND_OCTETS,
        .max_orphans = MAX_ORPHANS,
        .extra_txn = 10,
        .bloom_filters = true,
        .serve_filters = true,
        .v2_transport = true,
        .peer_timeout_s = 60,
        .connect_timeout_ms = 5000,
        .network_active = true,
    };
    ASSERT(net_open(&lab.net, &no, &error) == ERR_OK);
}

static void fill(void *arg)
{
    struct accept_result r = {0};
    struct reject rej = {0};
    bool is_new;
    (void)arg;
    for (int32_t h = 1; h <= LAB_BLOCKS; h++)
        ASSERT(chainman_process_block(lab.cm, chain[h], true, true, &is_new, &rej));
    ASSERT(chain_height(lab.cm) == LAB_BLOCKS && !chainman_ibd(lab.cm));
    for (size_t i = 0; i < ARRAY_LEN(pooled); i++)
        ASSERT(mempool_accept(lab.mp, pooled[i], false, false, 0, &r));
    accept_result_clear(&r);
}

static bool filters_ready(void)
{
    struct filter_entry f;
    bool ready = filter_index_find(chainman_filters(lab.cm), &chain[LAB_BLOCKS]->hash,
                                   &f) == ERR_OK;
    if (ready)
        buf_clear(&f.filter);
    return ready;
}

static void open_lab(void)
{
    snprintf(dir, sizeof(dir), "%s/ochre-net-lab-XXXXXX",
             access(IN_MEMORY, W_OK) == 0 ? IN_MEMORY : "/tmp");
    ASSERT(mkdtemp(dir));
    open_chain();
    open_net();
    chainman_start_import(lab.cm);
    while (chainman_importing(lab.cm))
        usleep(1000);
    ASSERT(chainman_call(lab.cm, fill, NULL) == ERR_OK);
    while (!filters_ready())
        usleep(1000);
}

static void close_lab(void)
{
    net_stop(lab.net);
    chainman_close(lab.cm);
    net_free(lab.net);
    mempool_free(lab.mp);
    ASSERT(fs_remove_tree(dir) == ERR_OK);
}

static void first_open(void)
{
    secp_init();
    ASSERT(chain_params_get(&lab.params, BITCOIN, "regtest"));
    clock_init(&lab.clock);
    clock_set_mock(&lab.clock, NOW);
    lab.workers = pool_new(0, "lab");
    lab.loop = loop_new(NULL);
    ASSERT(loop_start(lab.loop, "loop") == ERR_OK);
    make_chain();
    open_lab();
}

static void clean_up(void)
{
    close_lab();
    loop_stop(lab.loop);
    loop_free(lab.loop);
    pool_free(lab.workers);
    for (size_t h = 1; h <= LAB_BLOCKS; h++)
        block_unref(chain[h]);
    for (size_t i = 0; i < ARRAY_LEN(pooled); i++)
        tx_unref(pooled[i]);
    for (size_t i = 0; i < n_samples; i++)
        buf_clear(&samples[i].payload);
    free(samples);
}

static bool is_as_at_first(void)
{
    return hash256_equal(&chain_tip(lab.cm)->hash, &chain[LAB_BLOCKS]->hash) &&
           block_tree_size(lab.cm) == LAB_BLOCKS + 1 && mempool_count(lab.mp) == 2 &&
           mempool_find(lab.mp, &pooled[1]->txid);
}

struct net_lab *net_lab_ready(void)
{
    lab.params.minimum_chain_work = (struct u256){0};
    clock_set_mock(&lab.clock, NOW);
    if (!lab.net) {
        first_open();
        ASSERT(atexit(clean_up) == 0);
    } else if (!is_as_at_first()) {
        close_lab();
        open_lab();
    }
    lab.n_added = 0;
    return &lab;
}

/* -- Peers ---------------------------------------------------------------- */

/* What the loop would do: take off those that were told to go. */
static void reap(struct net *net)
{
    for (size_t i = net->n_peers; i > 0; i--)
        if (net->peers[i - 1]->disconnect)
            connman_remove(net->peers[i - 1]);
    for (unsigned at = 0; at < LAB_MAX_PEERS; at++)
        if (lab.peers[at].peer && lab.peers[at].peer->removed) {
            transport_clear(&lab.peers[at].other);
            lab.peers[at].peer = NULL;
        }
    net_resume(net);
    net_free_removed(net);
    net_release(net);
}

static void turn(struct net *net)
{
    net_resume(net);
    bool more = true;
    for (int n = 0; n < TURNS && more; n++) {
        more = false;
        for (size_t i = 0; i < net->n_peers; i++)
            if (process_peer(net, net->peers[i])) {
                more = true;
                send_messages(net, net->peers[i]);
            }
    }
    net_release(net);
    reap(net);
    net_lab_check(&lab);
}

void net_lab_tick(struct net_lab *l)
{
    struct net *net = l->net;
    net_resume(net);
    txs_rebroadcast(net);
    for (size_t i = 0; i < net->n_peers; i++)
        send_messages(net, net->peers[i]);
    net_release(net);
    turn(net);
}

/* -- The wire ------------------------------------------------------------- */

static void feed(struct lab_peer *lp, struct bytes octets, size_t piece)
{
    unsigned stuck = 0;
    while (octets.len && lp->peer && stuck < 2) {
        size_t n = piece < octets.len ? piece : octets.len;
        n = link_feed(lp->peer->link, octets.data, n);
        octets = bytes_of(octets.data + n, octets.len - n);
        stuck = n ? 0 : stuck + 1;
        if (!n || lp->peer->disconnect)
            turn(lab.net); /* the queue is full */
    }
    turn(lab.net);
    if (octets.len && lp->peer) /* it will not see the rest, so the stream is broken */
        net_lab_hang_up(&lab, (unsigned)(lp - lab.peers));
}

/* Reads what the node has sent, which must make sense; answers go to @reply. */
static void read_output(struct lab_peer *lp, struct buf *reply)
{
    struct link *l = lp->peer->link;
    struct buf taken = l->out;
    struct bytes in = buf_view(&taken);
    l->out = (struct buf){0};
    link_sent(l, taken.len);
    ASSERT(!link_backlog(l));
    while (in.len) {
        struct message *m;
        char note[FRAME_NOTE];
        enum frame_result r = transport_read(&lp->other, &in, &m, reply, note);
        ASSERT(r == FRAME_MORE || r == FRAME_MESSAGE);
        message_free(m);
    }
    buf_clear(&taken);
}

void net_lab_read(struct net_lab *l, unsigned at)
{
    struct lab_peer *lp = &l->peers[at];
    struct buf reply = {0};
    if (!lp->peer)
        return;
    read_output(lp, &reply);
    feed(lp, buf_view(&reply), SIZE_MAX);
    buf_clear(&reply);
}

struct peer *net_lab_connect(struct net_lab *l, unsigned at, enum conn_type type,
                             bool v2, unsigned perms)
{
    struct net *net = l->net;
    struct lab_peer *lp = &l->peers[at];
    struct netaddr a;
    struct buf hello = {0};
    char text[32];
    net_lab_hang_up(l, at);
    snprintf(text, sizeof(text), "1.%u.%u.4:8333", l->n_added / 200 + 2,
             l->n_added % 200);
    l->n_added++;
    ASSERT(netaddr_parse(&a, text, 1));
    net_resume(net);
    net->loop = NULL; /* of its link: output stays where we find it */
    struct peer *p = peer_new(net, NULL, &a, type, v2, perms);
    net->loop = l->loop;
    connman_add(net, p);
    if (!peer_inbound(p))
        handshake_begin(p);
    net_release(net);
    lp->peer = p;
    transport_init(&lp->other, l->params.magic, v2, peer_inbound(p));
    transport_begin(&lp->other, &hello);
    feed(lp, buf_view(&hello), SIZE_MAX);
    buf_clear(&hello);
    net_lab_read(l, at);
    return lp->peer;
}

void net_lab_send(struct net_lab *l, unsigned at, const char *type,
                  struct bytes payload)
{
    struct lab_peer *lp = &l->peers[at];
    struct buf out = {0};
    if (!lp->peer || !transport_can_write(&lp->other))
        return;
    transport_write(&lp->other, &out, type, payload);
    feed(lp, buf_view(&out), SIZE_MAX);
    buf_clear(&out);
}

void net_lab_handshake(struct net_lab *l, unsigned at)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    write_version(&s);
    net_lab_send(l, at, "version", buf_view(&b));
    net_lab_send(l, at, "wtxidrelay", bytes_of(NULL, 0));
    net_lab_send(l, at, "sendaddrv2", bytes_of(NULL, 0));
    net_lab_send(l, at, "verack", bytes_of(NULL, 0));
    buf_reset(&b);
    msg_sendcmpct_write(&s, &(struct msg_sendcmpct){false, CMPCTBLOCKS_VERSION});
    net_lab_send(l, at, "sendcmpct", buf_view(&b));
    buf_clear(&b);
}

void net_lab_feed(struct net_lab *l, unsigned at, struct bytes octets, size_t piece)
{
    if (l->peers[at].peer)
        feed(&l->peers[at], octets, piece);
}

void net_lab_hang_up(struct net_lab *l, unsigned at)
{
    if (!l->peers[at].peer)
        return;
    l->peers[at].peer->disconnect = true;
    reap(l->net);
    net_lab_check(l);
}

/* -- What must hold ------------------------------------------------------- */

static void check_peer(struct net *net, struct peer *p)
{
    const struct link *l = p->link;
    size_t wants = txrequest_count(net->txreq, p->id);
    ASSERT(!p->removed && net_find_peer(net, p->id) == p);
    ASSERT(p->version || !p->ready);
    ASSERT(p->getdata_at <= p->n_getdata && p->n_getdata <= MAX_INV_SIZE);
    ASSERT(p->sync.n_inflight <= PEER_INFLIGHT_MAX);
    ASSERT(p->addrs.n_to_send <= MAX_ADDR_TO_SEND);
    ASSERT(p->filters.last || !p->filters.reply.len);
    ASSERT(!p->sync.presync || presync_memory(p->sync.presync) < 8 << 20);
    ASSERT(txrequest_candidates(net->txreq, p->id) +
               txrequest_in_flight(net->txreq, p->id) <=
           wants);
    ASSERT(l->queued <= QUEUE_OCTETS + MAX_PROTOCOL_MESSAGE_LENGTH + 1000);
    for (size_t i = 0; i < p->sync.n_inflight; i++) {
        const struct inflight *f = &p->sync.inflight[i];
        ASSERT(map_get(&net->inflight, &f->hash));
        ASSERT(block_request_of(p, &f->hash) == f); /* once */
    }
}

/* Each block in flight is asked of as many peers as it says, and of the one it names.
 */
static void check_inflight(struct net *net)
{
    const void *hash;
    void *value;
    for (size_t i = 0; map_next(&net->inflight, &i, &hash, &value);) {
        const struct block_fetch *f = value;
        uint32_t n = 0;
        for (size_t k = 0; k < net->n_peers; k++)
            n += block_request_of(net->peers[k], hash) != NULL;
        ASSERT(n == f->n && n > 0);
        struct peer *first = net_find_peer(net, f->first);
        ASSERT(first && block_request_of(first, hash));
    }
}

static void check_counts(struct net *net)
{
    size_t preferred = 0, started = 0, downloading = 0, protected = 0, wtxid = 0,
           wants = 0;
    for (size_t i = 0; i < net->n_peers; i++) {
        const struct peer *p = net->peers[i];
        preferred += p->sync.preferred;
        started += p->sync.started;
        downloading += p->sync.n_inflight > 0;
        protected += p->sync.behind_protected;
        wtxid += p->wtxid_relay;
        wants += txrequest_count(net->txreq, p->id);
    }
    ASSERT(net->n_preferred == preferred && net->n_started == started &&
           net->n_downloading == downloading && net->n_protected == protected &&
           net->n_wtxid_peers == wtxid && txrequest_size(net->txreq) == wants);
}

void net_lab_check(struct net_lab *l)
{
    struct net *net = l->net;
    net_resume(net);
    for (size_t i = 0; i < net->n_peers; i++)
        check_peer(net, net->peers[i]);
    check_inflight(net);
    check_counts(net);
    orphanage_check(net->orphans);
    txrequest_check(net->txreq);
    ASSERT(orphanage_size(net->orphans) <= MAX_ORPHANS);
    ASSERT(orphanage_weight(net->orphans) <=
           (int64_t)net->n_peers * ORPHANAGE_PEER_WEIGHT);
    ASSERT(net->extra.n <= net->extra.max && net->extra.bytes <= EXTRA_TXS_MAX_BYTES);
    ASSERT(net->n_hb_peers <= MAX_HB_PEERS);
    net_release(net);
}

/* -- One input ------------------------------------------------------------ */

struct job {
    struct net_lab *lab;
    void (*fn)(void *arg);
    void *arg;
};

static void run_job(void *arg)
{
    struct job *j = arg;
    struct net *net = j->lab->net;
    j->fn(j->arg);
    for (unsigned at = 0; at < LAB_MAX_PEERS; at++)
        net_lab_hang_up(j->lab, at);
    ASSERT(!net->n_peers && !net->inflight.len && orphanage_size(net->orphans) == 0);
    mempool_check(j->lab->mp);
    txs_tip_changed(net); /* forgets what was refused */
}

void net_lab_run(struct net_lab *l, void (*fn)(void *arg), void *arg)
{
    struct job j = {l, fn, arg};
    ASSERT(chainman_call(l->cm, run_job, &j) == ERR_OK);
}
