/* "Bitcoin signed messages": what signmessage and collateral signatures sign. */
#ifndef OCHRE_CHAIN_SCRIPT_SIGNED_MESSAGE_H
#define OCHRE_CHAIN_SCRIPT_SIGNED_MESSAGE_H

#include "util/bytes.h"

void signed_message_hash(uint8_t out[32], const char *text, size_t len);

#endif
