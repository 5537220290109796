#include "node/notify.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "util/bytes.h"
#include "util/mem.h"

extern char **environ;

struct notifier {
    struct logger *log;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    unsigned running;
};

struct command {
    struct notifier *n;
    char *text; /* owned */
};

struct notifier *notifier_new(struct logger *log)
{
    struct notifier *n = xcalloc(1, sizeof(*n));
    n->log = log;
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->idle, NULL);
    return n;
}

static bool is_plain(const char *value)
{
    for (; *value; value++)
        if (!isalnum((unsigned char)*value))
            return false;
    return true;
}

/* A warning's text must not become shell syntax. */
static void append_quoted(struct buf *out, const char *value)
{
    if (is_plain(value)) {
        buf_append_str(out, value);
        return;
    }
    buf_append_byte(out, '\'');
    for (; *value; value++)
        if (*value == '\'')
            buf_append_str(out, "'\\''");
        else
            buf_append_byte(out, (uint8_t)*value);
    buf_append_byte(out, '\'');
}

static char *expand(const char *command, const char *value)
{
    struct buf out = {0};
    while (*command) {
        if (value != NULL && command[0] == '%' && command[1] == 's') {
            append_quoted(&out, value);
            command += 2;
        } else {
            buf_append_byte(&out, (uint8_t)*command++);
        }
    }
    char *text = xstrdup(buf_cstr(&out));
    buf_clear(&out);
    return text;
}

/* Exit status of the shell, or -1. Signals that the node blocks are given back to the
 * child. */
static int run_shell(const char *text)
{
    posix_spawnattr_t attr;
    sigset_t none;
    pid_t pid;
    int status = -1;
    char *const argv[] = {(char *)"sh", (char *)"-c", (char *)text, NULL};

    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attr, &none);
    if (posix_spawn(&pid, "/bin/sh", NULL, &attr, argv, environ) == 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    posix_spawnattr_destroy(&attr);
    return status;
}

static void *command_thread(void *arg)
{
    struct command *c = arg;
    struct notifier *n = c->n;

    log_thread_name("notify");
    int status = run_shell(c->text);
    if (status != 0)
        log_error(n->log, "runCommand error: system(%s) returned %d", c->text, status);
    free(c->text);
    free(c);
    pthread_mutex_lock(&n->lock);
    if (--n->running == 0)
        pthread_cond_signal(&n->idle);
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

void notifier_run(struct notifier *n, const char *command, const char *value)
{
    struct command *c = xmalloc(sizeof(*c));
    pthread_attr_t attr;
    pthread_t thread;

    *c = (struct command){n, expand(command, value)};
    pthread_mutex_lock(&n->lock);
    n->running++;
    pthread_mutex_unlock(&n->lock);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, command_thread, c) != 0)
        command_thread(c);
    pthread_attr_destroy(&attr);
}

bool notifier_close(struct notifier *n, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&n->lock);
    int rc = 0;
    while (n->running > 0 && rc == 0)
        rc = pthread_cond_timedwait(&n->idle, &n->lock, &until);
    bool idle = n->running == 0;
    pthread_mutex_unlock(&n->lock);
    if (!idle)
        return false;
    pthread_mutex_destroy(&n->lock);
    pthread_cond_destroy(&n->idle);
    free(n);
    return true;
}
