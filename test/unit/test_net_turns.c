/* Whose turn it is among peers that keep the node busy. What fails on the validation
 * thread ends the program. */
#include "unit.h"

#include "../fuzz/net_lab.h"

#define PEERS 3

struct run {
    struct net_lab *lab;
    struct peer *p[PEERS];
};

/* A ping that waits for its turn. */
static void queue_ping(struct run *r, unsigned at)
{
    struct buf out = {0};
    uint8_t nonce[8] = {1};
    transport_write(&r->lab->peers[at].other, &out, "ping", bytes_of(nonce, 8));
    ASSERT(link_feed(r->p[at]->link, out.data, out.len) == out.len);
    buf_clear(&out);
}

static void open_world(struct run *r)
{
    for (unsigned at = 0; at < PEERS; at++) {
        r->p[at] = net_lab_connect(r->lab, at, CONN_INBOUND, false, 0);
        net_lab_handshake(r->lab, at);
        r->p[at]->used_us = 0;
    }
    r->lab->net->turns.line_us = 0;
}

/* Who had the turn: whose ping is gone. */
static unsigned served(struct run *r)
{
    size_t waiting[PEERS];
    for (unsigned at = 0; at < PEERS; at++)
        waiting[at] = r->p[at]->link->queued;
    net_resume(r->lab->net);
    ASSERT(serve_next(r->lab->net));
    net_release(r->lab->net);
    for (unsigned at = 0; at < PEERS; at++)
        if (r->p[at]->link->queued < waiting[at])
            return at;
    return PEERS;
}

static void who_used_little_comes_first(struct run *r)
{
    r->p[0]->used_us = 500 * 1000; /* a dear message each */
    r->p[1]->used_us = 400 * 1000;
    for (unsigned at = 0; at < PEERS; at++)
        for (int i = 0; i < 3; i++)
            queue_ping(r, at);
    for (int i = 0; i < 3; i++)
        ASSERT(served(r) == 2);
    ASSERT(served(r) == 1); /* nobody else has work: the least of the others */
    ASSERT(r->lab->net->turns.line_us == 400 * 1000);
    r->p[1]->used_us += 100 * 1000; /* another dear one */
    queue_ping(r, 2);
    ASSERT(served(r) == 2); /* one turn later, however much the others have */
    ASSERT(r->p[2]->used_us >= 350 * 1000); /* pauses are not saved up */
}

static void equals_take_turns(struct run *r)
{
    bool seen[PEERS] = {false};
    for (unsigned at = 0; at < PEERS; at++)
        for (int i = 0; i < 2; i++)
            queue_ping(r, at);
    for (int i = 0; i < PEERS; i++) {
        unsigned at = served(r);
        ASSERT(at < PEERS && !seen[at]);
        seen[at] = true;
        for (unsigned k = 0; k < PEERS; k++)
            r->p[k]->used_us = r->lab->net->turns.line_us;
    }
}

static void run_all(void *arg)
{
    struct run *r = arg;
    open_world(r);
    who_used_little_comes_first(r);
    for (unsigned at = 0; at < PEERS; at++)
        net_lab_hang_up(r->lab, at);
    open_world(r);
    equals_take_turns(r);
}

static void turns(void **state)
{
    struct run r = {.lab = net_lab_ready()};
    (void)state;
    net_lab_run(r.lab, run_all, &r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
