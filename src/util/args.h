/* Command line and configuration file, driven by one const table of options: bitcoind's
 * rules for names, negation (-nofoo, -foo=0), sections ([main] [test] [regtest]),
 * includeconf, settings.json, and who wins over whom. */
#ifndef OCHRE_UTIL_ARGS_H
#define OCHRE_UTIL_ARGS_H

#include "util/json.h"

enum opt_type {
    OPT_BOOL,
    OPT_INT,
    OPT_STR,
    OPT_AMOUNT, /* decimal coins, parsed with the chain's decimals by the caller */
    OPT_LIST,   /* may be given many times */
};

enum opt_flags {
    OPT_NETWORK_ONLY = 1, /* outside main a value in the default section is not used */
    OPT_HIDDEN = 2,       /* shown with -help-debug only */
    OPT_COMMAND_LINE = 4, /* not allowed in a configuration file (conf, includeconf) */
    OPT_DISALLOW_NEGATION = 8,
    OPT_SENSITIVE = 16,    /* value is never logged */
    OPT_IGNORED = 32,      /* accepted for compatibility, has no effect, logged once */
    OPT_BITCOIN_ONLY = 64, /* only under -bitcoin */
    OPT_DISALLOW_ELISION = 128, /* must have a value */
};

struct opt {
    const char *name; /* without dash; NULL ends the table */
    enum opt_type type;
    const char *arg;  /* "<n>", "<dir>"; NULL: none shown */
    const char *def;  /* default as text, shown in help; NULL: none */
    int64_t min, max; /* OPT_INT; both 0: any */
    unsigned flags;
    const char *group; /* heading in help */
    const char *help;
};

/* Order of precedence, as bitcoind's: forced, command line, settings file, the
 * network's section of the configuration file, its default section. On the command line
 * the last of equal options wins, in a file the first. A negated option hides the
 * values before it in its own source and all of lower sources.
 *
 * An option of type OPT_INT must be a whole number within min..max; with -bitcoin on
 * the command line it is read and bounded as bitcoind does instead of refused. */
struct args;
struct logger;

struct args *args_new(const struct opt *table);
void args_free(struct args *a);
/* error, here and below: caller frees; the sentence that bitcoind prints after "Error:
 * ". Parsing ends at the first word that is no option, which with all after it is
 * positional. */
NODISCARD bool args_parse_command_line(struct args *a, int argc,
                                       const char *const *argv, char **error);
/* Network section name: "main", "test", "regtest". Before that only default sections
 * count. */
void args_select_network(struct args *a, const char *section);
/* Reads the file and those that includeconf= names in it. strict: unknown keys are
 * errors; else each becomes a warning. */
NODISCARD bool args_read_config(struct args *a, const char *path, bool strict,
                                char **error);
NODISCARD bool args_read_settings(struct args *a, const char *path, char **error);
/* False when an option that must stand in its network's section stands in the default
 * section only, and so has no effect. */
NODISCARD bool args_check_sections(const struct args *a, char **error);

bool args_is_set(const struct args *a, const char *name);
bool args_is_negated(const struct args *a, const char *name);
/* Strings live as long as @a. A negated option reads "0". */
const char *args_str(const struct args *a, const char *name, const char *def);
int64_t args_int(const struct args *a, const char *name, int64_t def);
bool args_bool(const struct args *a, const char *name, bool def);
/* All values in order of precedence, *n of them; lives as long as @a. */
const char *const *args_list(const struct args *a, const char *name, size_t *n);
bool args_list_has(const struct args *a, const char *name, const char *value);
/* bitcoind's soft set: takes effect only when nobody has set it. */
bool args_soft_set(struct args *a, const char *name, const char *value);
void args_force_set(struct args *a, const char *name, const char *value);
/* Positional arguments after the options (for the command-line tools). */
const char *const *args_positional(const struct args *a, size_t *n);
/* What the user should know but what stops nothing: unknown keys and sections. */
const char *const *args_warnings(const struct args *a, size_t *n);
/* Those of them that belong on stderr, as lines. */
const char *const *args_notices(const struct args *a, size_t *n);
/* Writes every given option to the log, without the values of sensitive ones. */
void args_log(const struct args *a, struct logger *log);
void args_help(const struct args *a, struct buf *out, bool debug);

#endif
