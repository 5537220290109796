/* The list "wallet" of settings.json: what is loaded when the node starts. */
#ifndef OCHRE_WALLET_SETTINGS_LIST_H
#define OCHRE_WALLET_SETTINGS_LIST_H

#include "util/err.h"

/* Adds the name to the list or removes it; other settings stay as they are. */
NODISCARD enum err settings_list_set(const char *path, const char *name, bool on);

#endif
