/* Makes man pages, shell completions and the RPC reference from the tables that the
 * programs themselves use.
 *
 *   ochre-gendoc man PROGRAM          roff on standard output
 *   ochre-gendoc completion PROGRAM   bash on standard output
 *   ochre-gendoc rpc DIR              one Markdown file per group, and README.md */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/rq_command.h"
#include "cli/tool.h"
#include "node/options.h"
#include "rpc/method.h"
#include "util/fs.h"

static const struct program {
    const char *name, *title, *synopsis, *description;
    const struct opt *options;
    bool has_methods;     /* RPC methods are its arguments */
    const char *commands; /* or these and files, and its options have two dashes */
} programs[] = {
    {"ochred", "Ochre full node", "[options]",
     "Runs a node: it checks and keeps the chain, relays blocks and transactions, and "
     "answers "
     "JSON-RPC. With -bitcoin -regtest it is a node of Bitcoin's regression test "
     "network.",
     daemon_options, false, NULL},
    {"ochre-cli", "JSON-RPC client of the Ochre node", "[options] <command> [params]",
     "Sends a command to a running node and prints the answer. The exit code is 0, or "
     "the "
     "number of the error. \"ochre-cli help\" lists all commands.",
     cli_options, true, NULL},
    {"ochre-tx", "offline transactions", "[options] <hex-tx>|-create [commands]",
     "Makes, changes, signs and shows transactions without a node. Commands are "
     "applied in the "
     "order in which they are given; \"ochre-tx -help\" lists them.",
     tx_options, false, NULL},
    {"ochre-wallet", "offline wallet files",
     "[options] info|create|dump|createfromdump|salvage",
     "Works on wallets that no node has loaded. info describes one, create makes one, "
     "dump writes its records as text, createfromdump makes a wallet of such a text, "
     "salvage saves what can be read of a damaged file.",
     wallet_options, false, NULL},
    {"ochre-util", "small offline tasks", "[options] grind <hex-header>",
     "grind prints the block header with a nonce that meets its bits.", util_options,
     false, NULL},
    {"ochre-rq", "RaptorQ symbols of files", "encode|decode|inspect|bench [options]",
     "encode FILE writes each RaptorQ symbol (RFC 6330) of the file to a file of its "
     "own. "
     "decode DIR restores the object from any sufficient number of them; damaged and "
     "foreign files are named and skipped. inspect FILE|DIR shows what a symbol file "
     "holds, or which blocks of a directory can be decoded. bench measures the "
     "computer.",
     rq_options, false, "encode decode inspect bench"},
};

static const struct program *find_program(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        if (strcmp(programs[i].name, name) == 0)
            return &programs[i];
    return NULL;
}

static bool is_shown(const struct opt *o)
{
    return o->help != NULL && !(o->flags & OPT_HIDDEN);
}

/* --- man pages ----------------------------------------------------------- */

/* A leading dot or quote is a command to roff, and a plain hyphen is no minus. */
static void roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
}

static const char *dashes(const struct program *p)
{
    return p->commands ? "--" : "-";
}

static void man_option(const struct program *p, const struct opt *o)
{
    fputs(".TP\n.B ", stdout);
    roff(dashes(p));
    roff(o->name);
    if (o->arg != NULL) {
        putchar('=');
        roff(o->arg);
    }
    putchar('\n');
    roff(o->help);
    if (o->def != NULL) {
        fputs(" (default: ", stdout);
        roff(o->def);
        putchar(')');
    }
    putchar('\n');
}

static int man(const struct program *p)
{
    const char *group = "";
    printf(".TH %s 1 \"\" \"Ochre %s\" \"User commands\"\n.SH NAME\n", p->name,
           client_version());
    roff(p->name);
    printf(" \\- %s\n.SH SYNOPSIS\n.B ", p->title);
    roff(p->name);
    putchar('\n');
    roff(p->synopsis);
    printf("\n.SH DESCRIPTION\n");
    roff(p->description);
    putchar('\n');
    for (const struct opt *o = p->options; o->name != NULL; o++) {
        if (!is_shown(o))
            continue;
        if (strcmp(group, o->group) != 0) {
            group = o->group;
            fputs(".SH ", stdout);
            for (const char *c = group; *c; c++)
                putchar(toupper((unsigned char)*c));
            putchar('\n');
        }
        man_option(p, o);
    }
    printf(".SH SEE ALSO\n.BR ochred (1),\n.BR ochre\\-cli (1),\n.BR ochre\\-rq (1),\n"
           ".BR ochre\\-tx (1),\n.BR ochre\\-util (1)\n");
    return EXIT_SUCCESS;
}

/* --- completions --------------------------------------------------------- */

static void completion_words(const struct program *p)
{
    for (const struct opt *o = p->options; o->name != NULL; o++)
        if (is_shown(o))
            printf(" %s%s%s", dashes(p), o->name, o->arg ? "=" : "");
    for (size_t t = 0; p->has_methods && rpc_tables[t] != NULL; t++)
        for (size_t i = 0; i < rpc_tables[t]->n; i++)
            if (!rpc_tables[t]->methods[i].hidden)
                printf(" %s", rpc_tables[t]->methods[i].name);
    if (p->commands)
        printf(" %s", p->commands);
}

static int completion(const struct program *p)
{
    char function[64];
    snprintf(function, sizeof(function), "_%s", p->name);
    for (char *c = function; *c; c++)
        *c = *c == '-' ? '_' : *c;
    printf(
        "# bash completion for %s\n%s()\n{\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    [ \"$cur\" = = ] && cur=\n"
        "    case $prev in =) COMPREPLY=($(compgen -f -- \"$cur\")); return ;; esac\n"
        "    COMPREPLY=($(compgen -W '",
        p->name, function);
    completion_words(p);
    printf("' -- \"$cur\")%s)\n"
           "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
           "    return 0\n}\ncomplete -F %s %s\n",
           p->commands ? " $(compgen -f -- \"$cur\")" : "", function, p->name);
    return EXIT_SUCCESS;
}

/* --- RPC reference ------------------------------------------------------- */

static char *file_name(const char *group)
{
    char *name = xasprintf("%s.md", group);
    for (char *c = name; *c; c++)
        *c = *c == ' ' ? '-' : (char)tolower((unsigned char)*c);
    return name;
}

static bool write_file(const char *dir, const char *name, const struct buf *text)
{
    char *path = path_join(dir, name);
    enum err e = fs_write_atomic(path, text->data, text->len, 0644);
    if (e != ERR_OK)
        fprintf(stderr, "%s: %s\n", path, err_text(e));
    free(path);
    return e == ERR_OK;
}

static void rpc_methods(const struct rpc_table *t, const char *file, struct buf *out,
                        struct buf *index)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct rpc_method *m = &t->methods[i];
        struct buf help = {0};
        if (!m->hidden && rpc_help(&help, NULL, m->name)) {
            buf_printf(out, "\n## %s\n```\n%s\n```\n", m->name, buf_cstr(&help));
            buf_printf(index, "[%s](%s#%s)\n", m->name, file, m->name);
        }
        buf_clear(&help);
    }
}

/* All tables of a group, which may be spread over several files. */
static bool rpc_group(const char *dir, const char *group, struct buf *index)
{
    struct buf out = {0};
    char *file = file_name(group);
    buf_printf(&out, "# %s\n", group);
    buf_printf(index, "\n## [%s](%s)\n", group, file);
    for (size_t t = 0; rpc_tables[t] != NULL; t++)
        if (strcmp(rpc_tables[t]->group, group) == 0)
            rpc_methods(rpc_tables[t], file, &out, index);
    bool ok = write_file(dir, file, &out);
    free(file);
    buf_clear(&out);
    return ok;
}

static bool group_seen_before(size_t table)
{
    for (size_t t = 0; t < table; t++)
        if (strcmp(rpc_tables[t]->group, rpc_tables[table]->group) == 0)
            return true;
    return false;
}

static int rpc_reference(const char *dir)
{
    struct buf index = {0};
    bool ok = fs_mkdirs(dir, 0755) == ERR_OK;
    buf_printf(&index,
               "# JSON-RPC reference\n\nMade from the method tables by `make rpc-doc`; "
               "`ochre-cli help <method>` shows the same.\n");
    for (size_t t = 0; ok && rpc_tables[t] != NULL; t++)
        ok = group_seen_before(t) || rpc_group(dir, rpc_tables[t]->group, &index);
    ok = ok && write_file(dir, "README.md", &index);
    buf_clear(&index);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const struct program *p = argc == 3 ? find_program(argv[2]) : NULL;
    if (argc == 3 && strcmp(argv[1], "rpc") == 0)
        return rpc_reference(argv[2]);
    if (p != NULL && strcmp(argv[1], "man") == 0)
        return man(p);
    if (p != NULL && strcmp(argv[1], "completion") == 0)
        return completion(p);
    fprintf(stderr,
            "usage: ochre-gendoc man|completion PROGRAM, or ochre-gendoc rpc DIR\n");
    return EXIT_FAILURE;
}
