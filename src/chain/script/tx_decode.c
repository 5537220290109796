#include "chain/script/tx_decode.h"

#include "chain/script/script.h"
#include "util/hex.h"

static bool scripts_make_sense(const struct tx *tx)
{
    for (uint32_t i = 0; !tx_is_coinbase(tx) && i < tx->n_in; i++) {
        struct bytes s = tx->in[i].script_sig;
        if (!script_has_valid_ops(s) || s.len > MAX_SCRIPT_SIZE)
            return false;
    }
    for (uint32_t i = 0; i < tx->n_out; i++) {
        struct bytes s = tx->out[i].script;
        if (!script_has_valid_ops(s) || s.len > MAX_SCRIPT_SIZE)
            return false;
    }
    return true;
}

struct tx *tx_decode_hex(const char *hex, size_t len, bool try_old, bool try_witness)
{
    struct buf raw = {0};
    struct tx *extended = NULL, *old = NULL;
    bool is_hex = hex_decode(&raw, hex, len);
    if (is_hex && try_witness)
        extended = tx_from_bytes(raw.data, raw.len, true);
    if (is_hex && try_old && (extended == NULL || !scripts_make_sense(extended)))
        old = tx_from_bytes(raw.data, raw.len, false);
    buf_clear(&raw);
    if (extended == NULL)
        return old;
    if (old == NULL || !scripts_make_sense(old)) {
        tx_unref(old);
        return extended;
    }
    tx_unref(extended);
    return old;
}
