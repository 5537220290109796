#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/script/address.h"
#include "chain/script/sig_encoding.h"
#include "cli/txtool.h"
#include "crypto/secp.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/mem.h"

#define SEQUENCE_REPLACEABLE (SEQUENCE_FINAL - 2)
#define MAX_VERSION          3
#define MAX_FILE             (64u << 20)
/* No block has room for more outputs than this. */
#define MAX_VOUT (MAX_BLOCK_WEIGHT / (9 * WITNESS_SCALE_FACTOR))

bool txtool_fail(struct txtool *t, const char *fmt, ...)
{
    va_list ap;
    char text[1024];
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    free(t->error);
    t->error = xstrdup(text);
    return false;
}

/* -- Words -- */

#define MAX_PARTS (MAX_PUBKEYS_PER_MULTISIG + 5)

/* The pieces between colons; at most MAX_PARTS - 1 are told apart. */
struct parts {
    char *text; /* owned */
    char *at[MAX_PARTS];
    size_t n;
};

static void parts_init(struct parts *p, const char *value)
{
    p->text = xstrdup(value);
    p->n = 0;
    for (char *s = p->text; s != NULL && p->n < MAX_PARTS;) {
        char *colon = strchr(s, ':');
        if (colon != NULL)
            *colon++ = '\0';
        p->at[p->n++] = s;
        s = colon;
    }
}

static void parts_clear(struct parts *p)
{
    free(p->text);
}

static bool parse_i64(const char *s, int64_t *out)
{
    int64_t v = 0;
    bool negative = *s == '-';
    s += negative;
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        if (!isdigit((unsigned char)*s) || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, *s - '0', &v))
            return false;
    }
    *out = negative ? -v : v;
    return true;
}

/* A number with blanks around it. */
static bool parse_trimmed_u32(struct txtool *t, char *s, const char *what,
                              uint32_t *out)
{
    int64_t v;
    char *start = s + strspn(s, " \t\n\r\f\v");
    size_t len = strlen(start);
    char *trimmed = arena_dup(&t->mem, start, len + 1);
    while (len > 0 && isspace((unsigned char)trimmed[len - 1]))
        trimmed[--len] = '\0';
    if (!parse_i64(trimmed, &v) || v < 0 || v > UINT32_MAX)
        return txtool_fail(t, "%s '%s'", what, s);
    *out = (uint32_t)v;
    return true;
}

static bool parse_value(struct txtool *t, const char *s, struct amount *out)
{
    if (amount_parse(out, s, strlen(s), t->params.decimals) && money_range(*out))
        return true;
    return txtool_fail(t, "invalid TX output value");
}

/* -- Version, lock time, inputs -- */

static bool set_version(struct txtool *t, const char *value)
{
    int64_t v;
    if (!parse_i64(value, &v) || v < 1 || v > MAX_VERSION)
        return txtool_fail(t, "Invalid TX version requested: '%s'", value);
    t->tx.version = (int32_t)v;
    return true;
}

static bool set_locktime(struct txtool *t, const char *value)
{
    int64_t v;
    if (!parse_i64(value, &v) || v < 0 || v > UINT32_MAX)
        return txtool_fail(t, "Invalid TX locktime requested: '%s'", value);
    t->tx.locktime = (uint32_t)v;
    return true;
}

static bool set_replaceable(struct txtool *t, const char *value)
{
    int64_t which = -1;
    if (*value != '\0' &&
        (!parse_i64(value, &which) || which < 0 || which >= t->tx.n_in))
        return txtool_fail(t, "Invalid TX input index '%s'", value);
    for (uint32_t i = 0; i < t->tx.n_in; i++) {
        if (which >= 0 && i != which)
            continue;
        if (t->tx.in[i].sequence > SEQUENCE_REPLACEABLE)
            t->tx.in[i].sequence = SEQUENCE_REPLACEABLE;
    }
    return true;
}

static bool add_input_parts(struct txtool *t, struct parts *p)
{
    struct outpoint o;
    int64_t n;
    uint32_t sequence = SEQUENCE_FINAL;
    if (p->n < 2)
        return txtool_fail(t, "TX input missing separator");
    if (!hash256_from_hex(&o.txid, p->at[0]))
        return txtool_fail(t, "invalid TX input txid");
    if (!parse_i64(p->at[1], &n) || n < 0 || n > MAX_VOUT)
        return txtool_fail(t, "invalid TX input vout '%s'", p->at[1]);
    if (p->n > 2 &&
        !parse_trimmed_u32(t, p->at[2], "invalid TX sequence id", &sequence))
        return false;
    o.n = (uint32_t)n;
    mtx_add_in(&t->tx, &o, sequence);
    return true;
}

static bool delete_input(struct txtool *t, const char *value)
{
    int64_t i;
    if (!parse_i64(value, &i) || i < 0 || i >= t->tx.n_in)
        return txtool_fail(t, "Invalid TX input index '%s'", value);
    mtx_remove_in(&t->tx, (uint32_t)i);
    return true;
}

static bool delete_output(struct txtool *t, const char *value)
{
    int64_t i;
    if (!parse_i64(value, &i) || i < 0 || i >= t->tx.n_out)
        return txtool_fail(t, "Invalid TX output index '%s'", value);
    mtx_remove_out(&t->tx, (uint32_t)i);
    return true;
}

/* -- Outputs -- */

/* Replaces the script by the P2SH or P2WSH of it. */
static void wrap(struct buf *script, enum destination_type type)
{
    struct destination d;
    destination_of_script(&d, type, buf_view(script));
    buf_reset(script);
    destination_to_script(script, &d);
}

/* FLAGS of an output: W wraps in segwit, S in P2SH. */
static bool wrap_script(struct txtool *t, struct buf *script, const char *flags)
{
    if (strchr(flags, 'W') != NULL)
        wrap(script, DEST_WSH);
    if (strchr(flags, 'S') == NULL)
        return true;
    if (script->len > MAX_SCRIPT_ELEMENT_SIZE)
        return txtool_fail(t, "redeemScript exceeds size limit: %zu > %d", script->len,
                           MAX_SCRIPT_ELEMENT_SIZE);
    wrap(script, DEST_SH);
    return true;
}

static bool add_address(struct txtool *t, struct parts *p, struct buf *script)
{
    struct amount value;
    struct destination d;
    if (p->n != 2)
        return txtool_fail(t, "TX output missing or too many separators");
    if (!parse_value(t, p->at[0], &value))
        return false;
    if (!address_decode(&d, &t->params, p->at[1], NULL))
        return txtool_fail(t, "invalid TX output address");
    destination_to_script(script, &d);
    mtx_add_out(&t->tx, value, buf_view(script));
    return true;
}

static bool parse_pubkey(struct txtool *t, const char *text, uint8_t out[65],
                         struct bytes *key)
{
    size_t len = strlen(text);
    *key = bytes_of(out, len / 2);
    if (len > 130 || !hex_decode_fixed(out, len / 2, text, len) ||
        !secp_pubkey_valid(*key))
        return txtool_fail(t, "invalid TX output pubkey");
    return true;
}

static bool segwit_needs_compressed(struct txtool *t)
{
    return txtool_fail(t, "Uncompressed pubkeys are not useable for SegWit outputs");
}

static bool add_pubkey(struct txtool *t, struct parts *p, struct buf *script)
{
    struct amount value;
    uint8_t raw[65];
    struct bytes key;
    if (p->n < 2 || p->n > 3)
        return txtool_fail(t, "TX output missing or too many separators");
    const char *flags = p->n == 3 ? p->at[2] : "";
    bool segwit = strchr(flags, 'W') != NULL;
    if (!parse_value(t, p->at[0], &value) || !parse_pubkey(t, p->at[1], raw, &key))
        return false;
    if (segwit && !pubkey_is_compressed(key))
        return segwit_needs_compressed(t);
    struct destination d = {.type = DEST_PUBKEY, .len = (uint8_t)key.len};
    memcpy(d.data, key.data, key.len);
    if (segwit)
        destination_of_key(&d, DEST_WPKH, key);
    destination_to_script(script, &d);
    if (strchr(flags, 'S') != NULL)
        wrap(script, DEST_SH);
    mtx_add_out(&t->tx, value, buf_view(script));
    return true;
}

struct multisig_parts {
    struct amount value;
    uint32_t required, n_keys;
    const char *flags;
};

static bool read_multisig(struct txtool *t, struct parts *p, struct multisig_parts *m)
{
    if (p->n < 3)
        return txtool_fail(t, "Not enough multisig parameters");
    if (!parse_value(t, p->at[0], &m->value) ||
        !parse_trimmed_u32(t, p->at[1], "invalid multisig required number",
                           &m->required) ||
        !parse_trimmed_u32(t, p->at[2], "invalid multisig total number", &m->n_keys))
        return false;
    if (p->n < (size_t)m->n_keys + 3)
        return txtool_fail(t, "incorrect number of multisig pubkeys");
    if (m->required < 1 || m->n_keys < m->required ||
        m->n_keys > MAX_PUBKEYS_PER_MULTISIG)
        return txtool_fail(t,
                           "multisig parameter mismatch. Required %u of %usignatures.",
                           m->required, m->n_keys);
    if (p->n > m->n_keys + 4)
        return txtool_fail(t, "Too many parameters");
    m->flags = p->n == m->n_keys + 4 ? p->at[p->n - 1] : "";
    return true;
}

static bool add_multisig(struct txtool *t, struct parts *p, struct buf *script)
{
    struct multisig_parts m;
    if (!read_multisig(t, p, &m))
        return false;
    bool segwit = strchr(m.flags, 'W') != NULL, all_compressed = true;
    script_put_int(script, m.required);
    for (uint32_t i = 0; i < m.n_keys; i++) {
        uint8_t raw[65];
        struct bytes key;
        if (!parse_pubkey(t, p->at[3 + i], raw, &key))
            return false;
        all_compressed = all_compressed && pubkey_is_compressed(key);
        script_put_data(script, key.data, key.len);
    }
    script_put_int(script, m.n_keys);
    script_put_op(script, OP_CHECKMULTISIG);
    if (segwit && !all_compressed)
        return segwit_needs_compressed(t);
    if (!wrap_script(t, script, m.flags))
        return false;
    mtx_add_out(&t->tx, m.value, buf_view(script));
    return true;
}

static bool add_script(struct txtool *t, struct parts *p, struct buf *script)
{
    struct amount value;
    const char *error;
    if (p->n < 2)
        return txtool_fail(t, "TX output missing separator");
    if (!parse_value(t, p->at[0], &value))
        return false;
    if (!script_from_text(script, p->at[1], &error))
        return txtool_fail(t, "%s", error);
    if (script->len > MAX_SCRIPT_SIZE)
        return txtool_fail(t, "script exceeds size limit: %zu > %d", script->len,
                           MAX_SCRIPT_SIZE);
    if (!wrap_script(t, script, p->n == 3 ? p->at[2] : ""))
        return false;
    mtx_add_out(&t->tx, value, buf_view(script));
    return true;
}

static bool parse_data(struct txtool *t, const char *text, struct buf *out)
{
    size_t len = strlen(text);
    if (hex_is(text, len) && hex_decode(out, text, len))
        return true;
    return txtool_fail(t, "invalid TX output data");
}

/* outdata=[VALUE:]DATA */
static bool add_data(struct txtool *t, const char *value)
{
    struct amount amount = amount_of(0);
    struct buf data = {0}, script = {0};
    const char *colon = strchr(value, ':');
    if (colon == value)
        return txtool_fail(t, "TX output value not specified");
    if (colon != NULL) {
        char *number = arena_printf(&t->mem, "%.*s", (int)(colon - value), value);
        if (!parse_value(t, number, &amount))
            return false;
        value = colon + 1;
    }
    bool ok = parse_data(t, value, &data);
    if (ok) {
        script_put_op(&script, OP_RETURN);
        script_put_data(&script, data.data, data.len);
        mtx_add_out(&t->tx, amount, buf_view(&script));
    }
    buf_clear(&data);
    buf_clear(&script);
    return ok;
}

static bool with_parts(struct txtool *t, const char *value,
                       bool (*fn)(struct txtool *, struct parts *, struct buf *))
{
    struct parts p;
    struct buf script = {0};
    parts_init(&p, value);
    bool ok = fn(t, &p, &script);
    parts_clear(&p);
    buf_clear(&script);
    return ok;
}

static bool add_input(struct txtool *t, const char *value)
{
    struct parts p;
    parts_init(&p, value);
    bool ok = add_input_parts(t, &p);
    parts_clear(&p);
    return ok;
}

static bool out_address(struct txtool *t, const char *value)
{
    return with_parts(t, value, add_address);
}

static bool out_pubkey(struct txtool *t, const char *value)
{
    return with_parts(t, value, add_pubkey);
}

static bool out_multisig(struct txtool *t, const char *value)
{
    return with_parts(t, value, add_multisig);
}

static bool out_script(struct txtool *t, const char *value)
{
    return with_parts(t, value, add_script);
}

/* -- Registers -- */

static bool set_register(struct txtool *t, const char *name, size_t name_len,
                         const char *text, size_t len)
{
    struct json *value;
    const char *error;
    if (!json_parse(&value, &t->mem, text, len, &error))
        return txtool_fail(t, "Cannot parse JSON for key %.*s", (int)name_len, name);
    t->registers =
        xrealloc_array(t->registers, t->n_registers + 1, sizeof(*t->registers));
    struct tx_register *r = &t->registers[t->n_registers++];
    r->name = xasprintf("%.*s", (int)name_len, name);
    r->value = value;
    return true;
}

static bool set_command(struct txtool *t, const char *value)
{
    const char *colon = strchr(value, ':');
    if (colon == NULL || colon == value || colon[1] == '\0')
        return txtool_fail(t, "Register input requires NAME:VALUE");
    return set_register(t, value, (size_t)(colon - value), colon + 1,
                        strlen(colon + 1));
}

static bool load_command(struct txtool *t, const char *value)
{
    struct buf text = {0};
    const char *colon = strchr(value, ':');
    if (colon == NULL || colon == value || colon[1] == '\0')
        return txtool_fail(t, "Register load requires NAME:FILENAME");
    if (fs_read_file(colon + 1, MAX_FILE, &text) != ERR_OK) {
        buf_clear(&text);
        return txtool_fail(t, "Cannot open file %s", colon + 1);
    }
    bool ok =
        set_register(t, value, (size_t)(colon - value), buf_cstr(&text), text.len);
    buf_clear(&text);
    return ok;
}

const struct json *txtool_register(const struct txtool *t, const char *name)
{
    for (size_t i = t->n_registers; i-- > 0;) {
        if (strcmp(t->registers[i].name, name) == 0)
            return t->registers[i].value;
    }
    return NULL;
}

/* -- The table -- */

static const struct command {
    const char *name, *arg, *help;
    bool (*run)(struct txtool *t, const char *value);
} commands[] = {
    {"delin", "N", "Delete input N", delete_input},
    {"delout", "N", "Delete output N", delete_output},
    {"in", "TXID:VOUT(:SEQUENCE_NUMBER)", "Add an input", add_input},
    {"locktime", "N", "Set the lock time", set_locktime},
    {"nversion", "N", "Set the version", set_version},
    {"outaddr", "VALUE:ADDRESS", "Add a payment to an address", out_address},
    {"outdata", "[VALUE:]DATA", "Add an OP_RETURN output of hex", add_data},
    {"outmultisig", "VALUE:REQUIRED:PUBKEYS:PUBKEY1:PUBKEY2:....[:FLAGS]",
     "Add a multisig output; flag W makes it P2WSH, S P2SH", out_multisig},
    {"outpubkey", "VALUE:PUBKEY[:FLAGS]",
     "Add a P2PK output; flag W makes it P2WPKH, S P2SH", out_pubkey},
    {"outscript", "VALUE:SCRIPT[:FLAGS]",
     "Add an output of script text; flag W makes it P2WSH, S P2SH", out_script},
    {"replaceable", "N", "Let input N (all, without N) signal replacement (BIP 125)",
     set_replaceable},
    {"sign", "SIGHASH-FLAGS",
     "Sign with the registers privatekeys (JSON array of keys) and prevtxs (JSON array "
     "of "
     "objects with txid, vout, scriptPubKey, amount, redeemScript)",
     txtool_sign},
    {"load", "NAME:FILENAME", "Read JSON from a file into a register", load_command},
    {"set", "NAME:JSON-STRING", "Set a register to JSON", set_command},
};

void txtool_help(struct buf *out)
{
    buf_append_str(out, "\nCommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        buf_printf(out, "\n  %s=%s\n       %s\n", commands[i].name, commands[i].arg,
                   commands[i].help);
}

bool txtool_run(struct txtool *t, const char *word)
{
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : "";
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strlen(commands[i].name) == len && memcmp(commands[i].name, word, len) == 0)
            return commands[i].run(t, value);
    }
    return txtool_fail(t, "unknown command");
}
