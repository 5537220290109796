/* What Tor's control port answers (control-spec, sections 2.1 and 2.3). Pure. */
#ifndef OCHRE_NET_TOR_REPLY_H
#define OCHRE_NET_TOR_REPLY_H

#include "util/bytes.h"

#define TOR_MAX_LINE  100000
#define TOR_MAX_REPLY 100000 /* octets of all its lines */

struct tor_reply {
    int code;     /* 250: fine */
    char **lines; /* owned; each without its code */
    size_t n;
    size_t octets;
};

enum tor_progress {
    TOR_MORE,  /* lines are to come */
    TOR_WHOLE, /* that was its last one */
    TOR_FLOOD, /* too much for one reply */
};
/* Takes "250-text", "250 text": one line, without its end. */
enum tor_progress tor_reply_add(struct tor_reply *r, const char *line);
void tor_reply_clear(struct tor_reply *r); /* wipes, frees, is empty again */

/* Of "WORD arguments": the arguments when the first word is this one, else NULL. */
const char *tor_arguments(const char *line, const char *word);
/* The value of @key in 'KEY=value KEY="quoted \"value\""', without quotes and escapes.
 * Reading ends at the first word that is no pair. False: it is not there, or the
 * arguments are malformed; *value is then empty. */
bool tor_value(struct buf *value, const char *arguments, const char *key);

#endif
