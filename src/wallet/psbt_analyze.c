#include "wallet/psbt_analyze.h"

#include <stdlib.h>

#include "chain/params/params.h"
#include "wallet/input_size.h"
#include "wallet/psbt_fields.h"

const char *psbt_role_name(enum psbt_role r)
{
    static const char *const names[] = {"creator", "updater", "signer", "finalizer",
                                        "extractor"};
    return names[r];
}

/* -- Amounts -- */

static bool add_money(struct amount *sum, struct amount v)
{
    return money_range(v) && amount_add(sum, *sum, v) && money_range(*sum);
}

bool psbt_amount_in(const struct psbt *p, struct amount *out)
{
    *out = amount_of(0);
    for (uint32_t i = 0; i < p->tx->n_in; i++) {
        if (p->spent[i].script.data == NULL || !add_money(out, p->spent[i].value))
            return false;
    }
    return true;
}

bool psbt_amount_out(const struct psbt *p, struct amount *out)
{
    *out = amount_of(0);
    for (uint32_t i = 0; i < p->tx->n_out; i++) {
        if (!add_money(out, p->tx->out[i].value))
            return false;
    }
    return true;
}

/* -- Mistakes -- */

static char *find_mistake(const struct psbt *p)
{
    struct amount sum = amount_of(0);
    bool all_known = true;
    for (uint32_t i = 0; i < p->tx->n_in; i++) {
        const struct txout *spent = &p->spent[i];
        if (spent->script.data == NULL) {
            all_known = false;
            continue;
        }
        if (!add_money(&sum, spent->value))
            return xasprintf("PSBT is not valid. Input %u has invalid value", i);
        if (script_is_unspendable(spent->script))
            return xasprintf("PSBT is not valid. Input %u spends unspendable output",
                             i);
    }
    if (all_known && !psbt_amount_out(p, &sum))
        return xstrdup("PSBT is not valid. Output amount invalid");
    return NULL;
}

/* -- Inputs -- */

static bool lacks_only_signatures(const struct sig_missing *m)
{
    return m->n_pubkeys == 0 && !m->redeem_script && !m->witness_script &&
           m->n_sigs > 0;
}

static void analyze_input(struct psbt_input_state *s, struct psbt *p, uint32_t i,
                          const struct sighash_data *hashes)
{
    struct keystore none;
    s->has_utxo = p->spent[i].script.data != NULL;
    s->is_final = psbt_is_satisfied(p, i, hashes);
    s->next = PSBT_EXTRACTOR;
    if (s->is_final)
        return;
    keystore_init(&none);
    const struct psbt_signer how = {&none, SIGHASH_ALL, true, false};
    if (psbt_sign_input(p, i, hashes, &how, &s->missing))
        s->next = PSBT_FINALIZER;
    else
        s->next = lacks_only_signatures(&s->missing) ? PSBT_SIGNER : PSBT_UPDATER;
    keystore_clear(&none);
}

static void analyze_inputs(struct psbt_analysis *a, const struct psbt *p)
{
    struct psbt copy; /* is finalized on the way */
    struct sighash_data hashes;
    psbt_copy(&copy, p);
    psbt_hashes_init(&hashes, &copy);
    a->n_in = p->tx->n_in;
    a->in = xcalloc((size_t)a->n_in + 1, sizeof(*a->in));
    a->next = PSBT_EXTRACTOR;
    for (uint32_t i = 0; i < a->n_in; i++) {
        analyze_input(&a->in[i], &copy, i, &hashes);
        if (a->in[i].next < a->next)
            a->next = a->in[i].next;
    }
    sighash_data_clear(&hashes);
    psbt_clear(&copy);
}

/* -- Size -- */

static int64_t final_weight(const struct psbt_map *m)
{
    struct bytes script = psbt_value(m, PSBT_IN_FINAL_SCRIPT_SIG);
    struct bytes witness = psbt_value(m, PSBT_IN_FINAL_WITNESS);
    int64_t base = (int64_t)(32 + 4 + 4 + varint_size(script.len) + script.len);
    return base * WITNESS_SCALE_FACTOR +
           (witness.data != NULL ? (int64_t)witness.len : 1);
}

static struct input_size size_of_input(const struct chain_params *params,
                                       const struct psbt *p, uint32_t i)
{
    struct keystore known;
    if (psbt_is_final(p, i))
        return (struct input_size){
            .weight = final_weight(&p->in[i]),
            .is_witness = psbt_value(&p->in[i], PSBT_IN_FINAL_WITNESS).data != NULL};
    keystore_init(&known);
    psbt_learn(&known, p, i);
    struct input_size size =
        input_size_of_known(params, p->spent[i].script, &known, true);
    keystore_clear(&known);
    return size;
}

static int64_t outputs_size(const struct tx *tx)
{
    int64_t size = 0;
    for (uint32_t i = 0; i < tx->n_out; i++)
        size +=
            (int64_t)(8 + varint_size(tx->out[i].script.len) + tx->out[i].script.len);
    return size;
}

static int64_t estimate_vsize(const struct chain_params *params, const struct psbt *p)
{
    uint32_t n = p->tx->n_in;
    struct input_size *sizes = xcalloc((size_t)n + 1, sizeof(*sizes));
    int64_t vsize = -1;
    bool known = true;
    for (uint32_t i = 0; known && i < n; i++) {
        sizes[i] = size_of_input(params, p, i);
        known = sizes[i].weight >= 0;
    }
    if (known)
        vsize = (signed_weight(sizes, n, outputs_size(p->tx), p->tx->n_out) + 3) / 4;
    free(sizes);
    return vsize;
}

/* -- All of it -- */

void psbt_analyze(struct psbt_analysis *a, const struct chain_params *params,
                  const struct psbt *p)
{
    struct amount in, out;
    *a = (struct psbt_analysis){.next = PSBT_CREATOR, .vsize = -1};
    a->error = find_mistake(p);
    if (a->error != NULL)
        return;
    analyze_inputs(a, p);
    a->has_fee = psbt_amount_in(p, &in) && psbt_amount_out(p, &out);
    if (!a->has_fee)
        return;
    a->fee = amount_of(in.v - out.v);
    a->vsize = estimate_vsize(params, p);
}

void psbt_analysis_clear(struct psbt_analysis *a)
{
    for (uint32_t i = 0; i < a->n_in; i++)
        sig_missing_clear(&a->in[i].missing);
    free(a->in);
    free(a->error);
    *a = (struct psbt_analysis){.vsize = -1};
}
