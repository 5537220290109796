/* ElligatorSwift: x coordinates of secp256k1 as 64 octets that look random (BIP 324,
 * "ElligatorSwift encoding"). Only for public data: nothing here runs in constant time.
 */
#ifndef OCHRE_CRYPTO_ELLSWIFT_H
#define OCHRE_CRYPTO_ELLSWIFT_H

#include "util/bytes.h"

#define ELLSWIFT_SIZE 64

/* The x coordinate that an encoding stands for. Every 64 octets stand for one. */
void ellswift_decode(uint8_t x[32], const uint8_t encoding[ELLSWIFT_SIZE]);

/* A random encoding of @x, which must be a coordinate on the curve. */
void ellswift_encode(uint8_t encoding[ELLSWIFT_SIZE], const uint8_t x[32]);

/* The @branch (0 to 7) of the inverse for field elements u and x, with x on the curve;
 * false where it has none. For tests; ellswift_encode tries branches at random. */
NODISCARD bool ellswift_inverse(uint8_t t[32], const uint8_t x[32], const uint8_t u[32],
                                unsigned branch);

#endif
