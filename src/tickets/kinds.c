#include "tickets/ticket.h"

#define X(k) extern const struct ticket_kind k;
#include "tickets/kinds.def"
#undef X

static const struct ticket_kind *const kinds[] = {
#define X(k) &k,
#include "tickets/kinds.def"
#undef X
    NULL,
};

const struct ticket_kind *ticket_kind_at(size_t i)
{
    return kinds[i];
}

const struct ticket_kind *ticket_kind_by_id(uint8_t id)
{
    for (size_t i = 0; kinds[i] != NULL; i++)
        if (kinds[i]->id == id)
            return kinds[i];
    return NULL;
}

const struct ticket_kind *ticket_kind_by_name(const char *name)
{
    for (size_t i = 0; kinds[i] != NULL; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}
