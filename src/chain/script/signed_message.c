#include "chain/script/signed_message.h"

#include "crypto/sha256.h"

void signed_message_hash(uint8_t out[32], const char *text, size_t len)
{
    static const char magic[] = "Bitcoin Signed Message:\n";
    struct sha256 h;
    sha256_init(&h);
    struct sink s = sha256_sink(&h);
    write_var(&s, bytes_of(magic, sizeof(magic) - 1));
    write_var(&s, bytes_of(text, len));
    sha256d_final(&h, out);
}
