/* The types of fields: how each is read, written and signed; JSON is in field_json.c.
 */
#ifndef OCHRE_TICKETS_FIELDS_H
#define OCHRE_TICKETS_FIELDS_H

#include "tickets/ticket.h"
#include "util/reader.h"
#include "util/sink.h"

/* Latches r->bad on anything but a valid value. */
struct bytes field_read(const struct ticket_field *f, struct reader *r);
void field_write(const struct ticket_field *f, struct sink *s, struct bytes raw);
/* Octets of a type of fixed size; 0: the size varies, *max is the largest of a var. */
size_t field_size(enum field_type type, size_t *max);
/* How many signatures the field holds: an empty one counts nothing. */
unsigned field_signatures(const struct ticket_field *f, struct bytes raw);
unsigned field_sigops(const struct ticket_field *f, struct bytes raw);
/* Of a field with a role; quorums are BIP 340. */
enum sig_scheme field_scheme(const struct ticket_field *f);

/* P2PKH, P2SH, P2WPKH, P2WSH or P2TR: the only forms of script in tickets. */
bool script_is_payable(struct bytes script);

/* Value of an integer field. */
uint64_t field_uint(struct bytes raw);

#endif
