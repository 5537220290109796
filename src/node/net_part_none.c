#include "node/daemon.h"
bool net_part_open(struct daemon *d UNUSED, char **error UNUSED) { return true; }
void net_part_start(struct daemon *d UNUSED) {}
void net_part_stop(struct daemon *d UNUSED) {}
void net_part_close(struct daemon *d UNUSED) {}
void daemon_forward_scheduler(struct node *n UNUSED, int64_t seconds UNUSED) {}
