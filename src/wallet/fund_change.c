/* Where change goes. */
#include "wallet/fund.h"

#include "chain/rules/policy.h"
#include "wallet/spkman.h"
#include "wallet/wallet.h"

/* Of a nested P2WPKH input: when the wallet cannot tell the size of its change. */
#define DEFAULT_SPEND_VSIZE 91

static bool has_change_of(const struct wallet *w, enum output_type t)
{
    return spkman_active(w->spkman, t, true) != NULL;
}

static bool pays_to(const struct spend_request *rq, enum destination_type t)
{
    for (size_t i = 0; i < rq->n_outputs; i++) {
        struct destination d;
        destination_from_script(&d, rq->outputs[i].script);
        if (d.type == t)
            return true;
    }
    return false;
}

/* Change that looks like a payment tells less. */
static enum output_type suiting_type(const struct wallet *w,
                                     const struct spend_request *rq)
{
    static const struct {
        enum destination_type pays;
        enum output_type type;
    } prefer[] = {
        {DEST_TR, OUTPUT_BECH32M},
        {DEST_WPKH, OUTPUT_BECH32},
        {DEST_SH, OUTPUT_P2SH_SEGWIT},
        {DEST_PKH, OUTPUT_LEGACY},
    };
    for (size_t i = 0; i < ARRAY_LEN(prefer); i++) {
        if (pays_to(rq, prefer[i].pays) && has_change_of(w, prefer[i].type))
            return prefer[i].type;
    }
    if (has_change_of(w, OUTPUT_BECH32M))
        return OUTPUT_BECH32M;
    if (has_change_of(w, OUTPUT_BECH32))
        return OUTPUT_BECH32;
    return w->opt->address_type;
}

static enum output_type change_type(const struct fund *f)
{
    const struct wallet_options *opt = f->w->opt;
    if (f->cc->change_type != CHANGE_AUTO)
        return f->cc->change_type;
    if (opt->change_type != OUTPUT_NONE)
        return opt->change_type;
    if (opt->address_type == OUTPUT_LEGACY)
        return OUTPUT_LEGACY;
    return suiting_type(f->w, f->rq);
}

static void choose_script(struct fund *f)
{
    struct fund_change *c = &f->change;
    if (f->cc->change.type != DEST_NONE)
        destination_to_script(&c->script, &f->cc->change);
    else if (spkman_peek_address(f->w->spkman, change_type(f), true, &c->dest, &c->why))
        destination_to_script(&c->script, &c->dest);
    else
        c->dest.type = DEST_NONE;
}

void fund_set_change(struct fund *f)
{
    struct fund_change *c = &f->change;
    choose_script(f);
    c->vsize = output_size(buf_view(&c->script));
    struct input_size spend = input_size(&f->sizes, buf_view(&c->script), false);
    c->spend_vsize = spend.weight >= 0 ? (spend.weight + 3) / 4 : DEFAULT_SPEND_VSIZE;
}
