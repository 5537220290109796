/* Small offline tasks: grind finds the nonce that gives a block header its proof of
 * work. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain/prim/arith.h"
#include "chain/prim/block.h"
#include "cli/tool.h"
#include "util/hex.h"
#include "util/pool.h"

static void print_help(const struct args *a)
{
    struct buf text = {0};
    buf_append_str(&text, "Usage:  ochre-util [options] [command]\n\n");
    args_help(a, &text, false);
    buf_append_str(&text, "\nCommands:\n\n  grind <hex-header>\n"
                          "       Print the header with a nonce that meets its bits\n");
    fputs(buf_cstr(&text), stdout);
    buf_clear(&text);
}

/* -- grind -- */

struct grind {
    struct block_header header;
    struct u256 target;
    unsigned tasks;
    _Atomic bool found;
    _Atomic uint32_t nonce;
};

/* Every tasks-th nonce, beginning with the i-th. */
static bool grind_task(void *ctx, size_t i)
{
    struct grind *g = ctx;
    struct block_header h = g->header;
    for (uint64_t nonce = i; nonce <= UINT32_MAX; nonce += g->tasks) {
        h.nonce = (uint32_t)nonce;
        struct hash256 hash = header_hash(&h);
        struct u256 value = u256_from_hash(&hash);
        if (u256_cmp(&value, &g->target) <= 0) {
            g->nonce = h.nonce;
            g->found = true;
            return false;
        }
        if (nonce % 4096 < g->tasks && g->found)
            return false;
    }
    return true;
}

static bool read_header(struct block_header *out, const char *hex)
{
    uint8_t raw[BLOCK_HEADER_SIZE];
    struct reader r;
    if (!hex_decode_fixed(raw, sizeof(raw), hex, strlen(hex)))
        return false;
    reader_init(&r, raw, sizeof(raw));
    *out = header_read(&r);
    return true;
}

static void print_header(const struct block_header *h)
{
    struct buf raw = {0}, hex = {0};
    struct sink s = sink_to_buf(&raw);
    header_write(&s, h);
    tool_hex(&hex, buf_view(&raw));
    puts(buf_cstr(&hex));
    buf_clear(&raw);
    buf_clear(&hex);
}

static bool search(struct grind *g)
{
    bool negative, overflow;
    g->target = compact_to_target(g->header.bits, &negative, &overflow);
    if (u256_is_zero(&g->target) || negative || overflow)
        return false;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    g->tasks = cores > 0 ? (unsigned)cores : 1;
    struct pool *pool = pool_new(g->tasks - 1, "grind");
    pool_for(pool, g->tasks, 1, grind_task, g);
    pool_free(pool);
    return g->found;
}

static int fail(const char *message)
{
    fprintf(stderr, "%s\n", message);
    return EXIT_FAILURE;
}

static int grind(const char *const *words, size_t n)
{
    struct grind g = {.found = false};
    if (n != 1)
        return fail("Must specify block header to grind");
    if (!read_header(&g.header, words[0]))
        return fail("Could not decode block header");
    if (!search(&g))
        return fail("Could not satisfy difficulty target");
    g.header.nonce = g.nonce;
    print_header(&g.header);
    return EXIT_SUCCESS;
}

static int run(struct args *a)
{
    struct chain_params params;
    size_t n;
    const char *const *words = args_positional(a, &n);
    if (!tool_select_chain(a, &params))
        return EXIT_FAILURE;
    if (n == 0)
        return fail("Error: too few parameters");
    if (strcmp(words[0], "grind") == 0)
        return grind(words + 1, n - 1);
    fprintf(stderr, "Error parsing command line arguments: Invalid command '%s'\n",
            words[0]);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    return tool_main(argc, argv, util_options, "ochre-util utility", print_help, run);
}
