/* The client's own commands that put several calls together: -getinfo, -generate,
 * -addrinfo. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

#define BAR_CELLS 21

struct colours {
    const char *green, *amber, *blue, *magenta, *cyan, *reset;
};

static bool pick_colours(const struct cli *c, struct colours *out)
{
    static const struct colours on = {"\x1b[32m", "\x1b[33m", "\x1b[34m",
                                      "\x1b[35m", "\x1b[36m", "\x1b[0m"};
    static const struct colours off = {"", "", "", "", "", ""};
    const char *when = args_str(c->args, "color", "auto");
    bool always = strcmp(when, "always") == 0, automatic = strcmp(when, "auto") == 0;
    if (!always && !automatic && strcmp(when, "never") != 0)
        return false;
    *out = always || (automatic && isatty(STDOUT_FILENO)) ? on : off;
    return true;
}

/* Text of a member, "" when it is not there; numbers as they stood. */
static const char *text_of(const struct json *obj, const char *key)
{
    const struct json *v = obj ? json_get(obj, key) : NULL;
    if (v == NULL)
        return "";
    return v->type == JSON_BOOL ? (v->boolean ? "true" : "false")
           : v->str             ? v->str
                                : "";
}

static void print_progress(const struct json *chain)
{
    double progress = 0;
    const struct json *v = json_get(chain, "verificationprogress");
    if (v != NULL && !json_to_double(v, &progress))
        progress = 0;
    printf("Verification progress: ");
    if (progress < 0.99) {
        int full = (int)(progress * BAR_CELLS);
        for (int i = 0; i < BAR_CELLS; i++)
            fputs(i < full ? "\u2592" : "\u2591", stdout);
        putchar(' ');
    }
    printf("%.4f%%\n", progress * 100);
}

static const char *proxies(struct cli *c, const struct json *network)
{
    const struct json *list = json_get(network, "networks");
    const char *out = NULL;
    for (size_t i = 0; list != NULL && i < list->len; i++) {
        const char *proxy = text_of(&list->items[i], "proxy");
        const char *name = text_of(&list->items[i], "name");
        if (proxy[0] != '\0')
            out = out ? arena_printf(&c->mem, "%s, %s (%s)", out, proxy, name)
                      : arena_printf(&c->mem, "%s (%s)", proxy, name);
    }
    return out ? out : "n/a";
}

static void print_node(struct cli *c, const struct colours *k,
                       const struct json *network, const struct json *chain)
{
    printf("%sChain: %s%s\n", k->blue, text_of(chain, "chain"), k->reset);
    printf("Blocks: %s\nHeaders: %s\n", text_of(chain, "blocks"),
           text_of(chain, "headers"));
    print_progress(chain);
    printf("Difficulty: %s\n\n", text_of(chain, "difficulty"));
    printf("%sNetwork: in %s, out %s, total %s%s\n", k->green,
           text_of(network, "connections_in"), text_of(network, "connections_out"),
           text_of(network, "connections"), k->reset);
    printf("Version: %s\nTime offset (s): %s\nProxies: %s\n",
           text_of(network, "version"), text_of(network, "timeoffset"),
           proxies(c, network));
    printf("Min tx relay fee rate (%s/kvB): %s\n\n", c->setup.params.unit,
           text_of(network, "relayfee"));
}

static const char *wallet_name(const char *name)
{
    return name[0] ? name : "\"\"";
}

static void print_wallet(const struct cli *c, const struct colours *k,
                         const struct json *wallet, const struct json *balances)
{
    const struct json *mine = balances ? json_get(balances, "mine") : NULL;
    printf("%sWallet: %s%s\n", k->magenta, wallet_name(text_of(wallet, "walletname")),
           k->reset);
    printf("Keypool size: %s\n", text_of(wallet, "keypoolsize"));
    if (json_get(wallet, "unlocked_until") != NULL)
        printf("Unlocked until: %s\n", text_of(wallet, "unlocked_until"));
    printf("Transaction fee rate (-paytxfee) (%s/kvB): %s\n\n", c->setup.params.unit,
           text_of(wallet, "paytxfee"));
    if (mine != NULL)
        printf("%sBalance:%s %s\n\n", k->cyan, k->reset, text_of(mine, "trusted"));
}

static void print_warnings(const struct colours *k, const struct json *network)
{
    const struct json *w = json_get(network, "warnings");
    bool none = true;
    printf("%sWarnings:%s", k->amber, k->reset);
    for (size_t i = 0; w != NULL && w->type == JSON_ARRAY && i < w->len; i++) {
        printf(" %s", w->items[i].str);
        none = false;
    }
    if (w != NULL && w->type == JSON_STRING && w->str[0] != '\0') {
        printf(" %s", w->str);
        none = false;
    }
    printf("%s\n", none ? " (none)" : "");
}

/* One call without arguments; NULL when it fails. */
static const struct json *ask(struct cli *c, const char *wallet, const char *method)
{
    struct buf body = {0};
    struct json_writer w;
    struct json *reply = NULL;
    char *error = NULL;
    json_writer_init(&w, &body, 0);
    bool ok = cli_write_call(&w, method, NULL, 0, false, 1, &c->mem, &error) &&
              cli_send_waiting(c, &reply, wallet, buf_view(&body), &error);
    buf_clear(&body);
    free(error);
    return ok ? json_get(reply, "result") : NULL;
}

/* What each of several wallets has. */
static void print_balances(struct cli *c, const struct colours *k)
{
    const struct json *names = ask(c, NULL, "listwallets");
    if (names == NULL || names->type != JSON_ARRAY || names->len < 2)
        return;
    printf("%sBalances%s\n", k->cyan, k->reset);
    for (size_t i = 0; i < names->len; i++) {
        const struct json *all = ask(c, names->items[i].str, "getbalances");
        const struct json *mine = all ? json_get(all, "mine") : NULL;
        printf("%10s %s\n", text_of(mine, "trusted"), wallet_name(names->items[i].str));
    }
    putchar('\n');
}

int cli_getinfo(struct cli *c)
{
    static const char *const methods[] = {"getnetworkinfo", "getblockchaininfo",
                                          "getwalletinfo", "getbalances"};
    enum { NETWORK, CHAIN, WALLET, BALANCES };
    const struct json *reply[ARRAY_LEN(methods)];
    struct colours k;
    char *error = NULL;
    if (!pick_colours(c, &k)) {
        fprintf(stderr,
                "error: Invalid value for -color option. Valid values: always, auto, "
                "never.\n");
        return EXIT_FAILURE;
    }
    if (!cli_batch(c, reply, methods, ARRAY_LEN(methods), &error)) {
        int code = cli_print_error(error);
        free(error);
        return code;
    }
    if (reply[NETWORK] == NULL || reply[CHAIN] == NULL)
        return cli_print_error(
            "the node did not answer getnetworkinfo and getblockchaininfo; "
            "is it still starting? (-rpcwait waits)");
    print_node(c, &k, reply[NETWORK], reply[CHAIN]);
    if (reply[WALLET] != NULL)
        print_wallet(c, &k, reply[WALLET], reply[BALANCES]);
    if (cli_wallet(c) == NULL)
        print_balances(c, &k);
    print_warnings(&k, reply[NETWORK]);
    return EXIT_SUCCESS;
}

/* One call; on an RPC error prints it and sets *code. NULL then. */
static const struct json *call(struct cli *c, const char *method,
                               const char *const *words, size_t n, int *code)
{
    struct buf body = {0};
    struct json_writer w;
    struct json *reply = NULL;
    char *error = NULL;
    json_writer_init(&w, &body, 0);
    bool ok = cli_write_call(&w, method, words, n, false, 1, &c->mem, &error) &&
              cli_send_waiting(c, &reply, cli_wallet(c), buf_view(&body), &error);
    buf_clear(&body);
    *code = EXIT_SUCCESS;
    const struct json *failure = ok ? json_get(reply, "error") : NULL;
    if (!ok)
        *code = cli_print_error(error);
    else if (failure != NULL && failure->type != JSON_NULL)
        *code = cli_print_reply(reply);
    free(error);
    return *code == EXIT_SUCCESS ? json_get(reply, "result") : NULL;
}

int cli_generate(struct cli *c, const char *const *words, size_t n)
{
    int code;
    if (n > 2)
        return cli_print_error(
            "too many arguments (maximum 2 for nblocks and maxtries)");
    const struct json *address = call(c, "getnewaddress", NULL, 0, &code);
    if (address == NULL)
        return code;
    const char *args[] = {n > 0 ? words[0] : "1", address->str,
                          n > 1 ? words[1] : "1000000"};
    if (strcmp(args[0], "0") == 0)
        return cli_print_error(
            "the first argument (number of blocks to generate, default: 1) "
            "must be an integer value greater than zero");
    const struct json *blocks = call(c, "generatetoaddress", args, 3, &code);
    if (blocks == NULL)
        return code;
    struct buf out = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 2);
    json_begin_object(&w);
    json_kv_str(&w, "address", address->str);
    json_key(&w, "blocks");
    json_value(&w, blocks);
    json_end_object(&w);
    printf("%s\n", buf_cstr(&out));
    buf_clear(&out);
    return EXIT_SUCCESS;
}

int cli_addrinfo(struct cli *c)
{
    static const char *const networks[] = {"ipv4", "ipv6", "onion", "i2p", "cjdns"};
    static const char *const all[] = {"0"};
    int64_t count[ARRAY_LEN(networks)] = {0}, total = 0;
    int code;
    const struct json *list = call(c, "getnodeaddresses", all, 1, &code);
    if (list == NULL)
        return code;
    for (size_t i = 0; i < list->len; i++)
        for (size_t k = 0; k < ARRAY_LEN(networks); k++)
            if (strcmp(text_of(&list->items[i], "network"), networks[k]) == 0) {
                count[k]++;
                total++;
            }
    printf("{\n  \"addresses_known\": {\n");
    for (size_t k = 0; k < ARRAY_LEN(networks); k++)
        printf("    \"%s\": %lld,\n", networks[k], (long long)count[k]);
    printf("    \"total\": %lld\n  }\n}\n", (long long)total);
    return EXIT_SUCCESS;
}
