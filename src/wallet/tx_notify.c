#include "wallet/tx_notify.h"

#include "wallet/wallet.h"

static void append_quoted(struct buf *out, const char *text)
{
    buf_append_byte(out, '\'');
    for (; *text != '\0'; text++)
        if (*text == '\'')
            buf_append_str(out, "'\"'\"'");
        else
            buf_append_byte(out, (uint8_t)*text);
    buf_append_byte(out, '\'');
}

/* False: not a placeholder. */
static bool append_value(struct buf *out, char name, const char *wallet_name,
                         const struct wallet_tx *wtx)
{
    char hex[65];
    bool confirmed = wtx->state == WTX_CONFIRMED;
    switch (name) {
    case 's':
        buf_append_str(out, hash256_to_hex(hex, &wtx->tx->txid));
        return true;
    case 'b':
        buf_append_str(out, confirmed ? hash256_to_hex(hex, &wtx->block.hash)
                                      : "unconfirmed");
        return true;
    case 'h':
        buf_printf(out, "%d", confirmed ? (int)wtx->block.height : -1);
        return true;
    case 'w':
        append_quoted(out, wallet_name);
        return true;
    default:
        return false;
    }
}

void tx_notify_expand(struct buf *out, const char *command, const char *wallet_name,
                      const struct wallet_tx *wtx)
{
    for (; *command != '\0'; command++)
        if (*command == '%' && append_value(out, command[1], wallet_name, wtx))
            command++;
        else
            buf_append_byte(out, (uint8_t)*command);
}

void tx_notify(const struct wallet *w, const struct wallet_tx *wtx)
{
    const struct chain_source *chain = w->opt->chain;
    struct buf text = {0};
    if (w->opt->notify == NULL || w->opt->notify[0] == '\0' || chain == NULL)
        return;
    tx_notify_expand(&text, w->opt->notify, w->name, wtx);
    chain->run_command(chain->ctx, buf_cstr(&text));
    buf_clear(&text);
}
