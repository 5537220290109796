/* The types of fields: how each is read, written and shown. */
#ifndef OCHRE_TICKETS_FIELDS_H
#define OCHRE_TICKETS_FIELDS_H

#include "tickets/ticket.h"
#include "util/reader.h"
#include "util/sink.h"

/* Latches r->bad on anything but a valid value. */
struct bytes field_read(const struct ticket_field *f, struct reader *r);
void field_write(const struct ticket_field *f, struct sink *s, struct bytes raw);
unsigned field_sigops(const struct ticket_field *f);

/* P2PKH, P2SH, P2WPKH, P2WSH or P2TR: the only forms of script in tickets. */
bool script_is_payable(struct bytes script);

#endif
