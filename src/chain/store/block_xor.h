/* -blocksxor: block and undo files are stored XORed with a key of eight octets
 * (blocks/xor.dat), as by Bitcoin Core 28, so that nothing in a block looks to other
 * programs like something that it is not, a virus say. The octet at offset n of a file
 * goes with octet n mod 8 of the key; a key of zeros changes nothing. */
#ifndef OCHRE_CHAIN_STORE_BLOCK_XOR_H
#define OCHRE_CHAIN_STORE_BLOCK_XOR_H

#include "util/bytes.h"
#include "util/err.h"

struct logger;

struct block_xor {
    uint8_t key[8];
};

/* @data stands at offset @pos of a file. */
void block_xor_apply(const struct block_xor *x, void *data, size_t len, uint64_t pos);
/* Reads @dir/xor.dat. When there is none it is made: random if @use and @dir holds no
 * block files yet, else zero. On failure *error (caller frees) is a sentence; one is
 * that a key is stored and not @use. */
NODISCARD enum err block_xor_open(struct block_xor *out, const char *dir, bool use,
                                  struct logger *log, char **error);
/* The key of a file that somebody hands us: zero when it begins with @magic, else that
 * of an xor.dat beside it if that makes it do so. */
struct block_xor block_xor_guess(const char *path, const uint8_t magic[4]);

#endif
