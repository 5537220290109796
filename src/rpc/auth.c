#include "rpc/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "crypto/secret.h"
#include "util/args.h"
#include "util/base64.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/log.h"
#include "util/rand.h"

#define COOKIE_USER "__cookie__"

/* A line of -rpcauth=<user>:<salt>$<HMAC-SHA256(salt, password) in hex> */
struct auth_line {
    char *user, *salt, *mac; /* owned */
};

/* A user of -rpcwhitelist and the methods it may call. */
struct whitelist {
    char *user;     /* owned */
    char **methods; /* owned */
    size_t n;
};

struct rpc_auth {
    char *credentials; /* secret: "user:password" */
    char *cookie_path; /* owned; NULL: no cookie was written */
    struct auth_line *lines;
    size_t n_lines;
    struct whitelist *whitelists;
    size_t n_whitelists;
    bool whitelist_default;
};

static char *secret_text(const char *text)
{
    size_t n = strlen(text) + 1;
    char *s = secret_alloc(n);
    memcpy(s, text, n);
    return s;
}

/* -- Set-up --------------------------------------------------------------- */

static bool cookie_mode(const char *perms, mode_t *out)
{
    *out = strcmp(perms, "owner") == 0   ? 0600
           : strcmp(perms, "group") == 0 ? 0640
           : strcmp(perms, "all") == 0   ? 0644
                                         : 0;
    return *out != 0;
}

static bool write_cookie(struct rpc_auth *auth, const struct args *a, struct logger *lg,
                         const char *datadir, char **error)
{
    uint8_t random[32];
    char hex[65], text[128];
    mode_t mode;
    const char *perms = args_str(a, "rpccookieperms", "owner");
    if (!cookie_mode(perms, &mode)) {
        *error =
            xasprintf("Invalid -rpccookieperms=%s; must be one of 'owner', 'group', or "
                      "'all'.",
                      perms);
        return false;
    }
    rand_bytes(random, sizeof(random));
    snprintf(text, sizeof(text), COOKIE_USER ":%s",
             hex_encode(hex, random, sizeof(random)));
    auth->credentials = secret_text(text);
    auth->cookie_path = path_join(datadir, args_str(a, "rpccookiefile", ".cookie"));
    bool ok = fs_write_atomic(auth->cookie_path, text, strlen(text), 0600) == ERR_OK &&
              (mode == 0600 || chmod(auth->cookie_path, mode) == 0);
    secret_wipe(text, sizeof(text));
    secret_wipe(hex, sizeof(hex));
    secret_wipe(random, sizeof(random));
    if (ok)
        log_info(lg, "Generated RPC authentication cookie %s", auth->cookie_path);
    else
        *error = xasprintf("Unable to write the RPC authentication cookie %s: %s",
                           auth->cookie_path, strerror(errno));
    return ok;
}

static bool set_credentials(struct rpc_auth *auth, const struct args *a,
                            struct logger *lg, const char *datadir, char **error)
{
    const char *password = args_str(a, "rpcpassword", "");
    if (password[0] == 0) {
        if (args_is_negated(a, "rpccookiefile")) {
            log_info(lg, "RPC authentication cookie file generation is disabled.");
            return true;
        }
        log_info(lg, "Using random cookie authentication.");
        return write_cookie(auth, a, lg, datadir, error);
    }
    log_info(
        lg,
        "Using rpcuser and rpcpassword; the cookie (leave both out) or -rpcauth keep "
        "the password out of the configuration.");
    char *text = xasprintf("%s:%s", args_str(a, "rpcuser", ""), password);
    auth->credentials = secret_text(text);
    secret_wipe(text, strlen(text));
    free(text);
    return true;
}

static bool add_auth_line(struct rpc_auth *auth, const char *text)
{
    const char *colon = strchr(text, ':');
    const char *dollar = colon ? strchr(colon, '$') : NULL;
    if (!dollar || strchr(colon + 1, ':') || strchr(dollar + 1, '$'))
        return false;
    auth->lines = xrealloc_array(auth->lines, auth->n_lines + 1, sizeof(*auth->lines));
    auth->lines[auth->n_lines++] = (struct auth_line){
        xasprintf("%.*s", (int)(colon - text), text),
        xasprintf("%.*s", (int)(dollar - colon - 1), colon + 1),
        xstrdup(dollar + 1),
    };
    return true;
}

static bool set_auth_lines(struct rpc_auth *auth, const struct args *a,
                           struct logger *lg, char **error)
{
    size_t n;
    const char *const *lines = args_list(a, "rpcauth", &n);
    if (n > 0)
        log_info(lg, "Using rpcauth authentication.");
    for (size_t i = 0; i < n; i++) {
        if (lines[i][0] == 0 || add_auth_line(auth, lines[i]))
            continue;
        log_warning(lg, "Invalid -rpcauth argument.");
        *error = xstrdup("Unable to start HTTP server. See debug log for details.");
        return false;
    }
    return true;
}

static struct whitelist *find_whitelist(const struct rpc_auth *auth, const char *user,
                                        size_t len)
{
    for (size_t i = 0; i < auth->n_whitelists; i++)
        if (strncmp(auth->whitelists[i].user, user, len) == 0 &&
            auth->whitelists[i].user[len] == 0)
            return &auth->whitelists[i];
    return NULL;
}

static bool is_listed(const struct whitelist *w, const char *method)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->methods[i], method) == 0)
            return true;
    return false;
}

static void clear_whitelist(struct whitelist *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->methods[i]);
    free(w->methods);
    free(w->user);
}

/* What stands in both; takes the contents of @b. */
static void intersect(struct whitelist *a, struct whitelist *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (is_listed(b, a->methods[i]))
            a->methods[kept++] = a->methods[i];
        else
            free(a->methods[i]);
    }
    a->n = kept;
    clear_whitelist(b);
}

/* "user:method1, method2" */
static void add_whitelist(struct rpc_auth *auth, const char *text)
{
    const char *colon = strchr(text, ':');
    size_t user_len = colon ? (size_t)(colon - text) : strlen(text);
    struct whitelist w = {xasprintf("%.*s", (int)user_len, text), NULL, 0};
    for (const char *at = colon ? colon + 1 : ""; *at;) {
        at += strspn(at, ", ");
        size_t n = strcspn(at, ", ");
        if (n == 0)
            break;
        w.methods = xrealloc_array(w.methods, w.n + 1, sizeof(*w.methods));
        w.methods[w.n++] = xasprintf("%.*s", (int)n, at);
        at += n;
    }
    struct whitelist *old = find_whitelist(auth, w.user, user_len);
    if (old) { /* several lists of one user: what all of them allow */
        intersect(old, &w);
        return;
    }
    auth->whitelists = xrealloc_array(auth->whitelists, auth->n_whitelists + 1,
                                      sizeof(*auth->whitelists));
    auth->whitelists[auth->n_whitelists++] = w;
}

static void set_whitelists(struct rpc_auth *auth, const struct args *a)
{
    size_t n;
    const char *const *lists = args_list(a, "rpcwhitelist", &n);
    for (size_t i = 0; i < n; i++)
        add_whitelist(auth, lists[i]);
    auth->whitelist_default = args_bool(a, "rpcwhitelistdefault", n > 0);
}

bool rpc_auth_new(struct rpc_auth **out, const struct args *a, struct logger *lg,
                  const char *datadir, char **error)
{
    struct rpc_auth *auth = xcalloc(1, sizeof(*auth));
    if (set_credentials(auth, a, lg, datadir, error) &&
        set_auth_lines(auth, a, lg, error)) {
        set_whitelists(auth, a);
        *out = auth;
        return true;
    }
    rpc_auth_free(auth);
    return false;
}

void rpc_auth_free(struct rpc_auth *auth)
{
    if (!auth)
        return;
    if (auth->cookie_path)
        unlink(auth->cookie_path);
    free(auth->cookie_path);
    secret_free(auth->credentials);
    for (size_t i = 0; i < auth->n_lines; i++) {
        free(auth->lines[i].user);
        free(auth->lines[i].salt);
        free(auth->lines[i].mac);
    }
    free(auth->lines);
    for (size_t i = 0; i < auth->n_whitelists; i++)
        clear_whitelist(&auth->whitelists[i]);
    free(auth->whitelists);
    free(auth);
}

/* -- Checks --------------------------------------------------------------- */

static bool equal_text(const char *a, const char *b, size_t b_len)
{
    return strlen(a) == b_len && secret_equal(a, b, b_len);
}

static bool check_line(const struct auth_line *l, const char *user, size_t user_len,
                       const char *password, size_t password_len)
{
    uint8_t mac[32];
    char hex[65];
    if (!equal_text(l->user, user, user_len))
        return false;
    hmac_sha256(mac, l->salt, strlen(l->salt), password, password_len);
    return equal_text(l->mac, hex_encode(hex, mac, sizeof(mac)), 64);
}

static bool check_credentials(const struct rpc_auth *auth, const char *text, size_t len,
                              size_t user_len)
{
    if (auth->credentials && equal_text(auth->credentials, text, len))
        return true;
    for (size_t i = 0; i < auth->n_lines; i++)
        if (check_line(&auth->lines[i], text, user_len, text + user_len + 1,
                       len - user_len - 1))
            return true;
    return false;
}

bool rpc_auth_check(const struct rpc_auth *auth, const char *header, struct buf *user)
{
    struct buf text = {0};
    if (!header || strncmp(header, "Basic ", 6) != 0)
        return false;
    header += 6 + strspn(header + 6, " ");
    bool ok = base64_decode(&text, header, strlen(header));
    const char *s = buf_cstr(&text), *colon = ok ? strchr(s, ':') : NULL;
    ok = colon && check_credentials(auth, s, text.len, (size_t)(colon - s));
    if (ok)
        buf_append(user, s, (size_t)(colon - s));
    secret_wipe(text.data, text.len);
    buf_clear(&text);
    return ok;
}

bool rpc_auth_may_call_any(const struct rpc_auth *auth, const char *user)
{
    return find_whitelist(auth, user, strlen(user)) || !auth->whitelist_default;
}

bool rpc_auth_may_call(const struct rpc_auth *auth, const char *user,
                       const char *method)
{
    const struct whitelist *w = find_whitelist(auth, user, strlen(user));
    return w ? is_listed(w, method) : !auth->whitelist_default;
}
