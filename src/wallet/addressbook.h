/* Labels, purposes and reuse marks of addresses, by destination.
 *
 * All functions want the wallet's lock. */
#ifndef OCHRE_WALLET_ADDRESSBOOK_H
#define OCHRE_WALLET_ADDRESSBOOK_H

#include "chain/script/address.h"
#include "wallet/error.h"

struct addressbook;
struct store;

enum address_purpose {
    PURPOSE_NONE, /* change */
    PURPOSE_RECEIVE,
    PURPOSE_SEND,
    PURPOSE_REFUND,
};
const char *address_purpose_name(enum address_purpose p); /* "receive"; NONE: "" */

struct address_entry {
    struct destination dest;
    char *label; /* owned; NULL: no entry that users see (change with a mark) */
    enum address_purpose purpose;
    bool reused; /* was spent from (avoid_reuse) */
};

struct addressbook *addressbook_new(struct store *s);
void addressbook_free(struct addressbook *b); /* NULL is fine */
NODISCARD enum err addressbook_load(struct addressbook *b);

/* NULL: not in the book. Valid until the next change. */
const struct address_entry *addressbook_find(const struct addressbook *b,
                                             const struct destination *d);
/* Entries in the order of their scripts; return false to stop. */
void addressbook_each(const struct addressbook *b,
                      bool (*fn)(void *ctx, const struct address_entry *e), void *ctx);
size_t addressbook_count(const struct addressbook *b);
/* Adds or changes; PURPOSE_NONE keeps the purpose. */
NODISCARD enum err addressbook_set(struct addressbook *b, const struct destination *d,
                                   const char *label, enum address_purpose purpose);
NODISCARD enum err addressbook_set_reused(struct addressbook *b,
                                          const struct destination *d, bool reused);
/* The label of the address, "" when it has none. */
const char *addressbook_label(const struct addressbook *b, const struct destination *d);

#endif
