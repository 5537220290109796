/* PastelIDs: the text form of Ed448 keys, and the encrypted files that hold their
 * secrets.
 *
 * <datadir>/pastelkeys/<text form>, 187 octets:
 *     0   4  "OCPK"
 *     4   1  format version, 1
 *     5   4  Argon2id passes
 *     9   8  Argon2id memory in bytes
 *    17  16  salt
 *    33  24  nonce
 *    57  57  public key
 *   114  73  secret key (57) under XChaCha20-Poly1305 with its tag (16); octets 0..113
 *            are authenticated with it
 * Integers are little-endian. The key is Argon2id(passphrase, salt). */
#ifndef OCHRE_TICKETS_PASTELID_H
#define OCHRE_TICKETS_PASTELID_H

#include "crypto/ed448.h"

#define PASTELID_TEXT_SIZE 96 /* 86 characters and a NUL, rounded up */
#define PASTELID_FILE_SIZE 187

char *pastelid_encode(char out[PASTELID_TEXT_SIZE], const uint8_t key[57]);
NODISCARD bool pastelid_decode(uint8_t key[57], const char *text);

struct pastelid_store;

/* Keys under <datadir>/pastelkeys, made on first use. kdf_memory 0: libsodium's
 * MODERATE. */
struct pastelid_store *pastelid_store_new(const char *datadir, uint64_t kdf_memory);
void pastelid_store_free(struct pastelid_store *s);

/* Errors of all below: ERR_NOT_FOUND no such key; ERR_AUTH wrong passphrase;
 * ERR_CORRUPT damaged file; ERR_VERSION written by a newer program; ERR_EXISTS;
 * ERR_FULL no memory for the key derivation, or no disk; ERR_IO. */
NODISCARD enum err pastelid_new(struct pastelid_store *s, uint8_t key[57],
                                const char *pass);
NODISCARD enum err pastelid_sign(struct pastelid_store *s, uint8_t sig[114],
                                 const uint8_t key[57], const char *pass,
                                 const void *msg, size_t len);
/* Seals the secret anew; the file is replaced as a whole or not at all. */
NODISCARD enum err pastelid_passwd(struct pastelid_store *s, const uint8_t key[57],
                                   const char *old_pass, const char *new_pass);
/* The sealed file as it is, for a backup; and such a file back, which must open with
 * @pass. */
NODISCARD enum err pastelid_export(struct pastelid_store *s, const uint8_t key[57],
                                   uint8_t file[PASTELID_FILE_SIZE]);
NODISCARD enum err pastelid_import(struct pastelid_store *s, uint8_t key[57],
                                   struct bytes file, const char *pass);
/* Whether the key is here. */
bool pastelid_has(struct pastelid_store *s, const uint8_t key[57]);
/* Calls fn for every key, in order of text form. */
NODISCARD enum err pastelid_each(struct pastelid_store *s,
                                 void (*fn)(void *ctx, const uint8_t key[57]),
                                 void *ctx);

#endif
