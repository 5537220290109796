#include "rpc/wallet_args.h"

#include <stdlib.h>

#include "chain/script/address.h"
#include "util/hex.h"
#include "wallet/crypt.h"
#include "wallet/follow.h"

#define ENDPOINT "/wallet/"

/* -- Finding the wallet */

/* Percent-decoding; a "%" that is none stays. */
static char *decode_name(struct rpc_call *c, const char *p)
{
    char *out = arena_alloc(c->mem, strlen(p) + 1), *to = out;
    for (; *p != '\0' && *p != '?'; p++, to++) {
        *to = *p;
        if (*p == '%' && strlen(p) > 2 && hex_decode_fixed(to, 1, p + 1, 2))
            p += 2;
    }
    *to = '\0';
    return out;
}

bool rpc_wallet_name(struct rpc_call *c, const char **out)
{
    if (strncmp(c->path, ENDPOINT, strlen(ENDPOINT)) != 0)
        return false;
    *out = decode_name(c, c->path + strlen(ENDPOINT));
    return true;
}

/* The only loaded wallet. */
static struct wallet *only_wallet(struct rpc_call *c)
{
    size_t n;
    struct wallet **all = wallet_manager_all(c->node->wallets, &n);
    struct wallet *w = n == 1 ? wallet_ref(all[0]) : NULL;
    for (size_t i = 0; i < n; i++)
        wallet_unref(all[i]);
    free(all);
    if (n == 0)
        rpc_error(c, RPC_WALLET_NOT_FOUND,
                  "No wallet is loaded. Load a wallet using loadwallet or create a new "
                  "one with createwallet. (Note: A default wallet is no longer "
                  "automatically created)");
    else if (n > 1)
        rpc_error(c, RPC_WALLET_NOT_SPECIFIED,
                  "Wallet file not specified (must request wallet RPC through "
                  "/wallet/<filename> uri-path).");
    return w;
}

struct wallet *rpc_wallet(struct rpc_call *c)
{
    const char *name;
    if (!rpc_wallet_name(c, &name))
        return only_wallet(c);
    struct wallet *w = wallet_manager_find(c->node->wallets, name);
    if (w == NULL)
        rpc_error(c, RPC_WALLET_NOT_FOUND,
                  "Requested wallet does not exist or is not loaded");
    return w;
}

struct wallet *rpc_synced_wallet(struct rpc_call *c)
{
    struct wallet *w = rpc_wallet(c);
    if (w != NULL)
        wallet_sync(w);
    return w;
}

/* -- States and errors */

bool rpc_need_unlocked(struct rpc_call *c, const struct wallet *w)
{
    if (!crypt_locked(w->crypt))
        return true;
    rpc_error(c, RPC_WALLET_UNLOCK_NEEDED,
              "Error: Please enter the wallet passphrase with walletpassphrase first.");
    return false;
}

bool rpc_need_private_keys(struct rpc_call *c, const struct wallet *w)
{
    if (!wallet_has_flag(w, WALLET_DISABLE_PRIVATE_KEYS))
        return true;
    rpc_error(c, RPC_WALLET_ERROR, "Error: Private keys are disabled for this wallet");
    return false;
}

void rpc_wallet_error(struct rpc_call *c, struct wallet_error *take_e)
{
    rpc_error(c, (enum rpc_code)take_e->code, "%s", take_e->text);
    wallet_error_clear(take_e);
}

/* -- Arguments */

const char *rpc_arg_label(struct rpc_call *c, size_t i, const char *def)
{
    const char *label = rpc_arg_str(c, i, def);
    if (label == NULL || strcmp(label, "*") != 0)
        return label;
    rpc_error(c, RPC_WALLET_INVALID_LABEL_NAME, "Invalid label name");
    return NULL;
}

struct bytes rpc_arg_passphrase(const struct rpc_call *c, size_t i)
{
    const struct json *v = rpc_arg(c, i);
    return v != NULL ? bytes_of(v->str, v->str_len) : bytes_of(NULL, 0);
}

bool rpc_arg_address(struct rpc_call *c, size_t i, struct destination *out)
{
    struct address_error e;
    if (address_decode(out, c->node->params, rpc_arg_str(c, i, ""), &e))
        return true;
    rpc_error(c, RPC_INVALID_ADDRESS_OR_KEY, "Invalid Bitcoin address: %s",
              rpc_arg_str(c, i, ""));
    return false;
}

enum load_on_start rpc_arg_load_on_start(const struct rpc_call *c, size_t i)
{
    if (rpc_arg(c, i) == NULL)
        return LOAD_UNCHANGED;
    return rpc_arg_bool(c, i, false) ? LOAD_ON_START : LOAD_NOT_ON_START;
}

void rpc_put_last_processed(struct rpc_call *c, const struct wallet *w)
{
    struct chain_point best = follow_best(w);
    json_key(c->w, "lastprocessedblock");
    json_begin_object(c->w);
    json_kv_hash(c->w, "hash", &best.hash);
    json_kv_int(c->w, "height", best.height);
    json_end_object(c->w);
}

void rpc_put_wallet_warnings(struct rpc_call *c, struct buf *take_warnings)
{
    char *save, *text = (char *)buf_take(take_warnings, NULL);
    char *line = text != NULL ? strtok_r(text, "\n", &save) : NULL;
    if (line != NULL) {
        json_key(c->w, "warnings");
        json_begin_array(c->w);
        for (; line != NULL; line = strtok_r(NULL, "\n", &save))
            json_str(c->w, line);
        json_end_array(c->w);
    }
    free(text);
}
