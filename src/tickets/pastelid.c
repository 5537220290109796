#include "tickets/pastelid.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "crypto/base58.h"
#include "crypto/secret.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/reader.h"
#include "util/sink.h"

#define FORMAT_VERSION 1
#define SEALED_AT      114
#define TEXT_LENGTH    86

static const uint8_t file_magic[4] = {'O', 'C', 'P', 'K'};
static const uint8_t text_prefix[2] = {0xa1, 0xde};

/* --- text --- */

char *pastelid_encode(char out[PASTELID_TEXT_SIZE], const uint8_t key[57])
{
    uint8_t raw[2 + ED448_KEY_SIZE];
    memcpy(raw, text_prefix, 2);
    memcpy(raw + 2, key, ED448_KEY_SIZE);
    char *text = base58check_encode(raw, sizeof(raw));
    snprintf(out, PASTELID_TEXT_SIZE, "%s", text);
    free(text);
    return out;
}

bool pastelid_decode(uint8_t key[57], const char *text)
{
    struct buf raw = {0};
    bool ok = strlen(text) == TEXT_LENGTH &&
              base58check_decode(&raw, text, 2 + ED448_KEY_SIZE) &&
              raw.len == 2 + ED448_KEY_SIZE && memcmp(raw.data, text_prefix, 2) == 0;
    if (ok)
        memcpy(key, raw.data + 2, ED448_KEY_SIZE);
    buf_clear(&raw);
    return ok;
}

/* --- one file --- */

struct key_file {
    struct kdf_params kdf;
    uint8_t nonce[AEAD_NONCE_SIZE];
    uint8_t pub[ED448_KEY_SIZE];
    uint8_t sealed[ED448_KEY_SIZE + AEAD_TAG_SIZE];
};

static void file_write(uint8_t out[PASTELID_FILE_SIZE], const struct key_file *f)
{
    struct buf b = {0};
    struct sink s = sink_to_buf(&b);
    write_bytes(&s, file_magic, sizeof(file_magic));
    write_u8(&s, FORMAT_VERSION);
    write_u32(&s, f->kdf.ops);
    write_u64(&s, f->kdf.memory);
    write_bytes(&s, f->kdf.salt, sizeof(f->kdf.salt));
    write_bytes(&s, f->nonce, sizeof(f->nonce));
    write_bytes(&s, f->pub, sizeof(f->pub));
    write_bytes(&s, f->sealed, sizeof(f->sealed));
    ASSERT(b.len == PASTELID_FILE_SIZE);
    memcpy(out, b.data, b.len);
    buf_clear(&b);
}

static enum err file_read(struct key_file *f, struct bytes raw)
{
    struct reader r;
    uint8_t magic[sizeof(file_magic)];
    reader_init(&r, raw.data, raw.len);
    read_copy(&r, magic, sizeof(magic));
    uint8_t version = read_u8(&r);
    if (r.bad || memcmp(magic, file_magic, sizeof(magic)) != 0)
        return ERR_CORRUPT;
    if (version > FORMAT_VERSION)
        return ERR_VERSION;
    f->kdf.ops = read_u32(&r);
    f->kdf.memory = read_u64(&r);
    read_copy(&r, f->kdf.salt, sizeof(f->kdf.salt));
    read_copy(&r, f->nonce, sizeof(f->nonce));
    read_copy(&r, f->pub, sizeof(f->pub));
    read_copy(&r, f->sealed, sizeof(f->sealed));
    return version == FORMAT_VERSION && reader_done(&r) ? ERR_OK : ERR_CORRUPT;
}

/* @secret in secret memory. Leaves the finished file in out. */
static enum err seal(uint8_t out[PASTELID_FILE_SIZE], const uint8_t secret[57],
                     uint64_t kdf_memory, const char *pass)
{
    struct key_file f = {0};
    uint8_t *key = secret_alloc(32);
    kdf_params_init(&f.kdf, kdf_memory);
    rand_bytes(f.nonce, sizeof(f.nonce));
    ed448_public(f.pub, secret);
    enum err e = kdf_derive(key, &f.kdf, pass, strlen(pass));
    if (e == ERR_OK) {
        file_write(out, &f); /* the head is what gets authenticated */
        aead_seal(f.sealed, key, f.nonce, out, SEALED_AT, secret, ED448_KEY_SIZE);
        file_write(out, &f);
    }
    secret_free(key);
    return e;
}

/* @secret gets the secret key; it must be secret memory. */
static enum err unseal(uint8_t secret[57], struct bytes raw, const char *pass)
{
    struct key_file f;
    uint8_t pub[ED448_KEY_SIZE];
    enum err e = file_read(&f, raw);
    if (e != ERR_OK)
        return e;
    uint8_t *key = secret_alloc(32);
    e = kdf_derive(key, &f.kdf, pass, strlen(pass));
    if (e == ERR_RANGE)
        e = ERR_CORRUPT; /* parameters that no version has written */
    if (e == ERR_OK && !aead_open(secret, key, f.nonce, raw.data, SEALED_AT, f.sealed,
                                  sizeof(f.sealed)))
        e = ERR_AUTH;
    secret_free(key);
    if (e != ERR_OK)
        return e;
    ed448_public(pub, secret);
    return memcmp(pub, f.pub, sizeof(pub)) == 0 ? ERR_OK : ERR_CORRUPT;
}

/* --- the directory --- */

struct pastelid_store {
    char *parent, *dir; /* owned */
    uint64_t kdf_memory;
};

struct pastelid_store *pastelid_store_new(const char *datadir, uint64_t kdf_memory)
{
    struct pastelid_store *s = xcalloc(1, sizeof(*s));
    s->parent = xstrdup(datadir);
    s->dir = path_join(datadir, "pastelkeys");
    s->kdf_memory = kdf_memory;
    return s;
}

void pastelid_store_free(struct pastelid_store *s)
{
    if (s == NULL)
        return;
    free(s->parent);
    free(s->dir);
    free(s);
}

static char *path_of(const struct pastelid_store *s, const uint8_t key[57])
{
    char text[PASTELID_TEXT_SIZE];
    return path_join(s->dir, pastelid_encode(text, key));
}

static enum err load(const struct pastelid_store *s, const uint8_t key[57],
                     struct buf *raw)
{
    struct key_file f;
    char *path = path_of(s, key);
    enum err e =
        path_exists(path) ? fs_read_file(path, PASTELID_FILE_SIZE, raw) : ERR_NOT_FOUND;
    if (e == ERR_FULL) /* longer than such a file can be */
        e = ERR_CORRUPT;
    if (e == ERR_OK)
        e = file_read(&f, buf_view(raw));
    if (e == ERR_OK && memcmp(f.pub, key, sizeof(f.pub)) != 0)
        e = ERR_CORRUPT;
    free(path);
    return e;
}

/* The directory, made to last before anything is put into it. */
static enum err make_dir(const struct pastelid_store *s)
{
    if (path_is_dir(s->dir))
        return ERR_OK;
    enum err e = fs_mkdirs(s->dir, 0700);
    return e == ERR_OK ? fs_sync_dir(s->parent) : e;
}

static enum err store(const struct pastelid_store *s, const uint8_t key[57],
                      const uint8_t file[PASTELID_FILE_SIZE])
{
    char *path = path_of(s, key);
    enum err e = make_dir(s);
    if (e == ERR_OK)
        e = fs_write_atomic(path, file, PASTELID_FILE_SIZE, 0600);
    free(path);
    return e;
}

enum err pastelid_new(struct pastelid_store *s, uint8_t key[57], const char *pass)
{
    uint8_t file[PASTELID_FILE_SIZE];
    uint8_t *secret = secret_alloc(ED448_KEY_SIZE);
    rand_bytes(secret, ED448_KEY_SIZE);
    enum err e = seal(file, secret, s->kdf_memory, pass);
    if (e == ERR_OK) {
        ed448_public(key, secret);
        e = store(s, key, file);
    }
    secret_free(secret);
    return e;
}

enum err pastelid_sign(struct pastelid_store *s, uint8_t sig[114],
                       const uint8_t key[57], const char *pass, const void *msg,
                       size_t len)
{
    struct buf raw = {0};
    uint8_t *secret = secret_alloc(ED448_KEY_SIZE);
    enum err e = load(s, key, &raw);
    if (e == ERR_OK)
        e = unseal(secret, buf_view(&raw), pass);
    if (e == ERR_OK)
        ed448_sign(sig, secret, msg, len);
    secret_free(secret);
    buf_clear(&raw);
    return e;
}

enum err pastelid_passwd(struct pastelid_store *s, const uint8_t key[57],
                         const char *old_pass, const char *new_pass)
{
    struct buf raw = {0};
    uint8_t file[PASTELID_FILE_SIZE];
    uint8_t *secret = secret_alloc(ED448_KEY_SIZE);
    enum err e = load(s, key, &raw);
    if (e == ERR_OK)
        e = unseal(secret, buf_view(&raw), old_pass);
    if (e == ERR_OK)
        e = seal(file, secret, s->kdf_memory, new_pass);
    if (e == ERR_OK)
        e = store(s, key, file);
    secret_free(secret);
    buf_clear(&raw);
    return e;
}

enum err pastelid_export(struct pastelid_store *s, const uint8_t key[57],
                         uint8_t file[PASTELID_FILE_SIZE])
{
    struct buf raw = {0};
    enum err e = load(s, key, &raw);
    if (e == ERR_OK)
        memcpy(file, raw.data, PASTELID_FILE_SIZE);
    buf_clear(&raw);
    return e;
}

enum err pastelid_import(struct pastelid_store *s, uint8_t key[57], struct bytes file,
                         const char *pass)
{
    struct key_file f;
    uint8_t *secret = secret_alloc(ED448_KEY_SIZE);
    enum err e = file_read(&f, file);
    if (e == ERR_OK)
        e = unseal(secret, file, pass);
    secret_free(secret);
    if (e != ERR_OK)
        return e;
    char *path = path_of(s, f.pub);
    e = path_exists(path) ? ERR_EXISTS : store(s, f.pub, file.data);
    free(path);
    memcpy(key, f.pub, sizeof(f.pub));
    return e;
}

static int is_key_file(const struct dirent *d)
{
    uint8_t key[ED448_KEY_SIZE];
    return pastelid_decode(key, d->d_name);
}

bool pastelid_has(struct pastelid_store *s, const uint8_t key[57])
{
    char *path = path_of(s, key);
    bool has = path_exists(path);
    free(path);
    return has;
}

enum err pastelid_each(struct pastelid_store *s,
                       void (*fn)(void *ctx, const uint8_t key[57]), void *ctx)
{
    struct dirent **names;
    int n = scandir(s->dir, &names, is_key_file, alphasort);
    if (n < 0)
        return errno == ENOENT ? ERR_OK : ERR_IO;
    for (int i = 0; i < n; i++) {
        uint8_t key[ED448_KEY_SIZE];
        if (pastelid_decode(key, names[i]->d_name))
            fn(ctx, key);
        free(names[i]);
    }
    free(names);
    return ERR_OK;
}
