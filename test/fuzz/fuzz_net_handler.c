/* Every message's handler: the first octet chooses the type, the second what kind of
 * peer sends it; the rest is the payload, which comes twice. */
#include "fuzz.h"

#include "net_lab.h"

struct input {
    struct net_lab *lab;
    const uint8_t *data;
    size_t size;
};

static void run(void *arg)
{
    static const enum conn_type kinds[] = {CONN_INBOUND, CONN_OUTBOUND_FULL,
                                           CONN_BLOCK_RELAY, CONN_MANUAL};
    const struct input *in = arg;
    const char *type = msg_type_name(in->data[0] % MSG_COUNT);
    uint8_t flags = in->data[1];
    struct bytes payload = bytes_of(in->data + 2, in->size - 2);
    net_lab_connect(in->lab, 0, kinds[flags & 3], flags & 4,
                    flags & 8 ? PERM_NOBAN : 0);
    net_lab_connect(in->lab, 1, CONN_INBOUND, false, 0); /* hears of what is relayed */
    net_lab_handshake(in->lab, 1);
    if (!(flags & 16))
        net_lab_handshake(in->lab, 0);
    for (int i = 0; i < 2; i++) {
        net_lab_send(in->lab, 0, type, payload);
        clock_set_mock(&in->lab->clock, net_now_s(in->lab->net) + 130);
        net_lab_tick(in->lab);
        net_lab_read(in->lab, 0);
        net_lab_read(in->lab, 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.data = data, .size = size};
    if (size < 2)
        return 0;
    in.lab = net_lab_ready();
    net_lab_run(in.lab, run, &in);
    return 0;
}
