/* The command line of ochre-rq: one table for parsing, help, man page and completion.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/rq_command.h"
#include "util/hex.h"

enum {
    OUT,
    SYMBOL_SIZE,
    REPAIR,
    NO_SOURCE,
    BLOCKS,
    SUB_BLOCKS,
    ALIGN,
    OBJECT,
    SYMBOLS,
    KERNEL,
    SECONDS,
    THREADS,
    MEMORY,
    QUIET,
    HELP,
    VERSION,
    N_OPTIONS
};

#define NUMBER(name, arg, def, min, max, group, help)                                  \
    {                                                                                  \
        name, OPT_INT, arg, def, min, max, 0, group, help                              \
    }
#define TEXT(name, arg, def, group, help)                                              \
    {                                                                                  \
        name, OPT_STR, arg, def, 0, 0, 0, group, help                                  \
    }
#define FLAG(name, group, help)                                                        \
    {                                                                                  \
        name, OPT_BOOL, NULL, NULL, 0, 0, 0, group, help                               \
    }
#define BOTH   "Options of encode and decode"
#define ENCODE "Options of encode"
#define CHOICE "Options of decode and inspect"
#define BENCH  "Options of bench"
#define ALL    "Options of all commands"

const struct opt rq_options[N_OPTIONS + 1] = {
    [OUT] = TEXT("out", "<path>", NULL, BOTH,
                 "Required: where the result goes. encode: a directory, new or empty; "
                 "decode: a file, which appears only when its SHA3-256 is right"),
    [SYMBOL_SIZE] =
        NUMBER("symbol-size", "<n>", "50000, for bench 1280", 1, RQ_T_MAX, ENCODE,
               "Octets of a symbol, 1 to 65535; bench takes it too"),
    [REPAIR] = NUMBER("repair", "<n>", "a tenth of the source symbols", 0, RQ_ESI_MAX,
                      ENCODE, "Repair symbols of every source block"),
    [NO_SOURCE] = FLAG("no-source", ENCODE, "Write repair symbols only"),
    [BLOCKS] = NUMBER("blocks", "<n>", "as few as possible", 0, RQ_Z_MAX, ENCODE,
                      "Source blocks, up to 255"),
    [SUB_BLOCKS] = NUMBER("sub-blocks", "<n>", "1", 0, RQ_N_MAX, ENCODE,
                          "Sub-blocks of a source block"),
    [ALIGN] = NUMBER("align", "<n>", "1", 0, 255, ENCODE,
                     "Alignment of sub-symbols, of which symbols are a multiple"),
    [OBJECT] = TEXT("object", "<sha3>", "the one with most symbols", CHOICE,
                    "SHA3-256 of the object meant, where a directory holds several"),
    [SYMBOLS] =
        NUMBER("symbols", "<n>", "1000", 0, RQ_K_MAX, BENCH, "Symbols of the block"),
    [KERNEL] = TEXT("kernel", "<name>", "the best", BENCH,
                    "Instruction set, portable for none in particular"),
    [SECONDS] = TEXT("seconds", "<s>", "0.5", BENCH, "Time for each case"),
    [THREADS] =
        NUMBER("threads", "<n>", "all processors", 0, 1024, ALL, "Threads to use"),
    [MEMORY] = NUMBER("memory", "<MiB>", "256", 1, 1 << 20, ALL,
                      "Memory for the blocks that are being worked on"),
    [QUIET] = FLAG("quiet", ALL, "Draw no progress bar"),
    [HELP] = FLAG("help", ALL, "Print this help and exit"),
    [VERSION] = FLAG("version", ALL, "Print the version and exit"),
};

/* Numbers are uint32_t, flags bool, text const char *; the others are read below. */
#define FIELD(name) offsetof(struct rqc_options, name)
static const size_t fields[N_OPTIONS] = {
    [OUT] = FIELD(out),       [SYMBOL_SIZE] = FIELD(symbol_size),
    [REPAIR] = FIELD(repair), [NO_SOURCE] = FIELD(no_source),
    [BLOCKS] = FIELD(blocks), [SUB_BLOCKS] = FIELD(sub_blocks),
    [ALIGN] = FIELD(align),   [SYMBOLS] = FIELD(symbols),
    [KERNEL] = FIELD(kernel), [THREADS] = FIELD(threads),
    [MEMORY] = FIELD(memory), [QUIET] = FIELD(quiet),
    [HELP] = FIELD(help),     [VERSION] = FIELD(version),
};

static bool set_number(uint32_t *out, const struct opt *option, const char *text)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || v < option->min ||
        v > option->max)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool set_option(struct rqc_options *o, int which, const char *text)
{
    void *field = (char *)o + fields[which];

    o->has_repair = o->has_repair || which == REPAIR;
    if (which == OBJECT)
        return o->has_object = hex_decode_fixed(o->object, 32, text, strlen(text));
    if (which == SECONDS) {
        o->seconds = strtod(text, NULL);
        return o->seconds > 0 && o->seconds < 3600;
    }
    if (rq_options[which].type == OPT_INT)
        return set_number(field, &rq_options[which], text);
    if (rq_options[which].type == OPT_STR)
        *(const char **)field = text;
    else
        *(bool *)field = true;
    return true;
}

bool rqc_parse(struct rqc_options *o, int argc, char **argv, int *operands)
{
    struct option known[N_OPTIONS + 1] = {{0}};
    int which;

    *o = (struct rqc_options){
        .sub_blocks = 1, .align = 1, .memory = 256, .symbols = 1000, .seconds = 0.5};
    for (int i = 0; i < N_OPTIONS; i++)
        known[i] = (struct option){
            rq_options[i].name,
            rq_options[i].type == OPT_BOOL ? no_argument : required_argument, NULL, i};
    while ((which = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (which == '?') {
            fputs("Try ochre-rq --help.\n", stderr);
            return false;
        }
        which = which == 'h' ? HELP : which;
        if (!set_option(o, which, optarg)) {
            rqc_fail("--%s: %s is out of range; see ochre-rq --help",
                     rq_options[which].name, optarg);
            return false;
        }
    }
    *operands = optind;
    return true;
}

/* Text in lines of up to 80 columns, indented by eight. */
static void print_wrapped(FILE *out, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t n = strcspn(text, " ");

        if (column == 0 || column + 1 + n > 80) {
            fprintf(out, "%s        ", column ? "\n" : "");
            column = 8;
        } else {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, n, out);
        column += n;
        text += n + (text[n] == ' ');
    }
    fputc('\n', out);
}

void rqc_usage(FILE *out)
{
    const char *group = "";

    fputs("ochre-rq splits files into RaptorQ symbols (RFC 6330) and restores them.\n"
          "\n"
          "  ochre-rq encode FILE --out DIR    one file for each symbol into DIR\n"
          "  ochre-rq decode DIR --out FILE    the object of which most symbols are in "
          "DIR;\n"
          "                                    damaged and foreign files are named and "
          "skipped\n"
          "  ochre-rq inspect FILE|DIR         what a symbol file holds, which blocks "
          "can\n"
          "                                    be decoded\n"
          "  ochre-rq bench                    measures this computer\n",
          out);
    for (const struct opt *o = rq_options; o->name != NULL; o++) {
        if (strcmp(group, o->group) != 0)
            fprintf(out, "\n%s:\n", group = o->group);
        fprintf(out, "  --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        if (o->def)
            fprintf(out, " (default: %s)", o->def);
        fputc('\n', out);
        print_wrapped(out, o->help);
    }
}
