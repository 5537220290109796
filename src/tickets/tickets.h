/* The ticket layer as the node opens it: rules that join block validation, the index of
 * tickets in blocks, and this node's PastelID key files.
 *
 * Order: tickets_new; chainman_open with tickets_hooks; tickets_attach (before
 * chainman_start_import); ... ; chainman_close; tickets_free. */
#ifndef OCHRE_TICKETS_TICKETS_H
#define OCHRE_TICKETS_TICKETS_H

#include "chain/validation/chainman.h"
#include "chain/validation/hooks.h"

struct pastelid_store;
struct ticket_index;
struct supernode_view;
struct tickets;

struct tickets_options {
    const struct chain_params *params; /* borrowed */
    struct logger *log;
    const char *datadir; /* of the network: holds indexes/tickets and pastelkeys */
    uint64_t kdf_memory; /* -kdfmemory in bytes; 0: libsodium's MODERATE */
    size_t index_cache_bytes;
    bool reindex;                            /* begin the index anew */
    const struct supernode_view *supernodes; /* borrowed: the list, src/mn */
    /* A failing index stops the node: as in chainman_options. */
    void (*request_stop)(void *ctx, const char *fatal);
    void *stop_ctx;
};

struct tickets *tickets_new(const struct tickets_options *opt);
void tickets_free(struct tickets *t);
/* Valid as long as t; NULL when the network has no tickets. */
const struct consensus_hooks *tickets_hooks(struct tickets *t);
/* Opens the index, brings it to the active chain, and follows the chain from then on.
 * On failure *error (caller frees) says what is wrong and the way out. Does nothing
 * without tickets. */
NODISCARD enum err tickets_attach(struct tickets *t, struct chainman *cm, char **error);

struct ticket_index *
tickets_index(struct tickets *t); /* NULL before attach, or no tickets */
struct pastelid_store *tickets_pastelids(struct tickets *t);

#endif
