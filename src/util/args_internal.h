/* What the files of args share: the store of values by source, and how a word becomes
 * one. */
#ifndef OCHRE_UTIL_ARGS_INTERNAL_H
#define OCHRE_UTIL_ARGS_INTERNAL_H

#include <pthread.h>

#include "util/args.h"

enum source {
    FORCED,
    COMMAND_LINE,
    SETTINGS,
    CONFIG,
    SOURCE_COUNT,
};

struct value {
    const struct opt *opt;
    char *section; /* in the arena; "" outside configuration sections */
    bool negated;
    char *text; /* in the arena; "0" when negated */
};

struct value_list {
    struct value *items; /* owned */
    size_t n;
};

struct text_list {
    const char **items; /* owned; strings in the arena */
    size_t n;
};

struct args {
    const struct opt *table;
    struct value_list from[SOURCE_COUNT];
    struct text_list positional, warnings;
    struct text_list settings; /* "name = JSON", for the log */
    struct text_list notices;  /* lines for stderr */
    bool section_noticed;
    const char *network; /* static or the arena's; "" before it is selected */
    bool lenient;        /* -bitcoin: numbers are read as bitcoind reads them */
    struct arena mem;
    pthread_mutex_t lock; /* of mem, for args_list on any thread */
};

/* A copy that lives as long as @a. */
char *args_keep(struct args *a, const char *text);
/* @text is kept by @a already. */
void args_warn(struct args *a, const char *text);
/* The same, and a line on stderr that begins with @prefix. */
void args_notice(struct args *a, const char *prefix, const char *text);
/* Keeps a line of the settings file for the log. */
void args_note_setting(struct args *a, const char *text);
void args_add(struct args *a, enum source from, const struct value *v);
/* NULL: there is no such option, or it is -bitcoin's only. */
const struct opt *args_find_option(const struct args *a, const char *name);
/* As args_find_option; "nofoo" is the negation of foo, unless an option has that name.
 */
const struct opt *args_find_key(const struct args *a, const char *key, bool *negated);
/* An empty value means yes; anything else is a number (bitcoind's rule). */
bool args_text_is_true(const char *text);
bool args_in_range(const struct opt *o, int64_t v);
/* A value of @o. @text NULL: none was given. False: *error says why (caller frees). */
bool args_make(struct args *a, struct value *v, const struct opt *o, bool negated,
               const char *section, const char *text, char **error);

#endif
