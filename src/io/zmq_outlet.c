#include "io/zmq_outlet.h"

#include <stdlib.h>
#include <zmq.h>

#include "util/mem.h"
#include "util/sink.h"

struct zmq_outlet {
    void *context;
    struct zmq_publication *list; /* owned */
    size_t n;
};

struct zmq_outlet *zmq_outlet_new(void)
{
    struct zmq_outlet *o = xcalloc(1, sizeof(*o));
    o->context = zmq_ctx_new();
    ASSERT(o->context != NULL);
    return o;
}

/* The first of those that share the socket closes it. */
static bool owns_socket(const struct zmq_outlet *o, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (o->list[k].socket == o->list[i].socket)
            return false;
    return true;
}

void zmq_outlet_free(struct zmq_outlet *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->n; i++)
        if (owns_socket(o, i))
            zmq_close(o->list[i].socket);
    zmq_ctx_term(o->context);
    for (size_t i = 0; i < o->n; i++)
        free(o->list[i].address);
    free(o->list);
    free(o);
}

static void *find_socket(const struct zmq_outlet *o, const char *address)
{
    for (size_t i = 0; i < o->n; i++)
        if (strcmp(o->list[i].address, address) == 0)
            return o->list[i].socket;
    return NULL;
}

static void set_options(void *socket, const char *endpoint, int hwm)
{
    int on = 1, ipv6 = strchr(endpoint, '[') != NULL, linger = 0;
    zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof(hwm));
    zmq_setsockopt(socket, ZMQ_TCP_KEEPALIVE, &on, sizeof(on));
    zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof(ipv6));
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
}

static void *open_socket(struct zmq_outlet *o, const char *address, int hwm,
                         char **error)
{
    static const char unix_prefix[] = "unix:";
    size_t n = sizeof(unix_prefix) - 1;
    char *endpoint = strncmp(address, unix_prefix, n) == 0
                         ? xasprintf("ipc://%s", address + n)
                         : xstrdup(address);
    void *socket = zmq_socket(o->context, ZMQ_PUB);
    ASSERT(socket != NULL);
    set_options(socket, endpoint, hwm);
    if (zmq_bind(socket, endpoint) != 0) {
        *error = xasprintf("Unable to bind to %s: %s", address, zmq_strerror(errno));
        zmq_close(socket);
        socket = NULL;
    }
    free(endpoint);
    return socket;
}

bool zmq_outlet_add(struct zmq_outlet *o, const char *topic, const char *address,
                    int hwm, char **error)
{
    void *socket = find_socket(o, address);
    if (socket == NULL)
        socket = open_socket(o, address, hwm, error);
    if (socket == NULL)
        return false;
    o->list = xrealloc_array(o->list, o->n + 1, sizeof(*o->list));
    o->list[o->n++] = (struct zmq_publication){
        .topic = topic, .address = xstrdup(address), .hwm = hwm, .socket = socket};
    return true;
}

bool zmq_outlet_has(const struct zmq_outlet *o, const char *topic)
{
    for (size_t i = 0; o != NULL && i < o->n; i++)
        if (strcmp(o->list[i].topic, topic) == 0)
            return true;
    return false;
}

/* A PUB socket never blocks and drops whole messages only, so results need no look. */
static void send_one(struct zmq_publication *p, struct bytes body)
{
    uint8_t sequence[4];
    put_le32(sequence, p->sequence++);
    zmq_send(p->socket, p->topic, strlen(p->topic), ZMQ_SNDMORE);
    zmq_send(p->socket, body.data, body.len, ZMQ_SNDMORE);
    zmq_send(p->socket, sequence, sizeof(sequence), 0);
}

void zmq_outlet_send(struct zmq_outlet *o, const char *topic, struct bytes body)
{
    for (size_t i = 0; i < o->n; i++)
        if (strcmp(o->list[i].topic, topic) == 0)
            send_one(&o->list[i], body);
}

const struct zmq_publication *zmq_outlet_list(const struct zmq_outlet *o, size_t *n)
{
    *n = o->n;
    return o->list;
}
