#include "wallet/schema.h"

#include "util/err.h"

/* Step i leads from version i to i + 1 and is never changed after a release. */
static const char *const steps[] = {
    /* Single values: flags, birth time, best block, sealed master key. */
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    /* text is public. receives, changes: hands out addresses of that kind. */
    "CREATE TABLE descriptor ("
    " row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, text TEXT NOT NULL,"
    " created INTEGER NOT NULL, range_start INTEGER NOT NULL,"
    " range_end INTEGER NOT NULL, next_index INTEGER NOT NULL,"
    " receives INTEGER NOT NULL, changes INTEGER NOT NULL,"
    " internal INTEGER NOT NULL);"
    /* Public keys behind hardened steps, in pieces of chain/script/descriptor.h. */
    "CREATE TABLE descriptor_cache ("
    " descriptor INTEGER NOT NULL REFERENCES descriptor, first INTEGER NOT NULL,"
    " data BLOB NOT NULL, PRIMARY KEY (descriptor, first)) WITHOUT ROWID;"
    /* Scripts of positions first, first + 1, ...: see wallet/script_chunk.h. */
    "CREATE TABLE script ("
    " descriptor INTEGER NOT NULL REFERENCES descriptor, first INTEGER NOT NULL,"
    " data BLOB NOT NULL, PRIMARY KEY (descriptor, first)) WITHOUT ROWID;"
    /* Private keys as descriptors hold them: roots of extended keys, single keys. */
    "CREATE TABLE private_key ("
    " pubkey BLOB PRIMARY KEY, sealed INTEGER NOT NULL, secret BLOB NOT NULL)"
    " WITHOUT ROWID;"
    /* label NULL: only a mark. purpose: enum address_purpose. */
    "CREATE TABLE address ("
    " script BLOB PRIMARY KEY, label TEXT, purpose INTEGER NOT NULL,"
    " reused INTEGER NOT NULL) WITHOUT ROWID;"
    /* Coins that the user keeps from being spent (lockunspent, persistent). */
    "CREATE TABLE locked_coin ("
    " txid BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (txid, n)) WITHOUT ROWID;"
    /* See wallet/tx_row.h. */
    "CREATE TABLE transactions ("
    " place INTEGER PRIMARY KEY, tx BLOB NOT NULL, state INTEGER NOT NULL,"
    " block BLOB, height INTEGER, block_index INTEGER,"
    " received INTEGER NOT NULL, smart INTEGER NOT NULL,"
    " comment TEXT, comment_to TEXT, replaces BLOB, replaced_by BLOB);",
};

const uint32_t schema_version = ARRAY_LEN(steps);

const char *const schema_tables[] = {
    "meta",    "descriptor",  "descriptor_cache", "script", "private_key",
    "address", "locked_coin", "transactions",     NULL,
};

enum err schema_migrate(struct sqlite *db, uint32_t version)
{
    enum err e = ERR_OK;
    for (uint32_t i = version; e == ERR_OK && i < schema_version; i++)
        e = sqlite_exec(db, steps[i]);
    return e;
}
