/* What stands behind a struct rpc_call. For src/rpc/server.c and call.c. */
#ifndef OCHRE_RPC_JOB_H
#define OCHRE_RPC_JOB_H

#include "rpc/method.h"

struct http_request;

struct rpc_job {
    struct http_request *rq;
    enum rpc_code code;
    char *message;                /* of the error; in the call's memory */
    int64_t start;                /* steady microseconds */
    struct rpc_job *next, **link; /* list of running calls */
    const char *name;             /* of the method */
};

/* Puts the arguments of a call in their places: named ones by the method's table.
 * Errors become the call's. */
NODISCARD bool rpc_place_params(struct rpc_call *c, const struct json *params);
/* Number and types of the arguments. */
NODISCARD bool rpc_check_params(struct rpc_call *c);

/* False: the node is still starting, and the call has failed with -28. */
bool rpc_is_warm(struct rpc_call *c);
/* -rpcdoccheck */
bool rpc_checks_results(const struct rpc_server *s);
void rpc_job_enter(struct rpc_server *s, struct rpc_job *j);
void rpc_job_leave(struct rpc_server *s, struct rpc_job *j);
/* Notes that a method was called, for the metrics; @name is the table's. */
void rpc_count_call(struct rpc_server *s, const char *name, int64_t us, bool failed);
/* The running calls, for getrpcinfo. */
void rpc_write_active(struct rpc_server *s, struct json_writer *w);

#endif
