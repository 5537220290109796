#include "tickets/carrier.h"

#include "chain/script/script.h"

static const uint8_t magic[4] = {'O', 'C', 'H', 'R'};

bool carrier_parse(struct bytes script, struct bytes *payload)
{
    size_t pos = 1;
    struct script_op op;
    if (script.len <= CARRIER_HEAD || script.data[0] != OP_RETURN ||
        !script_next(script, &pos, &op) || pos != script.len ||
        op.code > OP_PUSHDATA4 || !script_push_is_minimal(&op) ||
        op.data.len < CARRIER_HEAD || op.data.len > CARRIER_MAX ||
        memcmp(op.data.data, magic, sizeof(magic)) != 0)
        return false;
    *payload = op.data;
    return true;
}

void carrier_build(struct buf *script, struct bytes payload)
{
    script_put_op(script, OP_RETURN);
    script_put_data(script, payload.data, payload.len);
}

size_t carrier_find(const struct tx *tx, uint32_t *first, struct bytes *payload)
{
    struct bytes p;
    size_t n = 0;
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (carrier_parse(tx->out[i].script, &p) && n++ == 0) {
            *first = i;
            *payload = p;
        }
    return n;
}
