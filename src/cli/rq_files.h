/* Symbol files of ochre-rq: one encoding symbol each, with all that is needed to know
 * what it belongs to. doc/raptorq.md has the format. */
#ifndef OCHRE_CLI_RQ_FILES_H
#define OCHRE_CLI_RQ_FILES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/raptorq/raptorq.h"

#define RQS_HEADER 88 /* octets before the symbol */

struct rqs_header {
    struct rq_oti oti;
    struct rq_payload_id id;
    uint8_t object[32]; /* SHA3-256 of the whole object */
    uint8_t check[32];  /* SHA3-256 of all of the file but this */
};

/* Fills in h->check and writes the header. */
void rqs_put(uint8_t out[RQS_HEADER], struct rqs_header *h, const uint8_t *symbol);

/* NULL, or why these @n octets are not an intact symbol file. */
const char *rqs_get(struct rqs_header *out, const uint8_t *in, size_t n);

/* "012-00000345.rqs" */
#define RQS_NAME 32
void rqs_name(char out[RQS_NAME], const struct rq_payload_id *id);

/* What lies in a directory. */
struct rqs_entry {
    struct rq_payload_id id;
    char *name; /* owned */
};
struct rqs_dir {
    char *path; /* owned */
    struct rq_oti oti;
    uint8_t object[32];
    struct rqs_entry *entry; /* by block and id, each id once */
    size_t n;
    size_t damaged, foreign, copies; /* files that were skipped */
};

/* Reads and checks every file of @path, on stderr naming each that is skipped. The
 * object is @want (32 octets), or if NULL that of which most symbols are here. False,
 * with a message printed, if there is none. */
bool rqs_scan(struct rqs_dir *out, const char *path, const uint8_t *want);
void rqs_dir_clear(struct rqs_dir *dir);

/* Entries of block @sbn: returns the first, *n their number. */
const struct rqs_entry *rqs_block(const struct rqs_dir *dir, uint32_t sbn, size_t *n);
const struct rqs_entry *rqs_find(const struct rqs_dir *dir,
                                 const struct rq_payload_id *id);

#endif
