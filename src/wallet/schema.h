/* Tables of the wallet's file, and the steps that bring an older one up to date. */
#ifndef OCHRE_WALLET_SCHEMA_H
#define OCHRE_WALLET_SCHEMA_H

#include "db/sqlite.h"

extern const uint32_t schema_version; /* that this program writes */
/* Runs the steps from @version on; inside a transaction of the caller. */
NODISCARD enum err schema_migrate(struct sqlite *db, uint32_t version);
/* Names of all tables in the order in which rows may be inserted; ends with NULL. */
extern const char *const schema_tables[];

#endif
