/* -netinfo: the node's connections as a table, with counts by network. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cli.h"

#define MAX_LEVEL 4

static const char *const networks[] = {"ipv4", "ipv6", "onion", "i2p", "cjdns", "npr"};
#define N_NETWORKS ARRAY_LEN(networks)
enum direction { IN, OUT, BLOCK_RELAY, MANUAL, DIRECTIONS };

static const char help[] =
    "-netinfo [level]\n\n"
    "Shows the connections of the node and its own addresses.\n\n"
    "  level  0 counts only (default)\n"
    "         1 and a line per peer\n"
    "         2 and the peers' addresses\n"
    "         3 and the peers' versions\n"
    "         4 both\n\n"
    "Columns: direction, type of connection (manual, full, block, feeler, addr), "
    "network, lowest "
    "and last ping in ms, seconds since the last message sent and received, minutes "
    "since the last "
    "transaction and block, minutes of the connection, peer id.\n";

static const char *text_of(const struct json *obj, const char *key)
{
    const struct json *v = json_get(obj, key);
    return v != NULL && v->str != NULL ? v->str : "";
}

static double number_of(const struct json *obj, const char *key)
{
    double d = 0;
    const struct json *v = json_get(obj, key);
    return v != NULL && json_to_double(v, &d) ? d : 0;
}

static bool flag_of(const struct json *obj, const char *key)
{
    const struct json *v = json_get(obj, key);
    return v != NULL && v->type == JSON_BOOL && v->boolean;
}

static const char *short_type(const struct json *peer)
{
    static const char *const names[][2] = {
        {"outbound-full-relay", "full"},
        {"block-relay-only", "block"},
        {"manual", "manual"},
        {"feeler", "feeler"},
        {"addr-fetch", "addr"},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text_of(peer, "connection_type"), names[i][0]) == 0)
            return names[i][1];
    return "";
}

/* "12", or blanks when it never happened; unit in seconds. */
static const char *since(char out[16], double now, double then, int unit)
{
    if (then <= 0)
        return "";
    snprintf(out, 16, "%lld", (long long)((now - then) / unit));
    return out;
}

static const char *milliseconds(char out[16], double seconds)
{
    if (seconds <= 0)
        return "";
    snprintf(out, 16, "%.0f", seconds * 1000);
    return out;
}

static const char *short_network(const struct json *peer)
{
    const char *name = text_of(peer, "network");
    return strcmp(name, "not_publicly_routable") == 0 ? "npr" : name;
}

static void print_peer(const struct json *p, double now, int level)
{
    char min_ping[16], ping[16], send[16], recv[16], txn[16], blk[16], age[16];
    printf("%3s %6s %5s %7s %6s %4s %4s %4s %4s %4s %4s",
           flag_of(p, "inbound") ? "in" : "out", short_type(p), short_network(p),
           milliseconds(min_ping, number_of(p, "minping")),
           milliseconds(ping, number_of(p, "pingtime")),
           since(send, now, number_of(p, "lastsend"), 1),
           since(recv, now, number_of(p, "lastrecv"), 1),
           since(txn, now, number_of(p, "last_transaction"), 60),
           since(blk, now, number_of(p, "last_block"), 60),
           since(age, now, number_of(p, "conntime"), 60), text_of(p, "id"));
    if (level == 2 || level == 4)
        printf(" %s", text_of(p, "addr"));
    if (level == 3 || level == 4)
        printf(" %s%s", text_of(p, "version"), text_of(p, "subver"));
    putchar('\n');
}

static void count_peer(const struct json *p, unsigned counts[DIRECTIONS][N_NETWORKS])
{
    const char *network = short_network(p);
    for (size_t k = 0; k < N_NETWORKS; k++) {
        if (strcmp(network, networks[k]) != 0)
            continue;
        counts[flag_of(p, "inbound") ? IN : OUT][k]++;
        counts[BLOCK_RELAY][k] += strcmp(short_type(p), "block") == 0;
        counts[MANUAL][k] += strcmp(short_type(p), "manual") == 0;
    }
}

static void print_counts(unsigned counts[DIRECTIONS][N_NETWORKS])
{
    static const char *const rows[] = {"in", "out"};
    unsigned column[N_NETWORKS] = {0}, total[DIRECTIONS] = {0};
    for (int d = 0; d < DIRECTIONS; d++)
        for (size_t k = 0; k < N_NETWORKS; k++) {
            total[d] += counts[d][k];
            column[k] += d <= OUT ? counts[d][k] : 0;
        }
    printf("%8s", "");
    for (size_t k = 0; k < N_NETWORKS; k++)
        printf("%8s", networks[k]);
    printf("   total   block  manual\n");
    for (int d = IN; d <= OUT; d++) {
        printf("%-8s", rows[d]);
        for (size_t k = 0; k < N_NETWORKS; k++)
            printf("%8u", counts[d][k]);
        printf("%8u", total[d]);
        if (d == OUT)
            printf("%8u%8u", total[BLOCK_RELAY], total[MANUAL]);
        putchar('\n');
    }
    printf("%-8s", "total");
    for (size_t k = 0; k < N_NETWORKS; k++)
        printf("%8u", column[k]);
    printf("%8u\n", total[IN] + total[OUT]);
}

static void print_local_addresses(const struct json *network)
{
    const struct json *list = json_get(network, "localaddresses");
    printf("\nLocal addresses");
    if (list == NULL || list->len == 0) {
        printf(": n/a\n");
        return;
    }
    putchar('\n');
    for (size_t i = 0; i < list->len; i++)
        printf("%-40s    port %6s    score %6s\n", text_of(&list->items[i], "address"),
               text_of(&list->items[i], "port"), text_of(&list->items[i], "score"));
}

static bool parse_level(const char *const *words, size_t n, int *level)
{
    *level = 0;
    if (n == 0)
        return true;
    char *end;
    long v = strtol(words[0], &end, 10);
    *level = v > MAX_LEVEL ? MAX_LEVEL : (int)v;
    return n == 1 && *end == '\0' && end != words[0] && v >= 0;
}

int cli_netinfo(struct cli *c, const char *const *words, size_t n)
{
    static const char *const methods[] = {"getpeerinfo", "getnetworkinfo"};
    const struct json *reply[ARRAY_LEN(methods)];
    unsigned counts[DIRECTIONS][N_NETWORKS] = {{0}};
    char *error = NULL;
    int level;
    if (n > 0 && strcmp(words[0], "help") == 0) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (!parse_level(words, n, &level)) {
        fprintf(
            stderr,
            "error: invalid -netinfo level argument: %s\nFor more information, run: "
            "ochre-cli -netinfo help\n",
            words[0]);
        return EXIT_FAILURE;
    }
    if (!cli_batch(c, reply, methods, ARRAY_LEN(methods), &error)) {
        int code = cli_print_error(error);
        free(error);
        return code;
    }
    if (reply[0] == NULL || reply[1] == NULL)
        return cli_print_error(
            "the node did not answer getpeerinfo and getnetworkinfo");
    printf("%s client v%s - server %s%s\n\n", client_name(), client_version(),
           text_of(reply[1], "protocolversion"), text_of(reply[1], "subversion"));
    if (level > 0 && reply[0]->len > 0)
        printf("<-> %6s %5s %7s %6s %4s %4s %4s %4s %4s %4s%s%s\n", "type", "net",
               "mping", "ping", "send", "recv", "txn", "blk", "age", "id",
               level == 2 || level == 4 ? " address" : "",
               level >= 3 ? " version" : "");
    double now = (double)time(NULL);
    for (size_t i = 0; i < reply[0]->len; i++) {
        count_peer(&reply[0]->items[i], counts);
        if (level > 0)
            print_peer(&reply[0]->items[i], now, level);
    }
    if (level > 0 && reply[0]->len > 0)
        putchar('\n');
    print_counts(counts);
    print_local_addresses(reply[1]);
    return EXIT_SUCCESS;
}
