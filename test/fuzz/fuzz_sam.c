/* What a SAM bridge may answer: values hold no blanks, base64 survives decoding and
 * encoding, and a destination has one address. */
#include "fuzz.h"

#include "net/sam.h"

static void check_base64(const char *text, size_t len)
{
    struct buf data = {0}, again = {0};
    if (sam_base64_decode(&data, text, len)) {
        sam_base64_append(&again, data.data, data.len);
        ASSERT(bytes_equal(buf_view(&again), bytes_of(text, len)));
    }
    ASSERT(sam_destination_size(buf_view(&data)) <= data.len);
    buf_clear(&data);
    buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"RESULT", "VALUE", "DESTINATION", "PRIV", ""};
    struct buf in = {0}, value = {0};
    struct netaddr a;
    buf_append(&in, data, size);
    const char *line = buf_cstr(&in);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!sam_value(&value, line, keys[i]))
            ASSERT(value.len == 0);
        ASSERT(!memchr(buf_cstr(&value), ' ', value.len));
        check_base64(buf_cstr(&value), value.len);
    }
    check_base64(line, strlen(line));
    if (sam_address_parse(&a, line))
        ASSERT(a.network == NET_I2P && netaddr_valid(&a) && a.port == 0);
    buf_clear(&in);
    buf_clear(&value);
    return 0;
}
