/* Going to the background, with the parent waiting until start-up has begun or is
 * finished. */
#ifndef OCHRE_NODE_DAEMONIZE_H
#define OCHRE_NODE_DAEMONIZE_H

#include "util/err.h"

/* Forks; must be called before any thread exists. The parent does not return: it waits
 * until the child calls daemonize_ready, and exits 0 then, or 1 when the child ends
 * before. ERR_IO: could not fork. */
NODISCARD enum err daemonize(int *ready_fd);
/* Tells the parent to exit with success, and lets go of the terminal. fd -1: does
 * nothing. */
void daemonize_ready(int ready_fd);

#endif
