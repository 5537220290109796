/* TCP: endpoints, listeners and buffered connections on the event loop. Everything here
 * is called on the loop's thread, but for endpoint_* which any thread may use. */
#ifndef OCHRE_IO_CONN_H
#define OCHRE_IO_CONN_H

#include "io/loop.h"
#include "util/bytes.h"

/* An IP address and port. IPv4 is held as ::ffff:a.b.c.d. */
struct endpoint {
    uint8_t ip[16]; /* network order */
    uint16_t port;
    uint32_t scope; /* of a link-local address; else 0 */
};

bool endpoint_is_ipv4(const struct endpoint *e);
bool endpoint_is_loopback(const struct endpoint *e);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* "1.2.3.4:80", "[::1]:80"; the port only when @with_port. Returns out. */
#define ENDPOINT_TEXT 64
char *endpoint_format(char out[ENDPOINT_TEXT], const struct endpoint *e,
                      bool with_port);
/* A numeric address with an optional port. False: not one. */
NODISCARD bool endpoint_parse(struct endpoint *out, const char *text,
                              uint16_t default_port);
/* A whole number from 1 to 65535. */
NODISCARD bool port_parse(uint16_t *out, const char *text);
/* "host", "host:port", "[v6]:port": splits; host is a copy the caller frees. False: bad
 * port. */
NODISCARD bool endpoint_split(const char *text, uint16_t default_port, char **host,
                              uint16_t *port);
/* Numeric or, with @dns, by name; blocks while it asks. Returns how many of at most
 * @max were found. */
size_t endpoint_resolve(struct endpoint *out, size_t max, const char *host,
                        uint16_t port, bool dns);

/* A subnet: "10.0.0.0/8", "10.0.0.0/255.0.0.0", "::1", "1.2.3.4". */
struct subnet {
    uint8_t ip[16];
    uint8_t mask[16];
};
NODISCARD bool subnet_parse(struct subnet *out, const char *text);
bool subnet_contains(const struct subnet *s, const struct endpoint *e);
bool subnet_equal(const struct subnet *a, const struct subnet *b);
#define SUBNET_TEXT 96
char *subnet_format(char out[SUBNET_TEXT], const struct subnet *s); /* "10.0.0.0/8" */

struct conn;

struct conn_handlers {
    /* An outgoing connection stands. */
    void (*connected)(struct conn *c, void *ctx);
    /* Unconsumed input, oldest first. Returns how many bytes it is done with; the rest
     * comes again together with what arrives. Closing the connection inside is fine. */
    size_t (*data)(struct conn *c, void *ctx, const uint8_t *data, size_t len);
    /* The kernel took @len bytes of the output, also within a call of conn_write. May
     * be NULL; must not close the connection. */
    void (*sent)(struct conn *c, void *ctx, size_t len);
    /* All that was written is with the kernel. May be NULL. */
    void (*drained)(struct conn *c, void *ctx);
    /* The other side or an error ended it; @why: 0 for an orderly end, else errno
     * (ETIMEDOUT, ECONNREFUSED, ENOBUFS when the input limit was passed, ...). Nothing
     * is called after it; the owner calls conn_close now or later. */
    void (*closed)(struct conn *c, void *ctx, int why);
};

/* Never NULL: a failure to start is reported through closed(), from the loop.
 * @timeout_ms 0: the system's. */
struct conn *conn_connect(struct loop *l, const struct endpoint *to, int64_t timeout_ms,
                          const struct conn_handlers *h, void *ctx);
/* The same to a Unix socket; conn_peer is all zeros then. @path fits, see
 * unix_path_fits. */
struct conn *conn_connect_unix(struct loop *l, const char *path, int64_t timeout_ms,
                               const struct conn_handlers *h, void *ctx);
bool unix_path_fits(const char *path);
/* Frees; unsent output is dropped, no callback follows. */
void conn_close(struct conn *c);
/* Stops reading and closes (through closed(c, ctx, 0)) once all output is sent. */
void conn_finish(struct conn *c);
void conn_set_handlers(struct conn *c, const struct conn_handlers *h, void *ctx);

/* Copies; sends at once what the kernel takes. */
void conn_write(struct conn *c, const void *data, size_t len);
/* The same for what may be large: takes the buffer's memory, which is empty after. */
void conn_write_buf(struct conn *c, struct buf *take_data);
size_t conn_unsent(const struct conn *c); /* bytes queued here */
/* Stops reading while paused; the kernel's buffer then slows the sender. */
void conn_pause(struct conn *c, bool paused);
/* Calls data() again with what is unconsumed, from the loop (after a consumer was
 * busy). */
void conn_poke(struct conn *c);
/* Most unconsumed input; beyond it the connection is closed with ENOBUFS. Default 8
 * MiB. */
void conn_set_input_limit(struct conn *c, size_t bytes);
/* What goes through it is wiped from its buffers as soon as it is gone. */
void conn_set_secret(struct conn *c);
const struct endpoint *conn_peer(const struct conn *c);
const struct endpoint *conn_local(const struct conn *c);
bool conn_incoming(const struct conn *c);
uint64_t conn_bytes_in(const struct conn *c);
uint64_t conn_bytes_out(const struct conn *c);
/* Counts anew for a new owner, whose input begins with the last @left bytes that came:
 * what was said before was with somebody else. */
void conn_recount(struct conn *c, size_t left);

struct listener;
/* The accepter sets handlers with conn_set_handlers or closes. ERR_EXISTS: address in
 * use; ERR_IO: errno tells. */
NODISCARD enum err listener_open(struct listener **out, struct loop *l,
                                 const struct endpoint *at,
                                 void (*accepted)(void *ctx, struct conn *c),
                                 void *ctx);
void listener_close(struct listener *ls);                      /* NULL is fine */
const struct endpoint *listener_at(const struct listener *ls); /* with the real port */

#endif
