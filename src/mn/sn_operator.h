/* Which supernode this node is: the operator key that signs for it, and the PastelID it
 * was registered with. A file of its own, since a supernode works unattended.
 *
 * <datadir>/supernodes/<name>, 98 octets, readable by its owner only:
 *    0   4  "OCSN"
 *    4   1  format version, 1
 *    5  32  secret of the operator key (secp256k1)
 *   37  57  PastelID
 *   94   4  first octets of SHA3 of all before */
#ifndef OCHRE_MN_SN_OPERATOR_H
#define OCHRE_MN_SN_OPERATOR_H

#include "util/bytes.h"

#define SN_OPERATOR_FILE_SIZE 98
#define SN_OPERATOR_NAME_MAX  64

struct sn_operator;

/* Letters, digits, '-' and '_', at most SN_OPERATOR_NAME_MAX. */
bool sn_operator_name_ok(const char *name);
/* Makes the file; ERR_EXISTS, ERR_IO, ERR_FULL. @secret: a valid key in secret memory.
 */
NODISCARD enum err sn_operator_create(const char *datadir, const char *name,
                                      const uint8_t pastelid[57],
                                      const uint8_t secret[32]);
/* ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION, ERR_IO. */
NODISCARD enum err sn_operator_open(struct sn_operator **out, const char *datadir,
                                    const char *name);
void sn_operator_free(struct sn_operator *o); /* NULL is fine */

const char *sn_operator_name(const struct sn_operator *o);
const uint8_t *sn_operator_key(const struct sn_operator *o); /* x-only, 32 octets */
const uint8_t *sn_operator_pastelid(const struct sn_operator *o); /* 57 octets */
/* BIP 340 over a ticket's hash. */
void sn_operator_sign(const struct sn_operator *o, uint8_t sig[64],
                      const struct hash256 *hash);

#endif
