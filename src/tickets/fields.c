#include "tickets/fields.h"

#include "chain/script/solver.h"
#include "crypto/ed25519.h"
#include "crypto/ed448.h"
#include "crypto/secp.h"
#include "tickets/lists.h"
#include "tickets/sn_endpoint.h"
#include "util/utf8.h"

#define SCRIPT_MAX   42
#define NAME_MAX     64
#define CID_MAX      64
#define ED448_SIGOPS 4 /* an Ed448 check costs as much as four others */

/* A type has a size, a max (then a length stands in front), or a way to read it. */
struct field_behaviour {
    size_t size, max;
    struct bytes (*read)(struct reader *r);
    bool (*valid)(struct bytes raw); /* NULL: any octets */
    enum sig_scheme scheme;          /* of a signature */
};

/* --- what is valid --- */

bool script_is_payable(struct bytes script)
{
    switch (script_type_of(script)) {
    case SCRIPT_PUBKEYHASH:
    case SCRIPT_SCRIPTHASH:
    case SCRIPT_WITNESS_V0_KEYHASH:
    case SCRIPT_WITNESS_V0_SCRIPTHASH:
    case SCRIPT_WITNESS_V1_TAPROOT:
        return true;
    case SCRIPT_NONSTANDARD:
    case SCRIPT_PUBKEY:
    case SCRIPT_MULTISIG:
    case SCRIPT_NULL_DATA:
    case SCRIPT_WITNESS_UNKNOWN:
    case SCRIPT_ANCHOR:
        return false;
    }
    return false;
}

static bool lifts(struct bytes raw)
{
    return secp_xonly_valid(raw.data);
}

/* C0, DEL and C1 (whose UTF-8 is c2 80 to c2 9f). */
static bool is_control(const uint8_t *s, size_t n)
{
    return (n == 1 && (s[0] < 0x20 || s[0] == 0x7f)) ||
           (n == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

static bool is_plain_text(struct bytes raw)
{
    for (size_t i = 0; i < raw.len;) {
        const uint8_t *s = raw.data + i;
        size_t n = s[0] < 0x80 ? 1 : utf8_sequence(s, raw.len - i);
        if (n == 0 || is_control(s, n))
            return false;
        i += n;
    }
    return true;
}

static bool key_or_nothing(struct bytes raw)
{
    return raw.len == 0 || raw.len == ED25519_KEY_SIZE;
}

/* --- all types --- */

static const struct field_behaviour behaviours[] = {
    [FIELD_PASTELID] = {.size = ED448_KEY_SIZE},
    [FIELD_SCRIPT] = {.max = SCRIPT_MAX, .valid = script_is_payable},
    [FIELD_HASH] = {.size = 32},
    [FIELD_TXID] = {.size = 32},
    [FIELD_OUTPOINT] = {.size = 36},
    [FIELD_U8] = {.size = 1},
    [FIELD_U16] = {.size = 2},
    [FIELD_U32] = {.size = 4},
    [FIELD_U64] = {.size = 8},
    [FIELD_AMOUNT] = {.size = 8},
    [FIELD_MEGABYTES] = {.size = 8},
    [FIELD_XONLY_KEY] = {.size = 32, .valid = lifts},
    [FIELD_ED25519_KEY] = {.size = ED25519_KEY_SIZE},
    [FIELD_ED25519_KEY_OPT] = {.max = ED25519_KEY_SIZE, .valid = key_or_nothing},
    [FIELD_NAME] = {.max = NAME_MAX, .valid = is_plain_text},
    [FIELD_CID] = {.max = CID_MAX},
    [FIELD_ENDPOINT] = {.read = sn_endpoint_read},
    [FIELD_COMMITTEE] = {.size = 36},
    [FIELD_SUPERNODES] = {.size = TRIO * 32},
    [FIELD_SYNC_LIST] = {.read = sync_list_read, .scheme = SIG_ED25519},
    [FIELD_ED448_SIG] = {.size = ED448_SIG_SIZE, .scheme = SIG_ED448},
    [FIELD_SUPERNODE_SIGS] = {.size = TRIO * ED448_SIG_SIZE, .scheme = SIG_ED448},
    [FIELD_ED25519_SIG] = {.size = ED25519_SIG_SIZE, .scheme = SIG_ED25519},
    [FIELD_ED25519_SIG_OPT] = {.max = ED25519_SIG_SIZE, .scheme = SIG_ED25519},
    [FIELD_BIP340_SIG_OPT] = {.max = 64, .scheme = SIG_BIP340},
    [FIELD_SCRIPT_SIG_OPT] = {.max = 65, .scheme = SIG_SCRIPT},
    [FIELD_QUORUM] = {.read = quorum_read, .scheme = SIG_BIP340},
};

struct bytes field_read(const struct ticket_field *f, struct reader *r)
{
    const struct field_behaviour *b = &behaviours[f->type];
    struct bytes raw = b->read != NULL ? b->read(r)
                       : b->size > 0   ? bytes_of(read_bytes(r, b->size), b->size)
                                       : read_var(r, b->max);
    if (!r->bad && b->valid != NULL && !b->valid(raw))
        reader_fail(r);
    return r->bad ? bytes_of(NULL, 0) : raw;
}

void field_write(const struct ticket_field *f, struct sink *s, struct bytes raw)
{
    if (behaviours[f->type].max > 0)
        write_var(s, raw);
    else
        write_bytes(s, raw.data, raw.len);
}

size_t field_size(enum field_type type, size_t *max)
{
    *max = behaviours[type].max;
    return behaviours[type].size;
}

unsigned field_signatures(const struct ticket_field *f, struct bytes raw)
{
    struct quorum_entry entries[QUORUM_MAX];
    struct sync_item items[SYNC_LIST_MAX];
    if (f->role == NULL)
        return 0;
    if (f->type == FIELD_QUORUM)
        return (unsigned)quorum_entries(entries, raw);
    if (f->type == FIELD_SYNC_LIST)
        return (unsigned)sync_items(items, raw);
    if (f->type == FIELD_SUPERNODE_SIGS)
        return TRIO;
    return raw.len > 0;
}

unsigned field_sigops(const struct ticket_field *f, struct bytes raw)
{
    unsigned each = behaviours[f->type].scheme == SIG_ED448 ? ED448_SIGOPS : 1;
    return field_signatures(f, raw) * each;
}

enum sig_scheme field_scheme(const struct ticket_field *f)
{
    return behaviours[f->type].scheme;
}

uint64_t field_uint(struct bytes raw)
{
    uint64_t v = 0;
    for (size_t i = raw.len; i > 0; i--)
        v = v << 8 | raw.data[i - 1];
    return v;
}
