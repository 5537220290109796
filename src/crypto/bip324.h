/* The packet encryption of BIP 324 (version 2 of the P2P transport).
 *
 *   packet: 3 octets encrypted length of the contents, then sealed { header octet
 *           (0x80: ignore), contents }, then a 16 octet tag
 *
 * Lengths and contents have ciphers of their own; both replace their keys every 224
 * packets, so an old packet stays secret when the memory leaks. */
#ifndef OCHRE_CRYPTO_BIP324_H
#define OCHRE_CRYPTO_BIP324_H

#include "crypto/ellswift.h"
#include "util/bytes.h"

#define BIP324_LENGTH_SIZE     3
#define BIP324_EXPANSION       20 /* of a packet over its contents */
#define BIP324_TERMINATOR_SIZE 16
#define BIP324_MAX_CONTENTS    0xffffff

/* For one connection only. */
struct bip324_key {
    uint8_t secret[32];
    uint8_t public[ELLSWIFT_SIZE]; /* what the other side is sent */
};
void bip324_key_new(struct bip324_key *k);

/* Forward-secret ChaCha20 over a run of small chunks. */
struct fs_stream {
    uint8_t key[32];
    uint8_t block[64]; /* of the key stream */
    uint32_t blocks;   /* made under this key */
    size_t used;       /* of the block */
    uint32_t chunks;   /* under this key */
    uint64_t rekeys;
};

/* Forward-secret ChaCha20-Poly1305 over packets. */
struct fs_aead {
    uint8_t key[32];
    uint32_t packets; /* under this key */
    uint64_t rekeys;
};

struct bip324 {
    uint8_t session_id[32];
    uint8_t send_terminator[BIP324_TERMINATOR_SIZE];
    uint8_t recv_terminator[BIP324_TERMINATOR_SIZE];
    struct fs_stream send_length, recv_length;
    struct fs_aead send_contents, recv_contents;
};

/* Agrees on the keys; @magic is the network's. Any 64 octets of the other side will do.
 */
void bip324_init(struct bip324 *c, const struct bip324_key *ours,
                 const uint8_t theirs[ELLSWIFT_SIZE], bool initiator,
                 const uint8_t magic[4]);
void bip324_clear(struct bip324 *c); /* wipes */

/* out holds contents.len + BIP324_EXPANSION octets. @aad: the garbage that was sent,
 * with the first packet; empty from then on. */
void bip324_seal(struct bip324 *c, uint8_t *out, struct bytes contents,
                 struct bytes aad, bool ignore);
/* The size of the contents of the next packet. Once per packet. */
uint32_t bip324_open_length(struct bip324 *c, const uint8_t in[BIP324_LENGTH_SIZE]);
/* @sealed: the packet after its length. Opens in place: *contents lies within it.
 * False: forged; the connection cannot go on. */
NODISCARD bool bip324_open(struct bip324 *c, struct bytes *contents, bool *ignore,
                           uint8_t *sealed, size_t len, struct bytes aad);

#endif
