/* Notifications over ZeroMQ: bitcoind's topics, and those of tickets. Everything is
 * sent from the chain's events, which come one at a time. doc/zmq.md lists the topics.
 */
#include <stdlib.h>

#include "chain/validation/chainman.h"
#include "io/zmq_outlet.h"
#include "node/daemon.h"
#include "tickets/carrier.h"
#include "tickets/ticket.h"

#define DEFAULT_HWM 1000

static const char hashblock[] = "hashblock", rawblock[] = "rawblock",
                  hashtx[] = "hashtx", rawtx[] = "rawtx", sequence[] = "sequence",
                  hashticket[] = "hashticket", rawticket[] = "rawticket";

/* In bitcoind's order, which getzmqnotifications keeps. */
static const char *const topics[] = {hashblock, hashtx,     rawblock, rawtx,
                                     sequence,  hashticket, rawticket};

/* -- Messages ------------------------------------------------------------- */

/* Hashes go out as they are displayed. */
static void put_hash(uint8_t out[32], const struct hash256 *h)
{
    for (size_t i = 0; i < 32; i++)
        out[i] = h->b[31 - i];
}

static void send_hash(struct zmq_outlet *o, const char *topic, const struct hash256 *h)
{
    uint8_t body[32];
    put_hash(body, h);
    zmq_outlet_send(o, topic, bytes_of(body, sizeof(body)));
}

/* { hash, label }, and for mempool events the mempool's sequence number. */
static void send_sequence(struct zmq_outlet *o, const struct hash256 *h, char label,
                          const uint64_t *mempool_sequence)
{
    uint8_t body[32 + 1 + 8];
    if (!zmq_outlet_has(o, sequence))
        return;
    put_hash(body, h);
    body[32] = (uint8_t)label;
    if (mempool_sequence)
        put_le64(body + 33, *mempool_sequence);
    zmq_outlet_send(o, sequence, bytes_of(body, mempool_sequence ? 41 : 33));
}

static bool is_ticket(const struct tx *tx)
{
    uint32_t out;
    struct bytes payload;
    struct ticket t;
    return carrier_find(tx, &out, &payload) == 1 &&
           ticket_decode(&t, payload) == TICKET_OK;
}

static void send_tx(struct daemon *d, const struct tx *tx)
{
    struct zmq_outlet *o = d->node.zmq;
    bool ticket = (zmq_outlet_has(o, hashticket) || zmq_outlet_has(o, rawticket)) &&
                  d->node.params->tickets_height != TICKETS_NEVER && is_ticket(tx);
    struct buf raw = {0};
    if (zmq_outlet_has(o, rawtx) || (ticket && zmq_outlet_has(o, rawticket))) {
        struct sink s = sink_to_buf(&raw);
        tx_write(tx, &s, true);
    }
    send_hash(o, hashtx, &tx->txid);
    zmq_outlet_send(o, rawtx, buf_view(&raw));
    if (ticket) {
        send_hash(o, hashticket, &tx->txid);
        zmq_outlet_send(o, rawticket, buf_view(&raw));
    }
    buf_clear(&raw);
}

static void send_txs(struct daemon *d, const struct block *b)
{
    for (uint32_t i = 0; i < b->n_tx; i++)
        send_tx(d, &b->txs[i]);
}

/* -- Events --------------------------------------------------------------- */

static void on_tip(void *ctx, const struct block_index *tip,
                   const struct block_index *fork UNUSED, bool initial)
{
    struct daemon *d = ctx;
    struct zmq_outlet *o = d->node.zmq;
    struct block *b;
    if (initial)
        return;
    send_hash(o, hashblock, &tip->hash);
    if (!zmq_outlet_has(o, rawblock))
        return;
    if (chainman_read_block(d->node.chainman, &b, tip) != ERR_OK) {
        log_warning(d->node.log, "zmq: the block at the tip cannot be read from disk");
        return;
    }
    zmq_outlet_send(o, rawblock, b->raw);
    block_unref(b);
}

static void on_connected(void *ctx, const struct block *b, const struct block_index *bi)
{
    struct daemon *d = ctx;
    send_txs(d, b);
    send_sequence(d->node.zmq, &bi->hash, 'C', NULL);
}

static void on_disconnected(void *ctx, const struct block *b,
                            const struct block_index *bi)
{
    struct daemon *d = ctx;
    send_txs(d, b);
    send_sequence(d->node.zmq, &bi->hash, 'D', NULL);
}

static void on_added(void *ctx, const struct tx *tx, uint64_t number)
{
    struct daemon *d = ctx;
    send_tx(d, tx);
    send_sequence(d->node.zmq, &tx->txid, 'A', &number);
}

static void on_removed(void *ctx, const struct tx *tx, enum tx_removal why,
                       uint64_t number)
{
    struct daemon *d = ctx;
    if (why != TX_REMOVED_BLOCK)
        send_sequence(d->node.zmq, &tx->txid, 'R', &number);
}

/* -- Life ----------------------------------------------------------------- */

static bool add_topic(struct daemon *d, const char *topic, char **error)
{
    const struct args *a = d->node.args;
    char *option = xasprintf("zmqpub%s", topic), *why = NULL;
    char *hwm_option = xasprintf("%shwm", option);
    size_t n;
    const char *const *addresses = args_list(a, option, &n);
    int hwm = (int)args_int(a, hwm_option, DEFAULT_HWM);
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        ok = zmq_outlet_add(d->node.zmq, topic, addresses[i], hwm, &why);
        if (!ok)
            *error = xasprintf("-%s: %s", option, why);
    }
    free(why);
    free(hwm_option);
    free(option);
    return ok;
}

/* As with bitcoind, an address that cannot be used does not keep the node from running:
 * it publishes nothing then, and a warning says why. */
bool zmq_part_open(struct daemon *d, char **error UNUSED)
{
    char *why = NULL;
    d->node.zmq = zmq_outlet_new();
    for (size_t i = 0; why == NULL && i < ARRAY_LEN(topics); i++)
        if (!add_topic(d, topics[i], &why)) {
            char *text = xasprintf("ZeroMQ notifications are off. %s", why);
            daemon_warn(d, WARN_PART, text);
            free(text);
            zmq_outlet_free(d->node.zmq);
            d->node.zmq = zmq_outlet_new();
        }
    free(why);
    return true;
}

void zmq_part_subscribe(struct daemon *d)
{
    size_t n;
    zmq_outlet_list(d->node.zmq, &n);
    if (n == 0)
        return;
    const struct chain_events ev = {
        .ctx = d,
        .tip_changed = on_tip,
        .block_connected = on_connected,
        .block_disconnected = on_disconnected,
        .tx_added = on_added,
        .tx_removed = on_removed,
    };
    chainman_subscribe(d->node.chainman, &ev);
}

void zmq_part_close(struct daemon *d)
{
    zmq_outlet_free(d->node.zmq);
    d->node.zmq = NULL;
}
