/* What the commands of ochre-rq share. */
#ifndef OCHRE_CLI_RQ_COMMAND_H
#define OCHRE_CLI_RQ_COMMAND_H
#include <stdio.h>
#include <time.h>

#include "cli/rq_files.h"
#include "util/args.h"

/* ---- Command line ---- */

extern const struct opt rq_options[]; /* long options, in groups by command */

struct rqc_options {
    const char *out, *kernel;
    uint32_t symbol_size; /* 0: the command's default */
    uint32_t repair, blocks, sub_blocks, align, threads, memory, symbols;
    bool has_repair, no_source, quiet, has_object, help, version;
    uint8_t object[32];
    double seconds;
};

/* Sets options and defaults; *operands is where operands begin in argv, behind the
 * options. False: a message is on standard error. */
bool rqc_parse(struct rqc_options *o, int argc, char **argv, int *operands);
void rqc_usage(FILE *out);

/* Prints a message on standard error, unless a signal is the cause; returns 1, the exit
 * code. */
int PRINTF_LIKE(1, 2) rqc_fail(const char *format, ...);

/* ---- Work in progress ---- */

struct rqc_bar {
    bool on;
    const char *what;
    struct timespec start;
    int drawn; /* per cent */
};

void rqc_bar_start(struct rqc_bar *b, const struct rqc_options *o, const char *what);
void rqc_bar_draw(struct rqc_bar *b, uint64_t done, uint64_t total);

struct rqc_job {
    const struct rqc_options *o;
    struct rqc_bar bar;
    int fd; /* the object */
    struct rq_oti oti;
    uint8_t object[32];
    const char *path; /* of the symbol files */
    struct rqs_dir dir;
};

/* SIGINT, SIGTERM and SIGHUP end the work in good order: callbacks fail from then on,
 * and what is half done is removed. rqc_stopped is the signal, or 0. */
void rqc_catch_signals(void);
int rqc_stopped(void);

int rqc_on_progress(void *self, uint64_t done, uint64_t total);
bool rqc_read_at(int fd, void *buf, size_t n, uint64_t at);
bool rqc_write_at(int fd, const void *buf, size_t n, uint64_t at);
/* SHA3-256 of the first @n octets of the object. */
bool rqc_hash_object(struct rqc_job *j, uint64_t n, const char *what, uint8_t out[32]);
/* The message for a failure of the library with @path; I/O has been named already. */
int rqc_fail_status(const char *path, int status);

struct rqc_engine {
    struct rq_pool *pool;
    struct rq_ctx *ctx;
};
int rqc_engine_open(struct rqc_engine *e, const struct rqc_options *o);
void rqc_engine_close(struct rqc_engine *e);

/* ---- Commands: exit codes ---- */

int rqc_encode(const struct rqc_options *o, const char *file);
int rqc_decode(const struct rqc_options *o, const char *dir);
int rqc_inspect(const struct rqc_options *o, const char *path);

#endif
