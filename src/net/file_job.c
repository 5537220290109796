#include "net/file_job.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "util/fs.h"
#include "util/pool.h"

struct file_job {
    struct net *net;
    char *path;      /* owned */
    size_t max;      /* to read; 0: writes */
    struct buf data; /* secret */
    enum err result;
    file_done *done;
    void *ctx;
};

static void finish(void *arg)
{
    struct file_job *j = arg;
    if (!j->net->stopping)
        j->done(j->ctx, j->result, &j->data);
    buf_clear(&j->data);
    free(j->path);
    free(j);
}

/* Others may have named it: a pipe would keep us waiting. */
static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void work(void *arg)
{
    struct file_job *j = arg;
    if (j->max == 0)
        j->result = fs_write_atomic(j->path, j->data.data, j->data.len, 0600);
    else if (path_exists(j->path) && !is_file(j->path))
        j->result = ERR_IO;
    else
        j->result = fs_read_file(j->path, j->max, &j->data);
    loop_post(j->net->loop, finish, j);
}

static struct file_job *new_job(struct net *net, const char *path, file_done *done,
                                void *ctx)
{
    struct file_job *j = xcalloc(1, sizeof(*j));
    j->net = net;
    j->path = xstrdup(path);
    j->data.secret = true;
    j->done = done;
    j->ctx = ctx;
    return j;
}

void file_job_read(struct net *net, const char *path, size_t max, file_done *done,
                   void *ctx)
{
    struct file_job *j = new_job(net, path, done, ctx);
    j->max = max;
    pool_submit(net->resolver, work, j);
}

void file_job_write(struct net *net, const char *path, const void *data, size_t len,
                    file_done *done, void *ctx)
{
    struct file_job *j = new_job(net, path, done, ctx);
    buf_append(&j->data, data, len);
    pool_submit(net->resolver, work, j);
}
