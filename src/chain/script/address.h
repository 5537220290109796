/* Destinations (what an address can say) and keys as text. */
#ifndef OCHRE_CHAIN_SCRIPT_ADDRESS_H
#define OCHRE_CHAIN_SCRIPT_ADDRESS_H

#include "chain/params/params.h"
#include "chain/script/solver.h"

enum destination_type {
    DEST_NONE,
    DEST_PUBKEY, /* bare P2PK: has no address */
    DEST_PKH,
    DEST_SH,
    DEST_WPKH,
    DEST_WSH,
    DEST_TR,
    DEST_ANCHOR,
    DEST_WITNESS_UNKNOWN,
};

struct destination {
    enum destination_type type;
    uint8_t version; /* witness version */
    uint8_t len;     /* of data: hash, program or key */
    uint8_t data[65];
};

#define ADDRESS_MAX 128
struct address_error {
    char message[160]; /* bitcoind's sentence */
    int locations[90]; /* suspicious positions */
    size_t n_locations;
};

bool destination_equal(const struct destination *a, const struct destination *b);
/* Equal for equal destinations, and without padding: a key for maps. */
struct destination_key {
    uint8_t octets[68];
};
struct destination_key destination_key(const struct destination *d);
bool destination_is_witness(const struct destination *d);
/* ExtractDestination: false (type DEST_PUBKEY or DEST_NONE) when the script has no
 * address. */
bool destination_from_script(struct destination *out, struct bytes script);
void destination_to_script(struct buf *script, const struct destination *d);
void destination_of_key(struct destination *out, enum destination_type type,
                        struct bytes pubkey); /* DEST_PKH, DEST_WPKH */
void destination_of_script(struct destination *out, enum destination_type type,
                           struct bytes script); /* DEST_SH, DEST_WSH */

/* Writes the address ("" for a destination without one). Returns out. */
char *address_encode(char out[ADDRESS_MAX], const struct chain_params *p,
                     const struct destination *d);
/* error may be NULL. */
NODISCARD bool address_decode(struct destination *out, const struct chain_params *p,
                              const char *text, struct address_error *error);

/* The kinds of addresses that a wallet hands out. */
enum output_type {
    OUTPUT_LEGACY,
    OUTPUT_P2SH_SEGWIT,
    OUTPUT_BECH32,
    OUTPUT_BECH32M,
    OUTPUT_NONE,
};
#define N_OUTPUT_TYPES OUTPUT_NONE
const char *output_type_name(enum output_type t); /* "p2sh-segwit"; NONE: "unknown" */
NODISCARD bool output_type_parse(enum output_type *out, const char *name);
/* Of a P2SH address only its form is known: OUTPUT_LEGACY. */
enum output_type output_type_of(const struct destination *d);

/* A private key and the form of its public key. Keep it in secret memory
 * (crypto/secret.h). */
struct privkey {
    uint8_t secret[32];
    bool compressed;
};
/* out: 64 bytes, in memory fit for secrets. */
void wif_encode(char out[64], const struct chain_params *p, const struct privkey *key);
NODISCARD bool wif_decode(struct privkey *out, const struct chain_params *p,
                          const char *text);

#endif
