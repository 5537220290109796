#include "chain/store/block_xor.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/fs.h"
#include "util/hex.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/rand.h"

#define KEY_FILE "xor.dat"

void block_xor_apply(const struct block_xor *x, void *data, size_t len, uint64_t pos)
{
    uint8_t *p = data, turned[sizeof(x->key)];
    uint64_t key, word;
    for (size_t i = 0; i < sizeof(turned); i++)
        turned[i] = x->key[(pos + i) % sizeof(turned)];
    memcpy(&key, turned, sizeof(key));
    if (key == 0)
        return;
    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        word ^= key;
        memcpy(p, &word, sizeof(word));
    }
    for (size_t i = 0; i < len; i++)
        p[i] ^= turned[i];
}

static bool has_block_files(const char *dir)
{
    bool any = false;
    DIR *d = opendir(dir);
    for (const struct dirent *e; d && !any && (e = readdir(d)) != NULL;)
        any = strncmp(e->d_name, "blk", 3) == 0 || strncmp(e->d_name, "rev", 3) == 0;
    if (d)
        closedir(d);
    return any;
}

static enum err read_key(struct block_xor *out, const char *path, char **error)
{
    struct buf data = {0};
    enum err e = fs_read_file(path, sizeof(out->key), &data);
    if (e == ERR_FULL || (e == ERR_OK && data.len != sizeof(out->key)))
        e = ERR_CORRUPT;
    if (e == ERR_OK)
        memcpy(out->key, data.data, sizeof(out->key));
    else
        *error =
            xasprintf("Cannot read the key of the block files, %s: %s. Restore it, "
                      "or remove the blocks directory to download all blocks again",
                      path, err_text(e));
    buf_clear(&data);
    return e;
}

static enum err make_key(struct block_xor *out, const char *path, bool random,
                         char **error)
{
    *out = (struct block_xor){{0}};
    if (random)
        rand_bytes(out->key, sizeof(out->key));
    enum err e = fs_write_atomic(path, out->key, sizeof(out->key), 0600);
    if (e != ERR_OK)
        *error = xasprintf("Cannot write %s: %s", path, err_text(e));
    return e;
}

static bool is_zero(const struct block_xor *x)
{
    static const struct block_xor zero;
    return memcmp(x, &zero, sizeof(zero)) == 0;
}

enum err block_xor_open(struct block_xor *out, const char *dir, bool use,
                        struct logger *log, char **error)
{
    char hex[2 * sizeof(out->key) + 1];
    char *path = path_join(dir, KEY_FILE);
    enum err e = path_exists(path)
                     ? read_key(out, path, error)
                     : make_key(out, path, use && !has_block_files(dir), error);
    hex_encode(hex, out->key, sizeof(out->key));
    if (e == ERR_OK && !use && !is_zero(out)) {
        *error =
            xasprintf("The blocksdir XOR-key can not be disabled when a random key "
                      "was already stored! Stored key: '%s', stored path: '%s'.",
                      hex, path);
        e = ERR_RANGE;
    }
    if (e == ERR_OK)
        log_info(log, "Using obfuscation key for blocksdir *.dat files (%s): '%s'", dir,
                 hex);
    free(path);
    return e;
}

/* -- Files of others -- */

static bool read_start(const char *path, uint8_t out[4])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read(fd, out, 4) == 4;
    if (fd >= 0)
        close(fd);
    return ok;
}

static char *key_path_beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? xasprintf("%.*s/" KEY_FILE, (int)(slash - path), path)
                 : xstrdup(KEY_FILE);
}

struct block_xor block_xor_guess(const char *path, const uint8_t magic[4])
{
    struct block_xor x = {{0}};
    uint8_t start[4];
    if (!read_start(path, start) || memcmp(start, magic, 4) == 0)
        return x;
    char *beside = key_path_beside(path), *error = NULL;
    if (path_exists(beside) && read_key(&x, beside, &error) == ERR_OK)
        block_xor_apply(&x, start, sizeof(start), 0);
    if (memcmp(start, magic, 4) != 0)
        x = (struct block_xor){{0}};
    free(error);
    free(beside);
    return x;
}
