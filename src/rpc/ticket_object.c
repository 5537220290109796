#include "rpc/ticket_object.h"

#include <stdio.h>
#include <stdlib.h>

#include "chain/script/address.h"
#include "chain/store/coins_cache.h"
#include "chain/validation/chainman.h"
#include "rpc/subcommand.h"

const struct ticket_kind *ticket_kind_arg(struct rpc_call *c, size_t i)
{
    const char *name = subcommand_text(c, i);
    const struct ticket_kind *kind = name != NULL ? ticket_kind_by_name(name) : NULL;
    struct buf names = {0};
    if (kind != NULL)
        return kind;
    for (size_t k = 0; ticket_kind_at(k) != NULL; k++)
        buf_printf(&names, "%s%s", k > 0 ? ", " : "", ticket_kind_at(k)->name);
    rpc_error(c, RPC_INVALID_PARAMETER, "There is no ticket kind \"%s\"; kinds are: %s",
              name != NULL ? name : "", buf_cstr(&names));
    buf_clear(&names);
    return NULL;
}

/* --- fields --- */

/* "owner_script" is also said as "owner_address", "size_in_megabytes" as "size". */
static bool is_other_name(const struct ticket_field *f, const char *name)
{
    const char *tail = f->type == FIELD_SCRIPT      ? "script"
                       : f->type == FIELD_MEGABYTES ? "_in_megabytes"
                                                    : NULL;
    if (tail == NULL)
        return false;
    size_t stem = strlen(f->name) - strlen(tail);
    return strncmp(f->name, name, stem) == 0 &&
           strcmp(name + stem, f->type == FIELD_SCRIPT ? "address" : "") == 0;
}

static bool is_field_name(const struct ticket_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->n_fields; i++)
        if (strcmp(kind->fields[i].name, name) == 0 ||
            is_other_name(&kind->fields[i], name))
            return true;
    return false;
}

static bool is_said(const struct json *obj, const struct ticket_field *f)
{
    for (size_t i = 0; i < obj->len; i++) {
        const char *name = obj->keys[i].str;
        if ((strcmp(name, f->name) == 0 || is_other_name(f, name)) &&
            json_get(obj, name)->type != JSON_NULL)
            return true;
    }
    return false;
}

static bool check_names(struct rpc_call *c, const struct ticket_kind *kind,
                        const struct json *obj, const struct rpc_field *options)
{
    for (size_t i = 0; i < obj->len; i++) {
        const char *name = obj->keys[i].str;
        const struct rpc_field *o = options;
        while (o->name != NULL && strcmp(o->name, name) != 0)
            o++;
        if (o->name == NULL && !is_field_name(kind, name)) {
            rpc_error(c, RPC_INVALID_PARAMETER, "Unexpected key %s", name);
            return false;
        }
    }
    return rpc_check_fields(c, obj, options, false);
}

bool ticket_object_read(struct rpc_call *c, struct ticket_draft *d,
                        const struct json *obj, const struct rpc_field *options,
                        enum ticket_object_use use)
{
    if (!check_names(c, d->kind, obj, options))
        return false;
    for (size_t i = 0; i < d->kind->n_fields; i++) {
        const struct ticket_field *f = &d->kind->fields[i];
        const char *error;
        d->given[i] = is_said(obj, f);
        bool needed = use == TICKET_FOR_CHAIN && !ticket_draft_knows(f);
        if (!d->given[i] && !needed)
            continue;
        if (!ticket_field_from_json(&d->raw[i], f, d->params, obj, c->mem, &error)) {
            rpc_error(c, RPC_INVALID_PARAMETER, "%s", error);
            return false;
        }
    }
    return true;
}

static bool coin_at_tip(void *ctx, const struct outpoint *o, struct coin *out)
{
    struct rpc_call *c = ctx;
    return coins_peek(chainman_coins(c->node->chainman), o, out, c->mem);
}

static bool complete_at_tip(struct rpc_call *c, struct ticket_draft *d,
                            const struct amount *burn, char **error)
{
    struct chainman *cm = c->node->chainman;
    chainman_read_lock(cm);
    struct rule_env next = {.params = c->node->params,
                            .height = chain_height(cm) + 1,
                            .state = state_begin(chainman_state(cm)),
                            .coin = coin_at_tip,
                            .coin_ctx = c};
    bool ok = ticket_draft_complete(d, &next, burn, error);
    state_discard(next.state);
    chainman_read_unlock(cm);
    return ok;
}

bool ticket_object_complete(struct rpc_call *c, struct ticket_draft *d,
                            const struct json *obj, enum ticket_object_use use)
{
    const struct json *burn = json_get(obj, "burn");
    struct amount wanted;
    char *error = NULL;
    bool has_burn = burn != NULL && burn->type != JSON_NULL;
    if (has_burn && !rpc_to_amount(c, burn, &wanted))
        return false;
    bool ok = complete_at_tip(c, d, has_burn ? &wanted : NULL, &error) &&
              (use == TICKET_FOR_COST || ticket_draft_check(d, &error));
    if (!ok)
        rpc_error(c, RPC_INVALID_PARAMETER, "%s", error);
    free(error);
    return ok;
}

/* --- prices --- */

static void write_share(struct rpc_call *c, const struct quote *q, size_t i)
{
    const struct committee_member *m = q->member[i];
    struct destination d;
    char text[ADDRESS_MAX];
    json_begin_object(c->w);
    json_kv_hash(c->w, "supernode", &m->sn);
    if (destination_from_script(&d, m->payout_script))
        json_kv_str(c->w, "address", address_encode(text, c->node->params, &d));
    rpc_write_amount(c, "amount", amount_of((int64_t)q->share[i]));
    json_end_object(c->w);
}

void ticket_object_write_price(struct rpc_call *c, const struct ticket_draft *d)
{
    rpc_write_amount(c, "burned", d->burn);
    if (!d->pays)
        return;
    rpc_write_amount(c, "paid", amount_of((int64_t)d->quote.paid));
    json_key(c->w, "payments");
    json_begin_array(c->w);
    for (size_t i = 0; i < PAID_MEMBERS; i++)
        write_share(c, &d->quote, i);
    json_end_array(c->w);
}
