/* Commands of the user's that run on events: -startupnotify, -blocknotify, ... Each
 * runs in a shell beside the node; the node does not wait for it. */
#ifndef OCHRE_NODE_NOTIFY_H
#define OCHRE_NODE_NOTIFY_H

#include "util/log.h"

struct notifier;

struct notifier *notifier_new(struct logger *log);
/* Runs @command with every %s replaced by @value (NULL: none). @value is put in single
 * quotes unless it is plain letters and digits. From any thread; returns at once. */
void notifier_run(struct notifier *n, const char *command, const char *value);
/* Waits until all commands ended, at most @timeout_ms. True: none is left, and n is
 * freed. False: some still run; n (and the logger) must stay for them. */
bool notifier_close(struct notifier *n, int timeout_ms);

#endif
