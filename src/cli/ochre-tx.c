/* Makes, changes, signs and shows transactions without a node. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/script/tx_decode.h"
#include "cli/tool.h"
#include "cli/txtool.h"
#include "crypto/secp.h"
#include "rpc/json_tx.h"

static void print_help(const struct args *a)
{
    struct buf text = {0};
    buf_printf(
        &text,
        "Usage:  ochre-tx [options] <hex-tx> [commands]  change a transaction\n"
        "or:     ochre-tx [options] -create [commands]   make one\n"
        "or:     ochre-tx verifyproof <header> <reply of getstateproof>\n"
        "or:     ochre-tx verifyproof <root> <key> <proof>\n"
        "        show what a state proof proves: the value of a key, or absent. The\n"
        "        header, in hex, is one that you know to be of the chain\n\n"
        "A <hex-tx> or <reply> of - is read from standard input.\n\n");
    args_help(a, &text, false);
    txtool_help(&text);
    fputs(buf_cstr(&text), stdout);
    buf_clear(&text);
}

void txtool_read_stdin(struct buf *out)
{
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
        buf_append(out, chunk, n);
    while (out->len > 0 && strchr(" \t\r\n\f\v", out->data[out->len - 1]) != NULL)
        out->len--;
}

static bool read_tx(struct txtool *t, const char *word)
{
    struct buf text = {0};
    if (strcmp(word, "-") == 0)
        txtool_read_stdin(&text);
    else
        buf_append_str(&text, word);
    const char *hex = buf_cstr(&text);
    size_t skip = strspn(hex, " \t\r\n\f\v");
    struct tx *tx = tx_decode_hex(hex + skip, text.len - skip, true, true);
    buf_clear(&text);
    if (tx == NULL)
        return txtool_fail(t, "invalid transaction encoding");
    mtx_from_tx(&t->tx, tx);
    tx_unref(tx);
    return true;
}

static void print_json(const struct txtool *t, const struct tx *tx)
{
    struct buf out = {0};
    struct json_writer w;
    struct json_tx_options opt = {.params = &t->params, .hex = true};
    json_writer_init(&w, &out, 4);
    json_tx(&w, tx, &opt);
    puts(buf_cstr(&out));
    buf_clear(&out);
}

static void print_tx(const struct args *a, const struct txtool *t)
{
    char id[65];
    struct buf hex = {0};
    struct tx *tx = mtx_to_tx(&t->tx);
    if (args_bool(a, "json", false)) {
        print_json(t, tx);
    } else if (args_bool(a, "txid", false)) {
        puts(hash256_to_hex(id, &tx->txid));
    } else {
        tool_hex(&hex, tx->raw);
        puts(buf_cstr(&hex));
    }
    buf_clear(&hex);
    tx_unref(tx);
}

static bool run_words(const struct args *a, struct txtool *t)
{
    size_t n, first = 0;
    const char *const *words = args_positional(a, &n);
    if (!args_bool(a, "create", false)) {
        if (n == 0)
            return txtool_fail(t, "too few parameters");
        if (!read_tx(t, words[first++]))
            return false;
    }
    for (size_t i = first; i < n; i++) {
        if (!txtool_run(t, words[i]))
            return false;
    }
    return true;
}

static int run(struct args *a)
{
    struct txtool t = {.error = NULL};
    size_t n;
    const char *const *words = args_positional(a, &n);
    if (n > 0 && strcmp(words[0], "verifyproof") == 0)
        return tx_verify_proof(words + 1, n - 1);
    if (!tool_select_chain(a, &t.params))
        return EXIT_FAILURE;
    mtx_init(&t.tx);
    arena_init(&t.mem, 4096);
    bool ok = run_words(a, &t);
    if (ok)
        print_tx(a, &t);
    else
        fprintf(stderr, "error: %s\n", t.error);
    for (size_t i = 0; i < t.n_registers; i++)
        free(t.registers[i].name);
    free(t.registers);
    free(t.error);
    mtx_clear(&t.tx);
    arena_clear(&t.mem);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    secp_init();
    return tool_main(argc, argv, tx_options, "ochre-tx utility", print_help, run);
}
