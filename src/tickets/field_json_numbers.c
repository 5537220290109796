/* Numbers in the JSON of fields. */
#include <stdio.h>

#include "tickets/field_json.h"

bool number_from_json(uint64_t *out, const struct json *v, uint64_t max)
{
    return v != NULL && v->type == JSON_NUMBER && json_to_u64(v, out) && *out <= max;
}

static void put_uint(struct buf *out, uint64_t v, size_t size)
{
    uint8_t octets[8];
    put_le64(octets, v);
    buf_append(out, octets, size);
}

/* From here on amount_parse reads nothing, and no valid ticket holds as much: shown
 * without a point. */
#define DECIMAL_END UINT64_C(1000000000000000000)

static void put_decimal(struct json_writer *w, const char *name, uint64_t v,
                        unsigned decimals)
{
    if (v >= DECIMAL_END)
        json_kv_uint(w, name, v);
    else
        json_kv_amount(w, name, amount_of((int64_t)v), decimals);
}

static bool decimal_from_json(uint64_t *out, const struct json *v, unsigned decimals)
{
    struct amount a;
    if (v == NULL || (v->type != JSON_NUMBER && v->type != JSON_STRING))
        return false;
    if (!amount_parse(&a, v->str, v->str_len, decimals))
        return number_from_json(out, v, UINT64_MAX) && *out >= DECIMAL_END;
    *out = (uint64_t)a.v;
    return a.v >= 0;
}

void uint_to_json(struct json_writer *w, const struct ticket_field *f,
                  const struct chain_params *params, struct bytes raw)
{
    (void)params;
    if (f->decimals > 0)
        put_decimal(w, f->name, field_uint(raw), f->decimals);
    else
        json_kv_uint(w, f->name, field_uint(raw));
}

bool uint_from_json(struct buf *out, const struct ticket_field *f,
                    const struct chain_params *params, const struct json *obj,
                    struct arena *mem, const char **error)
{
    const struct json *j = json_get(obj, f->name);
    size_t max, size = field_size(f->type, &max);
    uint64_t v, top = UINT64_MAX >> (64 - 8 * size);
    (void)params;
    if (f->decimals > 0 ? decimal_from_json(&v, j, f->decimals) && v <= top
                        : number_from_json(&v, j, top)) {
        put_uint(out, v, size);
        return true;
    }
    if (f->decimals > 0)
        *error = arena_printf(mem, "%s must be a number with at most %u decimals",
                              f->name, f->decimals);
    else
        *error = arena_printf(mem, "%s must be a whole number from 0 to %llu", f->name,
                              (unsigned long long)top);
    return false;
}

void amount_to_json(struct json_writer *w, const struct ticket_field *f,
                    const struct chain_params *params, struct bytes raw)
{
    put_decimal(w, f->name, field_uint(raw), params->decimals);
}

bool amount_from_json(struct buf *out, const struct ticket_field *f,
                      const struct chain_params *params, const struct json *obj,
                      struct arena *mem, const char **error)
{
    uint64_t v;
    if (decimal_from_json(&v, json_get(obj, f->name), params->decimals)) {
        put_uint(out, v, 8);
        return true;
    }
    *error = arena_printf(mem, "%s must be an amount", f->name);
    return false;
}

/* --- megabytes --- */

#define MEGABYTE_BITS   20
#define FRACTION_DIGITS 20 /* 2^-20 has as many */

static unsigned __int128 power_of_ten(unsigned n)
{
    unsigned __int128 v = 1;
    while (n-- > 0)
        v *= 10;
    return v;
}

/* "file_size_in_megabytes" -> "file_size" */
static const char *octets_name(char out[64], const struct ticket_field *f)
{
    snprintf(out, 64, "%.*s", (int)(strlen(f->name) - strlen("_in_megabytes")),
             f->name);
    return out;
}

/* Exactly, without zeros at the end. */
static void megabytes_text(char out[48], uint64_t octets)
{
    uint64_t whole = octets >> MEGABYTE_BITS;
    unsigned __int128 part = octets & ((1u << MEGABYTE_BITS) - 1);
    int n = snprintf(out, 48, "%llu", (unsigned long long)whole);
    part = part * power_of_ten(FRACTION_DIGITS) >> MEGABYTE_BITS;
    if (part > 0)
        out[n++] = '.';
    for (unsigned left = FRACTION_DIGITS; part > 0; left--) {
        unsigned __int128 unit = power_of_ten(left - 1);
        out[n++] = (char)('0' + (int)(part / unit));
        part %= unit;
    }
    out[n] = '\0';
}

/* Digits, and perhaps a point and digits, that make whole octets. */
static bool megabytes_parse(uint64_t *octets, const char *text)
{
    unsigned __int128 v = 0;
    unsigned places = 0, digits = 0;
    bool point = false;
    for (; *text != '\0'; text++) {
        if (*text == '.' && !point && digits > 0) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || ++digits > 33 ||
            (places += point) > FRACTION_DIGITS)
            return false;
        v = v * 10 + (unsigned)(*text - '0');
    }
    unsigned __int128 unit = power_of_ten(places), most = UINT64_MAX;
    if (digits == 0 || v / unit > most >> MEGABYTE_BITS)
        return false;
    unsigned __int128 whole = v / unit, part = (v % unit) << MEGABYTE_BITS;
    *octets = (uint64_t)(whole << MEGABYTE_BITS) + (uint64_t)(part / unit);
    return part % unit == 0;
}

void megabytes_to_json(struct json_writer *w, const struct ticket_field *f,
                       const struct chain_params *params, struct bytes raw)
{
    char name[64], text[48];
    uint64_t octets = field_uint(raw);
    (void)params;
    megabytes_text(text, octets);
    json_key(w, f->name);
    json_raw(w, text, strlen(text));
    json_kv_uint(w, octets_name(name, f), octets);
}

bool megabytes_from_json(struct buf *out, const struct ticket_field *f,
                         const struct chain_params *params, const struct json *obj,
                         struct arena *mem, const char **error)
{
    char name[64];
    const struct json *octets = json_get(obj, octets_name(name, f));
    const struct json *megabytes = json_get(obj, f->name);
    uint64_t v;
    (void)params;
    if (octets != NULL ? number_from_json(&v, octets, UINT64_MAX)
                       : megabytes != NULL && megabytes->type == JSON_NUMBER &&
                             megabytes_parse(&v, megabytes->str)) {
        put_uint(out, v, 8);
        return true;
    }
    *error = arena_printf(
        mem, "%s (octets), or %s (units of 1048576 of them), must be a number", name,
        f->name);
    return false;
}
