#include "net/sam.h"

#include "crypto/sha256.h"
#include "util/base64.h"

/* A destination: two keys and a certificate, whose length stands in it. */
#define CERT_LENGTH_AT   385
#define DESTINATION_SIZE 387 /* with an empty certificate */

bool sam_value(struct buf *value, const char *reply, const char *key)
{
    size_t n = strlen(key);
    buf_reset(value);
    for (const char *word = reply; *word;
         word += strcspn(word, " "), word += *word == ' ') {
        if (strncmp(word, key, n) != 0 || word[n] != '=')
            continue;
        buf_append(value, word + n + 1, strcspn(word + n + 1, " "));
        return true;
    }
    return false;
}

bool sam_result_is(const char *reply, const char *result)
{
    struct buf v = {0};
    bool is = sam_value(&v, reply, "RESULT") && strcmp(buf_cstr(&v), result) == 0;
    buf_clear(&v);
    return is;
}

static void swap(uint8_t *text, size_t len, const char from[2], const char to[2])
{
    for (size_t i = 0; i < len; i++)
        for (int k = 0; k < 2; k++)
            if (text[i] == (uint8_t)from[k])
                text[i] = (uint8_t)to[k];
}

void sam_base64_append(struct buf *out, const void *data, size_t len)
{
    size_t start = out->len;
    base64_append(out, data, len);
    swap(out->data + start, out->len - start, "+/", "-~");
}

bool sam_base64_decode(struct buf *out, const char *text, size_t len)
{
    struct buf plain = {.secret = true};
    for (size_t i = 0; i < len; i++)
        if (text[i] == '+' || text[i] == '/')
            return false;
    buf_append(&plain, text, len);
    swap(plain.data, plain.len, "-~", "+/");
    bool ok = base64_decode(out, buf_cstr(&plain), plain.len);
    buf_clear(&plain);
    return ok;
}

size_t sam_destination_size(struct bytes key)
{
    if (key.len < DESTINATION_SIZE)
        return 0;
    size_t cert = (size_t)key.data[CERT_LENGTH_AT] << 8 | key.data[CERT_LENGTH_AT + 1];
    return DESTINATION_SIZE + cert <= key.len ? DESTINATION_SIZE + cert : 0;
}

struct netaddr sam_address(struct bytes destination)
{
    struct netaddr a = {.network = NET_I2P, .len = 32};
    sha256(a.addr, destination.data, destination.len);
    return a;
}

bool sam_address_parse(struct netaddr *out, const char *text)
{
    struct buf b = {0};
    bool ok = sam_base64_decode(&b, text, strcspn(text, " ")) &&
              sam_destination_size(buf_view(&b)) == b.len && b.len > 0;
    if (ok)
        *out = sam_address(buf_view(&b));
    buf_clear(&b);
    return ok;
}
