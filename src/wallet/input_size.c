#include "wallet/input_size.h"

#include <stdlib.h>

#include "chain/script/descriptor.h"
#include "util/mem.h"
#include "util/sink.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

static const struct input_size unknown = {.weight = -1};

static struct input_size size_of_descriptor(const struct descriptor *d, unsigned flags)
{
    struct spend_size spend;
    struct input_size size = unknown;
    if (descriptor_spend_size(d, flags, &spend)) {
        size.weight = descriptor_input_weight(d, flags, true);
        size.is_witness = spend.is_witness;
    }
    return size;
}

struct input_size input_size_of_known(const struct chain_params *p, struct bytes script,
                                      const struct keystore *known, bool low_r)
{
    struct input_size size = unknown;
    struct descriptor_list list;
    struct buf text = {0};
    char *error = NULL;
    descriptor_infer(&text, p, script, known);
    if (descriptor_parse(&list, p, NULL, buf_cstr(&text), true, &error)) {
        size = size_of_descriptor(list.items[0], low_r ? SPEND_LOW_R : 0);
        descriptor_list_clear(&list);
    }
    free(error);
    buf_clear(&text);
    return size;
}

static bool is_witness_program(struct bytes script)
{
    struct bytes program;
    int version;
    return script_is_witness_program(script, &version, &program);
}

static struct input_size infer_size(const struct input_sizes *s, struct bytes script,
                                    bool low_r)
{
    struct keystore known;
    keystore_init(&known);
    (void)!spkman_keystore(s->w->spkman, script, false, &known);
    if (s->solving != NULL)
        keystore_merge(&known, s->solving);
    struct input_size size =
        input_size_of_known(s->w->opt->params, script, &known, low_r);
    size.is_witness = size.is_witness || is_witness_program(script);
    keystore_clear(&known);
    return size;
}

/* Taproot's internal key stands first; where it is another's, a leaf has to do. */
static bool lacks_first_key(const struct wallet *w, const struct descriptor *d)
{
    struct descriptor_key key;
    if (wallet_has_flag(w, WALLET_DISABLE_PRIVATE_KEYS) || descriptor_n_keys(d) == 0)
        return false;
    descriptor_get_key(&key, d, 0);
    return !spkman_has_private_key(w->spkman, bytes_of(key.pubkey, key.pubkey_len));
}

static struct input_size size_of_own(struct input_sizes *s, const struct wallet_desc *d,
                                     bool low_r)
{
    for (size_t i = 0; i < s->n_memo; i++) {
        if (s->memo[i].desc == d)
            return s->memo[i].size;
    }
    unsigned flags = low_r ? SPEND_LOW_R : 0;
    if (lacks_first_key(s->w, d->desc))
        flags |= SPEND_BY_SCRIPT;
    struct input_size size = size_of_descriptor(d->desc, flags);
    if (s->n_memo < INPUT_SIZE_MEMO) {
        s->memo[s->n_memo].desc = d;
        s->memo[s->n_memo++].size = size;
    }
    return size;
}

/* Only what this wallet itself signs is sure to have short signatures. */
struct input_size input_size(struct input_sizes *s, struct bytes script, bool foreign)
{
    struct spk_place at;
    bool low_r = !foreign && !wallet_has_flag(s->w, WALLET_DISABLE_PRIVATE_KEYS);
    if (!foreign && spkman_find(s->w->spkman, script, &at)) {
        struct input_size size = size_of_own(s, at.desc, low_r);
        if (size.weight >= 0)
            return size;
    }
    return infer_size(s, script, low_r);
}

int64_t output_size(struct bytes script)
{
    return 8 + (int64_t)varint_size(script.len) + (int64_t)script.len;
}

int64_t mtx_signed_weight(const struct mtx *m, const struct input_size *inputs)
{
    int64_t size = 0;
    for (uint32_t i = 0; i < m->n_out; i++)
        size += output_size(buf_view(&m->out[i].script));
    return signed_weight(inputs, m->n_in, size, m->n_out);
}

int64_t signed_weight(const struct input_size *inputs, size_t n_in,
                      int64_t outputs_size, size_t n_out)
{
    int64_t head = 8 + (int64_t)varint_size(n_in) + (int64_t)varint_size(n_out);
    int64_t weight = 4 * (head + outputs_size);
    int64_t empty_witnesses = 0;
    bool any_witness = false;
    for (size_t i = 0; i < n_in; i++) {
        weight += inputs[i].weight;
        any_witness = any_witness || inputs[i].is_witness;
        empty_witnesses += !inputs[i].is_witness && !inputs[i].given;
    }
    return any_witness ? weight + 2 : weight - empty_witnesses;
}
