/* A conversation in lines of text over TCP, as with Tor's controller and the SAM bridge
 * of I2P. What passes may hold secrets and is wiped. On the loop's thread. */
#ifndef OCHRE_IO_LINE_CONN_H
#define OCHRE_IO_LINE_CONN_H

#include "io/conn.h"

struct line_events {
    void (*connected)(void *ctx);
    /* One line, without its end; up to a NUL, if it holds one. */
    void (*line)(void *ctx, const char *line);
    /* It broke, took too long or sent a line beyond the limit; @why in words. The
     * conversation is gone. */
    void (*closed)(void *ctx, const char *why);
};

struct line_conn;
struct line_conn *line_connect(struct loop *l, const struct endpoint *to,
                               int64_t timeout_ms, size_t max_line,
                               const struct line_events *ev, void *ctx);
void line_send(struct line_conn *lc, const struct buf *text); /* with its line end */
/* The next line must come within so many milliseconds; 0: whenever it likes. */
void line_expect(struct line_conn *lc, int64_t timeout_ms);
void line_close(struct line_conn *lc); /* NULL is fine; no event follows */
/* Gives up the connection, with whatever stands behind the last line: the new owner
 * sets its handlers at once. */
struct conn *line_release(struct line_conn *lc);

#endif
