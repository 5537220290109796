#include "mn/sn_operator.h"

#include <stdlib.h>

#include "crypto/ed448.h"
#include "crypto/hash.h"
#include "crypto/secp.h"
#include "crypto/secret.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/rand.h"

#define FORMAT_VERSION 1
#define SECRET_AT      5
#define PASTELID_AT    37
#define CHECKSUM_AT    94

static const uint8_t magic[4] = {'O', 'C', 'S', 'N'};

struct sn_operator {
    char name[SN_OPERATOR_NAME_MAX + 1];
    uint8_t key[32]; /* public */
    uint8_t *file;   /* owned: the octets of the file, in secret memory */
};

bool sn_operator_name_ok(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t n = strlen(name);
    return n > 0 && n <= SN_OPERATOR_NAME_MAX && strspn(name, allowed) == n;
}

static char *dir_of(const char *datadir)
{
    return path_join(datadir, "supernodes");
}

static char *path_of(const char *datadir, const char *name)
{
    char *dir = dir_of(datadir);
    char *path = path_join(dir, name);
    free(dir);
    return path;
}

static void checksum(uint8_t out[4], const uint8_t *file)
{
    uint8_t hash[32];
    sha3_256(hash, file, CHECKSUM_AT);
    memcpy(out, hash, 4);
}

/* --- making --- */

static enum err write_file(const char *datadir, const char *name, const uint8_t *file)
{
    char *dir = dir_of(datadir), *path = path_of(datadir, name);
    enum err e = fs_mkdirs(dir, 0700);
    if (e == ERR_OK && path_exists(path))
        e = ERR_EXISTS;
    if (e == ERR_OK)
        e = fs_write_atomic(path, file, SN_OPERATOR_FILE_SIZE, 0600);
    free(dir);
    free(path);
    return e;
}

enum err sn_operator_create(const char *datadir, const char *name,
                            const uint8_t pastelid[57], const uint8_t secret[32])
{
    ASSERT(sn_operator_name_ok(name));
    uint8_t *file = secret_alloc(SN_OPERATOR_FILE_SIZE);
    memcpy(file, magic, sizeof(magic));
    file[sizeof(magic)] = FORMAT_VERSION;
    memcpy(file + SECRET_AT, secret, 32);
    memcpy(file + PASTELID_AT, pastelid, ED448_KEY_SIZE);
    checksum(file + CHECKSUM_AT, file);
    enum err e = write_file(datadir, name, file);
    secret_free(file);
    return e;
}

/* --- opening --- */

static enum err read_file(uint8_t *file, const char *path)
{
    struct buf raw = {0};
    enum err e = path_exists(path) ? fs_read_file(path, SN_OPERATOR_FILE_SIZE, &raw)
                                   : ERR_NOT_FOUND;
    if (e == ERR_FULL || (e == ERR_OK && raw.len != SN_OPERATOR_FILE_SIZE))
        e = ERR_CORRUPT;
    if (e == ERR_OK)
        memcpy(file, raw.data, raw.len);
    if (raw.cap > 0)
        secret_wipe(raw.data, raw.cap);
    buf_clear(&raw);
    return e;
}

static enum err check_file(const uint8_t *file)
{
    uint8_t sum[4];
    if (memcmp(file, magic, sizeof(magic)) != 0)
        return ERR_CORRUPT;
    if (file[sizeof(magic)] > FORMAT_VERSION)
        return ERR_VERSION;
    checksum(sum, file);
    return memcmp(sum, file + CHECKSUM_AT, sizeof(sum)) == 0 &&
                   secp_seckey_valid(file + SECRET_AT)
               ? ERR_OK
               : ERR_CORRUPT;
}

enum err sn_operator_open(struct sn_operator **out, const char *datadir,
                          const char *name)
{
    uint8_t pub[33];
    size_t n;
    if (!sn_operator_name_ok(name))
        return ERR_NOT_FOUND;
    struct sn_operator *o = xcalloc(1, sizeof(*o));
    char *path = path_of(datadir, name);
    memcpy(o->name, name, strlen(name) + 1);
    o->file = secret_alloc(SN_OPERATOR_FILE_SIZE);
    enum err e = read_file(o->file, path);
    if (e == ERR_OK)
        e = check_file(o->file);
    free(path);
    if (e != ERR_OK) {
        sn_operator_free(o);
        return e;
    }
    secp_pubkey_create(pub, &n, o->file + SECRET_AT, true);
    memcpy(o->key, pub + 1, 32);
    *out = o;
    return ERR_OK;
}

void sn_operator_free(struct sn_operator *o)
{
    if (o == NULL)
        return;
    secret_free(o->file);
    free(o);
}

const char *sn_operator_name(const struct sn_operator *o)
{
    return o->name;
}

const uint8_t *sn_operator_key(const struct sn_operator *o)
{
    return o->key;
}

const uint8_t *sn_operator_pastelid(const struct sn_operator *o)
{
    return o->file + PASTELID_AT;
}

void sn_operator_sign(const struct sn_operator *o, uint8_t sig[64],
                      const struct hash256 *hash)
{
    uint8_t aux[32];
    rand_bytes(aux, sizeof(aux));
    ASSERT(secp_schnorr_sign(sig, o->file + SECRET_AT, hash->b, aux, NULL));
}
