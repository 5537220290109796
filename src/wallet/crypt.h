/* Encryption of a wallet's secrets. A random master key seals each of them
 * (XChaCha20-Poly1305); the master key itself is sealed with a key made from the
 * passphrase (Argon2id). All plain keys live in secret memory (crypto/secret.h).
 *
 * All functions want the wallet's lock. */
#ifndef OCHRE_WALLET_CRYPT_H
#define OCHRE_WALLET_CRYPT_H

#include "crypto/aead.h"
#include "util/bytes.h"

struct crypt;
struct store;

#define CRYPT_SEAL_OVERHEAD (AEAD_NONCE_SIZE + AEAD_TAG_SIZE)

struct crypt *crypt_new(void);
void crypt_free(struct crypt *c); /* wipes; NULL is fine */
/* Reads the sealed master key, if the file has one. */
NODISCARD enum err crypt_load(struct crypt *c, struct store *s);

bool crypt_enabled(const struct crypt *c); /* the wallet has a passphrase */
bool crypt_locked(const struct crypt *c);  /* and has not been told it */

/* Makes a master key, writes it sealed (call inside store_begin) and is unlocked then.
 * ERR_EXISTS: has one. ERR_FULL: not enough memory for the passphrase. */
NODISCARD enum err crypt_setup(struct crypt *c, struct store *s, struct bytes pass,
                               uint64_t kdf_memory);
/* After a crypt_setup whose transaction was rolled back. */
void crypt_forget(struct crypt *c);
/* ERR_AUTH: wrong passphrase; what was unlocked stays so. */
NODISCARD enum err crypt_unlock(struct crypt *c, struct bytes pass);
void crypt_lock(struct crypt *c); /* wipes the master key */
/* ERR_AUTH: @old is wrong. Leaves locked or unlocked what was so. */
NODISCARD enum err crypt_change(struct crypt *c, struct store *s, struct bytes old,
                                struct bytes new, uint64_t kdf_memory);

/* Seals @len bytes; @ad (the public key) ties the result to its place. out holds len +
 * CRYPT_SEAL_OVERHEAD. The wallet must be unlocked (ASSERT). */
void crypt_seal(const struct crypt *c, uint8_t *out, struct bytes ad,
                const void *secret, size_t len);
/* out holds len - CRYPT_SEAL_OVERHEAD bytes of secret memory. False: locked, or the
 * bytes were changed. */
NODISCARD bool crypt_open(const struct crypt *c, void *out, struct bytes ad,
                          struct bytes sealed);

/* When the wallet locks itself: unix seconds, 0: not unlocked. Set by the manager. */
int64_t crypt_unlocked_until(const struct crypt *c);
void crypt_set_unlocked_until(struct crypt *c, int64_t unix_s);

#endif
