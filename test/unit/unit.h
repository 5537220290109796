/* What every unit test needs: cmocka with its prerequisites, and the shared test vectors. */
#ifndef OCHRE_TEST_UNIT_H
#define OCHRE_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Path of a file among the shared vectors ($OCHRE_SHARED_DATA, else ../shared/data beside
 * the source tree), e.g. "bitcoin/tx_valid.json"; static storage. A missing file is
 * reported, and the test skips. */
static inline const char *shared_vector(const char *name)
{
    static char path[4096];
    const char *dir = getenv("OCHRE_SHARED_DATA");
    const char *top = getenv("srcdir"); /* set by make check */
    if (dir)
        snprintf(path, sizeof(path), "%s/%s", dir, name);
    else
        snprintf(path, sizeof(path), "%s/../shared/data/%s", top ? top : ".", name);
    FILE *f = fopen(path, "r");
    if (!f) {
        print_message("skipped: no test vectors at %s\n", path);
        skip();
    }
    fclose(f);
    return path;
}

#endif
