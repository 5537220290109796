/* importdescriptors: each request is read and checked alone, then all are added in one
 * transaction, then the chain is searched once. */
#include <stdlib.h>

#include "rpc/descriptor_args.h"
#include "rpc/wallet_args.h"
#include "rpc/wallet_methods.h"
#include "wallet/crypt.h"
#include "wallet/follow.h"
#include "wallet/rebroadcast.h"
#include "wallet/scan.h"
#include "wallet/txstore.h"
#include "wallet/spkman.h"

#define MINIMUM_TIMESTAMP 1
#define TIMESTAMP_WINDOW  7200 /* seconds by which clocks of miners may differ */

/* One element of the argument. */
struct request {
    const struct json *data;
    int64_t timestamp;
    struct keystore keys;
    struct spkman_import *items; /* in the call's memory; one per path */
    size_t n_items, first;       /* its items in the list of all */
    const char *warnings[4];
    size_t n_warnings;
    struct wallet_error error;
};

struct import {
    struct rpc_call *c;
    struct wallet *w;
    struct request *requests; /* in the call's memory */
    size_t n;
    int64_t now, lowest; /* time stamps */
};

/* Each sentence once, however many paths it is true of. */
static void warn(struct request *r, const char *sentence)
{
    for (size_t i = 0; i < r->n_warnings; i++)
        if (strcmp(r->warnings[i], sentence) == 0)
            return;
    ASSERT(r->n_warnings < ARRAY_LEN(r->warnings));
    r->warnings[r->n_warnings++] = sentence;
}

static bool wrong(struct request *r, enum wallet_code code, const char *sentence)
{
    return wallet_fail(&r->error, code, "%s", sentence);
}

static bool parameter(struct request *r, const char *sentence)
{
    return wrong(r, WALLET_INVALID_PARAMETER, sentence);
}

/* -- Reading a request */

static const struct json *field(const struct request *r, const char *name)
{
    const struct json *v = json_get(r->data, name);
    return v != NULL && v->type != JSON_NULL ? v : NULL;
}

static bool flag(const struct request *r, const char *name)
{
    const struct json *v = field(r, name);
    return v != NULL && v->boolean;
}

/* Errors of time stamps end the whole call, as in bitcoind. */
static bool read_timestamp(struct import *im, struct request *r)
{
    const struct json *v = json_get(r->data, "timestamp");
    if (v == NULL) {
        rpc_error(im->c, RPC_TYPE_ERROR, "Missing required timestamp field for key");
        return false;
    }
    if (v->type == JSON_STRING && strcmp(v->str, "now") == 0)
        r->timestamp = im->now;
    else if (v->type != JSON_NUMBER)
        rpc_error(im->c, RPC_TYPE_ERROR,
                  "Expected number or \"now\" timestamp value for key. got type %s",
                  json_type_name(v->type));
    else if (!rpc_to_i64(im->c, v, &r->timestamp))
        return false;
    if (r->timestamp < MINIMUM_TIMESTAMP)
        r->timestamp = MINIMUM_TIMESTAMP;
    return !im->c->failed;
}

static bool read_range(struct import *im, struct request *r, struct spkman_import *it)
{
    const struct json *v = field(r, "range"), *next = field(r, "next_index");
    struct desc_range range = {0, im->w->opt->keypool - 1};
    enum rpc_code code;
    int64_t index;
    const char *error = v != NULL ? desc_range_read(v, &range, &code) : NULL;
    if (error != NULL)
        return wrong(r, (enum wallet_code)code, error);
    if (v == NULL)
        warn(r, "Range not given, using default keypool range");
    it->range_start = it->next_index = range.begin;
    it->range_end = range.end + 1;
    if (next == NULL)
        return true;
    if (!json_to_i64(next, &index))
        return wrong(r, WALLET_MISC, "JSON integer out of range");
    if (index < it->range_start || index >= it->range_end)
        return parameter(r, "next_index is out of range");
    it->next_index = (uint32_t)index;
    return true;
}

static bool check_kind(struct request *r, const struct descriptor_list *list,
                       bool active, bool internal)
{
    const struct descriptor *d = list->items[0];
    bool label = field(r, "label") != NULL;
    if (active && !descriptor_is_range(d))
        return parameter(r, "Active descriptors must be ranged");
    if (list->n > 1 && label)
        return parameter(r, "Multipath descriptors should not have a label");
    if (field(r, "range") != NULL && label)
        return parameter(r, "Ranged descriptors should not have a label");
    if (internal && label)
        return parameter(r, "Internal addresses should not have a label");
    if (active && !descriptor_is_single_type(d))
        return wrong(r, WALLET_FAILED, "Combo descriptors cannot be set to active");
    return true;
}

static bool check_private(struct import *im, struct request *r)
{
    bool watches = wallet_has_flag(im->w, WALLET_DISABLE_PRIVATE_KEYS);
    if (watches && r->keys.n_keys > 0)
        return wrong(r, WALLET_FAILED,
                     "Cannot import private keys to a wallet with private keys "
                     "disabled");
    return true;
}

/* What the wallet can and cannot do with the descriptor. */
static bool check_keys(struct import *im, struct request *r, const struct descriptor *d)
{
    if (wallet_has_flag(im->w, WALLET_DISABLE_PRIVATE_KEYS))
        return true;
    if (r->keys.n_keys == 0)
        return wrong(r, WALLET_FAILED,
                     "Cannot import descriptor without private keys to a wallet with "
                     "private keys enabled");
    if (descriptor_count_private(d, &r->keys) < descriptor_n_keys(d))
        warn(r, "Not all private keys provided. Some wallet functionality may return "
                "unexpected errors");
    return true;
}

/* One item for each path; of two paths the second is for change. */
static bool make_items(struct import *im, struct request *r,
                       const struct descriptor_list *list,
                       const struct spkman_import *common)
{
    r->items = arena_alloc(im->c->mem, list->n * sizeof(*r->items));
    for (size_t i = 0; i < list->n; i++) {
        struct spkman_import *it = &r->items[i];
        if (!check_keys(im, r, list->items[i]))
            return false;
        *it = *common;
        it->take_desc = list->items[i];
        if (list->n == 2)
            it->internal = i == 1;
        if (it->active && descriptor_output_type(it->take_desc) == OUTPUT_NONE) {
            warn(r, "Unknown output type, cannot set descriptor to active.");
            it->active = false;
        }
    }
    r->n_items = list->n;
    return true;
}

static bool take_items(struct import *im, struct request *r,
                       const struct descriptor_list *list)
{
    const struct json *label = field(r, "label");
    bool is_range = descriptor_is_range(list->items[0]);
    struct spkman_import common = {.keys = &r->keys,
                                   .created = r->timestamp,
                                   .range_end = 1,
                                   .active = flag(r, "active"),
                                   .internal = flag(r, "internal")};
    if (list->n > 1 && field(r, "internal") != NULL)
        return wrong(r, WALLET_INVALID_ADDRESS_OR_KEY,
                     "Cannot have multipath descriptor while also specifying "
                     "'internal'");
    if (!is_range && field(r, "range") != NULL)
        return parameter(r, "Range should not be specified for an un-ranged "
                            "descriptor");
    if (is_range && !read_range(im, r, &common))
        return false;
    common.label = label != NULL ? label->str : common.internal ? NULL : "";
    return check_kind(r, list, common.active, common.internal) &&
           check_private(im, r) && make_items(im, r, list, &common);
}

static bool read_request(struct import *im, struct request *r)
{
    struct descriptor_list list;
    const struct json *desc = field(r, "desc"), *label = field(r, "label");
    char *error = NULL;
    if (desc == NULL)
        return parameter(r, "Descriptor not found.");
    if (label != NULL && strcmp(label->str, "*") == 0)
        return wrong(r, WALLET_INVALID_LABEL, "Invalid label name");
    if (!descriptor_parse(&list, im->c->node->params, &r->keys, desc->str, true,
                          &error)) {
        wrong(r, WALLET_INVALID_ADDRESS_OR_KEY, error);
        free(error);
        return false;
    }
    bool ok = take_items(im, r, &list);
    if (ok)
        free(list.items); /* what is in it was taken */
    else
        descriptor_list_clear(&list);
    return ok;
}

/* -- Adding */

static void add_all(struct import *im)
{
    size_t n = 0;
    for (size_t i = 0; i < im->n; i++)
        n += im->requests[i].n_items;
    struct spkman_import *all = xcalloc(n + 1, sizeof(*all));
    struct wallet_error *results = xcalloc(n + 1, sizeof(*results));
    n = 0;
    for (size_t i = 0; i < im->n; i++) {
        struct request *r = &im->requests[i];
        r->first = n;
        if (r->n_items > 0)
            memcpy(&all[n], r->items, r->n_items * sizeof(*all));
        n += r->n_items;
    }
    (void)spkman_import(im->w->spkman, all, n, results);
    for (size_t i = 0; i < im->n; i++) {
        struct request *r = &im->requests[i];
        for (size_t j = 0; j < r->n_items; j++) {
            struct wallet_error *e = &results[r->first + j];
            if (e->text != NULL)
                wallet_fail(&r->error, e->code, "%s", e->text);
            wallet_error_clear(e);
        }
    }
    free(all);
    free(results);
}

static bool any_added(const struct import *im)
{
    for (size_t i = 0; i < im->n; i++)
        if (im->requests[i].error.text == NULL)
            return true;
    return false;
}

/* With the wallet's lock: reads, checks, adds. */
static bool add_requests(struct import *im)
{
    struct rpc_call *c = im->c;
    struct wallet_error e = {0};
    if (!rpc_need_unlocked(c, im->w))
        return false;
    im->now = follow_best_mtp(im->w);
    im->lowest = follow_best_time(im->w);
    for (size_t i = 0; i < im->n; i++)
        if (!read_timestamp(im, &im->requests[i]))
            return false;
    for (size_t i = 0; i < im->n; i++) {
        struct request *r = &im->requests[i];
        if (r->timestamp < im->lowest)
            im->lowest = r->timestamp;
        if (!read_request(im, r))
            r->n_items = 0;
    }
    add_all(im);
    if (!wallet_wrote(im->w, wallet_born_before(im->w, im->lowest), &e))
        rpc_wallet_error(c, &e);
    return !c->failed;
}

/* -- Searching the chain */

static const char *likely_cause(const struct wallet *w)
{
    const struct chain_source *chain = w->opt->chain;
    return chain->snapshot_height(chain->ctx) > 0
               ? "This error is likely caused by an in-progress assumeutxo background "
                 "sync. Check logs or getchainstates RPC for assumeutxo background "
                 "sync "
                 "progress and try again later."
               : "This error could be caused by pruning or data corruption (see the "
                 "log "
                 "for details) and could be dealt with by downloading and rescanning "
                 "the relevant blocks (see -reindex option and rescanblockchain RPC).";
}

static void scan_fell_short(struct import *im, int64_t scanned)
{
    for (size_t i = 0; i < im->n; i++) {
        struct request *r = &im->requests[i];
        if (scanned <= r->timestamp || r->error.text != NULL)
            continue;
        wallet_fail(&r->error, WALLET_MISC,
                    "Rescan failed for descriptor with timestamp %lld. There was an "
                    "error reading a block from time %lld, which is after or within "
                    "%d seconds of key creation, and could contain transactions "
                    "pertaining to the desc. As a result, transactions and coins using "
                    "this desc may not appear in the wallet. %s",
                    (long long)r->timestamp,
                    (long long)(scanned - TIMESTAMP_WINDOW - 1), TIMESTAMP_WINDOW,
                    likely_cause(im->w));
    }
}

static void search(struct import *im)
{
    int64_t scanned = wallet_scan_since(im->w, im->lowest, true);
    wallet_resubmit(im->w, false, true);
    if (scan_aborting(im->w))
        rpc_error(im->c, RPC_MISC_ERROR, "Rescan aborted by user.");
    else if (scanned > im->lowest)
        scan_fell_short(im, scanned);
}

/* -- The reply */

static void put_result(struct rpc_call *c, const struct request *r)
{
    json_begin_object(c->w);
    json_kv_bool(c->w, "success", r->error.text == NULL);
    if (r->error.text != NULL) {
        json_key(c->w, "error");
        json_begin_object(c->w);
        json_kv_int(c->w, "code", r->error.code);
        json_kv_str(c->w, "message", r->error.text);
        json_end_object(c->w);
    }
    if (r->n_warnings > 0) {
        json_key(c->w, "warnings");
        json_begin_array(c->w);
        for (size_t i = 0; i < r->n_warnings; i++)
            json_str(c->w, r->warnings[i]);
        json_end_array(c->w);
    }
    json_end_object(c->w);
}

static void put_results(const struct import *im)
{
    json_begin_array(im->c->w);
    for (size_t i = 0; i < im->n; i++)
        put_result(im->c, &im->requests[i]);
    json_end_array(im->c->w);
}

static void import_and_search(struct import *im)
{
    if (!scan_begin(im->w, true)) {
        rpc_error(im->c, RPC_WALLET_ERROR,
                  "Wallet is currently rescanning. Abort existing rescan or wait.");
        return;
    }
    wallet_lock(im->w);
    bool ok = add_requests(im);
    txstore_scripts_added(im->w);
    wallet_unlock(im->w);
    if (ok && any_added(im))
        search(im);
    if (!im->c->failed)
        put_results(im);
    scan_end(im->w);
}

static const struct rpc_field fields[] = {
    {"desc", JSON_STRING, .optional = true}, /* its absence is the request's error */
    {"active", JSON_BOOL, .optional = true},
    {"range", JSON_NULL, .any = true, .optional = true},
    {"next_index", JSON_NUMBER, .optional = true},
    {"timestamp", JSON_NULL, .any = true, .optional = true},
    {"internal", JSON_BOOL, .optional = true},
    {"label", JSON_STRING, .optional = true},
    {NULL},
};

static bool take_requests(struct import *im)
{
    const struct json *list = rpc_arg(im->c, 0);
    im->n = list->len;
    im->requests = arena_alloc(im->c->mem, (im->n + 1) * sizeof(*im->requests));
    memset(im->requests, 0, im->n * sizeof(*im->requests));
    for (size_t i = 0; i < im->n; i++) {
        im->requests[i].data = &list->items[i];
        keystore_init(&im->requests[i].keys);
    }
    for (size_t i = 0; i < im->n; i++)
        if (!rpc_want(im->c, &list->items[i], JSON_OBJECT) ||
            !rpc_check_fields(im->c, &list->items[i], fields, false))
            return false;
    return true;
}

void rpc_importdescriptors(struct rpc_call *c)
{
    struct import im = {.c = c, .w = rpc_synced_wallet(c)};
    if (im.w == NULL)
        return;
    if (take_requests(&im))
        import_and_search(&im);
    for (size_t i = 0; i < im.n; i++) {
        keystore_clear(&im.requests[i].keys);
        wallet_error_clear(&im.requests[i].error);
    }
    wallet_unref(im.w);
}
