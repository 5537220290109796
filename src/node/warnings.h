/* What the user should know: shown by RPC as long as it holds. Thread-safe. */
#ifndef OCHRE_NODE_WARNINGS_H
#define OCHRE_NODE_WARNINGS_H

#include <pthread.h>

#include "util/bytes.h"

/* In the order in which they are shown. Of each kind one text holds at a time, of
 * WARN_PART any number. */
enum warning_kind {
    WARN_RULES,         /* others follow rules that we do not know */
    WARN_INVALID_CHAIN, /* what we refuse has more work */
    WARN_CLOCK,         /* ours or that of our peers is wrong */
    WARN_PART,          /* some part of the node does not work as asked */
};

struct warning {
    char *text; /* owned */
    enum warning_kind kind;
    bool holds;
};

struct warnings {
    pthread_mutex_t lock;
    struct warning *items; /* owned; few: every text there was */
    size_t n;
};

void warnings_init(struct warnings *w);
void warnings_clear(struct warnings *w);
/* True: it is news. */
bool warnings_raise(struct warnings *w, enum warning_kind kind, const char *text);
void warnings_withdraw(struct warnings *w, enum warning_kind kind);
/* The texts stay where they are until warnings_clear. */
size_t warnings_list(struct warnings *w, const char **out, size_t max);

#endif
