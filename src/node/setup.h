/* From the command line to a checked configuration: data directory, configuration
 * files, network, logging. Nothing is opened or started here but the log. */
#ifndef OCHRE_NODE_SETUP_H
#define OCHRE_NODE_SETUP_H

#include "chain/params/params.h"
#include "util/args.h"
#include "util/log.h"

struct setup {
    struct args *args;          /* borrowed */
    struct chain_params params; /* the network's row, adjusted by options */
    char *base_datadir;         /* owned, absolute: -datadir */
    char *datadir;              /* owned: <base_datadir>/<network> */
    char *blocksdir;            /* owned: <blocksdir>/<network>/blocks */
    char *config_path; /* owned; of the file that was read, or would have been */
    bool config_read;
    char *user_agent_comments;   /* owned: "a; b", may be empty */
    int lock_fd, blocks_lock_fd; /* -1: not locked */
    bool filter_index;           /* -blockfilterindex */
};

/* Each step returns false with a sentence in *error (caller frees). The command-line
 * tools use the first step only, with tables of their own: @strict false passes over
 * keys they do not know. */
NODISCARD bool setup_config(struct setup *s, struct args *args, bool strict,
                            char **error);
NODISCARD bool setup_directories(struct setup *s, char **error);
/* One process per directory. */
NODISCARD bool setup_lock(struct setup *s, char **error);
NODISCARD bool setup_settings(struct setup *s, char **error);
/* bitcoind's interaction of options: what one option implies for others nobody has set.
 */
void setup_interactions(struct setup *s, struct logger *log);
/* One of them: sets @name unless the user did, and logs why. */
void setup_imply(struct setup *s, struct logger *log, const char *because,
                 const char *name, const char *value);
/* setup_net.c: those of the network's options. */
void setup_net_interactions(struct setup *s, struct logger *log);
NODISCARD bool setup_net_check(struct setup *s, char **error);
/* Ranges and combinations that the option table cannot express; adjusts s->params. */
NODISCARD bool setup_check(struct setup *s, char **error);
NODISCARD bool setup_logging(struct setup *s, struct logger *log, char **error);
void setup_clear(struct setup *s);

/* A path that is relative to @dir unless absolute; caller frees. */
char *setup_path(const char *dir, const char *path);
/* A fee rate or amount option in the smallest unit; false with bitcoind's
 * "Invalid amount for -<name>=<amount>: '<text>'". Unset: *out keeps its value. */
NODISCARD bool setup_amount(const struct setup *s, const char *name, struct amount *out,
                            char **error);
/* Name of the program in messages ("Ochre"), and its version ("0.1.0"). */
const char *client_name(void);
const char *client_version(void);
/* 10000 * major + 100 * minor + patch, as in getnetworkinfo. */
int client_version_number(void);

#endif
