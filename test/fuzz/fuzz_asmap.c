/* A map of autonomous systems as somebody may hand it to the user, and an address: a
 * map that passes the check answers for every address, within its bounds. */
#include "fuzz.h"

#include "net/asmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t ip[16] = {0};
    if (size < sizeof(ip))
        return 0;
    memcpy(ip, data, sizeof(ip));
    /* its own allocation: the sanitizer sees every octet read beyond it */
    struct buf map = {0};
    buf_append(&map, data + sizeof(ip), size - sizeof(ip));
    struct bytes view = buf_view(&map);
    if (asmap_valid(view, 128)) {
        for (unsigned bit = 0; bit < 128; bit++) {
            asmap_lookup(view, ip);
            ip[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        }
        uint8_t version[32];
        asmap_version(version, view);
    }
    buf_clear(&map);
    return 0;
}
