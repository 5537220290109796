/* Authentication at Tor's control port: none, by password, or by a cookie that both
 * sides prove to know. */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/secret.h"
#include "net/tor_internal.h"
#include "util/hex.h"

#define SERVER_KEY "Tor safe cookie authentication server-to-controller hash"
#define CLIENT_KEY "Tor safe cookie authentication controller-to-server hash"

/* No way in: perhaps later there is. */
static void give_up(struct tor *t, const char *why)
{
    log_warning(tor_log(t), "tor: %s", why);
    tor_hang_up(t);
}

/* HMAC of cookie and both nonces, under a constant key. */
static void safe_hash(const struct tor *t, uint8_t out[32], const char *key,
                      const uint8_t server_nonce[TOR_NONCE_SIZE])
{
    uint8_t text[TOR_COOKIE_SIZE + 2 * TOR_NONCE_SIZE];
    memcpy(text, t->cookie, TOR_COOKIE_SIZE);
    memcpy(text + TOR_COOKIE_SIZE, t->nonce, TOR_NONCE_SIZE);
    memcpy(text + TOR_COOKIE_SIZE + TOR_NONCE_SIZE, server_nonce, TOR_NONCE_SIZE);
    hmac_sha256(out, key, strlen(key), text, sizeof(text));
    secret_wipe(text, sizeof(text));
}

/* 32 octets in hex. */
static bool read_32(uint8_t out[32], const char *arguments, const char *key)
{
    struct buf value = {.secret = true};
    bool ok = tor_value(&value, arguments, key) &&
              hex_decode_fixed(out, 32, buf_cstr(&value), value.len);
    buf_clear(&value);
    return ok;
}

/* The other side must know the cookie as well, before it learns anything of us. */
static void on_challenge(struct tor *t, const struct tor_reply *r)
{
    uint8_t server_nonce[TOR_NONCE_SIZE], server_hash[32], want[32], answer[32];
    const char *arguments = tor_arguments(r->lines[0], "AUTHCHALLENGE");
    if (r->code != 250) {
        give_up(t, "SAFECOOKIE authentication challenge failed");
        return;
    }
    if (!arguments) {
        give_up(t, "Invalid reply to AUTHCHALLENGE");
        return;
    }
    if (!read_32(server_hash, arguments, "SERVERHASH") ||
        !read_32(server_nonce, arguments, "SERVERNONCE")) {
        give_up(t, "Error parsing AUTHCHALLENGE parameters: ServerHash and ServerNonce "
                   "must be 32 bytes");
        return;
    }
    log_debug(tor_log(t), LOG_TOR, "SAFECOOKIE authentication challenge successful");
    safe_hash(t, want, SERVER_KEY, server_nonce);
    if (!secret_equal(want, server_hash, sizeof(want))) {
        give_up(t, "ServerHash does not match expected ServerHash");
        return;
    }
    safe_hash(t, answer, CLIENT_KEY, server_nonce);
    struct buf b = tor_text("AUTHENTICATE ");
    hex_append(&b, answer, sizeof(answer));
    tor_command(t, tor_authenticated, &b);
    secret_wipe(answer, sizeof(answer));
}

static void cookie_loaded(void *ctx, enum err result, const struct buf *data)
{
    struct tor *t = ctx;
    if (!t->link || t->session != t->cookie_session)
        return;
    if (result != ERR_OK && result != ERR_FULL) {
        give_up(t, "Authentication cookie could not be opened (check permissions)");
        return;
    }
    if (result != ERR_OK || data->len != TOR_COOKIE_SIZE) {
        give_up(t, "Authentication cookie is not exactly 32 bytes, as is required by "
                   "the spec");
        return;
    }
    memcpy(t->cookie, data->data, TOR_COOKIE_SIZE);
    rand_bytes(t->nonce, sizeof(t->nonce));
    struct buf b = tor_text("AUTHCHALLENGE SAFECOOKIE ");
    hex_append(&b, t->nonce, sizeof(t->nonce));
    tor_command(t, on_challenge, &b);
}

/* Escapes may stand for control characters, which are not for logs. Returns out. */
static char *printable(char out[256], const char *text)
{
    snprintf(out, 256, "%s", text);
    for (char *p = out; *p; p++)
        if (*p > 0 && *p < ' ')
            *p = '?';
    return out;
}

static void use_cookie(struct tor *t, const char *path)
{
    char text[256];
    log_debug(tor_log(t), LOG_TOR,
              "Using SAFECOOKIE authentication, reading cookie authentication from %s",
              printable(text, path));
    t->cookie_session = t->session;
    line_expect(t->link, TOR_REPLY_MS);
    file_job_read(t->net, path, TOR_COOKIE_SIZE, cookie_loaded, t);
}

static void use_password(struct tor *t)
{
    struct buf b = tor_text("AUTHENTICATE \"");
    log_debug(tor_log(t), LOG_TOR, "Using HASHEDPASSWORD authentication");
    for (const char *p = t->net->opt.tor_password; *p; p++) {
        if (*p == '"')
            buf_append_byte(&b, '\\');
        buf_append_byte(&b, (uint8_t)*p);
    }
    buf_append_byte(&b, '"');
    tor_command(t, tor_authenticated, &b);
}

/* One of "A,B,C". */
static bool has_method(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
        if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
            return true;
    return false;
}

static void authenticate(struct tor *t, const char *methods, const char *cookie_path)
{
    bool password = t->net->opt.tor_password[0] != '\0';
    char text[256];
    log_debug(tor_log(t), LOG_TOR, "Supported authentication methods: %s",
              printable(text, methods));
    if (password && has_method(methods, "HASHEDPASSWORD")) {
        use_password(t);
    } else if (password) {
        give_up(t, "Password provided with -torpassword, but HASHEDPASSWORD "
                   "authentication is not available");
    } else if (has_method(methods, "NULL")) {
        log_debug(tor_log(t), LOG_TOR, "Using NULL authentication");
        tor_simple_command(t, tor_authenticated, "AUTHENTICATE");
    } else if (has_method(methods, "SAFECOOKIE")) {
        use_cookie(t, cookie_path);
    } else if (has_method(methods, "HASHEDPASSWORD")) {
        give_up(t, "The only supported authentication mechanism left is password, but "
                   "no password provided with -torpassword");
    } else {
        give_up(t, "No supported authentication method");
    }
}

static void on_protocol_info(struct tor *t, const struct tor_reply *r)
{
    struct buf methods = {0}, path = {0}, version = {0};
    char text[256];
    if (r->code != 250) {
        give_up(t, "Requesting protocol info failed");
        return;
    }
    for (size_t i = 0; i < r->n; i++) {
        const char *auth = tor_arguments(r->lines[i], "AUTH");
        const char *v = tor_arguments(r->lines[i], "VERSION");
        if (auth && tor_value(&methods, auth, "METHODS"))
            (void)tor_value(&path, auth, "COOKIEFILE");
        if (v && tor_value(&version, v, "Tor"))
            log_debug(tor_log(t), LOG_TOR, "Connected to Tor version %s",
                      printable(text, buf_cstr(&version)));
    }
    authenticate(t, buf_cstr(&methods), buf_cstr(&path));
    buf_clear(&methods);
    buf_clear(&path);
    buf_clear(&version);
}

void tor_authenticate(struct tor *t)
{
    tor_simple_command(t, on_protocol_info, "PROTOCOLINFO 1");
}
