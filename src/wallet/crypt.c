/* The value "master_key" of a wallet's file:
 *
 *    0  u8   version, 1
 *    1  u32  Argon2id passes
 *    5  u64  Argon2id memory in bytes
 *   13  16   salt
 *   29  24   nonce
 *   53  48   master key, sealed
 */
#include "wallet/crypt.h"

#include <stdlib.h>

#include "crypto/secret.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/reader.h"
#include "util/sink.h"
#include "wallet/store.h"

#define RECORD   "master_key"
#define KEY_SIZE 32

struct sealed_master {
    struct kdf_params kdf;
    uint8_t nonce[AEAD_NONCE_SIZE];
    uint8_t key[KEY_SIZE + AEAD_TAG_SIZE];
};

struct crypt {
    bool enabled;
    struct sealed_master sealed;
    uint8_t *master; /* owned, secret memory; NULL: locked */
    int64_t unlocked_until;
};

struct crypt *crypt_new(void)
{
    return xcalloc(1, sizeof(struct crypt));
}

void crypt_free(struct crypt *c)
{
    if (c == NULL)
        return;
    secret_free(c->master);
    free(c);
}

bool crypt_enabled(const struct crypt *c)
{
    return c->enabled;
}

bool crypt_locked(const struct crypt *c)
{
    return c->enabled && c->master == NULL;
}

/* -- The record */

static enum err write_record(const struct sealed_master *m, struct store *s)
{
    struct buf b = {0};
    struct sink to = sink_to_buf(&b);
    write_u8(&to, 1);
    write_u32(&to, m->kdf.ops);
    write_u64(&to, m->kdf.memory);
    write_bytes(&to, m->kdf.salt, sizeof(m->kdf.salt));
    write_bytes(&to, m->nonce, sizeof(m->nonce));
    write_bytes(&to, m->key, sizeof(m->key));
    enum err e = store_put(s, RECORD, buf_view(&b));
    buf_clear(&b);
    return e;
}

static bool read_record(struct sealed_master *m, struct bytes in)
{
    struct reader r;
    reader_init(&r, in.data, in.len);
    if (read_u8(&r) != 1)
        return false;
    m->kdf.ops = read_u32(&r);
    m->kdf.memory = read_u64(&r);
    read_copy(&r, m->kdf.salt, sizeof(m->kdf.salt));
    read_copy(&r, m->nonce, sizeof(m->nonce));
    read_copy(&r, m->key, sizeof(m->key));
    return reader_done(&r);
}

enum err crypt_load(struct crypt *c, struct store *s)
{
    struct buf b = {0};
    enum err e = store_get(s, RECORD, &b);
    if (e == ERR_OK && !read_record(&c->sealed, buf_view(&b)))
        e = ERR_CORRUPT;
    c->enabled = e == ERR_OK;
    buf_clear(&b);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* -- Passphrases */

/* Seals @master with what @pass makes of fresh parameters. */
static enum err seal_master(struct sealed_master *out, const uint8_t *master,
                            struct bytes pass, uint64_t kdf_memory)
{
    uint8_t *key = secret_alloc(KEY_SIZE);
    kdf_params_init(&out->kdf, kdf_memory);
    enum err e = kdf_derive(key, &out->kdf, pass.data, pass.len);
    rand_bytes(out->nonce, sizeof(out->nonce));
    if (e == ERR_OK)
        aead_seal(out->key, key, out->nonce, RECORD, sizeof(RECORD), master, KEY_SIZE);
    secret_free(key);
    return e;
}

/* *out is secret memory of the caller's. */
static enum err open_master(uint8_t **out, const struct sealed_master *m,
                            struct bytes pass)
{
    uint8_t *key = secret_alloc(KEY_SIZE), *master = secret_alloc(KEY_SIZE);
    enum err e = kdf_derive(key, &m->kdf, pass.data, pass.len);
    if (e == ERR_OK && !aead_open(master, key, m->nonce, RECORD, sizeof(RECORD), m->key,
                                  sizeof(m->key)))
        e = ERR_AUTH;
    secret_free(key);
    if (e == ERR_OK)
        *out = master;
    else
        secret_free(master);
    return e;
}

enum err crypt_setup(struct crypt *c, struct store *s, struct bytes pass,
                     uint64_t kdf_memory)
{
    if (c->enabled)
        return ERR_EXISTS;
    uint8_t *master = secret_alloc(KEY_SIZE);
    rand_bytes(master, KEY_SIZE);
    enum err e = seal_master(&c->sealed, master, pass, kdf_memory);
    if (e == ERR_OK)
        e = write_record(&c->sealed, s);
    c->enabled = e == ERR_OK;
    if (c->enabled)
        c->master = master;
    else
        secret_free(master);
    return e;
}

void crypt_forget(struct crypt *c)
{
    crypt_lock(c);
    c->enabled = false;
}

enum err crypt_unlock(struct crypt *c, struct bytes pass)
{
    uint8_t *master;
    enum err e = open_master(&master, &c->sealed, pass);
    if (e != ERR_OK)
        return e;
    secret_free(c->master);
    c->master = master;
    return ERR_OK;
}

void crypt_lock(struct crypt *c)
{
    secret_free(c->master);
    c->master = NULL;
    c->unlocked_until = 0;
}

enum err crypt_change(struct crypt *c, struct store *s, struct bytes old,
                      struct bytes new, uint64_t kdf_memory)
{
    struct sealed_master sealed;
    uint8_t *master;
    enum err e = open_master(&master, &c->sealed, old);
    if (e != ERR_OK)
        return e;
    e = seal_master(&sealed, master, new, kdf_memory);
    secret_free(master);
    if (e == ERR_OK)
        e = write_record(&sealed, s);
    if (e == ERR_OK)
        c->sealed = sealed;
    return e;
}

/* -- Sealing */

void crypt_seal(const struct crypt *c, uint8_t *out, struct bytes ad,
                const void *secret, size_t len)
{
    ASSERT(c->master != NULL);
    rand_bytes(out, AEAD_NONCE_SIZE);
    aead_seal(out + AEAD_NONCE_SIZE, c->master, out, ad.data, ad.len, secret, len);
}

bool crypt_open(const struct crypt *c, void *out, struct bytes ad, struct bytes sealed)
{
    return c->master != NULL && sealed.len >= CRYPT_SEAL_OVERHEAD &&
           aead_open(out, c->master, sealed.data, ad.data, ad.len,
                     sealed.data + AEAD_NONCE_SIZE, sealed.len - AEAD_NONCE_SIZE);
}

int64_t crypt_unlocked_until(const struct crypt *c)
{
    return c->unlocked_until;
}

void crypt_set_unlocked_until(struct crypt *c, int64_t unix_s)
{
    c->unlocked_until = unix_s;
}
