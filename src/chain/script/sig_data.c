#include <stdlib.h>

#include "chain/params/params.h"
#include "chain/script/sign_impl.h"
#include "chain/script/solver.h"
#include "util/mem.h"

/* -- What is known of an input -- */

void sig_data_clear_witness(struct sig_data *d)
{
    for (uint32_t i = 0; i < d->n_witness; i++)
        buf_clear(&d->witness[i]);
    free(d->witness);
    d->witness = NULL;
    d->n_witness = 0;
}

void sig_missing_clear(struct sig_missing *m)
{
    free(m->pubkeys);
    free(m->sigs);
    *m = (struct sig_missing){0};
}

static void add_id(uint8_t (**ids)[20], size_t *n, const uint8_t id[20])
{
    for (size_t i = 0; i < *n; i++) {
        if (memcmp((*ids)[i], id, 20) == 0)
            return;
    }
    *ids = xrealloc_array(*ids, *n + 1, 20);
    memcpy((*ids)[(*n)++], id, 20);
}

void sig_missing_add_pubkey(struct sig_missing *m, const uint8_t id[20])
{
    add_id(&m->pubkeys, &m->n_pubkeys, id);
}

void sig_missing_add_sig(struct sig_missing *m, const uint8_t id[20])
{
    add_id(&m->sigs, &m->n_sigs, id);
}

void sig_data_clear(struct sig_data *d)
{
    sig_data_clear_witness(d);
    buf_clear(&d->script_sig);
    buf_clear(&d->redeem_script);
    buf_clear(&d->witness_script);
    for (size_t i = 0; i < d->n_sigs; i++)
        buf_clear(&d->sigs[i].sig);
    free(d->sigs);
    buf_clear(&d->tap_key_sig);
    for (size_t i = 0; i < d->n_tap_sigs; i++)
        buf_clear(&d->tap_sigs[i].sig);
    free(d->tap_sigs);
    for (size_t i = 0; i < d->n_preimages; i++)
        buf_clear(&d->preimages[i].value);
    free(d->preimages);
    sig_missing_clear(&d->missing);
    *d = (struct sig_data){0};
}

void sig_data_replace(struct buf *out, struct bytes with)
{
    buf_reset(out);
    buf_append(out, with.data, with.len);
}

void sig_data_set_witness(struct sig_data *d, const struct bytes *items, size_t n)
{
    sig_data_clear_witness(d);
    d->witness = xcalloc(n + 1, sizeof(*d->witness));
    d->n_witness = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        buf_append(&d->witness[i], items[i].data, items[i].len);
}

const struct partial_sig *sig_data_find_sig(const struct sig_data *d,
                                            struct bytes pubkey)
{
    for (size_t i = 0; i < d->n_sigs; i++) {
        if (bytes_equal(bytes_of(d->sigs[i].pubkey, d->sigs[i].pubkey_len), pubkey))
            return &d->sigs[i];
    }
    return NULL;
}

void sig_data_add_sig(struct sig_data *d, struct bytes pubkey, struct bytes sig)
{
    if (sig_data_find_sig(d, pubkey) != NULL)
        return;
    d->sigs = xrealloc_array(d->sigs, d->n_sigs + 1, sizeof(*d->sigs));
    struct partial_sig *s = &d->sigs[d->n_sigs++];
    *s = (struct partial_sig){.pubkey_len = (uint8_t)pubkey.len};
    memcpy(s->pubkey, pubkey.data, pubkey.len);
    buf_append(&s->sig, sig.data, sig.len);
}

const struct tap_sig *sig_data_find_tap_sig(const struct sig_data *d,
                                            const uint8_t xonly[32],
                                            const struct hash256 *leaf)
{
    for (size_t i = 0; i < d->n_tap_sigs; i++) {
        const struct tap_sig *s = &d->tap_sigs[i];
        if (memcmp(s->xonly, xonly, 32) == 0 && hash256_equal(&s->leaf, leaf))
            return s;
    }
    return NULL;
}

void sig_data_add_tap_sig(struct sig_data *d, const uint8_t xonly[32],
                          const struct hash256 *leaf, struct bytes sig)
{
    if (sig_data_find_tap_sig(d, xonly, leaf) != NULL)
        return;
    d->tap_sigs = xrealloc_array(d->tap_sigs, d->n_tap_sigs + 1, sizeof(*d->tap_sigs));
    struct tap_sig *s = &d->tap_sigs[d->n_tap_sigs++];
    *s = (struct tap_sig){.leaf = *leaf};
    memcpy(s->xonly, xonly, 32);
    buf_append(&s->sig, sig.data, sig.len);
}

size_t preimage_hash_size(enum preimage_kind kind)
{
    return kind == PREIMAGE_RIPEMD160 || kind == PREIMAGE_HASH160 ? 20 : 32;
}

const struct preimage *sig_data_find_preimage(const struct sig_data *d,
                                              enum preimage_kind kind,
                                              const uint8_t *hash)
{
    for (size_t i = 0; i < d->n_preimages; i++) {
        const struct preimage *p = &d->preimages[i];
        if (p->kind == kind && memcmp(p->hash, hash, preimage_hash_size(kind)) == 0)
            return p;
    }
    return NULL;
}

void sig_data_add_preimage(struct sig_data *d, enum preimage_kind kind,
                           const uint8_t *hash, struct bytes value)
{
    if (sig_data_find_preimage(d, kind, hash) != NULL)
        return;
    d->preimages =
        xrealloc_array(d->preimages, d->n_preimages + 1, sizeof(*d->preimages));
    struct preimage *p = &d->preimages[d->n_preimages++];
    *p = (struct preimage){.kind = kind};
    memcpy(p->hash, hash, preimage_hash_size(kind));
    buf_append(&p->value, value.data, value.len);
}

struct bytes *sig_data_witness_views(const struct sig_data *d)
{
    struct bytes *out = xcalloc(d->n_witness + 1, sizeof(*out));
    for (uint32_t i = 0; i < d->n_witness; i++)
        out[i] = buf_view(&d->witness[i]);
    return out;
}

static void merge_taproot(struct sig_data *d, const struct sig_data *from)
{
    if (d->tap_key_sig.len == 0)
        sig_data_replace(&d->tap_key_sig, buf_view(&from->tap_key_sig));
    for (size_t i = 0; i < from->n_tap_sigs; i++) {
        const struct tap_sig *s = &from->tap_sigs[i];
        sig_data_add_tap_sig(d, s->xonly, &s->leaf, buf_view(&s->sig));
    }
}

void sig_data_merge(struct sig_data *d, const struct sig_data *from)
{
    if (d->complete)
        return;
    if (from->complete) {
        struct bytes *items = sig_data_witness_views(from);
        sig_data_set_witness(d, items, from->n_witness);
        free(items);
        sig_data_replace(&d->script_sig, buf_view(&from->script_sig));
        d->complete = true;
        return;
    }
    if (d->redeem_script.len == 0)
        sig_data_replace(&d->redeem_script, buf_view(&from->redeem_script));
    if (d->witness_script.len == 0)
        sig_data_replace(&d->witness_script, buf_view(&from->witness_script));
    for (size_t i = 0; i < from->n_sigs; i++) {
        const struct partial_sig *s = &from->sigs[i];
        sig_data_add_sig(d, bytes_of(s->pubkey, s->pubkey_len), buf_view(&s->sig));
    }
    merge_taproot(d, from);
    for (size_t i = 0; i < from->n_preimages; i++) {
        const struct preimage *p = &from->preimages[i];
        sig_data_add_preimage(d, p->kind, p->hash, buf_view(&p->value));
    }
}

void sig_data_store(const struct sig_data *d, struct mtxin *in)
{
    struct bytes *items = sig_data_witness_views(d);
    sig_data_replace(&in->script_sig, buf_view(&d->script_sig));
    mtxin_set_witness(in, items, d->n_witness);
    free(items);
}

/* -- Reading what others signed -- */

#define MAX_ITEMS 64

/* What a push-only script leaves on the stack; 0 for any other. */
static size_t pushed_items(struct bytes script, struct bytes out[MAX_ITEMS])
{
    struct script_op op;
    size_t pos = 0, n = 0;
    while (script_next(script, &pos, &op)) {
        if (op.code > OP_PUSHDATA4 || n == MAX_ITEMS)
            return 0;
        out[n++] = op.data;
    }
    return pos == script.len ? n : 0;
}

/* Signatures stand in the order of their keys, with gaps. */
static void match_multisig(struct sig_data *d, const struct sig_checker *checker,
                           const struct script_solution *s, struct bytes code,
                           enum sig_version version, const struct bytes *items,
                           size_t n)
{
    unsigned next = 0;
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = next; items[i].len > 0 && k < s->n_keys; k++) {
            if (!sig_checker_ecdsa(checker, items[i], s->keys[k], code, version))
                continue;
            sig_data_add_sig(d, s->keys[k], items[i]);
            next = k + 1;
            break;
        }
    }
}

static void read_partial(struct sig_data *d, const struct sig_checker *checker,
                         struct bytes code, const struct txin *in)
{
    struct bytes pushed[MAX_ITEMS];
    const struct bytes *items = pushed;
    struct script_solution s;
    enum sig_version version = SIG_BASE;
    size_t n = pushed_items(in->script_sig, pushed);

    script_solve(&s, code);
    if (s.type == SCRIPT_SCRIPTHASH && n > 0 && items[n - 1].len > 0) {
        code = items[--n];
        sig_data_replace(&d->redeem_script, code);
        script_solve(&s, code);
    }
    if (s.type == SCRIPT_WITNESS_V0_SCRIPTHASH && in->n_witness > 0 &&
        in->witness[in->n_witness - 1].len > 0) {
        items = in->witness;
        n = in->n_witness - 1;
        code = items[n];
        sig_data_replace(&d->witness_script, code);
        script_solve(&s, code);
        version = SIG_WITNESS_V0;
    }
    if (s.type == SCRIPT_MULTISIG)
        match_multisig(d, checker, &s, code, version, items, n);
}

void sig_data_from_input(struct sig_data *d, const struct sig_checker *checker,
                         struct bytes script_pubkey)
{
    const struct txin *in = &checker->data->tx->in[checker->input];
    *d = (struct sig_data){0};
    sig_data_replace(&d->script_sig, in->script_sig);
    sig_data_set_witness(d, in->witness, in->n_witness);
    d->complete = script_verify(in->script_sig, script_pubkey, in->witness,
                                in->n_witness, SCRIPT_VERIFY_STANDARD, checker, NULL);
    if (!d->complete)
        read_partial(d, checker, script_pubkey, in);
}
