/* ochre-tx verifyproof: what a state proof shows, without a node. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/state/state.h"
#include "cli/tool.h"
#include "cli/txtool.h"
#include "tickets/light.h"
#include "util/hex.h"

static bool read_hex(struct buf *out, const char *text, const char *what)
{
    if (hex_decode(out, text, strlen(text)))
        return true;
    fprintf(stderr, "error: %s is not hex\n", what);
    return false;
}

static void print_value(bool present, struct bytes value)
{
    struct buf hex = {0};
    if (present)
        hex_append(&hex, value.data, value.len);
    else
        buf_append_str(&hex, "absent");
    puts(buf_cstr(&hex));
    buf_clear(&hex);
}

static bool show(const struct hash256 *root, struct bytes key, struct bytes proof)
{
    struct bytes value;
    bool present;
    if (!state_proof_verify(root, key, proof, &present, &value)) {
        fprintf(stderr,
                "error: the proof shows nothing about this key under this root\n");
        return false;
    }
    print_value(present, value);
    return true;
}

/* --- under a root --- */

static bool verify_under_root(const char *const *words)
{
    struct hash256 root;
    struct buf key = {0}, proof = {0};
    bool ok = false;
    if (!hex_decode_fixed(root.b, 32, words[0], strlen(words[0])))
        fprintf(stderr, "error: the root must be 64 hexadecimal digits\n");
    else if (read_hex(&key, words[1], "the key") &&
             read_hex(&proof, words[2], "the proof"))
        ok = show(&root, buf_view(&key), buf_view(&proof));
    buf_clear(&key);
    buf_clear(&proof);
    return ok;
}

/* --- under a header --- */

struct reply {
    struct arena mem;
    struct json *obj;
    struct buf header, coinbase, key, proof, text;
    struct hash256 branch[LIGHT_BRANCH_MAX];
    size_t n_branch;
};

static bool member_hex(struct buf *out, const struct json *obj, const char *name)
{
    const struct json *v = json_get(obj, name);
    if (v != NULL && v->type == JSON_STRING && hex_decode(out, v->str, v->str_len))
        return true;
    fprintf(stderr, "error: the reply of getstateproof lacks %s\n", name);
    return false;
}

static bool read_branch(struct reply *r, const struct json *v)
{
    bool ok = v != NULL && v->type == JSON_ARRAY && v->len <= LIGHT_BRANCH_MAX;
    for (size_t i = 0; ok && i < v->len; i++) {
        const struct json *h = json_at(v, i);
        ok = h->type == JSON_STRING &&
             hex_decode_fixed(r->branch[i].b, 32, h->str, h->str_len);
    }
    if (ok)
        r->n_branch = v->len;
    else
        fprintf(stderr, "error: branch must be at most %d hashes\n", LIGHT_BRANCH_MAX);
    return ok;
}

static bool read_reply(struct reply *r, const char *word)
{
    const char *error;
    if (strcmp(word, "-") == 0)
        txtool_read_stdin(&r->text);
    else
        buf_append_str(&r->text, word);
    if (!json_parse(&r->obj, &r->mem, (const char *)r->text.data, r->text.len,
                    &error)) {
        fprintf(stderr, "error: the reply of getstateproof is no JSON: %s\n", error);
        return false;
    }
    const struct json *commitment = json_get(r->obj, "commitment");
    return member_hex(&r->key, r->obj, "key") &&
           member_hex(&r->proof, r->obj, "proof") &&
           member_hex(&r->coinbase, commitment, "coinbase") &&
           read_branch(r, json_get(commitment, "branch"));
}

static bool verify_reply(struct reply *r)
{
    struct light_proof p = {.header = buf_view(&r->header),
                            .coinbase = buf_view(&r->coinbase),
                            .branch = r->branch,
                            .n_branch = r->n_branch,
                            .key = buf_view(&r->key),
                            .proof = buf_view(&r->proof)};
    struct hash256 root;
    struct bytes value;
    bool present;
    const char *why = light_proof_verify(&p, &root, &present, &value);
    if (why != NULL)
        fprintf(stderr, "error: %s\n", why);
    else
        print_value(present, value);
    return why == NULL;
}

static bool verify_under_header(const char *const *words)
{
    struct reply r = {.n_branch = 0};
    arena_init(&r.mem, 4096);
    bool ok = read_hex(&r.header, words[0], "the header") && read_reply(&r, words[1]) &&
              verify_reply(&r);
    buf_clear(&r.header);
    buf_clear(&r.coinbase);
    buf_clear(&r.key);
    buf_clear(&r.proof);
    buf_clear(&r.text);
    arena_clear(&r.mem);
    return ok;
}

int tx_verify_proof(const char *const *words, size_t n)
{
    bool ok = n == 3   ? verify_under_root(words)
              : n == 2 ? verify_under_header(words)
                       : false;
    if (n != 2 && n != 3)
        fprintf(stderr, "error: verifyproof needs a header and a reply of "
                        "getstateproof, or a root, a key and a proof in hex\n");
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
