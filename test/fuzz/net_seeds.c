/* Writes the seeds of the network's fuzzers: every sample of the lab for its handler,
 * and sessions in which they play together. Usage: net_seeds CORPUS-DIRECTORY */
#include <stdio.h>
#include <stdlib.h>

#include "net_lab.h"
#include "util/fs.h"

#define MOST 20000 /* octets of a seed */

enum op { MESSAGE, SAMPLE, READ, TIME, CONNECT, OCTETS, HANG_UP, MINIMUM };

#define INBOUND   CONN_INBOUND
#define OUTBOUND  CONN_OUTBOUND_FULL
#define V2        0x80
#define HANDSHAKE 4

static void write_seed(const char *dir, const char *target, const char *name,
                       const struct buf *b)
{
    char *folder = xasprintf("%s/%s", dir, target), *path = path_join(folder, name);
    if (fs_mkdirs(folder, 0755) != ERR_OK ||
        fs_write_atomic(path, b->data, b->len, 0644) != ERR_OK) {
        fprintf(stderr, "net_seeds: cannot write %s\n", path);
        exit(1);
    }
    free(path);
    free(folder);
}

static void write_handler_seeds(const char *dir)
{
    size_t n;
    const struct lab_sample *s = net_lab_samples(&n);
    for (size_t i = 0; i < n; i++) {
        struct buf b = {0};
        char *name = xasprintf("%s-%s-%zu", msg_type_name(s[i].type), s[i].name, i);
        buf_append_byte(&b, (uint8_t)s[i].type);
        buf_append_byte(&b, (uint8_t)(i % 8));
        buf_append(&b, s[i].payload.data, s[i].payload.len);
        if (b.len <= MOST)
            write_seed(dir, "net_handler", name, &b);
        buf_clear(&b);
        free(name);
    }
}

/* -- Sessions ------------------------------------------------------------- */

static void put(struct buf *b, enum op op, unsigned at, int arg, int arg2)
{
    buf_append_byte(b, (uint8_t)(op | at << 3));
    if (arg >= 0)
        buf_append_byte(b, (uint8_t)arg);
    if (arg2 >= 0)
        buf_append_byte(b, (uint8_t)arg2);
}

/* A line of a script: "0 next block" sends peer 0's sample, "." is time, "0 -" reads,
 * "0 x" hangs up, "m" raises the minimum of work. */
static void put_line(struct buf *b, const char *line)
{
    size_t n;
    const struct lab_sample *s = net_lab_samples(&n);
    unsigned at;
    char name[32], type[32];
    if (line[0] == '.') {
        put(b, TIME, 0, 7, -1);
    } else if (line[0] == 'm') {
        put(b, MINIMUM, 0, 250, -1);
    } else if (sscanf(line, "%u %31s %31s", &at, name, type) == 3) {
        for (size_t i = 0; i < n; i++)
            if (!strcmp(s[i].name, name) && !strcmp(msg_type_name(s[i].type), type)) {
                put(b, SAMPLE, at, (int)i, -1);
                return;
            }
        ASSERT(!"a sample of that name");
    } else {
        put(b, line[2] == 'x' ? HANG_UP : READ, at, -1, -1);
    }
}

static const struct {
    const char *name;
    const char *lines[16];
} scripts[] = {
    {"blocks",
     {"0 next headers", "0 -", "0 next block", "1 second inv", ".", "1 second block"}},
    {"two-headers-first",
     {"0 chain headers", "1 chain headers", ".", "0 third block", "1 second block",
      "0 x", "1 next block", "."}},
    {"compact",
     {"0 parent tx", "0 next cmpctblock", "1 next cmpctblock", "0 next blocktxn", "."}},
    {"compact-by-two",
     {"0 next cmpctblock", "1 next cmpctblock", "0 -", "1 its-last blocktxn",
      "0 its-last blocktxn", "0 second cmpctblock", "0 second blocktxn"}},
    {"compact-invalid",
     {"0 invalid cmpctblock", "0 invalid blocktxn", "1 next headers", "."}},
    {"reorganisation",
     {"0 fork block", "0 fork2 headers", "1 fork2 block", "0 next block",
      "0 second block", "."}},
    {"invalid",
     {"0 invalid headers", "0 invalid block", "1 invalid block", "1 next block"}},
    {"orphan", {"0 child tx", "1 child tx", ".", "0 parent tx", ".", "0 -", "1 -"}},
    {"refused",
     {"0 greedy tx", "0 greedy inv", "1 greedy inv", ".", "1 child inv", "."}},
    {"requests",
     {"0 parent inv", "1 parent inv", ".", ".", "0 parent notfound", ".", "1 parent tx",
      "."}},
    {"rivals", {"0 rival tx", ".", "1 -", "1 pooled getdata", "0 next block"}},
    {"serving",
     {"0 tip getdata", "0 old getblocktxn", "0 old getheaders", "0 old getblocks",
      "0 all getcfilters", "0 all getcfheaders", "0 all getcfcheckpt", "0 -"}},
    {"bloom",
     {"0 some filterload", "0 output filteradd", "0 tip getdata", "0 empty mempool",
      ".", "0 -", "0 empty filterclear", "0 matches-all filterload", "0 old getdata"}},
    {"addresses",
     {"0 networks addrv2", "1 one addr", "0 empty getaddr", ".", ".", "0 -", "1 -"}},
    {"little-work",
     {"m", "0 long headers", "0 -", "0 long-rest headers", "0 -", "0 long headers",
      "0 long-rest headers", "."}},
    {"little-work-end",
     {"m", "0 long headers", "0 long-end headers", "1 long headers", "."}},
    {"stalling",
     {"0 chain headers", "1 chain headers", ".", ".", ".", ".", ".", ".", "0 -",
      "1 -"}},
};

static void write_session_seeds(const char *dir)
{
    static const uint8_t kinds[][2] = {{INBOUND, OUTBOUND},
                                       {OUTBOUND, INBOUND},
                                       {INBOUND | V2, OUTBOUND | V2},
                                       {CONN_BLOCK_RELAY, CONN_MANUAL}};
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            struct buf b = {0};
            char *name = xasprintf("%s-%zu", scripts[i].name, k);
            for (unsigned at = 0; at < 2; at++)
                put(&b, CONNECT, at, kinds[k][at], HANDSHAKE);
            for (size_t l = 0; l < ARRAY_LEN(scripts[i].lines) && scripts[i].lines[l];
                 l++)
                put_line(&b, scripts[i].lines[l]);
            write_seed(dir, "net_session", name, &b);
            buf_clear(&b);
            free(name);
        }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: net_seeds CORPUS-DIRECTORY\n");
        return 1;
    }
    write_handler_seeds(argv[1]);
    write_session_seeds(argv[1]);
    return 0;
}
