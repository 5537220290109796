/* The daemon's own state around struct node, and its larger parts. For src/node only.
 */
#ifndef OCHRE_NODE_DAEMON_H
#define OCHRE_NODE_DAEMON_H

#include "config.h"

#include <pthread.h>

#include "node/notify.h"
#include "node/setup.h"
#include "node/warnings.h"
#include "rpc/context.h"
#include "util/clock.h"

struct wallet_link;

struct daemon {
    struct node node; /* first: what RPC handlers see */
    struct setup *setup;
    struct clock clock;
    struct notifier *notifier;
    int wake_fd; /* eventfd: a stop was asked for, or a look at the disk */
    int signal_fd;
    char *pid_path;       /* owned; NULL: not written */
    pthread_mutex_t lock; /* of fatal */
    char *fatal;          /* owned; why the node must stop; NULL: it was asked to */
    struct warnings warnings;
    bool rules_watched;   /* the whole chain was searched for unknown rules */
    pthread_t loader;     /* imports blocks, then loads the mempool */
    _Atomic int64_t scheduler_ahead; /* seconds that mockscheduler added */
    int64_t fees_save_at; /* seconds of the scheduler, under lock; 0: never */
    struct wallet_link *wallet_link; /* NULL: no wallets */
};

static inline struct daemon *daemon_of(struct node *n)
{
    return (struct daemon *)n;
}

/* Asks for a clean stop; from any thread. @fatal NULL: a wanted one. */
void daemon_stop(struct daemon *d, const char *fatal);
/* The thread that waits for a stop looks at the free disk space now. */
void daemon_wake(struct daemon *d);
/* Start-up progress, for the log and for RPC callers that come too early. */
void daemon_init_message(struct daemon *d, const char *text);
/* A complaint about options, for the log and standard error. */
void daemon_init_warning(struct daemon *d, const char *text);
/* Raises a warning (RPC "warnings", -alertnotify). */
void daemon_warn(struct daemon *d, enum warning_kind kind, const char *text);
void daemon_forward_scheduler(struct node *n, int64_t seconds);

/* parts.c: tickets, chain, mempool and net, from their options to their structs. Chain,
 * mempool and net know each other, so they are freed together, in the closing of the
 * chain. */
/* Memory in octets for passphrases, -kdfmemory; 0: the default. */
uint64_t daemon_kdf_memory(const struct daemon *d);
bool tickets_part_open(struct daemon *d, char **error);
void tickets_part_close(struct daemon *d);
bool chain_part_open(struct daemon *d, char **error);
void chain_part_close(struct daemon *d);
void chain_part_interrupt(
    struct daemon *d); /* ends long work; any thread, at any time */
bool index_part_open(struct daemon *d, char **error);
bool mempool_part_open(struct daemon *d, char **error);
/* fee_part.c: gives up what waits and saves when closed; freed with the chain. */
bool fee_part_open(struct daemon *d, char **error);
void fee_part_close(struct daemon *d);
void fee_part_tick(struct daemon *d); /* saves when it is time; any thread */
/* net_part.c */
bool net_part_open(struct daemon *d, char **error);
void net_part_start(struct daemon *d);
void net_part_stop(struct daemon *d);  /* no traffic from here on */
void net_part_close(struct daemon *d); /* frees; also when it was never opened */
#ifdef HAVE_ZMQ
/* zmq_part.c: around the chain, whose events it passes on */
bool zmq_part_open(struct daemon *d, char **error);
void zmq_part_subscribe(struct daemon *d);
void zmq_part_close(struct daemon *d);
#endif
/* wallet_part.c; after net, before traffic begins */
bool wallet_part_open(struct daemon *d, char **error);
void wallet_part_close(struct daemon *d);
/* wallet_chain.c: after the last event of the chain */
void wallet_link_free(struct daemon *d);
/* Imports blocks, loads the mempool, lets traffic begin. */
bool import_part_open(struct daemon *d, char **error);
void import_part_close(struct daemon *d); /* saves the mempool */

#endif
