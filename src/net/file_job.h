/* Small secret files, read and written off the event loop. */
#ifndef OCHRE_NET_FILE_JOB_H
#define OCHRE_NET_FILE_JOB_H

#include "net/internal.h"

/* On the loop, and only while the network is not stopping. @data is wiped after. */
typedef void file_done(void *ctx, enum err result, const struct buf *data);

/* Whole regular files of up to @max octets. From the loop. */
void file_job_read(struct net *net, const char *path, size_t max, file_done *done,
                   void *ctx);
/* Replaces the file at once, readable by its owner only. */
void file_job_write(struct net *net, const char *path, const void *data, size_t len,
                    file_done *done, void *ctx);

#endif
