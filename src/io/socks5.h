/* SOCKS version 5, the client's side of the handshake (RFC 1928), with user name and
 * password (RFC 1929): what comes in, what has to go out. Knows no sockets. */
#ifndef OCHRE_IO_SOCKS5_H
#define OCHRE_IO_SOCKS5_H

#include "util/bytes.h"

#define SOCKS5_TEXT_MAX 255 /* of a host, a user name, a password */

/* Shown to the proxy. Tor gives connections with different ones different circuits. */
struct socks5_login {
    char user[SOCKS5_TEXT_MAX + 1];
    char password[SOCKS5_TEXT_MAX + 1];
};

enum socks5_state {
    SOCKS5_METHOD, /* waits for the method that the proxy chose */
    SOCKS5_LOGIN,  /* for its verdict on the login */
    SOCKS5_REPLY,  /* for its reply to the request */
    SOCKS5_DONE,
    SOCKS5_FAILED,
};

struct socks5 {
    enum socks5_state state;
    uint8_t login[3 + 2 * SOCKS5_TEXT_MAX];
    size_t n_login; /* 0: none is offered */
    uint8_t request[7 + SOCKS5_TEXT_MAX];
    size_t n_request;
    /* When it failed: in words; whether the proxy works but the destination does not.
     */
    char error[64];
    bool refused;
};

/* @host goes to the proxy as it is, so names are resolved there. @login NULL: none.
 * Appends what is to be sent first. False: @host is too long or empty. */
NODISCARD bool socks5_begin(struct socks5 *s, struct buf *out, const char *host,
                            uint16_t port, const struct socks5_login *login);
/* Takes unconsumed input, oldest first; returns how many bytes it is done with, and
 * appends what is to be sent now. What stands behind the last reply belongs to the
 * connection and is left alone. */
size_t socks5_feed(struct socks5 *s, struct buf *out, const uint8_t *data, size_t len);
/* Reply codes of RFC 1928 and of Tor's extension (proposal 304). */
const char *socks5_reply_text(uint8_t code);

#endif
