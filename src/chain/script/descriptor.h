/* Output descriptors (BIP 380 to 386): pk pkh wpkh combo multi sortedmulti sh wsh tr
 * rawtr addr raw, with checksums, key origins, BIP 32 derivation, ranges and multipath
 * keys. */
#ifndef OCHRE_CHAIN_SCRIPT_DESCRIPTOR_H
#define OCHRE_CHAIN_SCRIPT_DESCRIPTOR_H

#include "chain/script/address.h"
#include "chain/script/keystore.h"

struct descriptor;

struct descriptor_list {
    struct descriptor **items; /* owned */
    size_t n;                  /* more than one for <0;1> keys */
};

/* Private keys met on the way go into @keys (may be NULL: then they are dropped). On
 * failure *error (caller frees) is bitcoind's sentence. */
NODISCARD bool descriptor_parse(struct descriptor_list *out,
                                const struct chain_params *p, struct keystore *keys,
                                const char *text, bool require_checksum, char **error);
void descriptor_list_clear(struct descriptor_list *l);

bool descriptor_is_range(const struct descriptor *d);
bool descriptor_is_solvable(const struct descriptor *d);
bool descriptor_is_single_type(const struct descriptor *d);
/* Public form with checksum; caller frees. */
char *descriptor_to_string(const struct descriptor *d, const struct chain_params *p);

struct script_list {
    struct buf *items; /* owned */
    size_t n;
};
void script_list_clear(struct script_list *l);
/* Scripts at position @pos (one, or up to four for combo); keys and scripts needed to
 * spend them go into @known (may be NULL). @keys: private keys for hardened steps, may
 * be NULL. False when a private key is missing. */
NODISCARD bool descriptor_expand(const struct descriptor *d,
                                 const struct chain_params *p, uint32_t pos,
                                 const struct keystore *keys, struct script_list *out,
                                 struct keystore *known);

/* The descriptor of a script as far as @known (may be NULL) tells, with checksum.
 * Appends. */
void descriptor_infer(struct buf *out, const struct chain_params *p,
                      struct bytes script, const struct keystore *known);

/* Eight characters and a NUL; false: a character no descriptor may hold. */
NODISCARD bool descriptor_checksum(char out[9], const char *text, size_t len);

#endif
