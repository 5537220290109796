/* A ticket state in a directory of its own: begin and end as set-up and teardown. */
#ifndef OCHRE_TEST_STATE_FIXTURE_H
#define OCHRE_TEST_STATE_FIXTURE_H

#include "unit.h"

#include <ftw.h>

#include "chain/params/params.h"
#include "chain/state/state.h"

static char dir[] = "/tmp/ochre-test-spec-XXXXXX";
static struct chain_params params;
static struct db *db;
static struct state *state;

static int remove_one(const char *p, const struct stat *s, int flag, struct FTW *f)
{
    (void)s, (void)flag, (void)f;
    return remove(p);
}

static int begin(void **st)
{
    char path[64], *message;
    static const struct db_options opt = {.name = "chain state", .version = 1};
    (void)st;
    if (mkdtemp(dir) == NULL || !chain_params_get(&params, OCHRE, "regtest"))
        return -1;
    snprintf(path, sizeof(path), "%s/x", dir);
    if (db_open(&db, path, &opt, &message) != ERR_OK)
        return -1;
    state = state_new(db, 1 << 20);
    return 0;
}

static int end(void **st)
{
    (void)st;
    state_free(state);
    db_close(db);
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
