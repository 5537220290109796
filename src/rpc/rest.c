/* Paths, formats and most handlers. Where an RPC method tells the same, it does the
 * work; octets are its hex, decoded. */
#include "rpc/rest.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/store/filter_index.h"
#include "chain/validation/chainman.h"
#include "rpc/protocol.h"
#include "rpc/request.h"
#include "rpc/rest_impl.h"
#include "rpc/server.h"
#include "util/hex.h"

#define ARENA_CHUNK       (16u << 10)
#define MAX_HEADERS       2000
#define DEFAULT_N_HEADERS "5"

/* -- Answers -------------------------------------------------------------- */

void rest_refuse(struct rest *r, int status, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    buf_append_str(&text, "\r\n");
    http_set_header(r->rq, "Content-Type", "text/plain");
    http_reply(r->rq, status, &text);
}

void rest_reply_json(struct rest *r, struct buf *take_json)
{
    buf_append_str(take_json, "\n");
    http_set_header(r->rq, "Content-Type", "application/json");
    http_reply(r->rq, 200, take_json);
}

void rest_reply_octets(struct rest *r, struct bytes data)
{
    struct buf body = {0};
    if (r->format == REST_BIN) {
        buf_append(&body, data.data, data.len);
        http_set_header(r->rq, "Content-Type", "application/octet-stream");
    } else {
        hex_append(&body, data.data, data.len);
        buf_append_str(&body, "\n");
        http_set_header(r->rq, "Content-Type", "text/plain");
    }
    http_reply(r->rq, 200, &body);
}

/* -- Requests ------------------------------------------------------------- */

const char *rest_query(struct rest *r, const char *name, const char *def)
{
    size_t n = strlen(name);
    for (const char *at = r->query; *at; at += strcspn(at, "&"), at += *at == '&')
        if (strncmp(at, name, n) == 0 && at[n] == '=')
            return arena_printf(r->mem, "%.*s", (int)strcspn(at + n + 1, "&"),
                                at + n + 1);
    return def;
}

bool rest_hash(struct rest *r, const char *text, struct hash256 *out)
{
    if (strlen(text) == 64 && hash256_from_hex(out, text))
        return true;
    rest_refuse(r, 400, "Invalid hash: %s", text);
    return false;
}

int rest_rpc(struct rest *r, struct buf *out, const char *method, const char *fmt, ...)
{
    struct buf text = {0};
    struct json *params;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    char *copy = arena_dup(r->mem, buf_cstr(&text), text.len + 1);
    bool ok = json_parse(&params, r->mem, copy, text.len, NULL);
    buf_clear(&text);
    if (ok)
        return rpc_run(r->node, r->rq, method, params, out);
    buf_append_str(out, "Parse error");
    return RPC_PARSE_ERROR;
}

/* The reply is what a method answers, with @fail_status when it fails. */
static void answer_json(struct rest *r, int fail_status, int code, struct buf *out)
{
    if (code == 0)
        rest_reply_json(r, out);
    else
        rest_refuse(r, fail_status, "%s", buf_cstr(out));
    buf_clear(out);
}

/* The result, a hex string in quotes, as octets. */
static void answer_hex(struct rest *r, const struct buf *out)
{
    struct buf raw = {0};
    if (out->len < 2 || !hex_decode(&raw, (const char *)out->data + 1, out->len - 2))
        rest_refuse(r, 500, "no octets to serve");
    else
        rest_reply_octets(r, buf_view(&raw));
    buf_clear(&raw);
}

/* A name in a path goes into JSON: only what needs no escaping does. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("-_.:", *text))
            return false;
    return true;
}

/* -- Transactions and blocks ---------------------------------------------- */

static void rest_tx(struct rest *r)
{
    struct hash256 txid;
    struct buf out = {0};
    if (!rest_hash(r, r->param, &txid))
        return;
    int code = rest_rpc(r, &out, "getrawtransaction", "[\"%s\",%d]", r->param,
                        r->format == REST_JSON);
    if (code != 0)
        rest_refuse(r, 404, "%s not found", r->param);
    else if (r->format == REST_JSON)
        rest_reply_json(r, &out);
    else
        answer_hex(r, &out);
    buf_clear(&out);
}

static void serve_block(struct rest *r, int verbosity)
{
    struct hash256 hash;
    struct buf out = {0};
    if (!rest_hash(r, r->param, &hash))
        return;
    int code = rest_rpc(r, &out, "getblock", "[\"%s\",%d]", r->param,
                        r->format == REST_JSON ? verbosity : 0);
    if (code == RPC_MISC_ERROR && strstr(buf_cstr(&out), "pruned"))
        rest_refuse(r, 404, "%s not available (pruned data)", r->param);
    else if (code != 0)
        rest_refuse(r, 404, "%s not found", r->param);
    else if (r->format == REST_JSON)
        rest_reply_json(r, &out);
    else
        answer_hex(r, &out);
    buf_clear(&out);
}

static void rest_block(struct rest *r)
{
    serve_block(r, 3);
}

static void rest_block_notxdetails(struct rest *r)
{
    serve_block(r, 1);
}

static void rest_blockhash_by_height(struct rest *r)
{
    struct chainman *cm = r->node->chainman;
    struct hash256 hash;
    char hex[65], *end;
    errno = 0;
    long long height = strtoll(r->param, &end, 10);
    if (!isdigit((unsigned char)r->param[0]) || *end || errno || height > INT32_MAX) {
        rest_refuse(r, 400, "Invalid height: %s", r->param);
        return;
    }
    chainman_read_lock(cm);
    const struct block_index *bi = chain_at(cm, (int32_t)height);
    if (bi)
        hash = bi->hash;
    chainman_read_unlock(cm);
    if (!bi) {
        rest_refuse(r, 404, "Block height out of range");
    } else if (r->format == REST_BIN) {
        rest_reply_octets(r, bytes_of(hash.b, sizeof(hash.b)));
    } else {
        struct buf out = {0};
        hash256_to_hex(hex, &hash);
        if (r->format == REST_JSON) {
            buf_printf(&out, "{\"blockhash\":\"%s\"}", hex);
            rest_reply_json(r, &out);
        } else {
            buf_printf(&out, "%s\n", hex);
            http_set_header(r->rq, "Content-Type", "text/plain");
            http_reply(r->rq, 200, &out);
        }
    }
}

/* The headers of the active chain from one of its blocks on; none when the block is not
 * on it. */
static size_t collect_headers(struct rest *r, const struct hash256 *from, size_t most,
                              const struct block_index **out)
{
    struct chainman *cm = r->node->chainman;
    size_t n = 0;
    chainman_read_lock(cm);
    const struct block_index *bi = block_tree_find(cm, from);
    if (bi && !chain_contains(cm, bi))
        bi = NULL;
    for (; bi && n < most; bi = chain_next(cm, bi))
        out[n++] = bi;
    chainman_read_unlock(cm);
    return n;
}

static void headers_json(struct rest *r, const struct block_index *const *list,
                         size_t n)
{
    struct buf out = {0};
    char hex[65];
    buf_append_str(&out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_append_str(&out, ",");
        hash256_to_hex(hex, &list[i]->hash);
        int code = rest_rpc(r, &out, "getblockheader", "[\"%s\"]", hex);
        ASSERT(code == 0 || atomic_load(&r->node->stopping));
    }
    buf_append_str(&out, "]");
    rest_reply_json(r, &out);
}

/* Blocks of the active chain that a request names. */
struct headers_asked {
    const struct block_index **list; /* in the request's memory */
    size_t n;
};

/* "<hash>?count=N", or "<N>/<hash>" as it was once. False: refused. */
static bool read_headers_asked(struct rest *r, char *text, struct headers_asked *out)
{
    const char *count = rest_query(r, "count", DEFAULT_N_HEADERS);
    char *slash = strchr(text, '/'), *end;
    struct hash256 from;
    if (slash) {
        *slash = 0;
        count = text;
        text = slash + 1;
    }
    long long n = strtoll(count, &end, 10);
    if (!isdigit((unsigned char)count[0]) || *end || n < 1 || n > MAX_HEADERS) {
        rest_refuse(r, 400,
                    "Header count is invalid or out of acceptable range (1-%d): %s",
                    MAX_HEADERS, count);
        return false;
    }
    if (!rest_hash(r, text, &from))
        return false;
    out->list = arena_alloc(r->mem, (size_t)n * sizeof(*out->list));
    out->n = collect_headers(r, &from, (size_t)n, out->list);
    return true;
}

static void rest_headers(struct rest *r)
{
    struct headers_asked a;
    if (!read_headers_asked(r, r->param, &a))
        return;
    if (r->format == REST_JSON) {
        headers_json(r, a.list, a.n);
        return;
    }
    struct buf raw = {0};
    struct sink s = sink_to_buf(&raw);
    for (size_t i = 0; i < a.n; i++) {
        struct block_header h = block_index_header(a.list[i]);
        header_write(&s, &h);
    }
    rest_reply_octets(r, buf_view(&raw));
    buf_clear(&raw);
}

/* -- Block filters -------------------------------------------------------- */

/* Refuses anything but basic filters of an index that is on. */
static struct filter_index *filters_of(struct rest *r, const char *kind)
{
    struct filter_index *fi = chainman_filters(r->node->chainman);
    if (strcmp(kind, "basic") != 0) {
        rest_refuse(r, 400, "Unknown filtertype %s", kind);
        return NULL;
    }
    if (!fi)
        rest_refuse(r, 400, "Index is not enabled for filtertype %s", kind);
    return fi;
}

static bool find_filter(struct rest *r, struct filter_index *fi,
                        const struct hash256 *hash, struct filter_entry *f)
{
    if (filter_index_find(fi, hash, f) == ERR_OK)
        return true;
    buf_clear(&f->filter);
    rest_refuse(r, 404, "Filter not found.");
    return false;
}

/* "<kind>/<hash>" */
static void rest_blockfilter(struct rest *r)
{
    struct hash256 hash;
    struct filter_entry f;
    struct filter_index *fi;
    char *slash = strchr(r->param, '/');
    if (!slash) {
        rest_refuse(r, 400,
                    "Invalid URI format. Expected /rest/blockfilter/<filtertype>/"
                    "<blockhash>");
        return;
    }
    *slash = 0;
    if (!rest_hash(r, slash + 1, &hash) || !(fi = filters_of(r, r->param)) ||
        !find_filter(r, fi, &hash, &f))
        return;
    if (r->format == REST_JSON) {
        struct buf out = {0};
        buf_append_str(&out, "{\"filter\":\"");
        hex_append(&out, f.filter.data, f.filter.len);
        buf_append_str(&out, "\"}");
        rest_reply_json(r, &out);
    } else {
        struct buf raw = {0};
        struct sink s = sink_to_buf(&raw);
        buf_append_byte(&raw, 0); /* the kind */
        write_hash256(&s, &hash);
        write_var(&s, buf_view(&f.filter));
        rest_reply_octets(r, buf_view(&raw));
        buf_clear(&raw);
    }
    buf_clear(&f.filter);
}

static void filter_headers_json(struct rest *r, const struct buf *raw)
{
    struct buf out = {0};
    char hex[65];
    buf_append_str(&out, "[");
    for (size_t i = 0; i < raw->len; i += 32) {
        struct hash256 h;
        memcpy(h.b, raw->data + i, 32);
        buf_printf(&out, "%s\"%s\"", i ? "," : "", hash256_to_hex(hex, &h));
    }
    buf_append_str(&out, "]");
    rest_reply_json(r, &out);
}

/* "<kind>/<hash>?count=N", or "<kind>/<N>/<hash>" as it was once. */
static void rest_blockfilterheaders(struct rest *r)
{
    struct headers_asked a;
    struct filter_index *fi;
    struct buf raw = {0};
    char *slash = strchr(r->param, '/');
    if (!slash) {
        rest_refuse(r, 400,
                    "Invalid URI format. Expected /rest/blockfilterheaders/"
                    "<filtertype>/<blockhash>.<ext>?count=<count>");
        return;
    }
    *slash = 0;
    if (!read_headers_asked(r, slash + 1, &a) || !(fi = filters_of(r, r->param)))
        return;
    bool ok = true;
    for (size_t i = 0; i < a.n && ok; i++) {
        struct filter_entry f;
        ok = find_filter(r, fi, &a.list[i]->hash, &f);
        if (ok)
            buf_append(&raw, f.header.b, sizeof(f.header.b));
        if (ok)
            buf_clear(&f.filter);
    }
    if (ok && r->format == REST_JSON)
        filter_headers_json(r, &raw);
    else if (ok)
        rest_reply_octets(r, buf_view(&raw));
    buf_clear(&raw);
}

/* -- The chain and the mempool -------------------------------------------- */

static void rest_chaininfo(struct rest *r)
{
    struct buf out = {0};
    answer_json(r, 500, rest_rpc(r, &out, "getblockchaininfo", "[]"), &out);
}

static void rest_deploymentinfo(struct rest *r)
{
    struct hash256 hash;
    struct buf out = {0};
    int code;
    if (r->param[0] == '/')
        r->param++;
    if (r->param[0] == 0) {
        code = rest_rpc(r, &out, "getdeploymentinfo", "[]");
    } else {
        if (!rest_hash(r, r->param, &hash))
            return;
        code = rest_rpc(r, &out, "getdeploymentinfo", "[\"%s\"]", r->param);
    }
    answer_json(r, 400, code, &out);
}

static bool query_flag(struct rest *r, const char *name, const char *def, bool *out)
{
    const char *v = rest_query(r, name, def);
    *out = strcmp(v, "true") == 0;
    if (*out || strcmp(v, "false") == 0)
        return true;
    rest_refuse(r, 400,
                "The \"%s\" query parameter must be either \"true\" or \"false\".",
                name);
    return false;
}

static void mempool_contents(struct rest *r)
{
    struct buf out = {0};
    bool verbose, sequence;
    if (!query_flag(r, "verbose", "true", &verbose) ||
        !query_flag(r, "mempool_sequence", "false", &sequence))
        return;
    if (verbose && sequence) {
        rest_refuse(r, 400,
                    "Verbose results cannot contain mempool sequence values. (hint: "
                    "set \"verbose=false\")");
        return;
    }
    int code = rest_rpc(r, &out, "getrawmempool", "[%s,%s]", verbose ? "true" : "false",
                        sequence ? "true" : "false");
    answer_json(r, 500, code, &out);
}

static void rest_mempool(struct rest *r)
{
    struct buf out = {0};
    if (strcmp(r->param, "contents") == 0)
        mempool_contents(r);
    else if (strcmp(r->param, "info") == 0)
        answer_json(r, 500, rest_rpc(r, &out, "getmempoolinfo", "[]"), &out);
    else
        rest_refuse(r, 400,
                    "Invalid URI format. Expected /rest/mempool/<info|contents>.json");
}

/* -- Tickets, supernodes, state ------------------------------------------- */

static void rest_ticket(struct rest *r)
{
    struct hash256 txid;
    struct buf out = {0};
    if (rest_hash(r, r->param, &txid))
        answer_json(r, 404, rest_rpc(r, &out, "tickets", "[\"get\",\"%s\"]", r->param),
                    &out);
}

static void rest_supernodes(struct rest *r)
{
    struct buf out = {0};
    const char *filter = rest_query(r, "filter", "");
    if (!is_plain(filter)) {
        rest_refuse(r, 400, "Invalid filter: %s", filter);
        return;
    }
    int code = filter[0] ? rest_rpc(r, &out, "supernode", "[\"list\",\"%s\"]", filter)
                         : rest_rpc(r, &out, "supernode", "[\"list\"]");
    answer_json(r, 404, code, &out);
}

static void rest_stateproof(struct rest *r)
{
    struct buf out = {0};
    if (r->param[0] == 0 || !is_plain(r->param)) {
        rest_refuse(r, 400, "Invalid key: %s", r->param);
        return;
    }
    answer_json(r, 404, rest_rpc(r, &out, "getstateproof", "[\"%s\"]", r->param), &out);
}

/* -- Routes --------------------------------------------------------------- */

/* The longest fitting path wins. */
static const struct rest_route {
    const char *path;
    unsigned formats;
    void (*fn)(struct rest *r);
} routes[] = {
    {"/rest/tx/", REST_ALL, rest_tx},
    {"/rest/block/notxdetails/", REST_ALL, rest_block_notxdetails},
    {"/rest/block/", REST_ALL, rest_block},
    {"/rest/blockhashbyheight/", REST_ALL, rest_blockhash_by_height},
    {"/rest/headers/", REST_ALL, rest_headers},
    {"/rest/blockfilter/", REST_ALL, rest_blockfilter},
    {"/rest/blockfilterheaders/", REST_ALL, rest_blockfilterheaders},
    {"/rest/chaininfo", REST_JSON, rest_chaininfo},
    {"/rest/deploymentinfo", REST_JSON, rest_deploymentinfo},
    {"/rest/mempool/", REST_JSON, rest_mempool},
    {"/rest/getutxos", REST_ALL, rest_getutxos},
    {"/rest/ticket/", REST_JSON, rest_ticket},
    {"/rest/supernodes", REST_JSON, rest_supernodes},
    {"/rest/stateproof/", REST_JSON, rest_stateproof},
};

static const struct {
    enum rest_format format;
    const char *suffix;
} formats[] = {{REST_BIN, "bin"}, {REST_HEX, "hex"}, {REST_JSON, "json"}};

/* Cuts the query and the suffix off the path. */
static void take_apart(struct rest *r, const char *rest_of_path)
{
    r->param = arena_printf(r->mem, "%s", rest_of_path);
    char *query = strchr(r->param, '?');
    r->query = query ? query + 1 : "";
    if (query)
        *query = 0;
    char *dot = strrchr(r->param, '.');
    if (!dot)
        return;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (strcmp(dot + 1, formats[i].suffix) == 0) {
            r->format = formats[i].format;
            *dot = 0;
        }
}

static void refuse_format(struct rest *r, unsigned offered)
{
    struct buf list = {0};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (offered & formats[i].format)
            buf_printf(&list, "%s%s%s", list.len ? ", " : "",
                       offered == REST_JSON ? "" : ".", formats[i].suffix);
    rest_refuse(r, 404, "output format not found (available: %s)", buf_cstr(&list));
    buf_clear(&list);
}

static const struct rest_route *find_route(const char *path)
{
    const struct rest_route *best = NULL;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (strncmp(path, routes[i].path, strlen(routes[i].path)) == 0 &&
            (!best || strlen(routes[i].path) > strlen(best->path)))
            best = &routes[i];
    return best;
}

static void handle(void *ctx, struct http_request *rq)
{
    struct arena mem;
    struct rest r = {.node = ctx, .rq = rq, .mem = &mem};
    struct buf status = {0};
    const struct rest_route *route = find_route(http_path(rq));
    arena_init(&mem, ARENA_CHUNK);
    if (rpc_server_warming_up(r.node->rpc, &status)) {
        rest_refuse(&r, 503, "Service temporarily unavailable: %s", buf_cstr(&status));
    } else if (!route) {
        http_reply(rq, 404, NULL);
    } else {
        take_apart(&r, http_path(rq) + strlen(route->path));
        if (r.format & route->formats)
            route->fn(&r);
        else
            refuse_format(&r, route->formats);
    }
    buf_clear(&status);
    arena_clear(&mem);
}

void rest_routes(struct http_server *s, struct node *n)
{
    http_server_route(s, "/rest/", false, handle, n);
}
