/* Any configuration file. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/args.h"

static const struct opt table[] = {
    {"server", OPT_BOOL}, {"port", OPT_INT, .min = 1, .max = 65535, .flags = OPT_NETWORK_ONLY},
    {"connect", OPT_LIST}, {"debug", OPT_LIST}, {"datadir", OPT_STR, .flags = OPT_DISALLOW_NEGATION},
    {"regtest", OPT_BOOL}, {"rpcpassword", OPT_STR}, {NULL},
};

static void read_config(const char *path, bool strict)
{
    struct args *a = args_new(table);
    char *error = NULL;
    size_t n;
    bool ok = args_read_config(a, path, strict, &error);
    ASSERT(ok == (error == NULL));
    free(error);
    args_select_network(a, "regtest");
    for (const struct opt *o = table; o->name; o++) {
        args_str(a, o->name, "");
        args_int(a, o->name, 0);
        args_bool(a, o->name, false);
        args_list(a, o->name, &n);
    }
    args_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("config", 0);
    ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    read_config(path, true);
    read_config(path, false);
    close(fd);
    return 0;
}
