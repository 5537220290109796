/* RPC: handing transactions to the mempool, for a trial or in packages. */
#include <stdlib.h>

#include "chain/mempool/package.h"
#include "chain/rules/policy.h"
#include "chain/script/tx_decode.h"
#include "rpc/raw.h"

/* ---- transactions as arguments ---- */

struct tx_list {
    const struct tx **txs; /* references of ours, array in the call's arena */
    size_t n;
};

static void tx_list_clear(struct tx_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        tx_unref((struct tx *)l->txs[i]);
}

/* False: the call has failed. The caller clears *l either way. */
static bool read_transactions(struct rpc_call *c, const struct json *list, size_t least,
                              struct tx_list *l)
{
    if (list->len < least || list->len > MAX_PACKAGE_COUNT) {
        rpc_error(c, RPC_INVALID_PARAMETER,
                  "Array must contain between %zu and %d transactions.", least,
                  MAX_PACKAGE_COUNT);
        return false;
    }
    l->txs = arena_alloc(c->mem, list->len * sizeof(struct tx *));
    for (size_t i = 0; i < list->len; i++) {
        const struct json *v = json_at(list, i);
        if (!rpc_want(c, v, JSON_STRING))
            return false;
        l->txs[i] = tx_decode_hex(v->str, v->str_len, false, true);
        if (!l->txs[i]) {
            rpc_error(c, RPC_DESERIALIZATION_ERROR,
                      "TX decode failed: %s Make sure the tx has at least one input.",
                      v->str);
            return false;
        }
        l->n++;
    }
    return true;
}

/* ---- testmempoolaccept ---- */

struct test_job {
    struct mempool *mp;
    struct tx_list l;
    struct accept_result results[MAX_PACKAGE_COUNT];
    struct reject package;
};

static void test_job(void *arg)
{
    struct test_job *j = arg;
    if (j->l.n == 1)
        mempool_accept(j->mp, j->l.txs[0], true, false, 0, &j->results[0]);
    else
        mempool_test_package(j->mp, j->l.txs, j->l.n, j->results, &j->package);
}

static void write_allowed(struct rpc_call *c, const struct tx *tx,
                          const struct accept_result *r)
{
    struct json_writer *w = c->w;
    json_kv_bool(w, "allowed", true);
    json_kv_int(w, "vsize", r->vsize);
    json_key(w, "fees");
    json_begin_object(w);
    rpc_write_amount(c, "base", r->fee);
    rpc_write_amount(c, "effective-feerate",
                     amount_of(feerate_of(r->modified_fee.v, r->vsize)));
    json_key(w, "effective-includes");
    json_begin_array(w);
    json_hash(w, &tx->wtxid);
    json_end_array(w);
    json_end_object(w);
}

static void write_refused(struct json_writer *w, const char *reason)
{
    json_kv_bool(w, "allowed", false);
    json_kv_str(w, "reject-reason", reason);
}

/* One transaction's verdict. False: what follows it stays without one. */
static bool write_result(struct rpc_call *c, const struct test_job *j, size_t i,
                         int64_t max_feerate)
{
    const struct accept_result *r = &j->results[i];
    char reason[192];

    if (r->accepted) {
        int64_t max = feerate_fee(max_feerate, r->vsize);
        if (!max || r->fee.v <= max) {
            write_allowed(c, j->l.txs[i], r);
            return true;
        }
        write_refused(c->w, "max-fee-exceeded");
        return false;
    }
    if (r->rej.code == REJECT_NONE)
        return true;
    write_refused(c->w, r->rej.class == TX_MISSING_INPUTS
                            ? "missing-inputs"
                            : reject_reason(&r->rej, reason));
    return true;
}

static void write_results(struct rpc_call *c, const struct test_job *j,
                          int64_t max_feerate)
{
    struct json_writer *w = c->w;
    char text[512];
    bool go_on = true;

    json_begin_array(w);
    for (size_t i = 0; i < j->l.n; i++) {
        json_begin_object(w);
        json_kv_hash(w, "txid", &j->l.txs[i]->txid);
        json_kv_hash(w, "wtxid", &j->l.txs[i]->wtxid);
        if (j->package.class == PKG_POLICY)
            json_kv_str(w, "package-error", reject_text(&j->package, text));
        if (go_on)
            go_on = write_result(c, j, i, max_feerate);
        json_end_object(w);
    }
    json_end_array(w);
}

static void testmempoolaccept(struct rpc_call *c)
{
    struct test_job *j = arena_alloc(c->mem, sizeof(*j));
    int64_t max_feerate;

    *j = (struct test_job){.mp = c->node->mempool};
    if (read_transactions(c, rpc_arg(c, 0), 1, &j->l) &&
        raw_feerate_arg(c, 1, &max_feerate) && rpc_on_chain(c, test_job, j))
        write_results(c, j, max_feerate);
    for (size_t i = 0; i < j->l.n; i++)
        accept_result_clear(&j->results[i]);
    tx_list_clear(&j->l);
}

/* ---- submitpackage ---- */

struct package_job {
    struct mempool *mp;
    struct tx_list l;
    int64_t max_feerate;
    struct package_tx out[MAX_PACKAGE_COUNT];
    struct reject package;
};

static void package_job(void *arg)
{
    struct package_job *j = arg;
    mempool_submit_package(j->mp, j->l.txs, j->l.n, j->max_feerate, j->out,
                           &j->package);
    for (size_t i = 0; i < j->l.n; i++)
        if (j->out[i].verdict == PACKAGE_ACCEPTED)
            mempool_unbroadcast_add(j->mp, &j->l.txs[i]->txid);
}

/* The witness under which the pool has it; NULL: it has not. */
static const struct hash256 *pooled_wtxid(const struct package_job *j, size_t i)
{
    switch (j->out[i].verdict) {
    case PACKAGE_ACCEPTED:
    case PACKAGE_IN_POOL:
        return &j->l.txs[i]->wtxid;
    case PACKAGE_OTHER_WITNESS:
        return &j->out[i].other_wtxid;
    case PACKAGE_NOT_VALIDATED:
    case PACKAGE_REFUSED:
        break;
    }
    return NULL;
}

/* Everyone shall hear of what is in the pool now. */
static void announce(struct rpc_call *c, const struct package_job *j)
{
    if (!c->node->relay_tx)
        return;
    for (size_t i = 0; i < j->l.n; i++) {
        const struct hash256 *wtxid = pooled_wtxid(j, i);
        if (wtxid)
            c->node->relay_tx(c->node, &j->l.txs[i]->txid, wtxid);
    }
}

static void write_includes(struct json_writer *w, const struct package_job *j, size_t i)
{
    json_key(w, "effective-includes");
    json_begin_array(w);
    for (size_t k = 0; k < j->l.n; k++)
        if (k == i || (j->out[i].grouped && j->out[k].grouped))
            json_hash(w, &j->l.txs[k]->wtxid);
    json_end_array(w);
}

static void write_member(struct rpc_call *c, const struct package_job *j, size_t i)
{
    const struct package_tx *t = &j->out[i];
    struct json_writer *w = c->w;
    char text[512];

    json_kv_hash(w, "txid", &j->l.txs[i]->txid);
    switch (t->verdict) {
    case PACKAGE_NOT_VALIDATED:
        break;
    case PACKAGE_REFUSED:
        json_kv_str(w, "error", reject_text(&t->r.rej, text));
        break;
    case PACKAGE_OTHER_WITNESS:
        json_kv_hash(w, "other-wtxid", &t->other_wtxid);
        break;
    case PACKAGE_ACCEPTED:
    case PACKAGE_IN_POOL:
        json_kv_int(w, "vsize", t->r.vsize);
        json_key(w, "fees");
        json_begin_object(w);
        rpc_write_amount(c, "base", t->r.fee);
        if (t->verdict == PACKAGE_ACCEPTED) {
            rpc_write_amount(c, "effective-feerate", amount_of(t->effective_feerate));
            write_includes(w, j, i);
        }
        json_end_object(w);
        break;
    }
}

static void write_members(struct rpc_call *c, const struct package_job *j)
{
    struct json_writer *w = c->w;
    char hex[65];

    json_begin_object(w);
    for (size_t i = 0; i < j->l.n; i++) {
        if (j->out[i].verdict == PACKAGE_NOT_VALIDATED)
            continue;
        json_key(w, hash256_to_hex(hex, &j->l.txs[i]->wtxid));
        json_begin_object(w);
        write_member(c, j, i);
        json_end_object(w);
    }
    json_end_object(w);
}

static int compare_hash(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash256));
}

/* In the order of Bitcoin Core's sets. */
static void write_replaced(struct rpc_call *c, const struct package_job *j)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < j->l.n; i++)
        n += j->out[i].r.n_replaced;
    struct hash256 *all = arena_alloc(c->mem, n * sizeof(*all));
    for (size_t i = 0; i < j->l.n; i++)
        for (size_t k = 0; k < j->out[i].r.n_replaced; k++)
            all[at++] = j->out[i].r.replaced[k];
    if (n)
        qsort(all, n, sizeof(*all), compare_hash);
    json_begin_array(c->w);
    for (size_t i = 0; i < n; i++)
        json_hash(c->w, &all[i]);
    json_end_array(c->w);
}

static void write_package(struct rpc_call *c, const struct package_job *j)
{
    struct json_writer *w = c->w;
    char text[512];

    json_begin_object(w);
    json_kv_str(w, "package_msg",
                j->package.code == REJECT_NONE ? "success"
                                               : reject_text(&j->package, text));
    json_key(w, "tx-results");
    write_members(c, j);
    json_key(w, "replaced-transactions");
    write_replaced(c, j);
    json_end_object(w);
}

static bool package_args(struct rpc_call *c, struct package_job *j)
{
    if (!read_transactions(c, rpc_arg(c, 0), 2, &j->l) ||
        !raw_feerate_arg(c, 1, &j->max_feerate))
        return false;
    for (size_t i = 0; i < j->l.n; i++)
        if (!raw_check_burn(c, 2, j->l.txs[i]))
            return false;
    if (package_is_tree(j->l.txs, j->l.n))
        return true;
    rpc_error(
        c, RPC_VERIFY_ERROR,
        "package topology disallowed. not child-with-parents or parents depend on each "
        "other.");
    return false;
}

static void submitpackage(struct rpc_call *c)
{
    struct package_job *j = arena_alloc(c->mem, sizeof(*j));

    *j = (struct package_job){.mp = c->node->mempool};
    if (package_args(c, j) && rpc_on_chain(c, package_job, j)) {
        announce(c, j);
        write_package(c, j);
    }
    for (size_t i = 0; i < j->l.n; i++)
        accept_result_clear(&j->out[i].r);
    tx_list_clear(&j->l);
}

/* ---- the table ---- */

static const struct rpc_method methods[] = {
    {
        .name = "submitpackage",
        .help =
            "Hands a transaction, last, and all its unconfirmed parents to the "
            "mempool: "
            "parents that pay too little alone are let in if the child pays for them. "
            "What can stand alone is accepted even when the rest is not. A parent with "
            "its child may replace others together. See doc/policy.md.",
        .params =
            PARAMS({"package", P_ARR, .help = "Signed transactions",
                    .inner = PARAMS({"rawtx", P_HEX, P_OPTIONAL, .help = ""})},
                   {"maxfeerate", P_AMOUNT, .def = "0.10",
                    .help = "Refuse a higher fee rate per kvB of any of them; 0: any. "
                            "The default is "
                            "100 PSL on networks of our own"},
                   {"maxburnamount", P_AMOUNT, .def = "0.00",
                    .help = "Most that an output which cannot be spent may carry"}),
        .results = RESULTS(
            {R_OBJ, "", "",
             RESULTS(
                 {R_STR, "package_msg", "\"success\", or what is wrong"},
                 {R_OBJ_DYN, "tx-results",
                  "By wtxid; none when the package's form is wrong",
                  RESULTS(
                      {R_OBJ, "wtxid", "",
                       RESULTS(
                           {R_HEX, "txid", "Hash without witness"},
                           {R_HEX, "other-wtxid", "The pool has it with this witness",
                            .optional = true},
                           {R_NUM, "vsize", "Virtual size; if in the pool",
                            .optional = true},
                           {R_OBJ, "fees", "If in the pool",
                            RESULTS({R_AMOUNT, "base", "What it pays"},
                                    {R_AMOUNT, "effective-feerate",
                                     "Fee rate per kvB that let it in; if new",
                                     .optional = true},
                                    {R_ARR, "effective-includes",
                                     "What that rate was computed over",
                                     RESULTS({R_HEX, "", "A wtxid"}),
                                     .optional = true}),
                            .optional = true},
                           {R_STR, "error", "Why it was refused", .optional = true})})},
                 {R_ARR, "replaced-transactions", "What left the pool for them",
                  RESULTS({R_HEX, "", "A txid"})})}),
        .examples = EXAMPLES("'[\"rawtx1\", \"rawtx2\"]'"),
        .fn = submitpackage,
    },
    {
        .name = "testmempoolaccept",
        .help =
            "Says whether the mempool would accept transactions, as they are: parents "
            "before children, no replacement among several.",
        .params = PARAMS(
            {"rawtxs", P_ARR, .help = "Signed transactions",
             .inner = PARAMS({"rawtx", P_HEX, P_OPTIONAL, .help = ""})},
            {"maxfeerate", P_AMOUNT, .def = "0.10",
             .help =
                 "Refuse a higher fee rate per kvB; 0: any. The default is 100 PSL on "
                 "networks of our own"}),
        .results = RESULTS(
            {R_ARR, "",
             "In the order given; after a failure of a package not all have a "
             "verdict",
             RESULTS(
                 {R_OBJ, "", "",
                  RESULTS(
                      {R_HEX, "txid", "Hash without witness"},
                      {R_HEX, "wtxid", "Hash with witness"},
                      {R_STR, "package-error",
                       "What is wrong with all of them", .optional = true},
                      {R_BOOL, "allowed",
                       "Whether it would be let in", .optional = true},
                      {R_NUM, "vsize", "Virtual size; if allowed", .optional = true},
                      {R_OBJ, "fees", "If allowed",
                       RESULTS({R_AMOUNT, "base", "What it pays"},
                               {R_AMOUNT, "effective-feerate",
                                "Fee rate per kvB with changes"},
                               {R_ARR, "effective-includes",
                                "What that rate was computed over",
                                RESULTS({R_HEX, "", "A wtxid"})}),
                       .optional = true},
                      {R_STR, "reject-reason", "If not allowed", .optional = true})})}),
        .examples = EXAMPLES("'[\"signedhex\"]'"),
        .fn = testmempoolaccept,
    },
};

const struct rpc_table rpc_accept_table = {"Rawtransactions", methods,
                                           ARRAY_LEN(methods)};
