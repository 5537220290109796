/* Private keys: in the file, plain or sealed; in memory only while somebody signs. */
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/secret.h"
#include "util/mem.h"
#include "wallet/spkman_impl.h"

#define SECRET_SIZE 32
#define SEALED_SIZE (SECRET_SIZE + CRYPT_SEAL_OVERHEAD)

/* -- Writing */

static enum err put_row(struct spkman *m, struct bytes pubkey, const uint8_t *secret)
{
    uint8_t sealed[SEALED_SIZE];
    const struct crypt *c = m->w->crypt;
    bool seal = crypt_enabled(c);
    struct bytes value = bytes_of(secret, SECRET_SIZE);
    if (seal) {
        crypt_seal(c, sealed, pubkey, secret, SECRET_SIZE);
        value = bytes_of(sealed, sizeof(sealed));
    }
    struct sqlite_stmt *q = sqlite_query(
        spkman_db(m),
        "INSERT OR REPLACE INTO private_key (pubkey, sealed, secret) VALUES (?, ?, ?)");
    sqlite_bind_bytes(q, pubkey);
    sqlite_bind_int(q, seal);
    sqlite_bind_bytes(q, value);
    return sqlite_done(q);
}

static void note_private(struct spkman *m, struct bytes pubkey)
{
    struct hash160 id;
    hash160(id.b, pubkey.data, pubkey.len);
    *(uint8_t *)map_put(&m->private, &id, NULL) = 1;
}

static bool knows_private(const struct spkman *m, struct bytes pubkey)
{
    struct hash160 id;
    hash160(id.b, pubkey.data, pubkey.len);
    return map_get(&m->private, &id) != NULL;
}

enum err private_keys_put(struct spkman *m, const struct wallet_desc *d,
                          const struct keystore *keys)
{
    enum err e = ERR_OK;
    if (keys->n_keys > 0)
        e = wallet_set_flag(m->w, WALLET_BLANK, false);
    for (size_t i = 0; e == ERR_OK && i < descriptor_n_keys(d->desc); i++) {
        struct descriptor_key k;
        uint8_t id[20];
        descriptor_get_key(&k, d->desc, i);
        struct bytes pubkey = bytes_of(k.pubkey, k.pubkey_len);
        hash160(id, k.pubkey, k.pubkey_len);
        const struct key_entry *entry = keystore_find_key(keys, id);
        if (entry == NULL && k.pubkey_len == 33) /* tr() drops the parity */
            entry = keystore_find_xonly(keys, k.pubkey + 1);
        if (entry == NULL || !entry->has_secret || knows_private(m, pubkey))
            continue;
        e = put_row(m, pubkey, keystore_secret(keys, entry));
        if (e == ERR_OK)
            note_private(m, pubkey);
    }
    return e;
}

/* -- Reading */

enum err private_keys_load(struct spkman *m)
{
    struct sqlite_stmt *q =
        sqlite_query(spkman_db(m), "SELECT pubkey FROM private_key");
    while (sqlite_row(q))
        note_private(m, sqlite_bytes(q, 0));
    return sqlite_done(q);
}

static bool open_secret(const struct spkman *m, uint8_t *out, struct bytes pubkey,
                        bool sealed, struct bytes value)
{
    if (sealed)
        return value.len == SEALED_SIZE && crypt_open(m->w->crypt, out, pubkey, value);
    if (value.len != SECRET_SIZE)
        return false;
    memcpy(out, value.data, SECRET_SIZE);
    return true;
}

/* False: the key cannot be read now. A key that the wallet has not is fine. */
static bool load_key(struct spkman *m, struct bytes pubkey, struct keystore *out)
{
    if (!knows_private(m, pubkey))
        return true;
    struct sqlite_stmt *q = sqlite_query(
        spkman_db(m), "SELECT sealed, secret FROM private_key WHERE pubkey = ?");
    uint8_t *secret = secret_alloc(SECRET_SIZE);
    sqlite_bind_bytes(q, pubkey);
    bool ok = sqlite_row(q) &&
              open_secret(m, secret, pubkey, sqlite_int(q, 0) != 0, sqlite_bytes(q, 1));
    if (sqlite_done(q) != ERR_OK)
        ok = false;
    if (ok)
        keystore_add_key(out, pubkey, secret, NULL);
    secret_free(secret);
    return ok;
}

bool spkman_private_keys(struct spkman *m, const struct wallet_desc *d,
                         struct keystore *out)
{
    bool ok = true;
    for (size_t i = 0; ok && i < descriptor_n_keys(d->desc); i++) {
        struct descriptor_key k;
        descriptor_get_key(&k, d->desc, i);
        ok = load_key(m, bytes_of(k.pubkey, k.pubkey_len), out);
    }
    return ok;
}

bool spkman_has_private(const struct spkman *m)
{
    return m->private.len > 0;
}

bool spkman_has_private_key(const struct spkman *m, struct bytes pubkey)
{
    return knows_private(m, pubkey);
}

bool spkman_private_key(struct spkman *m, struct bytes pubkey, struct keystore *out)
{
    return knows_private(m, pubkey) && load_key(m, pubkey, out);
}

/* -- Keystores for signing */

static bool expand_at(struct spkman *m, const struct spk_place *at, bool secrets,
                      struct keystore *out)
{
    struct keystore keys;
    struct script_list scripts;
    keystore_init(&keys);
    bool ok = !secrets || spkman_private_keys(m, at->desc, &keys);
    ok = ok && descriptor_expand_cached(at->desc->desc, spkman_params(m), at->pos,
                                        &keys, &at->desc->cache, &scripts, out);
    if (ok)
        script_list_clear(&scripts);
    keystore_clear(&keys);
    return ok;
}

#define MAX_PLACES 16

bool spkman_keystore(struct spkman *m, struct bytes script, bool secrets,
                     struct keystore *out)
{
    struct spk_place places[MAX_PLACES];
    size_t n = spkman_find_all(m, script, places, MAX_PLACES);
    bool ok = n > 0;
    for (size_t i = 0; i < n; i++)
        ok = expand_at(m, &places[i], secrets, out) && ok;
    return ok;
}

/* Outputs that one key alone controls. */
static void single_key_scripts(struct bytes pubkey, struct buf out[5])
{
    struct destination d;
    script_put_data(&out[0], pubkey.data, pubkey.len);
    script_put_op(&out[0], OP_CHECKSIG);
    destination_of_key(&d, DEST_PKH, pubkey);
    destination_to_script(&out[1], &d);
    if (pubkey.len != 33)
        return;
    destination_of_key(&d, DEST_WPKH, pubkey);
    destination_to_script(&out[2], &d);
    destination_of_script(&d, DEST_SH, buf_view(&out[2]));
    destination_to_script(&out[3], &d);
}

static bool holds_key(const struct keystore *k, struct bytes pubkey)
{
    uint8_t id[20];
    hash160(id, pubkey.data, pubkey.len);
    return keystore_find_key(k, id) != NULL ||
           (pubkey.len == 33 && keystore_find_xonly(k, pubkey.data + 1) != NULL);
}

/* Whether position @pos of the descriptor has the key; adds it then. */
static void try_position(struct spkman *m, const struct wallet_desc *d, uint32_t pos,
                         struct bytes pubkey, bool secrets, struct keystore *out)
{
    struct keystore found;
    const struct spk_place at = {d, pos};
    if (pos < d->range_start || pos >= d->range_end)
        return;
    keystore_init(&found);
    if (expand_at(m, &at, false, &found) && holds_key(&found, pubkey))
        (void)!expand_at(m, &at, secrets, out);
    keystore_clear(&found);
}

void spkman_keystore_for_pubkey(struct spkman *m, struct bytes pubkey,
                                const struct key_origin *origin, bool secrets,
                                struct keystore *out)
{
    struct buf scripts[5] = {{0}};
    single_key_scripts(pubkey, scripts);
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        if (scripts[i].len > 0)
            (void)!spkman_keystore(m, buf_view(&scripts[i]), secrets, out);
        buf_clear(&scripts[i]);
    }
    if (holds_key(out, pubkey))
        return;
    /* The position of a range is the last step of the key's path. */
    uint32_t last =
        origin != NULL && origin->n_path > 0 ? origin->path[origin->n_path - 1] : 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct wallet_desc *d = m->items[i];
        bool range = descriptor_is_range(d->desc);
        if (!range || origin != NULL)
            try_position(m, d, range ? last & ~BIP32_HARDENED : 0, pubkey, secrets,
                         out);
    }
}

/* -- Encryption */

struct plain_key {
    uint8_t pubkey[65];
    uint8_t len;
};

/* The plain rows: read first, because writing moves what is being read. */
static struct plain_key *plain_rows(struct spkman *m, size_t *n)
{
    struct plain_key *rows = xcalloc(m->private.len + 1, sizeof(*rows));
    struct sqlite_stmt *q =
        sqlite_query(spkman_db(m), "SELECT pubkey FROM private_key WHERE sealed = 0");
    for (*n = 0; *n < m->private.len && sqlite_row(q); ++*n) {
        struct bytes pubkey = sqlite_bytes(q, 0);
        rows[*n].len = (uint8_t)(pubkey.len <= 65 ? pubkey.len : 0);
        memcpy(rows[*n].pubkey, pubkey.data, rows[*n].len);
    }
    if (sqlite_done(q) != ERR_OK)
        *n = 0;
    return rows;
}

static enum err seal_row(struct spkman *m, const struct plain_key *row)
{
    struct keystore k;
    struct bytes pubkey = bytes_of(row->pubkey, row->len);
    keystore_init(&k);
    enum err e = load_key(m, pubkey, &k) && k.n_keys == 1
                     ? put_row(m, pubkey, keystore_secret(&k, &k.keys[0]))
                     : ERR_CORRUPT;
    keystore_clear(&k);
    return e;
}

enum err spkman_encrypt(struct spkman *m)
{
    size_t n;
    struct plain_key *rows = plain_rows(m, &n);
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        e = seal_row(m, &rows[i]);
    free(rows);
    return e;
}

enum err spkman_check_keys(struct spkman *m)
{
    struct sqlite_stmt *q = sqlite_query(
        spkman_db(m), "SELECT pubkey, secret FROM private_key WHERE sealed = 1");
    uint8_t *secret = secret_alloc(SECRET_SIZE);
    bool ok = true;
    while (ok && sqlite_row(q))
        ok = open_secret(m, secret, sqlite_bytes(q, 0), true, sqlite_bytes(q, 1));
    secret_free(secret);
    enum err e = sqlite_done(q);
    return ok ? e : ERR_CORRUPT;
}
