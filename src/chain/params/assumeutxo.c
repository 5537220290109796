#include "chain/params/assumeutxo.h"

#include <errno.h>
#include <stdlib.h>

#include "util/hex.h"
#include "util/mem.h"

const struct assumeutxo *assumeutxo_at_block(const struct chain_params *p,
                                             const struct hash256 *block)
{
    for (unsigned i = 0; i < p->n_assumeutxo; i++)
        if (hash256_equal(&p->assumeutxo[i].block, block))
            return &p->assumeutxo[i];
    return NULL;
}

char *assumeutxo_heights(const struct chain_params *p)
{
    struct buf b = {0};
    buf_reserve(&b, 1); /* none is a text, too */
    for (unsigned i = 0; i < p->n_assumeutxo; i++)
        buf_printf(&b, "%s%d", i > 0 ? ", " : "", (int)p->assumeutxo[i].height);
    return (char *)buf_take(&b, NULL);
}

const struct assumeutxo *assumeutxo_highest(const struct chain_params *p)
{
    const struct assumeutxo *best = NULL;
    for (unsigned i = 0; i < p->n_assumeutxo; i++)
        if (best == NULL || p->assumeutxo[i].height > best->height)
            best = &p->assumeutxo[i];
    return best;
}

/* -- The option -- */

#define MAX_FIELDS 5

/* Cuts @text at its colons. Returns how many fields there are. */
static size_t split(char *text, const char *field[MAX_FIELDS])
{
    size_t n = 0;
    for (char *s = text; s != NULL && n <= MAX_FIELDS; n++) {
        char *colon = strchr(s, ':');
        if (n < MAX_FIELDS)
            field[n] = s;
        if (colon != NULL)
            *colon = '\0';
        s = colon != NULL ? colon + 1 : NULL;
    }
    return n;
}

static bool read_number(uint64_t *out, const char *s, uint64_t max)
{
    char *end;
    errno = 0;
    *out = strtoull(s, &end, 10);
    return *s >= '0' && *s <= '9' && *end == '\0' && errno == 0 && *out > 0 &&
           *out <= max;
}

static bool read_fields(struct assumeutxo *au, const char *const *field, size_t n)
{
    uint64_t height;
    if (n < 3 || n > MAX_FIELDS || !read_number(&height, field[0], INT32_MAX - 1) ||
        !hash256_from_hex(&au->block, field[1]) ||
        !hash256_from_hex(&au->txoutset, field[2]))
        return false;
    au->height = (int32_t)height;
    au->chain_tx = height + 1; /* coinbases alone */
    return (n < 4 || read_number(&au->chain_tx, field[3], INT64_MAX)) &&
           (n < 5 ||
            hex_decode_fixed(au->state_root.b, 32, field[4], strlen(field[4])));
}

bool chain_params_assumeutxo(struct chain_params *p, const char *spec, char **error)
{
    const char *field[MAX_FIELDS];
    struct assumeutxo au = {0};
    if (strcmp(p->name, "regtest") != 0) {
        *error = xstrdup("-assumeutxo is for regtest only.");
        return false;
    }
    if (p->n_assumeutxo == ASSUMEUTXO_MAX) {
        *error =
            xasprintf("-assumeutxo: there is room for %d snapshots.", ASSUMEUTXO_MAX);
        return false;
    }
    char *text = xstrdup(spec);
    bool ok = read_fields(&au, field, split(text, field));
    free(text);
    if (ok)
        p->assumeutxo[p->n_assumeutxo++] = au;
    else
        *error = xasprintf("Invalid -assumeutxo=%s: expecting height:blockhash:"
                           "txoutset_hash[:nchaintx[:stateroot]].",
                           spec);
    return ok;
}
