/* A wallet's file: one SQLite database, held with an exclusive lock. The schema stands
 * in schema.c, with its version and migrations. application_id is the network's magic,
 * so that another network's file is named as such.
 *
 * Each part of the wallet keeps its own statements (sqlite_query(store_db(s), "..."),
 * see db/sqlite.h); what several parts share stands here. All functions want the
 * wallet's lock. */
#ifndef OCHRE_WALLET_STORE_H
#define OCHRE_WALLET_STORE_H

#include "chain/params/params.h"
#include "db/sqlite.h"
#include "wallet/error.h"

struct store;

enum store_open {
    STORE_CREATE,   /* no wallet may be there; a transaction is open then, and with
                       its commit the file comes to be */
    STORE_EXISTING, /* it must exist and be a wallet of this network */
};

enum store_flags {
    STORE_ANY_NETWORK = 1,
    STORE_UNSAFE_SYNC = 2, /* commits do not wait for the disk */
};

/* Locks the file, checks it, brings the schema up to date. Errors name the file, the
 * cause and the way out. */
NODISCARD bool store_open(struct store **out, const char *path, enum store_open how,
                          const struct chain_params *params, unsigned flags,
                          struct wallet_error *e);
void store_close(struct store *s); /* NULL is fine */
struct sqlite *store_db(struct store *s);
const char *store_path(const struct store *s);

/* A batch: nothing of it or all of it is on disk. Nests; the outermost commit writes.
 * After store_rollback (of any level) the outermost one rolls back too. */
void store_begin(struct store *s);
NODISCARD enum err store_commit(struct store *s);
void store_rollback(struct store *s);
/* Commits when @result is ERR_OK, else rolls back and returns @result. */
NODISCARD enum err store_end(struct store *s, enum err result);
/* The sentence for the user after a failed write. */
const char *store_error(const struct store *s);

/* Single values. @key: a short name. */
NODISCARD enum err store_put(struct store *s, const char *key, struct bytes value);
/* Appends. ERR_NOT_FOUND: *out is unchanged. */
NODISCARD enum err store_get(struct store *s, const char *key, struct buf *out);
NODISCARD enum err store_put_int(struct store *s, const char *key, int64_t value);
NODISCARD enum err store_get_int(struct store *s, const char *key, int64_t *out);
NODISCARD enum err store_del(struct store *s, const char *key);

/* Writes a consistent copy while the wallet is in use. */
NODISCARD enum err store_backup(struct store *s, const char *path);
/* Rewrites the file so that no byte of deleted records is left, in memory neither. */
NODISCARD enum err store_compact(struct store *s);

#endif
