/* The life of connections: any sequence of what up to six peers of any kind may do, in
 * both transports, with time going by. After every step the network's books must
 * balance. Input: steps, each an octet (low 3 bits: what, high 5: by whom) and its
 * arguments. */
#include "fuzz.h"

#include "net_lab.h"

struct input {
    struct net_lab *lab;
    struct reader r;
};

typedef void step(struct input *in, unsigned at);

/* u8 kind of connection, u8 permissions and whether the handshake follows */
static void step_connect(struct input *in, unsigned at)
{
    static const unsigned perms[] = {0, PERM_NOBAN, PERM_RELAY, PERM_ALL};
    uint8_t kind = read_u8(&in->r), how = read_u8(&in->r);
    net_lab_connect(in->lab, at, kind % (CONN_ADDR_FETCH + 1), kind & 0x80,
                    perms[how & 3]);
    if (how & 4)
        net_lab_handshake(in->lab, at);
}

static struct bytes read_some(struct input *in)
{
    size_t n = read_u16(&in->r), left = reader_left(&in->r);
    n = n < left ? n : left;
    return bytes_of(read_bytes(&in->r, n), n);
}

/* u8 type, u16 size, payload */
static void step_message(struct input *in, unsigned at)
{
    uint8_t type = read_u8(&in->r);
    net_lab_send(in->lab, at, msg_type_name(type % MSG_COUNT), read_some(in));
}

/* u8 which */
static void step_sample(struct input *in, unsigned at)
{
    size_t n;
    const struct lab_sample *s = net_lab_samples(&n);
    s += read_u8(&in->r) % n;
    net_lab_send(in->lab, at, msg_type_name(s->type), buf_view(&s->payload));
}

/* u8 most octets at once, u16 size, octets */
static void step_octets(struct input *in, unsigned at)
{
    size_t piece = 1u + read_u8(&in->r);
    net_lab_feed(in->lab, at, read_some(in), piece);
}

static void step_hang_up(struct input *in, unsigned at)
{
    net_lab_hang_up(in->lab, at);
}

static void step_read(struct input *in, unsigned at)
{
    net_lab_read(in->lab, at);
}

/* u8 how long */
static void step_time(struct input *in, unsigned at)
{
    (void)at;
    int64_t seconds = INT64_C(1) << read_u8(&in->r) % 14;
    clock_set_mock(&in->lab->clock, net_now_s(in->lab->net) + seconds);
    net_lab_tick(in->lab);
}

/* u8 work of how many blocks a chain must have to be worth memory */
static void step_minimum(struct input *in, unsigned at)
{
    uint32_t blocks = 16u * read_u8(&in->r);
    (void)at;
    in->lab->params.minimum_chain_work =
        u256_mul_u32(work_of_bits(in->lab->params.pow_limit_bits), blocks);
}

static step *const steps[8] = {step_message, step_sample, step_read,    step_time,
                               step_connect, step_octets, step_hang_up, step_minimum};

static void run(void *arg)
{
    struct input *in = arg;
    while (reader_left(&in->r)) {
        uint8_t op = read_u8(&in->r);
        steps[op & 7](in, (op >> 3) % LAB_MAX_PEERS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.lab = net_lab_ready()};
    reader_init(&in.r, data, size);
    net_lab_run(in.lab, run, &in);
    return 0;
}
