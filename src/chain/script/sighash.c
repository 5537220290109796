#include "chain/script/sighash.h"

#include <stdlib.h>

#include "chain/script/script.h"
#include "crypto/sha256.h"
#include "util/mem.h"

/* An input without script: outpoint, empty script, sequence. */
#define BLANK_INPUT_SIZE 41
#define MIDSTATE_STEP    16
/* Below this the shared work costs more than it saves. */
#define MANY_INPUTS 8

/* -- Slices of the transaction's own bytes -- */

static const uint8_t *input_start(const struct txin *in)
{
    return in->script_sig.data - varint_size(in->script_sig.len) - 36;
}

static const uint8_t *sequence_bytes(const struct txin *in)
{
    return in->script_sig.data + in->script_sig.len;
}

static struct bytes output_bytes(const struct txout *out)
{
    size_t head = 8 + varint_size(out->script.len);
    return bytes_of(out->script.data - head, head + out->script.len);
}

/* All outputs, serialised one after the other, without their count. */
static struct bytes all_outputs(const struct tx *tx)
{
    if (tx->n_out == 0)
        return bytes_of(NULL, 0);
    const struct txout *last = &tx->out[tx->n_out - 1];
    const uint8_t *start = output_bytes(&tx->out[0]).data;
    return bytes_of(start, (size_t)(last->script.data + last->script.len - start));
}

static void put_slice(struct sha256 *h, struct bytes b)
{
    sha256_update(h, b.data, b.len);
}

static struct hash256 finish(struct sha256 *h)
{
    struct hash256 out;
    sha256_final(h, out.b);
    return out;
}

static struct hash256 finish_double(struct sha256 *h)
{
    struct hash256 out;
    sha256d_final(h, out.b);
    return out;
}

static struct hash256 again(const struct hash256 *single)
{
    struct hash256 out;
    sha256(out.b, single->b, 32);
    return out;
}

/* -- Shared by all inputs -- */

static struct hash256 hash_prevouts(const struct tx *tx)
{
    struct sha256 h;
    sha256_init(&h);
    for (uint32_t i = 0; i < tx->n_in; i++)
        sha256_update(&h, input_start(&tx->in[i]), 36);
    return finish(&h);
}

static struct hash256 hash_sequences(const struct tx *tx)
{
    struct sha256 h;
    sha256_init(&h);
    for (uint32_t i = 0; i < tx->n_in; i++)
        sha256_update(&h, sequence_bytes(&tx->in[i]), 4);
    return finish(&h);
}

static struct hash256 hash_outputs(const struct tx *tx)
{
    struct hash256 out;
    struct bytes all = all_outputs(tx);
    sha256(out.b, all.data, all.len);
    return out;
}

static struct hash256 hash_amounts(const struct txout *spent, uint32_t n)
{
    struct sha256 h;
    sha256_init(&h);
    struct sink s = sha256_sink(&h);
    for (uint32_t i = 0; i < n; i++)
        write_i64(&s, spent[i].value.v);
    return finish(&h);
}

static struct hash256 hash_scripts(const struct txout *spent, uint32_t n)
{
    struct sha256 h;
    sha256_init(&h);
    struct sink s = sha256_sink(&h);
    for (uint32_t i = 0; i < n; i++)
        write_var(&s, spent[i].script);
    return finish(&h);
}

static void put_blank(uint8_t out[BLANK_INPUT_SIZE], const struct txin *in)
{
    memcpy(out, input_start(in), 36);
    out[36] = 0;
    memcpy(out + 37, sequence_bytes(in), 4);
}

static void init_legacy(struct sighash_data *d)
{
    const struct tx *tx = d->tx;
    struct sha256 h;
    size_t steps = (tx->n_in + MIDSTATE_STEP - 1) / MIDSTATE_STEP;

    d->blank_inputs = xmalloc((size_t)tx->n_in * BLANK_INPUT_SIZE);
    d->midstates = xmalloc(steps * sizeof(*d->midstates));
    sha256_init(&h);
    struct sink s = sha256_sink(&h);
    write_u32(&s, (uint32_t)tx->version);
    write_varint(&s, tx->n_in);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        uint8_t *blank = d->blank_inputs + (size_t)i * BLANK_INPUT_SIZE;
        if (i % MIDSTATE_STEP == 0)
            d->midstates[i / MIDSTATE_STEP] = h;
        put_blank(blank, &tx->in[i]);
        sha256_update(&h, blank, BLANK_INPUT_SIZE);
    }
}

struct needs {
    bool legacy, v0, v1;
};

static struct needs find_needs(const struct tx *tx, const struct txout *spent)
{
    struct needs need = {0};
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (tx->in[i].n_witness == 0)
            need.legacy = true;
        else if (spent != NULL && script_is_p2tr(spent[i].script))
            need.v1 = true;
        else
            need.v0 = true;
    }
    return need;
}

static void init_shared(struct sighash_data *d, bool v0, bool v1)
{
    const struct tx *tx = d->tx;
    if (v0 || v1) {
        d->prevouts = hash_prevouts(tx);
        d->sequences = hash_sequences(tx);
        d->outputs = hash_outputs(tx);
    }
    if (v0) {
        d->prevouts_d = again(&d->prevouts);
        d->sequences_d = again(&d->sequences);
        d->outputs_d = again(&d->outputs);
    }
    if (v1) {
        d->amounts = hash_amounts(d->spent, tx->n_in);
        d->scripts = hash_scripts(d->spent, tx->n_in);
    }
    d->have_v0 = v0;
    d->have_v1 = v1;
}

void sighash_data_init(struct sighash_data *d, const struct tx *tx,
                       const struct txout *spent, bool force)
{
    *d = (struct sighash_data){.tx = tx, .spent = spent, .spent_known = spent != NULL};
    struct needs need = find_needs(tx, spent);
    init_shared(d, need.v0 || force, d->spent_known && (need.v1 || force));
    if (need.legacy && tx->n_in > MANY_INPUTS)
        init_legacy(d);
}

void sighash_data_init_partial(struct sighash_data *d, const struct tx *tx,
                               const struct txout *spent)
{
    *d = (struct sighash_data){.tx = tx, .spent = spent, .spent_known = true};
    for (uint32_t i = 0; i < tx->n_in; i++)
        d->spent_known = d->spent_known && spent[i].script.data != NULL;
    init_shared(d, true, d->spent_known);
}

void sighash_data_clear(struct sighash_data *d)
{
    free(d->blank_inputs);
    free(d->midstates);
    d->blank_inputs = NULL;
    d->midstates = NULL;
}

/* -- Legacy -- */

/* The script code with its length, OP_CODESEPARATORs left out. */
static void put_code(struct sha256 *h, struct bytes code)
{
    struct script_op op;
    struct sink s = sha256_sink(h);
    size_t pos = 0, separators = 0;
    while (script_next(code, &pos, &op))
        separators += op.code == OP_CODESEPARATOR;
    write_varint(&s, code.len - separators);
    size_t start = 0;
    for (pos = 0; separators > 0 && script_next(code, &pos, &op);) {
        if (op.code != OP_CODESEPARATOR)
            continue;
        sha256_update(h, code.data + start, pos - 1 - start);
        start = pos;
        separators--;
    }
    sha256_update(h, code.data + start, code.len - start);
}

static void put_signed_input(struct sha256 *h, const struct txin *in, struct bytes code)
{
    sha256_update(h, input_start(in), 36);
    put_code(h, code);
    sha256_update(h, sequence_bytes(in), 4);
}

static void put_other_input(struct sha256 *h, const struct txin *in, bool keep_sequence)
{
    uint8_t blank[BLANK_INPUT_SIZE];
    put_blank(blank, in);
    if (!keep_sequence)
        memset(blank + 37, 0, 4);
    sha256_update(h, blank, sizeof(blank));
}

/* Version and inputs from what all inputs share: only those after @input are hashed
 * anew. */
static void put_inputs_shared(struct sha256 *h, const struct sighash_data *d,
                              uint32_t input, struct bytes code)
{
    uint32_t first = input - input % MIDSTATE_STEP;
    const uint8_t *blank = d->blank_inputs;
    const uint8_t *after = blank + ((size_t)input + 1) * BLANK_INPUT_SIZE;

    *h = d->midstates[input / MIDSTATE_STEP];
    sha256_update(h, blank + (size_t)first * BLANK_INPUT_SIZE,
                  (size_t)(input - first) * BLANK_INPUT_SIZE);
    put_signed_input(h, &d->tx->in[input], code);
    sha256_update(h, after, (size_t)(d->tx->n_in - input - 1) * BLANK_INPUT_SIZE);
}

static void put_inputs(struct sha256 *h, const struct tx *tx, uint32_t input,
                       struct bytes code, int32_t hash_type)
{
    bool only_this = (hash_type & SIGHASH_ANYONECANPAY) != 0;
    int outputs = hash_type & 0x1f;
    bool keep_sequence = outputs != SIGHASH_NONE && outputs != SIGHASH_SINGLE;
    sha256_init(h);
    struct sink s = sha256_sink(h);
    write_u32(&s, (uint32_t)tx->version);
    write_varint(&s, only_this ? 1 : tx->n_in);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (i == input)
            put_signed_input(h, &tx->in[i], code);
        else if (!only_this)
            put_other_input(h, &tx->in[i], keep_sequence);
    }
}

static void put_outputs(struct sha256 *h, const struct tx *tx, uint32_t input,
                        int32_t hash_type)
{
    static const uint8_t null_output[9] = {0xff, 0xff, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0};
    struct sink s = sha256_sink(h);
    switch (hash_type & 0x1f) {
    case SIGHASH_NONE:
        write_varint(&s, 0);
        return;
    case SIGHASH_SINGLE:
        write_varint(&s, (uint64_t)input + 1);
        for (uint32_t i = 0; i < input; i++)
            sha256_update(h, null_output, sizeof(null_output));
        put_slice(h, output_bytes(&tx->out[input]));
        return;
    default:
        write_varint(&s, tx->n_out);
        put_slice(h, all_outputs(tx));
    }
}

struct hash256 sighash_legacy(const struct sighash_data *d, uint32_t input,
                              struct bytes code, int32_t hash_type)
{
    const struct tx *tx = d->tx;
    struct sha256 h;
    ASSERT(input < tx->n_in);
    if ((hash_type & 0x1f) == SIGHASH_SINGLE && input >= tx->n_out)
        return (struct hash256){{1}}; /* the number one: an old mistake, now a rule */

    bool all_inputs = !(hash_type & SIGHASH_ANYONECANPAY) &&
                      (hash_type & 0x1f) != SIGHASH_NONE &&
                      (hash_type & 0x1f) != SIGHASH_SINGLE;
    if (all_inputs && d->midstates != NULL)
        put_inputs_shared(&h, d, input, code);
    else
        put_inputs(&h, tx, input, code, hash_type);
    put_outputs(&h, tx, input, hash_type);
    struct sink s = sha256_sink(&h);
    write_u32(&s, tx->locktime);
    write_u32(&s, (uint32_t)hash_type);
    return finish_double(&h);
}

/* -- BIP 143 -- */

static struct hash256 v0_outputs(const struct sighash_data *d, uint32_t input, int type)
{
    struct hash256 out = {{0}};
    if (type != SIGHASH_SINGLE && type != SIGHASH_NONE)
        return d->outputs_d;
    if (type == SIGHASH_SINGLE && input < d->tx->n_out) {
        struct bytes one = output_bytes(&d->tx->out[input]);
        sha256d(out.b, one.data, one.len);
    }
    return out;
}

struct hash256 sighash_v0(const struct sighash_data *d, uint32_t input,
                          struct bytes code, struct amount value, int32_t hash_type)
{
    static const struct hash256 zero;
    const struct tx *tx = d->tx;
    const struct txin *in = &tx->in[input];
    bool only_this = (hash_type & SIGHASH_ANYONECANPAY) != 0;
    int type = hash_type & 0x1f;
    bool sequences = !only_this && type != SIGHASH_SINGLE && type != SIGHASH_NONE;
    struct hash256 outputs = v0_outputs(d, input, type);
    struct sha256 h;

    ASSERT(d->have_v0 && input < tx->n_in);
    sha256_init(&h);
    struct sink s = sha256_sink(&h);
    write_u32(&s, (uint32_t)tx->version);
    write_hash256(&s, only_this ? &zero : &d->prevouts_d);
    write_hash256(&s, sequences ? &d->sequences_d : &zero);
    write_bytes(&s, input_start(in), 36);
    write_var(&s, code);
    write_i64(&s, value.v);
    write_u32(&s, in->sequence);
    write_hash256(&s, &outputs);
    write_u32(&s, tx->locktime);
    write_u32(&s, (uint32_t)hash_type);
    return finish_double(&h);
}

/* -- BIP 341 -- */

static bool v1_type_defined(uint8_t t)
{
    return t <= SIGHASH_SINGLE || (t >= (SIGHASH_ANYONECANPAY | SIGHASH_ALL) &&
                                   t <= (SIGHASH_ANYONECANPAY | SIGHASH_SINGLE));
}

static void put_v1_shared(struct sink *s, const struct sighash_data *d,
                          uint8_t hash_type)
{
    if (!(hash_type & SIGHASH_ANYONECANPAY)) {
        write_hash256(s, &d->prevouts);
        write_hash256(s, &d->amounts);
        write_hash256(s, &d->scripts);
        write_hash256(s, &d->sequences);
    }
    if ((hash_type & 3) == SIGHASH_ALL || hash_type == SIGHASH_DEFAULT)
        write_hash256(s, &d->outputs);
}

static void put_v1_input(struct sink *s, const struct sighash_data *d, uint32_t input,
                         uint8_t hash_type)
{
    if (!(hash_type & SIGHASH_ANYONECANPAY)) {
        write_u32(s, input);
        return;
    }
    write_bytes(s, input_start(&d->tx->in[input]), 36);
    write_i64(s, d->spent[input].value.v);
    write_var(s, d->spent[input].script);
    write_u32(s, d->tx->in[input].sequence);
}

bool sighash_v1(struct hash256 *out, const struct sighash_data *d, uint32_t input,
                uint8_t hash_type, const struct sighash_taproot *t)
{
    const struct tx *tx = d->tx;
    bool single = (hash_type & 3) == SIGHASH_SINGLE;
    struct sha256 h;

    ASSERT(input < tx->n_in);
    if (!d->have_v1 || !v1_type_defined(hash_type) || (single && input >= tx->n_out))
        return false;
    sha256_init_tagged(&h, "TapSighash");
    struct sink s = sha256_sink(&h);
    write_u8(&s, 0); /* epoch */
    write_u8(&s, hash_type);
    write_u32(&s, (uint32_t)tx->version);
    write_u32(&s, tx->locktime);
    put_v1_shared(&s, d, hash_type);
    write_u8(&s, (uint8_t)(t->script_path << 1 | t->has_annex));
    put_v1_input(&s, d, input, hash_type);
    if (t->has_annex)
        write_hash256(&s, &t->annex_hash);
    if (single) {
        struct hash256 one;
        struct bytes b = output_bytes(&tx->out[input]);
        sha256(one.b, b.data, b.len);
        write_hash256(&s, &one);
    }
    if (t->script_path) {
        write_hash256(&s, &t->leaf_hash);
        write_u8(&s, 0); /* key version */
        write_u32(&s, t->codeseparator);
    }
    *out = finish(&h);
    return true;
}

struct hash256 tapleaf_hash(uint8_t leaf_version, struct bytes script)
{
    struct sha256 h;
    sha256_init_tagged(&h, "TapLeaf");
    struct sink s = sha256_sink(&h);
    write_u8(&s, leaf_version);
    write_var(&s, script);
    return finish(&h);
}

struct hash256 tapbranch_hash(const struct hash256 *a, const struct hash256 *b)
{
    struct sha256 h;
    bool swap = memcmp(a->b, b->b, 32) > 0;
    sha256_init_tagged(&h, "TapBranch");
    sha256_update(&h, swap ? b->b : a->b, 32);
    sha256_update(&h, swap ? a->b : b->b, 32);
    return finish(&h);
}

struct hash256 taptweak_hash(const uint8_t internal[32], const struct hash256 *root)
{
    struct sha256 h;
    sha256_init_tagged(&h, "TapTweak");
    sha256_update(&h, internal, 32);
    if (root != NULL)
        sha256_update(&h, root->b, 32);
    return finish(&h);
}
